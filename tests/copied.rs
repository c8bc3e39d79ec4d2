//! A film that browsers play as it is: it can be watched at once, and its picture is never
//! encoded again.

#[expect(dead_code, reason = "each story uses its part of what they share")]
mod support;

use std::fs;
use std::path::Path;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use support::county::{County, a_county, names};
use support::media::{decode, ffmpeg, without_errors};
use support::process::Program;
use support::server::{PATIENCE, Server};
use support::time::{ms, wait_for};

/// 25 pictures a second, a key frame every two seconds, pictures that refer to later ones: what
/// phones and offices make. It is loud.
fn make_film(file: &Path, seconds: u32) {
    make_film_of(file, seconds, 25);
}

fn make_film_of(file: &Path, seconds: u32, rate: u32) {
    let mut command = ffmpeg();
    command.args(["-f", "lavfi", "-i", &format!("testsrc2=size=640x360:rate={rate}")]);
    command.args(["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=44100,volume=8"]);
    command.args(["-c:v", "libx264", "-preset", "medium", "-pix_fmt", "yuv420p", "-bf", "3"]);
    command.args(["-g", &(2 * rate).to_string()]);
    command.args(["-b:v", "550k", "-maxrate", "700k", "-bufsize", "700k", "-c:a", "aac", "-ac", "2"]);
    command.args(["-metadata:s:a:0", "language=zho", "-t", &seconds.to_string(), "-y"]).arg(file);
    Program::run(&mut command, PATIENCE).good("making a film");
}

/// The lesson, as soon as it is listed.
fn first_seen(server: &Server, id: &str) -> Value {
    wait_for(&format!("lesson {id}"), PATIENCE, || {
        server.client.items("/api/v1/lessons").into_iter().find(|l| l["id"] == id)
    })
}

/// What each packet of a file's picture is, by its hash, in order.
fn packets(file: &Path) -> Vec<String> {
    let mut command = ffmpeg();
    command.arg("-i").arg(file).args([
        "-map",
        "0:v",
        "-c",
        "copy",
        "-bsf:v",
        "filter_units=remove_types=6-9",
    ]);
    let told = Program::run(command.args(["-f", "framemd5", "-"]), PATIENCE).good("hashing packets");
    let packets = told.out.iter().filter(|l| !l.starts_with('#'));
    packets.filter_map(|l| Some(l.rsplit(',').next()?.trim().to_owned())).collect()
}

/// When each picture of a file is shown that decodes alone, seconds.
fn key_frames(file: &Path) -> Vec<String> {
    let mut command = std::process::Command::new("ffprobe");
    command.args(["-v", "error", "-select_streams", "v", "-show_entries", "packet=pts_time,flags"]);
    let told = Program::run(command.args(["-of", "csv=p=0"]).arg(file), PATIENCE).good("ffprobe");
    let keys = told.out.iter().filter(|l| l.contains(",K"));
    keys.filter_map(|l| l.split(',').next().map(str::to_owned)).collect()
}

fn manifest(county: &County, id: &str) -> Value {
    let text = fs::read(county.library().join(id).join("package.json")).expect("a package");
    serde_json::from_slice(&text).expect("a manifest")
}

/// Processes that package for this server.
fn workers(server: &Server) -> Vec<Pid> {
    let of_it = |pid: &str| {
        let read = |name: &str| fs::read_to_string(format!("/proc/{pid}/{name}")).unwrap_or_default();
        let parent = format!("PPid:\t{}\n", server.id());
        read("cmdline").contains("worker\0package") && read("status").contains(&parent)
    };
    let pids = names(Path::new("/proc")).into_iter().filter(|pid| of_it(pid));
    pids.filter_map(|pid| pid.parse().ok().map(Pid::from_raw)).collect()
}

/// A picture as 64 × 36 bytes of brightness: what `filter` leaves of the first one of a file.
fn grey(file: &Path, filter: &str) -> Vec<u8> {
    let mut command = std::process::Command::new("ffmpeg");
    command.args(["-nostdin", "-v", "error", "-i"]).arg(file);
    let filter = format!("{filter},scale=64:36:flags=area,format=gray");
    command.args(["-frames:v", "1", "-vf", &filter, "-f", "rawvideo", "-"]);
    let out = command.output().expect("ffmpeg").stdout;
    assert_eq!(out.len(), 64 * 36, "{filter} of {}", file.display());
    out
}

/// Each small picture is of the film's place that it stands for: one for each segment of 4 s.
fn storyboard_is_of(server: &Server, county: &County, film: &Path) {
    let board = &manifest(county, "pruning")["storyboard"];
    let told = |key: &str| board[key].as_u64().expect("a number");
    assert_eq!(["columns", "count", "width", "height", "interval_ms"].map(told), [10, 15, 160, 90, 4000]);
    let jpeg = server.client.good("/lessons/pruning/storyboard.jpg");
    assert_eq!(jpeg.header("content-type"), Some("image/jpeg"));
    let page = server.client.good("/lessons/pruning").text();
    assert!(page.contains("/lessons/pruning/storyboard.jpg?v="), "the player is told of it");
    let sheet = county.path("sheet.jpg");
    fs::write(&sheet, &jpeg.body).expect("written");
    let differ = |a: &[u8], b: &[u8]| a.iter().zip(b).map(|(a, b)| u32::from(a.abs_diff(*b))).sum::<u32>();
    let places: Vec<_> = (0..15).map(|n| grey(film, &format!("trim=start={}", n * 4))).collect();
    for n in 0..15 {
        let (x, y) = (n % 10 * 160, n / 10 * 90);
        let tile = grey(&sheet, &format!("crop=160:90:{x}:{y}"));
        let nearest = (0..15).min_by_key(|place| differ(&tile, &places[*place]));
        assert_eq!(nearest, Some(n));
    }
}

#[test]
fn it_is_watched_at_once_and_its_picture_stays_as_it_was() {
    let county = a_county();
    let server = Server::start(&county);
    let film = county.path("film.mp4");
    make_film(&film, 60);
    fs::copy(&film, county.inbox().join("pruning.mp4")).expect("dropped");

    let early = first_seen(&server, "pruning");
    assert_eq!(early["preliminary"], true, "it is shown before its other rungs are made: {early}");
    let jobs = server.client.items("/api/v1/packaging");
    let job = jobs.iter().find(|j| j["lesson"] == "pruning").expect("it is being made");
    assert_eq!((&job["state"], &job["playable"]), (&"running".into(), &true.into()), "{job}");
    assert_eq!(manifest(&county, "pruning")["tracks"].as_array().map(Vec::len), Some(2));
    server.client.good("/lessons/pruning/poster.jpg");
    let index = server.client.open("/lessons/pruning/index.m3u8");
    let played = decode(&server.client.url(&index), None).finish(PATIENCE);
    let played = without_errors(played, "ffmpeg on what came");
    assert_eq!(played.video.len(), 1500);
    let end = played.audio.last().expect("sound");
    assert!((59.8..60.2).contains(end), "the sound ends at {end} s");
    let whole = server.has_lesson("pruning");
    assert_ne!(whole["content_hash"], early["content_hash"]);
    assert_eq!(whole["duration_ms"], early["duration_ms"]);

    // Who began with what came ends with it.
    let again = decode(&server.client.url(&index), None).finish(PATIENCE);
    assert_eq!(without_errors(again, "ffmpeg on what came, later").video.len(), 1500);

    let folder = county.library().join("pruning");
    assert_eq!(packets(&folder.join("v360.mp4")), packets(&film), "not a bit of it was encoded again");
    let made = manifest(&county, "pruning");
    let segments: Vec<u64> =
        made["segments_us"].as_array().into_iter().flatten().flat_map(Value::as_u64).collect();
    assert!(segments.iter().all(|us| *us == 4_000_000), "{segments:?}");
    let best = key_frames(&folder.join("v360.mp4"));
    for rung in ["v240.mp4", "v144.mp4"] {
        let keys = key_frames(&folder.join(rung));
        assert_eq!(keys.len(), segments.len(), "{rung}");
        assert!(keys.iter().all(|at| best.contains(at)), "{rung}: {keys:?} of {best:?}");
    }
    storyboard_is_of(&server, &county, &film);
    let played = decode(&server.client.url("/lessons/pruning/index.m3u8"), None).finish(PATIENCE);
    assert_eq!(without_errors(played, "ffmpeg on the lesson").video.len(), 1500);
    // Both versions stand in the log: evidence of either can be read.
    for (kind, lesson) in [("playable", &early), ("packaged", &whole)] {
        let hash = lesson["content_hash"].as_str().expect("a hash");
        server.logged(&[&format!("lesson pruning: {kind}"), hash], PATIENCE);
    }
}

#[test]
fn what_was_shown_early_outlives_a_crash_and_goes_if_it_never_gets_whole() {
    let county = a_county();
    let server = Server::start(&county);
    let film = county.path("film.mp4");
    make_film(&film, 90);
    fs::copy(&film, county.inbox().join("sheep.mp4")).expect("dropped");
    assert_eq!(first_seen(&server, "sheep")["preliminary"], true);
    let address = server.client.address;
    server.kill();

    let server = Server::start_again(&county, address).ready();
    assert_eq!(first_seen(&server, "sheep")["preliminary"], true, "it is watched on");
    // Its worker dies as often as it is tried.
    let gone = || !server.client.items("/api/v1/lessons").iter().any(|l| l["id"] == "sheep");
    wait_for("the lesson to be taken away", PATIENCE, || {
        for pid in workers(&server) {
            // It may have ended by itself.
            let _ = kill(pid, Signal::SIGKILL);
        }
        std::thread::sleep(ms(200));
        gone().then_some(())
    });
    wait_for("the file to be put aside", PATIENCE, || {
        names(&county.path("media/rejected")).contains(&"sheep.mp4".to_owned()).then_some(())
    });
}

/// Of Matroska only times of presentation are known, in milliseconds.
#[test]
fn so_is_a_film_in_matroska() {
    let county = a_county();
    let server = Server::start(&county);
    let film = county.path("film.mkv");
    make_film_of(&film, 24, 30);
    fs::copy(&film, county.inbox().join("lambing.mkv")).expect("dropped");
    server.has_lesson("lambing");
    let best = county.library().join("lambing/v360.mp4");
    assert_eq!(packets(&best), packets(&film), "not a bit of it was encoded again");
    let millis = |file: &str| {
        let keys = key_frames(&county.library().join("lambing").join(file));
        keys.iter().map(|at| at.parse::<f64>().expect("seconds") * 1000.0).collect::<Vec<_>>()
    };
    let keys = millis("v360.mp4");
    for rung in ["v240.mp4", "v144.mp4"] {
        let others = millis(rung);
        assert_eq!(others.len(), 6, "{rung}");
        let near = |at: &f64| keys.iter().any(|key| (key - at).abs() < 1.0);
        assert!(others.iter().all(near), "{rung}: {others:?} of {keys:?}");
    }
    let played = decode(&server.client.url("/lessons/lambing/index.m3u8"), None).finish(PATIENCE);
    assert_eq!(without_errors(played, "ffmpeg on the lesson").video.len(), 24 * 30);
}
