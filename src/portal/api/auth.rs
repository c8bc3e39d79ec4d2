//! Who asks: the token of another system, and what it is good for.

use hyper::{StatusCode, header};
use jiff::Timestamp;

use crate::people::{AccountState, ApiToken, AuditEntry, TokenScope};
use crate::portal::reply::{Reply, problem};
use crate::portal::state::Portal;

use super::{ApiRequest, ours};

/// The token of a request, which is good for what it asks.
pub(super) async fn holder(
    portal: &Portal,
    request: &ApiRequest<'_>,
    scope: TokenScope,
) -> Result<ApiToken, Reply> {
    token(portal, request.bearer, request.now, scope).await
}

/// The token `bearer`, which is good for `scope` at `now`.
pub(super) async fn token(
    portal: &Portal,
    bearer: Option<&str>,
    now: Timestamp,
    scope: TokenScope,
) -> Result<ApiToken, Reply> {
    let refused = |detail: &str| {
        let challenge = format!("Bearer scope=\"{}\"", scope.as_str());
        problem(StatusCode::UNAUTHORIZED, "No token", detail).with(header::WWW_AUTHENTICATE, challenge)
    };
    let Some(hash) = bearer.and_then(ApiToken::lookup) else {
        return Err(refused(
            "expected `Authorization: Bearer yj_…` with a token from the office's page of tokens",
        ));
    };
    let found = portal.store.token(hash).await.map_err(|e| ours(&e))?;
    let token = match found {
        Some((token, account)) if token.holds(now) && account.state == AccountState::Active => token,
        _ => return Err(refused("this token is not known, was withdrawn, or has expired")),
    };
    if token.is_stale(now) {
        portal.store.touch_token(token.hash, now).await.map_err(|e| ours(&e))?;
    }
    if !token.scopes.contains(&scope) {
        let detail = format!("this token is not good for {}", scope.as_str());
        return Err(problem(StatusCode::FORBIDDEN, "Not allowed", &detail));
    }
    Ok(token)
}

/// What the audit log says of a request.
pub(super) fn entry(request: &ApiRequest<'_>, token: &ApiToken, what: &str, subject: String) -> AuditEntry {
    AuditEntry {
        at: request.now,
        who: Some(token.account.clone()),
        via: token.name.clone(),
        what: what.to_owned(),
        subject,
        before: String::new(),
        after: String::new(),
    }
}
