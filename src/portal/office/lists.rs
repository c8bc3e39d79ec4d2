//! What several of the office's pages answer with: the list of channels, and
//! a table as a file.

use hyper::header::CONTENT_DISPOSITION;

use crate::base::Direction;
use crate::base::workbook::{self, Table};
use crate::config::Channel;
use crate::people::Rights;
use crate::portal::reply::Reply;
use crate::portal::state::Portal;
use crate::portal::views::{EntryList, EntryRow, Menu, PageContext};

use super::import::XLSX;
use super::request::Form;
use super::sites::done;
use super::standing::titled_or;
use super::{Answer, Refusal, Visitor, html};

/// CSV as spreadsheets read it (RFC 4180).
const CSV: &str = "text/csv; charset=utf-8; header=present";
/// Characters that a sheet's name may have (Excel).
const SHEET_NAME: usize = 31;

/// The first table of the file that a form carries, XLSX or CSV; else what is wrong, in words.
pub(super) async fn table_of(ctx: &PageContext<'_>, form: &Form) -> Result<Table, String> {
    let file = form.file("file").cloned().ok_or_else(|| ctx.t("import-no-file"))?;
    // Unpacking takes a while, and a library that stumbles over a file must not take a thread with it.
    let read = tokio::task::spawn_blocking(move || match file.starts_with(b"PK") {
        true => workbook::read(&file).map(|tables| tables.into_iter().next().unwrap_or_default()),
        false => workbook::read_csv("csv", &file),
    });
    match read.await {
        Ok(read) => read.map_err(|error| ctx.t1("import-unreadable", "why", error)),
        Err(error) => {
            tracing::warn!(%error, "a table could not be read");
            Err(ctx.t1("import-unreadable", "why", "XLSX"))
        }
    }
}

impl Portal {
    /// The lessons to choose from: identifier and title.
    pub(super) fn lesson_choices(&self, ctx: &PageContext<'_>) -> Vec<(String, String)> {
        let catalogue = self.library.catalogue();
        let lessons = catalogue.lessons();
        lessons
            .map(|(id, p)| (id.to_string(), ctx.plain(&titled_or(&p.manifest.titles, id.as_str()))))
            .collect()
    }

    /// The channels, each leading to its page in `room`. `title` and `text`
    /// are keys of texts.
    pub(super) fn channel_list(
        &self,
        ctx: &PageContext<'_>,
        visitor: &Visitor,
        rights: &Rights<'_>,
        (room, title, text): (&'static str, &str, &'static str),
    ) -> Answer {
        let county = self.county.load();
        let row = |c: &Channel| EntryRow {
            href: format!("{room}/{}", c.id),
            number: Some(i64::from(c.number)),
            names: c.names.clone(),
            id: c.id.to_string(),
        };
        let page = EntryList {
            heading: ctx.t(title),
            text,
            rows: county.channels.iter().map(row).collect(),
            new: None,
            done: done(ctx.path, visitor, room),
            menu: Menu::of(rights),
        };
        Ok(html(page.render(ctx)?))
    }
}

/// Rows as a file to keep, `csv` or `xlsx`: `file` without its ending, and
/// `name` for the workbook's sheet.
///
/// # Errors
/// [`Refusal::Unknown`] for another kind, [`Refusal::Ours`] when the workbook
/// cannot be written.
pub(super) async fn table_reply(
    ctx: &PageContext<'_>,
    (name, file, kind): (&str, &str, &str),
    rows: Vec<Vec<String>>,
) -> Answer {
    let reply = match kind {
        "csv" => Reply::ok(CSV, workbook::csv(&rows)),
        "xlsx" => {
            let table = Table { name: name.chars().take(SHEET_NAME).collect(), rows };
            let rtl = ctx.lang.direction() == Direction::Rtl;
            let written = tokio::task::spawn_blocking(move || workbook::write(&[table], rtl)).await;
            let bytes = written.map_err(|e| Refusal::Ours(e.to_string()))?;
            Reply::ok(XLSX, bytes.map_err(|e| Refusal::Ours(e.to_string()))?)
        }
        _ => return Err(Refusal::Unknown),
    };
    Ok(reply.with(CONTENT_DISPOSITION, format!("attachment; filename=\"{file}.{kind}\"")))
}
