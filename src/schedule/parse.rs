//! A schedule file → the plan of its channel.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use jiff::SignedDuration;
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;

use super::model::{Entry, Once, Weekly, What, instants};
use super::read::{Days, TimeOfDay};
use super::series::Series;
use super::{Plan, Play, clock_change, gaps, overlap};
use crate::base::document::{At, Document, Fields, did_you_mean};
use crate::base::{
    ChannelId, Fault, Holidays, Lang, LessonId, Problem, Problems, RelayId, Titles, read_holidays,
};

/// What a schedule may refer to.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// The county's channels, each with the longest gap that is not reported.
    pub channels: &'a BTreeMap<ChannelId, Duration>,
    /// The county's relays.
    pub relays: &'a BTreeSet<RelayId>,
    /// The lessons of the library and how long they are; None where there is
    /// no library to look in.
    pub lessons: Option<&'a BTreeMap<LessonId, Duration>>,
    /// The county's holidays.
    pub holidays: Option<&'a Holidays>,
}

/// The same, owned.
#[derive(Debug, Clone)]
pub struct Names {
    channels: BTreeMap<ChannelId, Duration>,
    relays: BTreeSet<RelayId>,
    lessons: BTreeMap<LessonId, Duration>,
    holidays: Holidays,
}

impl Names {
    /// Channels come with their longest gap that is not reported.
    pub fn new(
        channels: impl IntoIterator<Item = (ChannelId, Duration)>,
        relays: impl IntoIterator<Item = RelayId>,
        lessons: BTreeMap<LessonId, Duration>,
        holidays: Holidays,
    ) -> Self {
        let (channels, relays) = (channels.into_iter().collect(), relays.into_iter().collect());
        Self { channels, relays, lessons, holidays }
    }

    /// For [`parse`].
    pub fn known(&self) -> Known<'_> {
        Known {
            channels: &self.channels,
            relays: &self.relays,
            lessons: Some(&self.lessons),
            holidays: Some(&self.holidays),
        }
    }
}

/// A dated entry as written.
#[derive(Debug, Clone)]
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
    let mut reader = Reader { doc: &doc, tz, known, series: Vec::new(), warnings: Vec::new() };
    let channel = reader.channel(&root);
    reader.all_series(&root);
    let fillers = reader.fillers(&root);
    let weekly = reader.all_weekly(&root);
    let dated = reader.all_dated(&root);
    let own = read_holidays(&doc, &root);
    root.close();
    overlap::report(&doc, &weekly, &dated);
    let (mut warnings, series) = (reader.warnings, reader.series);
    let Some(channel) = doc.finish(channel)? else { return Err(Problems::default()) };
    let limit = known.channels.get(&channel).copied().unwrap_or(Duration::MAX);
    let entries = weekly.iter().map(|w| w.value.clone()).collect();
    let mut holidays = known.holidays.cloned().unwrap_or_default();
    holidays.extend(own);
    let plan = Plan {
        series,
        fillers,
        holidays,
        ..Plan::new(channel, tz.clone(), entries, dated.iter().map(|d| d.value.once.clone()))
    };
    gaps::warn(&doc, &plan, &weekly, &dated, limit, &mut warnings);
    warnings.sort();
    Ok((plan, warnings))
}

pub(super) struct Reader<'r, 't> {
    pub(super) doc: &'r Document<'t>,
    pub(super) tz: &'r TimeZone,
    known: &'r Known<'r>,
    pub(super) series: Vec<Series>,
    warnings: Vec<Problem>,
}

/// The entry above in the file, for one that follows it.
enum Above<T> {
    Nothing,
    /// It is wrong, or where it begins is not known yet.
    Unknown,
    Entry(T),
}

impl<T: Clone> Above<T> {
    fn read(read: &Option<At<T>>) -> Self {
        read.as_ref().map_or(Self::Unknown, |at| Self::Entry(at.value.clone()))
    }
}

/// Most episodes that one turn plays.
const EPISODES: u32 = 20;

impl Reader<'_, '_> {
    fn channel(&self, root: &Fields<'_, '_>) -> Option<ChannelId> {
        let id = root.required::<ChannelId>("channel", "the id of the channel it is for")?;
        if !self.known.channels.contains_key(&id.value) {
            let hint = did_you_mean(id.value.as_str(), self.known.channels.keys().map(ChannelId::as_str));
            self.doc.problem(id.at, Fault::Unknown, format!("there is no channel `{}`{hint}", id.value));
        }
        Some(id.value)
    }

    fn all_weekly(&mut self, root: &Fields<'_, '_>) -> Vec<At<Weekly>> {
        let mut above = Above::Nothing;
        let mut all = Vec::new();
        for f in root.tables("weekly") {
            let read = self.weekly(f, &above);
            above = Above::read(&read);
            all.extend(read);
        }
        all
    }

    fn all_dated(&mut self, root: &Fields<'_, '_>) -> Vec<At<Dated>> {
        let mut above = Above::Nothing;
        let mut all = Vec::new();
        for f in root.tables("once") {
            let read = self.dated(f, &above);
            above = Above::read(&read);
            all.extend(read);
        }
        all
    }

    fn weekly(&mut self, f: Fields<'_, '_>, above: &Above<Weekly>) -> Option<At<Weekly>> {
        let (start, end) = self.times(&f);
        let entry = self.entry(&f);
        let at = f.at;
        let except = f.optional::<Vec<At<Date>>>("except").map(|e| e.value).unwrap_or_default();
        let except: Vec<Date> = except.into_iter().map(|date| date.value).collect();
        if let Some(At { value: TimeOfDay::Following, at: here }) = start {
            let own = f.optional::<Days>("days");
            f.close();
            let (days, start) = match above {
                Above::Entry(w) => (w.days, self.end_of(here, w.start, w.end, &w.entry)?),
                above => return self.follows_nothing(here, above),
            };
            if let Some(own) = own.filter(|own| own.value.0 != days) {
                let message = "it follows an entry of other days: leave its days out, or give it a start";
                self.doc.problem(own.at, Fault::Contradiction, message);
                return None;
            }
            let end = end.map(|e| e.value);
            return Some(At { value: Weekly { days, except, start, end, entry: entry? }, at });
        }
        let days = f.required::<Days>("days", "\"daily\", \"weekdays\" or a list of days");
        f.close();
        let start = start.and_then(|start| self.fixed(start));
        let (start, Days(days)) = (start?, days?.value);
        let end_value = end.as_ref().map(|e| e.value);
        let weekly = Weekly { days, except, start: start.value, end: end_value, entry: entry? };
        clock_change::check_weekly(self.doc, self.tz, &weekly, &start, end.as_ref());
        Some(At { value: weekly, at })
    }

    fn dated(&mut self, f: Fields<'_, '_>, above: &Above<Dated>) -> Option<At<Dated>> {
        let (start, end) = self.times(&f);
        let entry = self.entry(&f);
        let at = f.at;
        let (date, start) = if let Some(At { value: TimeOfDay::Following, at: here }) = start {
            let own = f.optional::<Date>("date");
            f.close();
            let (date, begins) = match above {
                Above::Entry(d) => (d.date, self.end_of(here, d.start, d.end, &d.once.entry)?),
                above => return self.follows_nothing(here, above),
            };
            if let Some(own) = own.filter(|own| own.value != date) {
                let message = "it follows an entry of another date: leave its date out, or give it a start";
                self.doc.problem(own.at, Fault::Contradiction, message);
                return None;
            }
            (At { value: date, at: here }, begins)
        } else {
            let date = f.required::<Date>("date", "its date, such as 2026-12-01");
            f.close();
            let start = start.and_then(|start| self.fixed(start));
            let (start, date) = (start?, date?);
            clock_change::check_dated(self.doc, self.tz, date.value, &start, end.as_ref());
            (date, start.value)
        };
        let end = end.map(|e| e.value);
        let Some((from, to)) = instants(self.tz, date.value, start, end) else {
            // A clock change between the two was reported; this is for the rest.
            self.doc.problem(date.at, Fault::Clock, "nothing of this entry is left on this date");
            return None;
        };
        let once = Once { start: from, end: to, entry: entry? };
        Some(At { value: Dated { date: date.value, start, end, once }, at })
    }

    fn times(&self, f: &Fields<'_, '_>) -> (Option<At<TimeOfDay>>, Option<At<Time>>) {
        let start = f.required::<TimeOfDay>("start", "its time, such as \"19:30\"");
        let end = f.optional::<TimeOfDay>("end").and_then(|end| match end.value {
            TimeOfDay::At(time) => Some(At { value: time, at: end.at }),
            TimeOfDay::Midnight => Some(At { value: Time::midnight(), at: end.at }),
            TimeOfDay::Following => {
                self.doc.problem(end.at, Fault::Value, "only a start can be \"following\"");
                None
            }
        });
        (start, end)
    }

    fn fixed(&self, start: At<TimeOfDay>) -> Option<At<Time>> {
        let TimeOfDay::At(time) = start.value else {
            let message = "nothing starts at 24:00: write \"00:00\" and the next day";
            self.doc.problem(start.at, Fault::Value, message);
            return None;
        };
        Some(At { value: time, at: start.at })
    }

    fn follows_nothing<T, A>(&self, at: usize, above: &Above<A>) -> Option<T> {
        if let Above::Nothing = above {
            let message = "there is no entry above it that it could follow: give it a time";
            self.doc.problem(at, Fault::Contradiction, message);
        }
        None
    }

    /// When an entry is over that says its end, or is as long as its lessons.
    fn end_of(&mut self, at: usize, start: Time, end: Option<Time>, entry: &Entry) -> Option<Time> {
        let found = match (end, &entry.what) {
            (Some(end), _) => Some(end).filter(|end| *end > start),
            (None, What::Play(Play::Lessons(lessons))) => {
                let mut length = SignedDuration::ZERO;
                for lesson in lessons {
                    let Some(known) = self.known.lessons?.get(lesson) else {
                        let message = format!(
                            "when this begins is known once lesson `{lesson}` is there: until then it is left out"
                        );
                        self.warnings.push(self.doc.place(at, Fault::NotThere, message));
                        return None;
                    };
                    length += SignedDuration::try_from(*known).unwrap_or(SignedDuration::MAX);
                }
                start.checked_add(length).ok()
            }
            (None, _) => {
                let message =
                    "the entry above has neither an end nor a fixed length: give one of the two a time";
                self.doc.problem(at, Fault::Contradiction, message);
                return None;
            }
        };
        if found.is_none() {
            let message = "it would begin on the next day: give it a start of its own";
            self.doc.problem(at, Fault::Contradiction, message);
        }
        found
    }

    fn entry(&mut self, f: &Fields<'_, '_>) -> Option<Entry> {
        let titles = f.optional::<Titles>("title").map(|t| t.value).unwrap_or_default();
        let play = f.optional::<Vec<At<LessonId>>>("play");
        let relay = f.optional::<RelayId>("relay");
        let series = f.optional::<String>("series");
        let keep = f.or("keep", false);
        let repeat = f.or("repeat", false);
        let episodes = f.or("episodes", 1_u32);
        let lang = f.optional::<Lang>("lang").map(|l| l.value);
        if keep.value && relay.is_none() {
            self.doc.problem(
                keep.at,
                Fault::Contradiction,
                "only a relay can be kept: lessons are in the library already",
            );
        }
        if series.is_none() && (f.gives("repeat") || f.gives("episodes")) {
            let at = if f.gives("repeat") { repeat.at } else { episodes.at };
            self.doc.problem(at, Fault::Contradiction, "`repeat` and `episodes` go with `series` only");
        }
        if !(1..=EPISODES).contains(&episodes.value) {
            self.doc.problem(episodes.at, Fault::Range, format!("expected 1 to {EPISODES} episodes"));
        }
        let given = [f.gives("play"), f.gives("relay"), f.gives("series")];
        let last = series.as_ref().map(|s| s.at).or(relay.as_ref().map(|r| r.at)).unwrap_or(f.at);
        let what = match (play, relay, series) {
            _ if given.iter().filter(|g| **g).count() > 1 => {
                let message = "an entry plays lessons (`play`), a relay (`relay`) or what comes next of a series (`series`): keep one";
                self.doc.problem(last, Fault::Contradiction, message);
                None
            }
            (Some(play), _, _) => self.lessons(play).map(What::Play),
            (_, Some(relay), _) => self.relay(relay).map(What::Play),
            (_, _, Some(series)) => self.next_of(&series, repeat.value, episodes.value),
            (None, None, None) if given.contains(&true) => None,
            (None, None, None) => {
                let message =
                    "nothing to play: add play = [\"lesson\", …], relay = \"relay\" or series = \"series\"";
                self.doc.problem(f.at, Fault::Missing, message);
                None
            }
        };
        Some(Entry { titles, what: what?, keep: keep.value, lang })
    }

    /// Warns where a lesson is not in the library.
    pub(super) fn not_there(&mut self, lesson: &At<LessonId>) {
        if self.known.lessons.is_some_and(|all| !all.contains_key(&lesson.value)) {
            let message = format!(
                "there is no lesson `{}` yet: until it arrives, the rest airs without it",
                lesson.value
            );
            self.warnings.push(self.doc.place(lesson.at, Fault::NotThere, message));
        }
    }

    pub(super) fn lessons(&mut self, play: At<Vec<At<LessonId>>>) -> Option<Play> {
        if play.value.is_empty() {
            self.doc.problem(play.at, Fault::Empty, "no lessons: list at least one in `play`");
            return None;
        }
        play.value.iter().for_each(|lesson| self.not_there(lesson));
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
#[path = "series_tests.rs"]
mod series_tests;
#[cfg(test)]
#[path = "parse_tests.rs"]
mod tests;
