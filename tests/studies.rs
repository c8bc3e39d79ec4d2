//! Group study: begun in two taps, ended with a headcount, corrected with a second person; and
//! what of it is verified, logged and shown.

#[expect(dead_code, reason = "each story uses its part of what they share")]
mod support;

use std::fs;

use serde_json::json;
use support::browser::{Browser, an_office, hidden, join, plus, to};
use support::county::{County, a_county, token};
use support::http::{Client, resolve};
use support::log::{export, logged, verify};
use support::media::package_lesson;
use support::playlist::{beside, fetch};
use support::server::PATIENCE;
use support::time::{now, s, wait_for};

/// Has the screen in the hall of `dongmen` fetch the whole lesson.
fn the_hall_plays(client: &Client) {
    let bearer = format!("Bearer {}", token("hall"));
    let opened = client.post("/api/v1/sessions", &[("authorization", &bearer)], &json!({"lesson": "grapes"}));
    let opened = opened.with(201, "opening a session").json();
    let play = opened["play_url"].as_str().expect("a playlist");
    for segment in fetch(client, &beside(play, "v240")).segments {
        client.good(&resolve(play, &segment.uri));
        // A box fetches as it plays.
        std::thread::sleep(s(1));
    }
}

/// Verified ms on the site's page, of group studies of the year.
fn studied_ms(browser: &mut Browser) -> i64 {
    let page = browser.get("/sites/dongmen?lang=en").with(200, "the site's page").text();
    let ms = page.split("data-total=\"studied\" data-ms=\"").nth(1).and_then(|p| p.split('"').next());
    ms.and_then(|ms| ms.parse().ok()).expect("the year's time")
}

#[test]
fn a_group_study_is_held_counted_and_corrected() {
    let county = a_county().with("[evidence]\nsession_timeout = \"30s\"\n");
    package_lesson(&county, "grapes", 30);
    let (server, mut admin) = an_office(&county);
    let operator = admin.invites("operator", "operator", "site:dongmen");
    let mut operator = join(&server, &operator);
    let township = admin.invites("township", "township", "township:chengguan");
    let mut township = join(&server, &township);
    let stranger = admin.invites("stranger", "operator", "site:baghcha");
    let mut stranger = join(&server, &stranger);

    // Two taps: the page, and its button. Topic and name stand there already.
    let page = operator.get("/office/studies").with(200, "the page").text();
    assert_eq!(hidden(&page, "site"), "dongmen");
    let organiser = hidden(&page, "organiser");
    assert_eq!(organiser, "operator");
    let begin = format!("site=dongmen&topic=Pruning&organiser={organiser}");
    assert_eq!(to(&operator.act("/office/studies", &begin).with(303, "begun")), "/office/studies");
    operator.act("/office/studies", &begin).with(422, "a second at the same time");
    stranger.act("/office/studies", &begin).with(403, "at another's site");
    let page = operator.get("/office/studies").text();
    let id =
        page.split("data-study=\"").nth(1).and_then(|p| p.split('"').next()).expect("it runs").to_owned();
    let study = format!("/office/studies/{id}");

    the_hall_plays(&server.client);
    stranger.act(&format!("{study}/end"), "headcount=900").with(403, "another's study");
    operator.act(&format!("{study}/end"), "headcount=many").with(422, "no number");
    operator.act(&format!("{study}/end"), "headcount=3&end=2020-01-01T10:00").with(422, "before it began");
    let end = format!("headcount=23&expected=30&roster=Aynur%0ABolat&notes={}", plus("a clear evening"));
    assert_eq!(to(&operator.act(&format!("{study}/end"), &end).with(303, "ended")), study);
    operator.act(&format!("{study}/end"), "headcount=99").with(303, "ended twice is ended once");

    let shown = operator.get(&study).with(200, "it").text();
    assert!(shown.contains("23 / 30") && shown.contains("Bolat") && shown.contains("It counts."), "{shown}");
    stranger.get(&study).with(403, "who took part is not everybody's business");
    assert!(!server.client.good("/sites/dongmen").text().contains("Bolat"));

    // Verified is what the hall was sent while the study ran; the headcount makes no second.
    let verified = wait_for("verified time on the site's page", PATIENCE, || {
        let ms = studied_ms(&mut operator);
        (ms > 0).then_some(ms)
    });
    assert!((5_000..=30_500).contains(&verified), "{verified} ms");

    // A correction is proposed by one and approved by another, above the site.
    let wrong = "headcount=32&topic=Pruning&organiser=operator&expected=30&roster=Aynur%0ABolat&discussion=0&tutoring=0";
    operator.act(&format!("{study}/correct"), wrong).with(422, "without a reason");
    let fields = format!("{wrong}&reason={}", plus("digits exchanged"));
    operator.act(&format!("{study}/correct"), &fields).with(303, "proposed");
    operator.act(&format!("{study}/decide"), "do=approve").with(403, "by who is not above the site");
    assert!(operator.get(&study).text().contains("23 / 30"), "not yet");
    township.act(&format!("{study}/decide"), "do=approve").with(303, "approved");
    let shown = operator.get(&study).text();
    assert!(shown.contains("32 / 30") && shown.contains("digits exchanged"), "{shown}");
    // Nobody approves his own, whatever he may do.
    let own = format!("{wrong}&reason=again").replace("headcount=32", "headcount=33");
    township.act(&format!("{study}/correct"), &own).with(303, "proposed from above");
    township.act(&format!("{study}/decide"), "do=approve").with(422, "one's own");
    admin.act(&format!("{study}/decide"), "do=refuse").with(303, "refused by another");
    assert!(operator.get(&study).text().contains("32 / 30"));

    // The figures of the month, as a page and as a table.
    let month = now()
        .to_zoned_datetime(jiff::tz::TimeZone::get(&county.zone()).expect("a zone"))
        .strftime("%Y-%m")
        .to_string();
    let figures = township.get("/office/figures?lang=en").with(200, "figures").text();
    assert!(figures.contains("data-site=\"dongmen\"") && figures.contains("class=\"heat-"), "{figures}");
    let table = township.get(&format!("/office/figures/{month}.csv")).with(200, "a table").text();
    let row = table.lines().find(|line| line.starts_with("dongmen,")).expect("a row");
    assert_eq!(row.split(',').nth(2), Some("1"), "{row}");
    assert_eq!(row.split(',').nth(4), Some("32"), "{row}");
    township.get(&format!("/office/figures/{month}.xlsx")).with(200, "a workbook");
    stranger.get("/office/figures?month=2026-13").with(404, "no month");
    let others = stranger.get("/office/figures").with(200, "his own").text();
    assert!(!others.contains("data-site=\"dongmen\""));

    // It is in the log, the correction as well, and a roster is not public.
    logged(&server.client, 3);
    let file = county.path("evidence.jsonl");
    export(&county, "jsonl", &file);
    let (code, said) = verify(&file, &[]);
    assert!(code == 0 && said.contains("2 group studies"), "{said}");
    let text = fs::read_to_string(&file).expect("an export");
    let public: Vec<String> = text
        .lines()
        .skip(1)
        .map(|line| serde_json::from_str::<serde_json::Value>(line).expect("a line")["leaf"].to_string())
        .collect();
    assert!(
        public.iter().any(|leaf| leaf.contains("study-corrected") && leaf.contains("\\\"headcount\\\":32"))
    );
    assert!(public.iter().all(|leaf| !leaf.contains("Bolat")));
    let audit = admin.get("/office/audit?lang=en").text();
    assert!(audit.contains("approved the correction of a group study"), "{audit}");
}

/// What the log holds of everything, salts and all.
fn exported(county: &County) -> String {
    let file = county.path("evidence.jsonl");
    export(county, "jsonl", &file);
    fs::read_to_string(&file).expect("an export")
}

#[test]
fn a_person_is_erased_and_the_rest_stays_proved() {
    let county = a_county();
    let (server, mut admin) = an_office(&county);
    let operator = admin.invites("operator", "operator", "site:dongmen");
    let mut operator = join(&server, &operator);
    let stranger = admin.invites("stranger", "operator", "site:baghcha");
    let mut stranger = join(&server, &stranger);
    operator.act("/office/studies", "site=dongmen&topic=Pruning&organiser=Operator").with(303, "begun");
    let end = "headcount=3&roster=Aynur+Memet%0ABolat%0AAynur+Memet+the+younger";
    let study = to(&operator.act("/office/studies/1/end", end).with(303, "ended"));

    // A photo: what it is counts, not what it is called.
    let jpeg = [b"\xff\xd8\xff\xe0 a hall full of people".as_slice(), &[7; 3000]].concat();
    let papers = format!("{study}/papers");
    stranger.attach(&papers, "paper", &jpeg).with(403, "to another's study");
    operator.attach(&papers, "paper", b"<script>alert(1)</script>").with(422, "no photo");
    operator.attach(&papers, "paper", &jpeg).with(303, "a photo");
    operator.attach(&papers, "paper", &jpeg).with(422, "twice");
    operator.attach(&papers, "paper", b"%PDF-1.7 a sheet").with(303, "a sheet");
    let photo = format!("{papers}/1");
    let answer = operator.get(&photo).with(200, "the photo");
    assert_eq!((answer.header("content-type"), answer.body == jpeg), (Some("image/jpeg"), true));
    assert!(answer.header("content-security-policy").is_some_and(|csp| csp.contains("sandbox")));
    stranger.get(&photo).with(403, "who was there is not everybody's business");
    server.client.get(&photo).with(303, "to who has not signed in");
    logged(&server.client, 3);
    let before = exported(&county);
    assert!(before.contains("Aynur Memet\\\"") && before.contains("\\\"study-paper\\\""), "{before}");

    // Aynur asks what is written of her, and to have it erased.
    let asked = "/office/studies/person?name=Aynur+Memet";
    assert!(operator.get(asked).with(200, "what is written").text().contains("Pruning"));
    let table = operator.get("/office/studies/person.csv?name=Aynur+Memet").with(200, "as a table").text();
    assert_eq!(table.lines().count(), 2, "{table}");
    assert!(!stranger.get(asked).with(200, "of other sites").text().contains("Pruning"));
    // A word of the record itself is nobody.
    admin.act("/office/studies/person", "name=topic").with(403, "a word");
    admin.act("/office/studies/person", "name=Pruning").with(403, "a topic");
    operator.act("/office/studies/person", "name=Aynur+Memet").with(403, "by who is not above the site");
    admin.act("/office/studies/person", "name=Aynur+Memet").with(303, "erased");
    operator.act(&format!("{photo}/erase"), "").with(403, "by who is not above the site");
    admin.act(&format!("{photo}/erase"), "").with(303, "the photo as well");
    operator.get(&photo).with(404, "it is gone");
    operator.get(&format!("{papers}/2")).with(200, "the sheet is not");

    let shown = operator.get(&study).text();
    assert!(
        !shown.contains("<bdi>Aynur Memet</bdi>") && shown.contains("Aynur Memet the younger"),
        "{shown}"
    );
    assert!(shown.contains("Bolat"), "{shown}");
    logged(&server.client, 4);
    let after = exported(&county);
    assert!(!after.contains("Aynur Memet\\\""), "nowhere in the log: {after}");
    assert!(after.contains("study-erased"), "{after}");
    let (code, said) = verify(&county.path("evidence.jsonl"), &[]);
    assert!(code == 0 && said.contains("genuine") && said.contains("erased"), "{said}");
    let files = fs::read_dir(county.path("data/papers")).expect("papers").count();
    assert_eq!(files, 1, "the sheet");
    assert!(!admin.get("/office/audit?lang=en").text().contains("Aynur"));
}
