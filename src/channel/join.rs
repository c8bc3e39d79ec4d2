//! Joining a relay where the timeline stands.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::hls::{LiveSegment, LiveWindow};

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

/// A segment is joined up to this much before its stamp: stamps move by less
/// than this when a clock is re-anchored.
const TOLERANCE: SignedDuration = SignedDuration::from_secs(1);

/// Time beyond a whole segment that a living relay may need to show the next.
const MARGIN: Duration = Duration::from_secs(4);

/// Segments that tell how long a relay's segments are.
const RECENT: u64 = 8;

/// True if nothing newer than `slate_after` is there; a relay of long
/// segments is given at least one of them and a margin.
pub(super) fn stale(window: &LiveWindow, now: Timestamp, slate_after: Duration) -> bool {
    let Some(newest) = window.newest() else { return true };
    let recent = (newest.n.saturating_sub(RECENT - 1)..=newest.n).filter_map(|n| window.get(n));
    let longest = recent.map(LiveSegment::duration).max().unwrap_or_default();
    newest.end() + slate_after.max(longest + MARGIN) < now
}

/// The segment of `window` on air at `cursor` (media.md, timeline rule 2).
///
/// It begins at most [`TOLERANCE`] after the cursor and ends more than that
/// after it. So whoever played a relay's segments to their ends and joins it
/// again never meets one of them a second time.
pub(super) fn join(window: &LiveWindow, cursor: Timestamp, now: Timestamp, slate_after: Duration) -> Join {
    let Some(newest) = window.newest() else { return Join::Dead };
    let aim = cursor + TOLERANCE;
    if let Some(s) = window.at(aim)
        && s.end() > aim
    {
        return if fresh(window, s) { Join::At(s.n) } else { Join::Dead };
    }
    let alive = newest.end() <= aim && !stale(window, now, slate_after) && fresh(window, newest);
    if alive { Join::Hold } else { Join::Dead }
}

/// True if a neighbour proves the feed: a segment alone could be the last gasp
/// of a failing one. Over a re-anchored clock the feed goes on.
fn fresh(window: &LiveWindow, s: &LiveSegment) -> bool {
    let before = s.n.checked_sub(1).and_then(|n| window.get(n));
    let after = window.get(s.n + 1);
    let follows = |a: &LiveSegment, b: &LiveSegment| a.end().duration_until(b.start).abs() <= TOLERANCE;
    before.is_some_and(|b| follows(b, s)) || after.is_some_and(|a| follows(s, a))
}
