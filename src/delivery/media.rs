//! The media side of HTTP: from a path to an answer.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{Method, Response, StatusCode};
use jiff::{SignedDuration, Timestamp};

use crate::base::Lang;
use crate::channel::{Headers, Placed};
use crate::courseware::Attachments;
use crate::evidence::{DeliveredSegment, Item, Ledger, Report, Ticket, TicketError};
use crate::hls::{Address, SegmentFile};

use super::body::Body;
use super::channels::Channels;
use super::desk::Desk;
use super::download::Downloads;
use super::playlists::{self, Wish};
use super::range::{self, Range};
use super::segments::{SegmentBytes, SegmentError, Segments};
use super::sources::MediaSources;
use super::ts_stream::Streaming;

/// Everything requests for media need.
#[derive(Debug)]
pub struct Delivery {
    /// Opens sessions and knows tickets.
    pub desk: Desk,
    /// The channels on air.
    pub channels: Arc<Channels>,
    /// What they play.
    pub sources: Arc<MediaSources>,
    /// The bytes.
    pub segments: Arc<Segments>,
    /// Lessons as one file.
    pub downloads: Downloads,
    /// Documents of lessons.
    pub attachments: Attachments,
    /// The same as MPEG-TS.
    pub streaming: Streaming,
}

pub(super) const FOREVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
pub(super) const NEVER: HeaderValue = HeaderValue::from_static("no-store");
pub(super) const PLAYLIST: HeaderValue = HeaderValue::from_static("application/vnd.apple.mpegurl");

/// GStreamer 1.22 learns from the pictures after a change of source where their
/// timestamps belong. Text that comes before them it files centuries away, shows
/// none of that programme's, and soon waits for more with the picture frozen. So
/// the first text takes a little longer than the first pictures do. Nobody else
/// notices: what it says is due three target durations later.
const PICTURES_FIRST: Duration = Duration::from_secs(1);

/// Players this far behind the edge of a playlist do not race.
const AT_THE_EDGE: SignedDuration = SignedDuration::from_secs(30);

impl Delivery {
    /// Answers `/s/<ticket>/…`; `lang` is to be heard by default.
    pub async fn session_path(
        &self,
        method: &Method,
        path: &str,
        lang: Option<&Lang>,
        headers: &HeaderMap,
        now: Timestamp,
    ) -> Response<Body> {
        if method == Method::OPTIONS {
            return preflight();
        }
        if !matches!(*method, Method::GET | Method::HEAD) {
            return refuse(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD are answered here");
        }
        let Some((ticket, rest)) = path.split_once('/') else {
            return refuse(StatusCode::NOT_FOUND, "nothing of this name");
        };
        let ticket = match self.desk.tickets.load().verify(ticket, now) {
            Ok(ticket) => ticket,
            Err(TicketError::Expired) => {
                return refuse(StatusCode::GONE, "this ticket has expired: open the channel or lesson again");
            }
            Err(error) => {
                return refuse(StatusCode::FORBIDDEN, &format!("{error}: open the channel or lesson again"));
            }
        };
        let ts = rest.strip_prefix("channels/").and_then(|r| r.split_once("/ts/"));
        if let Some((id, rest)) = ts {
            return Box::pin(self.transport_stream(method, (ticket, id, rest), now)).await;
        }
        match rest.strip_prefix("seg/") {
            Some(address) => self.segment(ticket, address, method, headers, now).await,
            None => self.playlist(&ticket, rest, method, Wish { headers: headers_for(headers), lang }, now),
        }
    }

    /// Keeps what a player of others says of itself (CTA-5004): a report of the session whose
    /// ticket `path` begins with. False: there is no such session.
    pub fn claims(&self, path: &str, reports: impl Iterator<Item = Report>, now: Timestamp) -> bool {
        let ticket = path.split('/').next().unwrap_or_default();
        let Ok(ticket) = self.desk.tickets.load().verify(ticket, now) else { return false };
        for report in reports {
            self.desk.ledger.claim(&ticket.session, report, now);
        }
        true
    }

    fn playlist(
        &self,
        ticket: &Ticket,
        rest: &str,
        method: &Method,
        wish: Wish<'_>,
        now: Timestamp,
    ) -> Response<Body> {
        // A set-top box runs no script: its polls are its sign of life.
        self.desk.ledger.touch(&ticket.session, now);
        match playlists::find(self, ticket, rest, wish, now) {
            Ok(body) => {
                let mut response = whole(method, body, PLAYLIST);
                response.headers_mut().insert(header::CACHE_CONTROL, NEVER);
                response
            }
            Err((status, why)) => refuse(status, why),
        }
    }

    async fn segment(
        &self,
        ticket: Ticket,
        address: &str,
        method: &Method,
        headers: &HeaderMap,
        now: Timestamp,
    ) -> Response<Body> {
        let Some(address) = Address::parse(address) else {
            return refuse(StatusCode::NOT_FOUND, "nothing of this name");
        };
        let found = match self.segments.hot(&address) {
            Some(hot) => Ok(hot),
            // Else instants could be made up, and fill the memory with copies.
            None if !self.was_on_air(&ticket, &address) => Err(SegmentError::Unknown),
            None => Box::pin(self.segments.get(&address)).await,
        };
        let segment = match found {
            Ok(segment) => segment,
            Err(SegmentError::Unknown) => {
                return refuse(StatusCode::NOT_FOUND, "there is no such segment (any more)");
            }
            Err(error) => {
                tracing::error!(address = %address, %error, "a segment could not be read");
                return refuse(StatusCode::INTERNAL_SERVER_ERROR, "the segment could not be read");
            }
        };
        if self.meets_its_pictures(&ticket, &address, now) {
            tokio::time::sleep(PICTURES_FIRST).await;
        }
        let etag = format!("\"{address}\"");
        let known = headers.get(header::IF_NONE_MATCH).and_then(|v| v.to_str().ok());
        if known.is_some_and(|k| {
            k.split(',').any(|t| t.trim().trim_start_matches("W/") == etag || t.trim() == "*")
        }) {
            return finish(Response::new(Body::empty()), StatusCode::NOT_MODIFIED, &etag, &address);
        }
        let asked = headers.get(header::RANGE).and_then(|v| v.to_str().ok());
        // A changed representation voids a range (RFC 9110 §13.1.5); ours never change.
        let fresh = headers.get(header::IF_RANGE).is_none_or(|v| v.as_bytes() == etag.as_bytes());
        match range::parse(asked.filter(|_| fresh), segment.bytes.len()) {
            Range::Whole => {
                let length = segment.bytes.len();
                let body = if *method == Method::HEAD {
                    Body::empty()
                } else {
                    self.noted(ticket, &address, segment, now)
                };
                let mut response = finish(Response::new(body), StatusCode::OK, &etag, &address);
                response.headers_mut().insert(header::CONTENT_LENGTH, length.into());
                response
            }
            Range::Part(start, end) => {
                let all = segment.bytes.len();
                let last = end == all;
                let part = SegmentBytes { bytes: segment.bytes.slice(start..end), ..segment };
                // A segment fetched in parts counts when its last part goes out.
                let body = match *method == Method::HEAD {
                    true => Body::empty(),
                    false if last => self.noted(ticket, &address, part, now),
                    false => Body::from(part.bytes),
                };
                let mut response = finish(Response::new(body), StatusCode::PARTIAL_CONTENT, &etag, &address);
                let headers = response.headers_mut();
                headers.insert(header::CONTENT_LENGTH, (end - start).into());
                set(headers, header::CONTENT_RANGE, &format!("bytes {start}-{}/{all}", end - 1));
                response
            }
            Range::Unsatisfiable => {
                let mut response = refuse(StatusCode::RANGE_NOT_SATISFIABLE, "no byte of that range exists");
                set(
                    response.headers_mut(),
                    header::CONTENT_RANGE,
                    &format!("bytes */{}", segment.bytes.len()),
                );
                response
            }
        }
    }

    /// Notes that a cache that is believed has sent the segment that the session path `path` names;
    /// nothing where `headers` ask for a part. False: it is no segment of a playback.
    pub async fn sent_by_edge(&self, path: &str, headers: &HeaderMap, now: Timestamp) -> bool {
        let Some((ticket, rest)) = path.split_once("/seg/") else { return false };
        let Ok(ticket) = self.desk.tickets.load().verify(ticket, now) else { return false };
        let Some(address) = Address::parse(rest).filter(|a| self.was_on_air(&ticket, a)) else {
            return false;
        };
        let Ok(segment) = self.segments.get(&address).await else { return false };
        // Who asks for it in parts has most of it from elsewhere: a cache hands on what was asked.
        let whole = !headers.contains_key(header::RANGE);
        if whole && let Some((n, start_ms)) = self.place(&ticket, &address, &segment) {
            let sent = DeliveredSegment { owner: &address.owner, n, start_ms, dur_ms: segment.dur_ms };
            let reopen = self.desk.reopener();
            self.desk.ledger.deliver(&ticket.session, sent, now, |id| reopen(id, &ticket));
        }
        true
    }

    /// A body that notes the segment as delivered when it has gone out.
    fn noted(&self, ticket: Ticket, address: &Address, segment: SegmentBytes, now: Timestamp) -> Body {
        if segment.dur_ms == 0 {
            return Body::from(segment.bytes);
        }
        let Some((n, start_ms)) = self.place(&ticket, address, &segment) else {
            return Body::from(segment.bytes);
        };
        let (ledger, owner, desk): (Arc<Ledger>, String, _) =
            (Arc::clone(&self.desk.ledger), address.owner.clone(), self.desk.reopener());
        let dur_ms = segment.dur_ms;
        Body::noted(segment.bytes, move || {
            let sent = DeliveredSegment { owner: &owner, n, start_ms, dur_ms };
            ledger.deliver(&ticket.session, sent, now, |id| desk(id, &ticket));
        })
    }

    /// True if the address says no instant, or one at which the ticket's
    /// channel showed it, with its header only after a change of source.
    fn was_on_air(&self, ticket: &Ticket, address: &Address) -> bool {
        let listed = |placed: Placed| address.header.is_none() || placed.breaks;
        address.on_air.is_none() || self.on_air(ticket, address).is_some_and(listed)
    }

    /// True if it is the first text after a change of source, and just listed:
    /// a player at the live edge asks for it and for its pictures at once.
    fn meets_its_pictures(&self, ticket: &Ticket, address: &Address, now: Timestamp) -> bool {
        let text = matches!(address.file, SegmentFile::Text(_));
        let placed = text.then(|| self.on_air(ticket, address)).flatten();
        placed.is_some_and(|p| p.breaks && now.duration_since(p.listed_from()) < AT_THE_EDGE)
    }

    /// The place of a channel's segment on its timeline.
    fn on_air(&self, ticket: &Ticket, address: &Address) -> Option<Placed> {
        let Item::Channel(id) = &ticket.item else { return None };
        let (SegmentFile::Media(n) | SegmentFile::Text(n)) = address.file else { return None };
        self.channels.get(id)?.timeline().find(&address.owner, n, address.on_air?, &*self.sources)
    }

    /// Where the segment stands on the line of what the ticket plays; none if
    /// it is not part of it.
    fn place(&self, ticket: &Ticket, address: &Address, segment: &SegmentBytes) -> Option<(u64, i64)> {
        let SegmentFile::Media(n) = address.file else { return None };
        match &ticket.item {
            Item::Lesson(id) => {
                let mine = self.sources.lesson_owner(id).is_some_and(|o| o == address.owner);
                mine.then_some((n, segment.start_ms))
            }
            Item::Channel(_) => Some((n, self.on_air(ticket, address)?.start.as_millisecond())),
        }
    }
}

/// VLC 3 begins a new demuxer at each discontinuity and gives it what comes
/// next: without an initialisation segment in front of that it plays no more.
/// Other players need none there, and nobody has tried what all of them do
/// with it. (Playlists are not cached: they may differ by player.)
fn headers_for(request: &HeaderMap) -> Headers {
    let agent = request.get(header::USER_AGENT).and_then(|v| v.to_str().ok());
    match agent.is_some_and(|a| a.contains("LibVLC/")) {
        true => Headers::AlsoAtChanges,
        false => Headers::Apart,
    }
}

pub(super) fn whole(method: &Method, bytes: Bytes, content_type: HeaderValue) -> Response<Body> {
    let length = bytes.len();
    let head = *method == Method::HEAD;
    let mut response = Response::new(if head { Body::empty() } else { Body::from(bytes) });
    let headers = response.headers_mut();
    headers.reserve(FEW_HEADERS);
    // Of a body that is there hyper says it.
    if head {
        headers.insert(header::CONTENT_LENGTH, length.into());
    }
    headers.insert(header::CONTENT_TYPE, content_type);
    open_to_all(headers);
    response
}

/// Room for all headers of an answer at once.
const HEADERS: usize = 12;
/// The same of a playlist: half of the memory, which the allocator has at hand.
const FEW_HEADERS: usize = 6;

fn finish(mut response: Response<Body>, status: StatusCode, etag: &str, address: &Address) -> Response<Body> {
    *response.status_mut() = status;
    let kind = match address.file {
        SegmentFile::Text(_) => "text/vtt; charset=utf-8",
        _ if address.rendition.starts_with("a-") => "audio/mp4",
        _ => "video/mp4",
    };
    let headers = response.headers_mut();
    headers.reserve(HEADERS);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, FOREVER);
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    set(headers, header::ETAG, etag);
    open_to_all(headers);
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
    response
}

fn set(headers: &mut HeaderMap, name: header::HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

/// What players on other pages read of a segment's headers besides those that everybody may
/// (Fetch standard, "CORS-safelisted response-header name").
pub(super) const EXPOSED: HeaderValue = HeaderValue::from_static("content-length, content-range, etag");

/// Players on other pages may read this: the ticket is the permission.
pub(super) fn open_to_all(headers: &mut HeaderMap) {
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
}

/// What players on other pages may send along: CMCD comes in headers, too (CTA-5004 section 3).
const ASKED_WITH: HeaderValue = HeaderValue::from_static(
    "range, if-none-match, content-type, cmcd-object, cmcd-request, cmcd-session, cmcd-status",
);

fn preflight() -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    open_to_all(headers);
    headers
        .insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, HEAD, POST, OPTIONS"));
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, ASKED_WITH);
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("86400"));
    response
}

/// A refusal in words.
pub(super) fn refuse(status: StatusCode, why: &str) -> Response<Body> {
    let mut response = Response::new(Body::from(format!("{why}\n")));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, NEVER);
    open_to_all(headers);
    response
}
