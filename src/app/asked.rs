//! What a request says of who asks, and how much it may say.

use hyper::header::{self, HeaderMap};

use crate::people::Secret;
use crate::portal::office::cookie_name;
use crate::portal::{LARGEST_RECORD, Portal};

/// Largest body of an API request.
const BODY: usize = 1 << 20;

/// The largest body of an API request to `path`: a record of evenings without a line is long.
pub(super) fn largest_body(path: &str) -> usize {
    if path == "chains/seal" { LARGEST_RECORD } else { BODY }
}

/// The largest form of the office that is sent to `path`: a small one from who has not signed in.
pub(super) fn largest_form(path: &str, headers: &HeaderMap) -> usize {
    let most = Portal::largest_form(path);
    let signed_in = [true, false].iter().any(|tls| cookie(headers, cookie_name(*tls)).is_some());
    if signed_in || path == "/bring" { most } else { most.min(64 << 10) }
}

/// False if the browser says that a page of another site sent this form
/// (Fetch Metadata; `Origin` for browsers that do not send it).
pub(super) fn same_origin(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|v| v.to_str().ok());
    match (text("sec-fetch-site"), text("origin")) {
        (Some(site), _) => matches!(site, "same-origin" | "none"),
        (None, Some(origin)) => {
            let host = origin.split_once("://").map(|(_, host)| host);
            host.is_some() && host == text("host")
        }
        (None, None) => true,
    }
}

/// The secret in the cookie `name`.
pub(super) fn cookie(headers: &HeaderMap, name: &str) -> Option<Secret> {
    let all = headers.get(header::COOKIE)?.to_str().ok()?;
    let mut all = all.split(';').filter_map(|c| c.trim().split_once('='));
    all.find(|(n, _)| *n == name).and_then(|(_, value)| Secret::read(value))
}

pub(super) fn bearer(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned())
}
