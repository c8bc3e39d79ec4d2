//! Figures for Prometheus.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};

use hyper::StatusCode;
use jiff::Timestamp;

use crate::base::RelayId;
use crate::delivery::{Connections, Delivery};
use crate::relay::{RelayHandle, RelayHealth, State};

/// Counters of requests; everything else is read when asked.
#[derive(Debug, Default)]
pub(super) struct Metrics {
    media: [AtomicU64; 5],
    other: [AtomicU64; 5],
    pub(super) connections: Connections,
}

impl Metrics {
    pub(super) fn media(&self, status: StatusCode) {
        self.media[class(status)].fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn other(&self, status: StatusCode) {
        self.other[class(status)].fetch_add(1, Ordering::Relaxed);
    }

    /// The text format 0.0.4.
    pub(super) fn text(&self, delivery: &Delivery, now: Timestamp) -> String {
        let mut out = String::new();
        self.write(&mut out, delivery, now).expect("writing to a String cannot fail");
        out
    }

    fn write(&self, out: &mut String, delivery: &Delivery, now: Timestamp) -> std::fmt::Result {
        head(
            out,
            "yuanjiao_http_requests_total",
            "counter",
            "Requests answered, by kind and class of status.",
        )?;
        for (kind, counters) in [("media", &self.media), ("other", &self.other)] {
            for (i, counter) in counters.iter().enumerate() {
                let n = counter.load(Ordering::Relaxed);
                writeln!(out, "yuanjiao_http_requests_total{{kind=\"{kind}\",class=\"{}xx\"}} {n}", i + 1)?;
            }
        }
        head(out, "yuanjiao_http_connections", "gauge", "Connections open.")?;
        writeln!(out, "yuanjiao_http_connections {}", self.connections.count())?;
        head(out, "yuanjiao_http_refused_total", "counter", "Connections refused: there were too many.")?;
        writeln!(out, "yuanjiao_http_refused_total {}", self.connections.refused())?;
        head(out, "yuanjiao_sessions_open", "gauge", "Playback sessions open.")?;
        writeln!(out, "yuanjiao_sessions_open {}", delivery.desk.ledger.len())?;
        head(out, "yuanjiao_channel_media_sequence", "counter", "Segments a channel has put on air.")?;
        for (id, channel) in delivery.channels.all().iter() {
            let n = channel.timeline().next_sequence();
            writeln!(out, "yuanjiao_channel_media_sequence{{channel=\"{id}\"}} {n}")?;
        }
        let relays = delivery.sources.relays();
        head(out, "yuanjiao_relay_last_segment_age_seconds", "gauge", "Age of a relay's newest segment.")?;
        for (id, relay) in &*relays {
            if let Some(age) = relay.window.load().newest().map(|s| now.duration_since(s.end()).as_secs_f64())
            {
                writeln!(out, "yuanjiao_relay_last_segment_age_seconds{{relay=\"{id}\"}} {age:.3}")?;
            }
        }
        head(out, "yuanjiao_relay_starts_total", "counter", "Times a relay's worker was started.")?;
        for (id, relay) in &*relays {
            writeln!(out, "yuanjiao_relay_starts_total{{relay=\"{id}\"}} {}", relay.health.load().starts)?;
        }
        relay_figures(out, &relays)?;
        head(
            out,
            "yuanjiao_relay_continuity_errors",
            "gauge",
            "MPEG-TS continuity errors since the worker began.",
        )?;
        for (id, relay) in &*relays {
            let n = relay.health.load().figures.continuity_errors;
            writeln!(out, "yuanjiao_relay_continuity_errors{{relay=\"{id}\"}} {n}")?;
        }
        Ok(())
    }
}

/// A figure of a relay's health.
type Figure = (&'static str, &'static str, fn(&RelayHealth) -> f64);

const FIGURES: [Figure; 11] = [
    ("live", "1 while segments come.", |h| f64::from(h.state == State::Live)),
    ("source", "Source in use, from 0.", |h| h.source as f64),
    ("bits_per_second", "Mean bit rate of the last ten seconds.", |h| h.now.bitrate as f64),
    ("frames_per_second", "Pictures a second, mean of the last ten seconds.", |h| f64::from(h.now.fps)),
    ("pcr_jumps", "Steps of the programme clock since the worker began.", |h| h.figures.pcr_jumps as f64),
    ("pts_jumps", "Steps of timestamps since the worker began.", |h| h.figures.pts_jumps as f64),
    ("av_offset_seconds", "Newest sound ahead of the newest picture.", |h| {
        h.figures.av_offset_ms.map_or(f64::NAN, |ms| ms as f64 / 1000.0)
    }),
    ("black", "1 while the picture is black.", |h| f64::from(h.faults.black)),
    ("frozen", "1 while the picture stands still.", |h| f64::from(h.faults.frozen)),
    ("silent", "1 while nothing is heard.", |h| f64::from(h.faults.silent)),
    ("short", "1 while the disk is too full to record.", |h| f64::from(h.short)),
];

fn relay_figures(out: &mut String, relays: &BTreeMap<RelayId, RelayHandle>) -> std::fmt::Result {
    for (name, help, figure) in FIGURES {
        head(out, &format!("yuanjiao_relay_{name}"), "gauge", help)?;
        for (id, relay) in relays {
            let value = figure(&relay.health.load());
            writeln!(out, "yuanjiao_relay_{name}{{relay=\"{id}\"}} {value}")?;
        }
    }
    Ok(())
}

fn head(out: &mut String, name: &str, kind: &str, help: &str) -> std::fmt::Result {
    writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}")
}

fn class(status: StatusCode) -> usize {
    usize::from(status.as_u16() / 100).clamp(1, 5) - 1
}
