//! The sessions in memory: what requests touch, and what is to be stored.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use crate::base::{SessionId, SiteId, TerminalId};

use super::{Beat, BeatOutcome, CloseReason, DeliveredSegment, NonceKey, Opening, Session, SessionRecord};

/// Requests for different sessions rarely wait for each other.
const SHARDS: usize = 16;

#[derive(Debug, Default)]
struct Shard {
    sessions: HashMap<SessionId, Session>,
    dirty: HashSet<SessionId>,
    /// Sessions that went on after they were closed, by the ticket's session.
    successors: HashMap<SessionId, SessionId>,
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

    fn shard(&self, id: &SessionId) -> MutexGuard<'_, Shard> {
        let hash = id.as_str().bytes().fold(0usize, |h, b| h.wrapping_mul(31).wrapping_add(b.into()));
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
        self.with(ticket, now, reopen, |session| {
            session.deliver(segment, now);
        });
    }

    /// Notes a sign of life; a closed session is not opened by it.
    pub fn touch(&self, ticket: &SessionId, now: Timestamp) {
        let mut shard = self.shard(ticket);
        let id = shard.successors.get(ticket).unwrap_or(ticket).clone();
        if let Some(session) = shard.sessions.get_mut(&id) {
            session.touch(now);
        }
    }

    fn with(
        &self,
        ticket: &SessionId,
        now: Timestamp,
        reopen: impl FnOnce(SessionId) -> Opening,
        change: impl FnOnce(&mut Session),
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
            id = next;
        }
        if let Some(session) = shard.sessions.get_mut(&id) {
            change(session);
        }
        shard.dirty.insert(id);
    }

    /// True if the session is open here.
    pub fn knows(&self, id: &SessionId) -> bool {
        self.shard(id).sessions.contains_key(id)
    }

    /// Folds beats and returns what became of each, and the session to store
    /// before they are acknowledged. None: the session is not open here.
    pub fn beats(
        &self,
        id: &SessionId,
        beats: Vec<Beat>,
        nonces: &NonceKey,
        now: Timestamp,
    ) -> Option<(Vec<(u64, BeatOutcome)>, Session)> {
        let mut shard = self.shard(id);
        let session = shard.sessions.get_mut(id)?;
        let outcomes = beats.into_iter().map(|b| (b.seq, session.beat(b, nonces, now))).collect();
        Some((outcomes, session.clone()))
    }

    /// Closes a session on the viewer's word.
    pub fn stop(&self, id: &SessionId, now: Timestamp) -> bool {
        let mut shard = self.shard(id);
        shard.dirty.insert(id.clone());
        shard.sessions.get_mut(id).map(|s| s.close(CloseReason::Stopped, now)).is_some()
    }

    /// Closes what is silent and returns what is to be stored. Closed sessions
    /// leave the ledger only through [`Ledger::stored`].
    pub fn sweep(&self, now: Timestamp) -> Vec<Session> {
        let mut out = Vec::new();
        for shard in &self.shards {
            let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            let Shard { sessions, dirty, .. } = &mut *shard;
            for session in sessions.values_mut() {
                if session.tick(now).is_some() {
                    dirty.insert(session.id.clone());
                }
            }
            out.extend(dirty.drain().filter_map(|id| sessions.get(&id).cloned()));
        }
        out
    }

    /// These are on disk: the closed ones need no memory any more.
    pub fn stored(&self, sessions: &[Session]) {
        for session in sessions.iter().filter(|s| s.closed.is_some()) {
            let mut shard = self.shard(root_of(&session.id).as_ref().unwrap_or(&session.id));
            shard.sessions.remove(&session.id);
            shard.successors.retain(|_, next| next != &session.id);
        }
    }

    /// These could not be stored: they are still to be.
    pub fn unstored(&self, sessions: &[Session]) {
        for session in sessions {
            let mut shard = self.shard(root_of(&session.id).as_ref().unwrap_or(&session.id));
            shard.dirty.insert(session.id.clone());
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

fn root_of(id: &SessionId) -> Option<SessionId> {
    SessionId::new(root(id)).ok()
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
        let swept = ledger.sweep(at(1000));
        assert_eq!(swept.len(), 1);
        assert!(swept[0].closed.is_some());
        ledger.stored(&swept);
        assert!(ledger.is_empty());
        ledger.deliver(&id("a1"), segment(1000), at(1000), opening);
        ledger.deliver(&id("a1"), segment(1004), at(1004), opening);
        let swept = ledger.sweep(at(1010));
        assert_eq!(swept.len(), 1, "one successor, not one per segment");
        assert_eq!(swept[0].record().totals.delivered_ms, 8000);
    }

    #[test]
    fn a_terminal_plays_one_thing_at_a_time() {
        let ledger = Ledger::default();
        ledger.open(opening(id("a1")), at(0));
        ledger.open(opening(id("b2")), at(5));
        let closed: Vec<_> = ledger.sweep(at(6)).into_iter().filter(|s| s.closed.is_some()).collect();
        assert_eq!(closed.len(), 1);
        assert_eq!(closed[0].closed.map(|c| c.1), Some(CloseReason::Superseded));
    }
}
