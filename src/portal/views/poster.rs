//! A week of a channel, to be printed.

use askama::Template;
use jiff::civil::{Date, Time};

use super::context::PageContext;
use crate::base::Titles;
use crate::config::Channel;
use crate::guide::Poster;
use crate::portal::i18n;

/// A size of paper.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paper {
    /// 210 by 297 mm.
    A4,
    /// 297 by 420 mm.
    A3,
}

impl Paper {
    /// As addresses and styles name it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::A4 => "a4",
            Self::A3 => "a3",
        }
    }

    /// The size called `name`.
    pub fn named(name: &str) -> Option<Self> {
        [Self::A4, Self::A3].into_iter().find(|paper| paper.as_str() == name)
    }
}

/// The sheet.
#[derive(Debug, Clone)]
pub struct PosterPage {
    /// Whose week.
    pub channel: Channel,
    /// The week as `2026-W48`.
    pub week: String,
    /// Its Monday.
    pub monday: Date,
    /// What stands on it.
    pub poster: Poster,
    /// The paper.
    pub paper: Paper,
    /// The address in the square, as people type it.
    pub url: String,
    /// The square that telephones read.
    pub qr: String,
    /// The server can print it.
    pub pdf: bool,
}

#[derive(Template)]
#[template(path = "poster.html")]
struct Html<'a> {
    page: &'a PosterPage,
    ctx: &'a PageContext<'a>,
}

impl PosterPage {
    /// The page as HTML.
    pub fn render(&self, ctx: &PageContext<'_>) -> Result<String, askama::Error> {
        Html { page: self, ctx }.render()
    }

    fn is_empty(&self) -> bool {
        self.poster.every_day.is_empty() && self.poster.days.iter().all(|(_, lines)| lines.is_empty())
    }

    fn span(&self, ctx: &PageContext<'_>) -> String {
        let sunday = self.monday.checked_add(jiff::Span::new().days(6)).unwrap_or(self.monday);
        let (from, to) = (ctx.date(&self.monday), ctx.date(&sunday));
        i18n::text(ctx.lang, "poster-week", &[("from", &from), ("to", &to)])
    }

    fn at(&self, paper: &str) -> String {
        format!("/channels/{}/poster?week={}&paper={paper}", self.channel.id, self.week)
    }

    fn pdf(&self, ctx: &PageContext<'_>) -> String {
        let (id, week, paper) = (&self.channel.id, &self.week, self.paper.as_str());
        format!("/channels/{id}/poster.pdf?week={week}&paper={paper}&lang={}", ctx.lang)
    }
}

fn clock(time: &Time) -> String {
    time.strftime("%H:%M").to_string()
}

fn title(ctx: &PageContext<'_>, titles: &Titles) -> String {
    ctx.name(titles)
}
