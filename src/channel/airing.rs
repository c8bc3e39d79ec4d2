//! What was put on the timeline: one row of the as-run log (播出日志).

use jiff::Timestamp;

use crate::base::{Lang, LessonId, RelayId, Titles};
use crate::schedule::ProgrammeId;

use super::Hand;

/// Why a slate is on air.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SlateReason {
    /// Nothing is planned, or what was planned has run out: what comes next is announced.
    Next(ProgrammeId),
    /// Nothing is planned for days.
    Idle,
    /// A relay has no picture.
    Lost,
    /// Somebody on duty asked for it.
    Duty,
}

impl SlateReason {
    /// True if it says that programme `id` is next.
    pub fn announces(&self, id: &ProgrammeId) -> bool {
        matches!(self, Self::Next(next) if next == id)
    }
}

/// Where an airing's segments come from.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "source", rename_all = "kebab-case")]
pub enum AiringSource {
    /// A lesson of the library.
    Lesson {
        /// Which lesson.
        lesson: LessonId,
        /// Its package's owner name in addresses.
        owner: String,
    },
    /// A relay's live window.
    Relay {
        /// Which relay.
        relay: RelayId,
        /// Wall-clock stamp of the first segment used.
        origin: Timestamp,
        /// Generation of the segments used.
        generation: u64,
    },
    /// A slate.
    Slate {
        /// Its package's owner name in addresses.
        owner: String,
        /// Why it is on air.
        reason: SlateReason,
    },
}

impl AiringSource {
    /// True if segments of this airing are addressed under `owner`.
    pub fn is_owner(&self, owner: &str) -> bool {
        match self {
            Self::Lesson { owner: mine, .. } | Self::Slate { owner: mine, .. } => mine == owner,
            Self::Relay { relay, .. } => owner.strip_prefix("relay.") == Some(relay.as_str()),
        }
    }

    /// The identifier of the slate's package, of whichever cut; none for what is no slate.
    pub fn slate(&self) -> Option<&str> {
        match self {
            // `<family>.<package>.<hash>`, as `Asset::new` writes it.
            Self::Slate { owner, .. } => owner.split('.').nth(1),
            Self::Lesson { .. } | Self::Relay { .. } => None,
        }
    }

    /// True for slates.
    pub fn is_slate(&self) -> bool {
        matches!(self, Self::Slate { .. })
    }
}

/// One placement on a channel's timeline.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Airing {
    /// Position in the channel's as-run log, from 0, without holes.
    pub no: u64,
    /// The programme it serves; none in a gap.
    pub programme: Option<ProgrammeId>,
    /// Which item of the programme's list it is.
    pub item: u32,
    /// It fills a gap.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub filler: bool,
    /// Titles as they were announced.
    pub titles: Titles,
    /// The language the programme is in, if the schedule says one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lang: Option<Lang>,
    /// Where its segments come from.
    #[serde(flatten)]
    pub source: AiringSource,
    /// Number of the first segment used, in the source's own count.
    pub first: u64,
    /// When its first segment is on air.
    pub start: Timestamp,
    /// `EXT-X-MEDIA-SEQUENCE` of its first segment.
    pub base_sequence: u64,
    /// Discontinuities on this channel before and at its first segment.
    pub discontinuities: u64,
    /// True if it carries on the source of the airing before it without a break.
    pub continues: bool,
    /// It is cut at the first segment boundary at or after this instant.
    pub until: Timestamp,
    /// Number of segments used; none while it is on air.
    pub segments: Option<u64>,
    /// The command to which it is due; none: the schedule's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hand: Option<Box<Hand>>,
}

impl Airing {
    /// True if it stands in the schedule's place.
    pub fn by_hand(&self) -> bool {
        self.hand.as_ref().is_some_and(|hand| hand.takes_over(self.start))
    }
}
