//! Documents of a lesson in the office.

use askama::Template;

use super::Menu;
use super::lessons::said;
use super::places::Done;
use crate::base::Titles;
use crate::portal::views::{DocumentView, PageContext};

/// The documents of a lesson.
#[derive(Debug, Clone)]
pub struct OfficeDocuments {
    /// The lesson.
    pub lesson: String,
    /// What it is called.
    pub titles: Titles,
    /// What belongs to it.
    pub documents: Vec<DocumentView>,
    /// The visitor may add and take out.
    pub may_edit: bool,
    /// The token of his forms.
    pub token: String,
    /// What was just done.
    pub done: Done,
    /// The office's rooms.
    pub menu: Menu,
}

#[derive(Template)]
#[template(path = "office/documents.html")]
struct Html<'a> {
    page: &'a OfficeDocuments,
    ctx: &'a PageContext<'a>,
    heading: String,
    said: Vec<(&'static str, String)>,
}

impl OfficeDocuments {
    /// The page as HTML.
    pub fn render(&self, ctx: &PageContext<'_>) -> Result<String, askama::Error> {
        Html { page: self, ctx, heading: ctx.t("documents-title"), said: said(ctx) }.render()
    }
}
