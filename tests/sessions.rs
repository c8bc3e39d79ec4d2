//! Playbacks as evidence: what a terminal reports and fetches, what of it is
//! counted, and what a crash may not take away.

#[expect(dead_code, reason = "each story uses its part of what they share")]
mod support;

use std::sync::{Arc, Mutex, PoisonError, Weak};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;
use support::county::{County, a_county, token};
use support::media::package_lesson;
use support::player::{At, Player, Seconds, ask, row, shows};
use support::server::{PATIENCE, Server};
use support::time::{now, s, wait_for};

/// A county with the lesson `grapes` that the stories of this file share.
struct House {
    server: Server,
    county: County,
}

fn house() -> Arc<House> {
    static HOUSE: Mutex<Weak<House>> = Mutex::new(Weak::new());
    let mut known = HOUSE.lock().unwrap_or_else(PoisonError::into_inner);
    known.upgrade().unwrap_or_else(|| {
        let house = Arc::new(House::new());
        *known = Arc::downgrade(&house);
        house
    })
}

impl House {
    fn new() -> Self {
        let county = a_county();
        package_lesson(&county, "grapes", 24);
        Self { server: Server::start(&county), county }
    }
}

#[test]
fn what_was_acknowledged_survives_a_crash() {
    let House { server, county } = House::new();
    let address = server.client.address;
    let mut player =
        Player::open(&server.client, Some("hall"), &json!({"lesson": "grapes", "lang": "zh-Hans"}));
    for (segment, _) in player.segments("a-zh-Hans").iter().chain(&player.segments("v240")) {
        player.client.good(segment);
    }
    let sent = player.play(0, 12);
    // The last acknowledgement is in; this is the worst moment to fall.
    server.kill();
    let server = Server::start_again(&county, address).ready();
    let client = &server.client;
    let after = shows(client, "dongmen", &player.session, "12 s were watched", |x| x.watched >= 11);
    assert!(after.watched <= 13, "{after:?}");
    assert!(after.verified >= 11, "media were delivered first, and beats echoed nonces: {after:?}");
    assert!(after.delivered >= 23, "24 s were delivered a while before the crash: {after:?}");

    let again = player.send(&sent).with(200, "the same beats, sent again");
    assert_eq!(again.json()["accepted_through"], 6);
    for beat in &sent {
        player.send(std::slice::from_ref(beat)).with(200, "one of them");
    }
    std::thread::sleep(s(2));
    assert_eq!(row(client, "dongmen", &player.session), Some(after), "beats sent again change nothing");
    // The session itself goes on where it was: the ticket still plays.
    client.good(&player.play);
}

#[test]
fn a_playback_of_the_public_belongs_to_no_site() {
    let house = house();
    let client = &house.server.client;
    let mut player = Player::open(client, None, &json!({"lesson": "grapes"}));
    for (segment, _) in player.segments("v240") {
        client.good(&segment);
    }
    player.play(0, 2);
    std::thread::sleep(s(2));
    for site in ["dongmen", "baghcha"] {
        assert_eq!(row(client, site, &player.session), None, "{site} has a session of the public");
    }
}

#[test]
fn forks_and_wild_jumps_add_nothing() {
    let house = house();
    let client = &house.server.client;
    let mut player = Player::open(client, Some("phone"), &json!({"channel": "xiangtu"}));
    let place = now().as_millisecond() - 30_000;
    player.play(place, 6);
    let honest = shows(client, "baghcha", &player.session, "6 s were watched", |x| x.watched >= 5);
    let (mono, later) = (player.mono(), place + 6000);
    // Another beat under a number that is known; a jump of an hour and back; a
    // day that passed in no time; a rate no ear follows; a clock that ran back.
    let beats = [
        At { seq: 2, mono: mono - 1000, pos: later + 20_000 },
        At { seq: 4, mono, pos: later + 3_600_000 },
        At { seq: 5, mono: mono + 10, pos: later },
        At { seq: 6, mono: mono + 86_400_000, pos: later + 86_400_000 },
        At { seq: 7, mono: mono + 86_400_020, pos: later + 86_430_000 },
        At { seq: 8, mono: mono - 5000, pos: later + 40_000 },
    ];
    for at in beats {
        let answer = player.send(&[player.beat(at)]);
        assert!(answer.status < 500, "{at:?}: {}", answer.text());
    }
    let mut fast = player.beat(At { seq: 9, mono: mono + 1000, pos: later + 60_000 });
    fast["rate"] = json!(16);
    assert!(player.send(&[fast]).status < 500);
    std::thread::sleep(s(2));
    let then = row(client, "baghcha", &player.session).expect("the session");
    assert!(then.watched <= honest.watched + 1, "{honest:?} became {then:?}");
    assert_eq!((then.verified, then.delivered), (0, 0), "nothing was fetched");
}

#[test]
fn delivered_is_what_was_fetched_under_the_ticket() {
    let house = house();
    let client = &house.server.client;
    let mut player = Player::open(client, Some("office"), &json!({"lesson": "grapes"}));
    player.play(0, 4);
    let unfed = shows(client, "dongmen", &player.session, "4 s were watched", |x| x.watched >= 3);
    assert_eq!((unfed.delivered, unfed.verified), (0, 0), "beats alone deliver and verify nothing");

    let segments = player.segments("v240");
    client.ask("HEAD", &segments[0].0, &[]).with(200, "HEAD");
    client.ask("GET", &segments[0].0, &[("range", "bytes=0-99")]).with(206, "its first bytes");
    std::thread::sleep(s(2));
    let teased = row(client, "dongmen", &player.session).expect("the session");
    assert_eq!(teased.delivered, 0, "neither a head nor a beginning is a segment");

    for (segment, _) in &segments[..3] {
        client.good(segment);
    }
    let expected: f64 = segments[..3].iter().map(|x| x.1).sum();
    let fits = |x: Seconds| (x.delivered as f64 - expected).abs() <= 1.0;
    let fed = shows(client, "dongmen", &player.session, "three segments were delivered", fits);
    let other = Player::open(client, None, &json!({"lesson": "grapes"}));
    for (segment, _) in
        segments[..3].iter().chain(&player.segments("a-ug-Arab")[..3]).chain(&other.segments("v240"))
    {
        client.good(segment);
    }
    std::thread::sleep(s(2));
    let same = row(client, "dongmen", &player.session).expect("the session");
    assert_eq!(
        same.delivered, fed.delivered,
        "the same again, smaller, or under another ticket adds nothing"
    );
}

#[test]
fn what_cannot_be_opened_is_refused_in_words() {
    let house = house();
    let client = &house.server.client;
    let refused = |token: Option<&str>, body: Value, status: u16| {
        let answer = ask(client, token, &body).with(status, &body.to_string());
        assert_eq!(answer.header("content-type"), Some("application/problem+json"));
        assert!(answer.json()["detail"].as_str().is_some_and(|d| d.len() > 10), "{}", answer.text());
    };
    refused(Some("hall-tokem"), json!({"channel": "xiangtu"}), 401);
    refused(None, json!({"channel": "none"}), 404);
    refused(Some(&token("hall")), json!({"lesson": "none"}), 404);
    refused(None, json!({"lesson": "grapes", "channel": "xiangtu"}), 400);
    refused(None, json!({}), 400);
    refused(None, json!({"channel": "../etc"}), 400);
    client.get("/channels/xiangtu/index.m3u8?terminal=hall-tokem").with(401, "a wrong token");
    let mut player = Player::open(client, None, &json!({"channel": "xiangtu"}));
    for bad in [json!([{"seq": 1}]), json!({"seq": 1}), json!("beats")] {
        client.post(&player.beats, &[], &bad).with(400, &bad.to_string());
    }
    let mut bad = player.beat(At { seq: 1, mono: 1000, pos: 0 });
    bad["mono_ms"] = json!(-1);
    player.send(&[bad]).with(400, "a beat out of bounds");
    let none = json!([player.beat(At { seq: 1, mono: 1000, pos: 0 })]);
    client.post("/api/v1/sessions/0123456789abcdef0123/beats", &[], &none).with(410, "beats of no session");
    // Who knows a player's session by its name alone cannot speak for it.
    let forged = json!([{ "seq": 1, "boot": "b", "mono_ms": 0, "wall_ms": 0, "pos_ms": 0, "rate": 1,
                          "state": "playing", "visible": true, "nonce": "AAAAAAAAAAAAAAAAAAAAAAA" }]);
    client.post(&player.beats, &[], &forged).with(403, "a made-up nonce");
}

#[test]
fn a_ticket_that_was_altered_or_is_over_opens_nothing() {
    let house = house();
    let client = &house.server.client;
    let player = Player::open(client, Some("phone"), &json!({"lesson": "grapes"}));
    let (segment, _) = player.segments("v240").swap_remove(0);
    let ticket = player.play.split('/').nth(2).expect("a ticket").to_owned();
    for at in (0..ticket.len()).step_by(5) {
        let old = &ticket[at..=at];
        let new = if old == "A" { "B" } else { "A" };
        let altered = format!("{}{new}{}", &ticket[..at], &ticket[at + 1..]);
        for path in [&player.play, &segment] {
            let answer = client.get(&path.replace(&ticket, &altered));
            assert!(
                [403, 410].contains(&answer.status),
                "character {at}: {} {}",
                answer.status,
                answer.text()
            );
        }
    }
    // Ours, but of yesterday.
    let key = std::fs::read(house.county.path("data/ticket.key")).expect("the server's key");
    let over = ended(&ticket, &key, now().as_second() - 86_400);
    for path in [&player.play, &segment] {
        client.get(&path.replace(&ticket, &over)).with(410, "a ticket of yesterday");
    }
    let good = ended(&ticket, &key, now().as_second() + 60);
    client.good(&player.play.replace(&ticket, &good));
    // Good, but for something else.
    client.get(&format!("/s/{ticket}/channels/xiangtu/index.m3u8")).with(403, "another item's ticket");
    client.get(&player.play).with(200, "the ticket itself");
}

/// The ticket as the server would have signed it with another end.
fn ended(ticket: &str, key: &[u8], second: i64) -> String {
    const TAG: usize = 16;
    let mut bytes = URL_SAFE_NO_PAD.decode(ticket).expect("base64");
    bytes.truncate(bytes.len() - TAG);
    bytes[2..7].copy_from_slice(&second.to_be_bytes()[3..]);
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("any length will do");
    mac.update(b"yuanjiao ticket\0");
    mac.update(&bytes);
    bytes.extend(&mac.finalize().into_bytes()[..TAG]);
    URL_SAFE_NO_PAD.encode(bytes)
}

#[test]
fn a_terminal_plays_one_thing_at_a_time() {
    let House { server, county: _county } = House::new();
    let client = &server.client;
    let mut first = Player::open(client, Some("hall"), &json!({"lesson": "grapes"}));
    first.play(0, 2);
    let mut second = Player::open(client, Some("hall"), &json!({"channel": "xiangtu"}));
    second.play(now().as_millisecond() - 20_000, 2);
    let over = wait_for("an answer to beats of the first", PATIENCE, || {
        let beat = first.beat(At { seq: 2, mono: first.mono(), pos: 4000 });
        Some(client.post(&first.beats, &[], &json!([beat])))
    });
    over.with(410, "beats of a session that was superseded");
    shows(client, "dongmen", &second.session, "the second plays", |x| x.watched >= 1);
}
