//! Bringing records together: tabs and terminals of a site, shards of a county.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use crate::base::{IntervalSet, SessionId};

use super::credit::Level;
use super::record::SessionRecord;

/// Session records of one node, or of several merged.
pub type Shard = BTreeMap<SessionId, SessionRecord>;

/// When a site was watching at `level` or better: the union over its sessions,
/// whatever terminal or tab they ran in. Wall time, ms of the epoch.
///
/// Clip it to a group study's interval to have that study's credited time.
pub fn site_wall<'a>(sessions: impl IntoIterator<Item = &'a SessionRecord>, level: Level) -> IntervalSet {
    let mut all = IntervalSet::new();
    for session in sessions {
        all.union(&session.wall.at(level));
    }
    all
}

/// Seconds of a site's sessions on the wall: each second once, whatever the
/// number of screens or heads. A begun second does not count.
pub fn site_seconds(sessions: &[IntervalSet]) -> i64 {
    let mut all = IntervalSet::new();
    for wall in sessions {
        all.union(wall);
    }
    all.total() / 1000
}

/// Adds `other` to `into`. Of two records of one session the one that holds
/// more is kept whole: records of one session are stages of one story, and
/// parts of both would be a story nobody told. A fork once seen stays seen.
pub fn merge(into: &mut Shard, other: Shard) {
    for (id, record) in other {
        let merged = match into.remove(&id) {
            None => record,
            Some(mine) => {
                let forks = mine.forks || record.forks;
                let fuller = if fuller(&mine, &record) == Ordering::Less { record } else { mine };
                SessionRecord { forks, ..fuller }
            }
        };
        into.insert(id, merged);
    }
}

/// A total order, so that the outcome does not depend on who comes first.
fn fuller(a: &SessionRecord, b: &SessionRecord) -> Ordering {
    let sums = |r: &SessionRecord| {
        let t = &r.totals;
        (r.closed.is_some(), t.watched_ms, t.timed_ms, t.verified_ms, t.delivered_ms, r.last_activity)
    };
    sums(a).cmp(&sums(b)).then_with(|| text(a).cmp(&text(b)))
}

/// The record as text without its fork flag, to tell apart what sums do not.
fn text(record: &SessionRecord) -> String {
    let plain = SessionRecord { forks: false, ..record.clone() };
    serde_json::to_string(&plain).unwrap_or_default()
}
