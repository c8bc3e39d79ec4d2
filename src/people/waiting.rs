//! What is half done, and waits a few minutes for its other half.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};

use super::SecretHash;

/// Things that wait, each under the hash of a secret that only one browser
/// holds. They are bounded in number, end by themselves and with the server.
#[derive(Debug)]
pub struct Waiting<T> {
    most: usize,
    life: SignedDuration,
    things: HashMap<SecretHash, (Timestamp, T)>,
}

impl<T> Waiting<T> {
    /// At most `most` things, each for `life`.
    pub fn new(most: usize, life: SignedDuration) -> Self {
        Self { most: most.max(1), life, things: HashMap::new() }
    }

    /// Keeps a thing. Where there is no room the one that ends first goes.
    pub fn keep(&mut self, key: SecretHash, thing: T, now: Timestamp) {
        self.things.retain(|_, (ends, _)| *ends > now);
        if self.things.len() >= self.most
            && let Some(first) = self.things.iter().min_by_key(|(_, (ends, _))| *ends).map(|(k, _)| *k)
        {
            self.things.remove(&first);
        }
        self.things.insert(key, (now + self.life, thing));
    }

    /// The thing of that key, which goes on waiting.
    pub fn get(&self, key: &SecretHash, now: Timestamp) -> Option<&T> {
        self.things.get(key).filter(|(ends, _)| *ends > now).map(|(_, thing)| thing)
    }

    /// The thing of that key, which waits no longer.
    pub fn take(&mut self, key: &SecretHash, now: Timestamp) -> Option<T> {
        self.things.remove(key).filter(|(ends, _)| *ends > now).map(|(_, thing)| thing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_secs(seconds)
    }

    #[test]
    fn things_wait_for_a_while_and_are_taken_once() {
        let key = |n| SecretHash([n; 32]);
        let mut waiting = Waiting::new(2, SignedDuration::from_secs(60));
        waiting.keep(key(1), "a", at(0));
        waiting.keep(key(2), "b", at(1));
        assert_eq!((waiting.get(&key(1), at(59)), waiting.get(&key(1), at(60))), (Some(&"a"), None));
        waiting.keep(key(3), "c", at(2));
        assert_eq!(waiting.get(&key(1), at(3)), None, "there was no room");
        assert_eq!(waiting.take(&key(2), at(3)), Some("b"));
        assert_eq!(waiting.take(&key(2), at(3)), None, "once");
        waiting.keep(key(4), "d", at(3));
        assert_eq!(waiting.take(&key(3), at(62)), None, "too late");
    }
}
