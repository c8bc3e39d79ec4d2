//! The tracks of one generation of a feed.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::encode::Silence;
use super::frame::{Codec, Frame, micros};
use super::relay::Desk;
use super::segmenter::{CutSegment, Segmenter, TimelineBroken};

/// How much a worker that stands by keeps, microseconds of pictures: what the other
/// one had not recorded yet when it was ended.
const KEPT_US: i64 = 15_000_000;
/// A picture this much earlier than asked for will do, microseconds.
const NEARLY: i64 = 20_000;

/// The number of each stream's track and how it is coded, by the stream's name and,
/// of a lower rung of it, height.
type ByName = BTreeMap<(String, Option<u32>), (usize, Arc<Codec>)>;

/// The streams that are taken, and what has become of them so far.
pub(super) struct Tracks {
    pub(super) by_name: ByName,
    codecs: Vec<Codec>,
    max_segment_ms: u64,
    pub(super) segmenter: Segmenter,
    pub(super) silence: Option<Silence>,
    /// Presentation time of the newest picture and the newest sound, microseconds.
    newest_us: (Option<i64>, Option<i64>),
    /// What came last, while it stands by.
    kept: Option<VecDeque<(usize, Frame)>>,
}

impl Tracks {
    pub(super) fn new(
        by_name: ByName,
        codecs: Vec<Codec>,
        silence: Option<Silence>,
        max_segment_ms: u64,
        standby: bool,
    ) -> Self {
        let segmenter = Segmenter::new(&codecs, max_segment_ms as i64 * 1000);
        let kept = standby.then(VecDeque::new);
        Self { by_name, codecs, max_segment_ms, segmenter, silence, newest_us: (None, None), kept }
    }

    /// Counts what comes, before it is cut.
    pub(super) fn count(&mut self, track: usize, frame: &Frame, desk: &mut Desk<'_>) {
        let us = self.us(track, frame);
        let is_rung = track > 0 && matches!(self.codecs[track], Codec::H264 { .. });
        desk.media += if is_rung { 0 } else { frame.data.len() as u64 };
        match track {
            0 => {
                desk.figures.frames += 1;
                self.newest_us.0 = Some(us);
            }
            1 if !is_rung => self.newest_us.1 = Some(us),
            _ => {}
        }
    }

    /// Takes a frame of `track` and returns the segment it completes.
    pub(super) fn push(&mut self, track: usize, frame: Frame) -> Result<Option<CutSegment>, TimelineBroken> {
        if let Some(kept) = self.kept.as_mut() {
            kept.push_back((track, frame.clone()));
            let newest = self.newest_us.0.unwrap_or_default();
            while kept
                .front()
                .is_some_and(|(track, f)| newest - micros(f.pts, self.codecs[*track].timescale()) > KEPT_US)
            {
                kept.pop_front();
            }
        }
        self.segmenter.push(track, frame)
    }

    /// Begins anew at the first key frame at or after `us`: the segments that what was
    /// kept makes. From now on nothing is kept.
    pub(super) fn begin_at(&mut self, us: i64) -> Vec<CutSegment> {
        self.segmenter = Segmenter::new(&self.codecs, self.max_segment_ms as i64 * 1000);
        let kept = self.kept.take().unwrap_or_default();
        let first = kept.iter().position(|(track, f)| *track == 0 && f.key && self.us(0, f) >= us - NEARLY);
        let Some(first) = first else { return Vec::new() };
        let start = self.us(0, &kept[first].1);
        // Sound of the first picture may have come before it.
        let earlier = kept.iter().take(first).filter(|(track, f)| *track > 0 && self.us(*track, f) >= start);
        let all: Vec<(usize, Frame)> = kept
            .iter()
            .skip(first)
            .take(1)
            .chain(earlier)
            .chain(kept.iter().skip(first + 1))
            .cloned()
            .collect();
        // What went through one segmenter goes through another.
        all.into_iter()
            .filter_map(|(track, frame)| self.segmenter.push(track, frame).ok().flatten())
            .collect()
    }

    /// How far the newest sound is ahead of the newest picture.
    pub(super) fn av_offset_ms(&self) -> Option<i64> {
        let (picture, sound) = self.newest_us;
        Some((sound? - picture?) / 1000)
    }

    fn us(&self, track: usize, frame: &Frame) -> i64 {
        micros(frame.pts, self.codecs[track].timescale())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    #[test]
    fn who_takes_over_begins_where_the_other_ended() {
        let codecs = vec![
            Codec::H264 { avcc: vec![1, 100, 0, 31], width: 1280, height: 720, fps: 25.0 },
            Codec::Aac { config: vec![0x11, 0x90], rate: 48_000, channels: 2 },
        ];
        let mut tracks = Tracks::new(BTreeMap::new(), codecs, None, 5000, true);
        let mut sound = 0i64;
        for i in 0..750i64 {
            // A key frame each second, and sound a little ahead of it.
            while sound * 1024 * 25 <= (i + 3) * 48_000 {
                let frame = Frame { pts: sound * 1024, dts: sound * 1024, key: true, data: Bytes::new() };
                tracks.push(1, frame).expect("steady");
                sound += 1;
            }
            tracks.newest_us.0 = Some(i * 40_000);
            let frame = Frame { pts: i * 3600, dts: i * 3600, key: i % 25 == 0, data: Bytes::new() };
            tracks.push(0, frame).expect("steady");
        }
        let cuts = tracks.begin_at(25_300_000);
        assert_eq!(cuts.first().map(|c| c.start), Some(26 * 90_000));
        for cut in &cuts {
            let first = cut.cuts[1].frames.first().expect("sound");
            let apart = micros(first.pts, 48_000) - micros(cut.start, 90_000);
            assert!((0..22_000).contains(&apart), "{apart} us");
        }
        for pair in cuts.windows(2) {
            assert_eq!(pair[0].end, pair[1].start);
        }
        assert!(tracks.kept.is_none() && tracks.begin_at(0).is_empty());
    }
}
