//! Segments as boxes (ISO/IEC 14496-12, ISO/IEC 23000-19).

/// The types of the boxes that `bytes` consist of; an error where they do not.
fn boxes(bytes: &[u8]) -> Result<Vec<String>, String> {
    let mut rest = bytes;
    let mut found = Vec::new();
    while !rest.is_empty() {
        let head: [u8; 8] = rest.get(..8).and_then(|h| h.try_into().ok()).ok_or("a torn box at the end")?;
        let [a, b, c, d, kind @ ..] = head;
        let size = u32::from_be_bytes([a, b, c, d]) as usize;
        let kind = String::from_utf8_lossy(&kind).into_owned();
        if size < 8 || size > rest.len() {
            return Err(format!("box `{kind}` of {size} bytes where {} are left", rest.len()));
        }
        rest = &rest[size..];
        found.push(kind);
    }
    Ok(found)
}

/// A media segment: `styp`, then one or more pairs of `moof` and `mdat`.
pub(crate) fn is_media(bytes: &[u8]) -> Result<(), String> {
    let found = boxes(bytes)?;
    let essential: Vec<&str> = found
        .iter()
        .map(String::as_str)
        .filter(|k| !matches!(*k, "sidx" | "prft" | "emsg" | "styp"))
        .collect();
    let pairs = essential.chunks(2).all(|pair| pair == ["moof", "mdat"]);
    if found.first().is_some_and(|k| k == "styp") && essential.len() >= 2 && pairs {
        Ok(())
    } else {
        Err(format!("expected styp, moof, mdat; found {found:?}"))
    }
}

/// When a media segment's first frame is shown, ticks.
pub(crate) fn shown_at(bytes: &[u8]) -> Result<i128, String> {
    let inner = |name| ["moof", "traf", name].iter().try_fold(bytes, |within, kind| child(within, kind));
    // Version 1 and flags, then the time (ISO/IEC 14496-12 §8.8.12).
    let Some(([1, ..], time)) = inner("tfdt").and_then(|tfdt| tfdt.split_first_chunk::<4>()) else {
        return Err("no decoding time of 64 bits".into());
    };
    let time = u64::from_be_bytes(time.try_into().map_err(|_| "a decoding time of 64 bits is torn")?);
    let offset = inner("trun").and_then(first_offset).ok_or("no run of frames")?;
    Ok(i128::from(time) + i128::from(offset))
}

/// The composition offset of the first frame of a `trun` (ISO/IEC 14496-12 §8.8.8), 0 if it has none.
fn first_offset(trun: &[u8]) -> Option<i32> {
    let word = |n: usize| Some(u32::from_be_bytes(*trun.get(4 * n..)?.first_chunk()?));
    let flags = word(0)? & 0xff_ffff;
    if flags & 0x800 == 0 {
        return Some(0);
    }
    let has = |bits: &[u32]| bits.iter().filter(|bit| flags & **bit != 0).count();
    // Flags and count; offset of the data, flags of the first; its duration, size, flags.
    word(2 + has(&[0x1, 0x4, 0x100, 0x200, 0x400])).map(u32::cast_signed)
}

/// What is in the first box of `kind`.
fn child<'a>(mut bytes: &'a [u8], kind: &str) -> Option<&'a [u8]> {
    loop {
        let size = u32::from_be_bytes(*bytes.first_chunk()?) as usize;
        if bytes.get(4..8)? == kind.as_bytes() {
            return bytes.get(8..size);
        }
        bytes = bytes.get(size.max(8)..)?;
    }
}

/// An initialisation segment: `ftyp` and `moov`.
pub(crate) fn is_init(bytes: &[u8]) -> Result<(), String> {
    let found = boxes(bytes)?;
    let good =
        found.first().is_some_and(|k| k == "ftyp") && found.iter().filter(|k| *k == "moov").count() == 1;
    if good { Ok(()) } else { Err(format!("expected ftyp and moov; found {found:?}")) }
}
