//! The audit log: who wrote what, when.

use rusqlite::{Connection, Row, params};

use crate::base::AccountId;
use crate::people::AuditEntry;

use super::people::instant;
use super::{Store, StoreError, us};

impl Store {
    /// Lines of the audit log before line `before`, newest first, each with its number.
    pub async fn audit(&self, before: Option<i64>, limit: u32) -> Result<Vec<(i64, AuditEntry)>, StoreError> {
        self.read(move |db| {
            let mut query = db.prepare_cached(
                "select id, at_us, who, via, what, subject, before, after from audit
                 where id < ?1 order by id desc limit ?2",
            )?;
            let rows = query.query_map(params![before.unwrap_or(i64::MAX), limit], line)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
        .await
    }

    /// The lines about `subject`, oldest first; of very many the newest.
    pub async fn audit_of(&self, subject: &str, limit: u32) -> Result<Vec<AuditEntry>, StoreError> {
        let subject = subject.to_owned();
        self.read(move |db| {
            let mut query = db.prepare_cached(
                "select id, at_us, who, via, what, subject, before, after from audit
                 where subject = ?1 order by id desc limit ?2",
            )?;
            let rows = query.query_map(params![subject, limit], line)?;
            let mut lines = rows.map(|r| Ok(r?.1)).collect::<Result<Vec<_>, StoreError>>()?;
            lines.reverse();
            Ok(lines)
        })
        .await
    }

    /// Appends a line that tells of something outside the store; answers its number.
    pub async fn append_audit(&self, entry: AuditEntry) -> Result<i64, StoreError> {
        self.write(move |db| {
            audit(db, &entry)?;
            Ok(db.last_insert_rowid())
        })
        .await
    }
}

/// A line and its number.
pub(super) fn line(r: &Row<'_>) -> rusqlite::Result<(i64, AuditEntry)> {
    let who: Option<String> = r.get("who")?;
    let entry = AuditEntry {
        at: instant(r.get("at_us")?),
        who: who.and_then(|id| AccountId::new(&id).ok()),
        via: r.get("via")?,
        what: r.get("what")?,
        subject: r.get("subject")?,
        before: r.get("before")?,
        after: r.get("after")?,
    };
    Ok((r.get("id")?, entry))
}

/// Appends a line, in the transaction of what it tells.
pub(super) fn audit(db: &Connection, e: &AuditEntry) -> Result<(), StoreError> {
    db.execute(
        "insert into audit (at_us, who, via, what, subject, before, after) values (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![us(e.at), e.who.as_ref().map(AccountId::as_str), e.via, e.what, e.subject, e.before, e.after],
    )?;
    Ok(())
}
