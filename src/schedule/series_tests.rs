//! Stories of series, fillers, holidays, and entries that follow one another.

use jiff::Timestamp;

use super::tests::{County, day, has, plan};
use crate::schedule::Episode;

/// A course of three lessons, on weekdays at eight, and once more the next morning.
const COURSE: &str = "
[[series]]
id = \"grapes\"
title = { zh-Hans = \"葡萄\" }
lessons = [\"grape-pruning\", \"grape-pests\", \"safety-lecture\"]
begins = 2026-11-23

[[weekly]]
days = \"weekdays\"
start = \"09:00\"
end = \"09:30\"
series = \"grapes\"
repeat = true

[[weekly]]
days = \"weekdays\"
start = \"20:00\"
end = \"20:30\"
series = \"grapes\"
";

#[test]
fn a_series_goes_on_where_it_stopped() {
    let course = plan(COURSE);
    assert_eq!(day(&course, "2026-11-20"), ["09:00-09:30 ", "20:00-20:30 grape-pruning"]);
    assert_eq!(day(&course, "2026-11-23"), ["09:00-09:30 ", "20:00-20:30 grape-pruning"]);
    assert_eq!(day(&course, "2026-11-24"), ["09:00-09:30 grape-pruning", "20:00-20:30 grape-pests"]);
    assert_eq!(day(&course, "2026-11-26"), ["09:00-09:30 safety-lecture", "20:00-20:30 "]);
    let first = course.between(at("2026-11-23T20:00+08:00"), at("2026-11-23T20:00+08:00")).remove(0);
    assert_eq!(first.episode, Some(Episode { series: "grapes".into(), number: 1, of: 3 }));
    assert_eq!(first.titles.0.len(), 1, "an entry without title has its series'");

    // A turn that a dated entry replaced is no turn.
    let moved = format!(
        "{COURSE}[[once]]\ndate = 2026-11-24\nstart = \"19:30\"\nend = \"21:00\"\nrelay = \"national\"\n"
    );
    let moved = plan(&moved);
    assert_eq!(day(&moved, "2026-11-24"), ["09:00-09:30 grape-pruning", "19:30-21:00 national"]);
    assert_eq!(day(&moved, "2026-11-25"), ["09:00-09:30 grape-pruning", "20:00-20:30 grape-pests"]);

    let again = plan(&COURSE.replace("begins = 2026-11-23", "begins = 2026-11-23\nagain = true"));
    assert_eq!(day(&again, "2026-11-26")[1], "20:00-20:30 grape-pruning");
    // Years later the same as if each day had been asked for.
    assert_eq!(day(&again, "2031-11-24")[1], "20:00-20:30 grape-pruning");
    let two = plan(&COURSE.replace("start = \"20:00\"", "start = \"20:00\"\nepisodes = 2"));
    assert_eq!(day(&two, "2026-11-23")[1], "20:00-20:30 grape-pruning+grape-pests");
    assert_eq!(day(&two, "2026-11-24")[1], "20:00-20:30 safety-lecture");
}

fn at(text: &str) -> Timestamp {
    text.parse().expect("an instant")
}

#[test]
fn an_entry_begins_when_the_one_above_has_ended() {
    let text = "
[[weekly]]
days = [\"mon\", \"tue\"]
start = \"19:30\"
play = [\"grape-pruning\", \"grape-pests\"]

[[weekly]]
start = \"following\"
play = [\"safety-lecture\"]

[[weekly]]
start = \"following\"
end = \"21:00\"
relay = \"national\"

[[once]]
date = 2026-11-28
start = \"19:30\"
end = \"19:45\"
relay = \"national\"

[[once]]
start = \"following\"
play = [\"grape-pests\"]
";
    let plan = plan(text);
    let evening = ["19:30- grape-pruning+grape-pests", "20:10- safety-lecture", "20:30-21:00 national"];
    assert_eq!(day(&plan, "2026-11-23"), evening);
    assert_eq!(day(&plan, "2026-11-24"), evening);
    assert_eq!(day(&plan, "2026-11-28"), ["19:30-19:45 national", "19:45- grape-pests"]);

    // What is not there yet has no length: what follows it waits, and so does what follows that.
    let (plan, warnings) =
        County::new().read(&text.replace("\"grape-pests\"]\n\n", "\"new-lesson\"]\n\n")).expect("good");
    assert_eq!(day(&plan, "2026-11-23"), ["19:30- grape-pruning+new-lesson"; 2]);
    has(&warnings, &[("6:26", "no lesson `new-lesson`"), ("9:9", "until then it is left out")]);
}

#[test]
fn what_cannot_follow_is_told() {
    let county = County::new();
    let bad = |text: &str| county.read(text).expect_err("bad");
    let follows = "[[weekly]]\nstart = \"following\"\nplay = [\"grape-pests\"]\n";
    has(&bad(follows), &[("3:9", "no entry above")]);
    let relay = "[[weekly]]\ndays = \"daily\"\nstart = \"19:00\"\nrelay = \"national\"\n";
    has(&bad(&format!("{relay}{follows}")), &[("7:9", "neither an end nor a fixed length")]);
    let late = "[[weekly]]\ndays = \"daily\"\nstart = \"23:50\"\nplay = [\"grape-pests\"]\n";
    has(&bad(&format!("{late}{follows}")), &[("7:9", "on the next day")]);
    let other = follows.replace("start", "days = [\"sun\"]\nstart");
    has(&bad(&format!("{}{other}", late.replace("23:50", "12:00"))), &[("7:8", "other days")]);
    has(
        &bad("[[weekly]]\ndays = \"daily\"\nstart = \"12:00\"\nend = \"following\"\nrelay = \"national\"\n"),
        &[("5:7", "only a start")],
    );
}

#[test]
fn series_and_fillers_are_checked() {
    let county = County::new();
    let bad = |text: &str| county.read(text).expect_err("bad");
    let entry = "[[weekly]]\ndays = \"daily\"\nstart = \"12:00\"\n";
    has(&bad(&format!("{COURSE}{entry}series = \"grape\"\n")), &[("24:10", "did you mean `grapes`")]);
    has(
        &bad(&format!("{COURSE}{entry}play = [\"grape-pests\"]\nseries = \"grapes\"\n")),
        &[("25:10", "keep one")],
    );
    has(&bad(&format!("{entry}play = [\"grape-pests\"]\nrepeat = true\n")), &[("6:10", "go with `series`")]);
    has(&bad(&format!("{COURSE}{entry}series = \"grapes\"\nepisodes = 0\n")), &[("25:12", "1 to 20")]);
    has(
        &bad(&format!(
            "{COURSE}[[series]]\nid = \"grapes\"\nlessons = [\"grape-pests\"]\nbegins = 2026-11-23\n"
        )),
        &[("22:6", "already")],
    );
    has(&bad("[[series]]\nid = \"x\"\nlessons = []\nbegins = 2026-11-23\n"), &[("4:11", "no lessons")]);
    has(&bad("[[filler]]\nlesson = \"grape-pests\"\nweight = 0\n"), &[("4:10", "1 to 1000")]);
    let (plan, warnings) = county.read("[[filler]]\nlesson = \"nowhere\"\nweight = 2\n").expect("good");
    has(&warnings, &[("3:10", "no lesson `nowhere`")]);
    assert_eq!(plan.fillers().iter().map(|f| f.weight).collect::<Vec<_>>(), [2]);
}

#[test]
fn holidays_have_another_day_s_programmes_or_none() {
    let text = "
[[weekly]]
days = \"weekdays\"
start = \"12:00\"
end = \"12:30\"
relay = \"national\"

[[weekly]]
days = [\"sun\"]
start = \"10:00\"
end = \"11:00\"
play = [\"grape-pests\"]

[[holiday]]
from = 2026-10-01
to = 2026-10-07
like = \"sun\"

[[holiday]]
from = 2026-10-10
like = \"wed\"

[[holiday]]
from = 2026-10-12
like = \"none\"
";
    let plan = plan(text);
    assert_eq!(day(&plan, "2026-09-30"), ["12:00-12:30 national"]);
    assert_eq!(day(&plan, "2026-10-01"), ["10:00-11:00 grape-pests"]);
    assert_eq!(day(&plan, "2026-10-07"), ["10:00-11:00 grape-pests"]);
    assert_eq!(day(&plan, "2026-10-08"), ["12:00-12:30 national"]);
    assert_eq!(day(&plan, "2026-10-10"), ["12:00-12:30 national"], "a Saturday is worked");
    assert_eq!(day(&plan, "2026-10-12"), [""; 0]);
    let bad = |text: &str| County::new().read(text).expect_err("bad");
    has(&bad("[[holiday]]\nfrom = 2026-10-07\nto = 2026-10-01\nlike = \"sun\"\n"), &[("4:6", "60 days")]);
    has(&bad("[[holiday]]\nfrom = 2026-10-07\nlike = \"sunday\"\n"), &[("4:8", "unknown day")]);
}
