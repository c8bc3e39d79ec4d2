//! Whether a better source is back: a worker that stands by listens to it, and
//! when it has been well for long enough, it takes over. No clocks, no processes.

use std::time::Duration;

/// What the machine hears. Times are monotonic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// The worker that stands by received what would have made a segment.
    Ready,
    /// It hears nothing, or its timeline broke.
    Broke,
    /// It ended.
    Exited,
    /// Time passes.
    Tick,
}

/// What the machine wants done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Probe {
    /// Start a worker that stands by on this source.
    Start(usize),
    /// End it.
    End,
    /// It is to take over.
    Take(usize),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nobody stands by; the next try is due then.
    Resting(Duration),
    Trying {
        source: usize,
        since: Duration,
        /// Since when segments come without a break.
        well: Option<Duration>,
        /// When the last one came.
        heard: Duration,
    },
}

/// A source that gives nothing for this long after it was called is left alone for a while.
const CALLED: Duration = Duration::from_secs(25);
/// Between two tries.
const REST: Duration = Duration::from_secs(15);
/// Longest time between two segments of a source that is well.
const LONGEST: Duration = Duration::from_secs(40);

/// Looks for better sources while a backup is on air.
#[derive(Debug, Clone)]
pub struct Candidate {
    after: Duration,
    state: State,
    next: usize,
}

impl Candidate {
    /// A better source is taken back when it was well for `after`.
    pub fn new(after: Duration, now: Duration) -> Self {
        Self { after, state: State::Resting(now), next: 0 }
    }

    /// Takes a sign at monotonic `now`, while `source` is in use and `live` or not.
    pub fn handle(&mut self, sign: Sign, source: usize, live: bool, now: Duration) -> Option<Probe> {
        if source == 0 {
            return self.rest(now, Duration::ZERO);
        }
        match (&mut self.state, sign) {
            (State::Trying { .. }, Sign::Exited) => {
                self.state = State::Resting(now + REST);
                None
            }
            (State::Trying { well, heard, .. }, Sign::Ready) => {
                (*heard, *well) = (now, well.or(Some(now)));
                None
            }
            (State::Trying { well, .. }, Sign::Broke) => {
                *well = None;
                None
            }
            (State::Trying { .. }, Sign::Tick) => self.judge(source, live, now),
            (State::Resting(due), Sign::Tick) if live && now >= *due => {
                let trying = self.next % source;
                self.next = trying + 1;
                self.state = State::Trying { source: trying, since: now, well: None, heard: now };
                Some(Probe::Start(trying))
            }
            (State::Resting(_), _) => None,
        }
    }

    fn judge(&mut self, in_use: usize, live: bool, now: Duration) -> Option<Probe> {
        let State::Trying { source, since, well, heard } = self.state else { return None };
        let silent = now - heard > LONGEST || (well.is_none() && now - since.max(heard) > CALLED);
        if source >= in_use || silent {
            return self.rest(now, REST);
        }
        // A source that works is better than one that has just failed.
        let well_for = now - well?;
        if well_for < self.after && live {
            return None;
        }
        self.state = State::Resting(now + REST);
        Some(Probe::Take(source))
    }

    fn rest(&mut self, now: Duration, after: Duration) -> Option<Probe> {
        let was = std::mem::replace(&mut self.state, State::Resting(now + after));
        matches!(was, State::Trying { .. }).then_some(Probe::End)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn s(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    /// Signs at every second from `from` to `to`, segments every four while `up`.
    fn run(
        c: &mut Candidate,
        (from, to): (u64, u64),
        live: bool,
        up: impl Fn(u64) -> bool,
    ) -> Vec<(u64, Probe)> {
        let mut said = Vec::new();
        for n in from..to {
            if up(n) && n % 4 == 0 {
                said.extend(c.handle(Sign::Ready, 1, live, s(n)).map(|p| (n, p)));
            }
            said.extend(c.handle(Sign::Tick, 1, live, s(n)).map(|p| (n, p)));
        }
        said
    }

    #[test]
    fn the_first_source_is_taken_back_after_its_time_of_health_and_not_before() {
        let mut c = Candidate::new(s(30), s(0));
        let said = run(&mut c, (0, 100), true, |n| n >= 10);
        assert_eq!(said[0], (0, Probe::Start(0)));
        assert_eq!(said[1], (42, Probe::Take(0)), "segments come from the 12th second on");
    }

    #[test]
    fn a_break_begins_the_count_anew() {
        let mut c = Candidate::new(s(30), s(0));
        run(&mut c, (0, 30), true, |_| true);
        c.handle(Sign::Broke, 1, true, s(30));
        let said = run(&mut c, (30, 100), true, |_| true);
        assert_eq!(said[0], (62, Probe::Take(0)));
    }

    #[test]
    fn a_silent_one_is_left_alone_and_tried_again_for_ever() {
        let mut c = Candidate::new(s(30), s(0));
        let said = run(&mut c, (0, 1000), true, |_| false);
        assert!(said.len() > 40, "{said:?}");
        for pair in said.chunks_exact(2) {
            assert!(matches!(pair, [(a, Probe::Start(0)), (b, Probe::End)] if b - a == 26), "{pair:?}");
        }
    }

    #[test]
    fn a_candidate_that_works_takes_over_at_once_when_the_backup_fails() {
        let mut c = Candidate::new(s(30), s(0));
        run(&mut c, (0, 10), true, |_| true);
        assert_eq!(run(&mut c, (10, 12), false, |_| true), [(10, Probe::Take(0))]);
    }

    #[test]
    fn better_sources_take_turns_and_none_is_tried_while_the_first_is_on_air() {
        let mut c = Candidate::new(s(30), s(0));
        let mut tried = Vec::new();
        for n in 0..200 {
            if let Some(Probe::Start(source)) = c.handle(Sign::Tick, 2, true, s(n)) {
                tried.push(source);
            }
        }
        assert!(tried.starts_with(&[0, 1, 0]), "{tried:?}");
        let mut first = Candidate::new(s(30), s(0));
        assert!((0..100).all(|n| first.handle(Sign::Tick, 0, true, s(n)).is_none()));
        run(&mut first, (100, 102), true, |_| true);
        assert_eq!(first.handle(Sign::Tick, 0, true, s(103)), Some(Probe::End));
    }
}
