//! SQLite: schema, migrations, one writer, many readers; queries by domain.
//!
//! Invariants: a write is acknowledged only when it is on disk (group commit,
//! `synchronous = full`); readers never wait for the writer; no rule lives here.

mod airings;
mod audit;
mod chains;
mod evenings;
mod events;
mod hands;
mod identities;
mod journal;
mod log;
mod logged_studies;
mod once;
mod papers;
mod people;
mod persons;
mod places;
mod played;
mod readers;
mod second_factor;
mod seen;
mod sessions;
mod sign_ins;
mod studies;
mod terminals;
#[cfg(test)]
mod testing;
mod tokens;
mod uptime;
mod writer;

use std::path::{Path, PathBuf};

use rusqlite::Connection;

pub use chains::KnownChain;
pub use events::Event;
pub use log::Stretch;
pub use once::Begun;
pub use papers::StoredPaper;
pub use people::PeopleError;
pub use played::{PlayedDay, PlayedDays};
use readers::Readers;
pub use sign_ins::{Ended, LetIn};
pub use studies::{Correction, StoredStudy};
use writer::Writer;

/// What can go wrong with the store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// SQLite's error.
    #[error("{path}: {source}")]
    Sqlite {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: rusqlite::Error,
    },
    /// A query failed.
    #[error("the store: {0}")]
    Query(#[from] rusqlite::Error),
    /// A stored document is not what this version writes.
    #[error("the store holds a document that cannot be read: {0}")]
    Document(#[from] serde_json::Error),
    /// The file belongs to a later version.
    #[error(
        "{path} was written by a later version (schema {found}, this one knows {known}): install that version"
    )]
    Later {
        /// The file.
        path: PathBuf,
        /// Its schema.
        found: i64,
        /// The newest schema known here.
        known: i64,
    },
    /// The log's tree has a hole.
    #[error(
        "the log's tree has no hash where it should (level {level}, tile {index}): restore the store from a backup"
    )]
    Tile {
        /// The tile's level.
        level: u32,
        /// Its number there.
        index: u64,
    },
    /// The system gave no random numbers.
    #[error("the system gave no random numbers")]
    NoRandomness,
    /// The writer has stopped.
    #[error("the store is closed")]
    Closed,
}

/// A handle on the store; clones share it.
#[derive(Debug, Clone)]
pub struct Store {
    writer: std::sync::Arc<Writer>,
    readers: Readers,
}

/// Migrations in order; the schema's version is how many were applied.
const MIGRATIONS: &[&str] = &[
    include_str!("schema.sql"),
    include_str!("people.sql"),
    include_str!("terminals.sql"),
    include_str!("places.sql"),
    include_str!("tokens.sql"),
    include_str!("second_factor.sql"),
    include_str!("identity.sql"),
    include_str!("hand.sql"),
    include_str!("uptime.sql"),
    include_str!("review.sql"),
    include_str!("evening.sql"),
    include_str!("log.sql"),
    include_str!("study.sql"),
    include_str!("journal.sql"),
    include_str!("seen.sql"),
    include_str!("chain.sql"),
    include_str!("person.sql"),
    include_str!("covering.sql"),
];

impl Store {
    /// Opens or makes the store at `path` and brings its schema up to date.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let failed = |source| StoreError::Sqlite { path: path.to_owned(), source };
        let mut connection = Connection::open(path).map_err(failed)?;
        prepare(&connection).map_err(failed)?;
        migrate(&mut connection, path)?;
        let readers = Readers::open(path)?;
        Ok(Self { writer: std::sync::Arc::new(Writer::start(connection)), readers })
    }

    /// Runs `job` in the next commit; returns when it is on disk.
    async fn write<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.writer.write(job).await
    }

    /// Runs `job` on a read connection, away from the runtime's threads.
    async fn read<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let readers = self.readers.clone();
        tokio::task::spawn_blocking(move || readers.with(job)).await.map_err(|_| StoreError::Closed)?
    }
}

fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.busy_timeout(std::time::Duration::from_secs(10))
}

fn migrate(connection: &mut Connection, path: &Path) -> Result<(), StoreError> {
    let found: i64 = connection.pragma_query_value(None, "user_version", |r| r.get(0))?;
    let known = MIGRATIONS.len() as i64;
    if found > known {
        return Err(StoreError::Later { path: path.to_owned(), found, known });
    }
    for (i, sql) in MIGRATIONS.iter().enumerate().skip(found as usize) {
        let transaction = connection.transaction()?;
        transaction.execute_batch(sql)?;
        transaction.pragma_update(None, "user_version", i as i64 + 1)?;
        transaction.commit()?;
    }
    Ok(())
}

/// Microseconds since the epoch, as the store keeps instants.
fn us(at: jiff::Timestamp) -> i64 {
    at.as_microsecond()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_later_store_is_refused() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("s.db");
        drop(Store::open(&path).expect("made"));
        drop(Store::open(&path).expect("opened again"));
        let raw = Connection::open(&path).expect("open");
        raw.pragma_update(None, "user_version", 99).expect("set");
        assert!(matches!(Store::open(&path), Err(StoreError::Later { found: 99, .. })));
    }
}
