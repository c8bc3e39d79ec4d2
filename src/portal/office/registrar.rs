//! The registry in force: what the county's file says, and the terminals that
//! have enrolled since.

use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;

use crate::base::TerminalId;
use crate::config::County;
use crate::sites::{Registry, Terminal};

/// Keeps it.
#[derive(Debug)]
pub struct Registrar {
    county: Arc<ArcSwap<County>>,
    registry: Arc<ArcSwap<Registry>>,
    enrolled: Mutex<Vec<Terminal>>,
}

impl Registrar {
    /// From the county's file and the terminals of the store.
    pub fn new(
        county: Arc<ArcSwap<County>>,
        registry: Arc<ArcSwap<Registry>>,
        enrolled: Vec<Terminal>,
    ) -> Self {
        let registrar = Self { county, registry, enrolled: Mutex::new(enrolled) };
        registrar.refresh();
        registrar
    }

    /// The county's file was read again.
    pub fn refresh(&self) {
        self.change(|_| {});
    }

    /// A terminal has enrolled, and is stored.
    pub(super) fn add(&self, terminal: Terminal) {
        self.change(|enrolled| enrolled.push(terminal));
    }

    /// A terminal was withdrawn.
    pub(super) fn remove(&self, id: &TerminalId) {
        self.change(|enrolled| enrolled.retain(|t| &t.id != id));
    }

    /// True if `id` enrolled with a code, and can be withdrawn here.
    pub(super) fn is_enrolled(&self, id: &TerminalId) -> bool {
        let enrolled = self.enrolled.lock().unwrap_or_else(PoisonError::into_inner);
        enrolled.iter().any(|t| &t.id == id)
    }

    fn change(&self, change: impl FnOnce(&mut Vec<Terminal>)) {
        let mut enrolled = self.enrolled.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut enrolled);
        let registry = self.county.load().registry.clone().with_enrolled(&enrolled);
        self.registry.store(Arc::new(registry));
    }
}
