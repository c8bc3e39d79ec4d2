//! Uploads that survive the line, the browser and the server.
//!
//! A folder holds, for each, a record (`ID.json`) and what has come (`ID.part`), whose
//! length is how far it is. Whole, the part is moved into the inbox under its name;
//! a record without a part is of an upload that is whole.
//!
//! Invariants: what was acknowledged is on disk; nothing is in the inbox that is not
//! whole and, if its hash was said, right; one request writes at a time, the last one.

mod model;
mod shelf;
#[cfg(test)]
mod tests;
mod turn;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::io::{AsyncSeekExt as _, AsyncWriteExt as _};

use crate::base::{AccountId, Clock, DiskSpace, Shutdown};
use crate::config::County;

use super::inbox::lesson_id;
use super::tus::{Checksum, Summing, Wish};
use super::{Library, Package};
use model::MOST;
pub use model::{Upload, UploadError, UploadLimits};
use shelf::{Record, Shelf, at, is_id};
use turn::{Held, Turns};

/// Bytes are gathered to so many before they are written.
const BLOCK: usize = 1 << 20;

/// The uploads of a county; clones share them.
#[derive(Debug, Clone)]
pub struct Uploads {
    shelf: Shelf,
    library: Library,
    limits: UploadLimits,
    turns: Turns,
    /// One is begun at a time: room is counted for all.
    beginning: Arc<tokio::sync::Mutex<()>>,
}

impl Uploads {
    /// Uploads of a county.
    pub fn of(county: &County, library: Library) -> Self {
        let limits = UploadLimits {
            largest: county.uploads.max_size,
            kept_for: county.uploads.keep,
            least_free: county.recording.least_free,
        };
        Self::new(&county.media, library, limits)
    }

    /// Uploads into the inbox under `media`.
    pub fn new(media: &Path, library: Library, limits: UploadLimits) -> Self {
        let (folder, inbox) = (media.join("uploads"), media.join("inbox"));
        let shelf = Shelf { folder, inbox, kept_for: limits.kept_for };
        Self { shelf, library, limits, turns: Turns::default(), beginning: Arc::default() }
    }

    /// Its limits.
    pub fn limits(&self) -> UploadLimits {
        self.limits
    }

    /// Begins an upload of `length` bytes; its record is on disk then. `id` are random digits.
    pub async fn begin(
        &self,
        id: [u8; 16],
        (length, wish, metadata): (u64, Wish, String),
        owner: &AccountId,
        now: Timestamp,
    ) -> Result<Upload, UploadError> {
        let _one = self.beginning.lock().await;
        let id = hex::encode(id);
        let record =
            Record { length, wish, metadata, owner: owner.clone(), created: now, unverified_from: None };
        let this = self.clone();
        blocking(move || {
            this.may_begin(&record)?;
            let shelf = &this.shelf;
            let part = shelf.part(&id);
            fs::create_dir_all(&shelf.folder).map_err(at(&shelf.folder))?;
            fs::File::create(&part).and_then(|f| f.sync_all()).map_err(at(&part))?;
            shelf.save(&id, &record)?;
            shelf.upload(&id, shelf.settled(&id, record)?)
        })
        .await
    }

    async fn turn(&self, id: &str) -> Result<Held, UploadError> {
        if is_id(id) { Ok(self.turns.take(id).await) } else { Err(UploadError::Unknown) }
    }

    /// Looks every ten minutes for what nobody goes on with, until `stop`.
    pub async fn run(self, clock: Arc<dyn Clock>, stop: Shutdown) {
        loop {
            if let Err(error) = self.sweep(clock.now()).await {
                tracing::error!(%error, "the folder of uploads could not be tidied");
            }
            tokio::select! {
                () = stop.wait() => return,
                () = tokio::time::sleep(Duration::from_secs(600)) => {}
            }
        }
    }

    fn may_begin(&self, record: &Record) -> Result<(), UploadError> {
        let (length, largest) = (record.length, self.limits.largest);
        if length > largest {
            return Err(UploadError::TooLarge { length, largest });
        }
        if !record.wish.again {
            let catalogue = self.library.catalogue();
            let same =
                |package: &Package| record.wish.sha256.as_ref() == Some(&package.manifest.source_sha256);
            if let Some((id, _)) = catalogue.lessons().find(|(_, package)| same(package)) {
                return Err(UploadError::IsLesson(id.clone()));
            }
            let id = lesson_id(Path::new(&record.wish.name));
            if catalogue.lesson(&id).is_some() {
                return Err(UploadError::Replaces(id));
            }
        }
        if self.shelf.inbox.join(&record.wish.name).exists() {
            return Err(UploadError::NameTaken(record.wish.name.clone()));
        }
        let unfinished: Vec<_> = self.shelf.all()?.into_iter().filter(|(_, u)| !u.is_whole()).collect();
        if unfinished.iter().filter(|(owner, _)| *owner == record.owner).count() >= MOST {
            return Err(UploadError::TooMany);
        }
        let others: u64 = unfinished.iter().map(|(_, u)| u.length - u.offset).sum();
        let needed = length.saturating_add(others).saturating_add(self.limits.least_free);
        match DiskSpace::of(self.shelf.folder.parent().unwrap_or(&self.shelf.folder)) {
            Some(space) if space.free < needed => Err(UploadError::NoRoom { needed, free: space.free }),
            _ => Ok(()),
        }
    }

    /// How far an upload is. Whoever was writing it stops.
    pub async fn look(&self, id: &str, owner: &AccountId) -> Result<Upload, UploadError> {
        let (shelf, id, owner) = (self.shelf.clone(), id.to_owned(), owner.clone());
        let _turn = self.turn(&id).await?;
        blocking(move || {
            let record = shelf.record(&id, &owner)?;
            shelf.upload(&id, shelf.settled(&id, record)?)
        })
        .await
    }

    /// Those of one person, oldest first; nobody who writes is disturbed.
    pub async fn list(&self, owner: &AccountId) -> Result<Vec<Upload>, UploadError> {
        let (shelf, owner) = (self.shelf.clone(), owner.clone());
        blocking(move || Ok(shelf.all()?.into_iter().filter(|(o, _)| *o == owner).map(|(_, u)| u).collect()))
            .await
    }

    /// Goes on with an upload at `offset`. With `checksum`, all that is added counts or nothing.
    pub async fn write(
        &self,
        id: &str,
        owner: &AccountId,
        (offset, checksum): (u64, Option<Checksum>),
    ) -> Result<UploadWriter, UploadError> {
        let turn = self.turn(id).await?;
        let (shelf, id, owner) = (self.shelf.clone(), id.to_owned(), owner.clone());
        let prepared = move || {
            let record = shelf.record(&id, &owner)?;
            let mut record = shelf.settled(&id, record)?;
            let upload = shelf.upload(&id, record.clone())?;
            if upload.offset != offset || upload.is_whole() {
                return Err(UploadError::Offset(upload.offset));
            }
            if checksum.is_some() {
                record.unverified_from = Some(offset);
                shelf.save(&id, &record)?;
            }
            Ok((shelf, id, record))
        };
        let (shelf, id, record) = blocking(prepared).await?;
        let part = shelf.part(&id);
        let mut file = tokio::fs::File::options().write(true).open(&part).await.map_err(at(&part))?;
        file.set_max_buf_size(BLOCK);
        file.seek(io::SeekFrom::Start(offset)).await.map_err(at(&part))?;
        let sum = checksum.map(Checksum::begin);
        Ok(UploadWriter { shelf, id, record, turn, file, offset, sum, block: Vec::with_capacity(BLOCK) })
    }

    /// Ends an upload; what has come is removed.
    pub async fn end(&self, id: &str, owner: &AccountId) -> Result<(), UploadError> {
        let _turn = self.turn(id).await?;
        let (shelf, id, owner) = (self.shelf.clone(), id.to_owned(), owner.clone());
        blocking(move || {
            shelf.record(&id, &owner)?;
            shelf.remove(&id)
        })
        .await
    }

    /// Takes what came whole just before the server ended, and removes those to which
    /// nothing has come for too long.
    pub async fn sweep(&self, now: Timestamp) -> Result<(), UploadError> {
        let shelf = self.shelf.clone();
        let all = blocking(move || shelf.all()).await?;
        for (owner, upload) in all {
            if upload.expires < now {
                tracing::info!(
                    id = upload.id,
                    name = upload.name,
                    "an upload was given up: nothing came any more"
                );
                self.end(&upload.id, &owner).await?;
            } else if upload.is_whole() {
                self.look(&upload.id, &owner).await?;
            }
        }
        self.turns.tidy();
        Ok(())
    }
}

/// Adds to an upload. Dropped before [`UploadWriter::finish`], what was written stays,
/// unless a sum was to be looked at.
#[derive(Debug)]
pub struct UploadWriter {
    shelf: Shelf,
    id: String,
    record: Record,
    turn: Held,
    file: tokio::fs::File,
    offset: u64,
    sum: Option<Summing>,
    block: Vec<u8>,
}

impl UploadWriter {
    /// Ends when somebody else goes on with this upload.
    pub async fn superseded(&mut self) {
        self.turn.wanted().await;
    }

    /// Adds bytes.
    pub async fn add(&mut self, bytes: &[u8]) -> Result<(), UploadError> {
        if self.offset + bytes.len() as u64 > self.record.length {
            return Err(UploadError::TooMuch);
        }
        self.offset += bytes.len() as u64;
        if let Some(sum) = &mut self.sum {
            sum.add(bytes);
        }
        self.block.extend_from_slice(bytes);
        if self.block.len() >= BLOCK { self.flush().await } else { Ok(()) }
    }

    async fn flush(&mut self) -> Result<(), UploadError> {
        let written = self.file.write_all(&self.block).await;
        self.block.clear();
        written.map_err(at(&self.shelf.part(&self.id)))
    }

    /// What was added is on disk when this returns, unless its sum is wrong; an upload
    /// that is whole has been taken then. `all` came: else what has a sum is dropped.
    pub async fn finish(mut self, all: bool) -> Result<Upload, UploadError> {
        self.flush().await?;
        let part = self.shelf.part(&self.id);
        self.file.flush().await.map_err(at(&part))?;
        self.file.sync_all().await.map_err(at(&part))?;
        let Self { shelf, id, mut record, turn, sum, .. } = self;
        let finished = move || {
            // Until everything is settled nobody else has the turn.
            let _turn = turn;
            if let Some(sum) = sum {
                if !(all && sum.holds()) {
                    shelf.settled(&id, record)?;
                    return Err(UploadError::Changed);
                }
                record.unverified_from = None;
                shelf.save(&id, &record)?;
            }
            let record = shelf.settled(&id, record)?;
            shelf.upload(&id, record)
        };
        blocking(finished).await
    }
}

/// Runs `work` away from the runtime's threads.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, UploadError> + Send + 'static,
) -> Result<T, UploadError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => Err(UploadError::Io { path: PathBuf::new(), source: io::Error::other(error) }),
    }
}
