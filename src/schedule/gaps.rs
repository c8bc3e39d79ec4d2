//! Gaps longer than the channel's limit. Only an entry that says its end can
//! leave one: how long lessons are is not known here.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::Plan;
use super::model::Weekly;
use super::overlap::{clock, week};
use super::parse::Dated;
use crate::base::document::{At, Document};
use crate::base::{Fault, Problem};

/// Adds a warning for each gap of the week, and for each that a dated entry tears.
pub(super) fn warn(
    doc: &Document<'_>,
    plan: &Plan,
    weekly: &[At<Weekly>],
    dated: &[At<Dated>],
    limit: Duration,
    warnings: &mut Vec<Problem>,
) {
    of_the_week(doc, weekly, limit, warnings);
    let usual = Plan { once: Vec::new(), ..plan.clone() };
    for entry in dated {
        for (from, to) in around(plan, &entry.value) {
            let long =
                from.duration_until(to) > SignedDuration::try_from(limit).unwrap_or(SignedDuration::MAX);
            // What is empty every week was reported there.
            if long && !usual.between(from, to).is_empty() {
                let message = told(Duration::try_from(from.duration_until(to)).unwrap_or_default(), limit);
                let at = from.to_zoned_datetime(plan.tz.clone()).strftime("%Y-%m-%d %H:%M").to_string();
                warnings.push(doc.place(
                    entry.at,
                    Fault::Gap,
                    format!("{message} from {at}: a dated entry replaced it"),
                ));
            }
        }
    }
}

fn told(gap: Duration, limit: Duration) -> String {
    let minutes = |d: Duration| d.as_secs() / 60;
    format!("nothing is planned for {} min (the channel's limit is {} min)", minutes(gap), minutes(limit))
}

fn of_the_week(doc: &Document<'_>, weekly: &[At<Weekly>], limit: Duration, warnings: &mut Vec<Problem>) {
    const WEEK: i64 = 7 * 86_400;
    let spans = week(weekly);
    let Some(first) = spans.first() else { return };
    let first_again = first.start + WEEK;
    // One warning for an entry, however many days it stands on.
    let mut found: BTreeMap<usize, (i64, i64, usize)> = BTreeMap::new();
    for (i, span) in spans.iter().enumerate().filter(|(_, s)| s.ends) {
        let next = spans.get(i + 1).map_or(first_again, |n| n.start);
        let gap = next - span.end;
        if gap > 0 && Duration::from_secs(gap as u64) > limit {
            let entry = found.entry(span.index).or_insert((gap, span.end, 0));
            entry.2 += 1;
        }
    }
    for (index, (gap, end, days)) in found {
        let more = if days > 1 { format!(" (and {} more times a week)", days - 1) } else { String::new() };
        let message = told(Duration::from_secs(gap as u64), limit);
        warnings.push(doc.place(
            weekly[index].at,
            Fault::Gap,
            format!("{message} after this entry, from {}{more}", clock(end)),
        ));
    }
}

/// The empty stretches just before and just after a dated entry.
fn around(plan: &Plan, dated: &Dated) -> Vec<(Timestamp, Timestamp)> {
    let start = dated.once.start;
    let day = SignedDuration::from_hours(24);
    let mut empty = Vec::new();
    let earlier = start.checked_sub(day).unwrap_or(Timestamp::MIN);
    let before = plan.between(earlier, start).into_iter().rfind(|p| p.start < start);
    match before {
        Some(p) => empty.extend(p.end.filter(|end| *end < start).map(|end| (end, start))),
        None => empty.push((earlier, start)),
    }
    if let Some(end) = dated.once.end {
        let slot = plan.at(end);
        if slot.programme.is_none() {
            empty.push((end, slot.until));
        }
    }
    empty
}
