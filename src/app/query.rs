//! What addresses say after their question mark.

use jiff::Timestamp;

/// The first value called `name`, as it stands there.
pub(super) fn param<'q>(query: &'q str, name: &str) -> Option<&'q str> {
    query.split('&').filter_map(|p| p.split_once('=')).find(|(k, _)| *k == name).map(|(_, v)| v)
}

/// RFC 3339 (colons may be escaped), or seconds of the epoch as IPTV players send them.
pub(super) fn instant(text: Option<&str>) -> Option<Timestamp> {
    let text = percent_encoding::percent_decode_str(text?).decode_utf8().ok()?;
    match text.parse::<i64>() {
        Ok(seconds) => Timestamp::from_second(seconds).ok(),
        Err(_) => text.parse().ok(),
    }
}
