//! The guide for machines: XMLTV, M3U, iCalendar.

use hyper::StatusCode;
use jiff::{SignedDuration, Timestamp};

use crate::base::{ChannelId, Lang};
use crate::guide::{Entry, News, atom, ics, m3u, xmltv};
use crate::schedule::ProgrammeId;

use super::i18n;
use super::pages::{GUIDE_AHEAD, GUIDE_BACK, param};
use super::reply::{Reply, problem};
use super::state::{Portal, info};

/// How far a series' calendar reaches.
const SERIES_AHEAD: SignedDuration = SignedDuration::from_hours(24 * 90);

impl Portal {
    /// `/guide.xml`.
    pub fn guide_xml(&self, now: Timestamp, base_url: &str) -> Reply {
        let county = self.county.load();
        let listings: Vec<_> =
            county.channels.iter().map(|c| self.listing(c, now - GUIDE_BACK, now + GUIDE_AHEAD)).collect();
        Reply::ok("application/xml; charset=utf-8", xmltv(&listings, &county.tz, base_url))
            .cached("max-age=60")
    }

    /// `/channels.m3u`; with a terminal's token, every address carries it.
    pub fn channels_m3u(&self, base_url: &str, token: Option<&str>) -> Reply {
        let infos: Vec<_> = self.county.load().channels.iter().map(info).collect();
        let mut list = m3u(&infos, base_url);
        if let Some(token) = token.filter(|t| t.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')) {
            // Catch-up parameters are appended to the address: they come second now.
            list = list.replace("catchup-source=\"?", "catchup-source=\"&");
            list = list.replace("/index.m3u8", &format!("/index.m3u8?terminal={token}"));
        }
        Reply::ok("audio/x-mpegurl; charset=utf-8", list).cached("no-store")
    }

    /// `/channels/{id}/guide.ics`: the next days; with `?series=` one series, months
    /// ahead; with `?programme=` one programme.
    pub fn guide_ics(&self, id: &str, query: &str, lang: &Lang, now: Timestamp) -> Reply {
        let county = self.county.load();
        let channel = ChannelId::new(id).ok().and_then(|id| county.channels.iter().find(|c| c.id == id));
        let Some(channel) = channel else {
            return problem(StatusCode::NOT_FOUND, "Not found", "there is no such channel");
        };
        let (series, one) = (param(query, "series"), param(query, "programme"));
        let start = one.and_then(|id| ProgrammeId(id.to_owned()).start());
        let (from, to) = match (start, series) {
            (Some(start), _) => (start, start + SignedDuration::from_secs(1)),
            (None, Some(_)) => (now - GUIDE_BACK, now + SERIES_AHEAD),
            (None, None) => (now - GUIDE_BACK, now + GUIDE_AHEAD),
        };
        let mut listing = self.listing(channel, from, to);
        let asked = |e: &Entry| {
            one.is_none_or(|id| e.programme.id.0 == id)
                && series.is_none_or(|s| e.programme.episode.as_ref().is_some_and(|e| e.series == s))
        };
        listing.entries.retain(asked);
        if listing.entries.is_empty() && (one.is_some() || series.is_some()) {
            return problem(StatusCode::NOT_FOUND, "Not found", "nothing of this name is planned");
        }
        Reply::ok("text/calendar; charset=utf-8", ics(&listing, lang, now)).cached("max-age=60")
    }

    /// `/lessons.atom`.
    pub fn lessons_atom(&self, lang: &Lang, base_url: &str) -> Reply {
        let catalogue = self.library.catalogue();
        let news = catalogue.lessons().filter_map(|(id, package)| {
            let made = std::fs::metadata(package.folder.join("package.json")).and_then(|m| m.modified());
            let updated = Timestamp::try_from(made.ok()?).ok()?;
            Some(News { id: id.to_string(), titles: package.manifest.titles.clone(), updated })
        });
        let news: Vec<News> = news.collect();
        let title = i18n::text(lang, "feed-title", &[]);
        Reply::ok("application/atom+xml; charset=utf-8", atom(&news, &title, lang, base_url))
            .cached("max-age=300")
    }

    /// `/lessons/{id}/poster.jpg`.
    pub async fn poster(&self, id: &str) -> Reply {
        let unknown = || problem(StatusCode::NOT_FOUND, "Not found", "there is no such picture");
        let catalogue = self.library.catalogue();
        let found = crate::base::LessonId::new(id).ok().and_then(|id| catalogue.lesson(&id).cloned());
        let Some((package, poster)) = found.and_then(|p| Some((p.clone(), p.manifest.poster.clone()?)))
        else {
            return unknown();
        };
        match tokio::fs::read(package.folder.join(poster)).await {
            Ok(bytes) => Reply::ok("image/jpeg", bytes).cached("public, max-age=86400"),
            Err(_) => unknown(),
        }
    }
}
