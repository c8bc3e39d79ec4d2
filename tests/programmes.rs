//! Channels, relays, schedules, lessons and settings in the office: changed in
//! the files that people write, in force at once, taken back, and refused in words.

#[expect(dead_code, reason = "each story uses its part of what they share")]
mod support;

use std::fs;
use std::io::{Read as _, Write as _};

use nix::sys::signal::Signal;
use support::browser::{Browser, an_office, join, to};
use support::county::{County, Entry, Plays, a_county};
use support::http::Answer;
use support::media::{Upstream, free_udp_port, package_lesson};
use support::server::{PATIENCE, Server};
use support::time::{now, s, wait_for};

const COMMENTED: &str = "# The county's own channel.\nchannel = \"xiangtu\"\n\n# The evening.\n[[weekly]]\n\
    days  = \"daily\"   # every day\nstart = \"19:00\"\nend   = \"20:00\"\ntitle = { en = \"News\" }\n\
    play  = [\"grapes\"]\n\n# Nothing below.\n";

/// The mark of the first entry that a page leads to.
fn first_entry(page: &str) -> String {
    let mut marks =
        page.split("href=\"/office/schedule/xiangtu/").skip(1).filter_map(|r| r.split('"').next());
    marks.find(|m| !matches!(*m, "new" | "table" | "parts")).expect("an entry").to_owned()
}

fn undo(browser: &mut Browser, done: &Answer, back: &str) -> String {
    let line = to(done).rsplit_once("done=").expect("a change that can be undone").1.to_owned();
    to(&browser.act(&format!("/office/undo/{line}"), &format!("back={back}")).with(303, "undone"))
}

fn text(county: &County) -> String {
    fs::read_to_string(county.schedule_file()).expect("the schedule")
}

/// Waits until the guide of a week holds `title`, or no more.
fn announced(server: &Server, title: &str, there: bool) {
    // A whole week: what stands on Monday is announced whatever day it is.
    let to = now() + jiff::SignedDuration::from_hours(8 * 24);
    let path = format!("/api/v1/channels/xiangtu/programmes?to={to}");
    wait_for(&format!("{title} in the guide: {there}"), PATIENCE, || {
        let found = server.client.good(&path).text().contains(title);
        (found == there).then_some(())
    });
}

#[test]
fn an_editor_writes_the_schedule_and_its_comments_stay() {
    let county = a_county();
    package_lesson(&county, "grapes", 8);
    county.schedule_text(COMMENTED);
    let (server, mut admin) = an_office(&county);
    let mut editor = join(&server, &admin.invites("editor", "editor", "county"));
    let mut township = join(&server, &admin.invites("town", "township", "township:chengguan"));
    announced(&server, "News", true);

    let room = "/office/schedule/xiangtu";
    let entry = "kind=weekly&days=mon&days=wed&start=21:00&end=22:00&title.en=Vines&play=grapes";
    township.act(room, entry).with(403, "a township plans nothing");
    township.get(room).with(403, "nor does it look in here");
    let added = editor.act(room, entry).with(303, "an entry");
    let with_vines = text(&county);
    assert!(with_vines.starts_with(COMMENTED.trim_end_matches("\n# Nothing below.\n")), "{with_vines}");
    assert!(
        with_vines.contains("days = [\"mon\", \"wed\"]\nstart = \"21:00\"\nend = \"22:00\""),
        "{with_vines}"
    );
    assert!(with_vines.ends_with("# Nothing below.\n"), "{with_vines}");
    announced(&server, "Vines", true);

    // What cannot be is refused in words, and what was typed is still there.
    for (fields, says) in [
        ("kind=weekly&start=21:00&play=grapes", "at least one day"),
        ("kind=once&start=21:00&play=grapes", "Give the date"),
        ("kind=weekly&days=mon&play=grapes", "Give the start"),
        ("kind=weekly&days=mon&start=03:00", "Choose a lesson or a relay"),
        ("kind=weekly&days=mon&start=03:00&keep=1&play=grapes", "Only a relay can be kept"),
        ("kind=weekly&days=mon&start=03:00&end=later&play=grapes", "The end is no time"),
        ("kind=weekly&days=wed&start=21:30&play=grapes&title.en=Typed", "It overlaps “Vines” (21:00 22:00)"),
    ] {
        let page = editor.act(room, fields).with(422, fields).text();
        assert!(page.contains(says), "{fields}: {page}");
        assert!(!fields.contains("Typed") || page.contains("value=\"Typed\""), "{page}");
    }
    assert_eq!(text(&county), with_vines, "nothing was changed by it");

    // Two at once: the second is told, and does not overwrite the first.
    let page = editor.get(room).with(200, "the schedule").text();
    let mark = first_entry(&page);
    let form = |start: &str| {
        format!("mark={mark}&days=mon&days=tue&start={start}&end=20:00&title.en=News&play=grapes")
    };
    let address = format!("{room}/{mark}");
    let moved = editor.act(&address, &form("19:30")).with(303, "moved");
    let stale = admin.act(&address, &form("19:15")).with(422, "the second").text();
    assert!(stale.contains("somebody else has just changed this") && stale.contains("19:15"), "{stale}");
    let now_stands = text(&county);
    assert!(now_stands.contains("start = \"19:30\"\nend   = \"20:00\""), "{now_stands}");
    assert!(now_stands.contains("days  = [\"mon\", \"tue\"]   # every day"), "{now_stands}");

    // All is taken back, and the file is as it was, to the byte.
    assert_eq!(undo(&mut editor, &moved, room), room);
    assert_eq!(undo(&mut editor, &added, room), room);
    assert_eq!(text(&county), COMMENTED);
    announced(&server, "Vines", false);
    assert_eq!(undo(&mut editor, &added, room), format!("{room}?not=stale"), "once is enough");

    // A copy, then the first taken out; a crash right after loses nothing.
    let mark = first_entry(&editor.get(room).text());
    let copy = format!("do=copy&mark={mark}&days=daily&days=sun&start=08:00&title.en=Morning&play=grapes");
    editor.act(&format!("{room}/{mark}"), &copy).with(303, "a copy");
    editor.act(&format!("{room}/{mark}/remove"), "").with(303, "taken out");
    let address = server.client.address;
    server.kill();
    let server = Server::start_again(&county, address).ready();
    assert!(
        !text(&county).contains("News") && text(&county).contains("# Nothing below."),
        "{}",
        text(&county)
    );
    announced(&server, "Morning", true);
    let audit = admin.get("/office/audit").text();
    assert!(audit.contains("changed the schedule") && audit.contains("undid a change of a file"), "{audit}");

    // A file that somebody broke by hand is shown as such; what was planned stays.
    county.schedule_text("channel = \"xiangtu\"\n[[weekly]]\ndays = \"never\"\n");
    let page = editor.get(room).with(200, "a broken file").text();
    assert!(page.contains("the last good schedule stays on air") && page.contains("unknown days"), "{page}");
    announced(&server, "Morning", true);
    county.schedule_text("channel = \"xiangtu\"\n[[weekly\n");
    let page = editor.get(room).with(200, "no TOML at all").text();
    assert!(page.contains("the last good schedule stays on air") && page.contains("not TOML"), "{page}");
    let page = editor.act(room, entry).with(422, "nothing is added to it").text();
    assert!(page.contains("not TOML"), "{page}");
    announced(&server, "Morning", true);
}

const CHANNEL: &str = "id=second&number=2&name.en=Second&lang=ug-Arab&audio=ug-Arab&audio=zh-Hans&audio.first=ug-Arab\
    &window=&slate_after=&max_gap=";

#[test]
fn a_channel_is_added_changed_and_removed_while_the_server_runs() {
    let county = a_county();
    let (server, mut admin) = an_office(&county);
    let before = fs::read_to_string(county.config()).expect("the county's file");
    let added = admin.act("/office/new-channel", CHANNEL).with(303, "a channel");
    assert!(to(&added).starts_with("/office/channels/second?done="), "{}", to(&added));
    let said = fs::read_to_string(county.config()).expect("the county's file");
    assert!(said.contains("audio = [\"ug-Arab\", \"zh-Hans\"]"), "{said}");
    wait_for("the new channel on air", PATIENCE, || {
        let index = server.client.get("/channels/second/index.m3u8");
        let at = index.header("location").unwrap_or_else(|| panic!("{}", index.status)).to_owned();
        (server.client.get(&at.replace("index.m3u8", "v144.m3u8")).status == 200).then_some(())
    });
    assert!(server.client.good("/channels.m3u").text().contains("/channels/second/index.m3u8"));

    for (fields, says) in [
        ("id=xiangtu&number=3&name.en=X&lang=en", "already used"),
        ("id=third&number=2&name.en=X&lang=en", "already used"),
        ("id=third&number=0&name.en=X&lang=en", "expected 1 to 9999"),
        ("id=third&number=many&name.en=X&lang=en", "a whole number is needed here"),
        ("id=third&number=3&lang=en", "Please enter a name"),
        ("id=third&number=3&name.en=X&lang=en&window=1h30", "`1h30` is not a duration"),
        ("id=Th+ird&number=3&name.en=X&lang=en", "expected"),
    ] {
        let page = admin.act("/office/new-channel", fields).with(422, fields).text();
        assert!(page.contains(says), "{fields}: {page}");
    }
    let mark = |admin: &mut Browser, page: &str| {
        let page = admin.get(page).with(200, page).text();
        page.split("name=\"mark\" value=\"")
            .nth(1)
            .and_then(|r| r.split('"').next())
            .expect("a mark")
            .to_owned()
    };
    let seen = mark(&mut admin, "/office/channels/second");
    let other = format!("mark={seen}&{}", CHANNEL.replace("name.en=Second", "name.en=Renamed"));
    admin.act("/office/channels/second", &other).with(303, "renamed");
    assert!(server.client.good("/?lang=en").text().contains("Renamed"));
    let stale = admin.act("/office/channels/second", &other).with(422, "the same form again").text();
    assert!(stale.contains("somebody else has just changed this"), "{stale}");

    // A channel with a schedule is not removed under it.
    let refused = admin.act("/office/channels/xiangtu/remove", "").with(422, "it has a schedule").text();
    assert!(refused.contains("there is no channel `xiangtu`"), "{refused}");
    let removed = admin.act("/office/channels/second/remove", "").with(303, "removed");
    wait_for("the channel gone", PATIENCE, || {
        (server.client.get("/channels/second/index.m3u8").status == 404).then_some(())
    });
    assert_eq!(fs::read_to_string(county.config()).expect("the county's file"), before);
    undo(&mut admin, &removed, "/office/channels");
    assert!(server.client.good("/?lang=en").text().contains("Renamed"), "and there again");

    // The county itself.
    let seen = mark(&mut admin, "/office/settings");
    let form = format!(
        "mark={seen}&name.en=New+County&languages=en&languages=ug-Arab&languages.first=en&timezone=Asia/Urumqi&public_url="
    );
    let renamed = admin.act("/office/settings", &form).with(303, "the county is called otherwise");
    let home = server.client.good("/?lang=en").text();
    assert!(home.contains("New County") && home.contains("Asia/Urumqi"), "{home}");
    undo(&mut admin, &renamed, "/office/settings");
    assert!(server.client.good("/?lang=en").text().contains("Test County"));
    let form = form.replace("Asia/Urumqi", "Asia/Nowhere");
    let page = admin.act("/office/settings", &form).with(422, "no zone").text();
    assert!(page.contains("somebody else") || page.contains("is not a time zone"), "{page}");
    let good = fs::read_to_string(county.config()).expect("the county's file");
    fs::write(county.config(), "name = {").expect("somebody breaks it");
    assert!(admin.get("/office/channels").with(409, "it cannot be shown").text().contains("not TOML"));
    fs::write(county.config(), good).expect("and mends it");
    let mut auditor = join(&server, &admin.invites("auditor", "auditor", "county"));
    let page = auditor.get("/office/settings").with(200, "an auditor reads all").text();
    assert!(page.contains("Your role can look at this"), "{page}");
}

#[test]
fn a_relay_is_moved_to_another_address_while_its_channel_is_on_air() {
    let (first, second) = (free_udp_port(), free_udp_port());
    let county = a_county().with_relay("national", first);
    let started = now();
    let hour = jiff::SignedDuration::from_hours(1);
    let programme =
        Entry {
            start: started - hour, end: started + hour, plays: Plays::Relay("national"), title: "联播"
        };
    county.schedule(&[programme]);
    let (server, mut admin) = an_office(&county);
    let duty = admin.invites("duty", "duty", "county");
    let mut duty = join(&server, &duty);
    let upstream = Upstream::to(second);
    let form = |port: u16| {
        format!(
            "name.zh-Hans=中央台&sources=udp://127.0.0.1:{port}&audio=zh-Hans&audio.first=zh-Hans&max_segment=5s"
        )
    };
    let page = duty.get("/office/relays/national").with(200, "the relay").text();
    assert!(page.contains(&format!("udp://127.0.0.1:{first}")), "{page}");
    let mark = page.split("name=\"mark\" value=\"").nth(1).and_then(|r| r.split('"').next()).expect("a mark");
    let bad = duty.act("/office/relays/national", &format!("mark={mark}&{}", form(0))).with(422, "no port");
    assert!(bad.text().contains("port 0"), "{}", bad.text());

    let mut listening = server.client.connect();
    let ask = format!(
        "GET /office/events HTTP/1.1\r\nhost: x\r\naccept: text/event-stream\r\ncookie: {}\r\n\r\n",
        duty.cookie
    );
    listening.write_all(ask.as_bytes()).expect("asked");
    listening.set_read_timeout(Some(s(30))).expect("a limit");

    duty.act("/office/relays/national", &format!("mark={mark}&{}", form(second))).with(303, "moved");
    server.has_relay("national");
    let mut heard = String::new();
    let mut bytes = [0; 4096];
    while !heard.contains("data: changed") {
        let n = listening.read(&mut bytes).expect("events come");
        assert!(n > 0, "the line ended: {heard}");
        heard.push_str(&String::from_utf8_lossy(&bytes[..n]));
    }
    assert!(heard.contains("200 OK") && heard.contains("text/event-stream"), "{heard}");
    wait_for("the relay on the channel", PATIENCE, || {
        let live = server.live(&server.open_channel(), "v144");
        live.segments.iter().any(|s| s.uri.contains("relay.national")).then_some(())
    });

    // The line of events does not hold the server up.
    let before = now();
    server.signal(Signal::SIGTERM);
    let ended = server.finish(PATIENCE);
    assert!(ended.status.success(), "{:?}", ended.status);
    assert!(now().duration_since(before) < jiff::SignedDuration::from_secs(9), "it waited for the listener");
    drop(upstream);
}

#[test]
fn a_lesson_gets_titles_in_other_languages() {
    let county = a_county();
    package_lesson(&county, "grapes", 8);
    let (server, mut admin) = an_office(&county);
    let mut editor = join(&server, &admin.invites("editor", "editor", "county"));
    let page = editor.get("/office/lessons").with(200, "lessons").text();
    assert!(page.contains("/office/lessons/grapes"), "{page}");
    let page = editor.get("/office/lessons/grapes").with(200, "a lesson").text();
    let mark = page.split("name=\"mark\" value=\"").nth(1).and_then(|r| r.split('"').next()).expect("a mark");
    let mark = mark.replace("&#34;", "\"").replace("&quot;", "\"");
    let form = |title: &str| {
        let mut fields = form_urlencoded::Serializer::new(String::new());
        fields
            .append_pair("mark", &mark)
            .append_pair("title.en", title)
            .append_pair("title.ug-Arab", "ئۈزۈم");
        fields.finish()
    };
    editor.act("/office/lessons/grapes", "title.en=X").with(422, "without a look at what is there");
    let done = editor.act("/office/lessons/grapes", &form("Vines & wine")).with(303, "titled");
    assert!(server.client.good("/lessons?lang=en").text().contains("Vines &#38; wine"));
    assert!(server.client.good("/lessons?lang=ug-Arab").text().contains("ئۈزۈم"));
    editor.act("/office/lessons/grapes", &form("Other")).with(422, "the same form again");

    let address = server.client.address;
    server.kill();
    let server = Server::start_again(&county, address).ready();
    assert!(server.client.good("/lessons?lang=en").text().contains("Vines &#38; wine"), "after kill -9");
    server.client.good(&server.client.open("/lessons/grapes/index.m3u8"));
    assert_eq!(undo(&mut editor, &done, "/office/lessons/grapes"), "/office/lessons/grapes");
    assert!(!server.client.good("/lessons?lang=en").text().contains("Vines"));
    editor.get("/office/lessons/none").with(404, "no such lesson");
}
