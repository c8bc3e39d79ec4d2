//! What an encoder publishes to us: FLV over a socket of ours, one connection
//! after the other (Adobe FLV v10.1, Annex E).
//!
//! A demuxer that is built anew in the middle of a stream needs what stood at
//! its beginning: that is kept.

use std::io::{ErrorKind, Read};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;

use super::PipelineError;

/// Header of a file that holds sound and pictures, and the size of no tag before the first.
const FLV: [u8; 13] = [b'F', b'L', b'V', 1, 5, 0, 0, 0, 9, 0, 0, 0, 0];
/// A tag's own header, and the size that follows its body.
const TAG: (usize, usize) = (11, 4);
/// Most that is read at once.
const BATCH: usize = 1 << 20;
/// No tag is longer: who says so sends something else.
const LONGEST: usize = 16 << 20;

/// One socket, and what has come over it.
#[derive(Debug)]
pub(super) struct Published {
    listener: UnixListener,
    connection: Option<UnixStream>,
    /// What is not a whole tag yet, and whether the file's header is still to come.
    rest: Vec<u8>,
    begun: bool,
    /// Metadata, the pictures' and the sound's configuration, as whole tags.
    opening: [Vec<u8>; 3],
    /// Bytes received.
    pub(super) bytes: u64,
}

impl Published {
    /// Listens at `socket`; what an earlier worker left there goes.
    pub(super) fn listen(socket: &Path) -> Result<Self, PipelineError> {
        let failed = || PipelineError::io(socket);
        // There is one worker at a time.
        let _ = std::fs::remove_file(socket);
        let listener = UnixListener::bind(socket).map_err(failed())?;
        listener.set_nonblocking(true).map_err(failed())?;
        let opening = Default::default();
        Ok(Self { listener, connection: None, rest: Vec::new(), begun: false, opening, bytes: 0 })
    }

    /// The whole tags that have come, if any.
    pub(super) fn next(&mut self) -> std::io::Result<Option<Vec<u8>>> {
        self.accept()?;
        let Some(connection) = self.connection.as_mut() else { return Ok(None) };
        let mut chunk = vec![0; 64 << 10];
        let mut read = 0;
        while read < BATCH {
            match connection.read(&mut chunk) {
                Ok(0) => {
                    self.connection = None;
                    break;
                }
                Ok(n) => {
                    read += n;
                    self.rest.extend_from_slice(&chunk[..n]);
                }
                Err(e) if e.kind() == ErrorKind::WouldBlock => break,
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(_) => {
                    self.connection = None;
                    break;
                }
            }
        }
        self.bytes += read as u64;
        let tags = self.whole_tags();
        Ok((!tags.is_empty()).then_some(tags))
    }

    /// What a demuxer is to be given before the next tags.
    pub(super) fn opening(&self) -> Vec<u8> {
        [&FLV[..], &self.opening.concat()].concat()
    }

    fn accept(&mut self) -> std::io::Result<()> {
        if self.connection.is_some() {
            return Ok(());
        }
        match self.listener.accept() {
            Ok((stream, _)) => {
                stream.set_nonblocking(true)?;
                self.rest.clear();
                (self.connection, self.begun, self.opening) = (Some(stream), false, Default::default());
                Ok(())
            }
            Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => Ok(()),
            Err(e) => Err(e),
        }
    }

    fn whole_tags(&mut self) -> Vec<u8> {
        if !self.begun {
            if self.rest.len() < FLV.len() {
                return Vec::new();
            }
            self.rest.drain(..FLV.len());
            self.begun = true;
        }
        let mut whole = 0;
        while let Some(length) = tag_length(&self.rest[whole..]) {
            if length > LONGEST {
                self.connection = None;
                self.rest.clear();
                return Vec::new();
            }
            let Some(tag) = self.rest.get(whole..whole + length) else { break };
            if let Some(kept) = keeps(tag) {
                self.opening[kept] = tag.to_vec();
            }
            whole += length;
        }
        self.rest.drain(..whole).collect()
    }
}

/// Length of the tag that begins here, with the size after it.
fn tag_length(bytes: &[u8]) -> Option<usize> {
    let [_, a, b, c, ..] = bytes.get(..TAG.0)? else { return None };
    Some(TAG.0 + (usize::from(*a) << 16 | usize::from(*b) << 8 | usize::from(*c)) + TAG.1)
}

/// Which part of the opening a tag is (E.4.2, E.4.3).
fn keeps(tag: &[u8]) -> Option<usize> {
    let (kind, body) = (tag[0] & 0x1f, tag.get(TAG.0..)?);
    match (kind, body) {
        (18, _) => Some(0),
        // H.264 with a configuration record; with a FourCC, a sequence start.
        (9, [first, 0, ..]) if first & 0x8f == 7 => Some(1),
        (9, [first, ..]) if first & 0x8f == 0x80 => Some(1),
        // AAC with an AudioSpecificConfig.
        (8, [first, 0, ..]) if first >> 4 == 10 => Some(2),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn tag(kind: u8, body: &[u8]) -> Vec<u8> {
        let size = (body.len() as u32).to_be_bytes();
        let head = [kind, size[1], size[2], size[3], 0, 0, 0, 0, 0, 0, 0];
        [&head[..], body, &(body.len() as u32 + 11).to_be_bytes()].concat()
    }

    #[test]
    fn tags_come_whole_and_the_opening_is_kept() {
        let folder = tempfile::tempdir().expect("a folder");
        let socket = folder.path().join("s");
        let mut published = Published::listen(&socket).expect("listening");
        let (meta, avc, aac) = (tag(18, b"meta"), tag(9, &[0x17, 0, 1]), tag(8, &[0xaf, 0, 0x11]));
        let (picture, sound) = (tag(9, &[0x27, 1, 9, 9]), tag(8, &[0xaf, 1, 7]));
        let mut encoder = UnixStream::connect(&socket).expect("connected");
        let stream = [&FLV[..], &meta, &avc, &aac, &picture, &sound].concat();
        let mut tags = Vec::new();
        for piece in stream.chunks(5) {
            encoder.write_all(piece).expect("sent");
            tags.extend(published.next().expect("read").unwrap_or_default());
        }
        assert_eq!(tags, stream[FLV.len()..]);
        assert_eq!(published.opening(), [&FLV[..], &meta, &avc, &aac].concat());
        // The next encoder begins with its own.
        drop(encoder);
        assert!(published.next().expect("read").is_none());
        let mut next = UnixStream::connect(&socket).expect("connected");
        next.write_all(&[&FLV[..], &avc].concat()).expect("sent");
        assert_eq!(published.next().expect("read").as_ref(), Some(&avc));
        assert_eq!(published.opening(), [&FLV[..], &avc].concat());
    }
}
