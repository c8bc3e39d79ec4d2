//! What players of others say of themselves (Common Media Client Data): in the query, in headers,
//! or in reports by themselves.

use bytes::Bytes;
use hyper::body::Incoming;
use hyper::{HeaderMap, Method, Request, Response, StatusCode};
use jiff::Timestamp;

use crate::delivery::Body;
use crate::evidence::Report;
use crate::portal::{Reply, problem};

use super::answer::{answer, open_to_all};
use super::router::{Router, collect};

/// CTA-5004 section 3: one header for each kind of key.
const HEADERS: [&str; 4] = ["cmcd-session", "cmcd-status", "cmcd-request", "cmcd-object"];
/// Where a player sends reports by themselves (CTA-5004-A, event mode): below its ticket.
const REPORTS: &str = "/cmcd";
/// Most of them in a body, bytes.
const LARGEST: usize = 64 << 10;

/// What `query` and `headers` say; none: nothing of the kind.
pub(super) fn report(query: &str, headers: &HeaderMap) -> Option<Report> {
    if query.contains("CMCD=") {
        let text = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "CMCD")?.1;
        return Report::read(&text);
    }
    let said = HEADERS.iter().filter_map(|name| headers.get(*name)?.to_str().ok());
    let text = said.collect::<Vec<_>>().join(",");
    if text.is_empty() { None } else { Report::read(&text) }
}

/// True if a request sends reports and asks for nothing.
pub(super) fn is_report(request: &Request<Incoming>) -> bool {
    request.method() == Method::POST && request.uri().path().ends_with(REPORTS)
}

impl Router {
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
