//! One CMAF file of a package, written as its frames come.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use sha2::{Digest, Sha256};

use crate::hls::{ByteRange, PackagedTrack, Reason, Track, TrackKind};

use super::PipelineError;
use super::cmaf;
use super::frame::{Codec, Frame};

/// Frames come in order and have one duration: time is their count.
#[derive(Debug)]
pub(super) struct TrackFile {
    name: String,
    path: PathBuf,
    file: File,
    hash: Sha256,
    written: u64,
    /// Ticks of one frame.
    frame_ticks: i64,
    per_segment: usize,
    codec: Option<(Codec, String)>,
    header: ByteRange,
    segments: Vec<ByteRange>,
    pending: Vec<Frame>,
    frames: u64,
}

impl TrackFile {
    /// A new file `<name>.mp4` in `folder`.
    pub(super) fn create(
        folder: &Path,
        name: &str,
        frame_ticks: i64,
        per_segment: usize,
    ) -> Result<Self, PipelineError> {
        let path = folder.join(format!("{name}.mp4"));
        let file = File::create(&path).map_err(PipelineError::io(&path))?;
        Ok(Self {
            name: name.to_owned(),
            path,
            file,
            hash: Sha256::new(),
            written: 0,
            frame_ticks,
            per_segment,
            codec: None,
            header: ByteRange { offset: 0, length: 0 },
            segments: Vec::new(),
            pending: Vec::new(),
            frames: 0,
        })
    }

    /// Appends one frame.
    pub(super) fn push(&mut self, codec: &Codec, key: bool, data: Bytes) -> Result<(), PipelineError> {
        if self.codec.is_none() {
            let header = cmaf::header(codec)?;
            let hash = hex::encode(&Sha256::digest(&header)[..6]);
            self.header = self.write(&header)?;
            self.codec = Some((codec.clone(), hash));
        }
        let at = self.frames as i64 * self.frame_ticks;
        self.pending.push(Frame { pts: at, dts: at, key, data });
        self.frames += 1;
        if self.pending.len() == self.per_segment {
            self.flush()?;
        }
        Ok(())
    }

    /// Number of frames taken.
    pub(super) fn frames(&self) -> u64 {
        self.frames
    }

    fn flush(&mut self) -> Result<(), PipelineError> {
        if let (Some((codec, _)), false) = (&self.codec, self.pending.is_empty()) {
            let end = self.frames as i64 * self.frame_ticks;
            let bytes = cmaf::fragment(codec, self.segments.len() as u32 + 1, &self.pending, end)?;
            self.pending.clear();
            let range = self.write(&bytes)?;
            self.segments.push(range);
        }
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<ByteRange, PipelineError> {
        self.file.write_all(bytes).map_err(PipelineError::io(&self.path))?;
        self.hash.update(bytes);
        let range = ByteRange { offset: self.written, length: bytes.len() as u64 };
        self.written += range.length;
        Ok(range)
    }

    /// Writes what is left, makes it durable and describes it. `segments_us`
    /// are the package's segment durations: further segments of this track
    /// are not listed.
    pub(super) fn finish(
        mut self,
        kind: TrackKind,
        segments_us: &[u64],
    ) -> Result<PackagedTrack, PipelineError> {
        self.flush()?;
        self.file.sync_all().map_err(PipelineError::io(&self.path))?;
        let Some((codec, init)) = &self.codec else {
            return Err(PipelineError::Unfit { file: self.name, reason: Reason::Damaged });
        };
        self.segments.truncate(segments_us.len());
        let rate = |bytes: u64, us: u64| bytes * 8 * 1_000_000 / us.max(1);
        // A short last segment says little about the peak a line must carry.
        let peak =
            self.segments.iter().zip(segments_us).map(|(r, us)| rate(r.length, (*us).max(900_000))).max();
        let total: u64 = self.segments.iter().map(|r| r.length).sum();
        Ok(PackagedTrack {
            track: Track {
                name: self.name.clone(),
                kind,
                codecs: codec.rfc6381(),
                init: init.clone(),
                timescale: codec.timescale(),
            },
            file: format!("{}.mp4", self.name),
            sha256: hex::encode(self.hash.finalize()),
            bandwidth: peak.unwrap_or(0),
            average_bandwidth: rate(total, segments_us.iter().sum()),
            header: self.header,
            segments: self.segments,
        })
    }
}
