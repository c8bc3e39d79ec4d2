//! Lessons in the office.

use super::places::Done;
use super::{Field, FieldValue, HeldLesson, Menu};
use crate::portal::i18n;
use crate::portal::views::{LessonCard, PackagingView, PageContext};

/// The lessons, and those in the making.
#[derive(Debug, Clone)]
pub struct OfficeLessons {
    /// What can be played.
    pub lessons: Vec<LessonCard>,
    /// What is there and not on offer.
    pub held: Vec<HeldLesson>,
    /// Documents that wait for their lesson.
    pub waiting: Vec<String>,
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

/// Lessons of which the same is to be said.
#[derive(Debug, Clone)]
pub struct ChosenLessons {
    /// What can be chosen.
    pub lessons: Vec<LessonCard>,
    /// What can be said of them.
    pub fields: Vec<Field>,
    /// What was just done.
    pub done: Done,
    /// The forms' token.
    pub token: String,
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
        said: Vec<(&'static str, String)>,
    }

    #[derive(Template)]
    #[template(path = "office/chosen_lessons.html")]
    struct ChosenHtml<'a> {
        page: &'a ChosenLessons,
        ctx: &'a PageContext<'a>,
        heading: String,
    }

    impl ChosenLessons {
        /// The page as HTML.
        pub fn render(&self, ctx: &PageContext<'_>) -> Result<String, askama::Error> {
            ChosenHtml { page: self, ctx, heading: ctx.t("lessons-chosen") }.render()
        }
    }

    impl OfficeLessons {
        /// The page as HTML.
        pub fn render(&self, ctx: &PageContext<'_>) -> Result<String, askama::Error> {
            Html { page: self, ctx, heading: ctx.t("nav-lessons"), said: said(ctx) }.render()
        }
    }
};

/// What the script says: its attributes are called like these, without `upload-`.
const SAID: [&str; 25] = [
    "upload-name",
    "upload-waits",
    "upload-checking",
    "upload-progress",
    "upload-pause",
    "upload-resume",
    "upload-remove",
    "upload-retry",
    "upload-again",
    "upload-paused",
    "upload-line",
    "upload-down",
    "upload-done",
    "upload-there",
    "upload-replaces",
    "upload-taken",
    "upload-kind",
    "upload-large",
    "upload-changed",
    "upload-many",
    "upload-day",
    "upload-room",
    "upload-sign-in",
    "upload-unreadable",
    "upload-unfinished",
];

/// The script's words, by the names of its attributes.
pub(super) fn said(ctx: &PageContext<'_>) -> Vec<(&'static str, String)> {
    let places = ["percent", "rate", "left", "lesson", "name"].map(|name| (name, format!("{{{name}}}")));
    let places = places.each_ref().map(|(name, place)| (*name, place.as_str()));
    let name = |key: &'static str| key.strip_prefix("upload-").unwrap_or(key);
    SAID.into_iter().map(|key| (name(key), i18n::text(ctx.lang, key, &places))).collect()
}
