//! What the app shows while the server cannot be reached. The service worker
//! keeps it, in the language of the person's last visit.

use askama::Template;

use super::context::PageContext;

/// The page for a line that is down.
#[derive(Debug, Clone, Copy)]
pub struct OfflinePage;

#[derive(Template)]
#[template(path = "offline.html")]
struct Html<'a> {
    ctx: &'a PageContext<'a>,
    heading: String,
}

impl OfflinePage {
    /// The page as HTML.
    pub fn render(&self, ctx: &PageContext<'_>) -> Result<String, askama::Error> {
        Html { ctx, heading: ctx.t("offline-title") }.render()
    }
}
