//! CMAF files of a package, written as their frames come.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use sha2::{Digest, Sha256};

use crate::hls::{ByteRange, PackagedTrack, Reason, Track, TrackKind};

use super::PipelineError;
use super::cmaf;
use super::frame::{Codec, Frame};

/// One CMAF file: its header, then its segments.
#[derive(Debug)]
pub(super) struct CmafFile {
    name: String,
    path: PathBuf,
    file: File,
    hash: Sha256,
    written: u64,
    codec: Codec,
    init: String,
    header: ByteRange,
    segments: Vec<ByteRange>,
}

impl CmafFile {
    /// A new file `<name>.mp4` in `folder`, with its header.
    pub(super) fn create(folder: &Path, name: &str, codec: &Codec) -> Result<Self, PipelineError> {
        let path = folder.join(format!("{name}.mp4"));
        let file = File::create(&path).map_err(PipelineError::io(&path))?;
        let header = cmaf::header(codec)?;
        let mut made = Self {
            name: name.to_owned(),
            path,
            file,
            hash: Sha256::new(),
            written: 0,
            codec: codec.clone(),
            init: hex::encode(&Sha256::digest(&header)[..6]),
            header: ByteRange { offset: 0, length: 0 },
            segments: Vec::new(),
        };
        made.header = made.write(&header)?;
        Ok(made)
    }

    /// Appends a segment: frames in decoding order, at least one; `end` is the decoding
    /// time after the last.
    pub(super) fn segment(&mut self, frames: &[Frame], end: i64) -> Result<(), PipelineError> {
        let bytes = cmaf::fragment(&self.codec, self.segments.len() as u32 + 1, frames, end)?;
        let range = self.write(&bytes)?;
        self.segments.push(range);
        Ok(())
    }

    /// Number of segments written.
    pub(super) fn segments(&self) -> usize {
        self.segments.len()
    }

    fn write(&mut self, bytes: &[u8]) -> Result<ByteRange, PipelineError> {
        self.file.write_all(bytes).map_err(PipelineError::io(&self.path))?;
        self.hash.update(bytes);
        let range = ByteRange { offset: self.written, length: bytes.len() as u64 };
        self.written += range.length;
        Ok(range)
    }

    /// Makes it durable and describes it. `segments_us` are the package's segment
    /// durations: further segments of this track are not listed.
    pub(super) fn finish(
        mut self,
        kind: TrackKind,
        segments_us: &[u64],
    ) -> Result<PackagedTrack, PipelineError> {
        self.file.sync_all().map_err(PipelineError::io(&self.path))?;
        self.segments.truncate(segments_us.len());
        let rate = |bytes: u64, us: u64| bytes * 8 * 1_000_000 / us.max(1);
        // A short last segment says little about the peak a line must carry.
        let peak =
            self.segments.iter().zip(segments_us).map(|(r, us)| rate(r.length, (*us).max(900_000))).max();
        let total: u64 = self.segments.iter().map(|r| r.length).sum();
        Ok(PackagedTrack {
            file: format!("{}.mp4", self.name),
            track: Track {
                name: self.name,
                kind,
                codecs: self.codec.rfc6381(),
                init: self.init,
                timescale: self.codec.timescale(),
            },
            sha256: hex::encode(self.hash.finalize()),
            bandwidth: peak.unwrap_or(0),
            average_bandwidth: rate(total, segments_us.iter().sum()),
            header: self.header,
            segments: self.segments,
        })
    }
}

/// How many frames the segments of a track have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Lengths {
    /// All the same.
    Every(usize),
    /// Each its own; what comes after the last belongs to no segment.
    Each(Vec<usize>),
}

impl Lengths {
    fn of(&self, segment: usize) -> Option<usize> {
        match self {
            Self::Every(frames) => Some(*frames),
            Self::Each(frames) => frames.get(segment).copied(),
        }
    }
}

/// A track whose frames come in order and have one duration: time is their count.
#[derive(Debug)]
pub(super) struct TrackFile {
    folder: PathBuf,
    name: String,
    /// Ticks of one frame.
    frame_ticks: i64,
    lengths: Lengths,
    file: Option<CmafFile>,
    pending: Vec<Frame>,
    frames: u64,
    /// When the first one is shown, ticks.
    begins: i64,
}

impl TrackFile {
    /// The track `name` in `folder`.
    pub(super) fn new(folder: &Path, name: &str, frame_ticks: i64, lengths: Lengths) -> Self {
        Self {
            folder: folder.to_owned(),
            name: name.to_owned(),
            frame_ticks,
            lengths,
            file: None,
            pending: Vec::new(),
            frames: 0,
            begins: 0,
        }
    }

    /// The same, beginning at `ticks`.
    pub(super) fn beginning_at(self, ticks: i64) -> Self {
        Self { begins: ticks, ..self }
    }

    /// Appends one frame.
    pub(super) fn push(&mut self, codec: &Codec, key: bool, data: Bytes) -> Result<(), PipelineError> {
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(CmafFile::create(&self.folder, &self.name, codec)?),
        };
        let Some(length) = self.lengths.of(file.segments()) else { return Ok(()) };
        if self.pending.is_empty() && !key {
            let detail = format!("segment {} of {} begins with no key frame", file.segments(), self.name);
            return Err(PipelineError::Build { what: "encoding", detail });
        }
        let at = self.now();
        self.pending.push(Frame { pts: at, dts: at, key, data });
        self.frames += 1;
        if self.pending.len() >= length {
            self.flush()?;
        }
        Ok(())
    }

    /// Number of frames taken.
    pub(super) fn frames(&self) -> u64 {
        self.frames
    }

    fn now(&self) -> i64 {
        self.begins + self.frames as i64 * self.frame_ticks
    }

    fn flush(&mut self) -> Result<(), PipelineError> {
        let end = self.now();
        if let (Some(file), false) = (&mut self.file, self.pending.is_empty()) {
            file.segment(&self.pending, end)?;
            self.pending.clear();
        }
        Ok(())
    }

    /// Writes what is left, makes it durable and describes it, as [`CmafFile::finish`] does.
    pub(super) fn finish(
        mut self,
        kind: TrackKind,
        segments_us: &[u64],
    ) -> Result<PackagedTrack, PipelineError> {
        self.flush()?;
        let nothing = PipelineError::Unfit { file: self.name, reason: Reason::Damaged };
        self.file.ok_or(nothing)?.finish(kind, segments_us)
    }
}
