//! Who may do what: the list, invitations, new codes, closing and opening.

use hyper::StatusCode;

use crate::base::{AccountId, SiteId, TownshipId};
use crate::people::{
    Account, AccountState, Code, FactorState, Grant, Invitation, InvitationKind, Rights, Role, Scope,
};
use crate::portal::qr::square;
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
use super::sites::done;
use super::{Answer, Refusal, Visitor, html};

/// Most people of whom something is done at once.
const AT_ONCE: usize = 500;

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
            done: done(ctx.path, visitor, "/office/people"),
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
            Ok(()) => invited(request, ctx, &[(account, code)]),
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
        let account = self.changeable(visitor, rights, id).await?;
        match what {
            "reset" => match self.new_code_for(request, visitor, &account).await? {
                Some(code) => invited(request, ctx, &[(account, code)]),
                None => Ok(Reply::see_other("/office/people")),
            },
            "disable" | "enable" => {
                self.move_person(request, visitor, account, what == "disable").await?;
                Ok(Reply::see_other("/office/people"))
            }
            _ => Err(Refusal::Unknown),
        }
    }

    /// The same of the chosen ones: sheets with codes, closed, or opened again.
    pub(super) async fn chosen_people(
        &self,
        request: &OfficeRequest<'_>,
        ctx: &PageContext<'_>,
        visitor: &Visitor,
        rights: &Rights<'_>,
        form: &Form,
    ) -> Answer {
        let mut chosen = Vec::new();
        // All of them, before anything is done to one.
        for id in form.all("person").take(AT_ONCE) {
            chosen.push(self.changeable(visitor, rights, id).await?);
        }
        let mut codes = Vec::new();
        let mut moved = false;
        for account in chosen {
            match form.get("do") {
                "codes" => {
                    if let Some(code) = self.new_code_for(request, visitor, &account).await? {
                        codes.push((account, code));
                    }
                }
                what @ ("disable" | "enable") => {
                    moved |= self.move_person(request, visitor, account, what == "disable").await?;
                }
                _ => return Err(Refusal::Unknown),
            }
        }
        match (codes.is_empty(), moved) {
            (false, _) => invited(request, ctx, &codes),
            (true, true) => Ok(Reply::see_other("/office/people")),
            (true, false) => Ok(Reply::see_other("/office/people?not=nobody-chosen")),
        }
    }

    /// An account that the visitor may change; nobody closes the door behind himself.
    async fn changeable(&self, visitor: &Visitor, rights: &Rights<'_>, id: &str) -> Result<Account, Refusal> {
        let id = AccountId::new(id).map_err(|_| Refusal::Unknown)?;
        let account = self.store.account(id).await?.ok_or(Refusal::Unknown)?;
        let may = rights.change(&account) && account.id != visitor.account.id;
        may.then_some(account).ok_or(Refusal::Forbidden)
    }

    /// A code for another password; none for a closed account.
    async fn new_code_for(
        &self,
        request: &OfficeRequest<'_>,
        visitor: &Visitor,
        account: &Account,
    ) -> Result<Option<Code>, Refusal> {
        if account.state == AccountState::Disabled {
            return Ok(None);
        }
        let code = new_code()?;
        let kind = InvitationKind::Reset;
        let invitation = Invitation::new(code.hash(), account.id.clone(), kind, request.page.now);
        let mut entry = request.entry(Some(&visitor.account.id), "code-given", subject(&account.id));
        if self.store.second_factor(account.id.clone()).await?.is_some() {
            // Whoever lost the telephone: the code ends it when it is used, not before.
            (entry.before, entry.after) = factor_changes(FactorState::On, FactorState::EndsWithCode);
        }
        Ok(self.store.add_invitation(invitation, entry).await?.then_some(code))
    }

    /// Closes or opens an account. Whoever was faster stands: the list shows what became of it.
    async fn move_person(
        &self,
        request: &OfficeRequest<'_>,
        visitor: &Visitor,
        account: Account,
        closed: bool,
    ) -> Result<bool, Refusal> {
        let mut after = account.clone();
        after.state = match (account.state, closed) {
            (AccountState::Active | AccountState::Invited, true) => AccountState::Disabled,
            // Whoever is let in again chooses a password again.
            (AccountState::Disabled, false) => AccountState::Invited,
            _ => return Ok(false),
        };
        let what = if closed { "account-closed" } else { "account-opened" };
        let mut entry = request.entry(Some(&visitor.account.id), what, subject(&account.id));
        (entry.before, entry.after) = (described(&account), described(&after));
        Ok(self.store.set_account_state(account.id, (account.state, after.state), entry).await?)
    }
}

fn invited(request: &OfficeRequest<'_>, ctx: &PageContext<'_>, given: &[(Account, Code)]) -> Answer {
    let address = format!("{}/code", request.base_url);
    let sheets = given.iter().map(|(a, code)| sheet(&address, code, &a.name, a.login.as_str().to_owned()));
    let page = InvitedPage {
        sheets: sheets.collect::<Result<_, _>>()?,
        text: ctx.t("invited-text"),
        how: ctx.t("invited-how"),
        back: ("/office/people", ctx.t("invited-back")),
    };
    Ok(html(page.render(ctx)?))
}

/// A sheet with a code, and the address with the code in it as an SVG drawing.
pub(super) fn sheet(url: &str, code: &Code, name: &str, beside: String) -> Result<Sheet, Refusal> {
    let qr = square(&format!("{url}?code={}", code.shown())).map_err(Refusal::Ours)?;
    Ok(Sheet { name: name.to_owned(), beside, code: code.shown(), url: url.to_owned(), qr })
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
