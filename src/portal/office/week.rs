//! The week as a grid: a programme is moved or stretched, a day or a week copied.

use jiff::Timestamp;
use jiff::civil::{Date, Time};

use crate::base::entries::{Entry, swap};
use crate::portal::pages::day as day_span;
use crate::portal::reply::Reply;
use crate::portal::state::Portal;
use crate::portal::views::PageContext;
use crate::schedule::{Draft, Programme, When, merge, time};

use super::documents::{NotWritten, Swap, WHOLE, Which};
use super::entries::{not_read, not_written};
use super::request::{Form, OfficeRequest};
use super::standing::{Standing, overlapped};
use super::{Answer, Refusal, Visitor};

/// Where an entry was and where it is to be.
struct Move {
    /// The day of the programme that was taken hold of.
    was: Date,
    date: Date,
    start: Time,
    end: Time,
    /// On that day only.
    once: bool,
}

impl Move {
    fn read(form: &Form) -> Option<Self> {
        Some(Self {
            was: form.get("was").parse().ok()?,
            date: form.get("date").parse().ok()?,
            start: time(form.get("start"))?,
            end: time(form.get("end"))?,
            once: form.get("scope") == "day",
        })
    }

    /// The entry as it would stand.
    fn of(&self, draft: &Draft) -> Draft {
        let mut moved = Draft { start: Some(self.start), end: Some(self.end), ..draft.clone() };
        moved.when = match draft.when {
            When::Weekly(mut days) if !self.once => {
                let day = |date: Date| date.weekday().to_monday_zero_offset() as usize;
                days[day(self.was)] = false;
                days[day(self.date)] = true;
                When::Weekly(days)
            }
            _ => When::Once(Some(self.date)),
        };
        if self.once {
            moved.except.clear();
        }
        moved
    }
}

impl Portal {
    /// Moves or stretches an entry, for every week or for one day.
    pub(super) async fn move_entry(
        &self,
        request: &OfficeRequest<'_>,
        ctx: &PageContext<'_>,
        visitor: &Visitor,
        (id, mark, form): (&str, &str, &Form),
    ) -> Answer {
        let channel = self.channel_named(id)?;
        let which = Which::Schedule(channel.id.clone());
        let (_, text) = self.document(&which).map_err(not_read)?;
        let asked = Move::read(form).ok_or(Refusal::Elsewhere)?;
        let back = format!("/office/schedule/{id}?date={}", asked.was);
        let not = |key: &str| Ok(Reply::see_other(&format!("{back}&not={key}")));
        let standing = Standing::read(&text);
        let Some((section, entry)) = standing.marked(mark) else { return not("stale") };
        let draft = Draft::of(section, &entry.values());
        let weekly = matches!(draft.when, When::Weekly(_));
        let asked = Move { once: asked.once || !weekly, ..asked };
        let at =
            |date: Date, time: Time| ctx.tz.to_ambiguous_timestamp(date.to_datetime(time)).compatible().ok();
        let begun = |date: Date, time: Option<Time>| {
            time.and_then(|time| at(date, time)).is_none_or(|start: Timestamp| start <= request.page.now)
        };
        // What has begun stays as it is; a weekly entry's next turns may change.
        if asked.once && (begun(asked.was, draft.start) || begun(asked.date, Some(asked.start))) {
            return not("started");
        }
        let moved = asked.of(&draft);
        let but = Some(mark).filter(|_| moved.section() == section);
        if moved.lacks().is_some() || overlapped(&standing.drafts(), &moved, but).is_some() {
            return not("overlaps");
        }
        let fill = |entry: &Entry, draft: &Draft| entry.with(draft.section(), draft.values());
        let made = || -> Result<Swap, NotWritten> {
            if moved.section() == section {
                let to = fill(entry, &moved)?;
                return Ok(Swap {
                    which,
                    section: section.to_owned(),
                    from: Some(entry.clone()),
                    to: Some(to),
                });
            }
            // One day of a weekly entry: it does not stand that day, another does.
            let mut stays = draft.clone();
            stays.except.push(asked.was);
            let after = swap(&text, section, Some(entry), Some(&fill(entry, &stays)?))?;
            let new = fill(&Entry::new(moved.section()), &moved)?;
            let after = swap(&after, moved.section(), None, Some(&new))?;
            let (from, to) = (Some(Entry::kept(text.clone())), Some(Entry::kept(after)));
            Ok(Swap { which, section: WHOLE.to_owned(), from, to })
        };
        let line = request.entry(Some(&visitor.account.id), "schedule-changed", String::new());
        let written = match made() {
            Ok(swap) => self.write(swap, line).await?,
            Err(error) => Err(error),
        };
        match written {
            Ok(line) => Ok(Reply::see_other(&format!("{back}&done={line}"))),
            Err(error) => {
                not_written(ctx, error)?;
                not("failed")
            }
        }
    }

    /// Copies a day, or the week that begins with it, to another date.
    pub(super) async fn copy_days(
        &self,
        request: &OfficeRequest<'_>,
        ctx: &PageContext<'_>,
        visitor: &Visitor,
        (id, form): (&str, &Form),
    ) -> Answer {
        let channel = self.channel_named(id)?;
        let which = Which::Schedule(channel.id.clone());
        let (_, text) = self.document(&which).map_err(not_read)?;
        let date = |name: &str| form.get(name).parse::<Date>().map_err(|_| Refusal::Elsewhere);
        let (from, to) = (date("from")?, date("to")?);
        let days = if form.get("days") == "7" { 7 } else { 1 };
        let back = format!("/office/schedule/{id}?date={to}");
        let later =
            |date: Date, n: i64| date.checked_add(jiff::Span::new().days(n)).map_err(|_| Refusal::Elsewhere);
        let (all, mut copies) = (Standing::read(&text).drafts(), Vec::new());
        for n in 0..days {
            let (source, target) = (later(from, n)?, later(to, n)?);
            copies.extend(self.copies(ctx, &channel.id, &all, (source, target))?);
        }
        let now = request.page.now;
        let at = |d: &Draft| match (d.when, d.start) {
            (When::Once(Some(date)), Some(start)) => ctx.tz.to_timestamp(date.to_datetime(start)).ok(),
            _ => None,
        };
        copies.retain(|d| at(d).is_some_and(|start| start > now));
        let clash = copies.iter().any(|d| overlapped(&all, d, None).is_some());
        if copies.is_empty() || clash {
            return Ok(Reply::see_other(&format!("{back}&not=copied")));
        }
        let (after, _) = merge(&text, &copies, false).map_err(|e| not_read(NotWritten::Entry(e)))?;
        let (from, to) = (Some(Entry::kept(text)), Some(Entry::kept(after)));
        let swap = Swap { which, section: WHOLE.to_owned(), from, to };
        let line = request.entry(Some(&visitor.account.id), "schedule-copied", String::new());
        match self.write(swap, line).await? {
            Ok(line) => Ok(Reply::see_other(&format!("{back}&done={line}"))),
            Err(error) => {
                not_written(ctx, error)?;
                Ok(Reply::see_other(&format!("{back}&not=failed")))
            }
        }
    }

    /// What starts on `source` as entries of `target`, but for what stands there anyhow.
    fn copies(
        &self,
        ctx: &PageContext<'_>,
        channel: &crate::base::ChannelId,
        all: &[(String, Draft)],
        (source, target): (Date, Date),
    ) -> Result<Vec<Draft>, Refusal> {
        let plans = self.plans.load();
        let Some(plan) = plans.get(channel) else { return Ok(Vec::new()) };
        let of_day = |date: Date| {
            let (from, to) = day_span(date, ctx.tz).map_err(|_| Refusal::Elsewhere)?;
            let all = plan.between(from, to).into_iter().filter(move |p| p.start >= from);
            Ok::<Vec<Programme>, Refusal>(all.collect())
        };
        let civil = |p: &Programme| ctx.tz.to_datetime(p.start);
        let there = of_day(target)?;
        // The next episode of a series stands there for the one before.
        let series = |p: &Programme| p.episode.as_ref().map(|e| e.series.clone());
        let alike = |p: &Programme, q: &Programme| {
            let goes_on = series(p).is_some() && series(p) == series(q);
            civil(p).time() == civil(q).time() && p.titles == q.titles && (p.play == q.play || goes_on)
        };
        let stands = |p: &&Programme| there.iter().any(|q| alike(p, q));
        let sources = of_day(source)?;
        let drafts = sources.iter().filter(|p| !stands(p)).map(|p| {
            let standing = entry_of(all, civil(p).date(), civil(p).time(), plan);
            let base = standing.map_or_else(|| Draft::new(When::Once(None)), |(_, draft)| draft);
            let end = base.end.or_else(|| p.end.map(|end| ctx.tz.to_datetime(end).time()));
            Draft {
                when: When::Once(Some(target)),
                start: Some(civil(p).time()),
                follows: false,
                end,
                except: Vec::new(),
                ..base
            }
        });
        Ok(drafts.filter(|d| d.lacks().is_none()).collect())
    }
}

/// The entry to which a programme is due that starts at this time of this
/// date: its mark, and what it says. None of one that follows another.
pub(super) fn entry_of(
    all: &[(String, Draft)],
    date: Date,
    start: Time,
    plan: &crate::schedule::Plan,
) -> Option<(String, Draft)> {
    let same_minute = |draft: &Draft| draft.start == Some(start);
    let once = all.iter().find(|(_, d)| d.when == When::Once(Some(date)) && same_minute(d));
    let day = plan.weekday_of(date);
    let weekly = all.iter().find(|(_, d)| match (d.when, day) {
        (When::Weekly(days), Some(day)) => days[day] && same_minute(d) && !d.except.contains(&date),
        _ => false,
    });
    once.or(weekly).cloned()
}

/// Key of why something was not done in the grid.
pub(super) fn not_said(why: &str) -> Option<&'static str> {
    match why {
        "started" => Some("grid-started"),
        "overlaps" => Some("grid-overlaps"),
        "copied" => Some("grid-copied-nothing"),
        "failed" => Some("grid-failed"),
        _ => None,
    }
}
