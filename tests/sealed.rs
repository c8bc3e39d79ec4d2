//! Playbacks without a line: a device takes a lesson along, signs what it played, and is believed
//! for no longer than it was away. And what players of others claim of themselves.

#[expect(dead_code, reason = "each story uses its part of what they share")]
mod support;

use std::fs;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use support::county::{a_county, token};
use support::http::Client;
use support::log::{export, logged, verify};
use support::media::package_lesson;
use support::server::{PATIENCE, Server};
use support::time::{Stopwatch, now, s, wait_for};

/// A browser that took the lesson along.
struct Device {
    pair: EcdsaKeyPair,
    chain: String,
    /// What the next link follows.
    before: String,
    lines: Vec<String>,
    /// The server's time since it was begun.
    away: Stopwatch,
}

fn key() -> EcdsaKeyPair {
    let random = SystemRandom::new();
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).expect("a key");
    EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref(), &random).expect("a key")
}

fn ask(lesson: &str, key: &str) -> Value {
    json!({"lesson": lesson, "key": key, "wall_ms": now().as_millisecond()})
}

impl Device {
    fn leaves(client: &Client) -> Self {
        let pair = key();
        let public = BASE64.encode(pair.public_key().as_ref());
        let bearer = format!("Bearer {}", token("hall"));
        let away = Stopwatch::start();
        let begun = client.post("/api/v1/chains", &[("authorization", &bearer)], &ask("grapes", &public));
        let begun = begun.with(201, "beginning a chain").json();
        let text = |key: &str| begun[key].as_str().expect("a text").to_owned();
        let chain = text("chain");
        let lines = vec![json!({ "chain": chain }).to_string()];
        Self { pair, chain, before: text("anchor"), lines, away }
    }

    /// Says that it played `seconds` of the lesson, in beats of ten.
    fn claims(&mut self, boot: &str, seconds: i64) {
        for n in 0..=seconds / 10 {
            let beat = json!({
                "seq": n, "boot": boot, "mono_ms": n * 10_000, "wall_ms": now().as_millisecond() + n * 10_000,
                "pos_ms": n * 10_000, "rate": 1, "state": "playing", "visible": true, "lang": "zh-Hans",
            });
            let prev = hex::encode(Sha256::digest(&self.before));
            let link = json!({ "prev": prev, "beat": beat }).to_string();
            let sig = self.pair.sign(&SystemRandom::new(), link.as_bytes()).expect("signed");
            self.lines.push(json!({ "link": link, "sig": BASE64.encode(sig) }).to_string());
            self.before = link;
        }
    }

    fn text(&self) -> String {
        self.lines.join("\n") + "\n"
    }
}

/// What becomes of the one chain of a text.
fn seal(client: &Client, text: &str) -> Value {
    let headers = [("content-type", "text/plain")];
    let answer = client.try_ask("POST", "/api/v1/chains/seal", &headers, Some(text.as_bytes()));
    answer.expect("an answer").with(200, "sealing").json()["chains"][0].clone()
}

/// A form with the file `record`.
fn bring(client: &Client, record: &str) -> (u16, String) {
    let body = format!(
        "--x\r\ncontent-disposition: form-data; name=\"record\"; filename=\"a.yjchain\"\r\n\r\n{record}\r\n--x--\r\n"
    );
    let headers = [("content-type", "multipart/form-data; boundary=x")];
    let answer =
        client.try_ask("POST", "/bring?lang=en", &headers, Some(body.as_bytes())).expect("an answer");
    (answer.status, answer.text())
}

#[test]
fn an_evening_without_a_line_is_sealed_once_and_no_longer_than_it_was() {
    let county = a_county().with("[evidence]\nsession_timeout = \"30s\"\n");
    package_lesson(&county, "grapes", 60);
    let server = Server::start(&county);
    let client = &server.client;

    // Who may begin one, and with what.
    let good = BASE64.encode(key().public_key().as_ref());
    let bearer = format!("Bearer {}", token("hall"));
    let hall = [("authorization", &*bearer)];
    client.post("/api/v1/chains", &[], &ask("grapes", &good)).with(401, "nobody's");
    client.post("/api/v1/chains", &hall, &ask("plums", &good)).with(404, "no such lesson");
    client.post("/api/v1/chains", &hall, &ask("grapes", "AAAA")).with(400, "no key");
    let of_version = |version: &str| {
        let mut ask = ask("grapes", &good);
        ask["version"] = json!(version);
        client.post("/api/v1/chains", &hall, &ask)
    };
    of_version("../grapes").with(400, "no version");
    // What is recorded is what was taken, whatever is on offer since.
    let hash = |begun: Value| {
        let anchor = begun["anchor"].as_str().expect("an anchor").to_owned();
        anchor.lines().last().expect("a hash").to_owned()
    };
    let on_offer =
        client.get("/api/v1/lessons/grapes").json()["content_hash"].as_str().expect("a hash").to_owned();
    assert_eq!(hash(of_version(&on_offer[..12]).with(201, "the one on offer").json()), on_offer);
    assert_eq!(hash(of_version("0123456789ab").with(201, "one that is gone").json()), "0123456789ab");

    let mut device = Device::leaves(client);
    device.claims("morning", 20);
    device.claims("evening", 40);
    let mut forged = device.lines.clone();
    forged[3] = forged[3].replace("20000", "30000");
    let answer = seal(client, &forged.join("\n"));
    assert!(answer["refused"].as_str().is_some_and(|why| why.contains("link 2")), "{answer}");
    let mut left_out = device.lines.clone();
    left_out.remove(3);
    assert!(seal(client, &left_out.join("\n"))["refused"].as_str().is_some_and(|why| why.contains("follow")));
    assert_eq!(seal(client, "{\"chain\":\"feed\"}\n")["refused"], "this server did not begin it");
    let none =
        client.try_ask("POST", "/api/v1/chains/seal", &[], Some(b"holiday pictures")).expect("an answer");
    none.with(400, "no chain");

    // A minute is claimed; it was not away for a minute.
    std::thread::sleep(s(4));
    let answer = seal(client, &device.text());
    let away = device.away.passed().as_secs() as i64;
    let sealed = answer["sealed_s"].as_i64().expect("seconds");
    assert!((3..=away + 1).contains(&sealed), "{answer}, away {away} s");
    assert_eq!(answer["refused"], Value::Null);
    assert_eq!(seal(client, &device.text())["refused"], "it was sealed before");

    // On a stick, to the page for it.
    let mut other = Device::leaves(client);
    other.claims("a", 50);
    std::thread::sleep(s(2));
    assert_eq!(client.get("/bring?lang=en").with(200, "the page").status, 200);
    let (status, page) = bring(client, &other.text());
    assert!(status == 200 && page.contains("Grapes") && !page.contains("class=\"wrong\""), "{page}");
    let (status, page) = bring(client, &other.text());
    assert!(status == 200 && page.contains("class=\"wrong\""), "twice: {page}");
    // It never has a line, and goes on: the next stick brings what is new.
    other.claims("b", 50);
    std::thread::sleep(s(2));
    let answer = seal(client, &other.text());
    assert!((1..=6).contains(&answer["sealed_s"].as_i64().expect("seconds")), "{answer}");
    assert_eq!(bring(client, "holiday pictures").0, 422);

    // What was sealed is on disk, is counted apart, and is logged.
    server.kill();
    let server = Server::start(&county);
    let client = &server.client;
    assert_eq!(seal(client, &device.text())["refused"], "it was sealed before");
    logged(client, 3);
    let page = wait_for("the site's page", PATIENCE, || {
        let page = client.good("/sites/dongmen?lang=en").text();
        page.contains("data-total=\"sealed\"").then_some(page)
    });
    assert!(page.contains("data-level=\"LS\""), "{page}");
    assert!(page.contains("data-total=\"verified\" data-seconds=\"0\""), "it is added to nothing: {page}");

    let file = county.path("evidence.jsonl");
    export(&county, "jsonl", &file);
    let (code, said) = verify(&file, &[]);
    assert!(code == 0 && said.contains("3 playbacks"), "{said}");
    let text = fs::read_to_string(&file).expect("the export");
    assert!(text.contains("sealed_ms") && text.contains(&device.chain), "{text}");
}

#[test]
fn what_players_of_others_claim_is_kept_and_credits_nothing() {
    let county = a_county().with("[evidence]\nsession_timeout = \"30s\"\n");
    package_lesson(&county, "grapes", 16);
    let server = Server::start(&county);
    let client = &server.client;
    let bearer = format!("Bearer {}", token("hall"));
    let open = || {
        let opened =
            client.post("/api/v1/sessions", &[("authorization", &bearer)], &json!({"lesson": "grapes"}));
        opened.with(201, "opening a session").json()["play_url"].as_str().expect("a playlist").to_owned()
    };
    let play = open();
    let ticket = play.split("/lessons/").next().expect("a ticket").to_owned();
    client.good(&format!("{play}?CMCD=bs%2Csid%3D%22box-7%22%2Cpr%3D1"));
    let headers = [("cmcd-session", "cid=\"grapes\",v=2"), ("cmcd-status", "bs")];
    client.try_ask("GET", &play, &headers, None).expect("an answer").with(200, "with headers");
    let reports = b"e=ps,sta=p,ts=1700000000000\nno report\nsta=e,v=2\n";
    let sent = client.try_ask("POST", &format!("{ticket}/cmcd"), &[], Some(reports)).expect("an answer");
    sent.with(204, "reports by themselves");
    let forged = client.try_ask("POST", "/s/AAAA/cmcd", &[], Some(reports)).expect("an answer");
    forged.with(403, "of no ticket");
    // A segment, so that there is a playback; another one closes it.
    for segment in
        support::playlist::fetch(client, &support::playlist::beside(&play, "v240")).segments.iter().take(1)
    {
        client.good(&support::http::resolve(&play, &segment.uri));
    }
    open();
    logged(client, 1);
    let file = county.path("evidence.jsonl");
    export(&county, "jsonl", &file);
    let text = fs::read_to_string(&file).expect("the export");
    let bodies = text.lines().filter_map(|line| {
        let line: Value = serde_json::from_str(line).ok()?;
        serde_json::from_str::<Value>(line["body"].as_str()?).ok()
    });
    let record = bodies.into_iter().find(|body| body["claims"].is_object()).expect("a record with claims");
    let claims = &record["claims"];
    assert_eq!((&claims["session"], &claims["content"]), (&json!("box-7"), &json!("grapes")), "{claims}");
    assert_eq!((&claims["version"], &claims["state"]), (&json!(2), &json!("e")), "{claims}");
    assert_eq!((&claims["reports"], &claims["starved"]), (&json!(4), &json!(2)), "{claims}");
    assert_eq!(record["totals"]["watched_ms"], 0);
}
