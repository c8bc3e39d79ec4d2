//! Lessons on their way onto the air: two persons, versions, and bytes that changed.

#[expect(dead_code, reason = "each story uses its part of what they share")]
mod support;

use std::fs;
use std::os::unix::fs::FileExt as _;

use jiff::SignedDuration;
use serde_json::Value;

use support::browser::{Browser, an_office, join};
use support::county::{County, Entry, Plays, a_county};
use support::http::resolve;
use support::media::{make_lesson, package_lesson};
use support::playlist;
use support::server::{PATIENCE, Server};
use support::time::{now, wait_for};

const REVIEW: &str = "/office/lessons/wheat/review";

/// What the office calls the versions of the lesson, each with its content's hash.
fn versions(browser: &mut Browser) -> Vec<(String, String)> {
    let page = browser.get(REVIEW);
    let text = page.text();
    let sections = text.split("<section class=\"card version\">").skip(1);
    let version = |section: &str| {
        let stage = section.split_once("<h2>")?.1.split_once("</h2>")?.0.to_owned();
        let short = section.split_once("<bdi dir=\"ltr\">")?.1.get(..8)?.to_owned();
        Some((stage, short))
    };
    sections.filter_map(version).collect()
}

/// The hash by which a form names the version.
fn content(county: &County, folder: &str) -> String {
    manifest(county, folder)["content_hash"].as_str().expect("a hash").to_owned()
}

fn manifest(county: &County, folder: &str) -> Value {
    let manifest = fs::read(county.library().join(folder).join("package.json")).expect("a package");
    serde_json::from_slice(&manifest).expect("a manifest")
}

fn step(browser: &mut Browser, content: &str, does: &str, why: &str, status: u16) -> String {
    let answer = browser.act(REVIEW, &format!("content={content}&do={does}&why={why}"));
    answer.with(status, &format!("to {does}")).text()
}

fn waits(browser: &mut Browser, stage: &str) {
    wait_for(&format!("a version that is: {stage}"), PATIENCE, || {
        versions(browser).iter().any(|(is, _)| is == stage).then_some(())
    });
}

fn put_in(county: &County, seconds: u32) {
    let made = county.path("film.mp4");
    make_lesson(&made, seconds);
    fs::rename(made, county.inbox().join("wheat.mp4")).expect("in the inbox");
}

fn on_offer(server: &Server) -> Option<Value> {
    server.client.items("/api/v1/lessons").into_iter().find(|l| l["id"] == "wheat")
}

#[test]
fn a_lesson_is_on_offer_when_a_second_person_has_approved_it() {
    let county = a_county().with_packaging("review = true");
    let (server, mut admin) = an_office(&county);
    let mut editor = join(&server, &admin.invites("editor", "editor", "county"));
    let mut reviewer = join(&server, &admin.invites("reviewer", "reviewer", "county"));
    let mut operator = join(&server, &admin.invites("operator", "operator", "site:dongmen"));

    put_in(&county, 8);
    waits(&mut editor, "Draft");
    assert!(on_offer(&server).is_none());
    for path in ["/lessons/wheat", "/lessons/wheat/index.m3u8", "/lessons/wheat/poster.jpg"] {
        server.client.get(path).with(404, "nobody sees a draft");
    }
    let listed = editor.get("/office/lessons").with(200, "the list").text();
    assert!(listed.contains("Not on offer: 1") && listed.contains(REVIEW), "{listed}");

    // Whoever reviews it watches all of it, and nobody else does.
    let first = content(&county, ".next-wheat");
    let index = format!("/office/watch/lesson.wheat.{}/index.m3u8", &first[..12]);
    let multivariant = reviewer.get(&index).with(200, "the draft").text();
    let mut segments = 0;
    for rendition in playlist::renditions(&multivariant) {
        let path = resolve(&index, &rendition);
        let text = reviewer.get(&path).with(200, "a rendition").text();
        for segment in playlist::media(&text).expect("a playlist").segments {
            let path = resolve(&path, &segment.uri);
            let bytes = reviewer.get(&path).with(200, "a segment");
            assert_eq!(bytes.header("cache-control"), Some("no-store"));
            server.client.get(&path).with(401, "a segment for nobody");
            segments += 1;
        }
    }
    assert!(segments >= 10, "{segments} segments");
    server.client.get(&index).with(401, "a draft for nobody");
    operator.get(&index).with(403, "a draft for an operator");

    // Its way.
    step(&mut editor, &first, "publish", "", 422);
    step(&mut editor, &first, "submit", "", 303);
    step(&mut editor, &first, "approve", "", 403);
    step(&mut reviewer, &first, "return", "", 422);
    step(&mut reviewer, &first, "return", "the+sound+is+too+low", 303);
    step(&mut admin, &first, "submit", "", 303);
    let own = step(&mut admin, &first, "approve", "", 422);
    assert!(own.contains("Somebody else has to approve"), "{own}");
    step(&mut reviewer, &first, "approve", "", 303);
    assert!(on_offer(&server).is_none(), "approved is not published");
    step(&mut editor, &first, "publish", "", 303);
    let lesson = server.has_lesson("wheat");
    server.client.good("/lessons/wheat");
    let history = editor.get(REVIEW).text();
    assert!(
        history.contains("the sound is too low") && history.contains("handed the lesson in"),
        "{history}"
    );

    // Another version waits; the first stays on offer until it is approved, too.
    put_in(&county, 12);
    waits(&mut editor, "Draft");
    assert_eq!(on_offer(&server).as_ref(), Some(&lesson));
    let second = content(&county, ".next-wheat");
    let both: Vec<String> = versions(&mut editor).into_iter().map(|(_, short)| short).collect();
    assert_eq!(both, [&second[..8], &first[..8]]);
    step(&mut editor, &second, "submit", "", 303);
    step(&mut reviewer, &second, "approve", "", 303);
    step(&mut reviewer, &second, "publish", "", 303);
    wait_for("the second version", PATIENCE, || {
        let is_longer = |l: Value| l["duration_ms"].as_u64() > Some(11_000);
        on_offer(&server).is_some_and(is_longer).then_some(())
    });
    step(&mut reviewer, &first, "withdraw", "old", 422);

    // What is withdrawn stays so.
    step(&mut reviewer, &second, "withdraw", "", 422);
    step(&mut reviewer, &second, "withdraw", "a+mistake+at+0:07", 303);
    assert!(on_offer(&server).is_none());
    server.kill();
    let server = Server::start(&county);
    assert!(on_offer(&server).is_none());
    server.client.get("/lessons/wheat").with(404, "what was withdrawn");
    let mut reviewer = Browser { client: server.client.clone(), cookie: reviewer.cookie };
    assert_eq!(versions(&mut reviewer), [("Withdrawn".to_owned(), second[..8].to_owned())]);
    let history = reviewer.get(REVIEW).text();
    assert!(history.contains("a mistake at 0:07") && history.contains(&first[..8]), "{history}");
    step(&mut reviewer, &second, "publish", "", 422);
}

#[test]
fn a_lesson_whose_bytes_changed_goes_off_the_air_and_stays_off() {
    let county = a_county();
    package_lesson(&county, "wheat", 60);
    let (start, end) = (now() - SignedDuration::from_secs(5), now() + SignedDuration::from_mins(10));
    county.schedule(&[Entry { start, end, plays: Plays::Lesson("wheat"), title: "小麦" }]);
    let (server, mut admin) = an_office(&county);
    server.has_lesson("wheat");
    let playing = |server: &Server| server.as_run().iter().any(|a| a["lesson"] == "wheat");
    wait_for("the lesson on air", PATIENCE, || playing(&server).then_some(()));
    let picture = manifest(&county, "wheat")["tracks"][0]["file"].as_str().expect("its picture").to_owned();
    let video = county.library().join("wheat").join(&picture);
    let file = fs::File::options().read(true).write(true).open(&video).expect("a file");
    let mut byte = [0];
    file.read_exact_at(&mut byte, 50_000).expect("a byte");
    file.write_all_at(&[!byte[0]], 50_000).expect("another byte");

    let off =
        |server: &Server| wait_for("the lesson off", PATIENCE, || on_offer(server).is_none().then_some(()));
    off(&server);
    server.client.get("/lessons/wheat").with(404, "what is damaged");
    let duty = admin.get("/office/duty").with(200, "the duty desk").text();
    assert!(duty.contains("A file of the lesson is damaged, it is off the air: Grapes"), "{duty}");
    let history = admin.get(REVIEW).with(200, "its history").text();
    assert!(history.contains(&format!("{picture} has other bytes than it was made with")), "{history}");
    wait_for("the slate instead of it", PATIENCE, || {
        let run = server.as_run();
        run.last().is_some_and(|a| a["lesson"] != "wheat").then_some(())
    });

    server.kill();
    let server = Server::start(&county);
    let mut admin = Browser { client: server.client.clone(), cookie: admin.cookie };
    assert!(on_offer(&server).is_none(), "it is off the air after a restart, too");
    let hash = content(&county, "wheat");
    let said = step(&mut admin, &hash, "publish", "", 422);
    assert!(said.contains(&picture), "{said}");
    // The engineer has a good copy.
    file.write_all_at(&byte, 50_000).expect("the byte it had");
    step(&mut admin, &hash, "publish", "", 303);
    server.has_lesson("wheat");
}
