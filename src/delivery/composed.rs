//! Files that are made while they are sent: pieces of memory and of files on disk, in a row.

use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use futures_util::Stream;
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{Method, Response, StatusCode};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::hls::{ByteRange, Movie};

use super::body::Body;
use super::media::refuse;
use super::range::{self, Range};

/// Read at once, bytes.
const BLOCK: u64 = 512 << 10;

/// A stretch of a file that is made.
#[derive(Debug, Clone)]
pub(super) enum Piece {
    /// These bytes.
    Memory(Bytes),
    /// Bytes of the source of this number.
    Source(usize, ByteRange),
}

impl Piece {
    fn length(&self) -> u64 {
        match self {
            Self::Memory(bytes) => bytes.len() as u64,
            Self::Source(_, range) => range.length,
        }
    }
}

/// A file on disk, with its inode where another may take its name.
pub(super) type Source = (PathBuf, Option<u64>);

/// A file that is made.
#[derive(Debug, Default)]
pub(super) struct Composed {
    /// Where each piece begins.
    pieces: Vec<(u64, Piece)>,
    /// All of it, bytes.
    pub(super) length: u64,
    /// The files it is made from.
    pub(super) sources: Vec<Source>,
}

impl Composed {
    /// Of these sources, to be filled.
    pub(super) fn of(sources: Vec<Source>) -> Self {
        Self { sources, ..Self::default() }
    }

    /// A film, whose tracks are these sources.
    pub(super) fn movie(movie: Movie, sources: Vec<Source>) -> Self {
        let mut composed = Self::of(sources);
        composed.push(Piece::Memory(movie.head.into()));
        for (track, range) in movie.pieces {
            composed.push(Piece::Source(track, range));
        }
        composed
    }

    pub(super) fn pieces(&self) -> impl Iterator<Item = &Piece> {
        self.pieces.iter().map(|(_, piece)| piece)
    }

    pub(super) fn push(&mut self, piece: Piece) {
        let length = piece.length();
        if length > 0 {
            self.pieces.push((self.length, piece));
            self.length += length;
        }
    }

    /// Its files stay open while it is sent: whatever takes their names, these are the bytes.
    pub(super) fn open(self: Arc<Self>) -> io::Result<Opened> {
        let files: io::Result<Vec<_>> =
            self.sources.iter().map(|(path, inode)| opened(path, *inode)).collect();
        Ok(Opened { files: Arc::new(files?), composed: self })
    }
}

/// A file that is made, with what it is made from.
#[derive(Debug, Clone)]
pub(super) struct Opened {
    composed: Arc<Composed>,
    files: Arc<Vec<File>>,
}

impl Opened {
    /// What is answered to who asks for it, or for a range of it; what it is and how it is called
    /// is the caller's to say.
    pub(super) fn answer(self, method: &Method, headers: &HeaderMap, etag: &str) -> Response<Body> {
        let told = |name| headers.get(name).and_then(|v: &HeaderValue| v.to_str().ok());
        let all = self.composed.length;
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
            *response.body_mut() = Body::stream(self.bytes(from, to));
        }
        response
    }

    /// Bytes `from..to`, as fast as they are taken.
    fn bytes(self, from: u64, to: u64) -> impl Stream<Item = Bytes> + Send + Sync {
        futures_util::stream::unfold(from, move |from| {
            let opened = self.clone();
            async move {
                if from >= to {
                    return None;
                }
                match tokio::task::spawn_blocking(move || opened.next(from, to)).await {
                    Ok(Ok(bytes)) => {
                        let next = from + bytes.len() as u64;
                        Some((bytes, next))
                    }
                    // The connection ends before its length: whoever reads asks for the rest.
                    Ok(Err(error)) => {
                        tracing::error!(%error, "a file that is downloaded could not be read on");
                        None
                    }
                    Err(_) => None,
                }
            }
        })
    }

    /// Some bytes from `from` on, one at least, none from `to` on.
    pub(super) fn next(&self, from: u64, to: u64) -> io::Result<Bytes> {
        let pieces = &self.composed.pieces;
        let at_most = to.min(from + BLOCK);
        let first = pieces.partition_point(|(begins, _)| *begins <= from).saturating_sub(1);
        let mut out = Vec::new();
        for (begins, piece) in pieces.get(first..).unwrap_or_default() {
            let cursor = from + out.len() as u64;
            let ends = (begins + piece.length()).min(at_most);
            if cursor >= ends {
                break;
            }
            let (skipped, length) = (cursor - begins, ends - cursor);
            match piece {
                Piece::Memory(bytes) => {
                    out.extend_from_slice(
                        bytes.get(skipped as usize..(skipped + length) as usize).unwrap_or_default(),
                    );
                }
                Piece::Source(source, range) => {
                    out.extend(at(&self.files[*source], range.offset + skipped, length)?);
                }
            }
        }
        match out.is_empty() {
            true => Err(io::Error::other("the file is shorter than it should be")),
            false => Ok(out.into()),
        }
    }
}

/// `length` bytes of a file, from `offset` on.
pub(super) fn at(file: &File, offset: u64, length: u64) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; usize::try_from(length).unwrap_or(usize::MAX)];
    file.read_exact_at(&mut bytes, offset).map(|()| bytes)
}

/// A file, if it is still the one that was meant.
pub(super) fn opened(path: &Path, inode: Option<u64>) -> io::Result<File> {
    let file = File::open(path)?;
    match inode.is_none_or(|wanted| file.metadata().is_ok_and(|m| m.ino() == wanted)) {
        true => Ok(file),
        false => Err(io::Error::other("it was replaced meanwhile")),
    }
}

/// A title as a file may be called.
pub(super) fn file_name(title: &str) -> String {
    let good = |c: char| if c.is_control() || "/\\:*?\"<>|".contains(c) { '_' } else { c };
    title.chars().map(good).take(80).collect()
}

/// What a browser saves it as: `title`, or where it cannot write that, `plain`.
pub(super) fn say_name(
    headers: &mut HeaderMap,
    (plain, title): (&str, &str),
    ending: &str,
    kind: &'static str,
) {
    let title = file_name(title);
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
