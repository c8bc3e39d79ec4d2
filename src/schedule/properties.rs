//! What holds for every plan, also for ones that `parse` refuses.

use jiff::civil::{Date, Time, date};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::model::{Entry, Once, Weekly, What, instants};
use super::series::Series;
use super::{Plan, Play, Programme};
use crate::base::{ChannelId, LessonId, RelayId, Titles};

fn a_play() -> impl Strategy<Value = Entry> {
    (0..4, any::<bool>(), 1u32..3).prop_map(|(what, repeat, episodes)| {
        let what = match what {
            0 | 1 => What::Play(Play::Relay(RelayId::new("national").unwrap())),
            2 => What::Play(Play::Lessons(vec![LessonId::new("grape-pruning").unwrap()])),
            _ => What::Series { series: 0, repeat, episodes },
        };
        Entry { titles: Titles::default(), what, keep: false, lang: None }
    })
}

/// Quarters of an hour, so that entries meet, touch and fall on clock changes.
fn a_time() -> impl Strategy<Value = Time> {
    (0i8..24, 0i8..4).prop_map(|(h, q)| Time::constant(h, q * 15, 0, 0))
}

fn a_weekly() -> impl Strategy<Value = Weekly> {
    (any::<[bool; 7]>(), a_time(), proptest::option::of(a_time()), a_play()).prop_map(
        |(days, start, end, entry)| Weekly { days, except: vec![date(2026, 3, 25)], start, end, entry },
    )
}

/// A day in the weeks around a change of Berlin's clocks.
fn a_date() -> impl Strategy<Value = Date> {
    (any::<bool>(), 0i32..14).prop_map(|(spring, days)| {
        let first = if spring { date(2026, 3, 22) } else { date(2026, 10, 18) };
        first.checked_add(SignedDuration::from_hours(24 * i64::from(days))).unwrap()
    })
}

fn a_plan() -> impl Strategy<Value = Plan> {
    let dated = (a_date(), a_time(), proptest::option::of(a_time()), a_play());
    let weekly = proptest::collection::vec(a_weekly(), 0..7);
    (any::<bool>(), weekly, proptest::collection::vec(dated, 0..7)).prop_map(|(berlin, weekly, dated)| {
        let tz = TimeZone::get(if berlin { "Europe/Berlin" } else { "Asia/Shanghai" }).unwrap();
        let once: Vec<Once> = dated
            .into_iter()
            .filter_map(|(date, start, end, entry)| {
                let (start, end) = instants(&tz, date, start, end)?;
                Some(Once { start, end, entry })
            })
            .collect();
        let midnight = date(2026, 3, 20).to_zoned_datetime(tz.clone()).unwrap().timestamp();
        let lessons = (0..5).map(|n| LessonId::new(&format!("e{n}")).unwrap()).collect();
        let series =
            Series { id: "s".into(), titles: Titles::default(), lessons, begins: midnight, again: true };
        let holidays = [(date(2026, 3, 26), None), (date(2026, 3, 28), Some(2))].into();
        let plan = Plan::new(ChannelId::new("xiangtu").unwrap(), tz, weekly, once);
        Plan { series: vec![series], holidays, ..plan }
    })
}

/// An instant near the dates, on a quarter of an hour or a little beside it.
fn an_instant() -> impl Strategy<Value = Timestamp> {
    (a_date(), 0i64..97, -1i64..2).prop_map(|(date, quarter, beside)| {
        let midnight = date.to_zoned_datetime(TimeZone::UTC).unwrap().timestamp();
        midnight + SignedDuration::from_secs(quarter * 900 + beside)
    })
}

/// Those of `all` that [`Plan::between`] promises for `[from, to)`.
fn starting_in(all: &[Programme], from: Timestamp, to: Timestamp) -> Vec<Programme> {
    all.iter().filter(|p| p.start >= from && p.start < to).cloned().collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn windows_add_up(plan in a_plan(), mut at in [an_instant(), an_instant(), an_instant()]) {
        at.sort();
        let [a, b, c] = at;
        let mut parts = plan.between(a, b);
        for programme in plan.between(b, c) {
            if !parts.contains(&programme) {
                parts.push(programme);
            }
        }
        prop_assert_eq!(parts, plan.between(a, c));
    }

    #[test]
    fn a_place_ends_where_its_slot_does(plan in a_plan(), a in an_instant(), b in an_instant()) {
        let (from, to) = (a.min(b), a.max(b));
        let places = plan.places(from, to);
        for (programme, until) in &places {
            prop_assert_eq!(*until, plan.at(programme.start.max(from)).until);
        }
        let programmes: Vec<_> = places.into_iter().map(|(p, _)| p).collect();
        prop_assert_eq!(programmes, plan.between(from, to));
    }

    #[test]
    fn programmes_ascend_and_do_not_overlap(plan in a_plan(), a in an_instant(), b in an_instant()) {
        let (from, to) = (a.min(b), a.max(b));
        let all = plan.between(from, to);
        for pair in all.windows(2) {
            prop_assert!(pair[0].start < pair[1].start);
            prop_assert!(pair[0].end.is_none_or(|end| end <= pair[1].start));
            prop_assert!(pair[0].id != pair[1].id);
        }
        for programme in &all {
            prop_assert!(programme.end.is_none_or(|end| end > programme.start && end > from));
        }
        prop_assert!(all.iter().filter(|p| p.start < from).count() <= 1);
    }

    #[test]
    fn an_instant_agrees_with_its_window(plan in a_plan(), t in an_instant()) {
        let slot = plan.at(t);
        let day = SignedDuration::from_hours(24);
        prop_assert!(slot.until > t && slot.until <= t + 8 * day);
        prop_assert_eq!(plan.between(t, t).into_iter().next(), slot.programme.clone());
        let wide = plan.between(t - 9 * day, t + 9 * day);
        if let Some(programme) = &slot.programme {
            prop_assert!(wide.contains(programme), "{:?} is not in the wide window", programme);
            prop_assert!(programme.end.is_none_or(|end| end == slot.until));
        }
        // Until then the answer stays: nothing starts in between.
        let mut between = starting_in(&wide, t, slot.until);
        between.retain(|p| Some(p) != slot.programme.as_ref());
        prop_assert_eq!(between, Vec::new());
        let last = slot.until - SignedDuration::from_nanos(1);
        prop_assert_eq!(plan.at(last).programme, slot.programme);
    }

    /// Turn after turn, whatever was asked for before, each episode comes once
    /// and in order; a repeat brings what was shown last.
    #[test]
    fn episodes_come_in_order(plan in a_plan(), asked in an_instant()) {
        plan.at(asked);
        let from = plan.series[0].begins;
        let turns = plan.between(from, from + SignedDuration::from_hours(24 * 21));
        let (mut next, mut shown) = (0, Vec::new());
        for (turn, piece) in turns.iter().zip(plan.pieces(from, from + SignedDuration::from_hours(24 * 21))) {
            let What::Series { repeat, episodes, .. } = piece.entry.what else { continue };
            let Play::Lessons(lessons) = &turn.play else { continue };
            let names: Vec<String> = lessons.iter().map(ToString::to_string).collect();
            if turn.start < from {
                continue;
            }
            if repeat {
                let last = shown.len().checked_sub(episodes as usize).map_or(&[][..], |n| &shown[n..]);
                prop_assert_eq!(&names[..], last);
                continue;
            }
            let expected: Vec<String> = (next..next + episodes).map(|n| format!("e{}", n % 5)).collect();
            next += episodes;
            prop_assert_eq!(&names, &expected);
            shown.extend(names);
        }
    }

    #[test]
    fn walking_from_slot_to_slot_meets_every_programme(plan in a_plan(), from in an_instant()) {
        let to = from + SignedDuration::from_hours(72);
        let mut met = Vec::new();
        let mut t = from;
        while t < to {
            let slot = plan.at(t);
            met.extend(slot.programme);
            t = slot.until;
        }
        prop_assert_eq!(met, plan.between(from, to));
    }
}
