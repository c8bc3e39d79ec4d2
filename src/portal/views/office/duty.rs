//! The duty desk.

use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;

use super::{AsRunRow, HandView, Menu, SourceView, page};
use crate::base::Titles;
use crate::config::Channel;
use crate::portal::views::{ChannelCard, ChannelStatus, PackagingView, PageContext};
use crate::store::Event;

/// A relay, as the duty officer sees it.
#[derive(Debug, Clone)]
pub struct RelayRow {
    /// Its identifier.
    pub id: String,
    /// Its names.
    pub names: Titles,
    /// It has a picture now.
    pub live: bool,
    /// How old its newest segment is, seconds; none: there is none.
    pub age_s: Option<i64>,
    /// Which of its sources is in use, where there are several.
    pub source: Option<usize>,
    /// Errors of the feed since the worker started.
    pub errors: u64,
    /// Bit rate and pictures a second now: `1.52 Mbit/s · 25 fps`; empty while there are none.
    pub rates: String,
    /// How far sound is ahead of the picture, where it is more than it should be, milliseconds.
    pub av_offset_ms: Option<i64>,
    /// Keys of what is wrong with picture and sound.
    pub faults: Vec<&'static str>,
    /// Points of the line of two hours' bit rates, in a box of 120 by 24.
    pub line: String,
    /// Of each of the last days: its date, and how long there was a picture.
    pub days: Vec<(Date, Duration)>,
    /// There is a picture of it to show.
    pub has_picture: bool,
    /// What happened last.
    pub events: Vec<Event>,
}

impl RelayRow {
    /// Another address every few seconds.
    fn picture(&self, ctx: &PageContext<'_>) -> String {
        format!("/office/relays/{}/picture?at={}", self.id, ctx.now.as_second() / PICTURE_S)
    }

    /// `11-25 23:59`, in hours and minutes.
    fn day((date, up): &&(Date, Duration)) -> String {
        let minutes = (up.as_secs() + 30) / 60;
        format!("{} {}:{:02}", date.strftime("%m-%d"), minutes / 60, minutes % 60)
    }

    fn at(&self, at: &Timestamp, ctx: &PageContext<'_>) -> String {
        at.to_zoned_datetime(ctx.tz.clone()).strftime("%m-%d %H:%M:%S").to_string()
    }
}

/// A channel, as the duty officer sees it.
#[derive(Debug, Clone)]
pub struct DutyChannel {
    /// What everybody sees.
    pub card: ChannelCard,
    /// What is on air.
    pub source: Option<SourceView>,
    /// Since when.
    pub since: Option<Timestamp>,
    /// How late the programme that is on began.
    pub late: Option<Duration>,
    /// Number of what is on air in the as-run log.
    pub no: Option<u64>,
    /// The command that stands in the schedule's place.
    pub hand: Option<HandView>,
}

impl DutyChannel {
    /// The lesson that is on air can be held and skipped: its number.
    fn lesson(&self) -> Option<u64> {
        let on = self.card.status == ChannelStatus::OnAir;
        let lesson = self.source.as_ref().is_some_and(|s| s.key == "kind-lesson");
        self.no.filter(|_| on && lesson)
    }

    /// How late, where it is more than the end of a segment: `1:16`.
    fn lateness(&self, ctx: &PageContext<'_>) -> Option<String> {
        self.late.filter(|late| *late >= NOTICED).map(|late| ctx.length(&late))
    }

    /// A picture of what is on air; another address every few seconds.
    fn picture(&self, ctx: &PageContext<'_>) -> String {
        format!("/office/duty/{}/picture?at={}", self.card.id, ctx.now.as_second() / PICTURE_S)
    }
}

/// A fixed start is met at the first segment boundary: no more than this is normal.
const NOTICED: Duration = Duration::from_secs(4);
/// How old a picture may be, seconds.
const PICTURE_S: i64 = 10;

/// One channel at the duty desk.
#[derive(Debug, Clone)]
pub struct DirectPage<'a> {
    /// Which.
    pub channel: &'a Channel,
    /// How it is.
    pub state: DutyChannel,
    /// The visitor may give commands.
    pub may_direct: bool,
    /// Relays to choose from: identifier and name.
    pub relays: Vec<(String, String)>,
    /// How long a command may stand.
    pub minutes: Vec<i64>,
    /// What was on air last, newest first.
    pub rows: Vec<AsRunRow>,
    /// The whole log of today.
    pub asrun: Option<String>,
    /// Key of why a command was not given.
    pub error: Option<&'static str>,
    /// Of its forms.
    pub token: String,
    /// The office's rooms.
    pub menu: Menu,
}
page!(DirectPage, "office/direct.html", "duty-title");

/// Something that the person on duty has to do something about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alarm {
    /// Where it is seen to; none: not on a page.
    pub href: Option<String>,
    /// What it is about: a channel's or a relay's names.
    pub names: Titles,
    /// In words.
    pub said: String,
}

/// The page; it keeps itself fresh.
#[derive(Debug, Clone)]
pub struct DutyPage {
    /// What somebody has to do something about, the worst first.
    pub alarms: Vec<Alarm>,
    /// The channels.
    pub channels: Vec<DutyChannel>,
    /// The relays.
    pub relays: Vec<RelayRow>,
    /// What is being packaged, or failed.
    pub packaging: Vec<PackagingView>,
    /// The office's rooms.
    pub menu: Menu,
}

const _: () = {
    use askama::Template;

    #[derive(Template)]
    #[template(path = "office/duty.html")]
    struct Html<'a> {
        page: &'a DutyPage,
        ctx: &'a PageContext<'a>,
        heading: String,
    }

    impl DutyPage {
        /// The page as HTML.
        pub fn render(&self, ctx: &PageContext<'_>) -> Result<String, askama::Error> {
            Html { page: self, ctx, heading: ctx.t("duty-title") }.render()
        }
    }
};
