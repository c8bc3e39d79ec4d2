//! What anybody may send, for the fuzzer.

use bytes::{Bytes, BytesMut};

use super::amf;
use super::chunk::Reader;
use super::flv::{self, Contents, Kind};
use super::handshake::Handshake;

/// Chunks in two parts, of a size the first byte chooses.
pub(crate) fn chunks(data: &[u8]) {
    let Some((size, data)) = data.split_first() else { return };
    let mut reader = Reader::new(1 << 16);
    let _ = reader.set_size(u32::from(*size));
    let (mut input, half) = (BytesMut::new(), data.len() / 2);
    for part in [&data[..half], &data[half..]] {
        input.extend_from_slice(part);
        while let Ok(Some(message)) = reader.next(&mut input) {
            drop(message);
        }
    }
}

/// Values, and the script that is made of them.
pub(crate) fn values(data: &[u8]) {
    if let Ok(values) = amf::Reader::new(data).all() {
        for value in values {
            let mut written = Vec::new();
            value.write(&mut written);
            // What was written is read as the same.
            let again = amf::Reader::new(&written).all();
            assert!(again.is_ok_and(|again| again.len() == 1), "{value:?}");
        }
    }
    let _ = flv::script(&Bytes::copy_from_slice(data));
    let _ = Contents::told_by(Kind::Script, data);
}

/// The beginning of a connection.
pub(crate) fn handshake(data: &[u8]) {
    let (mut input, mut output) = (BytesMut::from(data), Vec::new());
    let mut handshake = Handshake::default();
    for _ in 0..3 {
        if handshake.step(&mut input, &mut output).is_err() {
            return;
        }
    }
}
