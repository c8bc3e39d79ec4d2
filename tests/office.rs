//! The office's door: from the first start to people who do their work, and
//! everybody else kept out.

#[expect(dead_code, reason = "each story uses its part of what they share")]
mod support;

use nix::sys::signal::Signal;
use support::browser::{Browser, PASSWORD, code_in, join, password_form, plus};
use support::county::{County, a_county};
use support::http::Answer;
use support::process::{Program, yuanjiao};
use support::server::{PATIENCE, Server};

const SECOND_TOWNSHIP: &str = "
[[township]]
id = \"nanshan\"
name = { zh-Hans = \"南山乡\", en = \"Nanshan\" }

[[site]]
id = \"gaocun\"
township = \"nanshan\"
name = { zh-Hans = \"高村\", en = \"Gaocun\" }
";

fn setup_code(server: &Server) -> String {
    let said = server.logged(&["enter the code"], PATIENCE);
    let text = said["message"].as_str().expect("a message");
    text.rsplit(' ').next().expect("the code").to_owned()
}

fn set_up(server: &Server) -> Browser {
    let mut browser = Browser::new(server);
    let fields = format!("name=Aygul&login=aygul&{}", password_form(&setup_code(server)));
    browser.post("/setup", &fields).with(303, "the first account");
    browser
}

fn an_office() -> (County, Server) {
    let county = a_county().with(SECOND_TOWNSHIP);
    let server = Server::start(&county);
    (county, server)
}

#[test]
fn the_first_start_leads_to_an_administrator_and_closes_the_door_behind_him() {
    let (_county, server) = an_office();
    let mut browser = Browser::new(&server);
    let sent_to = |answer: Answer| answer.with(303, "sent on").header("location").map(str::to_owned);
    assert_eq!(sent_to(browser.get("/office")).as_deref(), Some("/sign-in?next=/office"));
    assert_eq!(sent_to(browser.get("/sign-in?next=/office")).as_deref(), Some("/setup"));

    let code = setup_code(&server);
    let form = |code: &str, password: &str| {
        format!("name=Aygul&login=aygul&code={code}&password={0}&again={0}", plus(password))
    };
    browser.post("/setup", &form("AAAA-BBBB-CCCC", PASSWORD)).with(422, "a wrong code");
    let short = browser.post("/setup", &form(&code, "short")).with(422, "a short password").text();
    assert!(short.contains("at least 10 characters") && short.contains("value=\"Aygul\""), "{short}");
    let differs = format!("name=A&login=aygul&code={code}&password={}&again=other", plus(PASSWORD));
    browser.post("/setup", &differs).with(422, "two passwords");

    // As it is typed by hand.
    browser.post("/setup", &form(&code.to_lowercase().replace('-', "+"), PASSWORD)).with(303, "set up");
    let page = browser.get("/office").with(200, "the office");
    assert!(page.text().contains("Aygul"));
    assert_eq!(page.header("cache-control"), Some("no-store"));
    assert_eq!(page.header("access-control-allow-origin"), None, "no page elsewhere reads the office");
    let mut other = Browser::new(&server);
    assert_eq!(sent_to(other.post("/setup", &form(&code, PASSWORD))).as_deref(), Some("/sign-in"));
    assert_eq!(sent_to(other.get("/office/people")).as_deref(), Some("/sign-in?next=/office/people"));
}

#[test]
fn a_sign_in_outlives_the_server_and_ends_when_it_is_told_to() {
    let (county, server) = an_office();
    let mut first = set_up(&server);
    let mut second = Browser::new(&server);
    second.sign_in("Aygul", PASSWORD).with(303, "a second device");
    let address = server.client.address;
    server.kill();
    let server = Server::start_again(&county, address).ready();
    first.get("/office").with(200, "after kill -9");
    assert!(!server.log().iter().any(|l| l.contains("enter the code")), "the county is set up");

    first.act("/me/end-others", "").with(303, "the others are signed out");
    second.get("/office").with(303, "signed out from afar");
    first.act("/sign-out", "").with(303, "signed out");
    first.get("/office").with(303, "signed out");
    server.signal(Signal::SIGTERM);
}

#[test]
fn a_township_invites_its_own_operators_and_nobody_else() {
    let (_county, server) = an_office();
    let mut admin = set_up(&server);
    let code = admin.invites("patigul", "township", "township:chengguan");
    let mut township = join(&server, &code);
    Browser::new(&server).post("/code", &password_form(&code)).with(422, "a code works once");

    let code = township.invites("13999000001", "operator", "site:dongmen");
    let mut operator = join(&server, &code);
    operator.get("/office").with(200, "an operator may enter");
    operator.get("/office/people").with(403, "and sees no people");

    for (role, scope) in [
        ("operator", "site:gaocun"),
        ("township", "township:chengguan"),
        ("administrator", "county"),
        ("operator", "county"),
        ("operator", "site:nowhere"),
        ("king", "county"),
    ] {
        let fields = format!("name=x&login=x-{role}&role={role}&scope={scope}");
        let page = township.act("/office/people", &fields).with(422, scope).text();
        assert!(page.contains("You cannot give this role"), "{role} {scope}");
    }
    let taken = township.act("/office/people", "name=y&login=AYGUL&role=operator&scope=site:dongmen");
    assert!(taken.with(422, "a name that is taken").text().contains("already"));
    let page = township.get("/office/people").text();
    assert!(page.contains("13999000001") && !page.contains("aygul"), "sees its own only: {page}");
    let audit = admin.get("/office/audit").with(200, "the log").text();
    assert!(audit.contains("Site operator dongmen · Password not chosen yet"), "{audit}");
    for said in ["made the first account", "invited", "chose a password with a code", "signed in"] {
        assert!(audit.contains(said), "{said}: {audit}");
    }
}

/// The identifier of the account that `page` shows under this name.
fn id_of(page: &str, login: &str) -> String {
    let card = page.split("<li class=\"card").find(|c| c.contains(&format!("<bdi>{login}</bdi>")));
    let path = card.and_then(|c| c.split("/office/people/").nth(1)).expect("it can be changed");
    path.split('/').next().expect("an identifier").to_owned()
}

#[test]
fn a_closed_account_is_out_at_once_and_a_reset_gives_a_new_password() {
    let (_county, server) = an_office();
    let mut admin = set_up(&server);
    let code = admin.invites("duty", "duty", "county");
    let mut duty = join(&server, &code);
    let id = id_of(&admin.get("/office/people").text(), "duty");
    admin.act(&format!("/office/people/{id}/disable"), "").with(303, "closed");
    duty.get("/office").with(303, "out at once");
    duty.sign_in("duty", PASSWORD).with(422, "and stays out");

    admin.act(&format!("/office/people/{id}/enable"), "").with(303, "opened");
    duty.sign_in("duty", PASSWORD).with(422, "the old password is not enough");
    let page = admin.act(&format!("/office/people/{id}/reset"), "").with(200, "a new code").text();
    join(&server, &code_in(&page)).get("/office").with(200, "back");
    let me = id_of_self(&mut admin);
    admin.act(&format!("/office/people/{me}/disable"), "").with(403, "nobody closes himself out");
}

#[test]
fn who_can_log_in_to_the_server_can_help_an_administrator_who_forgot() {
    let (county, server) = an_office();
    set_up(&server);
    let code =
        |login: &str| Program::run(yuanjiao(["code", "--config"]).arg(county.config()).arg(login), PATIENCE);
    let printed = code("Aygul").good("a code, while the server runs").out.concat();
    let mut admin = join(&server, printed.trim());
    assert!(admin.get("/office/audit").text().contains("on the server&#39;s command line"));
    let refused = code("nobody");
    assert_eq!(refused.status.code(), Some(1));
    assert!(refused.err.concat().contains("nobody signs in as `nobody`"), "{refused:?}");
}

/// The administrator's own identifier, as another administrator sees it.
fn id_of_self(admin: &mut Browser) -> String {
    let code = admin.invites("second", "administrator", "county");
    let mut second = Browser { cookie: String::new(), ..admin.clone() };
    second.post("/code", &password_form(&code)).with(303, "a second administrator");
    id_of(&second.get("/office/people").text(), "aygul")
}

#[test]
fn forms_that_come_from_elsewhere_change_nothing() {
    let (_county, server) = an_office();
    let mut admin = set_up(&server);
    let token = admin.token();
    let fields = format!("token={token}&name=x&login=xx&role=auditor&scope=county");
    for elsewhere in [("sec-fetch-site", "cross-site"), ("origin", "http://evil.example"), ("origin", "null")]
    {
        admin.send("POST", "/office/people", &[elsewhere], Some(&fields)).with(400, elsewhere.1);
    }
    admin.post("/office/people", "name=x&login=xx&role=auditor&scope=county").with(400, "no token");
    let stranger = "token=00000000000000000000000000000000&name=x&login=xx&role=auditor&scope=county";
    admin.post("/office/people", stranger).with(400, "a made-up token");
    assert!(!admin.get("/office/people").text().contains("<bdi>xx</bdi>"));
    admin.post("/office/people", &fields).with(200, "its own form");
    admin.send("POST", "/office/people", &[], Some(&"x=".repeat(40_000))).with(413, "a form too long");
    for next in ["//evil.example", "/office?x", "https://evil.example/office"] {
        let mut browser = Browser::new(&server);
        let fields = format!("login=aygul&password={}&next={next}", plus(PASSWORD));
        let answer = browser.post("/sign-in", &fields).with(303, "signed in");
        assert_eq!(answer.header("location"), Some("/office"), "{next}");
    }
}

#[test]
fn who_guesses_has_to_wait_and_nobody_else() {
    let (_county, server) = an_office();
    let mut admin = set_up(&server);
    let code = admin.invites("tutor", "tutor", "county");
    join(&server, &code);
    let mut guesser = Browser::new(&server);
    for _ in 0..8 {
        let page = guesser.sign_in("aygul", "not the password").with(422, "a guess").text();
        assert!(page.contains("Name or password is wrong"));
    }
    let wait = guesser.sign_in("aygul", PASSWORD).with(429, "even the right one now").text();
    assert!(wait.contains("Too many tries"), "{wait}");
    let unknown = Browser::new(&server).sign_in("nobody", "not the password").with(422, "unknown").text();
    assert!(unknown.contains("Name or password is wrong"), "says no more than for a name there is");
    guesser.sign_in("tutor", PASSWORD).with(303, "another name from the same village");
    admin.get("/office").with(200, "who is in stays in");
}

#[test]
fn a_device_enrols_with_a_code_and_counts_for_its_site_until_it_is_withdrawn() {
    let (county, server) = an_office();
    let mut admin = set_up(&server);
    let mut operator = join(&server, &admin.invites("keeper", "operator", "site:gaocun"));
    let page = operator.get("/office/sites").with(200, "his site").text();
    assert!(page.contains("Gaocun") && !page.contains("dongmen"), "his own only: {page}");
    operator.get("/office/sites/dongmen").with(403, "another's site");
    operator.act("/office/sites/dongmen/terminals", "name=TV&device=tv").with(403, "another's site");
    operator.act("/office/sites/gaocun/terminals", "name=&device=tv").with(422, "without a name");
    let sheet = operator.act("/office/sites/gaocun/terminals", "name=Hall+TV&device=tv").with(200, "a sheet");
    let code = code_in(&sheet.text());

    let mut device = Browser::new(&server);
    device.get(&format!("/enrol?code={code}")).with(200, "the page that the square leads to");
    device.post("/enrol", "code=AAAA-BBBB-CCCC").with(422, "a wrong code");
    let answer = device.post("/enrol", &format!("code={code}")).with(303, "enrolled");
    let onward = answer.header("location").expect("on to a channel").to_owned();
    let token = onward.split_once("terminal=").expect("with its token").1;
    device.post("/enrol", &format!("code={code}")).with(422, "a code works once");
    let index =
        |server: &Server| server.client.get(&format!("/channels/xiangtu/index.m3u8?terminal={token}")).status;
    assert_eq!(index(&server), 302, "it plays");
    assert!(server.client.good("/sites/gaocun?lang=en").text().contains("Hall TV"));

    // It is a terminal still after a crash, and after the county's file was read again.
    let address = server.client.address;
    server.kill();
    let server = Server::start_again(&county, address).ready();
    assert_eq!(index(&server), 302, "after kill -9");
    server.signal(Signal::SIGHUP);
    server.logged(&["the configuration was read again"], PATIENCE);
    assert_eq!(index(&server), 302, "after a reload");

    let page = operator.get("/office/sites/gaocun").text();
    let path = page.split("/office/terminals/").nth(1).expect("it can be withdrawn");
    let id = path.split('/').next().expect("its identifier");
    let mut other = join(&server, &admin.invites("neighbour", "operator", "site:dongmen"));
    other.act(&format!("/office/terminals/{id}/withdraw"), "").with(403, "not by a neighbour");
    operator.act(&format!("/office/terminals/{id}/withdraw"), "").with(303, "withdrawn");
    assert_eq!(index(&server), 401, "its token opens nothing any more");
    admin.act("/office/terminals/hall/withdraw", "").with(403, "the county's file stands");
    let audit = admin.get("/office/audit").text();
    for said in ["gave a terminal&#39;s code to", "enrolled the terminal", "withdrew the terminal"] {
        assert!(audit.contains(said), "{said}: {audit}");
    }
}

#[test]
fn many_guesses_at_once_are_no_more_than_a_few() {
    let (_county, server) = an_office();
    set_up(&server);
    let guesses = (0..24).map(|_| {
        let mut browser = Browser::new(&server);
        std::thread::spawn(move || browser.sign_in("aygul", "not the password").status)
    });
    let handles: Vec<_> = guesses.collect();
    let found: Vec<u16> = handles.into_iter().map(|h| h.join().expect("answered")).collect();
    let tried = found.iter().filter(|s| **s == 422).count();
    assert_eq!((tried, found.iter().filter(|s| **s == 429).count()), (8, 16), "{found:?}");
}

/// Every role at every door: what it is answered.
#[test]
fn every_role_opens_its_own_doors_only() {
    let (_county, server) = an_office();
    let mut admin = set_up(&server);
    let code = admin.invites("victim", "operator", "site:gaocun");
    let victim = id_of(&admin.get("/office/people").text(), "victim");
    drop(code);
    let reset = format!("/office/people/{victim}/reset");
    // Office, terminals, list of people, inviting, a code for somebody of another township, audit log.
    let roles = [
        ("administrator", "county", [200, 200, 200, 200, 200, 200]),
        ("auditor", "county", [200, 200, 200, 403, 403, 200]),
        ("editor", "county", [200, 200, 403, 403, 403, 403]),
        ("reviewer", "county", [200, 200, 403, 403, 403, 403]),
        ("duty", "county", [200, 200, 403, 403, 403, 403]),
        ("tutor", "township:chengguan", [200, 200, 403, 403, 403, 403]),
        ("township", "township:chengguan", [200, 200, 200, 200, 403, 403]),
        ("department", "township:chengguan", [200, 200, 200, 200, 403, 403]),
        ("operator", "site:dongmen", [200, 200, 403, 403, 403, 403]),
        ("learner", "site:dongmen", [403, 403, 403, 403, 403, 403]),
    ];
    for (role, scope, expected) in roles {
        let mut browser = join(&server, &admin.invites(&format!("a-{role}"), role, scope));
        browser.get("/me").with(200, "everybody has an account of his own");
        let invitation = format!("name=n&login=by-{role}&role=operator&scope=site:dongmen");
        let found = [
            browser.get("/office").status,
            browser.get("/office/sites").status,
            browser.get("/office/people").status,
            browser.act("/office/people", &invitation).status,
            browser.act(&reset, "").status,
            browser.get("/office/audit").status,
        ];
        assert_eq!(found, expected, "{role}");
        browser.get("/office/nowhere").with(if role == "learner" { 403 } else { 404 }, role);
    }
    let mut nobody = Browser::new(&server);
    for path in ["/office", "/office/people", "/office/audit", "/me", "/office/nowhere"] {
        nobody.get(path).with(303, path);
        nobody.post(path, "").with(303, path);
    }
}
