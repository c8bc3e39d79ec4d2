//! Lessons in the office.

use super::Menu;
use super::places::Done;
use crate::portal::views::{LessonCard, PackagingView, PageContext};

/// The lessons, and those in the making.
#[derive(Debug, Clone)]
pub struct OfficeLessons {
    /// What can be played.
    pub lessons: Vec<LessonCard>,
    /// What is being prepared, or failed.
    pub packaging: Vec<PackagingView>,
    /// The folder in which new ones are put.
    pub inbox: String,
    /// What was just done.
    pub done: Done,
    /// The office's rooms.
    pub menu: Menu,
}

const _: () = {
    use askama::Template;

    #[derive(Template)]
    #[template(path = "office/lessons.html")]
    struct Html<'a> {
        page: &'a OfficeLessons,
        ctx: &'a PageContext<'a>,
        heading: String,
    }

    impl OfficeLessons {
        /// The page as HTML.
        pub fn render(&self, ctx: &PageContext<'_>) -> Result<String, askama::Error> {
            Html { page: self, ctx, heading: ctx.t("nav-lessons") }.render()
        }
    }
};
