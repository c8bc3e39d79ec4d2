//! A channel as televisions get it: MPEG-TS over HTTP and in datagrams, and HLS
//! with MPEG-TS for boxes that take nothing else.

#[expect(dead_code, reason = "each story uses its part of what they share")]
mod support;

use std::io::Read;
use std::net::UdpSocket;
use std::process::Command;

use jiff::{SignedDuration, Timestamp};
use nix::sys::signal::Signal;
use support::county::{County, Entry, Plays, a_county, token};
use support::media::{Upstream, decode, free_udp_port, package_lesson, vlc, without_errors};
use support::process::Program;
use support::server::{PATIENCE, Server};
use support::time::{Stopwatch, now, s, wait_for};
use support::ts_check::{Report, check};

/// Relay and lesson by turns of 14 s.
fn programme(county: &County) {
    let start = Timestamp::from_second(now().as_second() + 4).expect("soon");
    let at = |n: i64| start + SignedDuration::from_secs(n * 14);
    let entry = |n: i64| {
        let plays = if n % 2 == 0 { Plays::Relay("national") } else { Plays::Lesson("grapes") };
        Entry { start: at(n), end: at(n + 1), plays, title: ["转播", "葡萄栽培"][n as usize % 2] }
    };
    county.schedule(&(0..9).map(entry).collect::<Vec<_>>());
}

/// What comes within this time.
fn read_for(mut from: impl Read, seconds: u64) -> Vec<u8> {
    let watch = Stopwatch::start();
    let (mut all, mut chunk) = (Vec::new(), vec![0; 64 << 10]);
    while watch.passed() < s(seconds) {
        match from.read(&mut chunk) {
            Ok(0) => break,
            Ok(n) => all.extend_from_slice(&chunk[..n]),
            Err(error) => panic!("the stream broke: {error}"),
        }
    }
    all
}

/// The segments that came whole: all counters begin at 0 with each, and its
/// first picture begins there.
fn whole(stream: &[u8]) -> &[u8] {
    let packets: Vec<&[u8]> = stream.chunks_exact(188).collect();
    let pid = |p: &[u8]| usize::from(p[1] & 0x1f) << 8 | usize::from(p[2]);
    let zero = |p: &[u8]| p[3] & 0x0f == 0;
    let begins = |at: &usize| {
        let picture = packets[*at..].iter().find(|p| pid(p) == 0x100 && p[3] & 0x10 != 0);
        let starts = picture.is_some_and(|p| zero(p) && p[1] & 0x40 != 0);
        pid(packets[*at]) == 0 && zero(packets[*at]) && starts
    };
    let first = (0..packets.len()).find(begins).expect("the start of a segment");
    let last = (0..packets.len()).rev().find(begins).expect("the start of a segment");
    &stream[first * 188..last * 188]
}

/// The languages, names and programmes that a set shows.
#[track_caller]
fn tells_all(report: &Report) {
    assert_eq!(report.languages.values().collect::<Vec<_>>(), ["zho", "uig"]);
    assert!(report.services.contains(&("试验县".to_owned(), "乡土课堂".to_owned())), "{:?}", report.services);
    assert!(report.names.iter().any(|(lang, _, name)| lang == "uig" && name == "يۇرت دەرسخانىسى"));
    for title in ["转播", "葡萄栽培"] {
        assert!(report.events.iter().any(|(.., said, _)| said == title), "{title}: {:?}", report.events);
    }
}

/// VLC shows pictures, knows the service, and never has to find its clock again.
#[track_caller]
fn plays_without_a_break(mut player: Program) {
    assert!(player.is_running(), "VLC ended early: {:#?}", player.err.all());
    let said = player.err.all();
    player.signal(Signal::SIGINT);
    player.finish(PATIENCE);
    for needed in ["Received first picture", "name=乡土课堂", "EITCallBack called"] {
        assert!(said.iter().any(|line| line.contains(needed)), "{needed}: {said:#?}");
    }
    let breaks = ["ES_OUT_RESET_PCR", "discontinuity", "lost", "too late", "timestamp conversion failed"];
    let broke = |line: &&String| breaks.iter().any(|what| line.contains(what));
    let broken: Vec<_> = said.iter().filter(broke).collect();
    assert!(broken.is_empty(), "VLC: {broken:#?}");
}

#[test]
fn a_television_gets_one_stream_across_all_changes() {
    let (port, out, steady) =
        (free_udp_port(), free_udp_port(), UdpSocket::bind("127.0.0.1:0").expect("a port"));
    let rate = 3_000_000u64;
    let county = a_county().with_relay("national", port).with(&format!(
        "\n[[channel]]\nid = \"out\"\nnumber = 2\nname = {{ zh-Hans = \"转播\" }}\nlang = \"zh-Hans\"\n\
         outputs = [\"udp://127.0.0.1:{}?rate={rate}\", \"rtp://127.0.0.1:{out}\"]\n",
        steady.local_addr().expect("its number").port()
    ));
    std::fs::write(
        county.path("schedules/out.toml"),
        "channel = \"out\"\n\n[[weekly]]\ndays = \"daily\"\nstart = \"00:00\"\nrelay = \"national\"\n",
    )
    .expect("a schedule");
    package_lesson(&county, "grapes", 12);
    let _upstream = Upstream::to(port);
    let server = Server::start(&county);
    server.has_relay("national");
    programme(&county);

    // Over HTTP, for nearly a minute: relay, lesson, slate.
    let url = server.client.url(&format!("/channels/xiangtu.ts?terminal={}", token("hall")));
    let player = vlc(&url);
    let answer = ureq::get(&url).call().expect("a stream");
    assert_eq!(answer.headers()["content-type"], "video/mp2t");
    let stream = read_for(answer.into_body().into_reader(), 55);
    let stream = whole(&stream);
    let report = check(stream);
    assert_eq!(report.errors, Vec::<String>::new());
    assert!(report.pcr_interval_ms <= 40.0, "{}", report.pcr_interval_ms);
    plays_without_a_break(player);
    tells_all(&report);
    let pictures = report.pes[&0x100];
    assert!((50 * 25..=66 * 25).contains(&pictures), "{pictures} pictures in 55 s and what was sent ahead");
    // It counts as watched.
    let site = server.client.get("/sites/dongmen").with(200, "the site's page").text();
    assert!(site.contains("乡土课堂"), "{site}");

    // ffprobe reads the same, and ffmpeg decodes it without a word.
    let file = county.path("stream.ts");
    std::fs::write(&file, stream).expect("a file");
    let mut probe = Command::new("ffprobe");
    probe.args([
        "-v",
        "error",
        "-show_entries",
        "program_tags=service_name:stream_tags=language",
        "-of",
        "csv",
    ]);
    let probed = Program::run(probe.arg(&file), PATIENCE).good("ffprobe");
    let said = probed.out.join("\n");
    assert!(said.contains("乡土课堂") && said.contains("zho") && said.contains("uig"), "{said}");
    without_errors(decode(&file.to_string_lossy(), None).finish(PATIENCE), "ffmpeg");

    // In datagrams at a constant rate.
    let mut datagrams = Vec::new();
    steady.set_read_timeout(Some(s(20))).expect("a limit");
    let mut packet = [0; 2048];
    // What came while nobody listened was kept by the system, as far as there was room.
    steady.set_nonblocking(true).expect("not waiting");
    while steady.recv(&mut packet).is_ok() {}
    steady.set_nonblocking(false).expect("waiting");
    let watch = Stopwatch::start();
    while watch.passed() < s(15) {
        let n = steady.recv(&mut packet).expect("a datagram");
        assert_eq!(n % 188, 0);
        datagrams.extend_from_slice(&packet[..n]);
    }
    let report = check(whole(&datagrams));
    assert_eq!(report.errors, Vec::<String>::new());
    assert!(report.pcr_deviation_ns < 500.0, "{} ns", report.pcr_deviation_ns);
    assert!(report.counts.contains_key(&0x1fff), "filled up");
    let measured = datagrams.len() as f64 * 8.0 / 15.0;
    assert!((measured / rate as f64 - 1.0).abs() < 0.1, "{measured} bit/s");

    // And in RTP, which ffmpeg receives.
    let sdp = county.path("out.sdp");
    let text = format!(
        "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=out\nc=IN IP4 127.0.0.1\nt=0 0\nm=video {out} RTP/AVP 33\n"
    );
    std::fs::write(&sdp, text).expect("a description");
    let mut receiver = support::media::ffmpeg();
    receiver.args(["-v", "error", "-protocol_whitelist", "file,rtp,udp", "-i"]).arg(&sdp);
    receiver.args(["-t", "8", "-map", "0:v:0", "-f", "framecrc", "-"]);
    let received = Program::start(&mut receiver).finish(s(60)).good("ffmpeg on RTP");
    let pictures = received.out.iter().filter(|l| l.starts_with('0')).count();
    assert!(pictures >= 150, "{pictures} pictures over RTP: {:#?} {:#?}", received.err, received.out);
}

#[test]
fn a_box_that_takes_only_mpeg_ts_follows_the_channel() {
    let port = free_udp_port();
    let county = a_county().with_relay("national", port);
    package_lesson(&county, "grapes", 12);
    let _upstream = Upstream::to(port);
    let server = Server::start(&county);
    server.has_relay("national");
    programme(&county);
    wait_for("the relay on air", PATIENCE, || server.as_run().pop().filter(|a| a["relay"] == "national"));
    let index = server.client.open("/channels/xiangtu/index.m3u8?container=ts&lang=ug-Arab");
    let list = server.client.get(&index).with(200, "the rungs").text();
    assert!(list.contains("v360.m3u8") && !list.contains("EXT-X-MEDIA:"), "{list}");
    let media = server.client.get(&index.replace("index.m3u8", "v360.m3u8")).with(200, "a rung").text();
    assert!(media.contains(".ts") && !media.contains("EXT-X-MAP"), "{media}");
    let player = decode(&server.client.url(&index), Some(s(40)));
    let decoded = without_errors(player.finish(s(120)), "a player of MPEG-TS");
    assert!(decoded.video.len() >= 40 * 25 - 30, "{} pictures", decoded.video.len());
    // No segment ahead of its time, and none of another name.
    for bad in ["v360-999999.ts", "v360-01.ts", "v999-1.ts", "x.ts"] {
        let path = index.replace("index.m3u8", bad);
        assert_eq!(server.client.get(&path).status, 404, "{bad}");
    }
    // The same of the past: what the box's list appends for a programme missed.
    let listed = server.client.get("/channels.m3u?container=ts").with(200, "the list").text();
    assert!(listed.contains("/index.m3u8?container=ts\n"), "{listed}");
    assert!(listed.contains("catchup-source=\"&from=${start}&to=${end}\""), "{listed}");
    let (from, to) = (now().as_second() - 30, now().as_second() - 10);
    let ask = format!("/channels/xiangtu/index.m3u8?container=ts&from={from}&to={to}");
    let index = server.client.open(&ask);
    let media = server.client.get(&index.replace("index.m3u8", "v360.m3u8")).with(200, "the past").text();
    assert!(media.contains("../v360-") && media.contains("EXT-X-ENDLIST"), "{media}");
    let decoded =
        without_errors(decode(&server.client.url(&index), None).finish(s(60)), "a player of the past");
    assert!((19 * 25..31 * 25).contains(&decoded.video.len()), "{} pictures", decoded.video.len());
    for (path, status) in [
        (index.replace("index.m3u8", "v360-1.ts"), 404),
        (format!("/channels/xiangtu.ts?from={from}&to={to}"), 400),
        (ask.replace("from=", "from=9"), 400),
    ] {
        assert_eq!(server.client.get(&path).status, status, "{path}");
    }
    // A television that knows no playlists.
    let listed = server.client.get("/channels.m3u?container=stream").with(200, "the list").text();
    assert!(listed.contains("/channels/xiangtu.ts\n") && !listed.contains("catchup"), "{listed}");
}
