//! What holds over any plan, any history of relays and any crash
//! (media.md, "The timeline").

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;

use crate::hls::{Address, MediaPlaylist};

use super::scenario::{self, LONGEST};
use super::simulation::{Poll, RESUME, Run, TICK};
use super::testing::{ms, secs};
use super::{AiringSource, Command, Hand, Headers, Placed, Rendition, Window};

/// How long a relay may be waited for before it is given up, and the segment before it.
const PATIENCE: SignedDuration = SignedDuration::from_secs(22);

type Checked = Result<(), TestCaseError>;

/// Sound is cut where its frames end, up to a frame beside the picture.
const FRAME: SignedDuration = SignedDuration::from_millis(22);

/// A segment as a player knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Listed {
    uri: String,
    map: Option<String>,
    duration: std::time::Duration,
    /// `DISCONTINUITY-SEQUENCE` + tags above it.
    discontinuities: u64,
    date: Option<Timestamp>,
}

fn listed(playlist: &MediaPlaylist) -> Vec<(u64, Listed)> {
    let mut count = playlist.discontinuity_sequence;
    let segments = playlist.segments.iter().enumerate().map(|(i, s)| {
        count += u64::from(i > 0 && s.discontinuity);
        let (uri, map) = (s.uri.clone(), s.map.clone());
        let entry = Listed { uri, map, duration: s.duration, discontinuities: count, date: s.date };
        (playlist.media_sequence + i as u64, entry)
    });
    segments.collect()
}

fn last_sequence(playlist: &MediaPlaylist) -> u64 {
    playlist.media_sequence + playlist.segments.len() as u64 - 1
}

/// (a) What a media sequence number means never changes, in any rendition,
/// across polls, restarts and new plans.
fn a_number_never_changes(run: &Run) -> Checked {
    let mut known: BTreeMap<(&Rendition, u64), Listed> = BTreeMap::new();
    for poll in &run.polls {
        for (rendition, playlist) in &poll.playlists {
            for (n, now) in listed(playlist) {
                let before = known.entry((rendition, n)).or_insert_with(|| now.clone());
                prop_assert_eq!(&*before, &now, "number {} of {} changed", n, rendition.name());
            }
        }
    }
    Ok(())
}

/// (b) `DISCONTINUITY-SEQUENCE` + tags above a segment = its count in the
/// as-run log. (f) Renditions list the same numbers, dates and discontinuities.
fn renditions_agree_with_the_log(run: &Run) -> Checked {
    let log: BTreeMap<u64, Placed> = run.placed().into_iter().map(|(_, p)| (p.sequence, p)).collect();
    for poll in &run.polls {
        prop_assert_eq!(poll.playlists.len(), run.lineup.renditions().count());
        let numbers: Vec<u64> = listed(poll.best()).iter().map(|(n, _)| *n).collect();
        for (rendition, playlist) in &poll.playlists {
            let entries = listed(playlist);
            prop_assert_eq!(&numbers, &entries.iter().map(|(n, _)| *n).collect::<Vec<_>>());
            for (n, entry) in entries {
                let Some(placed) = log.get(&n) else {
                    return Err(TestCaseError::fail(format!("number {n} is not in the log")));
                };
                prop_assert_eq!(entry.date, Some(placed.start));
                prop_assert_eq!(entry.discontinuities, placed.discontinuities, "{} of {:?}", n, rendition);
            }
        }
    }
    Ok(())
}

/// (c) Successive windows overlap or touch; neither sequence ever decreases.
fn windows_follow_each_other(run: &Run) -> Checked {
    for pair in run.polls.windows(2) {
        for (rendition, later) in &pair[1].playlists {
            let earlier = &pair[0].playlists[rendition];
            prop_assert!(earlier.media_sequence <= later.media_sequence);
            prop_assert!(earlier.discontinuity_sequence <= later.discontinuity_sequence);
            prop_assert!(last_sequence(earlier) <= last_sequence(later));
            // After a long stop more than a window may have passed.
            if pair[0].now.duration_until(pair[1].now) < secs(30) {
                prop_assert!(later.media_sequence <= last_sequence(earlier) + 1, "numbers were skipped");
            }
        }
    }
    Ok(())
}

/// (d) The segments cover the wall clock without hole or overlap, except where
/// a channel begins anew after a long stop; the sum of `EXTINF` is the time
/// they cover, to a frame of sound per change of source.
fn durations_are_the_time_that_passed(run: &Run) -> Checked {
    let anew = RESUME - LONGEST * 3;
    for pair in run.placed().windows(2) {
        let (before, after) = (pair[0].1, pair[1].1);
        prop_assert_eq!(before.sequence + 1, after.sequence);
        let hole = before.end().duration_until(after.start);
        prop_assert!(hole.is_zero() || hole >= anew, "a hole of {:?} before {}", hole, after.start);
    }
    for (poll, playlist) in run.polls.iter().flat_map(|p| p.playlists.values().map(move |l| (p, l))) {
        let breaks = 1 + playlist.segments.iter().filter(|s| s.discontinuity).count() as i32;
        let mut sum = SignedDuration::ZERO;
        let mut first = playlist.segments[0].date.expect("dated");
        for (i, s) in playlist.segments.iter().enumerate() {
            let date = s.date.expect("dated");
            if i > 0 && (first + sum).duration_until(date) >= anew - FRAME * breaks {
                (first, sum) = (date, SignedDuration::ZERO);
            }
            let off = (first + sum).duration_until(date).abs();
            prop_assert!(off <= FRAME * breaks, "{:?} off at {} seen at {}", off, date, poll.now);
            sum += SignedDuration::try_from(s.duration).expect("short");
        }
    }
    Ok(())
}

/// (d) The live edge lags by a segment that is being recorded; at the most,
/// while a relay is waited for, by the time after which it is given up.
fn the_edge_is_near(run: &Run) -> Checked {
    let patience = secs(8).max(LONGEST + secs(4)) + secs(1) + TICK * 2;
    // Begun anew with a relay that is waited for, a channel still lists its past.
    let begun_anew = |now| {
        let long = run.stops.iter().filter(|(died, up)| died.duration_until(*up) >= RESUME);
        long.into_iter().any(|(_, up)| (*up..*up + patience).contains(&now))
    };
    for poll in run.polls.iter().filter(|poll| !begun_anew(poll.now)) {
        let lag = edge(poll).duration_until(poll.now);
        prop_assert!(lag <= patience.max(LONGEST + TICK), "{:?} behind at {}", lag, poll.now);
    }
    Ok(())
}

/// The end of what is listed.
fn edge(poll: &Poll) -> Timestamp {
    let last = poll.best().segments.last().expect("no empty playlist");
    last.date.expect("dated") + last.duration
}

/// (e) Every listed segment exists, and its timestamps say when it is on air,
/// so they never fall. No `EXTINF` is over the target duration.
fn every_segment_exists(run: &Run) -> Checked {
    for playlist in run.polls.iter().flat_map(|p| p.playlists.values()) {
        for s in &playlist.segments {
            prop_assert!(run.world.serves(&s.uri), "{} does not exist", s.uri);
            let stamped = Address::parse(&s.uri).and_then(|a| a.on_air);
            let on_air = s.date.map(|d| d.as_microsecond() as u64);
            prop_assert!(stamped == on_air || s.uri.starts_with("none/"), "{} at {:?}", s.uri, s.date);
            prop_assert!(s.map.as_ref().is_none_or(|map| run.world.serves(map)));
            prop_assert!(s.duration.as_secs_f64().round() <= playlist.target_duration as f64);
        }
    }
    Ok(())
}

/// (g) A fixed start is met at the first boundary at or after it: what begins
/// after it is its own. Around a change of plan, either plan may be right.
fn starts_are_met(run: &Run) -> Checked {
    for (airing, placed) in run.placed() {
        // What a command keeps or puts on air is not the plan's.
        let kept = |h: &Hand| h.command == Command::Hold { no: airing.no };
        if airing.by_hand() || run.hands.iter().any(kept) {
            continue;
        }
        let programme = |i: usize| run.plans[i].1.at(placed.start).programme.map(|p| p.id);
        let in_force = run.plans.partition_point(|(from, _)| *from < placed.start).saturating_sub(1);
        // What was on air when the plan changed stays.
        if airing.start <= run.plans[in_force].0 {
            continue;
        }
        let around = |i: usize| {
            let (from, _) = run.plans[i];
            let down = run.stops.iter().find(|(_, up)| *up == from).map_or(from, |(died, _)| *died);
            placed.start >= down - LONGEST * 3 && placed.start <= from + ms(1)
        };
        let fits = programme(in_force) == airing.programme
            || (0..run.plans.len()).any(|i| around(i) && programme(i) == airing.programme)
            || (1..run.plans.len()).any(|i| around(i) && programme(i - 1) == airing.programme);
        prop_assert!(fits, "{:?} is on air at {}\n{:#?}", airing.programme, placed.start, run.story());
    }
    Ok(())
}

/// A command stands from the first boundary after it was given to its end or
/// the next one; nothing that it asked for is on air at another time, and what
/// was skipped is cut at once.
fn commands_are_obeyed(run: &Run) -> Checked {
    for (i, hand) in run.hands.iter().enumerate() {
        let over = run.hands.get(i + 1).map_or(run.now + PATIENCE * 2, |next| next.since);
        for (airing, placed) in run.placed() {
            // While it was down, nothing was decided: what might have been published
            // counts, and it begins where the channel begins again.
            let down =
                run.stops.iter().any(|(died, up)| placed.start >= *died - LONGEST * 3 && placed.start <= *up);
            if let Command::Skip { no } = hand.command {
                let goes_on = airing.no == no && placed.start > hand.since && placed.start < over;
                prop_assert!(!goes_on || down, "{no} goes on at {}: {:#?}", placed.start, run.story());
            }
            let mine = airing.hand.as_ref().is_some_and(|h| h.since == hand.since) && airing.by_hand();
            if mine {
                prop_assert!(hand.takes_over(placed.start) && (placed.start <= over || down), "{:?}", placed);
                let fits = match (&hand.command, &airing.source) {
                    (Command::Relay { relay }, AiringSource::Relay { relay: found, .. }) => relay == found,
                    (_, source) => source.is_slate(),
                };
                prop_assert!(fits, "{:?} for {:?}", airing.source, hand.command);
            }
            // What a relay that is waited for leaves open may be decided by the next command.
            let before_next = placed.start < over - PATIENCE;
            let due = hand.takes_over(placed.start) && placed.start > hand.since && before_next;
            let late = placed.start < hand.since + LONGEST;
            prop_assert!(!due || mine || down || late, "at {}: {:#?}", placed.start, run.story());
        }
    }
    Ok(())
}

/// (h) Only whole segments in the past are listed; six once there are six.
fn the_past_is_listed(run: &Run) -> Checked {
    for poll in &run.polls {
        prop_assert!(edge(poll) <= poll.now);
        let total = last_sequence(poll.best()) + 1;
        prop_assert!(poll.best().segments.len() as u64 >= total.min(6));
    }
    Ok(())
}

/// (i) Equal inputs give equal bytes, also from a timeline read from the store.
fn equal_inputs_give_equal_bytes(run: &Run) -> Checked {
    let restored = super::Timeline::restore(run.log.clone(), &run.world, run.hands.last(), run.now);
    let range = Window::Range { from: run.now - secs(200), to: run.now - secs(30) };
    for (window, rendition) in
        [Window::Live, range].into_iter().flat_map(|w| run.lineup.renditions().map(move |r| (w, r)))
    {
        let bytes = |t: &super::Timeline| {
            let way = ("", Headers::Apart);
            let p = super::media_playlist(t, &run.world, &run.lineup, &rendition, window, run.now, way);
            p.map(|p| p.write())
        };
        prop_assert_eq!(bytes(&run.timeline), bytes(&run.timeline.clone()));
        // While a slate waits for a relay, a restart may settle more of it.
        if run.timeline == restored {
            prop_assert_eq!(bytes(&run.timeline), bytes(&restored));
        }
    }
    Ok(())
}

/// Who wants headers at changes of source gets the same playlist, in which the
/// address of the first media after each change names the map's header as well.
fn headers_stand_at_changes_alone(run: &Run) -> Checked {
    let range = Window::Range { from: run.now - secs(300), to: run.now };
    for rendition in run.lineup.renditions() {
        let listed = |headers| {
            let (timeline, world) = (&run.timeline, &run.world);
            super::media_playlist(timeline, world, &run.lineup, &rendition, range, run.now, ("", headers))
        };
        let (Some(mut apart), Some(also)) = (listed(Headers::Apart), listed(Headers::AlsoAtChanges)) else {
            continue;
        };
        for s in apart.segments.iter_mut().filter(|s| s.discontinuity) {
            let Some(map) = &s.map else { continue };
            let hash = map.split_once("/init-").and_then(|(_, name)| name.strip_suffix(".mp4"));
            s.uri = s.uri.replace(".m4s", &format!("~{}.m4s", hash.expect("a hash")));
        }
        prop_assert_eq!(apart, also);
    }
    Ok(())
}

/// No segment of a relay is aired twice.
fn nothing_is_repeated(run: &Run) -> Checked {
    let mut next: BTreeMap<&str, u64> = BTreeMap::new();
    for (airing, placed) in run.placed() {
        if let AiringSource::Relay { relay, .. } = &airing.source {
            let least = next.insert(relay.as_str(), placed.n + 1).unwrap_or(0);
            prop_assert!(placed.n >= least, "{} of {} again: {:#?}", placed.n, relay, run.story());
        }
    }
    Ok(())
}

/// All of them.
pub(super) fn keeps_the_rules(run: &Run) -> Checked {
    prop_assert!(!run.polls.is_empty());
    a_number_never_changes(run)?;
    renditions_agree_with_the_log(run)?;
    windows_follow_each_other(run)?;
    durations_are_the_time_that_passed(run)?;
    the_edge_is_near(run)?;
    every_segment_exists(run)?;
    starts_are_met(run)?;
    commands_are_obeyed(run)?;
    the_past_is_listed(run)?;
    equal_inputs_give_equal_bytes(run)?;
    nothing_is_repeated(run)?;
    headers_stand_at_changes_alone(run)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn a_channel_keeps_the_rules(scenario in scenario::an_evening()) {
        keeps_the_rules(&scenario.play())?;
    }

    /// (j) A dead relay shows the slate within `slate_after` (or its own long
    /// segment and a margin) and a tick.
    #[test]
    fn a_dead_relay_shows_the_slate(scenario in scenario::one_relay()) {
        let run = scenario.play();
        let feed = run.world.feed("national").segments();
        for poll in &run.polls {
            let arrived = &feed[..feed.partition_point(|(at, _)| *at <= poll.now)];
            let Some((_, newest)) = arrived.last() else { continue };
            let longest = arrived.iter().rev().take(8).map(|(_, s)| s.duration()).max().expect("not empty");
            let patience = SignedDuration::try_from(longest).expect("short") + secs(4);
            let given_up = newest.end() + secs(8).max(patience);
            // What was joined late ends late; and no slate is listed sooner than a regular segment.
            if poll.now > given_up.max(edge(poll) + ms(3_840)) + TICK * 2 {
                prop_assert!(shows(poll, "slate"), "no slate at {}: {:#?}", poll.now, run.story());
            }
        }
    }

    /// (j) It returns when two fresh segments exist: with the first one that
    /// lies where the timeline stands, which must be recorded to its end.
    #[test]
    fn a_relay_that_lives_again_returns(scenario in scenario::one_relay()) {
        let run = scenario.play();
        let feed = run.world.feed("national").segments();
        for fresh in feed.windows(2).filter(|w| w[0].1.generation == w[1].1.generation) {
            let (arrived, second) = &fresh[1];
            let delay = second.end().duration_until(*arrived);
            let generation = feed.iter().filter(|(_, s)| s.generation == second.generation);
            let (_, last) = generation.clone().next_back().expect("at least this one");
            // A relay whose segments come too rarely for its slate_after is not proven to live.
            let rare = |(at, s): &(Timestamp, crate::hls::LiveSegment)| s.start.duration_until(*at) > secs(8);
            if generation.clone().any(rare) {
                continue;
            }
            let latest = *arrived + secs(2) + LONGEST + delay + TICK * 2;
            for poll in run.polls.iter().filter(|p| p.now >= latest && p.now <= last.end()) {
                prop_assert!(shows(poll, "relay."), "no relay at {}: {:#?}", poll.now, run.story());
            }
        }
    }
}

/// True if the newest listed segment is of that family.
fn shows(poll: &Poll, family: &str) -> bool {
    poll.best().segments.last().is_some_and(|s| s.uri.starts_with(family))
}
