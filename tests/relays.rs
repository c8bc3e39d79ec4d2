//! Relays that hold: backups and the way back, who is told, how they are, who
//! watches, and what is recorded when there is no room.

#[expect(dead_code, reason = "each story uses its part of what they share")]
mod support;

use serde_json::Value;
use support::county::{County, a_county, names};
use support::media::{Upstream, decode, ffmpeg, free_udp_port, without_errors};
use support::process::Program;
use support::rules::Referee;
use support::server::{PATIENCE, Server};
use support::time::{now, s, wait_for};
use support::told::{a_mail_server, a_webhook};

/// A county whose channel passes on the relay `national`, of which `keys` are said.
fn a_county_of(sources: &[String], keys: &str, tables: &str) -> County {
    let county = a_county().with(&format!(
        "\n[[relay]]\nid = \"national\"\nname = {{ zh-Hans = \"中央台\" }}\nsources = {sources:?}\n\
         audio = [\"zh-Hans\", \"ug-Arab\"]\nmax_segment = \"5s\"\n{keys}\n{tables}"
    ));
    county.schedule_text(
        "channel = \"xiangtu\"\n\n[[weekly]]\ndays = \"daily\"\nstart = \"00:00\"\nrelay = \"national\"\n",
    );
    county
}

fn udp(port: u16) -> String {
    format!("udp://127.0.0.1:{port}")
}

fn health(server: &Server) -> Value {
    let relays = server.client.items("/api/v1/relays");
    relays.into_iter().find(|r| r["id"] == "national").expect("the relay")["health"].clone()
}

/// Waits until source `n` is on air.
fn on_source(server: &Server, n: u64) -> Value {
    wait_for(&format!("source {n} live"), PATIENCE, || {
        Some(health(server)).filter(|h| h["source"] == n && h["state"] == "live")
    })
}

#[test]
fn a_backup_stands_in_and_the_first_source_is_taken_back() {
    let (first, second) = (free_udp_port(), free_udp_port());
    let (hook, post) = (a_webhook(), a_mail_server());
    let alarms = format!(
        "[alarms]\nafter = \"2s\"\nwebhook = \"http://{}/alarms\"\nsmtp = \"smtp://{}\"\n\
         from = \"tv@county.example\"\nto = [\"duty@county.example\"]\n",
        hook.address, post.address
    );
    let county = a_county_of(
        &[udp(first), udp(second)],
        "stall_after = \"1s\"\nfailover_after = \"2s\"\nfailback_after = \"8s\"\nlook_every = \"2s\"",
        &alarms,
    );
    let mut best = Upstream::to(first);
    let _backup = Upstream::to(second);
    let server = Server::start(&county);
    on_source(&server, 0);
    wait_for("the relay on air", PATIENCE, || {
        server.as_run().pop().filter(|a| a["kind"] == "relay" || a["relay"] == "national")
    });
    let begun = now();
    let player = decode(&server.client.url("/channels/xiangtu/index.m3u8"), Some(s(70)));
    let mut referee = Referee::of(&server.client, &server.open_channel());
    referee.look();

    best.off();
    let backup = on_source(&server, 1);
    wait_for("the alarm", PATIENCE, || {
        hook.all().into_iter().find(|d| d["kind"] == "backup" && d["change"] == "raised")
    });
    best.on();
    wait_for("the first source is listened to", PATIENCE, || {
        (health(&server)["candidate"] == 0).then_some(())
    });
    let back = on_source(&server, 0);
    assert!(back["starts"].as_u64() > backup["starts"].as_u64());
    let over = wait_for("the end of the alarm", PATIENCE, || {
        hook.all().into_iter().find(|d| d["kind"] == "backup" && d["change"] == "cleared")
    });
    assert_eq!(over["subject"], "relay/national");
    assert!(over["text"].as_str().is_some_and(|t| t.contains("中央台")), "{over}");
    let letter = wait_for("a letter", PATIENCE, || post.all().into_iter().next());
    assert!(letter.contains("RCPT TO:<duty@county.example>"), "{letter}");

    // What is seen and heard: a test picture that moves, and a tone.
    let seen = wait_for("rates and looks", PATIENCE, || {
        let h = health(&server);
        (h["looked_at"].is_string() && h["now"]["fps"].as_f64() > Some(20.0)).then_some(h)
    });
    assert!(seen["now"]["bitrate"].as_u64() > Some(300_000), "{seen}");
    assert_eq!(seen["faults"], serde_json::json!({"black": false, "frozen": false, "silent": false}));
    assert!(seen["av_offset_ms"].as_i64().is_some_and(|ms| ms.abs() < 2000), "{seen}");
    let metrics = server.client.get("/metrics").text();
    assert!(metrics.contains("yuanjiao_relay_frames_per_second{relay=\"national\"} 2"), "{metrics}");

    let events: Vec<Value> = server.client.items("/api/v1/relays/national/events");
    for kind in ["stalled", "taken-back", "alarm", "alarm-over"] {
        assert!(events.iter().any(|e| e["kind"] == kind), "{kind}: {events:#?}");
    }
    referee.look();
    // A few seconds without a signal are not seen: the player has more than that in hand.
    let decoded = without_errors(player.finish(s(150)), "a player across both changes");
    assert!(decoded.video.len() > 70 * 25 - 50, "{} pictures", decoded.video.len());
    let lost = |a: &Value| {
        let start = a["start"].as_str().and_then(|t| t.parse::<jiff::Timestamp>().ok());
        a["reason"] == "lost" && start.is_some_and(|start| start > begun)
    };
    let slates = server.as_run().into_iter().filter(lost).count();
    assert!(slates <= 1, "{events:#?} {:#?}", server.as_run());
}

/// A black picture without a sound.
fn nothing_to_see(port: u16) -> Program {
    let mut command = ffmpeg();
    command
        .args(["-re", "-f", "lavfi", "-i", "color=black:size=640x360:rate=25"])
        .args(["-re", "-f", "lavfi", "-i", "anullsrc=sample_rate=48000"])
        .args(["-c:v", "libx264", "-preset", "ultrafast", "-g", "25", "-c:a", "aac", "-f", "mpegts"])
        .arg(format!("udp://127.0.0.1:{port}?pkt_size=1316"));
    Program::start(&mut command)
}

#[test]
fn a_black_picture_and_silence_are_noticed() {
    let port = free_udp_port();
    let county = a_county_of(&[udp(port)], "look_every = \"2s\"", "");
    let _upstream = nothing_to_see(port);
    let server = Server::start(&county);
    let faults = serde_json::json!({"black": true, "frozen": false, "silent": true});
    wait_for("black and silent", PATIENCE, || (health(&server)["faults"] == faults).then_some(()));
    assert_eq!(
        std::fs::read(county.path("media/live/national/now.jpg")).expect("a picture")[..2],
        [0xff, 0xd8]
    );
}

#[test]
fn a_relay_on_demand_runs_while_somebody_watches() {
    let port = free_udp_port();
    let county = a_county_of(&[udp(port)], "on_demand = true", "");
    let _upstream = Upstream::to(port);
    let server = Server::start(&county);
    std::thread::sleep(s(3));
    assert_eq!(health(&server)["starts"], 0, "nobody watches");
    let player = decode(&server.client.url("/channels/xiangtu/index.m3u8"), Some(s(20)));
    wait_for("the relay on air", PATIENCE, || {
        server.as_run().into_iter().rfind(|a| a["relay"] == "national")
    });
    without_errors(player.finish(s(90)), "a player from the slate to the relay");
    wait_for("it rests again", PATIENCE, || (health(&server)["worker"].is_null()).then_some(()));
}

#[test]
fn a_full_disk_ends_recording_and_not_the_broadcast() {
    let port = free_udp_port();
    // No disk has so much room.
    let county = a_county_of(&[udp(port)], "", "[recording]\nleast_free = \"1000000GiB\"\n");
    let _upstream = Upstream::to(port);
    let server = Server::start(&county);
    wait_for("it is noticed", PATIENCE, || (health(&server)["short"] == true).then_some(()));
    // Folders hold a minute each: they are deleted by the minute.
    let live = county.path("media/live/national");
    wait_for("folders of minutes", PATIENCE, || {
        names(&live).into_iter().find(|n| n.len() == "20261126T0125".len())
    });
    let player = decode(&server.client.url("/channels/xiangtu/index.m3u8"), Some(s(10)));
    let decoded = without_errors(player.finish(s(60)), "a player on a full disk");
    assert!(decoded.video.len() >= 240);
    let events = server.client.items("/api/v1/relays/national/events");
    assert!(events.iter().any(|e| e["kind"] == "short"), "{events:#?}");
}
