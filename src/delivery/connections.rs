//! Counting connections, so that nobody has them all.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The connections open now; clones share them.
#[derive(Debug, Clone, Default)]
pub struct Connections(Arc<Mutex<Open>>);

#[derive(Debug, Default)]
struct Open {
    all: usize,
    by_peer: HashMap<IpAddr, usize>,
    refused: u64,
}

/// Why there is room for none more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Full {
    /// All that there may be.
    #[error("{0} connections are open already")]
    All(usize),
    /// All that one address may have.
    #[error("{0} connections of this address are open already")]
    One(usize),
}

impl Connections {
    /// How many are open.
    pub fn count(&self) -> usize {
        self.open().all
    }

    /// How many were refused since the start.
    pub fn refused(&self) -> u64 {
        self.open().refused
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One more, unless there are `most` or, of this address, `from_one`.
    pub(super) fn one_more(&self, peer: IpAddr, most: usize, from_one: usize) -> Result<Counted, Full> {
        let peer = household(peer);
        let mut open = self.open();
        let mine = open.by_peer.get(&peer).copied().unwrap_or_default();
        let full = match () {
            () if open.all >= most => Full::All(most),
            () if mine >= from_one => Full::One(from_one),
            () => {
                open.all += 1;
                open.by_peer.insert(peer, mine + 1);
                return Ok(Counted { connections: self.clone(), peer });
            }
        };
        open.refused += 1;
        Err(full)
    }
}

/// Of IPv6 a household has 2^64 addresses (RFC 6177).
fn household(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6((u128::from(v6) >> 64 << 64).into()),
        v4 => v4,
    }
}

/// A connection that is counted until this is dropped.
#[derive(Debug)]
pub(super) struct Counted {
    connections: Connections,
    peer: IpAddr,
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut open = self.connections.open();
        open.all -= 1;
        if let Some(mine) = open.by_peer.get_mut(&self.peer) {
            *mine -= 1;
            if *mine == 0 {
                open.by_peer.remove(&self.peer);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn nobody_has_them_all() {
        let connections = Connections::default();
        let one = |peer: &str| connections.one_more(ip(peer), 4, 2);
        let first = one("10.0.0.1").expect("room");
        let _second = one("10.0.0.1").expect("room");
        assert_eq!(one("10.0.0.1").expect_err("its share"), Full::One(2));
        let _other = one("2001:db8::1").expect("room");
        let _same = one("2001:db8::ffff").expect("room");
        assert_eq!(one("10.0.0.3").expect_err("all there are"), Full::All(4));
        assert_eq!((connections.count(), connections.refused()), (4, 2));
        drop(first);
        assert_eq!(one("2001:db8::2").expect_err("one household"), Full::One(2));
        let _third = one("::ffff:10.0.0.1").expect("room again");
        assert_eq!(connections.count(), 4);
    }

    #[test]
    fn nothing_is_left_of_who_has_gone() {
        let connections = Connections::default();
        for n in 0..100u8 {
            drop(connections.one_more(IpAddr::from([10, 0, 0, n]), 1000, 10));
        }
        assert_eq!((connections.count(), connections.open().by_peer.len()), (0, 0));
    }
}
