//! Lessons put together for a study evening.

use rusqlite::{OptionalExtension, params};

use crate::base::Evening;
use crate::people::AuditEntry;

use super::audit::audit;
use super::{Store, StoreError};

impl Store {
    /// Those that are kept, with their numbers, newest first.
    pub async fn evenings(&self) -> Result<Vec<(i64, Evening)>, StoreError> {
        self.read(|db| {
            let mut query = db.prepare_cached("select id, body from evening order by id desc")?;
            let rows = query.query_map([], |r| Ok((r.get::<_, i64>(0)?, r.get::<_, String>(1)?)))?;
            let parsed = rows.map(|row| {
                let (id, body) = row?;
                Ok((id, serde_json::from_str(&body)?))
            });
            parsed.collect()
        })
        .await
    }

    /// The one of this number.
    pub async fn evening(&self, id: i64) -> Result<Option<Evening>, StoreError> {
        self.read(move |db| {
            let body =
                db.query_row("select body from evening where id = ?1", [id], |r| r.get(0)).optional()?;
            Ok(body.map(|b: String| serde_json::from_str(&b)).transpose()?)
        })
        .await
    }

    /// Keeps a new one; its number, and that of its line in the audit log.
    pub async fn add_evening(
        &self,
        evening: &Evening,
        mut entry: AuditEntry,
    ) -> Result<(i64, i64), StoreError> {
        let body = serde_json::to_string(evening)?;
        self.write(move |db| {
            db.execute("insert into evening (body) values (?1)", params![body])?;
            let id = db.last_insert_rowid();
            entry.subject = format!("evening/{id}");
            entry.after = body;
            audit(db, &entry)?;
            Ok((id, db.last_insert_rowid()))
        })
        .await
    }

    /// Puts `after` in the place of `before`, where none is one that is taken out; the number of
    /// its line in the audit log, or none if it is not `before` that stands there.
    pub async fn change_evening(
        &self,
        id: i64,
        (before, after): (Option<&Evening>, Option<&Evening>),
        mut entry: AuditEntry,
    ) -> Result<Option<i64>, StoreError> {
        let body = |side: Option<&Evening>| side.map(serde_json::to_string).transpose();
        let (before, after) = (body(before)?, body(after)?);
        self.write(move |db| {
            let there: Option<String> =
                db.query_row("select body from evening where id = ?1", [id], |r| r.get(0)).optional()?;
            if there != before {
                return Ok(None);
            }
            match &after {
                None => db.execute("delete from evening where id = ?1", [id])?,
                Some(body) => db.execute(
                    "insert into evening values (?1, ?2) on conflict do update set body = excluded.body",
                    params![id, body],
                )?,
            };
            entry.subject = format!("evening/{id}");
            (entry.before, entry.after) = (before.unwrap_or_default(), after.unwrap_or_default());
            audit(db, &entry)?;
            Ok(Some(db.last_insert_rowid()))
        })
        .await
    }
}
