//! The HTTP server: accepting, limits, draining.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use hyper::body::{Body as _, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::TcpListener;

use crate::base::Shutdown;
use crate::config::HttpLimits;

use super::body::Body;
use super::timed::{Received, Timed};

/// Answers requests.
pub trait Handler: Clone + Send + Sync + 'static {
    /// Answers one.
    fn call(
        &self,
        request: Request<Incoming>,
        peer: SocketAddr,
    ) -> impl Future<Output = Response<Body>> + Send;
}

/// Number of connections open now.
#[derive(Debug, Clone, Default)]
pub struct Connections(Arc<AtomicUsize>);

impl Connections {
    /// How many.
    pub fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

struct Counted(Connections);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Serves until `stop`, then lets requests under way finish, at most for the
/// drain timeout.
pub async fn serve(
    listener: TcpListener,
    handler: impl Handler,
    limits: HttpLimits,
    connections: Connections,
    stop: Shutdown,
) {
    let mut http = http1::Builder::new();
    // `Timed` sets the limits on time: a second timer for each request would only cost.
    http.header_read_timeout(None).max_buf_size(limits.max_header_bytes.max(8192)).half_close(false);
    let graceful = GracefulShutdown::new();
    loop {
        let accepted = tokio::select! {
            () = stop.wait() => break,
            accepted = listener.accept() => accepted,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of descriptors, mostly: those in use free some soon.
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                continue;
            }
        };
        if connections.0.fetch_add(1, Ordering::Relaxed) >= limits.max_connections {
            connections.0.fetch_sub(1, Ordering::Relaxed);
            tracing::warn!(%peer, "refused: {} connections are open already", limits.max_connections);
            continue;
        }
        let counted = Counted(connections.clone());
        // Small answers should not wait for a full packet; failing that they are only slower.
        let _ = stream.set_nodelay(true);
        let received = Received::default();
        let timed = Timed::new(stream, limits.idle_timeout, limits.header_timeout, received.clone());
        let io = TokioIo::new(timed);
        let handler = handler.clone();
        let service = service_fn(move |mut request: Request<Incoming>| {
            let handler = handler.clone();
            if request.body().is_end_stream() {
                received.whole();
            } else {
                // Who reads the body says when.
                request.extensions_mut().insert(received.clone());
            }
            async move { Ok::<_, Infallible>(handler.call(request, peer).await) }
        });
        let connection = graceful.watch(http.serve_connection(io, service));
        tokio::spawn(async move {
            // Peers that vanish or dawdle are no news.
            if let Err(error) = connection.await {
                tracing::debug!(%peer, %error, "a connection ended");
            }
            drop(counted);
        });
    }
    drop(listener);
    tokio::select! {
        () = graceful.shutdown() => {}
        () = tokio::time::sleep(limits.drain_timeout) => {
            tracing::warn!("some connections did not end within the drain timeout");
        }
    }
}
