//! Response bodies: whole in memory, and told when they have gone out.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::Stream;
use http_body_util::BodyExt;
use hyper::body::{Frame, SizeHint};

/// Runs when the last bytes were taken by the connection.
type Done = Box<dyn FnOnce() + Send + Sync>;

/// A body. Large ones are handed over in two parts: the second is asked for
/// when most of the first has left, which is when delivery is noted.
pub struct Body {
    parts: [Bytes; 2],
    done: Option<Done>,
    /// What follows later, for as long as it does.
    stream: Option<Later>,
}

/// Bytes that are not there yet.
type Later = Pin<Box<dyn Stream<Item = Bytes> + Send + Sync>>;

/// Length of the second part.
const TAIL: usize = 16 << 10;

impl Body {
    /// Nothing.
    pub fn empty() -> Self {
        Self::from(Bytes::new())
    }

    /// `bytes`, and `done` once they have gone out.
    pub(super) fn noted(bytes: Bytes, done: impl FnOnce() + Send + Sync + 'static) -> Self {
        let head = bytes.slice(..bytes.len().saturating_sub(TAIL));
        let tail = bytes.slice(head.len()..);
        Self { parts: [head, tail], done: Some(Box::new(done)), stream: None }
    }

    /// What `stream` brings, as it comes.
    pub fn stream(stream: impl Stream<Item = Bytes> + Send + Sync + 'static) -> Self {
        Self { parts: [Bytes::new(), Bytes::new()], done: None, stream: Some(Box::pin(stream)) }
    }

    /// All of it, for tests and for answers that are read again.
    pub async fn into_bytes(self) -> Bytes {
        match self.collect().await {
            Ok(all) => all.to_bytes(),
            Err(never) => match never {},
        }
    }
}

impl<T: Into<Bytes>> From<T> for Body {
    fn from(bytes: T) -> Self {
        Self { parts: [Bytes::new(), bytes.into()], done: None, stream: None }
    }
}

impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Body({} bytes)", self.parts[0].len() + self.parts[1].len())
    }
}

impl hyper::body::Body for Body {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        for i in 0..2 {
            let part = std::mem::take(&mut self.parts[i]);
            if !part.is_empty() {
                if i == 1
                    && let Some(done) = self.done.take()
                {
                    done();
                }
                return Poll::Ready(Some(Ok(Frame::data(part))));
            }
        }
        match self.stream.as_mut() {
            Some(stream) => stream.as_mut().poll_next(cx).map(|bytes| bytes.map(|b| Ok(Frame::data(b)))),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.stream.is_none() && self.parts.iter().all(Bytes::is_empty)
    }

    fn size_hint(&self) -> SizeHint {
        if self.stream.is_some() {
            return SizeHint::default();
        }
        SizeHint::with_exact((self.parts[0].len() + self.parts[1].len()) as u64)
    }
}
