//! MPEG-TS in RTP packets (RFC 3550, RFC 2250 §2): their payload, in order.

use std::collections::BTreeMap;

/// Packets waited for while a number is missing: some 60 ms of a 10 Mb/s feed.
const HELD: usize = 64;

/// The sequence number and the payload of an RTP packet; none if it is none.
pub(super) fn payload(datagram: &[u8]) -> Option<(u16, &[u8])> {
    let (&first, &second) = (datagram.first()?, datagram.get(1)?);
    if first >> 6 != 2 {
        return None;
    }
    let number = u16::from_be_bytes([*datagram.get(2)?, *datagram.get(3)?]);
    let mut at = 12 + 4 * usize::from(first & 0x0f);
    if first & 0x10 != 0 {
        let words = u16::from_be_bytes([*datagram.get(at + 2)?, *datagram.get(at + 3)?]);
        at += 4 + 4 * usize::from(words);
    }
    let padding = if first & 0x20 != 0 { usize::from(*datagram.last()?) } else { 0 };
    // Reports of RTCP share the port of some senders (RFC 5761 §4).
    if (72..=76).contains(&(second & 0x7f)) {
        return None;
    }
    datagram.get(at..datagram.len().checked_sub(padding)?).map(|payload| (number, payload))
}

/// Puts packets in the order of their numbers; one that comes twice or too late is dropped.
#[derive(Debug, Default)]
pub(super) struct Reorder {
    /// The next number, extended beyond 16 bits.
    next: Option<u64>,
    held: BTreeMap<u64, Vec<u8>>,
    /// Packets waited for while a number is missing, if more than usual.
    patience: usize,
}

impl Reorder {
    /// Has a missing packet waited for until so many later ones have come.
    pub(super) fn wait_for(&mut self, packets: usize) {
        self.patience = packets;
    }

    /// Takes a packet; returns those whose turn has come.
    pub(super) fn push(&mut self, number: u16, payload: &[u8]) -> Vec<Vec<u8>> {
        let next = *self.next.get_or_insert(u64::from(number) + (1 << 16));
        let step = number.wrapping_sub(next as u16).cast_signed();
        // A sender that began anew numbers anew.
        if step.unsigned_abs() as usize > HELD * 16 {
            *self = Self { patience: self.patience, ..Self::default() };
            return self.push(number, payload);
        }
        let extended = next.wrapping_add_signed(i64::from(step));
        if extended >= next {
            self.held.insert(extended, payload.to_vec());
        }
        let mut out = Vec::new();
        loop {
            let next = self.next.unwrap_or(extended);
            if let Some(payload) = self.held.remove(&next) {
                self.next = Some(next + 1);
                out.push(payload);
            } else if self.held.len() >= HELD.max(self.patience) {
                // It will not come any more.
                self.next = self.held.keys().next().copied();
            } else {
                return out;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn packet(number: u16, extras: u8) -> Vec<u8> {
        let mut p = vec![0x80 | extras, 33];
        p.extend(number.to_be_bytes());
        p.extend([0; 8]);
        if extras & 0x0f != 0 {
            p.extend(vec![1; 4 * usize::from(extras & 0x0f)]);
        }
        if extras & 0x10 != 0 {
            p.extend([0xbe, 0xde, 0, 1, 1, 2, 3, 4]);
        }
        p.extend([0x47, 1, 2]);
        if extras & 0x20 != 0 {
            p.extend([0, 0, 3]);
        }
        p
    }

    #[test]
    fn the_payload_is_found_behind_whatever_stands_before_it() {
        for extras in [0, 2, 0x10, 0x20, 0x33] {
            assert_eq!(payload(&packet(7, extras)), Some((7, &[0x47, 1, 2][..])), "{extras:#x}");
        }
        for bad in
            [&[][..], &[0x80], &[0x40; 20], &packet(7, 0x1f)[..20], &[0x80, 72, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]]
        {
            assert!(payload(bad).is_none_or(|(_, p)| p.is_empty()), "{bad:?}");
        }
    }

    #[test]
    fn a_lost_packet_is_given_up_and_one_that_comes_late_is_dropped() {
        let mut order = Reorder::default();
        let mut out = Vec::new();
        for n in (0..200u16).filter(|n| *n != 50).chain([50]) {
            out.extend(order.push(n, &n.to_be_bytes()));
        }
        let numbers: Vec<u16> = out.iter().map(|p| u16::from_be_bytes([p[0], p[1]])).collect();
        assert_eq!(numbers, (0..200).filter(|n| *n != 50).collect::<Vec<_>>());
        assert_eq!(order.push(40_000, &[1]), [vec![1]], "a sender that began anew");
    }

    proptest! {
        #[test]
        fn packets_come_out_in_order_over_the_wrap(
            start in any::<u16>(),
            swaps in proptest::collection::vec((0usize..300, 1usize..20), 0..60),
        ) {
            let mut sent: Vec<u16> = (0..300).map(|n| start.wrapping_add(n)).collect();
            for (at, by) in swaps {
                let to = (at + by).min(299);
                // The first one sets the count.
                if at > 0 {
                    sent.swap(at, to);
                }
            }
            let mut order = Reorder::default();
            let out: Vec<u16> = sent
                .iter()
                .flat_map(|n| order.push(*n, &n.to_be_bytes()))
                .map(|p| u16::from_be_bytes([p[0], p[1]]))
                .collect();
            let mut last = None;
            for n in &out {
                prop_assert!(last.is_none_or(|l: u16| n.wrapping_sub(l) < 0x8000 && *n != l));
                last = Some(*n);
            }
        }
    }
}
