//! One connection's input and output: the limits on time, and the FLV that goes out.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::time::timeout;

use super::flv::{self, Contents};
use super::session::{Event, Session};
use super::{End, Publish, RtmpError};

/// For the handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// From the first moment until the encoder is admitted.
const PUBLISH: Duration = Duration::from_secs(20);
/// Without a byte from an encoder that publishes.
const IDLE: Duration = Duration::from_secs(15);
/// For the sink or the peer to take any bytes.
const STALL: Duration = Duration::from_secs(5);
/// For the peer to close after the last answer.
const LINGER: Duration = Duration::from_secs(2);
/// Read at once, in bytes.
const BUFFER: usize = 32 * 1024;

/// Serves one connection until it ends. When the encoder has said what it
/// wants to publish, `admit` answers with where that goes, or with none: then
/// the encoder is refused (`NetStream.Publish.BadName`, Adobe RTMP 1.0
/// §7.2.2.6). From then on the sink gets FLV (Adobe FLV v10.1 Annex E): the
/// header, then each message as a tag with the encoder's timestamp in
/// milliseconds modulo 2^32, flushed one by one. The sink is shut down at the end.
///
/// Keys are for `admit` to compare, in constant time. How many connections
/// there are at the same time is the caller's to limit: one may hold 128 KiB of
/// unfinished messages before it is admitted, and 16 MiB afterwards.
///
/// # Errors
/// What the peer did wrong, or that the sink took no bytes for 5 s or failed;
/// see [`RtmpError`]. A connection that ends while it publishes is none, see [`End`].
pub async fn serve<S, F, A, W>(stream: S, from: SocketAddr, admit: F) -> Result<End, RtmpError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
    F: FnOnce(Publish) -> A + Send,
    A: Future<Output = Option<W>> + Send,
    W: AsyncWrite + Unpin + Send,
{
    let mut link = Link { stream, session: Session::new(), buffer: vec![0; BUFFER] };
    let opened = timeout(PUBLISH, open(&mut link, from, admit));
    let end = match opened.await.map_err(|_| RtmpError::PublishTimeout)?? {
        Opened::Not(end) => end,
        Opened::For(mut sink) => {
            let ended = hand_on(&mut link, &mut sink).await;
            // The end is what it is, whether or not the sink still takes this.
            let _ = timeout(STALL, sink.shutdown()).await;
            ended?
        }
    };
    if matches!(end, End::Unpublished | End::Refused | End::Play) {
        link.part().await;
    }
    Ok(end)
}

enum Opened<W> {
    For(W),
    Not(End),
}

async fn open<S, F, A, W>(link: &mut Link<S>, from: SocketAddr, admit: F) -> Result<Opened<W>, RtmpError>
where
    S: AsyncRead + AsyncWrite + Unpin,
    F: FnOnce(Publish) -> A,
    A: Future<Output = Option<W>>,
{
    timeout(HANDSHAKE, link.shake()).await.map_err(|_| RtmpError::HandshakeTimeout)??;
    loop {
        match link.next(PUBLISH).await? {
            Next::Event(Event::Publish { app, key }) => {
                let Some(sink) = admit(Publish { app, key, from }).await else {
                    link.session.refuse("the key is wrong, or the stream is being published already");
                    link.flush().await?;
                    return Ok(Opened::Not(End::Refused));
                };
                link.session.accept();
                return Ok(Opened::For(sink));
            }
            Next::Event(Event::Play) => return Ok(Opened::Not(End::Play)),
            // Neither comes before the encoder is admitted.
            Next::Event(Event::Tag { .. } | Event::Finished) => {}
            Next::Idle => return Err(RtmpError::PublishTimeout),
            Next::Closed => return Err(RtmpError::Closed),
        }
    }
}

async fn hand_on<S, W>(link: &mut Link<S>, sink: &mut W) -> Result<End, RtmpError>
where
    S: AsyncRead + AsyncWrite + Unpin,
    W: AsyncWrite + Unpin,
{
    let mut begun = false;
    loop {
        let (kind, timestamp, body) = match link.next(IDLE).await {
            Ok(Next::Event(Event::Tag { kind, timestamp, body })) => (kind, timestamp, body),
            Ok(Next::Event(Event::Finished)) => return Ok(End::Unpublished),
            Ok(Next::Event(Event::Play)) => return Ok(End::Play),
            // Not while there is one, says the session.
            Ok(Next::Event(Event::Publish { .. })) => continue,
            Ok(Next::Idle) => return Ok(End::Idle),
            Ok(Next::Closed) | Err(RtmpError::Io(_)) => return Ok(End::Disconnected),
            Err(error) => return Err(error),
        };
        if !begun {
            begun = true;
            put(sink, &flv::header(Contents::told_by(kind, &body))).await?;
        }
        put(sink, &flv::tag(kind, timestamp, &body)).await?;
    }
}

/// Writes all, as long as some is taken in time.
async fn put<W: AsyncWrite + Unpin>(sink: &mut W, mut bytes: &[u8]) -> Result<(), RtmpError> {
    while !bytes.is_empty() {
        let written = timeout(STALL, sink.write(bytes)).await.map_err(|_| RtmpError::SinkStalled)?;
        match written.map_err(RtmpError::Sink)? {
            0 => return Err(RtmpError::Sink(io::ErrorKind::WriteZero.into())),
            n => bytes = &bytes[n..],
        }
    }
    let flushed = timeout(STALL, sink.flush()).await.map_err(|_| RtmpError::SinkStalled)?;
    flushed.map_err(RtmpError::Sink)
}

enum Next {
    Event(Event),
    Idle,
    Closed,
}

struct Link<S> {
    stream: S,
    session: Session,
    buffer: Vec<u8>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Link<S> {
    async fn shake(&mut self) -> Result<(), RtmpError> {
        loop {
            let done = self.session.shake()?;
            self.flush().await?;
            if done {
                return Ok(());
            }
            if self.fill().await? == 0 {
                return Err(RtmpError::Closed);
            }
        }
    }

    /// The next event, or that no byte came for `idle`.
    async fn next(&mut self, idle: Duration) -> Result<Next, RtmpError> {
        loop {
            let event = self.session.next()?;
            match (self.flush().await, event) {
                (Err(error @ RtmpError::PeerStalled), _) | (Err(error), None) => return Err(error),
                // Who leaves without reading the answers may have sent more before.
                (_, Some(event)) => return Ok(Next::Event(event)),
                (Ok(()), None) => {}
            }
            match timeout(idle, self.fill()).await {
                Err(_) => return Ok(Next::Idle),
                Ok(Ok(0)) => return Ok(Next::Closed),
                Ok(filled) => filled?,
            };
        }
    }

    async fn fill(&mut self) -> io::Result<usize> {
        let length = self.stream.read(&mut self.buffer).await?;
        self.session.feed(&self.buffer[..length]);
        Ok(length)
    }

    async fn flush(&mut self) -> Result<(), RtmpError> {
        let output = self.session.take_output();
        if output.is_empty() {
            return Ok(());
        }
        let sent = async {
            self.stream.write_all(&output).await?;
            self.stream.flush().await
        };
        Ok(timeout(STALL, sent).await.map_err(|_| RtmpError::PeerStalled)??)
    }

    /// Leaves it to the peer to close, so that it reads the last answer first;
    /// rtmp2sink reports an error when it is not the one to close.
    async fn part(mut self) {
        let closed = async { while matches!(self.stream.read(&mut self.buffer).await, Ok(1..)) {} };
        let _ = timeout(LINGER, closed).await;
    }
}
