//! What CMAF track files hold (ISO/IEC 23000-19, ISO/IEC 14496-12).

use bytes::Bytes;
use mp4_atom::{Atom, Codec as SampleEntry, Decode, FourCC, Header, Moof, Moov, Tfhd, Traf, Trex, TrunEntry};

use super::Unit;

const CLOCK: i128 = 90_000;
/// sample_is_non_sync_sample (ISO/IEC 14496-12 §8.8.3.1).
const NON_SYNC: u32 = 0x0001_0000;

/// What a track's decoder needs to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Codec {
    /// H.264 with its AVCDecoderConfigurationRecord (ISO/IEC 14496-15 §5.3.3.1).
    H264 {
        /// The record, without a box around it.
        avcc: Vec<u8>,
    },
    /// AAC with its AudioSpecificConfig (ISO/IEC 14496-3 §1.6.2.1).
    Aac {
        /// The configuration's bytes.
        config: Vec<u8>,
    },
}

/// Why a header and fragments have no samples to give.
#[derive(Debug, thiserror::Error)]
pub enum SamplesError {
    /// A box is malformed.
    #[error("malformed box")]
    Box(#[from] mp4_atom::Error),
    /// A box that must be there is not.
    #[error("expected a box {0}")]
    Missing(FourCC),
    /// The header has no track of H.264 or AAC, or has several.
    #[error("expected one track of H.264 or AAC")]
    Track,
    /// Samples lie outside the fragment, have no bytes, or have no size.
    #[error("a sample is not in its fragment")]
    Range,
    /// Times are in no timescale or beyond all clocks.
    #[error("a time is out of range")]
    Time,
}

/// Reads the samples of one or more fragments (`moof` with its `mdat`) of the
/// track of `init`, a CMAF header. Times are converted from the track's
/// timescale to 90 kHz and rounded to the nearest tick; edit lists are ignored.
pub fn samples(init: &[u8], fragment: &[u8]) -> Result<(Codec, Vec<Unit>), SamplesError> {
    let track = Track::read(init)?;
    let bytes = Bytes::copy_from_slice(fragment);
    let mut units = Vec::new();
    let mut fragments = 0;
    for (start, moof) in boxes(fragment, Moof::KIND) {
        let moof = Moof::decode_body(&mut &moof?[..])?;
        for traf in moof.traf.iter().filter(|traf| traf.tfhd.track_id == track.defaults.track_id) {
            track.read_fragment(traf, start, &bytes, &mut units)?;
            fragments += 1;
        }
    }
    if fragments == 0 { Err(SamplesError::Missing(Moof::KIND)) } else { Ok((track.codec, units)) }
}

/// A track as its header describes it.
struct Track {
    codec: Codec,
    timescale: u32,
    defaults: Trex,
}

impl Track {
    fn read(init: &[u8]) -> Result<Self, SamplesError> {
        let (_, moov) = boxes(init, Moov::KIND).next().ok_or(SamplesError::Missing(Moov::KIND))?;
        let moov = Moov::decode_body(&mut &moov?[..])?;
        let [trak] = &moov.trak[..] else { return Err(SamplesError::Track) };
        let [entry] = &trak.mdia.minf.stbl.stsd.codecs[..] else { return Err(SamplesError::Track) };
        let track_id = trak.tkhd.track_id;
        let trex = moov.mvex.and_then(|mvex| mvex.trex.into_iter().find(|trex| trex.track_id == track_id));
        let defaults = trex.ok_or(SamplesError::Missing(FourCC::new(b"trex")))?;
        Ok(Self { codec: codec(entry)?, timescale: trak.mdia.mdhd.timescale, defaults })
    }

    /// Appends the samples of `traf`, in the `moof` that is at `start` in `bytes`.
    fn read_fragment(
        &self,
        traf: &Traf,
        start: usize,
        bytes: &Bytes,
        units: &mut Vec<Unit>,
    ) -> Result<(), SamplesError> {
        let tfdt = traf.tfdt.as_ref().ok_or(SamplesError::Missing(FourCC::new(b"tfdt")))?;
        let mut time = i128::from(tfdt.base_media_decode_time);
        // CMAF has no absolute offsets: without one, data follows that of the run before.
        if traf.tfhd.base_data_offset.is_some() {
            return Err(SamplesError::Range);
        }
        let mut at = start;
        for run in &traf.trun {
            if let Some(offset) = run.data_offset {
                let offset = isize::try_from(offset).map_err(|_| SamplesError::Range)?;
                at = start.checked_add_signed(offset).ok_or(SamplesError::Range)?;
            }
            for entry in &run.samples {
                let sample = self.resolve(&traf.tfhd, &entry);
                let end = at.checked_add(sample.size).ok_or(SamplesError::Range)?;
                // Samples without bytes would let a small box claim any number of them.
                if sample.size == 0 || end > bytes.len() {
                    return Err(SamplesError::Range);
                }
                let (pts, dts) = (self.to_clock(time + sample.composition)?, self.to_clock(time)?);
                units.push(Unit { pts, dts, key: sample.key, data: bytes.slice(at..end) });
                at = end;
                time += i128::from(sample.duration);
            }
        }
        Ok(())
    }

    /// A sample's own fields, or else the fragment's, or else the track's (ISO/IEC 14496-12 §8.8.7).
    fn resolve(&self, tfhd: &Tfhd, entry: &TrunEntry) -> Sample {
        let pick = |own: Option<u32>, fragment: Option<u32>, track| own.or(fragment).unwrap_or(track);
        let flags = pick(entry.flags, tfhd.default_sample_flags, self.defaults.default_sample_flags);
        let size = pick(entry.size, tfhd.default_sample_size, self.defaults.default_sample_size);
        Sample {
            duration: pick(
                entry.duration,
                tfhd.default_sample_duration,
                self.defaults.default_sample_duration,
            ),
            size: usize::try_from(size).unwrap_or(usize::MAX),
            composition: entry.cts.unwrap_or(0).into(),
            key: flags & NON_SYNC == 0,
        }
    }

    fn to_clock(&self, ticks: i128) -> Result<i64, SamplesError> {
        let scale = i128::from(self.timescale);
        let rounded = (ticks * CLOCK * 2 + scale).checked_div_euclid(scale * 2);
        rounded.and_then(|time| i64::try_from(time).ok()).ok_or(SamplesError::Time)
    }
}

struct Sample {
    duration: u32,
    size: usize,
    composition: i128,
    key: bool,
}

fn codec(entry: &SampleEntry) -> Result<Codec, SamplesError> {
    let record = |avcc: &mp4_atom::Avcc| {
        let mut bytes = Vec::new();
        avcc.encode_body(&mut bytes)?;
        Ok(Codec::H264 { avcc: bytes })
    };
    match entry {
        SampleEntry::Avc1(entry) => record(&entry.avcc),
        SampleEntry::Avc3(entry) => record(&entry.avcc),
        SampleEntry::Mp4a(entry) => {
            let specific = entry.esds.es_desc.dec_config.dec_specific.as_ref();
            Ok(Codec::Aac { config: specific.ok_or(SamplesError::Track)?.raw.clone() })
        }
        _ => Err(SamplesError::Track),
    }
}

/// The boxes of `kind` at the top level of `bytes`: where each starts and what is in it.
fn boxes(bytes: &[u8], kind: FourCC) -> impl Iterator<Item = (usize, Result<&[u8], SamplesError>)> {
    let mut rest = Some(bytes);
    let all = std::iter::from_fn(move || {
        let mut body = rest.take().filter(|rest| !rest.is_empty())?;
        let start = bytes.len() - body.len();
        let header = match Header::decode(&mut body) {
            Ok(header) => header,
            Err(error) => return Some((start, kind, Err(error.into()))),
        };
        let content = body.get(..header.size.unwrap_or(body.len())).ok_or(SamplesError::Range);
        rest = content.as_ref().ok().and_then(|content| body.get(content.len()..));
        Some((start, header.kind, content))
    });
    // A broken box of another kind matters too: nothing can be found after it.
    all.filter(move |(_, found, content)| *found == kind || content.is_err())
        .map(|(start, _, content)| (start, content))
}

#[cfg(test)]
#[path = "samples_tests.rs"]
mod tests;
