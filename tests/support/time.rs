//! Waiting, with a limit. The stories play in real time; this is their clock.

use std::time::{Duration, Instant};

use jiff::Timestamp;

/// The instant it is.
#[expect(clippy::disallowed_methods, reason = "a story about processes plays in real time")]
pub(crate) fn now() -> Timestamp {
    Timestamp::now()
}

pub(crate) const fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub(crate) const fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// Measures what has passed since it was made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stopwatch(Instant);

impl Stopwatch {
    #[expect(clippy::disallowed_methods, reason = "a story about processes plays in real time")]
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    #[expect(clippy::disallowed_methods, reason = "a story about processes plays in real time")]
    pub(crate) fn passed(self) -> Duration {
        self.0.elapsed()
    }
}

/// Looks until there is something to see; what there is to wait for is said
/// when it does not come within `limit`.
#[track_caller]
pub(crate) fn wait_for<T>(what: &str, limit: Duration, mut look: impl FnMut() -> Option<T>) -> T {
    let watch = Stopwatch::start();
    loop {
        if let Some(seen) = look() {
            return seen;
        }
        assert!(watch.passed() < limit, "waited {limit:?} in vain: {what}");
        std::thread::sleep(ms(50));
    }
}

pub(crate) fn sleep_until(instant: Timestamp) {
    let left = instant.duration_since(now());
    std::thread::sleep(Duration::try_from(left).unwrap_or_default());
}

/// Seconds from `earlier` to `later`.
pub(crate) fn seconds_between(earlier: Timestamp, later: Timestamp) -> f64 {
    later.duration_since(earlier).as_secs_f64()
}
