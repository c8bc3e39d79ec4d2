//! The demo's schedules: on the county's own channel a cycle of four minutes
//! for some hours, so that whoever looks sees all of it, and one of an hour for
//! the rest of the day; and the two stations all day on theirs.
//!
//! | from | of an hour | what |
//! |---|---|---|
//! | 0:00 | 0:00 | the national station; every other time only until 0:45, of an hour until 30:00, then the regional one |
//! | 1:30 | 45:00 | the next lesson, of an hour all of them |
//! | its end | its end | a gap, which the preview slate fills until the next cycle |

use std::fmt::Write;

use jiff::civil::Time;

use super::content::lessons;
use super::county::DemoChannel;
use super::stations::{Station, stations};
use super::toml_text::{inline, quoted};
use crate::base::{Lang, Titles};

const DAY: u32 = 86_400;
const HOUR: u32 = 3600;

/// A stretch of the schedule that comes again, seconds.
#[derive(Debug, Clone, Copy)]
struct Cycle {
    length: u32,
    /// When, every other time, the regional station takes over.
    handover: u32,
    /// When the lessons begin.
    lesson: u32,
    /// How many.
    lessons: usize,
}

/// For whoever looks now.
const QUICK: Cycle = Cycle { length: 240, handover: 45, lesson: 90, lessons: 1 };
/// How long that goes on each day.
const QUICK_HOURS: u32 = 4;
/// For the rest of the day.
const SLOW: Cycle = Cycle { length: HOUR, handover: HOUR / 2, lesson: HOUR / 4 * 3, lessons: usize::MAX };

/// The schedule of the channel of lessons, around the clock. The first cycle
/// begins at `first`, with the first lesson.
pub fn schedule_toml(channel: &DemoChannel, first: Time) -> String {
    let [national, regional] = stations();
    let lessons = lessons();
    let first = seconds_of(first);
    let quick = (0..QUICK_HOURS * HOUR / QUICK.length).map(|n| (n * QUICK.length, QUICK));
    let slow = (QUICK_HOURS..DAY / HOUR).map(|n| (n * HOUR, SLOW));
    let mut entries = Vec::new();
    for (n, (after, cycle)) in quick.chain(slow).enumerate() {
        let start = first + after;
        let (handover, lesson) =
            (start + if n % 2 == 1 { cycle.handover } else { cycle.lesson }, start + cycle.lesson);
        entries.push((start % DAY, relay_entry(&national, start, handover)));
        if handover < lesson {
            entries.push((handover % DAY, relay_entry(&regional, handover, lesson)));
        }
        let played: Vec<_> =
            lessons.iter().cycle().skip(n % lessons.len()).take(cycle.lessons.min(lessons.len())).collect();
        let ids: Vec<_> = played.iter().map(|l| quoted(l.id.as_str())).collect();
        entries.push((
            lesson % DAY,
            entry(lesson, None, &played[0].titles, &format!("play = [{}]\n", ids.join(", "))),
        ));
    }
    entries.sort_by_key(|(at, _)| *at);
    let head = format!(
        "# The demo's cycle: a relay, a lesson, a preview. Four minutes for {QUICK_HOURS} hours, then an hour.\n\nchannel = {}\n",
        quoted(channel.id.as_str())
    );
    entries.into_iter().fold(head, |text, (_, entry)| text + &entry)
}

/// The schedule of a channel that carries one station all day.
pub fn relay_schedule_toml(channel: &DemoChannel, station: &Station) -> String {
    let channel = quoted(channel.id.as_str());
    let relay = format!("relay = {}\n", quoted(station.id.as_str()));
    let all_day = entry(0, Some(DAY), &station.names, &relay);
    format!("# The station's own programme, around the clock.\n\nchannel = {channel}\n{all_day}")
}

/// A station's programme on another's channel: "Relay: National Distance Education".
fn relay_entry(station: &Station, from: u32, to: u32) -> String {
    let relay = format!("relay = {}\n", quoted(station.id.as_str()));
    entry(from, Some(to), &relayed(&station.names), &relay)
}

fn relayed(names: &Titles) -> Titles {
    let said = |(lang, name): (&Lang, &String)| {
        let title = match lang.as_str() {
            "zh-Hans" => format!("转播：{name}"),
            "ug-Arab" => format!("نەقىل: {name}"),
            "kk-Cyrl" => format!("Трансляция: {name}"),
            "ky-Cyrl" => format!("Трансляция: {name}"),
            "mn-Mong" => format!("ᠳᠠᠮᠵᠢᠭᠤᠯᠬᠤ᠄ {name}"),
            _ => format!("Relay: {name}"),
        };
        (lang.clone(), title)
    };
    Titles(names.0.iter().map(said).collect())
}

fn entry(start: u32, end: Option<u32>, titles: &Titles, what: &str) -> String {
    let mut text = format!("\n[[weekly]]\ndays = \"daily\"\nstart = \"{}\"\n", clock(start % DAY));
    if let Some(end) = end {
        // Writing to a String cannot fail.
        let _ =
            writeln!(text, "end = \"{}\"", if end == DAY { "24:00".to_owned() } else { clock(end % DAY) });
    }
    let _ = writeln!(text, "title = {}", inline(titles));
    text + what
}

fn seconds_of(time: Time) -> u32 {
    [(time.hour(), 3600), (time.minute(), 60), (time.second(), 1)]
        .into_iter()
        .map(|(part, unit)| u32::try_from(part).unwrap_or_default() * unit)
        .sum()
}

fn clock(seconds: u32) -> String {
    let (h, m, s) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if s == 0 { format!("{h:02}:{m:02}") } else { format!("{h:02}:{m:02}:{s:02}") }
}

#[cfg(test)]
mod tests {
    use super::super::county::DemoCounty;
    use super::*;

    fn of(entry: &toml::Value, key: &str) -> Option<u32> {
        let text = entry.get(key)?.as_str()?;
        let parts: Vec<u32> = text.split(':').map(|p| p.parse().expect("a number")).collect();
        Some(parts[0] * 3600 + parts[1] * 60 + parts.get(2).unwrap_or(&0))
    }

    fn entries(text: &str) -> Vec<toml::Value> {
        let file: toml::Table = text.parse().expect("TOML");
        file["weekly"].as_array().expect("entries").clone()
    }

    #[test]
    fn every_cycle_has_a_relay_a_lesson_and_half_a_minute_of_preview() {
        let county = DemoCounty::new();
        let all = entries(&schedule_toml(&county.channels[0], jiff::civil::time(0, 0, 0, 0)));
        assert_eq!(all.len(), 60 + 30 + 60 + 20 + 10 + 20);
        let lengths = lessons();
        for (i, entry) in all.iter().enumerate() {
            let start = of(entry, "start").expect("a start");
            let next = all.get(i + 1).map_or(DAY, |e| of(e, "start").expect("a start"));
            match entry.get("play") {
                Some(play) => {
                    let ids = play.as_array().expect("lessons").iter().map(|id| id.as_str().expect("a name"));
                    let lasts = ids.map(|id| {
                        lengths.iter().find(|l| l.id.as_str() == id).expect("a lesson of the demo").seconds()
                    });
                    let lasts: u32 = lasts.sum();
                    let cycle = if start < QUICK_HOURS * HOUR { QUICK } else { SLOW };
                    assert_eq!(start % cycle.length, cycle.lesson);
                    assert!(start + lasts + 30 <= next, "{play} leaves no time for the preview");
                }
                None => assert_eq!(of(entry, "end"), Some(next)),
            }
        }
    }

    #[test]
    fn the_day_can_begin_anywhere_in_a_cycle() {
        let county = DemoCounty::new();
        let all = entries(&schedule_toml(&county.channels[0], jiff::civil::time(19, 31, 17, 0)));
        let now =
            all.iter().find(|e| of(e, "start") == Some(19 * 3600 + 31 * 60 + 17)).expect("a cycle begins");
        assert_eq!(now["relay"].as_str(), Some("national"));
        let lesson =
            all.iter().find(|e| of(e, "start") == Some(19 * 3600 + 32 * 60 + 47)).expect("its lesson");
        assert_eq!(lesson["play"][0].as_str(), Some("grape-pruning"));
        assert!(all.windows(2).all(|w| of(&w[0], "start") < of(&w[1], "start")));
    }

    #[test]
    fn a_station_fills_its_own_channel() {
        let [national, _] = stations();
        let county = DemoCounty::new();
        let all = entries(&relay_schedule_toml(&county.channels[1], &national));
        assert_eq!(all.len(), 1);
        assert_eq!((of(&all[0], "start"), of(&all[0], "end")), (Some(0), Some(DAY)));
    }
}
