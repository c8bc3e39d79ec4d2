//! Who may do what.

use super::keys::{role_key, state_key};
use super::places::Done;
use super::{Menu, page};
use crate::base::Titles;
use crate::people::{Account, AccountState, Role, Scope};
use crate::portal::views::PageContext;
use crate::sites::Registry;

/// A part of the county, as forms and lists show it.
#[derive(Debug, Clone)]
pub struct ScopeView<'a> {
    /// Which.
    pub scope: Scope,
    /// Its value in a form.
    pub value: String,
    /// Its names; none: the whole county, or what is not there any more.
    pub names: Option<&'a Titles>,
}

impl<'a> ScopeView<'a> {
    /// With the names that `registry` knows.
    pub fn of(scope: &Scope, registry: &'a Registry) -> Self {
        let (value, names) = match scope {
            Scope::County => ("county".to_owned(), None),
            Scope::Township(id) => (format!("township:{id}"), registry.townships.get(id).map(|t| &t.names)),
            Scope::Site(id) => (format!("site:{id}"), registry.sites.get(id).map(|s| &s.names)),
        };
        Self { scope: scope.clone(), value, names }
    }

    /// In words.
    fn said(&self, ctx: &PageContext<'_>) -> String {
        match self.names {
            Some(names) => ctx.plain(names),
            None if self.scope == Scope::County => ctx.t("scope-county"),
            None => self.value.clone(),
        }
    }

    /// True for what lies in a township.
    fn is_site(&self) -> bool {
        matches!(self.scope, Scope::Site(_))
    }
}

/// Somebody in the list of people.
#[derive(Debug, Clone)]
pub struct PersonRow<'a> {
    /// Who.
    pub account: &'a Account,
    /// What was given, and where.
    pub grants: Vec<(Role, ScopeView<'a>)>,
    /// The visitor may change it.
    pub may_change: bool,
}

impl PersonRow<'_> {
    fn is_closed(&self) -> bool {
        self.account.state == AccountState::Disabled
    }
}

/// The form for inviting somebody, as typed.
#[derive(Debug, Clone, Default)]
pub struct PeopleForm<'a> {
    /// Key of what was wrong.
    pub error: Option<&'static str>,
    /// As typed.
    pub name: &'a str,
    /// As typed.
    pub login: &'a str,
    /// As chosen.
    pub role: &'a str,
    /// As chosen.
    pub scope: &'a str,
}

/// Who may do what.
#[derive(Debug, Clone)]
pub struct PeoplePage<'a> {
    /// Those the visitor may see.
    pub rows: Vec<PersonRow<'a>>,
    /// Roles the visitor may give; empty: he invites nobody.
    pub roles: Vec<Role>,
    /// Parts of the county he may give them in.
    pub scopes: Vec<ScopeView<'a>>,
    /// The form.
    pub form: PeopleForm<'a>,
    /// What was not done.
    pub done: Done,
    /// The forms' token.
    pub token: String,
    /// The office's rooms.
    pub menu: Menu,
}
page!(PeoplePage, "office/people.html", "people-title");

impl PeoplePage<'_> {
    fn may_choose(&self) -> bool {
        self.rows.iter().any(|r| r.may_change)
    }
}
