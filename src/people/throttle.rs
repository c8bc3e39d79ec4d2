//! How often something may be guessed.

use std::collections::HashMap;
use std::hash::Hash;

use jiff::{SignedDuration, Timestamp};

/// Counts failures by key in a window that slides, and says when to wait.
///
/// Sign-in counts by (name, address) and by address: guessing from elsewhere
/// does not lock the owner of a name out, and forty terminals of a village
/// behind one address have room for typing errors.
#[derive(Debug)]
pub struct Throttle<K> {
    most: usize,
    window: SignedDuration,
    failures: HashMap<K, Vec<Timestamp>>,
}

/// Keys remembered at most; the least recent go first.
const KEYS: usize = 10_000;

impl<K: Hash + Eq + Clone> Throttle<K> {
    /// At most `most` failures in `window`.
    pub fn new(most: usize, window: SignedDuration) -> Self {
        Self { most: most.max(1), window, failures: HashMap::new() }
    }

    /// How long `key` has to wait before its next try; none if it may try now.
    pub fn wait(&self, key: &K, now: Timestamp) -> Option<SignedDuration> {
        let since = now - self.window;
        let failures = self.failures.get(key)?;
        let recent: Vec<_> = failures.iter().filter(|at| **at > since).collect();
        let decisive = recent.len().checked_sub(self.most)?;
        recent.get(decisive).map(|at| (**at + self.window).duration_since(now))
    }

    /// Notes a failure of `key`.
    pub fn failed(&mut self, key: K, now: Timestamp) {
        let since = now - self.window;
        if self.failures.len() >= KEYS && !self.failures.contains_key(&key) {
            self.failures.retain(|_, at| at.last().is_some_and(|last| *last > since));
            if self.failures.len() >= KEYS
                && let Some(oldest) = self.failures.iter().min_by_key(|(_, at)| at.last().copied())
            {
                let oldest = oldest.0.clone();
                self.failures.remove(&oldest);
            }
        }
        let failures = self.failures.entry(key).or_default();
        failures.retain(|at| *at > since);
        failures.push(now);
        if failures.len() > self.most {
            failures.remove(0);
        }
    }

    /// Forgets what `key` did wrong: it has shown that it knows.
    pub fn succeeded(&mut self, key: &K) {
        self.failures.remove(key);
    }

    /// Takes back the last failure noted of `key`: it was none.
    pub fn take_back(&mut self, key: &K) {
        if let Some(failures) = self.failures.get_mut(key) {
            failures.pop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_secs(seconds)
    }

    #[test]
    fn after_three_failures_one_waits_until_the_first_is_old() {
        let mut throttle = Throttle::new(3, SignedDuration::from_secs(60));
        for t in [0, 10, 20] {
            assert_eq!(throttle.wait(&"a", at(t)), None);
            throttle.failed("a", at(t));
        }
        assert_eq!(throttle.wait(&"a", at(25)), Some(SignedDuration::from_secs(35)));
        assert_eq!(throttle.wait(&"b", at(25)), None, "others are not concerned");
        assert_eq!(throttle.wait(&"a", at(60)), None);
        throttle.failed("a", at(61));
        assert_eq!(throttle.wait(&"a", at(62)), Some(SignedDuration::from_secs(8)));
        throttle.take_back(&"a");
        assert_eq!(throttle.wait(&"a", at(62)), None, "it was no failure");
        throttle.failed("a", at(62));
        throttle.succeeded(&"a");
        assert_eq!(throttle.wait(&"a", at(62)), None);
    }

    #[test]
    fn it_does_not_grow_without_end() {
        let mut throttle = Throttle::new(1, SignedDuration::from_secs(60));
        for n in 0..KEYS + 5 {
            throttle.failed(n, at(n as i64 / 1000));
        }
        assert_eq!(throttle.failures.len(), KEYS);
        assert!(throttle.wait(&(KEYS + 4), at(10)).is_some(), "the newest is remembered");
    }
}
