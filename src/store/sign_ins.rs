//! Browsers in which somebody has signed in.

use jiff::Timestamp;
use rusqlite::{OptionalExtension as _, Row, params};

use crate::base::AccountId;
use crate::people::{Account, AuditEntry, First, Second, SecretHash, SignIn};

use super::audit::audit;
use super::identities::is_linked;
use super::people::{account_row, instant};
use super::second_factor::use_up;
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

/// How a sign-in ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LetIn {
    /// He is in.
    Yes,
    /// What was shown of the second factor is not good (any more).
    NotTheSecond,
    /// The account was closed, or what was shown first is not good any more.
    No,
}

impl Store {
    /// Stores a sign-in and tells it to the audit log, if what was
    /// `shown` first is still good, and `second` for the second factor.
    pub async fn sign_in(
        &self,
        s: SignIn,
        (shown, second): (First, Second),
        before: Option<SecretHash>,
        entries: Vec<AuditEntry>,
    ) -> Result<LetIn, StoreError> {
        self.write(move |db| {
            let still_good = match shown {
                First::Password(password) => {
                    let query = "select exists
                        (select 1 from account where id = ?1 and state = 'active' and password = ?2)";
                    db.query_row(query, [s.account.as_str(), password.as_str()], |r| r.get(0))?
                }
                First::Identity(identity) => is_linked(db, &s.account, &identity)?,
            };
            if !still_good {
                return Ok(LetIn::No);
            }
            if !use_up(db, &s.account, second)? {
                return Ok(LetIn::NotTheSecond);
            }
            if let Some(before) = before {
                db.execute("delete from sign_in where hash = ?1", [before.0])?;
            }
            db.execute(
                "insert into sign_in values (?1, ?2, ?3, ?4, ?5)",
                params![s.hash.0, s.account.as_str(), us(s.created), us(s.seen), s.agent],
            )?;
            db.execute(
                "delete from sign_in where account = ?1 and hash not in
                 (select hash from sign_in where account = ?1 order by seen_us desc limit ?2)",
                params![s.account.as_str(), SIGN_INS],
            )?;
            db.execute("delete from sign_in where created_us < ?1", [us(SignIn::oldest(s.created))])?;
            for entry in &entries {
                audit(db, entry)?;
            }
            Ok(LetIn::Yes)
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
