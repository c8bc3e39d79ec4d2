//! The schedule of a channel.

use jiff::Timestamp;
use jiff::civil::{Date, Time};

use super::places::Done;
use super::{Menu, Remark, page};
use crate::base::{DAY_NAMES, Lang, Titles};
use crate::config::Channel;
use crate::portal::i18n;
use crate::portal::views::{PageContext, ProgrammeView};
use crate::schedule::{Draft, When, time_written};

/// What an entry plays.
#[derive(Debug, Clone)]
pub struct Played {
    /// Its identifier.
    pub id: String,
    /// Its names; none: it is not there (yet).
    pub names: Option<Titles>,
}

/// An entry in the list.
#[derive(Debug, Clone)]
pub struct ScheduleRow {
    /// Its form.
    pub href: String,
    /// Days or date, in words.
    pub when: String,
    /// What it plays.
    pub plays: Vec<Played>,
    /// The rest.
    pub draft: Draft,
}

impl ScheduleRow {
    fn from(&self) -> String {
        shown(self.draft.start)
    }

    fn to(&self) -> String {
        match self.draft.end {
            Some(end) if end == Time::midnight() => "24:00".to_owned(),
            end => shown(end),
        }
    }
}

/// Minutes from midnight of `date` in the county.
fn minutes(ctx: &PageContext<'_>, date: &Date, at: &Timestamp) -> i64 {
    let midnight = ctx.tz.to_timestamp(date.at(0, 0, 0, 0)).unwrap_or(*at);
    at.duration_since(midnight).as_secs() / 60
}

fn shown(time: Option<Time>) -> String {
    time.map_or_else(String::new, time_written)
}

/// Days of the week in words, Monday first.
pub fn days_said(ctx: &PageContext<'_>, days: [bool; 7]) -> String {
    if days == [true; 7] {
        return ctx.t("schedule-daily");
    }
    let chosen = (0..7).filter(|d| days[*d]).map(|d| ctx.weekday(&d));
    chosen.collect::<Vec<_>>().join(" · ")
}

/// A programme of the week, and the entry to which it is due.
#[derive(Debug, Clone)]
pub struct WeekRow {
    /// The programme.
    pub view: ProgrammeView,
    /// Mark of its entry; none: it cannot be moved by itself.
    pub mark: Option<String>,
    /// It stands every week.
    pub weekly: bool,
    /// Its entry says when it ends.
    pub ends: bool,
}

impl WeekRow {
    /// Of a programme that is due to an entry.
    pub fn of(view: ProgrammeView, due: Option<(String, Draft)>) -> Self {
        let weekly = due.as_ref().is_some_and(|(_, d)| matches!(d.when, When::Weekly(_)));
        let ends = due.as_ref().is_some_and(|(_, d)| d.end.is_some());
        Self { view, mark: due.map(|(mark, _)| mark), weekly, ends }
    }
}

/// A week of a channel, and the entries that make it.
#[derive(Debug, Clone)]
pub struct SchedulePage<'a> {
    /// Whose.
    pub channel: &'a Channel,
    /// Each day with what starts on it.
    pub days: Vec<(Date, Vec<WeekRow>)>,
    /// The week's first day.
    pub monday: Date,
    /// Of its forms.
    pub token: String,
    /// Key of why something was not done.
    pub not: Option<&'static str>,
    /// The week before.
    pub before: Option<String>,
    /// The week after.
    pub after: Option<String>,
    /// Entries that stand every week.
    pub weekly: Vec<ScheduleRow>,
    /// Entries of dates to come.
    pub dated: Vec<ScheduleRow>,
    /// Entries of dates that have passed.
    pub earlier: Vec<ScheduleRow>,
    /// The file is not good: the last good one is on air.
    pub bad: bool,
    /// What is wrong, or what to look at, in English.
    pub remarks: Vec<Remark>,
    /// Where a new entry is made; none: not by this visitor.
    pub new: Option<String>,
    /// What was just done.
    pub done: Done,
    /// The office's rooms.
    pub menu: Menu,
}
page!(SchedulePage, "office/schedule.html", "schedule-title");

impl SchedulePage<'_> {
    fn is_past(&self, row: &WeekRow, ctx: &PageContext<'_>) -> bool {
        row.view.end <= ctx.now
    }

    fn has_begun(&self, row: &WeekRow, ctx: &PageContext<'_>) -> bool {
        row.view.start <= ctx.now
    }

    /// Minutes that may be empty without a mark.
    fn most(&self) -> u64 {
        self.channel.max_gap.as_secs() / 60
    }

    /// Texts whose places the script fills.
    fn moving(&self, ctx: &PageContext<'_>) -> String {
        let places = [("date", "{date}"), ("from", "{from}"), ("to", "{to}")];
        i18n::text(ctx.lang, "grid-moving", &places)
    }

    fn gap(&self, ctx: &PageContext<'_>) -> String {
        i18n::text(ctx.lang, "grid-gap", &[("minutes", "{minutes}")])
    }

    fn next_week(&self) -> Date {
        self.monday.checked_add(jiff::Span::new().days(7)).unwrap_or(self.monday)
    }
}

/// The form of an entry.
#[derive(Debug, Clone)]
pub struct ScheduleForm<'a> {
    /// Whose.
    pub channel: &'a Channel,
    /// Where it is sent.
    pub action: String,
    /// Where it is taken out.
    pub remove: Option<String>,
    /// It is a new one.
    pub is_new: bool,
    /// The visitor may change it.
    pub may_edit: bool,
    /// What stands in it.
    pub draft: Draft,
    /// It begins when this one has ended: mark and title; none: at a time of its own.
    pub after: Option<(String, String)>,
    /// Where one that follows it is made.
    pub follower: Option<String>,
    /// The start as typed.
    pub start: String,
    /// The end as typed.
    pub end: String,
    /// What the entry was like when the form was made.
    pub mark: String,
    /// Series to choose from: identifier and title.
    pub series: Vec<(String, String)>,
    /// Lessons to choose from: identifier and title.
    pub lessons: Vec<(String, String)>,
    /// How many can be chosen.
    pub places: usize,
    /// Relays to choose from.
    pub relays: Vec<(String, String)>,
    /// What went wrong.
    pub error: Option<String>,
    /// What would be wrong in the file, in English.
    pub problems: Vec<Remark>,
    /// The schedule.
    pub back: String,
    /// The forms' token.
    pub token: String,
    /// The office's rooms.
    pub menu: Menu,
}
page!(ScheduleForm, "office/schedule_form.html", "schedule-entry");

impl ScheduleForm<'_> {
    fn is_weekly(&self) -> bool {
        matches!(self.draft.when, When::Weekly(_))
    }

    /// Names of the days in the form, and whether each is chosen.
    fn days(&self) -> Vec<(usize, &'static str, bool)> {
        let chosen = match self.draft.when {
            When::Weekly(days) => days,
            When::Once(_) => [true; 7],
        };
        DAY_NAMES.iter().enumerate().map(|(n, day)| (n, *day, chosen[n])).collect()
    }

    fn date(&self) -> String {
        match self.draft.when {
            When::Once(Some(date)) => date.to_string(),
            _ => String::new(),
        }
    }

    fn title_in(&self, lang: &Lang) -> &str {
        self.draft.titles.0.get(lang).map_or("", String::as_str)
    }

    fn plays(&self, place: &usize, lesson: &str) -> bool {
        self.draft.lessons.get(*place).is_some_and(|l| l == lesson)
    }

    fn goes_on(&self, id: &str) -> bool {
        self.draft.series.as_deref() == Some(id)
    }

    fn relays_it(&self, relay: &str) -> bool {
        self.draft.relay.as_deref() == Some(relay)
    }

    /// Languages that can be heard: none: the channel's own.
    fn heard(&self) -> Vec<(&Lang, bool)> {
        self.channel.audio.iter().map(|l| (l, self.draft.lang.as_ref() == Some(l))).collect()
    }
}
