//! Group studies in the log: what was written down, corrected, erased, and their papers.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};

use crate::base::SiteId;
use crate::evidence::Study;
use crate::tlog::{Corrected, Facts, StudyFacts};

use super::log::add;
use super::studies::corrections;
use super::{Store, StoreError};

impl Store {
    /// Logs group studies that have ended, or were corrected, since they last were; and papers
    /// that were added to those that are logged.
    pub async fn log_studies(&self, now: Timestamp) -> Result<(), StoreError> {
        self.write(move |db| {
            let mut query = db.prepare_cached(
                "select id from study where entry is null and end_us is not null order by id",
            )?;
            let rows = query.query_map([], |r| r.get(0))?;
            let waiting: Vec<i64> = rows.collect::<Result<_, _>>()?;
            for id in waiting {
                log_pending(db, id, now)?;
            }
            log_papers(db, now)
        })
        .await
    }
}

/// Logs a study that has ended, if its newest state is not in the log.
pub(super) fn log_pending(db: &Connection, id: i64, now: Timestamp) -> Result<(), StoreError> {
    let waits = "select body, erased from study where id = ?1 and entry is null and end_us is not null";
    let waits = db.query_row(waits, [id], |r| Ok((r.get(0)?, r.get(1)?))).optional()?;
    match waits {
        Some((body, erased)) => log_study(db, (id, body, erased), now),
        None => Ok(()),
    }
}

fn log_study(
    db: &Connection,
    (id, body, erased): (i64, String, bool),
    now: Timestamp,
) -> Result<(), StoreError> {
    let study: Study = serde_json::from_str(&body)?;
    let Some(facts) = StudyFacts::of(id, &study) else { return Ok(()) };
    let last = corrections(db, id)?.into_iter().rev().find_map(|c| match c.decided {
        Some((approved_by, true)) => {
            Some(Corrected { study: c.study, reason: c.reason, by: c.by, approved_by })
        }
        _ => None,
    });
    let of: Option<i64> =
        db.query_row("select max(entry) from log_study where study = ?1", [id], |r| r.get(0))?;
    let (facts, body) = match (last, of) {
        (_, Some(of)) if erased => (Facts::StudyErased { of: of as u64, facts }, body),
        (Some(made), Some(of)) => {
            (Facts::StudyCorrected { of: of as u64, facts }, serde_json::to_string(&made)?)
        }
        _ => (Facts::Study(facts), body),
    };
    let no = add(db, vec![(facts, &body, true)], now)? as i64;
    db.execute("insert into log_study values (?1, ?2)", params![id, no])?;
    db.execute("update study set entry = ?2, erased = 0 where id = ?1", params![id, no])?;
    Ok(())
}

/// A paper that was erased before it was logged leaves no trace of what it was.
fn log_papers(db: &Connection, now: Timestamp) -> Result<(), StoreError> {
    let mut query = db.prepare_cached(
        "select p.id, p.study, s.site, p.body from study_paper p join study s on s.id = p.study
         where p.entry is null and p.erased_us is null and s.entry is not null order by p.id",
    )?;
    let rows = query.query_map([], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?)))?;
    let waiting: Vec<(i64, i64, String, String)> = rows.collect::<Result<_, _>>()?;
    for (id, study, site, body) in waiting {
        let Ok(site) = SiteId::new(&site) else { continue };
        let no = add(db, vec![(Facts::StudyPaper { study, site }, &body, true)], now)? as i64;
        db.execute("update study_paper set entry = ?2 where id = ?1", params![id, no])?;
    }
    Ok(())
}
