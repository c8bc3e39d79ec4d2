//! People on rosters: where they are, and erasing one.

use rusqlite::{Connection, params};

use crate::evidence::Study;
use crate::people::AuditEntry;

use super::audit::audit;
use super::{Store, StoreError, StoredStudy};

impl Store {
    /// The group studies that name somebody `name`, or did before they were corrected, newest first.
    pub async fn studies_of(&self, name: String) -> Result<Vec<StoredStudy>, StoreError> {
        self.read(move |db| {
            let mut query = db.prepare_cached(
                "select id, body, entry from study as s
                 where instr(body, ?1) > 0
                    or exists (select 1 from study_correction c where c.study = s.id and instr(c.body, ?1) > 0)
                    or exists (select 1 from log_study l join log_entry e on e.no = l.entry
                               where l.study = s.id and instr(e.body, ?1) > 0)
                 order by start_us desc",
            )?;
            // As it stands in JSON, between quotes: no part of a longer name.
            let rows = query.query_map([serde_json::to_string(&name)?], |r| {
                Ok((r.get::<_, i64>(0)?, r.get::<_, String>(1)?, r.get::<_, Option<i64>>(2)?))
            })?;
            rows.map(|row| {
                let (id, body, entry) = row?;
                Ok(StoredStudy { id, study: serde_json::from_str(&body)?, entry: entry.map(|no| no as u64) })
            })
            .collect()
        })
        .await
    }

    /// Erases `name` from these group studies, from their corrections, and from what the log holds
    /// of them; each is logged again as it stands.
    pub async fn erase_person(
        &self,
        name: String,
        studies: Vec<i64>,
        entry: AuditEntry,
    ) -> Result<(), StoreError> {
        self.write(move |db| {
            for id in studies {
                let body = erase_from(db, ("select body from study where id = ?1", id), &name)?;
                // One that is running is logged when it ends, as it stands then.
                db.execute(
                    "update study set body = coalesce(?2, body), entry = null,
                         erased = entry is not null or erased where id = ?1",
                    params![id, body],
                )?;
                let mut query = db.prepare("select id from study_correction where study = ?1")?;
                let corrections: Vec<i64> = query.query_map([id], |r| r.get(0))?.collect::<Result<_, _>>()?;
                for of in corrections {
                    let sql = ("select body from study_correction where id = ?1", of);
                    if let Some(body) = erase_from(db, sql, &name)? {
                        db.execute("update study_correction set body = ?2 where id = ?1", params![of, body])?;
                    }
                }
                db.execute(
                    "update log_entry set salt = null, body = null
                     where no in (select entry from log_study where study = ?1)",
                    [id],
                )?;
                audit(db, &AuditEntry { subject: format!("study/{id}"), ..entry.clone() })?;
            }
            Ok(())
        })
        .await
    }
}

/// The [`Study`] that a query finds, without `name`; none if that is not in it.
fn erase_from(db: &Connection, (sql, id): (&str, i64), name: &str) -> Result<Option<String>, StoreError> {
    let body: String = db.query_row(sql, [id], |r| r.get(0))?;
    let mut study: Study = serde_json::from_str(&body)?;
    if !study.erase(name) {
        return Ok(None);
    }
    Ok(Some(serde_json::to_string(&study)?))
}
