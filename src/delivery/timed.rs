//! A connection that does not wait for ever.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Sleep;

use crate::base::instant;

/// What the connection waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Waiting {
    /// The first byte of all: the shorter of both limits.
    Greeting,
    /// The rest of a request that began: `request`, from its first byte, however slowly more come.
    Rest,
    /// The rest of a body that is taken as it comes: `idle`, again from each step forward.
    Body,
    /// Anything, of many requests at once (HTTP/2): `idle`, again from each step forward.
    Many,
    /// The answer, the peer to take it, and his next request: `idle`, again from each step forward.
    Answer,
}

/// Told when a request has come in whole: from then on the peer waits for us,
/// and how long that takes is no fault of his.
#[derive(Debug, Clone, Default)]
pub struct Received(Arc<AtomicU8>);

const NOT_YET: u8 = 0;
const AS_IT_COMES: u8 = 1;
const WHOLE: u8 = 2;

impl Received {
    /// It has come in whole.
    pub fn whole(&self) {
        self.0.store(WHOLE, Ordering::Relaxed);
    }

    /// Its body may take as long as it likes, if only something comes.
    pub fn as_it_comes(&self) {
        self.0.store(AS_IT_COMES, Ordering::Relaxed);
    }

    fn not_yet(&self) {
        self.0.store(NOT_YET, Ordering::Relaxed);
    }

    fn is(&self) -> u8 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A TCP stream with limits on silence and on slow requests. The peer that
/// exceeds one is hung up on.
#[derive(Debug)]
pub(super) struct Timed {
    stream: TcpStream,
    idle: Duration,
    request: Duration,
    waiting: Waiting,
    received: Received,
    /// The peer has done something that `since` does not know yet.
    moved: bool,
    /// What the limit counts from. Of a request the instant of its first byte; of silence the last
    /// look at the clock before which there was none: a tick too late at most.
    since: Instant,
    /// The next look at the clock, at most a tick ahead.
    tick: Pin<Box<Sleep>>,
}

impl Timed {
    pub(super) fn new(stream: TcpStream, idle: Duration, request: Duration, received: Received) -> Self {
        let since = instant();
        let tick = Box::pin(tokio::time::sleep_until((since + request.min(idle)).into()));
        Self { stream, idle, request, waiting: Waiting::Greeting, received, moved: false, since, tick }
    }

    /// From now on there are many requests at once on it.
    pub(super) fn of_many(&mut self) {
        self.moved_to(Waiting::Many);
    }

    fn moved_to(&mut self, waiting: Waiting) {
        // Whatever was said of the request before.
        self.received.not_yet();
        self.waiting = waiting;
        self.moved = true;
    }

    /// Called whenever the connection has to wait, so that the clock wakes it
    /// as the peer would. To set a timer for each request costs more than the
    /// request does: there is one that ticks, at least as often as the shorter
    /// limit is long, and finds out then whether there was silence.
    fn expired(&mut self, cx: &mut Context<'_>) -> bool {
        match (self.received.is(), self.waiting) {
            (WHOLE, Waiting::Rest | Waiting::Body) => {
                (self.waiting, self.moved) = (Waiting::Answer, true);
            }
            (AS_IT_COMES, Waiting::Rest) => (self.waiting, self.moved) = (Waiting::Body, true),
            _ => {}
        }
        if self.moved && self.waiting == Waiting::Rest {
            (self.since, self.moved) = (instant(), false);
        }
        while self.tick.as_mut().poll(cx).is_ready() {
            let now = instant();
            if std::mem::take(&mut self.moved) {
                self.since = now;
            }
            let shorter = self.request.min(self.idle);
            let due = self.since
                + match self.waiting {
                    Waiting::Greeting => shorter,
                    Waiting::Rest => self.request,
                    _ => self.idle,
                };
            if due <= now {
                return true;
            }
            self.tick.as_mut().reset(due.min(now + shorter).into());
        }
        false
    }
}

/// What is as short as a playlist with its head is handed to the kernel in one piece: to copy it
/// costs less than a list of pieces does.
const ONE_PIECE: usize = 2048;

fn too_slow() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, "the peer was silent for too long")
}

impl AsyncRead for Timed {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        match Pin::new(&mut self.stream).poll_read(cx, buf) {
            Poll::Ready(result) => {
                match self.waiting {
                    _ if buf.filled().len() == before => {}
                    Waiting::Rest => {}
                    Waiting::Body | Waiting::Many => self.moved = true,
                    Waiting::Greeting | Waiting::Answer => self.moved_to(Waiting::Rest),
                }
                Poll::Ready(result)
            }
            Poll::Pending if self.expired(cx) => Poll::Ready(Err(too_slow())),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl Timed {
    fn wrote(&mut self, cx: &mut Context<'_>, result: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        match result {
            // Of one of many; or "100 Continue": the rest of the body is still to come.
            Poll::Ready(Ok(n)) if self.waiting == Waiting::Many || self.received.is() == AS_IT_COMES => {
                self.moved = true;
                Poll::Ready(Ok(n))
            }
            Poll::Ready(Ok(n)) => {
                self.moved_to(Waiting::Answer);
                Poll::Ready(Ok(n))
            }
            Poll::Pending if self.expired(cx) => Poll::Ready(Err(too_slow())),
            other => other,
        }
    }
}

impl AsyncWrite for Timed {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write(cx, data);
        self.wrote(cx, result)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let length: usize = data.iter().map(|part| part.len()).sum();
        let result = if let [one] = data {
            Pin::new(&mut self.stream).poll_write(cx, one)
        } else if length <= ONE_PIECE {
            let mut piece = [0; ONE_PIECE];
            let mut rest = &mut piece[..];
            for part in data {
                let (filled, after) = rest.split_at_mut(part.len());
                filled.copy_from_slice(part);
                rest = after;
            }
            Pin::new(&mut self.stream).poll_write(cx, &piece[..length])
        } else {
            Pin::new(&mut self.stream).poll_write_vectored(cx, data)
        };
        self.wrote(cx, result)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
