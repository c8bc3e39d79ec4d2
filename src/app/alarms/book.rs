//! Which troubles are worth an alarm, and which alarms are over. Pure.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

/// Something that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub(super) struct Trouble {
    /// `channel/<id>`, `relay/<id>`, `lesson/<id>` or `disk`.
    pub(super) subject: String,
    /// `slate`, `backup`, `black`, `frozen`, `silent`, `short`, `damaged`.
    pub(super) kind: &'static str,
}

/// What became of a trouble.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Change {
    /// It has lasted for longer than it may.
    Raised,
    /// It is over.
    Cleared,
}

#[derive(Debug, Clone, Copy)]
struct Seen {
    since: Timestamp,
    /// The last time it was seen.
    last: Timestamp,
    raised: bool,
}

/// A trouble that was away for this long is over: one that comes and goes is one trouble.
const OVER: SignedDuration = SignedDuration::from_secs(15);

/// All troubles that are under way.
#[derive(Debug, Default)]
pub(super) struct Book {
    seen: BTreeMap<Trouble, Seen>,
}

impl Book {
    /// Takes the troubles there are at `now`; what changed, and since when each had been.
    pub(super) fn look(
        &mut self,
        troubles: impl IntoIterator<Item = Trouble>,
        after: SignedDuration,
        now: Timestamp,
    ) -> Vec<(Trouble, Change, Timestamp)> {
        for trouble in troubles {
            self.seen.entry(trouble).or_insert(Seen { since: now, last: now, raised: false }).last = now;
        }
        let mut changes = Vec::new();
        self.seen.retain(|trouble, seen| {
            let over = now.duration_since(seen.last) >= OVER;
            if over && seen.raised {
                changes.push((trouble.clone(), Change::Cleared, seen.since));
            } else if !over && !seen.raised && seen.last.duration_since(seen.since) >= after {
                seen.raised = true;
                changes.push((trouble.clone(), Change::Raised, seen.since));
            }
            !over
        });
        changes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).expect("an instant")
    }

    /// What is said at which second while the trouble is there as `there` says.
    fn run(there: impl Fn(i64) -> bool) -> Vec<(i64, Change)> {
        let mut book = Book::default();
        let trouble = Trouble { subject: "channel/one".into(), kind: "slate" };
        let mut said = Vec::new();
        for n in 0..400 {
            let troubles = there(n).then(|| trouble.clone());
            for (_, change, since) in book.look(troubles, SignedDuration::from_secs(60), at(n)) {
                assert!(since <= at(n));
                said.push((n, change));
            }
        }
        said
    }

    #[test]
    fn what_lasts_is_raised_once_and_cleared_once() {
        let said = run(|n| (10..200).contains(&n));
        assert_eq!(said, [(70, Change::Raised), (214, Change::Cleared)]);
    }

    #[test]
    fn what_is_short_is_not_spoken_of() {
        assert_eq!(run(|n| n % 100 < 40), []);
    }

    #[test]
    fn what_comes_and_goes_is_one_trouble() {
        let said = run(|n| n < 300 && n % 10 < 5);
        assert_eq!(said.len(), 2, "{said:?}");
        assert_eq!(said[0].1, Change::Raised);
    }
}
