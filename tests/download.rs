//! A lesson as one file: what a phone keeps and a stick carries.

#[expect(dead_code, reason = "each story uses its part of what they share")]
mod support;

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use support::county::a_county;
use support::media::{decode, package_lesson, without_errors};
use support::process::Program;
use support::server::{PATIENCE, Server};
use support::time::s;

const FILE: &str = "/lessons/wheat/download";

/// What ffprobe says of a file.
fn probe(file: &Path) -> Value {
    let mut command = Command::new("ffprobe");
    command.args(["-v", "error", "-of", "json", "-show_format", "-show_streams", "-count_packets"]).arg(file);
    let ended = Program::run(&mut command, PATIENCE).good("ffprobe");
    serde_json::from_str(&ended.text()).expect("JSON")
}

/// A hash of each stream's packets, as they are.
fn packets(file: &Path, stream: &str) -> String {
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-i"]).arg(file);
    command.args(["-map", stream, "-c", "copy", "-f", "streamhash", "-"]);
    Program::run(&mut command, PATIENCE).good("ffmpeg").text()
}

#[test]
fn a_lesson_is_one_file_in_the_language_asked_for() {
    let county = a_county();
    package_lesson(&county, "wheat", 20);
    let server = Server::start(&county);
    server.has_lesson("wheat");
    let client = &server.client;

    let whole = client.ask("GET", &format!("{FILE}?lang=ug-Arab"), &[]).with(200, "the lesson");
    assert_eq!(whole.header("content-type"), Some("video/mp4"));
    let name = whole.header("content-disposition").expect("a name");
    assert!(
        name.starts_with("attachment; filename=\"wheat.mp4\"") && name.contains("UTF-8''%E8%91%A1"),
        "{name}"
    );
    let file = county.path("wheat.mp4");
    fs::write(&file, &whole.body).expect("kept");
    // Its tables come first: it plays while it comes.
    let at = |kind: &[u8]| whole.body.windows(4).position(|w| w == kind).expect("a box");
    assert!(at(b"moov") < at(b"mdat") && !whole.body.windows(4).any(|w| w == b"moof"));
    let said = probe(&file);
    let streams = said["streams"].as_array().expect("streams");
    let kinds: Vec<_> = streams.iter().map(|s| s["codec_name"].as_str().expect("a codec")).collect();
    assert_eq!(kinds, ["h264", "aac"]);
    assert_eq!(streams[1]["tags"]["language"], "uig", "{said}");
    let length: f64 = said["format"]["duration"].as_str().and_then(|d| d.parse().ok()).expect("a length");
    assert!((19.9..20.2).contains(&length), "{length} s");
    let played = without_errors(decode(&file.display().to_string(), None).finish(PATIENCE), "the file");

    // The bytes are the package's.
    let manifest: Value =
        serde_json::from_slice(&fs::read(county.library().join("wheat/package.json")).expect("a package"))
            .expect("a manifest");
    let tracks = manifest["tracks"].as_array().expect("tracks");
    let of = |name: &str| {
        let track = tracks.iter().find(|t| t["name"] == name).unwrap_or(&tracks[0]);
        county.library().join("wheat").join(track["file"].as_str().expect("a file"))
    };
    let own = probe(&of(tracks[0]["name"].as_str().expect("a name")));
    let pictures = own["streams"][0]["nb_read_packets"].as_str().expect("a number");
    assert_eq!(streams[0]["nb_read_packets"], pictures, "{said}");
    assert_eq!(played.video.len().to_string(), pictures);
    assert_eq!(packets(&file, "0:v"), packets(&of(tracks[0]["name"].as_str().expect("a name")), "0:v"));
    assert_eq!(packets(&file, "0:a"), packets(&of("a-ug-Arab"), "0:a"));

    // A line that breaks goes on where it broke.
    let etag = whole.header("etag").expect("a tag").to_owned();
    let mut parts = Vec::new();
    for (from, to) in [(0, 99), (100, 40_000), (40_001, 700_000), (700_001, whole.body.len() - 1)] {
        let range = format!("bytes={from}-{to}");
        let part =
            client.ask("GET", &format!("{FILE}?lang=ug-Arab"), &[("range", &range), ("if-range", &etag)]);
        let part = part.with(206, "a part");
        assert_eq!(part.header("content-range"), Some(&*format!("bytes {from}-{to}/{}", whole.body.len())));
        parts.extend(part.body);
    }
    assert!(parts == whole.body, "the parts are the whole");
    let mut curl = Command::new("curl");
    let half = county.path("half.mp4");
    fs::write(&half, &whole.body[..123_457]).expect("half of it");
    curl.args(["-sS", "-C", "-", "-o"]).arg(&half).arg(client.url(&format!("{FILE}?lang=ug-Arab")));
    Program::run(&mut curl, PATIENCE).good("curl goes on");
    assert!(fs::read(&half).expect("a file") == whole.body);
    client.ask("GET", &format!("{FILE}?lang=ug-Arab"), &[("if-none-match", &etag)]).with(304, "it is known");
    let head = client.ask("HEAD", FILE, &[]).with(200, "how long it is");
    assert!(head.body.is_empty() && head.header("content-length").is_some());
    client.ask("GET", FILE, &[("range", "bytes=99999999999-")]).with(416, "behind its end");

    // Less of it.
    let rungs: Vec<&str> =
        tracks.iter().filter_map(|t| t["name"].as_str()).filter(|n| n.starts_with('v')).collect();
    let small = client.good(&format!("{FILE}?rung={}", rungs.last().expect("a rung")));
    assert!(small.body.len() < whole.body.len());
    let sound = client.good(&format!("{FILE}?rung=sound&lang=zh-Hans"));
    assert_eq!(sound.header("content-type"), Some("audio/mp4"));
    let file = county.path("wheat.m4a");
    fs::write(&file, &sound.body).expect("kept");
    let said = probe(&file);
    assert_eq!(said["streams"].as_array().map(Vec::len), Some(1), "{said}");
    assert_eq!(said["streams"][0]["tags"]["language"], "zho", "{said}");
    let none = client.ask("GET", &format!("{FILE}?rung=v9999"), &[]).with(404, "no such picture");
    assert!(none.text().contains(rungs[0]), "{}", none.text());
    client.get("/lessons/barley/download").with(404, "no such lesson");

    // Its page leads there.
    let page = client.good("/lessons/wheat?lang=zh-Hans").text();
    assert!(page.contains(&format!("{FILE}?lang=ug-Arab")), "{page}");
    let mut mpv = Command::new("mpv");
    mpv.args(["--no-config", "--vo=null", "--ao=null", "--untimed", "--msg-level=all=warn"]);
    mpv.arg(client.url(FILE));
    let ended = Program::run(&mut mpv, PATIENCE + s(30)).good("mpv from the server");
    assert!(!ended.text().to_lowercase().contains("error"), "{}", ended.text());
}

#[test]
fn lessons_are_found_by_words_of_any_language() {
    let county = a_county();
    package_lesson(&county, "wheat", 8);
    let server = Server::start(&county);
    server.has_lesson("wheat");
    let finds = |query: &str| {
        let page = server.client.good(&format!("/lessons?q={query}&lang=en")).text();
        (page.contains("href=\"/lessons/wheat\""), page.contains("No lesson has these words"))
    };
    for query in ["%E8%91%A1%E8%90%84", "GRAPE", "grapes+%E6%A0%BD%E5%9F%B9", "", "whea"] {
        assert_eq!(finds(query), (true, false), "{query}");
    }
    assert_eq!(finds("barley"), (false, true));
    let page = server.client.good("/lessons?q=%3Cscript%3E&lang=en").text();
    assert!(!page.contains("<script>\"") && page.contains("value=\"&#60;script&#62;\""), "{page}");
    server.client.get("/lessons?from=x").with(400, "no number");
}
