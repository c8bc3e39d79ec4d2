//! `package.json`: what a package on disk holds.

use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::base::{Lang, Titles};

use super::{About, Details, Track, TrackKind};

/// Bytes of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ByteRange {
    /// First byte.
    pub offset: u64,
    /// Number of bytes.
    pub length: u64,
}

/// One rendition of a package: one CMAF file.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct PackagedTrack {
    /// What it is.
    #[serde(flatten)]
    pub track: Track,
    /// File in the package's folder.
    pub file: String,
    /// SHA-256 of the file, hex.
    pub sha256: String,
    /// Measured peak over a segment, bits per second.
    pub bandwidth: u64,
    /// Measured mean, bits per second.
    pub average_bandwidth: u64,
    /// Where the initialisation segment lies.
    pub header: ByteRange,
    /// Where each media segment lies.
    pub segments: Vec<ByteRange>,
}

/// One subtitle language of a package.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Subtitle {
    /// Its language.
    pub lang: Lang,
    /// WebVTT file in the package's folder.
    pub file: String,
    /// SHA-256 of the file, hex.
    pub sha256: String,
}

/// Small pictures of a film in rows, in one file: what is at a place in it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Storyboard {
    /// JPEG in the package's folder.
    pub file: String,
    /// Pictures in a row.
    pub columns: u32,
    /// Pictures.
    pub count: u32,
    /// Width of each, pixels.
    pub width: u32,
    /// Height of each, pixels.
    pub height: u32,
    /// How much of the film each stands for, milliseconds.
    pub interval_ms: u64,
}

/// `package.json`.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Manifest {
    /// Of this format; 1.
    pub version: u32,
    /// The lesson's identifier, or the slate's.
    pub id: String,
    /// SHA-256 over the hashes of its media files; evidence refers to it.
    pub content_hash: String,
    /// Titles by language.
    pub titles: Titles,
    /// What else is known of it.
    #[serde(default, skip_serializing_if = "Details::is_empty")]
    pub details: Details,
    /// SHA-256 of the file it was made from, hex.
    pub source_sha256: String,
    /// Duration of each segment, microseconds; the same in every rendition.
    pub segments_us: Vec<u64>,
    /// When the first picture and sound are shown on the package's own line of time, on which
    /// the first picture is decoded at 0, microseconds.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub begins_us: u64,
    /// Video best first, then audio in the order of the source.
    pub tracks: Vec<PackagedTrack>,
    /// Subtitle languages.
    pub subtitles: Vec<Subtitle>,
    /// Picture for lists; a file in the package's folder.
    pub poster: Option<String>,
    /// Pictures for the time line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storyboard: Option<Storyboard>,
    /// How loud a lesson without a picture is in each of some equal stretches: two hex digits
    /// each, `ff` for the loudest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waveform: Option<String>,
    /// Integrated loudness of the source by audio track, LUFS, before it was normalised.
    pub source_loudness: Vec<f64>,
    /// It is as it came, to be watched while the whole package is made: not for channels.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub preliminary: bool,
}

/// SHA-256 over the hashes of a package's media and subtitles, in order, hex.
pub fn content_hash(tracks: &[PackagedTrack], subtitles: &[Subtitle]) -> String {
    let mut hash = Sha256::new();
    for sha in tracks.iter().map(|t| &t.sha256).chain(subtitles.iter().map(|s| &s.sha256)) {
        hash.update(sha.as_bytes());
    }
    hex::encode(hash.finalize())
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
fn is_zero(us: &u64) -> bool {
    *us == 0
}

impl Manifest {
    /// Its titles and what else is known.
    pub fn about(&self) -> About {
        About { titles: self.titles.clone(), details: self.details.clone() }
    }

    /// Total duration.
    pub fn duration(&self) -> Duration {
        Duration::from_micros(self.segments_us.iter().sum())
    }

    /// The first part of the content hash, enough to tell versions apart in addresses.
    pub fn short_hash(&self) -> &str {
        self.content_hash.get(..12).unwrap_or(&self.content_hash)
    }

    /// What its segments' addresses begin with, in a `family` such as `lesson`: another
    /// content has another owner.
    pub fn owner(&self, family: &str) -> String {
        format!("{family}.{}.{}", self.id, self.short_hash())
    }

    /// The same media in longer segments: each is `count` of these (the last
    /// one fewer), several fragments in one (ISO/IEC 23000-19 §7.3.2.3).
    pub fn in_groups_of(&self, count: usize) -> Self {
        let count = count.max(1);
        let joined = |parts: &[ByteRange]| ByteRange {
            offset: parts[0].offset,
            length: parts.iter().map(|p| p.length).sum(),
        };
        let mut long = self.clone();
        long.segments_us = self.segments_us.chunks(count).map(|us| us.iter().sum()).collect();
        for track in &mut long.tracks {
            // Segments lie one after another in a track's file.
            track.segments = track.segments.chunks(count).map(joined).collect();
        }
        long
    }

    /// A rendition by name.
    pub fn track(&self, name: &str) -> Option<&PackagedTrack> {
        self.tracks.iter().find(|t| t.track.name == name)
    }

    /// Languages in which it is heard, the default first.
    pub fn audio_langs(&self) -> impl Iterator<Item = &Lang> {
        self.tracks.iter().filter_map(|t| match &t.track.kind {
            TrackKind::Audio { lang, .. } => Some(lang),
            TrackKind::Video { .. } => None,
        })
    }

    /// Languages of the subtitles.
    pub fn subtitle_langs(&self) -> Vec<Lang> {
        self.subtitles.iter().map(|s| s.lang.clone()).collect()
    }
}
