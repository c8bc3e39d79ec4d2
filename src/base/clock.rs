//! The only place that reads the time.
//!
//! Pure code takes `now` as an argument; the edges read it here, once per
//! request or tick. `clippy.toml` bans clock reads everywhere else.

use std::time::{Duration, Instant};

use jiff::Timestamp;

/// A source of wall-clock and monotonic time.
pub trait Clock: Send + Sync + std::fmt::Debug {
    /// The wall clock, UTC.
    fn now(&self) -> Timestamp;
    /// Time since an arbitrary fixed point; never steps back.
    fn monotonic(&self) -> Duration;
}

/// The machine's clock.
#[derive(Debug, Clone)]
pub struct SystemClock {
    origin: Instant,
}

impl SystemClock {
    /// A clock whose monotonic origin is this call.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads clocks")]
    pub fn new() -> Self {
        Self { origin: Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

/// Now, as timers count it: for what waits on a line, which no wall clock is asked about.
#[expect(clippy::disallowed_methods, reason = "this is the one place that reads clocks")]
pub fn instant() -> Instant {
    Instant::now()
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads clocks")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads clocks")]
    fn monotonic(&self) -> Duration {
        self.origin.elapsed()
    }
}
