//! The built files of the pages as answers.

use bytes::Bytes;
use hyper::StatusCode;
use hyper::header::HeaderMap;

use crate::portal::assets::{self, Asset};
use crate::portal::{Reply, problem};

use super::compress::accepts_gzip;

/// A file below `/assets/`.
pub(super) fn asset(file: &str, headers: &HeaderMap) -> Reply {
    let found = assets::find(file, accepts_gzip(headers));
    let for_ever = found.as_ref().is_some_and(|f| f.immutable);
    reply(found, if for_ever { "public, max-age=31536000, immutable" } else { "max-age=300" })
}

/// The service worker, asked for anew each time: a browser must not go on with
/// an old one after an update of the server.
pub(super) fn worker(headers: &HeaderMap) -> Reply {
    reply(assets::worker(accepts_gzip(headers)), "no-cache")
}

fn reply(found: Option<Asset>, cache: &'static str) -> Reply {
    let Some(found) = found else {
        return problem(StatusCode::NOT_FOUND, "Not found", "there is no such file");
    };
    let bytes = match found.bytes {
        std::borrow::Cow::Borrowed(bytes) => Bytes::from_static(bytes),
        std::borrow::Cow::Owned(bytes) => Bytes::from(bytes),
    };
    let mut reply = Reply::ok(found.content_type, bytes).cached(cache);
    reply.gzip = found.gzip;
    reply
}
