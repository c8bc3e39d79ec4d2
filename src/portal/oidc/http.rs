//! Asking the provider: over TLS, or on this machine; bounded in time and
//! size; no redirection is followed.

use std::pin::Pin;
use std::sync::OnceLock;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{Request, Response, Uri};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use openidconnect::AsyncHttpClient;

/// Longest time for one answer; somebody waits for it in front of a page.
const PATIENCE: Duration = Duration::from_secs(6);
/// Largest answer. What a provider says of itself has a few KiB, and so have its keys.
const LARGEST: usize = 256 << 10;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(in crate::portal) enum HttpError {
    #[error("{0} is neither https:// nor on this machine")]
    NotSafe(String),
    #[error("the system's root certificates cannot be read: {0}")]
    Roots(String),
    #[error("no answer within {} s", PATIENCE.as_secs())]
    Late,
    #[error("the answer cannot be read, or is over {} KiB", LARGEST >> 10)]
    Body,
    #[error("{}", chain(.0))]
    Request(hyper_util::client::legacy::Error),
}

type Tls = Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

/// A client that is made when it is needed first.
#[derive(Debug, Default)]
pub(super) struct Http {
    tls: OnceLock<Result<Tls, String>>,
}

impl Http {
    /// Asks, and waits for the whole answer.
    pub(super) async fn send(&self, request: Request<Vec<u8>>) -> Result<Response<Vec<u8>>, HttpError> {
        if !is_safe(request.uri()) {
            // Without its query, which may hold what nobody should read in a log.
            let host = request.uri().host().unwrap_or_default();
            return Err(HttpError::NotSafe(host.to_owned()));
        }
        let request = request.map(|body| Full::new(Bytes::from(body)));
        let asked = if request.uri().scheme_str() == Some("https") {
            let client = self.tls.get_or_init(with_roots).as_ref();
            client.map_err(|e| HttpError::Roots(e.clone()))?.request(request)
        } else {
            Client::builder(TokioExecutor::new()).build_http().request(request)
        };
        let answer = async {
            let (head, body) = asked.await.map_err(HttpError::Request)?.into_parts();
            let body = Limited::new(body, LARGEST).collect().await.map_err(|_| HttpError::Body)?;
            Ok(Response::from_parts(head, body.to_bytes().to_vec()))
        };
        tokio::time::timeout(PATIENCE, answer).await.map_err(|_| HttpError::Late)?
    }
}

impl<'c> AsyncHttpClient<'c> for Http {
    type Error = HttpError;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Vec<u8>>, HttpError>> + Send + 'c>>;

    fn call(&'c self, request: Request<Vec<u8>>) -> Self::Future {
        Box::pin(self.send(request))
    }
}

fn with_roots() -> Result<Tls, String> {
    let roots = HttpsConnectorBuilder::new().with_native_roots().map_err(|e| e.to_string())?;
    let connector = roots.https_only().enable_http1().build();
    // A few requests an hour: no connection is worth keeping, and none is found dead.
    Ok(Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build(connector))
}

/// True for an address that nobody on the way can read or change.
pub(super) fn is_safe(uri: &Uri) -> bool {
    let here = |host: &str| matches!(host, "127.0.0.1" | "localhost" | "[::1]");
    match uri.scheme_str() {
        Some("https") => uri.host().is_some(),
        Some("http") => uri.host().is_some_and(here),
        _ => false,
    }
}

/// An error with its causes: "connection refused" is never the first of them.
fn chain(error: &dyn std::error::Error) -> String {
    let mut said = error.to_string();
    let mut cause = error.source();
    while let Some(source) = cause {
        said = format!("{said}: {source}");
        cause = source.source();
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_asked_where_others_could_read_along() {
        let safe = |url: &str| is_safe(&url.parse().expect("an address"));
        assert!(safe("https://id.example/token") && safe("http://127.0.0.1:1/x") && safe("http://[::1]:1/"));
        assert!(!safe("http://id.example/token") && !safe("ftp://id.example/") && !safe("/token"));
    }
}
