//! Segments converted by themselves are one correct stream together.

#[path = "mpegts/made.rs"]
mod channel;
#[expect(dead_code, reason = "each story uses its part of what they share")]
mod support;

use bytes::Bytes;
use channel::{Plan, channel, guide, service};
use proptest::prelude::*;
use support::ts_check::{Report, check};
use yuanjiao::mpegts::{
    Audio, ConstantRate, MuxError, PMT_PID, SYSTEM_CLOCK, Span, VIDEO_PID, Video, crc32, segment, timed,
};

fn assert_told(report: &Report) {
    assert_eq!(report.services.iter().collect::<Vec<_>>(), [&("County".to_owned(), "远程教育 1".to_owned())]);
    let names: Vec<_> = service().names;
    assert_eq!(report.names.len(), names.len());
    for (lang, provider, name) in names {
        let lang = String::from_utf8(lang.to_vec()).expect("ASCII");
        assert!(report.names.contains(&(lang, provider, name)));
    }
    let told: Vec<_> = guide(5).present.expect("an event").texts;
    for (_, _, lang, title, text) in &report.events {
        assert!(told.iter().any(|(l, t, x)| l == lang.as_bytes() && t == title && x == text), "{title}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn segments_together_are_one_stream(channel in channel()) {
        let segments = channel.segments();
        let report = check(&segments.concat());
        prop_assert_eq!(&report.errors, &Vec::<String>::new());
        prop_assert!(report.pcr_interval_ms <= 40.0, "{} ms", report.pcr_interval_ms);
        let psi = report.intervals_ms[&(0, 0)].max(report.intervals_ms[&(2, 0)]);
        prop_assert!(psi <= 100.0, "{psi} ms");
        prop_assert!(report.most_lead_ms.is_none_or(|ms| ms <= 1_500.0));
        prop_assert_eq!(report.pes.get(&VIDEO_PID).copied().unwrap_or(0), channel.units());
        prop_assert!(!report.counts.contains_key(&0x1fff));
        prop_assert_eq!(report.languages.len(), channel.tracks);
        prop_assert_eq!(report.streams.len(), channel.tracks + usize::from(channel.video));
        let (least, most) = report.utc_offset_s.expect("a TDT");
        prop_assert!(least > -1.1 && most < 0.1, "{least} {most}");
        assert_told(&report);
        prop_assert_eq!(segments, channel.segments());
    }

    #[test]
    fn at_a_constant_rate_they_still_are(channel in channel(), spare in 1.02f64..3.0) {
        let segments = channel.segments();
        let near = (channel.start - 100_000) * 300;
        let busiest = channel.plans.iter().zip(&segments).map(|(plan, stream)| {
            stream.len() as f64 * 8.0 * 90_000.0 / (plan.span(0).end as f64)
        });
        // As much as lets a key frame of 200 kB through in 0.6 s.
        let rate = (busiest.fold(0.0, f64::max) * spare).max(3_500_000.0) as u64;
        let mut pacer = ConstantRate::new(rate, near);
        let mut runs: Vec<_> = segments.iter().flat_map(|segment| pacer.push(segment)).collect();
        runs.push(pacer.finish());
        let mut bytes = Vec::new();
        let start = runs[0].start;
        for run in &runs {
            let due = start + (bytes.len() as i128 * 8 * i128::from(SYSTEM_CLOCK) / i128::from(rate)) as i64;
            prop_assert_eq!(run.start, due);
            bytes.extend_from_slice(&run.bytes);
        }
        let report = check(&bytes);
        if pacer.late_packets() == 0 {
            prop_assert_eq!(&report.errors, &Vec::<String>::new());
        }
        prop_assert!(report.pcr_deviation_ns < 500.0, "{} ns", report.pcr_deviation_ns);
        prop_assert!(report.pcr_interval_ms <= 40.0, "{} ms", report.pcr_interval_ms);
        prop_assert!(report.intervals_ms[&(0, 0)] <= 102.0, "{} ms", report.intervals_ms[&(0, 0)]);
        prop_assert_eq!(report.pes.get(&VIDEO_PID).copied().unwrap_or(0), channel.units());
        assert_told(&report);
    }

    #[test]
    fn datagrams_are_timed_within_the_segments_window(channel in channel()) {
        let mut start = channel.start;
        for (plan, stream) in channel.plans.iter().zip(channel.segments()) {
            let span = plan.span(start);
            let datagrams = timed(&stream, span);
            prop_assert!(datagrams.iter().flat_map(|(_, bytes)| *bytes).copied().collect::<Vec<u8>>() == stream);
            prop_assert!(datagrams.is_sorted_by_key(|(time, _)| *time));
            prop_assert_eq!(datagrams[0].0, (span.start - 108_000) * 300);
            prop_assert!(datagrams.last().expect("one").0 < (span.end - 108_000) * 300);
            start = span.end;
        }
    }
}

fn plain() -> Plan {
    Plan {
        frame: 3_600,
        sizes: vec![2_000; 50],
        key_size: 30_000,
        reordered: false,
        dts: 0,
        set: 4,
        empty: None,
    }
}

#[test]
fn a_segment_starts_with_what_a_receiver_needs() {
    let stream = plain().convert(1 << 40, true, 2, 48_000);
    let pid = |n: usize| u16::from_be_bytes([stream[n * 188 + 1] & 0x1f, stream[n * 188 + 2]]);
    assert_eq!([pid(0), pid(1), pid(2)], [0, PMT_PID, VIDEO_PID]);
    // Adaptation field with random_access_indicator and PCR, then the PES.
    assert_eq!(stream[2 * 188 + 5], 0x50);
    assert_eq!(crc32(&stream[5..5 + 16]), 0);
    let report = check(&stream);
    assert_eq!(report.errors, Vec::<String>::new());
    assert_eq!(report.pes, [(0x100, 50), (0x101, 93), (0x102, 93)].into());
    let all = [&stream[..], &plain().convert((1 << 40) + 180_000, true, 2, 48_000)].concat();
    let intervals = check(&all).intervals_ms;
    assert!(intervals[&(0, 0)] <= 100.0 && intervals[&(2, 0)] <= 100.0);
    assert!(check(&all).versions.values().all(|versions| versions.len() == 1));
}

#[test]
fn a_gap_restarts_the_constant_rate() {
    let convert = |start| plain().convert(start, true, 1, 48_000);
    let mut pacer = ConstantRate::new(4_000_000, (1 << 40) * 300);
    let first = pacer.push(&convert(1 << 40));
    let later = (1 << 40) + 9_000_000;
    let second = pacer.push(&convert(later));
    assert_eq!((first.len(), second.len()), (1, 2));
    assert_eq!(second[1].start, (later - 108_000) * 300);
    let rest = pacer.finish();
    assert_eq!(check(&[&second[1].bytes[..], &rest.bytes].concat()).errors, Vec::<String>::new());
    let whole = [&first[0].bytes[..], &second[0].bytes].concat();
    assert_eq!(check(&whole).errors, Vec::<String>::new());
    assert_eq!((pacer.late_packets(), pacer.max_delay() > 0), (0, true));
}

#[test]
fn too_low_a_rate_is_counted() {
    let mut pacer = ConstantRate::new(300_000, (1 << 40) * 300);
    pacer.push(&plain().convert(1 << 40, true, 1, 48_000));
    assert!(pacer.waiting() > 0);
    pacer.finish();
    assert!(pacer.late_packets() > 0 && pacer.waiting() == 0);
}

#[test]
fn what_cannot_be_sent_is_an_error() {
    let span = Span { start: 1 << 40, end: (1 << 40) + 180_000 };
    let convert = |video: Option<&Video>, audio: &[Audio]| segment(&service(), &guide(0), video, audio, span);
    assert_eq!(convert(None, &[]), Err(MuxError::NoStreams));
    let video = plain().video(span);
    let changed = |change: &dyn Fn(&mut Video)| {
        let mut video = video.clone();
        change(&mut video);
        convert(Some(&video), &[])
    };
    assert_eq!(changed(&|video| video.avcc.truncate(9)), Err(MuxError::Avcc));
    assert_eq!(changed(&|video| video.units[0].dts = 1 << 20), Err(MuxError::Order));
    assert_eq!(
        changed(&|video| video.units[9].data = Bytes::from_static(&[0, 0, 0, 9, 1])),
        Err(MuxError::NalLength)
    );
    assert_eq!(changed(&|video| video.units[3].pts = 5), Err(MuxError::OutOfSpan { pts: 5 }));
    let mut audio = plain().audio(0, 48_000, span);
    assert_eq!(convert(None, &vec![audio.clone(); 33]), Err(MuxError::TooManyStreams));
    audio.units[1].pts = audio.units[0].pts;
    assert_eq!(convert(None, &[audio]), Err(MuxError::Order));
}

#[test]
fn the_checker_finds_faults() {
    let good = plain().convert((1 << 40) + (1 << 30), true, 1, 48_000);
    let faults = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut stream = good.clone();
        change(&mut stream);
        check(&stream).errors.join("; ")
    };
    assert_eq!(faults(&|_| ()), "");
    assert!(faults(&|s| s[188] = 0).contains("sync_byte"));
    assert!(faults(&|s| drop(s.drain(188 * 20..188 * 21))).contains("counter"));
    assert!(faults(&|s| s[9] ^= 1).contains("CRC"));
    // The PCR of the first video packet.
    assert!(faults(&|s| s[2 * 188 + 6] ^= 1).contains("PCR"));
    // Its PTS: behind 8 bytes of adaptation field and the fixed PES header.
    assert!(faults(&|s| s[2 * 188 + 4 + 8 + 9] ^= 2).contains("PTS before DTS"));
    assert!(faults(&|s| s[2 * 188 + 4 + 8 + 19 + 4] = 1).contains("delimiter"));
    assert!(
        faults(&|s| {
            s.rotate_left(188 * 3);
        })
        .contains("no PES")
    );
}
