//! A channel: the player, what is on and what follows.

use askama::Template;
use serde_json::json;

use crate::base::Lang;
use crate::portal::i18n;

use super::context::PageContext;
use super::model::ChannelCard;

/// A channel's page.
#[derive(Debug, Clone)]
pub struct ChannelPage {
    /// The channel.
    pub card: ChannelCard,
    /// Audio languages offered, the default first.
    pub audio: Vec<Lang>,
    /// Subtitle languages offered.
    pub subtitles: Vec<Lang>,
}

#[derive(Template)]
#[template(path = "channel.html")]
struct Html<'a> {
    card: &'a ChannelCard,
    ctx: &'a PageContext<'a>,
    heading: String,
    player: PlayerParts,
}

/// What the player's markup needs, whatever it plays.
pub(super) struct PlayerParts {
    /// Playlist that opens a session by itself.
    pub(super) source: String,
    /// Picture before it plays; empty: none.
    pub(super) poster: String,
    /// A lesson: with a time line, without a live edge.
    pub(super) on_demand: bool,
    /// For the script.
    pub(super) data: String,
}

impl ChannelPage {
    /// The page as HTML.
    pub fn render(&self, ctx: &PageContext<'_>) -> Result<String, askama::Error> {
        let source = format!("/channels/{}/index.m3u8", self.card.id);
        let data = ctx.json(&json!({
            "kind": "channel",
            "id": self.card.id,
            "source": source,
            "audio": &self.audio,
            "subtitles": &self.subtitles,
            "names": own_names(self.audio.iter().chain(&self.subtitles)),
            "saver": ctx.saver,
            "texts": i18n::script_texts(ctx.lang),
        }));
        // Until the first picture comes something stands there, not a black hole.
        let poster = ctx.asset("poster.svg");
        let player = PlayerParts { source, poster, on_demand: false, data };
        Html { card: &self.card, ctx, heading: ctx.plain(&self.card.names), player }.render()
    }
}

/// Names of languages in their own scripts, for the player's menus.
pub(super) fn own_names<'a>(langs: impl Iterator<Item = &'a Lang>) -> serde_json::Value {
    langs.map(|l| (l.as_str().to_owned(), json!(l.own_name()))).collect::<serde_json::Map<_, _>>().into()
}
