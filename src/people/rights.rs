//! What the holder of some roles may do.

use crate::base::{SiteId, TownshipId};
use crate::sites::{Change, Place, Registry};

use super::{Account, Grant, Role, Scope};

/// What somebody may do, from the roles he holds.
#[derive(Debug, Clone, Copy)]
pub struct Rights<'a> {
    grants: &'a [Grant],
    registry: &'a Registry,
}

impl<'a> Rights<'a> {
    /// Of the holder of `grants` in a county with these townships and sites.
    pub fn new(grants: &'a [Grant], registry: &'a Registry) -> Self {
        Self { grants, registry }
    }

    /// The grants that count: a role held where it makes no sense is none.
    fn held(&self) -> impl Iterator<Item = &'a Grant> {
        self.grants.iter().filter(|g| g.role.fits(&g.scope))
    }

    fn holds(&self, roles: &[Role]) -> bool {
        self.held().any(|g| roles.contains(&g.role))
    }

    /// May see the office's pages at all.
    pub fn enter_office(&self) -> bool {
        self.held().any(|g| g.role != Role::Learner)
    }

    /// May hand out `grant`: an administrator any, a township or department
    /// those of its own sites. What fits nowhere is handed out by nobody.
    pub fn give(&self, grant: &Grant) -> bool {
        if !grant.role.fits(&grant.scope) || !self.exists(&grant.scope) {
            return false;
        }
        self.held().any(|mine| match mine.role {
            Role::Administrator => true,
            Role::Township | Role::Department => {
                matches!(grant.role, Role::Operator | Role::Learner) && self.covers(&mine.scope, &grant.scope)
            }
            _ => false,
        })
    }

    /// May hand out anything to anybody.
    pub fn invite(&self) -> bool {
        self.holds(&[Role::Administrator, Role::Township, Role::Department])
    }

    /// May change, reset or close `account`: whoever could have given all it holds.
    pub fn change(&self, account: &Account) -> bool {
        match account.grants.as_slice() {
            [] => self.holds(&[Role::Administrator]),
            // A site that was taken out of the county must not keep its operator for ever.
            grants => self.holds(&[Role::Administrator]) || grants.iter().all(|g| self.give(g)),
        }
    }

    /// May see `account` in the list of people.
    pub fn see(&self, account: &Account) -> bool {
        self.holds(&[Role::Auditor]) || self.change(account)
    }

    /// May see the list of people.
    pub fn see_people(&self) -> bool {
        self.invite() || self.holds(&[Role::Auditor])
    }

    /// May enrol and withdraw the terminals of `site`.
    pub fn keep_site(&self, site: &SiteId) -> bool {
        let site = Scope::Site(site.clone());
        let keeps = [Role::Administrator, Role::Township, Role::Department, Role::Operator];
        self.exists(&site) && self.held().any(|g| keeps.contains(&g.role) && self.covers(&g.scope, &site))
    }

    /// May see the terminals of `site` in the office.
    pub fn see_site(&self, site: &SiteId) -> bool {
        self.holds(&[Role::Auditor]) || self.keep_site(site)
    }

    /// May see group studies and figures of the sites he may see.
    pub fn see_studies(&self) -> bool {
        let roles = [Role::Administrator, Role::Auditor, Role::Township, Role::Department, Role::Operator];
        self.holds(&roles)
    }

    /// May add sites to `township` and change those it has.
    pub fn edit_township(&self, township: &TownshipId) -> bool {
        let place = Scope::Township(township.clone());
        let edits = [Role::Administrator, Role::Township, Role::Department];
        self.held().any(|g| edits.contains(&g.role) && self.covers(&g.scope, &place))
    }

    /// May add and change sites somewhere.
    pub fn edit_sites(&self) -> bool {
        self.invite()
    }

    /// May add and change townships.
    pub fn edit_townships(&self) -> bool {
        self.holds(&[Role::Administrator])
    }

    /// May make `change`: a site that moves needs the right at both ends.
    pub fn make(&self, change: &Change) -> bool {
        let may = |place: &Place| match place {
            Place::Township(_) => self.edit_townships(),
            Place::Site(site) => self.edit_township(&site.township),
        };
        change.0.iter().all(|e| e.before.iter().chain(&e.after).all(may))
    }

    /// May give tokens to other systems and withdraw them.
    pub fn keep_tokens(&self) -> bool {
        self.holds(&[Role::Administrator])
    }

    /// May see which other systems have tokens.
    pub fn see_tokens(&self) -> bool {
        self.holds(&[Role::Administrator, Role::Auditor])
    }

    /// May see channels, relays, lessons and schedules in the office.
    pub fn see_programmes(&self) -> bool {
        let roles = [Role::Administrator, Role::Editor, Role::Reviewer, Role::Duty, Role::Auditor];
        self.holds(&roles)
    }

    /// May change schedules and the texts of lessons.
    pub fn edit_programmes(&self) -> bool {
        self.holds(&[Role::Administrator, Role::Editor])
    }

    /// May say that a lesson is good to be published.
    pub fn review_lessons(&self) -> bool {
        self.holds(&[Role::Administrator, Role::Reviewer])
    }

    /// May change channels and what the county is called.
    pub fn edit_channels(&self) -> bool {
        self.holds(&[Role::Administrator])
    }

    /// May change where relays come from.
    pub fn edit_relays(&self) -> bool {
        self.holds(&[Role::Administrator, Role::Duty])
    }

    /// May put something in a schedule's place while it is on air.
    pub fn direct(&self) -> bool {
        self.holds(&[Role::Administrator, Role::Duty])
    }

    /// May change something that can be undone.
    pub fn edit_something(&self) -> bool {
        self.edit_sites() || self.edit_programmes() || self.edit_relays()
    }

    /// May read the audit log.
    pub fn see_audit(&self) -> bool {
        self.holds(&[Role::Administrator, Role::Auditor])
    }

    fn exists(&self, scope: &Scope) -> bool {
        match scope {
            Scope::County => true,
            Scope::Township(id) => self.registry.townships.contains_key(id),
            Scope::Site(id) => self.registry.sites.contains_key(id),
        }
    }

    /// True if `part` is `whole` or lies below it.
    fn covers(&self, whole: &Scope, part: &Scope) -> bool {
        match (whole, part) {
            (Scope::County, _) => true,
            (Scope::Township(t), Scope::Site(s)) => {
                self.registry.sites.get(s).is_some_and(|s| &s.township == t)
            }
            (a, b) => a == b,
        }
    }
}
