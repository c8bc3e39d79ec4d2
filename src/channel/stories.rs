//! Stories of one evening, told in times, airings and playlists.

use std::path::PathBuf;

use crate::hls::{Address, PlaylistKind, SegmentFile};

use super::simulation::{RESUME, Run, Seen};
use super::testing::*;
use super::{Rendition, SlateReason, Step, Timeline, Window};

/// A relay that began a minute before eight and goes on for `n` segments of 4 s.
fn national(n: usize) -> World {
    World::new().relay("national", a_feed(clock("19:59:00")).of(secs(0), n))
}

fn grape() -> World {
    World::new().lesson(a_lesson("grape", 100_000).tracks(&[480, 240], &["zh-Hans", "ug-Arab"]))
}

/// Lessons from eight to half past.
fn lessons(list: &str) -> crate::schedule::Plan {
    plan(&entry("20:00", Some("20:30"), &format!("play = [{list}]")))
}

fn relayed() -> crate::schedule::Plan {
    plan(&entry("20:00", Some("20:30"), "relay = \"national\""))
}

/// Compares with a file under `tests/channel/golden/`; `YUANJIAO_BLESS=1` writes it anew.
fn golden(name: &str, found: &str) {
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "tests/channel/golden", name].iter().collect();
    if std::env::var_os("YUANJIAO_BLESS").is_some() {
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("the folder");
        std::fs::write(&path, found).expect("the file");
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == expected,
        "{} differs; YUANJIAO_BLESS=1 writes it anew. Found:\n{found}",
        path.display()
    );
}

fn write(run: &Run, rendition: Rendition, window: Window) -> String {
    run.playlist(&rendition, window, run.now).expect("something was on air").write()
}

#[test]
fn an_evening_from_relay_to_lesson_to_slate_to_relay() {
    let world = World::new()
        .relay("national", a_feed(clock("19:59:00")).of(secs(0), 200))
        .lesson(a_lesson("grape", 20_000).tracks(&[480, 240], &["ug-Arab"]).subtitles(&["zh-Hans"]))
        .slate(SlateReason::Next(programme("20:01:30")), a_slate("next"));
    let schedule = [
        entry("19:59:30", Some("20:00:30"), "relay = \"national\""),
        entry("20:00:30", None, "play = [\"grape\"]"),
        entry("20:01:30", Some("20:05:00"), "relay = \"national\""),
    ];
    let mut run = Run::start(world, plan(&schedule.concat()), clock("20:00:00"));
    run.play_until(clock("20:01:10"));
    golden("evening-v720.m3u8", &write(&run, Rendition::Video(720), Window::Live));
    golden("evening-a-ug.m3u8", &write(&run, Rendition::Audio(lang("ug-Arab")), Window::Live));
    golden("evening-s-zh.m3u8", &write(&run, Rendition::Subtitles(lang("zh-Hans")), Window::Live));
    run.play_until(clock("20:02:00"));
    let story = [
        "19:59:52.00 relay national 13..23",
        "20:00:32.00 lesson grape 0..6",
        "20:00:52.00 slate.next 0..9",
        "20:01:26.56 slate-short.next 0..4",
        "20:01:30.40 relay national 37..44…",
    ];
    assert_eq!(run.story(), story);
}

#[test]
fn a_lesson_is_cut_at_the_first_boundary_after_a_fixed_start() {
    let schedule =
        [entry("20:00", None, "play = [\"grape\"]"), entry("20:00:30", Some("20:02"), "play = [\"sheep\"]")];
    let world = grape().lesson(a_lesson("sheep", 40_000));
    let mut run = Run::start(world, plan(&schedule.concat()), clock("20:00:08"));
    run.play_until(clock("20:01:00"));
    let story = ["20:00:00.00 lesson grape 0..8", "20:00:30.72 lesson sheep 0..8…"];
    assert_eq!(run.story(), story);
}

#[test]
fn a_server_started_in_the_middle_of_a_lesson_joins_it_in_progress() {
    let mut run = Run::start(grape(), lessons("\"grape\""), clock("20:01:08"));
    run.play_until(clock("20:01:40"));
    // A minute in, the sixteenth segment is on air.
    assert_eq!(run.story(), ["20:01:00.00 lesson grape 15..26…"]);
    run.play_until(clock("20:01:50"));
    assert_eq!(run.story()[1], "20:01:42.40 slate.idle 0..2…");
}

#[test]
fn a_server_started_in_the_middle_of_a_relay_joins_it() {
    let mut run = Run::start(national(200), relayed(), clock("20:03:00"));
    run.poll(ms(0));
    assert!(!run.polls.is_empty(), "there is a picture at once");
    run.play_until(clock("20:03:30"));
    assert_eq!(run.story(), ["20:02:52.00 relay national 58..67…"]);
}

#[test]
fn a_relay_stalls_and_returns() {
    let feed = a_feed(clock("19:59:00")).of(secs(0), 20).of(secs(30), 40);
    let mut run = Run::start(World::new().relay("national", feed), relayed(), clock("20:00:08"));
    run.play_until(clock("20:00:27"));
    assert_eq!(run.story(), ["20:00:00.00 relay national 15..20…"]);
    run.play_until(clock("20:00:28") + ms(500));
    assert_eq!(run.story()[1], "20:00:20.00 slate-short.lost 0..9…", "eight seconds after the last picture");
    run.play_until(clock("20:01:10"));
    // The third fresh segment is the first that lies where the slate stands.
    let story = [
        "20:00:00.00 relay national 15..20",
        "20:00:20.00 slate-short.lost 0..40",
        "20:00:58.40 relay national 22..24…",
    ];
    assert_eq!(run.story(), story);
}

#[test]
fn a_re_anchored_clock_shows_no_slate() {
    let feed = a_feed(clock("19:59:00")).of(secs(0), 20).of(ms(600), 10).of(ms(-700), 20);
    let mut run = Run::start(World::new().relay("national", feed), relayed(), clock("20:00:08"));
    run.play_until(clock("20:01:20"));
    let story = [
        "20:00:00.00 relay national 15..20",
        "20:00:20.00 relay national 20..30",
        "20:01:00.00 relay national 30..34…",
    ];
    assert_eq!(run.story(), story);
}

#[test]
fn two_programmes_of_one_relay_follow_without_a_break() {
    let schedule = [
        entry("20:00", None, "relay = \"national\""),
        entry("20:00:30", Some("20:30"), "relay = \"national\""),
    ];
    let mut run = Run::start(national(200), plan(&schedule.concat()), clock("20:00:10"));
    run.play_until(clock("20:01:00"));
    assert_eq!(run.story(), ["20:00:02.00 relay national 15..22", "20:00:30.00 relay national 22..29…"]);
    let text = write(&run, Rendition::Video(720), Window::Live);
    assert!(!text.contains("DISCONTINUITY\n"), "{text}");
}

#[test]
fn a_lesson_that_arrives_late_is_joined_where_the_clock_stands() {
    let late = a_lesson("sheep", 200_000);
    let world = World::new().lesson_from(clock("20:00:30"), late);
    let mut run = Run::start(world, lessons("\"sheep\""), clock("20:00:00"));
    run.play_until(clock("20:01:00"));
    let story = [
        "19:59:52.00 slate.idle 0..2",
        "19:59:59.68 slate-short.idle 0..1",
        "20:00:00.64 slate.idle 0..8",
        "20:00:31.36 lesson sheep 8..16…",
    ];
    assert_eq!(run.story(), story);
}

#[test]
fn a_lesson_that_is_missing_is_passed_over_and_the_next_one_begins() {
    let world = grape().lesson_from(clock("20:02:30"), a_lesson("sheep", 20_000));
    let mut run = Run::start(world, lessons("\"missing\", \"grape\", \"sheep\""), clock("20:00:05"));
    run.play_until(clock("20:03:00"));
    let story = run.story();
    assert_eq!(story[1], "20:00:00.84 lesson grape 0..27");
    // It came while the slate was up: it is shown from its beginning.
    assert_eq!(story[3..5], ["20:02:30.76 lesson sheep 0..6".to_owned(), story[4].clone()]);
}

#[test]
fn a_rung_and_a_language_that_are_missing_are_mapped() {
    let mut run = Run::start(grape(), lessons("\"grape\""), clock("20:00:08"));
    run.play_until(clock("20:00:20"));
    let first = |r: Rendition| {
        let playlist = run.playlist(&r, Window::Live, run.now).expect("on air");
        playlist.segments[0].uri.trim_start_matches("lesson.grape.0123456789ab/").to_owned()
    };
    assert_eq!(first(Rendition::Video(720)), "v480/0@1795435200000000.m4s", "the next lower rung");
    assert_eq!(first(Rendition::Video(240)), "v240/0@1795435200000000.m4s");
    assert_eq!(first(Rendition::Audio(lang("ug-Arab"))), "a-ug-Arab/0@1795435200000000.m4s");
    assert_eq!(
        first(Rendition::Audio(lang("kk-Cyrl"))),
        "a-zh-Hans/0@1795435200000000.m4s",
        "the channel's own language"
    );
    assert_eq!(first(Rendition::Subtitles(lang("ug-Arab"))), "none/s/0.vtt", "no subtitles, and no stall");
}

#[test]
fn catch_up_grows_while_it_is_on_air_and_is_complete_afterwards() {
    let mut run = Run::start(national(60), relayed(), clock("20:00:08"));
    let range = Window::Range { from: clock("20:00:10"), to: clock("20:00:30") };
    run.play_until(clock("20:00:25"));
    golden("catch-up-event.m3u8", &write(&run, Rendition::Video(720), range));
    // At the end by the clock, the last segment is still being recorded.
    run.play_until(clock("20:00:30"));
    let playlist = run.playlist(&Rendition::Video(720), range, run.now).expect("on air");
    assert_eq!(playlist.kind, PlaylistKind::Event);
    run.play_until(clock("20:01:30"));
    golden("catch-up-vod.m3u8", &write(&run, Rendition::Video(720), range));
}

#[test]
fn catch_up_lists_what_retention_has_left_without_a_hole() {
    let schedule =
        [entry("19:55", None, "play = [\"grape\"]"), entry("19:56", Some("20:30"), "relay = \"national\"")];
    let world = grape().relay("national", a_feed(clock("19:50:00")).of(secs(0), 300));
    let mut run = Run::start(world, plan(&schedule.concat()), clock("19:55:10"));
    run.play_until(clock("20:05:00"));
    run.world.forget_before(clock("20:00:10"));
    let range = Window::Range { from: clock("19:55:00"), to: clock("20:02:00") };
    let playlist = run.playlist(&Rendition::Video(720), range, run.now).expect("on air");
    let first = Address::parse(&playlist.segments[0].uri).expect("an address");
    assert_eq!((&first.owner[..], &first.file), ("relay.national", &SegmentFile::Media(150)));
    let on_air = first.on_air.expect("timed");
    let placed = run.timeline.find("relay.national", 150, on_air, &run.world).expect("aired");
    assert_eq!(playlist.media_sequence, placed.sequence);
    assert_eq!(run.timeline.find("relay.national", 150, on_air + 1, &run.world), None, "never then");
}

#[test]
fn after_a_short_stop_the_lesson_went_on_meanwhile() {
    let mut run = Run::start(grape(), lessons("\"grape\""), clock("20:00:08"));
    run.play_until(clock("20:00:40"));
    run.crash(secs(20), Seen::LastTick, None);
    run.play_until(clock("20:01:10"));
    assert_eq!(run.story(), ["20:00:00.00 lesson grape 0..19…"], "nothing to see");
}

#[test]
fn after_a_long_stop_the_lesson_is_joined_again_where_the_clock_stands() {
    let world = World::new().lesson(a_lesson("sheep", 900_000)).lesson(a_lesson("grape", 100_000));
    let mut run = Run::start(world, lessons("\"sheep\", \"grape\""), clock("20:00:08"));
    run.play_until(clock("20:00:40"));
    run.crash(RESUME + secs(60), Seen::LastTick, None);
    run.play_until(clock("20:04:00"));
    // 232 s in, where the first run would be as well.
    assert_eq!(run.story(), ["20:00:00.00 lesson sheep 0..11", "20:03:32.00 lesson sheep 55..63…"]);
    run.crash(RESUME + secs(700), Seen::LastTick, None);
    run.play_until(clock("20:18:00"));
    assert_eq!(run.story()[2], "20:17:32.00 lesson grape 0..8…", "its end passed: the next one begins");
}

#[test]
fn a_stop_over_a_fixed_start_does_not_delay_it() {
    let schedule =
        [entry("20:00", None, "play = [\"sheep\"]"), entry("20:01", Some("20:10"), "play = [\"grape\"]")];
    let world = grape().lesson(a_lesson("sheep", 900_000));
    let mut run = Run::start(world, plan(&schedule.concat()), clock("20:00:08"));
    run.play_until(clock("20:00:50"));
    run.crash(secs(40), Seen::Now, None);
    assert_eq!(run.story()[1], "20:01:01.44 lesson grape 0..8…");
}

#[test]
fn a_gap_s_slate_does_not_swallow_a_programme_that_a_stop_fell_on() {
    let schedule = [
        entry("20:00:30", Some("20:00:45"), "play = [\"grape\"]"),
        entry("20:02", Some("20:10"), "play = [\"grape\"]"),
    ];
    let mut run = Run::start(grape(), plan(&schedule.concat()), clock("20:00:08"));
    run.play_until(clock("20:00:20"));
    run.crash(secs(40), Seen::Now, None);
    assert_eq!(run.story()[1], "20:00:30.72 lesson grape 0..4");
}

/// What has started stays; the next start of the new plan is met.
#[test]
fn a_new_plan_changes_nothing_that_has_started() {
    let mut run = Run::start(grape(), lessons("\"grape\""), clock("20:00:08"));
    run.play_until(clock("20:00:30"));
    run.poll(ms(0));
    run.reload(plan(&entry("20:00:20", Some("20:30"), "relay = \"national\"")));
    run.play_until(clock("20:01:00"));
    assert_eq!(run.story(), ["20:00:00.00 lesson grape 0..16…"]);
    run.reload(plan(&entry("20:01:10", Some("20:30"), "relay = \"national\"")));
    run.play_until(clock("20:01:30"));
    assert_eq!(run.story()[0], "20:00:00.00 lesson grape 0..19");
    assert_eq!(run.story()[1], "20:01:12.96 slate-short.lost 0..18…");
}

#[test]
fn a_relay_s_next_generation_that_came_during_a_stop_is_joined() {
    let feed = a_feed(clock("19:59:00")).of(secs(0), 20).of(secs(6), 40);
    let mut run = Run::start(World::new().relay("national", feed), relayed(), clock("20:00:08"));
    run.play_until(clock("20:00:23"));
    run.poll(ms(0));
    run.crash(secs(20), Seen::Now, None);
    run.play_until(clock("20:01:00"));
    let story = [
        "20:00:00.00 relay national 15..20",
        "20:00:20.00 slate-short.lost 0..6",
        "20:00:25.76 relay national 20..28…",
    ];
    assert_eq!(run.story(), story);
}

#[test]
fn numbers_go_on_when_a_relay_has_forgotten_where_its_airing_began() {
    let feed = a_feed(clock("19:50:00")).of(secs(0), 400);
    let schedule = plan(&entry("19:55", Some("20:30"), "relay = \"national\""));
    let mut run = Run::start(World::new().relay("national", feed), schedule, clock("19:55:10"));
    run.play_until(clock("20:10:00"));
    let before = run.timeline.next_sequence();
    run.world.forget_before(clock("20:05:00"));
    run.crash(ms(100), Seen::LastTick, None);
    assert_eq!(run.timeline.next_sequence(), before);
    assert_eq!(run.story().len(), 1);
}

#[test]
fn no_number_is_used_twice_when_a_package_vanished_during_a_stop() {
    let mut run = Run::start(grape(), lessons("\"grape\""), clock("20:00:08"));
    run.play_until(clock("20:01:00"));
    let before = run.timeline.next_sequence();
    run.world.remove("lesson.grape.0123456789ab");
    run.crash(secs(1), Seen::LastTick, None);
    run.play_until(clock("20:01:30"));
    assert!(run.timeline.airings()[1].base_sequence >= before);
}

#[test]
fn a_lesson_packaged_anew_while_it_is_on_air_goes_on_in_the_new_package() {
    let mut run = Run::start(grape(), lessons("\"grape\""), clock("20:00:08"));
    run.play_until(clock("20:00:38"));
    run.world.remove("lesson.grape.0123456789ab");
    run.world.add_lesson(run.now, a_lesson("grape", 100_000).remade());
    run.play_until(clock("20:00:50"));
    assert_eq!(run.story()[1], "20:00:38.40 lesson grape 10..14…");
}

#[test]
fn a_lesson_that_is_taken_back_leaves_the_air_with_its_segment() {
    let world = grape().lesson(a_lesson("wheat", 60_000));
    let mut run = Run::start(world, lessons("\"grape\", \"wheat\""), clock("20:00:08"));
    run.play_until(clock("20:00:38"));
    run.world.take_back("lesson.grape.0123456789ab");
    run.crash(secs(1), Seen::LastTick, None);
    run.play_until(clock("20:01:10"));
    let story = run.story();
    assert!(story[0].starts_with("20:00:00.00 lesson grape 0..10"), "{story:?}");
    assert!(story[1].starts_with("20:00:38.40 lesson wheat 0.."), "{story:?}");
}

#[test]
fn a_slate_that_vanishes_or_is_empty_does_not_hang_the_channel() {
    let mut world = World::new();
    world.remove("slate.idle.0123456789ab");
    let world = world.slate(SlateReason::Idle, a_slate("idle").empty());
    let mut run = Run::start(world, plan(""), clock("20:00:00"));
    run.play_until(clock("20:00:10"));
    assert_eq!(run.story(), [""; 0], "nothing to show, and no endless search");
}

#[test]
fn an_airing_that_came_to_nothing_leaves_no_trace_in_the_count() {
    let mut run = Run::start(grape(), lessons("\"grape\""), clock("20:00:08"));
    run.play_until(clock("20:00:20"));
    let mut airing = run.log[0].clone();
    airing.until = clock("20:00:21");
    // The slate was opened, and gone before its first segment began.
    let settled = run.timeline.decided();
    let mut empty = airing.clone();
    (empty.no, empty.discontinuities, empty.segments) = (1, 1, Some(0));
    (empty.base_sequence, empty.start) = (settled, run.timeline.cursor().expect("on air"));
    for step in [Step::Close { no: 0, segments: settled }, Step::Open(empty)] {
        run.timeline.apply(&step);
        run.log = run.timeline.airings().to_vec();
    }
    run.play_until(clock("20:00:40"));
    let counts: Vec<u64> = run.timeline.airings().iter().map(|a| a.discontinuities).collect();
    assert_eq!(counts, [0, 1, 1]);
    assert!(!run.timeline.airings()[2].continues);
}

#[test]
fn a_day_of_airings_costs_no_more_than_the_last_ones() {
    let mut run = Run::start(grape(), plan(""), clock("20:00:00"));
    let template = run.timeline.airings()[0].clone();
    let old = |i: u64| {
        let mut a = template.clone();
        (a.no, a.base_sequence, a.discontinuities) = (i, i * 16, i);
        (a.start, a.segments) = (template.start - secs(2000 - i as i64) * 62, Some(16));
        a
    };
    let airings: Vec<_> = (0..2000).map(old).collect();
    run.world.asked.set(0);
    run.timeline = Timeline::restore(airings, &run.world, None, run.now);
    let schedule = lessons("\"grape\"");
    let steps = run.timeline.advance((&schedule, None), &run.world, &run.lineup, run.now, run.now - RESUME);
    assert!(!steps.is_empty());
    let _ = write(&run, Rendition::Video(720), Window::Live);
    let _ = run.timeline.next_edge(&run.world, run.now);
    assert!(run.world.asked.get() < 400, "asked {} times for packages", run.world.asked.get());
}
