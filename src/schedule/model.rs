//! The plan of one channel: programmes at instants.

use jiff::Timestamp;

use crate::base::{ChannelId, Lang, LessonId, RelayId, Titles};

/// A programme's name: its channel and start, so that the same entry has the
/// same name in every process. Printed `xiangtu-20261123T193000Z`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct ProgrammeId(pub String);

impl ProgrammeId {
    /// The name of the programme of `channel` that starts at `start`.
    pub fn new(channel: &ChannelId, start: Timestamp) -> Self {
        Self(format!("{channel}-{}", start.strftime("%Y%m%dT%H%M%SZ")))
    }
}

/// What a programme plays.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Play {
    /// Lessons, one after the other.
    Lessons(Vec<LessonId>),
    /// A relay, joined where it is.
    Relay(RelayId),
}

/// What the plan says: one programme at its instant.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Programme {
    /// Its name.
    pub id: ProgrammeId,
    /// Fixed start.
    pub start: Timestamp,
    /// End where the schedule says one; lessons may also simply run out.
    pub end: Option<Timestamp>,
    /// Titles by language.
    pub titles: Titles,
    /// What it plays.
    pub play: Play,
    /// Becomes a lesson afterwards (收录).
    pub keep: bool,
    /// Audio language the entry asks for instead of the channel's.
    pub lang: Option<Lang>,
}

/// What the plan says of one instant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slot {
    /// The programme whose slot covers the instant: it has started and neither
    /// its own end nor the next programme's start has come. None: a gap.
    pub programme: Option<Programme>,
    /// When this answer changes: the next start, or this programme's end. At
    /// most 8 days after the instant asked for, where nothing is planned.
    pub until: Timestamp,
}

/// The plan of one channel. See `Plan::between` and `Plan::at`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The channel it is for.
    pub channel: ChannelId,
    pub(super) tz: jiff::tz::TimeZone,
    pub(super) weekly: Vec<Weekly>,
    pub(super) once: Vec<Once>,
}

/// An entry that stands every week.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Weekly {
    /// Monday first.
    pub(super) days: [bool; 7],
    pub(super) start: jiff::civil::Time,
    pub(super) entry: Entry,
}

/// An entry of one date.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Once {
    pub(super) date: jiff::civil::Date,
    pub(super) start: jiff::civil::Time,
    pub(super) entry: Entry,
}

/// What weekly and dated entries share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    /// Civil end; at or before the start means the next day. `24:00` is `00:00`.
    pub(super) end: Option<jiff::civil::Time>,
    pub(super) titles: Titles,
    pub(super) play: Play,
    pub(super) keep: bool,
    pub(super) lang: Option<Lang>,
}
