//! Answers of more than one room.

use hyper::StatusCode;

use crate::portal::carried::LARGEST_RECORD;
use crate::portal::office::study_papers::LARGEST_PAPER;
use crate::portal::pages::HTML;
use crate::portal::reply::{Reply, problem};
use crate::portal::state::Portal;

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

impl Portal {
    /// Most bytes of a form sent to `path`: a table of sites is longer than what people type.
    pub fn largest_form(path: &str) -> usize {
        let table = path.starts_with("/office/import/")
            || path.starts_with("/office/catalogue/")
            || (path.starts_with("/office/schedule/")
                && (path.ends_with("/look") || path.ends_with("/take")));
        match path {
            _ if table => 2 << 20,
            // With what a form puts around it.
            _ if path.starts_with("/office/studies/") && path.ends_with("/papers") => LARGEST_PAPER + 4096,
            "/bring" => LARGEST_RECORD + 4096,
            _ => 64 << 10,
        }
    }
}
