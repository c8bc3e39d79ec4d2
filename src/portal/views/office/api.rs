//! What other systems may do.

use jiff::Timestamp;

use super::{Menu, page};
use crate::people::{ApiToken, TokenScope};
use crate::portal::api::Operation;
use crate::portal::views::PageContext;

/// A token in the list.
#[derive(Debug, Clone)]
pub struct TokenRow<'a> {
    /// Which.
    pub token: &'a ApiToken,
    /// Who gave it.
    pub by: &'a str,
    /// Its identifier in forms.
    pub id: String,
    /// It has expired.
    pub ended: bool,
}

impl TokenRow<'_> {
    fn day(&self, at: &Timestamp, ctx: &PageContext<'_>) -> String {
        at.to_zoned_datetime(ctx.tz.clone()).strftime("%Y-%m-%d").to_string()
    }
}

/// The API and its tokens.
#[derive(Debug, Clone)]
pub struct ApiPage<'a> {
    /// The tokens.
    pub rows: Vec<TokenRow<'a>>,
    /// The visitor gives tokens out.
    pub may_give: bool,
    /// What can be asked.
    pub operations: Vec<Operation>,
    /// Key of what was wrong.
    pub error: Option<&'static str>,
    /// The forms' token.
    pub token: String,
    /// The office's rooms.
    pub menu: Menu,
}
page!(ApiPage, "office/api.html", "api-title");

impl ApiPage<'_> {
    fn scopes(&self) -> [(TokenScope, &'static str); 5] {
        [
            (TokenScope::TerminalsRead, "scope-terminals-read"),
            (TokenScope::TerminalsWrite, "scope-terminals-write"),
            (TokenScope::SitesWrite, "scope-sites-write"),
            (TokenScope::LessonsWrite, "scope-lessons-write"),
            (TokenScope::AuditRead, "scope-audit-read"),
        ]
    }
}

/// A token, shown once.
#[derive(Debug, Clone)]
pub struct TokenPage<'a> {
    /// The system.
    pub name: &'a str,
    /// The token.
    pub shown: String,
    /// The office's rooms.
    pub menu: Menu,
}
page!(TokenPage, "office/token.html", "token-title");
