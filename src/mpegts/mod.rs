//! MPEG transport streams (ISO/IEC 13818-1) with DVB service information (ETSI EN 300 468).
//!
//! [`segment`] converts one segment of a channel without knowing of any other,
//! and yet the converted segments of a channel, one after another, are one
//! continuous transport stream:
//!
//! * Each PID carries a multiple of 16 packets with payload in each segment, so
//!   that its continuity counter starts at 0 and ends at 15.
//! * All clocks are the wall clock: PTS, DTS and PCR are microseconds since the
//!   Unix epoch, scaled and wrapped. The video's DTS are moved so that the first
//!   one is [`DECODE_LEAD`] before the segment's start.
//! * A segment is sent [`TRANSMIT_LEAD`] before it is shown, from its start to its end.
//!
//! [`samples`] reads what CMAF fragments hold, [`timed`] tells when to send the
//! packets of a converted segment, and [`ConstantRate`] fills up to a constant rate.
//! [`Listing`] reads which services the streams of others have.

mod carousel;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod listing;
mod mux;
mod pace;
mod packet;
mod pes;
mod plan;
mod samples;
mod section;
mod service;
mod text;

pub use listing::Listing;
pub use mux::{MuxError, segment};
pub use pace::{ConstantRate, Run, timed};
pub use samples::{Codec, SamplesError, samples};
pub use section::crc32;
pub use service::{Event, Guide, Service};
pub use text::{dvb_text, read_dvb_text};

use bytes::Bytes;

/// Bytes of a transport stream packet (ISO/IEC 13818-1 §2.4.3.2).
pub const PACKET_BYTES: usize = 188;
/// PID of the program map table.
pub const PMT_PID: u16 = 0x1000;
/// PID of the video, and of the PCR unless there is no video.
pub const VIDEO_PID: u16 = 0x100;
/// PID of the first audio stream; the others follow.
pub const AUDIO_PID: u16 = 0x101;
/// Time from the first DTS of a segment's video to the segment's start, in 90 kHz ticks: 200 ms.
pub const DECODE_LEAD: i64 = 18_000;
/// Time from sending a segment to its start, in 90 kHz ticks: 1.2 s.
pub const TRANSMIT_LEAD: i64 = 108_000;
/// Ticks of the system clock in a tick of PTS and DTS (ISO/IEC 13818-1 §2.4.2.1).
pub(crate) const SYSTEM_TICKS: i64 = 300;
/// System clock frequency, in Hz (ISO/IEC 13818-1 §2.4.2.1).
pub const SYSTEM_CLOCK: i64 = 27_000_000;

/// When a segment is shown, in 90 kHz ticks since the Unix epoch, not wrapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Its start.
    pub start: i64,
    /// Its end, and the start of the next one.
    pub end: i64,
}

/// An access unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    /// Presentation time in 90 kHz ticks, not wrapped.
    pub pts: i64,
    /// Decoding time in 90 kHz ticks, not wrapped.
    pub dts: i64,
    /// Whether decoding can start here.
    pub key: bool,
    /// H.264: NAL units, each after its length; AAC: a raw data block.
    pub data: Bytes,
}

/// H.264 video of a segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Video {
    /// AVCDecoderConfigurationRecord (ISO/IEC 14496-15 §5.3.3.1).
    pub avcc: Vec<u8>,
    /// Access units in decoding order; none is legal. The DTS matter only by
    /// the distances between them.
    pub units: Vec<Unit>,
}

/// AAC audio of a segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audio {
    /// AudioSpecificConfig (ISO/IEC 14496-3 §1.6.2.1).
    pub config: Vec<u8>,
    /// Language of ISO 639-2.
    pub lang: [u8; 3],
    /// Access units in order; none is legal. Only their PTS count, and only
    /// those within the span are sent.
    pub units: Vec<Unit>,
}
