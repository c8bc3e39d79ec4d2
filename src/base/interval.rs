//! Sets of half-open intervals over a discrete line.

use std::collections::BTreeMap;

/// A union of half-open intervals `[start, end)` of milliseconds (or of any
/// other whole unit the caller sticks to). Adding is commutative and idempotent.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct IntervalSet {
    // start -> end; disjoint and not touching.
    parts: BTreeMap<i64, i64>,
}

impl IntervalSet {
    /// The empty set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds `[start, end)`; an empty or reversed interval adds nothing.
    pub fn insert(&mut self, start: i64, end: i64) {
        if start >= end {
            return;
        }
        let (mut start, mut end) = (start, end);
        // Swallow every part that touches the new one, from the right.
        while let Some((&s, &e)) = self.parts.range(..=end).next_back() {
            if e < start {
                break;
            }
            start = start.min(s);
            end = end.max(e);
            self.parts.remove(&s);
        }
        self.parts.insert(start, end);
    }

    /// Adds every interval of `other`.
    pub fn union(&mut self, other: &Self) {
        for (s, e) in other.iter() {
            self.insert(s, e);
        }
    }

    /// The part of this set inside `[start, end)`.
    pub fn clipped(&self, start: i64, end: i64) -> Self {
        let mut out = Self::new();
        for (s, e) in self.iter() {
            out.insert(s.max(start), e.min(end));
        }
        out
    }

    /// What of this set is not in `other`.
    pub fn minus(&self, other: &Self) -> Self {
        let (mut out, mut from) = (Self::new(), i64::MIN);
        for (start, end) in other.iter() {
            out.union(&self.clipped(from, start));
            from = end;
        }
        out.union(&self.clipped(from, i64::MAX));
        out
    }

    /// Total length.
    pub fn total(&self) -> i64 {
        self.parts.iter().map(|(s, e)| e - s).sum()
    }

    /// The disjoint intervals in order.
    pub fn iter(&self) -> impl Iterator<Item = (i64, i64)> + '_ {
        self.parts.iter().map(|(s, e)| (*s, *e))
    }

    /// True if nothing was added.
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// True if `at` lies inside.
    pub fn contains(&self, at: i64) -> bool {
        self.parts.range(..=at).next_back().is_some_and(|(_, e)| at < *e)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_taken_away_is_gone_and_nothing_else(
            parts in proptest::collection::vec((0i64..100, 0i64..100), 0..20),
            others in proptest::collection::vec((0i64..100, 0i64..100), 0..20),
        ) {
            let (mut set, mut other) = (IntervalSet::new(), IntervalSet::new());
            parts.iter().for_each(|(s, e)| set.insert(*s, *e));
            others.iter().for_each(|(s, e)| other.insert(*s, *e));
            let left = set.minus(&other);
            for at in 0..100 {
                prop_assert_eq!(left.contains(at), set.contains(at) && !other.contains(at));
            }
        }

        #[test]
        fn agrees_with_a_plain_set(parts in proptest::collection::vec((0i64..200, 0i64..200), 0..30)) {
            let mut set = IntervalSet::new();
            let mut plain = std::collections::BTreeSet::new();
            for (s, e) in &parts {
                set.insert(*s, *e);
                plain.extend(*s..*e);
            }
            prop_assert_eq!(set.total(), plain.len() as i64);
            for at in 0..200 {
                prop_assert_eq!(set.contains(at), plain.contains(&at));
            }
            let mut reversed = IntervalSet::new();
            for (s, e) in parts.iter().rev() {
                reversed.insert(*s, *e);
            }
            prop_assert_eq!(&reversed, &set);
            set.union(&reversed);
            prop_assert_eq!(set, reversed);
        }
    }
}
