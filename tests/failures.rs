//! What an upstream may do to us, acted out: packets are lost and change places,
//! garbage comes, clocks jump and wrap, the picture and the sound change. Whoever
//! watches goes on watching.

#[expect(dead_code, reason = "each story uses its part of what they share")]
mod support;

use support::county::a_county;
use support::line::{BAD, CLEAN, EMPTY, GARBAGE, HELD, LOSSY, Line, SHUFFLED};
use support::media::{Decoded, chromium, decode, ffmpeg, free_udp_port, mpv};
use support::process::Program;
use support::server::{PATIENCE, Server};
use support::time::{Stopwatch, s, wait_for};

/// A broadcast of this size, with a key frame every `gop` pictures; `more` is what else is said to ffmpeg.
fn broadcast(port: u16, size: &str, gop: u32, sound: &str, more: &[&str]) -> Program {
    let mut command = ffmpeg();
    command.args(["-re", "-f", "lavfi", "-i", &format!("testsrc2=size={size}:rate=25")]);
    command.args(["-re", "-f", "lavfi", "-i", sound]);
    command.args(["-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-pix_fmt", "yuv420p"]);
    command.args(["-g", &gop.to_string(), "-sc_threshold", "0", "-b:v", "600k", "-c:a", "aac"]);
    command.args(more).args(["-f", "mpegts", "-flush_packets", "1"]);
    Program::start(command.arg(format!("udp://127.0.0.1:{port}?pkt_size=1316")))
}

const TONE: &str = "sine=frequency=440:sample_rate=48000";

#[test]
fn whoever_watches_goes_on_watching() {
    let port = free_udp_port();
    let county = a_county().with_relay("national", port);
    county.schedule_text(
        "channel = \"xiangtu\"\n\n[[weekly]]\ndays = \"daily\"\nstart = \"00:00\"\nrelay = \"national\"\n",
    );
    let line = Line::to(port);
    let mut upstream = broadcast(line.entry, "640x360", 25, TONE, &[]);
    let server = Server::start(&county);
    server.has_relay("national");
    wait_for("the relay on air", PATIENCE, || server.as_run().pop().filter(|a| a["relay"] == "national"));
    let watched = Stopwatch::start();
    let player = decode(&server.client.url("/channels/xiangtu/index.m3u8"), Some(s(120)));
    let length = s(110);
    let television = mpv(&server.client.url("/channels/xiangtu/index.m3u8"), length);
    let browser = chromium(&server.client.url("/channels/xiangtu"), length);
    let segments = || server.has_relay("national")["segments"].as_u64().unwrap_or(0);
    let goes_on = |what: &str| {
        let before = segments();
        wait_for(&format!("segments after: {what}"), PATIENCE, || (segments() >= before + 3).then_some(()));
    };

    for (mood, what) in [(LOSSY, "1 % lost"), (BAD, "5 % lost"), (SHUFFLED, "packets out of order")] {
        line.is(mood);
        goes_on(what);
    }
    let errors = server.has_relay("national")["health"]["continuity_errors"].as_u64();
    assert!(errors > Some(20), "lost packets are counted: {errors:?}");
    // A line that hesitates, as over microwaves or satellites, is no new timeline.
    line.is(CLEAN);
    goes_on("nothing");
    let broken = || server.has_relay("national")["health"]["pts_jumps"].as_u64().expect("a count");
    let before = broken();
    line.is(HELD);
    std::thread::sleep(s(3));
    line.is(CLEAN);
    goes_on("packets held back");
    assert_eq!(broken(), before, "what was held back is where it was");
    for (mood, what) in [(GARBAGE, "garbage"), (EMPTY, "packets without a programme")] {
        line.is(mood);
        wait_for(what, PATIENCE, || {
            (server.has_relay("national")["health"]["state"] == "connecting").then_some(())
        });
        line.is(CLEAN);
        goes_on(what);
    }
    let stereo = ["-ac", "2"];
    for (size, gop, sound, more, what) in [
        // 2^33 ticks are 95443.7 s: it wraps within seconds.
        ("640x360", 25, TONE, &["-output_ts_offset", "95437"][..], "timestamps that jump and wrap"),
        ("320x180", 25, TONE, &[][..], "another size of picture"),
        ("320x180", 50, TONE, &stereo[..], "twice the group, and two channels of sound"),
        ("320x180", 50, "sine=frequency=440:sample_rate=44100", &stereo[..], "another rate of sound"),
    ] {
        upstream.end();
        upstream = broadcast(line.entry, size, gop, sound, more);
        goes_on(what);
    }
    // Three seconds of silence fit into what a player has in hand; half a minute is the slate.
    upstream.end();
    wait_for("the slate", PATIENCE, || server.as_run().pop().filter(|a| a["reason"] == "lost"));
    let _again = broadcast(line.entry, "640x360", 25, TONE, &[]);
    wait_for("the relay again", PATIENCE, || server.as_run().pop().filter(|a| a["relay"] == "national"));

    let took = television.finish(s(240)).good("mpv through all of it").lasted;
    let ended = player.finish(s(240)).good("a player through all of it");
    assert!(watched.passed() >= s(100), "it plays at the speed of the clock");
    let decoded = Decoded::from_framecrc(&ended.out);
    // Pictures that were lost on the line are lost to everybody.
    assert!(decoded.video.len() > 120 * 25 * 8 / 10, "{} pictures", decoded.video.len());
    // It ends when it has played its time: what it stood still comes on top.
    assert!(took < length + s(30), "mpv took {took:?}");
    let told = browser.finish(s(60)).good("Chromium through all of it").text();
    let told: serde_json::Value = serde_json::from_str(told.trim()).expect("figures");
    let [played, longest] = ["played", "longest"].map(|key| told[key].as_f64().expect("seconds"));
    assert!(played > 90.0 && longest < 10.0, "Chromium: {told}");
}
