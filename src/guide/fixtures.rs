//! An evening of one channel, for the tests of this room.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{ChannelInfo, Listing, listing};
use crate::base::{ChannelId, Lang, RelayId, Titles};
use crate::schedule::{Known, Plan, parse};

const SCHEDULE: &str = r#"
channel = "xiangtu"
[[weekly]]
days  = "daily"
start = "19:00"
end   = "19:30"
title = { zh-Hans = "转播:中央台 <新闻> & \"天气\"" }
relay = "national"
[[weekly]]
days  = ["mon"]
start = "19:30"
title = { zh-Hans = "葡萄栽培技术", ug-Arab = "ئۈزۈم ئۆستۈرۈش تېخنىكىسى" }
play  = ["grape-pruning", "grape-pests"]
lang  = "ug-Arab"
[[weekly]]
days  = ["mon"]
start = "21:00"
end   = "22:00"
play  = ["safety-lecture"]
"#;

/// An instant of Monday 30 November 2026, UTC; Shanghai is 8 hours ahead.
pub(super) fn at(time: &str) -> Timestamp {
    format!("2026-11-30T{time}:00Z").parse().unwrap()
}

pub(super) fn shanghai() -> TimeZone {
    TimeZone::get("Asia/Shanghai").unwrap()
}

pub(super) fn a_channel() -> ChannelInfo {
    ChannelInfo {
        id: ChannelId::new("xiangtu").unwrap(),
        number: 1,
        names: Titles::from([("zh-Hans", "乡土课堂"), ("ug-Arab", "يۇرت دەرسخانىسى")]),
        lang: Lang::new("zh-Hans").unwrap(),
        logo: None,
    }
}

pub(super) fn a_plan() -> Plan {
    let channels: BTreeMap<_, _> = [(a_channel().id, Duration::MAX)].into();
    let relays: BTreeSet<_> = [RelayId::new("national").unwrap()].into();
    let known = Known { channels: &channels, relays: &relays, lessons: None, holidays: None };
    parse(Path::new("s.toml"), SCHEDULE, &shanghai(), &known).unwrap().0
}

/// A relay, two lessons of 42 min 30 s together, an hour without a title.
pub(super) fn an_evening() -> Listing {
    let length = |_: &_| Some(Duration::from_secs(21 * 60 + 15));
    listing(&a_channel(), &a_plan(), at("10:00"), at("16:00"), &length)
}
