//! A playback session: beats and deliveries in, totals out.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::base::{IntervalSet, Lang, SessionId, SiteId, TerminalId, Titles};

use super::beat::{BadBeat, PlayState};
use super::boot::{Boot, Seen};
use super::cmcd::{Claims, Report};
use super::credit::{Level, Received};
use super::delivered::{Delivered, DeliveredSegment};
use super::record::{SessionRecord, Totals, Wall};
use super::ticket::Item;

/// Silence after which a session closes.
pub const SILENCE: SignedDuration = SignedDuration::from_secs(300);
/// Silence after which a session whose player said it is over closes: one beat
/// and a half, so that stragglers and a viewer who starts again still come in.
const AFTER_END: SignedDuration = SignedDuration::from_secs(15);
/// Most boots of one session: a page may be reloaded, not without end.
const BOOTS: usize = 32;

/// The kind of screen, as far as it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Device {
    /// A computer with a browser.
    Computer,
    /// A set-top box or television.
    Tv,
    /// A phone.
    Phone,
    /// Not known: the public, or a player that does not say.
    Unknown,
}

/// Why a session closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CloseReason {
    /// The item was played to its end.
    Ended,
    /// The viewer stopped it.
    Stopped,
    /// Nothing was heard of it for too long.
    Timeout,
    /// The same terminal opened another session.
    Superseded,
    /// It went on without a line, and the device has told of it.
    Sealed,
}

/// What became of a beat.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum BeatOutcome {
    /// It is new and was folded. Acknowledge once it is durable.
    Accepted,
    /// It is known; acknowledge again. Nothing changed.
    Duplicate,
    /// Another beat bears this number. It was not folded; the session is flagged.
    Fork,
    /// It cannot be taken. Nothing changed.
    Refused(Refusal),
}

/// Why a beat cannot be taken.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// A field is out of bounds.
    #[error(transparent)]
    Invalid(BadBeat),
    /// The session is closed; the player should open another.
    #[error("the session is closed: open the item again")]
    Closed,
    /// Too many boots.
    #[error("the player started more than {BOOTS} times in this session: open the item again")]
    Boots,
}

/// What is known when a session is made. Copied, for it must outlive its sources.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opening {
    /// Its identifier, minted by the server.
    pub id: SessionId,
    /// The terminal's site; none: the public.
    pub site: Option<SiteId>,
    /// The terminal; none: the public.
    pub terminal: Option<TerminalId>,
    /// What is played.
    pub item: Item,
    /// Its titles.
    pub title: Titles,
    /// Content hash of a lesson.
    pub content_hash: Option<String>,
    /// Duration of a lesson, ms.
    pub duration_ms: Option<i64>,
    /// Audio language asked for.
    pub lang: Option<Lang>,
    /// The kind of screen.
    pub device: Device,
    /// Silence after which it closes; usually [`SILENCE`].
    pub timeout: SignedDuration,
}

/// A session. Serialise it to survive a crash: a restored one is the same, and
/// beats replayed into it are duplicates.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Session {
    /// Its identifier.
    pub id: SessionId,
    /// The terminal's site; none: the public.
    pub site: Option<SiteId>,
    /// The terminal; none: the public.
    pub terminal: Option<TerminalId>,
    /// What is played.
    pub item: Item,
    /// Its titles when the session was made.
    pub title: Titles,
    /// Content hash of a lesson.
    pub content_hash: Option<String>,
    /// Duration of a lesson, ms.
    pub duration_ms: Option<i64>,
    /// Audio language last heard.
    pub lang: Option<Lang>,
    /// The kind of screen.
    pub device: Device,
    /// When the server made it. No credit lies before.
    pub minted: Timestamp,
    /// The first delivery or playing beat.
    pub opened: Option<Timestamp>,
    /// The last sign of life.
    pub last_activity: Timestamp,
    /// When and why it closed.
    pub closed: Option<(Timestamp, CloseReason)>,
    /// True if two different beats bore one number.
    pub forks: bool,
    timeout: SignedDuration,
    /// What the player said last.
    state: Option<PlayState>,
    boots: BTreeMap<String, Boot>,
    delivered: Delivered,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    claims: Option<Claims>,
}

impl Session {
    /// A session made at `now`. It opens with its first delivery or playing beat.
    pub fn new(opening: Opening, now: Timestamp) -> Self {
        let Opening { id, site, terminal, item, title, content_hash, duration_ms, lang, device, timeout } =
            opening;
        Self {
            id,
            site,
            terminal,
            item,
            title,
            content_hash,
            duration_ms,
            lang,
            device,
            minted: now,
            opened: None,
            last_activity: now,
            closed: None,
            forks: false,
            timeout,
            state: None,
            boots: BTreeMap::new(),
            delivered: Delivered::default(),
            claims: None,
        }
    }

    /// Takes a beat, checking its bounds; its nonce was looked at when it arrived.
    pub fn receive(&mut self, received: Received) -> BeatOutcome {
        if let Err(bad) = received.beat.validate() {
            return BeatOutcome::Refused(Refusal::Invalid(bad));
        }
        let received = Received { beat: received.beat.settled(), ..received };
        let (beat, at) = (&received.beat, received.at);
        match self.boots.get(&beat.boot).map_or(Seen::Never, |b| b.seen(beat.seq, beat.print())) {
            Seen::Same => return BeatOutcome::Duplicate,
            Seen::Different => {
                // A closed session is a record already; it no longer changes.
                self.forks |= self.closed.is_none();
                return BeatOutcome::Fork;
            }
            Seen::Never if self.closed.is_some() => return BeatOutcome::Refused(Refusal::Closed),
            Seen::Never => {}
        }
        if !self.boots.contains_key(&beat.boot) && self.boots.len() >= BOOTS {
            return BeatOutcome::Refused(Refusal::Boots);
        }
        if beat.state == PlayState::Playing {
            self.open(at);
        }
        self.last_activity = self.last_activity.max(at);
        let (state, lang) = (beat.state, beat.lang.clone());
        let boot = self.boots.entry(beat.boot.clone()).or_default();
        if boot.take(received, self.duration_ms, &self.delivered) {
            self.state = Some(state);
            self.lang = lang.or_else(|| self.lang.take());
        }
        BeatOutcome::Accepted
    }

    /// Notes that a media segment was sent. False if the session is closed:
    /// the caller should open another for the same ticket.
    pub fn deliver(&mut self, segment: DeliveredSegment<'_>, now: Timestamp) -> bool {
        if self.closed.is_some() {
            return false;
        }
        self.open(now);
        self.last_activity = self.last_activity.max(now);
        self.delivered.add(segment);
        true
    }

    /// True if the segment was delivered before.
    pub(super) fn has(&self, segment: DeliveredSegment<'_>) -> bool {
        self.delivered.holds(segment)
    }

    /// Notes any other sign of life, such as the playlist poll of a set-top box.
    pub fn touch(&mut self, now: Timestamp) {
        if self.closed.is_none() {
            self.last_activity = self.last_activity.max(now);
        }
    }

    /// Keeps what a player of others says of itself.
    pub fn claim(&mut self, report: Report, now: Timestamp) {
        if self.closed.is_none() {
            self.claims = Some(Claims::with(self.claims.take(), report, now));
        }
    }

    /// Closes the session if it is over or has been silent too long. The
    /// instant recorded does not depend on when this is asked.
    pub fn tick(&mut self, now: Timestamp) -> Option<CloseReason> {
        let silence = now.duration_since(self.last_activity);
        if self.closed.is_none() && self.state == Some(PlayState::Ended) && silence >= AFTER_END {
            self.close(CloseReason::Ended, self.last_activity);
            return Some(CloseReason::Ended);
        }
        if self.closed.is_none() && silence >= self.timeout {
            let at = self.last_activity.checked_add(self.timeout).unwrap_or(now);
            self.close(CloseReason::Timeout, at);
            return Some(CloseReason::Timeout);
        }
        None
    }

    /// Closes the session. The first close stands.
    pub fn close(&mut self, reason: CloseReason, now: Timestamp) {
        self.closed.get_or_insert((now, reason));
    }

    /// When it was watched.
    pub fn wall(&self) -> Wall {
        if self.boots.is_empty() {
            return Wall { verified: self.unclaimed(), ..Wall::default() };
        }
        let from = self.minted.as_millisecond();
        let at = |level| {
            let mut all = IntervalSet::new();
            for boot in self.boots.values() {
                all.union(&boot.wall(level, from));
            }
            all
        };
        Wall {
            watched: at(Level::Claimed),
            timed: at(Level::Timed),
            verified: at(Level::Delivered),
            sealed: IntervalSet::new(),
        }
    }

    /// The wall time of a player that cannot run script: what was delivered,
    /// from the opening on, no longer than until the last sign of life.
    fn unclaimed(&self) -> IntervalSet {
        let mut out = IntervalSet::new();
        if let Some(opened) = self.opened {
            let (start, end) = (opened.as_millisecond(), self.last_activity.as_millisecond());
            out.insert(start, end.min(start.saturating_add(self.delivered.total_ms())));
        }
        out
    }

    /// The sums so far.
    pub fn totals(&self) -> Totals {
        self.sums(&self.wall(), &self.media())
    }

    fn sums(&self, wall: &Wall, media: &IntervalSet) -> Totals {
        let (watched_ms, timed_ms, verified_ms) =
            (wall.watched.total(), wall.timed.total(), wall.verified.total());
        let span = self.last_activity.as_millisecond() - self.minted.as_millisecond();
        // What boots claim of idle time may overlap; together it fits the session.
        let idle = |pick: fn((i64, i64, i64)) -> i64| {
            self.boots.values().map(|b| pick(b.idle_ms())).fold(0, i64::saturating_add).min(span)
        };
        Totals {
            watched_ms,
            timed_ms,
            verified_ms,
            sealed_ms: 0,
            delivered_ms: self.delivered.total_ms(),
            media_ms: self.boots.values().map(|b| b.stretches().consumed_ms()).sum(),
            hidden_ms: idle(|i| i.0),
            paused_ms: idle(|i| i.1),
            stalled_ms: idle(|i| i.2),
            coverage: coverage(media.total(), watched_ms, self.duration_ms),
            level: level(watched_ms, timed_ms, verified_ms),
        }
    }

    fn media(&self) -> IntervalSet {
        let mut all = IntervalSet::new();
        for boot in self.boots.values() {
            all.union(&boot.stretches().media());
        }
        all
    }

    /// The session as it is stored on close, and shown meanwhile.
    pub fn record(&self) -> SessionRecord {
        let (wall, media) = (self.wall(), self.media());
        let first = wall.watched.iter().next().and_then(|(ms, _)| Timestamp::from_millisecond(ms).ok());
        SessionRecord {
            id: self.id.clone(),
            site: self.site.clone(),
            terminal: self.terminal.clone(),
            item: self.item.clone(),
            title: self.title.clone(),
            content_hash: self.content_hash.clone(),
            duration_ms: self.duration_ms,
            lang: self.lang.clone(),
            device: self.device,
            minted: self.minted,
            opened: self.opened.into_iter().chain(first).min(),
            last_activity: self.last_activity,
            closed: self.closed,
            totals: self.sums(&wall, &media),
            wall,
            media,
            delivered_from: self.delivered.by_owner(),
            forks: self.forks,
            claims: self.claims.clone(),
        }
    }

    fn open(&mut self, at: Timestamp) {
        self.opened = Some(self.opened.map_or(at, |o| o.min(at)));
    }

    /// The state of one boot, for tests of what is kept.
    #[cfg(test)]
    pub(super) fn boot(&self, id: &str) -> Option<&Boot> {
        self.boots.get(id)
    }
}

/// The share of the item played, in whole millionths (exact in every text
/// form). No faster than twice the watched time, the fastest rate there is: the
/// drift that each interval is allowed must not add up to a lesson.
pub(super) fn coverage(media_ms: i64, watched_ms: i64, duration_ms: Option<i64>) -> f64 {
    let Some(duration) = duration_ms.filter(|d| *d > 0) else { return 0.0 };
    let played = media_ms.min(watched_ms.saturating_mul(2).saturating_add(2000)).clamp(0, duration);
    (played as f64 / duration as f64 * 1e6).floor() / 1e6
}

fn level(watched_ms: i64, timed_ms: i64, verified_ms: i64) -> Level {
    let credited = watched_ms.max(verified_ms);
    let reaches = |ms: i64| ms > 0 && ms.saturating_mul(2) >= credited;
    match () {
        () if reaches(verified_ms) => Level::Delivered,
        () if reaches(timed_ms) => Level::Timed,
        () if credited > 0 => Level::Claimed,
        () => Level::Nothing,
    }
}
