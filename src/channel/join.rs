//! Joining a relay where the timeline stands.

use std::time::Duration;

use jiff::Timestamp;

use crate::hls::LiveWindow;

/// What a relay can offer at an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Join {
    /// This segment is on air.
    At(u64),
    /// It lives, but the segment is not recorded yet.
    Hold,
    /// No picture: the slate goes on.
    Dead,
}

/// A stamp this much ahead of the cursor still counts as covering it: stamps
/// move by less than this when a clock is re-anchored.
const TOLERANCE: Duration = Duration::from_secs(1);

/// Time beyond a whole segment that a living relay may need to show the next.
const MARGIN: Duration = Duration::from_secs(4);

/// True if nothing newer than `slate_after` is there; a relay of long
/// segments is given at least one of them and a margin.
pub(super) fn stale(window: &LiveWindow, now: Timestamp, slate_after: Duration) -> bool {
    window.newest().is_none_or(|s| s.end() + slate_after.max(s.duration() + MARGIN) < now)
}

/// The segment of `window` on air at `cursor` (media.md, timeline rule 2).
pub(super) fn join(window: &LiveWindow, cursor: Timestamp, now: Timestamp, slate_after: Duration) -> Join {
    let Some(newest) = window.newest() else { return Join::Dead };
    // Two fresh segments: one could be the last gasp of a failing feed.
    let proven = |n: u64, generation: u64| {
        let same = |n: u64| window.get(n).is_some_and(|s| s.generation == generation);
        same(n + 1) || n.checked_sub(1).is_some_and(same)
    };
    if let Some(s) = window.at(cursor + TOLERANCE)
        && s.end() > cursor
    {
        return if proven(s.n, s.generation) { Join::At(s.n) } else { Join::Dead };
    }
    let alive =
        newest.end() <= cursor && !stale(window, now, slate_after) && proven(newest.n, newest.generation);
    if alive { Join::Hold } else { Join::Dead }
}
