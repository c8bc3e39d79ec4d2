//! Chains of devices without a line: begun, and sealed.

use rusqlite::{OptionalExtension as _, params};

use crate::base::SessionId;
use crate::evidence::{Chain, SealedPart, SessionRecord};

use super::sessions::save_record;
use super::{Store, StoreError};

/// What is known of a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownChain {
    /// As it was begun.
    pub chain: Chain,
    /// What was sealed of it last.
    pub sealed: Option<SealedPart>,
}

impl Store {
    /// Keeps a chain that was begun. Returns when it is on disk.
    pub async fn begin_chain(&self, chain: Chain) -> Result<(), StoreError> {
        self.write(move |db| {
            let body = serde_json::to_string(&chain)?;
            db.execute("insert into chain (id, body) values (?1, ?2)", params![chain.id.as_str(), body])?;
            Ok(())
        })
        .await
    }

    /// The chain of this name.
    pub async fn chain(&self, id: &SessionId) -> Result<Option<KnownChain>, StoreError> {
        let id = id.to_string();
        self.read(move |db| {
            let row = db.query_row("select body, sealed from chain where id = ?1", [id], |r| {
                Ok((r.get::<_, String>(0)?, r.get::<_, Option<String>>(1)?))
            });
            let known = |(body, sealed): (String, Option<String>)| {
                let sealed = sealed.map(|part| serde_json::from_str(&part)).transpose()?;
                Ok(KnownChain { chain: serde_json::from_str(&body)?, sealed })
            };
            row.optional()?.map(known).transpose()
        })
        .await
    }

    /// Seals a part of a chain after those `before`: its record is a session that is closed. False
    /// if another part was sealed meanwhile, or there is no such chain. Returns when it is on disk.
    pub async fn seal_chain(
        &self,
        id: SessionId,
        (before, part): (Option<SealedPart>, SealedPart),
        record: SessionRecord,
    ) -> Result<bool, StoreError> {
        self.write(move |db| {
            let before = before.map(|part| serde_json::to_string(&part)).transpose()?;
            let changed = db.execute(
                "update chain set sealed = ?2 where id = ?1 and sealed is ?3",
                params![id.as_str(), serde_json::to_string(&part)?, before],
            )?;
            if changed == 0 {
                return Ok(false);
            }
            save_record(db, &record)?;
            Ok(true)
        })
        .await
    }
}
