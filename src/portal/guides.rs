//! The guide for machines: XMLTV, M3U, iCalendar.

use hyper::StatusCode;
use hyper::header::HeaderMap;
use jiff::{SignedDuration, Timestamp};

use crate::base::{ChannelId, Lang};
use crate::guide::{Entry, News, atom, ics, m3u, streams, xmltv};
use crate::hls::Manifest;
use crate::schedule::ProgrammeId;

use super::i18n;
use super::pages::{GUIDE_AHEAD, GUIDE_BACK, param};
use super::reply::{Reply, problem};
use super::snapshots::{Basis, hour};
use super::state::{Portal, info};

/// How far a series' calendar reaches.
const SERIES_AHEAD: SignedDuration = SignedDuration::from_hours(24 * 90);
/// The guide for machines reaches back as far as they can catch up, and no further than this.
const MOST_BACK: SignedDuration = SignedDuration::from_hours(24 * 7);

/// What a machine asked for, besides the name.
#[derive(Debug, Clone, Copy)]
pub struct Machine<'a> {
    /// Request headers.
    pub headers: &'a HeaderMap,
    /// It takes gzip.
    pub gzip: bool,
    /// The server's address for it, without a slash at the end.
    pub base_url: &'a str,
    /// Its language.
    pub lang: &'a Lang,
}

impl Portal {
    fn basis(&self, now: Timestamp) -> Basis {
        Basis {
            county: self.county.load_full(),
            plans: self.plans.load_full(),
            library: self.library.catalogue(),
            hour: hour(now),
        }
    }

    /// `/guide.xml`.
    pub fn guide_xml(&self, asker: Machine<'_>, now: Timestamp) -> Reply {
        let make = |basis: &Basis| {
            let county = &basis.county;
            let back = county.catch_up().clamp(GUIDE_BACK, MOST_BACK);
            let (from, to) = (basis.hour - back, basis.hour + GUIDE_AHEAD);
            let listings: Vec<_> = county.channels.iter().map(|c| self.listing(c, from, to)).collect();
            Some(xmltv(&listings, &county.tz, asker.base_url))
        };
        let name = format!("guide.xml {}", asker.base_url);
        let named = (&*name, "application/xml; charset=utf-8");
        let made = self.snapshots.answer(named, &self.basis(now), asker.headers, asker.gzip, make);
        made.unwrap_or_else(nothing_planned)
    }

    /// `/channels.m3u`; a terminal's token, the language to hear by default and the
    /// container `ts` (segments of MPEG-TS), if there are such, are carried by every
    /// address. With the container `stream` the addresses are streams of MPEG-TS
    /// without an end, for televisions that know no playlists.
    pub fn channels_m3u(
        &self,
        base_url: &str,
        (token, lang, container): (Option<&str>, Option<&Lang>, Option<&str>),
    ) -> Reply {
        let county = self.county.load();
        let infos: Vec<_> = county.channels.iter().map(info).collect();
        let carried = [
            carried_token(token),
            lang.map(|l| format!("lang={l}")),
            container.filter(|c| *c == "ts").map(|_| "container=ts".to_owned()),
        ];
        let carried = carried.into_iter().flatten().collect::<Vec<_>>().join("&");
        if container == Some("stream") {
            let list = streams(&infos, base_url, &carried);
            return Reply::ok("audio/x-mpegurl; charset=utf-8", list).cached("no-store");
        }
        let days = county.catch_up().as_hours() / 24;
        let list = m3u(&infos, base_url, &carried, days);
        Reply::ok("audio/x-mpegurl; charset=utf-8", list).cached("no-store")
    }

    /// `/channels/{id}/guide.ics`: the next days; with `?series=` one series, months
    /// ahead; with `?programme=` one programme.
    pub fn guide_ics(&self, id: &str, query: &str, asker: Machine<'_>, now: Timestamp) -> Reply {
        let basis = self.basis(now);
        let channel = ChannelId::new(id).ok();
        let channel = channel.and_then(|id| basis.county.channels.iter().find(|c| c.id == id));
        let Some(channel) = channel else {
            return problem(StatusCode::NOT_FOUND, "Not found", "there is no such channel");
        };
        let (series, one) = (param(query, "series"), param(query, "programme"));
        let start = one.and_then(|id| ProgrammeId(id.to_owned()).start());
        let make = |basis: &Basis| {
            let (from, to) = match (start, series) {
                (Some(start), _) => (start, start + SignedDuration::from_secs(1)),
                (None, Some(_)) => (basis.hour - GUIDE_BACK, basis.hour + SERIES_AHEAD),
                (None, None) => (basis.hour - GUIDE_BACK, basis.hour + GUIDE_AHEAD),
            };
            let mut listing = self.listing(channel, from, to);
            let asked = |e: &Entry| {
                one.is_none_or(|id| e.programme.id.0 == id)
                    && series.is_none_or(|s| e.programme.episode.as_ref().is_some_and(|e| e.series == s))
            };
            listing.entries.retain(asked);
            let nothing = listing.entries.is_empty() && (one.is_some() || series.is_some());
            (!nothing).then(|| ics(&listing, asker.lang, basis.hour))
        };
        let name = format!("guide.ics {id} {} {} {}", series.unwrap_or("-"), one.unwrap_or("-"), asker.lang);
        let named = (&*name, "text/calendar; charset=utf-8");
        self.snapshots.answer(named, &basis, asker.headers, asker.gzip, make).unwrap_or_else(nothing_planned)
    }

    /// `/lessons.atom`.
    pub fn lessons_atom(&self, asker: Machine<'_>, now: Timestamp) -> Reply {
        let make = |basis: &Basis| {
            let news = basis.library.lessons().filter_map(|(id, package)| {
                let updated = package.updated?;
                Some(News { id: id.to_string(), titles: package.manifest.titles.clone(), updated })
            });
            let news: Vec<News> = news.collect();
            let title = i18n::text(asker.lang, "feed-title", &[]);
            Some(atom(&news, &title, asker.lang, asker.base_url))
        };
        let name = format!("lessons.atom {} {}", asker.lang, asker.base_url);
        let named = (&*name, "application/atom+xml; charset=utf-8");
        let made = self.snapshots.answer(named, &self.basis(now), asker.headers, asker.gzip, make);
        made.unwrap_or_else(nothing_planned)
    }

    /// A picture of a lesson's package: the file that `which` names.
    pub async fn picture(&self, id: &str, which: fn(&Manifest) -> Option<&str>) -> Reply {
        let unknown = || problem(StatusCode::NOT_FOUND, "Not found", "there is no such picture");
        let catalogue = self.library.catalogue();
        let found = crate::base::LessonId::new(id).ok().and_then(|id| catalogue.lesson(&id).cloned());
        let Some(path) = found.and_then(|p| Some(p.folder.join(which(&p.manifest)?))) else {
            return unknown();
        };
        match tokio::fs::read(path).await {
            Ok(bytes) => Reply::ok("image/jpeg", bytes).cached("public, max-age=86400"),
            Err(_) => unknown(),
        }
    }
}

/// A terminal's token as every address of a list carries it; none if there is none, or it is none.
pub(super) fn carried_token(token: Option<&str>) -> Option<String> {
    let token = token.filter(|t| t.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'))?;
    Some(format!("terminal={token}"))
}

fn nothing_planned() -> Reply {
    problem(StatusCode::NOT_FOUND, "Not found", "nothing of this name is planned")
}
