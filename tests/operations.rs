//! A day of the operator: checking files, editing schedules on air, reading
//! the configuration again, stopping, and the guide for machines.

#[expect(dead_code, reason = "each story uses its part of what they share")]
mod support;

use std::io::{Read, Write};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use support::county::{Entry, Plays, a_county, terminal_table, token};
use support::http::resolve;
use support::media::package_lesson;
use support::process::{Ended, Program, yuanjiao};
use support::rules::Referee;
use support::server::{PATIENCE, Server};
use support::time::{Stopwatch, ms, now, s, wait_for};

fn check(config: &Path) -> Ended {
    Program::run(yuanjiao(["check", "--config"]).arg(config), PATIENCE)
}

fn after(seconds: i64) -> Timestamp {
    now() + SignedDuration::from_secs(seconds)
}

#[test]
fn the_example_county_is_good_and_says_what_is_missing() {
    let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/county.toml");
    let checked = check(&config).good("checking the example");
    let text = checked.text();
    let lesson =
        checked.out.iter().find(|l| l.contains("grape-pruning")).expect("a lesson that is not there");
    assert!(lesson.contains("warning") && is_place(lesson, "xiangtu.toml"), "{lesson}");
    assert!(text.contains("3 channels, 2 relays, 6 sites, 8 terminals"), "{text}");
}

/// True if `line` begins with `….<file>:<line>:<column>: `.
fn is_place(line: &str, file: &str) -> bool {
    let Some((_, rest)) = line.split_once(&format!("{file}:")) else { return false };
    let mut parts = rest.splitn(3, ':');
    let mut number = || parts.next().is_some_and(|n| n.parse::<u32>().is_ok());
    number() && number() && parts.next().is_some_and(|t| t.starts_with(' '))
}

#[test]
fn a_mistake_is_shown_where_it_stands() {
    let county = a_county().with("\n[[townshp]]\nid = \"x\"\n");
    let text = std::fs::read_to_string(county.config()).expect("the configuration");
    let line = 1 + text.lines().position(|l| l == "[[townshp]]").expect("the mistake");
    let checked = check(&county.config());
    assert_eq!(checked.code(), Some(1), "{checked:?}");
    let complaint = checked.out.iter().find(|l| l.contains("townshp")).expect("the unknown key is named");
    assert!(
        complaint.contains(&format!("county.toml:{line}:")) && is_place(complaint, "county.toml"),
        "{complaint}"
    );
    assert!(complaint.contains("township"), "what was meant is suggested: {complaint}");

    let served = Program::run(yuanjiao(["serve", "--config"]).arg(county.config()), PATIENCE);
    assert_eq!(served.code(), Some(1), "{served:?}");
    assert!(served.err.iter().any(|l| l.contains("townshp")), "{served:?}");
    let missing = check(&county.path("none.toml"));
    assert_eq!(missing.code(), Some(1), "{missing:?}");
    assert!(missing.text().contains("none.toml"), "{missing:?}");

    let county = a_county();
    county.schedule_text(
        "channel = \"xiangtu\"\n\n[[weekly]]\ndays = \"daily\"\nstart = \"25:00\"\nplay = []\n",
    );
    let checked = check(&county.config());
    assert_eq!(checked.code(), Some(1), "{checked:?}");
    assert!(checked.out.iter().any(|l| is_place(l, "xiangtu.toml") && l.contains(":5:")), "{checked:?}");
}

#[test]
fn a_command_line_that_makes_no_sense_is_refused() {
    for line in [&["serve", "--nonsense"][..], &[], &["guide", "--format", "pdf"], &["package"], &["dance"]] {
        let ended = Program::run(&mut yuanjiao(line), PATIENCE);
        assert_eq!(ended.code(), Some(2), "{line:?}: {ended:?}");
        assert!(ended.err.iter().any(|l| l.contains("Usage") || l.contains("--help")), "{line:?}: {ended:?}");
    }
    for line in
        [&["--help"][..], &["serve", "--help"], &["check", "--help"], &["package", "--help"], &["--version"]]
    {
        let ended = Program::run(&mut yuanjiao(line), PATIENCE).good("help");
        assert!(ended.text().len() > 10, "{line:?}");
    }
}

#[test]
fn nonsense_changes_nothing_and_a_good_edit_takes_effect_at_once() {
    let county = a_county();
    package_lesson(&county, "grapes", 30);
    let entry =
        |title| [Entry { start: after(3600), end: after(7200), plays: Plays::Lesson("grapes"), title }];
    county.schedule(&entry("葡萄栽培"));
    let mut server = Server::start(&county);
    let client = server.client.clone();
    let programmes = || client.good("/api/v1/channels/xiangtu/programmes").text();
    assert!(programmes().contains("葡萄栽培"));
    let mut referee = Referee::of(&client, &server.open_channel());
    referee.look();

    let before = programmes();
    county.schedule_text("channel = \"xiangtu\"\n[[once]]\ndate = 2026-13-77\nstart = noon\n");
    let said = server.logged(&["ERROR", "xiangtu.toml:"], PATIENCE);
    assert!(
        is_place(&said.to_string(), "xiangtu.toml") || said.to_string().contains("xiangtu.toml:3:"),
        "{said}"
    );
    server.logged(&["last good schedule"], PATIENCE);
    assert_eq!(strip(&programmes()), strip(&before));
    referee.look();

    let mut edited = entry("牲畜冬季饲养").to_vec();
    edited.insert(
        0,
        Entry { start: after(-1), end: after(600), plays: Plays::Lesson("grapes"), title: "现在就学" },
    );
    county.schedule(&edited);
    let watch = Stopwatch::start();
    wait_for("the new programme in the guide", s(20), || programmes().contains("牲畜冬季饲养").then_some(()));
    // Two seconds are promised; the rest is for a busy machine.
    assert!(watch.passed() < s(5), "the edit took {:?}", watch.passed());
    let airing = wait_for("the lesson on air", s(20), || {
        server.as_run().into_iter().find(|a| a["source"] == "lesson" && a["titles"]["zh-Hans"] == "现在就学")
    });
    assert_eq!(airing["lesson"], "grapes");
    wait_for("the lesson in the playlist", PATIENCE, || {
        referee.look();
        let listed = server.live(&server.open_channel(), "v360");
        listed.segments.iter().any(|x| x.address().starts_with("lesson.grapes.")).then_some(())
    });
    referee.no_complaints();
    assert!(server.is_running());
}

/// A listing without what changes while time passes.
fn strip(listing: &str) -> Value {
    let mut value: Value = serde_json::from_str(listing).expect("JSON");
    if let Some(map) = value.as_object_mut() {
        map.retain(|key, _| !matches!(key.as_str(), "from" | "to" | "now"));
    }
    value
}

#[test]
fn the_configuration_is_read_again_on_sighup() {
    let mut county = a_county();
    let server = Server::start(&county);
    let client = server.client.clone();
    let index = server.open_channel();
    let mut referee = Referee::of(&client, &index);
    referee.look();
    let open = || {
        client.post(
            "/api/v1/sessions",
            &[("authorization", &format!("Bearer {}", token("library")))],
            &json!({"channel": "xiangtu"}),
        )
    };
    open().with(401, "a terminal that is not enrolled yet");

    let config = std::fs::read_to_string(county.config()).expect("the configuration");
    county.add(&terminal_table("library", "baghcha"));
    let added = std::fs::read_to_string(county.config()).expect("the configuration");
    std::fs::write(county.config(), added.replace("Homeland Classroom", "Evening Classroom"))
        .expect("edited");
    server.signal(Signal::SIGHUP);
    server.logged(&["was read again"], PATIENCE);
    // Whoever watches notices nothing.
    for _ in 0..20 {
        referee.look();
        std::thread::sleep(ms(100));
    }
    referee.no_complaints();
    assert_eq!(client.items("/api/v1/channels")[0]["names"]["en"], "Evening Classroom");
    open().with(201, "the new terminal");

    std::fs::write(county.config(), config.replace("[http]", "[htttp]")).expect("spoilt");
    server.signal(Signal::SIGHUP);
    server.logged(&["ERROR", "htttp"], PATIENCE);
    server.logged(&["last good one stays in force"], PATIENCE);
    assert_eq!(client.items("/api/v1/channels")[0]["names"]["en"], "Evening Classroom");
    referee.look();
    referee.no_complaints();
}

#[test]
fn stopping_lets_a_slow_download_finish() {
    let county = a_county();
    package_lesson(&county, "grapes", 12);
    let server = Server::start(&county);
    let index = server.client.open("/lessons/grapes/index.m3u8");
    let media = server.live(&index, "v240");
    let path = resolve(&index, &media.segments[0].uri);
    let whole = server.client.good(&path).body;

    // A thin line: hardly anything fits on the way.
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).expect("a socket");
    socket.set_recv_buffer_size(4096).expect("a small buffer");
    socket.connect(&server.client.address.into()).expect("connected");
    let mut stream = std::net::TcpStream::from(socket);
    stream.set_read_timeout(Some(s(20))).expect("a limit for reading");
    write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").expect("asked");
    let mut got = vec![0; 1024];
    stream.read_exact(&mut got).expect("its beginning");
    server.signal(Signal::SIGTERM);
    server.logged(&["stopping"], PATIENCE);
    let mut part = [0; 16 << 10];
    let watch = Stopwatch::start();
    loop {
        match stream.read(&mut part) {
            Ok(0) => break,
            Ok(n) => got.extend(&part[..n]),
            Err(e) => panic!("cut off after {} bytes of {} and more: {e}", got.len(), whole.len()),
        }
        std::thread::sleep(ms(25));
    }
    assert!(got.ends_with(&whole), "{} bytes came after {:?}", got.len(), watch.passed());
    let ended = server.finish(s(30));
    assert_eq!(ended.code(), Some(0), "{ended:?}");
    assert!(ended.err.iter().any(|l| l.contains("\"stopped\"")), "{ended:?}");
}

#[test]
fn the_server_says_how_it_is() {
    let county = a_county();
    let server = Server::start(&county);
    let client = &server.client;
    server.open_channel();
    assert_eq!(client.good("/healthz").text(), "ok\n");
    assert_eq!(client.good("/readyz").text(), "ready\n");
    let metrics = client.good("/metrics");
    assert_eq!(metrics.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    let text = metrics.text();
    let value = |name: &str| {
        let line = text.lines().find(|l| l.starts_with(name)).unwrap_or_else(|| panic!("no {name}: {text}"));
        line.rsplit(' ').next().and_then(|n| n.parse::<f64>().ok()).unwrap_or_else(|| panic!("{line}"))
    };
    assert!(value("yuanjiao_channel_media_sequence{channel=\"xiangtu\"}") >= 1.0);
    assert!(value("yuanjiao_http_requests_total{kind=\"other\",class=\"2xx\"}") >= 2.0);
    assert!(value("yuanjiao_sessions_open") >= 1.0);
    assert!(value("yuanjiao_http_connections") >= 1.0);
    for line in text.lines().filter(|l| !l.starts_with('#')) {
        let name = line.split(['{', ' ']).next().expect("a name");
        assert!(text.contains(&format!("# TYPE {name} ")), "{name} has no type");
    }
    assert!(client.good("/api/v1/openapi.json").json()["paths"]["/api/v1/sessions"].is_object());
}

#[test]
fn the_guide_is_there_for_machines() {
    let county = a_county();
    package_lesson(&county, "grapes", 8);
    let one = Entry {
        start: after(600),
        end: after(1200),
        plays: Plays::Lesson("grapes"),
        title: "葡萄 <&> \"栽培\"",
    };
    let two =
        Entry { start: after(7200), end: after(9000), plays: Plays::Lesson("grapes"), title: "第二课" };
    county.schedule(&[one, two]);
    let guide = |format: &str, more: &[&str]| {
        let mut command = yuanjiao(["guide", "--format", format, "--config"]);
        Program::run(command.arg(county.config()).args(more), PATIENCE)
    };
    let said = |format: &str| guide(format, &[]).good(format).text();
    assert!(said("m3u").starts_with("#EXTM3U") && said("m3u").contains("/channels/xiangtu/index.m3u8"));
    assert!(said("ics").starts_with("BEGIN:VCALENDAR") && said("ics").contains("第二课"));
    let json: Value = serde_json::from_str(&said("json")).expect("JSON");
    assert!(json.to_string().contains("第二课"), "{json}");
    validate_xmltv(&said("xmltv"), &county.path("printed.xml"));
    let until = after(3600).to_string();
    let short = guide("json", &["--channel", "xiangtu", "--to", &until]).good("the next hour").text();
    assert!(short.contains("栽培") && !short.contains("第二课"), "{short}");
    assert_eq!(guide("json", &["--channel", "none"]).code(), Some(1));

    let server = Server::start(&county);
    let client = &server.client;
    let xml = client.good("/guide.xml");
    assert_eq!(xml.header("content-type"), Some("application/xml; charset=utf-8"));
    validate_xmltv(&xml.text(), &county.path("guide.xml"));
    let list = client.good("/channels.m3u").text();
    assert!(list.contains("乡土课堂"), "{list}");
    let url = list.lines().find(|l| l.starts_with("http://")).expect("an address");
    assert_eq!(url, client.url("/channels/xiangtu/index.m3u8"), "the address it was asked at");
    let calendar = client.good("/channels/xiangtu/guide.ics");
    assert_eq!(calendar.header("content-type"), Some("text/calendar; charset=utf-8"));
    let calendar = calendar.text();
    assert_eq!(calendar.matches("BEGIN:VEVENT").count(), 2, "{calendar}");
    assert!(calendar.lines().all(|l| l.len() <= 75), "lines are folded (RFC 5545 §3.1): {calendar}");
}

/// Asks the validator of the XMLTV project.
fn validate_xmltv(xml: &str, file: &Path) {
    std::fs::write(file, xml).expect("written");
    let mut validator = Command::new("tv_validate_file");
    // Its rules lie on this machine; without this it would fetch them.
    let ended = Program::run(validator.env("XMLTV_SUPPLEMENT", "/usr/share/xmltv").arg(file), PATIENCE);
    ended.good(xml);
}

/// Long enough for anything to go wrong that goes wrong at once.
const A_WHILE: Duration = s(1);

#[test]
fn two_servers_do_not_share_an_address() {
    let county = a_county();
    let server = Server::start(&county);
    let other = a_county();
    let mut command = yuanjiao(["serve", "--config"]);
    command.arg(other.config()).args(["--listen", &server.client.address.to_string()]);
    let ended = Program::run(&mut command, PATIENCE);
    assert_eq!(ended.code(), Some(1), "{ended:?}");
    assert!(ended.err.iter().any(|l| l.contains("is another server running?")), "{ended:?}");
    std::thread::sleep(A_WHILE);
    server.client.good("/healthz");
}
