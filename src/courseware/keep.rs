//! A relayed programme that is kept (收录): its recorded segments become a
//! lesson, byte for byte but for their timestamps. Nothing is encoded again.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::base::Titles;
use crate::hls::{
    ByteRange, LiveSegment, Manifest, PackagedTrack, Track, TrackKind, content_hash, decode_time, retime,
};

use super::catalogue::UNFINISHED;

/// Why a programme could not be kept.
#[derive(Debug, thiserror::Error)]
pub enum KeepError {
    /// Nothing of it is recorded (any more).
    #[error(
        "nothing of it is recorded any more: `retention_hours` of the relay is shorter than the programme's wait"
    )]
    Nothing,
    /// A file cannot be read or written.
    #[error("{path}: {source}")]
    File {
        /// Which.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
}

fn failed(path: &Path) -> impl FnOnce(std::io::Error) -> KeepError + '_ {
    move |source| KeepError::File { path: path.to_owned(), source }
}

/// A package on its way into the library: under another name, until it is whole.
#[derive(Debug)]
pub struct Unfinished {
    /// What it holds.
    pub manifest: Manifest,
    /// Where it is.
    pub folder: PathBuf,
    target: PathBuf,
}

impl Unfinished {
    /// Puts it into the library in one step.
    pub fn publish(self) -> Result<(), KeepError> {
        let path = self.folder.join("package.json");
        let text = serde_json::to_vec_pretty(&self.manifest).map_err(std::io::Error::other);
        text.and_then(|text| fs::write(&path, text)).map_err(failed(&path))?;
        for file in [&path, &self.folder] {
            File::open(file).and_then(|f| f.sync_all()).map_err(failed(file))?;
        }
        fs::rename(&self.folder, &self.target).map_err(failed(&self.target))?;
        let library = self.target.parent().unwrap_or(&self.target);
        File::open(library).and_then(|f| f.sync_all()).map_err(failed(library))
    }
}

/// Those of `segments` that one player can show one after the other: of the
/// descriptions that occur, the one that lasts longest.
fn of_one_kind(segments: &[LiveSegment]) -> Vec<&LiveSegment> {
    let kind =
        |s: &LiveSegment| -> Vec<String> { s.tracks().map(|t| format!("{} {}", t.name, t.init)).collect() };
    let mut lasts: BTreeMap<Vec<String>, u64> = BTreeMap::new();
    for segment in segments {
        *lasts.entry(kind(segment)).or_default() += segment.us;
    }
    let Some(longest) = lasts.into_iter().max_by_key(|(_, us)| *us).map(|(kind, _)| kind) else {
        return Vec::new();
    };
    segments.iter().filter(|s| kind(s) == longest).collect()
}

/// Copies `segments` of the relay recorded in `live` into a package of the lesson
/// `id` in the folder `target`, beside the others of `library`, on one line of time from 0. A gap
/// in the recording closes up.
pub fn keep(
    live: &Path,
    segments: &[LiveSegment],
    (library, target): (&Path, &str),
    (id, titles): (&str, Titles),
) -> Result<Unfinished, KeepError> {
    let segments = of_one_kind(segments);
    let first = segments.first().ok_or(KeepError::Nothing)?;
    let folder = library.join(format!("{UNFINISHED}kept-{id}"));
    if folder.exists() {
        fs::remove_dir_all(&folder).map_err(failed(&folder))?;
    }
    fs::create_dir_all(&folder).map_err(failed(&folder))?;
    let begins_us = lead(live, first)?;
    let mut tracks = Vec::new();
    for (at, track) in first.tracks().enumerate() {
        // A lower rung that was late somewhere: the lesson does without it.
        let is_picture = matches!(track.kind, TrackKind::Video { .. });
        let lacks = |s: &&LiveSegment| s.parts.get(at).is_none_or(|part| part.range.length == 0);
        if at > 0 && is_picture && segments.iter().any(lacks) {
            continue;
        }
        tracks.push(copy(live, &segments, (at, track), begins_us, &folder)?);
    }
    let content_hash = content_hash(&tracks, &[]);
    let manifest = Manifest {
        version: 1,
        preliminary: false,
        begins_us,
        id: id.to_owned(),
        // It was made from nothing else.
        source_sha256: content_hash.clone(),
        content_hash,
        titles,
        segments_us: segments.iter().map(|s| s.us).collect(),
        tracks,
        subtitles: Vec::new(),
        poster: None,
        storyboard: None,
        waveform: None,
        source_loudness: Vec::new(),
        details: Default::default(),
    };
    Ok(Unfinished { manifest, folder, target: library.join(target) })
}

/// The bytes of one rendition of a segment, and the file they are in.
fn read(
    live: &Path,
    segment: &LiveSegment,
    (at, track): (usize, &Track),
) -> Result<(PathBuf, Vec<u8>), KeepError> {
    let file = live.join(&segment.hour).join(format!("{}.m4s", track.name));
    let range = segment.parts.get(at).map(|part| part.range).ok_or(KeepError::Nothing)?;
    let mut bytes = vec![0; range.length as usize];
    let read = File::open(&file).and_then(|f| f.read_exact_at(&mut bytes, range.offset));
    read.map_err(failed(&file))?;
    Ok((file, bytes))
}

/// How long before it is shown the first picture is decoded, microseconds: nothing is decoded
/// before 0, so the package begins so late.
fn lead(live: &Path, first: &LiveSegment) -> Result<u64, KeepError> {
    let mut lead = 0;
    for (at, track) in first.tracks().enumerate().filter(|(_, t)| matches!(t.kind, TrackKind::Video { .. })) {
        let (file, bytes) = read(live, first, (at, track))?;
        if !bytes.is_empty() {
            let time = decode_time(&bytes).map_err(|e| failed(&file)(std::io::Error::other(e)))?;
            let us = u128::from(time) * 1_000_000 / u128::from(track.timescale.max(1));
            lead = lead.max(u128::from(first.at_us).saturating_sub(us));
        }
    }
    Ok(u64::try_from(lead).unwrap_or_default())
}

/// One rendition: its header, then its segments, each moved to its place.
fn copy(
    live: &Path,
    segments: &[&LiveSegment],
    (at, track): (usize, &Track),
    begins_us: u64,
    folder: &Path,
) -> Result<PackagedTrack, KeepError> {
    let name = format!("{}.mp4", track.name);
    let path = folder.join(&name);
    let mut out = File::create(&path).map_err(failed(&path))?;
    let mut hash = Sha256::new();
    let init = live.join(format!("init-{}.mp4", track.init));
    let header = fs::read(&init).map_err(failed(&init))?;
    let mut offset = 0;
    let mut add = |bytes: &[u8]| {
        out.write_all(bytes).map_err(failed(&path))?;
        hash.update(bytes);
        let range = ByteRange { offset, length: bytes.len() as u64 };
        offset += range.length;
        Ok(range)
    };
    let header = add(&header)?;
    let (mut ranges, mut peak, mut lasted_us) = (Vec::new(), 0, 0_u64);
    for segment in segments {
        let (file, mut bytes) = read(live, segment, (at, track))?;
        let to_us = i64::try_from(begins_us + lasted_us).unwrap_or(i64::MAX);
        let shift = to_us - i64::try_from(segment.at_us).unwrap_or(0);
        if !bytes.is_empty() {
            let moved = retime(&mut bytes, track.timescale, shift);
            moved.map_err(|e| failed(&file)(std::io::Error::other(e)))?;
        }
        ranges.push(add(&bytes)?);
        peak = peak.max(bytes.len() as u64 * 8_000_000 / segment.us.max(1));
        lasted_us += segment.us;
    }
    out.sync_all().map_err(failed(&path))?;
    let average = offset * 8_000_000 / lasted_us.max(1);
    Ok(PackagedTrack {
        track: track.clone(),
        file: name,
        sha256: hex::encode(hash.finalize()),
        bandwidth: peak.max(average),
        average_bandwidth: average,
        header,
        segments: ranges,
    })
}
