//! The sessions in memory: what requests touch, and what is to be stored.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use crate::base::{SessionId, SiteId, TerminalId};

use super::{
    Beat, BeatOutcome, CloseReason, DeliveredSegment, Happened, NonceKey, Opening, Received, Report, Sent,
    Session, SessionRecord,
};

/// Requests for different sessions rarely wait for each other.
const SHARDS: usize = 16;

#[derive(Debug, Default)]
struct Shard {
    sessions: HashMap<SessionId, Session>,
    /// To be written as a whole, soon: they were made or closed.
    dirty: HashSet<SessionId>,
    /// Others that are not as they were last written as a whole.
    changed: HashSet<SessionId>,
    /// What was sent and is in no line of the journal yet.
    unwritten: HashMap<SessionId, Happened>,
    /// Sessions that went on after they were closed, by the ticket's session.
    successors: HashMap<SessionId, SessionId>,
}

/// What is to be written down.
#[derive(Debug, Default)]
pub struct Swept {
    /// These as a whole.
    pub sessions: Vec<Session>,
    /// A line of the journal for each of these.
    pub lines: Vec<(SessionId, Happened)>,
}

impl Swept {
    /// True if there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.sessions.is_empty() && self.lines.is_empty()
    }
}

/// The open sessions. Nothing here waits for a disk.
#[derive(Debug)]
pub struct Ledger {
    shards: Vec<Mutex<Shard>>,
}

impl Default for Ledger {
    fn default() -> Self {
        Self { shards: (0..SHARDS).map(|_| Mutex::default()).collect() }
    }
}

impl Ledger {
    /// Sessions that were open when the server stopped.
    pub fn restore(&self, sessions: Vec<Session>) {
        for session in sessions {
            let mut shard = self.shard(&session.id);
            shard.sessions.insert(session.id.clone(), session);
        }
    }

    /// Folds a line of the journal that an earlier run of the server wrote.
    pub fn replay(&self, id: &SessionId, line: Happened) {
        let mut shard = self.shard(id);
        if let Some(session) = shard.sessions.get_mut(id) {
            session.replay(line);
            shard.changed.insert(id.clone());
        }
    }

    /// A session's shard is that of the ticket it was opened with.
    fn shard(&self, id: &SessionId) -> MutexGuard<'_, Shard> {
        let hash = root(id).bytes().fold(0usize, |h, b| h.wrapping_mul(31).wrapping_add(b.into()));
        self.shards[hash % SHARDS].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A new session; every other one of its terminal is superseded.
    pub fn open(&self, opening: Opening, now: Timestamp) -> Session {
        if let Some(terminal) = &opening.terminal {
            self.supersede(terminal, now);
        }
        let session = Session::new(opening, now);
        let mut shard = self.shard(&session.id);
        shard.dirty.insert(session.id.clone());
        shard.sessions.insert(session.id.clone(), session.clone());
        session
    }

    fn supersede(&self, terminal: &TerminalId, now: Timestamp) {
        for shard in &self.shards {
            let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            let Shard { sessions, dirty, .. } = &mut *shard;
            for session in sessions.values_mut().filter(|s| s.terminal.as_ref() == Some(terminal)) {
                session.close(CloseReason::Superseded, now);
                dirty.insert(session.id.clone());
            }
        }
    }

    /// Notes a delivered segment. A ticket outlives its session's silence:
    /// where that is closed or forgotten, `reopen` makes its successor.
    pub fn deliver(
        &self,
        ticket: &SessionId,
        segment: DeliveredSegment<'_>,
        now: Timestamp,
        reopen: impl FnOnce(SessionId) -> Opening,
    ) {
        let mut shard = self.shard(ticket);
        let mut id = shard.successors.get(ticket).unwrap_or(ticket).clone();
        if shard.sessions.get(&id).is_none_or(|s| s.closed.is_some()) {
            let Ok(next) = SessionId::new(&format!("{}-{:x}", root(ticket), now.as_millisecond())) else {
                return;
            };
            // A closed one that is not stored yet stays until it is.
            shard.sessions.insert(next.clone(), Session::new(reopen(next.clone()), now));
            shard.successors.insert(ticket.clone(), next.clone());
            shard.dirty.insert(next.clone());
            id = next;
        }
        let Shard { sessions, changed, unwritten, .. } = &mut *shard;
        let Some(session) = sessions.get_mut(&id) else { return };
        let line = unwritten.entry(id.clone()).or_default();
        // Whoever fetches one segment all day makes no line longer.
        if session.has(segment) {
            line.again = Some(now);
        } else {
            line.sent.push(Sent::new(segment, now));
        }
        session.deliver(segment, now);
        changed.insert(id);
    }

    /// Notes a sign of life; a closed session is not opened by it.
    pub fn touch(&self, ticket: &SessionId, now: Timestamp) {
        let Shard { sessions, successors, .. } = &mut *self.shard(ticket);
        if let Some(session) = sessions.get_mut(successors.get(ticket).unwrap_or(ticket)) {
            session.touch(now);
        }
    }

    /// Keeps what a player of others says of itself, until the session is next written down.
    pub fn claim(&self, ticket: &SessionId, report: Report, now: Timestamp) {
        let mut shard = self.shard(ticket);
        let id = shard.successors.get(ticket).unwrap_or(ticket).clone();
        if let Some(session) = shard.sessions.get_mut(&id) {
            session.claim(report, now);
            shard.changed.insert(id);
        }
    }

    /// True if the session is open here.
    pub fn knows(&self, id: &SessionId) -> bool {
        self.shard(id).sessions.contains_key(id)
    }

    /// Folds beats and returns what became of each, and the line of the
    /// journal to write before they are acknowledged. None: the session is not
    /// open here. What was sent before them is in the line, so that replaying
    /// it finds the same to be delivered first.
    pub fn beats(
        &self,
        id: &SessionId,
        beats: Vec<Beat>,
        nonces: &NonceKey,
        now: Timestamp,
    ) -> Option<(Vec<(u64, BeatOutcome)>, Happened)> {
        let mut shard = self.shard(id);
        let session = shard.sessions.get_mut(id)?;
        let received: Vec<_> = beats.into_iter().map(|beat| Received::new(beat, id, nonces, now)).collect();
        let take = |r: &Received| (r.beat.seq, session.receive(r.clone()));
        let outcomes: Vec<_> = received.iter().map(take).collect();
        // Also what was known: its first line may still be on its way to the disk.
        let kept = received.into_iter().zip(&outcomes);
        let kept = kept.filter(|(_, (_, outcome))| !matches!(outcome, BeatOutcome::Refused(_)));
        let settle = |(r, _): (Received, _)| Received { beat: r.beat.settled(), ..r };
        let beats = kept.map(settle).collect();
        shard.changed.insert(id.clone());
        let before = shard.unwritten.remove(id).unwrap_or_default();
        Some((outcomes, Happened { beats, ..before }))
    }

    /// Closes a session on the viewer's word.
    pub fn stop(&self, id: &SessionId, now: Timestamp) -> bool {
        let mut shard = self.shard(id);
        shard.dirty.insert(id.clone());
        shard.sessions.get_mut(id).map(|s| s.close(CloseReason::Stopped, now)).is_some()
    }

    /// Closes what is silent and returns what is to be stored: as a whole what
    /// was made or closed, and what changed at all if `whole`; of the others a
    /// line of what was sent. Closed sessions leave the ledger only through
    /// [`Ledger::stored`].
    pub fn sweep(&self, now: Timestamp, whole: bool) -> Swept {
        let mut out = Swept::default();
        for shard in &self.shards {
            let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            let Shard { sessions, dirty, changed, unwritten, .. } = &mut *shard;
            for session in sessions.values_mut() {
                if session.tick(now).is_some() {
                    dirty.insert(session.id.clone());
                }
            }
            if whole {
                dirty.extend(changed.drain());
            }
            for id in dirty.iter() {
                unwritten.remove(id);
            }
            out.lines.extend(unwritten.drain());
            out.sessions.extend(dirty.drain().filter_map(|id| sessions.get(&id).cloned()));
        }
        out
    }

    /// These are on disk: the closed ones need no memory any more.
    pub fn stored(&self, swept: &Swept) {
        let closed = swept.sessions.iter().filter(|s| s.closed.is_some());
        let closed: HashSet<&SessionId> = closed.map(|s| &s.id).collect();
        for id in &closed {
            let mut shard = self.shard(id);
            shard.sessions.remove(*id);
            shard.changed.remove(*id);
        }
        if !closed.is_empty() {
            for shard in &self.shards {
                let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
                shard.successors.retain(|_, next| !closed.contains(next));
            }
        }
    }

    /// These could not be stored: they are still to be, as a whole.
    pub fn unstored<'a>(&self, sessions: impl IntoIterator<Item = &'a SessionId>) {
        for id in sessions {
            self.shard(id).dirty.insert(id.clone());
        }
    }

    /// The records of a site's sessions as they stand now.
    pub fn of_site(&self, site: &SiteId) -> Vec<SessionRecord> {
        let mut out = Vec::new();
        for shard in &self.shards {
            let shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            let mine =
                shard.sessions.values().filter(|s| s.site.as_ref() == Some(site) && s.opened.is_some());
            out.extend(mine.map(Session::record));
        }
        out
    }

    /// Number of open sessions.
    pub fn len(&self) -> usize {
        let open = |s: &&Session| s.closed.is_none();
        let count = |shard: &Mutex<Shard>| {
            let shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            shard.sessions.values().filter(open).count()
        };
        self.shards.iter().map(count).sum()
    }

    /// True if no session is open.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A successor is called `<ticket's session>-<ms>` and lives in the shard of the ticket.
fn root(id: &SessionId) -> &str {
    id.as_str().split('-').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{ChannelId, Titles};
    use crate::evidence::{Device, Item};

    fn opening(id: SessionId) -> Opening {
        Opening {
            id,
            site: SiteId::new("aksu").ok(),
            terminal: TerminalId::new("tv1").ok(),
            item: Item::Channel(ChannelId::new("xiangtu").expect("id")),
            title: Titles::default(),
            content_hash: None,
            duration_ms: None,
            lang: None,
            device: Device::Tv,
            timeout: super::super::SILENCE,
        }
    }
    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + second).expect("instant")
    }
    fn id(text: &str) -> SessionId {
        SessionId::new(text).expect("id")
    }
    fn segment(second: i64) -> DeliveredSegment<'static> {
        DeliveredSegment { owner: "relay.x", n: 0, start_ms: at(second).as_millisecond(), dur_ms: 4000 }
    }

    #[test]
    fn a_ticket_goes_on_after_its_session_was_closed() {
        let ledger = Ledger::default();
        ledger.open(opening(id("a1")), at(0));
        ledger.deliver(&id("a1"), segment(0), at(0), opening);
        let swept = ledger.sweep(at(1000), false);
        assert_eq!(swept.sessions.len(), 1);
        assert!(swept.sessions[0].closed.is_some());
        ledger.stored(&swept);
        assert!(ledger.is_empty());
        ledger.deliver(&id("a1"), segment(1000), at(1000), opening);
        ledger.deliver(&id("a1"), segment(1004), at(1004), opening);
        let swept = ledger.sweep(at(1010), false);
        assert_eq!(swept.sessions.len(), 1, "one successor, not one per segment");
        assert_eq!(swept.sessions[0].record().totals.delivered_ms, 8000);
    }

    #[test]
    fn a_terminal_plays_one_thing_at_a_time() {
        let ledger = Ledger::default();
        ledger.open(opening(id("a1")), at(0));
        ledger.open(opening(id("b2")), at(5));
        let closed: Vec<_> =
            ledger.sweep(at(6), false).sessions.into_iter().filter(|s| s.closed.is_some()).collect();
        assert_eq!(closed.len(), 1);
        assert_eq!(closed[0].closed.map(|c| c.1), Some(CloseReason::Superseded));
    }
}
