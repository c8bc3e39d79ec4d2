//! Accounts and invitations. Every write of an account is one transaction with the
//! line of the audit log that tells it.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use crate::base::AccountId;
use crate::people::{Account, AccountState, AuditEntry, Invitation, Login, PasswordHash, SecretHash};

use super::audit::audit;
use super::{Store, StoreError, us};
use super::{identities, second_factor};

/// Why an account was not written.
#[derive(Debug, thiserror::Error)]
pub enum PeopleError {
    /// Somebody has that name already.
    #[error("somebody signs in with this name already")]
    LoginTaken,
    /// There are accounts already: the first one has been made.
    #[error("the county has been set up already")]
    NotTheFirst,
    /// The code was used, has expired, or was never given out.
    #[error("this code is not valid (any more)")]
    NoSuchCode,
    /// The store's error.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Store {
    /// True while nobody has an account.
    pub async fn has_no_account(&self) -> Result<bool, StoreError> {
        self.read(|db| {
            Ok(!db.query_row("select exists (select 1 from account)", [], |r| r.get::<_, bool>(0))?)
        })
        .await
    }

    /// Makes the very first account, with its password.
    pub async fn create_first_account(
        &self,
        account: Account,
        password: PasswordHash,
        entry: AuditEntry,
    ) -> Result<(), PeopleError> {
        let made = self.write(move |db| {
            if db.query_row("select exists (select 1 from account)", [], |r| r.get(0))? {
                return Ok(false);
            }
            insert(db, &account)?;
            set_password(db, &account.id, &password)?;
            audit(db, &entry)?;
            Ok(true)
        });
        if made.await? { Ok(()) } else { Err(PeopleError::NotTheFirst) }
    }

    /// Makes an account that waits for its person to choose a password.
    pub async fn invite_account(
        &self,
        account: Account,
        invitation: Invitation,
        entry: AuditEntry,
    ) -> Result<(), PeopleError> {
        let made = self.write(move |db| {
            let taken = "select exists (select 1 from account where login = ?1)";
            if db.query_row(taken, [account.login.as_str()], |r| r.get(0))? {
                return Ok(false);
            }
            insert(db, &account)?;
            insert_invitation(db, &invitation)?;
            audit(db, &entry)?;
            Ok(true)
        });
        if made.await? { Ok(()) } else { Err(PeopleError::LoginTaken) }
    }

    /// Gives an account another code; earlier ones are void. False if the
    /// account is closed.
    pub async fn add_invitation(
        &self,
        invitation: Invitation,
        entry: AuditEntry,
    ) -> Result<bool, StoreError> {
        self.write(move |db| {
            let open = "select exists (select 1 from account where id = ?1 and state <> 'disabled')";
            if !db.query_row(open, [invitation.account.as_str()], |r| r.get::<_, bool>(0))? {
                return Ok(false);
            }
            db.execute("delete from invitation where account = ?1", [invitation.account.as_str()])?;
            insert_invitation(db, &invitation)?;
            audit(db, &entry)?;
            Ok(true)
        })
        .await
    }

    /// The account that a code is for.
    pub async fn invited(&self, code: SecretHash, now: Timestamp) -> Result<Option<Account>, StoreError> {
        self.read(move |db| {
            let query = "select account.* from invitation join account on account.id = invitation.account
                         where hash = ?1 and expires_us > ?2";
            one(db.query_row(query, params![code.0, us(now)], account_row).optional()?)
        })
        .await
    }

    /// Uses a code up: its account gets this password and becomes active; all
    /// its sign-ins end, and so do its second factor and its links with providers,
    /// each told by its own entry.
    pub async fn choose_password(
        &self,
        code: SecretHash,
        password: PasswordHash,
        now: Timestamp,
        (entry, factor, links): (AuditEntry, AuditEntry, AuditEntry),
    ) -> Result<(), PeopleError> {
        let done = self.write(move |db| {
            let query = "delete from invitation where hash = ?1 and expires_us > ?2 returning account";
            let id: Option<String> =
                db.query_row(query, params![code.0, us(now)], |r| r.get(0)).optional()?;
            let Some(id) = id else { return Ok(false) };
            let chosen = db.execute(
                "update account set password = ?2, state = 'active' where id = ?1 and state <> 'disabled'",
                params![id, password.as_str()],
            )?;
            if chosen == 0 {
                return Ok(false);
            }
            db.execute("delete from invitation where account = ?1", [&id])?;
            db.execute("delete from sign_in where account = ?1", [&id])?;
            audit(db, &entry)?;
            let id: AccountId = serde_json::from_value(serde_json::Value::String(id))?;
            if second_factor::remove(db, &id)? {
                audit(db, &factor)?;
            }
            if identities::remove(db, &id)? {
                audit(db, &links)?;
            }
            Ok(true)
        });
        if done.await? { Ok(()) } else { Err(PeopleError::NoSuchCode) }
    }

    /// Another password of one's own; sign-ins end, but for the one that is kept.
    pub async fn change_password(
        &self,
        id: AccountId,
        password: PasswordHash,
        keep: SecretHash,
        entry: AuditEntry,
    ) -> Result<(), StoreError> {
        self.write(move |db| {
            set_password(db, &id, &password)?;
            db.execute(
                "delete from sign_in where account = ?1 and hash <> ?2",
                params![id.as_str(), keep.0],
            )?;
            db.execute("delete from invitation where account = ?1", [id.as_str()])?;
            audit(db, &entry)
        })
        .await
    }

    /// Moves an account from one state to another; false if it is not in that
    /// state (any more), or if who does it was closed meanwhile. One that is
    /// closed has its sign-ins and codes ended.
    pub async fn set_account_state(
        &self,
        id: AccountId,
        (from, to): (AccountState, AccountState),
        entry: AuditEntry,
    ) -> Result<bool, StoreError> {
        self.write(move |db| {
            let moved = db.execute(
                "update account set state = ?3 where id = ?1 and state = ?2
                 and exists (select 1 from account where id = ?4 and state = 'active')",
                params![
                    id.as_str(),
                    state_text(from)?,
                    state_text(to)?,
                    entry.who.as_ref().map(AccountId::as_str)
                ],
            )?;
            if moved == 0 {
                return Ok(false);
            }
            if to == AccountState::Disabled {
                db.execute("delete from sign_in where account = ?1", [id.as_str()])?;
                db.execute("delete from invitation where account = ?1", [id.as_str()])?;
            }
            audit(db, &entry)?;
            Ok(true)
        })
        .await
    }

    /// An account by its name to sign in with, and its password if it has one.
    pub async fn account_by_login(
        &self,
        login: Login,
    ) -> Result<Option<(Account, Option<PasswordHash>)>, StoreError> {
        self.read(move |db| {
            let found = db
                .query_row("select * from account where login = ?1", [login.as_str()], |r| {
                    Ok((account_row(r)?, r.get::<_, Option<String>>("password")?))
                })
                .optional()?;
            found.map(|(a, p)| Ok((a.read()?, p.map(PasswordHash::from_stored)))).transpose()
        })
        .await
    }

    /// An account.
    pub async fn account(&self, id: AccountId) -> Result<Option<Account>, StoreError> {
        self.read(move |db| {
            let query = "select * from account where id = ?1";
            one(db.query_row(query, [id.as_str()], account_row).optional()?)
        })
        .await
    }

    /// All accounts, by name.
    pub async fn accounts(&self) -> Result<Vec<Account>, StoreError> {
        self.read(|db| {
            let mut query = db.prepare_cached("select * from account order by login")?;
            let rows = query.query_map([], account_row)?;
            rows.map(|row| row?.read()).collect()
        })
        .await
    }
}

fn insert(db: &Connection, account: &Account) -> Result<(), StoreError> {
    db.execute(
        "insert into account (id, login, name, grants, state, created_us) values (?1, ?2, ?3, ?4, ?5, ?6)",
        params![
            account.id.as_str(),
            account.login.as_str(),
            account.name,
            serde_json::to_string(&account.grants)?,
            state_text(account.state)?,
            us(account.created)
        ],
    )?;
    Ok(())
}

fn set_password(db: &Connection, id: &AccountId, password: &PasswordHash) -> Result<(), StoreError> {
    db.execute("update account set password = ?2 where id = ?1", params![id.as_str(), password.as_str()])?;
    Ok(())
}

fn insert_invitation(db: &Connection, i: &Invitation) -> Result<(), StoreError> {
    db.execute(
        "insert into invitation values (?1, ?2, ?3, ?4)",
        params![i.hash.0, i.account.as_str(), i.kind.as_str(), us(i.expires)],
    )?;
    Ok(())
}

fn state_text(state: AccountState) -> Result<String, StoreError> {
    Ok(serde_json::to_string(&state)?.trim_matches('"').to_owned())
}

/// An account as SQLite holds it.
pub(super) struct StoredAccount {
    id: String,
    login: String,
    name: String,
    grants: String,
    state: String,
    created_us: i64,
}

pub(super) fn account_row(r: &Row<'_>) -> rusqlite::Result<StoredAccount> {
    Ok(StoredAccount {
        id: r.get("id")?,
        login: r.get("login")?,
        name: r.get("name")?,
        grants: r.get("grants")?,
        state: r.get("state")?,
        created_us: r.get("created_us")?,
    })
}

impl StoredAccount {
    pub(super) fn read(self) -> Result<Account, StoreError> {
        let text = |t: String| serde_json::Value::String(t);
        Ok(Account {
            id: serde_json::from_value(text(self.id))?,
            login: serde_json::from_value(text(self.login))?,
            name: self.name,
            grants: serde_json::from_str(&self.grants)?,
            state: serde_json::from_value(text(self.state))?,
            created: instant(self.created_us),
        })
    }
}

fn one(found: Option<StoredAccount>) -> Result<Option<Account>, StoreError> {
    found.map(StoredAccount::read).transpose()
}

pub(super) fn instant(us: i64) -> Timestamp {
    Timestamp::from_microsecond(us).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{account, entry};
    use super::*;
    use crate::people::InvitationKind;

    #[tokio::test(flavor = "current_thread")]
    async fn the_first_is_made_once_a_code_works_once_and_the_log_stays() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("s.db");
        let store = Store::open(&path).expect("made");
        let password = || PasswordHash::from_stored("x".into());
        assert!(store.has_no_account().await.expect("read"));
        store.create_first_account(account("a"), password(), entry("1")).await.expect("the first");
        let second = store.create_first_account(account("b"), password(), entry("never")).await;
        assert!(matches!(second, Err(PeopleError::NotTheFirst)));

        let now = Timestamp::UNIX_EPOCH;
        let hash = SecretHash([7; 32]);
        let b = account("b");
        let invitation = || Invitation::new(hash, b.id.clone(), InvitationKind::Invite, now);
        store.invite_account(b.clone(), invitation(), entry("2")).await.expect("invited");
        let taken = Account { login: b.login.clone(), ..account("c") };
        let taken = store.invite_account(taken, invitation(), entry("never")).await;
        assert!(matches!(taken, Err(PeopleError::LoginTaken)));
        assert_eq!(store.invited(hash, now).await.expect("read"), Some(b.clone()));
        let late = now + jiff::SignedDuration::from_hours(24 * 7);
        assert_eq!(store.invited(hash, late).await.expect("read"), None);
        store
            .choose_password(hash, password(), now, (entry("3"), entry("never"), entry("never")))
            .await
            .expect("chosen");
        let again = store
            .choose_password(hash, password(), now, (entry("never"), entry("never"), entry("never")))
            .await;
        assert!(matches!(again, Err(PeopleError::NoSuchCode)));
        let (stored, _) = store.account_by_login(b.login.clone()).await.expect("read").expect("there");
        assert_eq!(stored, Account { state: AccountState::Active, ..b });

        // Two who close each other: the second has been closed before he could.
        let (a, b) = (account("a").id, account("b").id);
        let close = |who: &AccountId, whom: &AccountId| {
            let entry = AuditEntry { who: Some(who.clone()), ..entry("4") };
            store.set_account_state(whom.clone(), (AccountState::Active, AccountState::Disabled), entry)
        };
        let up = AuditEntry { who: Some(b.clone()), ..entry("up") };
        let states = (AccountState::Invited, AccountState::Active);
        assert!(store.set_account_state(a.clone(), states, up).await.expect("written"));
        assert!(close(&a, &b).await.expect("written"));
        assert!(!close(&b, &a).await.expect("refused"));
        let code = Invitation::new(SecretHash([8; 32]), b.clone(), InvitationKind::Reset, now);
        assert!(!store.add_invitation(code, entry("never")).await.expect("refused"), "b is closed");

        let lines = store.audit(None, 10).await.expect("read");
        assert_eq!(lines.iter().map(|(_, e)| &e.what[..]).collect::<Vec<_>>(), ["4", "up", "3", "2", "1"]);
        let raw = Connection::open(&path).expect("open");
        for query in ["update audit set what = 'x'", "delete from audit"] {
            assert!(raw.execute(query, []).is_err(), "{query} was taken");
        }
    }
}
