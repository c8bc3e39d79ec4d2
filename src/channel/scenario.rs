//! Random evenings: plans, feeds, crashes.

use jiff::{SignedDuration, Timestamp};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::schedule::Plan;

use super::Command;
use super::simulation::{Run, Seen};
use super::testing::{Feed, World, a_feed, a_lesson, clock, entry, ms, plan, relay, secs};

/// The longest segment of any feed and lesson here.
pub(super) const LONGEST: SignedDuration = SignedDuration::from_secs(8);

/// Lessons `l0` to `l4`, milliseconds; `l5` is never there.
const LESSONS: [u64; 5] = [500, 7_680, 31_000, 76_800, 200_120];

#[derive(Debug, Clone)]
enum What {
    Gap,
    Relay(bool),
    Lessons(Vec<usize>),
}

#[derive(Debug, Clone)]
struct Entry {
    secs: i64,
    what: What,
    ends: bool,
}

#[derive(Debug, Clone)]
struct Generation {
    gap_ms: i64,
    durations_us: Vec<u64>,
    delay_ms: i64,
}

/// What happens at a moment.
#[derive(Debug, Clone)]
enum Event {
    Poll { later_ms: i64 },
    Pause { secs: i64 },
    Crash { secs: i64, seen: Seen, plan: Option<Vec<Entry>> },
    Reload(Vec<Entry>),
    Command { what: u8, secs: Option<i64> },
}

/// One evening of a channel.
#[derive(Debug, Clone)]
pub(super) struct Scenario {
    plan: Vec<Entry>,
    /// Lessons `l0` and `l1` fill gaps.
    fillers: bool,
    feeds: [(i64, Vec<Generation>); 2],
    /// When the third lesson arrives in the library, seconds after the start.
    late_lesson: i64,
    /// Each with the time that passes before it.
    events: Vec<(i64, Event)>,
}

fn entries() -> impl Strategy<Value = Vec<Entry>> {
    let what = prop_oneof![
        1 => Just(What::Gap),
        3 => proptest::bool::weighted(0.7).prop_map(What::Relay),
        3 => vec(0usize..6, 1..4).prop_map(What::Lessons),
    ];
    let entry = (5i64..120, what, any::<bool>()).prop_map(|(secs, what, ends)| Entry { secs, what, ends });
    vec(entry, 1..7)
}

fn generation() -> impl Strategy<Value = Generation> {
    let gap = prop_oneof![
        3 => -900i64..900,
        2 => 900i64..8_000,
        1 => 8_000i64..60_000,
    ];
    let durations = prop_oneof![
        (1usize..30).prop_map(|n| std::vec::from_elem(3_840_000, n)),
        (1usize..30).prop_map(|n| std::vec::from_elem(4_000_000, n)),
        vec(1_200_000u64..8_000_000, 1..20),
    ];
    (gap, durations, 50i64..1_500).prop_map(|(gap_ms, durations_us, delay_ms)| Generation {
        gap_ms,
        durations_us,
        delay_ms,
    })
}

fn feed() -> impl Strategy<Value = (i64, Vec<Generation>)> {
    (-90_000i64..40_000, vec(generation(), 1..9))
}

fn poll() -> impl Strategy<Value = Event> {
    (0i64..250).prop_map(|later_ms| Event::Poll { later_ms })
}

fn event() -> impl Strategy<Value = Event> {
    let down = prop_oneof![4 => 1i64..30, 1 => 30i64..119, 1 => 121i64..200];
    let seen = prop_oneof![Just(Seen::LastTick), Just(Seen::Now)];
    let crash = (down, seen, proptest::option::of(entries()));
    prop_oneof![
        40 => poll(),
        1 => (1i64..100).prop_map(|secs| Event::Pause { secs }),
        2 => crash.prop_map(|(secs, seen, plan)| Event::Crash { secs, seen, plan }),
        1 => entries().prop_map(Event::Reload),
        2 => (0u8..6, proptest::option::of(1i64..90)).prop_map(|(what, secs)| Event::Command { what, secs }),
    ]
}

/// Anything may happen.
pub(super) fn an_evening() -> impl Strategy<Value = Scenario> {
    (entries(), any::<bool>(), [feed(), feed()], 0i64..200, vec((250i64..9_000, event()), 10..70)).prop_map(
        |(plan, fillers, feeds, late_lesson, events)| Scenario { plan, fillers, feeds, late_lesson, events },
    )
}

/// One relay all the time, polled often.
pub(super) fn one_relay() -> impl Strategy<Value = Scenario> {
    let plan = vec![Entry { secs: 7_200, what: What::Relay(true), ends: true }];
    (feed(), vec((250i64..2_000, poll()), 50..200)).prop_map(move |(feed, events)| Scenario {
        plan: plan.clone(),
        fillers: false,
        feeds: [feed.clone(), feed],
        late_lesson: 0,
        events,
    })
}

fn start() -> Timestamp {
    clock("20:00:00")
}

fn schedule(entries: &[Entry], fillers: bool) -> Plan {
    // The server starts in the middle of the first programme.
    let mut at = start() - secs(entries[0].secs / 2);
    let mut text = String::new();
    if fillers {
        text.push_str("[[filler]]\nlesson = \"l0\"\n[[filler]]\nlesson = \"l1\"\nweight = 3\n");
    }
    for (i, e) in entries.iter().enumerate() {
        let time = |t: Timestamp| {
            let zone = jiff::tz::TimeZone::fixed(jiff::tz::offset(8));
            t.to_zoned_datetime(zone).strftime("%H:%M:%S").to_string()
        };
        let end = at + secs(e.secs);
        let what = match &e.what {
            What::Gap => None,
            What::Relay(national) => {
                Some(format!("relay = \"{}\"", if *national { "national" } else { "regional" }))
            }
            What::Lessons(list) => {
                let list: Vec<String> = list.iter().map(|n| format!("\"l{n}\"")).collect();
                Some(format!("play = [{}]", list.join(", ")))
            }
        };
        let ends = e.ends || entries.get(i + 1).is_none_or(|next| matches!(next.what, What::Gap));
        if let Some(what) = what {
            text.push_str(&entry(&time(at), ends.then(|| time(end)).as_deref(), &what));
        }
        at = end;
    }
    plan(&text)
}

fn build((offset, generations): &(i64, Vec<Generation>)) -> Feed {
    let feed = a_feed(start() + ms(*offset));
    generations.iter().fold(feed, |f, g| f.generation(ms(g.gap_ms), &g.durations_us, ms(g.delay_ms)))
}

impl Scenario {
    fn world(&self) -> World {
        let mut world =
            World::new().relay("national", build(&self.feeds[0])).relay("regional", build(&self.feeds[1]));
        for (i, total) in LESSONS.iter().enumerate() {
            let from = if i == 2 { start() + secs(self.late_lesson) } else { Timestamp::MIN };
            // No two lessons have the same renditions.
            let rungs = [&[720, 480, 240][..], &[480], &[720, 240]][i % 3];
            let langs = [&["zh-Hans", "ug-Arab"][..], &["ug-Arab"]][i % 2];
            let package =
                a_lesson(&format!("l{i}"), *total).tracks(rungs, langs).subtitles(&["ug-Arab"][..i % 2]);
            world = world.lesson_from(from, package);
        }
        world
    }

    /// Plays it.
    pub(super) fn play(&self) -> Run {
        let mut run = Run::start(self.world(), schedule(&self.plan, self.fillers), start());
        for (wait, event) in &self.events {
            run.play_until(run.now + ms(*wait));
            match event {
                Event::Poll { later_ms } => run.poll(ms(*later_ms)),
                Event::Pause { secs: s } => run.pause(secs(*s)),
                Event::Crash { secs: s, seen, plan } => {
                    run.crash(secs(*s), *seen, plan.as_deref().map(|p| schedule(p, self.fillers)));
                }
                Event::Reload(entries) => run.reload(schedule(entries, self.fillers)),
                Event::Command { what, secs } => {
                    let no = run.timeline.airings().last().map_or(0, |a| a.no);
                    let command = match what {
                        0 => Command::Hold { no },
                        1 => Command::Skip { no },
                        2 => Command::Relay { relay: relay("national") },
                        3 => Command::Relay { relay: relay("regional") },
                        4 => Command::Slate,
                        _ => Command::Return,
                    };
                    run.command(command, *secs);
                }
            }
        }
        run.play_until(run.now + secs(20));
        run.poll(ms(0));
        run
    }
}
