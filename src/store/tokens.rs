//! Tokens of other systems.

use jiff::Timestamp;
use rusqlite::{OptionalExtension as _, Row, params};

use crate::base::AccountId;
use crate::people::{Account, ApiToken, AuditEntry, SecretHash};

use super::audit::audit;
use super::people::{account_row, instant};
use super::{Store, StoreError, us};

impl Store {
    /// Keeps a new token.
    pub async fn add_token(&self, token: ApiToken, entry: AuditEntry) -> Result<(), StoreError> {
        self.write(move |db| {
            db.execute(
                "insert into api_token values (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                params![
                    token.hash.0,
                    token.name,
                    token.account.as_str(),
                    serde_json::to_string(&token.scopes)?,
                    us(token.created),
                    us(token.expires),
                    token.used.map(us)
                ],
            )?;
            audit(db, &entry)
        })
        .await
    }

    /// All tokens, the newest first.
    pub async fn tokens(&self) -> Result<Vec<ApiToken>, StoreError> {
        self.read(|db| {
            let mut query = db.prepare_cached(
                "select hash, api_token.name as system, account, scopes, created_us as given_us, expires_us, used_us
                 from api_token order by created_us desc",
            )?;
            let rows = query.query_map([], token_row)?;
            rows.map(|row| row?.read()).collect()
        })
        .await
    }

    /// A token and whoever gave it.
    pub async fn token(&self, hash: SecretHash) -> Result<Option<(ApiToken, Account)>, StoreError> {
        self.read(move |db| {
            let query = "select hash, api_token.name as system, account, scopes,
                                api_token.created_us as given_us, expires_us, used_us, account.*
                         from api_token join account on account.id = api_token.account where hash = ?1";
            let found = db.query_row(query, [hash.0], |r| Ok((token_row(r)?, account_row(r)?))).optional()?;
            found.map(|(t, a)| Ok((t.read()?, a.read()?))).transpose()
        })
        .await
    }

    /// Notes that a token is in use.
    pub async fn touch_token(&self, hash: SecretHash, now: Timestamp) -> Result<(), StoreError> {
        self.write(move |db| {
            db.execute("update api_token set used_us = ?2 where hash = ?1", params![hash.0, us(now)])?;
            Ok(())
        })
        .await
    }

    /// Takes a token's right away.
    pub async fn withdraw_token(&self, hash: SecretHash, entry: AuditEntry) -> Result<(), StoreError> {
        self.write(move |db| {
            if db.execute("delete from api_token where hash = ?1", [hash.0])? > 0 {
                audit(db, &entry)?;
            }
            Ok(())
        })
        .await
    }
}

/// A token as SQLite holds it.
struct StoredToken {
    hash: [u8; 32],
    name: String,
    account: String,
    scopes: String,
    created_us: i64,
    expires_us: i64,
    used_us: Option<i64>,
}

fn token_row(r: &Row<'_>) -> rusqlite::Result<StoredToken> {
    Ok(StoredToken {
        hash: r.get("hash")?,
        name: r.get("system")?,
        account: r.get("account")?,
        scopes: r.get("scopes")?,
        created_us: r.get("given_us")?,
        expires_us: r.get("expires_us")?,
        used_us: r.get("used_us")?,
    })
}

impl StoredToken {
    fn read(self) -> Result<ApiToken, StoreError> {
        let account: AccountId = serde_json::from_value(serde_json::Value::String(self.account))?;
        Ok(ApiToken {
            hash: SecretHash(self.hash),
            name: self.name,
            account,
            scopes: serde_json::from_str(&self.scopes)?,
            created: instant(self.created_us),
            expires: instant(self.expires_us),
            used: self.used_us.map(instant),
        })
    }
}
