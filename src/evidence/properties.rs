//! The invariants of this room, tested by generation.

use proptest::prelude::*;

use crate::base::IntervalSet;

use super::testing::{Page, a_session, at, deliver};
use super::*;

/// Something that happens to a session.
#[derive(Debug, Clone)]
enum Event {
    Beat(Received),
    Deliver { from_ms: i64, to_ms: i64, at_ms: i64 },
}

fn apply(session: &mut Session, event: &Event) {
    match event {
        Event::Beat(received) => {
            session.receive(received.clone());
        }
        Event::Deliver { from_ms, to_ms, at_ms } => deliver(session, *from_ms, *to_ms, at(*at_ms)),
    }
}

fn states() -> impl Strategy<Value = PlayState> {
    prop_oneof![
        6 => Just(PlayState::Playing),
        1 => Just(PlayState::Paused),
        1 => Just(PlayState::Stalled),
        1 => Just(PlayState::Ended),
    ]
}

prop_compose! {
    /// Beats of a liar whose clock runs `hurry` times too fast: clocks,
    /// positions and numbers that need not fit.
    fn lies(hurry: i64)(
        seq in 0u64..40,
        boot in prop_oneof![9 => Just("one"), 1 => Just("two")],
        skew in prop_oneof![9 => Just(0i64), 1 => -40_000i64..40_000],
        drift in -1500i64..1500,
        jump in prop::option::weighted(0.1, 0i64..3_700_000),
        state in states(),
        visible in prop::bool::weighted(0.9),
        late in 0i64..4_000,
        nonce in prop::bool::weighted(0.9),
    ) -> Event {
        let mono_ms = (seq as i64 * 10_000 * hurry + skew).max(0);
        let pos_ms = jump.unwrap_or(mono_ms + drift).max(0);
        let mut received = super::testing::received(seq, mono_ms, pos_ms);
        received.beat.boot = boot.into();
        (received.beat.state, received.beat.visible) = (state, visible);
        received.at = at(seq as i64 * 10_000 + late);
        received.nonce_issued = nonce.then_some(received.at);
        Event::Beat(received)
    }
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    (1i64..5).prop_flat_map(|hurry| {
        let delivery = (0i64..400_000, 0i64..400_000, 0i64..400_000)
            .prop_map(|(from_ms, length, at_ms)| Event::Deliver { from_ms, to_ms: from_ms + length, at_ms });
        proptest::collection::vec(prop_oneof![12 => lies(hurry), 1 => delivery], 0..150)
    })
}

/// A page used as people use pages.
fn pages() -> impl Strategy<Value = Page> {
    let act =
        (states(), any::<bool>(), 0i64..12, prop::option::of(0i64..3_000_000), 0i64..3000, 0i64..60_000);
    proptest::collection::vec(act, 1..8).prop_map(|acts| {
        acts.into_iter().fold(Page::new("page"), |page, (state, visible, times, seek, delay, wait)| {
            let page = if let Some(pos) = seek { page.seeks(pos) } else { page };
            page.waits(wait).then(state, visible || times % 3 > 0, times, delay)
        })
    })
}

fn inside(inner: &IntervalSet, outer: &IntervalSet) -> bool {
    let mut both = outer.clone();
    both.union(inner);
    &both == outer
}

fn holds(session: &Session) -> Result<(), TestCaseError> {
    let (totals, record) = (session.totals(), session.record());
    let span = session.last_activity.as_millisecond() - session.minted.as_millisecond();
    for ms in [totals.watched_ms, totals.verified_ms, totals.hidden_ms, totals.paused_ms, totals.stalled_ms] {
        prop_assert!((0..=span).contains(&ms), "{ms} ms in a session of {span} ms");
    }
    prop_assert!(totals.watched_ms <= totals.media_ms);
    prop_assert!((0.0..=1.0).contains(&totals.coverage));
    if totals.watched_ms > 0 {
        prop_assert!(totals.verified_ms <= totals.timed_ms && totals.timed_ms <= totals.watched_ms);
        let opened = record.opened.expect("what was watched was opened").as_millisecond();
        prop_assert!(totals.watched_ms <= session.last_activity.as_millisecond() - opened);
    }
    prop_assert!(inside(&record.wall.timed, &record.wall.watched));
    if record.wall.verified.total() > 0 && session.totals().watched_ms > 0 {
        prop_assert!(inside(&record.wall.verified, &record.wall.timed));
    }
    prop_assert!(
        inside(&record.media, &IntervalSet::new()) || record.media.clipped(0, 3_600_000) == record.media
    );
    Ok(())
}

fn folded(events: &[Event]) -> Session {
    let mut session = a_session("s1");
    events.iter().for_each(|e| apply(&mut session, e));
    session
}

fn restored(session: &Session) -> Session {
    let text = serde_json::to_string(session).expect("serialises");
    serde_json::from_str(&text).expect("parses")
}

proptest! {
    #[test]
    fn whatever_is_claimed_the_sums_stay_in_their_bounds(events in events()) {
        let mut session = a_session("s1");
        for event in &events {
            apply(&mut session, event);
            holds(&session)?;
        }
    }

    #[test]
    fn what_is_sent_again_changes_nothing(events in events(), times in 1usize..3) {
        let mut session = folded(&events);
        let before = session.clone();
        for _ in 0..times {
            // A retry may come with a newer nonce, and later than anything.
            for event in events.iter().rev() {
                if let Event::Beat(received) = event {
                    let retry = Received { at: at(9_000_000), nonce_issued: Some(at(8_990_000)), ..received.clone() };
                    let outcome = session.receive(retry);
                    prop_assert!(matches!(outcome, BeatOutcome::Duplicate | BeatOutcome::Fork));
                }
            }
        }
        prop_assert_eq!(session, before);
    }

    #[test]
    fn a_snapshot_restores_the_same_session_anywhere(events in events(), cut in any::<prop::sample::Index>()) {
        let cut = if events.is_empty() { 0 } else { cut.index(events.len()) };
        let mut revived = restored(&folded(&events[..cut]));
        prop_assert_eq!(&revived, &folded(&events[..cut]));
        // After a crash the player sends again what was not acknowledged.
        let beats = |e: &&Event| matches!(e, Event::Beat(_));
        events[..cut].iter().filter(beats).chain(&events[cut..]).for_each(|e| apply(&mut revived, e));
        prop_assert_eq!(revived, folded(&events));
    }

    #[test]
    fn a_delivery_never_changes_what_was_watched(events in events()) {
        let beats: Vec<_> = events.iter().filter(|e| matches!(e, Event::Beat(_))).cloned().collect();
        let (with, without) = (folded(&events).totals(), folded(&beats).totals());
        prop_assert_eq!((with.watched_ms, with.timed_ms, with.media_ms), (without.watched_ms, without.timed_ms, without.media_ms));
        prop_assert_eq!(with.coverage, without.coverage);
        prop_assert_eq!(without.verified_ms, 0);
    }

    #[test]
    fn the_order_in_which_beats_are_folded_does_not_matter(
        (page, shuffled) in pages().prop_flat_map(|p| (Just(p.clone()), Just(p.beats).prop_shuffle())),
    ) {
        let (mut straight, mut other) = (a_session("s1"), a_session("s1"));
        page.into(&mut straight);
        for beat in shuffled {
            prop_assert_eq!(other.receive(beat), BeatOutcome::Accepted);
        }
        prop_assert_eq!(other.wall(), straight.wall());
        prop_assert_eq!(other.totals(), straight.totals());
    }

    #[test]
    fn beats_that_arrive_out_of_order_never_add(
        (page, order) in pages().prop_flat_map(|p| (Just(p.clone()), Just((0..p.beats.len()).collect::<Vec<_>>()).prop_shuffle())),
    ) {
        let (mut straight, mut other) = (a_session("s1"), a_session("s1"));
        let times: Vec<_> = page.beats.iter().map(|b| b.at).collect();
        for (at, from) in times.into_iter().zip(order) {
            other.receive(Received { at, ..page.beats[from].clone() });
        }
        holds(&other)?;
        page.into(&mut straight);
        prop_assert!(other.totals().watched_ms <= straight.totals().watched_ms);
        prop_assert_eq!(other.totals().media_ms, straight.totals().media_ms);
    }

    #[test]
    fn lost_beats_and_jumps_never_add(
        times in 1i64..60,
        jumps in proptest::collection::vec((any::<prop::sample::Index>(), 0i64..3_600_000), 0..8),
        lost in proptest::collection::vec(any::<prop::sample::Index>(), 0..8),
    ) {
        let (mut steady, mut jumping) = (a_session("s1"), a_session("s1"));
        let mut page = Page::new("page").plays(times);
        page.clone().into(&mut steady);
        for (at, pos_ms) in jumps {
            let at = at.index(page.beats.len());
            page.beats[at].beat.pos_ms = pos_ms;
        }
        for at in lost {
            if page.beats.len() > 1 {
                page.beats.remove(at.index(page.beats.len()));
            }
        }
        page.into(&mut jumping);
        prop_assert!(jumping.totals().watched_ms <= steady.totals().watched_ms);
        prop_assert!(jumping.totals().timed_ms <= steady.totals().timed_ms);
    }

    #[test]
    fn a_site_has_no_more_hours_than_the_wall(
        sets in proptest::collection::vec(proptest::collection::vec((0i64..3_600_000, 0i64..600_000), 0..6), 0..8),
    ) {
        let walls: Vec<_> = sets.iter().map(|parts| {
            let mut set = IntervalSet::new();
            parts.iter().for_each(|(start, length)| set.insert(*start, (start + length).min(3_600_000)));
            set
        }).collect();
        let seconds = site_seconds(&walls);
        prop_assert!((0..=3600).contains(&seconds));
        let twice: Vec<_> = walls.iter().rev().chain(&walls).cloned().collect();
        prop_assert_eq!(site_seconds(&twice), seconds);
        prop_assert!(seconds * 1000 <= walls.iter().map(IntervalSet::total).sum::<i64>());
    }

    #[test]
    fn shards_merge_in_any_order_and_any_number_of_times(
        a in shards(), b in shards(), c in shards(),
    ) {
        let merged = |parts: &[&Shard]| {
            let mut out = Shard::new();
            parts.iter().for_each(|p| merge(&mut out, (*p).clone()));
            out
        };
        let all = merged(&[&a, &b, &c]);
        prop_assert_eq!(&merged(&[&c, &a, &b]), &all);
        prop_assert_eq!(&merged(&[&b, &a, &c, &a, &all, &b]), &all);
        prop_assert_eq!(&merged(&[&a, &merged(&[&b, &c])]), &all);
    }
}

/// Shards that know a few sessions, each at some stage of its story.
fn shards() -> impl Strategy<Value = Shard> {
    let stage = (0usize..4, 0i64..3, any::<bool>(), any::<bool>(), any::<bool>());
    proptest::collection::vec(stage, 0..6).prop_map(|stages| {
        let mut shard = Shard::new();
        for (id, times, closed, forked, hashed) in stages {
            let mut session = a_session(&format!("s{id}"));
            session.content_hash = hashed.then(|| "cd34".into());
            Page::new("page").plays(times).into(&mut session);
            if closed {
                session.close(CloseReason::Stopped, at(100_000));
            }
            session.forks = forked;
            shard.insert(session.id.clone(), session.record());
        }
        shard
    })
}
