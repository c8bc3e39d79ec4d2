//! What every page needs to know of its request, and how texts, times and
//! addresses are written.

use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::base::{Direction, Lang, Titles};
use crate::hls::Reason;
use crate::portal::{assets, i18n};

use super::title::Title;

/// The request, as far as pages know it.
#[derive(Debug, Clone)]
pub struct PageContext<'a> {
    /// Language of the page.
    pub lang: &'a Lang,
    /// Languages offered.
    pub languages: &'a [Lang],
    /// The instant of the request.
    pub now: Timestamp,
    /// The county's zone.
    pub tz: &'a TimeZone,
    /// The county's names.
    pub county: &'a Titles,
    /// The viewer saves data: no posters, the smallest picture.
    pub saver: bool,
    /// Path and query of the request without `lang` and `saver`, such as `/guide?date=2026-11-23`.
    pub path: &'a str,
}

const WEEKDAYS: [&str; 7] =
    ["weekday-1", "weekday-2", "weekday-3", "weekday-4", "weekday-5", "weekday-6", "weekday-7"];

const MONTHS: [&str; 12] = [
    "month-1", "month-2", "month-3", "month-4", "month-5", "month-6", "month-7", "month-8", "month-9",
    "month-10", "month-11", "month-12",
];

impl PageContext<'_> {
    /// The page's own text `key`.
    pub(in crate::portal) fn t(&self, key: &str) -> String {
        i18n::text(self.lang, key, &[])
    }

    /// The page's own text `key` with one value.
    pub(in crate::portal) fn t1(&self, key: &str, name: &str, value: impl std::fmt::Display) -> String {
        i18n::text(self.lang, key, &[(name, &value.to_string())])
    }

    /// Why a file did not become a lesson.
    pub(super) fn reason(&self, reason: &Reason) -> String {
        i18n::reason(reason, self.lang)
    }

    /// Direction of the page.
    pub(super) fn dir(&self) -> &'static str {
        self.lang.direction().as_str()
    }

    /// A title as HTML, marked where it is not in the page's language.
    pub(super) fn title(&self, titles: &Titles) -> String {
        self.write_title(titles, false)
    }

    /// A name as HTML, without the mark.
    pub(super) fn name(&self, titles: &Titles) -> String {
        self.write_title(titles, true)
    }

    fn write_title(&self, titles: &Titles, unmarked: bool) -> String {
        let missing = self.t("title-none");
        let title = Title::new(titles, self.lang, &missing, self.t("title-other-language"));
        let title = if unmarked { title.unmarked() } else { title };
        // Writing to a String fails only if a template does; a title without markup still says what is on.
        askama::Template::render(&title).unwrap_or_default()
    }

    /// A title as plain text.
    pub(in crate::portal) fn plain(&self, titles: &Titles) -> String {
        titles.best(self.lang).map_or_else(|| self.t("title-none"), |(_, text)| text.to_owned())
    }

    /// Time of day in the county, `19:30`.
    pub(super) fn time(&self, at: &Timestamp) -> String {
        at.to_zoned_datetime(self.tz.clone()).strftime("%H:%M").to_string()
    }

    /// Time of day with seconds, `19:30:05`.
    pub(super) fn time_s(&self, at: &Timestamp) -> String {
        at.to_zoned_datetime(self.tz.clone()).strftime("%H:%M:%S").to_string()
    }

    /// A date in words.
    pub(super) fn date(&self, date: &Date) -> String {
        let month = usize::try_from(date.month() - 1).unwrap_or(0);
        let weekday = usize::try_from(date.weekday().to_monday_zero_offset()).unwrap_or(0);
        let (month, weekday) = (self.t(MONTHS[month]), self.t(WEEKDAYS[weekday]));
        let (year, day) = (date.year().to_string(), date.day().to_string());
        let values = [("year", &*year), ("month", &*month), ("day", &*day), ("weekday", &*weekday)];
        i18n::text(self.lang, "date-long", &values)
    }

    /// Name of a day of the week, from 0 for Monday.
    pub(in crate::portal) fn weekday(&self, day: &usize) -> String {
        self.t(WEEKDAYS[*day % 7])
    }

    /// Day of the week and date as figures, `Monday 12-01`.
    pub(in crate::portal) fn short_date(&self, date: &Date) -> String {
        let weekday = usize::try_from(date.weekday().to_monday_zero_offset()).unwrap_or(0);
        let figures = if date.year() == self.today().year() { "%m-%d" } else { "%Y-%m-%d" };
        format!("{} {}", self.weekday(&weekday), date.strftime(figures))
    }

    /// Today in the county.
    pub(in crate::portal) fn today(&self) -> Date {
        self.now.to_zoned_datetime(self.tz.clone()).date()
    }

    /// Name of the county's zone, where it has one.
    pub(in crate::portal) fn zone(&self) -> String {
        self.tz.iana_name().unwrap_or("UTC").to_owned()
    }

    /// Hours, minutes and seconds, `1:02:03`.
    pub(super) fn hms(&self, duration: &Duration) -> String {
        let s = duration.as_secs();
        format!("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60)
    }

    /// Length of a programme, `12:05`, with hours where there are any.
    pub(in crate::portal) fn length(&self, duration: &Duration) -> String {
        let s = duration.as_secs();
        if s >= 3600 { self.hms(duration) } else { format!("{}:{:02}", s / 60, s % 60) }
    }

    /// How long it is until `end`: in minutes, or in hours where nobody counts minutes any more.
    pub(super) fn left(&self, end: &Timestamp) -> String {
        // Rounded up: what is on has not ended.
        self.minutes_left(&((end.duration_since(self.now).as_secs().max(0) + 59) / 60))
    }

    /// So many minutes, as [`Self::left`] says them.
    pub(super) fn minutes_left(&self, minutes: &i64) -> String {
        if *minutes <= 100 {
            return self.t1("minutes-left", "minutes", minutes);
        }
        self.t1("hours-left", "hours", (minutes + 30) / 60)
    }

    /// This page in another language.
    pub(super) fn in_language(&self, lang: &Lang) -> String {
        self.with("lang", lang)
    }

    /// This page with data saved, or not.
    pub(super) fn with_saver(&self, saver: bool) -> String {
        self.with("saver", u8::from(saver))
    }

    fn with(&self, name: &str, value: impl std::fmt::Display) -> String {
        let joint = if self.path.contains('?') { '&' } else { '?' };
        format!("{}{joint}{name}={value}", self.path)
    }

    /// Says when this page was made: shown where it is an old copy.
    pub(super) fn as_of(&self) -> String {
        let (date, time) = (self.date(&self.today()), self.time(&self.now));
        i18n::text(self.lang, "as-of", &[("date", &date), ("time", &time)])
    }

    /// True if this page lies in the part of the site that `part` opens.
    pub(super) fn is_in(&self, part: &str) -> bool {
        let path = self.path.split('?').next().unwrap_or_default();
        if part == "/" {
            path == "/"
        } else {
            path.strip_prefix(part).is_some_and(|r| r.is_empty() || r.starts_with('/'))
        }
    }

    /// Address of a built file.
    pub(super) fn asset(&self, entry: &str) -> String {
        assets::url(entry)
    }

    /// Fonts that this page certainly needs: they are asked for before the
    /// styles that name them are read. No other script's, to keep a visit light.
    pub(super) fn fonts(&self) -> Vec<String> {
        let arabic =
            ["arabic-400", "arabic-700"].map(|f| format!("noto-sans-arabic/files/noto-sans-arabic-{f}"));
        let mongolian = "noto-sans-mongolian/files/noto-sans-mongolian-mongolian-400".to_owned();
        let needed = match (self.lang.direction(), self.lang.primary()) {
            (Direction::Rtl, _) => arabic.to_vec(),
            (Direction::Ltr, "mn") => vec![mongolian],
            _ => Vec::new(),
        };
        let entry = |font: &String| assets::url(&format!("node_modules/@fontsource/{font}-normal.woff2"));
        needed.iter().map(entry).collect()
    }

    /// A JSON value that cannot end the `script` element around it.
    pub(super) fn json(&self, value: &serde_json::Value) -> String {
        value.to_string().replace('<', "\\u003c")
    }
}
