//! How relays are, for the duty desk: rates, lines, days, pictures.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::civil::Date;
use jiff::{SignedDuration, ToSpan as _};

use crate::base::RelayId;
use crate::config::Relay;
use crate::portal::reply::Reply;
use crate::portal::state::Portal;
use crate::portal::views::{PageContext, RelayRow};
use crate::relay::{Point, RelayHandle, RelayHealth};

use super::duty::{LATE, NO_PICTURE};
use super::{Answer, Refusal};

/// Events shown of each relay.
const EVENTS: u32 = 3;
/// Days shown of each relay.
const DAYS: i64 = 7;
/// Box of a line.
const LINE: (f64, f64) = (120.0, 24.0);
/// Sound and picture of a good feed arrive within this of each other, milliseconds.
const TOGETHER_MS: i64 = 1500;
/// A picture older than this is none.
const OLD: SignedDuration = SignedDuration::from_mins(5);

impl Portal {
    pub(super) async fn relay_rows(&self, ctx: &PageContext<'_>) -> Result<Vec<RelayRow>, Refusal> {
        let county = self.county.load();
        let today = ctx.now.to_zoned_datetime(ctx.tz.clone()).date();
        let first = today.saturating_sub((DAYS - 1).days());
        let mut uptime = self.store.uptime(first).await?;
        let mut rows = Vec::new();
        let running = self.sources.relays();
        for relay in &county.relays {
            let Some(handle) = running.get(&relay.id) else { continue };
            let days = uptime.remove(relay.id.as_str()).unwrap_or_default();
            let mut row = row(ctx, relay, handle, days);
            row.events = self.store.events(&format!("relay/{}", relay.id), EVENTS).await?;
            rows.push(row);
        }
        Ok(rows)
    }

    /// The picture that a relay's worker took last.
    pub(super) async fn relay_picture(&self, id: &str) -> Answer {
        let id = RelayId::new(id).map_err(|_| Refusal::Unknown)?;
        if !self.sources.relays().contains_key(&id) {
            return Err(Refusal::Unknown);
        }
        let file = self.county.load().media.join("live").join(id.as_str()).join("now.jpg");
        Ok(match tokio::fs::read(&file).await {
            Ok(jpeg) => Reply::ok("image/jpeg", jpeg).cached("private, max-age=5"),
            Err(_) => Reply::ok("image/svg+xml", NO_PICTURE),
        })
    }
}

fn row(
    ctx: &PageContext<'_>,
    relay: &Relay,
    handle: &RelayHandle,
    days: BTreeMap<Date, Duration>,
) -> RelayRow {
    let (window, health) = (handle.window.load(), handle.health.load());
    let age = window.newest().map(|s| ctx.now.duration_since(s.end()));
    let live = age.is_some_and(|age| age <= LATE);
    let figures = health.figures;
    RelayRow {
        id: relay.id.to_string(),
        names: relay.names.clone(),
        live,
        age_s: age.map(|age| age.as_secs().max(0)),
        source: (relay.sources.len() > 1).then_some(health.source + 1),
        errors: figures.continuity_errors + figures.pcr_jumps + figures.pts_jumps,
        rates: if live { rates(&health.now) } else { String::new() },
        av_offset_ms: figures.av_offset_ms.filter(|ms| live && ms.abs() > TOGETHER_MS),
        faults: if live { faults(&health) } else { Vec::new() },
        line: line(&health.minutes),
        days: days.into_iter().collect(),
        has_picture: health.looked_at.is_some_and(|at| ctx.now.duration_since(at) < OLD),
        events: Vec::new(),
    }
}

fn rates(now: &Point) -> String {
    #[expect(clippy::cast_precision_loss, reason = "it is rounded to a hundredth of a megabit")]
    let megabits = now.bitrate as f64 / 1e6;
    format!("{megabits:.2} Mbit/s · {:.0} fps", now.fps)
}

fn faults(health: &RelayHealth) -> Vec<&'static str> {
    let faults = health.faults;
    let all =
        [("relay-black", faults.black), ("relay-frozen", faults.frozen), ("relay-silent", faults.silent)];
    all.into_iter().filter(|(_, there)| *there).map(|(key, _)| key).collect()
}

/// The points of a polyline, the newest minute at the right edge.
fn line(minutes: &[Point]) -> String {
    if minutes.len() < 2 {
        return String::new();
    }
    let most = minutes.iter().map(|p| p.bitrate).max().unwrap_or(0).max(1);
    let (width, height) = LINE;
    let left = width - minutes.len() as f64;
    let point = |(n, p): (usize, &Point)| {
        #[expect(clippy::cast_precision_loss, reason = "a line of 24 pixels")]
        let y = height - 1.0 - (height - 2.0) * p.bitrate as f64 / most as f64;
        format!("{:.0},{y:.1}", left + n as f64 + 0.5)
    };
    minutes.iter().enumerate().map(point).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_ends_at_the_right_and_keeps_to_its_box() {
        assert_eq!(line(&[]), "");
        let point = |bitrate| Point { bitrate, ..Point::default() };
        assert_eq!(line(&[point(0), point(2_000_000)]), "118,23.0 120,1.0");
        let all: Vec<Point> = (0..120).map(|_| point(1)).collect();
        assert!(line(&all).starts_with("0,1.0 "));
    }
}
