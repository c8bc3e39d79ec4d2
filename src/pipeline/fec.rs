//! Forward error correction of RTP (SMPTE ST 2022-1): packets of parity, from which one
//! lost packet of each row and of each column of a matrix is made again.

use std::collections::{HashMap, VecDeque};

/// RTP's own header, without contributors and extensions, which these streams may not have.
const RTP_HEADER: usize = 12;
const FEC_HEADER: usize = 16;
/// Packets of media that are kept: two of the largest matrices in use.
const KEPT: usize = 1024;
/// Packets of parity that wait for what they lack.
const WAITING: usize = 128;

/// A packet of parity (§8.4).
#[derive(Debug)]
struct Parity {
    /// The packets it covers.
    numbers: Vec<u16>,
    /// Their lengths, one XOR the other, in bytes.
    length: u16,
    /// Their payloads, likewise.
    payload: Vec<u8>,
}

/// What is known of the latest packets.
#[derive(Debug, Default)]
pub(super) struct Fec {
    media: HashMap<u16, Vec<u8>>,
    order: VecDeque<u16>,
    waiting: VecDeque<Parity>,
    /// Packets in a matrix, as far as parity told.
    matrix: usize,
}

impl Fec {
    /// Packets that may come before a lost one has been made again: parity is sent while
    /// the next matrix is.
    pub(super) fn delay(&self) -> usize {
        (2 * self.matrix + 16).min(KEPT)
    }

    /// A packet of media came. Parity comes after what it covers: it alone makes packets again.
    pub(super) fn media(&mut self, number: u16, payload: &[u8]) {
        // A sender that began anew numbers anew.
        let far = |last: &u16| usize::from(number.wrapping_sub(*last).cast_signed().unsigned_abs()) > KEPT;
        if self.order.back().is_some_and(far) {
            *self = Self { matrix: self.matrix, ..Self::default() };
        }
        self.keep(number, payload.to_vec());
    }

    /// A packet of parity came, as a whole RTP packet; those that can be made again now.
    pub(super) fn parity(&mut self, datagram: &[u8]) -> Vec<(u16, Vec<u8>)> {
        let Some((parity, matrix)) = Parity::read(datagram) else { return Vec::new() };
        self.matrix = self.matrix.max(matrix).min(KEPT / 2);
        if self.waiting.len() == WAITING {
            self.waiting.pop_front();
        }
        self.waiting.push_back(parity);
        self.recover()
    }

    fn keep(&mut self, number: u16, payload: Vec<u8>) {
        if self.media.insert(number, payload).is_some() {
            return;
        }
        self.order.push_back(number);
        if self.order.len() > KEPT
            && let Some(oldest) = self.order.pop_front()
        {
            self.media.remove(&oldest);
        }
    }

    /// What one packet of parity gives another may need: until nothing more comes of it.
    fn recover(&mut self) -> Vec<(u16, Vec<u8>)> {
        let mut made = Vec::new();
        loop {
            let before = made.len();
            for parity in std::mem::take(&mut self.waiting) {
                let mut missing = parity.numbers.iter().filter(|n| !self.media.contains_key(n));
                match (missing.next().copied(), missing.next()) {
                    (None, _) => {}
                    (Some(number), None) => {
                        if let Some(payload) = parity.payload_of_the_missing(&self.media) {
                            self.keep(number, payload.clone());
                            made.push((number, payload));
                        }
                    }
                    _ => self.waiting.push_back(parity),
                }
            }
            if made.len() == before {
                return made;
            }
        }
    }
}

impl Parity {
    /// Reads it, and how many packets its matrix has at least.
    fn read(datagram: &[u8]) -> Option<(Self, usize)> {
        let header = datagram.get(RTP_HEADER..RTP_HEADER + FEC_HEADER)?;
        let base = u16::from_be_bytes([header[0], header[1]]);
        let length = u16::from_be_bytes([header[2], header[3]]);
        let (offset, count) = (u16::from(header[13]), u16::from(header[14]));
        if datagram[0] >> 6 != 2 || offset == 0 || count == 0 {
            return None;
        }
        let numbers = (0..count).map(|k| base.wrapping_add(k * offset)).collect();
        let payload = datagram[RTP_HEADER + FEC_HEADER..].to_vec();
        Some((Self { numbers, length, payload }, usize::from(offset) * usize::from(count)))
    }

    /// All of its packets but one are in `media`: the payload of that one.
    fn payload_of_the_missing(&self, media: &HashMap<u16, Vec<u8>>) -> Option<Vec<u8>> {
        let (mut payload, mut length) = (self.payload.clone(), self.length);
        for present in self.numbers.iter().filter_map(|n| media.get(n)) {
            length ^= present.len() as u16;
            payload.iter_mut().zip(present).for_each(|(sum, byte)| *sum ^= byte);
        }
        // A longer one than parity has bytes for is none.
        (usize::from(length) <= payload.len()).then(|| payload.truncate(length.into()))?;
        Some(payload)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn payload(number: u16) -> Vec<u8> {
        let length = 188 * (1 + usize::from(number % 7));
        (0..length).map(|i| (i as u8).wrapping_mul(7) ^ number as u8).collect()
    }

    /// Parity over these, `offset` apart, as the standard lays it out.
    fn parity(base: u16, offset: u8, count: u8) -> Vec<u8> {
        let (mut length, mut sum) = (0, Vec::new());
        for k in 0..u16::from(count) {
            let media = payload(base.wrapping_add(k * u16::from(offset)));
            length ^= media.len() as u16;
            sum.resize(sum.len().max(media.len()), 0);
            sum.iter_mut().zip(&media).for_each(|(sum, byte)| *sum ^= byte);
        }
        let mut out = vec![0x80, 96, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        out.extend(base.to_be_bytes());
        out.extend(length.to_be_bytes());
        out.extend([0x80, 0, 0, 0, 0, 0, 0, 0, 0, offset, count, 0]);
        out.extend(sum);
        out
    }

    proptest! {
        /// Of every row one packet may be lost, and more where columns help.
        #[test]
        fn what_is_lost_is_made_again(
            start in any::<u16>(),
            (columns, rows) in (2u8..12, 2u8..12),
            lost in proptest::collection::vec(any::<prop::sample::Index>(), 0..6),
        ) {
            let all: Vec<u16> =
                (0..u16::from(columns) * u16::from(rows)).map(|n| start.wrapping_add(n)).collect();
            let lost: Vec<u16> = lost.iter().map(|i| all[i.index(all.len())]).collect();
            let mut fec = Fec::default();
            let mut made = Vec::new();
            for number in all.iter().filter(|n| !lost.contains(n)) {
                fec.media(*number, &payload(*number));
            }
            for row in 0..u16::from(rows) {
                made.extend(fec.parity(&parity(start.wrapping_add(row * u16::from(columns)), 1, columns)));
            }
            for column in 0..u16::from(columns) {
                made.extend(fec.parity(&parity(start.wrapping_add(column), columns, rows)));
            }
            for (number, found) in &made {
                prop_assert!(lost.contains(number));
                prop_assert_eq!(found, &payload(*number));
            }
            // Four in a rectangle are the fewest that are lost for good.
            let mut different = lost.clone();
            different.sort_unstable();
            different.dedup();
            if different.len() <= 3 {
                prop_assert_eq!(made.len(), different.len());
            }
            prop_assert!(fec.delay() >= 2 * usize::from(columns) * usize::from(rows));
        }

        #[test]
        fn arbitrary_parity_never_panics(
            datagrams in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..80), 0..40),
        ) {
            let mut fec = Fec::default();
            for datagram in &datagrams {
                let _ = fec.parity(datagram);
                fec.media(u16::from(datagram.first().copied().unwrap_or(0)), datagram);
            }
        }
    }

    #[test]
    fn what_is_kept_has_a_limit() {
        let mut fec = Fec::default();
        for number in 0..5000u16 {
            fec.media(number, &[0x47]);
            let _ = fec.parity(&parity(number.wrapping_add(7000), 1, 5));
        }
        assert!(fec.media.len() <= KEPT && fec.waiting.len() <= WAITING);
    }
}
