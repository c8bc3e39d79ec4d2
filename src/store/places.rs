//! Townships and sites that the office keeps.

use rusqlite::{Connection, OptionalExtension as _, params};

use crate::people::AuditEntry;
use crate::sites::{Change, Place, PlaceId};

use super::audit::audit;
use super::{Store, StoreError};

impl Store {
    /// All of them.
    pub async fn places(&self) -> Result<Vec<Place>, StoreError> {
        self.read(|db| {
            let mut query = db.prepare_cached("select place from place")?;
            let texts = query.query_map([], |r| r.get::<_, String>(0))?;
            texts.map(|text| Ok(serde_json::from_str(&text?)?)).collect()
        })
        .await
    }

    /// Makes a change; answers the number of its line in the audit log, or
    /// the place that cannot go since somebody or something belongs to it.
    pub async fn change_places(
        &self,
        change: Change,
        entry: AuditEntry,
    ) -> Result<Result<i64, PlaceId>, StoreError> {
        self.write(move |db| {
            for edit in &change.0 {
                if let (Some(place), None) = (&edit.before, &edit.after)
                    && is_used(db, place)?
                {
                    return Ok(Err(place.id()));
                }
            }
            for edit in &change.0 {
                let Some(id) = edit.id() else { continue };
                match &edit.after {
                    Some(place) => db.execute(
                        "insert or replace into place values (?1, ?2)",
                        params![id.to_string(), serde_json::to_string(place)?],
                    )?,
                    None => db.execute("delete from place where id = ?1", [id.to_string()])?,
                };
            }
            audit(db, &entry)?;
            Ok(Ok(db.last_insert_rowid()))
        })
        .await
    }

    /// A line of the audit log.
    pub async fn audit_line(&self, number: i64) -> Result<Option<AuditEntry>, StoreError> {
        self.read(move |db| {
            let query = "select id, at_us, who, via, what, subject, before, after from audit where id = ?1";
            Ok(db.query_row(query, [number], super::audit::line).optional()?.map(|(_, entry)| entry))
        })
        .await
    }
}

/// Whether anything or anybody belongs to a place.
fn is_used(db: &Connection, place: &Place) -> Result<bool, StoreError> {
    let (id, scope) = match place {
        Place::Township(t) => (t.id.as_str(), "township"),
        Place::Site(s) => (s.id.as_str(), "site"),
    };
    if scope == "site" {
        for table in ["terminal", "enrolment", "session"] {
            let query = format!("select exists (select 1 from {table} where site = ?1)");
            if db.query_row(&query, [id], |r| r.get(0))? {
                return Ok(true);
            }
        }
    }
    // Grants are JSON such as [{"role":"operator","scope":{"site":"dongmen"}}].
    let query = "select exists (select 1 from account, json_each(account.grants) as g
                 where json_extract(g.value, '$.scope.' || ?1) = ?2)";
    Ok(db.query_row(query, params![scope, id], |r| r.get(0))?)
}
