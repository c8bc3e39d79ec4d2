//! Lessons in the office.

use super::Menu;
use super::places::Done;
use crate::portal::i18n;
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
    /// The token of this visitor's forms, if he may upload.
    pub upload: Option<String>,
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

    /// What the script says, by the names of its attributes.
    const SAID: [&str; 23] = [
        "name",
        "waits",
        "checking",
        "progress",
        "pause",
        "resume",
        "remove",
        "retry",
        "again",
        "paused",
        "line",
        "down",
        "done",
        "there",
        "replaces",
        "taken",
        "kind",
        "large",
        "changed",
        "many",
        "room",
        "sign-in",
        "unreadable",
    ];

    impl Html<'_> {
        fn said(&self) -> Vec<(&'static str, String)> {
            let places =
                ["percent", "rate", "left", "lesson", "name"].map(|name| (name, format!("{{{name}}}")));
            let places = places.each_ref().map(|(name, place)| (*name, place.as_str()));
            let text = |name| (name, i18n::text(self.ctx.lang, &format!("upload-{name}"), &places));
            SAID.into_iter().chain(["unfinished"]).map(text).collect()
        }
    }

    impl OfficeLessons {
        /// The page as HTML.
        pub fn render(&self, ctx: &PageContext<'_>) -> Result<String, askama::Error> {
            Html { page: self, ctx, heading: ctx.t("nav-lessons") }.render()
        }
    }
};
