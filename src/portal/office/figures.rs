//! Figures of sites, for townships, the county and auditors.

use crate::people::Rights;
use crate::portal::figures::{Month, rows};
use crate::portal::pages::param;
use crate::portal::state::Portal;
use crate::portal::views::{FigureRow, FiguresPage, Menu, PageContext, hours};

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
        let rows = rows(seen, &registry, (month, ctx.tz), &studies, &played);
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

/// They as a table, with a column for each day.
fn table(ctx: &PageContext<'_>, month: Month, rows: &[FigureRow]) -> Vec<Vec<String>> {
    let month = month.text();
    let heading = ["figures-site", "figures-studies", "figures-hours", "figures-attended", "figures-played"];
    let mut first = vec!["id".to_owned()];
    first.extend(heading.map(|key| ctx.t(key)));
    first.extend(
        ["figures-studies", "figures-hours"].map(|key| format!("{} ({})", ctx.t(key), ctx.t("figures-year"))),
    );
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
        ];
        cells.extend(row.days.iter().map(ToString::to_string));
        cells
    };
    [first].into_iter().chain(rows.iter().map(line)).collect()
}
