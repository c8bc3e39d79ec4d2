//! Lessons one after another.

use std::time::Duration;

use askama::Template;
use jiff::SignedDuration;

use super::channel::PlayerParts;
use super::context::PageContext;
use super::lesson::{item, page_data};
use super::model::LessonCard;
use crate::base::{Evening, LessonId, Titles};

/// A list of lessons, played one after another.
#[derive(Debug, Clone, Default)]
pub struct EveningPage {
    /// What it is called; empty: nobody named it.
    pub titles: Titles,
    /// The lessons.
    pub lessons: Vec<LessonCard>,
    /// So many that were named are not on offer.
    pub missing: usize,
    /// It is the one that this browser keeps.
    pub mine: bool,
    /// What the office has put together.
    pub kept: Vec<KeptEvening>,
    /// Lessons that could be added, and their titles.
    pub offered: Vec<(LessonId, String)>,
}

/// A list that the office has put together.
#[derive(Debug, Clone)]
pub struct KeptEvening {
    /// Its number.
    pub id: i64,
    /// What it is called.
    pub titles: Titles,
    /// Those of its lessons that are on offer.
    pub lessons: Vec<LessonId>,
    /// How long they are together.
    pub duration: Duration,
}

#[derive(Template)]
#[template(path = "evening.html")]
struct Html<'a> {
    page: &'a EveningPage,
    ctx: &'a PageContext<'a>,
    heading: String,
    player: Option<PlayerParts>,
}

impl EveningPage {
    fn ids(&self) -> impl Iterator<Item = &LessonId> {
        self.lessons.iter().map(|lesson| &lesson.id)
    }

    /// Its identifiers, as the script keeps them.
    fn list(&self) -> String {
        self.ids().map(LessonId::as_str).collect::<Vec<_>>().join(" ")
    }

    /// Another lesson could be added.
    fn has_room(&self) -> bool {
        self.lessons.len() < Evening::MOST
    }

    /// An address with these lessons; a list somebody changes is his own then.
    pub(super) fn with<'i>(path: &str, ids: impl Iterator<Item = &'i LessonId>, mine: bool) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(ids.map(|id| ("lesson", id.as_str())));
        if mine {
            query.append_pair("mine", "1");
        }
        format!("{path}?{}", query.finish())
    }

    /// The same without the one at `at`.
    fn without(&self, at: &usize) -> String {
        Self::with("/evening", self.ids().enumerate().filter(|(i, _)| i != at).map(|(_, id)| id), true)
    }

    /// The same with the one at `at` before the one in front of it.
    fn earlier(&self, at: &usize) -> String {
        let mut ids: Vec<&LessonId> = self.ids().collect();
        if *at > 0 && *at < ids.len() {
            ids.swap(*at - 1, *at);
        }
        Self::with("/evening", ids.into_iter(), true)
    }

    /// The list for other players.
    fn m3u(&self) -> String {
        Self::with("/evening.m3u", self.ids(), false)
    }

    /// Where the office keeps it for everybody.
    fn keep(&self) -> String {
        Self::with("/office/evenings/new", self.ids(), false)
    }

    fn duration(&self) -> Duration {
        self.lessons.iter().map(|lesson| lesson.duration).sum()
    }

    fn length(&self, ctx: &PageContext<'_>) -> String {
        ctx.length(&self.duration())
    }

    /// When it is over that begins now.
    fn ends(&self, ctx: &PageContext<'_>) -> String {
        ctx.time(&(ctx.now + SignedDuration::try_from(self.duration()).unwrap_or_default()))
    }

    /// The page as HTML.
    pub fn render(&self, ctx: &PageContext<'_>) -> Result<String, askama::Error> {
        let heading = match self.titles.0.is_empty() {
            true => ctx.t("evening-title"),
            false => ctx.plain(&self.titles),
        };
        let player = self.lessons.first().map(|first| self.player(first, ctx));
        Html { page: self, ctx, heading, player }.render()
    }

    /// The player of all of them, with the first one in it.
    fn player(&self, first: &LessonCard, ctx: &PageContext<'_>) -> PlayerParts {
        let item = |card: &LessonCard| item(card, "lesson", &source(&card.id));
        let mut data = page_data(item(first), &self.lessons, ctx);
        data["items"] = self.lessons.iter().map(item).collect();
        PlayerParts {
            source: source(&first.id),
            poster: first.poster.clone(),
            on_demand: true,
            data: ctx.json(&data),
        }
    }
}

fn source(id: &LessonId) -> String {
    format!("/lessons/{id}/index.m3u8")
}
