//! A day of 24 hours with two hundred programmes, and all that may befall it.

use super::Command;
use super::SlateReason;
use super::properties::keeps_the_rules;
use super::simulation::{Run, Seen};
use super::testing::{Feed, World, a_feed, a_lesson, a_slate, clock, entry, ms, plan, relay, secs};

const PROGRAMMES: u64 = 200;
const DAY: u64 = 24 * 3600;
/// Lessons `l0` to `l11`, seconds: from a spot to more than any slot holds.
const LESSONS: [u64; 12] = [14, 29, 61, 118, 200, 299, 311, 420, 431, 502, 640, 1_300];

/// Numbers that look random and are the same each time: SplitMix64.
struct Lots(u64);

impl Lots {
    fn draw(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % below
    }
}

fn time(second: u64) -> String {
    format!("{:02}:{:02}:{:02}", second / 3600, second / 60 % 60, second % 60)
}

/// Programmes of 7.2 minutes, give or take three: lessons alone and in blocks,
/// two relays, gaps, starts on the second.
fn schedule(lots: &mut Lots) -> String {
    let mut text = String::from("[[filler]]\nlesson = \"l0\"\n[[filler]]\nlesson = \"l1\"\nweight = 3\n");
    for n in 0..PROGRAMMES {
        let start = n * DAY / PROGRAMMES + if n == 0 { 0 } else { lots.draw(180) };
        let end = (start + 60 + lots.draw(150)).min(DAY - 1);
        let end = (lots.draw(3) == 0).then(|| time(end));
        let what = match lots.draw(8) {
            0 | 1 => "relay = \"national\"".to_owned(),
            2 => "relay = \"regional\"".to_owned(),
            _ => {
                let block: Vec<String> =
                    (0..=lots.draw(3)).map(|_| format!("\"l{}\"", lots.draw(13))).collect();
                format!("play = [{}]", block.join(", "))
            }
        };
        text.push_str(&entry(&time(start), end.as_deref(), &what));
    }
    text
}

/// A day of a relay: generations of up to an hour, with losses between them that
/// last from half a second to six minutes.
fn feed(lots: &mut Lots, segment_us: u64) -> Feed {
    let mut feed = a_feed(clock("00:00:00") - secs(60));
    let mut left = DAY + 120;
    while left > 0 {
        let length = (60 + lots.draw(3600)).min(left);
        let gap = [500, 1_500, 9_000, 40_000, 360_000][lots.draw(5) as usize];
        let segments = vec![segment_us; (length * 1_000_000 / segment_us) as usize];
        feed = feed.generation(ms(gap), &segments, ms(50 + lots.draw(900) as i64));
        left -= length;
    }
    feed
}

fn world(lots: &mut Lots) -> World {
    let mut world = World::new()
        .relay("national", feed(lots, 3_840_000))
        .relay("regional", feed(lots, 6_400_000))
        .slate(SlateReason::Duty, a_slate("duty"));
    for (i, seconds) in LESSONS.iter().enumerate() {
        let rungs = [&[720, 480, 240][..], &[480], &[720, 240]][i % 3];
        let langs = [&["zh-Hans", "ug-Arab"][..], &["ug-Arab"], &["zh-Hans"]][i % 3];
        let package = a_lesson(&format!("l{i}"), seconds * 1000).tracks(rungs, langs);
        world = world.lesson(package.subtitles(&["ug-Arab"][..i % 2]));
    }
    world
}

#[test]
fn a_day_of_two_hundred_programmes_keeps_the_rules() {
    let mut lots = Lots(20_261_123);
    let first = plan(&schedule(&mut lots));
    let mut run = Run::start(world(&mut lots), first, clock("00:00:00"));
    let over = clock("23:59:30");
    while run.now < over {
        run.play_until(run.now + ms(7_000 + lots.draw(2_000) as i64));
        run.poll(ms(lots.draw(250) as i64));
        // About twelve of each in a day.
        match lots.draw(900) {
            0 => run.crash(secs(1 + lots.draw(30) as i64), Seen::Now, None),
            1 => run.crash(secs(130), Seen::LastTick, None),
            2 => run.reload(plan(&schedule(&mut lots))),
            3 => run.command(Command::Relay { relay: relay("regional") }, Some(40)),
            4 => run.command(Command::Slate, Some(20)),
            5 => {
                let no = run.timeline.airings().last().map_or(0, |a| a.no);
                run.command(Command::Skip { no }, None);
            }
            _ => {}
        }
    }
    let aired: std::collections::BTreeSet<_> = run.log.iter().filter_map(|a| a.programme.as_ref()).collect();
    assert!(aired.len() as u64 > PROGRAMMES * 9 / 10, "{} programmes were on air", aired.len());
    assert!(run.stops.len() > 10 && run.plans.len() > 10 && run.hands.len() > 20, "the day was eventful");
    keeps_the_rules(&run).expect("every rule, the whole day");
}
