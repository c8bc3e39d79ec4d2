//! When pictures are decoded of which it is only known when they are shown.

use crate::pipeline::frame::Frame;

use super::cut::{STEP, Unfit};

/// Works out decoding times, a segment at a time.
///
/// Invariants: times of presentation stay, but for that of the first; of each picture the decoding time is no later, and
/// later than that of the one before it.
#[derive(Debug, Default)]
pub(super) struct DecodingTimes {
    /// From when the first picture is decoded to when it is shown, 90 kHz; known by the first segment.
    delay: Option<i64>,
    /// How long a picture is shown, usually.
    usual: i64,
}

impl DecodingTimes {
    /// Sets them in all `frames` of a segment, which come in decoding order, are shown before
    /// those of the next, and are followed by a picture shown at `next`. When what follows is
    /// decoded. Unfit: two are shown at once, one for long, or they are out of order by more
    /// than at the beginning.
    pub(super) fn set(&mut self, frames: &mut [Frame], next: Option<i64>) -> Result<i64, Unfit> {
        let mut shown: Vec<i64> = frames.iter().map(|f| f.pts).collect();
        shown.sort_unstable();
        let (Some(first), Some(last)) = (shown.first().copied(), shown.last().copied()) else {
            return Err(Unfit);
        };
        match shown[..] {
            [_, second, _, ..] => self.usual = (last - second) / (shown.len() as i64 - 2),
            [_, second] => self.usual = second - first,
            _ => {}
        }
        // Its reader has a picture that is shown a moment after the beginning shown at it.
        if let (None, [begun, second, ..]) = (self.delay, &mut shown[..])
            && let late = *second - self.usual - *begun
            && (self.usual / 4..self.usual).contains(&late)
            && let Some(frame) = frames.iter_mut().find(|f| f.pts == *begun)
        {
            *begun += late;
            frame.pts = *begun;
        }
        let next = next.unwrap_or(last + self.usual.max(1));
        let steps = shown.iter().zip(shown.iter().skip(1).chain([&next])).map(|(a, b)| b - a);
        let wanted = frames.iter().zip(&shown).map(|(f, nth)| nth - f.pts).max().unwrap_or_default();
        // Where pictures are out of order, what is rounded may be out by a millisecond more.
        let slack = if wanted > 0 { 90 } else { 0 };
        let delay = *self.delay.get_or_insert(wanted + slack);
        if wanted > delay || !steps.into_iter().all(|step| (1..=STEP).contains(&step)) {
            return Err(Unfit);
        }
        for (frame, nth) in frames.iter_mut().zip(&shown) {
            frame.dts = nth - delay;
        }
        Ok(next - delay)
    }
}
