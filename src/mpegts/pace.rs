//! Sending at the right time: as the PCR say, or at a constant rate.

use std::collections::VecDeque;

use super::packet::{
    NULL_PID, PCR_CYCLE, Packet, clock_packet, counter, has_payload, null_packet, packets, pcr, pid,
    write_pcr,
};
use super::plan::PCR_INTERVAL;
use super::{PACKET_BYTES, PMT_PID, SYSTEM_CLOCK, SYSTEM_TICKS, Span, TRANSMIT_LEAD};

/// Packets of a datagram: as many as fit an Ethernet frame (ETSI TS 102 034 §7.1.1).
const DATAGRAM: usize = 7;
/// A packet is late when it is sent so many 27 MHz ticks after its time: 700 ms.
/// Up to there it comes before its decoding time all the same.
const LATE: i64 = 18_900_000;
/// A clock that jumps further is another clock, in 27 MHz ticks: 10 s.
const JUMP: i64 = 270_000_000;
/// A PCR of the segment that comes sooner after one of ours is left out, in 27 MHz ticks: 30 ms.
const SOON: i64 = 810_000;
/// Byte of a packet that its PCR is the time of (ISO/IEC 13818-1 §2.4.2.2).
const PCR_BYTE: u64 = 10;
/// PIDs below are tables' (ISO/IEC 13818-1 Table 2-3, ETSI EN 300 468 Table 1).
const FIRST_STREAM_PID: u16 = 0x20;

/// The datagrams of a converted segment, each of up to 7 packets, and when to
/// send them, in 27 MHz ticks since the Unix epoch, not wrapped: the time of the
/// first packet, interpolated between the PCR and from the last one to the next
/// segment's. `span` is the segment's.
pub fn timed(segment: &[u8], span: Span) -> Vec<(i64, &[u8])> {
    let [start, end] =
        [span.start, span.end].map(|time| time.saturating_sub(TRANSMIT_LEAD).saturating_mul(SYSTEM_TICKS));
    let times = transmission_times(packets(segment), start, Some(end));
    let whole = times.len() * PACKET_BYTES;
    let datagrams = segment.get(..whole).unwrap_or(segment).chunks(DATAGRAM * PACKET_BYTES);
    times.into_iter().step_by(DATAGRAM).zip(datagrams).collect()
}

/// When each packet is sent, in 27 MHz ticks: at an even rate between two PCR
/// (ISO/IEC 13818-1 §2.4.2.2), before the first one at its time, and after the
/// last one as if the next came at `end`, or else at the same rate as before it.
fn transmission_times(packets: &[Packet], near: i64, end: Option<i64>) -> Vec<i64> {
    let mut times = Vec::with_capacity(packets.len());
    let mut last: Option<(usize, i64)> = None;
    let mut step = 0;
    for (index, value) in packets.iter().enumerate().filter_map(|(n, p)| Some((n, pcr(p)?))) {
        let time = unwrap(value, last.map_or(near, |(_, time)| time));
        let (from, since) = last.unwrap_or((0, time));
        let count = (index - from).max(1) as i64;
        times.extend((0..(index - from) as i64).map(|n| since + (time - since) * n / count));
        step = (time - since) / count;
        last = Some((index, time));
    }
    let (from, since) = last.unwrap_or((0, near));
    let count = (packets.len() - from) as i64;
    let rest = end.map(|end| (end - since).clamp(0, PCR_INTERVAL));
    times.extend(
        (0..count).map(|n| since + rest.map_or((step * n).min(PCR_INTERVAL), |rest| rest * n / count)),
    );
    times
}

/// The time with this PCR that is nearest to `near`.
fn unwrap(value: i64, near: i64) -> i64 {
    const HALF: i64 = PCR_CYCLE / 2;
    near + (value - near + HALF).rem_euclid(PCR_CYCLE) - HALF
}

/// Packets to be sent without a break at a constant rate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// When the first one is sent, in 27 MHz ticks.
    pub start: i64,
    /// The packets.
    pub bytes: Vec<u8>,
}

/// Fills the segments of a channel up to a constant rate.
///
/// Null packets go into the gaps and the PCR become the exact times of their
/// new places. While a segment needs more than the rate its packets are late;
/// the tables overtake the others then, and PCR come between them.
#[derive(Debug)]
pub struct ConstantRate {
    rate: u64,
    /// PCR are unwrapped to be near this.
    near: i64,
    line: Option<Line>,
    /// From the last PCR on: when these are sent is known with the next one.
    held: Vec<Packet>,
    tables: VecDeque<(i64, Packet)>,
    streams: VecDeque<(i64, Packet)>,
    late_packets: u64,
    max_delay: i64,
}

/// The packets that are sent, one after another.
#[derive(Debug)]
struct Line {
    /// When the first one of all is sent, in 27 MHz ticks.
    origin: i64,
    sent: u64,
    pcr_pid: u16,
    /// Counter of the last packet with payload on that PID.
    pcr_counter: u8,
    last_pcr: Option<i64>,
}

impl ConstantRate {
    /// A stream of `rate` bit/s, whose first segment is sent near the time
    /// `near`, in 27 MHz ticks since the Unix epoch.
    pub fn new(rate: u64, near: i64) -> Self {
        Self {
            rate: rate.max(1),
            near,
            line: None,
            held: Vec::new(),
            tables: VecDeque::new(),
            streams: VecDeque::new(),
            late_packets: 0,
            max_delay: 0,
        }
    }

    /// Takes the next converted segment and gives the packets up to its last
    /// PCR. A clock that goes back or jumps by more than 10 s starts a new run
    /// after all that is still held.
    pub fn push(&mut self, segment: &[u8]) -> Vec<Run> {
        let segment = packets(segment);
        let Some(first) = segment.iter().find_map(pcr).map(|value| unwrap(value, self.near)) else {
            self.held.extend_from_slice(segment);
            return Vec::new();
        };
        let mut runs = Vec::new();
        if self.line.is_some() && !(0..JUMP).contains(&(first - self.near)) {
            runs.push(self.finish());
        }
        self.held.extend_from_slice(segment);
        let held = std::mem::take(&mut self.held);
        let times = transmission_times(&held, self.near, None);
        let known = held.iter().rposition(|packet| pcr(packet).is_some()).unwrap_or(held.len());
        self.line.get_or_insert_with(|| Line::new(first));
        self.queue(held.iter().zip(&times).take(known));
        self.near = times.get(known).copied().unwrap_or(self.near);
        self.held = held.get(known..).unwrap_or_default().to_vec();
        runs.push(self.run(|slot, near, _| slot < near));
        runs.retain(|run| !run.bytes.is_empty());
        runs
    }

    /// Gives all that is still held. What is pushed next starts a new clock.
    pub fn finish(&mut self) -> Run {
        let held = std::mem::take(&mut self.held);
        let times = transmission_times(&held, self.near, None);
        self.queue(held.iter().zip(&times));
        let run = self.run(|_, _, waiting| waiting > 0);
        self.line = None;
        run
    }

    /// Packets sent more than 700 ms after their time: the rate is too low.
    pub fn late_packets(&self) -> u64 {
        self.late_packets
    }

    /// The longest time a packet was sent after its own, in 27 MHz ticks.
    pub fn max_delay(&self) -> i64 {
        self.max_delay
    }

    /// Packets whose time has come but that were not sent yet. It grows without
    /// limit when the rate is under the segments' average.
    pub fn waiting(&self) -> usize {
        self.tables.len() + self.streams.len()
    }

    fn queue<'a>(&mut self, packets: impl Iterator<Item = (&'a Packet, &'a i64)>) {
        for (packet, time) in packets {
            let table = pid(packet) < FIRST_STREAM_PID || pid(packet) == PMT_PID;
            let queue = if table { &mut self.tables } else { &mut self.streams };
            queue.push_back((*time, *packet));
        }
    }

    /// Sends packets while `go` says so of the time, the last known time, and the number waiting.
    fn run(&mut self, go: impl Fn(i64, i64, usize) -> bool) -> Run {
        let mut run = Run { start: self.near, bytes: Vec::new() };
        let Some(mut line) = self.line.take() else { return run };
        run.start = line.time(self.rate, 0);
        while go(line.time(self.rate, 0), self.near, self.waiting()) {
            let mut packet = self.next(&mut line);
            line.stamp(self.rate, &mut packet);
            run.bytes.extend_from_slice(&packet);
        }
        self.line = Some(line);
        run
    }

    /// What is sent now: a PCR that cannot wait, a table, a stream, or nothing.
    fn next(&mut self, line: &mut Line) -> Packet {
        let now = line.time(self.rate, 0);
        self.skip_needless_clocks(now, line);
        let due = |queue: &VecDeque<(i64, Packet)>| queue.front().is_some_and(|(time, _)| *time <= now);
        let stream_has_pcr =
            || self.streams.front().is_some_and(|(time, p)| *time <= now && pcr(p).is_some());
        let table = due(&self.tables);
        let waits = line
            .last_pcr
            .is_none_or(|last| line.time(self.rate, PACKET_BYTES as u64 * 2) - last > PCR_INTERVAL);
        if waits && line.pcr_pid != NULL_PID && (table || !stream_has_pcr()) {
            let mut packet = clock_packet(line.pcr_pid, now);
            super::packet::set_counter(&mut packet, line.pcr_counter);
            return packet;
        }
        let queue = if table { &mut self.tables } else { &mut self.streams };
        match queue.pop_front_if(|(time, _)| *time <= now) {
            None => null_packet(),
            Some((time, packet)) => {
                self.max_delay = self.max_delay.max(now - time);
                self.late_packets += u64::from(now - time > LATE);
                packet
            }
        }
    }

    /// Leaves out PCR without payload that come soon after another one.
    fn skip_needless_clocks(&mut self, now: i64, line: &mut Line) {
        let soon = line.last_pcr.is_some_and(|last| now - last < SOON);
        let needless = |(time, packet): &mut (i64, Packet)| *time <= now && soon && !has_payload(packet);
        while let Some((_, packet)) = self.streams.pop_front_if(needless) {
            line.follow(&packet);
        }
    }
}

impl Line {
    fn new(origin: i64) -> Self {
        Self { origin, sent: 0, pcr_pid: NULL_PID, pcr_counter: 15, last_pcr: None }
    }

    /// When a byte counted from the next packet on is sent, in 27 MHz ticks.
    fn time(&self, rate: u64, byte: u64) -> i64 {
        let bits = u128::from(self.sent * PACKET_BYTES as u64 + byte) * 8;
        self.origin + (bits * SYSTEM_CLOCK as u128 / u128::from(rate)) as i64
    }

    /// Notes a packet that is sent now and gives its PCR, if it has one, the right value.
    fn stamp(&mut self, rate: u64, packet: &mut Packet) {
        if pcr(packet).is_some() {
            let time = self.time(rate, PCR_BYTE);
            write_pcr(packet, time);
            self.last_pcr = Some(time);
        }
        self.follow(packet);
        self.sent += 1;
    }

    /// Learns which PID has the PCR, and how far its counter is.
    fn follow(&mut self, packet: &Packet) {
        if pcr(packet).is_some() {
            self.pcr_pid = pid(packet);
            self.pcr_counter = counter(packet);
        } else if pid(packet) == self.pcr_pid && has_payload(packet) {
            self.pcr_counter = counter(packet);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_lie_between_the_pcr() {
        let filler = null_packet();
        let stream = [filler, clock_packet(256, 1_000), filler, filler, clock_packet(256, 1_300), filler];
        let near = 5 * PCR_CYCLE;
        let expected = [1_000, 1_000, 1_100, 1_200, 1_300, 1_400].map(|t| near + t);
        assert_eq!(transmission_times(&stream, near, None), expected);
        assert_eq!(transmission_times(&stream, near - 9, Some(near + 1_500)), expected);
        let start = near / SYSTEM_TICKS + TRANSMIT_LEAD;
        let datagrams = timed(stream.as_flattened(), Span { start, end: start + 5 });
        assert_eq!(datagrams, [(near + 1_000, stream.as_flattened())]);
    }

    #[test]
    fn a_wrap_is_no_jump() {
        let stream = [clock_packet(256, PCR_CYCLE - 10), null_packet(), clock_packet(256, 10)];
        assert_eq!(transmission_times(&stream, PCR_CYCLE, None), [PCR_CYCLE - 10, PCR_CYCLE, PCR_CYCLE + 10]);
    }

    #[test]
    fn garbage_gives_nothing() {
        assert!(timed(&[1; 187], Span { start: 0, end: 1 }).is_empty());
        let mut rate = ConstantRate::new(0, 0);
        assert!(rate.push(&[0x47; 187]).is_empty());
        assert!(rate.push(&[0xff; 188 * 3]).len() <= 1);
    }
}
