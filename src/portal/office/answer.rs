//! Answers of more than one room.

use hyper::StatusCode;

use crate::portal::pages::HTML;
use crate::portal::reply::{Reply, problem};

/// A page that no cache and no other browser of the same machine keeps.
pub(super) fn html(text: String) -> Reply {
    Reply::ok(HTML, text)
}

/// What happens, to a browser that listens.
pub(super) fn events(listens: bool) -> Reply {
    match listens {
        true => Reply::events(),
        false => problem(StatusCode::NOT_ACCEPTABLE, "Events only", "ask with Accept: text/event-stream"),
    }
}
