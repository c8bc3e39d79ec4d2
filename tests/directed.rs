//! Somebody on duty puts another thing on air: at once, by name, and past a fall.

#[expect(dead_code, reason = "each story uses its part of what they share")]
mod support;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use support::browser::{Browser, an_office, join};
use support::county::{Entry, Plays, a_county};
use support::media::{Decoded, Upstream, decode, free_udp_port, package_lesson, without_errors};
use support::rules::Referee;
use support::server::{PATIENCE, Server};
use support::time::{ms, now, wait_for};

fn after(seconds: i64) -> Timestamp {
    now() + SignedDuration::from_secs(seconds)
}

/// What a command led to.
fn newest(server: &Server, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
    wait_for(what, PATIENCE, || server.as_run().pop().filter(&fits))
}

fn no_of(airing: &Value) -> u64 {
    airing["no"].as_u64().expect("a number")
}

/// Sends a command as the duty desk's page does.
fn command(browser: &mut Browser, fields: &str, status: u16) -> String {
    browser.act("/office/duty/xiangtu", fields).with(status, fields).text()
}

#[test]
fn commands_are_on_air_in_the_log_and_outlive_a_fall() {
    let port = free_udp_port();
    let _upstream = Upstream::to(port);
    let county = a_county().with_relay("national", port);
    for lesson in ["grapes", "sheep"] {
        package_lesson(&county, lesson, 60);
    }
    let play = |start, end, lesson| Entry { start, end, plays: Plays::Lesson(lesson), title: "课" };
    county.schedule(&[play(after(-2), after(24), "grapes"), play(after(24), after(600), "sheep")]);
    let (server, mut admin) = an_office(&county);
    let mut duty = join(&server, &admin.invites("gulnar", "duty", "county"));
    server.has_relay("national");
    let grapes = newest(&server, "the lesson", |a| a["lesson"] == "grapes");
    let mut referee = Referee::of(&server.client, &server.open_channel());
    referee.look();

    // What is on the page is what is on air, with a picture of it.
    let page = duty.get("/office/duty/xiangtu").with(200, "the desk").text();
    assert!(
        page.contains("value=\"hold\"")
            && page.contains(&format!("name=\"no\" value=\"{}\"", no_of(&grapes)))
    );
    let picture = wait_for("a picture", PATIENCE, || {
        let answer = duty.get("/office/duty/xiangtu/picture").with(200, "a picture");
        (answer.header("content-type") == Some("image/jpeg")).then_some(answer)
    });
    assert_eq!(picture.body.get(..3), Some(&[0xff, 0xd8, 0xff][..]), "a JPEG");

    // Held past its planned end: it is on air when the other should have begun.
    command(&mut duty, &format!("do=hold&no={}", no_of(&grapes)), 303);
    let begun: Timestamp = grapes["start"].as_str().and_then(|t| t.parse().ok()).expect("its start");
    while now() < begun + SignedDuration::from_secs(36) {
        referee.look();
        std::thread::sleep(ms(300));
    }
    let held = server.as_run().pop().expect("an airing");
    assert_eq!(no_of(&held), no_of(&grapes), "it is held: {held}");

    // Skipped: the other one follows, and the log says by whom.
    command(&mut duty, &format!("do=skip&no={}", no_of(&grapes)), 303);
    let sheep = newest(&server, "the next lesson", |a| a["lesson"] == "sheep");
    assert_eq!(sheep["hand"]["do"], "skip", "{sheep}");
    assert_eq!(sheep["hand"]["by"], "gulnar");
    let page = command(&mut duty, &format!("do=skip&no={}", no_of(&grapes)), 422);
    assert!(page.contains("that lesson is over"), "{page}");
    assert!(command(&mut duty, "do=relay&relay=none", 422).contains("choose a relay"));

    command(&mut duty, "do=relay&relay=national&minutes=30", 303);
    let relay = newest(&server, "the relay", |a| a["source"] == "relay");
    assert_eq!(relay["hand"]["do"], "relay");
    assert!(relay["hand"]["until"].is_string() && relay["programme"].is_null(), "{relay}");
    referee.look();

    // A fall changes nothing of it.
    let address = server.client.address;
    server.kill();
    let server = Server::start_again(&county, address).ready();
    wait_for("the relay after the fall", PATIENCE, || {
        referee.look();
        let last = server.as_run().pop()?;
        (last["source"] == "relay" && last["segments"].is_null()).then_some(())
    });
    assert!(duty.get("/office/duty/xiangtu").with(200, "the desk").text().contains("Relay by hand"));

    command(&mut duty, "do=slate", 303);
    let slate = newest(&server, "the slate", |a| a["reason"] == "duty");
    assert_eq!(slate["hand"]["by"], "gulnar");
    command(&mut duty, "do=return", 303);
    let back = newest(&server, "the schedule", |a| a["lesson"] == "sheep" && no_of(a) > no_of(&slate));
    assert_eq!(back["hand"]["do"], "return");
    assert!(back["first"].as_u64() > Some(0), "it is joined where it stands by now: {back}");
    wait_for("its segments in every playlist", PATIENCE, || {
        referee.look();
        let number = back["base_sequence"].as_u64();
        let seen = referee.known.values().all(|k| k.keys().next_back().copied() > number);
        seen.then_some(())
    });
    referee.no_complaints();

    // Planned against played, on the page and as tables; who gave what, in the audit log.
    let page = admin.get("/office/asrun/xiangtu").with(200, "the log").text();
    for said in ["Skipped", "Relay by hand", "Slate: put on by hand", "Back to the schedule", "gulnar"] {
        assert!(page.contains(said), "{said}: {page}");
    }
    let today =
        page.split("/office/asrun/xiangtu/").nth(1).and_then(|r| r.split(".csv").next()).expect("a table");
    let answer = admin.get(&format!("/office/asrun/xiangtu/{today}.csv")).with(200, "the table");
    let (kind, table) = (answer.header("content-type").unwrap_or_default().to_owned(), answer.text());
    assert!(kind.starts_with("text/csv"), "{kind}");
    assert!(table.lines().any(|l| l.contains("sheep") && l.contains("gulnar")), "{table}");
    let book = admin.get(&format!("/office/asrun/xiangtu/{today}.xlsx")).with(200, "the workbook");
    assert!(book.body.starts_with(b"PK"), "a workbook");
    admin.get("/office/asrun/xiangtu/yesterday.csv").with(404, "no date");
    let audit = admin.get("/office/audit").text();
    assert!(audit.contains("directed a channel") && audit.contains("slate") && audit.contains("gulnar"));
}

/// Nothing is encoded: what was recorded is what is played, on a line from 0.
#[test]
fn a_relayed_programme_that_is_kept_becomes_a_lesson() {
    let port = free_udp_port();
    let _upstream = Upstream::to(port);
    let county = a_county().with_relay("national", port);
    let end = after(40);
    let relayed = Entry { start: after(-5), end, plays: Plays::Relay("national"), title: "转播" };
    county.schedule(&[relayed]);
    let text = std::fs::read_to_string(county.schedule_file()).expect("the schedule");
    county.schedule_text(&text.replace("relay = \"national\"", "relay = \"national\"\nkeep = true"));
    let server = Server::start(&county);
    server.has_relay("national");
    newest(&server, "the relay on air", |a| a["source"] == "relay");
    wait_for("its end", PATIENCE, || (now() > end).then_some(()));
    let aired = server.as_run().into_iter().find(|a| a["source"] == "relay").expect("the relay's airing");
    let segments = wait_for("the airing closed", PATIENCE, || {
        let airings = server.as_run();
        airings.iter().find(|a| a["no"] == aired["no"]).and_then(|a| a["segments"].as_u64())
    });
    // A fall between its end and its keeping.
    let address = server.client.address;
    server.kill();
    let server = Server::start_again(&county, address).ready();
    let lesson = wait_for("the lesson", PATIENCE, || server.client.items("/api/v1/lessons").pop());
    let id = lesson["id"].as_str().expect("its name").to_owned();
    assert!(id.starts_with("xiangtu-"), "{lesson}");
    let title = lesson["titles"]["zh-Hans"].as_str().expect("its title");
    assert!(title.starts_with("转播 · 20"), "{title}");
    let index = server.client.open(&format!("/lessons/{id}/index.m3u8"));
    let media = server.live(&index, "v360");
    assert_eq!(media.segments.len() as u64, segments, "as many as were on air");
    let length = std::time::Duration::from_millis(lesson["duration_ms"].as_u64().expect("its length"));
    let player = decode(&format!("http://{address}/lessons/{id}/index.m3u8"), None);
    let decoded = without_errors(player.finish(PATIENCE), "the lesson as a player sees it");
    let (frames, expected) = (decoded.video.len() as f64, length.as_secs_f64() * 25.0);
    assert!((frames - expected).abs() < 8.0, "{frames} pictures of {expected}");
    let gap = Decoded::longest_gap(&decoded.video);
    assert!(gap < 0.05, "a picture is missing, or one is elsewhere: {gap} s");
    assert!(server.client.get(&format!("/lessons/{id}/poster.jpg")).status == 200, "it has a picture");
    // It is kept once.
    std::thread::sleep(std::time::Duration::from_secs(12));
    assert_eq!(server.client.items("/api/v1/lessons").len(), 1);
}
