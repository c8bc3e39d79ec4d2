//! A look at a file before anything of GStreamer's reads it: what is no film is named, and
//! how long a film says it is, is taken from where it says so.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use crate::hls::Reason;

/// So much of a file is looked at.
const HEAD: usize = 65_536;
/// Boxes of a file that are walked over at most.
const BOXES: usize = 10_000;

/// What the file at `path` is that is no film, if that can be told.
pub(super) fn look(path: &Path) -> std::io::Result<Option<Reason>> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    let mut head = Vec::new();
    file.by_ref().take(HEAD as u64).read_to_end(&mut head)?;
    if is_mp4(&head) {
        return index_lost(&mut file, length);
    }
    Ok(what(&head))
}

/// How long a file says it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Says {
    /// As its demuxer read it in its header.
    AsRead,
    /// So many nanoseconds: its demuxer takes what is there for all there is.
    Ns(u64),
}

impl Says {
    /// Nanoseconds, where the demuxer read so many; 0: it does not say.
    pub(super) fn ns(self, read: Option<u64>) -> u64 {
        match self {
            Self::AsRead => read.unwrap_or_default(),
            Self::Ns(ns) => ns,
        }
    }
}

/// How long the file at `path` says it is, if its kind says so in its header, and means it.
pub(super) fn says(path: &Path) -> Option<Says> {
    let mut head = Vec::new();
    File::open(path).and_then(|file| file.take(HEAD as u64).read_to_end(&mut head)).ok()?;
    if head.starts_with(b"RIFF") && head.get(8..12)? == b"AVI " {
        return avi(&head).map(Says::Ns);
    }
    let known = is_mp4(&head)
        || [&[0x1a, 0x45, 0xdf, 0xa3][..], &[0x30, 0x26, 0xb2, 0x75], b"FLV"]
            .iter()
            .any(|k| head.starts_with(k));
    known.then_some(Says::AsRead)
}

/// AVI's main header: microseconds a frame, and, four fields on, the number of frames.
fn avi(head: &[u8]) -> Option<u64> {
    let at = head.windows(4).position(|w| w == b"avih")? + 8;
    let field = |n: usize| Some(u32::from_le_bytes(head.get(at + 4 * n..at + 4 * n + 4)?.try_into().ok()?));
    // More than a second a frame is nobody's film.
    let us = field(0).filter(|us| *us <= 1_000_000)?;
    Some(u64::from(us) * u64::from(field(4)?) * 1000)
}

/// ISO/IEC 14496-12 §4.2, and QuickTime before there was `ftyp`.
fn is_mp4(head: &[u8]) -> bool {
    let kind = head.get(4..8).unwrap_or_default();
    [&b"ftyp"[..], b"moov", b"mdat", b"wide", b"skip"].contains(&kind)
}

/// Walks over the boxes of the file: without a `moov` nobody knows what the media are.
fn index_lost(file: &mut File, length: u64) -> std::io::Result<Option<Reason>> {
    let mut at = 0;
    for _ in 0..BOXES {
        file.seek(SeekFrom::Start(at))?;
        let mut head = [0; 16];
        if at + 8 > length || file.read_exact(&mut head[..8]).is_err() {
            break;
        }
        let kind = &head[4..8];
        if kind == b"moov" || kind == b"moof" {
            return Ok(None);
        }
        let size = match u32::from_be_bytes([head[0], head[1], head[2], head[3]]) {
            0 => length - at,
            1 => {
                let mut large = [0; 8];
                if file.read_exact(&mut large).is_err() {
                    break;
                }
                u64::from_be_bytes(large)
            }
            size => u64::from(size),
        };
        match at.checked_add(size.max(8)) {
            Some(next) => at = next,
            None => break,
        }
    }
    Ok(Some(Reason::IndexLost))
}

/// What begins so and is no film.
fn what(head: &[u8]) -> Option<Reason> {
    let begins = |with: &[u8]| head.starts_with(with);
    let picture = |kind: &str| Some(Reason::Picture { kind: kind.to_owned() });
    let archive = |kind: &str| Some(Reason::Archive { kind: kind.to_owned() });
    let document = |kind: &str| Some(Reason::Document { kind: kind.to_owned() });
    if head.iter().all(|byte| *byte == 0) {
        return Some(if head.is_empty() { Reason::Empty } else { Reason::Unknown });
    }
    if begins(b"PK\x03\x04") {
        // The parts of an Office document have names of their own, from the first on.
        let holds = |name: &[u8]| head.windows(name.len()).any(|w| w == name);
        let office = [&b"[Content_Types].xml"[..], b"ppt/", b"word/", b"xl/"];
        return if office.iter().any(|name| holds(name)) { document("Office") } else { archive("ZIP") };
    }
    let known: [(&[u8], Option<Reason>); 14] = [
        (b"%PDF", document("PDF")),
        (&[0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1], document("Office")),
        (b"Rar!\x1a", archive("RAR")),
        (b"7z\xbc\xaf\x27\x1c", archive("7z")),
        (&[0x1f, 0x8b], archive("gzip")),
        (b"\x89PNG", picture("PNG")),
        (&[0xff, 0xd8, 0xff], picture("JPEG")),
        (b"GIF8", picture("GIF")),
        (b"BM", picture("BMP").filter(|_| head.get(6..10) == Some(&[0; 4]))),
        (b"II*\0", picture("TIFF")),
        (b"MM\0*", picture("TIFF")),
        (b"MZ", Some(Reason::Program)),
        (b"\x7fELF", Some(Reason::Program)),
        (b"SQLite format 3", document("SQLite")),
    ];
    if let Some((_, reason)) = known.into_iter().find(|(with, _)| begins(with)) {
        return reason;
    }
    if begins(b"RIFF") && head.get(8..12) == Some(b"WEBP") {
        return picture("WebP");
    }
    text(head)
}

/// Which kind of text it is, if it is text.
fn text(head: &[u8]) -> Option<Reason> {
    let words = crate::hls::decode_text(head);
    // The last character may be cut in two; one that stands for what is none may come seldom.
    let (mut odd, mut all) = (0, 0_usize);
    for c in words.chars() {
        all += 1;
        odd += usize::from(c == '\u{fffd}' || (c.is_control() && !c.is_whitespace()));
    }
    if odd * 100 > all {
        return None;
    }
    let begins = words.trim_start().chars().take(400).collect::<String>().to_lowercase();
    let lists = ["#extm3u", "[playlist]", "[reference]", "<asx", "<smil", "<?wpl"];
    Some(match () {
        () if lists.iter().any(|list| begins.starts_with(list)) => Reason::Playlist,
        () if begins.starts_with("<!doctype html") || begins.contains("<html") => Reason::WebPage,
        () => Reason::Text,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn looked(bytes: &[u8]) -> Option<Reason> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("file");
        std::fs::write(&path, bytes).expect("written");
        // Whatever it says.
        let _ = says(&path).map(|says| says.ns(None));
        look(&path).expect("it can be read")
    }

    #[test]
    fn what_is_no_film_is_named() {
        let gbk = encoding_rs::GBK.encode(&"会议记录：远程教育。".repeat(9000)).0.into_owned();
        assert_eq!(looked(&gbk), Some(Reason::Text));
        assert_eq!(looked("Йиғин хатириси".as_bytes()), Some(Reason::Text));
        assert_eq!(looked(b"<!DOCTYPE html><title>404"), Some(Reason::WebPage));
        assert_eq!(looked(b"\xef\xbb\xbf#EXTM3U\nfile"), Some(Reason::Playlist));
        assert_eq!(looked(b"MZ\x90\0\x03"), Some(Reason::Program));
        assert_eq!(looked(b""), Some(Reason::Empty));
        assert_eq!(looked(&[0; 9]), Some(Reason::Unknown));
        assert_eq!(looked(b"PK\x03\x04....ppt/slides"), Some(Reason::Document { kind: "Office".into() }));
        assert_eq!(looked(b"PK\x03\x04....a.mp4"), Some(Reason::Archive { kind: "ZIP".into() }));
        // The start of an MPEG programme stream, and of an MP3.
        assert_eq!(looked(&[0, 0, 1, 0xba, 0x44, 0, 4, 0, 4, 1]), None);
        assert_eq!(looked(b"ID3\x04\0\0\0\0\0\x22TSSE\0\0\0\x0e\0\0\x03Lavf59\xff\xfb\x94\x64"), None);
    }

    #[test]
    fn an_mp4_without_an_index_is_told_from_a_whole_one() {
        let ftyp = b"\0\0\0\x10ftypisom\0\0\0\0";
        assert_eq!(looked(&[&ftyp[..], b"\0\0\xff\xffmdat..."].concat()), Some(Reason::IndexLost));
        assert_eq!(looked(&[&ftyp[..], b"\0\0\0\x0cmdat....\0\0\0\x08moov"].concat()), None);
        assert_eq!(
            looked(&[&ftyp[..], b"\0\0\0\x01mdat\xff\xff\xff\xff\xff\xff\xff\xff"].concat()),
            Some(Reason::IndexLost)
        );
    }

    proptest! {
        #[test]
        fn no_bytes_upset_it(bytes: Vec<u8>, kind in prop::sample::select(vec!["ftyp", "mdat", "wide"])) {
            looked(&bytes);
            looked(&[b"\0\0\0\x08", kind.as_bytes(), &bytes].concat());
        }
    }
}
