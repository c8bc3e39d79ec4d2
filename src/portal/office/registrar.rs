//! The registry in force: what the county's file says, and the places and
//! terminals that were added since.

use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;

use crate::base::TerminalId;
use crate::config::County;
use crate::people::AuditEntry;
use crate::sites::{Change, ChangeError, Place, PlaceId, Registry, Terminal};
use crate::store::{Store, StoreError};

/// Keeps it.
#[derive(Debug)]
pub struct Registrar {
    county: Arc<ArcSwap<County>>,
    registry: Arc<ArcSwap<Registry>>,
    added: Mutex<Added>,
    /// Held from the check of a change until it is in force.
    changing: tokio::sync::Mutex<()>,
}

/// What is not in the county's file.
#[derive(Debug, Default)]
struct Added {
    places: Vec<Place>,
    terminals: Vec<Terminal>,
}

/// Why a change was not made.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotChanged {
    /// It cannot be.
    #[error(transparent)]
    Bad(#[from] ChangeError),
    /// Terminals, people or evidence belong to the place.
    #[error("{0} is in use")]
    Used(PlaceId),
    /// The store's error.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Registrar {
    /// From the county's file and what the store holds.
    pub async fn new(
        county: Arc<ArcSwap<County>>,
        registry: Arc<ArcSwap<Registry>>,
        store: &Store,
    ) -> Result<Self, StoreError> {
        let added = Added { places: store.places().await?, terminals: store.terminals().await? };
        let registrar = Self { county, registry, added: Mutex::new(added), changing: Default::default() };
        registrar.refresh();
        Ok(registrar)
    }

    /// The county's file was read again.
    pub fn refresh(&self) {
        self.change(|_| {});
    }

    /// A terminal has enrolled, and is stored.
    pub(super) fn add(&self, terminal: Terminal) {
        self.change(|added| added.terminals.push(terminal));
    }

    /// A terminal was withdrawn.
    pub(super) fn remove(&self, id: &TerminalId) {
        self.change(|added| added.terminals.retain(|t| &t.id != id));
    }

    /// True if `id` enrolled with a code, and can be withdrawn here.
    pub(in crate::portal) fn is_enrolled(&self, id: &TerminalId) -> bool {
        let added = self.added.lock().unwrap_or_else(PoisonError::into_inner);
        added.terminals.iter().any(|t| &t.id == id)
    }

    /// What stands in the county's file.
    pub(super) fn fixed(&self) -> Registry {
        self.county.load().registry.clone()
    }

    /// Makes a change, stores it and puts it in force. Answers the number of
    /// its line in the audit log.
    pub(super) async fn make(
        &self,
        store: &Store,
        change: Change,
        entry: AuditEntry,
    ) -> Result<i64, NotChanged> {
        let _one = self.changing.lock().await;
        change.check(&self.registry.load(), &self.fixed())?;
        let line = store.change_places(change.clone(), entry).await?.map_err(NotChanged::Used)?;
        self.change(|added| {
            let touched: Vec<PlaceId> = change.ids().collect();
            added.places.retain(|p| !touched.contains(&p.id()));
            added.places.extend(change.0.into_iter().filter_map(|edit| edit.after));
        });
        Ok(line)
    }

    fn change(&self, change: impl FnOnce(&mut Added)) {
        let mut added = self.added.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut added);
        let registry = self.county.load().registry.clone();
        let registry = registry.with_places(added.places.iter()).with_enrolled(&added.terminals);
        self.registry.store(Arc::new(registry));
    }
}
