//! How long relays had a picture, by day.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::civil::Date;
use rusqlite::params;

use crate::base::RelayId;

use super::{Store, StoreError};

impl Store {
    /// Adds to a day what relays have recorded since it was last asked.
    pub async fn add_uptime(&self, day: Date, recorded: Vec<(RelayId, Duration)>) -> Result<(), StoreError> {
        self.write(move |db| {
            let mut add = db.prepare_cached(
                "insert into relay_day (day, relay, up_us) values (?1, ?2, ?3)
                 on conflict (day, relay) do update set up_us = up_us + excluded.up_us",
            )?;
            for (relay, up) in &recorded {
                add.execute(params![day.to_string(), relay.as_str(), up.as_micros() as i64])?;
            }
            Ok(())
        })
        .await
    }

    /// How long each relay had a picture on the days from `first` on.
    pub async fn uptime(
        &self,
        first: Date,
    ) -> Result<BTreeMap<String, BTreeMap<Date, Duration>>, StoreError> {
        self.read(move |db| {
            let mut query =
                db.prepare_cached("select relay, day, up_us from relay_day where day >= ?1 order by day")?;
            let mut rows = query.query(params![first.to_string()])?;
            let mut uptime: BTreeMap<String, BTreeMap<Date, Duration>> = BTreeMap::new();
            while let Some(row) = rows.next()? {
                let day: String = row.get(1)?;
                if let Ok(day) = day.parse() {
                    let up = Duration::from_micros(row.get::<_, i64>(2)?.try_into().unwrap_or(0));
                    uptime.entry(row.get(0)?).or_default().insert(day, up);
                }
            }
            Ok(uptime)
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::a_store;
    use super::*;

    #[test]
    fn days_add_up_and_stay_apart() {
        let (_folder, store) = a_store();
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        runtime.block_on(async {
            let (one, two) = (jiff::civil::date(2026, 11, 25), jiff::civil::date(2026, 11, 26));
            let relay = RelayId::new("national").expect("a name");
            for (day, seconds) in [(one, 50), (one, 20), (two, 60)] {
                let up = vec![(relay.clone(), Duration::from_secs(seconds))];
                store.add_uptime(day, up).await.expect("stored");
            }
            let all = store.uptime(one).await.expect("read");
            let days: Vec<_> = all["national"].iter().map(|(d, up)| (*d, up.as_secs())).collect();
            assert_eq!(days, [(one, 70), (two, 60)]);
            assert_eq!(store.uptime(two).await.expect("read")["national"].len(), 1);
        });
    }
}
