//! The catalogue: what is said of lessons, how they are found by it, and how one leaves.

#[expect(dead_code, reason = "each story uses its part of what they share")]
mod support;

use std::fs;

use jiff::SignedDuration;
use serde_json::Value;

use support::browser::{Browser, an_office, encoded, hidden, join};
use support::county::{County, Entry, Plays, a_county};
use support::media::package_lesson;
use support::server::{PATIENCE, Server};
use support::time::{now, wait_for};

const TOPICS: &str = "
[[topic]]
id = \"agriculture\"
name = { zh-Hans = \"农业\", en = \"Agriculture\" }

[[topic]]
id = \"law\"
name = { zh-Hans = \"法律\", en = \"Law\" }
";

/// Three lessons, of three, five and four seconds.
fn three_lessons() -> County {
    let county = a_county().with(TOPICS);
    for (id, seconds) in [("grapes", 3), ("roots", 5), ("water", 4)] {
        package_lesson(&county, id, seconds);
    }
    county
}

/// Says something of a lesson.
fn say(browser: &mut Browser, id: &str, fields: &str) -> support::http::Answer {
    let path = format!("/office/lessons/{id}");
    let mark = hidden(&browser.get(&path).with(200, "its form").text(), "mark");
    browser.act(&path, &format!("mark={}&title.en=Grapes&{fields}", encoded(&mark)))
}

/// The lessons that a list shows, in its order.
fn listed(server: &Server, query: &str) -> Vec<String> {
    let page = server.client.good(&format!("/lessons?lang=en&{query}")).text();
    let links = page.split("class=\"lesson\"><a href=\"/lessons/").skip(1);
    links.filter_map(|rest| rest.split('"').next().map(str::to_owned)).collect()
}

#[test]
fn what_is_said_of_a_lesson_is_read_and_found() {
    let county = three_lessons();
    let (server, mut admin) = an_office(&county);
    let mut editor = join(&server, &admin.invites("editor", "editor", "county"));
    let about = "topic=agriculture&series=Vines+%3Cb%3E&part=2&speakers=Aygul&audience=Growers&licence=CC+BY&summary.zh-Hans=%E5%89%AA%E5%8F%A3%0A%E8%A6%81%E5%B9%B3";
    say(&mut editor, "grapes", about).with(303, "said");
    say(&mut editor, "roots", "topic=-&series=Vines+%3Cb%3E&part=1").with(303, "said");
    say(&mut editor, "roots", "topic=agriculture&part=0").with(422, "no part has this number");
    say(&mut editor, "roots", "topic=football").with(422, "no topic is called so");

    let page = server.client.good("/lessons/grapes?lang=en").text();
    for words in [
        "Agriculture",
        "Vines &#60;b&#62;, part 2",
        "Aygul",
        "Growers",
        "CC BY",
        "剪口 要平",
        "/lessons/roots",
    ] {
        assert!(page.contains(words), "{words} is not on the page: {page}");
    }
    for (query, found) in [
        ("q=aygul", &["grapes"][..]),
        ("q=%E5%89%AA%E5%8F%A3", &["grapes"]),
        ("q=%E5%86%9C%E4%B8%9A", &["grapes"]),
        ("topic=agriculture", &["grapes"]),
        ("topic=law", &[]),
        ("series=Vines+%3Cb%3E", &["roots", "grapes"]),
        ("order=shortest", &["grapes", "water", "roots"]),
        ("spoken=zh-Hans&order=shortest", &["grapes", "water", "roots"]),
        ("spoken=mn-Mong", &[]),
    ] {
        assert_eq!(listed(&server, query), found, "{query}");
    }

    // What is known of a lesson stays with it when its film is replaced.
    let made = county.path("again.mkv");
    support::media::make_lesson(&made, 6);
    fs::rename(made, county.inbox().join("grapes.mkv")).expect("dropped");
    wait_for("the new film", PATIENCE, || {
        let lessons = server.client.items("/api/v1/lessons");
        let grapes = lessons.into_iter().find(|l| l["id"] == "grapes")?;
        (grapes["duration_ms"].as_f64()? > 5_500.0).then_some(())
    });
    assert!(server.client.good("/lessons/grapes?lang=en").text().contains("Aygul"));
}

/// Sends a table to be looked at.
fn look(browser: &mut Browser, table: &[u8]) -> support::http::Answer {
    let token = browser.token();
    let mut body = format!(
        "--edge\r\ncontent-disposition: form-data; name=\"token\"\r\n\r\n{token}\r\n\
         --edge\r\ncontent-disposition: form-data; name=\"file\"; filename=\"c\"\r\n\
         content-type: application/octet-stream\r\n\r\n"
    )
    .into_bytes();
    body.extend_from_slice(table);
    body.extend_from_slice(b"\r\n--edge--\r\n");
    let headers = [
        ("cookie", browser.cookie.as_str()),
        ("accept-language", "en"),
        ("sec-fetch-site", "same-origin"),
        ("content-type", "multipart/form-data; boundary=edge"),
    ];
    browser.client.try_ask("POST", "/office/catalogue/look", &headers, Some(&body)).expect("an answer")
}

#[test]
fn the_same_is_said_of_several_lessons_and_taken_back_at_once() {
    let county = three_lessons();
    let (server, mut admin) = an_office(&county);
    let mut editor = join(&server, &admin.invites("editor", "editor", "county"));
    let mut auditor = join(&server, &admin.invites("auditor", "auditor", "county"));
    say(&mut editor, "grapes", "topic=law&part=4&speakers=Aygul").with(303, "said");
    auditor.get("/office/chosen-lessons").with(403, "an auditor reads");
    let page = editor.get("/office/chosen-lessons").with(200, "to choose from").text();
    assert!(page.contains("name=\"lesson\" value=\"water\""), "{page}");

    let chosen = "lesson=grapes&lesson=water&lesson=gone";
    let change = |fields: &str| format!("{chosen}&topic=%3D&series=&speakers=&audience=&licence=&{fields}");
    auditor.act("/office/chosen-lessons", chosen).with(403, "an auditor reads");
    let nothing = editor.act("/office/chosen-lessons", &change(""));
    assert_eq!(
        nothing.with(303, "nothing").header("location"),
        Some("/office/chosen-lessons?not=no-lesson-chosen")
    );
    let both = format!("{chosen}&topic=agriculture&series=Winter&speakers=&audience=&licence=CC+BY");
    let done = editor.act("/office/chosen-lessons", &both).with(303, "changed");
    let line = done.header("location").and_then(|l| l.split_once("done=")).expect("its line").1.to_owned();
    assert_eq!(listed(&server, "topic=agriculture&order=title"), ["grapes", "water"]);
    let page = server.client.good("/lessons/grapes?lang=en").text();
    // What was left empty stays.
    assert!(page.contains("Winter, part 4") && page.contains("Aygul") && page.contains("CC BY"), "{page}");
    editor.act("/office/chosen-lessons", &format!("{chosen}&topic=football")).with(400, "no such topic");

    editor.act(&format!("/office/undo/{line}"), "back=/office/lessons").with(303, "taken back");
    assert_eq!(listed(&server, "topic=agriculture"), [""; 0]);
    assert_eq!(listed(&server, "topic=law"), ["grapes"]);
    assert!(admin.get("/office/audit").text().contains("changed what is said of several lessons"));
}

#[test]
fn the_catalogue_goes_out_as_a_table_and_comes_in_again() {
    let county = three_lessons();
    let (server, mut admin) = an_office(&county);
    let csv = admin.get("/office/catalogue/table.csv").with(200, "the catalogue").text();
    let csv = csv.trim_start_matches('\u{feff}').to_owned();
    assert_eq!(csv.lines().count(), 4, "{csv}");
    let same = look(&mut admin, csv.as_bytes()).with(422, "nothing changes").text();
    assert!(same.contains("nothing"), "{same}");
    let xlsx = admin.get("/office/catalogue/table.xlsx").with(200, "a workbook").body;
    look(&mut admin, &xlsx).with(422, "nothing changes");

    // Rows that are missing change nothing; a topic is named in any language.
    let table = "Identifier,Title (en),Topic,Series,Part\ngrapes,Vines,农业,Vines,1\nwater,,Law,,\n";
    let page = look(&mut admin, table.as_bytes()).with(200, "what would change").text();
    assert!(page.contains("2 lessons change") && page.contains("agriculture"), "{page}");
    let carried = hidden(&page, "carried");
    let answer = admin.act("/office/catalogue/take", &format!("carried={}", encoded(&carried)));
    let line = answer.with(303, "taken in").header("location").expect("where to").to_owned();
    let line = line.rsplit('=').next().expect("a line of the audit log").to_owned();
    assert_eq!(listed(&server, "topic=agriculture"), ["grapes"]);
    assert_eq!(listed(&server, "topic=law"), ["water"]);
    assert!(
        server.client.good("/lessons/water?lang=en").text().contains("葡萄栽培"),
        "another language's title stays"
    );
    assert_eq!(listed(&server, "topic=agriculture&q=vines"), ["grapes"]);
    // What was looked at is no more what stands.
    admin.act("/office/catalogue/take", &format!("carried={}", encoded(&carried))).with(422, "stale");
    admin.act(&format!("/office/undo/{line}"), "back=/office/lessons").with(303, "taken back");
    assert_eq!(listed(&server, "topic=agriculture"), Vec::<String>::new());

    for (table, words) in [
        ("Identifier,Topic\ngrapes,football\n", "There is no topic"),
        ("Identifier,Topic\npeanuts,Law\n", "There is no lesson"),
        ("Identifier,Part\ngrapes,first\n", "whole number"),
        ("Identifier,Colour\ngrapes,red\n", "Colour"),
        ("Topic\nLaw\n", "Identifier"),
    ] {
        let page = look(&mut admin, table.as_bytes()).with(422, table).text();
        assert!(page.contains(words), "{table}: {page}");
    }
}

#[test]
fn a_lesson_leaves_the_library_and_may_come_back() {
    let county = three_lessons();
    let begun = now();
    let hour = SignedDuration::from_hours(1);
    let planned =
        Entry { start: begun + hour, end: begun + hour * 2, plays: Plays::Lesson("water"), title: "Water" };
    county.schedule(&[planned]);
    let (server, mut admin) = an_office(&county);
    let refused = admin.act("/office/lessons/water/remove", "").with(422, "it is to be played").text();
    assert!(refused.contains("stands in the schedule of"), "{refused}");

    let sha = |id: &str| -> Value {
        let manifest = fs::read(county.library().join(id).join("package.json")).expect("a package");
        serde_json::from_slice::<Value>(&manifest).expect("JSON")["content_hash"].clone()
    };
    let content = sha("roots");
    let to = admin.act("/office/lessons/roots/remove", "").with(303, "removed");
    let line = to.header("location").and_then(|l| l.rsplit('=').next()).expect("a line").to_owned();
    server.client.get("/lessons/roots").with(404, "it is gone");
    server.client.get("/lessons/roots/index.m3u8").with(404, "it is gone");
    assert!(!county.library().join("roots").exists());
    // Whoever holds evidence of it finds what it was.
    let audit = admin.get("/office/audit").with(200, "the audit log").text();
    assert!(audit.contains("deleted the lesson") || audit.contains("deleted"), "{audit}");
    assert!(audit.contains(content.as_str().expect("a hash")), "{audit}");

    admin.act(&format!("/office/undo/{line}"), "back=/office/lessons").with(303, "taken back");
    server.client.good("/lessons/roots");
    assert_eq!(sha("roots"), content);

    // After a restart there is nothing to come back.
    let to = admin.act("/office/lessons/roots/remove", "").with(303, "removed again");
    let line = to.header("location").and_then(|l| l.rsplit('=').next()).expect("a line").to_owned();
    let address = server.client.address;
    server.kill();
    let server = Server::start_again(&county, address).ready();
    server.client.get("/lessons/roots").with(404, "it is gone");
    let to = admin.act(&format!("/office/undo/{line}"), "back=/office/lessons").with(303, "asked");
    assert!(to.header("location").expect("where to").contains("not=stale"));
    server.client.good("/lessons/water");
}
