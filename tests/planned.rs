//! A schedule as a spreadsheet and as a grid; calendars, posters and feeds of it.

#[expect(dead_code, reason = "each story uses its part of what they share")]
mod support;

use std::fs;

use support::browser::{Browser, an_office, join, to};
use support::county::{County, a_county};
use support::http::Answer;
use support::media::package_lesson;
use support::server::{PATIENCE, Server};
use support::time::wait_for;

const ROOM: &str = "/office/schedule/xiangtu";

const SCHEDULE: &str = "# The county's own channel.\nchannel = \"xiangtu\"\n\n\
    [[series]]\nid = \"vines\"\ntitle = { en = \"The vine\" }\nlessons = [\"grapes\", \"sheep\"]\n\
    begins = 2026-01-01\nagain = true\n\n\
    # The evening.\n[[weekly]]\ndays  = \"daily\"   # every day\nstart = \"19:00\"\nend   = \"20:00\"\n\
    title = { en = \"News\" }\nplay  = [\"grapes\"]\n\n\
    [[weekly]]\ndays = \"daily\"\nstart = \"20:00\"\nend = \"20:30\"\nseries = \"vines\"\n";

fn text(county: &County) -> String {
    fs::read_to_string(county.schedule_file()).expect("the schedule")
}

/// Sends a table as the form does.
fn look(browser: &mut Browser, table: &str, whole: bool) -> Answer {
    let token = browser.token();
    let field = |name: &str, value: &str| {
        format!("--frontier\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    };
    let whole = if whole { field("whole", "1") } else { String::new() };
    let body = format!(
        "{}{whole}--frontier\r\ncontent-disposition: form-data; name=\"file\"; filename=\"t.csv\"\r\n\
         content-type: text/csv\r\n\r\n{table}\r\n--frontier--\r\n",
        field("token", &token)
    );
    let headers = [
        ("cookie", browser.cookie.as_str()),
        ("accept-language", "en"),
        ("sec-fetch-site", "same-origin"),
        ("content-type", "multipart/form-data; boundary=frontier"),
    ];
    let path = format!("{ROOM}/look");
    let answer = browser.client.try_ask("POST", &path, &headers, Some(body.as_bytes()));
    answer.unwrap_or_else(|e| panic!("{path}: {e}"))
}

fn take(browser: &mut Browser, looked: &str) -> Answer {
    let carried = looked.split("name=\"carried\" value=\"").nth(1).expect("something to take in");
    let carried = carried.split('"').next().expect("its value").replace("&#34;", "\"").replace("&#38;", "&");
    let encoded: String = form_urlencoded::byte_serialize(carried.as_bytes()).collect();
    browser.act(&format!("{ROOM}/take"), &format!("carried={encoded}"))
}

fn undo(browser: &mut Browser, done: &Answer) {
    let line = to(done).rsplit_once("done=").expect("a change that can be undone").1.to_owned();
    browser.act(&format!("/office/undo/{line}"), &format!("back={ROOM}")).with(303, "undone");
}

/// An office whose editor plans.
fn an_editor() -> (County, Server, Browser, Browser) {
    let county = a_county();
    for lesson in ["grapes", "sheep"] {
        package_lesson(&county, lesson, 8);
    }
    county.schedule_text(SCHEDULE);
    let (server, mut admin) = an_office(&county);
    let editor = join(&server, &admin.invites("editor", "editor", "county"));
    wait_for("the schedule in the guide", PATIENCE, || {
        server.client.good("/api/v1/channels/xiangtu/programmes").text().contains("News").then_some(())
    });
    (county, server, admin, editor)
}

#[test]
fn a_table_goes_out_and_comes_in_again() {
    let (county, server, mut admin, mut editor) = an_editor();
    let table = editor.get(&format!("{ROOM}/table.csv")).with(200, "the table").text();
    let expected = ["Days", "daily", "19:00", "vines", "News"];
    assert!(expected.iter().all(|said| table.to_lowercase().contains(&said.to_lowercase())), "{table}");
    let same = look(&mut editor, &table, true).with(422, "nothing changed").text();
    assert!(same.contains("The table says what is there already") || same.contains("already"), "{same}");

    // Changed, added and removed: first looked at, then taken.
    let changed = table.replace("19:00,20:00", "18:30,19:30").replace("News", "Evening news");
    let rows = format!("{changed}2027-01-05,12:00,12:30,,,Noon,sheep,,,,,,\r\n");
    let looked = look(&mut editor, &rows, true).with(200, "a preview").text();
    for said in ["18:30–19:30", "19:00–20:00", "2027-01-05", "Noon", "Evening news"] {
        assert!(looked.contains(said), "{said}: {looked}");
    }
    assert_eq!(text(&county), SCHEDULE, "looking changes nothing");
    let taken = take(&mut editor, &looked).with(303, "taken");
    let now = text(&county);
    assert!(now.contains("days  = \"daily\"   # every day\nstart = \"18:30\"\nend   = \"19:30\""), "{now}");
    assert!(now.contains("date = 2027-01-05\nstart = \"12:00\"") && now.contains("# The evening."), "{now}");
    wait_for("it is in force", PATIENCE, || {
        let guide = server.client.good("/api/v1/channels/xiangtu/programmes").text();
        guide.contains("Evening news").then_some(())
    });
    undo(&mut editor, &taken);
    assert_eq!(text(&county), SCHEDULE, "undone, to the byte");

    // A part of it: what has another time is one more, which overlaps what stays.
    let over = look(&mut editor, &rows, false).with(422, "it overlaps").text();
    assert!(over.contains("It overlaps another programme"), "{over}");

    // Somebody else was faster: what was looked at is not taken over it.
    let looked = look(&mut editor, &rows, true).with(200, "a preview").text();
    let other = "kind=once&date=2027-02-01&start=09:00&end=10:00&title.en=Other&play=grapes";
    admin.act(ROOM, other).with(303, "an entry of somebody else");
    let stale = take(&mut editor, &looked).with(422, "stale").text();
    assert!(stale.contains("somebody else has just changed this"), "{stale}");
    assert!(text(&county).contains("Other") && !text(&county).contains("Noon"));

    // What is wrong is told by row, and changes nothing.
    let bad = table.replace("19:00,20:00", "25:00,20:00").replace("vines", "vine");
    let page = look(&mut editor, &bad, false).with(422, "wrong").text();
    assert!(page.contains("Row 2:") && page.contains("25:00"), "{page}");
    let page = look(&mut editor, &table.replace("vines", "vine"), false).with(422, "unknown").text();
    assert!(page.contains("The county has nothing of this name") && page.contains("did you mean"), "{page}");
    look(&mut editor, "no,such\r\ncolumns,here\r\n", false).with(422, "no headings");
    let mut auditor = join(&server, &admin.invites("auditor", "auditor", "county"));
    auditor.get(&format!("{ROOM}/table.xlsx")).with(200, "he may read");
    auditor.get(&format!("{ROOM}/table")).with(403, "and not write");
}

/// The mark of the first entry that stands every week.
fn mark_of(page: &str, start: &str) -> String {
    let item = page
        .split("<li")
        .find(|item| item.contains(&format!(">{start}</time>")) && item.contains("data-mark"));
    let mark = item.and_then(|i| i.split("data-mark=\"").nth(1)).and_then(|r| r.split('"').next());
    mark.unwrap_or_else(|| panic!("no entry at {start}: {page}")).to_owned()
}

#[test]
fn an_entry_is_moved_for_every_week_or_for_one_day() {
    let (county, _server, mut admin, mut editor) = an_editor();
    let week = |browser: &mut Browser, date: &str| {
        browser.get(&format!("{ROOM}?date={date}")).with(200, "a week").text()
    };
    // A week far ahead: none of it has begun. 2027-03-01 is a Monday.
    let page = week(&mut editor, "2027-03-03");
    let mark = mark_of(&page, "19:00");
    let one_day = "scope=day&was=2027-03-02&date=2027-03-03&start=21:00&end=22:10";
    let moved = editor.act(&format!("{ROOM}/{mark}/move"), one_day).with(303, "moved");
    let now = text(&county);
    assert!(now.contains("except = [2027-03-02]"), "{now}");
    assert!(now.contains("date = 2027-03-03\nstart = \"21:00\"\nend = \"22:10\""), "{now}");
    let page = wait_for("it is in force", PATIENCE, || {
        let page = week(&mut editor, "2027-03-03");
        page.contains(">21:00</time>").then_some(page)
    });
    let tuesday = page.split("data-date=\"2027-03-02\"").nth(1).and_then(|r| r.split("</section>").next());
    assert!(!tuesday.expect("Tuesday").contains("News"), "it does not stand that day");
    undo(&mut editor, &moved);
    assert_eq!(text(&county), SCHEDULE);

    let every = "scope=week&was=2027-03-02&date=2027-03-02&start=18:00&end=18:45";
    let moved = editor.act(&format!("{ROOM}/{mark}/move"), every).with(303, "moved");
    assert!(text(&county).contains("days  = \"daily\"   # every day\nstart = \"18:00\"\nend   = \"18:45\""));
    undo(&mut editor, &moved);

    // What overlaps, what has begun, and what somebody else changed first.
    let over = "scope=week&was=2027-03-02&date=2027-03-02&start=19:30&end=20:10";
    let told = to(&editor.act(&format!("{ROOM}/{mark}/move"), over).with(303, "not moved"));
    assert!(told.ends_with("not=overlaps"), "{told}");
    let begun = "scope=day&was=2026-01-06&date=2027-03-02&start=19:00&end=19:30";
    let told = to(&editor.act(&format!("{ROOM}/{mark}/move"), begun).with(303, "not moved"));
    assert!(told.ends_with("not=started"), "{told}");
    assert!(editor.get(&told).text().contains("It has begun"), "it is said");
    let gone = format!("{ROOM}/000000000000/move");
    assert!(to(&editor.act(&gone, every).with(303, "gone")).ends_with("not=stale"));
    assert_eq!(text(&county), SCHEDULE);

    // A day is copied where it is another; what stands there anyhow is not written again.
    let other = "kind=once&date=2027-03-02&start=09:00&end=10:00&title.en=Extra&play=sheep";
    editor.act(ROOM, other).with(303, "one more that Tuesday");
    // In the week's grid, which shows what is in force.
    let in_the_week = |page: String| {
        page.split("id=\"grid-texts\"").next().map_or(0, |week| week.matches(">Extra<").count())
    };
    wait_for("it is in force", PATIENCE, || {
        (in_the_week(week(&mut editor, "2027-03-03")) == 1).then_some(())
    });
    let copied = editor.act(&format!("{ROOM}/copy"), "from=2027-03-02&to=2027-03-05").with(303, "copied");
    let now = text(&county);
    assert!(
        now.contains("date = 2027-03-05\nstart = \"09:00\"") && now.matches("[[once]]").count() == 2,
        "{now}"
    );
    let twice = to(&editor.act(&format!("{ROOM}/copy"), "from=2027-03-02&to=2027-03-05").with(303, "twice"));
    assert!(twice.ends_with("not=copied"), "{twice}");
    undo(&mut editor, &copied);
    wait_for("the copy is gone from the week again", PATIENCE, || {
        (in_the_week(week(&mut editor, "2027-03-03")) == 1).then_some(())
    });
    editor.act(&format!("{ROOM}/copy"), "from=2027-03-01&to=2027-03-08&days=7").with(303, "a week");
    assert!(text(&county).contains("date = 2027-03-09\nstart = \"09:00\""));
    let audit = admin.get("/office/audit").text();
    assert!(audit.contains("copied entries of a schedule"), "{audit}");
}

#[test]
fn a_series_is_announced_episode_by_episode() {
    let (_county, server, mut admin, _editor) = an_editor();
    let guide = server.client.good("/guide.xml").text();
    assert!(guide.contains("<episode-num system=\"xmltv_ns\">.0/2.</episode-num>"), "{guide}");
    assert!(guide.contains("<episode-num system=\"xmltv_ns\">.1/2.</episode-num>"), "{guide}");
    assert!(guide.contains("/lessons/grapes/poster.jpg"), "{guide}");
    let calendar = server.client.good("/channels/xiangtu/guide.ics?series=vines").text();
    let events = calendar.matches("BEGIN:VEVENT").count();
    assert!((85..=95).contains(&events), "{events} evenings of 90 days");
    assert!(!calendar.contains("News"));
    let id = calendar.split("UID:").nth(1).and_then(|r| r.split('@').next()).expect("an event").to_owned();
    let one = server.client.good(&format!("/channels/xiangtu/guide.ics?programme={id}")).text();
    assert_eq!(one.matches("BEGIN:VEVENT").count(), 1);
    server.client.get("/channels/xiangtu/guide.ics?series=none").with(404, "no such series");
    let feed = server.client.good("/lessons.atom");
    assert!(feed.header("content-type").is_some_and(|t| t.starts_with("application/atom+xml")));
    assert!(feed.text().contains("/lessons/sheep</id>"));
    admin.get(ROOM).with(200, "the schedule");
}

#[test]
fn a_poster_is_one_page_on_paper() {
    let (_county, server, _admin, _editor) = an_editor();
    let page = server.client.good("/channels/xiangtu/poster?week=2027-W09&paper=a3&lang=ug-Arab").text();
    assert!(page.contains("lang=\"ug-Arab\" dir=\"rtl\"") && page.contains("<svg") && page.contains("19:00"));
    server.client.get("/channels/xiangtu/poster?week=2027-09").with(400, "no week");
    server.client.get("/channels/xiangtu/poster?paper=a5").with(400, "no paper of ours");
    server.client.get("/channels/none/poster").with(404, "no channel");
    server.client.get("/print/somebodys-page").with(404, "nothing is being printed");
    for lang in ["zh-Hans", "ug-Arab"] {
        let path = format!("/channels/xiangtu/poster.pdf?week=2027-W09&lang={lang}");
        let first = server.client.good(&path);
        assert_eq!(first.header("content-type"), Some("application/pdf"));
        let pages = String::from_utf8_lossy(&first.body).matches("/Type /Page\n").count();
        assert!(first.body.starts_with(b"%PDF") && pages == 1, "{pages} pages");
        assert_eq!(server.client.good(&path).body, first.body, "printed once");
    }
}
