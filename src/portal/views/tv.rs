//! The village's screen: a full-screen page that a terminal opens at power-on.
//! The page is a frame; what it shows it takes from the JSON it carries.

use askama::Template;
use serde_json::{Value, json};

use crate::base::{Lang, Titles};
use crate::portal::{assets, i18n};

use super::channel::own_names;
use super::context::PageContext;
use super::evening::KeptEvening;
use super::model::{ChannelCard, LessonCard, ProgrammeView};

/// The script of the page; its address changes with every version of it.
const SCRIPT: &str = "src/tv/main.ts";

/// The screen's page.
#[derive(Debug, Clone, Default)]
pub struct TvPage {
    /// Channels in the order of their numbers.
    pub channels: Vec<TvChannel>,
    /// Lessons to choose from.
    pub lessons: Vec<LessonCard>,
    /// Lessons that the office has put together.
    pub evenings: Vec<KeptEvening>,
}

/// A channel to zap to.
#[derive(Debug, Clone)]
pub struct TvChannel {
    /// The channel with what is on and next.
    pub card: ChannelCard,
    /// Audio languages offered, the default first.
    pub audio: Vec<Lang>,
    /// Subtitle languages offered.
    pub subtitles: Vec<Lang>,
}

#[derive(Template)]
#[template(path = "tv.html")]
struct Html<'a> {
    ctx: &'a PageContext<'a>,
    data: String,
}

impl TvPage {
    /// The page as HTML.
    pub fn render(&self, ctx: &PageContext<'_>) -> Result<String, askama::Error> {
        let spoken = self.channels.iter().flat_map(|c| c.audio.iter().chain(&c.subtitles));
        let taught = self.lessons.iter().flat_map(|l| l.audio.iter().chain(&l.subtitles));
        let data = json!({
            "version": assets::url(SCRIPT),
            "now": ctx.now,
            "offset_s": ctx.tz.to_offset(ctx.now).seconds(),
            "channels": self.channels.iter().map(|c| channel(ctx, c)).collect::<Vec<_>>(),
            "lessons": self.lessons.iter().map(|l| lesson(ctx, l)).collect::<Vec<_>>(),
            "evenings": self.evenings.iter().map(|e| evening(ctx, e)).collect::<Vec<_>>(),
            "names": own_names(spoken.chain(taught)),
            "texts": i18n::script_texts(ctx.lang),
        });
        Html { ctx, data: ctx.json(&data) }.render()
    }
}

fn channel(ctx: &PageContext<'_>, channel: &TvChannel) -> Value {
    let card = &channel.card;
    json!({
        "kind": "channel", "id": card.id, "number": card.number, "name": said(ctx, &card.names),
        "source": format!("/channels/{}/index.m3u8", card.id),
        "audio": channel.audio, "subtitles": channel.subtitles,
        "now": card.now.as_ref().map(|p| programme(ctx, p)),
        "next": card.next.iter().map(|p| programme(ctx, p)).collect::<Vec<_>>(),
    })
}

fn programme(ctx: &PageContext<'_>, programme: &ProgrammeView) -> Value {
    json!({ "start": programme.start, "end": programme.end, "title": said(ctx, &programme.titles) })
}

fn lesson(ctx: &PageContext<'_>, card: &LessonCard) -> Value {
    json!({
        "kind": "lesson", "id": card.id, "name": said(ctx, &card.titles),
        "source": format!("/lessons/{}/index.m3u8", card.id),
        "audio": card.audio, "subtitles": card.subtitles,
        "duration_s": card.duration.as_secs_f64(), "poster": card.poster,
    })
}

fn evening(ctx: &PageContext<'_>, evening: &KeptEvening) -> Value {
    json!({
        "kind": "evening", "id": evening.id, "name": said(ctx, &evening.titles),
        "lessons": evening.lessons, "duration_s": evening.duration.as_secs_f64(),
    })
}

/// A title with the language and direction it is written in.
fn said(ctx: &PageContext<'_>, titles: &Titles) -> Value {
    let (lang, text) = match titles.best(ctx.lang) {
        Some((lang, text)) => (lang, text.to_owned()),
        None => (ctx.lang, ctx.t("title-none")),
    };
    json!({ "text": text, "lang": lang, "dir": lang.direction().as_str() })
}
