//! Taking in what encoders publish by RTMP (Adobe RTMP 1.0), as FLV.
//!
//! `session` and what it stands on take bytes in and give bytes and events
//! out; only `listener` does input and output. What video and audio messages
//! hold is not looked at, so codecs of Enhanced RTMP pass like any other.

use std::fmt;
use std::io;
use std::net::SocketAddr;

mod amf;
mod chunk;
mod flv;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod handshake;
mod listener;
mod session;

#[cfg(test)]
mod amf_tests;
#[cfg(test)]
mod chunk_tests;
#[cfg(test)]
mod encoder_tests;
#[cfg(test)]
mod listener_tests;
#[cfg(test)]
mod session_tests;

pub use listener::serve;

/// Who is publishing where, as the encoder says it.
#[derive(Clone, PartialEq, Eq)]
pub struct Publish {
    /// The application of `connect` (Adobe RTMP 1.0 §7.2.1.1), without slashes around it.
    pub app: String,
    /// The name of the stream in `publish` (§7.2.2.6), with its query if it has one.
    pub key: String,
    /// The encoder's address.
    pub from: SocketAddr,
}

// By hand, since a key in a log would let everybody publish who reads it.
impl fmt::Debug for Publish {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Publish").field("app", &self.app).field("from", &self.from).finish_non_exhaustive()
    }
}

/// How a connection ended that broke no rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The encoder said that it ends.
    Unpublished,
    /// The connection closed or broke while the encoder was publishing.
    Disconnected,
    /// Nothing came from the encoder for 15 s.
    Idle,
    /// The encoder was not admitted, and was told so.
    Refused,
    /// The peer wanted to play, and was told that it cannot.
    Play,
}

/// Why a connection ended otherwise.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RtmpError {
    /// The connection broke before anything was published.
    #[error("the connection broke: {0}")]
    Io(#[from] io::Error),
    /// The peer left before anything was published.
    #[error("the peer closed the connection before it published")]
    Closed,
    /// The first byte names another protocol than RTMP (Adobe RTMP 1.0 §5.2.2).
    #[error("the peer speaks no plain RTMP: its version is {0}, not 3")]
    Version(u8),
    /// The handshake was not done in time.
    #[error("the handshake took longer than 10 s")]
    HandshakeTimeout,
    /// Nothing was published in time.
    #[error("nothing was published within 20 s")]
    PublishTimeout,
    /// The peer does not read what it is answered.
    #[error("the peer took no bytes for 5 s")]
    PeerStalled,
    /// A message is longer than what is taken.
    #[error("a message of {length} bytes is longer than {limit}")]
    MessageTooLong {
        /// Its length, in bytes.
        length: usize,
        /// The longest that is taken, in bytes.
        limit: usize,
    },
    /// Too much is sent in pieces at the same time.
    #[error("unfinished messages hold more than {0} bytes")]
    TooMuchUnfinished(usize),
    /// More chunk streams than are kept.
    #[error("more than 64 chunk streams")]
    TooManyChunkStreams,
    /// The chunks contradict each other (Adobe RTMP 1.0 §5.3).
    #[error("broken chunks: {0}")]
    Chunk(&'static str),
    /// A value beyond the limits of AMF.
    #[error("an AMF value is too large: {0}")]
    AmfLimit(&'static str),
    /// Bytes that are no AMF0 (AMF0 §2).
    #[error("broken AMF: {0}")]
    Amf(&'static str),
    /// A command in the wrong place or without what it needs (Adobe RTMP 1.0 §7.2).
    #[error("a wrong command: {0}")]
    Command(&'static str),
    /// The sink reported an error.
    #[error("the stream could not be handed on: {0}")]
    Sink(#[source] io::Error),
    /// The sink was full for too long.
    #[error("the stream could not be handed on: no bytes were taken for 5 s")]
    SinkStalled,
}
