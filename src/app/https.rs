//! Asking other servers: over TLS with the system's roots, or plain in inner networks.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::header::CONTENT_TYPE;
use hyper::{Request, StatusCode};
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;

/// Longest time for an answer.
const PATIENCE: Duration = Duration::from_secs(20);
/// Largest answer, bytes.
const LARGEST: usize = 64 << 10;

/// Posts `body`; what was answered, as text.
pub(super) async fn post(url: &str, kind: &str, body: String) -> anyhow::Result<(StatusCode, String)> {
    let request = Request::post(url).header(CONTENT_TYPE, kind).body(Full::new(Bytes::from(body)))?;
    let connector = HttpsConnectorBuilder::new().with_native_roots()?.https_or_http().enable_http1().build();
    let client = Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build(connector);
    let answered = async {
        let answer = client.request(request).await?;
        let status = answer.status();
        let body = Limited::new(answer.into_body(), LARGEST).collect().await;
        let body = body.map_err(anyhow::Error::from_boxed)?.to_bytes();
        anyhow::Ok((status, String::from_utf8_lossy(&body).into_owned()))
    };
    let late = |_| anyhow::anyhow!("no answer within {} s", PATIENCE.as_secs());
    tokio::time::timeout(PATIENCE, answered).await.map_err(late)?
}
