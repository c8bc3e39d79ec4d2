//! The as-run log.

use jiff::Timestamp;
use rusqlite::{Connection, params};

use crate::base::ChannelId;
use crate::channel::{Airing, Step};

use super::{Store, StoreError, us};

fn record(db: &Connection, channel: &str, step: &Step) -> Result<(), StoreError> {
    match step {
        Step::Open(a) => {
            let body = serde_json::to_string(a)?;
            db.prepare_cached(
                "insert into airing (channel, no, start_us, until_us, segments, body)
                 values (?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute(params![
                channel,
                a.no as i64,
                us(a.start),
                us(a.until),
                a.segments.map(|n| n as i64),
                body
            ])?
        }
        Step::Close { no, segments } => db
            .prepare_cached("update airing set segments = ?3 where channel = ?1 and no = ?2")?
            .execute(params![channel, *no as i64, *segments as i64])?,
        Step::Until { no, until } => db
            .prepare_cached("update airing set until_us = ?3 where channel = ?1 and no = ?2")?
            .execute(params![channel, *no as i64, us(*until)])?,
    };
    Ok(())
}

impl Store {
    /// Stores steps of channels' as-run logs, all or none, and that these channels
    /// were carried on at `seen`.
    pub async fn record_airings(
        &self,
        changes: Vec<(ChannelId, Vec<Step>)>,
        seen: Timestamp,
    ) -> Result<(), StoreError> {
        self.write(move |db| {
            for (channel, steps) in &changes {
                let channel = channel.as_str();
                for step in steps {
                    record(db, channel, step)?;
                }
                db.prepare_cached(
                    "insert into channel_seen values (?1, ?2) on conflict do update set seen_us = excluded.seen_us",
                )?
                .execute(params![channel, us(seen)])?;
            }
            Ok(())
        })
        .await
    }

    /// The airings of a channel that began in `[from, to)`, and the last one
    /// before, oldest first.
    pub async fn airings(
        &self,
        channel: &ChannelId,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<Airing>, StoreError> {
        let channel = channel.to_string();
        self.read(move |db| {
            let mut query = db.prepare_cached(
                "select body, until_us, segments from airing
                 where channel = ?1 and start_us < ?3 and start_us >= coalesce(
                     (select max(start_us) from airing where channel = ?1 and start_us <= ?2), ?2)
                 order by no",
            )?;
            let rows = query.query_map(params![channel, us(from), us(to)], |r| {
                Ok((r.get::<_, String>(0)?, r.get::<_, i64>(1)?, r.get::<_, Option<i64>>(2)?))
            })?;
            rows.map(|row| {
                let (body, until, segments) = row?;
                let mut airing: Airing = serde_json::from_str(&body)?;
                airing.segments = segments.map(|n| n as u64);
                airing.until = Timestamp::from_microsecond(until).unwrap_or(airing.until);
                Ok(airing)
            })
            .collect()
        })
        .await
    }

    /// When a channel's timeline was last carried on.
    pub async fn channel_seen(&self, channel: &ChannelId) -> Result<Option<Timestamp>, StoreError> {
        let channel = channel.to_string();
        self.read(move |db| {
            let mut query = db.prepare_cached("select seen_us from channel_seen where channel = ?1")?;
            let mut rows = query.query([channel])?;
            let found: Option<i64> = rows.next()?.map(|r| r.get(0)).transpose()?;
            Ok(found.and_then(|us| Timestamp::from_microsecond(us).ok()))
        })
        .await
    }
}
