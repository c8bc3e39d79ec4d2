//! What the tests of the store share.

use jiff::Timestamp;
use tempfile::TempDir;

use crate::base::AccountId;
use crate::people::{Account, AccountState, AuditEntry, Login};

use super::Store;

/// An empty store, and its folder, which is gone when that is dropped.
pub(super) fn a_store() -> (TempDir, Store) {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::open(&folder.path().join("store.db")).expect("a store");
    (folder, store)
}

/// An account whose name follows from `id`.
pub(super) fn account(id: &str) -> Account {
    Account {
        id: AccountId::new(id).expect("id"),
        login: Login::new(&format!("login-{id}")).expect("login"),
        name: id.to_owned(),
        grants: vec![],
        state: AccountState::Invited,
        created: Timestamp::UNIX_EPOCH,
    }
}

/// A line of the audit log that says `what`.
pub(super) fn entry(what: &str) -> AuditEntry {
    let text = String::new;
    AuditEntry {
        at: Timestamp::UNIX_EPOCH,
        who: None,
        via: String::new(),
        what: what.into(),
        subject: text(),
        before: text(),
        after: text(),
    }
}
