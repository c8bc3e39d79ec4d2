//! What is deleted when recordings have outgrown their room. Pure.

use jiff::Timestamp;

use crate::base::RelayId;
use crate::hls::RecordedHour;

/// What one relay has recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// Which relay.
    pub relay: RelayId,
    /// Its folders, the oldest first.
    pub hours: Vec<RecordedHour>,
    /// Spans that are still needed: programmes that are to be kept.
    pub needed: Vec<(Timestamp, Timestamp)>,
}

/// The room there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// Most bytes of all recordings together, if there is such a limit.
    pub budget: Option<u64>,
    /// Free bytes of the disk.
    pub free: u64,
    /// Bytes that are to stay free.
    pub least_free: u64,
}

/// From which instant on each relay may keep its recordings, for those that have
/// to give some up: the oldest folders of all go first, never one that is
/// needed or the newest. Afterwards `room.free` counts what will be freed.
pub fn make_room(recorded: &[Recorded], room: &mut Room) -> Vec<(RelayId, Timestamp)> {
    let mut total: u64 = recorded.iter().flat_map(|r| &r.hours).map(|h| h.bytes).sum();
    let mut next = vec![0; recorded.len()];
    let mut cut: Vec<(RelayId, Timestamp)> = Vec::new();
    while room.budget.is_some_and(|most| total > most) || room.free < room.least_free {
        let candidates = recorded.iter().enumerate().filter_map(|(at, r)| {
            let hour = r.hours.get(next[at])?;
            let is_newest = next[at] + 1 == r.hours.len();
            let is_needed = r.needed.iter().any(|(from, to)| *from < hour.end && *to > hour.start);
            (!is_newest && !is_needed).then_some((hour.start, at, *hour))
        });
        let Some((_, at, hour)) = candidates.min_by_key(|(start, at, _)| (*start, *at)) else { break };
        next[at] += 1;
        total -= hour.bytes;
        room.free += hour.bytes;
        // A folder goes when it ended before: the next one is to stay.
        let from = recorded[at].hours.get(next[at]).map_or(hour.end, |h| h.end);
        cut.retain(|(relay, _)| *relay != recorded[at].relay);
        cut.push((recorded[at].relay.clone(), from));
    }
    cut
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(hour: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + hour * 3600).expect("an instant")
    }

    fn recorded(name: &str, hours: &[i64], bytes: u64, needed: &[i64]) -> Recorded {
        let hour = |h: &i64| RecordedHour { start: at(*h), end: at(h + 1), bytes };
        Recorded {
            relay: RelayId::new(name).expect("a name"),
            hours: hours.iter().map(hour).collect(),
            needed: needed.iter().map(|h| (at(*h), at(h + 1))).collect(),
        }
    }

    /// The folders that go: those that end before the instant.
    fn gone(recorded: &[Recorded], cut: &[(RelayId, Timestamp)]) -> Vec<(String, RecordedHour)> {
        let of = |r: &Recorded| cut.iter().find(|(id, _)| *id == r.relay).map(|(_, from)| *from);
        let pairs = recorded.iter().filter_map(|r| Some((r, of(r)?)));
        pairs
            .flat_map(|(r, from)| {
                r.hours.iter().filter(move |h| h.end < from).map(|h| (r.relay.to_string(), *h))
            })
            .collect()
    }

    #[test]
    fn the_oldest_of_all_go_first() {
        let all = [recorded("a", &[1, 2, 3, 4], 10, &[]), recorded("b", &[0, 3, 4], 10, &[])];
        let mut room = Room { budget: Some(45), free: 100, least_free: 0 };
        let cut = make_room(&all, &mut room);
        let names: Vec<_> = gone(&all, &cut).into_iter().map(|(n, h)| (n, h.start)).collect();
        assert_eq!(names, [("a".into(), at(1)), ("a".into(), at(2)), ("b".into(), at(0))]);
        assert_eq!(room.free, 130);
    }

    proptest! {
        #[test]
        fn nothing_needed_or_newest_goes_and_the_room_is_kept_where_it_can_be(
            counts in prop::collection::vec(1usize..12, 1..5),
            needed in prop::collection::vec(0i64..12, 0..4),
            budget in 0u64..400, free in 0u64..50, least_free in 0u64..80,
        ) {
            let names = ["a", "b", "c", "d", "e"];
            let all: Vec<_> = counts.iter().zip(names)
                .map(|(n, name)| recorded(name, &(0..*n as i64).collect::<Vec<_>>(), 10, &needed))
                .collect();
            let mut room = Room { budget: Some(budget), free, least_free };
            let cut = make_room(&all, &mut room);
            let gone = gone(&all, &cut);
            let left = counts.iter().sum::<usize>() as u64 * 10 - gone.len() as u64 * 10;
            prop_assert_eq!(room.free, free + gone.len() as u64 * 10);
            for r in &all {
                let of: Vec<_> = gone.iter().filter(|(n, _)| *n == r.relay.as_str()).collect();
                prop_assert!(of.len() < r.hours.len(), "the newest stays");
                for (_, h) in of {
                    prop_assert!(!r.needed.iter().any(|(from, to)| *from < h.end && *to > h.start));
                }
            }
            let could = all.iter().any(|r| {
                let went = gone.iter().filter(|(n, _)| *n == r.relay.as_str()).count();
                let next = r.hours[went];
                went + 1 < r.hours.len() && !r.needed.iter().any(|(f, t)| *f < next.end && *t > next.start)
            });
            prop_assert!(left <= budget && room.free >= least_free || !could);
        }
    }
}
