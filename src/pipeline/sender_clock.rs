//! When packets were sent, as the programme's clock tells.
//!
//! A demuxer recovers a sender's clock from the times at which packets come, and begins
//! a new timeline when they come a second late. A line that held packets back for a
//! while, or a machine that was busy, is no reason for one: here arrivals are put where
//! they would have been, had nothing been held back.

use std::time::Duration;

/// A programme clock reference's 90 kHz part, and the PID that carried it
/// (ISO/IEC 13818-1 §2.4.3.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Clock {
    pub(super) pid: usize,
    /// 33 bits.
    pub(super) ticks: u64,
}

/// The clock has 33 bits.
const MASK: u64 = (1 << 33) - 1;
/// Packets that are later than this are not held back: the sender's clock went another way.
const LATEST: Duration = Duration::from_secs(5);
/// The programme whose clock is followed is gone when it has been silent for so long.
const SILENT: Duration = Duration::from_secs(1);
/// A sender that is slow is followed by this much in a second: ten times what the
/// standard lets a clock be wrong.
const DRIFT: u32 = 3_333;

impl Clock {
    /// Ticks since `earlier`; after a step back, nearly all there are.
    pub(super) fn since(self, earlier: Self) -> Option<u64> {
        (self.pid == earlier.pid).then(|| self.ticks.wrapping_sub(earlier.ticks) & MASK)
    }
}

/// One sender, as it was last seen.
#[derive(Debug, Default)]
pub(super) struct SenderClock {
    last: Option<Seen>,
    /// When the first of what carries no clock came, since one did.
    unclocked: Option<Duration>,
    /// The last instant given out.
    stamp: Duration,
}

#[derive(Debug, Clone, Copy)]
struct Seen {
    clock: Clock,
    arrival: Duration,
    /// When it would have come, had nothing been held back.
    due: Duration,
}

impl SenderClock {
    /// The instant for packets that came at `arrival`, of which `clock` is the last
    /// clock: never after `arrival`, never before what was given out last.
    pub(super) fn stamp(&mut self, arrival: Duration, clock: Option<Clock>) -> Duration {
        if let Some(due) = self.due(arrival, clock) {
            self.stamp = self.stamp.max(due);
        }
        self.stamp
    }

    /// `None` for what is between two clocks.
    fn due(&mut self, arrival: Duration, clock: Option<Clock>) -> Option<Duration> {
        let anew = |clock| Seen { clock, arrival, due: arrival };
        // Silence of the line is none of the clock's.
        let ours = clock.filter(|clock| self.last.is_none_or(|last| last.clock.pid == clock.pid));
        let since = match ours {
            Some(_) => self.unclocked.take(),
            None => Some(*self.unclocked.get_or_insert(arrival)),
        };
        let gone = self.last.is_none() || since.is_some_and(|since| arrival.saturating_sub(since) > SILENT);
        let Some(clock) = clock else {
            return gone.then_some(arrival);
        };
        let seen = match self.last {
            None => anew(clock),
            Some(last) => match clock.since(last.clock) {
                None if gone => anew(clock),
                None => return None,
                Some(ticks) => {
                    let held = arrival.saturating_sub(last.arrival);
                    let due = last.due + Duration::from_micros(ticks * 100 / 9) + held / DRIFT;
                    let late = arrival.checked_sub(due);
                    Seen {
                        clock,
                        arrival,
                        due: if late.is_some_and(|late| late <= LATEST) { due } else { arrival },
                    }
                }
            },
        };
        (self.last, self.unclocked) = (Some(seen), None);
        Some(seen.due)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    fn clock(ms: u64) -> Option<Clock> {
        Some(Clock { pid: 256, ticks: (MASK - 90_000 + ms * 90) & MASK })
    }

    /// What is given out for packets sent every 40 ms that come after `delay` (ms of their number).
    fn stamps(count: u64, delay: impl Fn(u64) -> u64) -> Vec<(Duration, Duration)> {
        let mut sender = SenderClock::default();
        let mut arrival = 0;
        (0..count)
            .map(|n| {
                // What is sent later does not come earlier.
                arrival = (n * 40 + delay(n)).max(arrival);
                (MS(arrival), sender.stamp(MS(arrival), clock(n * 40)))
            })
            .collect()
    }

    #[test]
    fn a_line_that_holds_back_is_seen_through() {
        // The fiftieth and those after it wait for up to four seconds, then come at once.
        let held = |n: u64| if (50..150).contains(&n) { 4000 - (n - 50) * 40 } else { 0 };
        for (n, (_, stamp)) in stamps(300, held).into_iter().enumerate() {
            assert!(stamp.abs_diff(MS(n as u64 * 40)) < MS(5), "{n}: {stamp:?}");
        }
    }

    #[test]
    fn what_was_held_back_may_begin_without_a_clock() {
        let mut sender = SenderClock::default();
        sender.stamp(MS(0), clock(0));
        sender.stamp(MS(40), clock(40));
        assert_eq!(sender.stamp(MS(3000), None), MS(40));
        let stamp = sender.stamp(MS(3000), clock(80));
        assert!(stamp.abs_diff(MS(80)) < MS(5), "{stamp:?}");
    }

    #[test]
    fn a_clock_that_steps_is_not_followed() {
        for to in [0, 400_000] {
            let mut sender = SenderClock::default();
            sender.stamp(MS(0), clock(100_000));
            assert_eq!(sender.stamp(MS(100), clock(100_100)), MS(100));
            // The demuxer is to see the step as it is.
            assert_eq!(sender.stamp(MS(200), clock(to)), MS(200));
            assert_eq!(sender.stamp(MS(300), clock(to + 100)), MS(300));
        }
    }

    #[test]
    fn without_a_clock_it_is_when_they_came() {
        let mut sender = SenderClock::default();
        assert_eq!(sender.stamp(MS(50), None), MS(50));
        assert_eq!(sender.stamp(MS(100), clock(0)), MS(100));
        assert_eq!(sender.stamp(MS(150), None), MS(100), "between two clocks");
        assert_eq!(sender.stamp(MS(5000), None), MS(5000), "the clock is gone");
        assert_eq!(sender.stamp(MS(5050), None), MS(5050));
        let other = |ms: u64| Some(Clock { pid: 300, ticks: ms * 90 });
        assert_eq!(sender.stamp(MS(5100), other(0)), MS(5100), "another programme's is taken");
        assert!(sender.stamp(MS(5300), other(100)).abs_diff(MS(5200)) < MS(1), "and followed");
    }

    proptest! {
        /// Whatever comes, stamps keep their order and nothing is stamped before it came.
        #[test]
        fn order_and_bounds(
            steps in prop::collection::vec((0u64..3000, prop::option::of((0usize..2, any::<u64>()))), 1..60),
        ) {
            let (mut sender, mut arrival, mut last) = (SenderClock::default(), Duration::ZERO, Duration::ZERO);
            for (wait, clock) in steps {
                arrival += MS(wait);
                let stamp = sender.stamp(arrival, clock.map(|(pid, ticks)| Clock { pid, ticks: ticks & MASK }));
                prop_assert!(last <= stamp && stamp <= arrival);
                last = stamp;
            }
        }

        /// Nothing is left of delays of up to five seconds.
        #[test]
        fn delays_go(delays in prop::collection::vec(0u64..4900, 2..200)) {
            let delay = |n: u64| if n == 0 { 0 } else { delays[n as usize] };
            for (n, (_, stamp)) in stamps(delays.len() as u64, delay).into_iter().enumerate() {
                // But for what a slow sender would be allowed.
                prop_assert!(stamp.abs_diff(MS(n as u64 * 40)) < MS(5), "{n}: {stamp:?}");
            }
        }

        /// A sender whose clock is wrong by up to a hundred millionths is followed.
        #[test]
        fn drift_is_followed(parts in -100i64..100) {
            let mut sender = SenderClock::default();
            for n in 0..36_000i64 {
                let arrival = Duration::from_micros((n * 100_000) as u64);
                let ticks = n * 9_000 + n * 9 * parts / 1000;
                let stamp = sender.stamp(arrival, Some(Clock { pid: 1, ticks: ticks as u64 & MASK }));
                prop_assert!(arrival - stamp < MS(10), "{:?} after {n}", arrival - stamp);
            }
        }
    }
}
