//! What happened, for the engineer.

use jiff::Timestamp;
use rusqlite::params;

use super::{Store, StoreError, us};

/// Something that happened to a relay, a lesson or a schedule.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Event {
    /// When.
    pub at: Timestamp,
    /// To what, such as `relay/national`.
    pub subject: String,
    /// What, such as `stalled`.
    pub kind: String,
    /// In words.
    pub detail: String,
}

impl Store {
    /// Stores an event.
    pub async fn record_event(&self, event: Event) -> Result<(), StoreError> {
        self.write(move |db| {
            db.prepare_cached("insert into event (at_us, subject, kind, detail) values (?1, ?2, ?3, ?4)")?
                .execute(params![us(event.at), event.subject, event.kind, event.detail])?;
            Ok(())
        })
        .await
    }

    /// The newest events of a subject, newest first.
    pub async fn events(&self, subject: &str, limit: u32) -> Result<Vec<Event>, StoreError> {
        let subject = subject.to_owned();
        self.read(move |db| {
            let mut query = db.prepare_cached(
                "select at_us, subject, kind, detail from event where subject = ?1 order by at_us desc, id desc limit ?2",
            )?;
            let rows = query.query_map(params![subject, limit], |r| {
                Ok(Event {
                    at: Timestamp::from_microsecond(r.get(0)?).unwrap_or_default(),
                    subject: r.get(1)?,
                    kind: r.get(2)?,
                    detail: r.get(3)?,
                })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
        .await
    }
}
