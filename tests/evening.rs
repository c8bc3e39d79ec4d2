//! An evening on the air: a channel that changes between a relay, lessons and
//! the preview slate, watched by four players and a referee.

#[expect(dead_code, reason = "each story uses its part of what they share")]
mod support;

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

use jiff::{SignedDuration, Timestamp};
use nix::sys::signal::Signal;
use serde_json::Value;
use support::county::{Entry, Plays, a_county};
use support::http::resolve;
use support::media::{
    Decoded, Upstream, decode, free_udp_port, make_lesson, make_subtitles, vlc, without_errors,
};
use support::playlist;
use support::process::{Lines, Program};
use support::rules::Referee;
use support::server::Server;
use support::time::{Stopwatch, ms, now, s, seconds_between};

/// Seconds that a programme has; the lesson is 12 s long and leaves some to the slate.
const SLOT: i64 = 18;
const PROGRAMMES: i64 = 9;
/// Seconds that ffmpeg watches.
const WATCHED: u64 = 110;
/// No segment of this evening is longer, in seconds: four groups of pictures, and a frame.
const SEGMENT: f64 = 3.89;

/// Relay and lesson by turns.
fn evening(start: Timestamp) -> Vec<Entry<'static>> {
    let at = |n: i64| start + SignedDuration::from_secs(n * SLOT);
    let entry = |n| {
        let plays = if n % 2 == 0 { Plays::Relay("national") } else { Plays::Lesson("grapes") };
        Entry { start: at(n), end: at(n + 1), plays, title: ["转播", "葡萄栽培"][n as usize % 2] }
    };
    (0..PROGRAMMES).map(entry).collect()
}

#[test]
fn players_follow_every_change_of_source() {
    let port = free_udp_port();
    let county = a_county().with_relay("national", port);
    let _upstream = Upstream::to(port);
    let server = Server::start(&county);
    make_subtitles(&county.inbox().join("grapes.zh-Hans.srt"), "冬季修剪");
    let made = county.path("made.mkv");
    make_lesson(&made, 12);
    fs::copy(&made, county.inbox().join("grapes.mkv")).expect("dropped");
    server.has_lesson("grapes");
    let manifest = fs::read(county.library().join("grapes/package.json")).expect("a package");
    let manifest: Value = serde_json::from_slice(&manifest).expect("a manifest");
    assert!(manifest["begins_us"].as_u64() > Some(0), "its pictures are copied, as they are ordered");
    server.has_relay("national");

    // Programmes start on whole seconds.
    let start = Timestamp::from_second(now().as_second() + 8).expect("soon");
    let plan = evening(start);
    county.schedule(&plan);
    let url = server.client.url("/channels/xiangtu/index.m3u8");
    let mut referee = Referee::of(&server.client, &server.open_channel());
    let over = AtomicBool::new(false);
    let watch = |referee: &mut Referee| {
        while !over.load(Ordering::Relaxed) {
            referee.look();
            std::thread::sleep(ms(500));
        }
    };
    let decoded = std::thread::scope(|scope| {
        let referee = scope.spawn(|| watch(&mut referee));
        let gstreamer = scope.spawn(|| gstreamer_plays(&url));
        let mpv = scope.spawn(|| mpv_plays(&url));
        let vlc = scope.spawn(|| vlc_plays(&url));
        let ffmpeg = scope.spawn(|| {
            let played = decode(&url, Some(s(WATCHED))).finish(s(WATCHED + 90));
            without_errors(played, "ffmpeg on the channel")
        });
        let ends = (ffmpeg.join(), gstreamer.join(), mpv.join(), vlc.join());
        over.store(true, Ordering::Relaxed);
        referee.join().expect("the referee only notes");
        match ends {
            (Ok(decoded), Ok(()), Ok(()), Ok(())) => decoded,
            _ => panic!("a player failed: see above"),
        }
    });

    let gap = referee.worst_gap();
    referee.no_complaints();
    assert!(gap.abs() <= SEGMENT, "between two segments' dates lie {gap} s too many");
    assert!(referee.changes() >= 6, "only {} changes of source were seen", referee.changes());
    let expected = (WATCHED * 25) as f64;
    let frames = decoded.video.len() as f64;
    assert!((frames - expected).abs() <= expected * 0.02, "{frames} frames of {expected}");
    for (what, times) in [("picture", &decoded.video), ("sound", &decoded.audio)] {
        let gap = Decoded::longest_gap(times);
        assert!(gap <= SEGMENT, "no {what} for {gap} s");
    }
    as_run_tells(&server.as_run(), &plan, &referee);
    headers_stand_in_front_for_vlc(&server);
}

/// What VLC is told to fetch after a change begins with the header that its new demuxer needs.
fn headers_stand_in_front_for_vlc(server: &Server) {
    let index = server.open_channel();
    let path = resolve(&index, "v360.m3u8");
    let agent = [("user-agent", "VLC/3.0.20 LibVLC/3.0.20")];
    let listed = playlist::media(&server.client.ask("GET", &path, &agent).text()).expect("a playlist");
    let headed: Vec<_> = listed.segments.iter().filter(|s| s.uri.contains('~')).collect();
    assert!(headed.len() >= 2, "a minute has three changes of source: {listed:#?}");
    for segment in headed {
        let get = |uri: &str| server.client.good(&resolve(&path, uri)).body;
        let (address, _) = segment.uri.split_once('~').expect("it names a header");
        let map = segment.map.as_ref().expect("a map");
        assert_eq!(get(&segment.uri), [get(map), get(&format!("{address}.m4s"))].concat(), "{}", segment.uri);
    }
    let others = server.client.good(&path).text();
    assert!(!others.contains('~'), "{others}");
}

/// What a player may stand still for (a frame it waits for, a busy machine).
const STALL: f64 = 1.0;

/// VLC fetches nothing while it plays out what it holds: a window, less what is too near its edge.
const VLC_HOLDS: f64 = 25.0;

/// Seconds that mpv, GStreamer and VLC watch.
const PLAYED: u64 = 80;

/// playbin3 with picture, sound and text, on time; it plays until it is interrupted.
fn gstreamer_plays(url: &str) {
    let mut command = Command::new("gst-launch-1.0");
    // `flags`: video, audio, text, software volume. A silent sink says nothing.
    command.args([
        "-v",
        "playbin3",
        "flags=0x17",
        &format!("uri={url}"),
        "video-sink=fakesink name=picture sync=true silent=false",
        "audio-sink=fakesink name=sound sync=true silent=false",
    ]);
    let mut player = Program::start(&mut command);
    let watch = Stopwatch::start();
    while watch.passed() < s(PLAYED) {
        let quiet = |l: &String| !l.contains("last-message");
        let said: Vec<String> =
            [player.out.all(), player.err.all()].concat().into_iter().filter(quiet).collect();
        assert!(!said.iter().any(|l| l.contains("ERROR")), "GStreamer: {said:#?}");
        assert!(player.is_running(), "GStreamer ended early: {said:#?}");
        std::thread::sleep(s(1));
    }
    player.signal(Signal::SIGINT);
    let lines = player.out.clone();
    player.finish(s(30));
    for sink in ["picture", "sound"] {
        let shown = |line: &str| {
            let rest = line.split_once(&format!("({sink}:sink)"))?.1;
            Some(rest.split_once("pts: ")?.1.split(',').next()?.to_owned())
        };
        plays_on(&format!("GStreamer's {sink}"), &lines, PLAYED, shown);
    }
}

/// mpv, which says the time it is at; its own clock ends it.
fn mpv_plays(url: &str) {
    let mut command = Command::new("mpv");
    command.args(["--no-config", "--vo=null", "--ao=null", "--msg-level=all=warn,statusline=status"]);
    command.args(["--term-status-msg=at ${=time-pos}", &format!("--length={PLAYED}"), url]);
    let player = Program::start(&mut command);
    let lines = player.err.clone();
    let ended = player.finish(s(PLAYED + 30));
    let said: Vec<&String> = ended.out.iter().filter(|l| l.to_lowercase().contains("error")).collect();
    assert_eq!((ended.status.code(), said.len()), (Some(0), 0), "mpv: {said:#?} {:#?}", ended.status);
    plays_on("mpv", &lines, PLAYED - 1, |line| line.split_once("at ").map(|(_, at)| at.to_owned()));
}

/// VLC 3 plays out what it holds at each change of source and begins anew
/// after it: it goes on fetching, and finds a demuxer for what it gets.
fn vlc_plays(url: &str) {
    let mut player = vlc(url);
    std::thread::sleep(s(PLAYED));
    assert!(player.is_running(), "VLC ended early: {:#?}", player.err.all());
    player.signal(Signal::SIGINT);
    let lines = player.err.clone();
    player.finish(s(30));
    let of_interest = |l: &String| l.contains("error") || l.contains("Retrieving");
    let story = || lines.all().into_iter().filter(of_interest).collect::<Vec<_>>();
    assert!(!lines.all().iter().any(|l| l.contains("Failed to create demuxer")), "VLC: {:#?}", story());
    let fetched = lines.timed().into_iter().filter(|(_, l)| l.contains("Retrieving") && l.contains(".m4s"));
    let mut times: Vec<f64> = fetched.map(|(at, _)| at.as_secs_f64()).collect();
    // Picture and sound, 3.84 s each; in the end as far as the live edge.
    assert!(times.len() as u64 > PLAYED / 4, "VLC fetched {} segments only: {:#?}", times.len(), story());
    times.push(PLAYED as f64);
    let pause = Decoded::longest_gap(&times);
    assert!(pause < VLC_HOLDS, "VLC fetched nothing for {pause} s: {:#?}", story());
}

/// What a player says it shows goes on without a stall, for about `seconds`.
fn plays_on(player: &str, lines: &Lines, seconds: u64, shown: impl Fn(&str) -> Option<String>) {
    let mut moves: Vec<(f64, String)> = Vec::new();
    for (at, line) in lines.timed() {
        if let Some(shown) = shown(&line).filter(|s| moves.last().is_none_or(|(_, last)| last != s)) {
            moves.push((at.as_secs_f64(), shown));
        }
    }
    let (Some(first), Some(last)) = (moves.first(), moves.last()) else {
        panic!("{player} showed nothing: {:#?}", lines.all());
    };
    // It may take its time to begin.
    let played = last.0 - first.0;
    assert!(played > seconds as f64 - 10.0, "{player} played for {played} s only");
    for pair in moves.windows(2) {
        let stood = pair[1].0 - pair[0].0;
        assert!(stood <= STALL, "{player} stood still for {stood} s at {}", pair[0].1);
    }
}

/// The as-run log lists what was planned, when it came, and what the playlists said.
fn as_run_tells(log: &[Value], plan: &[Entry<'_>], referee: &Referee) {
    let instant =
        |value: &Value| value.as_str().and_then(|t| t.parse::<Timestamp>().ok()).expect("an instant");
    let kinds: BTreeSet<&str> = log.iter().filter_map(|a| a["source"].as_str()).collect();
    assert_eq!(kinds, BTreeSet::from(["lesson", "relay", "slate"]));
    let numbers: Vec<u64> = log.iter().filter_map(|a| a["no"].as_u64()).collect();
    assert!(numbers.windows(2).all(|pair| pair[0] + 1 == pair[1]), "the log has holes: {numbers:?}");
    for entry in plan.iter().filter(|e| e.start < now() - SignedDuration::from_secs(SLOT)) {
        let kind = if matches!(entry.plays, Plays::Relay(_)) { "relay" } else { "lesson" };
        let late = |a: &Value| seconds_between(entry.start, instant(&a["start"]));
        let met = log.iter().any(|a| a["source"] == kind && (0.0..SEGMENT).contains(&late(a)));
        assert!(met, "{kind} of {} did not start within a segment: {log:#?}", entry.start);
    }
    let known = &referee.known["v360.m3u8"];
    let mut compared = 0;
    for airing in log {
        let Some(first) = airing["base_sequence"].as_u64().and_then(|n| known.get(&n)) else { continue };
        assert_eq!(Some(first.discontinuities), airing["discontinuities"].as_u64(), "{airing}");
        let apart = seconds_between(instant(&airing["start"]), first.date.expect("a date"));
        assert!(apart.abs() < 0.002, "the playlist dates it {apart} s later: {airing}");
        compared += 1;
    }
    assert!(compared >= 6, "only {compared} airings were in the playlists");
}
