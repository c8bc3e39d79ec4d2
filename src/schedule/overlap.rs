//! Overlaps among equals: weekly with weekly, dated with dated.

use std::collections::BTreeSet;

use super::model::Weekly;
use super::parse::Dated;
use crate::base::document::{At, Document};
use crate::base::{DAY_NAMES, Fault};

const DAY: i64 = 86_400;
const WEEK: i64 = 7 * DAY;

/// What an entry holds of a line of seconds. One without end holds its first second.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) start: i64,
    pub(super) end: i64,
    /// Which entry.
    pub(super) index: usize,
    /// The entry says an end.
    pub(super) ends: bool,
}

/// The weekly entries on the seconds of a week, in order.
pub(super) fn week(weekly: &[At<Weekly>]) -> Vec<Span> {
    let mut spans = Vec::new();
    for (index, w) in weekly.iter().enumerate() {
        let second = |t: jiff::civil::Time| {
            i64::from(t.hour()) * 3600 + i64::from(t.minute()) * 60 + i64::from(t.second())
        };
        let length = w.value.end.map(|end| match (second(end) - second(w.value.start)).rem_euclid(DAY) {
            0 => DAY,
            seconds => seconds,
        });
        for day in (0..7).filter(|d| w.value.days[*d]) {
            let start = day as i64 * DAY + second(w.value.start);
            spans.push(Span { start, end: start + length.unwrap_or(1), index, ends: length.is_some() });
        }
    }
    spans.sort_by_key(|s| (s.start, s.index));
    spans
}

/// A second of the week as people write it.
pub(super) fn clock(second: i64) -> String {
    let second = second.rem_euclid(WEEK);
    let name = DAY_NAMES[(second / DAY) as usize];
    format!("{name} {:02}:{:02}", second % DAY / 3600, second % 3600 / 60)
}

/// Reports each pair of entries that overlap, at the later one in the file.
pub(super) fn report(doc: &Document<'_>, weekly: &[At<Weekly>], dated: &[At<Dated>]) {
    let mut spans = week(weekly);
    // Sunday night reaches into Monday.
    let again: Vec<Span> =
        spans.iter().map(|s| Span { start: s.start + WEEK, end: s.end + WEEK, ..s.clone() }).collect();
    spans.extend(again);
    for (a, b, at) in pairs(&spans) {
        let (first, second) = (weekly[a].at, weekly[b].at);
        tell(doc, first, second, "weekly", &clock(at));
    }
    let mut spans: Vec<Span> =
        dated.iter().enumerate().map(|(index, d)| dated_span(index, &d.value)).collect();
    spans.sort_by_key(|s| (s.start, s.index));
    for (a, b, at) in pairs(&spans) {
        let (first, second) = (&dated[a], &dated[b]);
        let later = if first.value.once.start.as_second() == at { first } else { second };
        let when = format!("{} {}", later.value.date, later.value.start.strftime("%H:%M"));
        tell(doc, first.at, second.at, "dated", &when);
    }
}

fn dated_span(index: usize, dated: &Dated) -> Span {
    let start = dated.once.start.as_second();
    let end = dated.once.end.map_or(start + 1, |e| e.as_second());
    Span { start, end, index, ends: dated.end.is_some() }
}

fn tell(doc: &Document<'_>, first: usize, second: usize, kind: &str, when: &str) {
    let (first, second) = (first.min(second), first.max(second));
    let line = doc.line(first);
    let message =
        format!("overlaps the {kind} entry of line {line} at {when}: move one or give the other an end");
    doc.problem(second, Fault::Overlap, message);
}

/// Each pair of entries that overlap, once, with where they first do.
fn pairs(spans: &[Span]) -> Vec<(usize, usize, i64)> {
    let mut seen = BTreeSet::new();
    let mut pairs = Vec::new();
    for (i, a) in spans.iter().enumerate() {
        for b in spans[i + 1..].iter().take_while(|b| b.start < a.end) {
            if a.index != b.index && seen.insert((a.index.min(b.index), a.index.max(b.index))) {
                pairs.push((a.index, b.index, b.start));
            }
        }
    }
    pairs
}
