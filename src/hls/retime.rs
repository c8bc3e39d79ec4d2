//! Moving a fragment on the timeline: its decoding time is one number.

use std::ops::Range;

/// Bytes that are no CMAF fragment with a 64-bit decoding time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a CMAF fragment (moof/traf/tfdt of version 1)")]
pub struct NotAFragment;

/// Adds `shift_us` microseconds to the decoding times of the CMAF fragments in
/// `bytes`, whose track has `timescale` ticks per second (ISO/IEC 14496-12
/// §8.8.12). The result is rounded down to a tick and never under 0.
pub fn retime(bytes: &mut [u8], timescale: u32, shift_us: i64) -> Result<(), NotAFragment> {
    let ticks = (i128::from(shift_us) * i128::from(timescale)).div_euclid(1_000_000);
    let mut moof = Some(child(bytes, 0..bytes.len(), b"moof").ok_or(NotAFragment)?);
    while let Some(found) = moof {
        let (after, time) = (found.end, time_in(bytes, found).ok_or(NotAFragment)?);
        let moved = (i128::from(time.1) + ticks).clamp(0, i128::from(u64::MAX));
        bytes[time.0].copy_from_slice(&u64::try_from(moved).unwrap_or_default().to_be_bytes());
        moof = child(bytes, after..bytes.len(), b"moof");
    }
    Ok(())
}

/// The decoding time of the first sample in `bytes`, a CMAF fragment, in ticks of its track.
pub fn decode_time(bytes: &[u8]) -> Result<u64, NotAFragment> {
    let moof = child(bytes, 0..bytes.len(), b"moof").ok_or(NotAFragment)?;
    time_in(bytes, moof).map(|(_, time)| time).ok_or(NotAFragment)
}

/// The 64-bit time of the `tfdt` in what is in a `moof`, and where it is.
fn time_in(bytes: &[u8], moof: Range<usize>) -> Option<(Range<usize>, u64)> {
    let traf = child(bytes, moof, b"traf")?;
    let tfdt = child(bytes, traf, b"tfdt")?;
    // Version 1 and flags, then the time.
    let ([1, ..], time) = bytes.get(tfdt.clone())?.split_first_chunk::<4>()? else { return None };
    Some((tfdt.start + 4..tfdt.end, u64::from_be_bytes(time.try_into().ok()?)))
}

/// Where in `bytes` is what is in the first box of `kind` among the boxes `within`.
fn child(bytes: &[u8], mut within: Range<usize>, kind: &[u8; 4]) -> Option<Range<usize>> {
    const HEADER: usize = 8;
    loop {
        let (header, _) = bytes.get(within.clone())?.split_first_chunk::<HEADER>()?;
        let [s0, s1, s2, s3, name @ ..] = *header;
        let size = usize::try_from(u32::from_be_bytes([s0, s1, s2, s3])).ok()?;
        // 64-bit sizes and boxes to the end of the file are not what we write.
        let end = within.start.checked_add(size.max(HEADER)).filter(|end| *end <= within.end)?;
        if name == *kind {
            return Some(within.start + HEADER..end);
        }
        within.start = end;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn boxed(kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
        let size = (content.len() as u32 + 8).to_be_bytes();
        [&size[..], kind, content].concat()
    }

    fn fragment(version: u8, time: &[u8]) -> Vec<u8> {
        let tfdt = boxed(b"tfdt", &[&[version, 0, 0, 0], time].concat());
        let traf = boxed(b"traf", &[boxed(b"tfhd", &[0; 8]), tfdt, boxed(b"trun", &[7; 12])].concat());
        let moof = boxed(b"moof", &[boxed(b"mfhd", &[0; 8]), traf].concat());
        [boxed(b"styp", b"msdh\0\0\0\0"), moof, boxed(b"mdat", b"tfdt is no box here")].concat()
    }

    proptest! {
        #[test]
        fn only_the_time_changes(before in 0u64..1 << 40, shift_us in 0i64..2_000_000_000_000_000) {
            let mut moved = fragment(1, &before.to_be_bytes());
            prop_assert_eq!(decode_time(&moved), Ok(before));
            retime(&mut moved, 90_000, shift_us).expect("a fragment");
            let after = before + (shift_us as u128 * 9 / 100) as u64;
            prop_assert_eq!(&moved, &fragment(1, &after.to_be_bytes()));
            let mut two = [fragment(1, &before.to_be_bytes()), fragment(1, &before.to_be_bytes())].concat();
            retime(&mut two, 90_000, shift_us).expect("two fragments");
            prop_assert_eq!(two, [&moved[..], &moved].concat());
        }

        #[test]
        fn nothing_makes_it_fall(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert_eq!(retime(&mut bytes.clone(), 48_000, 1).is_ok(), false);
            prop_assert!(decode_time(&bytes).is_err());
        }
    }

    #[test]
    fn a_time_of_32_bits_is_refused() {
        assert_eq!(retime(&mut fragment(0, &[0; 4]), 90_000, 1), Err(NotAFragment));
        assert_eq!(retime(&mut fragment(0, &[0; 8]), 90_000, 1), Err(NotAFragment));
        assert_eq!(retime(&mut fragment(1, &[0; 4]), 90_000, 1), Err(NotAFragment));
    }
}
