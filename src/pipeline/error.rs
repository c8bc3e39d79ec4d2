//! What can go wrong in a worker.

use std::path::{Path, PathBuf};

use crate::hls::Reason;

/// An error of a worker, with operation and place.
#[derive(Debug, thiserror::Error)]
pub enum PipelineError {
    /// GStreamer, or one of its elements, is not there.
    #[error("GStreamer element `{element}` is missing: install the package that holds it (see README)")]
    Missing {
        /// The element.
        element: String,
    },
    /// A pipeline could not be built or started.
    #[error("{what}: {detail}")]
    Build {
        /// What was attempted.
        what: &'static str,
        /// GStreamer's words.
        detail: String,
    },
    /// A running pipeline stopped.
    #[error("{file}: {detail}")]
    Media {
        /// The input.
        file: String,
        /// The reason, for the office.
        reason: Reason,
        /// GStreamer's words.
        detail: String,
        /// GStreamer's debug text for the engineer.
        debug: String,
    },
    /// The input has nothing to package.
    #[error("{file}: {reason}")]
    Unfit {
        /// The input.
        file: String,
        /// The reason, for the office.
        reason: Reason,
    },
    /// A file could not be read or written.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// A CMAF box could not be written.
    #[error("writing CMAF: {0}")]
    Cmaf(#[from] mp4_atom::Error),
}

impl PipelineError {
    /// Why the file does not become a lesson, for the office.
    pub fn reason(&self) -> Reason {
        match self {
            Self::Media { reason, .. } | Self::Unfit { reason, .. } => reason.clone(),
            other => Reason::Server { detail: other.to_string() },
        }
    }

    pub(super) fn unfit(path: &Path, reason: Reason) -> Self {
        let file = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        Self::Unfit { file, reason }
    }

    pub(super) fn io(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { path, source }
    }

    pub(super) fn build(what: &'static str) -> impl FnOnce(gstreamer::glib::BoolError) -> Self {
        move |e| Self::Build { what, detail: e.to_string() }
    }
}
