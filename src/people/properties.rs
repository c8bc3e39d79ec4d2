//! What no combination of roles may lead to.

use proptest::prelude::*;

use super::*;
use crate::base::{AccountId, SiteId, Titles, TownshipId};
use crate::sites::{Registry, Site, Township};

/// Three townships with two sites each.
fn county() -> Registry {
    let mut registry = Registry::default();
    for t in 0..3 {
        let id = TownshipId::new(&format!("t{t}")).expect("id");
        registry.townships.insert(id.clone(), Township { id: id.clone(), names: Titles::default() });
        for s in 0..2 {
            let site = SiteId::new(&format!("t{t}-s{s}")).expect("id");
            let entry =
                Site { id: site.clone(), township: id.clone(), names: Titles::default(), closed: false };
            registry.sites.insert(site, entry);
        }
    }
    registry
}

fn a_scope() -> impl Strategy<Value = Scope> {
    let township = (0..4u8).prop_map(|t| Scope::Township(TownshipId::new(&format!("t{t}")).expect("id")));
    let site =
        (0..4u8, 0..2u8).prop_map(|(t, s)| Scope::Site(SiteId::new(&format!("t{t}-s{s}")).expect("id")));
    prop_oneof![Just(Scope::County), township, site]
}

fn a_grant() -> impl Strategy<Value = Grant> {
    (proptest::sample::select(Role::ALL.to_vec()), a_scope()).prop_map(|(role, scope)| Grant { role, scope })
}

fn some_grants() -> impl Strategy<Value = Vec<Grant>> {
    proptest::collection::vec(a_grant(), 0..4)
}

fn account(grants: Vec<Grant>) -> Account {
    Account {
        id: AccountId::new("x").expect("id"),
        login: Login::new("xx").expect("login"),
        name: "X".into(),
        grants,
        state: AccountState::Active,
        created: jiff::Timestamp::UNIX_EPOCH,
    }
}

fn is_administrator(grants: &[Grant]) -> bool {
    grants.iter().any(|g| g.role == Role::Administrator && g.scope == Scope::County)
}

proptest! {
    /// Only administrators make what reaches beyond one site.
    #[test]
    fn nobody_rises_by_handing_out(mine in some_grants(), given in a_grant()) {
        let registry = county();
        let rights = Rights::new(&mine, &registry);
        if rights.give(&given) && !is_administrator(&mine) {
            let Scope::Site(site) = &given.scope else { panic!("{given:?} was given by {mine:?}") };
            let township = &registry.sites[site].township;
            let office = mine.iter().any(|g| {
                matches!(g.role, Role::Township | Role::Department) && g.scope == Scope::Township(township.clone())
            });
            prop_assert!(office, "{given:?} was given by {mine:?}");
            let raised = [given];
            prop_assert!(!Rights::new(&raised, &registry).invite(), "what was given gives no further");
        }
    }

    /// What one grant allows, more grants allow as well.
    #[test]
    fn more_roles_never_allow_less(mine in some_grants(), more in a_grant(), other in some_grants(), given in a_grant()) {
        let registry = county();
        let wider = [mine.clone(), vec![more]].concat();
        let (a, b) = (Rights::new(&mine, &registry), Rights::new(&wider, &registry));
        let other = account(other);
        prop_assert!(!a.give(&given) || b.give(&given));
        prop_assert!(!a.change(&other) || b.change(&other));
        prop_assert!(!a.see(&other) || b.see(&other));
        prop_assert!(!a.enter_office() || b.enter_office());
    }

    /// Auditors, editors, operators and learners change nobody.
    #[test]
    fn who_gives_nothing_changes_nobody(mine in some_grants(), other in some_grants()) {
        let registry = county();
        let rights = Rights::new(&mine, &registry);
        if !rights.invite() {
            prop_assert!(!rights.change(&account(other)));
        }
    }

    /// Nobody but an administrator changes somebody with more than site roles.
    #[test]
    fn nobody_reaches_up(mine in some_grants(), other in some_grants()) {
        let registry = county();
        let above = other.is_empty() || other.iter().any(|g| !matches!(g.role, Role::Operator | Role::Learner));
        if above && !is_administrator(&mine) {
            prop_assert!(!Rights::new(&mine, &registry).change(&account(other)));
        }
    }

    /// A site is kept by who holds a role there or above, and by nobody from beside.
    #[test]
    fn a_site_is_kept_from_above_only(mine in some_grants(), t in 0..3u8, s in 0..2u8) {
        let registry = county();
        let (township, site) = (format!("t{t}"), format!("t{t}-s{s}"));
        let kept = Rights::new(&mine, &registry).keep_site(&SiteId::new(&site).expect("id"));
        let above = mine.iter().any(|g| match (g.role, &g.scope) {
            (Role::Administrator, Scope::County) => true,
            (Role::Township | Role::Department, Scope::Township(id)) => id.as_str() == township,
            (Role::Operator, Scope::Site(id)) => id.as_str() == site,
            _ => false,
        });
        prop_assert_eq!(kept, above);
    }

    /// Whatever is typed, a name or a code is read or refused, and never panics.
    #[test]
    fn anything_may_be_typed(text in "\\PC{0,80}") {
        if let Some(code) = Code::read(&text) {
            prop_assert_eq!(Code::read(&code.shown()), Some(code));
        }
        if let Ok(login) = Login::new(&text) {
            prop_assert_eq!(Login::new(login.as_str()), Ok(login));
        }
    }
}
