//! Channels, their guide and their as-run log.

use jiff::{SignedDuration, Timestamp};

use crate::base::ChannelId;
use crate::channel::Airing;
use crate::guide::{self, Entry, Listing};
use crate::portal::reply::Reply;
use crate::portal::state::Portal;
use crate::schedule::Play;

use super::model::{Channel, Page, Problem, Programme, names};
use super::query::{PageQuery, Query, SpanQuery, cursor};
use super::{ours, unknown};

/// The channels, with what is on and next.
#[utoipa::path(get, path = "/api/v1/channels", tag = "guide", params(PageQuery), responses(
    (status = 200, description = "In the order of their numbers", body = Page<Channel>),
    (status = 400, description = "A parameter is wrong", body = Problem, content_type = "application/problem+json"),
))]
pub(super) fn channels(portal: &Portal, query: &Query, now: Timestamp) -> Result<Reply, Reply> {
    let county = portal.county.load();
    let all = county.channels.iter().map(|c| one(portal, c, now));
    Ok(Reply::json(&query.page(all, |c| format!("{:010}", c.number))?))
}

/// One channel, with what is on and next.
#[utoipa::path(get, path = "/api/v1/channels/{id}", tag = "guide",
    params(("id" = String, Path, description = "The channel")), responses(
    (status = 200, description = "The channel", body = Channel),
    (status = 404, description = "There is no such channel", body = Problem, content_type = "application/problem+json"),
))]
pub(super) fn channel(portal: &Portal, id: &str, now: Timestamp) -> Result<Reply, Reply> {
    Ok(Reply::json(&one(portal, &find(portal, id)?, now)))
}

/// The guide of a channel.
#[utoipa::path(get, path = "/api/v1/channels/{id}/programmes", tag = "guide",
    params(("id" = String, Path, description = "The channel"), SpanQuery, PageQuery), responses(
    (status = 200, description = "In the order of their starts; a day from now if nothing else is asked for",
     body = Page<Programme>),
    (status = 400, description = "A parameter is wrong", body = Problem, content_type = "application/problem+json"),
    (status = 404, description = "There is no such channel", body = Problem, content_type = "application/problem+json"),
))]
pub(super) fn programmes(portal: &Portal, id: &str, query: &Query, now: Timestamp) -> Result<Reply, Reply> {
    let channel = find(portal, id)?;
    let (from, to) = query.span(now, (SignedDuration::ZERO, SignedDuration::from_hours(24)))?;
    let listing = portal.listing(&channel, from, to);
    let all = listing.entries.iter().map(|e| programme(&listing, e));
    Ok(Reply::json(&query.page(all, |p| p.id.clone())?))
}

/// What was on air.
#[utoipa::path(get, path = "/api/v1/channels/{id}/asrun", tag = "operation",
    params(("id" = String, Path, description = "The channel"), SpanQuery, PageQuery), responses(
    (status = 200, description = "Airings in order; of the last hour if nothing else is asked for",
     body = Page<Object>),
    (status = 400, description = "A parameter is wrong", body = Problem, content_type = "application/problem+json"),
    (status = 404, description = "There is no such channel", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn asrun(portal: &Portal, id: &str, query: &Query, now: Timestamp) -> Result<Reply, Reply> {
    let channel = find(portal, id)?;
    let (from, to) = query.span(now, (SignedDuration::from_hours(1), SignedDuration::ZERO))?;
    let (limit, after) = (query.limit()?, query.after()?.and_then(|a| a.parse::<u64>().ok()));
    let airings = portal.store.airings(&channel.id, from, to).await.map_err(|e| ours(&e))?;
    let rest = airings.into_iter().filter(|a| after.is_none_or(|after| a.no > after));
    let mut items: Vec<Airing> = rest.take(limit + 1).collect();
    let next = (items.len() > limit).then(|| cursor(&items[limit - 1].no.to_string()));
    items.truncate(limit);
    Ok(Reply::json(&Page { items, next }))
}

fn find(portal: &Portal, id: &str) -> Result<crate::config::Channel, Reply> {
    let id = ChannelId::new(id).map_err(|_| unknown("channel"))?;
    portal.county.load().channels.iter().find(|c| c.id == id).cloned().ok_or_else(|| unknown("channel"))
}

fn one(portal: &Portal, c: &crate::config::Channel, now: Timestamp) -> Channel {
    let listing = portal.soon(c, now);
    let (on, next) = guide::now_next(&listing, now, 1);
    let tags = |langs: &[crate::base::Lang]| langs.iter().map(ToString::to_string).collect();
    Channel {
        id: c.id.to_string(),
        number: c.number,
        names: names(&c.names),
        lang: c.lang.to_string(),
        audio: tags(&c.audio),
        subtitles: tags(&c.subtitles),
        now: on.map(|e| programme(&listing, e)),
        next: next.first().map(|e| programme(&listing, e)),
        playlist: format!("/channels/{}/index.m3u8", c.id),
    }
}

fn programme(listing: &Listing, e: &Entry) -> Programme {
    Programme {
        id: e.programme.id.0.clone(),
        start: e.programme.start,
        end: e.end,
        titles: names(&listing.titles(e)),
        kind: match e.kind {
            guide::Kind::Relay => "relay".to_owned(),
            guide::Kind::Lesson => "lesson".to_owned(),
        },
        lessons: e.lessons().iter().map(ToString::to_string).collect(),
        relay: match &e.programme.play {
            Play::Relay(relay) => Some(relay.to_string()),
            Play::Lessons(_) => None,
        },
        lang: e.programme.lang.as_ref().unwrap_or(&listing.lang).to_string(),
        keep: e.programme.keep,
    }
}
