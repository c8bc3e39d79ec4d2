//! A site's day from its sessions.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};

use crate::base::{SessionId, SiteId, TerminalId, Titles};
use crate::evidence::{self, Item, SessionRecord, Wall, site_wall};
use crate::sites::{DeviceKind, Registry};

use super::views::{
    CloseReason, Level, SessionState, SessionSubject, SessionView, SitePage, SiteStudied, TerminalState,
    TerminalView, Totals, Uncounted,
};

/// A terminal heard of more recently is watching.
const WATCHING: SignedDuration = SignedDuration::from_secs(60);

/// Replaces stored records by what memory knows better, and adds what is not stored yet.
pub(super) fn freshen(
    records: &mut Vec<SessionRecord>,
    open: Vec<SessionRecord>,
    from: Timestamp,
    to: Timestamp,
) {
    for record in open {
        let of_the_day = record.opened.is_some_and(|o| o < to) && record.last_activity >= from;
        match records.iter_mut().find(|r| r.id == record.id) {
            Some(known) => *known = record,
            None if of_the_day => records.push(record),
            None => {}
        }
    }
    records.sort_by(|a, b| (b.opened, &b.id).cmp(&(a.opened, &a.id)));
}

/// The terminals that play now.
pub(super) fn watching(open: &[SessionRecord], now: Timestamp) -> BTreeSet<TerminalId> {
    let live = open.iter().filter(|r| r.closed.is_none() && now.duration_since(r.last_activity) < WATCHING);
    live.filter_map(|r| r.terminal.clone()).collect()
}

/// The page; none if there is no such site.
pub(super) fn page(
    registry: &Registry,
    id: &SiteId,
    date: Date,
    (from, to): (Timestamp, Timestamp),
    (records, studied, entries): (Vec<SessionRecord>, SiteStudied, &BTreeMap<SessionId, u64>),
    now: Timestamp,
) -> Option<SitePage> {
    let site = registry.sites.get(id)?;
    let watching = watching(&records, now);
    let mut seen: BTreeMap<TerminalId, Timestamp> = BTreeMap::new();
    for record in &records {
        if let Some(terminal) = &record.terminal {
            let last = seen.entry(terminal.clone()).or_insert(record.last_activity);
            *last = (*last).max(record.last_activity);
        }
    }
    let terminals = registry.terminals.values().filter(|t| &t.site == id).map(|t| TerminalView {
        id: t.id.clone(),
        names: t.names.clone(),
        device: t.device,
        state: match seen.get(&t.id) {
            _ if watching.contains(&t.id) => TerminalState::Watching,
            Some(at) => TerminalState::Seen(*at),
            None => TerminalState::Never,
        },
    });
    Some(SitePage {
        id: id.clone(),
        names: site.names.clone(),
        township: registry.townships.get(&site.township).map(|t| t.names.clone()).unwrap_or_default(),
        terminals: terminals.collect(),
        date,
        studied,
        totals: totals(&records, from, to),
        sessions: records
            .into_iter()
            .map(|r| {
                let entry = entries.get(&r.id).copied();
                view(registry, r, entry)
            })
            .collect(),
    })
}

/// Unions over the site's terminals, clipped to the day.
fn totals(records: &[SessionRecord], from: Timestamp, to: Timestamp) -> Totals {
    let at = |level| site_wall(records, level).clipped(from.as_millisecond(), to.as_millisecond());
    let wall = Wall {
        watched: at(evidence::Level::Claimed),
        verified: at(evidence::Level::Delivered),
        sealed: at(evidence::Level::Sealed),
        ..Wall::default()
    };
    Totals {
        delivered: ms(records.iter().map(|r| r.totals.delivered_ms).sum()),
        watched: ms(wall.watched.total()),
        verified: ms(wall.verified.total()),
        sealed: ms(wall.sealed_alone_ms()),
    }
}

fn ms(ms: i64) -> Duration {
    Duration::from_millis(ms.max(0) as u64)
}

/// What is shorter is how players count, not what people did.
const WORTH_SAYING: Duration = Duration::from_secs(5);

/// The time of a playback that was not counted, and why.
fn uncounted(t: &evidence::Totals) -> Vec<(Uncounted, Duration)> {
    // A player that never beats claims nothing.
    let unverified = if t.watched_ms > 0 { t.watched_ms - t.verified_ms } else { 0 };
    let all = [
        (Uncounted::Sealed, t.sealed_ms),
        (Uncounted::Hidden, t.hidden_ms),
        (Uncounted::Paused, t.paused_ms),
        (Uncounted::Stalled, t.stalled_ms),
        (Uncounted::Unverified, unverified),
    ];
    all.map(|(why, time)| (why, ms(time))).into_iter().filter(|(_, time)| *time >= WORTH_SAYING).collect()
}

fn view(registry: &Registry, r: SessionRecord, entry: Option<u64>) -> SessionView {
    let terminal = r.terminal.as_ref().and_then(|t| registry.terminals.get(t));
    SessionView {
        id: r.id,
        opened: r.opened.unwrap_or(r.last_activity),
        closed: r.closed.map(|(at, _)| at),
        subject: match r.item {
            Item::Channel(id) => SessionSubject::Channel { id, names: r.title },
            Item::Lesson(id) => SessionSubject::Lesson { id, titles: r.title },
        },
        lang: r.lang,
        uncounted: uncounted(&r.totals),
        entry,
        terminal: terminal.map_or_else(Titles::default, |t| t.names.clone()),
        device: terminal.map_or(DeviceKind::Computer, |t| t.device),
        delivered: ms(r.totals.delivered_ms),
        watched: ms(r.totals.watched_ms),
        verified: ms(r.totals.verified_ms),
        level: match r.totals.level {
            evidence::Level::Nothing => Level::None,
            evidence::Level::Sealed => Level::Ls,
            evidence::Level::Claimed => Level::L1,
            evidence::Level::Timed => Level::L2,
            evidence::Level::Delivered => Level::L3,
        },
        state: match r.closed {
            None => SessionState::Open,
            Some((_, reason)) => SessionState::Closed(match reason {
                evidence::CloseReason::Ended => CloseReason::Ended,
                evidence::CloseReason::Stopped => CloseReason::Stopped,
                evidence::CloseReason::Timeout => CloseReason::Silence,
                evidence::CloseReason::Superseded => CloseReason::Superseded,
                evidence::CloseReason::Sealed => CloseReason::Sealed,
            }),
        },
    }
}
