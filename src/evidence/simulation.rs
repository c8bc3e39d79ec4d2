//! A county's evenings, played out: 500 sites over a year, with good lines and bad ones, clocks
//! that are wrong, people who pause and walk away, and a tenth who cheat. What each screen truly
//! showed is known, and is compared with what is credited.
//!
//! By default every site has one evening of each month in it; `make year` plays all of them.

use jiff::Timestamp;

use super::testing::{EVENING_MS, at};
use super::{
    Beat, DeliveredSegment, Device, Item, NonceKey, Opening, PlayState, Received, SILENCE, Session,
    site_seconds,
};
use crate::base::{IntervalSet, LessonId, SessionId, SiteId, TerminalId, Titles};

const SITES: u64 = 500;
/// Of each site; `EVENINGS` says another number.
fn evenings() -> u64 {
    std::env::var("EVENINGS").map_or(12, |n| n.parse().expect("EVENINGS is a number"))
}
/// A lesson, ms.
const LESSON: i64 = 12 * 60_000;
const SEGMENT: i64 = 3840;
/// What a player has in hand before it plays on.
const AHEAD: i64 = 12_000;

/// A random number generator that is the same everywhere (xorshift64*).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, faces: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % faces
    }

    fn ms(&mut self, from: i64, to: i64) -> i64 {
        from + self.roll((to - from) as u64) as i64
    }
}

/// How an evening went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A good line.
    Good,
    /// A line that is down again and again: the player waits, and its reports come late, together.
    Bad,
    /// A set-top box, which reports nothing.
    Box,
    /// Claims to have leapt to the end.
    Jump,
    /// Reports of a clock that runs nine times as fast.
    FastClock,
    /// Reports in real time, of media that was never fetched.
    Unfetched,
    /// Reports with another session's nonces.
    Copied,
    /// Fetches all at once, and is gone.
    Grabber,
}

/// What came of one.
struct Evening {
    kind: Kind,
    /// When the screen truly showed the lesson, ms of the epoch.
    truth: IntervalSet,
    verified: IntervalSet,
}

fn session(site: u64, evening: u64) -> Session {
    let opening = Opening {
        id: SessionId::new(&format!("s{site}-{evening}")).expect("an id"),
        site: SiteId::new(&format!("site-{site}")).ok(),
        terminal: TerminalId::new(&format!("tv-{site}")).ok(),
        item: Item::Lesson(LessonId::new("grape-pruning").expect("an id")),
        title: Titles::default(),
        content_hash: None,
        duration_ms: Some(LESSON),
        lang: None,
        device: Device::Tv,
        timeout: SILENCE,
    };
    Session::new(opening, at(0))
}

/// A playback under way: the server's session, and the player's side of it.
struct Playing {
    session: Session,
    nonces: NonceKey,
    nonce: String,
    seq: u64,
    /// Beats that wait for the line, with the nonce that they echo.
    held: Vec<Beat>,
    /// How wrong the device's own clock is.
    clock: i64,
}

impl Playing {
    fn beat(&mut self, mono: i64, pos: i64, state: PlayState, visible: bool) {
        self.seq += 1;
        self.held.push(Beat {
            seq: self.seq,
            boot: "page".into(),
            mono_ms: mono,
            wall_ms: (EVENING_MS + mono + self.clock).max(0),
            pos_ms: pos,
            rate: 1.0,
            state,
            visible,
            nonce: Some(self.nonce.clone()),
            lang: None,
        });
    }

    /// Sends what waits, at `now` of the server.
    fn send(&mut self, now: Timestamp, dice: &mut Dice) {
        if self.held.is_empty() {
            return;
        }
        let mut beats = std::mem::take(&mut self.held);
        // An answer that was lost: all of it comes again, and some in another order.
        if dice.roll(20) == 0 {
            beats.extend(beats.clone());
            let first = dice.roll(beats.len() as u64) as usize;
            beats.swap(0, first);
        }
        for beat in beats {
            self.session.receive(Received::new(beat, &self.session.id, &self.nonces, now));
        }
        self.nonce = self.nonces.mint(&self.session.id, now);
    }

    fn fetch(&mut self, from: i64, to: i64, now: Timestamp) {
        for n in from / SEGMENT..(to.min(LESSON) + SEGMENT - 1) / SEGMENT {
            let dur_ms = SEGMENT.min(LESSON - n * SEGMENT);
            let segment = DeliveredSegment { owner: "grape", n: n as u64, start_ms: n * SEGMENT, dur_ms };
            self.session.deliver(segment, now);
        }
    }
}

/// Somebody watches, second by second.
fn honest(kind: Kind, playing: &mut Playing, dice: &mut Dice) -> IntervalSet {
    let (mut truth, mut pos, mut got) = (IntervalSet::new(), 0_i64, 0_i64);
    let (mut now, mut line_back, mut paused_until, mut hidden_until) = (0_i64, 0_i64, 0_i64, 0_i64);
    let (mut said, mut last_beat) = ((PlayState::Stalled, true), i64::MIN / 2);
    let reports = kind != Kind::Box;
    while pos < LESSON && now < 3 * LESSON {
        if kind == Kind::Bad && now >= line_back && dice.roll(120) == 0 {
            line_back = now + dice.ms(5_000, 150_000);
        }
        if dice.roll(900) == 0 {
            paused_until = now + dice.ms(5_000, 200_000);
        }
        if reports && dice.roll(1200) == 0 {
            hidden_until = now + dice.ms(5_000, 100_000);
        }
        let line = now >= line_back;
        if line && got < (pos + AHEAD).min(LESSON) {
            playing.fetch(got, pos + AHEAD, at(now));
            got = (pos + AHEAD).min(LESSON);
        }
        let state = match () {
            () if now < paused_until => PlayState::Paused,
            () if got <= pos => PlayState::Stalled,
            () => PlayState::Playing,
        };
        let visible = now >= hidden_until;
        if reports && (said != (state, visible) || now - last_beat >= 10_000) {
            playing.beat(now, pos, state, visible);
            (said, last_beat) = ((state, visible), now);
        }
        if reports && line {
            playing.send(at(now + dice.ms(20, 400)), dice);
        }
        if state == PlayState::Playing {
            if visible {
                truth.insert(EVENING_MS + now, EVENING_MS + now + 1000);
            }
            pos = (pos + 1000).min(LESSON);
        }
        now += 1000;
    }
    if reports {
        playing.beat(now, pos, PlayState::Ended, true);
        playing.send(at(now.max(line_back) + 100), dice);
    }
    truth
}

/// Nothing is shown on any screen; it is claimed to be.
fn cheat(kind: Kind, playing: &mut Playing, dice: &mut Dice) {
    match kind {
        Kind::Jump => {
            playing.fetch(0, AHEAD, at(0));
            playing.beat(0, 0, PlayState::Playing, true);
            playing.send(at(100), dice);
            playing.beat(3_000, LESSON, PlayState::Playing, true);
            playing.send(at(3_100), dice);
            playing.beat(6_000, LESSON, PlayState::Ended, true);
            playing.send(at(6_100), dice);
        }
        Kind::FastClock => {
            playing.fetch(0, LESSON, at(0));
            for n in 0..=LESSON / 45_000 {
                playing.beat(n * 45_000, n * 45_000, PlayState::Playing, true);
                playing.send(at(n * 5_000 + 50), dice);
            }
        }
        Kind::Unfetched => {
            for n in 0..=LESSON / 10_000 {
                playing.beat(n * 10_000, n * 10_000, PlayState::Playing, true);
                playing.send(at(n * 10_000 + 50), dice);
            }
        }
        Kind::Copied => {
            playing.fetch(0, LESSON, at(0));
            let other = SessionId::new("somebody-else").expect("an id");
            for n in 0..=LESSON / 10_000 {
                playing.nonce = playing.nonces.mint(&other, at(n * 10_000));
                playing.beat(n * 10_000, n * 10_000, PlayState::Playing, true);
                playing.send(at(n * 10_000 + 50), dice);
            }
        }
        Kind::Grabber => {
            playing.fetch(0, LESSON / 2, at(0));
            playing.fetch(LESSON / 2, LESSON, at(20_000));
        }
        Kind::Good | Kind::Bad | Kind::Box => {}
    }
}

fn evening(site: u64, n: u64, dice: &mut Dice) -> Evening {
    let kind = match dice.roll(100) {
        0..50 => Kind::Good,
        50..75 => Kind::Bad,
        75..90 => Kind::Box,
        90..92 => Kind::Jump,
        92..94 => Kind::FastClock,
        94..96 => Kind::Unfetched,
        96..98 => Kind::Copied,
        _ => Kind::Grabber,
    };
    let nonces = NonceKey::new([7; 32]);
    let session = session(site, n);
    let nonce = nonces.mint(&session.id, at(0));
    // A battery that is dead: years wrong, either way.
    let clock = if dice.roll(3) == 0 { dice.ms(-700_000_000_000, 700_000_000_000) } else { 0 };
    let mut playing = Playing { session, nonces, nonce, seq: 0, held: Vec::new(), clock };
    let truth = match kind {
        Kind::Good | Kind::Bad | Kind::Box => honest(kind, &mut playing, dice),
        _ => {
            cheat(kind, &mut playing, dice);
            IntervalSet::new()
        }
    };
    Evening { kind, truth, verified: playing.session.wall().verified }
}

/// How far credit may lie from the truth where the second is the simulation's own grain: at each
/// change of what the player does.
const GRAIN: i64 = 2_000;
/// A box that grabs is believed for as long as it was there.
const THERE: i64 = 20_000;

#[test]
fn nobody_is_credited_more_than_his_screen_showed() {
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let mut sums: [(i64, i64); 3] = [(0, 0); 3];
    let (evenings, mut cheated) = (evenings(), 0);
    for site in 0..SITES {
        for n in 0..evenings {
            let Evening { kind, truth, verified } = evening(site, n, &mut dice);
            let (true_ms, credited) = (truth.total(), verified.total());
            let allowed = match kind {
                Kind::Good | Kind::Bad => true_ms + GRAIN,
                // Pauses of a box cannot be told from playing what it has: its line of time is
                // capped by what it was sent.
                Kind::Box => LESSON,
                Kind::Grabber => THERE,
                _ => 0,
            };
            assert!(credited <= allowed, "{kind:?} at site {site}, evening {n}: {credited} of {true_ms} ms");
            match kind {
                Kind::Good => sums[0] = (sums[0].0 + true_ms, sums[0].1 + credited),
                Kind::Bad => sums[1] = (sums[1].0 + true_ms, sums[1].1 + credited),
                Kind::Box => sums[2] = (sums[2].0 + true_ms, sums[2].1 + credited),
                _ => cheated += credited,
            }
            // And the site's own seconds are those of its screens.
            assert_eq!(site_seconds(&[verified.clone(), verified]), credited / 1000);
        }
    }
    let share = |(truth, credited): (i64, i64)| credited as f64 / truth as f64;
    // On a good line nearly all of it; on one that is down a tenth of the time, what was told in
    // time; of a box all that it was sent.
    assert!(share(sums[0]) > 0.97, "good lines: {:.3}", share(sums[0]));
    assert!(share(sums[1]) > 0.55, "bad lines: {:.3}", share(sums[1]));
    assert!((0.97..1.1).contains(&share(sums[2])), "boxes: {:.3}", share(sums[2]));
    println!(
        "{evenings} evenings of {SITES} sites: credited of the truth on good lines {:.4}, on bad ones {:.4}, of \
         boxes {:.4}; cheaters gained {} s",
        share(sums[0]),
        share(sums[1]),
        share(sums[2]),
        cheated / 1000
    );
    // Only who grabs all gains something: as long as he is there, one evening in fifty.
    let most = (SITES * evenings / 40) as i64 * THERE;
    assert!(cheated < most, "cheaters gained {cheated} ms together");
}
