//! From a path to a page.

use std::collections::BTreeMap;

use hyper::StatusCode;
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};

use crate::base::{ChannelId, Lang, SiteId, day_span};

pub(super) use super::evening::evening_query;
use super::figures::{Month, of_site};
use super::reply::Reply;
use super::site_page;
use super::state::Portal;
use super::views::{
    ChannelPage, ErrorPage, GuidePage, HomePage, MANIFEST, OfflinePage, PageContext, SiteRow, SiteStudied,
    SitesPage, TownshipRow, TvChannel, TvPage, manifest,
};

/// What a page request says besides its path.
#[derive(Debug, Clone)]
pub struct PageRequest<'a> {
    /// The path.
    pub path: &'a str,
    /// The query without `lang` and `saver`, with its question mark, or nothing.
    pub query: &'a str,
    /// `?lang=`, a cookie or a header decided this.
    pub lang: Lang,
    /// True if `?lang=` did: remember it.
    pub chosen: bool,
    /// The viewer saves data: no posters, the smallest picture.
    pub saver: bool,
    /// True if `?saver=` said so: remember it.
    pub saver_chosen: bool,
    /// When it was asked.
    pub now: Timestamp,
    /// Address of this server as the browser knows it.
    pub base_url: &'a str,
}

pub(super) type Page = Result<String, PageError>;

/// Why there is no page.
#[derive(Debug)]
pub(super) enum PageError {
    /// Nothing of that name.
    Unknown,
    /// The request makes no sense, in words.
    Bad(String),
    /// Our fault.
    Ours(String),
}

impl From<askama::Error> for PageError {
    fn from(e: askama::Error) -> Self {
        Self::Ours(e.to_string())
    }
}

impl From<crate::store::StoreError> for PageError {
    fn from(e: crate::store::StoreError) -> Self {
        Self::Ours(e.to_string())
    }
}

pub(super) const HTML: &str = "text/html; charset=utf-8";

impl Portal {
    /// The page at `request.path`, or a page that says why there is none.
    pub async fn page(&self, request: &PageRequest<'_>) -> Reply {
        let county = self.county.load_full();
        let path = format!("{}{}", request.path, request.query);
        let ctx = PageContext {
            lang: &request.lang,
            languages: &county.languages,
            now: request.now,
            tz: &county.tz,
            county: &county.names,
            path: &path,
            saver: request.saver,
        };
        let mut reply = match self.find(request, &ctx).await {
            Ok(html) => Reply::ok(HTML, html).cached("no-cache"),
            Err(error) => error_page(&ctx, error),
        };
        reply.set_lang = request.chosen.then(|| request.lang.clone());
        reply.set_saver = request.saver_chosen.then_some(request.saver);
        reply
    }

    /// The site as an app, named in `lang`.
    pub fn manifest(&self, lang: &Lang) -> Reply {
        let mut reply = Reply::json(&manifest(lang, &self.county.load().names)).cached("no-cache");
        reply.content_type = MANIFEST;
        reply
    }

    async fn find(&self, request: &PageRequest<'_>, ctx: &PageContext<'_>) -> Page {
        let parts: Vec<&str> = request.path.trim_matches('/').split('/').collect();
        match parts.as_slice() {
            [""] => self.home(ctx),
            ["guide"] => self.guide(request, ctx),
            ["channels", id] => self.channel(id, ctx),
            ["channels", id, "poster" | "poster.pdf"] => {
                self.poster_page(ctx, (id, request.query, request.base_url))
            }
            ["lessons"] => self.lessons(request, ctx),
            ["lessons", id] => self.lesson(id, ctx),
            ["evening"] => self.evening(request.query, ctx).await,
            ["evening", id] => self.kept_evening(id, ctx).await,
            ["offline"] => Ok(OfflinePage.render(ctx)?),
            ["sites"] => self.sites(ctx),
            ["sites", id] => self.site(id, request, ctx).await,
            ["tv"] => self.tv(ctx).await,
            _ => Err(PageError::Unknown),
        }
    }

    fn home(&self, ctx: &PageContext<'_>) -> Page {
        let page = HomePage {
            channels: self.channel_cards(ctx.now),
            lessons: self.newest_lessons(None),
            packaging: self.packaging(),
        };
        Ok(page.render(ctx)?)
    }

    fn guide(&self, request: &PageRequest<'_>, ctx: &PageContext<'_>) -> Page {
        let date = self.date(request, ctx)?;
        let (from, to) = day(date, ctx.tz)?;
        let hour = param(request.query, "hour").map(|h| h.parse::<i8>().ok().filter(|h| (0..24).contains(h)));
        let hour = match hour {
            Some(None) => return Err(PageError::Bad("expected hour=0 to hour=23".into())),
            Some(some) => some,
            None => None,
        };
        let county = self.county.load();
        let columns = county.channels.iter().map(|c| {
            let listing = self.listing(c, from, to);
            let programmes = listing.entries.iter().map(|e| self.programme(&listing, e)).collect();
            (self.channel_card(c, ctx.now), programmes)
        });
        Ok(GuidePage { date, hour, channels: columns.collect() }.render(ctx)?)
    }

    fn channel(&self, id: &str, ctx: &PageContext<'_>) -> Page {
        let id = ChannelId::new(id).map_err(|_| PageError::Unknown)?;
        let county = self.county.load();
        let channel = county.channels.iter().find(|c| c.id == id).ok_or(PageError::Unknown)?;
        let page = ChannelPage {
            card: self.channel_card(channel, ctx.now),
            audio: channel.audio.clone(),
            subtitles: channel.subtitles.clone(),
        };
        Ok(page.render(ctx)?)
    }

    async fn tv(&self, ctx: &PageContext<'_>) -> Page {
        let evenings = self.kept_evenings().await?;
        let county = self.county.load();
        let channels = county.channels.iter().map(|c| TvChannel {
            card: self.channel_card(c, ctx.now),
            audio: c.audio.clone(),
            subtitles: c.subtitles.clone(),
        });
        Ok(TvPage { channels: channels.collect(), lessons: self.lesson_cards(), evenings }.render(ctx)?)
    }

    fn sites(&self, ctx: &PageContext<'_>) -> Page {
        let registry = self.desk.registry.load();
        let townships = registry.townships.values().map(|t| TownshipRow {
            id: t.id.clone(),
            names: t.names.clone(),
            sites: registry
                .sites_of(&t.id)
                .map(|s| SiteRow {
                    id: s.id.clone(),
                    names: s.names.clone(),
                    terminals: registry.terminals.values().filter(|x| x.site == s.id).count(),
                    watching: site_page::watching(&self.desk.ledger.of_site(&s.id), ctx.now).len(),
                })
                .collect(),
        });
        Ok(SitesPage { townships: townships.collect() }.render(ctx)?)
    }

    async fn site(&self, id: &str, request: &PageRequest<'_>, ctx: &PageContext<'_>) -> Page {
        let id = SiteId::new(id).map_err(|_| PageError::Unknown)?;
        let date = self.date(request, ctx)?;
        let (from, to) = day(date, ctx.tz)?;
        let mut records = self.store.site_sessions(&id, from, to).await?;
        site_page::freshen(&mut records, self.desk.ledger.of_site(&id), from, to);
        let month = Month::of(date);
        let studies =
            self.store.studies_played(Some(id.clone()), month.year_so_far(ctx.tz), ctx.tz.clone()).await?;
        let studies: Vec<_> = studies.iter().collect();
        let (first, last) = month.year_days();
        let played = self.store.played_days(Some(id.clone()), (first, last)).await?;
        let studied = SiteStudied {
            month: month.text(),
            year: date.year(),
            of_month: of_site(&studies, month.span(ctx.tz)).count,
            of_year_ms: of_site(&studies, month.year_so_far(ctx.tz)).verified_ms,
            sealed_ms: played.values().flat_map(BTreeMap::values).map(|day| day.sealed_ms).sum(),
        };
        let entries = self.store.session_entries(&id, from, to).await?;
        let seen = (records, studied, &entries);
        let page = site_page::page(&self.desk.registry.load(), &id, date, (from, to), seen, ctx.now);
        Ok(page.ok_or(PageError::Unknown)?.render(ctx)?)
    }

    fn date(&self, request: &PageRequest<'_>, ctx: &PageContext<'_>) -> Result<Date, PageError> {
        match param(request.query, "date") {
            None => Ok(ctx.now.to_zoned_datetime(ctx.tz.clone()).date()),
            Some(text) => text
                .parse()
                .map_err(|_| PageError::Bad(format!("expected date=2026-11-23, found date={text}"))),
        }
    }
}

/// The instants of a civil day in a zone.
pub(super) fn day(date: Date, tz: &jiff::tz::TimeZone) -> Result<(Timestamp, Timestamp), PageError> {
    day_span(date, tz).map_err(|e| PageError::Bad(e.to_string()))
}

/// A parameter of a query that starts with `?` or is empty.
pub(super) fn param<'q>(query: &'q str, name: &str) -> Option<&'q str> {
    let pairs = query.trim_start_matches('?').split('&');
    pairs.filter_map(|p| p.split_once('=')).find(|(k, _)| *k == name).map(|(_, v)| v)
}

fn error_page(ctx: &PageContext<'_>, error: PageError) -> Reply {
    let (status, detail) = match error {
        PageError::Unknown => (StatusCode::NOT_FOUND, None),
        PageError::Bad(words) => (StatusCode::BAD_REQUEST, Some(words)),
        PageError::Ours(words) => {
            tracing::error!(path = ctx.path.split('?').next(), error = words, "a page could not be made");
            (StatusCode::INTERNAL_SERVER_ERROR, None)
        }
    };
    let page = ErrorPage { status: status.as_u16(), detail };
    let html = page.render(ctx).unwrap_or_else(|e| e.to_string());
    Reply::ok(HTML, html).with_status(status)
}

/// How long the guide for machines looks back and ahead.
pub(super) const GUIDE_BACK: SignedDuration = SignedDuration::from_hours(6);
/// As above.
pub(super) const GUIDE_AHEAD: SignedDuration = SignedDuration::from_hours(48);
