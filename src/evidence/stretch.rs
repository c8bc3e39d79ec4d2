//! Stretches: credited intervals, joined where they follow one another.
//!
//! An interval between beats `n` and `n + 1` is edge `n`. Edges that follow one
//! another share a beat, so both their clocks and their positions touch, and a
//! run of them is kept as one stretch. Whatever order edges come in, the same
//! stretches stand at the end. Hours of steady playing cost a few hundred bytes.

use std::collections::BTreeMap;

use crate::base::IntervalSet;

use super::credit::Level;

/// Edges join only inside a block of this many (five minutes of beats): a
/// stretch is placed on the wall with what it lost at its end, and so lies at
/// most that far off.
const BLOCK: u64 = 32;
/// Most stretches of one boot. A month of steady playing has fewer; what comes
/// beyond joins one that stands, or earns nothing.
const MOST: usize = 8192;

/// The credited intervals of one boot.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct Stretches {
    // By first edge; disjoint in edges.
    parts: BTreeMap<u64, Stretch>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
struct Stretch {
    /// Last edge, included.
    last: u64,
    /// Monotonic start, ms.
    mono_ms: i64,
    /// Media `[from, to)`, ms.
    from_ms: i64,
    to_ms: i64,
    /// Wall time credited: the sum of the edges' worths, at most their monotonic time.
    worth_ms: i64,
    level: Level,
}

impl Stretches {
    /// Adds edge `edge`, once: it starts at `mono_ms`, plays `media`, is worth
    /// `worth_ms` and supported as well as `level` says.
    pub(super) fn add(&mut self, edge: u64, mono_ms: i64, media: (i64, i64), worth_ms: i64, level: Level) {
        let (from_ms, to_ms) = media;
        let mut new = Stretch { last: edge, mono_ms, from_ms, to_ms, worth_ms, level };
        let mut first = edge;
        let before = self.parts.range(..edge).next_back().map(|(k, s)| (*k, *s));
        if let Some((k, s)) =
            before.filter(|(_, s)| s.last + 1 == edge && joins(s.last, edge, s.level, level))
        {
            new = s.then(&new);
            first = k;
        }
        let after = self.parts.get(&(edge + 1)).copied();
        if let Some(s) = after.filter(|s| joins(edge, edge + 1, level, s.level)) {
            self.parts.remove(&(edge + 1));
            new = new.then(&s);
        }
        if self.parts.len() < MOST || self.parts.contains_key(&first) {
            self.parts.insert(first, new);
        }
    }

    /// Wall time credited at `level` or better, `offset_ms` being the wall time
    /// of monotonic 0. Each stretch begins where it began and lasts its worth.
    pub(super) fn wall(&self, level: Level, offset_ms: i64) -> IntervalSet {
        let mut out = IntervalSet::new();
        for s in self.parts.values().filter(|s| s.level >= level) {
            let start = s.mono_ms.saturating_add(offset_ms);
            out.insert(start, start.saturating_add(s.worth_ms));
        }
        out
    }

    /// Media played, each part once, ms on the item's line.
    pub(super) fn media(&self) -> IntervalSet {
        let mut out = IntervalSet::new();
        for s in self.parts.values() {
            out.insert(s.from_ms, s.to_ms);
        }
        out
    }

    /// Media consumed, repeats included, ms.
    pub(super) fn consumed_ms(&self) -> i64 {
        self.parts.values().map(|s| s.to_ms - s.from_ms).sum()
    }
}

impl Stretch {
    fn then(&self, next: &Self) -> Self {
        Self { last: next.last, to_ms: next.to_ms, worth_ms: self.worth_ms + next.worth_ms, ..*self }
    }
}

fn joins(left: u64, right: u64, a: Level, b: Level) -> bool {
    a == b && left / BLOCK == right / BLOCK
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_order_of_edges_does_not_matter(
            order in Just((0u64..100).collect::<Vec<_>>()).prop_shuffle(),
            lost in proptest::collection::vec(0i64..3, 100),
            timed in proptest::collection::vec(any::<bool>(), 100),
        ) {
            let build = |edges: &mut dyn Iterator<Item = u64>| {
                let mut out = Stretches::default();
                for e in edges {
                    let (i, start) = (e as usize, e as i64 * 10_000);
                    let level = if timed[i] { Level::Timed } else { Level::Claimed };
                    out.add(e, start, (start, start + 10_000), 10_000 - lost[i], level);
                }
                out
            };
            let straight = build(&mut (0..100));
            prop_assert_eq!(&build(&mut order.into_iter()), &straight);
            prop_assert_eq!(straight.consumed_ms(), 1_000_000);
            prop_assert_eq!(straight.media().total(), 1_000_000);
            prop_assert_eq!(straight.wall(Level::Claimed, 7).total(), 1_000_000 - lost.iter().sum::<i64>());
        }
    }

    #[test]
    fn hours_of_steady_playing_are_a_handful_of_stretches() {
        let mut steady = Stretches::default();
        for e in 0..3200u64 {
            let start = e as i64 * 10_000;
            steady.add(e, start, (start, start + 10_000), 9_990, Level::Delivered);
        }
        assert_eq!(steady.parts.len(), 100);
    }
}
