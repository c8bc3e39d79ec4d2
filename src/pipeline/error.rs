//! What can go wrong in a worker.

use std::path::PathBuf;

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
        /// The reason, in words for the office.
        detail: String,
        /// GStreamer's debug text for the engineer.
        debug: String,
    },
    /// The input has nothing to package.
    #[error("{file}: {detail}")]
    Unfit {
        /// The input.
        file: String,
        /// The reason, in words for the office.
        detail: String,
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
    pub(super) fn io(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { path, source }
    }

    pub(super) fn build(what: &'static str) -> impl FnOnce(gstreamer::glib::BoolError) -> Self {
        move |e| Self::Build { what, detail: e.to_string() }
    }
}
