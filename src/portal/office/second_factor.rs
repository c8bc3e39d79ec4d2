//! One's own second factor, turned on and off; and the step of signing in
//! that asks for it.

use hyper::StatusCode;

use crate::base::AccountId;
use crate::people::{
    AccountState, AuditEntry, Code, FactorState, PasswordHash, RECOVERY_CODES, Second, Secret, Step,
    TotpSecret,
};
use crate::portal::qr::square;
use crate::portal::reply::Reply;
use crate::portal::state::Portal;
use crate::portal::views::{AuthenticatorPage, PageContext, RecoveryPage, SecondPage, SignInPage};
use crate::store::LetIn;

use super::entry::{AGAIN, next, subject};
use super::gate::{new_code, random};
use super::kept::Kept;
use super::request::{Form, OfficeRequest};
use super::second_gate::Half;
use super::{Answer, Refusal, Visitor, html};

/// The part of `/me` where what is wrong with the second factor is said.
const HERE: &str = "second-factor";

impl Portal {
    /// The first step was right: lets in who has no second factor, and asks
    /// everybody else for it.
    pub(super) async fn first_step(
        &self,
        request: &OfficeRequest<'_>,
        ctx: &PageContext<'_>,
        half: Half,
        (next, kept): (&str, Option<Kept>),
    ) -> Answer {
        if self.store.second_factor(half.account.clone()).await?.is_none() {
            return self.finish(request, ctx, half, (Second::None, None), (next, kept)).await;
        }
        let waiting = self.gate.second.wait(half, ctx.now)?;
        let page =
            SecondPage { error: None, half: waiting.as_str(), next, kept: kept.as_ref().map(Kept::text) };
        Ok(html(page.render(ctx)?))
    }

    /// The second step: a code of the authenticator, or a recovery code.
    pub(super) async fn second_step(&self, request: &OfficeRequest<'_>, ctx: &PageContext<'_>) -> Answer {
        let Some(form) = &request.form else { return Ok(Reply::see_other("/sign-in")) };
        let next = next(request);
        let kept = Kept::read(form.get("kept"));
        let (address, now) = (request.address, request.page.now);
        let waiting =
            Secret::read(form.get("half")).and_then(|s| self.gate.second.half(&s, now).map(|h| (s, h)));
        let Some((secret, half)) = waiting else {
            let page = SignInPage {
                error: Some(ctx.t("step-ended")),
                next: &next,
                kept: kept.as_ref().map(Kept::text),
                ..SignInPage::default()
            };
            return Ok(html(page.render(ctx)?).with_status(AGAIN));
        };
        let again = |error: String, status: StatusCode| -> Answer {
            let page = SecondPage {
                error: Some(error),
                half: secret.as_str(),
                next: &next,
                kept: kept.as_ref().map(Kept::text),
            };
            Ok(html(page.render(ctx)?).with_status(status))
        };
        let account = half.account.clone();
        let tried = self.gate.attempt(None, address, now);
        if let Err(seconds) = tried.and_then(|()| self.gate.second.attempt(&account, address, now)) {
            // Whose it is, for who has to find out who knows his password.
            tracing::warn!(%address, %account, "too many wrong codes after a right password");
            return again(ctx.t1("sign-in-wait", "seconds", seconds), StatusCode::TOO_MANY_REQUESTS);
        }
        let typed = [form.get("code"), form.get("recovery")].into_iter().find(|t| !t.is_empty());
        let shown = match self.store.second_factor(account.clone()).await? {
            Some(factor) => typed.and_then(|t| factor.read(t, now)).map(|s| (s, Some(factor.codes_left))),
            // Turned off meanwhile: the password is enough.
            None => Some((Second::None, None)),
        };
        let Some(shown) = shown else {
            tracing::info!(%address, "a wrong code after a right password");
            return again(ctx.t("second-wrong"), AGAIN);
        };
        let reply = self.finish(request, ctx, half, shown, (&next, kept.clone())).await?;
        match reply.status {
            AGAIN => again(ctx.t("second-wrong"), AGAIN),
            _ => {
                self.gate.second.done(&secret, now);
                self.gate.second.succeeded(&account, address);
                self.gate.succeeded(None, address);
                Ok(reply)
            }
        }
    }

    /// Signs in, and shows the form that waited for it. Answers [`AGAIN`] if
    /// what was shown of the second factor is not good.
    async fn finish(
        &self,
        request: &OfficeRequest<'_>,
        ctx: &PageContext<'_>,
        half: Half,
        (second, codes_left): (Second, Option<usize>),
        (next, kept): (&str, Option<Kept>),
    ) -> Answer {
        let found = self.store.account(half.account).await?;
        let Some(account) = found.filter(|a| a.state == AccountState::Active) else {
            return Ok(Reply::see_other("/sign-in"));
        };
        let used = codes_left.filter(|_| matches!(second, Second::Recovery(_))).map(|left| {
            let entry = request.entry(Some(&account.id), "recovery-code-used", subject(&account.id));
            AuditEntry { before: left.to_string(), after: left.saturating_sub(1).to_string(), ..entry }
        });
        let (let_in, secret) = self.let_in(request, &account, (half.shown, second), used).await?;
        match let_in {
            LetIn::Yes => {
                let cookie = Some(request.cookie_header(Some(&secret)).into());
                let page = match kept {
                    Some(kept) => kept.page(ctx, &secret)?,
                    None => Reply::see_other(next),
                };
                Ok(Reply { set_cookie: cookie, ..page })
            }
            LetIn::NotTheSecond => Ok(Reply::see_other("/sign-in").with_status(AGAIN)),
            LetIn::No => Ok(Reply::see_other("/sign-in")),
        }
    }

    /// `second-factor`: shows a new secret to who has said his password.
    pub(super) async fn begin_second_factor(
        &self,
        request: &OfficeRequest<'_>,
        ctx: &PageContext<'_>,
        visitor: &Visitor,
        form: &Form,
    ) -> Answer {
        if let Err(error) = self.knows_password(request, ctx, visitor, form).await? {
            return self.me(ctx, visitor, Some((HERE, error))).await;
        }
        if self.store.second_factor(visitor.account.id.clone()).await?.is_some() {
            return Ok(Reply::see_other("/me"));
        }
        let secret = TotpSecret::new(random()?);
        self.gate.second.begin(visitor.sign_in.hash, secret.clone(), request.page.now);
        authenticator(ctx, visitor, &secret, None)
    }

    /// `second-factor-on`: the first code was typed.
    pub(super) async fn confirm_second_factor(
        &self,
        request: &OfficeRequest<'_>,
        ctx: &PageContext<'_>,
        visitor: &Visitor,
        form: &Form,
    ) -> Answer {
        let (me, now) = (&visitor.account.id, request.page.now);
        let Some(secret) = self.gate.second.begun(&visitor.sign_in.hash, now) else {
            return self.me(ctx, visitor, Some((HERE, ctx.t("second-ended")))).await;
        };
        let Some(step) = secret.taken(form.get("code"), now, None) else {
            return authenticator(ctx, visitor, &secret, Some(ctx.t("second-wrong")));
        };
        let codes = (0..RECOVERY_CODES).map(|_| new_code()).collect::<Result<Vec<Code>, _>>()?;
        let hashes = codes.iter().map(Code::recovery_hash).collect();
        let entry = told(request, me, "second-factor-on", (FactorState::Off, FactorState::On));
        let confirmed: (TotpSecret, Step) = (secret, step);
        if !self.store.turn_second_factor_on(me.clone(), confirmed, hashes, entry).await? {
            return Ok(Reply::see_other("/me"));
        }
        self.gate.second.confirmed(&visitor.sign_in.hash, now);
        let page = RecoveryPage { codes: &codes.iter().map(Code::shown).collect::<Vec<_>>() };
        Ok(html(page.render(ctx)?))
    }

    /// `second-factor-off`: with the password and a code.
    pub(super) async fn end_second_factor(
        &self,
        request: &OfficeRequest<'_>,
        ctx: &PageContext<'_>,
        visitor: &Visitor,
        form: &Form,
    ) -> Answer {
        let (me, address, now) = (&visitor.account.id, request.address, request.page.now);
        if let Err(error) = self.knows_password(request, ctx, visitor, form).await? {
            return self.me(ctx, visitor, Some((HERE, error))).await;
        }
        if let Err(seconds) = self.gate.second.attempt(me, address, now) {
            let error = ctx.t1("sign-in-wait", "seconds", seconds);
            return self.me(ctx, visitor, Some((HERE, error))).await;
        }
        let Some(factor) = self.store.second_factor(me.clone()).await? else {
            return Ok(Reply::see_other("/me"));
        };
        let ended = match factor.read(form.get("code"), now) {
            Some(shown) => {
                let entry = told(request, me, "second-factor-off", (FactorState::On, FactorState::Off));
                self.store.turn_second_factor_off(me.clone(), shown, entry).await?
            }
            None => false,
        };
        if !ended {
            return self.me(ctx, visitor, Some((HERE, ctx.t("second-wrong")))).await;
        }
        self.gate.second.succeeded(me, address);
        Ok(Reply::see_other("/me"))
    }

    /// Somebody who is signed in says his password once more; else what to tell him.
    pub(super) async fn knows_password(
        &self,
        request: &OfficeRequest<'_>,
        ctx: &PageContext<'_>,
        visitor: &Visitor,
        form: &Form,
    ) -> Result<Result<(), String>, Refusal> {
        let login = &visitor.account.login;
        let (address, now) = (request.address, request.page.now);
        if let Err(seconds) = self.gate.attempt_again(login, address, now) {
            return Ok(Err(ctx.t1("sign-in-wait", "seconds", seconds)));
        }
        let found = self.store.account_by_login(login.clone()).await?;
        let hash: Option<PasswordHash> = found.and_then(|(_, password)| password);
        if !self.gate.fits(hash, form.raw("current")).await? {
            return Ok(Err(ctx.t("me-password-wrong")));
        }
        self.gate.known(login, address);
        Ok(Ok(()))
    }
}

/// The page on which an authenticator learns the secret.
fn authenticator(
    ctx: &PageContext<'_>,
    visitor: &Visitor,
    secret: &TotpSecret,
    error: Option<String>,
) -> Answer {
    let status = if error.is_some() { AGAIN } else { StatusCode::OK };
    let uri = secret.uri(&ctx.plain(ctx.county), visitor.account.login.as_str());
    let page = AuthenticatorPage {
        error,
        secret: secret.shown(),
        square: square(&uri).map_err(Refusal::Ours)?,
        uri,
        token: &visitor.secret.form_token(),
    };
    Ok(html(page.render(ctx)?).with_status(status))
}

/// A change of one's own second factor as the audit log tells it; never the secret.
pub(super) fn told(
    request: &OfficeRequest<'_>,
    account: &AccountId,
    what: &str,
    states: (FactorState, FactorState),
) -> AuditEntry {
    let (before, after) = factor_changes(states.0, states.1);
    AuditEntry { before, after, ..request.entry(Some(account), what, subject(account)) }
}

/// How it was and is, for the audit log.
pub(super) fn factor_changes(before: FactorState, after: FactorState) -> (String, String) {
    let text = |state| serde_json::json!({ "second_factor": state }).to_string();
    (text(before), text(after))
}
