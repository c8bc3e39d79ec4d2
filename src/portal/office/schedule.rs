//! The schedule of a channel: its week, its entries, and their forms.

use std::path::{Path, PathBuf};

use hyper::StatusCode;
use jiff::civil::Date;

use crate::base::entries::{Entry, add_after};
use crate::base::{ChannelId, LessonId, Titles};
use crate::config::Channel;
use crate::people::Rights;
use crate::portal::i18n;
use crate::portal::pages::{day as day_span, param};
use crate::portal::reply::Reply;
use crate::portal::state::{Portal, schedule_names};
use crate::portal::views::{
    Menu, PageContext, Played, Remark, ScheduleForm, SchedulePage, ScheduleRow, WeekRow, days_said,
};
use crate::schedule::{self, Draft, When};

use super::documents::{NotWritten, Swap, WHOLE, Which};
use super::drafts::{lack_key, typed};
use super::entries::{not_read, not_written};
use super::request::{Form, OfficeRequest};
use super::sites::done;
use super::standing::{Standing, overlapped, titled_or};
use super::week::{entry_of, not_said};
use super::{Answer, Refusal, Visitor, html};

/// Where schedules are.
const ROOM: &str = "/office/schedule";
/// Lessons that can be added at once to those an entry has.
const MORE: usize = 4;
/// Warnings shown.
const SHOWN: usize = 10;

/// A form that is shown again.
#[derive(Debug)]
pub(super) struct Again {
    draft: Draft,
    /// As typed: what is no time is not lost.
    times: (String, String),
    mark: String,
    /// Mark of the entry that it is to follow; empty: none.
    after: String,
    error: String,
    problems: Vec<Remark>,
}

impl Portal {
    /// The channels, each with its schedule.
    pub(super) fn schedules(&self, ctx: &PageContext<'_>, visitor: &Visitor, rights: &Rights<'_>) -> Answer {
        self.channel_list(ctx, visitor, rights, (ROOM, "schedule-title", "schedule-text"))
    }

    /// A week of a channel, and the entries that make it.
    pub(super) fn schedule(
        &self,
        ctx: &PageContext<'_>,
        visitor: &Visitor,
        rights: &Rights<'_>,
        (id, query): (&str, &str),
    ) -> Answer {
        let channel = self.channel_named(id)?;
        let (path, text) = self.schedule_text(&channel.id)?;
        let today = ctx.today();
        let date = param(query, "date").and_then(|d| d.parse().ok()).unwrap_or(today);
        let monday = date.checked_sub(jiff::Span::new().days(date.weekday().to_monday_zero_offset()));
        let monday: Date = monday.map_err(|e| Refusal::Ours(e.to_string()))?;
        let standing = Standing::read(&text);
        let (plan, all) = (self.plans.load().get(&channel.id).cloned(), standing.drafts());
        let days = (0..7).filter_map(|n| {
            let day = monday.checked_add(jiff::Span::new().days(n)).ok()?;
            let (from, to) = day_span(day, ctx.tz).ok()?;
            let listing = self.listing(&channel, from, to);
            let rows = listing.entries.iter().filter(|e| e.programme.start >= from);
            let rows = rows.map(|e| {
                let view = self.programme(&listing, e);
                let start = ctx.tz.to_datetime(view.start);
                let due = plan.as_ref().and_then(|p| entry_of(&all, start.date(), start.time(), p));
                WeekRow::of(view, due)
            });
            Some((day, rows.collect()))
        });
        let days = days.collect();
        let series = standing.series();
        let mut rows = Vec::new();
        for (section, entries) in standing.sections() {
            // What follows an entry stands behind it, with its time to be found.
            let mut above = None;
            for (at, entry) in entries.iter().enumerate() {
                let row = self.row(ctx, &channel.id, (section, entry), &series);
                above = if row.draft.follows { above } else { Some((row.draft.start, row.when.clone())) };
                rows.push((above.clone(), at, row));
            }
        }
        rows.sort_by(|a, b| (&a.0, a.1).cmp(&(&b.0, b.1)));
        let rows: Vec<ScheduleRow> = rows.into_iter().map(|(_, _, row)| row).collect();
        let is_weekly = |r: &ScheduleRow| matches!(r.draft.when, When::Weekly(_));
        let (weekly, mut dated): (Vec<_>, Vec<_>) = rows.into_iter().partition(is_weekly);
        let of = |r: &ScheduleRow| match r.draft.when {
            When::Once(date) => date.unwrap_or_default(),
            When::Weekly(_) => today,
        };
        dated.sort_by_key(|r| (of(r), r.draft.start));
        let (earlier, dated) = dated.into_iter().partition(|r| of(r) < today);
        let (bad, remarks) = self.remarks(ctx, &path, &text);
        let back = format!("{ROOM}/{id}");
        let beside = |days: i64| {
            let date = monday.checked_add(jiff::Span::new().days(days)).ok()?;
            Some(format!("{back}?date={date}"))
        };
        let page = SchedulePage {
            not: param(query, "not").and_then(not_said),
            monday,
            token: visitor.secret.form_token(),
            channel: &channel,
            days,
            before: beside(-7),
            after: beside(7),
            weekly,
            dated,
            earlier,
            bad,
            remarks,
            new: rights.edit_programmes().then(|| format!("{back}/new")),
            done: done(ctx.path, visitor, &back),
            menu: Menu::of(rights),
        };
        Ok(html(page.render(ctx)?))
    }

    /// What is wrong in the file, or else what to look at.
    fn remarks(&self, ctx: &PageContext<'_>, path: &Path, text: &str) -> (bool, Vec<Remark>) {
        let county = self.county.load();
        let names = schedule_names(&county, &self.library.catalogue());
        let (bad, mut all) = match schedule::parse(path, text, &county.tz, &names.known()) {
            Ok((_, warnings)) => (false, warnings),
            Err(problems) => (true, problems.0),
        };
        let more = all.len().saturating_sub(SHOWN);
        all.truncate(SHOWN);
        let mut said: Vec<Remark> = all.iter().map(|p| Remark::in_file(ctx, p)).collect();
        if more > 0 {
            said.push(Remark::from(format!("+ {more}")));
        }
        (bad, said)
    }

    fn row(
        &self,
        ctx: &PageContext<'_>,
        channel: &ChannelId,
        (section, entry): (&str, &Entry),
        series: &[(String, Titles)],
    ) -> ScheduleRow {
        let draft = Draft::of(section, &entry.values());
        let when = match draft.when {
            _ if draft.follows => String::new(),
            When::Weekly(days) => days_said(ctx, days),
            When::Once(date) => date.map_or_else(String::new, |d| ctx.short_date(&d)),
        };
        ScheduleRow {
            href: format!("{ROOM}/{channel}/{}", entry.mark()),
            when,
            plays: self.plays(&draft, series),
            draft,
        }
    }

    /// What a draft plays, as people call it.
    fn plays(&self, draft: &Draft, series: &[(String, Titles)]) -> Vec<Played> {
        let catalogue = self.library.catalogue();
        let lesson = |id: &String| {
            let package = LessonId::new(id).ok().and_then(|l| catalogue.lesson(&l).cloned());
            Played { id: id.clone(), names: package.map(|p| p.manifest.titles.clone()) }
        };
        let county = self.county.load();
        let relay = |id: &String| {
            let found = county.relays.iter().find(|r| r.id.as_str() == id);
            Played { id: id.clone(), names: found.map(|r| r.names.clone()) }
        };
        let of_series = |id: &String| {
            let found = series.iter().find(|(known, _)| known == id);
            Played { id: id.clone(), names: found.map(|(_, titles)| titled_or(titles, id)) }
        };
        let relays = draft.relay.iter().map(relay);
        draft.lessons.iter().map(lesson).chain(relays).chain(draft.series.iter().map(of_series)).collect()
    }

    /// The form for a new entry, or for the one with this mark.
    pub(super) fn schedule_form(
        &self,
        ctx: &PageContext<'_>,
        visitor: &Visitor,
        rights: &Rights<'_>,
        (id, mark, again): (&str, Option<&str>, Option<Again>),
    ) -> Answer {
        let channel = self.channel_named(id)?;
        let refused = again.as_ref().is_some_and(|again| !again.error.is_empty());
        let status = if refused { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
        let (_, text) = self.schedule_text(&channel.id)?;
        let standing = Standing::read(&text);
        let again = match (again, mark) {
            (Some(again), _) => again,
            (None, None) => Again::of(Draft::new(When::Weekly([true; 7])), String::new()),
            (None, Some(mark)) => {
                let (section, entry) = standing.marked(mark).ok_or(Refusal::Unknown)?;
                Again::of(Draft::of(section, &entry.values()), mark.to_owned())
            }
        };
        let back = format!("{ROOM}/{id}");
        let series = standing.series();
        let above = standing.marked(&again.after).map(|(section, entry)| Draft::of(section, &entry.values()));
        let title = |above: Draft| {
            let names = if above.titles.0.is_empty() { &channel.names } else { &above.titles };
            ctx.plain(names)
        };
        let titled = |titles: &Titles, id: &str| ctx.plain(&titled_or(titles, id));
        let mut lessons = self.lesson_choices(ctx);
        // One that is not there (yet) stays chosen.
        for missing in again
            .draft
            .lessons
            .iter()
            .filter(|l| !lessons.iter().any(|(id, _)| id == *l))
            .cloned()
            .collect::<Vec<_>>()
        {
            lessons.push((missing.clone(), missing));
        }
        let county = self.county.load();
        let relays = county.relays.iter().map(|r| (r.id.to_string(), titled(&r.names, r.id.as_str())));
        let page = ScheduleForm {
            channel: &channel,
            action: mark.map_or_else(|| back.clone(), |mark| format!("{back}/{mark}")),
            remove: mark.filter(|_| rights.edit_programmes()).map(|mark| format!("{back}/{mark}/remove")),
            is_new: mark.is_none(),
            after: above.map(|above| (again.after, title(above))),
            follower: mark
                .filter(|_| rights.edit_programmes())
                .map(|mark| format!("{back}/new?after={mark}")),
            may_edit: rights.edit_programmes(),
            places: again.draft.lessons.len() + MORE,
            draft: again.draft,
            start: again.times.0,
            end: again.times.1,
            mark: again.mark,
            lessons,
            relays: relays.collect(),
            series: series.iter().map(|(id, titles)| (id.clone(), titled(titles, id))).collect(),
            error: Some(again.error).filter(|e| !e.is_empty()),
            problems: again.problems,
            back,
            token: visitor.secret.form_token(),
            menu: Menu::of(rights),
        };
        Ok(html(page.render(ctx)?).with_status(status))
    }

    /// The form for an entry that begins when the one with this mark has ended.
    pub(super) fn follower_form(
        &self,
        ctx: &PageContext<'_>,
        visitor: &Visitor,
        rights: &Rights<'_>,
        (id, above): (&str, &str),
    ) -> Answer {
        let channel = self.channel_named(id)?;
        let standing = Standing::read(&self.schedule_text(&channel.id)?.1);
        let (section, _) = standing.marked(above).ok_or(Refusal::Unknown)?;
        let mut draft = Draft::of(section, &toml::Table::new());
        draft.follows = true;
        let again = Again { after: above.to_owned(), ..Again::of(draft, String::new()) };
        self.schedule_form(ctx, visitor, rights, (id, None, Some(again)))
    }

    /// What was typed takes the place of the entry with this mark, or is new.
    pub(super) async fn save_schedule(
        &self,
        request: &OfficeRequest<'_>,
        ctx: &PageContext<'_>,
        visitor: &Visitor,
        rights: &Rights<'_>,
        (id, mark, form): (&str, Option<&str>, &Form),
    ) -> Answer {
        let channel = self.channel_named(id)?;
        let (_, text) = self.schedule_text(&channel.id)?;
        let standing = Standing::read(&text);
        let old = mark.and_then(|mark| standing.marked(mark));
        let before = old.as_ref().map(|(section, entry)| Draft::of(section, &entry.values()));
        let draft = typed(form, before.as_ref(), ctx.languages);
        let again = |error: String, problems: Vec<Remark>| {
            let draft = draft.clone();
            let times = (form.get("start").to_owned(), form.get("end").to_owned());
            let (mark_typed, after) = (form.get("mark").to_owned(), form.get("after").to_owned());
            let again = Again { draft, times, mark: mark_typed, after, error, problems };
            self.schedule_form(ctx, visitor, rights, (id, mark, Some(again)))
        };
        let above = Some(form.get("after")).filter(|after| mark.is_none() && !after.is_empty());
        let above = above.map(|after| standing.marked(after));
        if (mark.is_some() && old.is_none()) || above == Some(None) {
            return again(ctx.t("place-stale"), Vec::new());
        }
        if let Some(lack) = draft.lacks() {
            return again(ctx.t(lack_key(lack)), Vec::new());
        }
        if !form.get("end").is_empty() && draft.end.is_none() {
            return again(ctx.t("schedule-time-wrong"), Vec::new());
        }
        let copy = form.get("do") == "copy";
        let replaced = mark.filter(|_| !copy);
        if let Some(other) = overlapped(&standing.drafts(), &draft, replaced) {
            return again(self.overlap_said(ctx, &channel, other), Vec::new());
        }
        let section = draft.section();
        let from = old.filter(|_| !copy).map(|(_, entry)| entry.clone());
        let entry = from.clone().unwrap_or_else(|| Entry::new(section));
        let to = entry.with(section, draft.values()).map_err(|e| Refusal::Ours(e.to_string()))?;
        let back = format!("{ROOM}/{id}");
        if from.as_ref() == Some(&to) {
            return Ok(Reply::see_other(&back));
        }
        let change = match above.flatten() {
            // Where it stands says what it follows: so the whole file is changed.
            Some((section, above)) => {
                let after =
                    add_after(&text, section, above, &to).map_err(|e| Refusal::Ours(e.to_string()))?;
                (&channel.id, WHOLE, Some(Entry::kept(&*text)), Some(Entry::kept(after)))
            }
            None => (&channel.id, section, from, Some(to)),
        };
        match self.change_schedule(request, visitor, change).await? {
            Ok(line) => Ok(Reply::see_other(&format!("{back}?done={line}"))),
            Err(error) => {
                let (error, problems) = not_written(ctx, error)?;
                again(error, problems)
            }
        }
    }

    /// Takes an entry out.
    pub(super) async fn remove_schedule(
        &self,
        request: &OfficeRequest<'_>,
        ctx: &PageContext<'_>,
        visitor: &Visitor,
        (id, mark): (&str, &str),
    ) -> Answer {
        let channel = self.channel_named(id)?;
        let back = format!("{ROOM}/{id}");
        let standing = Standing::read(&self.schedule_text(&channel.id)?.1);
        let Some((section, entry)) = standing.marked(mark) else {
            return Ok(Reply::see_other(&format!("{back}?not=stale")));
        };
        let change = (&channel.id, section, Some(entry.clone()), None);
        match self.change_schedule(request, visitor, change).await? {
            Ok(line) => Ok(Reply::see_other(&format!("{back}?done={line}"))),
            Err(error) => {
                not_written(ctx, error)?;
                Ok(Reply::see_other(&format!("{back}?not=stale")))
            }
        }
    }

    async fn change_schedule(
        &self,
        request: &OfficeRequest<'_>,
        visitor: &Visitor,
        (channel, section, from, to): (&ChannelId, &str, Option<Entry>, Option<Entry>),
    ) -> Result<Result<i64, NotWritten>, Refusal> {
        let swap = Swap { which: Which::Schedule(channel.clone()), section: section.to_owned(), from, to };
        let line = request.entry(Some(&visitor.account.id), "schedule-changed", String::new());
        self.write(swap, line).await
    }

    /// The file of a channel's schedule, and what stands in it.
    fn schedule_text(&self, channel: &ChannelId) -> Result<(PathBuf, String), Refusal> {
        self.document(&Which::Schedule(channel.clone())).map_err(not_read)
    }

    fn overlap_said(&self, ctx: &PageContext<'_>, channel: &Channel, other: &Draft) -> String {
        let titles = if other.titles.0.is_empty() { &channel.names } else { &other.titles };
        let time = |t: Option<jiff::civil::Time>| t.map_or_else(String::new, schedule::time_written);
        let (from, to) = (time(other.start), time(other.end));
        let title = ctx.plain(titles);
        let values = [("title", title.as_str()), ("from", &from), ("to", &to)];
        i18n::text(ctx.lang, "schedule-overlaps", &values)
    }
}

impl Again {
    fn of(draft: Draft, mark: String) -> Self {
        let time = |t: Option<jiff::civil::Time>| t.map_or_else(String::new, schedule::time_written);
        let times = (time(draft.start), time(draft.end));
        Self { draft, times, mark, after: String::new(), error: String::new(), problems: Vec::new() }
    }
}
