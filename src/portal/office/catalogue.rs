//! The catalogue of lessons as a spreadsheet: taken out, looked through, taken in.

use std::collections::BTreeMap;

use hyper::StatusCode;

use crate::base::workbook::Table;
use crate::base::{Lang, LessonId};
use crate::config::Topic;
use crate::hls::About;
use crate::people::{AuditEntry, Rights};
use crate::portal::i18n;
use crate::portal::reply::Reply;
use crate::portal::state::Portal;
use crate::portal::views::{CataloguePage, CatalogueRow, Menu, PageContext};

use super::lessons::{ROOM, told};
use super::lists::{table_of, table_reply};
use super::request::{Form, OfficeRequest, clean};
use super::terminals::to_the_end;
use super::{Answer, Refusal, Visitor, html};

/// What the audit log calls a table that was taken in.
pub(super) const TAKEN_IN: &str = "catalogue-taken-in";
/// Longest text that is taken in, characters: what a cell of a table is read to.
const LONGEST: usize = 500;
/// Problems shown of a table.
const SHOWN: usize = 30;

/// What a column says. Of those that have a language it stands behind the heading.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Column {
    Id,
    Title(Lang),
    Topic,
    Series,
    Part,
    Speakers,
    Audience,
    Licence,
    Summary(Lang),
    /// For who reads; it changes nothing.
    Length,
}

/// Headings without a language.
const PLAIN: [(Column, &str); 8] = [
    (Column::Id, "place-id"),
    (Column::Topic, "lesson-topic"),
    (Column::Series, "lesson-series"),
    (Column::Part, "lesson-part"),
    (Column::Speakers, "lesson-speakers"),
    (Column::Audience, "lesson-audience"),
    (Column::Licence, "lesson-licence"),
    (Column::Length, "lesson-length"),
];
const TITLE: &str = "schedule-name";
const SUMMARY: &str = "lesson-summary";

/// What is said of lessons, before and after.
#[derive(Debug, Default, Clone, serde::Serialize, serde::Deserialize)]
pub(super) struct Changes(pub(super) BTreeMap<LessonId, (About, About)>);

impl Changes {
    /// What makes them undone.
    pub(super) fn inverse(self) -> Self {
        Self(self.0.into_iter().map(|(id, (before, after))| (id, (after, before))).collect())
    }

    /// As the audit log has them.
    fn sides(&self) -> (String, String) {
        let side = |pick: fn(&(About, About)) -> &About| {
            let all: BTreeMap<&LessonId, &About> = self.0.iter().map(|(id, both)| (id, pick(both))).collect();
            serde_json::to_string(&all).unwrap_or_default()
        };
        (side(|both| &both.0), side(|both| &both.1))
    }

    /// Those of a line of the audit log.
    pub(super) fn logged(entry: &AuditEntry) -> Option<Self> {
        let side = |text: &str| serde_json::from_str::<BTreeMap<LessonId, About>>(text).ok();
        let (before, mut after) = (side(&entry.before)?, side(&entry.after)?);
        let both = before.into_iter().map(|(id, before)| Some((id.clone(), (before, after.remove(&id)?))));
        Some(Self(both.collect::<Option<_>>()?))
    }
}

/// What is shown above the form.
#[derive(Debug, Default)]
pub(super) struct Looked {
    changes: Changes,
    problems: Vec<String>,
}

impl Looked {
    fn wrong(problem: String) -> Self {
        Self { problems: vec![problem], ..Self::default() }
    }
}

impl Portal {
    /// The catalogue as a table: `catalogue.xlsx` or `.csv`.
    pub(super) async fn export_catalogue(&self, ctx: &PageContext<'_>, kind: &str) -> Answer {
        let columns = columns(ctx.languages);
        let mut rows = vec![columns.iter().map(|c| heading(c, ctx)).collect::<Vec<_>>()];
        let catalogue = self.library.catalogue();
        let mut seen = std::collections::BTreeSet::new();
        for (id, _) in catalogue.shelf() {
            // On offer or held, each once.
            let Some(package) = catalogue.known(id).filter(|_| seen.insert(id)) else { continue };
            let about = package.manifest.about();
            let cell = |column: &Column| match column {
                Column::Id => id.to_string(),
                Column::Length => ctx.length(&package.manifest.duration()),
                other => read(&about, other),
            };
            rows.push(columns.iter().map(cell).collect());
        }
        table_reply(ctx, (&ctx.t("catalogue-title"), "catalogue", kind), rows).await
    }

    /// Where a catalogue is taken in, and what it would change.
    pub(super) fn catalogue_page(
        &self,
        ctx: &PageContext<'_>,
        visitor: &Visitor,
        rights: &Rights<'_>,
        looked: Looked,
    ) -> Answer {
        let rows = looked.changes.0.values().map(|(before, after)| CatalogueRow {
            titles: &after.titles,
            parts: differences(ctx, before, after),
        });
        let status = match looked.problems.is_empty() {
            true => StatusCode::OK,
            false => StatusCode::UNPROCESSABLE_ENTITY,
        };
        let page = CataloguePage {
            rows: rows.collect(),
            carried: serde_json::to_string(&looked.changes).map_err(|e| Refusal::Ours(e.to_string()))?,
            problems: looked.problems,
            token: visitor.secret.form_token(),
            menu: Menu::of(rights),
        };
        Ok(html(page.render(ctx)?).with_status(status))
    }

    /// Looks a table through and changes nothing.
    pub(super) async fn look_at_catalogue(
        &self,
        ctx: &PageContext<'_>,
        visitor: &Visitor,
        rights: &Rights<'_>,
        form: &Form,
    ) -> Answer {
        let looked = match table_of(ctx, form).await {
            Ok(table) => self.look_through(ctx, &table),
            Err(said) => Looked::wrong(said),
        };
        self.catalogue_page(ctx, visitor, rights, looked)
    }

    fn look_through(&self, ctx: &PageContext<'_>, table: &Table) -> Looked {
        let (catalogue, county) = (self.library.catalogue(), self.county.load());
        let mut looked = Looked::default();
        let Some((headings, rows)) = table.rows.split_first() else {
            return Looked::wrong(ctx.t1("catalogue-no-column", "column", ctx.t("place-id")));
        };
        let columns: Vec<Option<Column>> = headings.iter().map(|h| column(h)).collect();
        for (heading, _) in headings.iter().zip(&columns).filter(|(h, c)| c.is_none() && !h.is_empty()) {
            looked.problems.push(ctx.t1("import-unknown-column", "column", heading));
        }
        if !columns.contains(&Some(Column::Id)) {
            looked.problems.push(ctx.t1("catalogue-no-column", "column", ctx.t("place-id")));
        }
        for (line, cells) in (2_usize..).zip(rows).filter(|(_, cells)| cells.iter().any(|c| !c.is_empty())) {
            let mut wrong = |said: String| {
                looked.problems.push(format!("{} {said}", ctx.t1("sheet-line", "line", line)));
            };
            let id = columns.iter().position(|c| *c == Some(Column::Id)).and_then(|at| cells.get(at));
            let id = id.map_or("", |id| id.trim());
            let known =
                LessonId::new(id).ok().and_then(|id| Some((catalogue.known(&id)?.manifest.about(), id)));
            let Some((before, id)) = known else {
                wrong(ctx.t1("catalogue-unknown-lesson", "id", id));
                continue;
            };
            let mut after = before.clone();
            for (at, column) in columns.iter().enumerate() {
                let Some(column) = column else { continue };
                let cell = clean(cells.get(at).map_or("", String::as_str));
                if let Err(said) = write(&mut after, column, cell, (ctx, &county.topics)) {
                    wrong(said);
                }
            }
            if after.titles.0.is_empty() {
                wrong(ctx.t("name-missing"));
            } else if after != before {
                looked.changes.0.insert(id, (before, after));
            }
        }
        looked.problems.truncate(SHOWN);
        if !looked.problems.is_empty() {
            looked.changes = Changes::default();
        } else if looked.changes.0.is_empty() {
            looked.problems.push(ctx.t("import-same"));
        }
        looked
    }

    /// Takes in what was looked at.
    pub(super) async fn take_catalogue(
        &self,
        request: &OfficeRequest<'_>,
        ctx: &PageContext<'_>,
        visitor: &Visitor,
        rights: &Rights<'_>,
        form: &Form,
    ) -> Answer {
        let changes: Changes = serde_json::from_str(form.get("carried")).map_err(|_| Refusal::Elsewhere)?;
        // What a form carried may have been written by hand.
        let good = |text: &str| clean(text) == text && text.chars().count() <= LONGEST;
        let texts = |about: &About| {
            let details = about.details.texts().chain([about.details.licence.as_str()]);
            !about.titles.0.is_empty() && about.titles.0.values().map(String::as_str).chain(details).all(good)
        };
        if changes.0.is_empty() || !changes.0.values().all(|(_, after)| texts(after)) {
            return Err(Refusal::Elsewhere);
        }
        let entry = request.entry(Some(&visitor.account.id), TAKEN_IN, String::new());
        match self.describe_lessons(changes, entry).await? {
            Some(line) => Ok(Reply::see_other(&format!("{ROOM}?done={line}"))),
            None => self.catalogue_page(ctx, visitor, rights, Looked::wrong(ctx.t("place-stale"))),
        }
    }

    /// Says something else of many lessons, if of each is known what was; to the end.
    pub(super) async fn describe_lessons(
        &self,
        changes: Changes,
        mut entry: AuditEntry,
    ) -> Result<Option<i64>, Refusal> {
        entry.subject = "lessons".to_owned();
        (entry.before, entry.after) = changes.sides();
        let portal = self.clone();
        let made = to_the_end(async move {
            let _one = portal.documents.writing().await;
            let catalogue = portal.library.catalogue();
            let stale = |(id, (before, _)): (&LessonId, &(About, About))| {
                catalogue.known(id).is_none_or(|p| told(&p.manifest.about()) != told(before))
            };
            if changes.0.iter().any(stale) {
                return Ok(None);
            }
            let line = portal.store.append_audit(entry).await?;
            let library = portal.library.clone();
            let all = changes.0.into_iter().map(|(id, (_, after))| (id, after)).collect();
            portal.on_disk(move || library.describe(&all)).await?;
            Ok(Some(line))
        });
        made.await?
    }
}

fn columns(languages: &[Lang]) -> Vec<Column> {
    let titles = languages.iter().cloned().map(Column::Title);
    let plain = PLAIN[1..].iter().map(|(column, _)| column.clone());
    let summaries = languages.iter().cloned().map(Column::Summary);
    [Column::Id].into_iter().chain(titles).chain(plain).chain(summaries).collect()
}

fn heading(column: &Column, ctx: &PageContext<'_>) -> String {
    match column {
        Column::Title(lang) => format!("{} ({lang})", ctx.t(TITLE)),
        Column::Summary(lang) => format!("{} ({lang})", ctx.t(SUMMARY)),
        plain => PLAIN.iter().find(|(c, _)| c == plain).map(|(_, key)| ctx.t(key)).unwrap_or_default(),
    }
}

/// The column that a heading in any language is of: it may have been written on a page in another.
fn column(heading: &str) -> Option<Column> {
    let is = |key: &str, text: &str| {
        i18n::in_any_language(key).any(|said| said.to_lowercase() == text.trim().to_lowercase())
    };
    if let Some((name, tag)) = heading.trim().strip_suffix(')').and_then(|h| h.rsplit_once('(')) {
        let lang = Lang::new(tag).ok()?;
        return match () {
            () if is(TITLE, name) => Some(Column::Title(lang)),
            () if is(SUMMARY, name) => Some(Column::Summary(lang)),
            () => None,
        };
    }
    PLAIN.iter().find(|(_, key)| is(key, heading)).map(|(column, _)| column.clone())
}

/// What `about` says in this column.
fn read(about: &About, column: &Column) -> String {
    let details = &about.details;
    match column {
        Column::Title(lang) => about.titles.0.get(lang).cloned().unwrap_or_default(),
        Column::Topic => details.topic.clone(),
        Column::Series => details.series.clone(),
        Column::Part => details.part.map(|part| part.to_string()).unwrap_or_default(),
        Column::Speakers => details.speakers.clone(),
        Column::Audience => details.audience.clone(),
        Column::Licence => details.licence.clone(),
        Column::Summary(lang) => details.summary.0.get(lang).cloned().unwrap_or_default(),
        Column::Id | Column::Length => String::new(),
    }
}

/// Says `cell` in this column; an empty one takes away what was said.
fn write(
    about: &mut About,
    column: &Column,
    cell: String,
    (ctx, topics): (&PageContext<'_>, &[Topic]),
) -> Result<(), String> {
    let details = &mut about.details;
    match column {
        Column::Id | Column::Length => {}
        Column::Title(lang) | Column::Summary(lang) => {
            let texts =
                if matches!(column, Column::Title(_)) { &mut about.titles } else { &mut details.summary };
            match cell.is_empty() {
                true => texts.0.remove(lang),
                false => texts.0.insert(lang.clone(), cell),
            };
        }
        Column::Topic if cell == details.topic => {}
        Column::Topic if cell.is_empty() => details.topic = cell,
        Column::Topic => {
            let called = |t: &&Topic| t.id.as_str() == cell || t.names.0.values().any(|name| *name == cell);
            match topics.iter().find(called) {
                Some(topic) => details.topic = topic.id.to_string(),
                None => {
                    let all: Vec<String> = topics.iter().map(|t| ctx.plain(&t.names)).collect();
                    let values = [("id", cell.as_str()), ("names", &all.join(", "))];
                    return Err(i18n::text(ctx.lang, "catalogue-unknown-topic", &values));
                }
            }
        }
        Column::Series => details.series = cell,
        Column::Part if cell.is_empty() => details.part = None,
        Column::Part => {
            let part = cell.parse().ok().filter(|n: &u32| *n > 0);
            details.part = Some(part.ok_or_else(|| ctx.t("lesson-bad-part"))?);
        }
        Column::Speakers => details.speakers = cell,
        Column::Audience => details.audience = cell,
        Column::Licence => details.licence = cell,
    }
    Ok(())
}

/// What of a lesson changes: heading, before, after.
fn differences(ctx: &PageContext<'_>, before: &About, after: &About) -> Vec<(String, String, String)> {
    let known: Vec<Lang> = [before, after]
        .into_iter()
        .flat_map(|about| about.titles.0.keys().chain(about.details.summary.0.keys()))
        .cloned()
        .collect::<std::collections::BTreeSet<_>>()
        .into_iter()
        .collect();
    let both = |column: &Column| (heading(column, ctx), read(before, column), read(after, column));
    columns(&known).iter().map(both).filter(|(_, before, after)| before != after).collect()
}
