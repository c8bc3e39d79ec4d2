//! Moving a fragment on the timeline: its decoding time is one number.

/// Bytes that are no CMAF fragment with a 64-bit decoding time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a CMAF fragment (moof/traf/tfdt of version 1)")]
pub struct NotAFragment;

/// Adds `shift_us` microseconds to the decoding times of the CMAF fragments in
/// `bytes`, whose track has `timescale` ticks per second (ISO/IEC 14496-12
/// §8.8.12). The result is rounded down to a tick and never under 0.
pub fn retime(bytes: &mut [u8], timescale: u32, shift_us: i64) -> Result<(), NotAFragment> {
    let (first, mut rest) = child(bytes, b"moof").ok_or(NotAFragment)?;
    retime_moof(first, timescale, shift_us)?;
    while let Some((moof, more)) = child(rest, b"moof") {
        retime_moof(moof, timescale, shift_us)?;
        rest = more;
    }
    Ok(())
}

fn retime_moof(moof: &mut [u8], timescale: u32, shift_us: i64) -> Result<(), NotAFragment> {
    let (traf, _) = child(moof, b"traf").ok_or(NotAFragment)?;
    let (tfdt, _) = child(traf, b"tfdt").ok_or(NotAFragment)?;
    let (version, rest) = tfdt.split_first_mut().ok_or(NotAFragment)?;
    let time: &mut [u8; 8] = rest.get_mut(3..).ok_or(NotAFragment)?.try_into().map_err(|_| NotAFragment)?;
    if *version != 1 {
        return Err(NotAFragment);
    }
    let ticks = (i128::from(shift_us) * i128::from(timescale)).div_euclid(1_000_000);
    let moved = (i128::from(u64::from_be_bytes(*time)) + ticks).clamp(0, i128::from(u64::MAX));
    *time = u64::try_from(moved).unwrap_or_default().to_be_bytes();
    Ok(())
}

/// What is in the first box of `kind` among `boxes`, and the boxes after it.
fn child<'a>(mut boxes: &'a mut [u8], kind: &[u8; 4]) -> Option<(&'a mut [u8], &'a mut [u8])> {
    const HEADER: usize = 8;
    loop {
        let (header, _) = boxes.split_first_chunk::<HEADER>()?;
        let [s0, s1, s2, s3, name @ ..] = *header;
        let size = usize::try_from(u32::from_be_bytes([s0, s1, s2, s3])).ok()?;
        // 64-bit sizes and boxes to the end of the file are not what we write.
        let (this, rest) = boxes.split_at_mut_checked(size.max(HEADER))?;
        if name == *kind {
            return Some((this.get_mut(HEADER..)?, rest));
        }
        boxes = rest;
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
        }
    }

    #[test]
    fn a_time_of_32_bits_is_refused() {
        assert_eq!(retime(&mut fragment(0, &[0; 4]), 90_000, 1), Err(NotAFragment));
        assert_eq!(retime(&mut fragment(0, &[0; 8]), 90_000, 1), Err(NotAFragment));
        assert_eq!(retime(&mut fragment(1, &[0; 4]), 90_000, 1), Err(NotAFragment));
    }
}
