//! What the server sent in a session: media, by where it came from.

use std::collections::BTreeMap;

use crate::base::IntervalSet;

/// A segment that is longer is a mistake of the caller and is not counted.
const LONGEST_MS: i64 = 600_000;
/// Most owners told apart; a channel's day has a few dozen.
const OWNERS: usize = 64;
/// Stands for the owners beyond.
const OTHERS: &str = "others";

/// A media segment whose last byte was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeliveredSegment<'a> {
    /// The package, relay or slate it belongs to.
    pub owner: &'a str,
    /// Its number within the owner. It names the segment in messages; the fold goes by place.
    pub n: u64,
    /// Where it starts on the item's line, ms: a channel's programme date, a lesson's time from its start.
    pub start_ms: i64,
    /// How long it is, ms.
    pub dur_ms: i64,
}

/// The media delivered in one session. The same segment again adds nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct Delivered {
    owners: BTreeMap<String, IntervalSet>,
}

impl Delivered {
    /// Adds a segment; an impossible one adds nothing.
    pub(super) fn add(&mut self, segment: DeliveredSegment<'_>) {
        if !(1..=LONGEST_MS).contains(&segment.dur_ms) || segment.start_ms < 0 {
            return;
        }
        let owner = if self.owners.contains_key(segment.owner) || self.owners.len() < OWNERS {
            segment.owner
        } else {
            OTHERS
        };
        if !self.owners.contains_key(owner) {
            self.owners.insert(owner.to_owned(), IntervalSet::new());
        }
        if let Some(set) = self.owners.get_mut(owner) {
            insert_joined(set, segment.start_ms, segment.start_ms.saturating_add(segment.dur_ms));
        }
    }

    /// True if adding the segment would change nothing.
    pub(super) fn holds(&self, segment: DeliveredSegment<'_>) -> bool {
        let (start, end) = (segment.start_ms, segment.start_ms.saturating_add(segment.dur_ms));
        self.owners.get(segment.owner).is_some_and(|set| set.clipped(start, end).total() == segment.dur_ms)
    }

    /// True if at least 95 % of `[from, to)` was delivered: the player's idea
    /// of the programme date may differ from ours by some frames.
    pub(super) fn covers(&self, from: i64, to: i64) -> bool {
        let mut covered = IntervalSet::new();
        for set in self.owners.values() {
            covered.union(&set.clipped(from, to));
        }
        from < to && covered.total().saturating_mul(20) >= (to - from).saturating_mul(19)
    }

    /// Media delivered, each part once, ms.
    pub(super) fn total_ms(&self) -> i64 {
        let mut all = IntervalSet::new();
        for set in self.owners.values() {
            all.union(set);
        }
        all.total()
    }

    /// Media delivered of each owner, ms.
    pub(super) fn by_owner(&self) -> BTreeMap<String, i64> {
        self.owners.iter().map(|(owner, set)| (owner.clone(), set.total())).collect()
    }
}

/// Starts and durations are rounded apart, so neighbours may miss each other by
/// one millisecond. That gap is closed; otherwise each would be a part of its own.
fn insert_joined(set: &mut IntervalSet, start: i64, end: i64) {
    let start = if set.contains(start - 2) { start - 1 } else { start };
    let end = if set.contains(end.saturating_add(1)) { end.saturating_add(1) } else { end };
    set.insert(start, end);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(owner: &str, start_ms: i64, dur_ms: i64) -> DeliveredSegment<'_> {
        DeliveredSegment { owner, n: 0, start_ms, dur_ms }
    }

    #[test]
    fn renditions_and_retries_of_one_segment_count_once() {
        let mut d = Delivered::default();
        for _ in 0..3 {
            d.add(segment("grape", 3840, 3840));
        }
        assert_eq!(d.total_ms(), 3840);
        assert!(d.covers(4000, 7000) && !d.covers(3000, 7000) && !d.covers(5, 5));
    }

    #[test]
    fn rounding_leaves_no_gaps() {
        for order in [[0, 1, 2], [2, 0, 1], [1, 2, 0]] {
            let mut d = Delivered::default();
            for n in order {
                d.add(segment("national", n * 3841, 3840));
            }
            assert_eq!(d.total_ms(), 3 * 3841 - 1);
        }
    }

    #[test]
    fn owners_are_told_apart_up_to_a_bound() {
        let mut d = Delivered::default();
        for n in 0..200 {
            d.add(segment(&format!("lesson-{n:03}"), n * 10_000, 5000));
        }
        let by = d.by_owner();
        assert_eq!(by.len(), OWNERS + 1);
        assert_eq!(by["lesson-000"], 5000);
        assert_eq!(by.values().sum::<i64>(), d.total_ms());
    }

    #[test]
    fn impossible_segments_add_nothing() {
        let mut d = Delivered::default();
        for (start, dur) in [(0, 0), (0, -5), (-5, 10), (0, i64::MAX)] {
            d.add(segment("x", start, dur));
        }
        d.add(segment("x", i64::MAX - 1, 100));
        assert!(d.total_ms() <= 1);
    }
}
