//! Encoded frames on their way from GStreamer into segments.

use bytes::Bytes;

/// One encoded frame. Times are ticks of its track's timescale.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Frame {
    /// Presentation time.
    pub(super) pts: i64,
    /// Decoding time.
    pub(super) dts: i64,
    /// Decodes without any other.
    pub(super) key: bool,
    /// The access unit, length-prefixed (H.264) or raw (AAC).
    pub(super) data: Bytes,
}

/// What a track needs to be written.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Codec {
    /// H.264 with its `avcC`.
    H264 { avcc: Vec<u8>, width: u32, height: u32, fps: f64 },
    /// AAC-LC with its AudioSpecificConfig.
    Aac { config: Vec<u8>, rate: u32, channels: u32 },
}

/// Ticks per second of video: MPEG's own.
pub(super) const VIDEO_TIMESCALE: u32 = 90_000;

/// Samples in an AAC frame.
pub(super) const AAC_SAMPLES: i64 = 1024;

impl Codec {
    /// Ticks per second.
    pub(super) fn timescale(&self) -> u32 {
        match self {
            Self::H264 { .. } => VIDEO_TIMESCALE,
            Self::Aac { rate, .. } => *rate,
        }
    }

    /// True if frames of `other` can follow without another header.
    pub(super) fn same_header(&self, other: &Self) -> bool {
        match (self, other) {
            (
                Self::H264 { avcc: a, width: w, height: h, .. },
                Self::H264 { avcc: b, width: x, height: y, .. },
            ) => a == b && w == x && h == y,
            _ => self == other,
        }
    }

    /// RFC 6381 §3.3 value.
    pub(super) fn rfc6381(&self) -> String {
        match self {
            Self::H264 { avcc, .. } if avcc.len() >= 4 => {
                format!("avc1.{:02X}{:02X}{:02X}", avcc[1], avcc[2], avcc[3])
            }
            Self::H264 { .. } => "avc1".into(),
            Self::Aac { config, .. } => {
                format!("mp4a.40.{}", config.first().map_or(2, |b| (b >> 3).max(1)))
            }
        }
    }
}

/// Ticks of `timescale` for a duration in nanoseconds, rounded.
pub(super) fn ticks(ns: i64, timescale: u32) -> i64 {
    let scaled = i128::from(ns) * i128::from(timescale);
    ((scaled + 500_000_000).div_euclid(1_000_000_000)) as i64
}

/// Microseconds of `ticks`, rounded.
pub(super) fn micros(ticks: i64, timescale: u32) -> i64 {
    let scale = i128::from(timescale);
    ((i128::from(ticks) * 1_000_000 + scale / 2).div_euclid(scale)) as i64
}
