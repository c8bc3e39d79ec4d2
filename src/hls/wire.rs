//! What a worker tells the server: JSON lines on its standard output.

use std::path::PathBuf;

use super::{ByteRange, LiveSegment, Manifest, Reason};

/// Lines of a relay worker.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "line", rename_all = "kebab-case")]
pub enum RelayLine {
    /// A segment is on disk.
    Segment(LiveSegment),
    /// No access unit for a while; the worker keeps listening.
    Stalled,
    /// Access units come again.
    Resumed,
    /// Every second: the worker lives.
    Alive(FeedFigures),
    /// A worker that stands by received what would have made a segment.
    Ready,
    /// The feed's timeline ended: another begins when it can be read again.
    Broke {
        /// Why.
        message: String,
    },
    /// Something an engineer should read.
    Note {
        /// The message.
        message: String,
    },
}

/// What a relay worker has counted since it began.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct FeedFigures {
    /// Bytes received.
    pub bytes: u64,
    /// MPEG-TS continuity errors (ISO/IEC 13818-1 §2.4.3.3).
    pub continuity_errors: u64,
    /// Steps of the programme clock that were announced by nothing.
    pub pcr_jumps: u64,
    /// Steps of pictures' times that broke the timeline.
    pub pts_jumps: u64,
    /// Pictures.
    pub frames: u64,
    /// How far the newest sound is ahead of the newest picture, milliseconds.
    pub av_offset_ms: Option<i64>,
}

/// A fragment of one track on disk.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Clip {
    /// The file of its header.
    pub header: PathBuf,
    /// The file that holds it.
    pub media: PathBuf,
    /// Where it lies there.
    pub range: ByteRange,
}

/// One look at a relay's newest segment.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct LookJob {
    /// Whose picture it is compared with.
    pub relay: String,
    /// The picture.
    pub picture: Clip,
    /// The first sound, if there is any.
    pub sound: Option<Clip>,
    /// Where the picture goes.
    pub jpeg: PathBuf,
}

/// The answer to a [`LookJob`].
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "line", rename_all = "kebab-case")]
pub enum LookLine {
    /// What was found.
    Seen(FeedLook),
    /// It could not be looked at.
    Failed {
        /// Why.
        message: String,
    },
}

/// What one look at a feed found: a key frame, and half a second of sound.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct FeedLook {
    /// Mean brightness, 0 to 255 (16 is black in most video).
    pub luma: f32,
    /// Standard deviation of the brightness.
    pub spread: f32,
    /// Mean difference of a pixel from the look before.
    pub change: Option<f32>,
    /// Level of the loudest track, dB below full scale; none where there is no sound.
    pub level_db: Option<f32>,
}

/// What a relay worker is told while it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "order", rename_all = "kebab-case")]
pub enum RelayOrder {
    /// From now on write: it stood by.
    TakeOver {
        /// Number of the next segment.
        next: u64,
        /// Last generation used.
        generation: u64,
        /// The end of what is recorded.
        after: jiff::Timestamp,
    },
    /// Whether folders hold an hour or, where little is to be kept, a minute.
    Folders {
        /// A minute each.
        minutes: bool,
    },
}

/// The folder, where the package will be, of one that can be watched before that is made.
pub const EARLY: &str = "early";

/// Lines of a packaging or slate worker.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "line", rename_all = "kebab-case")]
pub enum PackageLine {
    /// How far it is.
    Progress {
        /// What is being done.
        stage: String,
        /// 0 to 100 over all stages.
        percent: f64,
    },
    /// It can reach its own files only, but for these.
    Confined {
        /// What the kernel did not take from it, in words.
        lacks: Vec<String>,
    },
    /// The file says what it is called; the worker, asked for that, ends.
    Called {
        /// Its title.
        title: String,
    },
    /// A package that can be watched meanwhile lies in the folder for it.
    Playable {
        /// What it holds.
        manifest: Box<Manifest>,
    },
    /// The package is complete in the folder it was asked for.
    Done {
        /// What it holds.
        manifest: Box<Manifest>,
    },
    /// There will be no package.
    Failed {
        /// Why, for the office.
        reason: Reason,
        /// Detail for the engineer.
        detail: String,
    },
}

/// One picture to be taken: of the first frame of a file.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct StillJob {
    /// Where the media are.
    pub mp4: PathBuf,
    /// Where the picture goes.
    pub jpeg: PathBuf,
    /// Its height.
    pub height: u32,
}

/// The answer to a [`StillJob`].
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "line", rename_all = "kebab-case")]
pub enum StillLine {
    /// The picture is there.
    Done,
    /// There is none.
    Failed {
        /// Why.
        message: String,
    },
}
