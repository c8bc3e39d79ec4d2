//! Figures of sites by month and year: group studies, their verified time, what was played.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};

use crate::base::{IntervalSet, SiteId, day_span};
use crate::evidence::{MONTH_STUDIES, Studied, YEAR_HOURS, studied};
use crate::sites::{Registry, Site};
use crate::store::{PlayedDays, StoredStudy};

use super::views::FigureRow;

/// A group study, and what its site verifiably played while it ran.
pub(super) type StudyPlayed = (StoredStudy, IntervalSet);

/// A month of the county.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Month {
    first: Date,
}

impl Month {
    /// The one that `day` lies in.
    pub(super) fn of(day: Date) -> Self {
        Self { first: day.first_of_month() }
    }

    /// Reads `2026-11`.
    pub(super) fn read(text: &str) -> Option<Self> {
        let first: Date = format!("{text}-01").parse().ok()?;
        (text.len() == 7).then_some(Self { first })
    }

    /// As it is read.
    pub(super) fn text(self) -> String {
        self.first.strftime("%Y-%m").to_string()
    }

    /// Its first day and its last.
    pub(super) fn days(self) -> (Date, Date) {
        (self.first, self.first.last_of_month())
    }

    /// The first day of its year and its own last.
    pub(super) fn year_days(self) -> (Date, Date) {
        (self.first.first_of_year(), self.first.last_of_month())
    }

    /// So many months on.
    pub(super) fn plus(self, months: i32) -> Option<Self> {
        self.first.checked_add(months.months()).ok().map(Self::of)
    }

    /// From its first instant to that of the next.
    pub(super) fn span(self, tz: &TimeZone) -> (Timestamp, Timestamp) {
        let next = self.plus(1).map_or(self.first, |m| m.first);
        (instant(self.first, tz), instant(next, tz))
    }

    /// From the first instant of its year to its own last.
    pub(super) fn year_so_far(self, tz: &TimeZone) -> (Timestamp, Timestamp) {
        (instant(self.first.first_of_year(), tz), self.span(tz).1)
    }

    fn number(self) -> u32 {
        u32::try_from(self.first.month()).unwrap_or(1)
    }
}

fn instant(day: Date, tz: &TimeZone) -> Timestamp {
    day_span(day, tz).map_or(Timestamp::UNIX_EPOCH, |(start, _)| start)
}

/// What a site has of a stretch of time.
pub(super) fn of_site(studies: &[&StudyPlayed], span: (Timestamp, Timestamp)) -> Studied {
    let mut played = IntervalSet::new();
    for (_, wall) in studies {
        played.union(wall);
    }
    studied(studies.iter().map(|(s, _)| &s.study), &played, span)
}

/// Whether the standard of the year is met by the end of its month `month`: two group studies a
/// month, and that part of the year's hours.
fn meets(year: &Studied, month: u32) -> bool {
    year.count >= MONTH_STUDIES * month
        && year.verified_ms >= i64::from(YEAR_HOURS) * 3_600_000 * i64::from(month) / 12
}

/// A row for each of `sites`, in their order.
pub(super) fn rows<'a>(
    sites: impl Iterator<Item = &'a Site>,
    registry: &Registry,
    (month, tz): (Month, &TimeZone),
    studies: &[StudyPlayed],
    played: &PlayedDays,
) -> Vec<FigureRow> {
    let mut by_site: BTreeMap<&SiteId, Vec<&StudyPlayed>> = BTreeMap::new();
    for study in studies {
        by_site.entry(&study.0.study.site).or_default().push(study);
    }
    let (first, last) = month.days();
    let row = |site: &'a Site| {
        let mine = by_site.get(&site.id).map_or(&[][..], Vec::as_slice);
        let (of_month, of_year) = (of_site(mine, month.span(tz)), of_site(mine, month.year_so_far(tz)));
        let days = played.get(&site.id);
        let minutes = |day: Date| days.and_then(|d| d.get(&day)).map_or(0, |d| d.verified_ms / 60_000);
        let all = || days.into_iter().flatten().filter(|(day, _)| (first..=last).contains(*day));
        FigureRow {
            site: site.id.clone(),
            names: site.names.clone(),
            township: registry.townships.get(&site.township).map(|t| t.names.clone()).unwrap_or_default(),
            studies: of_month.count,
            studied_ms: of_month.verified_ms,
            people: of_month.people.checked_div(u64::from(of_month.count)).unwrap_or_default(),
            verified_ms: all().map(|(_, d)| d.verified_ms).sum(),
            sealed_ms: all().map(|(_, d)| d.sealed_ms).sum(),
            days: first.series(1.day()).take_while(|day| *day <= last).map(minutes).collect(),
            year_studies: of_year.count,
            year_ms: of_year.verified_ms,
            meets: meets(&of_year, month.number()),
            looks: Vec::new(),
        }
    };
    sites.map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_is_read_as_it_is_written() {
        let month = Month::read("2026-11").expect("a month");
        assert_eq!(month.text(), "2026-11");
        assert_eq!(month.plus(2).map(Month::text), Some("2027-01".into()));
        assert_eq!(month.days().1, jiff::civil::date(2026, 11, 30));
        for bad in ["", "2026", "2026-13", "2026-1", "2026-11-01", "x"] {
            assert_eq!(Month::read(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_standard_grows_with_the_year() {
        let year = |count, hours: i64| Studied { count, verified_ms: hours * 3_600_000, people: 0 };
        assert!(meets(&year(2, 4), 1) && meets(&year(24, 48), 12));
        assert!(!meets(&year(1, 4), 1) && !meets(&year(2, 3), 1) && !meets(&year(22, 48), 12));
    }
}
