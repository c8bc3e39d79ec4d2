//! When a relay's worker is started, left alone, or replaced: a state machine
//! without clocks, processes or sockets.

use std::time::Duration;

/// What the machine hears. Times are monotonic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// The worker wrote a segment.
    Segment,
    /// The worker lives (once a second).
    Alive,
    /// It lives, and has received something since it last said so.
    Receiving,
    /// The worker hears nothing from upstream.
    Stalled,
    /// The worker ended.
    Exited,
    /// Time passes.
    Tick,
}

/// What the machine wants done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// Start a worker on this source.
    Start {
        /// Position in the relay's list.
        source: usize,
    },
    /// End the worker.
    Kill,
}

/// Where a relay stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// A worker is to be started at that time.
    Waiting,
    /// A worker runs; no segment came from it yet, or none for a while.
    Connecting,
    /// Segments come.
    Live,
    /// A worker is being ended.
    Ending,
}

const BACKOFF_MIN: Duration = Duration::from_secs(1);
const BACKOFF_MAX: Duration = Duration::from_secs(30);
/// A worker that says nothing for this long hangs.
const HUNG: Duration = Duration::from_secs(10);
/// A worker that receives something may take so long to its first segment: that of
/// an HLS upstream comes when its own first segments have.
const BEGINNING: Duration = Duration::from_secs(20);
/// Healthy this long, earlier failures are forgotten.
const HEALTHY: Duration = Duration::from_secs(30);

/// Keeps one relay alive, for ever.
#[derive(Debug, Clone)]
pub struct Supervisor {
    sources: usize,
    failover_after: Duration,
    source: usize,
    state: State,
    failures: u32,
    /// Sources left since segments came last.
    left: usize,
    /// Since when this source has given nothing, over however many workers.
    down_since: Option<Duration>,
    /// Everything below belongs to the worker that runs now, and is reset
    /// whole with it: stale health of the last one must not burn the next.
    since: Duration,
    heard: Duration,
    stalled: Option<Duration>,
    /// It has received something, and no segment has come of it yet.
    beginning: bool,
    next_start: Duration,
}

impl Supervisor {
    /// For a relay with `sources` sources.
    pub fn new(sources: usize, failover_after: Duration, now: Duration) -> Self {
        Self {
            sources: sources.max(1),
            failover_after,
            source: 0,
            state: State::Waiting,
            failures: 0,
            left: 0,
            down_since: None,
            since: now,
            heard: now,
            stalled: None,
            beginning: false,
            next_start: now,
        }
    }

    /// Where the relay stands.
    pub fn state(&self) -> State {
        self.state
    }

    /// The source in use.
    pub fn source(&self) -> usize {
        self.source
    }

    /// Another worker, which stood by on `source`, writes from now on.
    pub fn take_over(&mut self, source: usize, now: Duration) {
        self.source = source;
        self.state = State::Connecting;
        (self.failures, self.left, self.down_since) = (0, 0, None);
        (self.since, self.heard, self.stalled) = (now, now, None);
    }

    /// Takes an input at monotonic `now`; `jitter` in `[0, 1)` spreads reconnections.
    pub fn handle(&mut self, input: &Input, now: Duration, jitter: f64) -> Option<Command> {
        if matches!(input, Input::Segment | Input::Alive | Input::Receiving | Input::Stalled) {
            self.heard = now;
        }
        if *input == Input::Receiving && self.state == State::Connecting && self.stalled.is_none() {
            self.beginning = true;
        }
        match (self.state, input) {
            (_, Input::Exited) => {
                self.wait(now, jitter);
                None
            }
            (State::Waiting, Input::Tick) if now >= self.next_start => {
                self.state = State::Connecting;
                (self.since, self.heard, self.stalled, self.beginning) = (now, now, None, false);
                self.down_since.get_or_insert(now);
                Some(Command::Start { source: self.source })
            }
            (State::Connecting | State::Live, Input::Segment) => {
                self.state = State::Live;
                (self.stalled, self.down_since) = (None, None);
                (self.beginning, self.left) = (false, 0);
                if now - self.since > HEALTHY {
                    self.failures = 0;
                }
                None
            }
            (State::Connecting | State::Live, Input::Stalled) => {
                self.state = State::Connecting;
                self.beginning = false;
                self.stalled.get_or_insert(now);
                self.down_since.get_or_insert(now);
                None
            }
            (State::Connecting | State::Live, Input::Tick) => self.judge(now),
            _ => None,
        }
    }

    fn judge(&mut self, now: Duration) -> Option<Command> {
        if self.fail_over(now) || now - self.heard > HUNG {
            self.state = State::Ending;
            return Some(Command::Kill);
        }
        None
    }

    /// Turns to the next source if this one has given nothing for too long.
    fn fail_over(&mut self, now: Duration) -> bool {
        let patience = if self.beginning { self.failover_after.max(BEGINNING) } else { self.failover_after };
        let due = self.sources > 1 && self.down_since.is_some_and(|s| now - s >= patience);
        if due {
            self.source = (self.source + 1) % self.sources;
            self.down_since = None;
            self.left += 1;
            if self.left < self.sources {
                // It has not failed yet: it is tried at once.
                self.failures = 0;
            }
        }
        due
    }

    fn wait(&mut self, now: Duration, jitter: f64) {
        self.beginning = false;
        // One that was ended because it hung, or whose source was left, has not failed by itself.
        let ended = self.state == State::Ending && self.failures == 0;
        let at_once = self.fail_over(now) && self.failures == 0 || ended;
        let backoff = BACKOFF_MAX.min(BACKOFF_MIN * 2u32.pow(self.failures.min(5)));
        self.failures += 1;
        self.state = State::Waiting;
        self.next_start = if at_once { now } else { now + backoff.mul_f64(0.75 + jitter / 4.0) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn s(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    #[test]
    fn a_killed_worker_is_back_within_a_second_and_then_ever_more_slowly() {
        let mut m = Supervisor::new(1, s(6), s(0));
        assert_eq!(m.handle(&Input::Tick, s(0), 0.0), Some(Command::Start { source: 0 }));
        m.handle(&Input::Exited, s(1), 0.999);
        assert_eq!(m.handle(&Input::Tick, s(2), 0.0), Some(Command::Start { source: 0 }));
        let mut now = s(2);
        for _ in 0..20 {
            m.handle(&Input::Exited, now, 0.999);
            assert_eq!(m.handle(&Input::Tick, now, 0.0), None);
            now += s(30);
            assert!(m.handle(&Input::Tick, now, 0.0).is_some(), "at the latest after 30 s, for ever");
        }
    }

    #[test]
    fn health_forgives_earlier_failures() {
        let mut m = Supervisor::new(1, s(6), s(0));
        for n in 0..5 {
            m.handle(&Input::Tick, s(n * 40), 0.0);
            m.handle(&Input::Exited, s(n * 40), 0.0);
        }
        m.handle(&Input::Tick, s(200), 0.0);
        m.handle(&Input::Segment, s(231), 0.0);
        m.handle(&Input::Exited, s(232), 0.0);
        assert!(m.handle(&Input::Tick, s(233), 0.0).is_some());
    }

    #[test]
    fn a_silent_source_yields_to_the_next_and_a_single_one_is_left_listening() {
        let mut two = Supervisor::new(2, s(6), s(0));
        two.handle(&Input::Tick, s(0), 0.0);
        two.handle(&Input::Segment, s(1), 0.0);
        two.handle(&Input::Stalled, s(10), 0.0);
        two.handle(&Input::Alive, s(15), 0.0);
        assert_eq!(two.handle(&Input::Tick, s(15), 0.0), None);
        assert_eq!(two.handle(&Input::Tick, s(16), 0.0), Some(Command::Kill));
        two.handle(&Input::Exited, s(16), 0.0);
        let at_once = two.handle(&Input::Tick, s(16), 0.0);
        assert_eq!(at_once, Some(Command::Start { source: 1 }), "the next one has not failed");
        let mut one = Supervisor::new(1, s(6), s(0));
        one.handle(&Input::Tick, s(0), 0.0);
        for n in 1..600 {
            one.handle(&Input::Alive, s(n), 0.0);
            assert_eq!(one.handle(&Input::Tick, s(n), 0.0), None);
        }
    }

    #[test]
    fn a_source_that_gives_something_is_given_time_for_its_first_segment() {
        let mut m = Supervisor::new(2, s(6), s(0));
        m.handle(&Input::Tick, s(0), 0.0);
        for n in 1..19 {
            m.handle(&Input::Receiving, s(n), 0.0);
            assert_eq!(m.handle(&Input::Tick, s(n), 0.0), None);
        }
        m.handle(&Input::Segment, s(19), 0.0);
        m.handle(&Input::Stalled, s(30), 0.0);
        for n in 30..36 {
            // Packets without a picture in them are nothing, once there were pictures.
            m.handle(&Input::Receiving, s(n), 0.0);
            assert_eq!(m.handle(&Input::Tick, s(n), 0.0), None);
        }
        assert_eq!(m.handle(&Input::Tick, s(36), 0.0), Some(Command::Kill));
    }

    #[test]
    fn sources_that_are_all_gone_are_tried_ever_more_slowly() {
        let mut m = Supervisor::new(3, s(6), s(0));
        let mut starts = Vec::new();
        for n in 0..2000 {
            if let Some(Command::Start { .. }) = m.handle(&Input::Tick, s(n), 0.999) {
                starts.push(n);
                m.handle(&Input::Exited, s(n), 0.999);
            }
        }
        let last: Vec<_> = starts.windows(2).map(|w| w[1] - w[0]).rev().take(10).collect();
        assert!(last.iter().all(|gap| (25..=31).contains(gap)), "{starts:?}");
    }

    #[test]
    fn a_source_whose_worker_cannot_start_yields_to_the_next() {
        let mut m = Supervisor::new(2, s(6), s(0));
        let mut sources = Vec::new();
        for n in 0..40 {
            if let Some(Command::Start { source }) = m.handle(&Input::Tick, s(n), 0.0) {
                sources.push(source);
                m.handle(&Input::Exited, s(n), 0.0);
            }
        }
        assert!(sources.starts_with(&[0]) && sources.contains(&1), "{sources:?}");
    }

    #[test]
    fn a_worker_that_hangs_is_ended() {
        let mut m = Supervisor::new(1, s(6), s(0));
        m.handle(&Input::Tick, s(0), 0.0);
        m.handle(&Input::Segment, s(5), 0.0);
        assert_eq!(m.handle(&Input::Tick, s(16), 0.0), Some(Command::Kill));
    }
}
