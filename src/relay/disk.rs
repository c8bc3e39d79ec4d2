//! A live window as it lies on disk: recovery after a crash, retention.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::hls::{LiveSegment, LiveWindow};

/// A live window's folder that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {source}")]
pub struct RecoverError {
    /// The file or folder.
    pub path: PathBuf,
    /// The cause.
    pub source: io::Error,
}

fn failed(path: &Path) -> impl FnOnce(io::Error) -> RecoverError + '_ {
    move |source| RecoverError { path: path.to_owned(), source }
}

/// Reads the window in `folder`. A torn tail, as a crash leaves one, is cut at
/// the last whole segment, in the index file too: what is appended next must
/// begin on a line of its own.
pub fn recover(folder: &Path) -> Result<LiveWindow, RecoverError> {
    let mut window = LiveWindow::default();
    if !folder.exists() {
        return Ok(window);
    }
    let mut hours: Vec<PathBuf> = fs::read_dir(folder)
        .map_err(failed(folder))?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.is_dir())
        .collect();
    hours.sort();
    let mut tracks = Arc::default();
    for hour in hours {
        let index = hour.join("index.jsonl");
        let text = match fs::read(&index) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == io::ErrorKind::NotFound => continue,
            Err(e) => return Err(failed(&index)(e)),
        };
        let mut whole = 0;
        for line in text.split_inclusive(|b| *b == b'\n') {
            let Some(mut segment) = parse(line).filter(|s| s.n >= next(&window) && bytes_exist(&hour, s))
            else {
                break;
            };
            // Segments of one generation share their description in memory.
            if segment.tracks == tracks {
                segment.tracks = Arc::clone(&tracks);
            } else {
                tracks = Arc::clone(&segment.tracks);
            }
            window.push(segment);
            whole += line.len();
        }
        if whole < text.len() {
            let file = fs::OpenOptions::new().write(true).open(&index).map_err(failed(&index))?;
            file.set_len(whole as u64).map_err(failed(&index))?;
        }
    }
    Ok(window)
}

fn next(window: &LiveWindow) -> u64 {
    window.newest().map_or(0, |s| s.n + 1)
}

fn parse(line: &[u8]) -> Option<LiveSegment> {
    serde_json::from_slice(line.strip_suffix(b"\n")?).ok()
}

fn bytes_exist(hour: &Path, segment: &LiveSegment) -> bool {
    segment.tracks().zip(&segment.parts).all(|(track, part)| {
        let length = fs::metadata(hour.join(format!("{}.m4s", track.name))).map_or(0, |m| m.len());
        part.range.offset + part.range.length <= length
    })
}

/// Removes the folders of hours that are no longer kept.
pub(super) fn remove_hours(folder: &Path, hours: &[String]) {
    for hour in hours {
        let path = folder.join(hour);
        if let Err(error) = fs::remove_dir_all(&path) {
            tracing::warn!(path = %path.display(), %error, "an old hour of a relay could not be removed");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hls::{ByteRange, LiveTrack, Part, Track, TrackKind};
    use std::io::Write;

    fn segment(n: u64, hour: &str, offset: u64) -> LiveSegment {
        let kind = TrackKind::Video { width: 2, height: 2, fps: 25.0 };
        let track =
            Track { name: "v".into(), kind, codecs: "avc1".into(), init: "0".into(), timescale: 90_000 };
        LiveSegment {
            n,
            start: jiff::Timestamp::from_second(1_700_000_000 + n as i64 * 4).expect("instant"),
            us: 4_000_000,
            at_us: n * 4_000_000,
            generation: 1,
            hour: hour.into(),
            tracks: Arc::new(vec![LiveTrack { track }]),
            parts: vec![Part { range: ByteRange { offset, length: 10 }, us: 4_000_000 }],
        }
    }

    fn write(folder: &Path, hour: &str, segments: &[LiveSegment], bytes: usize, tail: &str) {
        fs::create_dir_all(folder.join(hour)).expect("folder");
        fs::write(folder.join(hour).join("v.m4s"), vec![0; bytes]).expect("media");
        let mut index = fs::File::create(folder.join(hour).join("index.jsonl")).expect("index");
        for s in segments {
            writeln!(index, "{}", serde_json::to_string(s).expect("json")).expect("line");
        }
        index.write_all(tail.as_bytes()).expect("tail");
    }

    #[test]
    fn a_torn_tail_is_cut_at_the_last_whole_segment() {
        let folder = tempfile::tempdir().expect("folder");
        write(folder.path(), "h1", &[segment(0, "h1", 0), segment(1, "h1", 10)], 20, "");
        // Of the second hour, segment 3 has its line but not all its bytes, and 4 half a line.
        write(folder.path(), "h2", &[segment(2, "h2", 0), segment(3, "h2", 10)], 15, "{\"n\":4,");
        let window = recover(folder.path()).expect("recovered");
        assert_eq!(window.newest().map(|s| s.n), Some(2));
        assert_eq!(window.len(), 3);
        let text = fs::read_to_string(folder.path().join("h2/index.jsonl")).expect("index");
        assert_eq!(text.lines().count(), 1);
        assert!(text.ends_with('\n'));
        assert_eq!(recover(folder.path()).expect("again").len(), 3);
    }
}
