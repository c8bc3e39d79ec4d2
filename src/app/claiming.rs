//! What others say of a playback: players of themselves (Common Media Client Data), in the query,
//! in headers, or in reports by themselves; and caches of what they sent.

use bytes::Bytes;
use hyper::body::Incoming;
use hyper::header::HeaderName;
use hyper::{HeaderMap, Method, Request, Response, StatusCode};
use jiff::Timestamp;

use crate::delivery::Body;
use crate::evidence::Report;
use crate::portal::{Reply, problem};
use crate::sites::TokenHash;

use super::answer::{answer, open_to_all};
use super::router::{Router, collect};

/// CTA-5004 section 3: one header for each kind of key.
const HEADERS: [&str; 4] = ["cmcd-session", "cmcd-status", "cmcd-request", "cmcd-object"];
/// What they begin with, and no other does.
const HEADER: &str = "cmcd-";
/// Where a player sends reports by themselves (CTA-5004-A, event mode): below its ticket.
const REPORTS: &str = "/cmcd";
/// Most of them in a body, bytes.
const LARGEST: usize = 64 << 10;

/// A cache's word that it sent a segment: its token.
const EDGE: HeaderName = HeaderName::from_static("yuanjiao-edge");

/// What `query` and `headers` say; none: nothing of the kind.
pub(super) fn report(query: &str, headers: &HeaderMap) -> Option<Report> {
    if query.contains("CMCD=") {
        let text = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "CMCD")?.1;
        return Report::read(&text);
    }
    // Nearly nobody sends any: one look at the names costs less than asking for each.
    if !headers.keys().any(|name| name.as_str().starts_with(HEADER)) {
        return None;
    }
    let said = HEADERS.iter().filter_map(|name| headers.get(*name)?.to_str().ok());
    let text = said.collect::<Vec<_>>().join(",");
    if text.is_empty() { None } else { Report::read(&text) }
}

/// True if a request sends reports and asks for nothing.
pub(super) fn is_report(request: &Request<Incoming>) -> bool {
    request.method() == Method::POST && request.uri().path().ends_with(REPORTS)
}

/// True if a cache says what it sent, and asks for nothing.
pub(super) fn is_edge(request: &Request<Incoming>) -> bool {
    request.headers().contains_key(EDGE)
}

impl Router {
    /// Notes what a cache has sent; one that is not known is told so.
    pub(super) async fn edge(
        &self,
        request: &Request<Incoming>,
        rest: &str,
        now: Timestamp,
    ) -> Response<Body> {
        let token = request.headers().get(EDGE).and_then(|v| v.to_str().ok()).unwrap_or_default();
        let hash = TokenHash::of(token);
        let refuse = |detail: &str| problem(StatusCode::FORBIDDEN, "Not noted", detail);
        let reply = match self.portal.county.load().evidence.edges.iter().any(|edge| edge.token == hash) {
            false => refuse("no cache holds this token: see `edges` in the county's file"),
            // Headers and the beginnings of what is asked for in parts come here, too.
            true if *request.method() != Method::GET => Reply::ok("text/plain", ""),
            true => match self.delivery.sent_by_edge(rest, request.headers(), now).await {
                true => Reply::ok("text/plain", "").with_status(StatusCode::NO_CONTENT),
                false => refuse("this is no segment of a playback that is open"),
            },
        };
        answer(reply, request.method())
    }

    /// Takes reports, one on each line.
    pub(super) async fn reports(&self, request: Request<Incoming>, now: Timestamp) -> Response<Body> {
        let (head, incoming) = request.into_parts();
        let body: Bytes = match collect(&head.extensions, incoming, LARGEST).await {
            Ok(body) => body,
            Err(reply) => return answer(reply, &head.method),
        };
        let text = String::from_utf8_lossy(&body);
        let ticket = head.uri.path().trim_start_matches("/s/");
        let taken = self.delivery.claims(ticket, text.lines().filter_map(Report::read), now);
        let reply = match taken {
            true => Reply::ok("text/plain", "").with_status(StatusCode::NO_CONTENT),
            false => problem(StatusCode::FORBIDDEN, "Not taken", "this ticket is none, or has expired"),
        };
        open_to_all(answer(reply, &head.method))
    }
}
