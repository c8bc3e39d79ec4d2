//! Which services a transport stream says it has: its service description table
//! (ETSI EN 300 468 §5.2.3), put together from the bytes that come.

use std::collections::BTreeMap;

use super::section::{SDT_PID, crc32};
use super::text::read_dvb_text;
use super::{PACKET_BYTES, section};

const SYNC: u8 = 0x47;
/// The longest section (§5.1.1).
const SECTION_BYTES: usize = 1024;

/// Reads the services of a stream.
#[derive(Debug, Default)]
pub struct Listing {
    /// The beginning of a packet.
    rest: Vec<u8>,
    /// The beginning of a section; none until one begins.
    section: Option<Vec<u8>>,
    /// The version of the table that is being read, and the sections of it that have come.
    version: Option<u8>,
    sections: BTreeMap<u8, Vec<(u16, String)>>,
}

impl Listing {
    /// Takes what came next. The services by number and name, once the table is whole;
    /// then again each time it is sent.
    pub fn take(&mut self, bytes: &[u8]) -> Option<Vec<(u16, String)>> {
        self.rest.extend_from_slice(bytes);
        let rest = std::mem::take(&mut self.rest);
        let (mut at, mut whole) = (0, None);
        while let Some(packet) = rest.get(at..at + PACKET_BYTES) {
            // Where packets begin is found again after bytes that are none.
            if packet[0] != SYNC {
                at += 1;
                continue;
            }
            whole = self.packet(packet).or(whole);
            at += PACKET_BYTES;
        }
        self.rest = rest.get(at..).unwrap_or_default().to_vec();
        whole
    }

    fn packet(&mut self, packet: &[u8]) -> Option<Vec<(u16, String)>> {
        let pid = u16::from(packet[1] & 0x1f) << 8 | u16::from(packet[2]);
        let (begins, adapted, has_payload) =
            (packet[1] & 0x40 != 0, packet[3] & 0x20 != 0, packet[3] & 0x10 != 0);
        if pid != SDT_PID || !has_payload {
            return None;
        }
        let skipped = if adapted { 5 + usize::from(packet[4]) } else { 4 };
        let payload = packet.get(skipped..)?;
        if !begins {
            self.section.as_mut()?.extend_from_slice(payload);
            return self.sections();
        }
        // The end of one section, and behind it the next (ISO/IEC 13818-1 §2.4.4.1).
        let (pointer, payload) = payload.split_first()?;
        let (end, next) = payload.split_at_checked(usize::from(*pointer))?;
        let mut whole = None;
        if let Some(section) = &mut self.section {
            section.extend_from_slice(end);
            whole = self.sections();
        }
        self.section = Some(next.to_vec());
        self.sections().or(whole)
    }

    /// Reads the whole sections that have come.
    fn sections(&mut self) -> Option<Vec<(u16, String)>> {
        let mut whole = None;
        while let Some(section) = self.section.take() {
            // Stuffing follows the last one of a packet.
            if section.first().is_none_or(|table| *table == 0xff) {
                break;
            }
            let Some(length) = section::length(&section).filter(|length| section.len() >= *length) else {
                self.section = Some(section).filter(|section| section.len() < SECTION_BYTES);
                break;
            };
            let (this, next) = section.split_at(length);
            whole = self.section(this).or(whole);
            self.section = Some(next.to_vec());
        }
        whole
    }

    fn section(&mut self, section: &[u8]) -> Option<Vec<(u16, String)>> {
        let is_current = section.get(5).is_some_and(|flags| flags & 1 == 1);
        if section[0] != section::SDT_ACTUAL || !is_current || crc32(section) != 0 {
            return None;
        }
        let version = section[5] >> 1 & 0x1f;
        if self.version.replace(version) != Some(version) {
            self.sections.clear();
        }
        let (number, last) = (*section.get(6)?, *section.get(7)?);
        self.sections.insert(number, services(section.get(11..section.len() - 4)?));
        let is_whole = (0..=last).all(|number| self.sections.contains_key(&number));
        is_whole.then(|| self.sections.values().flatten().cloned().collect())
    }
}

/// The services that the body of a section describes, as far as it can be read.
fn services(mut body: &[u8]) -> Vec<(u16, String)> {
    let mut found = Vec::new();
    while let Some(([n0, n1, _, l0, l1], rest)) = body.split_first_chunk::<5>() {
        let length = usize::from(u16::from_be_bytes([l0 & 0x0f, *l1]));
        let Some((descriptors, rest)) = rest.split_at_checked(length) else { break };
        if let Some(name) = name(descriptors) {
            found.push((u16::from_be_bytes([*n0, *n1]), name));
        }
        body = rest;
    }
    found
}

/// The name in the service_descriptor (§6.2.33) among these.
fn name(mut descriptors: &[u8]) -> Option<String> {
    while let Some(([tag, length], rest)) = descriptors.split_first_chunk::<2>() {
        let (content, rest) = rest.split_at_checked(usize::from(*length))?;
        if *tag == section::SERVICE_DESCRIPTOR {
            let provider = usize::from(*content.get(1)?);
            let (length, name) = content.get(2 + provider..)?.split_first()?;
            return name.get(..usize::from(*length)).map(read_dvb_text);
        }
        descriptors = rest;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::Service;
    use super::super::packet::{Adaptation, ROOM, packet};
    use super::*;
    use proptest::prelude::*;

    /// The SDT of one service in packets, as we send it ourselves.
    fn sent(service_id: u16, name: &str) -> Vec<u8> {
        let service = Service {
            transport_stream_id: 1,
            original_network_id: 0xff01,
            service_id,
            provider: "自治区".into(),
            name: name.into(),
            names: Vec::new(),
            utc_offset_minutes: 480,
            country: *b"CHN",
        };
        let section = [&[0][..], &section::sdt(&service, true)].concat();
        let packets = section.chunks(ROOM).enumerate().map(|(i, part)| {
            let filled = [part, &vec![0xff; ROOM - part.len()]].concat();
            packet(SDT_PID, i == 0, Adaptation::default(), &filled)
        });
        packets.flatten().collect()
    }

    #[test]
    fn names_in_packets_of_others_are_found() {
        let other = packet(0x100, true, Adaptation::default(), &[7; ROOM]);
        for name in ["新疆卫视", "شىنجاڭ تېلېۋىزىيەسى", "Жетісу", "TV 1", "很长的名字"]
        {
            let long = name.repeat(6);
            let bytes = [&[1, 2, 3][..], &other, &sent(7, &long), &other].concat();
            assert_eq!(Listing::default().take(&bytes), Some(vec![(7, long)]));
        }
    }

    #[test]
    fn a_damaged_table_is_not_believed() {
        let mut bytes = sent(7, "TV 1");
        bytes[30] ^= 1;
        let mut listing = Listing::default();
        assert_eq!(listing.take(&bytes), None);
        assert_eq!(listing.take(&sent(7, "TV 1")), Some(vec![(7, "TV 1".to_owned())]));
    }

    proptest! {
        #[test]
        fn it_is_the_same_however_it_is_cut(name in "[a-z新疆卫视]{1,60}", pieces in proptest::collection::vec(1usize..400, 1..20)) {
            let bytes = [sent(9, &name), sent(9, &name)].concat();
            let (mut listing, mut found, mut rest) = (Listing::default(), 0, &bytes[..]);
            for length in pieces.iter().cycle() {
                let (piece, behind) = rest.split_at((*length).min(rest.len()));
                if let Some(services) = listing.take(piece) {
                    prop_assert_eq!(services, vec![(9, name.clone())]);
                    found += 1;
                }
                rest = behind;
                if rest.is_empty() { break; }
            }
            prop_assert!(found > 0);
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
            let mut listing = Listing::default();
            let _ = listing.take(&bytes);
            let packets = bytes.chunks(150).map(|part| packet(SDT_PID, part[0] % 2 == 0, Adaptation::default(), part));
            let _ = listing.take(&packets.flatten().collect::<Vec<u8>>());
            let _ = services(&bytes);
        }
    }
}
