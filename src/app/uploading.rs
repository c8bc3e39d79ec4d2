//! Files that come in pieces, from HTTP to the portal.

use hyper::body::Incoming;
use hyper::{Method, Request, Response, header};
use jiff::Timestamp;

use crate::delivery::{Body, Received};
use crate::portal::api::UploadRequest;
use crate::portal::office::cookie_name;

use super::answer::answer;
use super::asked::{bearer, cookie, same_origin};
use super::router::Router;

/// The upload that `path` is of; `Some(None)`: all of them.
pub(super) fn an_upload(path: &str) -> Option<Option<&str>> {
    let rest = path.strip_prefix("/api/v1/uploads")?;
    match rest.split_once('/') {
        None if rest.is_empty() => Some(None),
        Some(("", id)) => Some(Some(id).filter(|id| !id.is_empty())),
        _ => None,
    }
}

impl Router {
    /// A file that comes in pieces: its body is taken as it comes.
    pub(super) async fn upload(
        &self,
        request: Request<Incoming>,
        id: Option<&str>,
        now: Timestamp,
    ) -> Response<Body> {
        let (head, body) = request.into_parts();
        if let Some(received) = head.extensions.get::<Received>() {
            received.as_it_comes();
        }
        // For those who cannot send others than POST (tus 1.0.0, X-HTTP-Method-Override).
        let instead = head.headers.get("x-http-method-override").filter(|_| head.method == Method::POST);
        let method =
            instead.and_then(|m| Method::from_bytes(m.as_bytes()).ok()).unwrap_or(head.method.clone());
        let secure = self.base_url(&head.headers).starts_with("https://");
        let bearer = bearer(&head.headers);
        let request = UploadRequest {
            method: method.clone(),
            id,
            headers: &head.headers,
            body,
            bearer: bearer.as_deref(),
            cookie: (cookie(&head.headers, cookie_name(secure)), same_origin(&head.headers)),
            now,
        };
        let reply = self.portal.upload(request).await;
        if let Some(received) = head.extensions.get::<Received>() {
            received.whole();
        }
        // What is left of a body that was refused is nobody's next request.
        let ended = reply.status.is_client_error() || reply.status.is_server_error();
        let reply = if ended { reply.with(header::CONNECTION, "close") } else { reply };
        answer(reply, &method)
    }
}
