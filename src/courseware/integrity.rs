//! Whether a package still is what it was made as.

use std::fs;
use std::os::unix::fs::MetadataExt as _;

use crate::base::sha256_while;

use super::Package;

/// A file of a package that is not what it was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// It is gone, or cannot be read.
    #[error("{file} cannot be read: {why}")]
    Unreadable {
        /// Which.
        file: String,
        /// What the system says.
        why: String,
    },
    /// It has other bytes.
    #[error("{file} has other bytes than it was made with")]
    Changed {
        /// Which.
        file: String,
    },
}

/// Length, time and number of each file: what changes when somebody writes to one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fingerprint(Vec<Option<(u64, i64, i64, u64)>>);

/// The media of a package and its texts, each with the SHA-256 it was made with.
fn files(package: &Package) -> impl Iterator<Item = (&str, &str)> {
    let tracks = package.manifest.tracks.iter().map(|t| (&*t.file, &*t.sha256));
    tracks.chain(package.manifest.subtitles.iter().map(|s| (&*s.file, &*s.sha256)))
}

/// Reads the whole package and compares it with the hashes of its manifest, asking after
/// each MiB whether to go on; none: it was not wanted any more.
pub fn verify(package: &Package, go_on: &mut dyn FnMut() -> bool) -> Option<Result<(), Damage>> {
    for (file, sha256) in files(package) {
        let file = file.to_owned();
        match sha256_while(&package.folder.join(&file), go_on) {
            Ok(Some(found)) if found == sha256 => {}
            Ok(Some(_)) => return Some(Err(Damage::Changed { file })),
            Ok(None) => return None,
            Err(e) => return Some(Err(Damage::Unreadable { file, why: e.to_string() })),
        }
    }
    Some(Ok(()))
}

/// What its files look like, without reading them.
pub fn fingerprint(package: &Package) -> Fingerprint {
    let look = |(file, _): (&str, &str)| {
        let meta = fs::metadata(package.folder.join(file)).ok()?;
        Some((meta.len(), meta.mtime(), meta.mtime_nsec(), meta.ino()))
    };
    Fingerprint(files(package).map(look).collect())
}
