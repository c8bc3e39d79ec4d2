//! The cases that public test lists for linear assembly have, told in our
//! terms: lessons after lessons, fillers between them, ladders and languages
//! that differ, sources that break, what is loaded late or not at all.
//!
//! The list followed is that of Eyevinn's hls-vodtolive, in the order of its
//! groups. What does not apply is what that library does for advertisers (cue
//! tags, ad splices by position): a filler is the nearest thing here.

use std::time::Duration;

use crate::hls::{Address, MediaPlaylist, SegmentFile};

use super::properties::keeps_the_rules;
use super::simulation::{Run, Seen};
use super::testing::*;
use super::{Command, Rendition, Timeline, Window};

const TOP: Rendition = Rendition::Video(720);

/// Lessons from eight on, one after the other, to half past; eight seconds have passed.
fn block(lessons: &[(&str, u64)]) -> Run {
    let names: Vec<String> = lessons.iter().map(|(id, _)| format!("\"{id}\"")).collect();
    let schedule = entry("20:00", Some("20:30"), &format!("play = [{}]", names.join(", ")));
    let world = lessons.iter().fold(World::new(), |w, (id, ms)| w.lesson(a_lesson(id, *ms)));
    Run::start(world, plan(&schedule), clock("20:00:08"))
}

/// Plays to `time` with a poll every second, and holds all rules to be kept.
fn play(run: &mut Run, time: &str) {
    while run.now < clock(time) {
        run.play_until(run.now + secs(1));
        run.poll(ms(0));
    }
    keeps_the_rules(run).expect("every rule");
}

fn live(run: &Run, rendition: &Rendition) -> MediaPlaylist {
    run.playlist(rendition, Window::Live, run.now).expect("something is on air")
}

/// `owner n` of every segment listed, `|` before a discontinuity, as the text has it.
fn listed(playlist: &MediaPlaylist) -> Vec<String> {
    let name = |(i, s): (usize, &crate::hls::Segment)| {
        let a = Address::parse(&s.uri).expect("an address");
        let (SegmentFile::Media(n) | SegmentFile::Text(n)) = a.file else { panic!("no segment: {a}") };
        let id = a.owner.split('.').nth(1).unwrap_or("none").to_owned();
        format!("{}{id} {n}", if s.discontinuity && i > 0 { "| " } else { "" })
    };
    playlist.segments.iter().enumerate().map(name).collect()
}

// One lesson.

#[test]
fn the_first_window_begins_with_the_first_segment_and_is_the_same_in_every_rung() {
    let mut run = block(&[("grape", 100_000)]);
    play(&mut run, "20:00:25");
    let first = ["grape 0", "grape 1", "grape 2", "grape 3", "grape 4", "grape 5"];
    for height in [720, 480, 240] {
        assert_eq!(listed(&live(&run, &Rendition::Video(height))), first);
    }
}

#[test]
fn a_segment_joins_and_only_those_that_left_the_window_are_gone() {
    let mut run = block(&[("grape", 200_000)]);
    play(&mut run, "20:01:30");
    let before = listed(&live(&run, &TOP));
    run.play_until(run.now + ms(3_840));
    let after = listed(&live(&run, &TOP));
    assert_eq!(before[1..], after[..after.len() - 1]);
    assert!(!after.contains(&before[0]));
}

#[test]
fn the_last_window_ends_with_the_last_segment() {
    let mut run = block(&[("grape", 100_000)]);
    play(&mut run, "20:01:45");
    let aired: Vec<_> = listed(&live(&run, &TOP)).into_iter().filter(|s| s.contains("grape")).collect();
    assert_eq!(aired.last().map(String::as_str), Some("grape 26"), "100 s are 26 segments and a short one");
}

#[test]
fn one_who_begins_late_finds_the_lesson_where_the_clock_stands() {
    let joined = |at: &str| {
        let mut run = block(&[("grape", 100_000), ("sheep", 60_000)]);
        run = Run::start(run.world, run.plans.remove(0).1, clock(at));
        run.play_until(run.now + secs(1));
        run.story().remove(0)
    };
    // A timeline begins eight seconds back, so that there is a picture at once.
    assert!(joined("20:00:00").contains("slate.idle"), "nothing was planned before eight");
    assert!(joined("20:00:08").contains("lesson grape 0.."));
    assert!(joined("20:00:35").contains("lesson grape 7.."), "27 s in");
    assert!(joined("20:01:58").contains("lesson sheep"), "beyond the first one's end");
    assert!(joined("20:05:00").contains("slate.idle"), "beyond both");
}

// A lesson after a lesson.

#[test]
fn the_window_holds_the_end_of_one_and_the_beginning_of_the_next() {
    let mut run = block(&[("grape", 38_400), ("sheep", 100_000)]);
    play(&mut run, "20:00:55");
    let window = listed(&live(&run, &TOP));
    let change = window.iter().position(|s| s.starts_with("| ")).expect("a change");
    assert_eq!((window[change - 1].as_str(), window[change].as_str()), ("grape 9", "| sheep 0"));
    play(&mut run, "20:02:00");
    assert!(!listed(&live(&run, &TOP)).iter().any(|s| s.contains("grape")), "nothing dangles");
}

#[test]
fn no_window_begins_with_a_discontinuity() {
    let mut run = block(&[("grape", 38_400), ("sheep", 38_400), ("apple", 38_400)]);
    play(&mut run, "20:03:00");
    for playlist in run.polls.iter().flat_map(|p| p.playlists.values()) {
        assert!(!playlist.write().contains("SEQUENCE:0\n#EXT-X-DISCONTINUITY\n"), "{}", playlist.write());
    }
}

#[test]
fn a_date_stands_at_every_discontinuity_and_says_when_it_is_on_air() {
    let mut run = block(&[("grape", 38_400), ("sheep", 38_400)]);
    play(&mut run, "20:01:10");
    let text = live(&run, &TOP).write();
    let after = text.split("#EXT-X-DISCONTINUITY\n").nth(1).expect("a change");
    assert!(after.contains("#EXT-X-PROGRAM-DATE-TIME:2026-11-23T12:00:38.400Z"), "{after}");
}

#[test]
fn the_same_lesson_again_is_a_new_one() {
    let mut run = block(&[("grape", 19_200), ("grape", 19_200), ("grape", 19_200)]);
    play(&mut run, "20:01:05");
    let playlist =
        run.playlist(&TOP, Window::Range { from: clock("20:00:00"), to: clock("20:00:57") }, run.now);
    let window = listed(&playlist.expect("it was on air"));
    assert_eq!(window.iter().filter(|s| s.ends_with("grape 0")).count(), 3, "{window:?}");
    assert_eq!(window.iter().filter(|s| s.ends_with("grape 4")).count(), 3);
}

// Short ones.

#[test]
fn a_window_holds_as_many_short_lessons_as_fit() {
    let mut run = block(&[("grape", 9_000), ("spot", 500), ("sheep", 11_520), ("apple", 60_000)]);
    play(&mut run, "20:00:40");
    let window = listed(&live(&run, &TOP));
    let expected =
        ["grape 0", "grape 1", "grape 2", "| spot 0", "| sheep 0", "sheep 1", "sheep 2", "| apple 0"];
    let from = window.iter().position(|s| s == "grape 0").expect("the first");
    assert_eq!(window[from..from + 8], expected);
    // All that was on air before eight, then four changes.
    let numbers: Vec<u64> = run.log.iter().map(|a| a.discontinuities).collect();
    assert_eq!(numbers, (0..numbers.len() as u64).collect::<Vec<_>>());
}

#[test]
fn one_shorter_than_a_minute_leaves_numbers_that_go_on() {
    for length in [3_000, 30_000, 59_000, 61_000, 130_000] {
        let mut run = block(&[("grape", length), ("sheep", length), ("apple", length)]);
        play(&mut run, "20:04:00");
        let bases: Vec<(u64, u64)> =
            run.log.iter().map(|a| (a.base_sequence, run.timeline.count(a))).collect();
        assert!(bases.windows(2).all(|w| w[0].0 + w[0].1 == w[1].0), "{length} ms: {bases:?}");
    }
}

// What fills gaps.

#[test]
fn two_fillers_stand_back_to_back_and_the_next_programme_is_on_time() {
    let spots = "[[filler]]\nlesson = \"one\"\n[[filler]]\nlesson = \"two\"\n";
    let schedule = [
        spots.to_owned(),
        entry("20:00", None, "play = [\"grape\"]"),
        entry("20:01:30", Some("20:05"), "play = [\"sheep\"]"),
    ];
    let lessons = [("grape", 38_400), ("one", 15_360), ("two", 19_200), ("sheep", 100_000)];
    let world = lessons.iter().fold(World::new(), |w, (id, ms)| w.lesson(a_lesson(id, *ms)));
    let mut run = Run::start(world, plan(&schedule.concat()), clock("20:00:08"));
    play(&mut run, "20:02:00");
    let fillers: Vec<_> = run.log.iter().filter(|a| a.filler).collect();
    let [first, second] = fillers[..2] else { panic!("fewer than two: {:?}", run.story()) };
    assert_eq!(first.no + 1, second.no, "{:?}", run.story());
    assert_ne!(first.source, second.source, "the same is not shown twice in a row");
    let sheep = run.log.iter().find(|a| a.until == clock("20:05:00")).expect("the next programme");
    assert!(sheep.start >= clock("20:01:30") && sheep.start < clock("20:01:31"), "{:?}", run.story());
}

#[test]
fn a_filler_may_come_first_and_none_stands_outside_its_gap() {
    let schedule = [
        "[[filler]]\nlesson = \"one\"\n".to_owned(),
        entry("20:00:40", Some("20:01:20"), "play = [\"sheep\"]"),
    ];
    let world = World::new().lesson(a_lesson("one", 15_360)).lesson(a_lesson("sheep", 38_400));
    let mut run = Run::start(world, plan(&schedule.concat()), clock("20:00:08"));
    play(&mut run, "20:01:20");
    assert!(run.log[0].filler, "{:?}", run.story());
    for filler in run.log.iter().filter(|a| a.filler) {
        let end = filler.start + Duration::from_millis(15_360);
        assert!(end <= clock("20:00:40") || filler.start >= clock("20:01:18"), "{:?}", run.story());
    }
}

// Ladders and languages that differ.

#[test]
fn every_rung_is_served_by_the_nearest_lower_one_else_by_the_lowest() {
    let rungs: [&[u32]; 5] = [&[720, 480, 240], &[480], &[240], &[1080, 720], &[720, 360, 180]];
    let served = |has: &[u32], wants: u32| {
        let world = World::new().lesson(a_lesson("grape", 100_000).tracks(has, &["zh-Hans"]));
        let schedule = plan(&entry("20:00", Some("20:30"), "play = [\"grape\"]"));
        let mut run = Run::start(world, schedule, clock("20:00:08"));
        play(&mut run, "20:00:40");
        let playlist = live(&run, &Rendition::Video(wants));
        Address::parse(&playlist.segments.last().expect("some").uri).expect("an address").rendition
    };
    let expected = [
        ["v720", "v480", "v240"],
        ["v480", "v480", "v480"],
        ["v240", "v240", "v240"],
        ["v720", "v720", "v720"],
        ["v720", "v360", "v180"],
    ];
    for (has, expected) in rungs.iter().zip(expected) {
        assert_eq!([720, 480, 240].map(|wants| served(has, wants)), expected, "{has:?}");
    }
}

#[test]
fn a_language_that_is_missing_is_heard_in_the_channel_s_own_and_comes_back() {
    let world = World::new()
        .lesson(a_lesson("both", 38_400).tracks(&[480], &["zh-Hans", "ug-Arab"]))
        .lesson(a_lesson("one", 38_400).tracks(&[480], &["zh-Hans"]))
        .lesson(a_lesson("other", 38_400).tracks(&[480], &["kk-Arab"]));
    let schedule = plan(&entry("20:00", Some("20:30"), "play = [\"both\", \"one\", \"other\", \"both\"]"));
    let mut run = Run::start(world, schedule, clock("20:00:08"));
    play(&mut run, "20:02:50");
    let whole = Window::Range { from: clock("20:00:00"), to: clock("20:02:30") };
    let heard = run.playlist(&Rendition::Audio(lang("ug-Arab")), whole, run.now).expect("it was on air");
    let mut names: Vec<_> =
        heard.segments.iter().map(|s| Address::parse(&s.uri).expect("an address").rendition).collect();
    names.dedup();
    assert_eq!(names, ["a-ug-Arab", "a-zh-Hans", "a-kk-Arab", "a-ug-Arab"]);
    let changes = |r: &Rendition| {
        let playlist = run.playlist(r, whole, run.now).expect("it was on air");
        playlist
            .segments
            .iter()
            .enumerate()
            .filter(|(_, s)| s.discontinuity)
            .map(|(i, _)| i)
            .collect::<Vec<_>>()
    };
    for rendition in run.lineup.renditions() {
        assert_eq!(changes(&rendition), changes(&TOP), "{}", rendition.name());
    }
}

// Sources that break.

#[test]
fn a_break_in_the_source_is_a_break_on_the_channel_and_is_counted() {
    let feed = a_feed(clock("19:59:00")).of(secs(0), 20).of(ms(300), 10).of(ms(100), 30);
    let schedule = plan(&entry("19:59", Some("20:30"), "relay = \"national\""));
    let mut run = Run::start(World::new().relay("national", feed), schedule, clock("19:59:30"));
    play(&mut run, "20:02:00");
    let numbers: Vec<u64> = run.log.iter().map(|a| a.discontinuities).collect();
    assert_eq!(numbers, [0, 1, 2], "{:?}", run.story());
    assert_eq!(
        live(&run, &TOP).discontinuity_sequence
            + live(&run, &TOP).segments.iter().skip(1).filter(|s| s.discontinuity).count() as u64,
        2
    );
}

#[test]
fn the_target_duration_stays_whatever_is_on_air() {
    let feed = a_feed(clock("19:59:00")).generation(secs(0), &[8_000_000; 12], ms(200));
    let schedule = [
        entry("19:59", Some("20:00:20"), "relay = \"national\""),
        entry("20:00:20", None, "play = [\"grape\"]"),
    ];
    let world = World::new().relay("national", feed).lesson(a_lesson("grape", 30_000));
    let mut run = Run::start(world, plan(&schedule.concat()), clock("19:59:30"));
    play(&mut run, "20:01:20");
    let targets: std::collections::BTreeSet<u64> =
        run.polls.iter().flat_map(|p| p.playlists.values()).map(|p| p.target_duration).collect();
    assert_eq!(targets.into_iter().collect::<Vec<_>>(), [run.lineup.target_duration]);
}

// Kept and read again.

#[test]
fn a_channel_read_from_its_log_lists_what_it_listed() {
    let mut run = block(&[("grape", 38_400), ("sheep", 38_400), ("apple", 38_400)]);
    play(&mut run, "20:01:30");
    let text = serde_json::to_string(&run.log).expect("airings are JSON");
    let log: Vec<super::Airing> = serde_json::from_str(&text).expect("what was written");
    let before = live(&run, &TOP).write();
    run.timeline = Timeline::restore(log, &run.world, None, run.now);
    assert_eq!(live(&run, &TOP).write(), before);
}

#[test]
fn a_hundred_lessons_in_a_row_with_stops_between_them_keep_one_count() {
    let names: Vec<String> = (0..100).map(|n| format!("l{n}")).collect();
    let lessons: Vec<(&str, u64)> = names.iter().map(|id| (id.as_str(), 11_520)).collect();
    let mut run = block(&lessons);
    for minute in 1..20 {
        run.crash(secs(3), if minute % 2 == 0 { Seen::Now } else { Seen::LastTick }, None);
        play(&mut run, &format!("20:{minute:02}:00"));
    }
    let played = run.log.iter().filter(|a| a.programme.is_some() && !a.source.is_slate()).count();
    assert!(played >= 98, "{played} of 100: {:?}", run.story());
}

// Something else is put on air.

#[test]
fn something_else_comes_in_at_the_beginning_the_middle_and_the_end_of_a_lesson() {
    for at in ["20:00:12", "20:00:50", "20:01:36", "20:01:39"] {
        let mut run = block(&[("grape", 99_840), ("sheep", 99_840)]);
        run.world =
            std::mem::take(&mut run.world).relay("national", a_feed(clock("19:58:00")).of(secs(0), 200));
        play(&mut run, at);
        let listed_before = listed(&live(&run, &TOP));
        run.command(Command::Relay { relay: relay("national") }, Some(20));
        play(&mut run, "20:02:30");
        let relayed = run.log.iter().find(|a| a.by_hand()).expect("it came in");
        assert!(relayed.start >= clock(at) && relayed.start < clock(at) + secs(4), "{at}: {:?}", run.story());
        let past = Window::Range { from: clock(at) - secs(60), to: clock(at) };
        let told = listed(&run.playlist(&TOP, past, run.now).expect("it was on air"));
        let kept = listed_before.iter().rev().take(3).all(|s| told.contains(s));
        assert!(kept, "{at}: what was listed stays: {listed_before:?} {told:?}");
    }
}

// What is missing.

#[test]
fn a_lesson_that_cannot_be_had_yields_to_the_next_or_to_the_slate() {
    let schedule = plan(&entry("20:00", Some("20:30"), "play = [\"gone\", \"sheep\", \"gone\"]"));
    let mut run = Run::start(World::new().lesson(a_lesson("sheep", 38_400)), schedule, clock("20:00:08"));
    play(&mut run, "20:01:20");
    let sources: Vec<bool> = run.log.iter().map(|a| a.source.is_slate()).collect();
    assert_eq!(sources, [false, true], "{:?}", run.story());
}

#[test]
fn a_package_that_vanishes_while_it_is_on_air_leaves_the_slate() {
    let mut run = block(&[("grape", 100_000)]);
    play(&mut run, "20:00:40");
    run.world.remove("lesson.grape.0123456789ab");
    run.play_until(clock("20:01:00"));
    run.poll(ms(0));
    assert!(run.log.last().is_some_and(|a| a.source.is_slate()), "{:?}", run.story());
    assert!(!listed(&live(&run, &TOP)).is_empty());
}
