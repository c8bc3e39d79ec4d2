//! Times that a clock change skips or repeats.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{AmbiguousOffset, TimeZone};

use super::layers::weekday_index;
use super::model::Weekly;
use crate::base::Fault;
use crate::base::document::{At, Document};

/// The years a weekly entry is checked for. Fixed, so that a file that is good
/// today is not bad tomorrow; before them lie changes that zones have given up.
const YEARS: std::ops::Range<i16> = 2026..2051;

/// Reports the times of a dated entry that are skipped or stand twice.
pub(super) fn check_dated(
    doc: &Document<'_>,
    tz: &TimeZone,
    date: Date,
    start: &At<Time>,
    end: Option<&At<Time>>,
) {
    told(doc, tz, start.at, date.to_datetime(start.value));
    if let Some(end) = end {
        let day = if end.value > start.value { Ok(date) } else { date.tomorrow() };
        if let Ok(day) = day {
            told(doc, tz, end.at, day.to_datetime(end.value));
        }
    }
}

/// Reports the times of a weekly entry that are skipped or stand twice in any
/// year to come, each with the first such day.
pub(super) fn check_weekly(
    doc: &Document<'_>,
    tz: &TimeZone,
    weekly: &Weekly,
    start: &At<Time>,
    end: Option<&At<Time>>,
) {
    let days = days_of_change(tz);
    let stands = |day: Date| weekly.days[weekday_index(day.weekday())];
    let _ = days.iter().any(|day| stands(*day) && told(doc, tz, start.at, day.to_datetime(start.value)));
    if let Some(end) = end {
        let overnight = end.value <= start.value;
        let begins = |day: Date| if overnight { day.yesterday().unwrap_or(day) } else { day };
        let _ =
            days.iter().any(|day| stands(begins(*day)) && told(doc, tz, end.at, day.to_datetime(end.value)));
    }
}

/// Reports `time` if it is not exactly one instant; true if so.
fn told(doc: &Document<'_>, tz: &TimeZone, at: usize, time: DateTime) -> bool {
    let when = time.strftime("%Y-%m-%d %H:%M");
    let message = match tz.to_ambiguous_timestamp(time).offset() {
        AmbiguousOffset::Unambiguous { .. } => return false,
        AmbiguousOffset::Gap { .. } => format!("{when} does not exist: clocks are set forward over it"),
        AmbiguousOffset::Fold { .. } => format!("{when} stands twice: clocks are set back to it"),
    };
    doc.problem(at, Fault::Clock, message);
    true
}

/// The civil days that a change of the clock touches, before and after it.
fn days_of_change(tz: &TimeZone) -> Vec<Date> {
    let midnight =
        |year| Date::new(year, 1, 1).ok()?.to_zoned_datetime(tz.clone()).ok().map(|z| z.timestamp());
    let (Some(first), Some(last)) = (midnight(YEARS.start), midnight(YEARS.end)) else { return Vec::new() };
    let mut days = Vec::new();
    for change in tz.following(first).take_while(|c| c.timestamp() < last) {
        let just_before = change.timestamp().checked_sub(jiff::SignedDuration::from_nanos(1));
        let civil = |t: Timestamp| tz.to_datetime(t).date();
        days.extend(just_before.map(civil));
        days.push(civil(change.timestamp()));
    }
    days.dedup();
    days
}
