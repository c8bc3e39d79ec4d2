//! One run of a player, folded as its beats come in.
//!
//! Beats may come late, twice and in any order. A beat is held until both its
//! neighbours are known; then only its number and a print of it remain.

use std::collections::BTreeMap;

use crate::base::IntervalSet;

use super::credit::{Credit, HURRY_MS, Level, Received, interval};
use super::delivered::Delivered;
use super::stretch::Stretches;

/// Prints kept to tell a retry from a fork; an older beat that comes again is
/// taken for a retry, which adds nothing either way.
const PRINTS: usize = 512;
/// Gaps in the numbers that are still waited for; beyond, the oldest is given up.
const GAPS: usize = 64;

/// What is known of one boot.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub(super) struct Boot {
    /// The numbers received or given up.
    known: IntervalSet,
    /// Beats with a neighbour still missing.
    held: BTreeMap<u64, Received>,
    prints: BTreeMap<u64, u32>,
    /// What was watched, claimed or timed.
    stretches: Stretches,
    /// The timed intervals whose media had been delivered, again and apart: a
    /// delivery must not change how the others are cut.
    verified: Stretches,
    /// Wall time of monotonic 0, ms of the epoch: the least of receive time
    /// minus monotonic time over all beats. Delay only ever adds to it, so the
    /// least is the closest, and no wall clock but the server's is asked.
    offset_ms: Option<i64>,
    /// First and last receive time of beats with a fresh nonce, ms of the epoch.
    fresh_ms: Option<(i64, i64)>,
    hidden_ms: i64,
    paused_ms: i64,
    stalled_ms: i64,
}

/// Whether a beat was seen before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Seen {
    Never,
    Same,
    Different,
}

impl Boot {
    pub(super) fn seen(&self, seq: u64, print: u32) -> Seen {
        if !self.known.contains(seq as i64) {
            return Seen::Never;
        }
        match self.prints.get(&seq) {
            Some(kept) if *kept != print => Seen::Different,
            _ => Seen::Same,
        }
    }

    /// Folds a beat not seen before. True if it is the newest of this boot.
    pub(super) fn take(&mut self, next: Received, item_ms: Option<i64>, delivered: &Delivered) -> bool {
        let seq = next.beat.seq;
        let at = next.at.as_millisecond();
        let offset = at.saturating_sub(next.beat.mono_ms);
        self.offset_ms = Some(self.offset_ms.map_or(offset, |o| o.min(offset)));
        if next.nonce_issued.is_some() {
            self.fresh_ms =
                Some(self.fresh_ms.map_or((at, at), |(first, last)| (first.min(at), last.max(at))));
        }
        let newest = self.known.iter().last().is_none_or(|(_, end)| seq as i64 >= end);
        self.known.insert(seq as i64, seq as i64 + 1);
        self.prints.insert(seq, next.beat.print());
        if self.prints.len() > PRINTS {
            self.prints.pop_first();
        }
        self.held.insert(seq, next);
        if let Some(before) = seq.checked_sub(1) {
            self.fold(before, item_ms, delivered);
        }
        self.fold(seq, item_ms, delivered);
        self.forget();
        newest
    }

    /// Credits edge `edge` if both its beats are held.
    fn fold(&mut self, edge: u64, item_ms: Option<i64>, delivered: &Delivered) {
        let (Some(prev), Some(next)) = (self.held.get(&edge), self.held.get(&(edge + 1))) else { return };
        match interval(prev, next, item_ms) {
            Credit::Watched { worth_ms, media, timed } => {
                let level = if timed { Level::Timed } else { Level::Claimed };
                self.stretches.add(edge, prev.beat.mono_ms, media, worth_ms, level);
                if timed && delivered.covers(media.0, media.1) {
                    self.verified.add(edge, prev.beat.mono_ms, media, worth_ms, Level::Delivered);
                }
            }
            Credit::Hidden(ms) => self.hidden_ms += ms,
            Credit::Paused(ms) => self.paused_ms += ms,
            Credit::Stalled(ms) => self.stalled_ms += ms,
            Credit::Nothing(_) => {}
        }
    }

    /// Drops beats whose neighbours are both known.
    fn forget(&mut self) {
        if self.known.iter().count() > GAPS {
            let ends: Vec<_> = self.known.iter().take(2).collect();
            if let [(start, _), (_, end)] = ends[..] {
                self.known.insert(start, end);
            }
        }
        let known = &self.known;
        self.held.retain(|seq, _| {
            let seq = *seq as i64;
            !(known.contains(seq + 1) && (seq == 0 || known.contains(seq - 1)))
        });
    }

    /// Wall time credited at `level` or better, none of it before `from_ms`.
    ///
    /// What the server's clock vouches for also lies between the first and the
    /// last fresh beat, give or take the slack of one interval: the rule's five
    /// seconds are granted once, not once per interval.
    pub(super) fn wall(&self, level: Level, from_ms: i64) -> IntervalSet {
        let Some(offset) = self.offset_ms else { return IntervalSet::new() };
        let wall = self.stretches.wall(level.min(Level::Timed), offset);
        let wall = match (level, self.fresh_ms) {
            (Level::Nothing | Level::Sealed | Level::Claimed, _) => return wall.clipped(from_ms, i64::MAX),
            (_, None) => return IntervalSet::new(),
            (_, Some((first, last))) => wall.clipped(from_ms.max(first.saturating_sub(HURRY_MS)), last),
        };
        if level == Level::Timed {
            return wall;
        }
        let mut both = IntervalSet::new();
        for (start, end) in self.verified.wall(level, offset).iter() {
            both.union(&wall.clipped(start, end));
        }
        both
    }

    pub(super) fn stretches(&self) -> &Stretches {
        &self.stretches
    }

    /// Hidden, paused and stalled time, ms.
    pub(super) fn idle_ms(&self) -> (i64, i64, i64) {
        (self.hidden_ms, self.paused_ms, self.stalled_ms)
    }

    /// Beats and prints in memory, for the test that they stay few.
    #[cfg(test)]
    pub(super) fn kept(&self) -> (usize, usize) {
        (self.held.len(), self.prints.len())
    }
}
