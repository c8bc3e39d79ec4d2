//! What a transport stream says of itself: packets that are missing, clocks that jump.

use super::sender_clock::Clock;

/// Packet identifiers (13 bits).
const PIDS: usize = 0x2000;
/// No packet of this PID yet.
const NONE: u8 = 0xff;
/// Programme clocks are sent ten times a second: a step of more than this is a jump.
const LONGEST_STEP: u64 = 2 * 90_000;

/// Checks of packets in the order in which they came.
#[derive(Debug)]
pub(super) struct TsChecks {
    counters: Box<[u8; PIDS]>,
    /// The last clock of each PID that carries one.
    clocks: Vec<Clock>,
    /// Counters that did not follow.
    pub(super) continuity_errors: u64,
    /// Clocks that stepped without a word.
    pub(super) pcr_jumps: u64,
}

impl Default for TsChecks {
    fn default() -> Self {
        Self { counters: Box::new([NONE; PIDS]), clocks: Vec::new(), continuity_errors: 0, pcr_jumps: 0 }
    }
}

impl TsChecks {
    /// Takes a packet of 188 bytes, and returns the clock in it.
    pub(super) fn packet(&mut self, packet: &[u8]) -> Option<Clock> {
        let pid = usize::from(packet[1] & 0x1f) << 8 | usize::from(packet[2]);
        let adapted = packet[3] & 0x20 != 0 && packet[4] > 0;
        let announced = adapted && packet[5] & 0x80 != 0;
        let clocked = adapted && packet[4] >= 7 && packet[5] & 0x10 != 0;
        let clock = clocked.then(|| self.clock(pid, packet, announced));
        let has_payload = packet[3] & 0x10 != 0;
        if pid != PIDS - 1 && has_payload {
            self.continuity(pid, packet[3] & 0x0f, announced);
        }
        clock
    }

    /// ISO/IEC 13818-1 §2.4.3.3: the counter steps with every payload.
    fn continuity(&mut self, pid: usize, counter: u8, announced: bool) {
        let last = std::mem::replace(&mut self.counters[pid], counter);
        let follows = last == NONE || counter == (last + 1) & 0x0f || counter == last;
        if !follows && !announced {
            self.continuity_errors += 1;
        }
    }

    /// ISO/IEC 13818-1 §2.4.3.5: the programme clock reference, here its 90 kHz part.
    fn clock(&mut self, pid: usize, packet: &[u8], announced: bool) -> Clock {
        let bytes = [packet[6], packet[7], packet[8], packet[9]];
        let ticks = u64::from(u32::from_be_bytes(bytes)) << 1 | u64::from(packet[10] >> 7);
        let clock = Clock { pid, ticks };
        match self.clocks.iter_mut().find(|last| last.pid == pid) {
            None => self.clocks.push(clock),
            Some(last) => {
                if clock.since(*last) > Some(LONGEST_STEP) && !announced {
                    self.pcr_jumps += 1;
                }
                *last = clock;
            }
        }
        clock
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clock(at: u64, announced: bool) -> Vec<u8> {
        let mut p = vec![0xff; 188];
        let base = ((at >> 1) as u32).to_be_bytes();
        p[..6].copy_from_slice(&[0x47, 0x01, 0x00, 0x20, 183, 0x10 | if announced { 0x80 } else { 0 }]);
        p[6..10].copy_from_slice(&base);
        p[10] = ((at & 1) as u8) << 7;
        p
    }

    #[test]
    fn a_clock_that_wraps_goes_on_and_one_that_steps_is_counted() {
        let mut checks = TsChecks::default();
        let last = (1 << 33) - 1;
        for at in [last - 9000, last, 8_999, 18_000] {
            checks.packet(&clock(at, false));
        }
        assert_eq!(checks.pcr_jumps, 0);
        checks.packet(&clock(900_000, true));
        assert_eq!(checks.pcr_jumps, 0, "it was announced");
        checks.packet(&clock(0, false));
        assert_eq!(checks.pcr_jumps, 1, "back");
        checks.packet(&clock(450_000, false));
        assert_eq!(checks.pcr_jumps, 2, "forth");
    }
}
