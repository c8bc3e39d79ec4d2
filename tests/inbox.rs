//! The inbox: what an office drops into a folder becomes a lesson, or is
//! turned away with a reason.

#[expect(dead_code, reason = "each story uses its part of what they share")]
mod support;

use std::fs;
use std::io::Write;
use std::path::Path;

use serde_json::Value;
use support::county::{County, a_county, names};
use support::media::{decode, ffmpeg, make_lesson, make_subtitles, without_errors};
use support::playlist;
use support::process::Program;
use support::server::{PATIENCE, Server};
use support::time::{ms, s, wait_for};

fn strings(value: &Value) -> Vec<&str> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

/// The job of a lesson in the packaging queue.
fn job(server: &Server, lesson: &str) -> Option<Value> {
    server.client.items("/api/v1/packaging").into_iter().find(|j| j["lesson"] == lesson)
}

#[test]
fn a_file_becomes_a_lesson() {
    let county = a_county();
    let server = Server::start(&county);
    let (made, inbox) = (county.path("made.mkv"), county.inbox());
    make_lesson(&made, 10);
    make_subtitles(&inbox.join("grape-pruning.zh-Hans.srt"), "冬季修剪");
    make_subtitles(&inbox.join("grape-pruning.ug-Arab.srt"), "قىشلىق پۇتاش");
    fs::write(inbox.join("grape-pruning.toml"), "zh-Hans = \"葡萄冬季修剪\"\nug-Arab = \"ئۈزۈم پۇتاش\"\n")
        .expect("titles");
    fs::copy(&made, inbox.join("grape-pruning.mkv")).expect("dropped");

    let lesson = server.has_lesson("grape-pruning");
    assert_eq!(lesson["titles"]["zh-Hans"], "葡萄冬季修剪");
    assert_eq!(strings(&lesson["audio"]), ["zh-Hans", "ug-Arab"]);
    let mut subtitles = strings(&lesson["subtitles"]);
    subtitles.sort_unstable();
    assert_eq!(subtitles, ["ug-Arab", "zh-Hans"]);
    let length = lesson["duration_ms"].as_f64().expect("a length");
    assert!((9_900.0..=10_200.0).contains(&length), "{length} ms");

    let client = &server.client;
    let index = client.open("/lessons/grape-pruning/index.m3u8");
    let multivariant = client.good(&index).text();
    for rung in ["x360,", "x240,", "x144,"] {
        assert!(multivariant.contains(rung), "no rung of {rung}: {multivariant}");
    }
    for rendition in playlist::renditions(&multivariant) {
        let path = support::http::resolve(&index, &rendition);
        let media = playlist::fetch(client, &path);
        assert!(media.ended && media.kind.as_deref() == Some("VOD"), "{path}: {media:?}");
        for segment in &media.segments {
            client.good(&support::http::resolve(&path, &segment.uri));
        }
    }
    let words =
        client.good(&support::http::resolve(&index, &server.live(&index, "s-ug-Arab").segments[0].uri));
    assert!(words.text().contains("قىشلىق پۇتاش"), "{}", words.text());
    let poster = client.good("/lessons/grape-pruning/poster.jpg");
    assert_eq!(poster.header("content-type"), Some("image/jpeg"));
    assert!(poster.body.starts_with(&[0xff, 0xd8, 0xff]) && poster.body.len() > 1000);
    client.good("/lessons/grape-pruning");

    let played = decode(&client.url("/lessons/grape-pruning/index.m3u8"), None).finish(PATIENCE);
    let played = without_errors(played, "ffmpeg on the lesson");
    assert!((248..=252).contains(&played.video.len()), "{} frames of 250", played.video.len());
    let end = played.audio.last().expect("sound");
    assert!((9.8..10.2).contains(end), "the sound ends at {end} s");
    wait_for("an empty inbox", PATIENCE, || names(&inbox).is_empty().then_some(()));
    assert!(names(&county.path("media/originals")).contains(&"grape-pruning.mkv".to_owned()));
}

#[test]
fn sound_alone_becomes_a_lesson_that_shows_its_title() {
    let county = a_county();
    let server = Server::start(&county);
    let inbox = county.inbox();
    let sound = |name: &str, tone: u32, seconds: u32| {
        let path = inbox.join(name);
        let mut command = ffmpeg();
        command.args(["-f", "lavfi", "-i", &format!("sine=frequency={tone}:sample_rate=44100")]);
        Program::run(command.args(["-t", &seconds.to_string()]).arg(path), PATIENCE).good(name);
    };
    // What carries a language comes first, and waits.
    sound("wheat.ug-Arab.m4a", 330, 11);
    std::thread::sleep(s(4));
    fs::write(inbox.join("wheat.toml"), "zh-Hans = \"冬小麦浇水\"\n").expect("titles");
    sound("wheat.mp3", 440, 10);
    let lesson = server.has_lesson("wheat");
    assert_eq!(strings(&lesson["audio"]), ["zh-Hans", "ug-Arab"]);
    let played = decode(&server.client.url("/lessons/wheat/index.m3u8"), None).finish(PATIENCE);
    let played = without_errors(played, "ffmpeg on the lesson");
    // As long as its longest sound.
    assert!((274..=277).contains(&played.video.len()), "{} frames of 275", played.video.len());
    let poster = server.client.good("/lessons/wheat/poster.jpg");
    assert!(
        poster.body.starts_with(&[0xff, 0xd8, 0xff]) && poster.body.len() > 5000,
        "its title is to be read"
    );
    wait_for("an empty inbox", PATIENCE, || names(&inbox).is_empty().then_some(()));
}

#[test]
fn a_recorders_file_is_called_what_its_tags_say() {
    let county = a_county();
    let server = Server::start(&county);
    let sound = |name: &str| {
        let path = county.path(name);
        let mut command = ffmpeg();
        command.args(["-f", "lavfi", "-i", "sine=frequency=330", "-t", "5", "-id3v2_version", "0"]);
        Program::run(command.arg(&path), PATIENCE).good(name);
        // ID3v1 as programs of Chinese Windows wrote it: 30 bytes of title, and no word of how
        // it is encoded.
        let mut tag = [0_u8; 128];
        let title = encoding_rs::GBK.encode("冬小麦浇水").0.into_owned();
        tag[..3].copy_from_slice(b"TAG");
        tag[3..3 + title.len()].copy_from_slice(&title);
        let mut file = fs::OpenOptions::new().append(true).open(&path).expect("a sound");
        file.write_all(&tag).expect("a tag");
        path
    };
    let (recorded, named) = (sound("REC_0001.mp3"), sound("葡萄.mp3"));
    fs::rename(recorded, county.inbox().join("REC_0001.mp3")).expect("the inbox takes it");
    fs::rename(named, county.inbox().join("葡萄.mp3")).expect("the inbox takes it");
    let lessons = wait_for("both lessons", PATIENCE, || {
        let lessons = server.client.items("/api/v1/lessons");
        (lessons.len() == 2).then_some(lessons)
    });
    let mut titles: Vec<&str> = lessons.iter().filter_map(|l| l["titles"]["zh-Hans"].as_str()).collect();
    titles.sort_unstable();
    // Whoever called a file by a name meant it.
    assert_eq!(titles, ["冬小麦浇水", "葡萄"]);
}

#[test]
fn a_file_that_is_still_being_copied_is_waited_for() {
    let county = a_county();
    let server = Server::start(&county);
    let made = county.path("made.mkv");
    make_lesson(&made, 6);
    let bytes = fs::read(&made).expect("a lesson");
    let mut copy = fs::File::create(county.inbox().join("slow.mkv")).expect("a copy");
    for part in bytes.chunks(bytes.len() / 5 + 1) {
        copy.write_all(part).and_then(|()| copy.sync_all()).expect("a part");
        std::thread::sleep(ms(1200));
        assert!(job(&server, "slow").is_none(), "taken while it was copied");
    }
    drop(copy);
    let lesson = server.has_lesson("slow");
    let length = lesson["duration_ms"].as_f64().expect("a length");
    assert!((5_900.0..=6_200.0).contains(&length), "{length} ms");
    assert_eq!(names(&county.path("media/rejected")), Vec::<String>::new());
}

#[test]
fn what_is_no_lesson_is_turned_away_with_a_reason() {
    let county = a_county();
    let mut server = Server::start(&county);
    let (inbox, rejected) = (county.inbox(), county.path("media/rejected"));
    let made = county.path("whole.mp4");
    make_lesson(&made, 6);
    let bytes = fs::read(&made).expect("a lesson");
    fs::write(inbox.join("empty.mp4"), []).expect("dropped");
    // Its index stood at the end.
    fs::write(inbox.join("truncated.mp4"), &bytes[..bytes.len() / 2]).expect("dropped");
    fs::write(inbox.join("text.mp4"), "会议记录\n".repeat(2000)).expect("dropped");
    for name in ["empty.mp4", "truncated.mp4", "text.mp4"] {
        let reason = wait_for(&format!("a reason for {name}"), PATIENCE, || {
            fs::read_to_string(rejected.join(format!("{name}.reason.txt"))).ok().filter(|r| !r.is_empty())
        });
        let words = reason.split_whitespace().count();
        assert!(words >= 4 && !reason.contains("panicked") && !reason.contains("gst"), "{name}: {reason}");
        assert!(rejected.join(name).exists(), "{name} is kept beside its reason");
        assert!(!inbox.join(name).exists(), "{name} is out of the inbox");
    }
    assert_eq!(server.client.items("/api/v1/lessons"), Vec::<Value>::new());
    for failed in ["truncated", "text"] {
        let job = job(&server, failed).expect("its job is told of");
        assert_eq!(job["state"], "failed", "{job}");
        assert!(job["message"].as_str().is_some_and(|m| !m.is_empty()), "{job}");
    }
    // And the next one is taken.
    fs::copy(&made, inbox.join("whole.mp4")).expect("dropped");
    server.has_lesson("whole");
    assert!(server.is_running());
}

#[test]
fn a_playlist_in_a_videos_clothes_fetches_nothing_and_reads_nothing() {
    let county = a_county();
    let server = Server::start(&county);
    let (inbox, rejected) = (county.inbox(), county.path("media/rejected"));
    let secret = county.path("secret.mp4");
    make_lesson(&secret, 6);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.set_nonblocking(true).expect("asked, not waited for");
    let port = listener.local_addr().expect("its address").port();
    let list =
        |target: &str| format!("#EXTM3U\n#EXT-X-TARGETDURATION:6\n#EXTINF:6,\n{target}\n#EXT-X-ENDLIST\n");
    fs::write(inbox.join("outward.mp4"), list(&format!("http://127.0.0.1:{port}/inner.ts")))
        .expect("dropped");
    fs::write(inbox.join("inward.mp4"), list(&format!("file://{}", secret.display()))).expect("dropped");
    for name in ["outward.mp4", "inward.mp4"] {
        wait_for(&format!("a reason for {name}"), PATIENCE, || {
            fs::read_to_string(rejected.join(format!("{name}.reason.txt"))).ok().filter(|r| !r.is_empty())
        });
    }
    assert!(listener.accept().is_err(), "nobody was asked");
    assert_eq!(server.client.items("/api/v1/lessons"), Vec::<Value>::new());
}

/// Packages half done.
fn unfinished(county: &County) -> Vec<String> {
    names(&county.library()).into_iter().filter(|n| n.starts_with(".tmp-")).collect()
}

fn is_whole(package: &Path) -> bool {
    fs::read(package.join("package.json")).is_ok_and(|j| serde_json::from_slice::<Value>(&j).is_ok())
}

#[test]
fn a_crash_in_the_middle_leaves_no_half_lesson() {
    let county = a_county();
    let (played, made) = (county.path("played.mkv"), county.path("made.mkv"));
    make_lesson(&played, 60);
    // As no browser plays it: nothing of it is shown before all is done.
    let mut command = ffmpeg();
    command.arg("-i").arg(&played).args(["-map", "0", "-c:a", "copy", "-c:v", "mpeg2video", "-b:v", "1M"]);
    Program::run(command.arg(&made), PATIENCE).good("another codec");
    let server = Server::start(&county);
    let address = server.client.address;
    fs::copy(&made, county.inbox().join("long.mkv")).expect("dropped");
    let half = wait_for("packaging under way", PATIENCE, || {
        let running = job(&server, "long").is_some_and(|j| j["percent"].as_f64() >= Some(10.0));
        Some(unfinished(&county)).filter(|names| running && !names.is_empty())
    });
    server.kill();
    assert!(!county.library().join("long").exists(), "it was too fast to be caught half done");

    let server = Server::start_again(&county, address).ready();
    for lesson in server.client.items("/api/v1/lessons") {
        assert_ne!(lesson["id"], "long", "half a package is shown");
    }
    wait_for("what was half done to be removed", s(20), || {
        half.iter().all(|name| !county.library().join(name).exists()).then_some(())
    });
    let lesson = server.has_lesson("long");
    let length = lesson["duration_ms"].as_f64().expect("a length");
    assert!((59_900.0..=60_200.0).contains(&length), "{length} ms");
    assert!(is_whole(&county.library().join("long")));
    assert_eq!(unfinished(&county), Vec::<String>::new());
    server.client.good("/lessons/long");
}
