//! What is on one channel, with every end resolved.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::base::{ChannelId, Lang, LessonId, Titles};
use crate::schedule::{Plan, Play, Programme};

/// What the guide knows of a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelInfo {
    /// Its identifier.
    pub id: ChannelId,
    /// Its number on the remote control.
    pub number: u32,
    /// Its name by language.
    pub names: Titles,
    /// Its own language.
    pub lang: Lang,
    /// Address of its logo.
    pub logo: Option<String>,
}

/// What is on one channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// The channel.
    pub channel: ChannelId,
    /// Its number on the remote control.
    pub number: u32,
    /// Its name by language.
    pub names: Titles,
    /// Its own language.
    pub lang: Lang,
    /// Programmes in the order of their starts; none overlaps the next.
    pub entries: Vec<Entry>,
    /// Titles of the lessons they play, as far as these are known.
    pub lessons: BTreeMap<LessonId, Titles>,
}

/// One programme with its resolved end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What the plan says.
    pub programme: Programme,
    /// When it is over, after its start and never after the next one's start.
    pub end: Timestamp,
    /// What kind of programme it is.
    pub kind: Kind,
}

/// What kind of programme an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A relay of another broadcaster.
    Relay,
    /// Lessons of the library.
    Lesson,
}

impl Entry {
    /// How long it lasts.
    pub fn length(&self) -> Duration {
        Duration::try_from(self.programme.start.duration_until(self.end)).unwrap_or_default()
    }

    /// The lessons it plays; none for a relay.
    pub fn lessons(&self) -> &[LessonId] {
        match &self.programme.play {
            Play::Lessons(lessons) => lessons,
            Play::Relay(_) => &[],
        }
    }
}

impl Listing {
    /// What `entry` is about, by language: the titles of its lessons, where
    /// they say more than its own.
    pub fn about(&self, entry: &Entry) -> Titles {
        let own = self.titles(entry);
        let mut about: BTreeMap<Lang, Vec<&str>> = BTreeMap::new();
        for titles in entry.lessons().iter().filter_map(|lesson| self.lessons.get(lesson)) {
            for (lang, title) in &titles.0 {
                about.entry(lang.clone()).or_default().push(title);
            }
        }
        let joined = about.into_iter().map(|(lang, titles)| (lang, titles.join(" · ")));
        Titles(joined.filter(|(lang, said)| own.0.get(lang) != Some(said)).collect())
    }

    /// The titles to show for `entry`: its own; where the schedule gives none,
    /// the channel's names; where there are none either, its identifier.
    pub fn titles(&self, entry: &Entry) -> Titles {
        let own = &entry.programme.titles;
        match (own.0.is_empty(), self.names.0.is_empty()) {
            (false, _) => own.clone(),
            (true, false) => self.names.clone(),
            (true, true) => Titles([(self.lang.clone(), self.channel.to_string())].into()),
        }
    }
}

/// What is on in `[from, to)`, with what runs at `from`.
///
/// An entry ends where the plan says; else when its lessons run out, if
/// `lesson_length` knows them all; else at the next start.
pub fn listing(
    channel: &ChannelInfo,
    plan: &Plan,
    from: Timestamp,
    to: Timestamp,
    lesson_length: &dyn Fn(&LessonId) -> Option<Duration>,
) -> Listing {
    let places = plan.places(from, to).into_iter();
    let entries = places.map(|(p, until)| resolved(p, until, lesson_length)).collect();
    Listing {
        channel: channel.id.clone(),
        number: channel.number,
        names: channel.names.clone(),
        lang: channel.lang.clone(),
        entries,
        lessons: BTreeMap::new(),
    }
}

/// `until`: the slot ends with the entry's own end or with the next start.
fn resolved(programme: Programme, until: Timestamp, length: &dyn Fn(&LessonId) -> Option<Duration>) -> Entry {
    let (kind, lasts) = match &programme.play {
        Play::Relay(_) => (Kind::Relay, None),
        Play::Lessons(lessons) => (Kind::Lesson, lessons.iter().map(length).sum::<Option<Duration>>()),
    };
    let runs_out = lasts.filter(|l| !l.is_zero()).and_then(|l| {
        let lasts = SignedDuration::try_from(l).ok()?;
        programme.start.checked_add(lasts).ok()
    });
    let end = programme.end.or(runs_out).map_or(until, |end| end.min(until));
    Entry { programme, end, kind }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guide::fixtures::{a_channel, a_plan, an_evening, at};

    #[test]
    fn lessons_end_when_they_run_out() {
        let evening = an_evening();
        let ends: Vec<String> = evening.entries.iter().map(|e| e.end.to_string()).collect();
        assert_eq!(ends, ["2026-11-30T11:30:00Z", "2026-11-30T12:12:30Z", "2026-11-30T14:00:00Z"]);
        assert_eq!(evening.entries[1].length(), Duration::from_secs(42 * 60 + 30));
        assert_eq!(evening.entries[0].kind, Kind::Relay);
    }

    #[test]
    fn no_entry_passes_the_next_start() {
        let hours = |_: &LessonId| Some(Duration::from_secs(5 * 3600));
        let long = listing(&a_channel(), &a_plan(), at("10:00"), at("16:00"), &hours);
        for pair in long.entries.windows(2) {
            assert!(pair[0].end <= pair[1].programme.start);
        }
        let unknown = listing(&a_channel(), &a_plan(), at("10:00"), at("16:00"), &|_| None);
        assert_eq!(unknown.entries[1].end, unknown.entries[2].programme.start);
    }

    #[test]
    fn an_entry_without_title_bears_the_channel_s_name() {
        let evening = an_evening();
        let last = &evening.entries[2];
        assert!(last.programme.titles.0.is_empty());
        assert_eq!(evening.titles(last), evening.names);
    }
}
