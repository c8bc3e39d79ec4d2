//! The as-run log (播出日志): a channel's day, on the page and as a table.

use jiff::civil::Date;

use crate::channel::as_run;
use crate::config::Channel;
use crate::people::Rights;
use crate::portal::pages::{day, param};
use crate::portal::state::Portal;
use crate::portal::views::{AsRunPage, AsRunRow, Menu, PageContext};

use super::lists::table_reply;
use super::{Answer, Refusal, Visitor, html};

/// Where as-run logs are.
const ROOM: &str = "/office/asrun";

impl Portal {
    /// The channels, each with its log.
    pub(super) fn as_run_list(
        &self,
        ctx: &PageContext<'_>,
        visitor: &Visitor,
        rights: &Rights<'_>,
    ) -> Answer {
        self.channel_list(ctx, visitor, rights, (ROOM, "asrun-title", "asrun-text"))
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
        table_reply(ctx, (&format!("{id} {date}"), &format!("asrun-{id}-{date}"), kind), rows).await
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
