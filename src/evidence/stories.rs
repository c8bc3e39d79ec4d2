//! Sessions told as stories.

use crate::base::SessionId;

use super::boot::Boot;
use super::testing::{Page, a_session, at, deliver, received};
use super::*;

#[test]
fn a_village_watches_ten_minutes_of_a_delivered_lesson() {
    let mut session = a_session("s1");
    deliver(&mut session, 0, 620_000, at(10));
    Page::new("page").plays(60).then(PlayState::Paused, true, 6, 40).into(&mut session);
    let totals = session.totals();
    assert_eq!((totals.watched_ms, totals.timed_ms, totals.verified_ms), (600_000, 600_000, 600_000));
    assert_eq!((totals.paused_ms, totals.hidden_ms, totals.stalled_ms), (60_000, 0, 0));
    assert_eq!(totals.coverage, 0.166666);
    assert_eq!(totals.level, Level::Delivered);
    assert!(totals.delivered_ms >= 620_000);
}

#[test]
fn a_nonce_is_checked_as_the_beat_arrives() {
    let (mut session, nonces) = (a_session("s1"), NonceKey::new([5; 32]));
    for seq in 0..4 {
        let ms = seq as i64 * 10_000;
        let issued_to = SessionId::new(if seq < 2 { "s1" } else { "another" }).expect("an id");
        let nonce = Some(nonces.mint(&issued_to, at(ms)));
        let beat = Beat { nonce, ..received(seq, ms, ms).beat };
        let received = Received::new(beat, &session.id, &nonces, at(ms));
        assert_eq!(session.receive(received), BeatOutcome::Accepted);
    }
    let totals = session.totals();
    assert_eq!((totals.watched_ms, totals.timed_ms), (30_000, 10_000));
    assert_eq!(totals.level, Level::Claimed);
}

#[test]
fn media_delivered_only_after_it_was_claimed_proves_nothing() {
    let mut session = a_session("s1");
    Page::new("page").plays(6).into(&mut session);
    deliver(&mut session, 0, 60_000, at(61_000));
    let totals = session.totals();
    assert_eq!((totals.timed_ms, totals.verified_ms, totals.level), (60_000, 0, Level::Timed));
}

#[test]
fn a_set_top_box_without_script_is_credited_what_it_was_sent() {
    let mut session = a_session("s1");
    // Three segments at once, then one at a time, for a minute.
    deliver(&mut session, 0, 11_520, at(1000));
    for n in 3..18 {
        deliver(&mut session, n * 3840, (n + 1) * 3840, at(1000 + (n - 2) * 3840));
    }
    let totals = session.totals();
    assert_eq!((totals.watched_ms, totals.delivered_ms), (0, 69_120));
    assert_eq!(totals.verified_ms, 15 * 3840, "capped by wall time");
    assert_eq!(totals.level, Level::Delivered);
    assert_eq!(site_wall([&session.record()], Level::Delivered).total(), totals.verified_ms);
}

#[test]
fn downloading_a_lesson_in_a_minute_is_not_an_hour_of_study() {
    let mut session = a_session("s1");
    deliver(&mut session, 0, 1_800_000, at(0));
    deliver(&mut session, 1_800_000, 3_600_000, at(60_000));
    assert_eq!(session.totals().verified_ms, 60_000);
}

#[test]
fn a_line_that_fails_for_four_minutes_delays_beats_and_loses_none() {
    let mut session = a_session("s1");
    deliver(&mut session, 0, 600_000, at(0));
    for mut beat in Page::new("page").plays(30).beats {
        let sent = beat.beat.mono_ms;
        if (50_000..290_000).contains(&sent) {
            beat.at = at(290_000);
            beat.nonce_issued = None;
        }
        session.receive(beat);
    }
    let record = session.record();
    assert_eq!(record.totals.watched_ms, 300_000);
    assert_eq!(record.totals.timed_ms, 50_000, "what came late is claimed, not timed");
    let (start, end) = record.wall.watched.iter().next().expect("watched");
    assert_eq!((start, end), (at(40).as_millisecond(), at(300_040).as_millisecond()), "placed where it was");
}

#[test]
fn two_beats_under_one_number_are_a_fork_and_earn_nothing() {
    let mut session = a_session("s1");
    Page::new("page").plays(6).into(&mut session);
    let before = session.totals();
    let mut forged = received(3, 30_000, 900_000);
    assert_eq!(session.receive(forged.clone()), BeatOutcome::Fork);
    assert!(session.forks && session.record().forks);
    assert_eq!(session.totals(), before);
    forged.beat.boot.clear();
    assert_eq!(session.receive(forged), BeatOutcome::Refused(Refusal::Invalid(BadBeat::Boot)));
}

#[test]
fn silence_closes_a_session_at_an_instant_that_does_not_depend_on_who_looks_when() {
    for late in [300_000, 300_001, 86_400_000] {
        let mut session = a_session("s1");
        deliver(&mut session, 0, 3840, at(1000));
        assert_eq!(session.tick(at(300_999)), None);
        session.touch(at(2000));
        assert_eq!(session.tick(at(2000 + late)), Some(CloseReason::Timeout));
        assert_eq!(session.closed, Some((at(302_000), CloseReason::Timeout)));
        assert_eq!(session.tick(at(2000 + late)), None);
    }
}

#[test]
fn the_end_closes_a_session_unless_the_viewer_starts_again() {
    let mut session = a_session("s1");
    Page::new("page").plays(2).then(PlayState::Ended, true, 0, 40).into(&mut session);
    assert_eq!(session.tick(at(30_000)), None);
    let mut again = session.clone();
    assert_eq!(session.tick(at(40_000)), Some(CloseReason::Ended));
    assert_eq!(session.closed, Some((at(20_050), CloseReason::Ended)));
    again.receive(received(4, 25_000, 0));
    assert_eq!(again.tick(at(60_000)), None);
}

#[test]
fn a_closed_session_acknowledges_retries_and_refuses_the_rest() {
    let mut session = a_session("s1");
    let page = Page::new("page").plays(6);
    page.clone().into(&mut session);
    session.close(CloseReason::Superseded, at(61_000));
    session.close(CloseReason::Stopped, at(62_000));
    let closed = session.clone();
    assert_eq!(session.closed, Some((at(61_000), CloseReason::Superseded)));
    assert_eq!(session.receive(page.beats[3].clone()), BeatOutcome::Duplicate);
    assert_eq!(session.receive(received(7, 70_000, 70_000)), BeatOutcome::Refused(Refusal::Closed));
    let segment = DeliveredSegment { owner: "grape-pruning", n: 9, start_ms: 34_560, dur_ms: 3840 };
    assert!(!session.deliver(segment, at(63_000)));
    assert_eq!(session, closed);
}

#[test]
fn two_tabs_of_one_terminal_are_one_hour() {
    let watch = |id: &str| {
        let mut session = a_session(id);
        Page::new("page").plays(360).into(&mut session);
        session.record()
    };
    let (one, two) = (watch("s1"), watch("s2"));
    assert_eq!(site_seconds(&[one.wall.watched.clone(), two.wall.watched.clone()]), 3600);
    assert_eq!(site_wall([&one, &two], Level::Timed).total(), 3_600_000);
    // And so are two players that share a session.
    let mut session = a_session("s3");
    Page::new("one").plays(360).into(&mut session);
    Page::new("two").plays(360).into(&mut session);
    assert_eq!(session.totals().watched_ms, 3_600_000);
}

#[test]
fn the_slack_of_the_rules_does_not_add_up() {
    // Beats five seconds apart, all sent at once at the end of a minute: each
    // interval alone is within the five seconds that server time may lack.
    let mut session = a_session("s1");
    for seq in 0..200 {
        let mut beat = received(seq, seq as i64 * 5000, seq as i64 * 5000);
        beat.at = at(60_000);
        session.receive(beat);
    }
    let totals = session.totals();
    assert!(totals.watched_ms <= 60_000, "no more than the session lasted");
    assert!(totals.timed_ms <= 5_000, "the slack is granted once");
    // Two seconds of drift in every tenth of a second.
    let mut session = a_session("s2");
    for seq in 0..1000 {
        session.receive(received(seq, seq as i64 * 100, seq as i64 * 2000));
    }
    assert!(session.totals().coverage < 0.06, "{}", session.totals().coverage);
}

#[test]
fn hidden_pages_and_odd_rates_earn_what_the_rules_say() {
    let mut session = a_session("s1");
    Page::new("page")
        .then(PlayState::Playing, false, 6, 40)
        .at_rate(0.5)
        .plays(6)
        .at_rate(2.0)
        .plays(6)
        .at_rate(3.0)
        .plays(6)
        .into(&mut session);
    let totals = session.totals();
    assert_eq!(totals.hidden_ms, 60_010);
    assert_eq!(totals.watched_ms, 30_000 + 60_000);
    assert_eq!(totals.media_ms, 30_000 + 120_000);
}

#[test]
fn a_day_of_beats_is_kept_in_a_few_kilobytes() {
    let mut session = a_session("s1");
    session.duration_ms = None;
    Page::new("page").plays(8640).into(&mut session);
    assert_eq!(session.boot("page").map(Boot::kept), Some((1, 512)));
    let snapshot = serde_json::to_string(&session).expect("serialises");
    assert!(snapshot.len() < 60_000, "{}", snapshot.len());
    assert_eq!(session.totals().watched_ms, 86_400_000);
}

#[test]
fn numbers_full_of_gaps_do_not_fill_the_memory() {
    let mut session = a_session("s1");
    for seq in 0..5000 {
        session.receive(received(seq * 2, seq as i64 * 100, 0));
    }
    for boot in 0..100 {
        let mut beat = received(0, 600_000, 0);
        beat.beat.boot = format!("boot-{boot}");
        session.receive(beat);
    }
    assert!(session.boot("page").is_some_and(|b| b.kept().0 <= 130));
    assert!(session.boot("boot-90").is_none());
    assert_eq!(session.totals().watched_ms, 0);
}

#[test]
fn a_record_outlives_the_lesson() {
    let mut session = a_session("s1");
    Page::new("page").plays(6).into(&mut session);
    session.close(CloseReason::Stopped, at(61_000));
    let record = session.record();
    assert_eq!((record.title.clone(), record.content_hash.as_deref()), (session.title.clone(), Some("ab12")));
    assert_eq!(record.opened, Some(at(40)));
    let text = serde_json::to_string(&record).expect("serialises");
    assert_eq!(serde_json::from_str::<SessionRecord>(&text).expect("parses"), record);
}

#[test]
fn of_two_records_of_one_session_the_fuller_is_kept_and_a_fork_is_not_forgotten() {
    let after = |times: i64, forks: bool| {
        let mut session = a_session("s1");
        session.forks = forks;
        Page::new("page").plays(times).into(&mut session);
        Shard::from([(session.id.clone(), session.record())])
    };
    for (first, second) in [(after(3, true), after(6, false)), (after(6, false), after(3, true))] {
        let mut county = first;
        merge(&mut county, second);
        let record = county.values().next().expect("one session");
        assert_eq!((county.len(), record.totals.watched_ms, record.forks), (1, 60_000, true));
    }
}
