//! Writes that are done once: `Idempotency-Key`, as the HTTP API working group
//! of the IETF describes it (draft-ietf-httpapi-idempotency-key-header).

use bytes::Bytes;
use hyper::StatusCode;
use sha2::{Digest as _, Sha256};
use utoipa::IntoParams;

use crate::portal::reply::{Reply, problem};
use crate::portal::state::Portal;
use crate::store::Begun;

use super::query::bad;
use super::{ApiRequest, ours};

/// The header.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "describes the header for the document")]
pub(super) struct OnceHeader {
    /// Names the request of who sends a token; without one it says nothing: sent again within a day, it is not done again, and the first answer comes back.
    #[param(rename = "Idempotency-Key", min_length = 1, max_length = 200, pattern = "^[!-~]+$")]
    key: Option<String>,
}

const LONGEST: usize = 200;

/// Runs `work`, or answers what it answered before.
pub(super) async fn once(
    portal: &Portal,
    request: &ApiRequest<'_>,
    work: impl Future<Output = Result<Reply, Reply>>,
) -> Result<Reply, Reply> {
    // Whoever says nothing of himself would share his keys, and so his answers, with everybody.
    let (Some(key), Some(bearer)) = (request.key, request.bearer) else { return work.await };
    if key.is_empty() || key.len() > LONGEST || !key.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(bad("Idempotency-Key: expected 1 to 200 visible ASCII characters"));
    }
    let owner: [u8; 32] = Sha256::digest(bearer).into();
    let name = (owner, key.to_owned());
    let mut print = Sha256::new();
    for part in [request.method.as_str().as_bytes(), request.path.as_bytes(), &request.body] {
        print.update((part.len() as u64).to_be_bytes());
        print.update(part);
    }
    match portal.store.begin_once(name.clone(), print.finalize().into(), request.now).await {
        Err(error) => return Err(ours(&error)),
        Ok(Begun::New) => {}
        Ok(Begun::Done { status, body }) => {
            let mut reply = Reply::ok("application/json", Bytes::from(body));
            reply.status = StatusCode::from_u16(status).unwrap_or_default();
            return Ok(reply);
        }
        Ok(Begun::Other) => {
            let detail = "this Idempotency-Key was used for another request: use a new one";
            return Err(problem(StatusCode::UNPROCESSABLE_ENTITY, "Key used before", detail));
        }
        Ok(Begun::Open) => {
            let detail =
                "a request with this Idempotency-Key has begun and not ended: look whether it was done";
            return Err(problem(StatusCode::CONFLICT, "Not known yet", detail));
        }
    }
    let result = work.await;
    // What failed may be tried again under the same key.
    let answer = result.as_ref().ok().map(|reply| (reply.status.as_u16(), reply.body.to_vec()));
    portal.store.end_once(name, answer).await.map_err(|e| ours(&e))?;
    result
}
