//! The tables of a segment, repeated in it.

use super::packet::{Adaptation, Packet, ROOM, packet};
use super::plan::Window;
use super::section::{EIT_PID, Listed, PAT_PID, SDT_PID, TDT_PID, eit, pat, pmt, sdt, tdt, tot};
use super::{Guide, PMT_PID, SYSTEM_CLOCK, Service};

/// Packets of one PID and when each is sent, in 27 MHz ticks.
pub(super) type Lane = Vec<(i64, Packet)>;

/// The PAT and the PMT come again within so many 27 MHz ticks: 60 ms, for
/// receivers shall find no more than 100 ms (ETSI TS 101 154 §4.1.7) and
/// interpolate between PCR, which is coarse where these have few packets between them.
const PSI_INTERVAL: i64 = 1_620_000;
/// The SDT and the EIT within 1.5 s: under the 2 s of ETSI TR 101 211 §4.4.
const SI_INTERVAL: i64 = 40_500_000;
/// The TOT within 10 s.
const TOT_INTERVAL: i64 = 270_000_000;
/// Packets of a PID in a segment are a multiple of this.
const COUNTERS: usize = 16;

/// PAT and PMT, each in one go and at equal distances.
pub(super) fn psi(service: &Service, pcr_pid: u16, streams: &[Listed], window: Window) -> [Lane; 2] {
    [(PAT_PID, pat(service)), (PMT_PID, pmt(service, pcr_pid, streams))].map(|(pid, section)| {
        let packets = packetize(pid, &section);
        let (copies, _) = copies(packets.len(), COUNTERS, times(window, PSI_INTERVAL));
        (0..copies).flat_map(|n| packets.iter().map(move |p| (window.part(n, copies), *p))).collect()
    })
}

/// SDT, EIT, and TDT with TOT, packet by packet at equal distances.
pub(super) fn si(service: &Service, guide: &Guide, has_video: bool, window: Window) -> [Lane; 3] {
    let least = times(window, SI_INTERVAL);
    let sdt = packetize(SDT_PID, &sdt(service, has_video));
    let (sdt_copies, _) = copies(sdt.len(), COUNTERS, least);
    let [present, following] = eit(service, guide).map(|section| packetize(EIT_PID, &section));
    let (first, second) = copies(present.len(), following.len(), least);
    [
        spread(sdt.repeat(sdt_copies), window),
        spread(interleave((&present, first), (&following, second)), window),
        clock(service, window),
    ]
}

/// How often an interval of 27 MHz ticks fits into the window, rounded up.
fn times(window: Window, interval: i64) -> usize {
    usize::try_from((window.length() + interval - 1) / interval).unwrap_or(1)
}

/// How often two sections of so many packets are sent, both at least `least`
/// times, to fill a multiple of 16 packets, and the fewest.
fn copies(first: usize, second: usize, least: usize) -> (usize, usize) {
    let range = least..least + COUNTERS;
    let total = |(a, b): &(usize, usize)| a * first + b * second;
    range
        .clone()
        .flat_map(|a| range.clone().map(move |b| (a, b)))
        .filter(|pair| total(pair).is_multiple_of(COUNTERS))
        .min_by_key(total)
        .unwrap_or((COUNTERS, COUNTERS))
}

/// Copies of two sections, each at equal distances, none inside another.
fn interleave(first: (&[Packet], usize), second: (&[Packet], usize)) -> Vec<Packet> {
    let places = |(packets, count): (&[Packet], usize)| {
        let packets = packets.to_vec();
        // Position n of `count`, comparable as a fraction of a common denominator.
        (0..count).map(move |n| (n * first.1 * second.1 / count, packets.clone())).collect::<Vec<_>>()
    };
    let mut all = [places(first), places(second)].concat();
    all.sort_by_key(|(place, _)| *place);
    all.into_iter().flat_map(|(_, packets)| packets).collect()
}

fn spread(packets: Vec<Packet>, window: Window) -> Lane {
    let count = packets.len();
    packets.into_iter().enumerate().map(|(n, packet)| (window.part(n, count), packet)).collect()
}

/// The TDT, and the TOT every sixteenth time, with the time they are sent at.
fn clock(service: &Service, window: Window) -> Lane {
    let count = times(window, TOT_INTERVAL) * COUNTERS;
    let one = |n: usize| {
        let at = window.part(n, count);
        let unix_s = at.div_euclid(SYSTEM_CLOCK);
        let section = if n.is_multiple_of(COUNTERS) { tot(service, unix_s) } else { tdt(unix_s) };
        packetize(TDT_PID, &section).into_iter().map(move |packet| (at, packet))
    };
    (0..count).flat_map(one).collect()
}

/// The packets of a section: it starts the first one and what is left of the
/// last one is stuffing (ISO/IEC 13818-1 §2.4.4).
fn packetize(pid: u16, section: &[u8]) -> Vec<Packet> {
    // The pointer_field says that the section starts at once.
    let mut payload = vec![0];
    payload.extend_from_slice(section);
    payload.resize(payload.len().next_multiple_of(ROOM), 0xff);
    let chunks = payload.chunks(ROOM).enumerate();
    chunks.map(|(n, chunk)| packet(pid, n == 0, Adaptation::default(), chunk)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_few_copies_as_fill_the_counters() {
        assert_eq!(copies(1, 16, 1), (16, 1));
        assert_eq!(copies(3, 4, 2), (4, 5));
        for (first, second, least) in [(1, 1, 3), (7, 1, 2), (5, 11, 1), (16, 16, 4), (23, 23, 3)] {
            let (a, b) = copies(first, second, least);
            assert!(a >= least && b >= least && (a * first + b * second) % 16 == 0);
        }
    }

    #[test]
    fn a_section_over_several_packets() {
        let packets = packetize(0x12, &[7; 200]);
        assert_eq!(packets.len(), 2);
        assert_eq!(packets[0][..6], [0x47, 0x40, 0x12, 0x10, 0, 7]);
        assert_eq!(packets[1][..5], [0x47, 0, 0x12, 0x10, 7]);
        assert_eq!(packets[1][20..22], [7, 0xff]);
        assert_eq!(packetize(0x12, &[7; 183]).len(), 1);
    }
}
