//! Every door of the office, asked by every role, at what is its own and what
//! is another's. The doors are read from the code: one without a row here fails.

#[expect(dead_code, reason = "each story uses its part of what they share")]
mod support;

use std::collections::BTreeMap;

use support::browser::{Browser, an_office, join};
use support::county::a_county;

const SECOND: &str = "
[[township]]
id = \"nanshan\"
name = { en = \"Nanshan\" }

[[site]]
id = \"gaocun\"
township = \"nanshan\"
name = { en = \"Gaocun\" }
";

/// Who asks, and the part of the county it is for.
const ROLES: [(&str, &str); 10] = [
    ("administrator", "county"),
    ("auditor", "county"),
    ("editor", "county"),
    ("reviewer", "county"),
    ("duty", "county"),
    ("tutor", "township:chengguan"),
    ("township", "township:chengguan"),
    ("department", "township:chengguan"),
    ("operator", "site:dongmen"),
    ("learner", "site:dongmen"),
];

const OFFICE: &[&str] = &[
    "administrator",
    "auditor",
    "editor",
    "reviewer",
    "duty",
    "tutor",
    "township",
    "department",
    "operator",
];
const ADMIN: &[&str] = &["administrator"];
const ADMIN_AUDITOR: &[&str] = &["administrator", "auditor"];
const EDITORS: &[&str] = &["administrator", "editor"];
const REVIEWERS: &[&str] = &["administrator", "editor", "reviewer"];
const ADMIN_DUTY: &[&str] = &["administrator", "duty"];
const PLANNERS_AND_READERS: &[&str] = &["administrator", "auditor", "editor", "reviewer", "duty"];
const SUPERIORS: &[&str] = &["administrator", "township", "department"];
const KEEPERS: &[&str] = &["administrator", "township", "department", "operator"];
const SEERS: &[&str] = &["administrator", "auditor", "township", "department", "operator"];

/// What is asked at a door: a form's fields, or none for a page.
type Ask = (&'static str, Option<&'static str>, &'static [&'static str]);

/// Every door, as the code names it, with requests and who is let through.
/// `dongmen` lies in Chengguan, `gaocun` in Nanshan: only the county's roles reach it.
fn doors() -> BTreeMap<&'static str, Vec<Ask>> {
    let page = |path, roles| (path, None, roles);
    let form = |path, fields, roles| (path, Some(fields), roles);
    BTreeMap::from([
        ("GET office", vec![page("/office", OFFICE)]),
        ("GET office/duty", vec![page("/office/duty", OFFICE)]),
        ("GET office/duty/*", vec![page("/office/duty/xiangtu", OFFICE)]),
        ("POST office/duty/*", vec![form("/office/duty/xiangtu", "do=nothing", ADMIN_DUTY)]),
        ("GET office/duty/*/picture", vec![page("/office/duty/xiangtu/picture", OFFICE)]),
        ("GET office/asrun", vec![page("/office/asrun", PLANNERS_AND_READERS)]),
        ("GET office/asrun/*", vec![page("/office/asrun/xiangtu", PLANNERS_AND_READERS)]),
        ("GET office/asrun/*/*", vec![page("/office/asrun/xiangtu/2026-11-25.csv", PLANNERS_AND_READERS)]),
        ("GET office/design", vec![page("/office/design", OFFICE)]),
        (
            "GET office/people",
            vec![page("/office/people", &["administrator", "auditor", "township", "department"])],
        ),
        ("POST office/people", vec![form("/office/people", "name=&login=x", SUPERIORS)]),
        ("POST office/people/*/*", vec![form("/office/people/{foreign}/nothing", "", ADMIN)]),
        (
            "POST office/chosen-people",
            vec![form("/office/chosen-people", "do=codes&person={foreign}", ADMIN)],
        ),
        ("GET office/events", vec![page("/office/events", OFFICE)]),
        ("GET office/schedule", vec![page("/office/schedule", PLANNERS_AND_READERS)]),
        ("GET office/schedule/*", vec![page("/office/schedule/xiangtu", PLANNERS_AND_READERS)]),
        ("POST office/schedule/*", vec![form("/office/schedule/xiangtu", "days=mon", EDITORS)]),
        ("GET office/schedule/*/table", vec![page("/office/schedule/xiangtu/table", EDITORS)]),
        (
            "GET office/schedule/*/table.xlsx",
            vec![page("/office/schedule/xiangtu/table.xlsx", PLANNERS_AND_READERS)],
        ),
        (
            "GET office/schedule/*/table.csv",
            vec![page("/office/schedule/xiangtu/table.csv", PLANNERS_AND_READERS)],
        ),
        ("POST office/schedule/*/look", vec![form("/office/schedule/xiangtu/look", "whole=1", EDITORS)]),
        (
            "POST office/schedule/*/take",
            vec![form(
                "/office/schedule/xiangtu/take",
                "carried={\"mark\":\"\",\"whole\":false,\"drafts\":[]}",
                EDITORS,
            )],
        ),
        (
            "POST office/schedule/*/copy",
            vec![form("/office/schedule/xiangtu/copy", "from=2026-11-23&to=2026-11-24", EDITORS)],
        ),
        (
            "POST office/schedule/*/*/move",
            vec![form(
                "/office/schedule/xiangtu/none/move",
                "scope=day&was=2026-11-23&date=2026-11-24&start=10:00&end=11:00",
                EDITORS,
            )],
        ),
        ("GET office/schedule/*/new", vec![page("/office/schedule/xiangtu/new", EDITORS)]),
        ("GET office/schedule/*/*", vec![page("/office/schedule/xiangtu/none", PLANNERS_AND_READERS)]),
        ("POST office/schedule/*/*", vec![form("/office/schedule/xiangtu/none", "days=mon", EDITORS)]),
        ("POST office/schedule/*/*/remove", vec![form("/office/schedule/xiangtu/none/remove", "", EDITORS)]),
        ("GET office/lessons", vec![page("/office/lessons", PLANNERS_AND_READERS)]),
        ("GET office/lessons/*", vec![page("/office/lessons/none", PLANNERS_AND_READERS)]),
        ("POST office/lessons/*", vec![form("/office/lessons/none", "", EDITORS)]),
        ("GET office/lessons/*/files", vec![page("/office/lessons/none/files", PLANNERS_AND_READERS)]),
        (
            "POST office/lessons/*/files/remove",
            vec![form("/office/lessons/none/files/remove", "name=x", EDITORS)],
        ),
        ("POST office/lessons/*/remove", vec![form("/office/lessons/none/remove", "", EDITORS)]),
        ("GET office/catalogue", vec![page("/office/catalogue", EDITORS)]),
        ("GET office/catalogue/table.xlsx", vec![page("/office/catalogue/table.xlsx", PLANNERS_AND_READERS)]),
        ("GET office/catalogue/table.csv", vec![page("/office/catalogue/table.csv", PLANNERS_AND_READERS)]),
        ("POST office/catalogue/look", vec![form("/office/catalogue/look", "", EDITORS)]),
        ("POST office/catalogue/take", vec![form("/office/catalogue/take", "carried=x", EDITORS)]),
        ("GET office/lessons/*/review", vec![page("/office/lessons/none/review", PLANNERS_AND_READERS)]),
        (
            "POST office/lessons/*/review",
            vec![form("/office/lessons/none/review", "do=withdraw&why=x", REVIEWERS)],
        ),
        ("GET office/channels", vec![page("/office/channels", PLANNERS_AND_READERS)]),
        ("GET office/channels/*", vec![page("/office/channels/xiangtu", PLANNERS_AND_READERS)]),
        ("POST office/channels/*", vec![form("/office/channels/xiangtu", "mark=x", ADMIN)]),
        ("POST office/channels/*/remove", vec![form("/office/channels/none/remove", "", ADMIN)]),
        ("GET office/new-channel", vec![page("/office/new-channel", ADMIN)]),
        ("POST office/new-channel", vec![form("/office/new-channel", "id=x", ADMIN)]),
        ("GET office/relays", vec![page("/office/relays", PLANNERS_AND_READERS)]),
        ("GET office/relays/*", vec![page("/office/relays/none", PLANNERS_AND_READERS)]),
        ("GET office/relays/*/picture", vec![page("/office/relays/none/picture", OFFICE)]),
        ("POST office/relays/*", vec![form("/office/relays/none", "mark=x", ADMIN_DUTY)]),
        ("POST office/relays/*/remove", vec![form("/office/relays/none/remove", "", ADMIN_DUTY)]),
        ("GET office/new-relay", vec![page("/office/new-relay", ADMIN_DUTY)]),
        ("POST office/new-relay", vec![form("/office/new-relay", "id=x", ADMIN_DUTY)]),
        ("GET office/settings", vec![page("/office/settings", ADMIN_AUDITOR)]),
        ("POST office/settings", vec![form("/office/settings", "mark=x", ADMIN)]),
        ("GET office/sites", vec![page("/office/sites", OFFICE)]),
        (
            "GET office/sites/*",
            vec![page("/office/sites/dongmen", SEERS), page("/office/sites/gaocun", ADMIN_AUDITOR)],
        ),
        (
            "POST office/sites/*",
            vec![
                form("/office/sites/nanshan-1", "township=nanshan&name.en=", ADMIN),
                form("/office/sites/chengguan-1", "township=chengguan&name.en=", SUPERIORS),
                // Out of one's own township into another's.
                form("/office/sites/chengguan-1", "township=nanshan&name.en=", ADMIN),
            ],
        ),
        (
            "POST office/sites/*/terminals",
            vec![
                form("/office/sites/dongmen/terminals", "name=TV&device=tv", KEEPERS),
                form("/office/sites/gaocun/terminals", "name=TV&device=tv", ADMIN),
            ],
        ),
        ("POST office/sites/*/*", vec![form("/office/sites/nanshan-1/nothing", "", OFFICE)]),
        (
            "POST office/chosen-sites",
            vec![
                form("/office/chosen-sites", "do=codes&name=TV&device=tv&site=dongmen", KEEPERS),
                form("/office/chosen-sites", "do=codes&name=TV&device=tv&site=dongmen&site=gaocun", ADMIN),
                form("/office/chosen-sites", "do=close&site=nanshan-1", ADMIN),
            ],
        ),
        ("GET office/export/sites.xlsx", vec![page("/office/export/sites.xlsx", OFFICE)]),
        ("GET office/new-site", vec![page("/office/new-site", SUPERIORS)]),
        (
            "POST office/new-site",
            vec![
                form("/office/new-site", "township=chengguan&name.en=", SUPERIORS),
                form("/office/new-site", "township=nanshan&name.en=", ADMIN),
            ],
        ),
        ("GET office/import/sites", vec![page("/office/import/sites", SUPERIORS)]),
        ("POST office/import/sites", vec![form("/office/import/sites", "", SUPERIORS)]),
        ("POST office/import/take", vec![form("/office/import/take", "change=[]", SUPERIORS)]),
        ("POST office/undo/*", vec![form("/office/undo/{line}", "back=/office/sites", ADMIN)]),
        ("GET office/api", vec![page("/office/api", ADMIN_AUDITOR)]),
        ("POST office/api", vec![form("/office/api", "name=", ADMIN)]),
        ("POST office/api/withdraw", vec![form("/office/api/withdraw", "id=x", ADMIN)]),
        ("GET office/townships", vec![page("/office/townships", ADMIN)]),
        ("POST office/townships", vec![form("/office/townships", "id=", ADMIN)]),
        ("POST office/townships/*", vec![form("/office/townships/nowhere", "", ADMIN)]),
        ("POST office/terminals/*/withdraw", vec![form("/office/terminals/nowhere/withdraw", "", OFFICE)]),
        (
            "GET office/figures/*",
            vec![page("/office/figures", SEERS), page("/office/figures/2026-11.csv", SEERS)],
        ),
        ("GET office/audit", vec![page("/office/audit", ADMIN_AUDITOR)]),
    ])
}

/// The doors of the dispatcher: `(["office", "sites", id], Some(form))` is `POST office/sites/*`.
fn doors_in_the_code() -> Vec<String> {
    let source = include_str!("../src/portal/office/mod.rs");
    let arms = source.split("([\"office\"").skip(1);
    let named = arms.filter_map(|arm| {
        let (parts, rest) = arm.split_once(']')?;
        let rest = rest.trim_start_matches(',').trim_start();
        let method = if rest.starts_with("None") {
            "GET"
        } else if rest.starts_with("Some") {
            "POST"
        } else {
            return None;
        };
        let path: String = parts
            .split(',')
            .map(str::trim)
            .filter(|p| !p.is_empty())
            .map(|p| if p.starts_with('"') { format!("/{}", p.trim_matches('"')) } else { "/*".to_owned() })
            .collect();
        Some(format!("{method} office{path}"))
    });
    named.collect()
}

#[test]
fn every_door_of_the_office_is_opened_to_its_roles_and_to_nobody_else() {
    let county = a_county().with(SECOND);
    let (server, mut admin) = an_office(&county);
    for township in ["nanshan", "chengguan"] {
        let fields = format!("township={township}&name.en=Village");
        admin.act("/office/new-site", &fields).with(303, "a site of the office");
    }
    let done = admin.act("/office/sites/nanshan-1/close", "").with(303, "a change");
    let line = done.header("location").and_then(|l| l.rsplit_once("done=")).expect("its line").1.to_owned();
    admin.invites("foreign", "operator", "site:gaocun");
    let people = admin.get("/office/people").text();
    let foreign = people.rsplit("<bdi>foreign</bdi>").next().and_then(|r| r.split("/office/people/").nth(1));
    let foreign = foreign.and_then(|r| r.split('/').next()).expect("somebody of Nanshan").to_owned();

    let doors = doors();
    let found = doors_in_the_code();
    assert!(found.len() > 20, "{found:?}");
    for door in &found {
        assert!(doors.contains_key(door.as_str()), "{door} has no row");
    }
    for door in doors.keys() {
        assert!(found.iter().any(|f| f == door), "{door} is no door (any more)");
    }

    let mut nobody = Browser::new(&server);
    for (role, scope) in ROLES {
        let mut browser = join(&server, &admin.invites(&format!("a-{role}"), role, scope));
        let token = browser.token();
        for (door, asks) in &doors {
            for (path, fields, roles) in asks {
                let path = path.replace("{line}", &line).replace("{foreign}", &foreign);
                let answer = match fields {
                    None => browser.get(&path),
                    Some(fields) => {
                        let fields = fields.replace("{foreign}", &foreign);
                        browser.post(&path, &format!("token={token}&{fields}"))
                    }
                };
                assert!(answer.status < 500, "{role} at {door}: {}", answer.text());
                let through =
                    !matches!(answer.status, 403 | 401) && answer.header("location") != Some("/sign-in");
                assert_eq!(through, roles.contains(&role), "{role} at {door} ({path}): {}", answer.status);
                if let Some(fields) = fields {
                    let forged = browser.post(&path, &format!("token=0&{fields}"));
                    assert_eq!(forged.status, 400, "{role} at {door}: a form without its token");
                }
                let stranger = match fields {
                    None => nobody.get(&path),
                    Some(fields) => nobody.post(&path, fields),
                };
                assert!(matches!(stranger.status, 303 | 401), "nobody at {door}: {}", stranger.status);
            }
        }
    }
}
