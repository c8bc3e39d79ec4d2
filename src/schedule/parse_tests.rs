//! The stories of a schedule file.

use jiff::Timestamp;

use super::*;
use crate::schedule::Programme;

pub(super) struct County {
    channels: BTreeMap<ChannelId, Duration>,
    relays: BTreeSet<RelayId>,
    lessons: BTreeMap<LessonId, Duration>,
}

impl County {
    pub(super) fn new() -> Self {
        let lesson = |id: &&str| (LessonId::new(id).unwrap(), Duration::from_secs(1200));
        Self {
            channels: [(ChannelId::new("xiangtu").unwrap(), Duration::from_secs(1800))].into(),
            relays: [RelayId::new("national").unwrap()].into(),
            lessons: ["grape-pruning", "grape-pests", "safety-lecture"].iter().map(lesson).collect(),
        }
    }

    fn read_in(&self, zone: &str, text: &str) -> Result<(Plan, Vec<String>), Vec<String>> {
        let known = Known {
            channels: &self.channels,
            relays: &self.relays,
            lessons: Some(&self.lessons),
            holidays: None,
        };
        let said = |p: &Problem| p.to_string();
        parse(Path::new("s.toml"), text, &TimeZone::get(zone).unwrap(), &known)
            .map(|(plan, warnings)| (plan, warnings.iter().map(said).collect()))
            .map_err(|problems| problems.0.iter().map(said).collect())
    }

    pub(super) fn read(&self, text: &str) -> Result<(Plan, Vec<String>), Vec<String>> {
        self.read_in("Asia/Shanghai", &format!("channel = \"xiangtu\"\n{text}"))
    }
}

pub(super) fn plan(text: &str) -> Plan {
    County::new().read(text).expect("a good schedule").0
}

/// `19:00-19:30 national` for each programme of a day in Shanghai.
pub(super) fn day(plan: &Plan, day: &str) -> Vec<String> {
    let midnight: Date = day.parse().unwrap();
    let at = |d: Date| d.to_zoned_datetime(plan.tz.clone()).unwrap().timestamp();
    let time = |t: Timestamp| t.to_zoned_datetime(plan.tz.clone()).strftime("%H:%M").to_string();
    let say = |p: &Programme| {
        let what = match &p.play {
            Play::Relay(id) => id.to_string(),
            Play::Lessons(ids) => ids.iter().map(ToString::to_string).collect::<Vec<_>>().join("+"),
        };
        format!("{}-{} {what}", time(p.start), p.end.map(time).unwrap_or_default())
    };
    plan.between(at(midnight), at(midnight.tomorrow().unwrap())).iter().map(say).collect()
}

/// Asserts the problems of `text`, each given by its place and a part.
pub(super) fn has(found: &[String], expected: &[(&str, &str)]) {
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for (problem, (place, part)) in found.iter().zip(expected) {
        assert!(problem.starts_with(&format!("s.toml:{place}: ")), "{problem} is not at {place}");
        assert!(problem.contains(part), "{problem} does not say {part:?}");
    }
}

const EVENING: &str = r#"
[[weekly]]
days  = ["mon", "wed", "fri"]
start = "19:30"
title = { zh-Hans = "葡萄栽培技术", ug-Arab = "ئۈزۈم ئۆستۈرۈش تېخنىكىسى" }
play  = ["grape-pruning", "grape-pests"]

[[weekly]]
days  = "daily"
start = "19:00"
end   = "19:30"
title = { zh-Hans = "转播:中央台" }
relay = "national"
keep  = true
"#;

#[test]
fn a_week_is_read() {
    let plan = plan(EVENING);
    // 30 November 2026 is a Monday.
    assert_eq!(day(&plan, "2026-11-30"), ["19:00-19:30 national", "19:30- grape-pruning+grape-pests"]);
    // Monday's lessons have no end: they hold the plan until Tuesday's relay.
    assert_eq!(day(&plan, "2026-12-01"), ["19:30- grape-pruning+grape-pests", "19:00-19:30 national"]);
    assert_eq!(day(&plan, "2026-12-06"), ["19:00-19:30 national"]);
    let monday = plan.at("2026-11-30T11:00:00Z".parse().unwrap());
    let programme = monday.programme.expect("the relay");
    assert_eq!(programme.id.0, "xiangtu-20261130T110000Z");
    assert!(programme.keep);
    assert_eq!(monday.until, "2026-11-30T11:30:00Z".parse().unwrap());
}

#[test]
fn a_dated_entry_replaces_what_it_overlaps_that_day_only() {
    let text = EVENING.to_owned()
        + r#"
[[once]]
date  = 2026-11-30
start = "19:15"
end   = "20:00"
play  = ["safety-lecture"]
"#;
    let plan = plan(&text);
    assert_eq!(day(&plan, "2026-11-30"), ["19:00-19:15 national", "19:15-20:00 safety-lecture"]);
    assert_eq!(day(&plan, "2026-12-07"), ["19:00-19:30 national", "19:30- grape-pruning+grape-pests"]);
}

#[test]
fn a_relay_comes_back_after_a_dated_entry() {
    let all_day = "[[weekly]]\ndays = \"daily\"\nstart = \"00:00\"\nend = \"24:00\"\nrelay = \"national\"\n";
    let once =
        "[[once]]\ndate = 2026-12-01\nstart = \"09:00\"\nend = \"10:00\"\nplay = [\"safety-lecture\"]\n";
    let plan = plan(&format!("{all_day}{once}"));
    let expected = ["00:00-09:00 national", "09:00-10:00 safety-lecture", "10:00-00:00 national"];
    assert_eq!(day(&plan, "2026-12-01"), expected);
    assert_eq!(day(&plan, "2026-12-02"), ["00:00-00:00 national"]);
}

#[test]
fn a_dated_entry_without_end_lasts_to_the_next_entry() {
    let plan = plan(
        &(EVENING.to_owned() + "[[once]]\ndate = 2026-12-02\nstart = \"09:00\"\nrelay = \"national\"\n"),
    );
    let slot = plan.at("2026-12-02T02:00:00Z".parse().unwrap());
    assert_eq!(slot.programme.expect("it runs").end, None);
    assert_eq!(slot.until, "2026-12-02T11:00:00Z".parse().unwrap());
}

#[test]
fn every_problem_of_a_schedule_is_reported() {
    let text = r#"
[[weekly]]
day   = ["mon"]
start = "7:30"
play  = []
[[weekly]]
days  = ["mon", "tues"]
start = "24:00"
relay = "nation"
keep  = "yes"
[[once]]
date  = "tomorrow"
start = "19:30"
[[once]]
date  = 2026-12-01
start = "19:30"
play  = ["a"]
relay = "national"
"#;
    let found = County::new().read(text).expect_err("it is bad");
    has(
        &found,
        &[
            ("3:1", "weekly has no `days`"),
            ("4:1", "unknown key `day` in weekly: did you mean `days`?"),
            ("5:9", "`7:30` is not a time"),
            ("6:9", "no lessons"),
            ("8:17", "unknown day `tues`: did you mean `tue`?"),
            ("9:9", "nothing starts at 24:00"),
            ("10:9", "there is no relay `nation`: did you mean `national`?"),
            ("11:9", "expected true or false"),
            ("12:1", "nothing to play"),
            ("13:9", "`tomorrow` is not a date"),
            ("19:9", "keep one"),
        ],
    );
}

#[test]
fn equals_do_not_overlap() {
    let text = r#"
[[weekly]]
days  = "daily"
start = "23:30"
end   = "00:30"
relay = "national"
[[weekly]]
days  = ["mon"]
start = "00:15"
play  = ["grape-pests"]
[[once]]
date  = 2026-12-01
start = "09:00"
end   = "10:00"
relay = "national"
[[once]]
date  = 2026-12-01
start = "09:59"
play  = ["grape-pests"]
"#;
    let found = County::new().read(text).expect_err("they overlap");
    has(
        &found,
        &[
            ("8:1", "overlaps the weekly entry of line 3 at mon 00:15"),
            ("17:1", "overlaps the dated entry of line 12 at 2026-12-01 09:59"),
        ],
    );
    let touching = EVENING.to_owned()
        + "[[weekly]]\ndays=[\"tue\"]\nstart=\"18:00\"\nend=\"19:00\"\nrelay=\"national\"\n";
    assert!(County::new().read(&touching).is_ok());
}

#[test]
fn times_at_a_clock_change_are_refused() {
    let text = r#"channel = "xiangtu"
[[weekly]]
days  = "weekdays"
start = "02:30"
end   = "02:45"
relay = "national"
[[weekly]]
days  = ["sun"]
start = "01:30"
end   = "02:30"
relay = "national"
[[once]]
date  = 2026-10-25
start = "02:30"
end   = "03:30"
relay = "national"
"#;
    let found = County::new().read_in("Europe/Berlin", text).expect_err("Sunday is not good");
    has(&found, &[("10:9", "2026-03-29 02:30 does not exist"), ("14:9", "2026-10-25 02:30 stands twice")]);
    assert!(County::new().read_in("Asia/Shanghai", text).is_ok());
}

#[test]
fn what_may_still_come_right_is_a_warning() {
    let text = r#"
[[weekly]]
days  = "daily"
start = "08:00"
end   = "20:00"
relay = "national"
[[weekly]]
days  = "daily"
start = "20:30"
play  = ["grape-pruning", "not-here"]
[[once]]
date  = 2026-12-01
start = "20:15"
end   = "21:30"
play  = ["safety-lecture"]
"#;
    let (plan, warnings) = County::new().read(text).expect("it airs");
    has(
        &warnings,
        &[
            ("11:27", "there is no lesson `not-here` yet"),
            ("12:1", "nothing is planned for 630 min (the channel's limit is 30 min) from 2026-12-01 21:30"),
        ],
    );
    assert_eq!(plan.weekly.len(), 2);
    let closed = "[[weekly]]\ndays = \"daily\"\nstart = \"08:00\"\nend = \"20:00\"\nrelay = \"national\"\n";
    let (_, warnings) = County::new().read(closed).expect("it airs");
    has(&warnings, &[("2:1", "nothing is planned for 720 min")]);
    assert!(
        warnings[0].ends_with("after this entry, from mon 20:00 (and 6 more times a week)"),
        "{warnings:?}"
    );
}

#[test]
fn a_schedule_of_no_channel_is_refused() {
    let county = County::new();
    let found = county.read_in("Asia/Shanghai", "channel = \"xiangtuu\"\n").expect_err("no such channel");
    has(&found, &[("1:11", "there is no channel `xiangtuu`: did you mean `xiangtu`?")]);
    has(&county.read_in("Asia/Shanghai", "").expect_err("empty"), &[("1:1", "the file has no `channel`")]);
}

#[test]
fn an_empty_plan_is_one_long_gap() {
    let plan = plan("");
    let now: Timestamp = "2026-12-01T00:00:00Z".parse().unwrap();
    assert_eq!(plan.at(now).programme, None);
    assert_eq!(plan.at(now).until, now + jiff::SignedDuration::from_hours(192));
    assert_eq!(
        plan,
        Plan::empty(ChannelId::new("xiangtu").unwrap(), TimeZone::get("Asia/Shanghai").unwrap())
    );
}
