//! Second factors: turned on, turned off, used.

use rusqlite::{Connection, OptionalExtension as _, params};

use crate::base::AccountId;
use crate::people::{AuditEntry, Second, SecondFactor, SecretHash, Step, TotpSecret};

use super::audit::audit;
use super::{Store, StoreError};

impl Store {
    /// The second factor of an account, if it has one.
    pub async fn second_factor(&self, account: AccountId) -> Result<Option<SecondFactor>, StoreError> {
        self.read(move |db| {
            let found = db
                .query_row(
                    "select secret, last_step,
                     (select count(*) from recovery_code where recovery_code.account = ?1) as codes_left
                     from second_factor where account = ?1",
                    [account.as_str()],
                    |r| {
                        Ok(SecondFactor {
                            secret: TotpSecret::new(r.get("secret")?),
                            last: Step(r.get::<_, i64>("last_step")?.unsigned_abs()),
                            codes_left: r.get::<_, i64>("codes_left")?.unsigned_abs() as usize,
                        })
                    },
                )
                .optional()?;
            Ok(found)
        })
        .await
    }

    /// Turns a second factor on, with its recovery codes; false if the account
    /// has one already, or is not in use.
    pub async fn turn_second_factor_on(
        &self,
        account: AccountId,
        (secret, confirmed): (TotpSecret, Step),
        codes: Vec<SecretHash>,
        entry: AuditEntry,
    ) -> Result<bool, StoreError> {
        self.write(move |db| {
            let made = db.execute(
                "insert into second_factor select id, ?2, ?3 from account
                 where id = ?1 and state = 'active'
                 and not exists (select 1 from second_factor where account = ?1)",
                params![account.as_str(), secret.bytes(), stored(confirmed)],
            )?;
            if made == 0 {
                return Ok(false);
            }
            for code in codes {
                db.execute("insert into recovery_code values (?1, ?2)", params![code.0, account.as_str()])?;
            }
            audit(db, &entry)?;
            Ok(true)
        })
        .await
    }

    /// Turns the second factor off for who shows a code of it; false if the code
    /// was used meanwhile.
    pub async fn turn_second_factor_off(
        &self,
        account: AccountId,
        shown: Second,
        entry: AuditEntry,
    ) -> Result<bool, StoreError> {
        self.write(move |db| {
            if !use_up(db, &account, shown)? || !remove(db, &account)? {
                return Ok(false);
            }
            audit(db, &entry)?;
            Ok(true)
        })
        .await
    }
}

/// Uses up what was shown; false if it is not good (any more). Nothing is
/// good for an account without a second factor, and for no other.
pub(super) fn use_up(db: &Connection, account: &AccountId, shown: Second) -> Result<bool, StoreError> {
    let account = account.as_str();
    Ok(match shown {
        Second::None => {
            let query = "select not exists (select 1 from second_factor where account = ?1)";
            db.query_row(query, [account], |r| r.get(0))?
        }
        Second::Step(step) => {
            let query = "update second_factor set last_step = ?2 where account = ?1 and last_step < ?2";
            db.execute(query, params![account, stored(step)])? == 1
        }
        Second::Recovery(code) => {
            let query = "delete from recovery_code where hash = ?1 and account = ?2";
            db.execute(query, params![code.0, account])? == 1
        }
    })
}

/// Takes the second factor of an account away; false if there was none.
pub(super) fn remove(db: &Connection, account: &AccountId) -> Result<bool, StoreError> {
    db.execute("delete from recovery_code where account = ?1", [account.as_str()])?;
    Ok(db.execute("delete from second_factor where account = ?1", [account.as_str()])? == 1)
}

fn stored(step: Step) -> i64 {
    i64::try_from(step.0).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{a_store, account, entry};
    use super::*;
    use crate::people::{Account, AccountState, PasswordHash};

    #[tokio::test(flavor = "current_thread")]
    async fn each_code_is_used_up_once() {
        let (_folder, store) = a_store();
        let account = Account { state: AccountState::Active, ..account("a") };
        let id = account.id.clone();
        let password = PasswordHash::from_stored("x".into());
        store.create_first_account(account, password, entry("made")).await.expect("made");
        let secret = TotpSecret::new([7; 20]);
        let codes = vec![SecretHash([1; 32]), SecretHash([2; 32])];
        let on = || {
            let made = (secret.clone(), Step(5));
            store.turn_second_factor_on(id.clone(), made, codes.clone(), entry("on"))
        };
        assert!(on().await.expect("written"));
        assert!(!on().await.expect("refused"), "there is one already");
        let factor = store.second_factor(id.clone()).await.expect("read").expect("on");
        assert_eq!(factor, SecondFactor { secret: secret.clone(), last: Step(5), codes_left: 2 });

        let used = |shown: Second| {
            let id = id.clone();
            store.write(move |db| use_up(db, &id, shown))
        };
        assert!(!used(Second::None).await.expect("asked"), "a code is asked for");
        assert!(!used(Second::Step(Step(5))).await.expect("asked"), "the one that confirmed it");
        assert!(used(Second::Step(Step(6))).await.expect("used"));
        assert!(!used(Second::Step(Step(6))).await.expect("asked"), "once");
        assert!(used(Second::Recovery(SecretHash([1; 32]))).await.expect("used"));
        assert!(!used(Second::Recovery(SecretHash([1; 32]))).await.expect("asked"), "once");
        assert!(!used(Second::Recovery(SecretHash([3; 32]))).await.expect("asked"), "none of his");

        let off = |shown| store.turn_second_factor_off(id.clone(), shown, entry("off"));
        assert!(!off(Second::Step(Step(6))).await.expect("refused"));
        assert!(off(Second::Step(Step(7))).await.expect("turned off"));
        assert_eq!(store.second_factor(id.clone()).await.expect("read"), None);
        assert!(used(Second::None).await.expect("asked"), "the password is enough again");
        assert!(!used(Second::Recovery(SecretHash([2; 32]))).await.expect("asked"), "they went with it");
        let lines = store.audit(None, 10).await.expect("read");
        assert_eq!(lines.iter().map(|(_, e)| &e.what[..]).collect::<Vec<_>>(), ["off", "on", "made"]);
    }
}
