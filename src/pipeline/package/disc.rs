//! Video CDs as Windows copies them: `AVSEQ01.DAT` is no programme stream, but the raw
//! sectors that hold one.

use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::Path;

/// RIFF header of such a file.
const HEADER: usize = 44;
/// A raw sector (ECMA-130), and in it the user data of mode 2 form 2.
const SECTOR: usize = 2352;
const DATA: std::ops::Range<usize> = 24..24 + 2324;
/// What a sector begins with.
const SYNC: [u8; 12] = [0, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 0];

/// Writes the stream in `file` to `target`; false if it is no such file.
pub(super) fn unwrap(file: &Path, target: &Path) -> std::io::Result<bool> {
    let mut input = BufReader::new(File::open(file)?);
    let mut header = [0; HEADER];
    if !read_whole(&mut input, &mut header)? || !header.starts_with(b"RIFF") || &header[8..12] != b"CDXA" {
        return Ok(false);
    }
    let mut out = BufWriter::new(File::create(target)?);
    let mut sector = [0; SECTOR];
    while read_whole(&mut input, &mut sector)? {
        // A sector that could not be read from the disc is left out.
        if sector.starts_with(&SYNC) {
            out.write_all(&sector[DATA])?;
        }
    }
    out.flush()?;
    Ok(true)
}

/// Fills `buffer`; false at the end, where less is left.
fn read_whole(input: &mut impl Read, buffer: &mut [u8]) -> std::io::Result<bool> {
    match input.read_exact(buffer) {
        Ok(()) => Ok(true),
        Err(e) if e.kind() == std::io::ErrorKind::UnexpectedEof => Ok(false),
        Err(e) => Err(e),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_data_of_sectors_is_the_stream() {
        let folder = tempfile::tempdir().expect("a folder");
        let (file, target) = (folder.path().join("AVSEQ01.DAT"), folder.path().join("out"));
        let sector = |fill: u8| {
            let mut sector = vec![0; SECTOR];
            sector[..12].copy_from_slice(&SYNC);
            sector[DATA].fill(fill);
            sector
        };
        let mut header = vec![0; HEADER];
        header[..12].copy_from_slice(b"RIFF\0\0\0\0CDXA");
        let unreadable = vec![7; SECTOR];
        let all = [header, sector(1), unreadable, sector(2), vec![9; 100]].concat();
        std::fs::write(&file, all).expect("written");
        assert!(unwrap(&file, &target).expect("read"));
        assert_eq!(std::fs::read(&target).expect("a stream"), [[1; 2324], [2; 2324]].concat());
        std::fs::write(&file, b"RIFF").expect("written");
        assert!(!unwrap(&file, &target).expect("read"));
    }
}
