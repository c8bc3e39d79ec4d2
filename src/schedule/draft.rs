//! An entry of a schedule as a form shows it and as people fill it in: it may
//! still lack what it needs.

use jiff::civil::{Date, Time};
use toml_edit::{Array, InlineTable, Value};

use super::read::FOLLOWING;
use crate::base::entries::Values;
use crate::base::{DAY_NAMES, Lang, Titles};

/// When an entry stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum When {
    /// Every week on these days, Monday first.
    Weekly([bool; 7]),
    /// Once; none: no date was given.
    Once(Option<Date>),
}

/// An entry that may still lack what it needs.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Draft {
    /// When it stands.
    pub when: When,
    /// Dates on which an entry of every week does not stand.
    pub except: Vec<Date>,
    /// When it starts.
    pub start: Option<Time>,
    /// It starts when the entry above it has ended.
    pub follows: bool,
    /// When it ends; midnight is the end of the day.
    pub end: Option<Time>,
    /// Its titles.
    pub titles: Titles,
    /// Lessons to play, in this order.
    pub lessons: Vec<String>,
    /// Or the relay to pass on.
    pub relay: Option<String>,
    /// Or the series that goes on.
    pub series: Option<String>,
    /// What was shown last of the series, once more.
    pub repeat: bool,
    /// How many episodes; 0: as if nothing were said, one.
    pub episodes: u32,
    /// The relayed programme becomes a lesson.
    pub keep: bool,
    /// Language to be heard instead of the channel's own.
    pub lang: Option<Lang>,
}

/// What an entry lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lack {
    /// A day of the week.
    Day,
    /// A date.
    Date,
    /// A start.
    Start,
    /// Lessons, a relay or a series.
    Play,
    /// A decision between them.
    One,
    /// A relay to be kept.
    Kept,
    /// A series to be repeated or played several episodes of.
    Series,
}

/// Seconds of a day.
const DAY: i64 = 86_400;

impl Draft {
    /// An empty one.
    pub fn new(when: When) -> Self {
        Self {
            when,
            except: Vec::new(),
            start: None,
            follows: false,
            end: None,
            titles: Titles::default(),
            lessons: Vec::new(),
            relay: None,
            series: None,
            repeat: false,
            episodes: 0,
            keep: false,
            lang: None,
        }
    }

    /// From the values of an entry of `section` in a file.
    pub fn of(section: &str, values: &toml::Table) -> Self {
        let text = |key: &str| values.get(key).and_then(toml::Value::as_str);
        let list = |key: &str| values.get(key).and_then(toml::Value::as_array).into_iter().flatten();
        let when = if section == Self::ONCE {
            When::Once(values.get("date").and_then(date_of))
        } else {
            When::Weekly(match text("days") {
                Some("daily") => [true; 7],
                Some("weekdays") => [true, true, true, true, true, false, false],
                _ => DAY_NAMES.map(|day| list("days").any(|d| d.as_str() == Some(day))),
            })
        };
        let titles = values.get("title").and_then(toml::Value::as_table).into_iter().flatten();
        let titles = titles.filter_map(|(l, t)| Some((Lang::new(l).ok()?, t.as_str()?.to_owned())));
        Self {
            when,
            except: list("except").filter_map(date_of).collect(),
            start: text("start").and_then(time),
            follows: text("start") == Some(FOLLOWING),
            end: text("end").and_then(time),
            titles: Titles(titles.collect()),
            lessons: list("play").filter_map(|l| l.as_str().map(str::to_owned)).collect(),
            relay: text("relay").map(str::to_owned),
            series: text("series").map(str::to_owned),
            repeat: values.get("repeat").and_then(toml::Value::as_bool).unwrap_or(false),
            episodes: values
                .get("episodes")
                .and_then(toml::Value::as_integer)
                .and_then(|n| n.try_into().ok())
                .unwrap_or(0),
            keep: values.get("keep").and_then(toml::Value::as_bool).unwrap_or(false),
            lang: text("lang").and_then(|l| Lang::new(l).ok()),
        }
    }

    const ONCE: &str = "once";

    /// The section of a file it stands in.
    pub fn section(&self) -> &'static str {
        match self.when {
            When::Weekly(_) => "weekly",
            When::Once(_) => Self::ONCE,
        }
    }

    /// What it lacks.
    pub fn lacks(&self) -> Option<Lack> {
        match self.when {
            _ if self.follows => {}
            When::Weekly(days) if days == [false; 7] => return Some(Lack::Day),
            When::Once(None) => return Some(Lack::Date),
            _ if self.start.is_none() => return Some(Lack::Start),
            _ => {}
        }
        let plays = [!self.lessons.is_empty(), self.relay.is_some(), self.series.is_some()];
        match plays.iter().filter(|given| **given).count() {
            0 => Some(Lack::Play),
            1 if self.keep && self.relay.is_none() => Some(Lack::Kept),
            1 if (self.repeat || self.episodes > 0) && self.series.is_none() => Some(Lack::Series),
            1 => None,
            _ => Some(Lack::One),
        }
    }

    /// As values for a file.
    pub fn values(&self) -> Values {
        let named = |days: [bool; 7]| {
            let chosen = DAY_NAMES.iter().zip(days).filter(|(_, on)| *on).map(|(day, _)| *day);
            Value::Array(chosen.collect::<Array>())
        };
        let (days, date) = match self.when {
            When::Weekly([true, true, true, true, true, true, true]) => (Some("daily".into()), None),
            When::Weekly([true, true, true, true, true, false, false]) => (Some("weekdays".into()), None),
            When::Weekly(days) => (Some(days).filter(|d| *d != [false; 7]).map(named), None),
            When::Once(date) => (None, date.as_ref().and_then(dated)),
        };
        let titles = self.titles.0.iter().map(|(l, t)| (l.as_str(), Value::from(t.as_str())));
        let lessons: Array = self.lessons.iter().map(String::as_str).collect();
        vec![
            ("days", days),
            ("date", date),
            (
                "except",
                (!self.except.is_empty())
                    .then(|| Value::Array(self.except.iter().filter_map(dated).collect())),
            ),
            (
                "start",
                if self.follows {
                    Some(FOLLOWING.into())
                } else {
                    self.start.map(|t| time_written(t).into())
                },
            ),
            (
                "end",
                self.end.map(|t| if t == Time::midnight() { "24:00".into() } else { time_written(t).into() }),
            ),
            (
                "title",
                (!self.titles.0.is_empty()).then(|| Value::InlineTable(titles.collect::<InlineTable>())),
            ),
            ("play", (!self.lessons.is_empty()).then_some(Value::Array(lessons))),
            ("relay", self.relay.as_deref().map(Value::from)),
            ("series", self.series.as_deref().map(Value::from)),
            ("repeat", self.repeat.then(|| true.into())),
            ("episodes", (self.episodes > 0).then(|| i64::from(self.episodes).into())),
            ("keep", self.keep.then(|| true.into())),
            ("lang", self.lang.as_ref().map(|l| l.as_str().into())),
        ]
    }

    /// True if both would be on air at some second, as [`super::parse`] sees it: one
    /// that says no end holds its first second, and a dated entry replaces what
    /// stands every week.
    pub fn overlaps(&self, other: &Self) -> bool {
        if self.section() != other.section() {
            return false;
        }
        let (mine, theirs) = (self.spans(), other.spans());
        let round = match self.when {
            When::Weekly(_) => vec![-7 * DAY, 0, 7 * DAY],
            When::Once(_) => vec![0],
        };
        mine.iter()
            .any(|(a, b)| theirs.iter().any(|(c, d)| round.iter().any(|by| *a < d + by && c + by < *b)))
    }

    /// The seconds it holds: of a week, or since year 0.
    fn spans(&self) -> Vec<(i64, i64)> {
        let Some(start) = self.start.map(second) else { return Vec::new() };
        let length = match self.end {
            None => 1,
            Some(end) => match (second(end) - start).rem_euclid(DAY) {
                0 => DAY,
                length => length,
            },
        };
        let days: Vec<i64> = match self.when {
            When::Weekly(days) => (0..7).filter(|d| days[*d as usize]).collect(),
            When::Once(date) => {
                let since = |d: Date| i64::from((d - Date::ZERO).get_days());
                date.map(since).into_iter().collect()
            }
        };
        days.into_iter().map(|day| (day * DAY + start, day * DAY + start + length)).collect()
    }
}

/// A date as TOML has it.
fn dated(date: &Date) -> Option<Value> {
    date.to_string().parse::<toml_edit::Datetime>().ok().map(Value::from)
}

fn date_of(value: &toml::Value) -> Option<Date> {
    let written = value.as_datetime().and_then(|d| d.date).and_then(|d| {
        Date::new(d.year.try_into().ok()?, d.month.try_into().ok()?, d.day.try_into().ok()?).ok()
    });
    written.or_else(|| value.as_str()?.parse().ok())
}

fn second(time: Time) -> i64 {
    i64::from(time.hour()) * 3600 + i64::from(time.minute()) * 60 + i64::from(time.second())
}

/// `19:30`, `19:30:15`, `24:00`.
pub fn time(text: &str) -> Option<Time> {
    match text.trim() {
        "24:00" | "24:00:00" => Some(Time::midnight()),
        text => text.parse().ok(),
    }
}

/// As schedules write it: `19:30`, with seconds where there are any.
pub fn time_written(time: Time) -> String {
    let format = if time.second() == 0 { "%H:%M" } else { "%H:%M:%S" };
    time.strftime(format).to_string()
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};
    use std::path::Path;

    use proptest::prelude::*;

    use super::*;
    use crate::base::entries::{Entry, entries, swap};
    use crate::base::{ChannelId, LessonId, RelayId};
    use crate::schedule::{Known, parse};

    fn a_draft() -> impl Strategy<Value = Draft> {
        let days = proptest::array::uniform7(any::<bool>());
        let when = prop_oneof![
            days.prop_map(When::Weekly),
            (1..28_i8).prop_map(|d| When::Once(Date::new(2026, 12, d).ok()))
        ];
        let minute = (0..24_i8, 0..60_i8).prop_map(|(h, m)| Time::new(h, m, 0, 0).expect("a time"));
        let ends = proptest::option::of(minute.clone());
        (when, minute, ends, any::<bool>(), any::<bool>()).prop_map(|(when, start, end, relay, keep)| Draft {
            start: Some(start),
            end,
            titles: Titles([(Lang::new("zh-Hans").expect("tag"), "题\"目".to_owned())].into()),
            lessons: if relay { vec![] } else { vec!["a".into(), "b".into()] },
            relay: relay.then(|| "r".to_owned()),
            keep: keep && relay,
            ..Draft::new(when)
        })
    }

    fn is_good(text: &str) -> bool {
        let channels: BTreeMap<_, _> = [(ChannelId::new("x").expect("id"), std::time::Duration::MAX)].into();
        let relays: BTreeSet<_> = [RelayId::new("r").expect("id")].into();
        let lesson = |l| (LessonId::new(l).expect("id"), std::time::Duration::from_secs(60));
        let lessons: BTreeMap<_, _> = ["a", "b"].map(lesson).into();
        let known = Known { channels: &channels, relays: &relays, lessons: Some(&lessons), holidays: None };
        parse(Path::new("x.toml"), text, &jiff::tz::TimeZone::UTC, &known).is_ok()
    }

    fn with(text: &str, draft: &Draft) -> String {
        let section = draft.section();
        let entry = Entry::new(section).with(section, draft.values()).expect("an entry");
        swap(text, section, None, Some(&entry)).expect("added")
    }

    proptest! {
        /// What a form writes is what it shows again, and the schedule takes it.
        #[test]
        fn a_draft_survives_its_file(draft in a_draft()) {
            let text = with("channel = \"x\"\n", &draft);
            let section = draft.section();
            let entry = entries(&text, section).expect("entries").remove(0);
            prop_assert_eq!(&Draft::of(section, &entry.values()), &draft);
            prop_assert_eq!(is_good(&text), draft.lacks().is_none(), "{}", text);
        }

        /// What is said to overlap is what the schedule refuses.
        #[test]
        fn overlaps_are_those_that_a_schedule_refuses(a in a_draft(), b in a_draft()) {
            prop_assume!(a.lacks().is_none() && b.lacks().is_none());
            let one = with("channel = \"x\"\n", &a);
            // Every night a whole day long is refused by itself.
            prop_assume!(is_good(&one) && is_good(&with("channel = \"x\"\n", &b)));
            prop_assert_eq!(!is_good(&with(&one, &b)), a.overlaps(&b));
        }
    }
}
