//! Why there is no page of the office, and what is said instead.

use hyper::StatusCode;

use crate::portal::reply::Reply;
use crate::portal::views::{ErrorPage, PageContext, SignInPage};
use crate::store::StoreError;

use super::html;
use super::kept::Kept;
use super::request::OfficeRequest;

/// Why there is no page of the office.
pub(in crate::portal) enum Refusal {
    /// Nobody is signed in: sign in first, then come back.
    SignIn,
    /// The role does not allow it.
    Forbidden,
    /// Nothing of that name.
    Unknown,
    /// The form did not come from a page of ours.
    Elsewhere,
    /// Too much to do at once: come back.
    Busy,
    /// A file that people write is in a state in which it cannot be shown, in words.
    File(String),
    /// Our fault, in words.
    Ours(String),
}

impl From<StoreError> for Refusal {
    fn from(e: StoreError) -> Self {
        Self::Ours(e.to_string())
    }
}

impl From<askama::Error> for Refusal {
    fn from(e: askama::Error) -> Self {
        Self::Ours(e.to_string())
    }
}

pub(super) fn refused(ctx: &PageContext<'_>, request: &OfficeRequest<'_>, refusal: Refusal) -> Reply {
    let (status, detail) = match refusal {
        // What only takes forms is no page to come back to; what was typed is kept.
        Refusal::SignIn if request.form.is_some() => {
            let Some(kept) = Kept::of(request) else { return Reply::see_other("/sign-in") };
            let error = Some(ctx.t("kept-sign-in"));
            let page =
                SignInPage { error, next: "/office", kept: Some(kept.text()), ..SignInPage::default() };
            let page = page.render(ctx).unwrap_or_else(|e| e.to_string());
            return html(page).with_status(StatusCode::UNAUTHORIZED);
        }
        Refusal::SignIn => return Reply::see_other(&format!("/sign-in?next={}", request.page.path)),
        Refusal::Forbidden => (StatusCode::FORBIDDEN, None),
        Refusal::Unknown => (StatusCode::NOT_FOUND, None),
        Refusal::Elsewhere => (StatusCode::BAD_REQUEST, Some(ctx.t("form-elsewhere"))),
        Refusal::Busy => (StatusCode::SERVICE_UNAVAILABLE, None),
        Refusal::File(words) => (StatusCode::CONFLICT, Some(words)),
        Refusal::Ours(words) => {
            tracing::error!(
                path = request.page.path,
                error = words,
                "a page of the office could not be made"
            );
            (StatusCode::INTERNAL_SERVER_ERROR, None)
        }
    };
    let page = ErrorPage { status: status.as_u16(), detail };
    html(page.render(ctx).unwrap_or_else(|e| e.to_string())).with_status(status)
}
