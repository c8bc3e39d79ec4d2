//! Lessons on demand: the list, and one lesson.

use askama::Template;
use serde_json::{Value, json};

use crate::base::{Evening, Lang, Titles};
use crate::portal::i18n;

use super::channel::{PlayerParts, own_names};
use super::context::PageContext;
use super::evening::EveningPage;
use super::model::LessonCard;
use super::office::Choice;

/// The list of lessons.
#[derive(Debug, Clone, Default)]
pub struct LessonsPage {
    /// Lessons in the order shown.
    pub lessons: Vec<LessonCard>,
    /// The words that were looked for; empty: none.
    pub query: String,
    /// Only of this series; empty: of all.
    pub series: String,
    /// Topics to choose from: what is sent, what is read, what is chosen.
    pub topics: Vec<Choice>,
    /// Languages to choose from.
    pub spoken: Vec<Choice>,
    /// Orders to choose from.
    pub orders: Vec<Choice>,
    /// Where the list goes on.
    pub more: Option<String>,
}

/// One lesson.
#[derive(Debug, Clone)]
pub struct LessonPage {
    /// The lesson.
    pub card: LessonCard,
    /// The name of its topic.
    pub topic: Option<Titles>,
    /// The other parts of its series, in their order.
    pub parts: Vec<LessonCard>,
    /// Other lessons to go on with.
    pub others: Vec<LessonCard>,
    /// It as a file.
    pub files: Vec<LessonFile>,
    /// What belongs to it.
    pub documents: Vec<DocumentView>,
}

impl LessonPage {
    /// Where it is with its documents as one archive, in the page's language if it is spoken in
    /// it, and how large that is about.
    fn archive(&self, ctx: &PageContext<'_>) -> Option<(String, String)> {
        let film = self.files.iter().find(|f| f.lang == *ctx.lang).or(self.files.first())?;
        let bytes = film.bytes + self.documents.iter().map(|d| d.bytes).sum::<u64>();
        Some((film.href.replacen("/download?", "/download.zip?", 1), size(bytes)))
    }
}

/// A document that belongs to a lesson.
#[derive(Debug, Clone)]
pub struct DocumentView {
    /// Its name.
    pub name: String,
    /// Where it is.
    pub href: String,
    /// Bytes.
    pub bytes: u64,
    /// Pages or slides, if that is known.
    pub pages: Option<u32>,
    /// Where the picture of its first page is, if there is one.
    pub thumbnail: Option<String>,
}

impl DocumentView {
    pub(super) fn size(&self) -> String {
        size(self.bytes)
    }
}

fn size(bytes: u64) -> String {
    let tenths = bytes.div_ceil(100_000);
    match tenths {
        0..100 => format!("{}.{} MB", tenths / 10, tenths % 10),
        _ => format!("{} MB", tenths.div_ceil(10)),
    }
}

/// A lesson as one file.
#[derive(Debug, Clone)]
pub struct LessonFile {
    /// What is heard.
    pub lang: Lang,
    /// Height of its picture; none: it is sound alone.
    pub height: Option<u32>,
    /// Where it is.
    pub href: String,
    /// About so many bytes.
    pub bytes: u64,
}

impl LessonFile {
    fn size(&self) -> String {
        size(self.bytes)
    }
}

#[derive(Template)]
#[template(path = "lessons.html")]
struct ListHtml<'a> {
    page: &'a LessonsPage,
    ctx: &'a PageContext<'a>,
    heading: String,
}

#[derive(Template)]
#[template(path = "lesson.html")]
struct Html<'a> {
    page: &'a LessonPage,
    card: &'a LessonCard,
    others: &'a [LessonCard],
    files: &'a [LessonFile],
    ctx: &'a PageContext<'a>,
    heading: String,
    player: PlayerParts,
}

impl PlayerParts {
    /// A lesson's player; `kind` tells the script whether it is one's study.
    pub(super) fn of_lesson(
        card: &LessonCard,
        kind: &str,
        (source, poster): (String, String),
        ctx: &PageContext<'_>,
    ) -> Self {
        let data = page_data(item(card, kind, &source), std::slice::from_ref(card), ctx);
        Self { source, poster, on_demand: true, data: ctx.json(&data) }
    }
}

/// A lesson as the player's script is told of it.
pub(super) fn item(card: &LessonCard, kind: &str, source: &str) -> Value {
    json!({
        "kind": kind,
        "id": card.id,
        "source": source,
        "duration": card.duration.as_secs_f64(),
        "audio": &card.audio,
        "subtitles": &card.subtitles,
        "storyboard": &card.storyboard,
        "waveform": &card.waveform,
    })
}

/// The first thing to be played, with what the script says about it and the lessons after it.
pub(super) fn page_data(mut first: Value, all: &[LessonCard], ctx: &PageContext<'_>) -> Value {
    first["names"] = own_names(all.iter().flat_map(|card| card.audio.iter().chain(&card.subtitles)));
    first["saver"] = ctx.saver.into();
    first["texts"] = json!(i18n::script_texts(ctx.lang));
    first
}

/// Where lessons are played one after another, if there is more than one.
fn evening<'c>(cards: impl Iterator<Item = &'c LessonCard>) -> Option<String> {
    let ids: Vec<_> = cards.take(Evening::MOST).map(|card| &card.id).collect();
    (ids.len() > 1).then(|| EveningPage::with("/evening", ids.into_iter(), false))
}

impl LessonsPage {
    /// Where the series that is looked at is played.
    fn series_evening(&self) -> Option<String> {
        (!self.series.is_empty()).then(|| evening(self.lessons.iter())).flatten()
    }

    /// The page as HTML.
    pub fn render(&self, ctx: &PageContext<'_>) -> Result<String, askama::Error> {
        ListHtml { page: self, ctx, heading: ctx.t("lessons-title") }.render()
    }
}

impl LessonPage {
    /// Its series, as its part where that is known.
    fn part(&self, ctx: &PageContext<'_>) -> Option<String> {
        let details = &self.card.details;
        let series = Some(details.series.clone()).filter(|s| !s.is_empty())?;
        Some(match details.part {
            Some(part) => {
                i18n::text(ctx.lang, "lesson-part-of", &[("title", &series), ("number", &part.to_string())])
            }
            None => series,
        })
    }

    /// Where its series is played, in the order of its parts.
    fn series_evening(&self) -> Option<String> {
        let mut all: Vec<&LessonCard> = self.parts.iter().chain([&self.card]).collect();
        all.sort_by_key(|card| card.details.part.unwrap_or(u32::MAX));
        (!self.card.details.series.is_empty()).then(|| evening(all.into_iter())).flatten()
    }

    /// Where the lessons of its series are.
    fn series_href(&self) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("series", &self.card.details.series);
        format!("/lessons?{}", query.finish())
    }

    /// The page as HTML.
    pub fn render(&self, ctx: &PageContext<'_>) -> Result<String, askama::Error> {
        let card = &self.card;
        let source = format!("/lessons/{}/index.m3u8", card.id);
        let player = PlayerParts::of_lesson(card, "lesson", (source, card.poster.clone()), ctx);
        let (others, files) = (&self.others, &self.files);
        Html { page: self, card, others, files, ctx, heading: ctx.plain(&card.titles), player }.render()
    }
}
