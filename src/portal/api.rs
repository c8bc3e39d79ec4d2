//! The JSON API, `/api/v1/…`: what there is. Lists are short here; they are
//! given whole.

use hyper::StatusCode;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::base::ChannelId;
use crate::config::Channel;
use crate::guide;
use crate::hls::TrackKind;

use super::pages::param;
use super::reply::{Reply, problem};
use super::state::Portal;

impl Portal {
    /// Answers a GET below `/api/v1/`.
    pub async fn api_get(&self, path: &str, query: &str, now: Timestamp) -> Reply {
        let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
        match parts.as_slice() {
            ["time"] => Reply::json(&self.api_time(now)),
            ["channels"] => Reply::json(&json!({ "items": self.api_channels(now) })),
            ["channels", id, "programmes"] => match self.api_channel(id) {
                Some(channel) => self.api_programmes(&channel, query, now),
                None => unknown("channel"),
            },
            ["channels", id, "asrun"] => match self.api_channel(id) {
                Some(channel) => self.api_asrun(&channel, query, now).await,
                None => unknown("channel"),
            },
            ["lessons"] => Reply::json(&json!({ "items": self.api_lessons() })),
            ["relays"] => Reply::json(&json!({ "items": self.api_relays(now) })),
            ["relays", id, "events"] => match self.store.events(&format!("relay/{id}"), 200).await {
                Ok(events) => Reply::json(&json!({ "items": events })),
                Err(error) => ours(&error),
            },
            ["sites"] => Reply::json(&json!({ "items": self.api_sites() })),
            ["packaging"] => Reply::json(&json!({ "items": self.queue.jobs().values().collect::<Vec<_>>() })),
            ["openapi.json"] => Reply::ok("application/json", include_str!("openapi.json")),
            _ => problem(StatusCode::NOT_FOUND, "Not found", "see /api/v1/openapi.json for what there is"),
        }
    }

    /// The instant of the question, for clocks that cannot be trusted.
    fn api_time(&self, now: Timestamp) -> Value {
        let tz = &self.county.load().tz;
        json!({
            "now": format!("{now:.3}"), "zone": tz.iana_name().unwrap_or("UTC"),
            "offset_s": tz.to_offset(now).seconds(),
        })
    }

    fn api_channel(&self, id: &str) -> Option<Channel> {
        let id = ChannelId::new(id).ok()?;
        self.county.load().channels.iter().find(|c| c.id == id).cloned()
    }

    fn api_channels(&self, now: Timestamp) -> Vec<Value> {
        let county = self.county.load();
        let one = |c: &Channel| {
            let listing = self.soon(c, now);
            let (on, next) = guide::now_next(&listing, now, 1);
            json!({
                "id": c.id, "number": c.number, "names": c.names, "lang": c.lang, "audio": c.audio,
                "subtitles": c.subtitles, "now": on.map(|e| &e.programme), "next": next.first().map(|e| &e.programme),
                "playlist": format!("/channels/{}/index.m3u8", c.id),
            })
        };
        county.channels.iter().map(one).collect()
    }

    fn api_programmes(&self, channel: &Channel, query: &str, now: Timestamp) -> Reply {
        match span(query, now, SignedDuration::ZERO, SignedDuration::from_hours(24)) {
            Ok((from, to)) => Reply::json(&guide::json(&[self.listing(channel, from, to)])),
            Err(reply) => reply,
        }
    }

    async fn api_asrun(&self, channel: &Channel, query: &str, now: Timestamp) -> Reply {
        let (from, to) = match span(query, now, SignedDuration::from_hours(-1), SignedDuration::ZERO) {
            Ok(span) => span,
            Err(reply) => return reply,
        };
        match self.store.airings(&channel.id, from, to).await {
            Ok(airings) => Reply::json(&json!({ "items": airings })),
            Err(error) => ours(&error),
        }
    }

    fn api_lessons(&self) -> Vec<Value> {
        let catalogue = self.library.catalogue();
        let lessons = catalogue.lessons().map(|(id, p)| {
            let m = &p.manifest;
            let audio = m.tracks.iter().filter_map(|t| match &t.track.kind {
                TrackKind::Audio { lang, .. } => Some(lang),
                TrackKind::Video { .. } => None,
            });
            json!({
                "id": id, "titles": m.titles, "duration_ms": m.duration().as_millis() as u64,
                "content_hash": m.content_hash, "audio": audio.collect::<Vec<_>>(), "subtitles": m.subtitle_langs(),
                "playlist": format!("/lessons/{id}/index.m3u8"),
            })
        });
        lessons.collect()
    }

    fn api_relays(&self, now: Timestamp) -> Vec<Value> {
        let relays = self.sources.relays().iter().map(|(id, handle)| {
            let window = handle.window.load();
            let age = window.newest().map(|s| now.duration_since(s.end()).as_millis() as i64);
            json!({
                "id": id, "health": **handle.health.load(), "segments": window.len(),
                "last_segment_age_ms": age, "oldest": window.oldest().map(|s| s.start),
            })
        });
        relays.collect()
    }

    fn api_sites(&self) -> Vec<Value> {
        let county = self.county.load();
        let sites = county.registry.sites.values();
        sites.map(|s| json!({ "id": s.id, "township": s.township, "names": s.names })).collect()
    }
}

/// `from` and `to` of a query, or the defaults around now.
fn span(
    query: &str,
    now: Timestamp,
    from: SignedDuration,
    to: SignedDuration,
) -> Result<(Timestamp, Timestamp), Reply> {
    let at = |name: &str, default: Timestamp| match param(query, name) {
        None => Ok(default),
        Some(text) => text.replace("%3A", ":").parse().map_err(|_| {
            let detail =
                format!("{name}={text}: expected an instant such as 2026-11-23T19:30:00Z (RFC 3339)");
            problem(StatusCode::BAD_REQUEST, "Bad request", &detail)
        }),
    };
    Ok((at("from", now + from)?, at("to", now + to)?))
}

fn unknown(what: &str) -> Reply {
    problem(StatusCode::NOT_FOUND, "Not found", &format!("there is no such {what}"))
}

pub(super) fn ours(error: &dyn std::error::Error) -> Reply {
    tracing::error!(%error, "an API request could not be answered");
    problem(StatusCode::INTERNAL_SERVER_ERROR, "Our mistake", "it is in the server's log")
}
