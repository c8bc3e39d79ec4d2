//! Forms that were filled in while the sign-in ended: they are not lost, but
//! shown again after signing in.

use crate::people::Secret;
use crate::portal::views::{KeptPage, PageContext};

use super::entry::is_inside;
use super::request::OfficeRequest;
use super::{Answer, html};

/// A form that was sent by somebody who was not signed in (any more).
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct Kept {
    path: String,
    fields: Vec<(String, String)>,
}

/// What is typed again rather than carried through a page.
const SECRET: [&str; 7] = ["token", "password", "again", "current", "code", "recovery", "half"];

impl Kept {
    /// The form of a request, without its secrets; none if there is nothing to keep.
    pub(super) fn of(request: &OfficeRequest<'_>) -> Option<Self> {
        let path = request.page.path.to_owned();
        let form = request.form.as_ref().filter(|_| is_inside(&path))?;
        let fields: Vec<_> =
            form.fields().iter().filter(|(n, _)| !SECRET.contains(&n.as_str())).cloned().collect();
        let typed = fields.iter().any(|(_, value)| !value.trim().is_empty());
        typed.then_some(Self { path, fields })
    }

    /// From the text that a page carried.
    pub(super) fn read(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok().filter(|k: &Self| is_inside(&k.path))
    }

    /// As text for a page to carry.
    pub(super) fn text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The form once more, to be sent by who has signed in with `secret`.
    pub(super) fn page(&self, ctx: &PageContext<'_>, secret: &Secret) -> Answer {
        let page = KeptPage { path: &self.path, fields: &self.fields, token: secret.form_token() };
        Ok(html(page.render(ctx)?))
    }
}
