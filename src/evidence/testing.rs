//! Builders for the tests of this room.

use jiff::Timestamp;

use crate::base::{AccountId, LessonId, SessionId, SiteId, TerminalId, Titles};

use super::{Beat, DeliveredSegment, Device, Item, Opening, PlayState, Received, SILENCE, Session, Study};

/// The evening the tests are set in, ms of the epoch.
pub(super) const EVENING_MS: i64 = 1_795_000_000_000;

/// The instant `ms` into the evening.
pub(super) fn at(ms: i64) -> Timestamp {
    Timestamp::from_millisecond(EVENING_MS + ms).expect("in range")
}

/// A group study that counts.
pub(super) fn a_study(start: Timestamp, end: Timestamp) -> Study {
    Study {
        site: SiteId::new("dongmen").expect("an id"),
        by: AccountId::new("a1").expect("an id"),
        organiser: "Aynur".into(),
        topic: "Pruning".into(),
        lang: None,
        start,
        end: Some(end),
        headcount: Some(20),
        expected: None,
        roster: Vec::new(),
        discussion: 0,
        tutoring: 0,
        notes: String::new(),
        void: false,
    }
}

/// A beat of a playing page, received without delay and with a fresh nonce.
pub(super) fn received(seq: u64, mono_ms: i64, pos_ms: i64) -> Received {
    let beat = Beat {
        seq,
        boot: "page".into(),
        mono_ms,
        wall_ms: EVENING_MS + mono_ms,
        pos_ms,
        rate: 1.0,
        state: PlayState::Playing,
        visible: true,
        nonce: None,
        lang: None,
    };
    Received { beat, at: at(mono_ms), nonce_issued: Some(at(mono_ms - 10_000)) }
}

/// A session of a one-hour lesson at a village's computer, made as the evening begins.
pub(super) fn a_session(id: &str) -> Session {
    let opening = Opening {
        id: SessionId::new(id).expect("an id"),
        site: SiteId::new("upper-village").ok(),
        terminal: TerminalId::new("hall-computer").ok(),
        item: Item::Lesson(LessonId::new("grape-pruning").expect("an id")),
        title: Titles::from([("zh-Hans", "葡萄修剪"), ("ug-Arab", "ئۈزۈم")]),
        content_hash: Some("ab12".into()),
        duration_ms: Some(3_600_000),
        lang: None,
        device: Device::Computer,
        timeout: SILENCE,
    };
    Session::new(opening, at(0))
}

/// Delivers `[from, to)` of the lesson in segments of 3.84 s.
pub(super) fn deliver(session: &mut Session, from_ms: i64, to_ms: i64, now: Timestamp) {
    for n in from_ms / 3840..(to_ms + 3839) / 3840 {
        let segment =
            DeliveredSegment { owner: "grape-pruning", n: n as u64, start_ms: n * 3840, dur_ms: 3840 };
        session.deliver(segment, now);
    }
}

/// A page that sends its beats: every ten seconds and on every change.
#[derive(Debug, Clone)]
pub(super) struct Page {
    pub(super) beats: Vec<Received>,
    next: Received,
}

impl Page {
    pub(super) fn new(boot: &str) -> Self {
        let mut next = received(0, 0, 0);
        next.beat.boot = boot.into();
        Self { beats: Vec::new(), next }
    }

    fn send(&mut self, delay_ms: i64) {
        let now = self.next.beat.mono_ms + delay_ms;
        self.beats.push(Received { at: at(now), ..self.next.clone() });
        self.next.beat.seq += 1;
    }

    /// Says that it is in `state` now, then beats `times` times, each ten seconds later.
    pub(super) fn then(mut self, state: PlayState, visible: bool, times: i64, delay_ms: i64) -> Self {
        (self.next.beat.state, self.next.beat.visible) = (state, visible);
        self.send(delay_ms);
        for _ in 0..times {
            self.next.beat.mono_ms += 10_000;
            if state == PlayState::Playing {
                self.next.beat.pos_ms += (10_000.0 * self.next.beat.rate) as i64;
            }
            self.send(delay_ms);
        }
        // The next change comes a moment later.
        self.next.beat.mono_ms += 10;
        self
    }

    pub(super) fn plays(self, times: i64) -> Self {
        self.then(PlayState::Playing, true, times, 40)
    }

    pub(super) fn seeks(mut self, pos_ms: i64) -> Self {
        self.next.beat.pos_ms = pos_ms;
        self
    }

    pub(super) fn at_rate(mut self, rate: f64) -> Self {
        self.next.beat.rate = rate;
        self
    }

    pub(super) fn waits(mut self, ms: i64) -> Self {
        self.next.beat.mono_ms += ms;
        self
    }

    pub(super) fn into(self, session: &mut Session) {
        for beat in self.beats {
            session.receive(beat);
        }
    }
}
