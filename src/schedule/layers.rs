//! The weekly layer, the dated layer above it, and what remains to be seen.

use jiff::civil::{Date, Weekday};
use jiff::{SignedDuration, Timestamp};

use super::model::{Day, Entry, Once, What};
use super::{Plan, Play, Programme, ProgrammeId, Slot};
use crate::base::Titles;

/// Longest slot of an entry without end; a weekly entry's next turn comes sooner.
const LONGEST: SignedDuration = SignedDuration::from_hours(8 * 24);
const DAYS: usize = 8;

/// A weekly entry on one day.
#[derive(Debug)]
struct Turn<'p> {
    start: Timestamp,
    end: Option<Timestamp>,
    entry: &'p Entry,
}

/// A stretch of the day that one entry holds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Piece<'p> {
    pub(super) start: Timestamp,
    end: Timestamp,
    /// The entry says an end, so that `end` is more than the next one's start.
    ends: bool,
    pub(super) entry: &'p Entry,
}

impl Plan {
    /// The programmes that start in `[from, to)` and the one running at
    /// `from`, in the order of their starts. A programme's `end` is the one
    /// its entry says, but never later than the next programme's start.
    pub fn between(&self, from: Timestamp, to: Timestamp) -> Vec<Programme> {
        self.pieces(from, to).iter().map(|p| self.programme(p)).collect()
    }

    /// As [`Plan::between`], each with the instant up to which its place in
    /// the day is its own: [`Slot::until`] of [`Plan::at`] its start.
    pub fn places(&self, from: Timestamp, to: Timestamp) -> Vec<(Programme, Timestamp)> {
        self.pieces(from, to).iter().map(|p| (self.programme(p), p.end)).collect()
    }

    /// What stands at `t`. Looks only at the days around it.
    pub fn at(&self, t: Timestamp) -> Slot {
        if let Some(piece) = self.pieces(t, t).first() {
            return Slot { programme: Some(self.programme(piece)), until: piece.end };
        }
        let horizon = later(t, LONGEST);
        let soon = later(t, SignedDuration::from_hours(24));
        let mut next = self.pieces(t, soon);
        if next.is_empty() {
            next = self.pieces(soon, horizon);
        }
        Slot { programme: None, until: next.first().map_or(horizon, |p| p.start) }
    }

    fn programme(&self, piece: &Piece<'_>) -> Programme {
        let (play, episode) = self.plays(piece.entry, piece.start);
        Programme {
            id: ProgrammeId::new(&self.channel, piece.start),
            start: piece.start,
            end: piece.ends.then_some(piece.end),
            titles: self.titles_of(piece.entry),
            play,
            keep: piece.entry.keep,
            lang: piece.entry.lang.clone(),
            episode,
        }
    }

    /// An entry's own titles, else those of its series.
    fn titles_of(&self, entry: &Entry) -> Titles {
        match &entry.what {
            What::Series { series, .. } if entry.titles.0.is_empty() => self.series[*series].titles.clone(),
            _ => entry.titles.clone(),
        }
    }

    /// The pieces that start in `[from, to)` and the one that covers `from`.
    pub(super) fn pieces(&self, from: Timestamp, to: Timestamp) -> Vec<Piece<'_>> {
        let to = to.max(from);
        let weekly = self.weekly_slots(from, to);
        let first = weekly.first().map_or(from, |p| p.start.min(from));
        let last = weekly.last().map_or(to, |p| p.end.max(to));
        let dated = self.dated_slots(first, last);
        let mut pieces: Vec<Piece<'_>> = weekly.iter().flat_map(|slot| uncovered(slot, &dated)).collect();
        pieces.extend(dated);
        pieces.retain(|p| (p.start < to || p.start <= from) && p.end > from);
        pieces.sort_by_key(|p| p.start);
        pieces
    }

    /// The weekly layer as if there were no dated entries: the slots that
    /// start in `[from, to)` and the last one before.
    fn weekly_slots(&self, from: Timestamp, to: Timestamp) -> Vec<Piece<'_>> {
        let turns = self.turns(from, to);
        let slot = |(i, turn): (usize, &Turn<'_>)| {
            // Holidays may leave out turns: the next one can be weeks away.
            let longest = later(turn.start, LONGEST);
            let next = turns.get(i + 1).map_or(longest, |n| n.start.min(longest));
            (turn.start, turn.end.map_or(next, |end| end.min(next)), turn.end.is_some())
        };
        let kept = turns.iter().enumerate().filter(|(_, t)| t.start < to || t.start <= from);
        kept.map(|(i, turn)| {
            let (start, end, ends) = slot((i, turn));
            Piece { start, end, ends, entry: turn.entry }
        })
        .collect()
    }

    /// The weekly entries' turns from the last at or before `from` through
    /// the first after `to`, no two at one instant.
    fn turns(&self, from: Timestamp, to: Timestamp) -> Vec<Turn<'_>> {
        if self.weekly.is_empty() {
            return Vec::new();
        }
        let date = |t: Timestamp| self.tz.to_datetime(t).date();
        let (today, last) = (date(from), date(to));
        let mut turns = Vec::new();
        for day in std::iter::successors(Some(today), |d| d.yesterday().ok()).take(DAYS + 1) {
            self.turns_on(day, &mut turns);
            if turns.iter().any(|t| t.start <= from) {
                break;
            }
        }
        let mut beyond = 0;
        for day in std::iter::successors(today.tomorrow().ok(), |d| d.tomorrow().ok()) {
            beyond += usize::from(day > last);
            if beyond > 0 && (beyond > DAYS || turns.iter().any(|t| t.start > to)) {
                break;
            }
            self.turns_on(day, &mut turns);
        }
        turns.sort_by_key(|t| t.start);
        turns.dedup_by_key(|t| t.start);
        let before = turns.partition_point(|t| t.start <= from).saturating_sub(1);
        turns.drain(..before);
        turns
    }

    /// The day of the week, Monday being 0, whose entries stand on `date`; none
    /// on a holiday without any.
    pub fn weekday_of(&self, date: Date) -> Option<usize> {
        let usual = Some(weekday_index(date.weekday()));
        self.holidays.get(&date).copied().unwrap_or(usual)
    }

    fn turns_on<'p>(&'p self, date: Date, turns: &mut Vec<Turn<'p>>) {
        let Some(day) = self.weekday_of(date) else { return };
        let clock = Day::new(&self.tz, date);
        for weekly in self.weekly.iter().filter(|w| w.days[day] && !w.except.contains(&date)) {
            if let Some((start, end)) = clock.instants(weekly.start, weekly.end) {
                turns.push(Turn { start, end, entry: &weekly.entry });
            }
        }
    }

    /// The dated entries' slots that reach into `[from, to)`.
    fn dated_slots(&self, from: Timestamp, to: Timestamp) -> Vec<Piece<'_>> {
        let first = self.once.partition_point(|o| o.start <= from).saturating_sub(1);
        let mut slots = Vec::new();
        for (i, once) in self.once.iter().enumerate().skip(first) {
            if once.start > to {
                break;
            }
            let end = self.dated_end(once, self.once.get(i + 1));
            if end > from {
                slots.push(Piece { start: once.start, end, ends: once.end.is_some(), entry: &once.entry });
            }
        }
        slots
    }

    fn dated_end(&self, once: &Once, next: Option<&Once>) -> Timestamp {
        let own = once.end.unwrap_or_else(|| {
            let turns = self.turns(once.start, once.start);
            let weekly = turns.iter().map(|t| t.start).find(|s| *s > once.start);
            let longest = later(once.start, LONGEST);
            weekly.map_or(longest, |w| w.min(longest))
        });
        next.map_or(own, |n| own.min(n.start))
    }
}

/// Monday is 0.
pub(super) fn weekday_index(day: Weekday) -> usize {
    day.to_monday_zero_offset() as usize
}

fn later(t: Timestamp, by: SignedDuration) -> Timestamp {
    t.checked_add(by).unwrap_or(Timestamp::MAX)
}

/// What the dated entries leave of a weekly slot.
fn uncovered<'p>(slot: &Piece<'p>, dated: &[Piece<'p>]) -> Vec<Piece<'p>> {
    let mut rest = vec![*slot];
    for hole in dated {
        let Some(tail) = rest.pop() else { break };
        if hole.end <= tail.start || hole.start >= tail.end {
            rest.push(tail);
            continue;
        }
        let begun = tail.start < hole.start;
        if begun {
            rest.push(Piece { end: hole.start, ..tail });
        }
        match &tail.entry.what {
            What::Play(Play::Relay(_)) if hole.end < tail.end => rest.push(Piece { start: hole.end, ..tail }),
            _ => break,
        }
    }
    rest
}
