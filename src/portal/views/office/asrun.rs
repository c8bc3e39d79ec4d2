//! The as-run log in words.

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};

use super::{Menu, page};
use crate::base::Titles;
use crate::channel::{AiringSource, AsRun, Command, Hand, SlateReason};
use crate::config::Channel;
use crate::portal::views::PageContext;

/// Where something on air comes from.
#[derive(Debug, Clone)]
pub struct SourceView {
    /// Key of its kind.
    pub key: &'static str,
    /// Key of why a slate is on air; empty: it is none.
    pub cause: &'static str,
    /// Its names; none: it has none (any more).
    pub names: Option<Titles>,
    /// Its identifier.
    pub id: String,
}

impl SourceView {
    /// Key of why a slate is on air.
    pub fn cause(reason: &SlateReason) -> &'static str {
        match reason {
            SlateReason::Next(_) => "cause-next",
            SlateReason::Idle => "cause-idle",
            SlateReason::Lost => "cause-lost",
            SlateReason::Duty => "cause-duty",
        }
    }

    pub(super) fn said(&self, ctx: &PageContext<'_>) -> String {
        if !self.cause.is_empty() {
            return ctx.t(self.cause);
        }
        self.names.as_ref().map_or_else(|| self.id.clone(), |names| ctx.plain(names))
    }
}

/// A command of somebody on duty.
#[derive(Debug, Clone)]
pub struct HandView {
    /// Key of what.
    pub key: &'static str,
    /// Who.
    pub by: String,
    /// When the schedule returns by itself.
    pub until: Option<Timestamp>,
}

impl HandView {
    /// Of a command.
    pub fn of(hand: &Hand) -> Self {
        let key = match hand.command {
            Command::Hold { .. } => "directed-hold",
            Command::Skip { .. } => "directed-skip",
            Command::Relay { .. } => "directed-relay",
            Command::Slate => "directed-slate",
            Command::Return => "directed-return",
        };
        Self { key, by: hand.by.clone(), until: hand.until }
    }
}

/// One airing of a line.
#[derive(Debug, Clone)]
pub struct AsRunPart {
    /// From when.
    pub start: Timestamp,
    /// To when; none: it is on air.
    pub end: Option<Timestamp>,
    /// What.
    pub source: SourceView,
    /// The command it was due to.
    pub hand: Option<HandView>,
}

/// A line: planned against played.
#[derive(Debug, Clone)]
pub struct AsRunRow {
    /// It is a programme; else nothing was planned, or a command stood in its place.
    pub is_programme: bool,
    /// The planned start.
    pub planned: Option<Timestamp>,
    /// Titles as announced.
    pub titles: Titles,
    /// How late it began.
    pub lateness: Option<SignedDuration>,
    /// What was on air.
    pub parts: Vec<AsRunPart>,
}

impl AsRunRow {
    /// Of a line of the log; `source` knows names.
    pub fn of(row: AsRun, source: impl Fn(&AiringSource) -> SourceView) -> Self {
        let parts = row.parts.iter().map(|p| AsRunPart {
            start: p.start,
            end: p.end,
            source: match source(&p.source) {
                lesson if p.filler => SourceView { key: "kind-filler", ..lesson },
                other => other,
            },
            hand: p.hand.as_ref().map(HandView::of),
        });
        Self {
            is_programme: row.programme.is_some(),
            planned: row.planned,
            titles: row.titles,
            lateness: row.lateness,
            parts: parts.collect(),
        }
    }

    /// Seconds with one digit, as `2.4`.
    pub(super) fn late(&self) -> Option<String> {
        self.lateness.map(|late| format!("{:.1}", late.as_secs_f64()))
    }

    /// All lines as a table with its headings; times in the county's zone.
    pub fn table(ctx: &PageContext<'_>, rows: &[Self]) -> Vec<Vec<String>> {
        let headings = [
            "asrun-planned",
            "schedule-name",
            "asrun-start",
            "asrun-end",
            "asrun-late",
            "asrun-kind",
            "asrun-what",
            "place-id",
            "asrun-hand",
            "asrun-by",
        ];
        let mut table = vec![headings.iter().map(|key| ctx.t(key)).collect::<Vec<_>>()];
        let when = |t: Option<Timestamp>| t.as_ref().map(|t| written(ctx, t)).unwrap_or_default();
        for row in rows {
            let title = if row.is_programme { ctx.plain(&row.titles) } else { String::new() };
            if row.parts.is_empty() {
                let mut cells = vec![when(row.planned), title.clone()];
                cells.resize(headings.len(), String::new());
                cells[6] = ctx.t("asrun-missed");
                table.push(cells);
            }
            for (i, part) in row.parts.iter().enumerate() {
                let first = i == 0;
                table.push(vec![
                    when(row.planned.filter(|_| first)),
                    title.clone(),
                    written(ctx, &part.start),
                    when(part.end),
                    row.late().filter(|_| first).unwrap_or_default(),
                    ctx.t(part.source.key),
                    part.source.said(ctx),
                    part.source.id.clone(),
                    part.hand.as_ref().map(|h| ctx.t(h.key)).unwrap_or_default(),
                    part.hand.as_ref().map(|h| h.by.clone()).unwrap_or_default(),
                ]);
            }
        }
        table
    }
}

/// Date and time of day in the county, `2026-11-25 19:30:02`.
fn written(ctx: &PageContext<'_>, at: &Timestamp) -> String {
    at.to_zoned_datetime(ctx.tz.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// A day of one channel.
#[derive(Debug, Clone)]
pub struct AsRunPage<'a> {
    /// Whose.
    pub channel: &'a Channel,
    /// The day.
    pub date: Date,
    /// The day before.
    pub before: Option<String>,
    /// The day after, up to today.
    pub after: Option<String>,
    /// The same as tables: kind and address.
    pub tables: Vec<(&'static str, String)>,
    /// The lines.
    pub rows: Vec<AsRunRow>,
    /// The office's rooms.
    pub menu: Menu,
}
page!(AsRunPage, "office/asrun.html", "asrun-title");
