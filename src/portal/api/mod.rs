//! The JSON API, `/api/v1/…`, for programs: what there is, playing, and what
//! other systems may change. `document` describes all of it as OpenAPI 3.1,
//! from the code that answers.

mod auth;
mod chains;
mod channels;
mod document;
mod model;
mod once;
mod operation;
mod places;
mod query;
mod sessions;
mod uploads;

use bytes::Bytes;
use hyper::{Method, StatusCode};
use jiff::Timestamp;

use super::reply::{Reply, problem};
use super::state::Portal;
pub use document::Operation;
pub(in crate::portal) use document::operations;
use query::{Query, bad};
pub use uploads::UploadRequest;

/// A request of a program.
#[derive(Debug)]
pub struct ApiRequest<'a> {
    /// How.
    pub method: &'a Method,
    /// Path below `/api/v1/`.
    pub path: &'a str,
    /// What follows the question mark.
    pub query: &'a str,
    /// The body; empty if there is none.
    pub body: Bytes,
    /// `Authorization: Bearer`, as it came.
    pub bearer: Option<&'a str>,
    /// `Idempotency-Key`, as it came.
    pub key: Option<&'a str>,
    /// When.
    pub now: Timestamp,
    /// Address of this server as the asking system knows it.
    pub base_url: &'a str,
}

impl Portal {
    /// Answers a request below `/api/v1/`.
    pub async fn api(&self, request: &ApiRequest<'_>) -> Reply {
        match self.answer(request).await {
            Ok(reply) | Err(reply) => reply,
        }
    }

    async fn answer(&self, request: &ApiRequest<'_>) -> Result<Reply, Reply> {
        let parts: Vec<&str> = request.path.trim_end_matches('/').split('/').collect();
        let (query, now) = (Query::read(request.query), request.now);
        let get = matches!(*request.method, Method::GET | Method::HEAD);
        match parts.as_slice() {
            ["time"] if get => operation::time(self, now),
            ["channels"] if get => channels::channels(self, &query, now),
            ["channels", id] if get => channels::channel(self, id, now),
            ["channels", id, "programmes"] if get => channels::programmes(self, id, &query, now),
            ["channels", id, "asrun"] if get => channels::asrun(self, id, &query, now).await,
            ["lessons"] if get => operation::lessons(self, &query),
            ["lessons", id] if get => operation::lesson(self, id),
            ["relays"] if get => operation::relays(self, &query, now),
            ["relays", id, "events"] if get => operation::events(self, id).await,
            ["packaging"] if get => operation::packaging(self, &query),
            ["townships"] if get => places::townships(self, &query),
            ["sites"] if get => places::sites(self, &query),
            ["sites"] if *request.method == Method::POST => places::add_site(self, request).await,
            ["sites", id] if get => places::site(self, id),
            ["sites", id] if *request.method == Method::PATCH => places::change_site(self, request, id).await,
            ["sites", id, "enrolments"] if *request.method == Method::POST => {
                places::enrolment(self, request, id).await
            }
            ["terminals"] if get => places::terminals(self, request, &query).await,
            ["terminals", id] if *request.method == Method::DELETE => {
                places::withdraw(self, request, id).await
            }
            ["audit"] if get => places::audit(self, request, &query).await,
            ["sessions"] if *request.method == Method::POST => sessions::open(self, request).await,
            ["sessions", id, "beats"] if *request.method == Method::POST => {
                sessions::beats(self, request, id).await
            }
            ["chains"] if *request.method == Method::POST => chains::begin(self, request).await,
            ["chains", "seal"] if *request.method == Method::POST => chains::seal(self, request).await,
            ["openapi.json"] if get => Ok(document::document()),
            parts => Err(match allowed(parts) {
                Some(methods) => {
                    let detail = format!("expected one of {methods}: see /api/v1/openapi.json");
                    let status = StatusCode::METHOD_NOT_ALLOWED;
                    problem(status, "Method not allowed", &detail).with(hyper::header::ALLOW, methods)
                }
                None => {
                    let detail = "see /api/v1/openapi.json for what there is";
                    problem(StatusCode::NOT_FOUND, "Not found", detail)
                }
            }),
        }
    }
}

/// What a path that there is can be asked; none: there is no such path.
fn allowed(parts: &[&str]) -> Option<String> {
    document::methods(&format!("/api/v1/{}", parts.join("/")))
}

/// 404.
fn unknown(what: &str) -> Reply {
    problem(StatusCode::NOT_FOUND, "Not found", &format!("there is no such {what}"))
}

/// 500.
fn ours(error: &dyn std::error::Error) -> Reply {
    tracing::error!(%error, "an API request could not be answered");
    problem(StatusCode::INTERNAL_SERVER_ERROR, "Our mistake", "it is in the server's log")
}

/// A body as JSON.
fn json<T: serde::de::DeserializeOwned>(body: &[u8]) -> Result<T, Reply> {
    serde_json::from_slice(body).map_err(|e| bad(&format!("the body is not what was expected: {e}")))
}
