//! Paths of playlists below a session.

use bytes::Bytes;
use hyper::StatusCode;
use jiff::Timestamp;

use crate::base::{ChannelId, Lang, LessonId};
use crate::channel::{Asset, Headers, Lineup, Rung, vod_playlist};
use crate::evidence::{Item, Ticket};
use crate::hls::TrackKind;

use super::channels::{NoPlaylist, OnAir};
use super::media::Delivery;

pub(super) type Found = Result<Bytes, (StatusCode, &'static str)>;

const UNKNOWN: (StatusCode, &str) = (StatusCode::NOT_FOUND, "nothing of this name");
const FOREIGN: (StatusCode, &str) = (StatusCode::FORBIDDEN, "this ticket is for something else");
pub(super) const EMPTY: (StatusCode, &str) =
    (StatusCode::NOT_FOUND, "nothing was on air then, or it is no longer kept");
pub(super) const STARTING: (StatusCode, &str) =
    (StatusCode::SERVICE_UNAVAILABLE, "the channel is starting: try again in a moment");

/// How somebody wants to be served.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wish<'a> {
    /// Where headers stand.
    pub(super) headers: Headers,
    /// The language to hear by default.
    pub(super) lang: Option<&'a Lang>,
}

/// The playlist at `channels/<id>/…` or `lessons/<id>/…`.
pub(super) fn find(
    delivery: &Delivery,
    ticket: &Ticket,
    rest: &str,
    wish: Wish<'_>,
    now: Timestamp,
) -> Found {
    let mut parts = rest.split('/');
    match (parts.next(), parts.next()) {
        (Some("channels"), Some(id)) => {
            let Item::Channel(mine) = &ticket.item else { return Err(FOREIGN) };
            if mine.as_str() != id {
                return Err(FOREIGN);
            }
            let channel = delivery.channels.get(mine).ok_or(UNKNOWN)?;
            match (parts.next(), parts.next(), parts.next(), parts.next()) {
                (Some(file), None, ..) => live(delivery, &channel, file, wish, now),
                (Some("catchup"), Some(span), Some(file), None) => {
                    past(delivery, &channel, (span, file), wish, now)
                }
                _ => Err(UNKNOWN),
            }
        }
        (Some("lessons"), Some(id)) => {
            let id = LessonId::new(id).map_err(|_| UNKNOWN)?;
            if ticket.item != Item::Lesson(id.clone()) {
                return Err(FOREIGN);
            }
            let asset = delivery.sources.on_demand(&id).ok_or(UNKNOWN)?;
            match (parts.next(), parts.next()) {
                (Some(file), None) => lesson(&asset, file, wish.lang, "../../seg/"),
                _ => Err(UNKNOWN),
            }
        }
        _ => Err(UNKNOWN),
    }
}

fn live(delivery: &Delivery, channel: &OnAir, file: &str, wish: Wish<'_>, now: Timestamp) -> Found {
    channel.ask(now);
    if file == "index.m3u8" {
        return Ok(channel.multivariant(wish.lang, now));
    }
    let name = file.strip_suffix(".m3u8").ok_or(UNKNOWN)?;
    channel.live(name, wish.headers, &*delivery.sources, now).map_err(|why| match why {
        NoPlaylist::Unknown => UNKNOWN,
        NoPlaylist::Starting => STARTING,
    })
}

fn past(
    delivery: &Delivery,
    channel: &OnAir,
    (span, file): (&str, &str),
    wish: Wish<'_>,
    now: Timestamp,
) -> Found {
    let span = instants(span).ok_or(UNKNOWN)?;
    if file == "index.m3u8" {
        return Ok(channel.multivariant(wish.lang, span.0));
    }
    let rendition = file.strip_suffix(".m3u8").and_then(|n| channel.lineup.rendition(n)).ok_or(UNKNOWN)?;
    channel.range(&rendition, &*delivery.sources, span, now, ("../../../../seg/", wish.headers)).ok_or(EMPTY)
}

/// The part of the past that `FROM-TO` names, seconds since the Unix epoch.
pub(super) fn instants(span: &str) -> Option<(Timestamp, Timestamp)> {
    let (from, to) = span.split_once('-')?;
    let at = |t: &str| Timestamp::from_second(t.parse().ok()?).ok();
    Some((at(from)?, at(to)?))
}

/// A package from its beginning to its end; `segments` leads from here to its segments.
pub(super) fn lesson(asset: &Asset, file: &str, lang: Option<&Lang>, segments: &str) -> Found {
    let lineup = lesson_lineup(asset);
    if file == "index.m3u8" {
        return Ok(lineup.multivariant(lang).write().into());
    }
    let rendition = file.strip_suffix(".m3u8").and_then(|n| lineup.rendition(n)).ok_or(UNKNOWN)?;
    Ok(vod_playlist(asset, &lineup, &rendition, segments).write().into())
}

/// A lesson on demand offers what its package holds.
fn lesson_lineup(asset: &Asset) -> Lineup {
    let manifest = &asset.manifest;
    let (mut rungs, mut audio, mut audio_bandwidth) = (Vec::new(), Vec::new(), 0);
    for t in &manifest.tracks {
        match &t.track.kind {
            &TrackKind::Video { width, height, fps } => {
                rungs.push(Rung { width, height, fps, bandwidth: t.bandwidth });
            }
            TrackKind::Audio { lang, .. } => {
                audio.push(lang.clone());
                audio_bandwidth = audio_bandwidth.max(t.bandwidth);
            }
        }
    }
    let longest = manifest.segments_us.iter().max().copied().unwrap_or_default();
    Lineup {
        // Only channels' playlists speak of it.
        channel: ChannelId::new("lesson").expect("a plain word"),
        rungs,
        audio,
        subtitles: manifest.subtitle_langs(),
        audio_bandwidth,
        target_duration: longest.div_ceil(1_000_000),
        window: std::time::Duration::ZERO,
        slate_after: std::time::Duration::ZERO,
    }
}
