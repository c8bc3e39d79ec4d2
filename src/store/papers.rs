//! Photos and scanned sheets of group studies: what they are, not their bytes.

use jiff::Timestamp;
use rusqlite::{OptionalExtension as _, Row, params};

use crate::evidence::Paper;
use crate::people::AuditEntry;

use super::audit::audit;
use super::{Store, StoreError, us};

/// A paper and where it stands in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredPaper {
    /// Its number.
    pub id: i64,
    /// What it is.
    pub paper: Paper,
    /// Its entry in the log of evidence.
    pub entry: Option<u64>,
    /// Its bytes are there no more.
    pub erased: bool,
}

type Stored = (i64, String, Option<i64>, Option<i64>);

fn row(r: &Row<'_>) -> rusqlite::Result<Stored> {
    Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?))
}

fn read((id, body, entry, erased): Stored) -> Result<StoredPaper, StoreError> {
    let (paper, entry) = (serde_json::from_str(&body)?, entry.map(|no| no as u64));
    Ok(StoredPaper { id, paper, entry, erased: erased.is_some() })
}

impl Store {
    /// Adds a paper whose bytes are on disk.
    pub async fn add_paper(&self, paper: Paper, entry: AuditEntry) -> Result<(), StoreError> {
        self.write(move |db| {
            db.execute(
                "insert into study_paper (study, body) values (?1, ?2)",
                params![paper.study, serde_json::to_string(&paper)?],
            )?;
            audit(db, &entry)
        })
        .await
    }

    /// The papers of a study, in the order in which they came.
    pub async fn papers(&self, study: i64) -> Result<Vec<StoredPaper>, StoreError> {
        self.read(move |db| {
            let mut query = db.prepare_cached(
                "select id, body, entry, erased_us from study_paper where study = ?1 order by id",
            )?;
            let rows = query.query_map([study], row)?;
            rows.map(|row| read(row?)).collect()
        })
        .await
    }

    /// Erases what the log holds of a paper; what it was, if its bytes are of no other one.
    pub async fn erase_paper(
        &self,
        (study, id): (i64, i64),
        at: Timestamp,
        entry: AuditEntry,
    ) -> Result<Option<(Paper, bool)>, StoreError> {
        self.write(move |db| {
            let one = "select id, body, entry, erased_us from study_paper where id = ?1 and study = ?2";
            let Some(found) = db.query_row(one, params![id, study], row).optional()? else { return Ok(None) };
            let StoredPaper { paper, entry: no, .. } = read(found)?;
            if let Some(no) = no {
                db.execute("update log_entry set salt = null, body = null where no = ?1", [no as i64])?;
            }
            db.execute("update study_paper set erased_us = ?2 where id = ?1", params![id, us(at)])?;
            let others =
                "select count(*) from study_paper where body ->> 'sha256' = ?1 and erased_us is null";
            let others: i64 = db.query_row(others, [&paper.sha256], |r| r.get(0))?;
            audit(db, &entry)?;
            Ok(Some((paper, others == 0)))
        })
        .await
    }
}
