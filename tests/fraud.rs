//! Fraud, acted out on a running server: what somebody with a terminal and some knowledge would
//! try, and that none of it gains a second. What is done to the log and to the database stands in
//! `evidence.rs`, forged jumps and forks in `sessions.rs`, chains in `sealed.rs`.

#[expect(dead_code, reason = "each story uses its part of what they share")]
mod support;

use serde_json::json;
use support::county::{County, a_county};
use support::media::package_lesson;
use support::player::{At, Player, row, shows};
use support::server::Server;
use support::time::{now, s};

fn a_house() -> (Server, County) {
    let county = a_county();
    package_lesson(&county, "grapes", 24);
    (Server::start(&county), county)
}

#[test]
fn a_bot_that_fetches_everything_at_once_was_there_for_a_moment() {
    let (server, _county) = a_house();
    let client = &server.client;
    // It reports nothing, as a set-top box does: what it was sent counts, while it was there.
    let bot = Player::open(client, Some("hall"), &json!({"lesson": "grapes"}));
    let begun = now();
    for (segment, _) in bot.segments("v240").iter().chain(&bot.segments("a-zh-Hans")) {
        client.good(segment);
    }
    let there = now().duration_since(begun).as_secs() as u64 + 1;
    let seen = shows(client, "dongmen", &bot.session, "it was sent all", |x| x.delivered >= 23);
    assert!(seen.verified <= there, "{seen:?}, it was there for {there} s");
    // It comes back later to look as if it had stayed: what it has is not sent twice.
    std::thread::sleep(s(4));
    client.good(&bot.segments("v240")[0].0);
    std::thread::sleep(s(2));
    let then = row(client, "dongmen", &bot.session).expect("its row");
    let there = now().duration_since(begun).as_secs() as u64 + 1;
    assert!(then.verified <= there && then.delivered == seen.delivered, "{then:?}, after {there} s");
}

#[test]
fn a_ticket_that_was_copied_and_a_token_in_two_places_gain_nothing() {
    let (server, _county) = a_house();
    let client = &server.client;
    let mut hall = Player::open(client, Some("hall"), &json!({"lesson": "grapes"}));
    for (segment, _) in hall.segments("v240").iter().chain(&hall.segments("a-zh-Hans")) {
        client.good(segment);
    }
    // A friend plays the same address, and sends reports of his own under the same session.
    let mut friend = Player { boot: "friend".into(), ..Player::of(&hall) };
    for (segment, _) in friend.segments("v240") {
        client.good(&segment);
    }
    std::thread::scope(|scope| {
        scope.spawn(|| friend.play(0, 6));
        hall.play(0, 6);
    });
    let both = shows(client, "dongmen", &hall.session, "6 s were watched", |x| x.watched >= 5);
    assert!(both.watched <= 7 && both.verified <= 7, "two are no longer than one: {both:?}");
    assert!(both.delivered <= 25, "nor are they sent more: {both:?}");
    // The friend opens it with the terminal's token at his own place: the hall's is over.
    let mut elsewhere = Player::open(client, Some("hall"), &json!({"lesson": "grapes"}));
    elsewhere.play(0, 2);
    let beat = hall.beat(At { seq: 40, mono: hall.mono(), pos: 12_000 });
    hall.send(&[beat]).with(410, "one terminal plays in one place");
    assert_eq!(
        row(client, "baghcha", &elsewhere.session),
        None,
        "the site is the terminal's, wherever it is"
    );
}

#[test]
fn what_was_not_on_air_and_clocks_that_were_set_gain_nothing() {
    let (server, _county) = a_house();
    let client = &server.client;
    // Beats of next week's programme: claimed, at best, and of no level above.
    let mut seer = Player::open(client, Some("phone"), &json!({"channel": "xiangtu"}));
    seer.play(now().as_millisecond() + 7 * 86_400_000, 4);
    std::thread::sleep(s(2));
    let seen = row(client, "baghcha", &seer.session).expect("its row");
    assert_eq!((seen.verified, seen.delivered), (0, 0), "{seen:?}");

    // A wall clock a year behind, then a year ahead: credit rests on neither.
    let mut late = Player::open(client, Some("office"), &json!({"lesson": "grapes"}));
    for (segment, _) in late.segments("v240").iter().chain(&late.segments("a-zh-Hans")) {
        client.good(segment);
    }
    let begun = late.mono();
    for n in 0..4_u64 {
        let mono = late.mono();
        let mut beat = late.beat(At { seq: n, mono, pos: (mono - begun) as i64 });
        let year = 365 * 86_400_000;
        let wall = now().as_millisecond() + if n % 2 == 0 { -year } else { year };
        beat["wall_ms"] = json!(wall);
        late.send(&[beat]).with(200, "a beat of a clock that was set");
        std::thread::sleep(s(2));
    }
    let seen = shows(client, "dongmen", &late.session, "6 s were watched", |x| x.watched >= 5);
    assert!(seen.watched <= 8, "{seen:?}");
    // A monotonic clock that runs nine times as fast as the server's.
    let mono = late.mono();
    for n in 0..4_u64 {
        let beat = late.beat(At { seq: 100 + n, mono: mono + n * 9000, pos: (n * 9000) as i64 });
        late.send(&[beat]).with(200, "a beat of a fast clock");
        std::thread::sleep(s(1));
    }
    std::thread::sleep(s(2));
    let then = row(client, "dongmen", &late.session).expect("its row");
    assert!(then.verified <= seen.verified + 9, "27 s were claimed in 3: {seen:?} became {then:?}");
}
