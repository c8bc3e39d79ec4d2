//! What happened in a session since it was last written down as a whole.
//!
//! A session's state grows with its length; what one request adds to it does
//! not. So requests are written down as they come, and the whole now and then:
//! the last whole with what happened since is the session again.

use jiff::Timestamp;

use super::credit::Received;
use super::delivered::DeliveredSegment;
use super::session::Session;

/// A media segment that was sent, and when its last byte was.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Sent {
    /// The package, relay or slate it belongs to.
    pub owner: String,
    /// Its number within the owner.
    pub n: u64,
    /// Where it starts on the item's line, ms.
    pub start_ms: i64,
    /// How long it is, ms.
    pub dur_ms: i64,
    /// When it was sent.
    pub at: Timestamp,
}

impl Sent {
    pub(super) fn new(segment: DeliveredSegment<'_>, at: Timestamp) -> Self {
        let DeliveredSegment { owner, n, start_ms, dur_ms } = segment;
        Self { owner: owner.to_owned(), n, start_ms, dur_ms, at }
    }

    fn segment(&self) -> DeliveredSegment<'_> {
        DeliveredSegment { owner: &self.owner, n: self.n, start_ms: self.start_ms, dur_ms: self.dur_ms }
    }
}

/// A line of the journal: what was sent first, then what the player said.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Happened {
    /// Segments, in the order they were sent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sent: Vec<Sent>,
    /// When a segment was last sent that had been sent before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub again: Option<Timestamp>,
    /// Beats, in the order they came.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub beats: Vec<Received>,
}

impl Session {
    /// Folds a line of the journal. What the session knows already changes nothing.
    pub fn replay(&mut self, line: Happened) {
        for sent in &line.sent {
            self.deliver(sent.segment(), sent.at);
        }
        if let Some(at) = line.again {
            self.touch(at);
        }
        for beat in line.beats {
            self.receive(beat);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::testing::{a_session, at, received};
    use super::super::{Ledger, NonceKey, Opening, PlayState};
    use super::*;
    use crate::base::SessionId;

    /// What a server does, and when, ms into the evening.
    #[derive(Debug, Clone)]
    enum Does {
        /// A beat comes; `late` is how long it was under way.
        Beat { seq: u64, drift: i64, late: i64, state: PlayState, fresh: bool },
        /// Segments of this stretch are sent.
        Send { from: i64, count: i64 },
        /// The ledger is written down, whole or not.
        Write { whole: bool },
        /// The disk is full while it is written down.
        Fail { whole: bool },
    }

    fn does() -> impl Strategy<Value = Does> {
        let state = prop_oneof![8 => Just(PlayState::Playing), 1 => Just(PlayState::Paused)];
        prop_oneof![
            6 => (0u64..30, -1500i64..1500, 0i64..3000, state, any::<bool>())
                .prop_map(|(seq, drift, late, state, fresh)| Does::Beat { seq, drift, late, state, fresh }),
            4 => (0i64..80, 1i64..12).prop_map(|(from, count)| Does::Send { from, count }),
            3 => any::<bool>().prop_map(|whole| Does::Write { whole }),
            1 => any::<bool>().prop_map(|whole| Does::Fail { whole }),
        ]
    }

    fn id() -> SessionId {
        SessionId::new("a1").expect("an id")
    }

    fn opening(id: SessionId) -> Opening {
        let s = a_session("a1");
        let Session { site, terminal, item, title, content_hash, duration_ms, lang, device, .. } = s;
        let timeout = super::super::SILENCE;
        Opening { id, site, terminal, item, title, content_hash, duration_ms, lang, device, timeout }
    }

    proptest! {
        /// Wherever the server is killed, the last whole and the lines after it
        /// are the session as it was when it was last written to.
        #[test]
        fn what_was_written_down_is_the_session_again(all in proptest::collection::vec(does(), 0..80)) {
            let (ledger, nonces) = (Ledger::default(), NonceKey::new([7; 32]));
            let mut whole = ledger.open(opening(id()), at(0));
            let mut lines: Vec<Happened> = Vec::new();
            let mut now = 0;
            for what in all.into_iter().chain([Does::Write { whole: false }]) {
                match what {
                    Does::Beat { seq, drift, late, state, fresh } => {
                        now = now.max(seq as i64 * 10_000 + late);
                        let mut beat = received(seq, seq as i64 * 10_000, seq as i64 * 10_000 + drift.max(0)).beat;
                        beat.state = state;
                        beat.nonce = fresh.then(|| nonces.mint(&id(), at(now - 5000)));
                        let (_, line) = ledger.beats(&id(), vec![beat], &nonces, at(now)).expect("it is open");
                        lines.push(line);
                    }
                    Does::Send { from, count } => (from..from + count).for_each(|n| {
                        let owner = "grape-pruning";
                        let segment = DeliveredSegment { owner, n: n as u64, start_ms: n * 3840, dur_ms: 3840 };
                        ledger.deliver(&id(), segment, at(now), opening);
                    }),
                    Does::Write { whole: all } => {
                        let folded = all.then_some(lines.len());
                        let swept = ledger.sweep(at(now), all);
                        lines.extend(swept.lines.iter().map(|(_, line)| line.clone()));
                        if let Some(session) = swept.sessions.last() {
                            whole = session.clone();
                        }
                        lines.drain(..folded.unwrap_or_default());
                        ledger.stored(&swept);
                    }
                    Does::Fail { whole } => {
                        let swept = ledger.sweep(at(now), whole);
                        let of_lines = swept.lines.iter().map(|(id, _)| id);
                        ledger.unstored(swept.sessions.iter().map(|s| &s.id).chain(of_lines));
                    }
                }
            }
            let restored = Ledger::default();
            restored.restore(vec![whole]);
            lines.into_iter().for_each(|line| {
                let text = serde_json::to_string(&line).expect("serialises");
                restored.replay(&id(), serde_json::from_str(&text).expect("parses"));
            });
            let of = |ledger: &Ledger| ledger.of_site(&"upper-village".parse().expect("an id"));
            prop_assert_eq!(of(&restored), of(&ledger));
        }
    }
}
