//! A page that says what went wrong and what to do.

use askama::Template;

use super::context::PageContext;

/// An error as a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorPage {
    /// HTTP status.
    pub status: u16,
    /// The exact place or reason, if it helps the reader.
    pub detail: Option<String>,
}

#[derive(Template)]
#[template(path = "error.html")]
struct Html<'a> {
    page: &'a ErrorPage,
    ctx: &'a PageContext<'a>,
    heading: String,
    advice: String,
}

impl ErrorPage {
    /// The page as HTML.
    pub fn render(&self, ctx: &PageContext<'_>) -> Result<String, askama::Error> {
        let (title, advice) = match self.status {
            400 => ("error-400-title", "error-400-text"),
            403 => ("error-403-title", "error-403-text"),
            404 => ("error-404-title", "error-404-text"),
            410 => ("error-410-title", "error-410-text"),
            503 => ("error-503-title", "error-503-text"),
            500.. => ("error-500-title", "error-500-text"),
            _ => ("error-other-title", "error-other-text"),
        };
        Html { page: self, ctx, heading: ctx.t(title), advice: ctx.t(advice) }.render()
    }
}
