//! Days where the county is.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// The first instant of a day in a zone, and the first after it.
///
/// # Errors
/// The day is the last one there is.
pub fn day_span(day: Date, tz: &TimeZone) -> Result<(Timestamp, Timestamp), jiff::Error> {
    let start = |d: Date| tz.to_timestamp(d.at(0, 0, 0, 0));
    Ok((start(day)?, start(day.tomorrow()?)?))
}

/// The day in a zone that an instant lies in.
pub fn day_of(at: Timestamp, tz: &TimeZone) -> Date {
    at.to_zoned_datetime(tz.clone()).date()
}
