//! Tables of program specific information (ISO/IEC 13818-1 §2.4.4) and of
//! service information (ETSI EN 300 468 §5.2), one section each.

use super::text::dvb_text;
use super::{Event, Guide, PMT_PID, Service};

/// PID of the program association table.
pub(super) const PAT_PID: u16 = 0;
/// PID of the service description table (ETSI EN 300 468 Table 1).
pub(super) const SDT_PID: u16 = 0x11;
/// PID of the event information table.
pub(super) const EIT_PID: u16 = 0x12;
/// PID of the time and date table and the time offset table.
pub(super) const TDT_PID: u16 = 0x14;

/// Table of the services of this transport stream (ETSI EN 300 468 Table 2).
pub(super) const SDT_ACTUAL: u8 = 0x42;
/// Tag of the service_descriptor (ETSI EN 300 468 §6.2.33).
pub(super) const SERVICE_DESCRIPTOR: u8 = 0x48;
const EIT_ACTUAL: u8 = 0x4e;
/// A descriptor or a field counted by one byte holds no more.
const BYTE_LIMIT: usize = 255;
/// Bytes of descriptors that make an SDT section of one service 1 024 bytes long (§5.2.3).
const SDT_DESCRIPTORS: usize = 1024 - 11 - 5 - 4;
/// Bytes of descriptors that make an EIT section of one event 4 096 bytes long (§5.2.4).
const EIT_DESCRIPTORS: usize = 4096 - 14 - 12 - 4;
const RUNNING: u16 = 4;
const NOT_RUNNING: u16 = 1;
/// Days from the epoch of the Modified Julian Date to that of Unix.
const MJD_OF_UNIX_EPOCH: i64 = 40_587;
const DAY_S: i64 = 86_400;

/// An elementary stream as the PMT lists it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Listed {
    /// stream_type (ISO/IEC 13818-1 Table 2-34).
    pub(super) kind: u8,
    /// Its PID.
    pub(super) pid: u16,
    /// Language of ISO 639-2.
    pub(super) lang: Option<[u8; 3]>,
}

/// How long the section is that begins with `bytes`, in bytes with its head; none
/// while too few of them are there.
pub(super) fn length(bytes: &[u8]) -> Option<usize> {
    let [_, high, low, ..] = bytes else { return None };
    Some(3 + usize::from(u16::from_be_bytes([high & 0x0f, *low])))
}

/// CRC-32 of a section (ISO/IEC 13818-1 Annex A); 0 over a section with its CRC.
pub fn crc32(bytes: &[u8]) -> u32 {
    const POLYNOMIAL: u32 = 0x04c1_1db7;
    bytes.iter().fold(u32::MAX, |crc, byte| {
        let shift = |crc: u32, _| (crc << 1) ^ if crc >> 31 == 1 { POLYNOMIAL } else { 0 };
        (0..8).fold(crc ^ u32::from(*byte) << 24, shift)
    })
}

/// Program association table (ISO/IEC 13818-1 §2.4.4.3).
pub(super) fn pat(service: &Service) -> Vec<u8> {
    let body = [service.service_id, 0xe000 | PMT_PID].map(u16::to_be_bytes).concat();
    syntax(0x00, 0x8000, service.transport_stream_id, (0, 0), &body, version(&body))
}

/// Program map table (ISO/IEC 13818-1 §2.4.4.8).
pub(super) fn pmt(service: &Service, pcr_pid: u16, streams: &[Listed]) -> Vec<u8> {
    let mut body = [0xe000 | pcr_pid, 0xf000].map(u16::to_be_bytes).concat();
    for stream in streams {
        body.push(stream.kind);
        body.extend((0xe000 | stream.pid).to_be_bytes());
        // ISO_639_language_descriptor with audio_type 0 (§2.6.18).
        let language = stream.lang.map(|[a, b, c]| descriptor(0x0a, &[a, b, c, 0])).unwrap_or_default();
        body.extend(counted(0xf000, &language));
        body.extend(language);
    }
    syntax(0x02, 0x8000, service.service_id, (0, 0), &body, version(&body))
}

/// Service description table of this transport stream (ETSI EN 300 468 §5.2.3).
pub(super) fn sdt(service: &Service, has_video: bool) -> Vec<u8> {
    let mut descriptors = service_descriptor(service, has_video);
    for more in multilingual_names(service) {
        if descriptors.len() + more.len() <= SDT_DESCRIPTORS {
            descriptors.extend(more);
        }
    }
    let mut body = service.original_network_id.to_be_bytes().to_vec();
    body.push(0xff);
    body.extend(service.service_id.to_be_bytes());
    // No EIT schedule, but EIT present/following.
    body.push(0xfd);
    body.extend(counted(RUNNING << 13, &descriptors));
    body.extend(descriptors);
    syntax(SDT_ACTUAL, 0xf000, service.transport_stream_id, (0, 0), &body, version(&body))
}

/// Event information table of this transport stream, present and following
/// (ETSI EN 300 468 §5.2.4): two sections.
pub(super) fn eit(service: &Service, guide: &Guide) -> [Vec<u8>; 2] {
    let bodies = [&guide.present, &guide.following].map(|event| {
        let mut body =
            [service.transport_stream_id, service.original_network_id].map(u16::to_be_bytes).concat();
        body.extend([1, EIT_ACTUAL]);
        if let Some(event) = event {
            body.extend(event_entry(event));
        }
        body
    });
    let version = version(&bodies.concat());
    let [present, following] = bodies;
    [(0, present), (1, following)]
        .map(|(number, body)| syntax(EIT_ACTUAL, 0xf000, service.service_id, (number, 1), &body, version))
}

/// Time and date table (ETSI EN 300 468 §5.2.5) at `unix_s`.
pub(super) fn tdt(unix_s: i64) -> Vec<u8> {
    let time = utc(unix_s);
    [&[0x70][..], &counted(0x7000, &time), &time].concat()
}

/// Time offset table (ETSI EN 300 468 §5.2.6) at `unix_s`.
pub(super) fn tot(service: &Service, unix_s: i64) -> Vec<u8> {
    let minutes = service.utc_offset_minutes.unsigned_abs().min(99 * 60 + 59);
    let offset = [bcd(minutes / 60), bcd(minutes % 60)];
    let mut local = service.country.to_vec();
    // The country is not divided into regions.
    local.push(0x02 | u8::from(service.utc_offset_minutes < 0));
    local.extend(offset);
    // The offset does not change: the last date there is, and the same offset.
    local.extend([0xff, 0xff, 0, 0, 0]);
    local.extend(offset);
    let descriptors = descriptor(0x58, &local);
    let mut body = utc(unix_s).to_vec();
    body.extend(counted(0xf000, &descriptors));
    body.extend(descriptors);
    let length = 0x7000 | (body.len() + 4) as u16;
    with_crc([&[0x73][..], &length.to_be_bytes(), &body].concat())
}

/// service_descriptor (ETSI EN 300 468 §6.2.33).
fn service_descriptor(service: &Service, has_video: bool) -> Vec<u8> {
    // Digital television or digital radio sound: what every receiver knows.
    let mut content = vec![if has_video { 0x01 } else { 0x02 }];
    content.extend(names(&service.provider, &service.name, BYTE_LIMIT - 1));
    descriptor(SERVICE_DESCRIPTOR, &content)
}

/// multilingual_service_name_descriptor (ETSI EN 300 468 §6.2.25), as many as the names need.
fn multilingual_names(service: &Service) -> Vec<Vec<u8>> {
    let mut contents: Vec<Vec<u8>> = Vec::new();
    for (lang, provider, name) in &service.names {
        let entry = [&lang[..], &names(provider, name, BYTE_LIMIT - 3)].concat();
        match contents.last_mut() {
            Some(last) if last.len() + entry.len() <= BYTE_LIMIT => last.extend(entry),
            _ => contents.push(entry),
        }
    }
    contents.iter().map(|content| descriptor(0x5d, content)).collect()
}

/// Two texts, each after its length, in at most `limit` bytes.
fn names(provider: &str, name: &str, limit: usize) -> Vec<u8> {
    let provider = dvb_text(provider, limit / 2 - 1);
    let name = dvb_text(name, limit - 2 - provider.len());
    [&[provider.len() as u8][..], &provider, &[name.len() as u8], &name].concat()
}

fn event_entry(event: &Event) -> Vec<u8> {
    let mut descriptors = Vec::new();
    for (lang, title, text) in &event.texts {
        let short = short_event_descriptor(lang, title, text);
        if descriptors.len() + short.len() <= EIT_DESCRIPTORS {
            descriptors.extend(short);
        }
    }
    let seconds = event.duration_s.min(99 * 3600 + 59 * 60 + 59);
    let duration = [seconds / 3600, seconds / 60 % 60, seconds % 60].map(bcd);
    let status = if event.running { RUNNING } else { NOT_RUNNING };
    let start = utc(event.start.as_second());
    let length = counted(status << 13, &descriptors);
    [&event.id.to_be_bytes()[..], &start, &duration, &length, &descriptors].concat()
}

/// short_event_descriptor (ETSI EN 300 468 §6.2.37). A long title leaves the text at least 50 bytes.
fn short_event_descriptor(lang: &[u8; 3], title: &str, text: &str) -> Vec<u8> {
    let title = dvb_text(title, 200);
    let text = dvb_text(text, BYTE_LIMIT - 5 - title.len());
    descriptor(0x4d, &[lang, &[title.len() as u8][..], &title, &[text.len() as u8], &text].concat())
}

fn descriptor(tag: u8, content: &[u8]) -> Vec<u8> {
    let content = content.get(..BYTE_LIMIT).unwrap_or(content);
    [&[tag, content.len() as u8], content].concat()
}

/// A 12-bit length of `content` under `flags`.
fn counted(flags: u16, content: &[u8]) -> [u8; 2] {
    (flags | content.len() as u16 & 0xfff).to_be_bytes()
}

/// Date and time in UTC: a Modified Julian Date and BCD digits (Annex C).
fn utc(unix_s: i64) -> [u8; 5] {
    let day = ((unix_s.div_euclid(DAY_S) + MJD_OF_UNIX_EPOCH) as u16).to_be_bytes();
    let second = unix_s.rem_euclid(DAY_S) as u32;
    [day[0], day[1], bcd(second / 3600), bcd(second / 60 % 60), bcd(second % 60)]
}

fn bcd(value: u32) -> u8 {
    (value / 10 * 16 + value % 10) as u8
}

/// Version of a table with this content: equal contents have equal ones, and
/// other contents nearly always others. No state is needed for that.
fn version(content: &[u8]) -> u8 {
    let crc = crc32(content);
    (0..7).fold(0, |sum, n| sum ^ (crc >> (5 * n)) as u8 & 0x1f)
}

/// A section in the long form (ISO/IEC 13818-1 §2.4.4.11); `numbers` are its own and the last one.
fn syntax(table: u8, flags: u16, extension: u16, numbers: (u8, u8), body: &[u8], version: u8) -> Vec<u8> {
    let length = flags | 0xb000 | (body.len() + 9) as u16;
    let [l0, l1] = length.to_be_bytes();
    let [e0, e1] = extension.to_be_bytes();
    let head = [table, l0, l1, e0, e1, 0xc1 | version << 1, numbers.0, numbers.1];
    with_crc([&head[..], body].concat())
}

fn with_crc(mut section: Vec<u8>) -> Vec<u8> {
    section.extend(crc32(&section).to_be_bytes());
    section
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;

    fn service() -> Service {
        Service {
            transport_stream_id: 1,
            original_network_id: 0xff01,
            service_id: 1,
            provider: "P".into(),
            name: "N".into(),
            names: Vec::new(),
            utc_offset_minutes: 480,
            country: *b"CHN",
        }
    }

    #[test]
    fn the_crc_is_the_one_of_the_standard() {
        // The check value of CRC-32/MPEG-2.
        assert_eq!(crc32(b"123456789"), 0x0376_e6e7);
        assert_eq!(crc32(&pat(&service())), 0);
    }

    #[test]
    fn a_known_pat() {
        // What FFmpeg writes for program 1 with its PMT on PID 0x1000, but for the version.
        let body = [0, 1, 0xf0, 0];
        let known = [0, 0xb0, 0x0d, 0, 1, 0xc1, 0, 0, 0, 1, 0xf0, 0, 0x2a, 0xb1, 0x04, 0xb2];
        assert_eq!(syntax(0, 0x8000, 1, (0, 0), &body, 0), known);
        assert_eq!(pat(&service())[8..12], body);
    }

    #[test]
    fn the_time_of_the_standards_example() {
        // Annex C: 93/10/13 12:45:00 is 0xC079124500.
        let at = "1993-10-13T12:45:00Z".parse::<Timestamp>().expect("a time").as_second();
        assert_eq!(tdt(at), [0x70, 0x70, 5, 0xc0, 0x79, 0x12, 0x45, 0]);
        let tot = tot(&service(), at);
        assert_eq!(tot[..8], [0x73, 0x70, 26, 0xc0, 0x79, 0x12, 0x45, 0]);
        assert_eq!(tot[8..16], [0xf0, 15, 0x58, 13, b'C', b'H', b'N', 2]);
        assert_eq!(tot[16..25], [8, 0, 0xff, 0xff, 0, 0, 0, 8, 0]);
        assert_eq!(crc32(&tot), 0);
    }

    #[test]
    fn a_version_follows_the_content() {
        let named = |name: &str| sdt(&Service { name: name.into(), ..service() }, true);
        assert_eq!(named("A"), named("A"));
        assert_ne!(named("A")[5], named("B")[5]);
        assert_eq!(
            named("A")[8..],
            [&[0xff, 1, 0xff, 0, 1, 0xfd, 0x80, 7, 0x48, 5, 1, 1, b'P', 1, b'A'][..], &named("A")[23..]]
                .concat()
        );
    }

    #[test]
    fn long_names_are_cut_and_spread() {
        let long = "ᠨ".repeat(300);
        let names = (0..6).map(|_| (*b"mon", long.clone(), long.clone())).collect();
        let section = sdt(&Service { provider: long.clone(), name: long.clone(), names, ..service() }, true);
        assert!(section.len() <= 1024);
        assert_eq!(crc32(&section), 0);
        let texts = (0..40).map(|_| (*b"mon", long.clone(), long.clone())).collect();
        let event =
            Event { id: 7, start: Timestamp::UNIX_EPOCH, duration_s: 9_999_999, texts, running: true };
        let [present, following] = eit(&service(), &Guide { present: Some(event), following: None });
        assert!(present.len() <= 4096 && crc32(&present) == 0);
        assert_eq!(present[14..26], [0, 7, 0x9e, 0x8b, 0, 0, 0, 0x99, 0x59, 0x59, 0x8f, 0x0f]);
        assert_eq!(following.len(), 18);
        assert_eq!(following[5..8], [present[5], 1, 1]);
    }
}
