//! The office's door and its first rooms: setting up, signing in, people,
//! what was written by whom. Every answer is a page; forms work without script.

mod audit;
mod entry;
mod gate;
mod me;
mod people;
mod registrar;
mod request;
mod terminals;

use hyper::StatusCode;

use crate::people::{Account, Rights, Secret, SignIn};
use crate::store::StoreError;

pub use gate::Gate;
pub use registrar::Registrar;
pub use request::{Form, OfficeRequest, cookie_name};

use super::pages::HTML;
use super::reply::Reply;
use super::state::Portal;
use super::views::{ErrorPage, PageContext};

/// Who is signed in.
#[derive(Debug, Clone)]
struct Visitor {
    secret: Secret,
    sign_in: SignIn,
    account: Account,
}

/// Why there is no page of the office.
enum Refusal {
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

type Answer = Result<Reply, Refusal>;

/// First parts of the paths that are answered here.
const ROOMS: [&str; 7] = ["enrol", "setup", "sign-in", "sign-out", "code", "office", "me"];

impl Portal {
    /// True if `path` is answered by [`Portal::office`].
    pub fn is_office(path: &str) -> bool {
        let first = path.trim_start_matches('/').split('/').next();
        first.is_some_and(|first| ROOMS.contains(&first))
    }

    /// A page of the office, or what a form of it led to.
    pub async fn office(&self, request: &OfficeRequest<'_>) -> Reply {
        let county = self.county.load_full();
        let path = format!("{}{}", request.page.path, request.page.query);
        let ctx = PageContext {
            lang: &request.page.lang,
            languages: &county.languages,
            now: request.page.now,
            tz: &county.tz,
            county: &county.names,
            path: &path,
            saver: request.page.saver,
        };
        let mut reply = match self.enter(request, &ctx).await {
            Ok(reply) => reply,
            Err(refusal) => refused(&ctx, request, refusal),
        };
        reply.set_lang = request.page.chosen.then(|| request.page.lang.clone());
        reply.set_saver = request.page.saver_chosen.then_some(request.page.saver);
        reply
    }

    async fn enter(&self, request: &OfficeRequest<'_>, ctx: &PageContext<'_>) -> Answer {
        if request.form.is_some() && !request.same_origin {
            return Err(Refusal::Elsewhere);
        }
        let parts: Vec<&str> = request.page.path.trim_matches('/').split('/').collect();
        match parts.as_slice() {
            ["setup"] => return self.setup(request, ctx).await,
            ["sign-in"] => return self.sign_in(request, ctx).await,
            ["code"] => return self.choose_password(request, ctx).await,
            ["enrol"] => return self.enrol(request, ctx).await,
            _ => {}
        }
        let visitor = self.visitor(request).await?.ok_or(Refusal::SignIn)?;
        if let Some(form) = &request.form
            && form.get("token") != visitor.secret.form_token()
        {
            return Err(Refusal::Elsewhere);
        }
        let registry = self.desk.registry.load_full();
        let rights = Rights::new(&visitor.account.grants, &registry);
        let form = request.form.as_ref();
        match (parts.as_slice(), form) {
            (["sign-out"], Some(_)) => self.sign_out(request, &visitor).await,
            (["me"], None) => self.me(ctx, &visitor, None).await,
            (["me", what], Some(form)) => self.change_me(request, ctx, &visitor, what, form).await,
            (["office", ..], _) if !rights.enter_office() => Err(Refusal::Forbidden),
            (["office"], None) => office_home(ctx, &visitor, &rights),
            (["office", "people"], None) if rights.see_people() => {
                self.people(ctx, &visitor, &rights, None).await
            }
            (["office", "people"], Some(form)) if rights.invite() => {
                self.invite(request, ctx, &visitor, &rights, form).await
            }
            (["office", "people", id, what], Some(_)) if rights.invite() => {
                self.change_person(request, ctx, &visitor, &rights, (id, what)).await
            }
            (["office", "sites"], None) => self.office_sites(ctx, &visitor, &rights, None),
            (["office", "sites"], Some(form)) => {
                self.give_terminal_code(request, ctx, &visitor, &rights, form).await
            }
            (["office", "terminals", id, "withdraw"], Some(_)) => {
                self.withdraw_terminal(request, &visitor, &rights, id).await
            }
            (["office", "audit"], None) if rights.see_audit() => {
                self.audit_page(ctx, &rights, request.page.query).await
            }
            (["office", "people" | "audit", ..], _) => Err(Refusal::Forbidden),
            _ => Err(Refusal::Unknown),
        }
    }

    /// Who is signed in in the browser that asks.
    async fn visitor(&self, request: &OfficeRequest<'_>) -> Result<Option<Visitor>, Refusal> {
        let Some(secret) = request.cookie.clone() else { return Ok(None) };
        let Some((sign_in, account)) = self.store.signed_in(secret.hash()).await? else { return Ok(None) };
        let now = request.page.now;
        if !sign_in.holds(now) || account.state != crate::people::AccountState::Active {
            return Ok(None);
        }
        if sign_in.is_stale(now) {
            self.store.touch_sign_in(sign_in.hash, now).await?;
        }
        Ok(Some(Visitor { secret, sign_in, account }))
    }
}

fn office_home(ctx: &PageContext<'_>, visitor: &Visitor, rights: &Rights<'_>) -> Answer {
    let page = super::views::OfficeHome {
        name: &visitor.account.name,
        people: rights.see_people(),
        audit: rights.see_audit(),
    };
    Ok(html(page.render(ctx)?))
}

/// A page that no cache and no other browser of the same machine keeps.
fn html(text: String) -> Reply {
    Reply::ok(HTML, text)
}

fn refused(ctx: &PageContext<'_>, request: &OfficeRequest<'_>, refusal: Refusal) -> Reply {
    let (status, detail) = match refusal {
        // What only takes forms is no page to come back to.
        Refusal::SignIn if request.form.is_some() => return Reply::see_other("/sign-in"),
        Refusal::SignIn => return Reply::see_other(&format!("/sign-in?next={}", request.page.path)),
        Refusal::Forbidden => (StatusCode::FORBIDDEN, None),
        Refusal::Unknown => (StatusCode::NOT_FOUND, None),
        Refusal::Elsewhere => (StatusCode::BAD_REQUEST, Some(ctx.t("form-elsewhere"))),
        Refusal::Busy => (StatusCode::SERVICE_UNAVAILABLE, None),
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
