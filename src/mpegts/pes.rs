//! Access units as PES packets (ISO/IEC 13818-1 §2.4.3.6): H.264 in the byte
//! stream format (ITU-T H.264 Annex B), AAC as ADTS (ISO/IEC 13818-7 §6.2).

use super::MuxError;

const START_CODE: [u8; 4] = [0, 0, 0, 1];
const NAL_SPS: u8 = 7;
const NAL_PPS: u8 = 8;
const NAL_AUD: u8 = 9;
/// An access unit delimiter that allows every slice type.
const AUD: [u8; 2] = [NAL_AUD, 0xf0];
/// Bytes of an ADTS header without a checksum.
const ADTS_HEADER: usize = 7;
/// Bytes of a PES header before its timestamps.
const FIXED_HEADER: usize = 9;
/// Bytes that PES_packet_length does not count.
const UNCOUNTED: usize = 6;
const STREAM_VIDEO: u8 = 0xe0;
const STREAM_AUDIO: u8 = 0xc0;

/// A PES packet with one access unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pes {
    /// All of it.
    pub(super) bytes: Vec<u8>,
    /// Bytes of its header.
    pub(super) header: usize,
}

/// Video: times in 90 kHz ticks, not wrapped; `data` is a byte stream.
pub(super) fn video_pes(pts: i64, dts: i64, data: &[u8]) -> Pes {
    pes(STREAM_VIDEO, pts, (dts != pts).then_some(dts), data)
}

/// Audio number `index` of its service: time in 90 kHz ticks, not wrapped.
pub(super) fn audio_pes(index: usize, pts: i64, data: &[u8]) -> Pes {
    pes(STREAM_AUDIO | (index & 0x1f) as u8, pts, None, data)
}

fn pes(stream: u8, pts: i64, dts: Option<i64>, data: &[u8]) -> Pes {
    let stamps = match dts {
        None => timestamp(2, pts).to_vec(),
        Some(dts) => [timestamp(3, pts), timestamp(1, dts)].concat(),
    };
    let header = FIXED_HEADER + stamps.len();
    // Only video may leave the length open (§2.4.3.7); ADTS frames are always short enough.
    let length = u16::try_from(header - UNCOUNTED + data.len()).unwrap_or(0).to_be_bytes();
    let mut bytes = Vec::with_capacity(header + data.len());
    bytes.extend([0, 0, 1, stream, length[0], length[1]]);
    // data_alignment_indicator: an access unit starts with the payload.
    bytes.extend([0x84, if dts.is_some() { 0xc0 } else { 0x80 }, stamps.len() as u8]);
    bytes.extend(stamps);
    bytes.extend_from_slice(data);
    Pes { bytes, header }
}

/// PTS or DTS with its marker bits.
fn timestamp(prefix: u64, time: i64) -> [u8; 5] {
    let time = time.rem_euclid(1 << 33) as u64;
    let bits = prefix << 36
        | (time >> 30) << 33
        | 1 << 32
        | (time >> 15 & 0x7fff) << 17
        | 1 << 16
        | (time & 0x7fff) << 1
        | 1;
    let [_, _, _, field @ ..] = bits.to_be_bytes();
    field
}

/// What the avcC box of a track says (ISO/IEC 14496-15 §5.3.3.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ParameterSets<'a> {
    length_bytes: usize,
    sps: Vec<&'a [u8]>,
    pps: Vec<&'a [u8]>,
}

impl<'a> ParameterSets<'a> {
    /// Reads an AVCDecoderConfigurationRecord.
    pub(super) fn read(avcc: &'a [u8]) -> Result<Self, MuxError> {
        let [1, _, _, _, lengths, sps_count, rest @ ..] = avcc else { return Err(MuxError::Avcc) };
        let (sps, rest) = sets(rest, sps_count & 0x1f).ok_or(MuxError::Avcc)?;
        let (pps_count, rest) = rest.split_first().ok_or(MuxError::Avcc)?;
        let (pps, _) = sets(rest, *pps_count).ok_or(MuxError::Avcc)?;
        Ok(Self { length_bytes: usize::from(lengths & 3) + 1, sps, pps })
    }

    /// An access unit as a byte stream: a delimiter, before a key frame the
    /// parameter sets it does not hold itself, and its NAL units.
    pub(super) fn byte_stream(&self, key: bool, data: &[u8]) -> Result<Vec<u8>, MuxError> {
        let nals = self.nals(data)?;
        let has = |kind| nals.iter().any(|nal| nal.first().is_some_and(|b| b & 0x1f == kind));
        let missing = |sets: &[&'a [u8]], kind| if key && !has(kind) { sets.to_vec() } else { Vec::new() };
        let (delimiter, nals) = match nals.split_first() {
            Some((first, rest)) if first.first().is_some_and(|b| b & 0x1f == NAL_AUD) => (*first, rest),
            _ => (&AUD[..], &nals[..]),
        };
        let (sps, pps) = (missing(&self.sps, NAL_SPS), missing(&self.pps, NAL_PPS));
        let mut out = Vec::with_capacity(data.len() + 128);
        for nal in [delimiter].iter().chain(&sps).chain(&pps).chain(nals) {
            out.extend(START_CODE);
            out.extend_from_slice(nal);
        }
        Ok(out)
    }

    fn nals<'b>(&self, mut data: &'b [u8]) -> Result<Vec<&'b [u8]>, MuxError> {
        let mut nals = Vec::new();
        while !data.is_empty() {
            let (length, rest) = data.split_at_checked(self.length_bytes).ok_or(MuxError::NalLength)?;
            let length = length.iter().fold(0, |sum, b| sum << 8 | usize::from(*b));
            let (nal, rest) = rest.split_at_checked(length).ok_or(MuxError::NalLength)?;
            if !nal.is_empty() {
                nals.push(nal);
            }
            data = rest;
        }
        if nals.is_empty() { Err(MuxError::NalLength) } else { Ok(nals) }
    }
}

/// `count` parameter sets, each after its 16-bit length, and the bytes after them.
fn sets(mut bytes: &[u8], count: u8) -> Option<(Vec<&[u8]>, &[u8])> {
    let mut sets = Vec::new();
    for _ in 0..count {
        let (length, rest) = bytes.split_first_chunk()?;
        let (set, rest) = rest.split_at_checked(u16::from_be_bytes(*length).into())?;
        sets.push(set);
        bytes = rest;
    }
    Some((sets, bytes))
}

/// What an AudioSpecificConfig says that ADTS repeats in each frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Adts {
    profile: u8,
    frequency: u8,
    channels: u8,
}

impl Adts {
    /// Reads an AudioSpecificConfig (ISO/IEC 14496-3 §1.6.2.1). Of HE-AAC it
    /// describes the AAC-LC core, as ADTS does.
    pub(super) fn read(config: &[u8]) -> Result<Self, MuxError> {
        let mut bits = Bits { bytes: config, at: 0 };
        Self::parse(&mut bits).ok_or(MuxError::AudioConfig)
    }

    fn parse(bits: &mut Bits<'_>) -> Option<Self> {
        const SBR: u32 = 5;
        const PS: u32 = 29;
        let mut object = bits.take(5)?;
        let frequency = bits.take(4)?;
        let channels = bits.take(4)?;
        if object == SBR || object == PS {
            let _extension = bits.take(4).filter(|index| *index != 15)?;
            object = bits.take(5)?;
        }
        // ADTS has two bits for the object type, and no place for a frequency
        // outside the table or for a channel configuration of its own.
        let fits = (1..=4).contains(&object) && frequency < 13 && (1..=7).contains(&channels);
        let [profile, frequency, channels] = [object.wrapping_sub(1), frequency, channels].map(|v| v as u8);
        fits.then_some(Self { profile, frequency, channels })
    }

    /// A raw data block as an ADTS frame.
    pub(super) fn frame(self, data: &[u8]) -> Result<Vec<u8>, MuxError> {
        const LONGEST: usize = (1 << 13) - 1;
        let length = Some(ADTS_HEADER + data.len()).filter(|l| *l <= LONGEST).ok_or(MuxError::FrameSize)?;
        let mut out = Vec::with_capacity(length);
        out.extend([
            0xff,
            // MPEG-4, no checksum.
            0xf1,
            self.profile << 6 | self.frequency << 2 | self.channels >> 2,
            self.channels << 6 | (length >> 11) as u8,
            (length >> 3) as u8,
            // A buffer fullness of all ones: variable rate.
            (length << 5) as u8 | 0x1f,
            0xfc,
        ]);
        out.extend_from_slice(data);
        Ok(out)
    }
}

struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Bits<'_> {
    fn take(&mut self, count: usize) -> Option<u32> {
        let bit = |at: usize| self.bytes.get(at / 8).map(|byte| u32::from(byte >> (7 - at % 8) & 1));
        let value = (self.at..self.at + count).try_fold(0, |value, at| Some(value << 1 | bit(at)?));
        self.at += count;
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const AVCC: [u8; 16] = [1, 66, 0, 30, 0xff, 0xe1, 0, 3, 0x67, 66, 0, 1, 0, 2, 0x68, 0xce];

    fn prefixed(nals: &[&[u8]]) -> Vec<u8> {
        nals.iter().flat_map(|nal| [&(nal.len() as u32).to_be_bytes()[..], nal].concat()).collect()
    }

    #[test]
    fn a_key_frame_gets_what_it_lacks() {
        let sets = ParameterSets::read(&AVCC).unwrap();
        let annex_b = |key, nals: &[&[u8]]| sets.byte_stream(key, &prefixed(nals)).unwrap();
        let codes =
            |nals: &[&[u8]]| nals.iter().flat_map(|nal| [&START_CODE, *nal].concat()).collect::<Vec<u8>>();
        let (sps, pps, slice, idr) = (&[0x67, 66, 0][..], &[0x68, 0xce][..], &[0x41, 1][..], &[0x65, 1][..]);
        assert_eq!(annex_b(false, &[slice]), codes(&[&AUD, slice]));
        assert_eq!(annex_b(true, &[idr]), codes(&[&AUD, sps, pps, idr]));
        let (own, delimiter) = (&[0x67, 9][..], &[9, 0x10][..]);
        assert_eq!(annex_b(true, &[delimiter, own, idr]), codes(&[delimiter, pps, own, idr]));
        assert_eq!(annex_b(true, &[own, &[0x68], idr]), codes(&[&AUD, own, &[0x68], idr]));
    }

    #[test]
    fn adts_of_a_known_config() {
        // AAC-LC, 48 kHz, stereo.
        let frame = Adts::read(&[0x11, 0x90]).unwrap().frame(&[7; 100]).unwrap();
        assert_eq!(frame[..8], [0xff, 0xf1, 0x4c, 0x80, 0x0d, 0x7f, 0xfc, 7]);
        // HE-AAC: SBR at 48 kHz around a core at 24 kHz.
        let he = Adts::read(&[0x2b, 0x11, 0x88, 0x00]).unwrap();
        assert_eq!(he, Adts { profile: 1, frequency: 6, channels: 2 });
        assert_eq!(Adts::read(&[0x11]), Err(MuxError::AudioConfig));
        assert_eq!(Adts::read(&[0x11, 0x80]), Err(MuxError::AudioConfig));
        assert_eq!(he.frame(&[0; 8190]), Err(MuxError::FrameSize));
    }

    #[test]
    fn a_pes_header_with_both_times() {
        let pes = video_pes((1 << 33) + 1, -1, &[5, 6]);
        let (pts, dts) = ([0x31, 0, 1, 0, 3], [0x1f, 0xff, 0xff, 0xff, 0xff]);
        let head = [0, 0, 1, 0xe0, 0, 15, 0x84, 0xc0, 10];
        assert_eq!(pes.bytes, [&head[..], &pts, &dts, &[5, 6]].concat());
        assert_eq!(pes.header, 19);
        assert_eq!(audio_pes(1, 0, &[]).bytes[3..9], [0xc1, 0, 8, 0x84, 0x80, 5]);
        assert_eq!(video_pes(0, 0, &[0; 70_000]).bytes[4..6], [0, 0]);
    }

    proptest! {
        #[test]
        fn nothing_makes_it_fall(avcc in proptest::collection::vec(any::<u8>(), 0..40), cut in 0usize..16, data in proptest::collection::vec(0u8..4, 0..60)) {
            for avcc in [&avcc[..], &AVCC[..cut], &AVCC] {
                if let Ok(sets) = ParameterSets::read(avcc) {
                    let _ = sets.byte_stream(true, &data);
                }
            }
            let _ = Adts::read(&data);
        }
    }
}
