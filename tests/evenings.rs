//! Lessons put together for a study evening: by an address, and by the office for everybody.

#[expect(dead_code, reason = "each story uses its part of what they share")]
mod support;

use support::browser::{Browser, an_office, encoded, hidden, join};
use support::county::{County, a_county};
use support::media::package_lesson;

/// Three lessons, of three, five and four seconds.
fn three_lessons() -> County {
    let county = a_county();
    for (id, seconds) in [("grapes", 3), ("roots", 5), ("water", 4)] {
        package_lesson(&county, id, seconds);
    }
    county
}

/// The lessons that the page plays, in its order.
fn listed(page: &str) -> &str {
    page.split("data-list=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a list")
}

/// The address behind a word in `Location`.
fn after(answer: &support::http::Answer, word: &str) -> String {
    let location = answer.header("location").expect("where to");
    location.split_once(word).unwrap_or_else(|| panic!("{word} in {location}")).1.to_owned()
}

#[test]
fn an_address_is_a_list_that_plays_in_its_order() {
    let county = three_lessons();
    let server = support::server::Server::start(&county);
    let page = server.client.good("/evening?lang=en&lesson=water&lesson=grapes&lesson=water&lesson=gone");
    let page = page.text();
    assert_eq!(listed(&page), "water grapes");
    assert!(page.contains("Of these lessons are no longer on offer: 1"), "{page}");
    assert!(page.contains("Together: 0:07"), "{page}");
    // The second one first; and without the first.
    assert!(page.contains("/evening?lesson=grapes&#38;lesson=water&#38;mine=1"), "{page}");
    assert!(page.contains("\"/evening?lesson=grapes&#38;mine=1\""), "{page}");
    let empty = server.client.good("/evening?lang=en").text();
    assert!(empty.contains("Nothing is on your playlist yet") && !empty.contains("<video"), "{empty}");
    server.client.get("/evening?lesson=..%2F..%2Fetc").with(200, "no lesson is called so");

    let list = server.client.good("/evening.m3u?lesson=roots&lesson=gone&lesson=water&terminal=t-1").text();
    let lines: Vec<&str> = list.lines().collect();
    assert_eq!(lines.len(), 5, "{list}");
    assert!(lines[1].starts_with("#EXTINF:5,") && lines[3].starts_with("#EXTINF:4,"), "{list}");
    assert_eq!(lines[2], server.client.url("/lessons/roots/index.m3u8?terminal=t-1"));
}

#[test]
fn the_office_keeps_one_for_everybody_and_every_change_can_be_taken_back() {
    let county = three_lessons();
    let (server, mut admin) = an_office(&county);
    let mut editor = join(&server, &admin.invites("editor", "editor", "county"));
    let mut auditor = join(&server, &admin.invites("auditor", "auditor", "county"));
    let form = editor.get("/office/evenings/new?lesson=water&lesson=grapes").with(200, "its form").text();
    assert!(form.contains("<option value=\"water\" selected>"), "{form}");

    editor.act("/office/evenings/new", "title.en=&lesson=water").with(422, "it has no name");
    editor.act("/office/evenings/new", "title.en=Winter&lesson=").with(422, "it has no lesson");
    auditor.act("/office/evenings/new", "title.en=Winter&lesson=water").with(403, "an auditor reads");
    auditor.get("/office/evenings/new").with(403, "an auditor reads");
    let kept =
        editor.act("/office/evenings/new", "title.en=Winter+%3Cb%3E&lesson=water&lesson=&lesson=grapes");
    let added = after(&kept.with(303, "kept"), "done=");
    auditor.get("/office/evenings").with(200, "the list");
    let page = server.client.good("/evening/1?lang=en").text();
    assert_eq!(listed(&page), "water grapes");
    assert!(page.contains("Winter &#60;b&#62;"), "{page}");
    assert!(server.client.good("/evening?lang=en").text().contains("href=\"/evening/1\""));

    // Changed, with what somebody else typed about an older one turned away.
    let mark = encoded(&hidden(&editor.get("/office/evenings/1").text(), "mark"));
    // What was wrong is mended in the form that says so.
    let wrong = editor.act("/office/evenings/1", &format!("mark={mark}&title.en=&lesson=roots"));
    let mark = encoded(&hidden(&wrong.with(422, "it has no name").text(), "mark"));
    let change = format!("mark={mark}&title.en=Winter&lesson=roots");
    let changed = after(&editor.act("/office/evenings/1", &change).with(303, "changed"), "done=");
    editor.act("/office/evenings/1", &change).with(422, "it is another by now");
    assert_eq!(listed(&server.client.good("/evening/1").text()), "roots");

    let undo = |browser: &mut Browser, line: &str, to: &str| {
        let answer = browser.act(&format!("/office/undo/{line}"), "back=/office/evenings");
        assert_eq!(answer.with(303, "taken back").header("location"), Some(to));
    };
    auditor.act(&format!("/office/undo/{changed}"), "back=/office").with(403, "an auditor reads");
    undo(&mut editor, &added, "/office/evenings?not=stale");
    undo(&mut editor, &changed, "/office/evenings");
    assert_eq!(listed(&server.client.good("/evening/1").text()), "water grapes");

    let removed = after(&editor.act("/office/evenings/1/remove", "").with(303, "taken out"), "done=");
    server.client.get("/evening/1").with(404, "it is gone");
    undo(&mut editor, &removed, "/office/evenings");
    assert_eq!(listed(&server.client.good("/evening/1").text()), "water grapes");
    assert!(admin.get("/office/audit").text().contains("changed a playlist"));
}
