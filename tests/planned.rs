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
    let day = |page: &str, date: &str| {
        let day =
            page.split(&format!("data-date=\"{date}\"")).nth(1).and_then(|r| r.split("</section>").next());
        day.unwrap_or_else(|| panic!("no {date}: {page}")).to_owned()
    };
    // The list of entries is the file's at once; the days are those of the plan in force.
    let page = wait_for("it is in force", PATIENCE, || {
        let page = week(&mut editor, "2027-03-03");
        day(&page, "2027-03-03").contains(">21:00</time>").then_some(page)
    });
    assert!(!day(&page, "2027-03-02").contains("News"), "it does not stand that day");
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

/// The mark in the address of a form below `room`.
fn form_of(page: &str, room: &str) -> String {
    let before = format!("href=\"{room}/");
    let mut forms = page.split(&before).skip(1).filter_map(|r| r.split('"').next());
    forms.find(|f| *f != "new").unwrap_or_else(|| panic!("no form in {room}: {page}")).to_owned()
}

#[test]
fn series_fillers_and_holidays_are_made_on_pages() {
    let (county, server, mut admin, mut editor) = an_editor();
    let parts = format!("{ROOM}/parts");
    let new = |sort: &str| format!("{parts}/{sort}/new");

    // A series; the entry that goes on with it is chosen from it at once.
    let fields = "id=bees&title.en=Bees&lessons=sheep&lessons=&lessons=grapes&begins=2026-03-01&again=1";
    let made = editor.act(&new("series"), fields).with(303, "a series");
    assert!(text(&county).contains("id = \"bees\"") && text(&county).contains("begins = 2026-03-01"));
    assert!(text(&county).contains("lessons = [\"sheep\", \"grapes\"]"), "{}", text(&county));
    let form = editor.get(&format!("{ROOM}/new")).with(200, "the form").text();
    assert!(form.contains("Bees"), "{form}");
    undo(&mut editor, &made);
    assert_eq!(text(&county), SCHEDULE, "undone, to the byte");

    // What cannot be is told, and what was typed is still there.
    for (sort, fields, says) in [
        ("series", "id=bees&title.en=Bees&begins=2026-03-01", "must not be empty"),
        ("series", "id=bees&title.en=Bees&lessons=sheep&begins=soon", "expected a date"),
        ("series", "id=vines&title.en=Bees&lessons=sheep&begins=2026-03-01", "already"),
        ("filler", "lesson=&weight=1", "must not be empty"),
        ("filler", "lesson=sheep&weight=0", "1 to 1000"),
        ("holiday", "from=2026-10-07&to=2026-10-01&like=sun", "expected a day from"),
        ("holiday", "from=&like=sun", "expected a date"),
    ] {
        let page = editor.act(&new(sort), fields).with(422, fields).text();
        assert!(page.contains(says), "{fields}: {page}");
        assert!(!fields.contains("title.en") || page.contains("value=\"Bees\""), "{page}");
    }
    // A series that programmes go on with stays.
    let page = editor.get(&parts).with(200, "the parts").text();
    assert!(page.contains("The vine") && page.contains("vines · 2"), "{page}");
    let vines = form_of(&page, &format!("{parts}/series"));
    let page = editor.act(&format!("{parts}/series/{vines}/remove"), "").with(422, "in use").text();
    assert!(page.contains("vines"), "{page}");
    assert_eq!(text(&county), SCHEDULE);

    editor.act(&new("filler"), "lesson=sheep&weight=3").with(303, "a filler");
    editor.act(&new("holiday"), "from=2027-05-01&to=2027-05-03&like=none").with(303, "a holiday");
    let now = text(&county);
    assert!(now.contains("[[filler]]\nlesson = \"sheep\"\nweight = 3"), "{now}");
    assert!(now.contains("[[holiday]]\nfrom = 2027-05-01\nto = 2027-05-03\nlike = \"none\""), "{now}");
    wait_for("nothing is planned on the holiday", PATIENCE, || {
        let week = editor.get(&format!("{ROOM}?date=2027-05-01")).with(200, "the week").text();
        let day = week.split("data-date=\"2027-05-01\"").nth(1).and_then(|r| r.split("</section>").next());
        (!day.expect("the day").contains("News")).then_some(())
    });
    let page = editor.get(&parts).with(200, "the parts").text();
    let filler = form_of(&page, &format!("{parts}/filler"));
    let form = editor.get(&format!("{parts}/filler/{filler}")).with(200, "its form").text();
    assert!(form.contains("value=\"sheep\" selected") && form.contains("value=\"3\""), "{form}");
    editor.act(&format!("{parts}/filler/{filler}"), "lesson=grapes&weight=").with(303, "changed");
    assert!(text(&county).contains("[[filler]]\nlesson = \"grapes\"\n"), "{}", text(&county));

    // The county's holidays are not an editor's.
    editor.get("/office/holidays").with(403, "not his");
    admin.act("/office/holidays/holiday/new", "from=2027-10-01&to=2027-10-07&like=sun").with(303, "made");
    let file = fs::read_to_string(county.config()).expect("the county");
    assert!(file.contains("[[holiday]]\nfrom = 2027-10-01\nto = 2027-10-07\nlike = \"sun\""), "{file}");
    let page = admin.get("/office/holidays").with(200, "the list").text();
    assert!(page.contains("2027-10-01 – 2027-10-07") && page.contains("Sunday"), "{page}");
    let mut auditor = join(&server, &admin.invites("auditor", "auditor", "county"));
    auditor.get(&parts).with(200, "he may read");
    auditor.get(&new("series")).with(403, "and not write");
    auditor.act(&new("filler"), "lesson=sheep").with(403, "nor send");
}

#[test]
fn one_programme_follows_another() {
    let (county, _server, _admin, mut editor) = an_editor();
    let schedule = SCHEDULE.replace("end   = \"20:00\"", "end   = \"19:30\"");
    county.schedule_text(&schedule);
    let mark = mark_of(&editor.get(&format!("{ROOM}?date=2027-03-03")).with(200, "a week").text(), "19:00");
    let page = editor.get(&format!("{ROOM}/{mark}")).with(200, "its form").text();
    assert!(page.contains(&format!("href=\"{ROOM}/new?after={mark}\"")), "{page}");
    let form = editor.get(&format!("{ROOM}/new?after={mark}")).with(200, "the form").text();
    assert!(form.contains("News") && !form.contains("name=\"start\""), "{form}");
    let fields = format!("after={mark}&follows=1&kind=weekly&title.en=Weather&play=sheep");
    let made = editor.act(ROOM, &fields).with(303, "made");
    let now = text(&county);
    let (news, weather) = (now.find("News").expect("news"), now.find("start = \"following\"").expect("it"));
    let vines = now.rfind("series = \"vines\"").expect("the series' entry");
    assert!(news < weather && weather < vines, "it stands behind what it follows: {now}");
    wait_for("it follows in the guide", PATIENCE, || {
        let week = editor.get(&format!("{ROOM}?date=2027-03-03")).with(200, "a week").text();
        week.contains("Weather").then_some(())
    });
    undo(&mut editor, &made);
    assert_eq!(text(&county), schedule);
    editor.act(ROOM, &fields.replace(&mark, "000000000000")).with(422, "what it follows is gone");
}

#[test]
fn machines_are_sent_the_guide_once() {
    let (county, server, mut admin, _editor) = an_editor();
    for path in [
        "/guide.xml",
        "/channels/xiangtu/guide.ics",
        "/channels/xiangtu/guide.ics?series=vines",
        "/lessons.atom",
    ] {
        let first = server.client.good(path);
        let tag = first.header("etag").unwrap_or_else(|| panic!("{path} has no tag")).to_owned();
        let again = server.client.ask("GET", path, &[("if-none-match", &tag)]).with(304, path);
        assert_eq!((again.text().len(), again.header("etag")), (0, Some(&*tag)), "{path}");
        let small = server.client.ask("GET", path, &[("accept-encoding", "gzip")]).with(200, path);
        assert_eq!(small.header("content-encoding"), Some("gzip"), "{path}");
        assert_ne!(small.header("etag"), Some(&*tag), "{path}");
        server.client.ask("GET", path, &[("if-none-match", "\"other\"")]).with(200, path);
    }
    let before = server.client.good("/guide.xml");
    // A file with a mistake empties no guide, and the duty desk says so.
    county.schedule_text(&SCHEDULE.replace("19:00", "27:00"));
    wait_for("the alarm", PATIENCE, || {
        let desk = admin.get("/office/duty").with(200, "the duty desk").text();
        desk.contains("The schedule file has a mistake").then_some(())
    });
    assert_eq!(server.client.good("/guide.xml").header("etag"), before.header("etag"));
    county.schedule_text(&SCHEDULE.replace("play  = [\"grapes\"]", "play  = [\"gone\"]"));
    wait_for("the alarm of a lesson that is missing", PATIENCE, || {
        let desk = admin.get("/office/duty").with(200, "the duty desk").text();
        (desk.contains("is missing: gone") && !desk.contains("has a mistake")).then_some(())
    });
    county.schedule_text(&SCHEDULE.replace("News", "Bulletin"));
    wait_for("another guide", PATIENCE, || {
        let guide = server.client.good("/guide.xml");
        (guide.text().contains("Bulletin") && guide.header("etag") != before.header("etag")).then_some(())
    });
}
