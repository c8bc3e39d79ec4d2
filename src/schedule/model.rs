//! The plan of one channel: programmes at instants.

use std::collections::BTreeMap;

use jiff::civil::{Date, Time};
use jiff::{SignedDuration, Timestamp};

use super::series::{Counts, Episode, Series};
use crate::base::{ChannelId, Holidays, Lang, LessonId, RelayId, Titles};

/// A programme's name: its channel and start, so that the same entry has the
/// same name in every process. Printed `xiangtu-20261123T193000Z`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct ProgrammeId(pub String);

impl ProgrammeId {
    /// The name of the programme of `channel` that starts at `start`.
    pub fn new(channel: &ChannelId, start: Timestamp) -> Self {
        Self(format!("{channel}-{}", start.strftime("%Y%m%dT%H%M%SZ")))
    }

    /// Its planned start; none of a name that was not made here.
    pub fn start(&self) -> Option<Timestamp> {
        let (_, start) = self.0.rsplit_once('-')?;
        let start = start.strip_suffix('Z')?.parse::<jiff::civil::DateTime>().ok()?;
        jiff::tz::TimeZone::UTC.to_timestamp(start).ok()
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
    /// Where it stands in its series.
    pub episode: Option<Episode>,
}

/// What may be played while there is nothing else to play.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filler {
    /// The lesson.
    pub lesson: LessonId,
    /// How often, beside the others.
    pub weight: u32,
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

/// The plan of one channel. See [`Plan::between`] and [`Plan::at`].
///
/// Which programme stands at an instant:
///
/// 1. A weekly entry's slot runs from its start to its end; without an end, or
///    where its end comes later, to the next weekly entry's start.
/// 2. A dated entry's slot runs from its start to its end; without an end, or
///    where its end comes later, to the next dated entry's start. Without an
///    end it also stops at the next weekly entry's start, and after 8 days at
///    the latest.
/// 3. A dated entry replaces what it overlaps. Weekly lessons that would start
///    inside its slot are left out that day; lessons it interrupts end there
///    and do not come back. A weekly relay is live: it gives way for the slot
///    only, and what is left of it before and after are programmes of their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The channel it is for.
    pub channel: ChannelId,
    pub(super) tz: jiff::tz::TimeZone,
    pub(super) weekly: Vec<Weekly>,
    /// In the order of their starts, no two at one instant.
    pub(super) once: Vec<Once>,
    pub(super) series: Vec<Series>,
    pub(super) holidays: Holidays,
    pub(super) fillers: Vec<Filler>,
    pub(super) counts: Counts,
}

impl Plan {
    /// A plan in which nothing is planned.
    pub fn empty(channel: ChannelId, tz: jiff::tz::TimeZone) -> Self {
        Self::new(channel, tz, Vec::new(), [])
    }

    /// What may be played where nothing is planned, or what was planned has run out.
    pub fn fillers(&self) -> &[Filler] {
        &self.fillers
    }

    /// True if anything of it is to be kept as a lesson.
    pub fn keeps_any(&self) -> bool {
        let weekly = self.weekly.iter().map(|w| &w.entry);
        weekly.chain(self.once.iter().map(|o| &o.entry)).any(|entry| entry.keep)
    }

    /// Total for any entries, also for ones that `parse` refuses: of dated
    /// entries at one instant the last stands.
    pub(super) fn new(
        channel: ChannelId,
        tz: jiff::tz::TimeZone,
        weekly: Vec<Weekly>,
        once: impl IntoIterator<Item = Once>,
    ) -> Self {
        let by_start: BTreeMap<_, _> = once.into_iter().map(|o| (o.start, o)).collect();
        Self {
            channel,
            tz,
            weekly,
            once: by_start.into_values().collect(),
            series: Vec::new(),
            holidays: Holidays::new(),
            fillers: Vec::new(),
            counts: Counts::default(),
        }
    }
}

/// An entry that stands every week.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Weekly {
    /// Monday first.
    pub(super) days: [bool; 7],
    /// Dates on which it does not stand.
    pub(super) except: Vec<Date>,
    pub(super) start: Time,
    /// At or before the start means the next day; `24:00` is `00:00`.
    pub(super) end: Option<Time>,
    pub(super) entry: Entry,
}

/// An entry of one date.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Once {
    pub(super) start: Timestamp,
    pub(super) end: Option<Timestamp>,
    pub(super) entry: Entry,
}

/// What an entry plays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum What {
    /// The same each time.
    Play(Play),
    /// What comes next of a series of the plan, by its place there.
    Series {
        series: usize,
        /// What was shown last, once more.
        repeat: bool,
        /// How many episodes.
        episodes: u32,
    },
}

/// What weekly and dated entries share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) titles: Titles,
    pub(super) what: What,
    pub(super) keep: bool,
    pub(super) lang: Option<Lang>,
}

/// The instants of an entry that starts on `date`. A time that a clock change
/// skips or repeats is read as RFC 5545 does: as if the change had not come.
pub(super) fn instants(
    tz: &jiff::tz::TimeZone,
    date: Date,
    start: Time,
    end: Option<Time>,
) -> Option<(Timestamp, Option<Timestamp>)> {
    let at = |date: Date, time| tz.to_ambiguous_timestamp(date.to_datetime(time)).compatible().ok();
    let end = match end {
        Some(end) if end > start => Some(at(date, end)?),
        Some(end) => Some(at(date.tomorrow().ok()?, end)?),
        None => None,
    };
    let start = at(date, start)?;
    // Between two skipped times nothing may be left.
    end.is_none_or(|end| end > start).then_some((start, end))
}

/// A day in a time zone. Where no clock is changed until the day after is
/// over, its times are counted from midnight: a channel of short programmes
/// asks for hundreds of them whenever it is asked what is on.
#[derive(Debug)]
pub(super) struct Day<'z> {
    tz: &'z jiff::tz::TimeZone,
    date: Date,
    /// Midnight, if that holds.
    steady: Option<Timestamp>,
}

impl<'z> Day<'z> {
    pub(super) fn new(tz: &'z jiff::tz::TimeZone, date: Date) -> Self {
        // A time that stands twice after this midnight stands at a change after it.
        let midnight = tz.to_ambiguous_timestamp(date.to_datetime(Time::midnight())).unambiguous().ok();
        let steady = midnight.filter(|midnight| {
            let over = midnight.checked_add(SignedDuration::from_hours(48));
            over.is_ok_and(|over| {
                tz.following(*midnight).next().is_none_or(|change| change.timestamp() > over)
            })
        });
        Self { tz, date, steady }
    }

    /// As [`instants`] of an entry that starts on this day.
    pub(super) fn instants(&self, start: Time, end: Option<Time>) -> Option<(Timestamp, Option<Timestamp>)> {
        let Some(midnight) = self.steady else { return instants(self.tz, self.date, start, end) };
        let at = |time: Time, days: i64| {
            let passed = time.duration_since(Time::midnight()) + SignedDuration::from_hours(24 * days);
            midnight.checked_add(passed).ok()
        };
        let end = match end {
            Some(end) => Some(at(end, i64::from(end <= start))?),
            None => None,
        };
        Some((at(start, 0)?, end))
    }
}
