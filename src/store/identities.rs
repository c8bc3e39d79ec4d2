//! Identities of providers, linked to accounts.

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use crate::base::AccountId;
use crate::people::{Account, AuditEntry, Identity};

use super::audit::audit;
use super::people::account_row;
use super::{Store, StoreError};

impl Store {
    /// The account that an identity is linked to.
    pub async fn account_by_identity(&self, identity: Identity) -> Result<Option<Account>, StoreError> {
        self.read(move |db| {
            let query = "select account.* from identity join account on account.id = identity.account
                         where issuer = ?1 and subject = ?2";
            let found = db.query_row(query, [identity.issuer, identity.subject], account_row).optional()?;
            found.map(super::people::StoredAccount::read).transpose()
        })
        .await
    }

    /// The identities linked to an account.
    pub async fn identities(&self, account: AccountId) -> Result<Vec<Identity>, StoreError> {
        self.read(move |db| {
            let mut query = db.prepare_cached(
                "select issuer, subject, name from identity where account = ?1 order by issuer",
            )?;
            let rows = query.query_map([account.as_str()], identity_row)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
        .await
    }

    /// Links an identity to an account; false if either has another link with
    /// that provider, or the account is not in use.
    pub async fn link_identity(
        &self,
        account: AccountId,
        identity: Identity,
        entry: AuditEntry,
    ) -> Result<bool, StoreError> {
        self.write(move |db| {
            let linked = db.execute(
                "insert into identity select ?1, ?2, id, ?4 from account where id = ?3 and state = 'active'
                 and not exists (select 1 from identity where issuer = ?1 and (subject = ?2 or account = ?3))",
                params![identity.issuer, identity.subject, account.as_str(), identity.name],
            )?;
            if linked == 0 {
                return Ok(false);
            }
            audit(db, &entry)?;
            Ok(true)
        })
        .await
    }

    /// Ends the link of an account with a provider; false if there was none.
    pub async fn unlink_identity(
        &self,
        account: AccountId,
        issuer: String,
        entry: AuditEntry,
    ) -> Result<bool, StoreError> {
        self.write(move |db| {
            let query = "delete from identity where account = ?1 and issuer = ?2";
            if db.execute(query, [account.as_str(), &issuer])? == 0 {
                return Ok(false);
            }
            audit(db, &entry)?;
            Ok(true)
        })
        .await
    }
}

/// True if an identity is linked to an account that is in use.
pub(super) fn is_linked(
    db: &Connection,
    account: &AccountId,
    identity: &Identity,
) -> Result<bool, StoreError> {
    let query = "select exists (select 1 from identity join account on account.id = identity.account
                 where account.id = ?1 and state = 'active' and issuer = ?2 and subject = ?3)";
    let values = [account.as_str(), &identity.issuer, &identity.subject];
    Ok(db.query_row(query, values, |r| r.get(0))?)
}

/// Ends every link of an account; false if there was none.
pub(super) fn remove(db: &Connection, account: &AccountId) -> Result<bool, StoreError> {
    Ok(db.execute("delete from identity where account = ?1", [account.as_str()])? > 0)
}

fn identity_row(r: &Row<'_>) -> rusqlite::Result<Identity> {
    Ok(Identity { issuer: r.get("issuer")?, subject: r.get("subject")?, name: r.get("name")? })
}
