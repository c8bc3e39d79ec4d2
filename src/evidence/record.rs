//! What is stored of a session and shown on pages.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::base::{IntervalSet, Lang, SessionId, SiteId, TerminalId, Titles};

use super::cmcd::Claims;
use super::credit::Level;
use super::session::{CloseReason, Device};
use super::ticket::Item;

/// The sums of one session, ms. Columns of their own: no two of them may be added.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Totals {
    /// L1: wall time watched, as the player claims within the rules.
    pub watched_ms: i64,
    /// L2: the part of it that the server's clock vouches for.
    pub timed_ms: i64,
    /// L3: the part of that whose media had been delivered first. In a session
    /// without any beats: media delivered, capped by wall time.
    pub verified_ms: i64,
    /// LS: watched without a line, signed by the device, no longer than it was away.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub sealed_ms: i64,
    /// Media sent, each part once. Says what left the server, not what was seen.
    pub delivered_ms: i64,
    /// Media consumed, repeats included, as the player claims.
    pub media_ms: i64,
    /// Played where nobody could see it; credits zero.
    pub hidden_ms: i64,
    /// Paused; credits zero.
    pub paused_ms: i64,
    /// Waiting for data; credits zero.
    pub stalled_ms: i64,
    /// Share of the lesson played at least once, 0 to 1 in millionths; 0 where
    /// the item has no duration.
    pub coverage: f64,
    /// The best level that at least half of the credited time reaches.
    pub level: Level,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
fn is_zero(ms: &i64) -> bool {
    *ms == 0
}

/// When it was, on the server's wall clock: ms of the epoch. Each of the first three
/// sets holds the next, but in a session without beats, where only `verified` is filled.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Wall {
    /// L1.
    pub watched: IntervalSet,
    /// L2.
    pub timed: IntervalSet,
    /// L3.
    pub verified: IntervalSet,
    /// LS; a session has this or the others.
    #[serde(default, skip_serializing_if = "IntervalSet::is_empty")]
    pub sealed: IntervalSet,
}

impl Wall {
    /// What was sealed and is not watched or verified besides, ms: nothing counts twice.
    pub fn sealed_alone_ms(&self) -> i64 {
        self.sealed.minus(&self.watched).minus(&self.verified).total()
    }

    /// The set of one level; of `Nothing`, the empty set.
    pub fn at(&self, level: Level) -> IntervalSet {
        match level {
            Level::Nothing => IntervalSet::new(),
            Level::Sealed => self.sealed.clone(),
            Level::Claimed => self.watched.clone(),
            Level::Timed => self.timed.clone(),
            Level::Delivered => self.verified.clone(),
        }
    }
}

/// One session, whole: everything is copied, so that it outlives the lesson,
/// the terminal and the site it names.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct SessionRecord {
    /// The session.
    pub id: SessionId,
    /// The site; none: the public.
    pub site: Option<SiteId>,
    /// The terminal; none: the public.
    pub terminal: Option<TerminalId>,
    /// What was played.
    pub item: Item,
    /// The item's titles as they were.
    pub title: Titles,
    /// Content hash of the lesson as it was; a channel has none.
    pub content_hash: Option<String>,
    /// Duration of the lesson, ms; a channel has none.
    pub duration_ms: Option<i64>,
    /// Audio language last heard.
    pub lang: Option<Lang>,
    /// The kind of screen.
    pub device: Device,
    /// When the server made the session.
    pub minted: Timestamp,
    /// When it began: the first delivery or playing beat, or the first watched
    /// moment if the beats that report it came late. None: nothing was played.
    pub opened: Option<Timestamp>,
    /// The last sign of life.
    pub last_activity: Timestamp,
    /// When and why it closed; none while it is open.
    pub closed: Option<(Timestamp, CloseReason)>,
    /// The sums.
    pub totals: Totals,
    /// When it was watched.
    pub wall: Wall,
    /// Media played at least once, ms on the item's line.
    pub media: IntervalSet,
    /// Media delivered of each package, relay or slate, ms.
    pub delivered_from: BTreeMap<String, i64>,
    /// True if two different beats bore one number: someone made beats up, or
    /// two players shared one identity.
    pub forks: bool,
    /// What a player of others said of itself. Nothing is credited for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claims: Option<Claims>,
}
