//! Bytes of segments: hot ones in memory, cold ones from disk, each read once
//! however many ask.

use std::collections::HashMap;
use std::fs::File;
use std::os::unix::fs::{FileExt, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use bytes::Bytes;
use quick_cache::Weighter;
use quick_cache::sync::Cache;

use crate::base::RelayId;
use crate::channel::Slate;
use crate::courseware::{Catalogue, Package};
use crate::hls::{Address, ByteRange, SegmentFile, parse_subtitles, retime, write_vtt};
use crate::relay::RelayHandle;

/// A segment's bytes and how long it plays.
#[derive(Debug, Clone)]
pub struct SegmentBytes {
    /// The bytes.
    pub bytes: Bytes,
    /// Milliseconds from the start of its owner's line (lessons; 0 for relays).
    pub start_ms: i64,
    /// Milliseconds it plays; 0 for initialisation segments and text.
    pub dur_ms: i64,
}

/// Why there are no bytes.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SegmentError {
    /// Nothing of that name.
    #[error("no such segment")]
    Unknown,
    /// It should be there, and cannot be read.
    #[error("{path}: {message}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The cause.
        message: String,
    },
}

#[derive(Clone, Debug)]
struct ByLength;

impl Weighter<Address, SegmentBytes> for ByLength {
    fn weight(&self, address: &Address, value: &SegmentBytes) -> u64 {
        (value.bytes.len() + address.owner.len() + 128) as u64
    }
}

/// Packages by the owner name of their addresses.
type Owners = HashMap<String, Arc<Package>>;

/// Live windows and their folders.
type Live = HashMap<RelayId, (PathBuf, RelayHandle)>;

/// Finds and keeps segments.
#[derive(Debug)]
pub struct Segments {
    cache: Cache<Address, SegmentBytes, ByLength>,
    lessons: ArcSwap<Owners>,
    slates: ArcSwap<Owners>,
    relays: ArcSwap<Live>,
}

impl Segments {
    /// Keeps up to `budget` bytes in memory.
    pub fn new(budget: u64) -> Self {
        let entries = (budget / (64 << 10)).max(64) as usize;
        Self {
            cache: Cache::with_weighter(entries, budget, ByLength),
            lessons: ArcSwap::default(),
            slates: ArcSwap::default(),
            relays: ArcSwap::default(),
        }
    }

    /// The live windows that may be asked for, and their folders.
    pub fn set_relays(&self, relays: Live) {
        self.relays.store(Arc::new(relays));
    }

    /// The library's packages that may be asked for.
    pub fn set_lessons(&self, library: &Catalogue) {
        let lessons = library.packages.iter().map(|p| (p.manifest.owner("lesson"), Arc::clone(p)));
        self.lessons.store(Arc::new(lessons.collect()));
    }

    /// The slates that may be asked for.
    pub fn set_slates(&self, slates: &Catalogue) {
        let [regular, short] = Slate::FAMILIES;
        let slates = slates.packages.iter().flat_map(|p| {
            let grouped = Arc::new(p.manifest.in_groups_of(Slate::GROUP));
            let long = Package { manifest: grouped, ..Package::clone(p) };
            [(p.manifest.owner(regular), Arc::new(long)), (p.manifest.owner(short), Arc::clone(p))]
        });
        self.slates.store(Arc::new(slates.collect()));
    }

    /// A package by the owner name of its addresses.
    pub(super) fn package(&self, owner: &str) -> Option<Arc<Package>> {
        self.lessons.load().get(owner).or(self.slates.load().get(owner)).cloned()
    }

    /// The segment if it is in memory.
    pub fn hot(&self, address: &Address) -> Option<SegmentBytes> {
        self.cache.get(address)
    }

    /// The segment, from memory or disk. A thousand simultaneous askers of a
    /// cold one cause one read.
    pub async fn get(self: &Arc<Self>, address: &Address) -> Result<SegmentBytes, SegmentError> {
        let load = async {
            // Unknown names are refused before a thread or a disk is troubled.
            let source = self.locate(address).ok_or(SegmentError::Unknown)?;
            tokio::task::spawn_blocking(move || source.read()).await.map_err(|_| SegmentError::Unknown)?
        };
        self.cache.get_or_insert_async(address, load).await
    }

    fn locate(&self, address: &Address) -> Option<Source> {
        if let Some(hash) = &address.header {
            let mut init = Address { on_air: None, header: None, ..address.clone() };
            let media = Address { header: None, ..address.clone() };
            init.file = SegmentFile::Init(hash.clone());
            let (header, media) = (Box::new(self.locate(&init)?), Box::new(self.locate(&media)?));
            return Some(Source::Headed { header, media });
        }
        if let Some(relay) = address.owner.strip_prefix("relay.") {
            let relays = self.relays.load();
            let (folder, handle) = relays.get(&RelayId::new(relay).ok()?)?;
            return live(folder, handle, address);
        }
        if address.owner == "none" {
            if address.rendition != "s" || !matches!(address.file, SegmentFile::Text(_)) {
                return None;
            }
            return Some(Source::Text { path: None, from_ms: 0, to_ms: 0, origin_ms: 0 });
        }
        packaged(&*self.package(&address.owner)?, address)
    }
}

/// Where the bytes of a segment are.
enum Source {
    Range {
        path: PathBuf,
        /// Of the file, where another may come in its place.
        inode: Option<u64>,
        range: ByteRange,
        moved: Option<Moved>,
        start_ms: i64,
        dur_ms: i64,
    },
    /// Media with its initialisation segment in front.
    Headed {
        header: Box<Self>,
        media: Box<Self>,
    },
    Whole {
        path: PathBuf,
    },
    Text {
        path: Option<PathBuf>,
        from_ms: u64,
        to_ms: u64,
        origin_ms: u64,
    },
}

/// How far a segment's timestamps are moved, and what they count.
struct Moved {
    timescale: u32,
    us: i64,
}

impl Moved {
    /// For a segment whose own line says `at_us` where it begins; none if it
    /// is asked for as packaged.
    fn to(address: &Address, timescale: u32, at_us: u64) -> Option<Self> {
        let us = i64::try_from(address.on_air?).ok()? - i64::try_from(at_us).ok()?;
        Some(Self { timescale, us })
    }
}

fn live(folder: &Path, handle: &RelayHandle, address: &Address) -> Option<Source> {
    let window = handle.window.load();
    match &address.file {
        SegmentFile::Init(hash) => Some(Source::Whole { path: folder.join(format!("init-{hash}.mp4")) }),
        SegmentFile::Text(_) => None,
        SegmentFile::Media(n) => {
            let segment = window.get(*n)?;
            let (index, track) = segment.tracks().enumerate().find(|(_, t)| t.name == address.rendition)?;
            let path = folder.join(&segment.hour).join(format!("{}.m4s", address.rendition));
            let dur_ms = (segment.us / 1000) as i64;
            let moved = Moved::to(address, track.timescale, segment.at_us);
            let range = segment.parts.get(index)?.range;
            Some(Source::Range { path, inode: None, range, moved, start_ms: 0, dur_ms })
        }
    }
}

fn packaged(package: &Package, address: &Address) -> Option<Source> {
    let manifest = &package.manifest;
    let before = |n: usize| manifest.segments_us.iter().take(n).sum::<u64>();
    match &address.file {
        SegmentFile::Init(hash) => {
            let track = manifest.track(&address.rendition).filter(|t| &t.track.init == hash)?;
            let path = package.folder.join(&track.file);
            let inode = package.inodes.get(&track.file).copied();
            Some(Source::Range { path, inode, range: track.header, moved: None, start_ms: 0, dur_ms: 0 })
        }
        SegmentFile::Media(n) => {
            let n = usize::try_from(*n).ok()?;
            let track = manifest.track(&address.rendition)?;
            let range = *track.segments.get(n)?;
            let moved = Moved::to(address, track.track.timescale, manifest.begins_us + before(n));
            let (start, end) = (before(n) / 1000, before(n + 1) / 1000);
            let path = package.folder.join(&track.file);
            let inode = package.inodes.get(&track.file).copied();
            let (start_ms, dur_ms) = (start as i64, (end - start) as i64);
            Some(Source::Range { path, inode, range, moved, start_ms, dur_ms })
        }
        SegmentFile::Text(n) => {
            let n = usize::try_from(*n).ok().filter(|n| *n < manifest.segments_us.len())?;
            let lang = address.rendition.strip_prefix("s-")?;
            let subtitle = manifest.subtitles.iter().find(|s| s.lang.as_str() == lang)?;
            let path = Some(package.folder.join(&subtitle.file));
            let origin_ms = address.on_air.map_or(0, |us| us.saturating_sub(before(n)) / 1000);
            Some(Source::Text { path, from_ms: before(n) / 1000, to_ms: before(n + 1) / 1000, origin_ms })
        }
    }
}

impl Source {
    fn read(self) -> Result<SegmentBytes, SegmentError> {
        let unreadable = |path: &Path, e: std::io::Error| match e.kind() {
            std::io::ErrorKind::NotFound => SegmentError::Unknown,
            _ => SegmentError::Unreadable { path: path.to_owned(), message: e.to_string() },
        };
        match self {
            Self::Range { path, inode, range, moved, start_ms, dur_ms } => {
                let mut bytes = vec![0; range.length as usize];
                let file = File::open(&path).map_err(|e| unreadable(&path, e))?;
                let found = file.metadata().map_err(|e| unreadable(&path, e))?.ino();
                // Another version has taken its place: these bytes are not what was asked for.
                if inode.is_some_and(|wanted| wanted != found) {
                    return Err(SegmentError::Unknown);
                }
                file.read_exact_at(&mut bytes, range.offset).map_err(|e| unreadable(&path, e))?;
                // A silent track's segment has no bytes and no time.
                if let Some(moved) = moved.filter(|_| !bytes.is_empty()) {
                    let failed = |e| SegmentError::Unreadable { path: path.clone(), message: format!("{e}") };
                    retime(&mut bytes, moved.timescale, moved.us).map_err(failed)?;
                }
                Ok(SegmentBytes { bytes: bytes.into(), start_ms, dur_ms })
            }
            Self::Headed { header, media } => {
                let (header, media) = (header.read()?, media.read()?);
                let bytes = [&header.bytes[..], &media.bytes[..]].concat().into();
                Ok(SegmentBytes { bytes, ..media })
            }
            Self::Whole { path } => {
                let bytes = std::fs::read(&path).map_err(|e| unreadable(&path, e))?;
                Ok(SegmentBytes { bytes: bytes.into(), start_ms: 0, dur_ms: 0 })
            }
            Self::Text { path, from_ms, to_ms, origin_ms } => {
                let text =
                    path.map(|p| std::fs::read_to_string(&p).map_err(|e| unreadable(&p, e))).transpose()?;
                let cues = parse_subtitles(&text.unwrap_or_default());
                let vtt = write_vtt(&cues, from_ms, to_ms, origin_ms);
                Ok(SegmentBytes { bytes: vtt.into(), start_ms: 0, dur_ms: 0 })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::courseware::Library;

    fn package(folder: &Path, content: &str, media: &str) {
        let range = format!(r#"{{"offset":0,"length":{}}}"#, media.len());
        let text = format!(
            r#"{{"version":1,"id":"wheat","content_hash":"{content}","titles":{{}},"source_sha256":"","segments_us":[1000000],
            "tracks":[{{"name":"v240","init":"i","timescale":1000,"codecs":"avc1","kind":"video","width":426,"height":240,
            "fps":25.0,"file":"v240.mp4","sha256":"","bandwidth":1,"average_bandwidth":1,"header":{range},"segments":[{range}]}}],
            "subtitles":[],"poster":null,"source_loudness":[]}}"#
        );
        std::fs::create_dir_all(folder).expect("a folder");
        std::fs::write(folder.join("package.json"), text).expect("a manifest");
        std::fs::write(folder.join("v240.mp4"), media).expect("its media");
    }

    #[tokio::test]
    async fn an_address_never_names_the_bytes_of_another_version() {
        let folder = tempfile::tempdir().expect("a folder");
        package(&folder.path().join("wheat"), "111111111111", "first");
        let library = Library::open(folder.path()).expect("a library");
        assert_eq!(library.catalogue().packages.len(), 1, "it can be read");
        let segments = Arc::new(Segments::new(1 << 20));
        let told = Arc::clone(&segments);
        library.follow(move |catalogue| told.set_lessons(catalogue));
        let address =
            |n| Address::parse(&format!("lesson.wheat.111111111111/v240/{n}.m4s")).expect("an address");
        assert_eq!(&segments.get(&address(0)).await.expect("the first").bytes[..], b"first");
        // Another takes its place before anybody is told.
        segments.cache.clear();
        package(&folder.path().join(".tmp-wheat"), "222222222222", "other");
        std::fs::rename(folder.path().join("wheat"), folder.path().join(".old-wheat")).expect("moved");
        std::fs::rename(folder.path().join(".tmp-wheat"), folder.path().join("wheat")).expect("moved");
        assert!(matches!(segments.get(&address(0)).await, Err(SegmentError::Unknown)));
        library.reload().expect("read");
        assert_eq!(&segments.get(&address(0)).await.expect("the first").bytes[..], b"first");
    }
}
