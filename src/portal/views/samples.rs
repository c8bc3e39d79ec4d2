//! Sample pages for the tests of this room.

use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::base::{ChannelId, Lang, LessonId, SessionId, SiteId, TerminalId, Titles, TownshipId};
use crate::hls::{Details, Reason};
use crate::sites::DeviceKind;

use super::*;

pub(super) fn lang(tag: &str) -> Lang {
    Lang::new(tag).expect("a tag")
}

pub(super) fn langs(tags: &[&str]) -> Vec<Lang> {
    tags.iter().map(|t| lang(t)).collect()
}

/// Monday, 23 November 2026, 19:42 in the county.
pub(super) fn now() -> Timestamp {
    "2026-11-23T11:42:00Z".parse().expect("an instant")
}

pub(super) fn county_zone() -> TimeZone {
    TimeZone::get("Asia/Shanghai").expect("the zone is known")
}

pub(super) fn county() -> Titles {
    Titles::from([("zh-Hans", "示范县"), ("ug-Arab", "ئۈلگە ناھىيەسى"), ("en", "Sample County")])
}

pub(super) fn grapes() -> Titles {
    Titles::from([
        ("zh-Hans", "葡萄冬季修剪技术"),
        ("ug-Arab", "ئۈزۈم تېلىنى قىشلىق پۇتاش تېخنىكىسى"),
        ("en", "Winter pruning of grape vines"),
    ])
}

fn news() -> Titles {
    Titles::from([("zh-Hans", "转播：中央台新闻")])
}

pub(super) fn programme(start_min: i64, minutes: i64, titles: Titles, kind: ProgrammeKind) -> ProgrammeView {
    let start = now() + SignedDuration::from_mins(start_min);
    let lesson = (kind == ProgrammeKind::Lesson).then(|| LessonId::new("grape-pruning").expect("an id"));
    ProgrammeView { start, end: start + SignedDuration::from_mins(minutes), titles, kind, lesson }
}

pub(super) fn channel(id: &str, number: u32, names: Titles, status: ChannelStatus) -> ChannelCard {
    ChannelCard {
        id: ChannelId::new(id).expect("an id"),
        number,
        names,
        lang: lang("ug-Arab"),
        now: (status == ChannelStatus::OnAir).then(|| programme(-12, 30, grapes(), ProgrammeKind::Lesson)),
        next: vec![
            programme(18, 30, news(), ProgrammeKind::Relay),
            programme(48, 12, grapes(), ProgrammeKind::Lesson),
        ],
        status,
    }
}

pub(super) fn channels() -> Vec<ChannelCard> {
    let local =
        Titles::from([("zh-Hans", "乡土课堂"), ("ug-Arab", "يېزا دەرسخانىسى"), ("en", "Country Classroom")]);
    let national = Titles::from([
        ("zh-Hans", "中央台转播"),
        ("ug-Arab", "مەركىزىي تېلېۋىزىيە"),
        ("en", "National relay"),
    ]);
    let regional = Titles::from([("zh-Hans", "新疆台转播"), ("ug-Arab", "شىنجاڭ تېلېۋىزىيەسى")]);
    let mut relay = channel("national", 2, national, ChannelStatus::OnAir);
    relay.now = Some(programme(-20, 60, news(), ProgrammeKind::Relay));
    vec![
        channel("xiangtu", 1, local, ChannelStatus::OnAir),
        relay,
        channel("regional", 3, regional, ChannelStatus::Slate),
    ]
}

pub(super) fn lessons() -> Vec<LessonCard> {
    let card = |id: &str, titles, seconds, audio: &[&str], subtitles: &[&str]| LessonCard {
        id: LessonId::new(id).expect("an id"),
        titles,
        duration: Duration::from_secs(seconds),
        audio: langs(audio),
        subtitles: langs(subtitles),
        poster: String::new(),
        storyboard: None,
        waveform: None,
        details: Details::default(),
    };
    vec![
        card("grape-pruning", grapes(), 725, &["zh-Hans", "ug-Arab"], &["zh-Hans", "ug-Arab"]),
        card("safety", Titles::from([("zh-Hans", "安全用电知识讲座")]), 1830, &["zh-Hans"], &[]),
        card(
            "lambing",
            Titles::from([("kk-Arab", "قوي قوزداتۋ"), ("zh-Hans", "接羔保育")]),
            3725,
            &["kk-Arab", "zh-Hans"],
            &["zh-Hans"],
        ),
    ]
}

pub(super) fn packaging() -> Vec<PackagingView> {
    let view = |name: &str, percent, state, reason: Option<Reason>| PackagingView {
        name: name.to_owned(),
        percent,
        state,
        left: Some(7).filter(|_| percent > 20),
        playable: percent > 20,
        reason,
    };
    vec![
        view("葡萄冬季修剪技术", 42, PackagingState::Running, None),
        view("lambing.mp4", 0, PackagingState::Queued, None),
        view(
            "broken.avi",
            3,
            PackagingState::Failed,
            Some(Reason::CutOff { has: "12:03".into(), says: "40:00".into() }),
        ),
    ]
}

pub(super) fn site() -> SitePage {
    let terminal = |id: &str, names, device, state| TerminalView {
        id: TerminalId::new(id).expect("an id"),
        names,
        device,
        state,
    };
    let hall = Titles::from([("zh-Hans", "活动室电视"), ("ug-Arab", "پائالىيەت ئۆيى تېلېۋىزورى")]);
    let session = |id: &str, ago: i64, minutes: Option<i64>, subject, level, state| {
        let opened = now() - SignedDuration::from_mins(ago);
        SessionView {
            id: SessionId::new(id).expect("an id"),
            opened,
            closed: minutes.map(|m| opened + SignedDuration::from_mins(m)),
            subject,
            lang: Some(lang("ug-Arab")),
            terminal: hall.clone(),
            device: DeviceKind::Tv,
            delivered: Duration::from_secs(3725),
            watched: Duration::from_secs(3710),
            verified: Duration::from_secs(3690),
            level,
            state,
            uncounted: vec![(Uncounted::Paused, Duration::from_secs(95))],
            entry: minutes.map(|_| 1207),
        }
    };
    let channel = SessionSubject::Channel {
        id: ChannelId::new("xiangtu").expect("an id"),
        names: Titles::from([("zh-Hans", "乡土课堂"), ("ug-Arab", "يېزا دەرسخانىسى")]),
    };
    let lesson =
        SessionSubject::Lesson { id: LessonId::new("grape-pruning").expect("an id"), titles: grapes() };
    SitePage {
        id: SiteId::new("qaratal").expect("an id"),
        names: Titles::from([
            ("zh-Hans", "喀拉塔勒村"),
            ("ug-Arab", "قارىتال كەنتى"),
            ("en", "Qaratal village"),
        ]),
        township: Titles::from([("zh-Hans", "城关镇"), ("ug-Arab", "چېڭگۈەن بازىرى")]),
        terminals: vec![
            terminal("t1", hall.clone(), DeviceKind::Tv, TerminalState::Watching),
            terminal(
                "t2",
                Titles::from([("zh-Hans", "办公电脑")]),
                DeviceKind::Computer,
                TerminalState::Seen(now()),
            ),
            terminal("t3", Titles::default(), DeviceKind::Phone, TerminalState::Never),
        ],
        date: "2026-11-23".parse().expect("a date"),
        studied: SiteStudied {
            month: "2026-11".to_owned(),
            year: 2026,
            of_month: 1,
            of_year_ms: 31 * 3_600_000,
            sealed_ms: 5 * 3_600_000,
        },
        sessions: vec![
            session("s2", 70, None, channel, Level::L3, SessionState::Open),
            session("s1", 200, Some(62), lesson, Level::L2, SessionState::Closed(CloseReason::Superseded)),
        ],
        totals: Totals {
            delivered: Duration::from_secs(7450),
            watched: Duration::from_secs(7420),
            verified: Duration::from_secs(7380),
            sealed: Duration::from_secs(1500),
        },
    }
}

pub(super) fn sites() -> SitesPage {
    let row = |id: &str, names, terminals, watching| SiteRow {
        id: SiteId::new(id).expect("an id"),
        names,
        terminals,
        watching,
    };
    let sites = vec![
        row("qaratal", Titles::from([("zh-Hans", "喀拉塔勒村"), ("ug-Arab", "قارىتال كەنتى")]), 3, 1),
        row("baghcha", Titles::from([("zh-Hans", "果园社区"), ("ug-Arab", "باغچا مەھەللىسى")]), 1, 0),
    ];
    let township =
        |id: &str, names, sites| TownshipRow { id: TownshipId::new(id).expect("an id"), names, sites };
    SitesPage {
        townships: vec![
            township("town", Titles::from([("zh-Hans", "城关镇"), ("ug-Arab", "چېڭگۈەن بازىرى")]), sites),
            township("pasture", Titles::from([("zh-Hans", "牧场")]), vec![]),
        ],
    }
}

/// A day of `count` programmes on each of three channels.
pub(super) fn guide(count: i64) -> GuidePage {
    let midnight = -(19 * 60 + 42);
    let each = 24 * 60 / count;
    let day = (0..count)
        .map(|i| {
            let kind =
                [ProgrammeKind::Lesson, ProgrammeKind::Relay, ProgrammeKind::Preview][(i % 3) as usize];
            programme(
                midnight + i * each,
                each,
                if kind == ProgrammeKind::Relay { news() } else { grapes() },
                kind,
            )
        })
        .collect::<Vec<_>>();
    let mut channels: Vec<_> = channels().into_iter().map(|c| (c, day.clone())).collect();
    channels[2].1.clear();
    GuidePage { date: "2026-11-23".parse().expect("a date"), hour: None, channels }
}
