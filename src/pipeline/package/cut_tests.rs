//! What cutting keeps.

use super::*;
use bytes::Bytes;
use proptest::prelude::*;

fn frame(pts: i64, dts: i64) -> Frame {
    Frame { pts, dts, key: false, data: Bytes::new() }
}

/// Pictures at 25 a second with a key frame every `gop`, every `b + 1`th referred to.
fn pictures(count: i64, gop: i64, b: i64, start: i64) -> Vec<(Frame, bool)> {
    let mut out = Vec::new();
    let mut first = 0;
    while first < count {
        let last = (first + gop).min(count);
        let mut order = vec![first];
        let mut at = first + 1;
        while at < last {
            let anchor = (at + b).min(last - 1);
            order.push(anchor);
            order.extend(at..anchor);
            at = anchor + 1;
        }
        out.extend(order.into_iter().map(|n| (n, n == first)));
        first = last;
    }
    let line = out.into_iter().enumerate();
    line.map(|(i, (n, key))| (frame(start + n * 3600, start + (i as i64 - b) * 3600), key)).collect()
}

fn cut(all: &[(Frame, bool)]) -> Result<(PictureCutter, Vec<Segment>), Unfit> {
    cut_by(PictureCutter::default(), all)
}

fn cut_by(mut cutter: PictureCutter, all: &[(Frame, bool)]) -> Result<(PictureCutter, Vec<Segment>), Unfit> {
    let mut out = Vec::new();
    for (frame, key) in all {
        out.extend(cutter.push(frame.clone(), *key)?);
    }
    out.extend(cutter.finish()?);
    Ok((cutter, out))
}

proptest! {
    #[test]
    fn nothing_is_lost_and_segments_follow_one_another(
        count in 2i64..900, gop in 1i64..130, b in 0i64..4, start in 0i64..1_000_000,
    ) {
        let all = pictures(count, gop, b, start);
        let (cutter, segments) = cut(&all).expect("it can be copied");
        let us = cutter.segments_us();
        prop_assert_eq!(segments.len(), us.len());
        prop_assert_eq!(segments.iter().map(|s| s.frames.len()).sum::<usize>(), count as usize);
        prop_assert_eq!(cutter.steady(), Some(25));
        prop_assert_eq!(us.iter().sum::<u64>(), count as u64 * 40_000);
        let delay = b * 3600;
        let mut at = delay;
        for (n, (segment, us)) in segments.iter().zip(&us).enumerate() {
            let first = segment.frames.iter().map(|f| f.pts).min().expect("a picture");
            prop_assert_eq!((first, segment.frames[0].pts), (at, at));
            at += *us as i64 * 9 / 100;
            prop_assert!(segment.frames.iter().all(|f| f.pts < at));
            prop_assert!(*us >= 3_820_000 || n + 1 == segments.len());
            let next = segments.get(n + 1).map_or(segment.end, |s| s.frames[0].dts);
            prop_assert_eq!(segment.end, next);
        }
        prop_assert_eq!(cutter.counts().len(), segments.len());
    }

    #[test]
    fn when_pictures_are_decoded_is_worked_out(
        count in 2i64..900, gop in 1i64..130, b in 0i64..4, start in 0i64..1_000_000,
    ) {
        let timed = pictures(count, gop, b, start);
        // Containers round to milliseconds.
        let rounded = |pts: i64| (pts + 45) / 90 * 90;
        let all: Vec<_> = timed.iter().map(|(f, key)| (frame(rounded(f.pts), rounded(f.pts)), *key)).collect();
        let (cutter, segments) = cut_by(PictureCutter::untimed(), &all).expect("it can be copied");
        let (known, as_timed) = cut(&timed).expect("it can be copied");
        prop_assert_eq!(cutter.counts(), known.counts());
        prop_assert_eq!(cutter.steady(), Some(25));
        prop_assert!((cutter.base().expect("one") - start).abs() <= 45);
        let frames = || segments.iter().flat_map(|s| &s.frames);
        prop_assert!(frames().all(|f| f.dts <= f.pts));
        let mut times: Vec<_> = frames().map(|f| f.dts).collect();
        times.push(segments.last().expect("one").end);
        prop_assert!(times.is_sorted_by(|a, b| a < b));
        prop_assert_eq!(times[0], 0);
        let first = |segments: &[Segment]| segments[0].frames[0].pts;
        let shift = first(&segments) - first(&as_timed);
        for (worked_out, timed) in frames().zip(as_timed.iter().flat_map(|s| &s.frames)) {
            prop_assert!((worked_out.pts - timed.pts - shift).abs() <= 90);
        }
        for (n, segment) in segments.iter().enumerate() {
            let next = segments.get(n + 1).map_or(segment.end, |s| s.frames[0].dts);
            prop_assert_eq!(segment.end, next);
        }
        let total = |cutter: &PictureCutter| cutter.segments_us().iter().sum::<u64>();
        prop_assert!(total(&cutter).abs_diff(total(&known)) <= 2000);
    }

    #[test]
    fn sound_is_cut_where_pictures_are(count in 200i64..900, start in 0i64..1_000_000, late in 0i64..2000) {
        let (cutter, segments) = cut(&pictures(count, 50, 2, start)).expect("it can be copied");
        let base = start * 48_000 / 90_000;
        let mut sound = SoundCutter::new(48_000);
        let frames = count * 1920 / 1024 + 2;
        // Some of it comes before the first picture.
        for n in -3..frames {
            sound.push(frame(base + late + n * 1024, 0));
        }
        let mut heard = 0;
        for n in 0..segments.len() {
            let (from, to) = cutter.span(n).expect("it has ended");
            prop_assert!(sound.reaches(to));
            let cut = sound.take(cutter.origin().expect("one"), to).expect("sound");
            let at = (from - start + 2 * 3600) * 48 / 90;
            prop_assert!((at - 1..=at + 2048).contains(&cut.frames[0].pts), "{} {at}", cut.frames[0].pts);
            heard += cut.frames.len() as i64;
        }
        prop_assert!((heard - count * 1920 / 1024).abs() <= 2);
    }
}

#[test]
fn what_cannot_be_copied_is_told() {
    let good = pictures(300, 50, 2, 0);
    assert!(cut(&good).is_ok());
    assert_eq!(cut(&good[1..]).err(), Some(Unfit), "it begins in the middle");
    // Pictures of the next group are shown before its key frame.
    let mut open = good.clone();
    let at = open.iter().position(|(f, _)| f.pts == 200 * 3600).expect("a cut");
    open[at + 1].0.pts = open[at].0.pts - 1;
    assert_eq!(cut(&open).err(), Some(Unfit));
    let slides: Vec<_> = (0..5).map(|n| (frame(n * 900_000, n * 900_000), true)).collect();
    assert_eq!(cut(&slides).err(), Some(Unfit));
    assert_eq!(cut(&pictures(900, 400, 0, 0)).err(), Some(Unfit), "16 s until it can be joined");

    let untimed = |all: &[(Frame, bool)]| cut_by(PictureCutter::untimed(), all).err();
    assert_eq!(untimed(&good), None);
    assert_eq!(untimed(&slides), Some(Unfit));
    let mut twice = good.clone();
    twice[7].0.pts = twice[6].0.pts;
    assert_eq!(untimed(&twice), Some(Unfit), "two pictures at once");

    let mut sound = SoundCutter::new(48_000);
    [0, 1024, 2048, 9000].iter().for_each(|at| sound.push(frame(*at, 0)));
    assert_eq!(sound.take((0, 0), 90_000).err(), Some(Unfit), "a hole");
    assert_eq!(SoundCutter::new(48_000).take((0, 0), 90_000).err(), Some(Unfit), "nothing");

    let mut sound = SoundCutter::new(48_000);
    (0..46).for_each(|n| sound.push(frame(n * 1024, 0)));
    assert_eq!(sound.take((0, 0), 90_000).map(|s| s.frames.len()), Ok(46));
    assert_eq!(sound.take((0, 0), 95_000).map(|s| s.frames.len()), Ok(1), "it ended with the last but one");
    assert_eq!(sound.take((0, 0), 180_000).err(), Some(Unfit), "and then there is none");
}

#[test]
fn a_film_of_24_pictures_is_on_no_grid() {
    let film: Vec<_> = (0..200).map(|n| (frame(n * 3750, n * 3750), n % 48 == 0)).collect();
    let (cutter, _) = cut(&film).expect("it can be copied");
    assert_eq!(cutter.steady(), None);
}
