//! The sections of a stream: whether they are whole, come often enough, and what they say.

use std::collections::BTreeMap;

use super::{MS, Packet, Report};

/// Collects sections, PID by PID.
#[derive(Default)]
pub(super) struct Tables {
    open: BTreeMap<u16, Vec<u8>>,
    seen: BTreeMap<(u8, u8), f64>,
    end: f64,
    pmt_pid: Option<u16>,
}

impl Tables {
    /// Takes a packet that arrives at `time`, in 27 MHz ticks.
    pub(super) fn take(&mut self, report: &mut Report, at: usize, time: f64, packet: &Packet<'_>) {
        self.end = self.end.max(time);
        let mut payload = packet.payload;
        if payload.is_empty() {
            return;
        }
        if packet.start {
            let pointer = usize::from(payload[0]);
            let Some((tail, head)) = payload.get(1..).and_then(|p| p.split_at_checked(pointer)) else {
                return report.error(at, "pointer_field beyond the packet");
            };
            let before = self.open.remove(&packet.pid);
            if let Some(mut before) = before {
                before.extend_from_slice(tail);
                if self.whole(report, at, time, packet.pid, before).is_some_and(|rest| !rest.is_empty()) {
                    report.error(at, "section cut off by another");
                }
            }
            payload = head;
        }
        match self.open.remove(&packet.pid) {
            Some(open) => self.go_on(report, at, time, packet.pid, [&open, payload].concat()),
            None if packet.start => self.go_on(report, at, time, packet.pid, payload.to_vec()),
            None if payload.iter().all(|b| *b == 0xff) => (),
            None => report.error(at, format!("PID {:#x}: no PES, and no section began", packet.pid)),
        }
    }

    fn go_on(&mut self, report: &mut Report, at: usize, time: f64, pid: u16, bytes: Vec<u8>) {
        match self.whole(report, at, time, pid, bytes) {
            Some(rest) if !rest.is_empty() => {
                self.open.insert(pid, rest);
            }
            _ => (),
        }
    }

    /// Reads all whole sections; gives the start of one that is not.
    fn whole(
        &mut self,
        report: &mut Report,
        at: usize,
        time: f64,
        pid: u16,
        mut bytes: Vec<u8>,
    ) -> Option<Vec<u8>> {
        loop {
            if bytes.first().is_none_or(|table| *table == 0xff) {
                if bytes.iter().any(|b| *b != 0xff) {
                    report.error(at, "something after a section");
                }
                return None;
            }
            let length = match bytes[..] {
                [_, a, b, ..] => 3 + (usize::from(a & 15) << 8 | usize::from(b)),
                _ => return Some(bytes),
            };
            if bytes.len() < length {
                return Some(bytes);
            }
            let rest = bytes.split_off(length);
            self.section(report, at, time, pid, &bytes);
            bytes = rest;
        }
    }

    fn section(&mut self, report: &mut Report, at: usize, time: f64, pid: u16, section: &[u8]) {
        let table = section[0];
        let long = section[1] & 0x80 != 0;
        if (long || table == 0x73) && remainder(section) != 0 {
            return report.error(at, format!("CRC of table {table:#x}"));
        }
        let number = if long { section[6] } else { 0 };
        if let Some(before) = self.seen.insert((table, number), time) {
            let longest = report.intervals_ms.entry((table, number)).or_default();
            *longest = longest.max((time - before) / MS);
        }
        if long {
            let versions = report.versions.entry(table).or_default();
            let version = section[5] >> 1 & 31;
            if versions.last() != Some(&version) {
                versions.push(version);
            }
        }
        let expected = match table {
            0x00 => 0,
            0x02 => self.pmt_pid.unwrap_or(pid),
            0x42 => 0x11,
            0x4e => 0x12,
            0x70 | 0x73 => 0x14,
            _ => return report.error(at, format!("unknown table {table:#x}")),
        };
        let read = match table {
            0x00 => self.pat(section),
            0x02 => pmt(report, section),
            0x42 => sdt(report, section),
            0x4e => eit(report, section),
            _ => utc(report, section, time),
        };
        if read.is_none() || pid != expected {
            report.error(at, format!("table {table:#x} on PID {pid:#x}: malformed or misplaced"));
        }
    }

    fn pat(&mut self, section: &[u8]) -> Option<()> {
        let [_, _, p0, p1] = *section.get(8..12)? else { return None };
        self.pmt_pid = Some(u16::from_be_bytes([p0 & 0x1f, p1]));
        Some(())
    }

    /// What can only be said at the end: whether tables came often enough.
    pub(super) fn finish(&self, report: &mut Report) {
        for (table, limit_ms) in
            [(0x00, 500.0), (0x02, 500.0), (0x42, 2_000.0), (0x4e, 2_000.0), (0x70, 30_000.0)]
        {
            let longest = report.intervals_ms.iter().filter(|((t, _), _)| *t == table).map(|(_, ms)| *ms);
            let longest = longest.fold(0.0, f64::max);
            let last = self.seen.iter().filter(|((t, _), _)| *t == table).map(|(_, at)| (self.end - at) / MS);
            match last.reduce(f64::max) {
                None => report.errors.push(format!("no table {table:#x}")),
                Some(last) if longest.max(last) > limit_ms => {
                    report.errors.push(format!("table {table:#x} is away for {:.1} ms", longest.max(last)));
                }
                Some(_) => (),
            }
        }
    }
}

/// Division by the polynomial of ISO/IEC 13818-1 Annex A, bit by bit.
fn remainder(section: &[u8]) -> u32 {
    let bits = section.iter().flat_map(|byte| (0..8).rev().map(move |n| byte >> n & 1 == 1));
    bits.fold(u32::MAX, |register, bit| {
        let carry = (register & 0x8000_0000 != 0) != bit;
        register << 1 ^ if carry { 0x04c1_1db7 } else { 0 }
    })
}

fn pmt(report: &mut Report, section: &[u8]) -> Option<()> {
    let body = section.get(8..section.len() - 4)?;
    let [p0, p1, l0, l1, rest @ ..] = body else { return None };
    let pcr_pid = u16::from_be_bytes([p0 & 0x1f, *p1]);
    if report.pcr_pid.is_some_and(|found| found != pcr_pid) {
        report.errors.push(format!("PCR are not on PID {pcr_pid:#x}"));
    }
    let mut rest = rest.get(usize::from(l0 & 15) << 8 | usize::from(*l1)..)?;
    while let [kind, p0, p1, l0, l1, more @ ..] = rest {
        let pid = u16::from_be_bytes([p0 & 0x1f, *p1]);
        let (info, more) = more.split_at_checked(usize::from(l0 & 15) << 8 | usize::from(*l1))?;
        report.streams.insert(pid, *kind);
        for (tag, content) in descriptors(info)? {
            if tag == 0x0a {
                report.languages.insert(pid, code(content)?);
            }
        }
        rest = more;
    }
    rest.is_empty().then_some(())
}

fn sdt(report: &mut Report, section: &[u8]) -> Option<()> {
    let info = section.get(16..section.len() - 4)?;
    for (tag, content) in descriptors(info)? {
        match tag {
            0x48 => {
                let (provider, rest) = string(content.get(1..)?)?;
                let (name, _) = string(rest)?;
                report.services.insert((provider, name));
            }
            0x5d => {
                let mut rest = content;
                while !rest.is_empty() {
                    let (provider, more) = string(rest.get(3..)?)?;
                    let (name, more) = string(more)?;
                    report.names.insert((code(rest)?, provider, name));
                    rest = more;
                }
            }
            _ => return None,
        }
    }
    Some(())
}

fn eit(report: &mut Report, section: &[u8]) -> Option<()> {
    let mut rest = section.get(14..section.len() - 4)?;
    while !rest.is_empty() {
        let event = u16::from_be_bytes([*rest.first()?, *rest.get(1)?]);
        let length = usize::from(rest.get(10)? & 15) << 8 | usize::from(*rest.get(11)?);
        let (info, more) = rest.get(12..)?.split_at_checked(length)?;
        for (tag, content) in descriptors(info)? {
            let (title, after) = string(content.get(3..)?)?;
            let (text, _) = string(after)?;
            if tag != 0x4d {
                return None;
            }
            report.events.insert((section[6], event, code(content)?, title, text));
        }
        rest = more;
    }
    Some(())
}

fn utc(report: &mut Report, section: &[u8], time: f64) -> Option<()> {
    let [d0, d1, h, m, s] = *section.get(3..8)? else { return None };
    let digits = |b: u8| i64::from(b >> 4) * 10 + i64::from(b & 15);
    let days = i64::from(u16::from_be_bytes([d0, d1])) - 40_587;
    let seconds = days * 86_400 + digits(h) * 3_600 + digits(m) * 60 + digits(s);
    // Seconds of a whole number of PCR cycles: what is left of both.
    let cycle = (1i64 << 33) as f64 / 90_000.0;
    let off = (seconds as f64 - time / 27_000_000.0 + cycle / 2.0).rem_euclid(cycle) - cycle / 2.0;
    let (least, most) = report.utc_offset_s.unwrap_or((off, off));
    report.utc_offset_s = Some((least.min(off), most.max(off)));
    Some(())
}

fn descriptors(mut bytes: &[u8]) -> Option<Vec<(u8, &[u8])>> {
    let mut all = Vec::new();
    while let [tag, length, rest @ ..] = bytes {
        let (content, rest) = rest.split_at_checked((*length).into())?;
        all.push((*tag, content));
        bytes = rest;
    }
    bytes.is_empty().then_some(all)
}

fn code(bytes: &[u8]) -> Option<String> {
    Some(String::from_utf8_lossy(bytes.get(..3)?).into_owned())
}

/// A text after its length (ETSI EN 300 468 Annex A), and what follows it.
fn string(bytes: &[u8]) -> Option<(String, &[u8])> {
    let (length, rest) = bytes.split_first()?;
    let (text, rest) = rest.split_at_checked((*length).into())?;
    let text = match text {
        [0x11, wide @ ..] => {
            let (pairs, odd) = wide.as_chunks::<2>();
            let units: Vec<u16> = pairs.iter().map(|pair| u16::from_be_bytes(*pair)).collect();
            odd.is_empty().then(|| String::from_utf16(&units).ok())??
        }
        [0x15, utf8 @ ..] => String::from_utf8(utf8.to_vec()).ok()?,
        [first, ..] if *first < 0x20 => return None,
        narrow => narrow.iter().map(|b| char::from(*b)).collect(),
    };
    Some((text, rest))
}
