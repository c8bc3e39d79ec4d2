//! A schedule as a spreadsheet: taken out, looked through, taken in.

use hyper::StatusCode;

use crate::base::Lang;
use crate::base::entries::{Entry, entries};
use crate::people::Rights;
use crate::portal::i18n;
use crate::portal::reply::Reply;
use crate::portal::state::Portal;
use crate::portal::views::{DifferenceView, Menu, PageContext, Remark, SheetPage, days_said};
use crate::schedule::{
    Column, Difference, Draft, SECTIONS, SheetProblem, When, Words, Wrong, merge, read_sheet, time_written,
    write_sheet,
};

use super::documents::{NotWritten, Swap, WHOLE, Which};
use super::drafts::lack_key;
use super::entries::{not_read, not_written};
use super::lists::{table_of, table_reply};
use super::request::{Form, OfficeRequest};
use super::{Answer, Refusal, Visitor, html};

/// Problems shown of a table.
const SHOWN: usize = 30;

/// What is shown above the form.
#[derive(Debug, Default)]
pub(super) struct Looked {
    differences: Vec<Difference>,
    problems: Vec<Remark>,
    /// What the form carries on to be taken.
    carried: Option<Carried>,
}

/// A table that was looked at: its entries, and the file it was held against.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
struct Carried {
    mark: String,
    whole: bool,
    drafts: Vec<Draft>,
}

impl Portal {
    /// A channel's entries as a table: `xiangtu.xlsx` or `.csv`.
    pub(super) async fn export_schedule(&self, ctx: &PageContext<'_>, (id, kind): (&str, &str)) -> Answer {
        let channel = self.channel_named(id)?;
        let (_, text) = self.document(&Which::Schedule(channel.id.clone())).map_err(not_read)?;
        let rows = write_sheet(&standing(&text)?, &words(ctx.lang), ctx.languages);
        table_reply(ctx, (id, id, kind), rows).await
    }

    /// Where a table is taken in, and what it would change.
    pub(super) fn sheet_page(
        &self,
        ctx: &PageContext<'_>,
        visitor: &Visitor,
        rights: &Rights<'_>,
        (id, looked): (&str, Looked),
    ) -> Answer {
        let channel = self.channel_named(id)?;
        let carried = looked.carried.as_ref();
        let status =
            if looked.problems.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
        let row = |d: &Difference| DifferenceView {
            before: d.before.as_ref().map(|d| told(ctx, d)),
            after: d.after.as_ref().map(|d| told(ctx, d)),
            titles: d.after.as_ref().or(d.before.as_ref()).map(|d| d.titles.clone()).unwrap_or_default(),
        };
        let page = SheetPage {
            channel: &channel,
            rows: looked.differences.iter().map(row).collect(),
            problems: looked.problems,
            carried: carried
                .map(serde_json::to_string)
                .transpose()
                .map_err(|e| Refusal::Ours(e.to_string()))?,
            token: visitor.secret.form_token(),
            menu: Menu::of(rights),
        };
        Ok(html(page.render(ctx)?).with_status(status))
    }

    /// Looks a table through and changes nothing.
    pub(super) async fn look_at_sheet(
        &self,
        ctx: &PageContext<'_>,
        visitor: &Visitor,
        rights: &Rights<'_>,
        (id, form): (&str, &Form),
    ) -> Answer {
        let channel = self.channel_named(id)?;
        let wrong = |problems: Vec<Remark>| Looked { problems, ..Looked::default() };
        let table = match table_of(ctx, form).await {
            Ok(table) => table,
            Err(said) => return self.sheet_page(ctx, visitor, rights, (id, wrong(vec![Remark::of(said)]))),
        };
        let drafts = match read_sheet(&table, &every_words(ctx.languages)) {
            Ok(drafts) => drafts.into_iter().map(|(_, draft)| draft).collect::<Vec<_>>(),
            Err(problems) => {
                let problems = problems.iter().take(SHOWN).map(|p| Remark::of(said(ctx, p)));
                return self.sheet_page(ctx, visitor, rights, (id, wrong(problems.collect())));
            }
        };
        let (path, text) = self.document(&Which::Schedule(channel.id.clone())).map_err(not_read)?;
        let whole = form.get("whole") == "1";
        let (after, differences) = match merge(&text, &drafts, whole) {
            Ok(merged) => merged,
            Err(error) => {
                let (error, mut problems) = not_written(ctx, NotWritten::Entry(error))?;
                problems.insert(0, Remark::of(error));
                return self.sheet_page(ctx, visitor, rights, (id, wrong(problems)));
            }
        };
        if differences.is_empty() {
            let problem = Remark::of(ctx.t("import-same"));
            return self.sheet_page(ctx, visitor, rights, (id, wrong(vec![problem])));
        }
        if let Err(problems) = self.check(&Which::Schedule(channel.id.clone()), &path, &after) {
            let problems = problems.0.iter().take(SHOWN).map(|p| Remark::on(ctx, p)).collect();
            return self.sheet_page(
                ctx,
                visitor,
                rights,
                (id, Looked { differences, problems, carried: None }),
            );
        }
        let carried = Some(Carried { mark: Entry::kept(text).mark(), whole, drafts });
        self.sheet_page(ctx, visitor, rights, (id, Looked { differences, problems: Vec::new(), carried }))
    }

    /// Takes in the table that was looked at.
    pub(super) async fn take_sheet(
        &self,
        request: &OfficeRequest<'_>,
        ctx: &PageContext<'_>,
        visitor: &Visitor,
        rights: &Rights<'_>,
        (id, form): (&str, &Form),
    ) -> Answer {
        let channel = self.channel_named(id)?;
        let carried: Carried = serde_json::from_str(form.get("carried")).map_err(|_| Refusal::Elsewhere)?;
        if carried.drafts.iter().any(|d| d.lacks().is_some()) {
            return Err(Refusal::Elsewhere);
        }
        let which = Which::Schedule(channel.id.clone());
        let (_, text) = self.document(&which).map_err(not_read)?;
        let wrong = |problems: Vec<Remark>| Looked { problems, ..Looked::default() };
        let from = Entry::kept(text.clone());
        // Somebody has changed the schedule since: what would be taken is not what was looked at.
        if from.mark() != carried.mark {
            let problem = Remark::of(ctx.t("place-stale"));
            return self.sheet_page(ctx, visitor, rights, (id, wrong(vec![problem])));
        }
        let merged = merge(&text, &carried.drafts, carried.whole);
        let (after, _) = merged.map_err(|e| not_read(NotWritten::Entry(e)))?;
        let swap = Swap { which, section: WHOLE.to_owned(), from: Some(from), to: Some(Entry::kept(after)) };
        let line = request.entry(Some(&visitor.account.id), "schedule-taken-in", String::new());
        match self.write(swap, line).await? {
            Ok(line) => Ok(Reply::see_other(&format!("/office/schedule/{id}?done={line}"))),
            Err(error) => {
                let (error, mut problems) = not_written(ctx, error)?;
                problems.insert(0, Remark::of(error));
                self.sheet_page(ctx, visitor, rights, (id, wrong(problems)))
            }
        }
    }
}

/// The entries of a schedule's file, weekly ones first.
fn standing(text: &str) -> Result<Vec<Draft>, Refusal> {
    let mut drafts = Vec::new();
    for section in SECTIONS {
        let all = entries(text, section).map_err(|e| not_read(NotWritten::Entry(e)))?;
        drafts.extend(all.iter().map(|e| Draft::of(section, &e.values())));
    }
    Ok(drafts)
}

const HEADINGS: [(Column, &str); 11] = [
    (Column::Except, "sheet-except"),
    (Column::When, "schedule-when"),
    (Column::Start, "schedule-start"),
    (Column::End, "schedule-end"),
    (Column::Lessons, "sheet-lessons"),
    (Column::Relay, "kind-relay"),
    (Column::Series, "schedule-series"),
    (Column::Repeat, "schedule-repeat"),
    (Column::Episodes, "schedule-episodes"),
    (Column::Keep, "schedule-kept"),
    (Column::Lang, "sheet-lang"),
];

/// The words of a language.
fn words(lang: &Lang) -> Words {
    let t = |key: &str| i18n::text(lang, key, &[]);
    Words {
        headings: HEADINGS.iter().map(|(column, key)| (column.clone(), t(key))).collect(),
        title: t("schedule-name"),
        daily: t("schedule-daily"),
        weekdays: t("schedule-weekdays"),
        days: std::array::from_fn(|day| t(&format!("weekday-{}", day + 1))),
        following: t("schedule-following"),
        yes: t("sheet-yes"),
    }
}

fn every_words(languages: &[Lang]) -> Vec<Words> {
    languages.iter().map(words).collect()
}

/// An entry in one line.
fn told(ctx: &PageContext<'_>, draft: &Draft) -> String {
    let when = match draft.when {
        When::Weekly(days) if days == [false; 7] => String::new(),
        When::Weekly(days) => days_said(ctx, days),
        When::Once(date) => date.map_or_else(String::new, |d| ctx.short_date(&d)),
    };
    let start = match draft.start {
        _ if draft.follows => ctx.t("schedule-following"),
        start => start.map(time_written).unwrap_or_default(),
    };
    let end = draft.end.map(|end| format!("–{}", time_written(end))).unwrap_or_default();
    let plays = [
        draft.lessons.join(" "),
        draft.relay.clone().unwrap_or_default(),
        draft.series.clone().unwrap_or_default(),
    ];
    let parts = [when, format!("{start}{end}"), plays.concat()];
    parts.into_iter().filter(|p| !p.is_empty()).collect::<Vec<_>>().join(" · ")
}

/// What is wrong with a row.
fn said(ctx: &PageContext<'_>, problem: &SheetProblem) -> String {
    let (key, cell) = match &problem.wrong {
        Wrong::Heading(heading) => ("import-unknown-column", heading.as_str()),
        Wrong::NoHeadings => ("sheet-no-headings", ""),
        Wrong::When(cell) => ("sheet-no-day", cell.as_str()),
        Wrong::Time(cell) => ("sheet-no-time", cell.as_str()),
        Wrong::Lang(cell) => ("sheet-no-lang", cell.as_str()),
        Wrong::Number(cell) => ("sheet-no-number", cell.as_str()),
        Wrong::Lacks(lack) => (lack_key(*lack), ""),
    };
    let line = problem.line.to_string();
    let place = i18n::text(ctx.lang, "sheet-line", &[("line", &line)]);
    format!("{place} {}", i18n::text(ctx.lang, key, &[("cell", cell), ("column", cell)]))
}
