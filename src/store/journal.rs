//! The journal of sessions: a line for each request that says something.

use rusqlite::{Connection, params};

use crate::base::SessionId;
use crate::evidence::Happened;

use super::{Store, StoreError};

impl Store {
    /// Appends a line. Returns when it is on disk.
    pub async fn journal(&self, session: &SessionId, line: &Happened) -> Result<(), StoreError> {
        self.writer.append(session.to_string(), serde_json::to_string(line)?).await
    }

    /// The last line that is on disk; none: there is no line.
    pub async fn journal_end(&self) -> Result<Option<i64>, StoreError> {
        self.read(|db| Ok(db.prepare_cached("select max(n) from journal")?.query_row([], |r| r.get(0))?))
            .await
    }

    /// All lines, oldest first.
    pub async fn journal_lines(&self) -> Result<Vec<(SessionId, Happened)>, StoreError> {
        self.read(|db| {
            let mut query = db.prepare("select session, line from journal order by n")?;
            let rows = query.query_map([], |r| Ok((r.get::<_, String>(0)?, r.get::<_, String>(1)?)))?;
            let mut out = Vec::new();
            for row in rows {
                let (session, line) = row?;
                // None but a session's own identifier was ever written here.
                let Ok(session) = SessionId::new(&session) else { continue };
                out.push((session, serde_json::from_str(&line)?));
            }
            Ok(out)
        })
        .await
    }
}

/// Appends a line within the commit under way.
pub(super) fn append(connection: &Connection, session: &str, line: &str) -> Result<(), StoreError> {
    connection
        .prepare_cached("insert into journal (session, line) values (?1, ?2)")?
        .execute(params![session, line])?;
    Ok(())
}
