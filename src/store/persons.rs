//! People on rosters: where they are, and erasing one.

use jiff::Timestamp;
use rusqlite::{Connection, params};
use serde_json::Value;

use crate::evidence::Study;
use crate::people::AuditEntry;

use super::audit::audit;
use super::logged_studies::log_pending;
use super::{Store, StoreError, StoredStudy};

impl Store {
    /// The group studies on whose roster `name` stands, or stood before a correction, or that it
    /// led; newest first, each with whether it is or was on the roster.
    pub async fn studies_of(&self, name: String) -> Result<Vec<(StoredStudy, bool)>, StoreError> {
        self.read(move |db| {
            // What may hold it: as it stands in JSON, between quotes.
            let mut query = db.prepare_cached(
                "select id, body, entry from study as s
                 where instr(body, ?1) > 0
                    or exists (select 1 from study_correction c where c.study = s.id and instr(c.body, ?1) > 0)
                    or exists (select 1 from log_study l join log_entry e on e.no = l.entry
                               where l.study = s.id and instr(e.body, ?1) > 0)
                 order by start_us desc",
            )?;
            let mut rows = query.query([serde_json::to_string(&name)?])?;
            let mut out = Vec::new();
            while let Some(row) = rows.next()? {
                let (id, body, entry): (i64, String, Option<i64>) = (row.get(0)?, row.get(1)?, row.get(2)?);
                let study: Study = serde_json::from_str(&body)?;
                let listed = study.roster.contains(&name)
                    || !corrections_with(db, id, &name)?.is_empty()
                    || !entries_with(db, id, &name)?.is_empty();
                if listed || study.organiser == name {
                    out.push((StoredStudy { id, study, entry: entry.map(|no| no as u64) }, listed));
                }
            }
            Ok(out)
        })
        .await
    }

    /// Erases `name` from the rosters of these group studies, of their corrections, and from what
    /// the log holds of them; each is logged again as it stands, at `now`.
    pub async fn erase_person(
        &self,
        name: String,
        studies: Vec<i64>,
        now: Timestamp,
        entry: AuditEntry,
    ) -> Result<(), StoreError> {
        self.write(move |db| {
            for id in studies {
                // What waits is logged for what it is: an erasure hides no correction.
                log_pending(db, id, now)?;
                let body: String =
                    db.query_row("select body from study where id = ?1", [id], |r| r.get(0))?;
                let mut study: Study = serde_json::from_str(&body)?;
                let (corrections, entries) = (corrections_with(db, id, &name)?, entries_with(db, id, &name)?);
                if !study.erase(&name) && corrections.is_empty() && entries.is_empty() {
                    continue;
                }
                // One that is running is logged when it ends, as it stands then.
                db.execute(
                    "update study set body = ?2, entry = null, erased = entry is not null where id = ?1",
                    params![id, serde_json::to_string(&study)?],
                )?;
                for (of, mut study) in corrections {
                    study.erase(&name);
                    db.execute(
                        "update study_correction set body = ?2 where id = ?1",
                        params![of, serde_json::to_string(&study)?],
                    )?;
                }
                for no in entries {
                    db.execute("update log_entry set salt = null, body = null where no = ?1", [no])?;
                }
                audit(db, &AuditEntry { subject: format!("study/{id}"), ..entry.clone() })?;
            }
            Ok(())
        })
        .await
    }
}

/// The corrections of a study on whose roster `name` stands.
fn corrections_with(db: &Connection, study: i64, name: &str) -> Result<Vec<(i64, Study)>, StoreError> {
    let mut query = db.prepare_cached("select id, body from study_correction where study = ?1")?;
    let mut rows = query.query([study])?;
    let mut out = Vec::new();
    while let Some(row) = rows.next()? {
        let study: Study = serde_json::from_str(&row.get::<_, String>(1)?)?;
        if study.roster.iter().any(|known| known == name) {
            out.push((row.get(0)?, study));
        }
    }
    Ok(out)
}

/// The entries of the log whose body has `name` on its roster: a study, or one as corrected.
fn entries_with(db: &Connection, study: i64, name: &str) -> Result<Vec<i64>, StoreError> {
    let mut query = db.prepare_cached(
        "select e.no, e.body from log_study l join log_entry e on e.no = l.entry
         where l.study = ?1 and e.body is not null",
    )?;
    let mut rows = query.query([study])?;
    let mut out = Vec::new();
    while let Some(row) = rows.next()? {
        let body: Value = serde_json::from_str(&row.get::<_, String>(1)?)?;
        let rosters = [&body["roster"], &body["study"]["roster"]];
        if rosters.iter().any(|roster| roster.as_array().is_some_and(|all| all.iter().any(|n| n == name))) {
            out.push(row.get(0)?);
        }
    }
    Ok(out)
}
