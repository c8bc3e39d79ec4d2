//! `/log/…`: the log of evidence for machines.

use hyper::body::Incoming;
use hyper::{Method, Request, Response, StatusCode};
use jiff::Timestamp;

use crate::delivery::Body;
use crate::portal::problem;

use super::answer::answer;
use super::router::{Router, collect};

/// No checkpoint with its proof is larger.
const REQUEST: usize = 64 << 10;

impl Router {
    /// Answers what is asked of the log at `/log/<path>`.
    pub(super) async fn log(&self, request: Request<Incoming>, path: &str, now: Timestamp) -> Response<Body> {
        let (head, incoming) = request.into_parts();
        let reply = match (&head.method, path) {
            (&Method::POST, "add-checkpoint") => match collect(&head.extensions, incoming, REQUEST).await {
                Ok(body) => self.portal.witness(&body, now).await,
                Err(reply) => reply,
            },
            (&Method::GET | &Method::HEAD, _) => self.portal.log(path).await,
            _ => problem(
                StatusCode::METHOD_NOT_ALLOWED,
                "Method not allowed",
                "only GET and HEAD are answered here",
            ),
        };
        answer(reply, &head.method)
    }
}
