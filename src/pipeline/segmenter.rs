//! Cutting a live feed into segments: all tracks together, at the upstream's
//! own key frames.

use std::collections::VecDeque;

use super::frame::{Codec, Frame, VIDEO_TIMESCALE, micros};

/// Shortest segment in the running state, 90 kHz ticks: 3.84 s less half a frame.
const REGULAR: i64 = 3_840 * 90 - 1_800;
/// Shortest segment right after a (re)connection: 0.96 s less half a frame. Two
/// fresh segments bring a relay back on air, so the first ones are short.
const STARTER: i64 = 960 * 90 - 1_800;
const STARTERS: u32 = 2;
/// Sound and rungs this late (90 kHz ticks of video past the cut) are not waited for.
const GRACE: i64 = 2 * 90_000;
/// A step of the decoding time beyond this is a new timeline.
const JUMP: i64 = 2 * 90_000;
/// A step back within this is the demuxer's clock that settles after a feed's first
/// packets, or a sender's: the pictures stay in order.
const SLIP: i64 = 90_000 / 4;

/// Frames of one track in one segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cut {
    /// In decoding order; empty if the track was silent.
    pub(super) frames: Vec<Frame>,
    /// Decoding time after the last frame, ticks of the track.
    pub(super) end: i64,
}

/// One segment, all tracks; video first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CutSegment {
    /// Presentation time of its first picture, 90 kHz.
    pub(super) start: i64,
    /// Presentation time of the next segment's first picture, 90 kHz.
    pub(super) end: i64,
    /// Begins with a key frame.
    pub(super) independent: bool,
    /// Per track.
    pub(super) cuts: Vec<Cut>,
}

/// A feed's timeline broke: the pipeline must be built again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TimelineBroken;

/// The state of one generation of a feed: track 0 is the picture, the others are
/// sound and, last, lower rungs of the picture.
#[derive(Debug)]
pub(super) struct Segmenter {
    /// Of the others.
    kinds: Vec<Kind>,
    max_ticks: i64,
    emitted: u32,
    video: VecDeque<Frame>,
    others: Vec<VecDeque<Frame>>,
    /// Index in `video` of the first frame of the next segment, once known.
    cut: Option<usize>,
    last_dts: Option<i64>,
}

impl Segmenter {
    /// For tracks with these codecs, video first. `max_segment_us` cuts at
    /// the latest, key frame or not.
    pub(super) fn new(codecs: &[Codec], max_segment_us: i64) -> Self {
        Self {
            kinds: codecs.iter().skip(1).map(Kind::of).collect(),
            max_ticks: max_segment_us * 9 / 100,
            emitted: 0,
            video: VecDeque::new(),
            others: vec![VecDeque::new(); codecs.len().saturating_sub(1)],
            cut: None,
            last_dts: None,
        }
    }

    /// Takes a frame of `track` and returns the segment it completes.
    pub(super) fn push(&mut self, track: usize, frame: Frame) -> Result<Option<CutSegment>, TimelineBroken> {
        if track > 0 {
            // Sound before the first picture belongs to no segment.
            let scale = self.kinds[track - 1].timescale();
            let begins = self.video.front().map(|first| rescale(first.pts, scale));
            if begins.is_some_and(|begins| self.emitted > 0 || frame.pts >= begins) {
                self.others[track - 1].push_back(frame);
            }
        } else {
            self.push_video(frame)?;
        }
        Ok(self.complete())
    }

    fn push_video(&mut self, mut frame: Frame) -> Result<(), TimelineBroken> {
        if let Some(last) = self.last_dts.filter(|last| (-SLIP..=0).contains(&(frame.dts - last))) {
            frame.dts = last + 1;
            frame.pts = frame.pts.max(frame.dts);
        }
        let step = self.last_dts.map_or(0, |last| frame.dts - last);
        if !(0..=JUMP).contains(&step) {
            return Err(TimelineBroken);
        }
        if self.video.is_empty() && !frame.key {
            return Ok(());
        }
        self.last_dts = Some(frame.dts);
        if let (None, Some(first)) = (self.cut, self.video.front()) {
            let length = frame.pts - first.pts;
            let least = if self.emitted < STARTERS { STARTER } else { REGULAR };
            if (frame.key && length >= least) || length >= self.max_ticks {
                self.cut = Some(self.video.len());
            }
        }
        self.video.push_back(frame);
        Ok(())
    }

    fn complete(&mut self) -> Option<CutSegment> {
        let cut = self.cut?;
        let (first, next) = (self.video.front()?, self.video.get(cut)?);
        let (start, end, next_dts) = (first.pts, next.pts, next.dts);
        let waited = self.last_dts? - next_dts > GRACE;
        let whole = |(queue, kind): (&VecDeque<Frame>, &Kind)| {
            queue.back().is_some_and(|f| f.pts >= rescale(end, kind.timescale()))
        };
        if !waited && !self.others.iter().zip(&self.kinds).all(whole) {
            return None;
        }
        let independent = first.key;
        let mut cuts = vec![Cut { frames: self.video.drain(..cut).collect(), end: next_dts }];
        for (queue, kind) in self.others.iter_mut().zip(&self.kinds) {
            let is_whole = whole((queue, kind));
            cuts.push(kind.cut(queue, (start, end), is_whole));
        }
        self.cut = None;
        self.emitted += 1;
        self.find_cut();
        Some(CutSegment { start, end, independent, cuts })
    }

    /// Frames that came while sound was waited for may hold the next cut already.
    fn find_cut(&mut self) {
        let Some(first) = self.video.front().map(|f| f.pts) else { return };
        let least = if self.emitted < STARTERS { STARTER } else { REGULAR };
        self.cut = self
            .video
            .iter()
            .skip(1)
            .position(|f| (f.key && f.pts - first >= least) || f.pts - first >= self.max_ticks)
            .map(|i| i + 1);
    }
}

/// What a track is beside the picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Sound { rate: u32 },
    Rung,
}

impl Kind {
    fn of(codec: &Codec) -> Self {
        match codec {
            Codec::H264 { .. } => Self::Rung,
            Codec::Aac { rate, .. } => Self::Sound { rate: *rate },
        }
    }

    fn timescale(self) -> u32 {
        match self {
            Self::Sound { rate } => rate,
            Self::Rung => VIDEO_TIMESCALE,
        }
    }

    /// Takes out of `queue` what belongs to the segment from `start` to `end` (90 kHz).
    /// A rung's segment is whole or empty: who is late is not patched up.
    fn cut(self, queue: &mut VecDeque<Frame>, (start, end): (i64, i64), whole: bool) -> Cut {
        let limit = rescale(end, self.timescale());
        let count = queue.iter().take_while(|f| f.pts < limit).count();
        let mut frames: Vec<Frame> = queue.drain(..count).collect();
        if self == Self::Rung {
            frames.retain(|f| f.pts >= start);
            if !whole || frames.first().is_some_and(|f| !f.key) {
                frames.clear();
            }
            return Cut { frames, end: limit };
        }
        let end = frames.last().map_or(limit, |f| f.dts + super::frame::AAC_SAMPLES);
        Cut { frames, end }
    }
}

fn rescale(ticks: i64, scale: u32) -> i64 {
    (i128::from(ticks) * i128::from(scale) / i128::from(VIDEO_TIMESCALE)) as i64
}

impl CutSegment {
    /// Presentation time of its first picture, microseconds.
    pub(super) fn start_us(&self) -> i64 {
        micros(self.start, VIDEO_TIMESCALE)
    }

    /// Duration on the timeline, microseconds.
    pub(super) fn us(&self) -> i64 {
        micros(self.end, VIDEO_TIMESCALE) - micros(self.start, VIDEO_TIMESCALE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use proptest::prelude::*;

    fn codecs() -> Vec<Codec> {
        vec![
            Codec::H264 { avcc: vec![1, 100, 0, 31], width: 1280, height: 720, fps: 25.0 },
            Codec::Aac { config: vec![0x11, 0x90], rate: 48_000, channels: 2 },
        ]
    }

    /// A feed with a key frame every `gop` frames, sound arriving `lag` pictures late.
    fn feed(frames: i64, gop: i64, lag: i64) -> Vec<CutSegment> {
        let mut segmenter = Segmenter::new(&codecs(), 8_000_000);
        let mut out = Vec::new();
        let mut sound = 0;
        for i in 0..frames {
            let frame = Frame { pts: i * 3600, dts: i * 3600, key: i % gop == 0, data: Bytes::new() };
            out.extend(segmenter.push(0, frame).expect("steady"));
            while (sound + 1) * AAC <= (i - lag).max(0) * 1920 {
                let frame = Frame { pts: sound * AAC, dts: sound * AAC, key: true, data: Bytes::new() };
                out.extend(segmenter.push(1, frame).expect("steady"));
                sound += 1;
            }
        }
        out
    }
    const AAC: i64 = super::super::frame::AAC_SAMPLES;

    proptest! {
        #[test]
        fn segments_join_without_hole_or_overlap(gop in 5i64..120, lag in 0i64..20) {
            let segments = feed(1500, gop, lag);
            prop_assert!(segments.len() > 4);
            for pair in segments.windows(2) {
                prop_assert_eq!(pair[0].end, pair[1].start);
                for (a, b) in pair[0].cuts.iter().zip(&pair[1].cuts) {
                    prop_assert_eq!(a.frames.last().map(|_| a.end), b.frames.first().map(|f| f.dts));
                }
            }
            for s in segments.iter().skip(2) {
                prop_assert!(s.independent);
                prop_assert!(s.end - s.start >= REGULAR && s.end - s.start <= REGULAR + gop * 3600 + 3600);
            }
        }
    }

    /// Segments of a picture with a rung beside it, whose frames come `lag` pictures
    /// late; of those from `lost` some are missing.
    fn with_a_rung(lag: i64, lost: std::ops::Range<i64>) -> Vec<CutSegment> {
        let codecs = [codecs()[0].clone(), codecs()[0].clone()];
        let mut segmenter = Segmenter::new(&codecs, 8_000_000);
        let frame = |i: i64| Frame { pts: i * 3600, dts: i * 3600, key: i % 96 == 0, data: Bytes::new() };
        let mut out = Vec::new();
        for i in 0..1500 {
            out.extend(segmenter.push(0, frame(i)).expect("steady"));
            if i >= lag && !lost.contains(&(i - lag)) {
                out.extend(segmenter.push(1, frame(i - lag)).expect("steady"));
            }
        }
        out
    }

    #[test]
    fn a_rung_is_cut_where_the_picture_is_and_left_out_where_it_is_late() {
        for lag in [0, 5, 40] {
            let segments = with_a_rung(lag, 0..0);
            assert!(segments.len() > 10);
            assert!(segments.iter().all(|s| s.cuts[0].frames == s.cuts[1].frames), "{lag}");
        }
        // Its second segment lacks its key frame: it is empty, the others are whole.
        let segments = with_a_rung(5, 96..110);
        let whole: Vec<bool> = segments.iter().map(|s| s.cuts[0].frames == s.cuts[1].frames).collect();
        assert_eq!(whole.iter().filter(|whole| !**whole).count(), 1);
        assert!(segments[1].cuts[1].frames.is_empty());
        // Beyond what is waited for: the picture goes on without it.
        let segments = with_a_rung(400, 0..0);
        assert!(segments.len() > 10 && segments.iter().all(|s| s.cuts[1].frames.is_empty()));
    }

    #[test]
    fn sound_of_before_the_first_picture_is_left_out_whenever_it_comes() {
        let mut segmenter = Segmenter::new(&codecs(), 8_000_000);
        let picture = |i: i64| Frame {
            pts: 9000 + i * 3600,
            dts: 9000 + i * 3600,
            key: i % 25 == 0,
            data: Bytes::new(),
        };
        let sound = |i: i64| Frame { pts: i * AAC, dts: i * AAC, key: true, data: Bytes::new() };
        segmenter.push(0, picture(0)).expect("steady");
        let late = (0..60).find_map(|i| segmenter.push(1, sound(i)).expect("steady"));
        assert_eq!(late, None);
        let segment =
            (1..30).find_map(|i| segmenter.push(0, picture(i)).expect("steady")).expect("a segment");
        // The picture begins at 0.1 s: the fifth frame of sound does at 0.107 s.
        assert_eq!(segment.cuts[1].frames.first().map(|f| f.pts), Some(5 * AAC));
    }

    #[test]
    fn a_jump_is_a_new_timeline() {
        let mut segmenter = Segmenter::new(&codecs(), 8_000_000);
        let frame = |dts: i64| Frame { pts: dts, dts, key: true, data: Bytes::new() };
        assert!(segmenter.push(0, frame(0)).is_ok());
        assert_eq!(segmenter.push(0, frame(90_000 * 60)), Err(TimelineBroken));
        assert_eq!(segmenter.push(0, frame(-SLIP - 1)), Err(TimelineBroken));
    }

    #[test]
    fn a_clock_that_settles_is_no_jump() {
        let mut segmenter = Segmenter::new(&codecs()[..1], 8_000_000);
        let mut times = Vec::new();
        for i in 0..400 {
            // Back by 120 ms, which is three pictures.
            let dts = i * 3600 - if i > 30 { 10_800 } else { 0 };
            let frame = Frame { pts: dts + 7200, dts, key: i % 25 == 0, data: Bytes::new() };
            let cut = segmenter.push(0, frame).expect("it goes on");
            times.extend(cut.into_iter().flat_map(|c| c.cuts).flat_map(|c| c.frames).map(|f| (f.dts, f.pts)));
        }
        assert!(times.len() > 250);
        assert!(times.is_sorted_by(|a, b| a.0 < b.0) && times.iter().all(|(dts, pts)| dts <= pts));
    }

    #[test]
    fn an_upstream_without_key_frames_is_cut_at_the_limit() {
        let segments = feed(1500, 100_000, 2);
        assert!(segments.iter().all(|s| s.end - s.start <= 8 * 90_000 + 3600));
        assert!(segments.iter().skip(1).all(|s| !s.independent));
    }
}
