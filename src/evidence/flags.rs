//! What a person should look at in a month of a site. None of it proves
//! anything, and none of it changes a figure.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;

use crate::base::{IntervalSet, SiteId};

/// Until when it is night.
const MORNING: Time = Time::constant(6, 0, 0, 0);
/// An hour of a month at night may be a clock that was set wrong.
const NIGHT_MS: i64 = 3_600_000;
/// So many playbacks without a single pause are no evenings of people.
const PLAYBACKS: u64 = 20;
/// So many studies with one headcount.
const STUDIES: usize = 4;
/// A few people are easily the same few.
const PEOPLE: u32 = 8;
/// So many days on which two sites play at the same times …
const DAYS: usize = 3;
/// … but for so much, ms: channels begin for all at once, people come and go.
const ALIKE_MS: i64 = 2000;
/// A day that is shorter says nothing.
const SHORT_MS: i64 = 600_000;

/// A month of a site, as far as it is looked at.
#[derive(Debug, Clone, Default)]
pub struct MonthSeen {
    /// What was watched, ms of the epoch, by day of the county.
    pub days: BTreeMap<Date, IntervalSet>,
    /// Playbacks of players that say when they are paused.
    pub playbacks: u64,
    /// How long these were paused, hidden or waited for the line, ms; none: not known of all.
    pub idle_ms: Option<i64>,
    /// Headcounts of group studies.
    pub headcounts: Vec<u32>,
}

/// What is conspicuous.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Flag {
    /// It played at night, ms.
    Night(i64),
    /// So many playbacks, and never a pause or a line that was down.
    NeverPaused(u64),
    /// So many group studies of so many people, always.
    SameHeadcount(usize, u32),
    /// On so many days another site played at the same times.
    SameTimes(SiteId, usize),
    /// So many names stand on rosters here and at another site at the same time.
    TwoPlaces(SiteId, usize),
}

/// The flags of each site that has any.
pub fn flags(all: &BTreeMap<SiteId, MonthSeen>, tz: &TimeZone) -> BTreeMap<SiteId, Vec<Flag>> {
    let mut out: BTreeMap<SiteId, Vec<Flag>> = BTreeMap::new();
    for (site, month) in all {
        let own = of_one(month, tz);
        if !own.is_empty() {
            out.insert(site.clone(), own);
        }
    }
    for ((one, other), days) in alike(all) {
        out.entry(one.clone()).or_default().push(Flag::SameTimes(other.clone(), days));
        out.entry(other.clone()).or_default().push(Flag::SameTimes(one.clone(), days));
    }
    out
}

fn of_one(month: &MonthSeen, tz: &TimeZone) -> Vec<Flag> {
    let mut out = Vec::new();
    let night: i64 = month.days.iter().map(|(day, watched)| at_night(*day, watched, tz)).sum();
    if night >= NIGHT_MS {
        out.push(Flag::Night(night));
    }
    if month.playbacks >= PLAYBACKS && month.idle_ms == Some(0) {
        out.push(Flag::NeverPaused(month.playbacks));
    }
    if let [first, rest @ ..] = &month.headcounts[..]
        && month.headcounts.len() >= STUDIES
        && *first >= PEOPLE
        && rest.iter().all(|n| n == first)
    {
        out.push(Flag::SameHeadcount(month.headcounts.len(), *first));
    }
    out
}

fn at_night(day: Date, watched: &IntervalSet, tz: &TimeZone) -> i64 {
    let instant = |time| tz.to_ambiguous_timestamp(day.to_datetime(time)).compatible().ok();
    let (Some(from), Some(to)) = (instant(Time::midnight()), instant(MORNING)) else { return 0 };
    watched.clipped(from.as_millisecond(), to.as_millisecond()).total()
}

/// Pairs of sites that played at the same times on [`DAYS`] days or more.
fn alike(all: &BTreeMap<SiteId, MonthSeen>) -> BTreeMap<(&SiteId, &SiteId), usize> {
    // Times are compared within buckets of twice the tolerance, each site in two of them.
    let mut buckets: BTreeMap<(Date, i64), BTreeSet<&SiteId>> = BTreeMap::new();
    for (site, month) in all {
        for (day, watched) in month.days.iter().filter(|(_, w)| w.total() >= SHORT_MS) {
            let Some((start, _)) = watched.iter().next() else { continue };
            let bucket = start.div_euclid(2 * ALIKE_MS);
            for near in [bucket, bucket + 1] {
                buckets.entry((*day, near)).or_default().insert(site);
            }
        }
    }
    let mut days: BTreeMap<(&SiteId, &SiteId), BTreeSet<Date>> = BTreeMap::new();
    for ((day, _), sites) in &buckets {
        for one in sites {
            for other in sites.iter().filter(|other| other > &one) {
                if same(&all[*one].days[day], &all[*other].days[day]) {
                    days.entry((one, other)).or_default().insert(*day);
                }
            }
        }
    }
    let often = days.into_iter().filter(|(_, days)| days.len() >= DAYS);
    often.map(|(pair, days)| (pair, days.len())).collect()
}

fn same(one: &IntervalSet, other: &IntervalSet) -> bool {
    let near = |a: i64, b: i64| (a - b).abs() <= ALIKE_MS;
    one.iter().count() == other.iter().count()
        && one.iter().zip(other.iter()).all(|((a, b), (c, d))| near(a, c) && near(b, d))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site(id: &str) -> SiteId {
        SiteId::new(id).expect("an id")
    }

    fn day(n: i8) -> Date {
        jiff::civil::date(2026, 11, n)
    }

    /// Watched from `hour` on day `n` (UTC) for `minutes`, `late_ms` late.
    fn watched(n: i8, hour: i8, minutes: i64, late_ms: i64) -> (Date, IntervalSet) {
        let start = TimeZone::UTC.to_timestamp(day(n).at(hour, 0, 0, 0)).expect("an instant");
        let start = start.as_millisecond() + late_ms;
        let mut set = IntervalSet::new();
        set.insert(start, start + minutes * 60_000);
        (day(n), set)
    }

    fn found(sites: Vec<(&str, MonthSeen)>) -> BTreeMap<SiteId, Vec<Flag>> {
        flags(&sites.into_iter().map(|(id, month)| (site(id), month)).collect(), &TimeZone::UTC)
    }

    fn evenings(late: [i64; 4]) -> MonthSeen {
        let days = (1i8..).zip(late).map(|(n, late)| watched(n, 19, 60, late)).collect();
        MonthSeen { days, playbacks: 4, idle_ms: Some(0), headcounts: vec![] }
    }

    #[test]
    fn evenings_of_people_bear_no_flag() {
        let one = MonthSeen { headcounts: vec![12, 14, 9, 12], ..evenings([0, 9_000, 4_000, 60_000]) };
        let other = MonthSeen { headcounts: vec![4, 4, 4, 4], ..evenings([7_000, 3_000, 31_000, 0]) };
        let often = MonthSeen { playbacks: 40, idle_ms: Some(30_000), ..evenings([-70_000; 4]) };
        let unknown = MonthSeen { playbacks: 40, idle_ms: None, ..evenings([-150_000; 4]) };
        assert_eq!(found(vec![("a", one), ("b", other), ("c", often), ("d", unknown)]), BTreeMap::new());
    }

    #[test]
    fn what_machines_do_is_shown() {
        let night =
            MonthSeen { days: [watched(1, 0, 40, 0), watched(2, 3, 40, 0)].into(), ..MonthSeen::default() };
        let tireless = MonthSeen { playbacks: 31, idle_ms: Some(0), ..MonthSeen::default() };
        let full = MonthSeen { headcounts: vec![20; 5], ..MonthSeen::default() };
        let flags = found(vec![("a", night), ("b", tireless), ("c", full)]);
        assert_eq!(flags[&site("a")], [Flag::Night(80 * 60_000)]);
        assert_eq!(flags[&site("b")], [Flag::NeverPaused(31)]);
        assert_eq!(flags[&site("c")], [Flag::SameHeadcount(5, 20)]);
    }

    #[test]
    fn one_file_of_times_for_two_sites_is_found_across_the_edges_of_buckets() {
        for offset in 0..9 {
            let shift = |by: i64| [0i64, 5_000, 11_000, 60_000].map(|late| late + offset * 500 + by);
            let flags = found(vec![("a", evenings(shift(0))), ("b", evenings(shift(1999)))]);
            assert_eq!(flags[&site("a")], [Flag::SameTimes(site("b"), 4)], "{offset}");
            assert_eq!(flags[&site("b")], [Flag::SameTimes(site("a"), 4)]);
            assert!(found(vec![("a", evenings(shift(0))), ("b", evenings(shift(2001)))]).is_empty());
        }
    }
}
