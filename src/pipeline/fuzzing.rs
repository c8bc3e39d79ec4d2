//! What comes over the network and what lies in the inbox, for the fuzzer.

use super::fec::Fec;
pub(crate) use super::package::fuzzing::file;
use super::rtp::{Reorder, payload};

/// Datagrams of 40 bytes, of which the first byte's lowest bit says that it is parity.
pub(crate) fn datagrams(data: &[u8]) {
    let (mut fec, mut order) = (Fec::default(), Reorder::default());
    for datagram in data.chunks(40) {
        let Some((number, payload)) = payload(datagram) else { continue };
        let made = match datagram.first().is_some_and(|b| b & 1 == 1) {
            true => fec.parity(datagram),
            false => {
                fec.media(number, payload);
                vec![(number, payload.to_vec())]
            }
        };
        order.wait_for(fec.delay());
        for (number, payload) in made {
            let _ = order.push(number, &payload);
        }
    }
}
