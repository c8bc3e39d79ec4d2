//! `POST /api/v1/chains`: playbacks of devices that have no line for a while.

use hyper::StatusCode;
use hyper::header;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::base::LessonId;
use crate::delivery::DeskError;
use crate::portal::reply::{Reply, problem};
use crate::portal::state::Portal;

use super::model::Problem;
use super::query::bad;
use super::{ApiRequest, json, ours, unknown};

/// A lesson that a terminal takes along.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct Begin {
    /// The lesson.
    #[schema(value_type = String)]
    lesson: LessonId,
    /// The version that it took: the beginning of its content hash, as its segments' addresses have it. Without: the one on offer.
    #[schema(pattern = "^[0-9a-f]{12}$")]
    version: Option<String>,
    /// The device's public key: a point of P-256, uncompressed (65 bytes), base64url without padding.
    key: String,
    /// What its clock says, ms of the epoch.
    #[schema(minimum = 0, maximum = 7258118400000_i64)]
    wall_ms: i64,
}

/// A chain that was begun.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Begun {
    /// Its name.
    chain: String,
    /// What its first link follows: its SHA-256 is that link's `prev`.
    anchor: String,
}

/// What became of each chain.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Taken {
    /// In the order in which they came.
    chains: Vec<TakenChain>,
}

/// One of them.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TakenChain {
    /// Its name.
    chain: String,
    /// How many links came.
    links: usize,
    /// Seconds that were credited as sealed, apart from all others.
    sealed_s: i64,
    /// Why it was not taken; null: it was.
    refused: Option<String>,
}

/// Begins a chain for a lesson that a terminal takes along; stored before it is answered. Away, the device signs a link for each beat: the JSON text `{"prev": HASH, "beat": BEAT}`, `HASH` being the hexadecimal SHA-256 of the link before.
#[utoipa::path(post, path = "/api/v1/chains", tag = "playing", request_body = Begin,
    security(("terminal" = [])), responses(
    (status = 201, description = "It is begun", body = Begun),
    (status = 400, description = "The body is wrong", body = Problem, content_type = "application/problem+json"),
    (status = 401, description = "No terminal holds that token", body = Problem, content_type = "application/problem+json"),
    (status = 404, description = "There is no such lesson", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn begin(portal: &Portal, request: &ApiRequest<'_>) -> Result<Reply, Reply> {
    let Begin { lesson, version, key, wall_ms } = json(&request.body)?;
    if version.as_deref().is_some_and(|v| !is_version(v)) {
        return Err(bad("version: expected 12 hexadecimal digits, as segments' addresses have them"));
    }
    let stranger = |e: &DeskError| {
        problem(StatusCode::UNAUTHORIZED, "Unknown terminal", &e.to_string())
            .with(header::WWW_AUTHENTICATE, "Bearer")
    };
    let token = request.bearer.unwrap_or_default();
    let begun = portal.desk.begin_chain((lesson, version.as_deref()), token, (key, wall_ms), request.now);
    let chain = begun.map_err(|e| match e {
        DeskError::UnknownToken => stranger(&e),
        DeskError::UnknownItem => unknown("lesson"),
        DeskError::NoRandomness => ours(&e),
    })?;
    chain.check().map_err(|e| bad(&e.to_string()))?;
    let answer = Begun { chain: chain.id.to_string(), anchor: chain.anchor() };
    portal.store.begin_chain(chain).await.map_err(|e| ours(&e))?;
    Ok(Reply::json(&answer).with_status(StatusCode::CREATED))
}

fn is_version(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

/// Seals chains: a line `{"chain": ID}` for each, then a line `{"link": TEXT, "sig": SIGNATURE}` for each of its links (ECDSA on P-256 with SHA-256 over TEXT, 64 bytes, base64url). What was taken is on disk. All of a chain is sent each time; what was sealed before is not taken again.
#[utoipa::path(post, path = "/api/v1/chains/seal", tag = "playing",
    request_body(content = String, content_type = "text/plain"), security(()), responses(
    (status = 200, description = "What became of each", body = Taken),
    (status = 400, description = "The text is not one of chains", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn seal(portal: &Portal, request: &ApiRequest<'_>) -> Result<Reply, Reply> {
    let told = portal.take_chains(&request.body, request.now).await.map_err(|e| ours(&e))?;
    let told = told.map_err(|e| bad(&e.to_string()))?;
    let chains = told.into_iter().map(|t| TakenChain {
        chain: t.chain,
        links: t.links,
        sealed_s: t.sealed_ms.map_or(0, |ms| ms / 1000),
        refused: t.sealed_ms.err().map(|why| why.to_string()),
    });
    Ok(Reply::json(&Taken { chains: chains.collect() }))
}
