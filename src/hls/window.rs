//! The sliding list of a relay's recorded segments.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::{ByteRange, Track};

/// A track of a live segment.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct LiveTrack {
    /// What it is.
    #[serde(flatten)]
    pub track: Track,
}

/// The bytes of one track in one segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Part {
    /// Where they lie in the rendition's file of the hour.
    #[serde(flatten)]
    pub range: ByteRange,
    /// Real duration of the samples, microseconds.
    pub us: u64,
}

/// One recorded segment, all tracks.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct LiveSegment {
    /// Number, contiguous for the life of the relay and never used twice.
    pub n: u64,
    /// Wall-clock instant of its first picture.
    pub start: Timestamp,
    /// Time until the next segment of the same timeline begins, microseconds.
    pub us: u64,
    /// Time of its first picture on the line its bytes are stamped with,
    /// microseconds. `start` and this advance together within a generation.
    pub at_us: u64,
    /// Changes whenever timestamps or formats break.
    pub generation: u64,
    /// Folder of the hour, such as `20261123T11`.
    pub hour: String,
    /// Tracks, video first. Shared between segments of a generation.
    pub tracks: Arc<Vec<LiveTrack>>,
    /// Bytes per track, in the same order.
    pub parts: Vec<Part>,
}

impl LiveSegment {
    /// Duration on the timeline.
    pub fn duration(&self) -> Duration {
        Duration::from_micros(self.us)
    }

    /// Instant after its last picture.
    pub fn end(&self) -> Timestamp {
        self.start + self.duration()
    }

    /// Its tracks.
    pub fn tracks(&self) -> impl Iterator<Item = &Track> {
        self.tracks.iter().map(|t| &t.track)
    }
}

/// One folder of what a relay has recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordedHour {
    /// Instant of its first picture.
    pub start: Timestamp,
    /// Instant after its last picture.
    pub end: Timestamp,
    /// Bytes of its media.
    pub bytes: u64,
}

/// What a relay has recorded and still keeps, as an immutable snapshot.
///
/// Grouped by hour so that a new segment copies one hour's list, not all.
#[derive(Debug, Clone, Default)]
pub struct LiveWindow {
    hours: Vec<Arc<Vec<LiveSegment>>>,
}

impl LiveWindow {
    /// Appends a segment. Its number must follow the last one's.
    pub fn push(&mut self, segment: LiveSegment) {
        let same = self.hours.last().and_then(|h| h.first()).is_some_and(|first| first.hour == segment.hour);
        match self.hours.last_mut() {
            Some(hour) if same => Arc::make_mut(hour).push(segment),
            _ => self.hours.push(Arc::new(vec![segment])),
        }
    }

    /// Forgets whole hours that end before `instant`; returns their folders.
    pub fn forget_before(&mut self, instant: Timestamp) -> Vec<String> {
        let mut gone = Vec::new();
        while self.hours.len() > 1 && self.hours[0].last().is_none_or(|s| s.end() < instant) {
            let hour = self.hours.remove(0);
            gone.extend(hour.first().map(|s| s.hour.clone()));
        }
        gone
    }

    /// The folders kept, the oldest first.
    pub fn hours(&self) -> impl Iterator<Item = RecordedHour> + '_ {
        self.hours.iter().filter_map(|hour| recorded(hour))
    }

    /// The start of the newest folders that together hold no more than `bytes`; none if
    /// the newest alone holds more.
    pub fn within(&self, bytes: u64) -> Option<Timestamp> {
        let (mut sum, mut start) = (0, None);
        for at in (0..self.hours.len()).rev() {
            let hour = recorded(&self.hours[at])?;
            sum += hour.bytes;
            if sum > bytes {
                break;
            }
            start = Some(hour.start);
        }
        start
    }

    /// Segment `n`, if it is kept.
    pub fn get(&self, n: u64) -> Option<&LiveSegment> {
        let at = self.hours.partition_point(|h| h.first().is_some_and(|s| s.n <= n)).checked_sub(1)?;
        let hour = &self.hours[at];
        let index = n.checked_sub(hour.first()?.n)?;
        hour.get(usize::try_from(index).ok()?).filter(|s| s.n == n)
    }

    /// The newest segment.
    pub fn newest(&self) -> Option<&LiveSegment> {
        self.hours.last()?.last()
    }

    /// The oldest segment kept.
    pub fn oldest(&self) -> Option<&LiveSegment> {
        self.hours.first()?.first()
    }

    /// The newest segment that starts at or before `instant`.
    pub fn at(&self, instant: Timestamp) -> Option<&LiveSegment> {
        let hour =
            self.hours.partition_point(|h| h.first().is_some_and(|s| s.start <= instant)).checked_sub(1)?;
        let hour = &self.hours[hour];
        hour.get(hour.partition_point(|s| s.start <= instant).checked_sub(1)?)
    }

    /// Number of segments kept.
    pub fn len(&self) -> usize {
        self.hours.iter().map(|h| h.len()).sum()
    }

    /// True if nothing is kept.
    pub fn is_empty(&self) -> bool {
        self.hours.is_empty()
    }
}

fn recorded(hour: &[LiveSegment]) -> Option<RecordedHour> {
    let (first, last) = (hour.first()?, hour.last()?);
    let bytes = hour.iter().flat_map(|s| &s.parts).map(|p| p.range.length).sum();
    Some(RecordedHour { start: first.start, end: last.end(), bytes })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A window of folders of an hour, each of one segment of `bytes`.
    fn window(bytes: &[u64]) -> LiveWindow {
        let mut window = LiveWindow::default();
        for (n, length) in bytes.iter().enumerate() {
            let n = n as u64;
            window.push(LiveSegment {
                n,
                start: Timestamp::from_second(n as i64 * 3600).expect("an instant"),
                us: 4_000_000,
                at_us: 0,
                generation: 1,
                hour: format!("h{n}"),
                tracks: Arc::default(),
                parts: vec![Part { range: ByteRange { offset: 0, length: *length }, us: 4_000_000 }],
            });
        }
        window
    }

    #[test]
    fn the_newest_folders_that_fit_are_within() {
        let window = window(&[50, 10, 20, 30]);
        let hour = |n: i64| Timestamp::from_second(n * 3600).ok();
        let found = [29, 30, 49, 50, 60, 109, 110].map(|bytes| window.within(bytes));
        assert_eq!(found, [None, hour(3), hour(3), hour(2), hour(1), hour(1), hour(0)]);
        assert_eq!(window.hours().map(|h| h.bytes).sum::<u64>(), 110);
    }
}
