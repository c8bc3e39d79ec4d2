//! The duty desk: what is on air, how the relays are, what is being prepared.

use jiff::SignedDuration;

use crate::people::Rights;
use crate::portal::state::Portal;
use crate::portal::views::{DutyPage, Menu, PageContext, RelayRow};

use super::{Answer, html};

/// A relay whose newest segment ended longer ago than this has no picture.
const LATE: SignedDuration = SignedDuration::from_secs(15);
/// Events shown of each relay.
const EVENTS: u32 = 3;

impl Portal {
    pub(super) async fn duty(&self, ctx: &PageContext<'_>, rights: &Rights<'_>) -> Answer {
        let county = self.county.load();
        let mut relays = Vec::new();
        let running = self.sources.relays();
        for relay in &county.relays {
            let Some(handle) = running.get(&relay.id) else { continue };
            let (window, health) = (handle.window.load(), handle.health.load());
            let age = window.newest().map(|s| ctx.now.duration_since(s.end()));
            relays.push(RelayRow {
                id: relay.id.to_string(),
                names: relay.names.clone(),
                live: age.is_some_and(|age| age <= LATE),
                age_s: age.map(|age| age.as_secs().max(0)),
                source: (relay.sources.len() > 1).then_some(health.source + 1),
                continuity_errors: health.continuity_errors,
                events: self.store.events(&format!("relay/{}", relay.id), EVENTS).await?,
            });
        }
        let page = DutyPage {
            channels: self.channel_cards(ctx.now),
            relays,
            packaging: self.packaging(),
            menu: Menu::of(rights),
        };
        Ok(html(page.render(ctx)?))
    }
}
