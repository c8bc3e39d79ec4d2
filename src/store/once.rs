//! Requests that are done once, however often they are sent.

use jiff::{SignedDuration, Timestamp};
use rusqlite::{OptionalExtension as _, params};

use super::{Store, StoreError, us};

/// How a request begins that carries a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begun {
    /// It is new: do it.
    New,
    /// It was done: this was the answer.
    Done {
        /// HTTP status.
        status: u16,
        /// The body.
        body: Vec<u8>,
    },
    /// The key was used for another request.
    Other,
    /// It was begun, and has not ended yet, or the server stopped in the middle of it.
    Open,
}

/// A request as it is kept: its fingerprint, and how it ended.
type Kept = ([u8; 32], Option<u16>, Option<Vec<u8>>);

/// How long an answer is kept.
const KEPT: SignedDuration = SignedDuration::from_hours(24);

impl Store {
    /// Begins the request that `owner` calls `key`.
    pub async fn begin_once(
        &self,
        (owner, key): ([u8; 32], String),
        fingerprint: [u8; 32],
        now: Timestamp,
    ) -> Result<Begun, StoreError> {
        self.write(move |db| {
            db.execute("delete from once where at_us < ?1", [us(now - KEPT)])?;
            let query = "select fingerprint, status, body from once where owner = ?1 and key = ?2";
            let row = |r: &rusqlite::Row<'_>| Ok((r.get(0)?, r.get(1)?, r.get(2)?));
            let found: Option<Kept> = db.query_row(query, params![owner, key], row).optional()?;
            Ok(match found {
                Some((before, ..)) if before != fingerprint => Begun::Other,
                Some((_, Some(status), Some(body))) => Begun::Done { status, body },
                Some(_) => Begun::Open,
                None => {
                    let insert = "insert into once (owner, key, fingerprint, at_us) values (?1, ?2, ?3, ?4)";
                    db.execute(insert, params![owner, key, fingerprint, us(now)])?;
                    Begun::New
                }
            })
        })
        .await
    }

    /// Keeps the answer; none: nothing was done, and the key is free again.
    pub async fn end_once(
        &self,
        (owner, key): ([u8; 32], String),
        answer: Option<(u16, Vec<u8>)>,
    ) -> Result<(), StoreError> {
        self.write(move |db| {
            match answer {
                Some((status, body)) => db.execute(
                    "update once set status = ?3, body = ?4 where owner = ?1 and key = ?2",
                    params![owner, key, status, body],
                )?,
                None => db.execute("delete from once where owner = ?1 and key = ?2", params![owner, key])?,
            };
            Ok(())
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::a_store;
    use super::*;

    #[tokio::test]
    async fn a_request_is_done_once() {
        let (_folder, store) = a_store();
        let now: Timestamp = "2026-11-25T12:00:00Z".parse().expect("instant");
        let begin = |key: &str, print: u8, now| store.begin_once(([1; 32], key.to_owned()), [print; 32], now);
        let end = |key: &str, answer| store.end_once(([1; 32], key.to_owned()), answer);
        assert_eq!(begin("a", 1, now).await.expect("begun"), Begun::New);
        assert_eq!(begin("a", 1, now).await.expect("begun"), Begun::Open);
        end("a", Some((201, b"x".to_vec()))).await.expect("ended");
        assert_eq!(
            begin("a", 1, now).await.expect("again"),
            Begun::Done { status: 201, body: b"x".to_vec() }
        );
        assert_eq!(begin("a", 2, now).await.expect("another"), Begun::Other);
        assert_eq!(begin("b", 2, now).await.expect("begun"), Begun::New);
        end("b", None).await.expect("nothing done");
        assert_eq!(begin("b", 3, now).await.expect("free again"), Begun::New);
        let later = now + SignedDuration::from_hours(25);
        assert_eq!(begin("a", 2, later).await.expect("forgotten"), Begun::New);
    }
}
