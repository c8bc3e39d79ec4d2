//! Sessions: snapshots of open ones, records of closed ones.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, params};

use crate::base::{SessionId, SiteId, TerminalId};
use crate::evidence::{Session, SessionRecord, Swept};

use super::{Store, StoreError, journal, us};

/// How long a session may go on after a day on whose page it stands.
const LONGEST: SignedDuration = SignedDuration::from_hours(31 * 24);

/// Until when the sessions are looked for that stand on the page of a day that ends at `to`.
pub(super) fn last_end(to: Timestamp) -> Timestamp {
    to.checked_add(LONGEST).unwrap_or(Timestamp::MAX)
}

impl Store {
    /// Stores a session as a whole. Returns when it is on disk.
    pub async fn save_session(&self, session: Session) -> Result<(), StoreError> {
        self.write(move |db| save(db, &[session])).await
    }

    /// Stores what a sweep found; a session that is closed becomes a record.
    /// Lines of the journal up to `folded` are in those sessions and go.
    /// Returns when it is on disk.
    pub async fn save_swept(&self, swept: Arc<Swept>, folded: Option<i64>) -> Result<(), StoreError> {
        self.write(move |db| {
            save(db, &swept.sessions)?;
            for (session, line) in &swept.lines {
                journal::append(db, session.as_str(), &serde_json::to_string(line)?)?;
            }
            if let Some(last) = folded {
                db.prepare_cached("delete from journal where n <= ?1")?.execute([last])?;
            }
            Ok(())
        })
        .await
    }

    /// The sessions that were open when the server stopped.
    pub async fn open_sessions(&self) -> Result<Vec<Session>, StoreError> {
        self.read(|db| {
            let mut query = db.prepare("select body from session where closed_us is null")?;
            let rows = query.query_map([], |r| r.get::<_, String>(0))?;
            rows.map(|body| Ok(serde_json::from_str(&body?)?)).collect()
        })
        .await
    }

    /// The records of a site's sessions that were active in `[from, to)`,
    /// oldest first; open ones as they were last saved. Not among them is one
    /// that went on for more than a month after: the years behind a day must
    /// not be read for it.
    pub async fn site_sessions(
        &self,
        site: &SiteId,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<SessionRecord>, StoreError> {
        let site = site.to_string();
        self.read(move |db| {
            let mut query = db.prepare_cached(
                "select body, record from session
                 where site = ?1 and active_us >= ?2 and active_us < ?4 and opened_us < ?3 order by opened_us, id",
            )?;
            let rows = query.query_map(params![site, us(from), us(to), us(last_end(to))], |r| {
                Ok((r.get::<_, String>(0)?, r.get::<_, Option<String>>(1)?))
            })?;
            rows.map(|row| match row? {
                (_, Some(record)) => Ok(serde_json::from_str(&record)?),
                (body, None) => Ok(serde_json::from_str::<Session>(&body)?.record()),
            })
            .collect()
        })
        .await
    }
}

fn save(db: &Connection, sessions: &[Session]) -> Result<(), StoreError> {
    for s in sessions {
        if s.closed.is_some() {
            save_record(db, &s.record())?;
            continue;
        }
        let whole = (serde_json::to_string(s)?, None);
        put(db, (&s.id, s.site.as_ref(), s.terminal.as_ref()), (s.opened, s.last_activity, None), whole)?;
    }
    Ok(())
}

/// Stores what a closed session says: it never changes, and its body is asked for no more.
pub(super) fn save_record(db: &Connection, r: &SessionRecord) -> Result<(), StoreError> {
    let times = (r.opened, r.last_activity, r.closed.map(|(at, _)| at));
    let whole = (String::new(), Some(serde_json::to_string(r)?));
    put(db, (&r.id, r.site.as_ref(), r.terminal.as_ref()), times, whole)
}

fn put(
    db: &Connection,
    (id, site, terminal): (&SessionId, Option<&SiteId>, Option<&TerminalId>),
    (opened, active, closed): (Option<Timestamp>, Timestamp, Option<Timestamp>),
    (body, record): (String, Option<String>),
) -> Result<(), StoreError> {
    db.prepare_cached(
        "insert into session (id, site, terminal, opened_us, active_us, closed_us, body, record)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
         on conflict (id) do update set opened_us = excluded.opened_us, active_us = excluded.active_us,
             closed_us = excluded.closed_us, body = excluded.body, record = excluded.record
         where session.closed_us is null",
    )?
    .execute(params![
        id.as_str(),
        site.map(|s| s.as_str()),
        terminal.map(|t| t.as_str()),
        opened.map(us),
        us(active),
        closed.map(us),
        body,
        record,
    ])?;
    Ok(())
}
