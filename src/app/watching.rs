//! What is under review, from HTTP to who may see it.

use hyper::body::Incoming;
use hyper::{Method, Request, Response, StatusCode};
use jiff::Timestamp;

use crate::base::Lang;
use crate::delivery::Body;
use crate::portal::office::cookie_name;
use crate::portal::problem;

use super::answer::answer;
use super::asked::cookie;
use super::query::param;
use super::router::Router;

impl Router {
    /// A package that is being reviewed.
    pub(super) async fn watch(
        &self,
        request: &Request<Incoming>,
        rest: &str,
        now: Timestamp,
    ) -> Response<Body> {
        let (method, headers) = (request.method(), request.headers());
        let refuse = |status, detail: &str| answer(problem(status, "Not shown", detail), method);
        if !matches!(*method, Method::GET | Method::HEAD) {
            return refuse(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD are answered here");
        }
        let secure = self.base_url(headers).starts_with("https://");
        let Some(secret) = cookie(headers, cookie_name(secure)) else {
            return refuse(StatusCode::UNAUTHORIZED, "sign in first");
        };
        match self.portal.may_review(&secret, now).await {
            Ok(true) => {
                let query = request.uri().query().unwrap_or_default();
                let lang = param(query, "lang").and_then(|l| Lang::new(l).ok());
                self.delivery.preview(method, rest, lang.as_ref()).await
            }
            Ok(false) => refuse(StatusCode::FORBIDDEN, "your role does not see this"),
            Err(error) => {
                tracing::error!(%error, "who asks could not be looked up");
                refuse(StatusCode::INTERNAL_SERVER_ERROR, "who asks could not be looked up")
            }
        }
    }
}
