//! CMAF track files (ISO/IEC 23000-19): the header and the fragments.

use mp4_atom::{
    Atom, Audio, Avc1, Avcc, Codec as SampleEntry, Dinf, Dref, DrefEntry, Encode, Ftyp, Hdlr, Header, Mdhd,
    Mdia, Mfhd, Minf, Moof, Moov, Mp4a, Mvex, Mvhd, Smhd, Stbl, Stsd, Styp, Tfdt, Tfhd, Tkhd, Traf, Trak,
    Trex, Trun, TrunEntry, TrunSamples, Url, Visual, Vmhd,
    esds::{DecoderConfig, DecoderSpecific, EsDescriptor, SLConfig},
};

use super::PipelineError;
use super::frame::{AAC_SAMPLES, Codec, Frame};

const TRACK: u32 = 1;
/// sample_depends_on = 2: decodes alone (ISO/IEC 14496-12 §8.8.3.1).
const SYNC: u32 = 0x0200_0000;
/// sample_depends_on = 1, sample_is_non_sync_sample.
const DEPENDENT: u32 = 0x0101_0000;

/// The header (initialisation segment) of a track.
pub(super) fn header(codec: &Codec) -> Result<Vec<u8>, PipelineError> {
    let mut out = Vec::new();
    let ftyp = Ftyp {
        major_brand: b"iso6".into(),
        minor_version: 0,
        compatible_brands: vec![b"iso6".into(), b"cmfc".into(), b"mp41".into()],
    };
    ftyp.encode(&mut out)?;
    let trex = Trex { track_id: TRACK, default_sample_description_index: 1, ..Default::default() };
    let moov = Moov {
        mvhd: Mvhd {
            timescale: codec.timescale(),
            next_track_id: TRACK + 1,
            rate: 1.into(),
            ..Default::default()
        },
        mvex: Some(Mvex { mehd: None, trex: vec![trex] }),
        trak: vec![trak(codec)?],
        ..Default::default()
    };
    moov.encode(&mut out)?;
    Ok(out)
}

fn trak(codec: &Codec) -> Result<Trak, PipelineError> {
    let mut tkhd = Tkhd { track_id: TRACK, enabled: true, in_movie: true, ..Default::default() };
    let (handler, name, entry) = match codec {
        Codec::H264 { avcc, width, height, .. } => {
            tkhd.width = (*width as u16).into();
            tkhd.height = (*height as u16).into();
            let visual = Visual {
                data_reference_index: 1,
                width: *width as u16,
                height: *height as u16,
                ..Default::default()
            };
            let avcc = Avcc::decode_body(&mut avcc.as_slice())?;
            (b"vide", "video", SampleEntry::Avc1(Avc1 { visual, avcc, ..Default::default() }))
        }
        Codec::Aac { config, rate, channels } => {
            tkhd.volume = 1.into();
            let audio = Audio {
                data_reference_index: 1,
                channel_count: *channels as u16,
                sample_size: 16,
                sample_rate: (*rate as u16).into(),
            };
            (b"soun", "audio", SampleEntry::Mp4a(Mp4a { audio, esds: esds(config), btrt: None, taic: None }))
        }
    };
    let video = matches!(codec, Codec::H264 { .. });
    let url = DrefEntry::Url(Url { location: String::new() });
    Ok(Trak {
        tkhd,
        mdia: Mdia {
            mdhd: Mdhd { timescale: codec.timescale(), language: "und".into(), ..Default::default() },
            hdlr: Hdlr { handler: handler.into(), name: name.into() },
            minf: Minf {
                vmhd: video.then(Vmhd::default),
                smhd: (!video).then(Smhd::default),
                dinf: Dinf { dref: Dref { entries: vec![url] } },
                stbl: Stbl {
                    stsd: Stsd { codecs: vec![entry] },
                    stco: Some(Default::default()),
                    ..Default::default()
                },
                ..Default::default()
            },
        },
        ..Default::default()
    })
}

fn esds(config: &[u8]) -> mp4_atom::Esds {
    let dec_config = DecoderConfig {
        object_type_indication: 0x40,
        stream_type: 5,
        dec_specific: Some(DecoderSpecific { raw: config.to_vec(), ..Default::default() }),
        ..Default::default()
    };
    mp4_atom::Esds {
        es_desc: EsDescriptor {
            es_id: TRACK as u16,
            dec_config,
            sl_config: SLConfig {},
            ..Default::default()
        },
    }
}

/// One fragment: `styp`, `moof`, `mdat`. `frames` are in decoding order and
/// not empty; `end` is the decoding time after the last one, in ticks.
pub(super) fn fragment(
    codec: &Codec,
    sequence: u32,
    frames: &[Frame],
    end: i64,
) -> Result<Vec<u8>, PipelineError> {
    let bytes: usize = frames.iter().map(|f| f.data.len()).sum();
    let mut out = Vec::with_capacity(bytes + 64 + frames.len() * 16);
    Styp {
        major_brand: b"msdh".into(),
        minor_version: 0,
        compatible_brands: vec![b"msdh".into(), b"cmfs".into()],
    }
    .encode(&mut out)?;
    let start = out.len();
    let mut moof = moof(codec, sequence, frames, end);
    moof.encode(&mut out)?;
    // The box's size does not depend on the offset's value: write it again with the right one.
    let offset = out.len() - start + 8;
    out.truncate(start);
    moof.traf[0].trun[0].data_offset = Some(offset as i32);
    moof.encode(&mut out)?;
    Header { kind: mp4_atom::Mdat::KIND, size: Some(bytes) }.encode(&mut out)?;
    for frame in frames {
        out.extend_from_slice(&frame.data);
    }
    Ok(out)
}

fn moof(codec: &Codec, sequence: u32, frames: &[Frame], end: i64) -> Moof {
    let video = matches!(codec, Codec::H264 { .. });
    let entries = frames.iter().enumerate().map(|(i, frame)| {
        let next = frames.get(i + 1).map_or(end, |n| n.dts);
        TrunEntry {
            duration: Some(if video { (next - frame.dts).max(1) as u32 } else { AAC_SAMPLES as u32 }),
            size: Some(frame.data.len() as u32),
            flags: video.then_some(if frame.key { SYNC } else { DEPENDENT }),
            cts: video.then_some(frame.pts - frame.dts),
        }
    });
    Moof {
        mfhd: Mfhd { sequence_number: sequence },
        traf: vec![Traf {
            tfhd: Tfhd {
                track_id: TRACK,
                default_sample_flags: (!video).then_some(SYNC),
                default_base_is_moof: true,
                ..Default::default()
            },
            tfdt: Some(Tfdt { base_media_decode_time: frames[0].dts.max(0) as u64 }),
            trun: vec![Trun { data_offset: Some(0), samples: TrunSamples::Explicit(entries.collect()) }],
            ..Default::default()
        }],
    }
}
