//! What sites played, summed up by day.

use std::collections::BTreeMap;

use jiff::civil::Date;
use rusqlite::params;

use crate::base::SiteId;

use super::{Store, StoreError};

/// What a site played on a day.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PlayedDay {
    /// L1, ms.
    pub watched_ms: i64,
    /// L3, ms.
    pub verified_ms: i64,
    /// LS, ms: what is not watched or verified besides.
    pub sealed_ms: i64,
    /// Playbacks.
    pub sessions: u64,
}

/// What sites played, by site and day.
pub type PlayedDays = BTreeMap<SiteId, BTreeMap<Date, PlayedDay>>;

/// Answered by an index alone: of a year of the county there are 180,000 days.
const OF_ALL: &str = "select site, day, watched_ms, verified_ms, sessions, sealed_ms from site_day
     where day >= ?1 and day <= ?2 and ?3 is null";
const OF_ONE: &str = "select site, day, watched_ms, verified_ms, sessions, sealed_ms from site_day
     where site = ?3 and day >= ?1 and day <= ?2";

impl Store {
    /// What sites played on the days `[from, to]`; of one site only, if it is named.
    pub async fn played_days(
        &self,
        site: Option<SiteId>,
        (from, to): (Date, Date),
    ) -> Result<PlayedDays, StoreError> {
        self.read(move |db| {
            let mut out = PlayedDays::new();
            let mut query = db.prepare_cached(if site.is_some() { OF_ONE } else { OF_ALL })?;
            let mut rows =
                query.query(params![from.to_string(), to.to_string(), site.map(|s| s.to_string())])?;
            while let Some(row) = rows.next()? {
                let (site, day): (String, String) = (row.get(0)?, row.get(1)?);
                let Ok(site) = SiteId::new(&site) else { continue };
                let Ok(day) = day.parse() else { continue };
                let played = PlayedDay {
                    watched_ms: row.get(2)?,
                    verified_ms: row.get(3)?,
                    sessions: row.get::<_, i64>(4)?.max(0) as u64,
                    sealed_ms: row.get::<_, Option<i64>>(5)?.unwrap_or_default(),
                };
                out.entry(site).or_default().insert(day, played);
            }
            Ok(out)
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::a_store;
    use super::*;

    #[tokio::test]
    async fn the_county_s_year_is_answered_by_an_index_alone() {
        let (_folder, store) = a_store();
        let plan = store.read(|db| {
            let mut query = db.prepare(&format!("explain query plan {OF_ALL}"))?;
            let steps =
                query.query_map(params!["2026-01-01", "2026-12-31", None::<String>], |row| row.get(3))?;
            Ok(steps.collect::<Result<Vec<String>, _>>()?)
        });
        let plan = plan.await.expect("a plan");
        assert!(plan.len() == 1 && plan[0].contains("USING COVERING INDEX"), "{plan:?}");
    }
}
