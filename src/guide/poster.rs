//! A week of a channel on one sheet of paper, for the village notice board.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;

use super::Listing;
use super::slate_layout::ems;
use crate::base::{Lang, Titles};

/// A programme at its time of day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PosterLine {
    /// When it starts.
    pub start: Time,
    /// What it is called.
    pub titles: Titles,
}

/// What stands on the sheet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Poster {
    /// What is the same on all seven days.
    pub every_day: Vec<PosterLine>,
    /// What is not, day by day from Monday on.
    pub days: Vec<(Date, Vec<PosterLine>)>,
    /// Step of the type's size that lets it fit, from 0, the largest.
    pub step: usize,
    /// Programmes that found no room.
    pub left_out: usize,
}

/// Sizes of type by step, in 210ths of the sheet's width: millimetres on A4.
const SIZES: [f32; 6] = [7.0, 6.0, 5.2, 4.5, 4.0, 3.6];
/// What the sheet has room for, in the same measure.
struct Room {
    /// Two columns so long.
    column: f32,
    /// Length of a line beside its time.
    line: f32,
    /// Height of a line, times its size.
    leading: f32,
}

const ROWS: Room = Room { column: 196.0, line: 74.0, leading: 1.48 };
/// Mongolian: as wide as the standing figures at the head of each line.
const UPRIGHT: Room = Room { column: 112.0, line: 100.0, leading: 3.1 };
/// Room that a day's heading takes, in lines.
const HEADING: f32 = 2.2;

/// When something is on, and what it is called.
type Said = (Time, Vec<(Lang, String)>);

/// The week from `monday` on, from a listing that holds it.
///
/// What begins in the hours when people watch stays longest where there is not
/// room for all: a sheet that cannot be read from a step away helps nobody.
pub fn poster(listing: &Listing, monday: Date, tz: &TimeZone, lang: &Lang) -> Poster {
    let civil = |t: Timestamp| tz.to_datetime(t);
    let dates: Vec<Date> = std::iter::successors(Some(monday), |d| d.tomorrow().ok()).take(7).collect();
    let mut standing: BTreeMap<Said, [bool; 7]> = BTreeMap::new();
    for entry in &listing.entries {
        let start = civil(entry.programme.start);
        let Some(day) = dates.iter().position(|d| *d == start.date()) else { continue };
        let minute = start.time().with().second(0).subsec_nanosecond(0).build().unwrap_or(start.time());
        let titles = listing.titles(entry).0.into_iter().collect();
        standing.entry((minute, titles)).or_default()[day] = true;
    }
    let mut lines: Vec<(PosterLine, [bool; 7])> = standing
        .into_iter()
        .map(|((start, titles), days)| {
            (PosterLine { start, titles: Titles(titles.into_iter().collect()) }, days)
        })
        .collect();
    let room = if lang.as_str().ends_with("-Mong") { &UPRIGHT } else { &ROWS };
    let mut left_out = 0;
    let step = loop {
        let fits = |step: &usize| needs(&lines, SIZES[*step], lang, room) <= 2.0 * room.column;
        if let Some(step) = (0..SIZES.len()).find(fits) {
            break step;
        }
        let last = lines.iter().enumerate().max_by_key(|(_, (line, _))| from_evening(line.start));
        let Some((at, _)) = last else { break SIZES.len() - 1 };
        lines.remove(at);
        left_out += 1;
    };
    let every = |days: &[bool; 7]| *days == [true; 7];
    let every_day = lines.iter().filter(|(_, days)| every(days)).map(|(line, _)| line.clone()).collect();
    let of_day = |day: usize| {
        let own = lines.iter().filter(|(_, days)| days[day] && !every(days));
        own.map(|(line, _)| line.clone()).collect()
    };
    let days = dates.iter().enumerate().map(|(day, date)| (*date, of_day(day))).collect();
    Poster { every_day, days, step, left_out }
}

/// How far a time of day is from the evening, minutes.
fn from_evening(time: Time) -> i64 {
    let minute = i64::from(time.hour()) * 60 + i64::from(time.minute());
    (minute - 20 * 60).abs()
}

/// The length of column that the lines take at a size.
fn needs(lines: &[(PosterLine, [bool; 7])], size: f32, lang: &Lang, room: &Room) -> f32 {
    let rows = |line: &PosterLine| {
        let title = line.titles.best(lang).map_or("", |(_, title)| title);
        (ems(title) * size / room.line).ceil().max(1.0)
    };
    let mut rows_in_all = 0.0;
    let mut days = [false; 7];
    for (line, on) in lines {
        let times = if *on == [true; 7] { 1 } else { on.iter().filter(|on| **on).count() };
        rows_in_all += rows(line) * times as f32;
        if *on != [true; 7] {
            (0..7).for_each(|day| days[day] |= on[day]);
        }
    }
    let headings =
        days.iter().filter(|d| **d).count() + usize::from(lines.iter().any(|(_, on)| *on == [true; 7]));
    (rows_in_all + headings as f32 * HEADING) * size * room.leading
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guide::fixtures::a_channel;
    use crate::guide::{Entry, Kind};
    use crate::schedule::{Play, Programme, ProgrammeId};

    const SHANGHAI: &str = "Asia/Shanghai";

    /// Programmes at these days and times of the week of 30 November 2026.
    fn a_week(programmes: &[(i8, &str, &str)]) -> Listing {
        let channel = a_channel();
        let tz = TimeZone::get(SHANGHAI).expect("a zone");
        let entries = programmes.iter().map(|(day, time, title)| {
            let date =
                jiff::civil::date(2026, 11, 30).checked_add(jiff::Span::new().days(*day)).expect("a date");
            let start = tz.to_timestamp(date.to_datetime(time.parse().expect("a time"))).expect("once");
            let lang = Lang::new("zh-Hans").expect("a tag");
            let programme = Programme {
                id: ProgrammeId::new(&channel.id, start),
                start,
                end: None,
                titles: Titles([(lang, (*title).to_owned())].into()),
                play: Play::Lessons(Vec::new()),
                keep: false,
                lang: None,
                episode: None,
            };
            Entry { programme, end: start + jiff::SignedDuration::from_mins(30), kind: Kind::Lesson }
        });
        let (id, number, names, lang) =
            (channel.id.clone(), channel.number, channel.names.clone(), channel.lang.clone());
        Listing { channel: id, number, names, lang, entries: entries.collect(), lessons: BTreeMap::new() }
    }

    fn of(listing: &Listing) -> Poster {
        let tz = TimeZone::get(SHANGHAI).expect("a zone");
        poster(listing, jiff::civil::date(2026, 11, 30), &tz, &Lang::new("zh-Hans").expect("a tag"))
    }

    #[test]
    fn what_is_the_same_every_day_is_said_once() {
        let mut all: Vec<_> = (0..7).map(|day| (day, "19:00:00", "新闻")).collect();
        all.extend([
            (0, "19:30:20", "葡萄"),
            (2, "19:30:00", "葡萄"),
            (-1, "19:30:00", "上周"),
            (7, "19:30:00", "下周"),
        ]);
        let poster = of(&a_week(&all));
        assert_eq!(poster.every_day.len(), 1);
        let days: Vec<usize> = poster.days.iter().map(|(_, lines)| lines.len()).collect();
        assert_eq!(days, [1, 0, 1, 0, 0, 0, 0]);
        assert_eq!(poster.days[0].1[0].start.to_string(), "19:30:00");
        assert_eq!((poster.step, poster.left_out), (0, 0));
    }

    #[test]
    fn a_full_week_gets_smaller_type_and_loses_the_night_first() {
        let times: Vec<String> =
            (0..24).flat_map(|h| [0, 20, 40].map(|m| format!("{h:02}:{m:02}:00"))).collect();
        let all: Vec<_> = times.iter().map(|t| (3, t.as_str(), "长一些的节目名称")).collect();
        let poster = of(&a_week(&all));
        assert_eq!(poster.step, SIZES.len() - 1);
        assert!(poster.left_out > 0);
        let kept = &poster.days[3].1;
        assert!(
            kept.iter().any(|l| l.start.hour() == 20) && kept.iter().all(|l| l.start != Time::midnight())
        );
        assert_eq!(kept.len() + poster.left_out, times.len());
        let few: Vec<_> = all.iter().skip(54).copied().collect();
        assert!(of(&a_week(&few)).step < poster.step);
    }

    #[test]
    fn an_empty_week_is_an_empty_sheet() {
        let poster = of(&a_week(&[]));
        assert!(poster.every_day.is_empty() && poster.days.iter().all(|(_, l)| l.is_empty()));
    }
}
