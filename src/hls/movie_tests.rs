//! Files made up, and read as a player reads them.

use mp4_atom::{Avc1, Avcc, Codec, Mfhd, Mvex, Stbl, Stsd, Tfdt, Traf, Trun, TrunSamples};
use proptest::prelude::*;

use super::*;

fn header() -> Vec<u8> {
    let trex = Trex { track_id: 1, default_sample_description_index: 1, ..Default::default() };
    let mut trak = Trak::default();
    trak.mdia.mdhd.timescale = 1000;
    trak.mdia.mdhd.language = "und".into();
    trak.mdia.minf.stbl = Stbl {
        stsd: Stsd {
            codecs: vec![Codec::Avc1(Avc1 {
                avcc: Avcc::new(&[0x67, 66, 0, 30], &[0x68, 0]).expect("parameters"),
                ..Default::default()
            })],
        },
        stco: Some(Stco::default()),
        ..Default::default()
    };
    let moov =
        Moov { mvex: Some(Mvex { mehd: None, trex: vec![trex] }), trak: vec![trak], ..Default::default() };
    let mut out = Vec::new();
    moov.encode(&mut out).expect("a header");
    out
}

/// A segment whose samples are of `mark`: duration and size of each.
fn segment(begins: u64, samples: &[(u32, u32)], mark: u8) -> Vec<u8> {
    let entry = |(at, (duration, size)): (usize, &(u32, u32))| TrunEntry {
        duration: Some(*duration),
        size: Some(*size),
        flags: Some(if at == 0 { 0 } else { NON_SYNC }),
        cts: None,
    };
    let run = Trun {
        data_offset: Some(0),
        samples: TrunSamples::Explicit(samples.iter().enumerate().map(entry).collect()),
    };
    let traf = Traf {
        tfhd: Tfhd { track_id: 1, default_base_is_moof: true, ..Default::default() },
        tfdt: Some(Tfdt { base_media_decode_time: begins }),
        trun: vec![run],
        ..Default::default()
    };
    let size = samples.iter().map(|s| s.1 as usize).sum();
    let mut out = Vec::new();
    Moof { mfhd: Mfhd { sequence_number: 1 }, traf: vec![traf] }.encode(&mut out).expect("a fragment");
    Header { kind: Mdat::KIND, size: Some(size) }.encode(&mut out).expect("a header");
    out.resize(out.len() + size, mark);
    out
}

/// A track's file, with what [`MovieTrack`] says of it.
fn track(begins: u64, segments: &[Vec<(u32, u32)>], marks: u8) -> (Vec<u8>, Vec<(ByteRange, Vec<u8>)>) {
    let (mut file, mut said, mut time) = (Vec::new(), Vec::new(), begins);
    for (at, samples) in segments.iter().enumerate() {
        let bytes = segment(time, samples, marks + at as u8);
        let length = head_length(&bytes).expect("boxes").expect("whole");
        assert_eq!(head_length(&bytes[..length - 1]).expect("boxes"), Err(length));
        said.push((
            ByteRange { offset: file.len() as u64, length: bytes.len() as u64 },
            bytes[..length].to_vec(),
        ));
        file.extend(bytes);
        time += samples.iter().map(|s| u64::from(s.0)).sum::<u64>();
    }
    (file, said)
}

fn samples() -> impl Strategy<Value = Vec<Vec<(u32, u32)>>> {
    proptest::collection::vec(proptest::collection::vec((1_u32..200, 1_u32..300), 1..12), 1..8)
}

proptest! {
    /// Read as a player does, by the tables alone: every sample is where they say, lasts
    /// as long, and is the package's.
    #[test]
    fn the_tables_lead_to_every_sample(one in samples(), other in samples(), late in 0_u64..3000) {
        let tracks = [track(0, &one, 10), track(late, &other, 100)];
        let header = header();
        let wanted: Vec<_> = tracks
            .iter()
            .map(|(_, segments)| MovieTrack { header: &header, language: "uig", segments })
            .collect();
        let made = movie(&wanted).expect("a movie");
        let mut file = made.head.clone();
        for (at, range) in &made.pieces {
            file.extend(&tracks[*at].0[range.offset as usize..][..range.length as usize]);
        }
        prop_assert_eq!(file.len() as u64, made.length);
        let mut rest = &made.head[..];
        let moov = loop {
            let header = Header::decode(&mut rest).expect("a box");
            let (mut body, after) = rest.split_at(header.size.expect("a size").min(rest.len()));
            if header.kind == Moov::KIND {
                break Moov::decode_body(&mut body).expect("a movie box");
            }
            rest = after;
        };
        for (trak, (segments, (marks, begins))) in moov.trak.iter().zip([(&one, (10, 0)), (&other, (100, late))]) {
            let stbl = &trak.mdia.minf.stbl;
            let durations: Vec<u32> = stbl.stts.entries.iter()
                .flat_map(|e| std::iter::repeat_n(e.sample_delta, e.sample_count as usize)).collect();
            let all: Vec<_> = segments.iter().flatten().collect();
            prop_assert_eq!(durations, all.iter().map(|s| s.0).collect::<Vec<_>>());
            let StszSamples::Different { sizes } = &stbl.stsz.samples else { panic!("sizes") };
            prop_assert_eq!(sizes, &all.iter().map(|s| s.1).collect::<Vec<_>>());
            let chunks = &stbl.stco.as_ref().expect("chunks").entries;
            prop_assert_eq!(chunks.len(), segments.len());
            for (at, (chunk, samples)) in chunks.iter().zip(segments.iter()).enumerate() {
                let size: u32 = samples.iter().map(|s| s.1).sum();
                let bytes = &file[*chunk as usize..][..size as usize];
                prop_assert!(bytes.iter().all(|b| *b == marks + at as u8));
            }
            let firsts: Vec<u32> = segments.iter()
                .scan(1, |n, s| { let first = *n; *n += s.len() as u32; Some(first) }).collect();
            let sync = stbl.stss.as_ref().map_or_else(|| (1..=all.len() as u32).collect(), |s| s.entries.clone());
            prop_assert_eq!(sync, firsts);
            prop_assert_eq!(trak.edts.is_some(), begins > 0);
        }
    }

    #[test]
    fn nothing_makes_it_fall(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = head_length(&bytes);
        let range = ByteRange { offset: 0, length: bytes.len() as u64 };
        let (segments, header) = ([(range, bytes.clone())], header());
        for header in [&bytes, &header] {
            let made = movie(&[MovieTrack { header, language: "", segments: &segments }]);
            prop_assert!(made.is_err());
        }
    }
}

#[test]
fn a_gap_between_fragments_is_the_last_samples() {
    let first = segment(0, &[(40, 10), (40, 10)], 1);
    let second = segment(100, &[(40, 10)], 2);
    let third = segment(130, &[(40, 10)], 3);
    let mut segments = Vec::new();
    for bytes in [&first, &second, &third] {
        let length = head_length(bytes).expect("boxes").expect("whole");
        segments.push((ByteRange { offset: 0, length: bytes.len() as u64 }, bytes[..length].to_vec()));
    }
    let trex = Trex { track_id: 1, ..Default::default() };
    let table = table(&segments, &trex).expect("samples");
    let times: Vec<_> = table.times.iter().map(|t| (t.sample_count, t.sample_delta)).collect();
    assert_eq!(times, [(1, 40), (1, 60), (1, 30), (1, 40)]);
    assert_eq!((table.begins, table.ends), (0, 170));
}
