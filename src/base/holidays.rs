//! Days on which the week is not what it usually is: 节假日 and 调休.

use std::collections::BTreeMap;

use jiff::civil::Date;

use super::Fault;
use super::document::{Document, Fields, did_you_mean};

/// The names of the days of the week, Monday first.
pub const DAY_NAMES: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// Days on which the weekly entries of another day of the week stand, Monday
/// being 0, or none.
pub type Holidays = BTreeMap<Date, Option<usize>>;

/// Longest stretch of one entry, days: a year that was mistyped is no holiday.
const LONGEST: i32 = 60;

/// `[[holiday]]` of a file. Of entries that hold the same day the last stands.
pub(crate) fn read_holidays(doc: &Document<'_>, root: &Fields<'_, '_>) -> Holidays {
    let mut holidays = Holidays::new();
    for f in root.tables("holiday") {
        let from = f.required::<Date>("from", "its first day, such as 2026-10-01");
        let to = f.optional::<Date>("to");
        let like =
            f.required::<String>("like", "the day whose programmes stand, such as \"sun\", or \"none\"");
        f.close();
        let (Some(from), Some(like)) = (from, like) else { continue };
        let day = match DAY_NAMES.iter().position(|d| *d == like.value) {
            None if like.value == "none" => None,
            None => {
                let hint = did_you_mean(&like.value, DAY_NAMES.into_iter().chain(["none"]));
                doc.problem(like.at, Fault::Value, format!("unknown day `{}`{hint}", like.value));
                continue;
            }
            some => some,
        };
        let (last, at) = to.map_or((from.value, from.at), |to| (to.value, to.at));
        let days = (last - from.value).get_days();
        if !(0..LONGEST).contains(&days) {
            let message = format!("expected a day from {} on, at most {LONGEST} days later", from.value);
            doc.problem(at, Fault::Range, message);
            continue;
        }
        let all = std::iter::successors(Some(from.value), |d| d.tomorrow().ok());
        holidays.extend(all.take_while(|d| *d <= last).map(|d| (d, day)));
    }
    holidays
}
