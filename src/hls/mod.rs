//! Segments, renditions and playlists: data, and writing it.
//!
//! Invariant: knows neither schedules nor clocks nor files; equal inputs give
//! equal bytes.

mod about;
mod address;
mod manifest;
mod media;
mod movie;
mod multivariant;
mod reason;
mod retime;
mod subtitles;
mod tracks;
mod vtt;
mod window;

pub mod wire;

pub use about::{About, Details};
pub use address::{Address, SegmentFile};
pub use manifest::{ByteRange, Manifest, PackagedTrack, Storyboard, Subtitle, content_hash};
pub use media::{MediaPlaylist, PlaylistKind, Segment};
pub use movie::{Movie, MovieError, MovieTrack, head_length, movie};
pub use multivariant::{AlternativeMedia, MediaKind, Multivariant, Variant};
pub use reason::Reason;
pub use retime::{NotAFragment, decode_time, retime};
pub use subtitles::{decode_text, parse_subtitles, plain};
pub use tracks::{Track, TrackKind, audio_for, subtitle_for, video_for};
pub use vtt::{Cue, write_vtt};
pub use window::{LiveSegment, LiveTrack, LiveWindow, Part, RecordedHour};
