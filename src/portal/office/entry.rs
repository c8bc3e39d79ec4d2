//! Setting up, signing in and out, choosing a password with a code.

use hyper::StatusCode;

use crate::base::AccountId;
use crate::people::{
    Account, AccountState, AuditEntry, BadPassword, Code, FactorState, First, Grant, Login, PasswordHash,
    Role, Scope, Second, Secret, SignIn, check_password,
};
use crate::portal::reply::Reply;
use crate::portal::state::Portal;
use crate::portal::views::{ChoosePage, PageContext, SetupPage, SignInPage};
use crate::store::{LetIn, PeopleError};

use super::gate::{new_secret, random};
use super::kept::Kept;
use super::request::{Form, OfficeRequest};
use super::second_factor::told;
use super::second_gate::Half;
use super::{Answer, Refusal, Visitor, html};

/// Status of a form that has to be filled in again.
pub(super) const AGAIN: StatusCode = StatusCode::UNPROCESSABLE_ENTITY;

impl Portal {
    pub(super) async fn setup(&self, request: &OfficeRequest<'_>, ctx: &PageContext<'_>) -> Answer {
        if !self.store.has_no_account().await? {
            return Ok(Reply::see_other("/sign-in"));
        }
        let Some(form) = &request.form else { return Ok(html(SetupPage::default().render(ctx)?)) };
        let again = |error: String| -> Answer {
            let page = SetupPage {
                error: Some(error),
                code: form.get("code"),
                name: form.get("name"),
                login: form.get("login"),
            };
            Ok(html(page.render(ctx)?).with_status(AGAIN))
        };
        let (address, now) = (request.address, request.page.now);
        if let Err(seconds) = self.gate.attempt(None, address, now) {
            return again(ctx.t1("sign-in-wait", "seconds", seconds));
        }
        if !self.gate.is_setup_code(form.get("code")) {
            return again(ctx.t("setup-wrong-code"));
        }
        self.gate.succeeded(None, address);
        let (name, login) = match person(form) {
            Ok(person) => person,
            Err(key) => return again(ctx.t(key)),
        };
        if let Err(key) = new_password(form, &login) {
            return again(ctx.t(key));
        }
        let account = Account {
            id: new_account_id()?,
            login,
            name,
            grants: vec![Grant { role: Role::Administrator, scope: Scope::County }],
            state: AccountState::Active,
            created: now,
        };
        let mut entry = request.entry(None, "county-set-up", subject(&account.id));
        entry.after = described(&account);
        let password = self.gate.hash(form.raw("password")).await?;
        match self.store.create_first_account(account.clone(), password.clone(), entry).await {
            Ok(()) => self.let_straight_in(request, &account, password).await,
            Err(PeopleError::Store(error)) => Err(error.into()),
            Err(_) => Ok(Reply::see_other("/sign-in")),
        }
    }

    pub(super) async fn sign_in(&self, request: &OfficeRequest<'_>, ctx: &PageContext<'_>) -> Answer {
        if self.store.has_no_account().await? {
            return Ok(Reply::see_other("/setup"));
        }
        let next = next(request);
        let Some(form) = &request.form else {
            let page = SignInPage { next: &next, provider: self.provider_name(ctx), ..SignInPage::default() };
            return Ok(html(page.render(ctx)?));
        };
        let kept = Kept::read(form.get("kept"));
        let again = |error: String| -> Answer {
            let page = SignInPage {
                error: Some(error),
                login: form.get("login"),
                next: &next,
                kept: kept.as_ref().map(Kept::text),
                // At the provider a form cannot wait.
                provider: self.provider_name(ctx).filter(|_| kept.is_none()),
            };
            Ok(html(page.render(ctx)?).with_status(AGAIN))
        };
        let (address, now) = (request.address, request.page.now);
        let login = Login::new(form.get("login")).ok();
        if let Err(seconds) = self.gate.attempt(login.as_ref(), address, now) {
            let status = StatusCode::TOO_MANY_REQUESTS;
            return Ok(again(ctx.t1("sign-in-wait", "seconds", seconds))?.with_status(status));
        }
        let found = match &login {
            Some(login) => self.store.account_by_login(login.clone()).await?,
            None => None,
        };
        let (account, hash) = found.map_or((None, None), |(a, p)| (Some(a), p));
        let fits = self.gate.fits(hash.clone(), form.raw("password")).await?;
        match account.filter(|a| fits && a.state == AccountState::Active).zip(hash) {
            Some((account, hash)) => {
                self.gate.succeeded(Some(&account.login), address);
                let half = Half { account: account.id, shown: First::Password(hash) };
                self.first_step(request, ctx, half, (&next, kept)).await
            }
            None => {
                // Not the name: people type their password there by mistake.
                tracing::info!(%address, "somebody failed to sign in");
                again(ctx.t("sign-in-wrong"))
            }
        }
    }

    pub(super) async fn sign_out(&self, request: &OfficeRequest<'_>, visitor: &Visitor) -> Answer {
        let id = &visitor.account.id;
        let entry = request.entry(Some(id), "signed-out", subject(id));
        let ended = crate::store::Ended::One(visitor.sign_in.hash);
        self.store.end_sign_ins(id.clone(), ended, entry).await?;
        let mut reply = Reply::see_other("/");
        reply.set_cookie = Some(request.cookie_header(None).into());
        Ok(reply)
    }

    pub(super) async fn choose_password(&self, request: &OfficeRequest<'_>, ctx: &PageContext<'_>) -> Answer {
        let Some(form) = &request.form else {
            let code = crate::portal::pages::param(request.page.query, "code").unwrap_or_default();
            let page = ChoosePage { error: None, code };
            return Ok(html(page.render(ctx)?));
        };
        let again = |error: String| -> Answer {
            let page = ChoosePage { error: Some(error), code: form.get("code") };
            Ok(html(page.render(ctx)?).with_status(AGAIN))
        };
        let (address, now) = (request.address, request.page.now);
        if let Err(seconds) = self.gate.attempt(None, address, now) {
            return again(ctx.t1("sign-in-wait", "seconds", seconds));
        }
        let code = Code::read(form.get("code")).map(|c| c.hash());
        let account = match code {
            Some(code) => self.store.invited(code, now).await?,
            None => None,
        };
        let (Some(code), Some(mut account)) = (code, account) else {
            return again(ctx.t("code-wrong"));
        };
        self.gate.succeeded(None, address);
        if let Err(key) = new_password(form, &account.login) {
            return again(ctx.t(key));
        }
        let entry = request.entry(Some(&account.id), "password-chosen", subject(&account.id));
        let states = (FactorState::On, FactorState::Off);
        let factor = told(request, &account.id, "second-factor-removed", states);
        let linked = self.store.identities(account.id.clone()).await?;
        let mut links = request.entry(Some(&account.id), "identity-removed", subject(&account.id));
        links.before = linked.iter().map(super::identity::told).collect::<Vec<_>>().join("; ");
        let password = self.gate.hash(form.raw("password")).await?;
        match self.store.choose_password(code, password.clone(), now, (entry, factor, links)).await {
            Ok(()) => {
                account.state = AccountState::Active;
                self.let_straight_in(request, &account, password).await
            }
            Err(PeopleError::Store(error)) => Err(error.into()),
            // Somebody was faster with the same code.
            Err(_) => again(ctx.t("code-wrong")),
        }
    }

    /// Signs in who has just chosen his password; he has no second factor.
    async fn let_straight_in(
        &self,
        request: &OfficeRequest<'_>,
        account: &Account,
        chosen: PasswordHash,
    ) -> Answer {
        let (let_in, secret) =
            self.let_in(request, account, (First::Password(chosen), Second::None), None).await?;
        if let_in != LetIn::Yes {
            return Ok(Reply::see_other("/sign-in"));
        }
        let mut reply = Reply::see_other("/office");
        reply.set_cookie = Some(request.cookie_header(Some(&secret)).into());
        Ok(reply)
    }

    /// Signs the browser in, if what was shown is still good. Answers what its
    /// cookie holds then, and tells the audit log what else there is to tell.
    pub(super) async fn let_in(
        &self,
        request: &OfficeRequest<'_>,
        account: &Account,
        shown: (First, Second),
        more: Option<AuditEntry>,
    ) -> Result<(LetIn, Secret), Refusal> {
        let secret = new_secret()?;
        let now = request.page.now;
        let sign_in = SignIn {
            hash: secret.hash(),
            account: account.id.clone(),
            created: now,
            seen: now,
            agent: request.short_agent(),
        };
        let what = match shown.0 {
            First::Password(_) => "signed-in",
            First::Identity(_) => "signed-in-by-provider",
        };
        let mut entry = request.entry(Some(&account.id), what, subject(&account.id));
        entry.after = sign_in.agent.clone();
        let entries = more.into_iter().chain([entry]).collect();
        // One browser, one sign-in: the one before, perhaps somebody else's, ends.
        let before = request.cookie.as_ref().map(Secret::hash);
        Ok((self.store.sign_in(sign_in, shown, before, entries).await?, secret))
    }
}

/// Where to go after signing in: a page of the office, never another server.
pub(super) fn next(request: &OfficeRequest<'_>) -> String {
    let asked = request.form.as_ref().map(|f| f.get("next").to_owned());
    let query = || crate::portal::pages::param(request.page.query, "next").map(str::to_owned);
    asked.or_else(query).filter(|n| is_inside(n)).unwrap_or_else(|| "/office".to_owned())
}

/// True for the path of a page behind the sign-in, and nothing but a path.
pub(super) fn is_inside(path: &str) -> bool {
    let first = path.trim_start_matches('/').split('/').next();
    path.starts_with('/')
        && matches!(first, Some("office" | "me"))
        && path.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'/' | b'-' | b'.'))
}

/// The name and the name to sign in with, or the key of what is wrong.
pub(super) fn person(form: &Form) -> Result<(String, Login), &'static str> {
    let name = form.name().ok_or("name-missing")?;
    Ok((name, Login::new(form.get("login")).map_err(|_| "login-bad")?))
}

/// Checks the password that was chosen; else the key of what is wrong.
pub(super) fn new_password(form: &Form, login: &Login) -> Result<(), &'static str> {
    check_password(form.raw("password"), login).map_err(|e| match e {
        BadPassword::Short => "password-short",
        BadPassword::Long => "password-long",
        BadPassword::Common => "password-common",
    })?;
    if form.raw("password") == form.raw("again") { Ok(()) } else { Err("password-differs") }
}

/// An identifier nobody has.
pub(super) fn new_account_id() -> Result<AccountId, Refusal> {
    let bytes: [u8; 8] = random()?;
    AccountId::new(&hex::encode(bytes)).map_err(|e| Refusal::Ours(e.to_string()))
}

/// An account as the subject of a line of the audit log.
pub(super) fn subject(id: &AccountId) -> String {
    format!("account/{id}")
}

/// An account as the audit log tells it.
pub(super) fn described(account: &Account) -> String {
    serde_json::json!({
        "login": account.login, "name": account.name, "grants": account.grants, "state": account.state,
    })
    .to_string()
}
