//! When the packets of a segment are sent.

use super::{DECODE_LEAD, MuxError, SYSTEM_TICKS, Span, TRANSMIT_LEAD, Unit};

/// Longest time between two PCR, in 27 MHz ticks: 40 ms (ETSI TR 101 290 §5.2.2).
pub(super) const PCR_INTERVAL: i64 = 1_080_000;
/// An access unit takes no longer to send, in 27 MHz ticks: 100 ms.
const LONGEST_SLICE: i64 = 2_700_000;
/// Closer access units share a PCR, in 27 MHz ticks: 15 ms.
const SHORTEST_PCR: i64 = 405_000;
/// Segments are shorter, in 90 kHz ticks: 10 minutes.
const LONGEST_SPAN: i64 = 54_000_000;
/// Presentation may be so long after the segment's end, in 90 kHz ticks: 1 s.
const PTS_SLACK: i64 = 90_000;
/// Audio may start so long before its segment or end after it, in 90 kHz ticks:
/// 200 ms. It is left out then; more is another timeline.
const AUDIO_SLACK: i64 = 18_000;
/// Roundings of timescales on the way to 90 kHz sum up to less.
const ROUNDING: i64 = 4;

/// When a segment is sent, in 27 MHz ticks since the Unix epoch; windows of
/// adjoining segments adjoin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Window {
    pub(super) start: i64,
    pub(super) end: i64,
}

impl Window {
    /// The window of a segment, if it has a sensible one.
    pub(super) fn of(span: Span) -> Result<Self, MuxError> {
        const LATEST: i64 = i64::MAX / SYSTEM_TICKS / 2;
        let sane = (0..LATEST).contains(&span.start)
            && span.end.checked_sub(span.start).is_some_and(|length| (1..=LONGEST_SPAN).contains(&length));
        let at = |time: i64| (time - TRANSMIT_LEAD) * SYSTEM_TICKS;
        sane.then(|| Self { start: at(span.start), end: at(span.end) }).ok_or(MuxError::Span)
    }

    /// Its length in 27 MHz ticks.
    pub(super) fn length(self) -> i64 {
        self.end - self.start
    }

    /// The start of part `index` of `count` equal ones.
    pub(super) fn part(self, index: usize, count: usize) -> i64 {
        self.start + share(self.length(), index, count)
    }
}

/// `index / count` of `length`, rounded down.
pub(super) fn share(length: i64, index: usize, count: usize) -> i64 {
    (i128::from(length) * index as i128 / count.max(1) as i128) as i64
}

/// The video's decoding times in 90 kHz ticks: the first one [`DECODE_LEAD`]
/// before the span, the others at the same distance as before, but never after
/// the presentation, the next one, or the first one of the following segment.
pub(super) fn video_times(units: &[Unit], span: Span) -> Result<Vec<i64>, MuxError> {
    let first = span.start - DECODE_LEAD;
    let Some(origin) = units.first().map(|unit| unit.dts) else { return Ok(Vec::new()) };
    let mut limit = span.end - DECODE_LEAD;
    let mut times = Vec::with_capacity(units.len());
    for unit in units.iter().rev() {
        if !(first..span.end + PTS_SLACK).contains(&unit.pts) {
            return Err(MuxError::OutOfSpan { pts: unit.pts });
        }
        limit = first.saturating_add(unit.dts.saturating_sub(origin)).min(unit.pts).min(limit - 1);
        times.push(limit);
    }
    times.reverse();
    // Only what was in no decoding order, or starts too early, gets in front of the first one.
    if limit == first { Ok(times) } else { Err(MuxError::Order) }
}

/// The access units of audio that are presented in the span: what a source has
/// beyond its end would be in the way of the next one's. They must be in order.
pub(super) fn audio_units(units: &[Unit], span: Span) -> Result<&[Unit], MuxError> {
    let range = span.start - AUDIO_SLACK..span.end + AUDIO_SLACK;
    if let Some(unit) = units.iter().find(|unit| !range.contains(&unit.pts)) {
        return Err(MuxError::OutOfSpan { pts: unit.pts });
    }
    if !units.is_sorted_by(|a, b| a.pts < b.pts) {
        return Err(MuxError::Order);
    }
    let before = |limit: i64| units.partition_point(|unit| unit.pts < limit - ROUNDING);
    Ok(units.get(before(span.start)..before(span.end)).unwrap_or_default())
}

/// When each access unit is sent, from and until, in 27 MHz ticks: from `lead`
/// (in 90 kHz ticks) before its decoding until that of the next one is.
pub(super) fn slices(times: &[i64], lead: i64, window: Window) -> Vec<(i64, i64)> {
    let start = |time: i64| ((time - lead) * SYSTEM_TICKS).clamp(window.start, window.end - 1);
    let ends = times.iter().skip(1).map(|next| start(*next)).chain([window.end]);
    times
        .iter()
        .map(|time| start(*time))
        .zip(ends)
        .map(|(from, to)| (from, to.min(from + LONGEST_SLICE)))
        .collect()
}

/// Where the PCR go.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Clocks {
    /// Whether each access unit's first packet has one.
    pub(super) on_unit: Vec<bool>,
    /// When packets with nothing else are sent, in 27 MHz ticks.
    pub(super) between: Vec<i64>,
}

/// PCR at the start of the window and at most [`PCR_INTERVAL`] apart until its
/// end, on access units (sent from `starts` on) where possible.
pub(super) fn clocks(starts: &[i64], window: Window) -> Clocks {
    let mut clocks = Clocks::default();
    let mut last = window.start;
    if starts.first() != Some(&window.start) {
        clocks.between.push(window.start);
    }
    for (index, start) in starts.iter().enumerate() {
        let here = index == 0 && *start == window.start || start - last >= SHORTEST_PCR;
        clocks.on_unit.push(here);
        if here {
            clocks.between.extend(between(last, *start));
            last = *start;
        }
    }
    clocks.between.extend(between(last, window.end));
    clocks
}

/// Equal steps between two times, no longer than [`PCR_INTERVAL`].
fn between(from: i64, to: i64) -> impl Iterator<Item = i64> {
    let count = (to - from + PCR_INTERVAL - 1) / PCR_INTERVAL;
    (1..count).map(move |n| from + (to - from) * n / count)
}

/// An access unit's packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Parcel {
    /// Packets it is sent in.
    pub(super) packets: usize,
    /// Packets it can be sent in with its PES header whole.
    pub(super) most: usize,
    /// Packets it can be sent in at all.
    pub(super) utmost: usize,
}

/// Spreads the last access units over more packets, one more each as far as
/// that goes, until all packets are a multiple of 16.
pub(super) fn fill(parcels: &mut [Parcel]) {
    let total: usize = parcels.iter().map(|parcel| parcel.packets).sum();
    let mut missing = total.next_multiple_of(16) - total;
    for most in [|p: &Parcel| p.most, |p: &Parcel| p.utmost] {
        loop {
            let before = missing;
            for parcel in parcels.iter_mut().rev().filter(|p| p.packets < most(p)).take(before) {
                parcel.packets += 1;
                missing -= 1;
            }
            if missing == 0 || missing == before {
                break;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use proptest::prelude::*;

    const SPAN: Span = Span { start: 1_000_000, end: 1_090_000 };

    fn unit(pts: i64, dts: i64) -> Unit {
        Unit { pts, dts, key: false, data: Bytes::new() }
    }

    #[test]
    fn decoding_times_move_and_stay_before_presentation() {
        let units = [unit(1_000_000, 5), unit(1_000_100, 3_605), unit(1_003_600, 27_205)];
        assert_eq!(video_times(&units, SPAN), Ok(vec![982_000, 985_600, 1_003_600]));
        let backwards = [unit(1_000_000, 5), unit(1_000_100, 4)];
        assert_eq!(video_times(&backwards, SPAN), Err(MuxError::Order));
        let late = unit(1_200_000, 5);
        assert_eq!(video_times(&[late], SPAN), Err(MuxError::OutOfSpan { pts: 1_200_000 }));
    }

    #[test]
    fn the_last_decoding_time_is_before_the_next_segments_first() {
        let units = [unit(1_000_000, 0), unit(1_090_000, 900_000), unit(1_090_000, 900_000)];
        assert_eq!(video_times(&units, SPAN), Ok(vec![982_000, 1_071_998, 1_071_999]));
    }

    #[test]
    fn each_moment_of_audio_is_in_one_segment() {
        let units: Vec<Unit> =
            [999_995, 999_997, 1_050_000, 1_089_995, 1_089_997].map(|pts| unit(pts, pts)).into();
        assert_eq!(audio_units(&units, SPAN), Ok(&units[1..4]));
        let next = Span { start: SPAN.end, end: 1_100_000 };
        assert_eq!(audio_units(&units[3..], next), Ok(&units[4..]));
        assert_eq!(audio_units(&units[..1], next), Err(MuxError::OutOfSpan { pts: 999_995 }));
    }

    #[test]
    fn absurd_spans_are_refused() {
        for (start, end) in
            [(5, 5), (5, 4), (-9, 5), (0, i64::MAX), (i64::MAX - 1, i64::MAX), (0, 54_000_001)]
        {
            assert_eq!(Window::of(Span { start, end }), Err(MuxError::Span));
        }
    }

    proptest! {
        #[test]
        fn pcr_are_never_far_apart(gaps in proptest::collection::vec(1i64..10_000_000, 0..20), first in 0i64..3_000_000) {
            let mut at = first;
            let starts: Vec<i64> = gaps.iter().map(|gap| { at += gap; at - gap }).collect();
            let window = Window { start: 0, end: at + 1 };
            let clocks = clocks(&starts, window);
            prop_assert_eq!(clocks.on_unit.len(), starts.len());
            let on = starts.iter().zip(&clocks.on_unit).filter(|(_, on)| **on).map(|(start, _)| *start);
            let mut all: Vec<i64> = on.chain(clocks.between.iter().copied()).collect();
            all.sort_unstable();
            prop_assert_eq!(all.first(), Some(&0));
            all.push(window.end);
            prop_assert!(all.is_sorted_by(|a, b| a < b && b - a <= PCR_INTERVAL));
        }

        #[test]
        fn there_is_always_a_multiple_of_16(sizes in proptest::collection::vec(18usize..2_000, 0..40)) {
            let parcel = |size: &usize| Parcel { packets: size.div_ceil(184), most: size - 14, utmost: *size };
            let mut parcels: Vec<Parcel> = sizes.iter().map(parcel).collect();
            fill(&mut parcels);
            prop_assert_eq!(parcels.iter().map(|p| p.packets).sum::<usize>() % 16, 0);
            prop_assert!(parcels.iter().all(|p| p.packets <= p.utmost));
        }
    }
}
