//! The recent part of the as-run log, and where each of its segments stands.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::{Airing, AiringSource, Hand, Sources};

/// A change of the as-run log, to be stored before it is shown to anyone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// A new airing.
    Open(Airing),
    /// An airing is over after so many segments.
    Close {
        /// Its number.
        no: u64,
        /// Segments used.
        segments: u64,
    },
    /// The schedule moved the end of the airing on air.
    Until {
        /// Its number.
        no: u64,
        /// The new end.
        until: Timestamp,
    },
}

/// The airings of one channel, oldest first, the last one possibly on air.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Timeline {
    // Shared between copies: publishing a timeline copies no log.
    airings: Arc<Vec<Airing>>,
    /// Segments of the last airing that are settled: they have begun.
    decided: u64,
    /// End of all that is settled; none if what was restored cannot tell.
    end: Option<Timestamp>,
}

/// A segment of a lesson or of a relay lasts this long, slates are made of
/// shorter ones (media.md, "Canonical media").
const REGULAR: Duration = Duration::from_millis(3_840);

/// A segment in its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placed {
    /// `EXT-X-MEDIA-SEQUENCE`.
    pub sequence: u64,
    /// Discontinuities before and at it.
    pub discontinuities: u64,
    /// Timestamps break before it.
    pub breaks: bool,
    /// Number in the source's own count.
    pub n: u64,
    /// When it is on air.
    pub start: Timestamp,
    /// Duration on the timeline.
    pub duration: Duration,
}

impl Placed {
    /// Instant after it.
    pub fn end(&self) -> Timestamp {
        self.start + self.duration
    }

    /// From this instant on playlists list it: when it is over, and not sooner
    /// after its beginning than a regular segment is. Else a player that joined
    /// near the edge of a slate's short segments would run dry while the first
    /// long one after them is being waited for.
    pub fn listed_from(&self) -> Timestamp {
        self.start + self.duration.max(REGULAR)
    }
}

impl Timeline {
    /// Restores the timeline from stored airings, oldest first. Every segment
    /// of an airing still open that has begun by `seen` counts as published:
    /// what a player may have been told must not change.
    /// `hand` is the last command that was given.
    pub fn restore(
        airings: Vec<Airing>,
        sources: &dyn Sources,
        hand: Option<&Hand>,
        seen: Timestamp,
    ) -> Self {
        let settled = |last: &Airing| last.segments.unwrap_or_else(|| begun_by(last, sources, hand, seen));
        let decided = airings.last().map_or(0, settled);
        let end = airings.last().and_then(|last| match decided.checked_sub(1) {
            None => Some(last.start),
            Some(k) => place(last, k, sources).map(|p| p.end()),
        });
        Self { airings: Arc::new(airings), decided, end }
    }

    /// The airings, oldest first.
    pub fn airings(&self) -> &[Airing] {
        &self.airings
    }

    /// The airing on air.
    pub fn open(&self) -> Option<&Airing> {
        self.airings.last().filter(|a| a.segments.is_none())
    }

    /// The airing that was on air at `instant`, or is.
    pub fn at(&self, instant: Timestamp) -> Option<&Airing> {
        self.airings.iter().rev().find(|a| a.start <= instant)
    }

    /// Segments of the last airing that have begun.
    pub fn decided(&self) -> u64 {
        self.decided
    }

    /// Settles the next segment of the airing on air.
    pub(super) fn decide(&mut self, next: Placed) {
        self.decided += 1;
        self.end = Some(next.end());
    }

    /// Applies a step.
    pub fn apply(&mut self, step: &Step) {
        match step {
            Step::Open(airing) => {
                Arc::make_mut(&mut self.airings).push(airing.clone());
                self.decided = 0;
                self.end = Some(airing.start);
            }
            Step::Close { no, segments } => self.change(*no, |a| a.segments = Some(*segments)),
            Step::Until { no, until } => self.change(*no, |a| a.until = *until),
        }
    }

    fn change(&mut self, no: u64, change: impl FnOnce(&mut Airing)) {
        if let Some(a) = Arc::make_mut(&mut self.airings).iter_mut().rev().find(|a| a.no == no) {
            change(a);
        }
    }

    /// Forgets airings that ended before `instant`; the last two always stay.
    pub fn forget_before(&mut self, instant: Timestamp) {
        let keep_from = self.airings.len().saturating_sub(2);
        let old = self.airings.iter().skip(1).take_while(|a| a.start < instant).count();
        let old = old.min(keep_from);
        if old > 0 {
            Arc::make_mut(&mut self.airings).drain(..old);
        }
    }

    /// Number of settled segments of `airing`.
    pub(super) fn count(&self, airing: &Airing) -> u64 {
        airing.segments.unwrap_or(self.decided)
    }

    /// Where the next segment will stand: the end of all that is settled.
    /// It stays when a source vanishes, as a package made anew does.
    pub fn cursor(&self) -> Option<Timestamp> {
        self.end
    }

    /// `EXT-X-MEDIA-SEQUENCE` of the next segment.
    pub fn next_sequence(&self) -> u64 {
        self.airings.last().map_or(0, |a| a.base_sequence + self.count(a))
    }

    /// The place of segment `n` of `owner` (an address's owner name) that is on
    /// air at `on_air`, microseconds since the Unix epoch. None if it never was.
    pub fn find(&self, owner: &str, n: u64, on_air: u64, sources: &dyn Sources) -> Option<Placed> {
        let holds = |a: &&Airing| a.source.is_owner(owner) && (a.first..a.first + self.count(a)).contains(&n);
        let places = self.airings.iter().rev().filter(holds).map(|a| place(a, n - a.first, sources));
        places.flatten().find(|p| u64::try_from(p.start.as_microsecond()) == Ok(on_air))
    }

    /// The first instant after `now` at which a live playlist changes, as far
    /// as segments are settled.
    pub fn next_edge(&self, sources: &dyn Sources, now: Timestamp) -> Option<Timestamp> {
        let placed = self.airings.iter().rev().flat_map(|a| self.placed_rev(a, sources));
        placed.map(|p| p.listed_from()).take_while(|edge| *edge > now).last()
    }

    /// The settled segments of `airing` with their places, newest first.
    pub(super) fn placed_rev<'a>(
        &'a self,
        airing: &'a Airing,
        sources: &'a dyn Sources,
    ) -> impl Iterator<Item = Placed> + 'a {
        (0..self.count(airing)).rev().map_while(move |k| place(airing, k, sources))
    }
}

/// The place of segment `k` of `airing`; none if its source no longer (or not yet) has it.
pub(super) fn place(airing: &Airing, k: u64, sources: &dyn Sources) -> Option<Placed> {
    let n = airing.first + k;
    let (offset, duration) = match &airing.source {
        AiringSource::Lesson { owner, .. } | AiringSource::Slate { owner, .. } => {
            let asset = sources.asset(owner)?;
            if n >= asset.len() {
                return None;
            }
            (asset.offset(n) - asset.offset(airing.first), asset.offset(n + 1) - asset.offset(n))
        }
        AiringSource::Relay { relay, origin, generation } => {
            let window = sources.window(relay)?;
            let segment = window.get(n).filter(|s| s.generation == *generation)?;
            (unsigned(segment.start.duration_since(*origin)), segment.duration())
        }
    };
    Some(Placed {
        sequence: airing.base_sequence + k,
        discontinuities: airing.discontinuities,
        breaks: k == 0 && !airing.continues,
        n,
        start: airing.start + offset,
        duration,
    })
}

/// No source has shorter segments, but for an item's last.
const SHORTEST: Duration = Duration::from_millis(960);

/// Number of segments of an airing still on air that had begun by `seen`.
fn begun_by(airing: &Airing, sources: &dyn Sources, hand: Option<&Hand>, seen: Timestamp) -> u64 {
    let on_air = |t: Timestamp| t < airing.until || hand.is_some_and(|hand| hand.may_have_kept(airing, t));
    let Some(kept) = first_kept(airing, sources) else {
        // What was published cannot be told any more. Numbers may be left
        // out; none may be used twice.
        let last = if on_air(seen) { seen } else { seen.min(airing.until) };
        let aired = unsigned(last.duration_since(airing.start));
        return aired.as_millis().div_ceil(SHORTEST.as_millis()) as u64 + 1;
    };
    let begun = |k: &u64| {
        let start = place(airing, *k, sources).map(|p| p.start);
        start.is_some_and(|s| s <= seen && on_air(s))
    };
    kept + (kept..).take_while(begun).count() as u64
}

/// The first segment of `airing` that its source still has. A relay that is on
/// air for longer than it keeps has forgotten the first ones.
fn first_kept(airing: &Airing, sources: &dyn Sources) -> Option<u64> {
    match &airing.source {
        AiringSource::Lesson { owner, .. } | AiringSource::Slate { owner, .. } => {
            sources.asset(owner).map(|_| 0)
        }
        AiringSource::Relay { relay, .. } => {
            let oldest = sources.window(relay)?.oldest()?.n;
            Some(oldest.saturating_sub(airing.first))
        }
    }
}

fn unsigned(d: SignedDuration) -> Duration {
    Duration::try_from(d).unwrap_or_default()
}
