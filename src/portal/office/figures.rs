//! Figures of sites, for townships, the county and auditors.

use crate::evidence::{Flag, Study, elsewhere, flags};
use crate::people::Rights;
use crate::portal::figures::{Month, rows};
use crate::portal::i18n;
use crate::portal::pages::param;
use crate::portal::state::Portal;
use crate::portal::views::{FigureRow, FiguresPage, Menu, PageContext, hours};

use crate::sites::Registry;

use super::lists::table_reply;
use super::request::OfficeRequest;
use super::{Answer, Refusal, html};

impl Portal {
    /// The figures of a month, as a page or, below it as `MONTH.xlsx` and `MONTH.csv`, as a table.
    pub(super) async fn figures(
        &self,
        request: &OfficeRequest<'_>,
        ctx: &PageContext<'_>,
        rights: &Rights<'_>,
        rest: &[&str],
    ) -> Answer {
        let (asked, kind) = match rest {
            [] => (param(request.page.query, "month"), None),
            [file] => {
                file.split_once('.').map(|(month, kind)| (Some(month), Some(kind))).ok_or(Refusal::Unknown)?
            }
            _ => return Err(Refusal::Unknown),
        };
        let month = match asked {
            Some(text) => Month::read(text).ok_or(Refusal::Unknown)?,
            None => Month::of(ctx.today()),
        };
        let studies = self.store.studies_played(None, month.year_so_far(ctx.tz), ctx.tz.clone()).await?;
        let played = self.store.played_days(None, month.days()).await?;
        let registry = self.desk.registry.load();
        let seen = registry.sites.values().filter(|s| rights.see_site(&s.id));
        let mut rows = rows(seen, &registry, (month, ctx.tz), &studies, &played);
        let mut months = self.store.days_seen(month.days()).await?;
        let (from, to) = month.span(ctx.tz);
        for (stored, _) in studies.iter().filter(|(s, _)| (from..to).contains(&s.study.start)) {
            if let Some(people) = stored.study.headcount.filter(|_| stored.study.lacks().is_none()) {
                months.entry(stored.study.site.clone()).or_default().headcounts.push(people);
            }
        }
        let mut flags = flags(&months, ctx.tz);
        let held = studies.iter().map(|(s, _)| &s.study).filter(|s| (from..to).contains(&s.start));
        for (here, others) in elsewhere(held.collect::<Vec<&Study>>()) {
            let places = others.into_iter().map(|(there, names)| Flag::TwoPlaces(there, names));
            flags.entry(here).or_default().extend(places);
        }
        for row in &mut rows {
            let own = flags.get(&row.site).into_iter().flatten();
            row.looks = own.map(|flag| said(ctx, &registry, flag)).collect();
        }
        if let Some(kind) = kind {
            return table_reply(
                ctx,
                (&month.text(), &format!("figures-{}", month.text()), kind),
                table(ctx, month, &rows),
            )
            .await;
        }
        let next = month.plus(1).filter(|next| next.days().0 <= ctx.today());
        let page = FiguresPage {
            month: month.text(),
            around: (month.plus(-1).map(Month::text).unwrap_or_default(), next.map(Month::text)),
            rows: &rows,
            menu: Menu::of(rights),
        };
        Ok(html(page.render(ctx)?))
    }
}

/// A flag in words.
fn said(ctx: &PageContext<'_>, registry: &Registry, flag: &Flag) -> String {
    let text = |key: &str, values: &[(&str, &str)]| i18n::text(ctx.lang, key, values);
    match flag {
        Flag::Night(ms) => text("flag-night", &[("hours", &hours(ms))]),
        Flag::NeverPaused(count) => text("flag-pauses", &[("count", &count.to_string())]),
        Flag::SameHeadcount(count, people) => {
            text("flag-headcount", &[("count", &count.to_string()), ("number", &people.to_string())])
        }
        Flag::SameTimes(site, days) => {
            let name = registry.sites.get(site).map_or_else(|| site.to_string(), |s| ctx.plain(&s.names));
            text("flag-times", &[("count", &days.to_string()), ("name", &name)])
        }
        Flag::TwoPlaces(site, names) => {
            let name = registry.sites.get(site).map_or_else(|| site.to_string(), |s| ctx.plain(&s.names));
            text("flag-places", &[("count", &names.to_string()), ("name", &name)])
        }
    }
}

/// They as a table, with a column for each day.
fn table(ctx: &PageContext<'_>, month: Month, rows: &[FigureRow]) -> Vec<Vec<String>> {
    let month = month.text();
    let heading = ["figures-site", "figures-studies", "figures-hours", "figures-attended", "figures-played"];
    let mut first = vec!["id".to_owned()];
    first.extend(heading.map(|key| ctx.t(key)));
    first.extend(
        ["figures-studies", "figures-hours"].map(|key| format!("{} ({})", ctx.t(key), ctx.t("figures-year"))),
    );
    first.push(ctx.t("figures-look"));
    first.push(ctx.t("column-sealed"));
    let days = rows.first().map_or(0, |row| row.days.len());
    first.extend((1..=days).map(|day| format!("{month}-{day:02}")));
    let line = |row: &FigureRow| {
        let mut cells = vec![
            row.site.to_string(),
            ctx.plain(&row.names),
            row.studies.to_string(),
            hours(&row.studied_ms),
            row.people.to_string(),
            hours(&row.verified_ms),
            row.year_studies.to_string(),
            hours(&row.year_ms),
            row.looks.join("; "),
            hours(&row.sealed_ms),
        ];
        cells.extend(row.days.iter().map(ToString::to_string));
        cells
    };
    [first].into_iter().chain(rows.iter().map(line)).collect()
}
