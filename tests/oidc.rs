//! Signing in with an identity provider: a real one, from npm, that runs here.

#[expect(dead_code, reason = "each story uses its part of what they share")]
mod support;

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use support::authenticator::{Authenticator, between};
use support::browser::{self, Browser, PASSWORD, password_form, plus};
use support::county::{County, a_county};
use support::process::{Program, yuanjiao};
use support::server::{PATIENCE, Server};
use support::time::wait_for;
use ureq::http;

const SECRET: &str = "what only the two of them know";

fn project(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(file)
}

/// A port that was free a moment ago.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("its address").port()
}

/// A county that takes the word of the provider on `port`.
fn an_office(county: County, port: u16) -> (County, Server, Browser) {
    an_office_of(county, &format!("http://127.0.0.1:{port}"))
}

fn an_office_of(county: County, issuer: &str) -> (County, Server, Browser) {
    let county = county.with(&format!(
        "\n[oidc]\nissuer = \"{issuer}\"\nclient_id = \"yuanjiao\"\n\
         client_secret_file = \"oidc.secret\"\nname = {{ zh-Hans = \"统一身份\", en = \"County ID\" }}\n"
    ));
    std::fs::write(county.path("oidc.secret"), format!("{SECRET}\n")).expect("a secret can be written");
    let (server, browser) = browser::an_office(&county);
    (county, server, browser)
}

/// The provider, which is ended when this is dropped.
fn a_provider(port: u16, server: &Server) -> Program {
    a_provider_with(port, server, &[])
}

fn a_provider_with(port: u16, server: &Server, env: &[(&str, &str)]) -> Program {
    let install =
        Program::run(Command::new(project("scripts/npm-run.sh")).args(["tests/oidc", "installed"]), PATIENCE);
    install.good("tests/oidc installs from npm");
    let mut command = Command::new("node");
    command.arg(project("tests/oidc/provider.mjs")).env("PORT", port.to_string());
    command
        .envs(env.iter().copied())
        .env("SECRET", SECRET)
        .env("REDIRECT", server.client.url("/sign-in/oidc/back"));
    let mut program = Program::start(&mut command);
    wait_for("`listening` from the provider", PATIENCE, || {
        assert!(program.is_running(), "the provider did not start: {:#?}", program.err.all());
        program.out.all().iter().any(|line| line == "listening").then_some(())
    });
    program
}

/// Signs in at the provider as `name`, from the page at `url` to the address
/// to which it sends the browser back.
fn through(url: &str, name: &str) -> String {
    let config = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .build();
    let agent: ureq::Agent = config.into();
    let origin = url.split('/').take(3).collect::<Vec<_>>().join("/");
    let mut cookies = BTreeMap::new();
    let (mut at, mut form) = (url.to_owned(), None::<String>);
    for _ in 0..12 {
        let jar: Vec<String> = cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request = http::Request::builder().uri(&at).header("cookie", jar.join("; "));
        let answered = match form.take() {
            None => agent.run(request.body(()).expect("a request")),
            Some(form) => {
                let request =
                    request.method("POST").header("content-type", "application/x-www-form-urlencoded");
                agent.run(request.body(form).expect("a request"))
            }
        };
        let mut answer = answered.unwrap_or_else(|e| panic!("{at}: {e}"));
        for cookie in answer.headers().get_all("set-cookie") {
            let pair = cookie.to_str().expect("text").split(';').next().expect("a pair").to_owned();
            let (name, value) = pair.split_once('=').expect("a pair");
            cookies.insert(name.to_owned(), value.to_owned());
        }
        if let Some(location) = answer.headers().get("location") {
            let location = location.to_str().expect("text");
            at = if location.starts_with('/') { format!("{origin}{location}") } else { location.to_owned() };
            if !at.starts_with(&origin) {
                return at;
            }
            continue;
        }
        let page = answer.body_mut().read_to_string().expect("a page");
        let login = page.contains("name=\"login\"");
        let fields =
            if login { format!("prompt=login&login={name}&password=x") } else { "prompt=consent".to_owned() };
        assert!(page.contains("name=\"prompt\""), "{at}: {page}");
        form = Some(fields);
    }
    panic!("the provider did not send the browser back");
}

/// Leaves for the provider; where it is.
fn leave(browser: &mut Browser) -> String {
    let answer = browser.get("/sign-in/oidc?next=/me").with(303, "on to the provider");
    let away = answer.header("set-cookie").expect("a cookie to come back with").to_owned();
    assert!(away.starts_with("yuanjiao-away=") && away.contains("HttpOnly") && away.contains("SameSite=Lax"));
    browser.cookie = away.split(';').next().expect("a pair").to_owned();
    answer.header("location").expect("where to").to_owned()
}

/// The path of an address of the server.
fn path_of<'u>(server: &Server, url: &'u str) -> &'u str {
    url.strip_prefix(&server.client.url("")).unwrap_or_else(|| panic!("{url} is not here"))
}

/// Links what `name` is at the provider to the account that is signed in.
fn link(server: &Server, browser: &mut Browser, name: &str) -> support::http::Answer {
    let answer =
        browser.act("/me/link", &format!("current={}", plus(PASSWORD))).with(200, "a page with a link");
    let away = answer.header("set-cookie").and_then(|c| c.split(';').next()).expect("a cookie").to_owned();
    let url =
        between(&answer.text(), "href=\"http://127.0.0.1", "\"").replace("&#38;", "&").replace("&amp;", "&");
    let back = through(&format!("http://127.0.0.1{url}"), name);
    let signed_in = browser.cookie.clone();
    browser.cookie = format!("{signed_in}; {away}");
    let answer = browser.get(path_of(server, &back));
    browser.cookie = signed_in;
    answer
}

/// Comes back to the server.
fn back(server: &Server, browser: &mut Browser, url: &str, status: u16, what: &str) -> String {
    browser.get(path_of(server, url)).with(status, what).text()
}

#[test]
fn who_is_linked_signs_in_there_and_nobody_else() {
    let port = free_port();
    let (county, server, mut owner) = an_office(a_county(), port);
    let mut provider = a_provider(port, &server);
    assert!(Browser::new(&server).get("/sign-in").text().contains("County ID"));

    // The same name there and here is no proof.
    let mut stranger = Browser::new(&server);
    let url = leave(&mut stranger);
    assert!(url.contains("code_challenge_method=S256") && url.contains("nonce="), "{url}");
    let page = back(&server, &mut stranger, &through(&url, "aygul"), 422, "not linked");
    assert!(page.contains("not linked to an account") && !page.contains("code="), "{page}");
    stranger.get("/me").with(303, "not signed in");

    owner.act("/me/link", "current=not+the+password").with(422, "the password is asked for");
    link(&server, &mut owner, "gulnar").with(303, "linked");
    assert!(owner.get("/me").text().contains("gulnar@id.example"));
    let mut browser = Browser::new(&server);
    let url = leave(&mut browser);
    let there = through(&url, "gulnar");
    // Somebody else's browser, and an address that somebody made up.
    let mut thief = Browser::new(&server);
    let his = through(&leave(&mut thief), "mallory");
    let page = back(&server, &mut thief, &there, 422, "it is not he who left");
    assert!(page.contains("not valid any more"), "{page}");
    let state = between(&there, "state=", "&");
    let tampered = there.replace(state, &format!("{}x", &state[1..]));
    back(&server, &mut browser, &tampered, 422, "another state");
    back(&server, &mut browser, &there.replace("iss=", "iss=x"), 422, "another issuer");
    back(&server, &mut browser, &there, 422, "and that return was the only one");

    // Another's code in one's own return: the provider itself does not take it.
    let url = leave(&mut browser);
    let mine = through(&url, "gulnar");
    let (code, other) = (between(&mine, "code=", "&"), between(&his, "code=", "&"));
    let page = back(&server, &mut browser, &mine.replace(code, other), 422, "another's code");
    assert!(page.contains("did not confirm"), "{page}");

    let there = through(&leave(&mut browser), "gulnar");
    let answer = browser.get(path_of(&server, &there)).with(303, "signed in");
    assert_eq!(answer.header("location"), Some("/me"));
    browser.get("/office").with(200, "in the office");
    let audit = browser.get("/office/audit").text();
    for said in
        ["linked an identity", "gulnar@id.example (gulnar, http://127.0.0.1", "signed in with a linked"]
    {
        assert!(audit.contains(said), "{said}: {audit}");
    }
    browser.act("/sign-out", "").with(303, "signed out");

    // A second factor is asked for all the same.
    let current = format!("current={}", plus(PASSWORD));
    let phone = Authenticator::learn(&owner.act("/me/second-factor", &current).text());
    let used = format!("code={}", phone.code(-1));
    owner.act("/me/second-factor-on", &used).with(200, "turned on");
    let there = through(&leave(&mut browser), "gulnar");
    let page = back(&server, &mut browser, &there, 200, "the second step");
    browser.get("/me").with(303, "not in yet");
    let half = between(&page, "name=\"half\" value=\"", "\"").to_owned();
    let code = phone.code(0);
    let answer = browser.post("/sign-in/code", &format!("half={half}&next=/me&code={code}"));
    assert_eq!(answer.with(303, "in").header("location"), Some("/me"));
    let taken = link(&server, &mut owner, "other").with(422, "one link an account").text();
    assert!(taken.contains("has a link already"), "{taken}");

    // A new code from the server's command line ends every other way in.
    let code = Program::run(yuanjiao(["code", "--config"]).arg(county.config()).arg("aygul"), PATIENCE);
    let code = code.good("a code").text();
    owner.post("/code", &password_form(code.trim())).with(303, "a new password");
    let mut browser = Browser::new(&server);
    let there = through(&leave(&mut browser), "gulnar");
    back(&server, &mut browser, &there, 422, "the link went with the code");
    link(&server, &mut owner, "gulnar").with(303, "linked again");
    owner.act("/me/unlink", "").with(303, "unlinked");
    let there = through(&leave(&mut browser), "gulnar");
    back(&server, &mut browser, &there, 422, "unlinked");

    // It stops while somebody is there.
    link(&server, &mut owner, "gulnar").with(303, "linked again");
    let there = through(&leave(&mut browser), "gulnar");
    provider.end();
    let page = back(&server, &mut browser, &there, 422, "it is down");
    assert!(page.contains("cannot be reached"), "{page}");
    browser.sign_in("aygul", PASSWORD).with(303, "with the password as ever");
    let audit = owner.get("/office/audit").text();
    assert!(audit.contains("unlinked identities with a code") && audit.contains("unlinked an identity"));
    for secret in [between(&there, "code=", "&"), SECRET] {
        assert!(!server.log().iter().any(|line| line.contains(secret)), "{secret} is in the log");
    }
}

/// What the provider does from now on.
fn from_now_on(port: u16, how: &str) {
    let url = format!("http://127.0.0.1:{port}/from-now-on/{}", how.replace(' ', "%20"));
    let answer = ureq::get(&url).call().unwrap_or_else(|e| panic!("{url}: {e}"));
    assert_eq!(answer.status(), 200);
}

/// Core 1.0 §3.1.3.7: each of these tokens is good but for one thing.
#[test]
fn a_token_that_is_not_the_providers_word_about_him_signs_nobody_in() {
    let port = free_port();
    let (_county, server, mut owner) = an_office(a_county(), port);
    let _provider = a_provider(port, &server);
    for name in ["gulnar", "aygul"] {
        // Both subjects: the one that is forged must not be the one that fails for want of a link.
        owner.act("/me/unlink", "");
        link(&server, &mut owner, name).with(303, "linked");
        for how in [
            "signed by somebody else",
            "not signed",
            "signed with what the client knows",
            "for another client",
            "of another issuer",
            "of another request",
            "over",
            "of another answer",
            "changed",
        ] {
            from_now_on(port, how);
            let mut browser = Browser::new(&server);
            let there = through(&leave(&mut browser), "gulnar");
            let page = back(&server, &mut browser, &there, 422, how);
            assert!(page.contains("did not confirm"), "{how}: {page}");
            browser.get("/me").with(303, how);
        }
        from_now_on(port, "written anew and good");
    }
    // The same hand writes a good one, so each was refused for its one fault.
    let mut browser = Browser::new(&server);
    let there = through(&leave(&mut browser), "aygul");
    browser.get(path_of(&server, &there)).with(303, "signed in");
    browser.get("/me").with(200, "signed in");
}

#[test]
fn a_provider_changes_its_keys_while_somebody_is_there() {
    let port = free_port();
    let (_county, server, mut owner) = an_office(a_county(), port);
    let _provider = a_provider(port, &server);
    link(&server, &mut owner, "gulnar").with(303, "linked");
    let mut browser = Browser::new(&server);
    let url = leave(&mut browser);
    from_now_on(port, "with other keys");
    let there = through(&url, "gulnar");
    browser.get(path_of(&server, &there)).with(303, "signed in by a key that was not known before");
    browser.get("/me").with(200, "signed in");
}

/// A certificate authority of its own: its certificate, and key and certificate
/// of this machine.
fn an_authority(county: &County, name: &str) -> (String, String, String) {
    let file = |end: &str| county.path(&format!("{name}-{end}")).display().to_string();
    let run = |arguments: &[&str]| {
        Program::run(Command::new("openssl").args(arguments), PATIENCE).good("openssl");
    };
    let (root_key, root, key) = (file("root.key"), file("root.crt"), file("key"));
    let (asked, certificate, names) = (file("csr"), file("crt"), file("names"));
    let new =
        ["req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=id"];
    let own = [&new[..], &["-x509", "-days", "2", "-keyout", &root_key, "-out", &root]].concat();
    run(&own);
    run(&[&new[..], &["-keyout", &key, "-out", &asked]].concat());
    std::fs::write(&names, "subjectAltName=IP:127.0.0.1\n").expect("a file");
    let signed = ["x509", "-req", "-days", "2", "-in", &asked, "-CA", &root, "-CAkey", &root_key];
    run(&[&signed[..], &["-CAcreateserial", "-extfile", &names, "-out", &certificate]].concat());
    (root, key, certificate)
}

#[test]
fn a_provider_is_asked_over_tls_if_its_certificate_is_known_and_not_otherwise() {
    let county = a_county();
    let (root, key, certificate) = an_authority(&county, "known");
    let (another, ..) = an_authority(&county, "another");
    for (known, good) in [(&root, true), (&another, false)] {
        let (port, browsers) = (free_port(), free_port());
        let issuer = format!("https://127.0.0.1:{port}");
        let (_county, server, mut owner) = an_office_of(a_county().with_env("SSL_CERT_FILE", known), &issuer);
        let open = browsers.to_string();
        let tls = [("KEY", key.as_str()), ("CERTIFICATE", &certificate), ("BROWSERS", &open)];
        let _provider = a_provider_with(port, &server, &tls);
        if !good {
            let page =
                Browser::new(&server).get("/sign-in/oidc").with(422, "a stranger's certificate").text();
            assert!(page.contains("cannot be reached"), "{page}");
            let line = server.logged(&["the identity provider is of no help"], PATIENCE);
            assert!(line.to_string().contains("ertificate"), "{line}");
            continue;
        }
        // Tests have no TLS of their own: people come to the same provider by its other door.
        let door = |url: &str| url.replace(&issuer, &format!("http://127.0.0.1:{browsers}"));
        let page = owner.act("/me/link", &format!("current={}", plus(PASSWORD))).with(200, "a link");
        let away = page.header("set-cookie").and_then(|c| c.split(';').next()).expect("a cookie").to_owned();
        let url = between(&page.text(), "href=\"https://127.0.0.1", "\"").replace("&#38;", "&");
        let there = through(&door(&format!("https://127.0.0.1{url}")), "gulnar");
        let signed_in = owner.cookie.clone();
        owner.cookie = format!("{signed_in}; {away}");
        owner.get(path_of(&server, &there)).with(303, "linked");
        let mut browser = Browser::new(&server);
        let there = through(&door(&leave(&mut browser)), "gulnar");
        browser.get(path_of(&server, &there)).with(303, "signed in");
    }
}

#[test]
fn a_provider_that_is_down_keeps_nobody_out() {
    let (_county, server, mut owner) = an_office(a_county(), free_port());
    let page =
        Browser::new(&server).get("/sign-in/oidc?next=/office/people").with(422, "nobody there").text();
    assert!(page.contains("cannot be reached") && page.contains("value=\"/office/people\""), "{page}");
    let wrong = format!("current={}", plus(PASSWORD));
    assert!(owner.act("/me/link", &wrong).with(422, "nobody there").text().contains("cannot be reached"));
    Browser::new(&server).sign_in("aygul", PASSWORD).with(303, "with the password");
    Browser::new(&server).get("/sign-in/oidc/back?code=x&state=y").with(422, "nobody had left");
    server.logged(&["the identity provider is of no help"], PATIENCE);
}

/// What takes us long is told; it is not taken for a peer who sends slowly.
#[test]
fn a_provider_that_says_nothing_is_waited_for_and_then_told_of() {
    let silent = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = silent.local_addr().expect("its address").port();
    let (_county, server, mut owner) = an_office(a_county().with_http("header_timeout = \"2s\"\n"), port);
    let page = Browser::new(&server).get("/sign-in/oidc").with(422, "nothing is said").text();
    assert!(page.contains("cannot be reached"), "{page}");
    // That it is down is known for a moment; then a form asks again.
    std::thread::sleep(std::time::Duration::from_secs(6));
    let password = format!("current={}", plus(PASSWORD));
    assert!(
        owner.act("/me/link", &password).with(422, "nothing is said").text().contains("cannot be reached")
    );
}
