//! What is looked at beside the figures, and where playbacks stand in the log.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use rusqlite::{OptionalExtension as _, params};

use crate::base::{SessionId, SiteId};
use crate::evidence::MonthSeen;
use crate::tlog::{Hash, InTiles, inclusion};

use super::log::InStore;
use super::sessions::last_end;
use super::{Store, StoreError, us};

impl Store {
    /// What sites played on the days `[from, to]`, by day; headcounts are not among it.
    pub async fn days_seen(
        &self,
        (from, to): (Date, Date),
    ) -> Result<BTreeMap<SiteId, MonthSeen>, StoreError> {
        self.read(move |db| {
            let mut query = db.prepare_cached(
                "select site, day, watched, beating, idle_ms from site_day where day >= ?1 and day <= ?2",
            )?;
            let mut rows = query.query(params![from.to_string(), to.to_string()])?;
            let mut out: BTreeMap<SiteId, MonthSeen> = BTreeMap::new();
            while let Some(row) = rows.next()? {
                let (site, day): (String, String) = (row.get(0)?, row.get(1)?);
                let (Ok(site), Ok(day)) = (SiteId::new(&site), day.parse()) else { continue };
                let (playbacks, idle_ms): (Option<i64>, Option<i64>) = (row.get(3)?, row.get(4)?);
                let new = MonthSeen { idle_ms: Some(0), ..MonthSeen::default() };
                let month = out.entry(site).or_insert(new);
                month.days.insert(day, serde_json::from_str(&row.get::<_, String>(2)?)?);
                month.playbacks += playbacks.unwrap_or_default().max(0) as u64;
                month.idle_ms = month.idle_ms.zip(idle_ms).map(|(all, ms)| all + ms);
            }
            Ok(out)
        })
        .await
    }

    /// The entries of the log of the sessions that [`Store::site_sessions`] tells.
    pub async fn session_entries(
        &self,
        site: &SiteId,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<BTreeMap<SessionId, u64>, StoreError> {
        let site = site.to_string();
        self.read(move |db| {
            let mut query = db.prepare_cached(
                "select id, entry from session
                 where site = ?1 and active_us >= ?2 and active_us < ?4 and opened_us < ?3 and entry is not null",
            )?;
            let rows = query.query_map(params![site, us(from), us(to), us(last_end(to))], |r| {
                Ok((r.get::<_, String>(0)?, r.get::<_, i64>(1)? as u64))
            })?;
            let mut out = BTreeMap::new();
            for row in rows {
                let (id, entry) = row?;
                if let Ok(id) = SessionId::new(&id) {
                    out.insert(id, entry);
                }
            }
            Ok(out)
        })
        .await
    }

    /// An entry of the log as it was hashed, and its audit path in the tree of `size` entries; none
    /// if the tree has fewer.
    pub async fn log_leaf(&self, no: u64, size: u64) -> Result<Option<(String, Vec<Hash>)>, StoreError> {
        self.read(move |db| {
            let Some(key) = i64::try_from(no).ok().filter(|_| no < size) else { return Ok(None) };
            let leaf = db
                .prepare_cached("select leaf from log_entry where no = ?1")?
                .query_row([key], |r| r.get::<_, String>(0))
                .optional()?;
            let Some(leaf) = leaf else { return Ok(None) };
            Ok(Some((leaf, inclusion(&InTiles(&InStore(db)), no, size)?)))
        })
        .await
    }
}
