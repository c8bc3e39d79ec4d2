//! A lesson as one file: made while it is sent, from the package that is there.

use std::fmt::Write as _;
use std::fs::File;
use std::sync::Arc;

use hyper::header::HeaderMap;
use hyper::{Method, Response, StatusCode};
use quick_cache::sync::Cache;
use sha2::{Digest as _, Sha256};

use crate::base::{Lang, LessonId};
use crate::courseware::{Attachment, Package};
use crate::hls::{ByteRange, Movie, MovieError, MovieTrack, PackagedTrack, TrackKind, head_length, movie};

use super::body::Body;
use super::bundle::bundle;
use super::composed::{Composed, Source, at, file_name, opened, say_name};
use super::media::{Delivery, refuse};

/// Heads that are kept; one of a long lesson has some megabytes.
const KEPT: usize = 8;
/// Enough of a segment to know where its samples begin, mostly.
const FIRST: usize = 8 << 10;
/// What asks for the sound alone.
pub const SOUND: &str = "sound";

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub struct DownloadWish<'a> {
    /// A rung of the package, or [`SOUND`]; none: the best.
    pub rung: Option<&'a str>,
    /// What is to be heard; none, or what the lesson lacks: its first language.
    pub lang: Option<&'a Lang>,
    /// As an archive, with its documents.
    pub archive: bool,
}

/// Files that have been asked for lately.
#[derive(Debug)]
pub struct Downloads {
    made: Cache<(String, String), Arc<Composed>>,
}

impl Default for Downloads {
    fn default() -> Self {
        Self { made: Cache::new(KEPT) }
    }
}

/// Why there is no file.
#[derive(Debug, thiserror::Error)]
pub(super) enum DownloadError {
    #[error("{0}")]
    Io(#[from] std::io::Error),
    #[error("{0}")]
    Movie(#[from] MovieError),
    #[error("nobody was there to make it")]
    Nobody,
    #[error("it would be larger than such an archive can be")]
    TooLarge,
}

impl Delivery {
    /// Answers `/lessons/{id}/download`.
    pub async fn download(
        &self,
        method: &Method,
        id: &LessonId,
        wish: DownloadWish<'_>,
        headers: &HeaderMap,
    ) -> Response<Body> {
        let package = self.sources.on_demand(id).and_then(|asset| self.segments.package(&asset.owner));
        let Some(package) = package else { return refuse(StatusCode::NOT_FOUND, "there is no such lesson") };
        let Some(tracks) = tracks(&package, wish) else {
            let rungs = package.manifest.tracks.iter().map(|t| t.track.name.as_str());
            let rungs: Vec<&str> = rungs.filter(|name| name.starts_with('v')).collect();
            let why =
                format!("there is no such picture of it: expected rung={} or rung={SOUND}", rungs.join(", "));
            return refuse(StatusCode::NOT_FOUND, &why);
        };
        let names: Vec<&str> = tracks.iter().map(|t| t.track.name.as_str()).collect();
        let title = title(id, &package, wish).to_owned();
        let documents = wish.archive.then(|| self.attachments.of(id));
        let mut key = (package.manifest.owner("lesson"), names.join("+"));
        if let Some(documents) = &documents {
            // Another one with each of them.
            let said = format!("{title:?} {documents:?}");
            let _ = write!(key.1, "+{}", hex::encode(&Sha256::digest(said.as_bytes())[..8]));
        }
        let etag = format!("\"{}.{}\"", key.0, key.1);
        let place = |d: Attachment| Some((d.name.clone(), self.attachments.find(id, &d.name)?.1));
        let documents = documents.map(|all| all.into_iter().filter_map(place).collect::<Vec<_>>());
        let make = {
            let (package, tracks) = (Arc::clone(&package), tracks.into_iter().cloned().collect::<Vec<_>>());
            let film = format!("{}.{}", file_name(&title), ending(wish).0);
            let make = move || {
                let (movie, sources) = made(&package, &tracks)?;
                Ok(Arc::new(match documents {
                    None => Composed::movie(movie, sources),
                    Some(documents) => bundle((film, movie, sources), documents)?,
                }))
            };
            async move { tokio::task::spawn_blocking(make).await.map_err(|_| DownloadError::Nobody)? }
        };
        let opened = match self.downloads.made.get_or_insert_async(&key, make).await {
            Ok(made) => {
                let opened = tokio::task::spawn_blocking(move || made.open()).await;
                opened.map_err(|_| DownloadError::Nobody).and_then(|opened| Ok(opened?))
            }
            Err(error) => Err(error),
        };
        let opened = match opened {
            Ok(opened) => opened,
            Err(error @ DownloadError::TooLarge) => {
                return refuse(StatusCode::NOT_FOUND, &error.to_string());
            }
            Err(error) => {
                tracing::error!(lesson = %id, %error, "a lesson could not be made one file: {error}");
                return refuse(StatusCode::INTERNAL_SERVER_ERROR, "the lesson could not be read");
            }
        };
        let mut response = opened.answer(method, headers, &etag);
        if response.status() != StatusCode::RANGE_NOT_SATISFIABLE {
            let (ending, kind) = if wish.archive { ("zip", "application/zip") } else { ending(wish) };
            say_name(response.headers_mut(), (id.as_str(), &title), ending, kind);
        }
        response
    }
}

/// The tracks of the file: a picture and a sound, or the sound alone.
fn tracks<'p>(package: &'p Package, wish: DownloadWish<'_>) -> Option<Vec<&'p PackagedTrack>> {
    let all = &package.manifest.tracks;
    let speaks = |t: &&PackagedTrack| match (&t.track.kind, wish.lang) {
        (TrackKind::Audio { lang, .. }, Some(wanted)) => lang == wanted,
        _ => false,
    };
    let is_sound = |t: &&PackagedTrack| matches!(t.track.kind, TrackKind::Audio { .. });
    let sound = all.iter().find(speaks).or_else(|| all.iter().find(is_sound));
    let mut pictures = all.iter().filter(|t| matches!(t.track.kind, TrackKind::Video { .. }));
    let picture = match wish.rung {
        Some(SOUND) => return Some(vec![sound?]),
        Some(rung) => Some(pictures.find(|t| t.track.name == rung)?),
        None => pictures.next(),
    };
    Some(picture.into_iter().chain(sound).collect())
}

/// The file, and the sources of its tracks.
fn made(package: &Package, tracks: &[PackagedTrack]) -> Result<(Movie, Vec<Source>), DownloadError> {
    let (mut read, mut files) = (Vec::new(), Vec::new());
    for track in tracks {
        let path = package.folder.join(&track.file);
        let inode = package.inodes.get(&track.file).copied();
        let file = opened(&path, inode)?;
        let header = at(&file, track.header.offset, track.header.length)?;
        let segments: Result<Vec<_>, DownloadError> =
            track.segments.iter().map(|range| Ok((*range, beginning(&file, *range)?))).collect();
        read.push((header, segments?));
        files.push((path, inode));
    }
    let movie_tracks: Vec<MovieTrack<'_>> = tracks
        .iter()
        .zip(&read)
        .map(|(track, (header, segments))| MovieTrack {
            header,
            language: match &track.track.kind {
                TrackKind::Audio { lang, .. } => lang.iso639(),
                TrackKind::Video { .. } => "",
            },
            segments,
        })
        .collect();
    Ok((movie(&movie_tracks)?, files))
}

/// A segment up to its samples.
fn beginning(file: &File, range: ByteRange) -> Result<Vec<u8>, DownloadError> {
    let mut wanted = FIRST;
    loop {
        let there = range.length.min(wanted as u64);
        let mut bytes = at(file, range.offset, there)?;
        match head_length(&bytes)? {
            Ok(length) => {
                bytes.truncate(length);
                return Ok(bytes);
            }
            Err(_) if there == range.length => return Ok(Vec::new()),
            Err(more) => wanted = more.max(wanted * 2),
        }
    }
}

/// How the lesson is called in the language that is asked for.
fn title<'p>(id: &'p LessonId, package: &'p Package, wish: DownloadWish<'_>) -> &'p str {
    let titles = &package.manifest.titles;
    let title = match wish.lang {
        Some(lang) => titles.best(lang).map(|(_, title)| title),
        None => titles.0.values().next().map(String::as_str),
    };
    title.unwrap_or(id.as_str())
}

/// How the film's name ends, and what it is.
fn ending(wish: DownloadWish<'_>) -> (&'static str, &'static str) {
    match wish.rung {
        Some(SOUND) => ("m4a", "audio/mp4"),
        _ => ("mp4", "video/mp4"),
    }
}
