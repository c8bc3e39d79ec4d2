//! The first page: what is on now, and the lessons.

use askama::Template;

use super::context::PageContext;
use super::model::{ChannelCard, LessonCard, PackagingState, PackagingView};

/// The first page.
#[derive(Debug, Clone, Default)]
pub struct HomePage {
    /// Channels in the order of their numbers.
    pub channels: Vec<ChannelCard>,
    /// Lessons to show, newest first.
    pub lessons: Vec<LessonCard>,
    /// Lessons in the making.
    pub packaging: Vec<PackagingView>,
}

#[derive(Template)]
#[template(path = "home.html")]
struct Html<'a> {
    page: &'a HomePage,
    ctx: &'a PageContext<'a>,
    heading: String,
    working: Vec<&'a PackagingView>,
}

impl HomePage {
    /// The page as HTML.
    pub fn render(&self, ctx: &PageContext<'_>) -> Result<String, askama::Error> {
        let working = self.packaging.iter().filter(|p| p.state != PackagingState::Done).collect();
        Html { page: self, ctx, heading: ctx.plain(ctx.county), working }.render()
    }

    /// Nothing can be watched yet.
    fn is_waiting(&self) -> bool {
        self.lessons.is_empty() && self.channels.iter().all(ChannelCard::is_starting)
    }
}
