//! Changes of townships and sites: what was, what shall be, whether that can
//! be, and the way back.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{Registry, Site, Township};
use crate::base::{SiteId, Titles, TownshipId};

/// A township or a site.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Place {
    /// A township or department.
    Township(Township),
    /// A site.
    Site(Site),
}

/// Which one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum PlaceId {
    /// A township or department.
    Township(TownshipId),
    /// A site.
    Site(SiteId),
}

impl std::fmt::Display for PlaceId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Township(id) => write!(f, "township/{id}"),
            Self::Site(id) => write!(f, "site/{id}"),
        }
    }
}

impl Place {
    /// Which one it is.
    pub fn id(&self) -> PlaceId {
        match self {
            Self::Township(t) => PlaceId::Township(t.id.clone()),
            Self::Site(s) => PlaceId::Site(s.id.clone()),
        }
    }

    /// Its name by language.
    pub fn names(&self) -> &Titles {
        match self {
            Self::Township(t) => &t.names,
            Self::Site(s) => &s.names,
        }
    }
}

/// One place before and after; none: it is not there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edit {
    /// How it was.
    pub before: Option<Place>,
    /// How it shall be.
    pub after: Option<Place>,
}

impl Edit {
    /// Which place; none where neither side says.
    pub fn id(&self) -> Option<PlaceId> {
        self.after.as_ref().or(self.before.as_ref()).map(Place::id)
    }

    /// Makes it in `registry`.
    pub(super) fn apply(&self, registry: &mut Registry) {
        match self.id() {
            Some(PlaceId::Township(id)) => drop(registry.townships.remove(&id)),
            Some(PlaceId::Site(id)) => drop(registry.sites.remove(&id)),
            None => {}
        }
        match &self.after {
            Some(Place::Township(t)) => drop(registry.townships.insert(t.id.clone(), t.clone())),
            Some(Place::Site(s)) => drop(registry.sites.insert(s.id.clone(), s.clone())),
            None => {}
        }
    }
}

/// Edits that are made together or not at all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change(pub Vec<Edit>);

/// Why a change cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChangeError {
    /// Somebody else was faster.
    #[error("{0} has changed meanwhile")]
    Stale(PlaceId),
    /// It is kept by hand.
    #[error("{0} stands in the county's file")]
    Fixed(PlaceId),
    /// A site of a township that is not there.
    #[error("{0} belongs to a township that is not there")]
    Homeless(PlaceId),
    /// A township that still has sites cannot go.
    #[error("{0} has sites")]
    Occupied(PlaceId),
    /// A place without a name.
    #[error("{0} has no name")]
    Nameless(PlaceId),
    /// Two edits of one place, or an edit that mixes two or says nothing.
    #[error("the change contradicts itself")]
    Muddled,
}

impl Change {
    /// The way back.
    pub fn inverse(&self) -> Self {
        let turned = self.0.iter().rev();
        Self(turned.map(|e| Edit { before: e.after.clone(), after: e.before.clone() }).collect())
    }

    /// Whether it can be made where `registry` is in force, of which `fixed`
    /// stands in the county's file.
    pub fn check(&self, registry: &Registry, fixed: &Registry) -> Result<(), ChangeError> {
        let mut seen = BTreeSet::new();
        for edit in &self.0 {
            let id = edit.id().ok_or(ChangeError::Muddled)?;
            let mixed = [&edit.before, &edit.after].into_iter().flatten().any(|p| p.id() != id);
            if mixed || !seen.insert(id.clone()) {
                return Err(ChangeError::Muddled);
            }
            if fixed.place(&id).is_some() {
                return Err(ChangeError::Fixed(id));
            }
            if registry.place(&id) != edit.before {
                return Err(ChangeError::Stale(id));
            }
            if edit.after.as_ref().is_some_and(|p| p.names().0.is_empty()) {
                return Err(ChangeError::Nameless(id));
            }
        }
        let after = self.applied(registry);
        for edit in &self.0 {
            match (&edit.before, &edit.after) {
                (_, Some(Place::Site(s))) if !after.townships.contains_key(&s.township) => {
                    return Err(ChangeError::Homeless(PlaceId::Site(s.id.clone())));
                }
                (Some(Place::Township(t)), None) if after.sites_of(&t.id).next().is_some() => {
                    return Err(ChangeError::Occupied(PlaceId::Township(t.id.clone())));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// What `registry` becomes.
    pub fn applied(&self, registry: &Registry) -> Registry {
        let mut registry = registry.clone();
        for edit in &self.0 {
            edit.apply(&mut registry);
        }
        registry
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn township(n: u8) -> Township {
        let id = TownshipId::new(&format!("t{n}")).expect("an id");
        Township { id, names: Titles::from([("en", "Township")]) }
    }

    fn site(n: u8, of: u8, closed: bool) -> Site {
        let id = SiteId::new(&format!("s{n}")).expect("an id");
        Site { id, township: township(of).id, names: Titles::from([("en", "Site")]), closed }
    }

    fn a_county() -> Registry {
        let mut registry = Registry::default();
        for n in 0..3 {
            registry.townships.insert(township(n).id, township(n));
            registry.sites.insert(site(n, n, false).id, site(n, n, false));
        }
        registry
    }

    fn place() -> impl Strategy<Value = Place> {
        prop_oneof![
            (0..5_u8).prop_map(|n| Place::Township(township(n))),
            (0..5_u8, 0..5_u8, any::<bool>()).prop_map(|(n, of, closed)| Place::Site(site(n, of, closed))),
        ]
    }

    /// Edits that mostly know how things are.
    fn changes() -> impl Strategy<Value = Change> {
        let edit = (place(), any::<bool>(), prop::bool::weighted(0.9)).prop_map(|(place, goes, honest)| {
            let before = if honest { a_county().place(&place.id()) } else { Some(place.clone()) };
            Edit { before, after: (!goes).then_some(place) }
        });
        prop::collection::vec(edit, 0..5).prop_map(Change)
    }

    proptest! {
        #[test]
        fn a_change_that_can_be_made_leads_back_and_leaves_no_site_without_a_township(change in changes()) {
            let before = a_county();
            if change.check(&before, &Registry::default()).is_ok() {
                let after = change.applied(&before);
                for site in after.sites.values() {
                    prop_assert!(after.townships.contains_key(&site.township));
                }
                prop_assert_eq!(change.inverse().check(&after, &Registry::default()), Ok(()));
                prop_assert_eq!(change.inverse().applied(&after), before);
            }
        }

        #[test]
        fn what_stands_in_the_file_is_not_changed(change in changes()) {
            let county = a_county();
            let touches = change.0.iter().filter_map(Edit::id).any(|id| county.place(&id).is_some());
            prop_assert!(!(touches && change.check(&county, &county).is_ok()));
        }
    }

    #[test]
    fn each_reason_is_said() {
        let county = a_county();
        let check = |before: Option<Place>, after: Option<Place>| {
            Change(vec![Edit { before, after }]).check(&county, &Registry::default())
        };
        let moved = Place::Site(site(0, 4, false));
        let was = Place::Site(site(0, 0, false));
        assert_eq!(check(Some(was.clone()), Some(moved.clone())), Err(ChangeError::Homeless(moved.id())));
        assert_eq!(check(Some(moved.clone()), Some(was.clone())), Err(ChangeError::Stale(was.id())));
        let gone = Place::Township(township(1));
        assert_eq!(check(Some(gone.clone()), None), Err(ChangeError::Occupied(gone.id())));
        let nameless = Place::Township(Township { names: Titles::default(), ..township(4) });
        assert_eq!(check(None, Some(nameless.clone())), Err(ChangeError::Nameless(nameless.id())));
        assert_eq!(check(Some(was), Some(gone)), Err(ChangeError::Muddled));
        assert_eq!(check(None, None), Err(ChangeError::Muddled));
    }
}
