//! A second factor: turned on, asked for, lost, and taken away.

#[expect(dead_code, reason = "each story uses its part of what they share")]
mod support;

use support::authenticator::{Authenticator, between};
use support::browser::{Browser, PASSWORD, code_in, join, password_form, plus};
use support::county::a_county;
use support::http::Answer;
use support::server::{PATIENCE, Server};

/// The server, and an administrator who is signed in.
fn an_office() -> (support::county::County, Server, Browser) {
    let county = a_county();
    let server = Server::start(&county);
    let said = server.logged(&["enter the code"], PATIENCE);
    let code = said["message"].as_str().and_then(|m| m.rsplit(' ').next()).expect("the code").to_owned();
    let mut browser = Browser::new(&server);
    let fields = format!("name=Aygul&login=aygul&{}", password_form(&code));
    browser.post("/setup", &fields).with(303, "the first account");
    (county, server, browser)
}

fn current() -> String {
    format!("current={}", plus(PASSWORD))
}

/// Turns it on; what is on the telephone then, the code that was used for it,
/// and the recovery codes.
fn turned_on(browser: &mut Browser) -> (Authenticator, String, Vec<String>) {
    let page = browser.act("/me/second-factor", &current()).with(200, "a secret").text();
    let authenticator = Authenticator::learn(&page);
    let wrong = format!("code={}", authenticator.wrong());
    let again = browser.act("/me/second-factor-on", &wrong).with(422, "a wrong first code").text();
    assert_eq!(Authenticator::learn(&again), authenticator, "the same secret is shown");
    assert!(browser.get("/me").text().contains("action=\"/me/second-factor\""), "it is not on yet");
    let used = authenticator.code(-1);
    let page = browser.act("/me/second-factor-on", &format!("code={used}")).with(200, "turned on").text();
    let codes: Vec<String> =
        page.split("<code>").skip(1).map(|c| c.split('<').next().expect("a code").to_owned()).collect();
    assert_eq!(codes.len(), 10);
    (authenticator, used, codes)
}

/// A browser somewhere else, after the first step.
fn half_in(server: &Server) -> (Browser, String) {
    let mut browser = Browser::new(server);
    let page = browser.sign_in("aygul", PASSWORD).with(200, "the second step").text();
    assert!(page.contains("autocomplete=\"one-time-code\"") && page.contains("inputmode=\"numeric\""));
    (browser, between(&page, "name=\"half\" value=\"", "\"").to_owned())
}

fn step(browser: &mut Browser, half: &str, field: &str, code: &str) -> Answer {
    browser.post("/sign-in/code", &format!("half={half}&next=/me&{field}={code}"))
}

#[test]
fn a_second_factor_is_asked_for_until_it_is_turned_off() {
    let (_county, server, mut owner) = an_office();
    let wrong = "current=not+the+password";
    owner.act("/me/second-factor", wrong).with(422, "the present password is asked for");
    owner.act("/me/second-factor-on", "code=123456").with(422, "nothing was begun");
    let (phone, used, _) = turned_on(&mut owner);
    owner.get("/office").with(200, "who is in stays in");

    // Half a sign-in is none, whatever is made of it.
    let (mut browser, half) = half_in(&server);
    assert!(browser.cookie.is_empty(), "no cookie comes with it");
    browser.cookie = format!("yuanjiao={half}");
    for path in ["/office", "/me"] {
        browser.get(path).with(303, "half a sign-in opens nothing");
    }
    browser.get("/sign-in/code").with(303, "the step has no page of its own");
    step(&mut browser, &half, "code", &phone.wrong()).with(422, "a wrong code");
    step(&mut browser, &half, "code", &used).with(422, "the one that turned it on");
    step(&mut browser, &"0".repeat(64), "code", &phone.code(0)).with(422, "without the first step");
    let code = phone.code(0);
    let answer = step(&mut browser, &half, "code", &format!("+{}+{}", &code[..3], &code[3..]));
    assert_eq!(answer.with(303, "a good code").header("location"), Some("/me"));
    assert_ne!(browser.cookie, format!("yuanjiao={half}"));
    browser.get("/office").with(200, "signed in");
    step(&mut browser, &half, "code", &phone.code(1)).with(422, "the first step was used up");
    let (mut thief, half) = half_in(&server);
    step(&mut thief, &half, "code", &code).with(422, "a code works once");

    let off = |password: &str, code: &str| format!("current={}&code={code}", plus(password));
    owner.act("/me/second-factor-off", &off("not the password", &phone.code(1))).with(422, "no password");
    owner.act("/me/second-factor-off", &off(PASSWORD, &phone.wrong())).with(422, "no code");
    owner.act("/me/second-factor-off", &off(PASSWORD, &phone.code(1))).with(303, "turned off");
    thief.sign_in("aygul", PASSWORD).with(303, "the password is enough again");
    let audit = owner.get("/office/audit").text();
    for said in ["turned the second factor on", "turned the second factor off", "no second factor"] {
        assert!(audit.contains(said), "{said}: {audit}");
    }
    let secret = between(&phone_page(&mut owner), "class=\"secret\">", "<").replace(' ', "");
    assert!(!audit.contains(&secret) && !server.log().iter().any(|l| l.contains(&secret)));
}

fn phone_page(browser: &mut Browser) -> String {
    browser.act("/me/second-factor", &current()).with(200, "another secret").text()
}

#[test]
fn a_recovery_code_lets_in_once_and_a_superior_helps_further() {
    let (_county, server, mut owner) = an_office();
    let mut second = join(&server, &owner.invites("second", "administrator", "county"));
    let (_, _, codes) = turned_on(&mut owner);
    let (mut browser, half) = half_in(&server);
    step(&mut browser, &half, "recovery", "AAAA-BBBB-CCCC").with(422, "none of his");
    step(&mut browser, &half, "recovery", &codes[3].to_lowercase()).with(303, "without the phone");
    assert!(browser.get("/me").with(200, "in").text().contains("9 recovery codes are left"));
    let (mut browser, half) = half_in(&server);
    step(&mut browser, &half, "recovery", &codes[3]).with(422, "a code works once");
    // One field takes both, for who types it there.
    step(&mut browser, &half, "code", &codes[4]).with(303, "another");

    let people = second.get("/office/people").text();
    let card = people.split("<li class=\"card").find(|c| c.contains("<bdi>aygul</bdi>")).expect("a card");
    let id = between(card, "/office/people/", "/").to_owned();
    let page = second.act(&format!("/office/people/{id}/reset"), "").with(200, "a new code").text();
    half_in(&server);
    let (mut browser, _) = half_in(&server);
    browser.post("/code", &password_form(&code_in(&page))).with(303, "a new password");
    assert!(browser.get("/me").text().contains("action=\"/me/second-factor\""), "it went with the code");
    Browser::new(&server).sign_in("aygul", PASSWORD).with(303, "the password is enough");
    let audit = second.get("/office/audit").text();
    for said in [
        "used a recovery code",
        "second factor ends when the code is used",
        "removed the second factor with a code",
    ] {
        assert!(audit.contains(said), "{said}: {audit}");
    }
}

#[test]
fn who_knows_the_password_cannot_guess_the_code() {
    let (_county, server, mut owner) = an_office();
    let (phone, _, codes) = turned_on(&mut owner);
    let (mut guesser, half) = half_in(&server);
    for n in 0..5 {
        // The right password in between forgives nothing.
        let (_, another) = half_in(&server);
        let half = if n % 2 == 0 { &half } else { &another };
        step(&mut guesser, half, "code", &phone.wrong()).with(422, "a guess");
    }
    step(&mut guesser, &half, "code", &phone.code(0)).with(429, "even the right one now");
    step(&mut guesser, &half, "recovery", &codes[0]).with(429, "nor a recovery code");
    owner.get("/office").with(200, "who is in stays in");
    server.logged(&["too many wrong codes after a right password"], PATIENCE);
}

#[test]
fn it_is_on_after_a_crash_and_a_form_waits_through_both_steps() {
    let (county, server, mut owner) = an_office();
    let (phone, used, codes) = turned_on(&mut owner);
    let address = server.client.address;
    server.kill();
    let server = Server::start_again(&county, address).ready();
    let (mut browser, half) = half_in(&server);
    step(&mut browser, &half, "code", &used).with(422, "used before the crash");
    step(&mut browser, &half, "code", &phone.code(0)).with(303, "still on");

    // A form that was filled in while the sign-in had ended.
    let mut late = Browser::new(&server);
    let page = late.post("/office/people", "name=Patigul&login=patigul").with(401, "kept").text();
    let kept = between(&page, "name=\"kept\" value=\"", "\"").replace("&#34;", "%22");
    let first = format!("login=aygul&password={}&next=/office&kept={kept}", plus(PASSWORD));
    let page = late.post("/sign-in", &first).with(200, "the second step").text();
    let half = between(&page, "name=\"half\" value=\"", "\"");
    let again = between(&page, "name=\"kept\" value=\"", "\"").replace("&#34;", "%22");
    assert_eq!(again, kept);
    let second = format!("half={half}&next=/office&kept={kept}&recovery={}", codes[0]);
    let page = late.post("/sign-in/code", &second).with(200, "the form once more").text();
    assert!(page.contains("Patigul") && page.contains("action=\"/office/people\""), "{page}");
    late.get("/office").with(200, "signed in");
}
