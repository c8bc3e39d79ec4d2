//! Tests of `samples`, with files written as the packager writes them.

use super::*;
use mp4_atom::esds::{DecoderConfig, DecoderSpecific, EsDescriptor, SLConfig};
use mp4_atom::{
    Audio, Avc1, Avcc, Encode, Esds, Ftyp, Mdat, Mdhd, Mdia, Mfhd, Minf, Mp4a, Mvex, Stbl, Stsd, Tfdt, Tkhd,
    Trak, Trun, TrunSamples, Visual,
};
use proptest::prelude::*;

const AVCC: [u8; 16] = [1, 66, 0, 30, 0xff, 0xe1, 0, 3, 0x67, 66, 0, 1, 0, 2, 0x68, 0xce];

fn video() -> SampleEntry {
    let avcc = Avcc::decode_body(&mut &AVCC[..]).unwrap();
    let visual = Visual { data_reference_index: 1, width: 640, height: 360, ..Default::default() };
    SampleEntry::Avc1(Avc1 { visual, avcc, ..Default::default() })
}

fn audio() -> SampleEntry {
    let dec_specific = Some(DecoderSpecific { raw: vec![0x11, 0x90], ..Default::default() });
    let dec_config =
        DecoderConfig { object_type_indication: 0x40, stream_type: 5, dec_specific, ..Default::default() };
    let es_desc = EsDescriptor { es_id: 1, dec_config, sl_config: SLConfig {}, ..Default::default() };
    let audio =
        Audio { data_reference_index: 1, channel_count: 2, sample_size: 16, sample_rate: 48_000u16.into() };
    SampleEntry::Mp4a(Mp4a { audio, esds: Esds { es_desc }, btrt: None, taic: None })
}

fn init(entry: SampleEntry, timescale: u32) -> Vec<u8> {
    let mut out = Vec::new();
    Ftyp { major_brand: b"iso6".into(), minor_version: 0, compatible_brands: vec![] }
        .encode(&mut out)
        .unwrap();
    let stbl =
        Stbl { stsd: Stsd { codecs: vec![entry] }, stco: Some(Default::default()), ..Default::default() };
    let mdia = Mdia {
        mdhd: Mdhd { timescale, language: "und".into(), ..Default::default() },
        minf: Minf { stbl, ..Default::default() },
        ..Default::default()
    };
    let trex = Trex {
        track_id: 1,
        default_sample_description_index: 1,
        default_sample_duration: 512,
        default_sample_size: 3,
        default_sample_flags: NON_SYNC,
    };
    let trak = Trak { tkhd: Tkhd { track_id: 1, ..Default::default() }, mdia, ..Default::default() };
    let mvex = Some(Mvex { mehd: None, trex: vec![trex] });
    Moov { mvex, trak: vec![trak], ..Default::default() }.encode(&mut out).unwrap();
    out
}

fn fragment(tfhd: Tfhd, time: u64, runs: Vec<TrunSamples>, data: &[u8]) -> Vec<u8> {
    let build = |offset: i32| {
        let mut runs: Vec<Trun> =
            runs.iter().map(|samples| Trun { data_offset: None, samples: samples.clone() }).collect();
        runs[0].data_offset = Some(offset);
        let tfdt = Some(Tfdt { base_media_decode_time: time });
        let traf =
            Traf { tfhd: Tfhd { track_id: 1, ..tfhd.clone() }, tfdt, trun: runs, ..Default::default() };
        let mut out = Vec::new();
        Moof { mfhd: Mfhd { sequence_number: 1 }, traf: vec![traf] }.encode(&mut out).unwrap();
        out
    };
    let mut out = build(build(0).len() as i32 + 8);
    Header { kind: Mdat::KIND, size: Some(data.len()) }.encode(&mut out).unwrap();
    out.extend_from_slice(data);
    out
}

fn entry(size: u32, cts: i64) -> TrunEntry {
    TrunEntry { duration: None, size: Some(size), flags: None, cts: Some(cts) }
}

#[test]
fn defaults_come_from_the_run_the_fragment_and_the_track() {
    let inherited = TrunSamples::Inherited { count: 2, first_flags: Some(0) };
    let explicit: TrunSamples = vec![entry(1, -512), entry(2, 1_024)].into();
    let fragment = fragment(Tfhd::default(), 1_024, vec![inherited, explicit], b"aaabbbcdd");
    let both = [&fragment[..], &fragment].concat();
    let (codec, units) = samples(&init(video(), 12_800), &both).unwrap();
    assert_eq!(codec, Codec::H264 { avcc: AVCC.to_vec() });
    let unit = |pts, dts, key, data: &'static [u8]| Unit { pts, dts, key, data: Bytes::from_static(data) };
    let expected = [
        unit(7_200, 7_200, true, b"aaa"),
        unit(10_800, 10_800, false, b"bbb"),
        unit(10_800, 14_400, false, b"c"),
        unit(25_200, 18_000, false, b"dd"),
    ];
    assert_eq!(units, [&expected[..], &expected].concat());
}

#[test]
fn audio_times_are_rounded_and_beyond_32_bits() {
    let tfhd = Tfhd {
        default_sample_duration: Some(1_024),
        default_sample_size: Some(2),
        default_sample_flags: Some(0),
        ..Default::default()
    };
    // Over 40 years of 44.1 kHz.
    let start = 57_000_000_000_001;
    let run = TrunSamples::Inherited { count: 2, first_flags: None };
    let (codec, units) = samples(&init(audio(), 44_100), &fragment(tfhd, start, vec![run], b"aabb")).unwrap();
    assert_eq!(codec, Codec::Aac { config: vec![0x11, 0x90] });
    let exact = |ticks: u64| (ticks as f64 / 44_100.0 * 90_000.0).round() as i64;
    assert_eq!(
        units.iter().map(|u| (u.pts, u.key)).collect::<Vec<_>>(),
        [(exact(start), true), (exact(start + 1_024), true)]
    );
}

#[test]
fn what_is_not_there_is_an_error() {
    let run = |count| vec![TrunSamples::Inherited { count, first_flags: None }];
    let init = init(video(), 90_000);
    let plain = Tfhd::default();
    assert!(matches!(
        samples(&init, &fragment(plain.clone(), 0, run(2), b"aaabb")),
        Err(SamplesError::Range)
    ));
    let endless = Tfhd { default_sample_size: Some(0), ..plain.clone() };
    assert!(matches!(samples(&init, &fragment(endless, 0, run(u32::MAX), b"")), Err(SamplesError::Range)));
    let late = fragment(plain.clone(), u64::MAX, run(1), b"aaa");
    assert!(matches!(samples(&self::init(video(), 1), &late), Err(SamplesError::Time)));
    assert!(matches!(samples(&self::init(video(), 0), &late), Err(SamplesError::Time)));
    let good = fragment(plain, 0, run(1), b"aaa");
    assert!(matches!(samples(&good, &init), Err(SamplesError::Missing(_))));
    assert!(matches!(samples(&init, &init), Err(SamplesError::Missing(_))));
    assert!(samples(&[], &good).is_err() && samples(&init, &[]).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]
    #[test]
    fn nothing_makes_it_fall(
        sound: bool,
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        cut in any::<prop::sample::Index>(),
        cuts: bool,
    ) {
        let header = init(if sound { audio() } else { video() }, 12_800);
        let explicit: TrunSamples = vec![entry(1, -512), entry(2, 1_024)].into();
        let inherited = TrunSamples::Inherited { count: 2, first_flags: Some(0) };
        let media = fragment(Tfhd::default(), 1_024, vec![explicit, inherited], b"abbcccddd");
        for break_header in [true, false] {
            let (mut header, mut media) = (header.clone(), media.clone());
            let broken = if break_header { &mut header } else { &mut media };
            for (at, value) in &changes {
                let at = at.index(broken.len());
                broken[at] = *value;
            }
            if cuts {
                broken.truncate(cut.index(broken.len()));
            }
            if let Ok((_, units)) = samples(&header, &media) {
                prop_assert!(units.len() <= media.len());
            }
        }
    }
}
