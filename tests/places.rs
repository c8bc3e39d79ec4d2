//! Townships and sites in the office: added, changed, closed, taken from a
//! table, taken back; and forms that outlive a sign-in.

#[expect(dead_code, reason = "each story uses its part of what they share")]
mod support;

use nix::sys::signal::Signal;
use support::browser::{Browser, PASSWORD, an_office, code_in, join, plus, to};
use support::county::a_county;
use support::http::Answer;
use support::server::{PATIENCE, Server};
use yuanjiao::base::workbook::{self, Table};

/// Presses the button that the page offers after a change.
fn undo(browser: &mut Browser, page: &str) -> Answer {
    let line = page.rsplit_once("done=").expect("a change that can be undone").1;
    assert!(browser.get(page).with(200, page).text().contains(&format!("/office/undo/{line}")));
    browser.act(&format!("/office/undo/{line}"), "back=/office/sites").with(303, "undone")
}

#[test]
fn a_township_and_a_site_are_added_renamed_closed_and_everything_is_taken_back() {
    let county = a_county();
    let (server, mut admin) = an_office(&county);
    let township = "id=nanshan&name.zh-Hans=南山乡&name.en=Nanshan";
    admin.act("/office/townships", township).with(303, "a township");
    admin.act("/office/townships", township).with(422, "the same again");
    admin.act("/office/townships", "id=Nan+shan&name.en=x").with(422, "no identifier");
    admin.act("/office/townships", "id=beigou").with(422, "no name");

    let added = admin.act("/office/new-site", "township=nanshan&name.en=Gaocun").with(303, "a site");
    assert!(to(&added).starts_with("/office/sites/nanshan-1?done="), "{}", to(&added));
    admin.act("/office/new-site", "township=nanshan").with(422, "without a name");
    assert!(server.client.good("/sites/nanshan-1?lang=en").text().contains("Gaocun"));

    let sheet = admin.act("/office/sites/nanshan-1/terminals", "name=TV&device=tv").with(200, "a sheet");
    let mut device = Browser::new(&server);
    let enrolled = device.post("/enrol", &format!("code={}", code_in(&sheet.text()))).with(303, "enrolled");
    let token = to(&enrolled).split_once("terminal=").expect("with its token").1.to_owned();
    let plays =
        |server: &Server| server.client.get(&format!("/channels/xiangtu/index.m3u8?terminal={token}")).status;
    assert_eq!(plays(&server), 302, "it plays");

    let closed = admin.act("/office/sites/nanshan-1/close", "").with(303, "closed");
    assert_eq!(plays(&server), 401, "a closed site counts no more");
    assert!(!admin.get("/office/sites").text().contains("nanshan-1"));
    assert!(admin.get("/office/sites?closed=1").text().contains("nanshan-1"));
    admin.act("/office/sites/nanshan-1/terminals", "name=TV&device=tv").with(403, "no code for it");
    undo(&mut admin, &to(&closed));
    assert_eq!(plays(&server), 302, "and it counts again");

    let renamed = admin.act("/office/sites/nanshan-1", "township=chengguan&name.en=Gao").with(303, "renamed");
    let again = admin.act("/office/sites/nanshan-1", "township=chengguan&name.en=Gao+Cun").with(303, "again");
    let stale = undo(&mut admin, &to(&renamed));
    assert_eq!(to(&stale), "/office/sites?not=stale", "what has changed since is not overwritten");
    undo(&mut admin, &to(&again));
    undo(&mut admin, &to(&renamed));
    assert!(admin.get("/office/sites/nanshan-1").text().contains("Gaocun"));

    let used = undo(&mut admin, &to(&added));
    assert_eq!(to(&used), "/office/sites?not=used", "a site with a terminal does not vanish");
    admin.act("/office/sites/dongmen", "township=chengguan&name.en=X").with(422, "the county's file stands");

    // It is there after a crash, and after the county's file was read again.
    let address = server.client.address;
    server.kill();
    let server = Server::start_again(&county, address).ready();
    assert_eq!(plays(&server), 302, "after kill -9");
    server.signal(Signal::SIGHUP);
    server.logged(&["the configuration was read again"], PATIENCE);
    assert_eq!(plays(&server), 302, "after a reload");
    let audit = admin.get("/office/audit").text();
    for said in ["changed sites or townships", "undid a change", "Gao Cun (chengguan)"] {
        assert!(audit.contains(said), "{said}: {audit}");
    }
}

/// The change that a preview carries, as a form sends it.
fn carried(page: &str) -> String {
    let text = page.split("name=\"change\" value=\"").nth(1).expect("a change");
    let text = text.split("\">").next().expect("its end");
    let text = text.replace("&#34;", "\"").replace("&#39;", "'").replace("&#38;", "&");
    let sent: String = text.bytes().map(|b| format!("%{b:02x}")).collect();
    format!("change={sent}")
}

fn exported(browser: &mut Browser) -> Vec<Table> {
    let file = browser.get("/office/export/sites.xlsx").with(200, "a workbook");
    assert_eq!(file.header("content-disposition"), Some("attachment; filename=\"sites.xlsx\""));
    workbook::read(&file.body).expect("a workbook")
}

#[test]
fn a_table_is_taken_out_changed_looked_through_taken_in_and_taken_back() {
    let county = a_county();
    let (server, mut admin) = an_office(&county);
    admin.act("/office/townships", "id=nanshan&name.en=Nanshan").with(303, "a township");
    admin.act("/office/new-site", "township=nanshan&name.en=Gaocun").with(303, "a site");
    let mut tables = exported(&mut admin);
    let as_it_is = workbook::write(&tables, false).expect("written");
    assert!(
        admin
            .attach("/office/import/sites", "file", &as_it_is)
            .with(422, "nothing to do")
            .text()
            .contains("nothing to change")
    );

    let english = tables[0].rows[0].iter().position(|h| h == "Name (en)").expect("a column for English");
    let gaocun = tables[0].rows.iter_mut().find(|r| r[0] == "nanshan-1").expect("its row");
    gaocun[english] = "Gaocun <b>".to_owned();
    gaocun[2] = "yes".to_owned();
    for name in ["One", "Two"] {
        let mut row = vec![String::new(); english + 1];
        (row[1], row[english]) = ("Nanshan".to_owned(), name.to_owned());
        tables[0].rows.push(row);
    }
    let changed = workbook::write(&tables, true).expect("written");
    let preview = admin.attach("/office/import/sites", "file", &changed).with(200, "a preview").text();
    for said in ["Changes: 3", "Gaocun &#60;b&#62;", "Closed", "site/nanshan-2", "site/nanshan-3"] {
        assert!(preview.contains(said), "{said}: {preview}");
    }
    assert_eq!(server.client.get("/sites/nanshan-2").status, 404, "nothing has changed yet");
    let taken = admin.act("/office/import/take", &carried(&preview)).with(303, "taken in");
    assert!(server.client.good("/sites/nanshan-2?lang=en").text().contains("One"));
    let stale = admin.act("/office/import/take", &carried(&preview)).with(422, "twice").text();
    assert!(stale.contains("somebody else has just changed"), "{stale}");
    undo(&mut admin, &to(&taken));
    assert_eq!(server.client.get("/sites/nanshan-2").status, 404, "taken back");
    assert_eq!(exported(&mut admin)[0].rows.len(), 4, "the file's two, the office's one, the headings");

    // What is wrong is told with its row, and nothing is changed.
    let rows = &mut tables[0].rows;
    let last = rows.len();
    rows[last - 1][1] = "Nowhere".to_owned();
    rows[last - 2][2] = "perhaps".to_owned();
    rows[0].push("Mayor".to_owned());
    let wrong = workbook::write(&tables, false).expect("written");
    let told = admin.attach("/office/import/sites", "file", &wrong).with(422, "wrong").text();
    for said in [
        "row 5",
        "row 6",
        "“Nowhere”",
        "found “perhaps”",
        "column “Mayor” is not known",
        "Nothing was changed",
    ] {
        assert!(told.contains(said), "{said}: {told}");
    }
    assert!(
        admin
            .attach("/office/import/sites", "file", b"not a workbook")
            .with(422, "no workbook")
            .text()
            .contains("cannot be read")
    );
    assert!(
        admin
            .attach("/office/import/sites", "file", b"")
            .with(422, "no file")
            .text()
            .contains("Choose a file")
    );
    admin.attach("/office/import/sites", "file", &vec![0; 3 << 20]).with(413, "too large");

    // A township's office takes in its own sites and no others.
    let code = admin.invites("patigul", "township", "township:chengguan");
    let mut township = join(&server, &code);
    let foreign =
        township.attach("/office/import/sites", "file", &changed).with(422, "another township's").text();
    assert!(foreign.contains("not yours to change"), "{foreign}");
    township.act("/office/import/take", &carried(&preview)).with(403, "nor by a form of his own making");
    township.act("/office/new-site", "township=nanshan&name.en=x").with(403, "another township");
    township.act("/office/new-site", "township=chengguan&name.en=Bazar").with(303, "its own");
    township.get("/office/townships").with(403, "townships are the county's");
    let code = admin.invites("operator", "operator", "site:dongmen");
    let mut operator = join(&server, &code);
    for path in ["/office/new-site", "/office/import/sites", "/office/townships"] {
        operator.get(path).with(403, path);
    }
    assert_eq!(exported(&mut operator)[0].rows.len(), 2, "an operator takes out his own site");
}

#[test]
fn sites_are_found_and_many_are_dealt_with_at_once() {
    let county = a_county();
    let (_server, mut admin) = an_office(&county);
    for n in 1..=55 {
        let fields = format!("township=chengguan&name.en=Village+{n}&name.ug-Arab=كەنت+{n}");
        admin.act("/office/new-site", &fields).with(303, "a site");
    }
    let page = admin.get("/office/sites").text();
    assert!(page.contains("Sites: 57"), "{page}");
    let next = page.split("/office/sites?").nth(1).and_then(|r| r.split('"').next()).expect("a next page");
    let second = admin.get(&format!("/office/sites?{}", next.replace("&#38;", "&"))).text();
    assert_eq!(second.matches("<tr><td>").count(), 7, "the rest: {second}");
    let found = admin.get("/office/sites?q=%D9%83%DB%95%D9%86%D8%AA+55").text();
    assert!(found.contains("chengguan-55") && found.contains("Sites: 1"), "{found}");
    assert!(admin.get("/office/sites?q=nowhere").text().contains("No site was found"));

    let chosen = "site=chengguan-1&site=chengguan-2&site=chengguan-3";
    let sheets = admin.act("/office/chosen-sites", &format!("do=codes&name=TV&device=tv&{chosen}"));
    assert_eq!(sheets.with(200, "sheets").text().matches("class=\"one-time\"").count(), 3);
    let closed = admin.act("/office/chosen-sites", &format!("do=close&{chosen}")).with(303, "closed");
    assert!(admin.get("/office/sites").text().contains("Sites: 54"));
    undo(&mut admin, &to(&closed));
    assert!(admin.get("/office/sites").text().contains("Sites: 57"));
    let nothing = admin.act("/office/chosen-sites", "do=close").with(303, "nothing chosen");
    assert!(admin.get(&to(&nothing)).text().contains("No site was chosen"));
}

#[test]
fn what_was_typed_outlives_the_sign_in() {
    let county = a_county();
    let (server, mut admin) = an_office(&county);
    let fields = "township=chengguan&name.en=A+%22quoted%22+village";
    let mut late = Browser::new(&server);
    let page = late.post("/office/new-site", fields).with(401, "signed out meanwhile").text();
    let kept = page.split("name=\"kept\" value=\"").nth(1).and_then(|r| r.split("\">").next()).expect("kept");
    let kept = kept.replace("&#34;", "\"");
    let sent: String = kept.bytes().map(|b| format!("%{b:02x}")).collect();
    late.post("/sign-in", &format!("login=aygul&password=wrong-one&kept={sent}")).with(422, "still kept");
    let sign_in = format!("login=aygul&password={}&kept={sent}", plus(PASSWORD));
    let page = late.post("/sign-in", &sign_in).with(200, "the form once more").text();
    assert!(page.contains("A &#34;quoted&#34; village") && page.contains("action=\"/office/new-site\""));
    late.act("/office/new-site", fields).with(303, "sent");
    assert!(admin.get("/office/sites?q=quoted").text().contains("Sites: 1"));

    // Nothing is carried to another place, and no password through a page.
    let elsewhere = kept.replace("/office/new-site", "//evil.example/office");
    let sent: String = elsewhere.bytes().map(|b| format!("%{b:02x}")).collect();
    let sign_in = format!("login=aygul&password={}&kept={sent}", plus(PASSWORD));
    Browser::new(&server).post("/sign-in", &sign_in).with(303, "a form for elsewhere is dropped");
    let page = Browser::new(&server).post("/me/password", "current=secret&password=other&again=other");
    assert!(!page.text().contains("secret"));
}
