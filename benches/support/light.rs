//! A client over TLS that takes less of a core than a server does.
//!
//! With a core each, wrk is done before a server is: a playlist over TLS costs it about 12 µs, and
//! its own speed is all that can be seen. This one asks as wrk does, on each of its connections one
//! question after the other, and takes three quarters of that.

use std::io::{BufRead as _, ErrorKind, Write as _};
use std::net::{IpAddr, Ipv4Addr, TcpStream};
use std::os::fd::AsFd as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags};
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore};

/// As many as wrk is given.
const CONNECTIONS: usize = 64;
/// Longest silence, ms.
const PATIENCE: u16 = 10_000;

/// Answers a second that it gets from `url`, `https://127.0.0.1:PORT/PATH`, in `seconds`: all of
/// them 200, and whole. `chain` is the server's certificate, PEM.
pub(crate) fn answers_by_tls(url: &str, chain: &Path, seconds: u32) -> f64 {
    let (host, path) =
        url.strip_prefix("https://").and_then(|u| u.split_once('/')).expect("https://HOST/PATH");
    let question = format!("GET /{path} HTTP/1.1\r\nHost: {host}\r\n\r\n").into_bytes();
    let config = Arc::new(trusting(chain));
    let mut connections: Vec<_> = (0..CONNECTIONS).map(|_| Connection::new(host, &config)).collect();
    let epoll = Epoll::new(EpollCreateFlags::empty()).expect("epoll");
    for (n, connection) in connections.iter_mut().enumerate() {
        let event = EpollEvent::new(EpollFlags::EPOLLIN, n as u64);
        epoll.add(connection.stream.as_fd(), event).expect("to wait for it");
        connection.ask(&question);
    }
    let (begun, mut answers) = (Instant::now(), 0u32);
    let mut events = [EpollEvent::empty(); CONNECTIONS];
    while begun.elapsed() < Duration::from_secs(seconds.into()) {
        let ready = epoll.wait(&mut events, PATIENCE).expect("epoll");
        assert_ne!(ready, 0, "{host} says nothing");
        for event in &events[..ready] {
            let connection = &mut connections[event.data() as usize];
            if connection.is_answered() {
                answers += 1;
                connection.ask(&question);
            }
        }
    }
    f64::from(answers) / begun.elapsed().as_secs_f64()
}

/// Trusts the certificate in `chain` alone.
fn trusting(chain: &Path) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(chain).expect("certificates") {
        roots.add(certificate.expect("a certificate")).expect("a certificate");
    }
    ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth()
}

/// A connection with one question under way.
struct Connection {
    stream: TcpStream,
    tls: ClientConnection,
    /// What has come of the answer's head; empty once all has.
    head: Vec<u8>,
    /// What has yet to come of its body; none: its head has not come yet.
    body: Option<usize>,
}

impl Connection {
    fn new(host: &str, config: &Arc<ClientConfig>) -> Self {
        let mut stream = TcpStream::connect(host).expect(host);
        stream.set_nodelay(true).expect("a socket");
        let name = ServerName::IpAddress(IpAddr::V4(Ipv4Addr::LOCALHOST).into());
        let mut tls = ClientConnection::new(Arc::clone(config), name).expect("a client");
        while tls.is_handshaking() {
            tls.complete_io(&mut stream).expect("a greeting");
        }
        stream.set_nonblocking(true).expect("a socket");
        Self { stream, tls, head: Vec::new(), body: None }
    }

    fn ask(&mut self, question: &[u8]) {
        self.tls.writer().write_all(question).expect("room");
        while self.tls.wants_write() {
            // The socket is empty: what was asked before is answered.
            self.tls.write_tls(&mut self.stream).expect("a line");
        }
    }

    /// Takes what has come. True: the answer is whole.
    fn is_answered(&mut self) -> bool {
        match self.tls.read_tls(&mut self.stream) {
            Ok(bytes) => assert_ne!(bytes, 0, "the server hung up"),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return false,
            Err(error) => panic!("{error}"),
        }
        self.tls.process_new_packets().expect("TLS");
        let mut reader = self.tls.reader();
        while let Ok(piece) = reader.fill_buf() {
            assert!(!piece.is_empty(), "the server hung up");
            let length = piece.len();
            match &mut self.body {
                Some(rest) => *rest -= length,
                None => {
                    self.head.extend_from_slice(piece);
                    self.body = body_to_come(&self.head);
                }
            }
            reader.consume(length);
        }
        let whole = self.body == Some(0);
        if whole {
            self.head.clear();
            self.body = None;
        }
        whole
    }
}

/// Bytes that have yet to come after `answer`; none: not even all of its head is there.
fn body_to_come(answer: &[u8]) -> Option<usize> {
    let end = answer.windows(4).position(|w| w == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&answer[..end]).expect("a head in ASCII");
    assert!(head.starts_with("HTTP/1.1 200 "), "not everything was answered with 200:\n{head}");
    let mut fields = head.lines().filter_map(|line| line.split_once(": "));
    let length = fields.find(|(name, _)| name.eq_ignore_ascii_case("content-length")).expect("a length").1;
    Some(length.parse::<usize>().expect("a number") - (answer.len() - end - 4))
}
