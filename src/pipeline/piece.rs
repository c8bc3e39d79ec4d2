//! Bytes on their way into a demuxer.

use super::sender_clock::Clock;

/// Bytes that are handed over together.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) bytes: Vec<u8>,
    /// The first and the last clock in it; those of other programmes are not looked at.
    pub(super) clocks: Option<(Clock, Clock)>,
}

/// The longest piece, 90 kHz ticks: a demuxer takes all of it to have come at one time.
const LONGEST: u64 = 300 * 90;
/// A tenth of a second of 2.5 Mb/s.
const ROOM: usize = 32 << 10;

/// Adds a packet of MPEG-TS, and the clock in it, to the last of `pieces` or a new one.
pub(super) fn add(pieces: &mut Vec<Piece>, packet: &[u8], clock: Option<Clock>) {
    let too_long = |piece: &Piece| {
        piece
            .clocks
            .zip(clock)
            .and_then(|((first, _), clock)| clock.since(first))
            .is_some_and(|t| t > LONGEST)
    };
    if pieces.last().is_none_or(too_long) {
        pieces.push(Piece { bytes: Vec::with_capacity(ROOM), clocks: None });
    }
    let Some(piece) = pieces.last_mut() else { return };
    piece.bytes.extend_from_slice(packet);
    piece.clocks = match (piece.clocks, clock) {
        (None, clock) => clock.map(|clock| (clock, clock)),
        (Some((first, last)), clock) => Some((first, clock.filter(|c| c.pid == first.pid).unwrap_or(last))),
    };
}

impl From<Vec<u8>> for Piece {
    fn from(bytes: Vec<u8>) -> Self {
        Self { bytes, clocks: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_held_back_is_handed_over_as_it_was_sent() {
        let mut pieces = Vec::new();
        // Four seconds with a clock every 40 ms, another programme's between them, and a step back.
        for n in 0..100 {
            add(&mut pieces, &[1; 188], Some(Clock { pid: 256, ticks: n * 3600 }));
            add(&mut pieces, &[2; 188], None);
            add(&mut pieces, &[3; 188], Some(Clock { pid: 300, ticks: n }));
        }
        add(&mut pieces, &[4; 188], Some(Clock { pid: 256, ticks: 0 }));
        assert_eq!(pieces.len(), 14);
        assert_eq!(pieces.iter().map(|p| p.bytes.len()).sum::<usize>(), 301 * 188);
        for piece in &pieces {
            let (first, last) = piece.clocks.expect("a clock in each");
            assert!(first.pid == 256 && last.since(first) <= Some(LONGEST));
        }
    }
}
