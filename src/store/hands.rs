//! Commands of people on duty.

use rusqlite::params;

use crate::base::ChannelId;
use crate::channel::{Hand, Hands};
use crate::people::AuditEntry;

use super::audit::audit;
use super::{Store, StoreError};

impl Store {
    /// Stores the command in force on a channel, with its line of the audit log.
    pub async fn set_hand(
        &self,
        channel: &ChannelId,
        hand: &Hand,
        entry: AuditEntry,
    ) -> Result<(), StoreError> {
        let (channel, body) = (channel.to_string(), serde_json::to_string(hand)?);
        self.write(move |db| {
            db.execute(
                "insert into hand values (?1, ?2) on conflict do update set body = excluded.body",
                params![channel, body],
            )?;
            audit(db, &entry)?;
            Ok(())
        })
        .await
    }

    /// The last command of each channel.
    pub async fn hands(&self) -> Result<Hands, StoreError> {
        self.read(|db| {
            let mut query = db.prepare("select channel, body from hand")?;
            let rows = query.query_map([], |r| Ok((r.get::<_, String>(0)?, r.get::<_, String>(1)?)))?;
            let mut hands = Hands::new();
            for row in rows {
                let (channel, body) = row?;
                if let Ok(channel) = ChannelId::new(&channel) {
                    hands.insert(channel, serde_json::from_str(&body)?);
                }
            }
            Ok(hands)
        })
        .await
    }
}
