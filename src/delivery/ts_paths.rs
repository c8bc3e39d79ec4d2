//! Paths of transport streams below a session: `channels/<id>/ts/<sound>/…`.
//!
//! - `index.m3u8`, and of each rung its media playlist, such as `v480.m3u8`;
//! - `v480-<sequence>.ts`, a segment;
//! - `v480.ts`, the channel without an end;
//! - `<from>-<to>/index.m3u8` and `<from>-<to>/v480.m3u8`, a part of the past.
//!
//! `<sound>` is a language, or `all` for every language in a stream of its own.

use bytes::Bytes;
use futures_util::stream;
use hyper::header::{self, HeaderValue};
use hyper::{Method, Response, StatusCode};
use jiff::Timestamp;

use crate::base::Lang;
use crate::channel::{Headers, Lineup, Rendition, Window, media_playlist};
use crate::evidence::{Item, Ticket};
use crate::hls::{Multivariant, Variant};

use super::body::Body;
use super::channels::OnAir;
use super::media::{Delivery, FOREVER, NEVER, PLAYLIST, open_to_all, refuse, whole};
use super::playlists::{EMPTY, STARTING, instants};
use super::ts::{Programme, TsError};

const KIND: HeaderValue = HeaderValue::from_static("video/mp2t");
const UNKNOWN: (StatusCode, &str) = (StatusCode::NOT_FOUND, "nothing of this name");

/// What is asked for.
enum Asked<'a> {
    Index,
    Playlist(&'a str),
    Segment(&'a str, u64),
    Stream(&'a str),
}

impl<'a> Asked<'a> {
    fn read(file: &'a str) -> Option<Self> {
        if file == "index.m3u8" {
            return Some(Self::Index);
        }
        if let Some(rung) = file.strip_suffix(".m3u8") {
            return Some(Self::Playlist(rung));
        }
        let name = file.strip_suffix(".ts")?;
        match name.split_once('-') {
            Some((rung, n)) => {
                let number: u64 = n.parse().ok()?;
                // One address per segment.
                (number.to_string() == n).then_some(Self::Segment(rung, number))
            }
            None => Some(Self::Stream(name)),
        }
    }
}

/// What `v480` is on a channel.
fn programme(lineup: &Lineup, rung: &str, sound: &str) -> Option<Programme> {
    let Rendition::Video(height) = lineup.rendition(rung)? else { return None };
    let audio = match sound {
        "all" => lineup.audio.clone(),
        lang => vec![lineup.audio.iter().find(|l| l.as_str() == lang)?.clone()],
    };
    Some(Programme { channel: lineup.channel.clone(), height: Some(height), audio })
}

impl Delivery {
    /// Answers what is at `rest` below `channels/<id>/ts/`.
    pub(super) async fn transport_stream(
        &self,
        method: &Method,
        (ticket, id, rest): (Ticket, &str, &str),
        now: Timestamp,
    ) -> Response<Body> {
        self.desk.ledger.touch(&ticket.session, now);
        let answered = match &ticket.item {
            Item::Channel(mine) if mine.as_str() == id => match self.channels.get(mine) {
                Some(channel) => self.of_channel(method, &ticket, &channel, rest, now).await,
                None => Err(UNKNOWN),
            },
            _ => Err((StatusCode::FORBIDDEN, "this ticket is for something else")),
        };
        answered.unwrap_or_else(|(status, why)| refuse(status, why))
    }

    async fn of_channel(
        &self,
        method: &Method,
        ticket: &Ticket,
        channel: &OnAir,
        rest: &str,
        now: Timestamp,
    ) -> Result<Response<Body>, (StatusCode, &'static str)> {
        let (sound, file) = rest.split_once('/').ok_or(UNKNOWN)?;
        let (window, way, file) = match file.split_once('/') {
            None => (Window::Live, "", file),
            Some((span, file)) => {
                let (from, to) = instants(span).ok_or(UNKNOWN)?;
                (Window::Range { from, to }, "../", file)
            }
        };
        let of = |rung: &str| programme(&channel.lineup, rung, sound).ok_or(UNKNOWN);
        channel.ask(now);
        match Asked::read(file).ok_or(UNKNOWN)? {
            Asked::Index => {
                if sound != "all" && !channel.lineup.audio.iter().any(|l| l.as_str() == sound) {
                    return Err(UNKNOWN);
                }
                Ok(list(method, index(&channel.lineup).into()))
            }
            Asked::Playlist(rung) => {
                Ok(list(method, self.playlist_of(channel, &of(rung)?, (rung, window, way), now)?))
            }
            // These have one address, whatever listed them.
            Asked::Segment(..) | Asked::Stream(_) if !way.is_empty() => Err(UNKNOWN),
            Asked::Segment(rung, n) => self.one(method, ticket, channel, (&of(rung)?, n), now).await,
            Asked::Stream(rung) if *method == Method::HEAD => {
                of(rung)?;
                Ok(endless(Body::empty()))
            }
            Asked::Stream(rung) => Ok(endless(self.without_end(ticket, of(rung)?))),
        }
    }

    fn playlist_of(
        &self,
        channel: &OnAir,
        programme: &Programme,
        (rung, window, way): (&str, Window, &str),
        now: Timestamp,
    ) -> Result<Bytes, (StatusCode, &'static str)> {
        let rendition = programme.height.map(Rendition::Video).ok_or(UNKNOWN)?;
        let (timeline, apart) = (channel.timeline(), ("", Headers::Apart));
        let list = media_playlist(&timeline, &*self.sources, &channel.lineup, &rendition, window, now, apart);
        let mut list = list.ok_or(match window {
            Window::Live => STARTING,
            Window::Range { .. } => EMPTY,
        })?;
        for (segment, n) in list.segments.iter_mut().zip(list.media_sequence..) {
            segment.uri = format!("{way}{rung}-{n}.ts");
            segment.map = None;
        }
        Ok(list.write().into())
    }

    async fn one(
        &self,
        method: &Method,
        ticket: &Ticket,
        channel: &OnAir,
        (programme, n): (&Programme, u64),
        now: Timestamp,
    ) -> Result<Response<Body>, (StatusCode, &'static str)> {
        let made = self.streaming.converter.segment(channel, programme, n, now).await;
        let segment = made.map_err(|error| match error {
            TsError::Unknown => (StatusCode::NOT_FOUND, "there is no such segment (any more)"),
            error => {
                tracing::error!(channel = %programme.channel, %error, "a segment could not be converted");
                (StatusCode::INTERNAL_SERVER_ERROR, "the segment could not be converted")
            }
        })?;
        let length = segment.bytes.len();
        let body = match *method == Method::HEAD {
            true => Body::empty(),
            false => {
                let (ledger, desk) = (std::sync::Arc::clone(&self.desk.ledger), self.desk.reopener());
                let ticket = ticket.clone();
                Body::noted(segment.bytes.clone(), move || {
                    ledger.deliver(&ticket.session, segment.delivered(), now, |id| desk(id, &ticket));
                })
            }
        };
        let mut response = Response::new(body);
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, KIND);
        headers.insert(header::CONTENT_LENGTH, length.into());
        // Its tables may name another next programme tomorrow; today they do not.
        headers.insert(header::CACHE_CONTROL, FOREVER);
        open_to_all(headers);
        Ok(response)
    }

    /// The channel without an end; every segment counts when it has been handed over.
    fn without_end(&self, ticket: &Ticket, programme: Programme) -> Body {
        let mut pieces = self.streaming.clone().stream(programme);
        let (ledger, desk) = (std::sync::Arc::clone(&self.desk.ledger), self.desk.reopener());
        let (ticket, clock) = (ticket.clone(), std::sync::Arc::clone(&self.streaming.clock));
        Body::stream(stream::poll_fn(move |cx| {
            pieces.poll_recv(cx).map(|piece| {
                piece.map(|piece| {
                    if let Some(segment) = piece.ended {
                        let now = clock.now();
                        ledger.touch(&ticket.session, now);
                        ledger.deliver(&ticket.session, segment.delivered(), now, |id| desk(id, &ticket));
                    }
                    piece.bytes
                })
            })
        }))
    }
}

/// The rungs, each with its sound inside.
fn index(lineup: &Lineup) -> String {
    let all = lineup.multivariant(None::<&Lang>);
    let inside = |v: &Variant| v.resolution.is_some();
    Multivariant { media: Vec::new(), variants: all.variants.into_iter().filter(inside).collect() }.write()
}

fn list(method: &Method, body: Bytes) -> Response<Body> {
    let mut response = whole(method, body, PLAYLIST);
    response.headers_mut().insert(header::CACHE_CONTROL, NEVER);
    response
}

fn endless(body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, KIND);
    headers.insert(header::CACHE_CONTROL, NEVER);
    open_to_all(headers);
    response
}
