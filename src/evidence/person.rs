//! People on rosters: how long one studied, and who stands on two rosters at once.

use std::collections::BTreeMap;

use crate::base::{IntervalSet, SiteId};

use super::study::Study;

/// When somebody was at a site, ms of the epoch, and which.
type Place<'a> = ((i64, i64), &'a SiteId);

/// How long somebody on the rosters of these `studies` studied, ms: of each the part in which its
/// site verifiably played, each moment once, wherever it was.
pub fn attended_ms<'a>(studies: impl IntoIterator<Item = (&'a Study, &'a IntervalSet)>) -> i64 {
    let mut all = IntervalSet::new();
    for (study, played) in studies.into_iter().filter(|(study, _)| !study.void) {
        let (start, end) = study.span();
        all.union(&played.clipped(start, end));
    }
    all.total()
}

/// Names that stand on rosters of two sites at the same time: for each site how many do at
/// another. It may be two people of one name; a person has to look.
pub fn elsewhere<'a>(
    studies: impl IntoIterator<Item = &'a Study>,
) -> BTreeMap<SiteId, BTreeMap<SiteId, usize>> {
    let mut by_name: BTreeMap<&str, Vec<Place<'_>>> = BTreeMap::new();
    for study in studies.into_iter().filter(|study| !study.void && study.end.is_some()) {
        for name in &study.roster {
            by_name.entry(name).or_default().push((study.span(), &study.site));
        }
    }
    let mut out: BTreeMap<SiteId, BTreeMap<SiteId, usize>> = BTreeMap::new();
    for places in by_name.values_mut() {
        places.sort_unstable();
        let mut pairs: Vec<(&SiteId, &SiteId)> = Vec::new();
        for (n, ((_, end), here)) in places.iter().enumerate() {
            let overlapping = places[n + 1..].iter().take_while(|((start, _), _)| start < end);
            let others = overlapping.map(|(_, there)| *there).filter(|there| there != here);
            pairs.extend(others.flat_map(|there| [(*here, there), (there, *here)]));
        }
        // One person is one, however often.
        pairs.sort_unstable();
        pairs.dedup();
        for (here, there) in pairs {
            *out.entry(here.clone()).or_default().entry(there.clone()).or_default() += 1;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use proptest::prelude::*;

    use super::*;
    use crate::evidence::testing::a_study;

    fn second(s: i64) -> Timestamp {
        Timestamp::from_second(1_790_000_000 + s).expect("an instant")
    }

    fn study(site: &str, start: i64, end: i64, roster: &[&str]) -> Study {
        let roster = roster.iter().map(|name| (*name).to_owned()).collect();
        Study { site: SiteId::new(site).expect("an id"), roster, ..a_study(second(start), second(end)) }
    }

    #[test]
    fn nobody_is_at_two_sites_at_once_unseen() {
        let all = [
            study("dongmen", 0, 3600, &["Bolat", "Gulnar", "Erkin"]),
            study("baghcha", 1800, 5400, &["Bolat", "Gulnar"]),
            study("baghcha", 2000, 2100, &["Bolat"]),
            // One after the other, and twice at the same site, is nothing to look at.
            study("tuman", 5400, 7200, &["Bolat"]),
            study("dongmen", 1000, 2000, &["Erkin"]),
        ];
        let found = elsewhere(&all);
        let count = |here: &str, there: &str| {
            let id = |text| SiteId::new(text).expect("an id");
            found.get(&id(here)).and_then(|others| others.get(&id(there))).copied()
        };
        assert_eq!((count("dongmen", "baghcha"), count("baghcha", "dongmen")), (Some(2), Some(2)));
        assert_eq!(found.len(), 2, "{found:?}");
        let void: Vec<Study> = all.iter().map(|s| Study { void: true, ..s.clone() }).collect();
        assert!(elsewhere(&void).is_empty());
    }

    proptest! {
        #[test]
        fn a_person_s_hours_are_a_union(
            spans in prop::collection::vec((0i64..5000, 0i64..2000, any::<bool>()), 0..8),
            (from, long) in (0i64..5000, 0i64..3000),
        ) {
            let mut played = IntervalSet::new();
            played.insert(second(from).as_millisecond(), second(from + long).as_millisecond());
            let site = |here: bool| if here { "dongmen" } else { "baghcha" };
            let all: Vec<Study> =
                spans.iter().map(|(at, long, here)| study(site(*here), *at, at + long, &["Bolat"])).collect();
            let ms = attended_ms(all.iter().map(|s| (s, &played)));
            prop_assert!(ms <= played.total());
            prop_assert!(ms <= all.iter().map(|s| s.verified_ms(&played)).sum::<i64>());
            prop_assert_eq!(attended_ms(all.iter().chain(&all).map(|s| (s, &played))), ms);
            // Whoever is found at one site is found at the other.
            for (here, others) in elsewhere(&all) {
                for (there, count) in others {
                    prop_assert!(here != there);
                    prop_assert_eq!(elsewhere(&all)[&there][&here], count);
                }
            }
        }
    }
}
