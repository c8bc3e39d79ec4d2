//! Playbacks without a line (level LS): what a device noted while it was away from the server.
//!
//! Before it leaves, a device begins a chain: the server notes its key and the time, the first
//! anchor. Away, each beat becomes a link, signed with that key, that names the one before by
//! its hash. When the device is back, or a file that somebody carried is, the chain is sealed:
//! the second anchor. A device that never is goes on with it: what follows is sealed the next
//! time. Whoever holds the key can make a chain up; what he cannot do is make it longer than
//! the time since it was begun. So it is counted apart, and no longer than that.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use jiff::Timestamp;
use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use sha2::{Digest as _, Sha256};

use crate::base::{IntervalSet, Lang, LessonId, SessionId, SiteId, TerminalId, Titles};

use super::beat::Beat;
use super::credit::{Credit, Received, interval};
use super::record::{SessionRecord, Totals, Wall};
use super::session::{CloseReason, Device, coverage};
use super::{Item, Level};

/// Bytes of a point of P-256, uncompressed (SEC 1 section 2.3.3).
const KEY_BYTES: usize = 65;
/// Most runs of a player in one chain: a screen may be switched on and off for a season.
const BOOTS: usize = 2000;

/// A chain that was begun: what the server keeps until it is sealed.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Chain {
    /// The session that it becomes.
    pub id: SessionId,
    /// The terminal's site.
    pub site: SiteId,
    /// The terminal.
    pub terminal: TerminalId,
    /// The kind of screen.
    pub device: Device,
    /// The lesson that it took along.
    pub lesson: LessonId,
    /// The titles of that version, or of the one on offer then.
    pub title: Titles,
    /// Content hash of the version that was taken; its beginning, if the county had that no more.
    pub content_hash: Option<String>,
    /// Its duration, ms.
    pub duration_ms: i64,
    /// The device's public key: a point of P-256, uncompressed, base64url.
    pub key: String,
    /// The first anchor.
    pub anchored: Timestamp,
    /// What the device's clock said then, ms of the epoch.
    pub wall_ms: i64,
}

/// What was sealed of a chain last.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct SealedPart {
    /// Parts until then.
    pub parts: u32,
    /// Links of all of them.
    pub links: usize,
    /// SHA-256 of the last link, hexadecimal.
    pub last: String,
    /// When.
    pub at: Timestamp,
    /// What all of them were credited, ms of the epoch.
    pub wall: IntervalSet,
}

/// One link, as it is carried.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Link {
    /// What is signed: the hash of the link before and a beat, as the device wrote it as JSON.
    pub link: String,
    /// ECDSA on P-256 with SHA-256 over its bytes, r and s (FIPS 186-5, IEEE P1363), base64url.
    pub sig: String,
}

/// What a link says.
#[derive(Debug, Clone, PartialEq, serde::Deserialize)]
struct Noted {
    /// SHA-256 of the link before, of the anchor in the first, hexadecimal.
    prev: String,
    beat: Beat,
}

/// Why a chain is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadChain {
    /// The key is none.
    #[error("`key`: expected a point of P-256, uncompressed: 65 bytes in base64url")]
    Key,
    /// Somebody else's signature, or none.
    #[error("link {0}: it is not signed by the device that began the chain")]
    Signature(usize),
    /// It does not follow.
    #[error("link {0}: it does not follow the one before: one was left out, or altered")]
    Order(usize),
    /// It says nothing that can be read.
    #[error("link {0}: it is not what was expected: {{\"prev\": HASH, \"beat\": BEAT}}")]
    Link(usize),
    /// All of it was sealed before.
    #[error("it was sealed before")]
    Known,
    /// Too much.
    #[error("the player started more than {BOOTS} times in this chain")]
    Boots,
}

impl Chain {
    /// Looks at the key.
    pub fn check(&self) -> Result<(), BadChain> {
        let bytes = BASE64.decode(&self.key).map_err(|_| BadChain::Key)?;
        (bytes.len() == KEY_BYTES && bytes[0] == 4).then_some(()).ok_or(BadChain::Key)
    }

    /// What the first link follows.
    pub fn anchor(&self) -> String {
        format!("yuanjiao chain 1\n{}\n{}\n{}\n{}\n", self.id, self.key, self.anchored, self.content())
    }

    fn content(&self) -> &str {
        self.content_hash.as_deref().unwrap_or_default()
    }

    /// The record of what `links`, all of the chain, tell of since a part was sealed `before`; and
    /// the part that is sealed with it at `now`.
    pub fn seal(
        &self,
        links: &[Link],
        before: Option<&SealedPart>,
        now: Timestamp,
    ) -> Result<(SessionRecord, SealedPart), BadChain> {
        let hash = |text: &str| hex::encode(Sha256::digest(text));
        // Each link names the one before: by the last that was sealed all those are known.
        let (first, mut last) = match before {
            None => (0, hash(&self.anchor())),
            // What was sent twice costs nothing.
            Some(part) if links.len() <= part.links => return Err(BadChain::Known),
            Some(part) => (part.links, part.last.clone()),
        };
        // Requests may overtake one another.
        let now = before.map_or(now, |part| now.max(part.at));
        let mut runs = Runs::default();
        if let Some(base) = first.checked_sub(1) {
            // With it an interval begins.
            if hash(&links[base].link) != last {
                return Err(BadChain::Order(base));
            }
            let noted: Noted = serde_json::from_str(&links[base].link).map_err(|_| BadChain::Link(base))?;
            runs.take(noted.beat, now, self.duration_ms)?;
        }
        let key = BASE64.decode(&self.key).map_err(|_| BadChain::Key)?;
        let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, key);
        for (n, Link { link, sig }) in links.iter().enumerate().skip(first) {
            let sig = BASE64.decode(sig).map_err(|_| BadChain::Signature(n))?;
            key.verify(link.as_bytes(), &sig).map_err(|_| BadChain::Signature(n))?;
            let noted: Noted = serde_json::from_str(link).map_err(|_| BadChain::Link(n))?;
            if noted.prev != last {
                return Err(BadChain::Order(n));
            }
            last = hash(link);
            noted.beat.validate().map_err(|_| BadChain::Link(n))?;
            runs.take(noted.beat, now, self.duration_ms)?;
        }
        let record = self.record(&runs, before, now)?;
        let (parts, mut wall) = before.map_or_else(Default::default, |part| (part.parts, part.wall.clone()));
        wall.union(&record.wall.sealed);
        Ok((record, SealedPart { parts: parts + 1, links: links.len(), last, at: now, wall }))
    }

    fn record(
        &self,
        runs: &Runs,
        before: Option<&SealedPart>,
        now: Timestamp,
    ) -> Result<SessionRecord, BadChain> {
        let id = match before {
            None => Ok(self.id.clone()),
            Some(part) => SessionId::new(&format!("{}-{}", self.id, part.parts + 1)),
        };
        let offset = self.anchored.as_millisecond().saturating_sub(self.wall_ms);
        let span = (self.anchored.as_millisecond(), now.as_millisecond());
        let mut sealed = runs.place(offset, span);
        if let Some(part) = before {
            sealed = sealed.minus(&part.wall);
        }
        let sealed_ms = sealed.total();
        let mut media = IntervalSet::new();
        for run in &runs.all {
            media.union(&run.media);
        }
        let away = span.1.saturating_sub(span.0).max(0);
        let sum = |of: fn(&Run) -> i64| runs.all.iter().map(of).fold(0, i64::saturating_add);
        let instant = |ms: i64| Timestamp::from_millisecond(ms).ok();
        let first = sealed.iter().next().and_then(|(ms, _)| instant(ms));
        let last = sealed.iter().last().and_then(|(_, ms)| instant(ms));
        let totals = Totals {
            watched_ms: 0,
            timed_ms: 0,
            verified_ms: 0,
            sealed_ms,
            delivered_ms: 0,
            media_ms: sum(|r| r.consumed_ms),
            hidden_ms: sum(|r| r.hidden_ms).min(away),
            paused_ms: sum(|r| r.paused_ms).min(away),
            stalled_ms: sum(|r| r.stalled_ms).min(away),
            coverage: coverage(media.total(), sealed_ms, Some(self.duration_ms)),
            level: if sealed_ms > 0 { Level::Sealed } else { Level::Nothing },
        };
        Ok(SessionRecord {
            id: id.map_err(|_| BadChain::Known)?,
            site: Some(self.site.clone()),
            terminal: Some(self.terminal.clone()),
            item: Item::Lesson(self.lesson.clone()),
            title: self.title.clone(),
            content_hash: self.content_hash.clone(),
            duration_ms: Some(self.duration_ms),
            lang: runs.lang.clone(),
            device: self.device,
            minted: self.anchored,
            opened: first,
            // When it played, not when that was heard of.
            last_activity: last.unwrap_or(now),
            closed: Some((now, CloseReason::Sealed)),
            totals,
            wall: Wall { sealed, ..Wall::default() },
            media,
            delivered_from: BTreeMap::new(),
            forks: false,
            claims: None,
        })
    }
}

/// Runs of the player, in the order of the chain.
#[derive(Debug, Default)]
struct Runs {
    all: Vec<Run>,
    lang: Option<Lang>,
}

/// One run: what was watched, on its own monotonic clock.
#[derive(Debug)]
struct Run {
    boot: String,
    last: Received,
    /// Monotonic time, ms: first and last.
    span: (i64, i64),
    watched: Vec<Stretch>,
    media: IntervalSet,
    consumed_ms: i64,
    hidden_ms: i64,
    paused_ms: i64,
    stalled_ms: i64,
}

/// An interval that was watched, ms.
#[derive(Debug, Clone, Copy)]
struct Stretch {
    mono: i64,
    /// What the device's clock said when it began, ms of the epoch.
    wall: i64,
    worth: i64,
}

impl Runs {
    fn take(&mut self, beat: Beat, at: Timestamp, duration_ms: i64) -> Result<(), BadChain> {
        self.lang = beat.lang.clone().or_else(|| self.lang.take());
        let mut next = Received { beat, at, nonce_issued: None };
        let mono = next.beat.mono_ms;
        let Some(run) = self.all.iter_mut().rfind(|run| run.boot == next.beat.boot) else {
            if self.all.len() >= BOOTS {
                return Err(BadChain::Boots);
            }
            self.all.push(Run {
                boot: next.beat.boot.clone(),
                last: next,
                span: (mono, mono),
                watched: Vec::new(),
                media: IntervalSet::new(),
                consumed_ms: 0,
                hidden_ms: 0,
                paused_ms: 0,
                stalled_ms: 0,
            });
            return Ok(());
        };
        // The chain says what follows what: devices leave out beats that say nothing new.
        next.beat.seq = run.last.beat.seq.saturating_add(1);
        match interval(&run.last, &next, Some(duration_ms)) {
            Credit::Watched { worth_ms, media, .. } => {
                let Beat { mono_ms, wall_ms, .. } = run.last.beat;
                run.watched.push(Stretch { mono: mono_ms, wall: wall_ms, worth: worth_ms });
                run.media.insert(media.0, media.1);
                run.consumed_ms += media.1 - media.0;
            }
            Credit::Hidden(ms) => run.hidden_ms += ms,
            Credit::Paused(ms) => run.paused_ms += ms,
            Credit::Stalled(ms) => run.stalled_ms += ms,
            Credit::Nothing(_) => {}
        }
        run.span = (run.span.0.min(mono), run.span.1.max(mono));
        run.last = next;
        Ok(())
    }

    /// When all of it was, on the server's clock, within `[from, to)`: where the device's clock
    /// says, which was `offset` behind at the first anchor, if that can be; of a run of which it
    /// cannot, as late as can be, before the run after it. A clock without a battery starts in 1970.
    fn place(&self, offset: i64, (from, to): (i64, i64)) -> IntervalSet {
        let mut out = IntervalSet::new();
        let mut limit = to;
        for run in self.all.iter().rev() {
            let said = run.watched.iter().map(|s| (s.wall.saturating_add(offset), s.worth));
            let can_be = said.clone().all(|(at, worth)| at >= from && at.saturating_add(worth) <= to);
            let mut begins = limit;
            if can_be {
                for (at, worth) in said {
                    out.insert(at, at + worth);
                    begins = begins.min(at);
                }
            } else {
                let shift = limit - run.span.1;
                for Stretch { mono, worth, .. } in &run.watched {
                    out.insert((mono + shift).max(from), (mono + shift + worth).min(limit));
                }
                begins = run.span.0 + shift;
            }
            limit = begins.min(limit);
        }
        out.clipped(from, to)
    }
}
