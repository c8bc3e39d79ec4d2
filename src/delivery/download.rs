//! A lesson as one file: made while it is sent, from the package that is there.

use std::fs::File;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::Stream;
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{Method, Response, StatusCode};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use quick_cache::sync::Cache;

use crate::base::{Lang, LessonId};
use crate::courseware::Package;
use crate::hls::{ByteRange, Movie, MovieError, MovieTrack, PackagedTrack, TrackKind, head_length, movie};

use super::body::Body;
use super::media::{Delivery, refuse};
use super::range::{self, Range};

/// Heads that are kept; one of a long lesson has some megabytes.
const KEPT: usize = 8;
/// Read at once, bytes.
const BLOCK: u64 = 512 << 10;
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
}

/// Files that have been asked for lately.
#[derive(Debug)]
pub struct Downloads {
    made: Cache<(String, String), Arc<Made>>,
}

impl Default for Downloads {
    fn default() -> Self {
        Self { made: Cache::new(KEPT) }
    }
}

#[derive(Debug)]
pub(super) struct Made {
    pub(super) movie: Movie,
    /// The tracks' files, each with its inode.
    pub(super) files: Vec<(PathBuf, Option<u64>)>,
}

/// Why there is no file.
#[derive(Debug, thiserror::Error)]
enum DownloadError {
    #[error("{0}")]
    Io(#[from] std::io::Error),
    #[error("{0}")]
    Movie(#[from] MovieError),
    #[error("it was replaced meanwhile")]
    Replaced,
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
        let key = (package.manifest.owner("lesson"), names.join("+"));
        let etag = format!("\"{}.{}\"", key.0, key.1);
        let make = {
            let (package, tracks) = (Arc::clone(&package), tracks.into_iter().cloned().collect::<Vec<_>>());
            async move {
                let made = tokio::task::spawn_blocking(move || make(&package, &tracks)).await;
                made.map_err(|_| DownloadError::Replaced)?.map(Arc::new)
            }
        };
        let made = self.downloads.made.get_or_insert_async(&key, make).await;
        let opened = match made {
            Ok(made) => {
                tokio::task::spawn_blocking(move || open(made)).await.map_err(|_| DownloadError::Replaced)
            }
            Err(error) => Err(error),
        };
        let (made, files) = match opened.and_then(|opened| opened) {
            Ok(opened) => opened,
            Err(error) => {
                tracing::error!(lesson = %id, %error, "a lesson could not be made one file: {error}");
                return refuse(StatusCode::INTERNAL_SERVER_ERROR, "the lesson could not be read");
            }
        };
        let mut response = answer(method, headers, &etag, (made, files));
        if response.status() != StatusCode::RANGE_NOT_SATISFIABLE {
            name(response.headers_mut(), id, &package, wish);
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

fn make(package: &Package, tracks: &[PackagedTrack]) -> Result<Made, DownloadError> {
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
    Ok(Made { movie: movie(&movie_tracks)?, files })
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

fn at(file: &File, offset: u64, length: u64) -> std::io::Result<Vec<u8>> {
    let mut bytes = vec![0; usize::try_from(length).unwrap_or(usize::MAX)];
    file.read_exact_at(&mut bytes, offset).map(|()| bytes)
}

fn opened(path: &std::path::Path, inode: Option<u64>) -> Result<File, DownloadError> {
    let file = File::open(path)?;
    match inode.is_none_or(|wanted| file.metadata().is_ok_and(|m| m.ino() == wanted)) {
        true => Ok(file),
        false => Err(DownloadError::Replaced),
    }
}

/// Its files stay open while it is sent: whatever takes their names, these are the bytes.
fn open(made: Arc<Made>) -> Result<(Arc<Made>, Vec<File>), DownloadError> {
    let files: Result<Vec<_>, _> = made.files.iter().map(|(path, inode)| opened(path, *inode)).collect();
    Ok((made, files?))
}

pub(super) fn answer(
    method: &Method,
    headers: &HeaderMap,
    etag: &str,
    (made, files): (Arc<Made>, Vec<File>),
) -> Response<Body> {
    let told = |name| headers.get(name).and_then(|v: &HeaderValue| v.to_str().ok());
    let all = made.movie.length;
    let mut response = Response::new(Body::empty());
    let known = told(header::IF_NONE_MATCH).is_some_and(|k| k.split(',').any(|t| t.trim() == etag));
    let fresh = told(header::IF_RANGE).is_none_or(|t| t == etag);
    let asked =
        range::parse(told(header::RANGE).filter(|_| fresh), usize::try_from(all).unwrap_or(usize::MAX));
    let (from, to) = match asked {
        Range::Part(from, to) => (from as u64, to as u64),
        Range::Whole => (0, all),
        Range::Unsatisfiable => {
            let mut response = refuse(StatusCode::RANGE_NOT_SATISFIABLE, "no byte of that range exists");
            set(response.headers_mut(), header::CONTENT_RANGE, &format!("bytes */{all}"));
            return response;
        }
    };
    let out = response.headers_mut();
    set(out, header::ETAG, etag);
    out.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    // The next version has another tag.
    out.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return response;
    }
    out.insert(header::CONTENT_LENGTH, (to - from).into());
    if matches!(asked, Range::Part(..)) {
        set(out, header::CONTENT_RANGE, &format!("bytes {from}-{}/{all}", to - 1));
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    }
    if *method != Method::HEAD {
        *response.body_mut() = Body::stream(bytes(made, files, from, to));
    }
    response
}

/// Bytes `from..to` of the file, as fast as they are taken.
fn bytes(made: Arc<Made>, files: Vec<File>, from: u64, to: u64) -> impl Stream<Item = Bytes> + Send + Sync {
    let files = Arc::new(files);
    futures_util::stream::unfold(from, move |from| {
        let (made, files) = (Arc::clone(&made), Arc::clone(&files));
        async move {
            if from >= to {
                return None;
            }
            let read = tokio::task::spawn_blocking(move || next(&made.movie, &files, from, to)).await;
            match read {
                Ok(Ok(bytes)) => {
                    let next = from + bytes.len() as u64;
                    Some((bytes, next))
                }
                // The connection ends before its length: whoever reads asks for the rest.
                Ok(Err(error)) => {
                    tracing::error!(%error, "a lesson that is downloaded could not be read on");
                    None
                }
                Err(_) => None,
            }
        }
    })
}

/// Some bytes from `from` on, one at least, none from `to` on.
fn next(movie: &Movie, files: &[File], from: u64, to: u64) -> std::io::Result<Bytes> {
    let head = movie.head.len() as u64;
    if from < head {
        let part = movie.head.get(from as usize..head.min(to) as usize).unwrap_or_default();
        return Ok(Bytes::copy_from_slice(part));
    }
    let mut out = Vec::new();
    let mut begins = head;
    for (track, range) in &movie.pieces {
        let ends = begins + range.length;
        let at_most = to.min(from + BLOCK);
        let cursor = from + out.len() as u64;
        if ends > cursor && cursor < at_most {
            let length = ends.min(at_most) - cursor;
            out.extend(at(&files[*track], range.offset + (cursor - begins), length)?);
        }
        if ends >= at_most {
            break;
        }
        begins = ends;
    }
    match out.is_empty() {
        true => Err(std::io::Error::other("the file is shorter than it should be")),
        false => Ok(out.into()),
    }
}

/// What a browser calls the file.
fn name(headers: &mut HeaderMap, id: &LessonId, package: &Package, wish: DownloadWish<'_>) {
    let (kind, ending) = match wish.rung {
        Some(SOUND) => ("audio/mp4", "m4a"),
        _ => ("video/mp4", "mp4"),
    };
    let titles = &package.manifest.titles;
    let title = match wish.lang {
        Some(lang) => titles.best(lang).map(|(_, title)| title),
        None => titles.0.values().next().map(String::as_str),
    };
    say_name(headers, (id.as_str(), title.unwrap_or(id.as_str())), ending, kind);
}

/// What a browser saves it as: `title`, or where it cannot write that, `plain`.
pub(super) fn say_name(
    headers: &mut HeaderMap,
    (plain, title): (&str, &str),
    ending: &str,
    kind: &'static str,
) {
    let title: String = title
        .chars()
        .map(|c| if c.is_control() || "/\\:*?\"<>|".contains(c) { '_' } else { c })
        .take(80)
        .collect();
    let encoded = utf8_percent_encode(&title, NON_ALPHANUMERIC);
    let said = format!("attachment; filename=\"{plain}.{ending}\"; filename*=UTF-8''{encoded}.{ending}");
    set(headers, header::CONTENT_DISPOSITION, &said);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
}

fn set(headers: &mut HeaderMap, name: header::HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}
