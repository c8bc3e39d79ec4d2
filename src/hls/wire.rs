//! What a worker tells the server: JSON lines on its standard output.

use std::path::PathBuf;

use super::{LiveSegment, Manifest};

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
    Alive {
        /// Bytes received since it began.
        bytes: u64,
        /// MPEG-TS continuity errors since it began.
        continuity_errors: u64,
    },
    /// Something an engineer should read.
    Note {
        /// The message.
        message: String,
    },
}

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
    /// The package is complete under its final name.
    Done {
        /// What it holds.
        manifest: Box<Manifest>,
    },
    /// There will be no package.
    Failed {
        /// Why, in words for the office.
        message: String,
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
