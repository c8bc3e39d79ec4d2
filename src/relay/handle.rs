//! What others may know of a relay, and ask of it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use jiff::Timestamp;

use crate::base::RelayId;
use crate::hls::LiveWindow;
use crate::hls::wire::{FeedFigures, FeedLook};

use super::recover;
use super::supervise::State;
use super::vitals::{Faults, Point};

/// Something an engineer may want to know later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelayEvent {
    /// Which relay.
    pub relay: RelayId,
    /// When.
    pub at: Timestamp,
    /// `started`, `live`, `stalled`, `exited`, `taken-back`, `short`, `note`.
    pub kind: &'static str,
    /// In words.
    pub detail: String,
}

/// What is known of a relay now.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct RelayHealth {
    /// Where it stands.
    pub state: State,
    /// Source in use, from 0.
    pub source: usize,
    /// A better source that is listened to, from 0.
    pub candidate: Option<usize>,
    /// Process of the worker.
    pub worker: Option<u32>,
    /// Times a worker was started.
    pub starts: u64,
    /// What its worker has counted since it began.
    #[serde(flatten)]
    pub figures: FeedFigures,
    /// The last ten seconds.
    pub now: Point,
    /// The last two hours, a point for each minute, the oldest first.
    pub minutes: Arc<Vec<Point>>,
    /// What is wrong with picture and sound.
    pub faults: Faults,
    /// When a picture of it was last taken.
    pub looked_at: Option<Timestamp>,
    /// The disk is full: only the last minutes are recorded.
    pub short: bool,
}

/// What others ask of a relay.
#[derive(Debug)]
pub struct Wishes {
    /// Somebody watches it, or may.
    wanted: AtomicBool,
    /// The disk is full: record the last minutes only.
    short: AtomicBool,
    /// What ended before is not kept, however long the relay's own time is.
    keep_from: ArcSwap<Timestamp>,
}

impl Wishes {
    /// Says whether anybody watches it.
    pub fn set_wanted(&self, wanted: bool) {
        self.wanted.store(wanted, Ordering::Relaxed);
    }

    /// Says whether the disk is too full to record.
    pub fn set_short(&self, short: bool) {
        self.short.store(short, Ordering::Relaxed);
    }

    /// Has what ended before `instant` forgotten.
    pub fn forget_before(&self, instant: Timestamp) {
        if instant > **self.keep_from.load() {
            self.keep_from.store(Arc::new(instant));
        }
    }

    pub(super) fn wanted(&self) -> bool {
        self.wanted.load(Ordering::Relaxed)
    }

    pub(super) fn short(&self) -> bool {
        self.short.load(Ordering::Relaxed)
    }

    pub(super) fn keep_from(&self) -> Timestamp {
        **self.keep_from.load()
    }
}

/// Read handles on a relay; clones share them.
#[derive(Debug, Clone)]
pub struct RelayHandle {
    /// What it has recorded.
    pub window: Arc<ArcSwap<LiveWindow>>,
    /// How it is.
    pub health: Arc<ArcSwap<RelayHealth>>,
    /// What is asked of it.
    pub wishes: Arc<Wishes>,
    recorded_us: Arc<AtomicU64>,
    seen: Arc<Mutex<Option<FeedLook>>>,
}

impl RelayHandle {
    /// A handle on what `folder` holds from earlier.
    pub fn open(folder: &std::path::Path) -> Result<Self, super::RecoverError> {
        let window = recover(folder)?;
        let health = RelayHealth {
            state: State::Waiting,
            source: 0,
            candidate: None,
            worker: None,
            starts: 0,
            figures: FeedFigures::default(),
            now: Point::default(),
            minutes: Arc::default(),
            faults: Faults::default(),
            looked_at: None,
            short: false,
        };
        let wishes = Wishes {
            wanted: AtomicBool::new(false),
            short: AtomicBool::new(false),
            keep_from: ArcSwap::from_pointee(Timestamp::MIN),
        };
        Ok(Self {
            window: Arc::new(ArcSwap::from_pointee(window)),
            health: Arc::new(ArcSwap::from_pointee(health)),
            wishes: Arc::new(wishes),
            recorded_us: Arc::default(),
            seen: Arc::default(),
        })
    }

    /// How much was recorded since it was last asked.
    pub fn take_recorded(&self) -> Duration {
        Duration::from_micros(self.recorded_us.swap(0, Ordering::Relaxed))
    }

    /// Tells it what was seen and heard in its newest segment.
    pub fn saw(&self, look: FeedLook) {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(look);
    }

    pub(super) fn take_seen(&self) -> Option<FeedLook> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    pub(super) fn record(&self, us: u64) {
        self.recorded_us.fetch_add(us, Ordering::Relaxed);
    }
}
