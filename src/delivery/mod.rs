//! HTTP media: tickets, playlists, segments, ranges.
//!
//! Invariants: a request for a segment touches memory, or reads one file away
//! from the runtime's threads; no SQL; what a session was sent is noted when
//! its last byte is handed to the connection, not before.

mod attached;
mod body;
mod bundle;
mod channels;
mod composed;
mod connections;
mod desk;
mod download;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod media;
mod playlists;
mod preview;
mod range;
mod segments;
mod server;
mod sources;
mod stills;
mod timed;
mod tls;
mod ts;
mod ts_output;
mod ts_paths;
mod ts_stream;

pub use body::Body;
pub use channels::{Channels, OnAir};
pub use connections::Connections;
pub use desk::{Desk, DeskError, Opened};
pub use download::{DownloadWish, Downloads, SOUND};
pub use media::Delivery;
pub use segments::{SegmentBytes, SegmentError, Segments};
pub use server::{Doors, Handler, Peer, serve};
pub use sources::MediaSources;
pub use stills::Stills;
pub use timed::Received;
pub use tls::{BadCertificate, Certificate};
pub use ts::{Announce, Converter, Programme, TsError, TsSegment};
pub use ts_output::{Output, Outputs};
pub use ts_stream::{Piece, Streaming};
