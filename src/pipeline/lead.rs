//! Whether an upstream's clock and ours go alike.

use jiff::{SignedDuration, Timestamp};

/// Upstreams that are read over a connection bring no clock of their own: an
/// encoder that is slow by 50 millionths is late by four seconds a day. Buffers
/// on the way let segments come early or late for a while; what counts is the
/// earliest of each minute.
#[derive(Debug, Default)]
pub(super) struct Lead {
    first: Option<SignedDuration>,
    minute: Option<(Timestamp, SignedDuration)>,
}

/// Stamped anew when they have parted by more than this.
const MOST: SignedDuration = SignedDuration::from_secs(3);
const WINDOW: SignedDuration = SignedDuration::from_secs(60);

impl Lead {
    /// Notes that a segment stamped `start` came at `now`; true if the stamps
    /// have parted from the clock for a whole minute.
    pub(super) fn parted(&mut self, start: Timestamp, now: Timestamp) -> bool {
        let lead = start.duration_since(now);
        let (began, most) = *self.minute.get_or_insert((now, lead));
        let most = most.max(lead);
        self.minute = Some((began, most));
        if now.duration_since(began) < WINDOW {
            return false;
        }
        self.minute = None;
        let first = *self.first.get_or_insert(most);
        (most - first).abs() > MOST
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A day of segments every four seconds from an upstream that is fast by `parts` in
    /// a million, and the minute at which it is found to have parted.
    fn parts_after(parts: i64, hold: impl Fn(i64) -> i64) -> Option<i64> {
        let mut lead = Lead::default();
        (0..24 * 900).find_map(|n| {
            let due_us = n * 4_000_000;
            let start = Timestamp::from_microsecond(due_us).expect("an instant");
            let arrives_us = due_us + 4_500_000 - due_us / 1_000_000 * parts + hold(n) * 1_000_000;
            let now = Timestamp::from_microsecond(arrives_us).expect("an instant");
            lead.parted(start, now).then_some(n * 4 / 60)
        })
    }

    #[test]
    fn a_clock_that_is_wrong_is_noticed_and_a_right_one_is_not() {
        assert_eq!(parts_after(0, |_| 0), None);
        let fast = parts_after(100, |_| 0).expect("0.36 s an hour");
        assert!((490..540).contains(&fast), "{fast}");
        let slow = parts_after(-100, |_| 0).expect("0.36 s an hour");
        assert!((490..540).contains(&slow), "{slow}");
    }

    #[test]
    fn a_line_that_hesitates_is_no_clock_that_is_wrong() {
        // Every tenth minute all wait for up to forty seconds, then come at once.
        let hold = |n: i64| if n % 150 < 10 { 40 - n % 150 * 4 } else { 0 };
        assert_eq!(parts_after(0, hold), None);
    }
}
