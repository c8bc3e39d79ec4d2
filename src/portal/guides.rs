//! The guide for machines: XMLTV, M3U, iCalendar.

use hyper::StatusCode;
use jiff::Timestamp;

use crate::base::{ChannelId, Lang};
use crate::guide::{ics, m3u, xmltv};

use super::pages::{GUIDE_AHEAD, GUIDE_BACK};
use super::reply::{Reply, problem};
use super::state::{Portal, info};

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

    /// `/channels/{id}/guide.ics`.
    pub fn guide_ics(&self, id: &str, lang: &Lang, now: Timestamp) -> Reply {
        let county = self.county.load();
        let channel = ChannelId::new(id).ok().and_then(|id| county.channels.iter().find(|c| c.id == id));
        match channel {
            Some(channel) => {
                let listing = self.listing(channel, now - GUIDE_BACK, now + GUIDE_AHEAD);
                Reply::ok("text/calendar; charset=utf-8", ics(&listing, lang, now)).cached("max-age=60")
            }
            None => problem(StatusCode::NOT_FOUND, "Not found", "there is no such channel"),
        }
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
