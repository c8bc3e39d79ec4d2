//! How a relay is, from what its worker counts: rates now and over the last two
//! hours, and whether the picture stands still or the sound is gone. Pure.

use std::collections::VecDeque;
use std::time::Duration;

use crate::hls::wire::{FeedFigures, FeedLook};

/// One point of the lines that show two hours.
pub(super) const STEP: Duration = Duration::from_secs(60);
/// Points kept: two hours.
pub(super) const POINTS: usize = 120;
/// Rates are those of the last ten seconds.
const RECENT: Duration = Duration::from_secs(10);
/// Looks that must agree before something is said: a cut to black is no fault.
const AGREE: usize = 3;
/// Studio black is 16; a picture this dark and this even shows nothing.
const DARK: f32 = 26.0;
const EVEN: f32 = 6.0;
/// A still picture differs from itself by less than this, coding noise included.
const STILL: f32 = 0.4;
/// Sound below this is not heard, dB below full scale.
const QUIET_DB: f32 = -60.0;

/// A minute of a relay.
#[derive(Debug, Clone, Copy, Default, PartialEq, serde::Serialize)]
pub struct Point {
    /// Mean bit rate, bits per second.
    pub bitrate: u64,
    /// Mean pictures per second.
    pub fps: f32,
    /// Continuity errors and jumps of clocks and timestamps.
    pub errors: u64,
}

/// What is wrong with what is seen and heard.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Faults {
    /// The picture is black.
    pub black: bool,
    /// The picture does not change.
    pub frozen: bool,
    /// There is no sound, or none that can be heard.
    pub silent: bool,
}

/// The rates of a relay, and what was seen of it.
#[derive(Debug, Clone, Default)]
pub struct Vitals {
    recent: VecDeque<(Duration, FeedFigures)>,
    minute: Option<(Duration, FeedFigures)>,
    points: VecDeque<Point>,
    looks: VecDeque<FeedLook>,
}

impl Vitals {
    /// Another worker counts from zero.
    pub fn begin(&mut self) {
        self.recent.clear();
        self.minute = None;
        self.looks.clear();
    }

    /// What a worker has counted at monotonic `now`; true if a point was added.
    pub fn count(&mut self, figures: FeedFigures, now: Duration) -> bool {
        self.recent.push_back((now, figures));
        while self.recent.len() > 2 && self.recent.get(1).is_some_and(|(at, _)| now - *at >= RECENT) {
            self.recent.pop_front();
        }
        let (since, before) = *self.minute.get_or_insert((now, figures));
        if now - since < STEP {
            return false;
        }
        self.minute = Some((now, figures));
        self.add(rates(&before, &figures, now - since));
        true
    }

    /// A minute without a worker.
    pub fn idle(&mut self) {
        self.add(Point::default());
    }

    fn add(&mut self, point: Point) {
        self.points.push_back(point);
        if self.points.len() > POINTS {
            self.points.pop_front();
        }
    }

    /// One look.
    pub fn look(&mut self, look: FeedLook) {
        self.looks.push_back(look);
        if self.looks.len() > AGREE {
            self.looks.pop_front();
        }
    }

    /// The rates of the last ten seconds.
    pub fn now(&self) -> Point {
        match (self.recent.front(), self.recent.back()) {
            (Some((from, a)), Some((to, b))) if to > from => rates(a, b, *to - *from),
            _ => Point::default(),
        }
    }

    /// The minutes before, the oldest first.
    pub fn points(&self) -> impl Iterator<Item = &Point> {
        self.points.iter()
    }

    /// What the last looks agree on.
    pub fn faults(&self) -> Faults {
        let all = |what: fn(&FeedLook) -> bool| self.looks.len() == AGREE && self.looks.iter().all(what);
        let black = all(|l| l.luma < DARK && l.spread < EVEN);
        Faults {
            black,
            // Black is said, not that it is also still.
            frozen: !black && all(|l| l.change.is_some_and(|c| c < STILL)),
            silent: all(|l| l.level_db.is_none_or(|db| db < QUIET_DB)),
        }
    }
}

fn rates(before: &FeedFigures, after: &FeedFigures, over: Duration) -> Point {
    let seconds = over.as_secs_f64().max(0.001);
    let errors = |f: &FeedFigures| f.continuity_errors + f.pcr_jumps + f.pts_jumps;
    Point {
        bitrate: (after.bytes.saturating_sub(before.bytes) as f64 * 8.0 / seconds) as u64,
        fps: (after.frames.saturating_sub(before.frames) as f64 / seconds) as f32,
        errors: errors(after).saturating_sub(errors(before)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(seconds: u64) -> FeedFigures {
        FeedFigures { bytes: seconds * 250_000, frames: seconds * 25, ..FeedFigures::default() }
    }

    #[test]
    fn rates_are_those_of_the_time_between() {
        let mut vitals = Vitals::default();
        let points = (0..=300u64).filter(|n| vitals.count(figures(*n), Duration::from_secs(*n))).count();
        assert_eq!(points, 5);
        let expected = Point { bitrate: 2_000_000, fps: 25.0, errors: 0 };
        assert_eq!(vitals.now(), expected);
        assert!(vitals.points().all(|p| *p == expected));
        vitals.begin();
        vitals.count(FeedFigures::default(), Duration::from_secs(301));
        assert_eq!(vitals.now(), Point::default(), "another worker counts from zero");
    }

    #[test]
    fn two_hours_are_kept() {
        let mut vitals = Vitals::default();
        (0..500).for_each(|_| vitals.idle());
        assert_eq!(vitals.points().count(), POINTS);
    }

    #[test]
    fn a_fault_is_what_three_looks_agree_on() {
        let good = FeedLook { luma: 120.0, spread: 40.0, change: Some(9.0), level_db: Some(-23.0) };
        let black = FeedLook { luma: 16.0, spread: 0.5, change: Some(0.0), level_db: Some(-120.0) };
        let still = FeedLook { change: Some(0.1), ..good };
        let mut vitals = Vitals::default();
        vitals.look(black);
        vitals.look(black);
        assert_eq!(vitals.faults(), Faults::default());
        vitals.look(black);
        assert_eq!(vitals.faults(), Faults { black: true, frozen: false, silent: true });
        vitals.look(good);
        assert_eq!(vitals.faults(), Faults::default());
        (0..3).for_each(|_| vitals.look(still));
        assert_eq!(vitals.faults(), Faults { frozen: true, ..Faults::default() });
    }
}
