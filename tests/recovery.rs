//! Falls and returns: of the server, of a relay's worker, of the broadcaster.

#[expect(dead_code, reason = "each story uses its part of what they share")]
mod support;

use jiff::{SignedDuration, Timestamp};
use nix::sys::signal::Signal;
use serde_json::Value;
use support::county::{County, Entry, Plays, a_county};
use support::gateway::Gateway;
use support::media::{Upstream, decode, free_udp_port, package_lesson};
use support::playlist::Listed;
use support::process::signal_to;
use support::rules::Referee;
use support::server::{PATIENCE, Server};
use support::time::{ms, now, s, seconds_between, wait_for};

fn after(seconds: i64) -> Timestamp {
    now() + SignedDuration::from_secs(seconds)
}

fn instant(value: &Value) -> Timestamp {
    value.as_str().and_then(|t| t.parse().ok()).unwrap_or_else(|| panic!("expected an instant, got {value}"))
}

/// Newest number and its date in every rendition, at least.
fn edge(referee: &Referee) -> u64 {
    let newest = referee.known.values().filter_map(|k| k.keys().next_back().copied());
    newest.min().expect("something was listed")
}

#[test]
fn a_server_that_was_killed_goes_on_where_it_was() {
    let county = a_county();
    package_lesson(&county, "grapes", 70);
    let programme =
        Entry { start: after(3), end: after(300), plays: Plays::Lesson("grapes"), title: "葡萄栽培" };
    county.schedule(&[programme]);
    let server = Server::start(&county);
    let address = server.client.address;
    let mut referee = Referee::of(&server.client, &server.open_channel());
    wait_for("three segments of the lesson", PATIENCE, || {
        referee.look();
        let known = referee.known.get("v240.m3u8")?;
        (known.values().filter(|k| k.uri.contains("/lesson.grapes.")).count() >= 3).then_some(())
    });
    let gateway = Gateway::to(address);
    let player = decode(&format!("http://{}/channels/xiangtu/index.m3u8", gateway.address), Some(s(35)));
    // It has begun to play, in the middle of the programme.
    wait_for("decoded frames", PATIENCE, || (player.out.all().len() > 200).then_some(()));
    referee.look();
    referee.no_complaints();
    let before = edge(&referee);
    server.kill();
    std::thread::sleep(ms(500));

    let server = Server::start_again(&county, address).ready();
    referee.look();
    referee.no_complaints();
    // Numbers seen before are listed again, as they were: the referee compared them.
    let relisted = server.live(&server.open_channel(), "v240").segments;
    assert!(relisted.iter().any(|x| x.sequence == before), "segment {before} is forgotten");
    wait_for("five more segments", PATIENCE, || {
        referee.look();
        std::thread::sleep(ms(300));
        (edge(&referee) >= before + 5).then_some(())
    });
    let gap = referee.worst_gap();
    referee.no_complaints();
    assert!(gap.abs() < 0.01, "the line of dates has a gap of {gap} s");
    let lessons = server.as_run().into_iter().filter(|a| a["source"] == "lesson").count();
    assert_eq!(lessons, 1, "the programme was not begun anew");

    let played = player.finish(s(120)).good("ffmpeg over the fall");
    let decoding =
        |l: &&String| l.contains("decod") || l.contains("Invalid data") || l.contains("non monoton");
    assert_eq!(played.err.iter().find(decoding), None, "{:#?}", played.err);
    let decoded = support::media::Decoded::from_framecrc(&played.out);
    let frames = decoded.video.len();
    assert!((857..=893).contains(&frames), "{frames} frames of 875: {:#?}", played.err);
}

/// A county whose channel relays a broadcast, on air.
fn relaying(port: u16) -> (County, Server) {
    let county = a_county().with_relay("national", port);
    let programme =
        Entry { start: after(-5), end: after(1200), plays: Plays::Relay("national"), title: "转播" };
    county.schedule(&[programme]);
    let server = Server::start(&county);
    server.has_relay("national");
    wait_for("the relay on air", PATIENCE, || newest_is(&server, "relay").then_some(()));
    (county, server)
}

/// True if the newest airing is of this kind.
fn newest_is(server: &Server, source: &str) -> bool {
    server.as_run().last().is_some_and(|a| a["source"] == source)
}

/// The first airing of this kind after `airing`.
fn next_airing(server: &Server, source: &str, airing: &Value) -> Option<Value> {
    server.as_run().into_iter().find(|a| a["source"] == source && a["no"].as_u64() > airing["no"].as_u64())
}

/// Watches until the playlist lists a segment of this kind after the start of
/// `airing`; returns when it was seen.
fn listed_after(server: &Server, referee: &mut Referee, source: &str, airing: &Value) -> Timestamp {
    let (index, after) = (server.open_channel(), airing["base_sequence"].as_u64().expect("a number"));
    wait_for(&format!("a segment of the {source} in the playlist"), s(60), || {
        referee.look();
        let media = server.live(&index, "v360");
        let found = |x: &Listed| x.sequence > after && x.address().starts_with(source);
        media.segments.iter().any(found).then(now)
    })
}

#[test]
fn a_worker_that_was_killed_is_replaced() {
    let port = free_udp_port();
    let _upstream = Upstream::to(port);
    let (_county, server) = relaying(port);
    let mut referee = Referee::of(&server.client, &server.open_channel());
    referee.look();
    let health = || server.has_relay("national")["health"].clone();
    let worker = health()["worker"].as_u64().expect("a worker");
    let airing = server.as_run().pop().expect("the relay's airing");
    let generation = airing["generation"].as_u64().expect("its generation");

    signal_to(u32::try_from(worker).expect("a process number"), Signal::SIGKILL);
    let next = wait_for("another worker", PATIENCE, || {
        referee.look();
        health()["worker"].as_u64().filter(|w| *w != worker)
    });
    assert_ne!(next, worker);
    let back = wait_for("the relay back on air, from the new worker", PATIENCE, || {
        referee.look();
        let found = |a: &Value| a["source"] == "relay" && a["generation"].as_u64() > Some(generation);
        server.as_run().into_iter().find(found)
    });
    let sequence = back["base_sequence"].as_u64().expect("a number");
    wait_for("its segments in every playlist", PATIENCE, || {
        referee.look();
        (edge(&referee) > sequence).then_some(())
    });
    let gap = referee.worst_gap();
    referee.no_complaints();
    assert!(gap.abs() < 4.0, "between two segments' dates lie {gap} s too many");
    let events = server.client.items("/api/v1/relays/national/events");
    let kinds: Vec<&str> = events.iter().rev().filter_map(|e| e["kind"].as_str()).collect();
    let fall = kinds.iter().position(|k| *k == "exited").expect("its end is on record");
    assert!(
        kinds[fall..].starts_with(&["exited", "started"]) && kinds[fall..].contains(&"live"),
        "{kinds:?}"
    );
}

/// Seconds that the county promises between a change upstream and the same on air.
const PROMISED: f64 = 10.0;
/// What a busy machine may add before a playlist is looked at.
const BUSY: f64 = 3.0;

#[test]
fn the_slate_stands_in_for_a_broadcaster_that_is_silent() {
    let port = free_udp_port();
    let mut upstream = Upstream::to(port);
    let (_county, server) = relaying(port);
    let mut referee = Referee::of(&server.client, &server.open_channel());
    referee.look();
    let before = server.as_run().pop().expect("the relay's airing");
    listed_after(&server, &mut referee, "relay", &before);

    let silent = upstream.off();
    let seen = listed_after(&server, &mut referee, "slate", &before);
    let slate = next_airing(&server, "slate", &before).expect("the slate in the as-run log");
    assert_eq!(slate["reason"], "lost", "{slate}");
    let late = seconds_between(silent, instant(&slate["start"]));
    assert!(late <= PROMISED, "the slate came {late} s after the end of the broadcast: {slate}");
    let shown = seconds_between(silent, seen);
    assert!(shown <= PROMISED + BUSY, "the playlist had the slate after {shown} s");

    while now() < silent + s(16) {
        referee.look();
        std::thread::sleep(ms(300));
    }
    upstream.on();
    let back = wait_for("the first packet", PATIENCE, || upstream.first_packet());
    let seen = listed_after(&server, &mut referee, "relay", &slate);
    let relay = next_airing(&server, "relay", &slate).expect("the relay in the as-run log");
    let late = seconds_between(back, instant(&relay["start"]));
    assert!(late <= PROMISED, "the relay came {late} s after the broadcast was back: {relay}");
    let shown = seconds_between(back, seen);
    assert!(shown <= PROMISED + BUSY, "the playlist had the relay after {shown} s");
    let gap = referee.worst_gap();
    referee.no_complaints();
    assert!(gap.abs() < 4.0, "between two segments' dates lie {gap} s too many");
}
