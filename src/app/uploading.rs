//! Files that come in pieces, from HTTP to the portal.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::{Method, Request, Response, header};
use jiff::Timestamp;

use crate::base::{Bell, Clock, Shutdown};
use crate::courseware::{Uploads, lesson_id};
use crate::delivery::{Body, Received};
use crate::people::AuditEntry;
use crate::portal::api::UploadRequest;
use crate::portal::office::cookie_name;
use crate::store::Store;

use super::answer::answer;
use super::asked::{bearer, cookie, same_origin};
use super::router::Router;

/// What the audit log calls a file that came whole.
const UPLOADED: &str = "lesson-uploaded";
/// How often it is looked for what nobody goes on with.
const TIDIED: Duration = Duration::from_secs(600);

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

/// Writes into the audit log what has come, and has uploads tidied, until `stop`.
pub(super) async fn keep_uploads(
    uploads: Uploads,
    (store, bell): (Store, Bell),
    clock: Arc<dyn Clock>,
    stop: Shutdown,
) {
    let mut swept = None::<Duration>;
    loop {
        if swept.is_none_or(|at| clock.monotonic() - at >= TIDIED) {
            swept = Some(clock.monotonic());
            if let Err(error) = uploads.sweep(clock.now()).await {
                tracing::error!(%error, "the folder of uploads could not be tidied");
            }
        }
        if let Err(error) = note(&uploads, &store, clock.now()).await {
            tracing::error!(%error, "an upload could not be noted in the audit log");
        }
        bell.ring();
        tokio::select! {
            () = stop.wait() => return,
            () = uploads.news() => {}
            () = tokio::time::sleep(TIDIED) => {}
        }
    }
}

/// Noted is what stands in the log: a crash between the two writes a line twice, never none.
async fn note(uploads: &Uploads, store: &Store, now: Timestamp) -> anyhow::Result<()> {
    for arrival in uploads.arrivals().await? {
        store
            .append_audit(AuditEntry {
                at: now,
                who: Some(arrival.owner),
                via: arrival.via,
                what: UPLOADED.to_owned(),
                subject: format!("lesson/{}", lesson_id(Path::new(&arrival.name))),
                before: String::new(),
                after: serde_json::json!({ "file": arrival.name, "sha256": arrival.sha256 }).to_string(),
            })
            .await?;
        uploads.noted(&arrival.id).await?;
    }
    Ok(())
}
