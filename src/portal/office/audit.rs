//! Who changed what, and when.

use std::collections::BTreeMap;

use crate::people::Rights;
use crate::portal::pages::param;
use crate::portal::state::Portal;
use crate::portal::views::{AuditPage, AuditRow, Menu, PageContext};

use super::{Answer, html};

/// Lines on one page.
const LINES: u32 = 100;

impl Portal {
    pub(super) async fn audit_page(&self, ctx: &PageContext<'_>, rights: &Rights<'_>, query: &str) -> Answer {
        let before = param(query, "before").and_then(|b| b.parse().ok());
        let lines = self.store.audit(before, LINES).await?;
        let accounts = self.store.accounts().await?;
        let names: BTreeMap<&str, &str> = accounts.iter().map(|a| (a.id.as_str(), a.name.as_str())).collect();
        let named = |id: &str| names.get(id).copied().unwrap_or(id).to_owned();
        let rows = lines.iter().map(|(_, e)| AuditRow {
            at: e.at,
            who: e.who.as_ref().map(|id| named(id.as_str())),
            via: &e.via,
            what: &e.what,
            subject: e.subject.strip_prefix("account/").map_or_else(|| e.subject.clone(), named),
            before: &e.before,
            after: &e.after,
        });
        let full = lines.len() as u32 == LINES;
        let older = lines.last().filter(|_| full).map(|(id, _)| *id);
        Ok(html(AuditPage { rows: rows.collect(), older, menu: Menu::of(rights) }.render(ctx)?))
    }
}
