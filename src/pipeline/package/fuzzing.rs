//! A file of the inbox before GStreamer sees it, for the fuzzer.

use std::path::Path;

use super::{disc, sniff};

/// What it is, and what it says of itself; a Video CD's file is unwrapped.
pub(crate) fn file(file: &Path) {
    let _ = sniff::look(file);
    let _ = sniff::says(file);
    let _ = disc::unwrap(file, &file.with_extension("unwrapped"));
}
