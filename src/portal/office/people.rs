//! Who may do what: the list, invitations, new codes, closing and opening.

use hyper::StatusCode;

use crate::base::{AccountId, SiteId, TownshipId};
use crate::people::{
    Account, AccountState, Code, FactorState, Grant, Invitation, InvitationKind, Rights, Role, Scope,
};
use crate::portal::reply::Reply;
use crate::portal::state::Portal;
use crate::portal::views::{
    InvitedPage, Menu, PageContext, PeopleForm, PeoplePage, PersonRow, ScopeView, Sheet,
};
use crate::store::PeopleError;

use super::entry::{described, new_account_id, person, subject};
use super::gate::new_code;
use super::request::{Form, OfficeRequest};
use super::second_factor::factor_changes;
use super::{Answer, Refusal, Visitor, html};

impl Portal {
    pub(super) async fn people(
        &self,
        ctx: &PageContext<'_>,
        visitor: &Visitor,
        rights: &Rights<'_>,
        form: Option<PeopleForm<'_>>,
    ) -> Answer {
        let registry = self.desk.registry.load();
        let accounts = self.store.accounts().await?;
        let rows = accounts.iter().filter(|a| rights.see(a)).map(|account| PersonRow {
            account,
            grants: account.grants.iter().map(|g| (g.role, ScopeView::of(&g.scope, &registry))).collect(),
            // Nobody closes the door behind himself.
            may_change: rights.change(account) && account.id != visitor.account.id,
        });
        let all = std::iter::once(Scope::County)
            .chain(registry.townships.keys().cloned().map(Scope::Township))
            .chain(registry.sites.keys().cloned().map(Scope::Site));
        let offered = |scope: &Scope| {
            Role::ALL.into_iter().any(|role| rights.give(&Grant { role, scope: scope.clone() }))
        };
        let scopes: Vec<ScopeView<'_>> =
            all.filter(|s| offered(s)).map(|s| ScopeView::of(&s, &registry)).collect();
        let roles = Role::ALL.into_iter().filter(|role| {
            scopes.iter().any(|s| rights.give(&Grant { role: *role, scope: s.scope.clone() }))
        });
        let failed = form.as_ref().is_some_and(|f| f.error.is_some());
        let page = PeoplePage {
            rows: rows.collect(),
            roles: roles.collect(),
            scopes,
            form: form.unwrap_or_default(),
            token: visitor.secret.form_token(),
            menu: Menu::of(rights),
        };
        let reply = html(page.render(ctx)?);
        Ok(if failed { reply.with_status(StatusCode::UNPROCESSABLE_ENTITY) } else { reply })
    }

    pub(super) async fn invite(
        &self,
        request: &OfficeRequest<'_>,
        ctx: &PageContext<'_>,
        visitor: &Visitor,
        rights: &Rights<'_>,
        form: &Form,
    ) -> Answer {
        let typed = |error| PeopleForm {
            error: Some(error),
            name: form.get("name"),
            login: form.get("login"),
            role: form.get("role"),
            scope: form.get("scope"),
        };
        let (name, login) = match person(form) {
            Ok(person) => person,
            Err(key) => return self.people(ctx, visitor, rights, Some(typed(key))).await,
        };
        let Some(grant) = grant(form).filter(|g| rights.give(g)) else {
            return self.people(ctx, visitor, rights, Some(typed("people-not-allowed"))).await;
        };
        let account = Account {
            id: new_account_id()?,
            login,
            name,
            grants: vec![grant],
            state: AccountState::Invited,
            created: request.page.now,
        };
        let code = new_code()?;
        let invitation =
            Invitation::new(code.hash(), account.id.clone(), InvitationKind::Invite, request.page.now);
        let mut entry = request.entry(Some(&visitor.account.id), "account-invited", subject(&account.id));
        entry.after = described(&account);
        match self.store.invite_account(account.clone(), invitation, entry).await {
            Ok(()) => invited(request, ctx, &account, &code),
            Err(PeopleError::Store(error)) => Err(error.into()),
            Err(_) => self.people(ctx, visitor, rights, Some(typed("login-taken"))).await,
        }
    }

    /// `reset`, `disable` or `enable` of one account.
    pub(super) async fn change_person(
        &self,
        request: &OfficeRequest<'_>,
        ctx: &PageContext<'_>,
        visitor: &Visitor,
        rights: &Rights<'_>,
        (id, what): (&str, &str),
    ) -> Answer {
        let id = AccountId::new(id).map_err(|_| Refusal::Unknown)?;
        let account = self.store.account(id).await?.ok_or(Refusal::Unknown)?;
        if !rights.change(&account) || account.id == visitor.account.id {
            return Err(Refusal::Forbidden);
        }
        let me = Some(&visitor.account.id);
        let mut after = account.clone();
        match (what, account.state) {
            ("reset", AccountState::Active | AccountState::Invited) => {
                let code = new_code()?;
                let kind = InvitationKind::Reset;
                let invitation = Invitation::new(code.hash(), account.id.clone(), kind, request.page.now);
                let mut entry = request.entry(me, "code-given", subject(&account.id));
                if self.store.second_factor(account.id.clone()).await?.is_some() {
                    // Whoever lost the telephone: the code ends it when it is used, not before.
                    (entry.before, entry.after) = factor_changes(FactorState::On, FactorState::EndsWithCode);
                }
                if !self.store.add_invitation(invitation, entry).await? {
                    return Ok(Reply::see_other("/office/people"));
                }
                return invited(request, ctx, &account, &code);
            }
            ("disable", AccountState::Active | AccountState::Invited) => after.state = AccountState::Disabled,
            // Whoever is let in again chooses a password again.
            ("enable", AccountState::Disabled) => after.state = AccountState::Invited,
            ("reset" | "disable" | "enable", _) => return Ok(Reply::see_other("/office/people")),
            _ => return Err(Refusal::Unknown),
        }
        let what = if after.state == AccountState::Disabled { "account-closed" } else { "account-opened" };
        let mut entry = request.entry(me, what, subject(&account.id));
        (entry.before, entry.after) = (described(&account), described(&after));
        // Whoever was faster stands: the list shows what became of it.
        self.store.set_account_state(account.id, (account.state, after.state), entry).await?;
        Ok(Reply::see_other("/office/people"))
    }
}

fn invited(request: &OfficeRequest<'_>, ctx: &PageContext<'_>, account: &Account, code: &Code) -> Answer {
    let address = format!("{}/code", request.base_url);
    let page = InvitedPage {
        sheets: vec![sheet(&address, code, &account.name, account.login.as_str().to_owned())?],
        text: ctx.t("invited-text"),
        how: ctx.t("invited-how"),
        back: ("/office/people", ctx.t("invited-back")),
    };
    Ok(html(page.render(ctx)?))
}

/// A sheet with a code, and the address with the code in it as an SVG drawing.
pub(super) fn sheet(url: &str, code: &Code, name: &str, beside: String) -> Result<Sheet, Refusal> {
    let qr = square(&format!("{url}?code={}", code.shown()))?;
    Ok(Sheet { name: name.to_owned(), beside, code: code.shown(), url: url.to_owned(), qr })
}

/// What a telephone reads, as an SVG drawing.
pub(super) fn square(text: &str) -> Result<String, Refusal> {
    let qr = qrcode::QrCode::new(text.as_bytes()).map_err(|e| Refusal::Ours(e.to_string()))?;
    let svg = qr.render::<qrcode::render::svg::Color<'_>>().min_dimensions(220, 220).build();
    // Inside a page the drawing needs no prologue.
    Ok(svg.split_once("?>").map_or(svg.as_str(), |(_, rest)| rest).to_owned())
}

/// The role and the part of the county that a form names.
fn grant(form: &Form) -> Option<Grant> {
    let scope = match form.get("scope").split_once(':') {
        None if form.get("scope") == "county" => Scope::County,
        Some(("township", id)) => Scope::Township(TownshipId::new(id).ok()?),
        Some(("site", id)) => Scope::Site(SiteId::new(id).ok()?),
        _ => return None,
    };
    Some(Grant { role: Role::named(form.get("role"))?, scope })
}
