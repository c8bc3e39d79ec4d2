//! What files and streams of others say of themselves, for the fuzzer.

use super::pes::{Adts, ParameterSets};
use super::{Listing, read_dvb_text, samples};

/// A transport stream in two parts, and its texts.
pub(crate) fn listing(data: &[u8]) {
    let (mut listing, half) = (Listing::default(), data.len() / 2);
    for part in [&data[..half], &data[half..]] {
        let _ = listing.take(part);
    }
    let _ = read_dvb_text(data);
}

/// A header and a fragment.
pub(crate) fn fragments(data: &[u8]) {
    let half = data.len() / 2;
    let _ = samples(&data[..half], &data[half..]);
    let _ = samples(data, data);
}

/// What decoders are told before they begin.
pub(crate) fn configurations(data: &[u8]) {
    let half = data.len() / 2;
    if let Ok(sets) = ParameterSets::read(&data[..half]) {
        let _ = sets.byte_stream(true, &data[half..]);
    }
    if let Ok(adts) = Adts::read(&data[..half]) {
        let _ = adts.frame(&data[half..]);
    }
}
