//! The built files of the web front, embedded in the binary.
//!
//! Vite names every file of the build by its content and lists the names in
//! `manifest.json`; such files may be cached for ever. Beside each compressible
//! file lies a `.gz` made at build time, so that no request compresses anything.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use rust_embed::RustEmbed;

/// Where the handlers serve these files; Vite's `base` says the same.
pub const PREFIX: &str = "/assets/";

#[derive(RustEmbed)]
#[folder = "web/dist"]
#[allow_missing = true]
struct Dist;

/// A built file.
#[derive(Debug, Clone)]
pub struct Asset {
    /// Its bytes, compressed if `gzip` says so.
    pub bytes: Cow<'static, [u8]>,
    /// Value of `Content-Type`.
    pub content_type: &'static str,
    /// `Content-Encoding: gzip` applies.
    pub gzip: bool,
    /// Its name changes with its content: cache it for ever.
    pub immutable: bool,
}

/// The service worker's file. Its name does not change, since a browser looks
/// for the newer one at the same address; and that address is the root's.
const WORKER: &str = "sw.js";

/// The file at `path`, relative to [`PREFIX`].
pub fn find(path: &str, accepts_gzip: bool) -> Option<Asset> {
    if path == "manifest.json" || path == WORKER || path.ends_with(".gz") {
        return None;
    }
    read(path, accepts_gzip)
}

/// The service worker, for `/sw.js`.
pub fn worker(accepts_gzip: bool) -> Option<Asset> {
    read(WORKER, accepts_gzip)
}

fn read(path: &str, accepts_gzip: bool) -> Option<Asset> {
    let content_type = content_type(path)?;
    let immutable = NAMES.hashed.contains(path);
    let compressed = accepts_gzip.then(|| Dist::get(&format!("{path}.gz"))).flatten();
    let gzip = compressed.is_some();
    let file = compressed.or_else(|| Dist::get(path))?;
    Some(Asset { bytes: file.data, content_type, gzip, immutable })
}

/// The address of an entry of the build, such as `src/site.ts`. Where the
/// front was not built the address leads nowhere and pages stay plain HTML.
pub fn url(entry: &str) -> String {
    let file = NAMES.entries.get(entry).map_or(entry, String::as_str);
    format!("{PREFIX}{file}")
}

struct Names {
    /// Entry of the build to file.
    entries: BTreeMap<String, String>,
    /// Every file whose name carries a hash.
    hashed: BTreeSet<String>,
}

static NAMES: LazyLock<Names> = LazyLock::new(|| {
    let manifest = Dist::get("manifest.json");
    manifest.map_or_else(|| read_manifest(b"{}"), |file| read_manifest(&file.data))
});

#[derive(serde::Deserialize)]
struct Chunk {
    file: String,
    #[serde(default)]
    css: Vec<String>,
    #[serde(default)]
    assets: Vec<String>,
}

fn read_manifest(bytes: &[u8]) -> Names {
    let chunks: BTreeMap<String, Chunk> = serde_json::from_slice(bytes).unwrap_or_default();
    let mut names = Names { entries: BTreeMap::new(), hashed: BTreeSet::new() };
    for (entry, chunk) in chunks.into_iter().filter(|(_, chunk)| chunk.file != WORKER) {
        names.hashed.insert(chunk.file.clone());
        names.hashed.extend(chunk.css);
        names.hashed.extend(chunk.assets);
        names.entries.insert(entry, chunk.file);
    }
    names
}

fn content_type(path: &str) -> Option<&'static str> {
    let (_, extension) = path.rsplit_once('.')?;
    Some(match extension {
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "woff2" => "font/woff2",
        "png" => "image/png",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_get_the_names_of_the_build() {
        let names = read_manifest(br#"{"src/site.ts":{"file":"site-Ab12.js","css":["site-Cd34.css"]}}"#);
        assert_eq!(names.entries["src/site.ts"], "site-Ab12.js");
        assert!(names.hashed.contains("site-Cd34.css"));
    }

    #[test]
    fn the_service_worker_is_never_kept_for_ever() {
        let names = read_manifest(br#"{"src/worker/sw.ts":{"file":"sw.js"}}"#);
        assert!(names.hashed.is_empty() && names.entries.is_empty());
        assert!(worker(true).is_none_or(|file| !file.immutable));
    }

    #[test]
    fn the_manifest_and_the_compressed_twins_have_no_address() {
        assert!(find("manifest.json", false).is_none());
        assert!(find(WORKER, false).is_none(), "its address is the root's");
        assert!(find("logo.svg.gz", true).is_none());
        assert!(find("../Cargo.toml", true).is_none());
    }

    #[test]
    fn what_is_built_is_found_with_and_without_compression() {
        for (entry, file) in &NAMES.entries {
            let plain = find(file, false).unwrap_or_else(|| panic!("{entry}: {file}"));
            assert!(plain.immutable && !plain.gzip, "{file}");
            if let Some(small) = find(file, true).filter(|a| a.gzip) {
                assert!(small.bytes.len() < plain.bytes.len(), "{file}");
            }
        }
    }
}
