//! A schedule file → the plan of its channel.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;

use super::model::{Entry, Once, Weekly, instants};
use super::read::{Days, TimeOfDay};
use super::{Plan, Play, clock_change, gaps, overlap};
use crate::base::document::{At, Document, Fields, did_you_mean};
use crate::base::{ChannelId, Fault, Lang, LessonId, Problem, Problems, RelayId, Titles};

/// What a schedule may refer to.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// The county's channels, each with the longest gap that is not reported.
    pub channels: &'a BTreeMap<ChannelId, Duration>,
    /// The county's relays.
    pub relays: &'a BTreeSet<RelayId>,
    /// The lessons of the library; None where there is no library to look in.
    pub lessons: Option<&'a BTreeSet<LessonId>>,
}

/// The same, owned.
#[derive(Debug, Clone)]
pub struct Names {
    channels: BTreeMap<ChannelId, Duration>,
    relays: BTreeSet<RelayId>,
    lessons: BTreeSet<LessonId>,
}

impl Names {
    /// Channels come with their longest gap that is not reported.
    pub fn new(
        channels: impl IntoIterator<Item = (ChannelId, Duration)>,
        relays: impl IntoIterator<Item = RelayId>,
        lessons: BTreeSet<LessonId>,
    ) -> Self {
        Self { channels: channels.into_iter().collect(), relays: relays.into_iter().collect(), lessons }
    }

    /// For [`parse`].
    pub fn known(&self) -> Known<'_> {
        Known { channels: &self.channels, relays: &self.relays, lessons: Some(&self.lessons) }
    }
}

/// A dated entry as written.
#[derive(Debug)]
pub(super) struct Dated {
    pub(super) date: Date,
    pub(super) start: Time,
    pub(super) end: Option<Time>,
    pub(super) once: Once,
}

/// Reads `text`, the content of the schedule `file`. A good schedule comes
/// with warnings: lessons that are not there (they may arrive later, and the
/// rest airs) and gaps longer than the channel's limit.
pub fn parse(
    file: &Path,
    text: &str,
    tz: &TimeZone,
    known: &Known<'_>,
) -> Result<(Plan, Vec<Problem>), Problems> {
    let doc = Document::new(file, text);
    let table = doc.parse()?;
    let root = Fields::root(&doc, &table);
    let mut reader = Reader { doc: &doc, tz, known, warnings: Vec::new() };
    let channel = reader.channel(&root);
    let weekly: Vec<_> = root.tables("weekly").into_iter().filter_map(|f| reader.weekly(f)).collect();
    let dated: Vec<_> = root.tables("once").into_iter().filter_map(|f| reader.dated(f)).collect();
    root.close();
    overlap::report(&doc, &weekly, &dated);
    let mut warnings = reader.warnings;
    let Some(channel) = doc.finish(channel)? else { return Err(Problems::default()) };
    let limit = known.channels.get(&channel).copied().unwrap_or(Duration::MAX);
    let entries = weekly.iter().map(|w| w.value.clone()).collect();
    let plan = Plan::new(channel, tz.clone(), entries, dated.iter().map(|d| d.value.once.clone()));
    gaps::warn(&doc, &plan, &weekly, &dated, limit, &mut warnings);
    warnings.sort();
    Ok((plan, warnings))
}

struct Reader<'r, 't> {
    doc: &'r Document<'t>,
    tz: &'r TimeZone,
    known: &'r Known<'r>,
    warnings: Vec<Problem>,
}

impl Reader<'_, '_> {
    fn channel(&self, root: &Fields<'_, '_>) -> Option<ChannelId> {
        let id = root.required::<ChannelId>("channel", "the id of the channel it is for")?;
        if !self.known.channels.contains_key(&id.value) {
            let hint = did_you_mean(id.value.as_str(), self.known.channels.keys().map(ChannelId::as_str));
            self.doc.problem(id.at, Fault::Unknown, format!("there is no channel `{}`{hint}", id.value));
        }
        Some(id.value)
    }

    fn weekly(&mut self, f: Fields<'_, '_>) -> Option<At<Weekly>> {
        let days = f.required::<Days>("days", "\"daily\", \"weekdays\" or a list of days");
        let times = self.times(&f);
        let entry = self.entry(&f);
        let at = f.at;
        f.close();
        let ((start, end), Days(days)) = (times?, days?.value);
        let weekly = Weekly { days, start: start.value, end: end.as_ref().map(|e| e.value), entry: entry? };
        clock_change::check_weekly(self.doc, self.tz, &weekly, &start, end.as_ref());
        Some(At { value: weekly, at })
    }

    fn dated(&mut self, f: Fields<'_, '_>) -> Option<At<Dated>> {
        let date = f.required::<Date>("date", "its date, such as 2026-12-01");
        let times = self.times(&f);
        let entry = self.entry(&f);
        let at = f.at;
        f.close();
        let ((start, end), date) = (times?, date?);
        clock_change::check_dated(self.doc, self.tz, date.value, &start, end.as_ref());
        let (start, end) = (start.value, end.map(|e| e.value));
        let Some((from, to)) = instants(self.tz, date.value, start, end) else {
            // A clock change between the two was reported; this is for the rest.
            self.doc.problem(date.at, Fault::Clock, "nothing of this entry is left on this date");
            return None;
        };
        let once = Once { start: from, end: to, entry: entry? };
        Some(At { value: Dated { date: date.value, start, end, once }, at })
    }

    fn times(&self, f: &Fields<'_, '_>) -> Option<(At<Time>, Option<At<Time>>)> {
        let start = f.required::<TimeOfDay>("start", "its time, such as \"19:30\"");
        let end = f.optional::<TimeOfDay>("end").map(|end| match end.value {
            TimeOfDay::At(time) => At { value: time, at: end.at },
            TimeOfDay::Midnight => At { value: Time::midnight(), at: end.at },
        });
        let start = start?;
        match start.value {
            TimeOfDay::At(time) => Some((At { value: time, at: start.at }, end)),
            TimeOfDay::Midnight => {
                self.doc.problem(start.at, Fault::Value, "nothing starts at 24:00: write \"00:00\" and the next day");
                None
            }
        }
    }

    fn entry(&mut self, f: &Fields<'_, '_>) -> Option<Entry> {
        let titles = f.optional::<Titles>("title").map(|t| t.value).unwrap_or_default();
        let play = f.optional::<Vec<At<LessonId>>>("play");
        let relay = f.optional::<RelayId>("relay");
        let keep = f.or("keep", false);
        let lang = f.optional::<Lang>("lang").map(|l| l.value);
        if keep.value && relay.is_none() {
            self.doc.problem(keep.at, Fault::Contradiction, "only a relay can be kept: lessons are in the library already");
        }
        let play = match (play, relay) {
            (Some(play), None) => self.lessons(play),
            (None, Some(relay)) => self.relay(relay),
            (Some(_), Some(relay)) => {
                self.doc.problem(relay.at, Fault::Contradiction, "both `play` and `relay`: an entry plays lessons or a relay");
                None
            }
            (None, None) if f.gives("play") || f.gives("relay") => None,
            (None, None) => {
                self.doc.problem(f.at, Fault::Missing, "nothing to play: add play = [\"lesson\", …] or relay = \"relay\"");
                None
            }
        };
        Some(Entry { titles, play: play?, keep: keep.value, lang })
    }

    fn lessons(&mut self, play: At<Vec<At<LessonId>>>) -> Option<Play> {
        if play.value.is_empty() {
            self.doc.problem(play.at, Fault::Empty, "no lessons: list at least one in `play`");
            return None;
        }
        if let Some(all) = self.known.lessons {
            for lesson in play.value.iter().filter(|l| !all.contains(&l.value)) {
                let message = format!(
                    "there is no lesson `{}` yet: until it arrives, the rest airs without it",
                    lesson.value
                );
                self.warnings.push(self.doc.place(lesson.at, Fault::NotThere, message));
            }
        }
        Some(Play::Lessons(play.value.into_iter().map(|l| l.value).collect()))
    }

    fn relay(&self, relay: At<RelayId>) -> Option<Play> {
        if !self.known.relays.contains(&relay.value) {
            let hint = did_you_mean(relay.value.as_str(), self.known.relays.iter().map(RelayId::as_str));
            self.doc.problem(relay.at, Fault::Unknown, format!("there is no relay `{}`{hint}", relay.value));
        }
        Some(Play::Relay(relay.value))
    }
}

#[cfg(test)]
#[path = "parse_tests.rs"]
mod tests;
