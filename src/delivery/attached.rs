//! Documents of lessons, to be taken home.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::Arc;

use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{Method, Response, StatusCode};

use crate::base::LessonId;
use crate::courseware::Attachment;
use crate::hls::ByteRange;

use super::body::Body;
use super::composed::{Composed, Piece, say_name};
use super::media::{Delivery, refuse};

/// What browsers call the kinds of documents, by their endings.
const TYPES: [(&str, &str); 14] = [
    ("pdf", "application/pdf"),
    ("pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
    ("docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ("odp", "application/vnd.oasis.opendocument.presentation"),
    ("odt", "application/vnd.oasis.opendocument.text"),
    ("ods", "application/vnd.oasis.opendocument.spreadsheet"),
    ("ppt", "application/vnd.ms-powerpoint"),
    ("doc", "application/msword"),
    ("xls", "application/vnd.ms-excel"),
    ("jpg", "image/jpeg"),
    ("jpeg", "image/jpeg"),
    ("png", "image/png"),
    ("rtf", "application/rtf"),
];

fn kind(name: &str) -> &'static str {
    let ending = name.rsplit('.').next().unwrap_or_default().to_lowercase();
    let known = TYPES.iter().find(|(known, _)| *known == ending);
    // Of text nobody has said how it is coded.
    known.map_or("application/octet-stream", |(_, kind)| kind)
}

impl Delivery {
    /// Answers `/lessons/{id}/files/{name}`, while the lesson is on offer.
    pub async fn attached(
        &self,
        method: &Method,
        (id, name): (&LessonId, &str),
        headers: &HeaderMap,
    ) -> Response<Body> {
        let unknown = || refuse(StatusCode::NOT_FOUND, "there is no such file");
        let found = self.attachments.find(id, name).filter(|_| self.sources.on_demand(id).is_some());
        let Some((attachment, path)) = found else { return unknown() };
        let opened = tokio::task::spawn_blocking(move || {
            let found = std::fs::metadata(&path)?;
            let length = found.len();
            // Another one may take its name before it is opened.
            let mut file = Composed::of(vec![(path, Some(found.ino()))]);
            file.push(Piece::Source(0, ByteRange { offset: 0, length }));
            Arc::new(file).open().map(|opened| (length, opened))
        });
        let Ok(Ok((length, opened))) = opened.await else { return unknown() };
        let etag = format!("\"{}-{length}\"", attachment.tag);
        let mut response = opened.answer(method, headers, &etag);
        if response.status() != StatusCode::RANGE_NOT_SATISFIABLE {
            describe(response.headers_mut(), &attachment);
        }
        response
    }

    /// Answers `/lessons/{id}/files/{name}/thumbnail`.
    pub async fn thumbnail(&self, id: &LessonId, name: &str) -> Response<Body> {
        let unknown = || refuse(StatusCode::NOT_FOUND, "there is no such picture");
        let found = self.attachments.thumbnail(id, name).filter(|_| self.sources.on_demand(id).is_some());
        let Some(path) = found else { return unknown() };
        let Ok(bytes) = tokio::fs::read(path).await else { return unknown() };
        let kind = if bytes.starts_with(b"\x89PNG") { "image/png" } else { "image/jpeg" };
        let mut response = Response::new(Body::from(bytes));
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        // Its address says which version it is of.
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=86400"));
        response
    }
}

/// It is saved, never shown in a page of ours: anybody may have made it.
fn describe(headers: &mut HeaderMap, attachment: &Attachment) {
    let path = Path::new(&attachment.name);
    let part = |part: Option<&std::ffi::OsStr>| part.unwrap_or_default().to_string_lossy().into_owned();
    let (stem, ending) = (part(path.file_stem()), part(path.extension()));
    say_name(headers, ("document", &stem), &ending, kind(&attachment.name));
}
