//! The HTTP server: accepting, limits, draining.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::{Body as _, Incoming};
use hyper::header::{FORWARDED, HOST, HeaderValue};
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper::{Request, Response, Version};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::base::Shutdown;
use crate::config::HttpLimits;

use super::body::Body;
use super::connections::{Connections, Counted};
use super::timed::{Received, Timed};
use super::tls::Certificate;

/// Requests of one connection that are answered at once, by HTTP/2.
const STREAMS: u32 = 128;
/// What is put into the buffer of one of them before its peer has taken any.
const BUFFER: usize = 256 << 10;

/// Answers requests.
pub trait Handler: Send + Sync + 'static {
    /// Answers one. Its `Forwarded` header is its sender's word until [`Peer::vouch`] has put the
    /// server's own in its place.
    fn call(&self, request: Request<Incoming>, peer: Peer) -> impl Future<Output = Response<Body>> + Send;
}

/// Who asks.
#[derive(Debug, Clone, Copy)]
pub struct Peer {
    /// Where from.
    pub address: SocketAddr,
    /// Over TLS.
    pub tls: bool,
}

impl Peer {
    /// Puts the server's own word of how a request came in the place of its sender's: `Forwarded:
    /// proto=https` where it came over TLS, none where it did not. A host that HTTP/2 names
    /// elsewhere (RFC 9113 section 8.3.1) stands where HTTP/1.1 has it.
    pub fn vouch(&self, request: &mut Request<Incoming>) {
        if request.version() == Version::HTTP_2
            && let Some(host) = request.uri().authority().and_then(|a| HeaderValue::from_str(a.as_str()).ok())
        {
            request.headers_mut().insert(HOST, host);
        }
        match self.tls {
            true => drop(request.headers_mut().insert(FORWARDED, HeaderValue::from_static("proto=https"))),
            false => drop(request.headers_mut().remove(FORWARDED)),
        }
    }
}

/// Where requests come in.
#[derive(Debug)]
pub struct Doors {
    /// As they are.
    pub plain: TcpListener,
    /// Over TLS.
    pub tls: Option<(TcpListener, Certificate)>,
}

/// Serves until `stop`, then lets requests under way finish, at most for the
/// drain timeout.
pub async fn serve(
    doors: Doors,
    handler: impl Handler,
    limits: HttpLimits,
    connections: Connections,
    stop: Shutdown,
) {
    let graceful = GracefulShutdown::new();
    let acceptor = doors.tls.as_ref().map(|(_, certificate)| certificate.acceptor()).transpose();
    let acceptor = acceptor.unwrap_or_else(|error| {
        tracing::error!(%error, "TLS cannot be offered");
        None
    });
    let hall = Hall { handler: Arc::new(handler), limits, connections, acceptor };
    loop {
        let (accepted, tls) = tokio::select! {
            () = stop.wait() => break,
            accepted = doors.plain.accept() => (accepted, false),
            accepted = accept(doors.tls.as_ref()), if hall.acceptor.is_some() => (accepted, true),
        };
        match accepted {
            Ok((stream, peer)) => hall.let_in(stream, peer, tls, graceful.watcher()),
            Err(error) => {
                // Out of descriptors, mostly: those in use free some soon.
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
    drop(doors);
    let drain = hall.limits.drain_timeout;
    drop(hall);
    tokio::select! {
        () = graceful.shutdown() => {}
        () = tokio::time::sleep(drain) => {
            tracing::warn!("some connections did not end within the drain timeout");
        }
    }
}

async fn accept(door: Option<&(TcpListener, Certificate)>) -> std::io::Result<(TcpStream, SocketAddr)> {
    match door {
        Some((listener, _)) => listener.accept().await,
        None => std::future::pending().await,
    }
}

/// What connections share.
struct Hall<H> {
    handler: Arc<H>,
    limits: HttpLimits,
    connections: Connections,
    acceptor: Option<TlsAcceptor>,
}

impl<H: Handler> Hall<H> {
    fn let_in(&self, stream: TcpStream, peer: SocketAddr, tls: bool, watcher: Watcher) {
        let (most, from_one) = (self.limits.max_connections, self.limits.max_connections_from_one);
        let counted = match self.connections.one_more(peer.ip(), most, from_one) {
            Ok(counted) => counted,
            Err(full) => {
                tracing::warn!(%peer, "refused: {full}");
                return;
            }
        };
        // Small answers should not wait for a full packet; failing that they are only slower.
        let _ = stream.set_nodelay(true);
        let acceptor = self.acceptor.clone().filter(|_| tls);
        let guest =
            Guest { handler: Arc::clone(&self.handler), limits: self.limits.clone(), watcher, peer, counted };
        match acceptor {
            None => drop(tokio::spawn(guest.plain(stream))),
            Some(acceptor) => drop(tokio::spawn(guest.by_tls(stream, acceptor))),
        }
    }
}

/// One connection.
struct Guest<H> {
    handler: Arc<H>,
    limits: HttpLimits,
    watcher: Watcher,
    peer: SocketAddr,
    counted: Counted,
}

impl<H: Handler> Guest<H> {
    async fn plain(self, stream: TcpStream) {
        let received = Received::default();
        let limits = &self.limits;
        let timed = Timed::new(stream, limits.idle_timeout, limits.header_timeout, received.clone());
        self.http1(timed, received, false).await;
    }

    async fn by_tls(self, stream: TcpStream, acceptor: TlsAcceptor) {
        let (peer, limits) = (self.peer, &self.limits);
        let received = Received::default();
        let timed = Timed::new(stream, limits.idle_timeout, limits.header_timeout, received.clone());
        let greeted = tokio::time::timeout(limits.header_timeout, acceptor.accept(timed)).await;
        let mut stream = match greeted {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => return tracing::debug!(%peer, %error, "a greeting failed"),
            Err(_) => return tracing::debug!(%peer, "a greeting took too long"),
        };
        if stream.get_ref().1.alpn_protocol() == Some(b"h2") {
            stream.get_mut().0.of_many();
            self.http2(stream).await;
        } else {
            self.http1(stream, received, true).await;
        }
    }

    async fn http1(
        self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        received: Received,
        tls: bool,
    ) {
        let Self { handler, limits, watcher, peer: address, counted } = self;
        let peer = Peer { address, tls };
        let mut http = http1::Builder::new();
        // `Timed` sets the limits on time: a second timer for each request would only cost.
        http.header_read_timeout(None).max_buf_size(limits.max_header_bytes.max(8192)).half_close(false);
        let service = service_fn(move |mut request: Request<Incoming>| {
            let handler = Arc::clone(&handler);
            if request.body().is_end_stream() {
                received.whole();
            } else {
                // Who reads the body says when.
                request.extensions_mut().insert(received.clone());
            }
            async move { Ok::<_, Infallible>(handler.call(request, peer).await) }
        });
        // Peers that vanish or dawdle are no news.
        if let Err(error) = watcher.watch(http.serve_connection(TokioIo::new(stream), service)).await {
            tracing::debug!(peer = %address, %error, "a connection ended");
        }
        drop(counted);
    }

    async fn http2(self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        let Self { handler, limits, watcher, peer: address, counted } = self;
        let peer = Peer { address, tls: true };
        let mut http = http2::Builder::new(TokioExecutor::new());
        http.timer(TokioTimer::new())
            .max_concurrent_streams(STREAMS)
            .max_send_buf_size(BUFFER)
            .max_header_list_size(u32::try_from(limits.max_header_bytes).unwrap_or(u32::MAX));
        let service = service_fn(move |request: Request<Incoming>| {
            let handler = Arc::clone(&handler);
            async move { Ok::<_, Infallible>(handler.call(request, peer).await) }
        });
        if let Err(error) = watcher.watch(http.serve_connection(TokioIo::new(stream), service)).await {
            tracing::debug!(peer = %address, %error, "a connection ended");
        }
        drop(counted);
    }
}
