//! A lesson and its documents as one archive (ZIP, APPNOTE 6.3.10), whose parts are stored as
//! they are: it is made while it is sent, and any part of it can be asked for again.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::sync::Arc;

use flate2::Crc;

use crate::hls::{ByteRange, Movie};

use super::composed::{Composed, Piece, Source};
use super::download::DownloadError;

/// Names are UTF-8 (§4.4.4, bit 11).
const UTF8: u16 = 1 << 11;
/// The first day there is: nobody asks when it was made.
const DATE: u16 = 0x21;
/// Written by, and needed to read it: version 2.0 (§4.4.3).
const VERSION: u16 = 20;

/// A part of the archive.
struct Part {
    name: String,
    crc: u32,
    length: u32,
    /// Where its header stands.
    at: u32,
}

/// An archive of a film, called so, and documents.
pub(super) fn bundle(
    (name, movie, sources): (String, Movie, Vec<Source>),
    documents: Vec<(String, PathBuf)>,
) -> Result<Composed, DownloadError> {
    let film = Arc::new(Composed::movie(movie, sources));
    let mut archive = Composed::of(film.sources.clone());
    let mut parts = vec![part(&mut archive, name, crc_of(&film)?, film.length)?];
    for piece in film.pieces() {
        archive.push(piece.clone());
    }
    for (name, path) in documents {
        let mut file = File::open(&path)?;
        let length = file.metadata()?.len();
        let inode = file.metadata()?.ino();
        let mut crc = Crc::new();
        let mut block = vec![0; 1 << 20];
        loop {
            match file.read(&mut block)? {
                0 => break,
                read => crc.update(block.get(..read).unwrap_or_default()),
            }
        }
        parts.push(part(&mut archive, name, crc.sum(), length)?);
        archive.sources.push((path, Some(inode)));
        let source = archive.sources.len() - 1;
        archive.push(Piece::Source(source, ByteRange { offset: 0, length }));
    }
    let end = directory(&parts, small(archive.length)?)?;
    archive.push(Piece::Memory(end.into()));
    // Beyond 4 GB it would have to be ZIP64 (§4.5.3), which old readers do not know.
    small(archive.length)?;
    Ok(archive)
}

fn small(length: u64) -> Result<u32, DownloadError> {
    u32::try_from(length).map_err(|_| DownloadError::TooLarge)
}

/// Begins a part with its header (§4.3.7).
fn part(archive: &mut Composed, name: String, crc: u32, length: u64) -> Result<Part, DownloadError> {
    let part = Part { name, crc, length: small(length)?, at: small(archive.length)? };
    let mut header = b"PK\x03\x04".to_vec();
    header.extend_from_slice(&VERSION.to_le_bytes());
    header.extend_from_slice(&common(&part)?);
    header.extend_from_slice(part.name.as_bytes());
    archive.push(Piece::Memory(header.into()));
    Ok(part)
}

/// What both headers of a part say: from its flags to the length of what is not there.
fn common(part: &Part) -> Result<Vec<u8>, DownloadError> {
    let name = u16::try_from(part.name.len()).map_err(|_| DownloadError::TooLarge)?;
    let stored = 0_u16;
    Ok([
        &UTF8.to_le_bytes()[..],
        &stored.to_le_bytes(),
        &[0, 0],
        &DATE.to_le_bytes(),
        &part.crc.to_le_bytes(),
        &part.length.to_le_bytes(),
        &part.length.to_le_bytes(),
        &name.to_le_bytes(),
        &[0, 0],
    ]
    .concat())
}

/// The directory, and the end (§4.3.12, §4.3.16).
fn directory(parts: &[Part], at: u32) -> Result<Vec<u8>, DownloadError> {
    let mut out = Vec::new();
    for part in parts {
        out.write_all(b"PK\x01\x02")?;
        out.write_all(&VERSION.to_le_bytes())?;
        out.write_all(&VERSION.to_le_bytes())?;
        out.write_all(&common(part)?)?;
        // No comment, the first disk, no attributes.
        out.write_all(&[0; 10])?;
        out.write_all(&part.at.to_le_bytes())?;
        out.write_all(part.name.as_bytes())?;
    }
    let (length, count) = (small(out.len() as u64)?, u16::try_from(parts.len()).unwrap_or(u16::MAX));
    out.write_all(b"PK\x05\x06\0\0\0\0")?;
    for count in [count, count] {
        out.write_all(&count.to_le_bytes())?;
    }
    for number in [length, at] {
        out.write_all(&number.to_le_bytes())?;
    }
    out.write_all(&[0, 0])?;
    Ok(out)
}

fn crc_of(film: &Arc<Composed>) -> Result<u32, DownloadError> {
    let opened = Arc::clone(film).open()?;
    let (mut crc, mut from) = (Crc::new(), 0);
    while from < film.length {
        let bytes = opened.next(from, film.length)?;
        crc.update(&bytes);
        from += bytes.len() as u64;
    }
    Ok(crc.sum())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// An archive of a film in two stretches of one file, and documents.
    fn an_archive(
        head: &[u8],
        film: &[u8],
        documents: &[(String, Vec<u8>)],
    ) -> (tempfile::TempDir, Arc<Composed>) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("film");
        std::fs::write(&path, film).expect("written");
        let half = film.len() as u64 / 2;
        let pieces = [(0, half), (half, film.len() as u64 - half)];
        let pieces = pieces.map(|(offset, length)| (0, ByteRange { offset, length }));
        let length = (head.len() + film.len()) as u64;
        let movie = Movie { head: head.to_vec(), pieces: pieces.to_vec(), length };
        let documents = documents.iter().enumerate().map(|(at, (name, content))| {
            let path = folder.path().join(format!("document-{at}"));
            std::fs::write(&path, content).expect("written");
            (name.clone(), path)
        });
        let film = ("葡萄.mp4".to_owned(), movie, vec![(path, None)]);
        let archive = bundle(film, documents.collect()).expect("an archive");
        (folder, Arc::new(archive))
    }

    proptest! {
        #[test]
        fn every_reader_of_archives_finds_what_was_put_in(
            head in prop::collection::vec(any::<u8>(), 0..40),
            film in prop::collection::vec(any::<u8>(), 0..3000),
            documents in prop::collection::btree_map("[a-z讲义 ]{1,8}\\.pdf", prop::collection::vec(any::<u8>(), 0..200), 0..4),
            cut in 0.0..1.0_f64,
        ) {
            let documents: Vec<_> = documents.into_iter().collect();
            let (_folder, archive) = an_archive(&head, &film, &documents);
            let opened = Arc::clone(&archive).open().expect("it is there");
            let read = |mut from: u64, to: u64| {
                let mut out = Vec::new();
                while from < to {
                    let bytes = opened.next(from, to).expect("bytes");
                    from += bytes.len() as u64;
                    out.extend_from_slice(&bytes);
                }
                out
            };
            // From anywhere on it is the same: a download goes on where it was cut.
            let whole = read(0, archive.length);
            let from = (archive.length as f64 * cut) as u64;
            prop_assert_eq!(&read(from, archive.length), &whole[from as usize..]);

            let mut zip = zip::ZipArchive::new(std::io::Cursor::new(whole)).expect("an archive");
            prop_assert_eq!(zip.len(), documents.len() + 1);
            let mut content = |name: &str| {
                let mut bytes = Vec::new();
                // It compares the sums as well.
                zip.by_name(name).expect(name).read_to_end(&mut bytes).expect("its bytes");
                bytes
            };
            prop_assert_eq!(content("葡萄.mp4"), [head, film].concat());
            for (name, bytes) in &documents {
                prop_assert_eq!(&content(name), bytes);
            }
        }
    }
}
