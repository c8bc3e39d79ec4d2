//! Transport stream packets (ISO/IEC 13818-1 §2.4.3).

use super::{PACKET_BYTES, SYSTEM_TICKS};

/// One packet.
pub(super) type Packet = [u8; PACKET_BYTES];

/// Bytes of a packet after its header.
pub(super) const ROOM: usize = PACKET_BYTES - HEADER;
/// PCR values repeat after so many ticks of 27 MHz.
pub(super) const PCR_CYCLE: i64 = (1 << 33) * SYSTEM_TICKS;
/// Packets of this PID say nothing.
pub(super) const NULL_PID: u16 = 0x1fff;

const HEADER: usize = 4;
const SYNC: u8 = 0x47;
const PCR_FLAG: u8 = 0x10;
const RANDOM_ACCESS: u8 = 0x40;
/// Where the PCR stands in a packet that has one.
const PCR_AT: usize = 6;

/// What the adaptation field of a packet says.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Adaptation {
    /// random_access_indicator.
    pub(super) random_access: bool,
    /// Program clock reference in 27 MHz ticks, not wrapped.
    pub(super) pcr: Option<i64>,
}

impl Adaptation {
    /// Bytes of payload a packet has room for beside this.
    pub(super) fn leaves(self) -> usize {
        match self {
            Self { pcr: Some(_), .. } => ROOM - 8,
            Self { random_access: true, .. } => ROOM - 2,
            Self { .. } => ROOM,
        }
    }
}

/// A packet with `payload`, as much of it as there is room for; the rest of
/// the packet is stuffing in the adaptation field. The counter is 0.
pub(super) fn packet(pid: u16, start: bool, adaptation: Adaptation, payload: &[u8]) -> Packet {
    let payload = payload.get(..adaptation.leaves()).unwrap_or(payload);
    let mut packet = [0xff; PACKET_BYTES];
    let [high, low] = pid.to_be_bytes();
    let field = ROOM - payload.len();
    let control = u8::from(!payload.is_empty()) << 4 | u8::from(field > 0) << 5;
    packet[..HEADER].copy_from_slice(&[SYNC, u8::from(start) << 6 | high & 0x1f, low, control]);
    if field > 0 {
        packet[HEADER] = (field - 1) as u8;
    }
    if field > 1 {
        packet[HEADER + 1] = u8::from(adaptation.random_access) * RANDOM_ACCESS;
    }
    packet[PACKET_BYTES - payload.len()..].copy_from_slice(payload);
    if let Some(time) = adaptation.pcr {
        packet[HEADER + 1] |= PCR_FLAG;
        write_pcr(&mut packet, time);
    }
    packet
}

/// A packet that carries a PCR and no payload.
pub(super) fn clock_packet(pid: u16, time: i64) -> Packet {
    packet(pid, false, Adaptation { random_access: false, pcr: Some(time) }, &[])
}

/// A null packet (§2.4.3.3: its payload may be anything).
pub(super) fn null_packet() -> Packet {
    packet(NULL_PID, false, Adaptation::default(), &[0xff; ROOM])
}

/// Replaces the PCR of a packet that has one; `time` in 27 MHz ticks (§2.4.3.5).
pub(super) fn write_pcr(packet: &mut Packet, time: i64) {
    let time = time.rem_euclid(PCR_CYCLE);
    let (base, extension) = (time / SYSTEM_TICKS, time % SYSTEM_TICKS);
    let [_, _, field @ ..] = (base << 15 | 0x3f << 9 | extension).to_be_bytes();
    packet[PCR_AT..PCR_AT + field.len()].copy_from_slice(&field);
}

/// The PCR of a packet in 27 MHz ticks, if it has one.
pub(super) fn pcr(packet: &Packet) -> Option<i64> {
    let says = packet[3] & 0x20 != 0 && packet[HEADER] >= 7 && packet[HEADER + 1] & PCR_FLAG != 0;
    let [b0, b1, b2, b3, b4, b5] = *packet.get(PCR_AT..)?.first_chunk()?;
    let field = u64::from_be_bytes([0, 0, b0, b1, b2, b3, b4, b5]) as i64;
    says.then_some((field >> 15) * SYSTEM_TICKS + (field & 0x1ff))
}

/// The PID of a packet.
pub(super) fn pid(packet: &Packet) -> u16 {
    u16::from_be_bytes([packet[1] & 0x1f, packet[2]])
}

/// Whether a packet has payload: only those count (§2.4.3.3).
pub(super) fn has_payload(packet: &Packet) -> bool {
    packet[3] & 0x10 != 0
}

/// The continuity counter of a packet.
pub(super) fn counter(packet: &Packet) -> u8 {
    packet[3] & 0x0f
}

/// Sets the continuity counter to `counter` modulo 16.
pub(super) fn set_counter(packet: &mut Packet, counter: u8) {
    packet[3] = packet[3] & 0xf0 | counter & 0x0f;
}

/// The packets of `stream`; a remainder too short for one is left out.
pub(super) fn packets(stream: &[u8]) -> &[Packet] {
    stream.as_chunks().0
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_pcr_is_read_as_written(time in 0..PCR_CYCLE) {
            let mut packet = clock_packet(0x100, time);
            prop_assert_eq!(pcr(&packet), Some(time));
            write_pcr(&mut packet, time + 7 - PCR_CYCLE);
            prop_assert_eq!(pcr(&packet), Some((time + 7) % PCR_CYCLE));
            prop_assert!(!has_payload(&packet));
        }

        #[test]
        fn the_payload_ends_the_packet(length in 0usize..=ROOM, random_access: bool, start: bool) {
            let payload = vec![0xa5; length];
            let adaptation = Adaptation { random_access, pcr: None };
            let packet = packet(0x1abc, start, adaptation, &payload);
            let fits = length.min(adaptation.leaves());
            prop_assert!(packet.ends_with(&payload[..fits]));
            prop_assert_eq!(packet[1], 0x1a | u8::from(start) << 6);
            prop_assert_eq!(has_payload(&packet), fits > 0);
            prop_assert_eq!(packet[3] & 0x20 != 0, fits < ROOM);
            if fits < ROOM {
                prop_assert_eq!(packet[4] as usize, ROOM - 1 - fits);
            }
        }
    }

    #[test]
    fn the_longest_payloads_leave_the_shortest_fields() {
        let none = Adaptation::default();
        assert_eq!(packet(0x11, true, none, &[9; 184])[..5], [0x47, 0x40, 0x11, 0x10, 9]);
        assert_eq!(packet(0x11, false, none, &[9; 183])[..6], [0x47, 0, 0x11, 0x30, 0, 9]);
        assert_eq!(packet(0x11, false, none, &[9; 182])[..7], [0x47, 0, 0x11, 0x30, 1, 0, 9]);
        assert_eq!(null_packet()[..5], [0x47, 0x1f, 0xff, 0x10, 0xff]);
    }
}
