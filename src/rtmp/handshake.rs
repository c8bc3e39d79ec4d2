//! The handshake (Adobe RTMP 1.0 §5.2), the plain one without digests.

use std::hash::{BuildHasher as _, RandomState};

use bytes::{Buf as _, BytesMut};

use super::RtmpError;

/// The length of C1, S1, C2 and S2, in bytes (Adobe RTMP 1.0 §5.2.3).
pub(super) const SIZE: usize = 1536;
/// The version of C0 and S0.
pub(super) const VERSION: u8 = 3;

/// How far the handshake is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Handshake {
    /// Waiting for C0 and C1.
    #[default]
    Hello,
    /// S0, S1 and S2 are written; waiting for C2.
    Echo,
    /// Chunks follow.
    Done,
}

impl Handshake {
    /// Takes what it can from `input` and writes the answer.
    ///
    /// # Errors
    /// [`RtmpError::Version`] when C0 is not 3: other protocols end up here too.
    pub(super) fn step(&mut self, input: &mut BytesMut, output: &mut Vec<u8>) -> Result<(), RtmpError> {
        if *self == Self::Hello {
            match input.first() {
                Some(&version) if version != VERSION => return Err(RtmpError::Version(version)),
                Some(_) if input.len() > SIZE => self.answer(input, output),
                _ => return Ok(()),
            }
        }
        if *self == Self::Echo && input.len() >= SIZE {
            // Not compared with S1: some encoders send something else, and nothing hangs on it.
            input.advance(SIZE);
            *self = Self::Done;
        }
        Ok(())
    }

    fn answer(&mut self, input: &mut BytesMut, output: &mut Vec<u8>) {
        input.advance(1);
        let hello = input.split_to(SIZE);
        output.push(VERSION);
        // A time of 0 and zeros, which say that there is no digest.
        output.extend([0; 8]);
        output.extend(noise().take(SIZE - 8));
        // All of C1 and not only its random part, since some encoders compare the whole.
        output.extend(hello);
        *self = Self::Echo;
    }
}

/// Bytes that differ from connection to connection, which is all that is asked of them.
fn noise() -> impl Iterator<Item = u8> {
    let state = RandomState::new();
    (0u64..).flat_map(move |n| state.hash_one(n).to_be_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_echoes_whatever_the_pieces_are() {
        let mut sent = vec![VERSION];
        sent.extend((0..2 * SIZE).map(|n| n as u8));
        sent.push(0xff);
        for piece in [1, 7, 1536, 1537, 5000] {
            let (mut handshake, mut input, mut output) = (Handshake::default(), BytesMut::new(), Vec::new());
            for bytes in sent.chunks(piece) {
                input.extend_from_slice(bytes);
                handshake.step(&mut input, &mut output).unwrap();
            }
            assert_eq!((handshake, &input[..]), (Handshake::Done, &[0xff][..]));
            assert_eq!(output.len(), 1 + 2 * SIZE);
            assert_eq!((output[0], &output[1..9]), (VERSION, &[0; 8][..]));
            assert_eq!(output[1 + SIZE..], sent[1..=SIZE]);
        }
    }

    #[test]
    fn other_protocols_are_told_apart_by_their_first_byte() {
        for hello in [&b"GET / HTTP/1.1"[..], &[0x16, 3, 1], &[6]] {
            let error = Handshake::default().step(&mut hello.into(), &mut Vec::new()).unwrap_err();
            assert!(matches!(error, RtmpError::Version(v) if v == hello[0]), "{error}");
        }
    }
}
