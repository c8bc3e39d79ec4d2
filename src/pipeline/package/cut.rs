//! Where what is copied is cut: pictures at their own key frames, sound where the pictures are.

use std::collections::VecDeque;

use crate::pipeline::frame::{AAC_SAMPLES, Frame, VIDEO_TIMESCALE, micros};

use super::order::DecodingTimes;

/// Shortest segment but for the last, 90 kHz ticks: 3.84 s less half a frame.
const REGULAR: i64 = 3_840 * 90 - 1_800;
/// Longest segment, 90 kHz ticks: who waits for it on a bad line waits long enough.
const LONGEST: i64 = 12 * 90_000;
/// Pictures this far apart are slides: they are encoded, each shown again and again.
pub(super) const STEP: i64 = 2 * 90_000;

/// It cannot be copied as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unfit;

/// The frames of a segment, on a line of time on which the first picture is decoded at 0: not
/// every player takes pictures that are shown before they are decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Segment {
    /// In decoding order, at least one.
    pub(super) frames: Vec<Frame>,
    /// Decoding time after the last.
    pub(super) end: i64,
}

/// Cuts pictures that come in decoding order.
///
/// Invariants: no picture is lost; every segment begins with a picture that decodes alone and
/// shows nothing from before it; all but the last are 3.84 s or longer, none more than 12 s.
#[derive(Debug, Default)]
pub(super) struct PictureCutter {
    /// Presentation time of each segment's first picture, as it came.
    cuts: Vec<i64>,
    /// Pictures of each segment.
    counts: Vec<usize>,
    base_dts: i64,
    pending: Vec<Frame>,
    last_dts: i64,
    step: i64,
    /// The end of the picture that is shown last.
    end: i64,
    /// 25 and 30 a second: every picture so far has its place on that grid.
    off_grid: [bool; 2],
    /// Where the file does not say when pictures are decoded.
    times: Option<DecodingTimes>,
}

/// Grids that pictures may be on, per second.
const GRIDS: [u32; 2] = [25, 30];

impl PictureCutter {
    /// The same, of pictures without decoding times.
    pub(super) fn untimed() -> Self {
        Self { times: Some(DecodingTimes::default()), ..Self::default() }
    }

    /// Takes a picture; `key`: it decodes alone, and what follows refers to nothing before it.
    /// The segment that ends with the one before it, if one does.
    pub(super) fn push(&mut self, frame: Frame, key: bool) -> Result<Option<Segment>, Unfit> {
        let Some(start) = self.cuts.last().copied() else {
            if !key {
                return Err(Unfit);
            }
            self.cuts.push(frame.pts);
            self.base_dts = frame.dts;
            (self.last_dts, self.end) = (frame.dts, frame.pts);
            self.pending.push(frame);
            return Ok(None);
        };
        if self.times.is_none() {
            let step = frame.dts - self.last_dts;
            if step <= 0 || step > STEP {
                return Err(Unfit);
            }
            (self.last_dts, self.step) = (frame.dts, step);
        }
        let mut done = None;
        if key && frame.pts - start >= REGULAR {
            if self.pending.iter().any(|f| f.pts >= frame.pts) {
                return Err(Unfit);
            }
            self.cuts.push(frame.pts);
            done = Some(self.segment(frame.dts, Some(frame.pts))?);
        } else if frame.pts < start || frame.pts - start > LONGEST {
            return Err(Unfit);
        }
        self.end = self.end.max(frame.pts + self.step);
        self.pending.push(frame);
        Ok(done)
    }

    /// The last segment.
    pub(super) fn finish(&mut self) -> Result<Option<Segment>, Unfit> {
        let end = self.last_dts + self.step;
        (!self.pending.is_empty()).then(|| self.segment(end, None)).transpose()
    }

    /// What waits, before something that is decoded at `end` and shown at `next`.
    fn segment(&mut self, mut end: i64, next: Option<i64>) -> Result<Segment, Unfit> {
        let mut frames = std::mem::take(&mut self.pending);
        if let Some(times) = &mut self.times {
            end = times.set(&mut frames, next)?;
            let (first, last) = (&frames[0], frames.iter().map(|f| f.pts).max());
            if self.counts.is_empty() {
                (self.cuts[0], self.base_dts) = (first.pts, first.dts);
            }
            // As long after the last is shown as what follows is decoded after it.
            self.end = last.unwrap_or_default() + end - frames[frames.len() - 1].dts;
        }
        let (base, origin) = (self.cuts[0], self.base_dts);
        let mut shown: Vec<i64> = frames.iter().map(|f| f.pts - base).collect();
        for frame in &mut frames {
            frame.pts -= origin;
            frame.dts -= origin;
        }
        shown.sort_unstable();
        let before: usize = self.counts.iter().sum();
        // The reader of what has no decoding times puts some of the first nearer to the beginning.
        let quarters = if self.times.is_some() && before == 0 { 3 } else { 1 };
        for (off, fps) in self.off_grid.iter_mut().zip(GRIDS) {
            let ticks = i64::from(VIDEO_TIMESCALE / fps);
            let is_on =
                |(n, pts): (usize, &i64)| (pts - (before + n) as i64 * ticks).abs() <= ticks * quarters / 4;
            *off |= !shown.iter().enumerate().all(is_on);
        }
        self.counts.push(frames.len());
        Ok(Segment { frames, end: end - origin })
    }

    /// True once nothing waits for the end of its segment.
    pub(super) fn is_finished(&self) -> bool {
        self.pending.is_empty()
    }

    /// Pictures of each segment.
    pub(super) fn counts(&self) -> &[usize] {
        &self.counts
    }

    /// Pictures a second, if every one is where it would be at that rate.
    pub(super) fn steady(&self) -> Option<u32> {
        GRIDS.iter().zip(self.off_grid).find(|(_, off)| !off).map(|(fps, _)| *fps)
    }

    /// Presentation time of the first picture, as it came, 90 kHz.
    pub(super) fn base(&self) -> Option<i64> {
        self.cuts.first().copied()
    }

    /// The same, and when it is decoded.
    pub(super) fn origin(&self) -> Option<(i64, i64)> {
        self.base().map(|base| (base, self.base_dts))
    }

    /// From where to where segment `n` is shown, as it came, 90 kHz; none while it goes on.
    pub(super) fn span(&self, n: usize) -> Option<(i64, i64)> {
        let last = n + 1 == self.counts.len() && self.pending.is_empty();
        let end = self.cuts.get(n + 1).copied().or_else(|| last.then_some(self.end))?;
        Some((*self.cuts.get(n)?, end))
    }

    /// Duration of each segment that has ended, microseconds.
    pub(super) fn segments_us(&self) -> Vec<u64> {
        let Some(base) = self.base() else { return Vec::new() };
        let us = |ticks: i64| micros(ticks - base, VIDEO_TIMESCALE);
        let spans = (0..self.counts.len()).filter_map(|n| self.span(n));
        spans.map(|(from, to)| (us(to) - us(from)).max(0) as u64).collect()
    }
}

/// Cuts the sound that belongs to pictures.
#[derive(Debug)]
pub(super) struct SoundCutter {
    rate: u32,
    queue: VecDeque<Frame>,
    /// Time of the next frame, from the first picture.
    next: Option<i64>,
    last: Option<Frame>,
}

impl SoundCutter {
    pub(super) fn new(rate: u32) -> Self {
        Self { rate, queue: VecDeque::new(), next: None, last: None }
    }

    pub(super) fn push(&mut self, frame: Frame) {
        self.queue.push_back(frame);
    }

    /// True if what belongs to a segment that ends there (90 kHz, as it came) has come.
    pub(super) fn reaches(&self, end: i64) -> bool {
        self.queue.back().is_some_and(|f| f.pts >= self.ticks(end))
    }

    fn ticks(&self, video: i64) -> i64 {
        (i128::from(video) * i128::from(self.rate)).div_euclid(i128::from(VIDEO_TIMESCALE)) as i64
    }

    /// What is heard until `end`, where the first picture is shown and decoded as
    /// [`PictureCutter::origin`] says (90 kHz, as they came). Sound that ended a little earlier is heard a moment longer. Unfit: there is a hole
    /// in it, or nothing.
    pub(super) fn take(&mut self, (base, origin): (i64, i64), end: i64) -> Result<Segment, Unfit> {
        let (base, origin, end) = (self.ticks(base), self.ticks(origin), self.ticks(end));
        let mut frames = Vec::new();
        while let Some(mut frame) = self.queue.pop_front_if(|f| f.pts < end) {
            let at = frame.pts - origin;
            let next = match self.next {
                Some(next) => next,
                // Before the first picture.
                None if frame.pts < base => continue,
                None if frame.pts - base > 2 * AAC_SAMPLES => return Err(Unfit),
                None => at,
            };
            if (at - next).abs() > AAC_SAMPLES {
                return Err(Unfit);
            }
            (frame.pts, frame.dts) = (next, next);
            self.next = Some(next + AAC_SAMPLES);
            frames.push(frame);
        }
        let misses = self.next.map(|next| end - origin - next);
        if let (Some(last), Some(next)) = (&self.last, self.next)
            && frames.is_empty()
            && misses.is_some_and(|ticks| ticks < i64::from(self.rate) / 4)
        {
            frames.push(Frame { pts: next, dts: next, ..last.clone() });
            self.next = Some(next + AAC_SAMPLES);
        }
        self.last = frames.last().cloned();
        match self.next {
            Some(end) if !frames.is_empty() => Ok(Segment { frames, end }),
            _ => Err(Unfit),
        }
    }
}

#[cfg(test)]
#[path = "cut_tests.rs"]
mod tests;
