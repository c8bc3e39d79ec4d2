//! Series: each turn plays what comes after the turn before it.
//!
//! Which episode a turn plays follows from the plan alone: it is counted from
//! the date on which the series begins. So the guide announces what will be
//! played, today and next month, and a turn that a dated entry replaced is no
//! turn: the series goes on where it stopped.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};

use crate::base::{LessonId, Titles};

use super::model::{Entry, What};
use super::{Plan, Play};

/// `[[series]]` of a schedule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Series {
    pub(super) id: String,
    pub(super) titles: Titles,
    pub(super) lessons: Vec<LessonId>,
    /// Turns count from here.
    pub(super) begins: Timestamp,
    /// After the last episode comes the first.
    pub(super) again: bool,
}

/// An episode of a series, as programmes name it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Episode {
    /// The series.
    pub series: String,
    /// The first episode that is played, from 1.
    pub number: u64,
    /// How many the series has.
    pub of: u64,
}

/// How many episodes were played before each midnight since a series began:
/// found out once, since what is asked for mostly lies after it.
#[derive(Debug, Default)]
pub(super) struct Counts(Mutex<BTreeMap<usize, Vec<u64>>>);

// What was found out follows from the rest of the plan.
impl Clone for Counts {
    fn clone(&self) -> Self {
        Self::default()
    }
}
impl PartialEq for Counts {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}
impl Eq for Counts {}

const DAY: SignedDuration = SignedDuration::from_hours(24);
/// Longest life of a series that is counted through, days: a date that was
/// mistyped must not stop the server.
const LONGEST: i128 = 40 * 366;

impl Plan {
    /// What an entry plays when its turn begins at `start`.
    pub(super) fn plays(&self, entry: &Entry, start: Timestamp) -> (Play, Option<Episode>) {
        let (index, repeat, episodes) = match &entry.what {
            What::Play(play) => return (play.clone(), None),
            What::Series { series, repeat, episodes } => (*series, *repeat, u64::from(*episodes)),
        };
        let series = &self.series[index];
        let before = self.episodes_before(index, start);
        let first = if repeat { before.checked_sub(episodes) } else { Some(before) };
        let len = series.lessons.len() as u64;
        let nth = |n: u64| if series.again { Some(n % len.max(1)) } else { Some(n).filter(|n| *n < len) };
        let numbers: Vec<u64> = first.into_iter().flat_map(|f| f..f + episodes).filter_map(nth).collect();
        let lessons = numbers.iter().filter_map(|n| series.lessons.get(*n as usize).cloned());
        let episode = numbers.first().map(|n| Episode { series: series.id.clone(), number: n + 1, of: len });
        (Play::Lessons(lessons.collect()), episode)
    }

    /// Episodes played since the series began by turns that begin before `t`.
    fn episodes_before(&self, series: usize, t: Timestamp) -> u64 {
        let begins = self.series[series].begins;
        let since = t.duration_since(begins).as_nanos();
        if since <= 0 {
            return 0;
        }
        let days = (since / DAY.as_nanos()).min(LONGEST) as usize;
        let midnight = |day: usize| begins + DAY * i32::try_from(day).unwrap_or(i32::MAX);
        let mut all = self.counts.0.lock().unwrap_or_else(PoisonError::into_inner);
        let counts = all.entry(series).or_insert_with(|| vec![0]);
        while counts.len() <= days {
            let day = counts.len() - 1;
            let more = self.episodes_between(series, midnight(day), midnight(day + 1));
            counts.push(counts[day] + more);
        }
        counts[days] + self.episodes_between(series, midnight(days), t)
    }

    fn episodes_between(&self, series: usize, from: Timestamp, to: Timestamp) -> u64 {
        let turns = self.pieces(from, to).into_iter().filter(|p| p.start >= from && p.start < to);
        let of = |what: &What| match what {
            What::Series { series: s, repeat: false, episodes } if *s == series => u64::from(*episodes),
            _ => 0,
        };
        turns.map(|p| of(&p.entry.what)).sum()
    }
}
