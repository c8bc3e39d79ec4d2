//! Sites: the list by township, and one site's terminals and sessions of a day.

use std::time::Duration;

use askama::Template;
use jiff::Timestamp;
use jiff::civil::Date;

use sha2::{Digest as _, Sha256};

use crate::base::{ChannelId, Lang, LessonId, SessionId, SiteId, TerminalId, Titles, TownshipId};
use crate::sites::DeviceKind;

use super::context::PageContext;
use super::office::hours;
use crate::evidence::{MONTH_STUDIES, YEAR_HOURS};
use crate::portal::i18n::text;

/// The sites of the county by township.
#[derive(Debug, Clone, Default)]
pub struct SitesPage {
    /// Townships in the order of their identifiers.
    pub townships: Vec<TownshipRow>,
}

/// A township with its sites.
#[derive(Debug, Clone)]
pub struct TownshipRow {
    /// Its identifier.
    pub id: TownshipId,
    /// Its names.
    pub names: Titles,
    /// Its sites.
    pub sites: Vec<SiteRow>,
}

/// A site in the list.
#[derive(Debug, Clone)]
pub struct SiteRow {
    /// Its identifier.
    pub id: SiteId,
    /// Its names.
    pub names: Titles,
    /// Terminals enrolled there.
    pub terminals: usize,
    /// Terminals that play now.
    pub watching: usize,
}

/// A site's page.
#[derive(Debug, Clone)]
pub struct SitePage {
    /// Its identifier.
    pub id: SiteId,
    /// Its names.
    pub names: Titles,
    /// Names of its township.
    pub township: Titles,
    /// Terminals enrolled there.
    pub terminals: Vec<TerminalView>,
    /// The day shown, in the county.
    pub date: Date,
    /// Its group studies of the month and the year.
    pub studied: SiteStudied,
    /// Sessions of the day, the latest first.
    pub sessions: Vec<SessionView>,
    /// The day's totals: unions over the site's terminals, never sums of kinds.
    pub totals: Totals,
}

/// What a site has of group study, against what it should have.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SiteStudied {
    /// The month, such as `2026-11`.
    pub month: String,
    /// The year.
    pub year: i16,
    /// Group studies of the month that count.
    pub of_month: u32,
    /// Verified time of those of the year up to the end of that month, ms.
    pub of_year_ms: i64,
    /// What was played without a line in that time, ms: no part of it.
    pub sealed_ms: i64,
}

impl SiteStudied {
    fn hours(&self) -> String {
        hours(&self.of_year_ms)
    }

    fn sealed(&self) -> String {
        hours(&self.sealed_ms)
    }

    /// What is left to the standard of the year; none: it is met.
    fn missing(&self) -> Option<String> {
        let left = i64::from(YEAR_HOURS) * 3_600_000 - self.of_year_ms;
        (left > 0).then(|| hours(&left))
    }

    /// Of the standard of the year, per cent, 100 at most.
    fn share(&self) -> i64 {
        (self.of_year_ms / (i64::from(YEAR_HOURS) * 36_000)).clamp(0, 100)
    }

    /// So many of so many.
    fn of(ctx: &PageContext<'_>, has: impl std::fmt::Display, wanted: u32) -> String {
        text(ctx.lang, "site-of", &[("has", &has.to_string()), ("wanted", &wanted.to_string())])
    }
}

/// A terminal as the site's page shows it.
#[derive(Debug, Clone)]
pub struct TerminalView {
    /// Its identifier.
    pub id: TerminalId,
    /// Its names.
    pub names: Titles,
    /// What kind of screen it is.
    pub device: DeviceKind,
    /// What is known of it now.
    pub state: TerminalState,
}

/// What is known of a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TerminalState {
    /// It plays now.
    Watching,
    /// It was last heard of then.
    Seen(Timestamp),
    /// It was never heard of.
    Never,
}

/// A playback session.
#[derive(Debug, Clone)]
pub struct SessionView {
    /// Its identifier.
    pub id: SessionId,
    /// When it opened.
    pub opened: Timestamp,
    /// When it closed; none: it is open.
    pub closed: Option<Timestamp>,
    /// What was watched.
    pub subject: SessionSubject,
    /// Audio language, if the player said.
    pub lang: Option<Lang>,
    /// Names of the terminal; empty: the terminal is not known by name.
    pub terminal: Titles,
    /// Kind of screen.
    pub device: DeviceKind,
    /// Media the server sent.
    pub delivered: Duration,
    /// Playing the player reported, within the rules.
    pub watched: Duration,
    /// The part of it that what was delivered bears out.
    pub verified: Duration,
    /// The level reached.
    pub level: Level,
    /// Open, or why it closed.
    pub state: SessionState,
    /// What was not counted, and how long.
    pub uncounted: Vec<(Uncounted, Duration)>,
    /// Its number in the log of evidence; none: it has none yet, or nothing was played.
    pub entry: Option<u64>,
}

/// Why a part of a session counts nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Uncounted {
    /// It played without a line: counted apart.
    Sealed,
    /// The picture could not be seen.
    Hidden,
    /// Somebody paused it.
    Paused,
    /// It waited for data.
    Stalled,
    /// The player reported it and the server cannot confirm it.
    Unverified,
}

impl Uncounted {
    fn key(self) -> &'static str {
        match self {
            Self::Sealed => "uncounted-sealed",
            Self::Hidden => "uncounted-hidden",
            Self::Paused => "uncounted-paused",
            Self::Stalled => "uncounted-stalled",
            Self::Unverified => "uncounted-unverified",
        }
    }
}

/// What a session played. Titles are those of the time of the session.
#[derive(Debug, Clone)]
pub enum SessionSubject {
    /// A channel.
    Channel {
        /// Which.
        id: ChannelId,
        /// Its names.
        names: Titles,
    },
    /// A lesson.
    Lesson {
        /// Which.
        id: LessonId,
        /// Its titles.
        titles: Titles,
    },
}

/// How well a session's seconds are borne out (evidence levels).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Nothing was claimed.
    None,
    /// LS: without a line, signed by the device.
    Ls,
    /// L1: the player's report is consistent.
    L1,
    /// L2: and its clock agrees with the server's.
    L2,
    /// L3: and the server delivered it first.
    L3,
}

impl Level {
    fn as_str(self) -> &'static str {
        match self {
            Self::None => "–",
            Self::Ls => "LS",
            Self::L1 => "L1",
            Self::L2 => "L2",
            Self::L3 => "L3",
        }
    }
}

/// Open, or why a session closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionState {
    /// It goes on.
    Open,
    /// It closed.
    Closed(CloseReason),
}

/// Why a session closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CloseReason {
    /// The item ended.
    Ended,
    /// The player stopped.
    Stopped,
    /// Nothing was heard for the time-out.
    Silence,
    /// The terminal opened another.
    Superseded,
    /// It went on without a line, and the device has told of it.
    Sealed,
}

impl SessionState {
    fn key(self) -> &'static str {
        match self {
            Self::Open => "session-open",
            Self::Closed(CloseReason::Ended) => "session-ended",
            Self::Closed(CloseReason::Stopped) => "session-stopped",
            Self::Closed(CloseReason::Silence) => "session-silence",
            Self::Closed(CloseReason::Superseded) => "session-superseded",
            Self::Closed(CloseReason::Sealed) => "session-sealed",
        }
    }
}

/// A day's totals, each kind by itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// Media the server sent.
    pub delivered: Duration,
    /// Playing that players reported.
    pub watched: Duration,
    /// The part of it that deliveries bear out.
    pub verified: Duration,
    /// Playing without a line, signed by devices.
    pub sealed: Duration,
}

impl TerminalView {
    fn device_key(&self) -> &'static str {
        device_key(self.device)
    }
}

impl SessionView {
    /// What was not counted and why, in words.
    fn uncounted(&self, ctx: &PageContext<'_>) -> Vec<String> {
        self.uncounted.iter().map(|(why, time)| ctx.t1(why.key(), "time", ctx.hms(time))).collect()
    }

    /// What the row is called: the identifier itself is the player's business.
    fn key(&self) -> String {
        hex::encode(&Sha256::digest(self.id.as_str())[..6])
    }

    fn device_key(&self) -> &'static str {
        device_key(self.device)
    }
}

fn device_key(device: DeviceKind) -> &'static str {
    match device {
        DeviceKind::Computer => "device-computer",
        DeviceKind::Tv => "device-tv",
        DeviceKind::Phone => "device-phone",
    }
}

#[derive(Template)]
#[template(path = "sites.html")]
struct ListHtml<'a> {
    page: &'a SitesPage,
    ctx: &'a PageContext<'a>,
    heading: String,
}

#[derive(Template)]
#[template(path = "site.html")]
struct Html<'a> {
    page: &'a SitePage,
    ctx: &'a PageContext<'a>,
    heading: String,
}

impl SitesPage {
    /// The page as HTML.
    pub fn render(&self, ctx: &PageContext<'_>) -> Result<String, askama::Error> {
        ListHtml { page: self, ctx, heading: ctx.t("sites-title") }.render()
    }
}

impl SitePage {
    /// The page as HTML.
    pub fn render(&self, ctx: &PageContext<'_>) -> Result<String, askama::Error> {
        Html { page: self, ctx, heading: ctx.plain(&self.names) }.render()
    }

    fn at(&self, date: &Date) -> String {
        format!("/sites/{}?date={date}", self.id)
    }

    fn previous(&self) -> Option<Date> {
        self.date.yesterday().ok()
    }

    fn next(&self) -> Option<Date> {
        self.date.tomorrow().ok()
    }
}
