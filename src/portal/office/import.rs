//! Sites and townships as a workbook: taken out, looked through, taken in.

use std::collections::BTreeMap;

use hyper::StatusCode;
use hyper::header::CONTENT_DISPOSITION;

use crate::base::workbook::{self, Table};
use crate::base::{Direction, Lang, Titles};
use crate::people::Rights;
use crate::portal::i18n;
use crate::portal::reply::Reply;
use crate::portal::state::Portal;
use crate::portal::views::{ImportPage, Menu, PageContext, PlaceLine};
use crate::sites::{Change, Place, RowProblem, SiteRow, TownshipRow, Wrong, change_of};

use super::places::Outcome;
use super::request::{Form, OfficeRequest, clean};
use super::{Answer, Refusal, Visitor, html};

/// `Content-Type` of a workbook.
pub(super) const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

/// What a file would change, or what is wrong with it.
#[derive(Debug, Default)]
pub(super) struct Preview {
    change: Change,
    problems: Vec<String>,
}

/// Keys of what a table of ours is called, and of its columns.
const TOWNSHIPS: &str = "sheet-townships";
const SITES: &str = "sheet-sites";
const ID: &str = "place-id";
const TOWNSHIP: &str = "place-township";
const NAME: &str = "place-name";
const CLOSED: &str = "site-closed";
const YES: &str = "sheet-yes";
const NO: &str = "sheet-no";

impl Portal {
    pub(super) fn import_page(
        &self,
        ctx: &PageContext<'_>,
        visitor: &Visitor,
        rights: &Rights<'_>,
        preview: Preview,
    ) -> Answer {
        let failed = !preview.problems.is_empty();
        let lines =
            preview.change.0.iter().map(|e| PlaceLine { before: e.before.clone(), after: e.after.clone() });
        let page = ImportPage {
            lines: lines.collect(),
            change: serde_json::to_string(&preview.change).map_err(|e| Refusal::Ours(e.to_string()))?,
            problems: preview.problems,
            token: visitor.secret.form_token(),
            menu: Menu::of(rights),
        };
        let status = if failed { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
        Ok(html(page.render(ctx)?).with_status(status))
    }

    /// Looks a file through and changes nothing.
    pub(super) async fn import_sites(
        &self,
        ctx: &PageContext<'_>,
        visitor: &Visitor,
        rights: &Rights<'_>,
        form: &Form,
    ) -> Answer {
        let told = |problem: String| Preview { problems: vec![problem], ..Preview::default() };
        let Some(file) = form.file("file").cloned() else {
            return self.import_page(ctx, visitor, rights, told(ctx.t("import-no-file")));
        };
        // Unpacking takes a while, and a library that stumbles over a file must not take a thread with it.
        let read = tokio::task::spawn_blocking(move || workbook::read(&file)).await;
        let tables = match read {
            Ok(Ok(tables)) => tables,
            Ok(Err(error)) => {
                return self.import_page(
                    ctx,
                    visitor,
                    rights,
                    told(ctx.t1("import-unreadable", "why", error)),
                );
            }
            Err(error) => {
                tracing::warn!(%error, "a workbook could not be read");
                let problem = ctx.t1("import-unreadable", "why", "XLSX");
                return self.import_page(ctx, visitor, rights, told(problem));
            }
        };
        let preview = self.preview(ctx, rights, &tables);
        self.import_page(ctx, visitor, rights, preview)
    }

    fn preview(&self, ctx: &PageContext<'_>, rights: &Rights<'_>, tables: &[Table]) -> Preview {
        let registry = self.desk.registry.load();
        let (mut townships, mut sites, mut problems) = (Vec::new(), Vec::new(), Vec::new());
        let mut known = false;
        for table in tables {
            if is(TOWNSHIPS, &table.name) {
                known = true;
                read_rows(ctx, table, &mut problems, |line, row| {
                    townships.push(TownshipRow { line, id: row.id, names: row.names });
                });
            } else if is(SITES, &table.name) {
                known = true;
                read_rows(ctx, table, &mut problems, |line, row| {
                    let Row { id, township, names, closed } = row;
                    sites.push(SiteRow { line, id, township, names, closed });
                });
            }
        }
        if !known {
            let names = format!("{}, {}", ctx.t(SITES), ctx.t(TOWNSHIPS));
            problems.push(ctx.t1("import-no-table", "names", names));
        }
        match change_of(&townships, &sites, &registry, &self.registrar.fixed()) {
            Ok(_) if !problems.is_empty() => Preview { problems, ..Preview::default() },
            Ok(change) if !rights.make(&change) => {
                Preview { problems: vec![ctx.t("import-not-yours")], ..Preview::default() }
            }
            Ok(change) if change.0.is_empty() => {
                Preview { problems: vec![ctx.t("import-same")], ..Preview::default() }
            }
            Ok(change) => Preview { change, problems },
            Err(found) => {
                problems.extend(found.iter().map(|p| told(ctx, p)));
                Preview { problems, ..Preview::default() }
            }
        }
    }

    /// Makes the change that was looked at.
    pub(super) async fn take_import(
        &self,
        request: &OfficeRequest<'_>,
        ctx: &PageContext<'_>,
        visitor: &Visitor,
        rights: &Rights<'_>,
        form: &Form,
    ) -> Answer {
        let change: Change = serde_json::from_str(form.get("change")).map_err(|_| Refusal::Elsewhere)?;
        // What a form carried may have been written by hand.
        let good = |p: &Place| p.names().0.values().all(|n| !n.is_empty() && clean(n) == *n);
        if !change.0.iter().filter_map(|e| e.after.as_ref()).all(good) {
            return Err(Refusal::Elsewhere);
        }
        match self.make(request, visitor, rights, change).await? {
            Outcome::Made(line) => Ok(Reply::see_other(&format!("/office/sites?done={line}"))),
            Outcome::Not(key) => {
                let preview = Preview { problems: vec![ctx.t(key)], ..Preview::default() };
                self.import_page(ctx, visitor, rights, preview)
            }
        }
    }

    /// The sites and townships one sees, as a workbook.
    pub(super) async fn export_sites(&self, ctx: &PageContext<'_>, rights: &Rights<'_>) -> Answer {
        let registry = self.desk.registry.load_full();
        let names = |titles: &Titles| -> Vec<String> {
            ctx.languages.iter().map(|lang| titles.0.get(lang).cloned().unwrap_or_default()).collect()
        };
        let name_columns = ctx.languages.iter().map(|lang| format!("{} ({lang})", ctx.t(NAME)));
        let name_columns: Vec<String> = name_columns.collect();
        let mut sites =
            vec![[vec![ctx.t(ID), ctx.t(TOWNSHIP), ctx.t(CLOSED)], name_columns.clone()].concat()];
        for site in registry.sites.values().filter(|s| rights.see_site(&s.id)) {
            let closed = ctx.t(if site.closed { YES } else { NO });
            let first = vec![site.id.to_string(), site.township.to_string(), closed];
            sites.push([first, names(&site.names)].concat());
        }
        let mut townships = vec![[vec![ctx.t(ID)], name_columns].concat()];
        for township in registry.townships.values() {
            townships.push([vec![township.id.to_string()], names(&township.names)].concat());
        }
        let tables =
            [Table { name: ctx.t(SITES), rows: sites }, Table { name: ctx.t(TOWNSHIPS), rows: townships }];
        let rtl = ctx.lang.direction() == Direction::Rtl;
        let written = tokio::task::spawn_blocking(move || workbook::write(&tables, rtl)).await;
        let bytes = written.map_err(|e| Refusal::Ours(e.to_string()))?;
        let reply = Reply::ok(XLSX, bytes.map_err(|e| Refusal::Ours(e.to_string()))?);
        Ok(reply.with(CONTENT_DISPOSITION, "attachment; filename=\"sites.xlsx\""))
    }
}

/// A row of either table.
#[derive(Debug, Default)]
struct Row {
    id: String,
    township: String,
    names: BTreeMap<Lang, String>,
    closed: Option<bool>,
}

enum Column {
    Id,
    Township,
    Name(Lang),
    Closed,
}

/// True if `text` is what `key` says in any language: a workbook may have been
/// written on a page in another one.
fn is(key: &str, text: &str) -> bool {
    i18n::in_any_language(key).any(|said| said.eq_ignore_ascii_case(text.trim()))
}

fn column(heading: &str) -> Option<Column> {
    let named = heading.trim().strip_suffix(')').and_then(|h| h.rsplit_once('('));
    match named {
        Some((name, tag)) if is(NAME, name) => Lang::new(tag).ok().map(Column::Name),
        _ if is(ID, heading) => Some(Column::Id),
        _ if is(TOWNSHIP, heading) => Some(Column::Township),
        _ if is(CLOSED, heading) => Some(Column::Closed),
        _ => None,
    }
}

fn read_rows(
    ctx: &PageContext<'_>,
    table: &Table,
    problems: &mut Vec<String>,
    mut take: impl FnMut(usize, Row),
) {
    let Some((headings, rows)) = table.rows.split_first() else { return };
    let mut columns = Vec::new();
    for heading in headings {
        let column = column(heading);
        if column.is_none() && !heading.is_empty() {
            let place = ctx.t1("import-in-table", "table", &table.name);
            problems.push(format!("{place} {}", ctx.t1("import-unknown-column", "column", heading)));
        }
        columns.push(column);
    }
    for (line, cells) in (2..).zip(rows) {
        if cells.iter().all(String::is_empty) {
            continue;
        }
        let mut row = Row::default();
        for (column, cell) in columns.iter().zip(cells) {
            match column {
                Some(Column::Id) => row.id.clone_from(cell),
                Some(Column::Township) => row.township.clone_from(cell),
                Some(Column::Name(lang)) => drop(row.names.insert(lang.clone(), clean(cell))),
                Some(Column::Closed) if is(YES, cell) => row.closed = Some(true),
                Some(Column::Closed) if cell.is_empty() || is(NO, cell) => row.closed = Some(false),
                Some(Column::Closed) => {
                    let wanted = ctx.t1("import-not-yes", "cell", cell);
                    problems.push(format!("{} {wanted}", at(ctx, &table.name, line)));
                }
                None => {}
            }
        }
        take(line, row);
    }
}

/// Where in a workbook.
fn at(ctx: &PageContext<'_>, table: &str, line: usize) -> String {
    i18n::text(ctx.lang, "import-at", &[("table", table), ("line", &line.to_string())])
}

/// A problem in words.
fn told(ctx: &PageContext<'_>, problem: &RowProblem) -> String {
    let table = ctx.t(match problem.sheet {
        crate::sites::Sheet::Townships => TOWNSHIPS,
        crate::sites::Sheet::Sites => SITES,
    });
    let what = match &problem.wrong {
        Wrong::Id(id) => ctx.t1("import-wrong-id", "id", id),
        Wrong::Twice(line) => ctx.t1("import-twice", "line", line),
        Wrong::Township(name) => ctx.t1("import-no-township", "name", name),
        Wrong::Ambiguous(name) => ctx.t1("import-ambiguous", "name", name),
        Wrong::Nameless => ctx.t("name-missing"),
        Wrong::Fixed => ctx.t("place-from-file"),
    };
    format!("{} {what}", at(ctx, &table, problem.line))
}
