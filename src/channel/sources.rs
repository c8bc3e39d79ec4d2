//! What the timeline may play, as read handles.

use std::sync::Arc;
use std::time::Duration;

use crate::base::{ChannelId, LessonId, RelayId};
use crate::hls::{LiveWindow, Manifest};

use super::SlateReason;

/// A package ready to be put on air.
#[derive(Debug, Clone)]
pub struct Asset {
    /// Its owner name in addresses; changes whenever its bytes do.
    pub owner: String,
    /// What it holds.
    pub manifest: Arc<Manifest>,
    // End of each segment from the start, microseconds.
    ends_us: Vec<u64>,
}

impl Asset {
    /// Prepares a package. `family` is the first word of its owner name:
    /// `lesson` or `slate`.
    pub fn new(family: &str, manifest: Arc<Manifest>) -> Self {
        let mut end = 0;
        let ends_us = manifest
            .segments_us
            .iter()
            .map(|us| {
                end += us;
                end
            })
            .collect();
        Self { owner: manifest.owner(family), manifest, ends_us }
    }

    /// Number of segments.
    pub fn len(&self) -> u64 {
        self.ends_us.len() as u64
    }

    /// True if it has no segment.
    pub fn is_empty(&self) -> bool {
        self.ends_us.is_empty()
    }

    /// Time from the start to the beginning of segment `n` (or to the end, for `n` past it).
    pub fn offset(&self, n: u64) -> Duration {
        let n = usize::try_from(n).unwrap_or(usize::MAX).min(self.ends_us.len());
        Duration::from_micros(n.checked_sub(1).map_or(0, |i| self.ends_us[i]))
    }

    /// The segment on air `offset` after the start; none past the end.
    pub fn segment_at(&self, offset: Duration) -> Option<u64> {
        let us = u64::try_from(offset.as_micros()).ok()?;
        let n = self.ends_us.partition_point(|end| *end <= us) as u64;
        (n < self.len()).then_some(n)
    }
}

/// A slate in two cuts of the same bytes.
///
/// Players join a few segments before the live edge, and a player that held
/// three short ones would run dry where a source of longer ones follows. So a
/// slate is shown in regular segments, and in short ones only where the next
/// programme is near: they meet its start closely.
#[derive(Debug, Clone)]
pub struct Slate {
    /// Segments as long as a lesson's.
    pub regular: Arc<Asset>,
    /// Segments of under a second.
    pub short: Arc<Asset>,
}

impl Slate {
    /// The owner names of a slate's cuts begin with these.
    pub const FAMILIES: [&'static str; 2] = ["slate", "slate-short"];
    /// Short segments in a regular one: 4 of 0.96 s are 3.84 s.
    pub const GROUP: usize = 4;

    /// Both cuts of a package of short segments.
    pub fn of(short: &Arc<Manifest>) -> Self {
        let [regular_family, short_family] = Self::FAMILIES;
        Self {
            regular: Arc::new(Asset::new(regular_family, Arc::new(short.in_groups_of(Self::GROUP)))),
            short: Arc::new(Asset::new(short_family, Arc::clone(short))),
        }
    }
}

/// Read handles on everything a channel can play.
pub trait Sources {
    /// The current package of a lesson.
    fn lesson(&self, lesson: &LessonId) -> Option<Arc<Asset>>;
    /// A package by owner name, current or not, lesson or slate.
    fn asset(&self, owner: &str) -> Option<Arc<Asset>>;
    /// True if the package of this owner was taken back: it leaves the air where its next
    /// segment would begin.
    fn is_taken_back(&self, owner: &str) -> bool;
    /// What a relay has recorded.
    fn window(&self, relay: &RelayId) -> Option<Arc<LiveWindow>>;
    /// The slate for a reason, or the channel's plain one while that is being made.
    fn slate(&self, channel: &ChannelId, reason: &SlateReason) -> Option<Slate>;
}
