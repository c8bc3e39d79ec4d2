//! Who takes part: townships, their sites, the terminals enrolled there.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use super::{Place, PlaceId};
use crate::base::{SiteId, TerminalId, Titles, TownshipId};

/// A township, or a department that keeps sites of its own.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Township {
    /// Its identifier.
    pub id: TownshipId,
    /// Its name by language.
    pub names: Titles,
}

/// A village, community or unit where people watch together.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Site {
    /// Its identifier.
    pub id: SiteId,
    /// The township it belongs to.
    pub township: TownshipId,
    /// Its name by language.
    pub names: Titles,
    /// It takes part no more: its terminals open nothing, its evidence stays.
    pub closed: bool,
}

/// What kind of screen a terminal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeviceKind {
    /// A computer with a browser.
    Computer,
    /// A set-top box or television.
    Tv,
    /// A phone.
    Phone,
}

/// SHA-256 of a terminal's token; the token itself is never kept.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TokenHash(pub [u8; 32]);

impl TokenHash {
    /// The hash of `token` as its terminal presents it.
    pub fn of(token: &str) -> Self {
        Self(Sha256::digest(token.as_bytes()).into())
    }

    /// Reads 64 hex digits; none: they are not that.
    pub fn parse(text: &str) -> Option<Self> {
        Some(Self(hex::decode(text).ok()?.try_into().ok()?))
    }
}

/// A device enrolled at a site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terminal {
    /// Its identifier.
    pub id: TerminalId,
    /// The site it stands at.
    pub site: SiteId,
    /// Its name by language.
    pub names: Titles,
    /// What kind of screen it is.
    pub device: DeviceKind,
    /// Hash of the secret it holds.
    pub token: TokenHash,
}

/// Where a device will stand that has been given a code to enrol with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enrolment {
    /// The site.
    pub site: SiteId,
    /// What the device will be called.
    pub names: Titles,
    /// What kind of screen it is.
    pub device: DeviceKind,
}

/// Everyone who takes part. Built by `config`, whose checks guarantee that
/// every reference resolves and that no two terminals share a token.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Registry {
    /// Townships by identifier.
    pub townships: BTreeMap<TownshipId, Township>,
    /// Sites by identifier.
    pub sites: BTreeMap<SiteId, Site>,
    /// Terminals by identifier.
    pub terminals: BTreeMap<TerminalId, Terminal>,
}

impl Registry {
    /// The same with places that the office added. What the county's file
    /// says stands, and a site whose township is not there is left out.
    pub fn with_places<'a>(mut self, places: impl Iterator<Item = &'a Place> + Clone) -> Self {
        for place in places.clone() {
            if let Place::Township(t) = place {
                self.townships.entry(t.id.clone()).or_insert_with(|| t.clone());
            }
        }
        for place in places {
            if let Place::Site(s) = place
                && self.townships.contains_key(&s.township)
            {
                self.sites.entry(s.id.clone()).or_insert_with(|| s.clone());
            }
        }
        self
    }

    /// The place of this identifier.
    pub fn place(&self, id: &PlaceId) -> Option<Place> {
        match id {
            PlaceId::Township(id) => self.townships.get(id).cloned().map(Place::Township),
            PlaceId::Site(id) => self.sites.get(id).cloned().map(Place::Site),
        }
    }

    /// The same with terminals that enrolled since. One whose site is not
    /// there (any more) is left out; what the county's file says stands.
    pub fn with_enrolled(mut self, enrolled: &[Terminal]) -> Self {
        for terminal in enrolled.iter().filter(|t| self.sites.contains_key(&t.site)) {
            self.terminals.entry(terminal.id.clone()).or_insert_with(|| terminal.clone());
        }
        self
    }

    /// The terminal that holds `token`; none if its site is closed.
    pub fn by_token(&self, token: &str) -> Option<&Terminal> {
        let hash = TokenHash::of(token);
        let open = |t: &&Terminal| self.sites.get(&t.site).is_some_and(|s| !s.closed);
        self.terminals.values().find(|t| t.token == hash).filter(open)
    }

    /// The sites of a township, in the order of their identifiers.
    pub fn sites_of<'a>(&'a self, township: &'a TownshipId) -> impl Iterator<Item = &'a Site> {
        self.sites.values().filter(move |s| &s.township == township)
    }
}
