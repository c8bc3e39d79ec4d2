//! A live window on disk: `media/live/<relay>/<hour>/`, appended, with an
//! index that survives a crash.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use crate::hls::{ByteRange, LiveSegment, LiveTrack, Part};

use super::PipelineError;
use super::cmaf;
use super::frame::{Codec, micros};
use super::segmenter::CutSegment;

/// Writes one relay's segments. One writer per relay at a time.
#[derive(Debug)]
pub(super) struct LiveWriter {
    folder: PathBuf,
    next: u64,
    generation: u64,
    tracks: Arc<Vec<LiveTrack>>,
    codecs: Vec<Codec>,
    hour: Option<Hour>,
    /// Folders hold a minute, not an hour.
    minutes: bool,
}

#[derive(Debug)]
struct Hour {
    name: String,
    index: File,
    files: BTreeMap<String, File>,
}

impl LiveWriter {
    /// Number of the next segment.
    pub(super) fn next(&self) -> u64 {
        self.next
    }

    /// Opens the window in `folder`; its next segment is `next`, and the last
    /// generation there was `generation`.
    pub(super) fn open(folder: &Path, next: u64, generation: u64) -> Result<Self, PipelineError> {
        fs::create_dir_all(folder).map_err(PipelineError::io(folder))?;
        Ok(Self {
            folder: folder.to_owned(),
            next,
            generation,
            tracks: Arc::default(),
            codecs: Vec::new(),
            hour: None,
            minutes: false,
        })
    }

    /// Whether folders hold a minute or an hour: what is deleted is deleted by whole folders.
    pub(super) fn set_minutes(&mut self, minutes: bool) {
        self.minutes = minutes;
    }

    /// A new generation begins with these tracks, video first.
    pub(super) fn begin(
        &mut self,
        tracks: Vec<(String, crate::hls::TrackKind, Codec)>,
    ) -> Result<(), PipelineError> {
        self.generation += 1;
        let mut live = Vec::new();
        self.codecs.clear();
        for (name, kind, codec) in tracks {
            let header = cmaf::header(&codec)?;
            let hash = hex::encode(&Sha256::digest(&header)[..6]);
            write_once(&self.folder.join(format!("init-{hash}.mp4")), &header)?;
            let (codecs, timescale) = (codec.rfc6381(), codec.timescale());
            let track = crate::hls::Track { name, kind, codecs, init: hash, timescale };
            live.push(LiveTrack { track });
            self.codecs.push(codec);
        }
        self.tracks = Arc::new(live);
        Ok(())
    }

    /// Appends a segment whose first picture was on air at `start`: media
    /// first, then the index line, so that the index never names bytes that
    /// are not there.
    pub(super) fn append(
        &mut self,
        cut: &CutSegment,
        start: Timestamp,
    ) -> Result<LiveSegment, PipelineError> {
        let name = start.strftime(if self.minutes { "%Y%m%dT%H%M" } else { "%Y%m%dT%H" }).to_string();
        if self.hour.as_ref().is_none_or(|h| h.name != name) {
            self.hour = Some(Hour::open(&self.folder, &name)?);
        }
        let hour = self.hour.as_mut().expect("opened above");
        let mut parts = Vec::new();
        for ((track, codec), part) in self.tracks.iter().zip(&self.codecs).zip(&cut.cuts) {
            let bytes = match part.frames.is_empty() {
                true => Vec::new(),
                false => cmaf::fragment(codec, self.next as u32 + 1, &part.frames, part.end)?,
            };
            let first = part.frames.first().map_or(part.end, |f| f.dts);
            let us = micros(part.end, codec.timescale()) - micros(first, codec.timescale());
            let range = hour.append(&self.folder, &track.track.name, &bytes)?;
            parts.push(Part { range, us: us.max(0) as u64 });
        }
        let segment = LiveSegment {
            n: self.next,
            start,
            us: cut.us().max(1) as u64,
            at_us: cut.start_us().max(0) as u64,
            generation: self.generation,
            hour: name,
            tracks: Arc::clone(&self.tracks),
            parts,
        };
        let mut line = serde_json::to_string(&segment).expect("a segment is plain data");
        line.push('\n');
        hour.index.write_all(line.as_bytes()).map_err(PipelineError::io(self.folder.join(&hour.name)))?;
        self.next += 1;
        Ok(segment)
    }
}

impl Hour {
    fn open(folder: &Path, name: &str) -> Result<Self, PipelineError> {
        let path = folder.join(name);
        fs::create_dir_all(&path).map_err(PipelineError::io(&path))?;
        let index = append_to(&path.join("index.jsonl"))?;
        Ok(Self { name: name.to_owned(), index, files: BTreeMap::new() })
    }

    fn append(&mut self, folder: &Path, rendition: &str, bytes: &[u8]) -> Result<ByteRange, PipelineError> {
        let path = folder.join(&self.name).join(format!("{rendition}.m4s"));
        if !self.files.contains_key(rendition) {
            self.files.insert(rendition.to_owned(), append_to(&path)?);
        }
        let file = self.files.get_mut(rendition).expect("inserted above");
        let offset = file.seek(SeekFrom::End(0)).map_err(PipelineError::io(&path))?;
        file.write_all(bytes).map_err(PipelineError::io(&path))?;
        Ok(ByteRange { offset, length: bytes.len() as u64 })
    }
}

fn append_to(path: &Path) -> Result<File, PipelineError> {
    OpenOptions::new().create(true).append(true).open(path).map_err(PipelineError::io(path))
}

/// Writes a file named by its content; one that stands is the same.
fn write_once(path: &Path, bytes: &[u8]) -> Result<(), PipelineError> {
    if path.exists() {
        return Ok(());
    }
    let part = path.with_extension("part");
    fs::write(&part, bytes).map_err(PipelineError::io(&part))?;
    fs::rename(&part, path).map_err(PipelineError::io(path))
}
