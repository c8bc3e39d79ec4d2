//! The as-run log (播出日志): a channel's day, on the page and as a table.

use hyper::header::CONTENT_DISPOSITION;
use jiff::civil::Date;

use crate::base::Direction;
use crate::base::workbook::{self, Table};
use crate::channel::as_run;
use crate::config::Channel;
use crate::people::Rights;
use crate::portal::pages::{day, param};
use crate::portal::reply::Reply;
use crate::portal::state::Portal;
use crate::portal::views::{AsRunPage, AsRunRow, EntryList, EntryRow, Menu, PageContext};

use super::import::XLSX;
use super::sites::done;
use super::{Answer, Refusal, Visitor, html};

/// Where as-run logs are.
const ROOM: &str = "/office/asrun";
/// CSV as spreadsheets read it (RFC 4180).
pub(super) const CSV: &str = "text/csv; charset=utf-8; header=present";

impl Portal {
    /// The channels, each with its log.
    pub(super) fn as_run_list(
        &self,
        ctx: &PageContext<'_>,
        visitor: &Visitor,
        rights: &Rights<'_>,
    ) -> Answer {
        let county = self.county.load();
        let row = |c: &Channel| EntryRow {
            href: format!("{ROOM}/{}", c.id),
            number: Some(i64::from(c.number)),
            names: c.names.clone(),
            id: c.id.to_string(),
        };
        let page = EntryList {
            heading: ctx.t("asrun-title"),
            text: "asrun-text",
            rows: county.channels.iter().map(row).collect(),
            new: None,
            done: done(ctx.path, visitor, ROOM),
            menu: Menu::of(rights),
        };
        Ok(html(page.render(ctx)?))
    }

    /// A day of one channel.
    pub(super) async fn as_run_page(
        &self,
        ctx: &PageContext<'_>,
        rights: &Rights<'_>,
        (id, query): (&str, &str),
    ) -> Answer {
        let channel = self.channel_named(id)?;
        let date = asked(ctx, query);
        let beside = |date: Option<Date>| date.map(|d| format!("{ROOM}/{id}?date={d}"));
        let page = AsRunPage {
            rows: self.as_run_rows(ctx, &channel, date).await?,
            channel: &channel,
            date,
            before: beside(date.yesterday().ok()),
            after: beside(date.tomorrow().ok().filter(|d| *d <= ctx.today())),
            tables: ["csv", "xlsx"].map(|kind| (kind, format!("{ROOM}/{id}/{date}.{kind}"))).into(),
            menu: Menu::of(rights),
        };
        Ok(html(page.render(ctx)?))
    }

    /// The same day as a table: `2026-11-25.csv` or `.xlsx`.
    pub(super) async fn as_run_table(&self, ctx: &PageContext<'_>, (id, file): (&str, &str)) -> Answer {
        let channel = self.channel_named(id)?;
        let (date, kind) = file.rsplit_once('.').ok_or(Refusal::Unknown)?;
        let date: Date = date.parse().map_err(|_| Refusal::Unknown)?;
        let rows = self.as_run_rows(ctx, &channel, date).await?;
        let rows = AsRunRow::table(ctx, &rows);
        let named = format!("attachment; filename=\"asrun-{id}-{date}.{kind}\"");
        let reply = match kind {
            "csv" => Reply::ok(CSV, workbook::csv(&rows)),
            "xlsx" => {
                let table = Table { name: format!("{id} {date}").chars().take(31).collect(), rows };
                let rtl = ctx.lang.direction() == Direction::Rtl;
                let written = tokio::task::spawn_blocking(move || workbook::write(&[table], rtl)).await;
                let bytes = written.map_err(|e| Refusal::Ours(e.to_string()))?;
                Reply::ok(XLSX, bytes.map_err(|e| Refusal::Ours(e.to_string()))?)
            }
            _ => return Err(Refusal::Unknown),
        };
        Ok(reply.with(CONTENT_DISPOSITION, named))
    }

    /// What was planned and on air that day.
    pub(super) async fn as_run_rows(
        &self,
        ctx: &PageContext<'_>,
        channel: &Channel,
        date: Date,
    ) -> Result<Vec<AsRunRow>, Refusal> {
        let (from, to) = day(date, ctx.tz).map_err(|_| Refusal::Unknown)?;
        let airings = self.store.airings(&channel.id, from, to + FOLLOWING).await?;
        let planned = self.plans.load().get(&channel.id).map(|p| p.between(from, to)).unwrap_or_default();
        let rows = as_run(&planned, &airings, &*self.sources, (from, to), ctx.now);
        Ok(rows.into_iter().map(|row| AsRunRow::of(row, |source| self.source_view(source))).collect())
    }
}

/// The next day's first airing tells when the day's last one ended.
const FOLLOWING: jiff::SignedDuration = jiff::SignedDuration::from_hours(1);

fn asked(ctx: &PageContext<'_>, query: &str) -> Date {
    param(query, "date").and_then(|d| d.parse().ok()).unwrap_or_else(|| ctx.today())
}
