//! Checks that a transport stream keeps the rules of ISO/IEC 13818-1, and reads
//! what its tables say. It shares no code with what it checks.

mod clock;
mod tables;

use std::collections::{BTreeMap, BTreeSet};

use clock::Clock;

const PACKET: usize = 188;
const NULL: u16 = 0x1fff;
/// 27 MHz ticks of a millisecond.
const MS: f64 = 27_000.0;

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Report {
    /// Rules that were broken.
    pub(crate) errors: Vec<String>,
    /// Packets, null packets among them.
    pub(crate) packets: usize,
    /// Packets of each PID.
    pub(crate) counts: BTreeMap<u16, usize>,
    /// PES packets of each PID.
    pub(crate) pes: BTreeMap<u16, usize>,
    /// The longest time between two PCR, in milliseconds.
    pub(crate) pcr_interval_ms: f64,
    /// The largest distance of a PCR from a line through all, in nanoseconds: 0 at a constant rate.
    pub(crate) pcr_deviation_ns: f64,
    /// The longest time between two sections, in milliseconds, by table_id and section_number.
    pub(crate) intervals_ms: BTreeMap<(u8, u8), f64>,
    /// The shortest time from an access unit's last byte to its decoding, in milliseconds.
    pub(crate) least_lead_ms: Option<f64>,
    /// The longest time from an access unit's first byte to its decoding, in milliseconds.
    pub(crate) most_lead_ms: Option<f64>,
    /// stream_type of each PID in the PMT.
    pub(crate) streams: BTreeMap<u16, u8>,
    /// Language of each PID in the PMT.
    pub(crate) languages: BTreeMap<u16, String>,
    /// Provider and name of the service.
    pub(crate) services: BTreeSet<(String, String)>,
    /// Language, provider and name of the service.
    pub(crate) names: BTreeSet<(String, String, String)>,
    /// Section (0 present, 1 following), event_id, language, title, text.
    pub(crate) events: BTreeSet<(u8, u16, String, String, String)>,
    /// UTC of the TDT and TOT less the PCR, if the PCR are UTC too, in seconds: least and most.
    pub(crate) utc_offset_s: Option<(f64, f64)>,
    /// version_number by table_id in order of change.
    pub(crate) versions: BTreeMap<u8, Vec<u8>>,
    pcr_pid: Option<u16>,
}

impl Report {
    fn error(&mut self, at: usize, text: impl std::fmt::Display) {
        self.errors.push(format!("packet {at}: {text}"));
    }
}

/// Checks a whole stream.
pub(crate) fn check(stream: &[u8]) -> Report {
    let mut report = Report { packets: stream.len() / PACKET, ..Report::default() };
    if !stream.len().is_multiple_of(PACKET) || stream.chunks(PACKET).any(|p| p.first() != Some(&0x47)) {
        report.errors.push("no packets of 188 bytes with sync_byte".into());
        return report;
    }
    let clock = Clock::read(stream, &mut report);
    let mut counters: BTreeMap<u16, Counter<'_>> = BTreeMap::new();
    let mut open: BTreeMap<u16, Pes> = BTreeMap::new();
    let mut last_dts = BTreeMap::new();
    let mut tables = tables::Tables::default();
    for (index, bytes) in stream.chunks(PACKET).enumerate() {
        let packet = Packet::read(bytes);
        *report.counts.entry(packet.pid).or_default() += 1;
        if packet.pid == NULL {
            continue;
        }
        if let Some(text) = packet.fault() {
            report.error(index, text);
        }
        if let Some(text) = counters.entry(packet.pid).or_default().follow(&packet) {
            report.error(index, format!("PID {:#x}: {text}", packet.pid));
        }
        if !report.streams.contains_key(&packet.pid) {
            let time = clock.time(index * PACKET);
            tables.take(&mut report, index, time, &packet);
        } else if !packet.payload.is_empty() {
            if packet.start {
                let pes = Pes { first: index, random: packet.random, ..Pes::default() };
                if let Some(done) = open.insert(packet.pid, pes) {
                    done.finish(&mut report, packet.pid, &clock, &mut last_dts);
                }
            }
            if let Some(pes) = open.get_mut(&packet.pid) {
                pes.bytes.extend_from_slice(packet.payload);
                pes.last = index;
            }
        }
    }
    for (pid, pes) in open {
        pes.finish(&mut report, pid, &clock, &mut last_dts);
    }
    tables.finish(&mut report);
    report
}

struct Packet<'a> {
    bytes: &'a [u8],
    pid: u16,
    start: bool,
    counter: u8,
    random: bool,
    discontinuity: bool,
    pcr: Option<i64>,
    payload: &'a [u8],
}

impl<'a> Packet<'a> {
    fn read(bytes: &'a [u8]) -> Self {
        let field = if bytes[3] & 0x20 == 0 { 0 } else { 1 + bytes[4] as usize };
        let flags = if field > 1 { bytes[5] } else { 0 };
        let has_payload = bytes[3] & 0x10 != 0;
        let base = || {
            bytes[6..10].iter().fold(0, |sum, b| sum << 8 | i64::from(*b)) << 1 | i64::from(bytes[10] >> 7)
        };
        let extension = || i64::from(bytes[10] & 1) << 8 | i64::from(bytes[11]);
        Self {
            bytes,
            pid: u16::from(bytes[1] & 0x1f) << 8 | u16::from(bytes[2]),
            start: bytes[1] & 0x40 != 0,
            counter: bytes[3] & 15,
            random: flags & 0x40 != 0,
            discontinuity: flags & 0x80 != 0,
            pcr: (flags & 0x10 != 0 && field >= 8).then(|| base() * 300 + extension()),
            payload: bytes.get(4 + field..).filter(|_| has_payload).unwrap_or(&[]),
        }
    }

    /// §2.4.3.3 and §2.4.3.5: the length of the adaptation field fits; nothing is scrambled or broken.
    fn fault(&self) -> Option<&'static str> {
        let fits = match self.bytes[3] >> 4 & 3 {
            0 => false,
            1 => true,
            2 => self.bytes[4] == 183,
            _ => self.bytes[4] <= 182,
        };
        let flagged = self.bytes[1] & 0x80 != 0 || self.bytes[3] & 0xc0 != 0 || self.discontinuity;
        match (fits, flagged) {
            (false, _) => Some("adaptation field of a wrong length"),
            (_, true) => Some("error, discontinuity or scrambling indicated"),
            _ => None,
        }
    }
}

/// Continuity of a PID (§2.4.3.3).
#[derive(Default)]
struct Counter<'a> {
    last: Option<&'a [u8]>,
    repeated: bool,
}

impl<'a> Counter<'a> {
    fn follow(&mut self, packet: &Packet<'a>) -> Option<String> {
        let last = self.last.map(|bytes| bytes[3] & 15);
        let Some(before) = last.filter(|_| !packet.payload.is_empty()) else {
            self.last = self.last.or(Some(packet.bytes).filter(|_| !packet.payload.is_empty()));
            let still = last.is_none_or(|last| last == packet.counter);
            return (!still).then(|| format!("counter moved to {} without payload", packet.counter));
        };
        let again = self.last == Some(packet.bytes) && !self.repeated;
        self.last = Some(packet.bytes);
        self.repeated = again;
        let right = again || packet.counter == (before + 1) & 15;
        (!right).then(|| format!("counter {} after {before}", packet.counter))
    }
}

#[derive(Default)]
struct Pes {
    first: usize,
    last: usize,
    random: bool,
    bytes: Vec<u8>,
}

impl Pes {
    fn finish(self, report: &mut Report, pid: u16, clock: &Clock, last_dts: &mut BTreeMap<u16, i64>) {
        *report.pes.entry(pid).or_default() += 1;
        if let Err(text) = self.examine(report, pid, clock, last_dts) {
            report.error(self.first, format!("PES on PID {pid:#x}: {text}"));
        }
    }

    fn examine(
        &self,
        report: &mut Report,
        pid: u16,
        clock: &Clock,
        last_dts: &mut BTreeMap<u16, i64>,
    ) -> Result<(), String> {
        let [0, 0, 1, _, l0, l1, marks, flags, header, rest @ ..] = &self.bytes[..] else {
            return Err("no start code".into());
        };
        let length = usize::from(*l0) << 8 | usize::from(*l1);
        if length != 0 && length + 6 != self.bytes.len() {
            return Err(format!("PES_packet_length {length} of {} bytes", self.bytes.len()));
        }
        let es = rest.get(usize::from(*header)..).ok_or("header too long")?;
        let (pts, dts) = match flags >> 6 {
            2 => (stamp(rest, 2)?, stamp(rest, 2)?),
            3 => (stamp(rest, 3)?, stamp(rest.get(5..).unwrap_or(&[]), 1)?),
            _ => return Err("no PTS".into()),
        };
        let (start, end) = (clock.time(self.first * PACKET), clock.time((self.last + 1) * PACKET));
        let dts = near(dts, end);
        let pts = near(pts, end);
        self.examine_times(report, (pts, dts), (start, end))?;
        if last_dts.insert(pid, dts).is_some_and(|last| last >= dts) {
            return Err("DTS not after the one before".into());
        }
        match report.streams.get(&pid) {
            Some(0x1b) if marks & 4 == 0 => Err("data_alignment_indicator not set".into()),
            Some(0x1b) => video(es, self.random),
            Some(0x0f) => adts(es),
            _ => Ok(()),
        }
    }

    fn examine_times(
        &self,
        report: &mut Report,
        (pts, dts): (i64, i64),
        (start, end): (f64, f64),
    ) -> Result<(), String> {
        let decode = dts as f64 * 300.0;
        let (least, most) = ((decode - end) / MS, (decode - start) / MS);
        report.least_lead_ms = Some(report.least_lead_ms.map_or(least, |l| l.min(least)));
        report.most_lead_ms = Some(report.most_lead_ms.map_or(most, |l| l.max(most)));
        match () {
            () if pts < dts => Err("PTS before DTS".into()),
            () if least < 0.0 => Err(format!("arrives {:.1} ms after its DTS", -least)),
            () if most > 2_000.0 => Err(format!("arrives {most:.1} ms before its DTS")),
            () => Ok(()),
        }
    }
}

/// A PTS or DTS (§2.4.3.6) with its marker bits.
fn stamp(bytes: &[u8], prefix: u8) -> Result<i64, String> {
    let [a, b, c, d, e, ..] = bytes.iter().map(|b| i64::from(*b)).collect::<Vec<_>>()[..] else {
        return Err("no room for a timestamp".into());
    };
    if a >> 4 != i64::from(prefix) || a & c & e & 1 == 0 {
        return Err("malformed timestamp".into());
    }
    Ok((a >> 1 & 7) << 30 | b << 22 | (c >> 1) << 15 | d << 7 | e >> 1)
}

/// The time with this 33-bit value that is nearest to `ticks` of 27 MHz.
fn near(value: i64, ticks: f64) -> i64 {
    let near = (ticks / 300.0) as i64;
    near + (value - near + (1 << 32)).rem_euclid(1 << 33) - (1 << 32)
}

/// ITU-T H.264 Annex B: a delimiter first; parameter sets before a random access.
fn video(es: &[u8], random: bool) -> Result<(), String> {
    if !es.starts_with(&[0, 0, 0, 1, 9]) {
        return Err("no access unit delimiter first".into());
    }
    let kinds: Vec<u8> = es.windows(4).filter(|w| w[..3] == [0, 0, 1]).map(|w| w[3] & 31).collect();
    if kinds.iter().filter(|kind| **kind == 9).count() != 1 {
        return Err("several delimiters".into());
    }
    let slice = kinds.iter().position(|kind| matches!(kind, 1..=5)).ok_or("no slice")?;
    if random && !(kinds[..slice].contains(&7) && kinds[..slice].contains(&8)) {
        return Err("random access without parameter sets".into());
    }
    Ok(())
}

/// ISO/IEC 13818-7 §6.2: whole ADTS frames.
fn adts(mut es: &[u8]) -> Result<(), String> {
    while !es.is_empty() {
        let [0xff, second, _, l0, l1, l2, _, ..] = es else { return Err("no ADTS header".into()) };
        let length = usize::from(l0 & 3) << 11 | usize::from(*l1) << 3 | usize::from(l2 >> 5);
        if second & 0xf6 != 0xf0 || length < 8 {
            return Err("malformed ADTS header".into());
        }
        es = es.get(length..).ok_or("ADTS frame cut off")?;
    }
    Ok(())
}
