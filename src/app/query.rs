//! What addresses say after their question mark.

use jiff::Timestamp;

/// The first value called `name`, as it stands there.
pub(super) fn param<'q>(query: &'q str, name: &str) -> Option<&'q str> {
    query.split('&').filter_map(|p| p.split_once('=')).find(|(k, _)| *k == name).map(|(_, v)| v)
}

/// The part of the past from `from` to `to`, or to `now`; an error says what was expected.
pub(super) fn span(query: &str, now: Timestamp) -> Result<Option<(Timestamp, Timestamp)>, &'static str> {
    let (from, to) = match (param(query, "from"), param(query, "to")) {
        (None, None) => return Ok(None),
        (from, to) => (instant(from), to.map_or(Some(now), |t| instant(Some(t)))),
    };
    match (from, to) {
        (Some(from), Some(to)) if from < to => Ok(Some((from, to))),
        _ => Err("expected from and to as instants (RFC 3339) or seconds of the epoch, from first"),
    }
}

/// RFC 3339 (colons may be escaped), or seconds of the epoch as IPTV players send them.
fn instant(text: Option<&str>) -> Option<Timestamp> {
    let text = percent_encoding::percent_decode_str(text?).decode_utf8().ok()?;
    match text.parse::<i64>() {
        Ok(seconds) => Timestamp::from_second(seconds).ok(),
        Err(_) => text.parse().ok(),
    }
}
