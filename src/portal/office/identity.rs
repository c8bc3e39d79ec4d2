//! Signing in with an identity provider, and linking what somebody is there
//! to his account. Only who is signed in links: a name that happens to be the
//! same is no proof of anything.

use hyper::StatusCode;

use crate::config;
use crate::people::{AccountState, AuditEntry, First, Identity};
use crate::portal::oidc::{ProviderError, Purpose};
use crate::portal::reply::Reply;
use crate::portal::state::Portal;
use crate::portal::views::{PageContext, ProviderPage, SignInPage};

use super::entry::{AGAIN, next, subject};
use super::gate::new_secret;
use super::request::{Form, OfficeRequest};
use super::second_gate::Half;
use super::{Answer, Refusal, Visitor, html};

/// The part of `/me` where what is wrong with a link is said.
const HERE: &str = "identity";
/// Where the provider sends people back to; it has to know this address.
const BACK: &str = "/sign-in/oidc/back";

impl Portal {
    /// The provider's name, if there is one.
    pub(super) fn provider_name(&self, ctx: &PageContext<'_>) -> Option<String> {
        self.county.load().oidc.as_ref().map(|oidc| ctx.plain(&oidc.names))
    }

    fn provider(&self) -> Result<config::Oidc, Refusal> {
        self.county.load().oidc.clone().ok_or(Refusal::Unknown)
    }

    /// The sign-in page, with what was wrong at the provider.
    fn not_by_provider(&self, ctx: &PageContext<'_>, error: String, next: &str) -> Answer {
        let page = SignInPage {
            error: Some(error),
            next,
            provider: self.provider_name(ctx),
            ..SignInPage::default()
        };
        Ok(html(page.render(ctx)?).with_status(AGAIN))
    }

    /// `/sign-in/oidc`: on to the provider.
    pub(super) async fn to_provider(&self, request: &OfficeRequest<'_>, ctx: &PageContext<'_>) -> Answer {
        let oidc = self.provider()?;
        let next = next(request);
        if let Err(seconds) = self.oidc.may_leave(request.address, request.page.now) {
            let error = ctx.t1("sign-in-wait", "seconds", seconds);
            return Ok(self.not_by_provider(ctx, error, &next)?.with_status(StatusCode::TOO_MANY_REQUESTS));
        }
        match self.leave(request, &oidc, Purpose::SignIn { next: next.clone() }).await? {
            Ok((url, cookie)) => Ok(Reply { set_cookie: Some(cookie), ..Reply::see_other(&url) }),
            Err(error) => self.not_by_provider(ctx, ctx.t(said(&error)), &next),
        }
    }

    /// Where to go, and the cookie with which to come back.
    async fn leave(
        &self,
        request: &OfficeRequest<'_>,
        oidc: &config::Oidc,
        purpose: Purpose,
    ) -> Result<Result<(String, Box<str>), ProviderError>, Refusal> {
        let redirect = format!("{}{BACK}", request.base_url);
        let (url, flow) = match self.oidc.providers.leave(oidc, (purpose, redirect), request.page.now).await {
            Ok(left) => left,
            Err(error) => {
                tracing::warn!(%error, "the identity provider is of no help");
                return Ok(Err(error));
            }
        };
        let cookie = new_secret()?;
        self.oidc.leave(&cookie, flow, request.page.now);
        Ok(Ok((url, request.away_cookie_header(&cookie).into())))
    }

    /// `/sign-in/oidc/back`: from the provider.
    pub(super) async fn back_from_provider(
        &self,
        request: &OfficeRequest<'_>,
        ctx: &PageContext<'_>,
    ) -> Answer {
        let oidc = self.provider()?;
        // What the provider said is not carried into the links of a page.
        let clean = PageContext { path: "/sign-in", ..ctx.clone() };
        let ctx = &clean;
        let said_back: Vec<(String, String)> =
            form_urlencoded::parse(request.page.query.trim_start_matches('?').as_bytes())
                .into_owned()
                .collect();
        let param = |name: &str| said_back.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str());
        let cookie = request.away.as_ref();
        let state = param("state").unwrap_or_default();
        let Some(flow) = cookie.and_then(|c| self.oidc.back(c, state, request.page.now)) else {
            tracing::info!(address = %request.address, "somebody came back from the provider who had not left");
            return self.not_by_provider(ctx, ctx.t("oidc-stale"), "/office");
        };
        // RFC 9207: it may say who it is; another must not answer in its place.
        let other = param("iss").is_some_and(|iss| iss != oidc.issuer);
        let who = match param("code").filter(|_| !other) {
            Some(code) => self.oidc.providers.who(&oidc, &flow, code, request.page.now).await,
            None => Err(ProviderError::Refused("it gave no code".to_owned())),
        };
        match &who {
            Ok(_) => self.oidc.arrived(request.address),
            Err(error) => tracing::warn!(%error, "the provider did not sign somebody in"),
        }
        match flow.purpose {
            Purpose::SignIn { next } => self.signed_in_there(request, ctx, who, next).await,
            Purpose::Link { account, sign_in } => {
                let visitor = self.visitor(request).await?;
                let same = |v: &Visitor| v.account.id == account && v.sign_in.hash == sign_in;
                match visitor.filter(same) {
                    Some(visitor) => self.link(request, ctx, &visitor, who).await,
                    None => self.not_by_provider(ctx, ctx.t("oidc-stale"), "/me"),
                }
            }
        }
    }

    /// Signs in whoever the provider says it is, if that is linked to an
    /// account. A second factor of ours is asked for all the same: the provider
    /// stands in for the password only.
    async fn signed_in_there(
        &self,
        request: &OfficeRequest<'_>,
        ctx: &PageContext<'_>,
        who: Result<Identity, ProviderError>,
        next: String,
    ) -> Answer {
        let identity = match who {
            Ok(identity) => identity,
            Err(error) => return self.not_by_provider(ctx, ctx.t(said(&error)), &next),
        };
        let found = self.store.account_by_identity(identity.clone()).await?;
        let Some(account) = found.filter(|a| a.state == AccountState::Active) else {
            tracing::info!(address = %request.address, "an identity that is not linked");
            return self.not_by_provider(ctx, ctx.t("oidc-unknown"), "/me");
        };
        let half = Half { account: account.id, shown: First::Identity(identity) };
        self.first_step(request, ctx, half, (&next, None)).await
    }

    /// `link`: on to the provider, with the present password.
    pub(super) async fn begin_link(
        &self,
        request: &OfficeRequest<'_>,
        ctx: &PageContext<'_>,
        visitor: &Visitor,
        form: &Form,
    ) -> Answer {
        let oidc = self.provider()?;
        if let Err(error) = self.knows_password(request, ctx, visitor, form).await? {
            return self.me(ctx, visitor, Some((HERE, error))).await;
        }
        let purpose = Purpose::Link { account: visitor.account.id.clone(), sign_in: visitor.sign_in.hash };
        match self.leave(request, &oidc, purpose).await? {
            // A page with a link: what a form leads to has to be here (`form-action`).
            Ok((url, cookie)) => {
                let page = ProviderPage { name: &ctx.plain(&oidc.names), url: &url };
                Ok(Reply { set_cookie: Some(cookie), ..html(page.render(ctx)?) })
            }
            Err(error) => self.me(ctx, visitor, Some((HERE, ctx.t(said(&error))))).await,
        }
    }

    async fn link(
        &self,
        request: &OfficeRequest<'_>,
        ctx: &PageContext<'_>,
        visitor: &Visitor,
        who: Result<Identity, ProviderError>,
    ) -> Answer {
        let here = PageContext { path: "/me", ..ctx.clone() };
        let wrong = |key: &str| Some((HERE, here.t(key)));
        let identity = match who {
            Ok(identity) => identity,
            Err(error) => return self.me(&here, visitor, wrong(said(&error))).await,
        };
        let me = &visitor.account.id;
        let mut entry = request.entry(Some(me), "identity-linked", subject(me));
        entry.after = told(&identity);
        if !self.store.link_identity(me.clone(), identity, entry).await? {
            return self.me(&here, visitor, wrong("oidc-taken")).await;
        }
        Ok(Reply::see_other("/me"))
    }

    /// `unlink`.
    pub(super) async fn unlink(&self, request: &OfficeRequest<'_>, visitor: &Visitor) -> Answer {
        let (oidc, me) = (self.provider()?, &visitor.account.id);
        let linked = self.store.identities(me.clone()).await?;
        if let Some(identity) = linked.iter().find(|i| i.issuer == oidc.issuer) {
            let entry = request.entry(Some(me), "identity-unlinked", subject(me));
            let entry = AuditEntry { before: told(identity), ..entry };
            self.store.unlink_identity(me.clone(), oidc.issuer, entry).await?;
        }
        Ok(Reply::see_other("/me"))
    }
}

/// Key of what somebody is told; what exactly it was stands in the log.
fn said(error: &ProviderError) -> &'static str {
    match error {
        ProviderError::Down(_) => "oidc-down",
        ProviderError::Refused(_) => "oidc-refused",
    }
}

/// An identity as the audit log tells it.
pub(super) fn told(identity: &Identity) -> String {
    format!("{} ({}, {})", identity.name, identity.subject, identity.issuer)
}
