//! Lessons one after another: what a visitor has put together, which is its own
//! address, and what the office has kept for everybody.

use crate::base::{Evening, Lang, LessonId};
use crate::guide::{Track, playlist};

use super::cards::lesson_card;
use super::guides::carried_token;
use super::pages::{Page, PageError, param};
use super::reply::Reply;
use super::state::Portal;
use super::views::{EveningPage, KeptEvening, PageContext};

/// Lessons that are offered to be added without script.
const OFFERED: usize = 60;

/// The lessons that an address names.
pub(super) fn evening_query(query: &str) -> Vec<LessonId> {
    let pairs: Vec<_> = form_urlencoded::parse(query.trim_start_matches('?').as_bytes()).collect();
    Evening::lessons_of(pairs.iter().filter(|(name, _)| name == "lesson").map(|(_, id)| &**id))
}

impl Portal {
    /// `/evening?lesson=…&lesson=…`; `mine` marks the one that a browser keeps.
    pub(super) async fn evening(&self, query: &str, ctx: &PageContext<'_>) -> Page {
        let lessons = evening_query(query);
        let mine = lessons.is_empty() || param(query, "mine").is_some();
        let kept = if lessons.is_empty() { self.kept_evenings().await? } else { Vec::new() };
        self.evening_page(ctx, Evening { lessons, ..Evening::default() }, (mine, kept))
    }

    /// `/evening/{number}`.
    pub(super) async fn kept_evening(&self, id: &str, ctx: &PageContext<'_>) -> Page {
        let id = id.parse().map_err(|_| PageError::Unknown)?;
        let evening = self.store.evening(id).await?.ok_or(PageError::Unknown)?;
        self.evening_page(ctx, evening, (false, Vec::new()))
    }

    fn evening_page(
        &self,
        ctx: &PageContext<'_>,
        evening: Evening,
        (mine, kept): (bool, Vec<KeptEvening>),
    ) -> Page {
        let catalogue = self.library.catalogue();
        let there = |id: &LessonId| Some(lesson_card(id, catalogue.lesson(id)?));
        let lessons: Vec<_> = evening.lessons.iter().filter_map(there).collect();
        let missing = evening.lessons.len() - lessons.len();
        let offered = catalogue.lessons().filter(|(id, _)| !evening.lessons.contains(id)).take(OFFERED);
        let page = EveningPage {
            titles: evening.titles,
            missing,
            mine,
            kept,
            offered: offered.map(|(id, p)| (id.clone(), ctx.plain(&p.manifest.titles))).collect(),
            lessons,
        };
        Ok(page.render(ctx)?)
    }

    /// What the office has kept, of which something is on offer.
    pub(super) async fn kept_evenings(&self) -> Result<Vec<KeptEvening>, PageError> {
        let catalogue = self.library.catalogue();
        let kept = self.store.evenings().await?.into_iter().filter_map(|(id, evening)| {
            let there = |lesson: LessonId| {
                let length = catalogue.lesson(&lesson)?.manifest.duration();
                Some((lesson, length))
            };
            let (lessons, lengths): (Vec<_>, Vec<_>) = evening.lessons.into_iter().filter_map(there).unzip();
            let duration = lengths.iter().sum();
            (!lessons.is_empty()).then_some(KeptEvening { id, titles: evening.titles, lessons, duration })
        });
        Ok(kept.collect())
    }

    /// `/evening.m3u?lesson=…`, for players that are no browsers, with titles in `lang`; a
    /// terminal's token is carried by every address.
    pub fn evening_m3u(&self, query: &str, base_url: &str, lang: &Lang) -> Reply {
        let catalogue = self.library.catalogue();
        let carried = carried_token(param(query, "terminal")).map(|of| format!("?{of}")).unwrap_or_default();
        let tracks = evening_query(query).into_iter().filter_map(|id| {
            let manifest = &catalogue.lesson(&id)?.manifest;
            let title = manifest.titles.best(lang).map_or(id.as_str(), |(_, title)| title);
            Some(Track {
                seconds: manifest.duration().as_secs(),
                title: title.to_owned(),
                address: format!("{base_url}/lessons/{id}/index.m3u8{carried}"),
            })
        });
        Reply::ok("audio/x-mpegurl; charset=utf-8", playlist(tracks)).cached("no-store")
    }
}
