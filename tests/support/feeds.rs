//! Feeds made by ffmpeg, and counties that pass them on.

use std::fmt::Write as _;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};

use super::county::{County, a_county};
use super::media::{Decoded, decode, ffmpeg};
use super::process::Program;
use super::server::{PATIENCE, Server};
use super::time::{s, wait_for};

/// Seconds of the film that the feeders send again and again.
pub(crate) const FILM: u32 = 40;

pub(crate) fn free_tcp_port() -> u16 {
    let socket = TcpListener::bind("127.0.0.1:0").expect("a free port");
    socket.local_addr().expect("its number").port()
}

/// The film as an upstream might have it: a picture and a Uyghur sound.
pub(crate) fn film(county: &County, name: &str, codecs: &[&str]) -> PathBuf {
    let file = county.path(&format!("{name}.ts"));
    let mut command = ffmpeg();
    command
        .args(["-f", "lavfi", "-i", "testsrc2=size=640x360:rate=25"])
        .args(["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000"])
        .args(["-t", &FILM.to_string(), "-metadata:s:a:0", "language=uig"])
        .args(codecs)
        .args(["-g", "25", "-pix_fmt", "yuv420p", "-ac", "2", "-f", "mpegts", "-y"])
        .arg(&file);
    Program::run(&mut command, PATIENCE).good("making a film");
    file
}

pub(crate) const H264: [&str; 8] =
    ["-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-c:a", "aac"];

/// ffmpeg that sends `film` at the speed of the clock, for ever.
pub(crate) fn send(film: &Path, to: &[&str]) -> Program {
    let mut command = ffmpeg();
    command.args(["-re", "-stream_loop", "-1", "-i"]).arg(film).args(["-c", "copy"]).args(to);
    Program::start(&mut command)
}

/// A county whose channels each pass on one relay, by the same name.
pub(crate) fn a_county_of(relays: &[(&str, String, &str)], own: &str) -> County {
    let mut tables = String::new();
    for (n, (id, source, keys)) in relays.iter().enumerate() {
        let _ = write!(
            tables,
            "\n[[relay]]\nid = \"{id}\"\nname = {{ en = \"{id}\" }}\nsources = [\"{source}\"]\n\
             audio = [\"ug-Arab\"]\nmax_segment = \"5s\"\n{keys}\n\
             [[channel]]\nid = \"{id}\"\nnumber = {}\nname = {{ en = \"{id}\" }}\nlang = \"ug-Arab\"\n\
             audio = [\"ug-Arab\"]\n",
            n + 2
        );
    }
    let county = a_county().with_own(own).with(&tables);
    for (id, ..) in relays {
        let schedule = format!(
            "channel = \"{id}\"\n\n[[weekly]]\ndays = \"daily\"\nstart = \"00:00\"\nrelay = \"{id}\"\n"
        );
        fs::write(county.path(&format!("schedules/{id}.toml")), schedule).expect("a schedule");
    }
    county
}

/// What is on air on each channel, decoded for ten seconds, has no gap.
pub(crate) fn all_play(server: &Server, relays: &[&str]) {
    for id in relays {
        let relay = server.has_relay(id);
        assert!(relay["health"]["bytes"].as_u64() > Some(0), "{id}: {relay}");
        wait_for(&format!("{id} on air"), PATIENCE, || {
            let path = server.client.open(&format!("/channels/{id}/index.m3u8"));
            let media = server.live(&path, "v360");
            (media.segments.iter().filter(|s| s.uri.contains("/relay.")).count() >= 4).then_some(())
        });
    }
    let players: Vec<(&str, Program)> = relays
        .iter()
        .map(|id| (*id, decode(&server.client.url(&format!("/channels/{id}/index.m3u8")), Some(s(10)))))
        .collect();
    for (id, player) in players {
        let played = player.finish(s(90)).good(id);
        let decoded = Decoded::from_framecrc(&played.out);
        assert!(
            (240..=260).contains(&decoded.video.len()),
            "{id}: {} pictures: {:#?}",
            decoded.video.len(),
            played.err
        );
        assert!(decoded.audio.len() > 440, "{id}: {} sounds: {:#?}", decoded.audio.len(), played.err);
    }
}
