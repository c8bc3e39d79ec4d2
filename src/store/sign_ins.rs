//! Browsers in which somebody has signed in.

use jiff::Timestamp;
use rusqlite::{OptionalExtension as _, Row, params};

use crate::base::AccountId;
use crate::people::{Account, AuditEntry, PasswordHash, SecretHash, SignIn};

use super::audit::audit;
use super::people::{account_row, instant};
use super::{Store, StoreError, us};

/// Sign-ins of one account at most; the least recently used end.
const SIGN_INS: i64 = 20;

/// Which sign-ins of an account end.
#[derive(Debug, Clone, Copy)]
pub enum Ended {
    /// This one.
    One(SecretHash),
    /// All but this one.
    AllBut(SecretHash),
}

impl Store {
    /// Stores a sign-in and tells it to the audit log; false if the account was
    /// closed, or has another password than the one that was `shown`, meanwhile.
    pub async fn sign_in(
        &self,
        s: SignIn,
        shown: PasswordHash,
        before: Option<SecretHash>,
        entry: AuditEntry,
    ) -> Result<bool, StoreError> {
        self.write(move |db| {
            if let Some(before) = before {
                db.execute("delete from sign_in where hash = ?1", [before.0])?;
            }
            let inserted = db.execute(
                "insert into sign_in select ?1, id, ?3, ?4, ?5 from account
                 where id = ?2 and state = 'active' and password = ?6",
                params![s.hash.0, s.account.as_str(), us(s.created), us(s.seen), s.agent, shown.as_str()],
            )?;
            if inserted == 0 {
                return Ok(false);
            }
            db.execute(
                "delete from sign_in where account = ?1 and hash not in
                 (select hash from sign_in where account = ?1 order by seen_us desc limit ?2)",
                params![s.account.as_str(), SIGN_INS],
            )?;
            db.execute("delete from sign_in where created_us < ?1", [us(SignIn::oldest(s.created))])?;
            audit(db, &entry)?;
            Ok(true)
        })
        .await
    }

    /// The sign-in with this cookie and its account.
    pub async fn signed_in(&self, hash: SecretHash) -> Result<Option<(SignIn, Account)>, StoreError> {
        self.read(move |db| {
            let found = db
                .query_row(
                    "select sign_in.hash, sign_in.account, sign_in.created_us as since_us, seen_us, agent, account.*
                     from sign_in join account on account.id = sign_in.account where hash = ?1",
                    [hash.0],
                    |r| Ok((sign_in_row(r)?, account_row(r)?)),
                )
                .optional()?;
            found.map(|(s, a)| Ok((s.read()?, a.read()?))).transpose()
        })
        .await
    }

    /// Notes that a sign-in is in use.
    pub async fn touch_sign_in(&self, hash: SecretHash, now: Timestamp) -> Result<(), StoreError> {
        self.write(move |db| {
            db.execute("update sign_in set seen_us = ?2 where hash = ?1", params![hash.0, us(now)])?;
            Ok(())
        })
        .await
    }

    /// The browsers in which an account has signed in, the last used first.
    pub async fn sign_ins(&self, account: AccountId) -> Result<Vec<SignIn>, StoreError> {
        self.read(move |db| {
            let mut query = db.prepare_cached(
                "select hash, account, created_us as since_us, seen_us, agent from sign_in
                 where account = ?1 order by seen_us desc",
            )?;
            let rows = query.query_map([account.as_str()], sign_in_row)?;
            rows.map(|row| row?.read()).collect()
        })
        .await
    }

    /// Ends sign-ins of an account: one, or all but one.
    pub async fn end_sign_ins(
        &self,
        account: AccountId,
        ended: Ended,
        entry: AuditEntry,
    ) -> Result<(), StoreError> {
        self.write(move |db| {
            let (query, hash) = match ended {
                Ended::One(hash) => ("delete from sign_in where account = ?1 and hash = ?2", hash),
                Ended::AllBut(hash) => ("delete from sign_in where account = ?1 and hash <> ?2", hash),
            };
            db.execute(query, params![account.as_str(), hash.0])?;
            audit(db, &entry)
        })
        .await
    }
}

/// A sign-in as SQLite holds it.
struct StoredSignIn {
    hash: [u8; 32],
    account: String,
    since_us: i64,
    seen_us: i64,
    agent: String,
}

fn sign_in_row(r: &Row<'_>) -> rusqlite::Result<StoredSignIn> {
    Ok(StoredSignIn {
        hash: r.get("hash")?,
        account: r.get("account")?,
        since_us: r.get("since_us")?,
        seen_us: r.get("seen_us")?,
        agent: r.get("agent")?,
    })
}

impl StoredSignIn {
    fn read(self) -> Result<SignIn, StoreError> {
        Ok(SignIn {
            hash: SecretHash(self.hash),
            account: serde_json::from_value(serde_json::Value::String(self.account))?,
            created: instant(self.since_us),
            seen: instant(self.seen_us),
            agent: self.agent,
        })
    }
}
