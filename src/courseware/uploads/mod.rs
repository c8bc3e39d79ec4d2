//! Uploads that survive the line, the browser and the server.
//!
//! A folder holds, for each, a record (`ID.json`) and what has come (`ID.part`), whose
//! length is how far it is. Whole, the part is moved into the inbox, hidden, and then
//! given its name there.
//!
//! Invariants: what was acknowledged is on disk; nothing is seen in the inbox that is not
//! whole and, if its hash was said, right; it is taken once, whatever crashes; no lesson
//! is replaced unasked; one request writes at a time, the last one.

mod model;
mod shelf;
#[cfg(test)]
mod tests;
mod turn;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use tokio::io::{AsyncSeekExt as _, AsyncWriteExt as _};
use tokio::sync::Notify;

use crate::base::{AccountId, DiskSpace};
use crate::config::County;

use super::inbox::{lesson_id, makes_lesson};
use super::tus::{Checksum, Summing, Wish};
use super::{Library, Package};
use model::MOST;
pub use model::{Arrival, Upload, UploadError, UploadLimits};
use shelf::{Record, Shelf, at, is_id};
use turn::{Held, Turns};

/// Bytes are gathered to so many before they are written.
const BLOCK: usize = 1 << 20;

/// The uploads of a county; clones share them.
#[derive(Debug, Clone)]
pub struct Uploads {
    shelf: Shelf,
    limits: UploadLimits,
    turns: Turns,
    /// One is begun at a time: room is counted for all.
    beginning: Arc<tokio::sync::Mutex<()>>,
    /// Something came whole.
    news: Arc<Notify>,
}

impl Uploads {
    /// Uploads of a county.
    pub fn of(county: &County, library: Library) -> Self {
        let limits = UploadLimits {
            largest: county.uploads.max_size,
            per_day: county.uploads.per_day,
            kept_for: county.uploads.keep,
            least_free: county.recording.least_free,
        };
        Self::new(&county.media, library, limits)
    }

    /// Uploads into the inbox under `media`.
    pub fn new(media: &Path, library: Library, limits: UploadLimits) -> Self {
        let (folder, inbox) = (media.join("uploads"), media.join("inbox"));
        let shelf = Shelf { folder, inbox, library, kept_for: limits.kept_for };
        Self { shelf, limits, turns: Turns::default(), beginning: Arc::default(), news: Arc::default() }
    }

    /// Its limits.
    pub fn limits(&self) -> UploadLimits {
        self.limits
    }

    /// Begins an upload of `length` bytes; its record is on disk then. `id` are random digits.
    /// One of the same file of which nothing has come is begun again, under the `id` it has.
    pub async fn begin(
        &self,
        id: [u8; 16],
        (length, wish, metadata): (u64, Wish, String),
        (owner, via): (&AccountId, &str),
        now: Timestamp,
    ) -> Result<Upload, UploadError> {
        let one = Arc::clone(&self.beginning).lock_owned().await;
        let record = Record {
            length,
            wish,
            metadata,
            owner: owner.clone(),
            created: now,
            unverified_from: None,
            via: via.to_owned(),
            taken: None,
            noted: false,
        };
        let this = self.clone();
        blocking(move || {
            let _one = one;
            let id = this.may_begin(&record)?.unwrap_or_else(|| hex::encode(id));
            let shelf = &this.shelf;
            let part = shelf.part(&id);
            fs::create_dir_all(&shelf.folder).map_err(at(&shelf.folder))?;
            fs::File::create(&part).and_then(|f| f.sync_all()).map_err(at(&part))?;
            shelf.save(&id, &record)?;
            let upload = shelf.upload(&id, shelf.settled(&id, record)?)?;
            this.tell(&upload);
            Ok(upload)
        })
        .await
    }

    async fn turn(&self, id: &str) -> Result<Held, UploadError> {
        if is_id(id) { Ok(self.turns.take(id).await) } else { Err(UploadError::Unknown) }
    }

    /// Ends when something has come whole since it was last asked.
    pub async fn news(&self) {
        self.news.notified().await;
    }

    fn tell(&self, upload: &Upload) {
        if upload.is_whole() {
            self.news.notify_one();
        }
    }

    /// What was taken and was not [noted](Self::noted) yet.
    pub async fn arrivals(&self) -> Result<Vec<Arrival>, UploadError> {
        let shelf = self.shelf.clone();
        let all = blocking(move || shelf.all()).await?;
        let arrived = all.into_iter().filter(|(record, _)| !record.noted).filter_map(|(record, upload)| {
            let (owner, via, sha256) = (record.owner, record.via, record.wish.sha256);
            Some(Arrival { id: upload.id, owner, via, name: record.taken?, sha256 })
        });
        Ok(arrived.collect())
    }

    /// That an upload was taken stands where it is to stand.
    pub async fn noted(&self, id: &str) -> Result<(), UploadError> {
        let (turn, shelf, id) = (self.turn(id).await?, self.shelf.clone(), id.to_owned());
        blocking(move || {
            let _turn = turn;
            let record = Record { noted: true, ..shelf.read(&id)? };
            shelf.save(&id, &record)
        })
        .await
    }

    /// True if nothing speaks against `record`; the upload that is to be begun again.
    fn may_begin(&self, record: &Record) -> Result<Option<String>, UploadError> {
        let (wish, length, largest) = (&record.wish, record.length, self.limits.largest);
        if length > largest {
            return Err(UploadError::TooLarge { length, largest });
        }
        let name = Path::new(&wish.name);
        if !wish.again {
            let catalogue = self.shelf.library.catalogue();
            let same = |package: &Package| wish.sha256.as_ref() == Some(&package.manifest.source_sha256);
            if let Some((id, _)) = catalogue.shelf().find(|(_, package)| same(package)) {
                return Err(UploadError::IsLesson(id.clone()));
            }
            let id = lesson_id(name);
            if makes_lesson(name) && catalogue.has(&id) {
                return Err(UploadError::Replaces(id));
            }
        }
        let all = self.shelf.all()?;
        let unfinished: Vec<_> = all.iter().filter(|(_, upload)| !upload.is_whole()).collect();
        let mine = |other: &Record| {
            let same_bytes = wish.sha256.is_some() || wish.name == other.wish.name;
            other.owner == record.owner
                && other.length == length
                && other.wish.sha256 == wish.sha256
                && same_bytes
        };
        if let Some((_, upload)) = unfinished.iter().find(|(other, _)| mine(other)) {
            // Nobody heard that it was begun, or somebody has it already.
            return if upload.offset == 0 {
                Ok(Some(upload.id.clone()))
            } else {
                Err(UploadError::Begun(upload.id.clone()))
            };
        }
        let on_their_way = unfinished.iter().map(|(other, _)| other.wish.name.clone());
        if on_their_way.chain(self.shelf.in_inbox()?).any(|other| is_same_place(name, Path::new(&other))) {
            return Err(UploadError::NameTaken(wish.name.clone()));
        }
        if unfinished.iter().filter(|(other, _)| other.owner == record.owner).count() >= MOST {
            return Err(UploadError::TooMany);
        }
        self.has_quota(record, &all)?;
        let others: u64 = unfinished.iter().map(|(_, upload)| upload.length - upload.offset).sum();
        let needed = length.saturating_add(others).saturating_add(self.limits.least_free);
        match DiskSpace::of(self.shelf.folder.parent().unwrap_or(&self.shelf.folder)) {
            Some(space) if space.free < needed => Err(UploadError::NoRoom { needed, free: space.free }),
            _ => Ok(None),
        }
    }

    /// True to the day: what a person has begun within the last 24 hours counts, whole or not.
    fn has_quota(&self, record: &Record, all: &[(Record, Upload)]) -> Result<(), UploadError> {
        let day = SignedDuration::from_hours(24);
        let recent = |other: &&Record| other.owner == record.owner && other.created > record.created - day;
        let mut mine: Vec<&Record> = all.iter().map(|(other, _)| other).filter(recent).collect();
        let done: u64 = mine.iter().map(|other| other.length).sum();
        let most = self.limits.per_day;
        if done.saturating_add(record.length) <= most {
            return Ok(());
        }
        mine.sort_by_key(|other| other.created);
        let mut left = done;
        let enough = mine.iter().find(|other| {
            left -= other.length;
            left.saturating_add(record.length) <= most
        });
        let wait = enough.map_or(day, |other| day - record.created.duration_since(other.created)).as_secs();
        Err(UploadError::MuchToday { done, most, wait })
    }

    /// How far an upload is. Whoever was writing it stops.
    pub async fn look(&self, id: &str, owner: &AccountId) -> Result<Upload, UploadError> {
        let turn = self.turn(id).await?;
        let (this, id, owner) = (self.clone(), id.to_owned(), owner.clone());
        blocking(move || {
            // Whoever asked may be gone before this ends.
            let _turn = turn;
            let record = this.shelf.record(&id, &owner)?;
            let upload = this.shelf.upload(&id, this.shelf.settled(&id, record)?)?;
            this.tell(&upload);
            Ok(upload)
        })
        .await
    }

    /// Those of one person, oldest first; nobody who writes is disturbed.
    pub async fn list(&self, owner: &AccountId) -> Result<Vec<Upload>, UploadError> {
        let (shelf, owner) = (self.shelf.clone(), owner.clone());
        let mine =
            move || Ok(shelf.all()?.into_iter().filter(|(r, _)| r.owner == owner).map(|(_, u)| u).collect());
        blocking(mine).await
    }

    /// Goes on with an upload at `offset`. With `checksum`, all that is added counts or nothing.
    pub async fn write(
        &self,
        id: &str,
        owner: &AccountId,
        (offset, checksum): (u64, Option<Checksum>),
    ) -> Result<UploadWriter, UploadError> {
        let turn = self.turn(id).await?;
        let (this, id, owner) = (self.clone(), id.to_owned(), owner.clone());
        let prepared = move || {
            let shelf = &this.shelf;
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
            Ok((this, id, record, turn))
        };
        let (uploads, id, record, turn) = blocking(prepared).await?;
        let part = uploads.shelf.part(&id);
        let mut file = tokio::fs::File::options().write(true).open(&part).await.map_err(at(&part))?;
        file.set_max_buf_size(BLOCK);
        file.seek(io::SeekFrom::Start(offset)).await.map_err(at(&part))?;
        let sum = checksum.map(Checksum::begin);
        Ok(UploadWriter { uploads, id, record, turn, file, offset, sum, block: Vec::with_capacity(BLOCK) })
    }

    /// Ends an upload; what has come is removed.
    pub async fn end(&self, id: &str, owner: &AccountId) -> Result<(), UploadError> {
        let turn = self.turn(id).await?;
        let (shelf, id, owner) = (self.shelf.clone(), id.to_owned(), owner.clone());
        blocking(move || {
            let _turn = turn;
            shelf.record(&id, &owner)?;
            shelf.remove(&id)
        })
        .await
    }

    /// Takes what came whole just before the server ended, and removes those to which
    /// nothing has come for too long. What cannot be done is said, and the rest is.
    pub async fn sweep(&self, now: Timestamp) -> Result<(), UploadError> {
        let shelf = self.shelf.clone();
        let all = blocking(move || {
            shelf.remove_orphans(now).map_err(at(&shelf.folder))?;
            shelf.all()
        });
        for (Record { owner, taken, .. }, upload) in all.await? {
            let done = if upload.is_whole() && taken.is_none() {
                self.look(&upload.id, &owner).await.map(drop)
            } else if upload.expires < now {
                tracing::info!(id = upload.id, name = upload.name, "an upload goes: nothing came any more");
                self.end(&upload.id, &owner).await
            } else {
                Ok(())
            };
            if let Err(error) = done {
                tracing::error!(id = upload.id, name = upload.name, %error, "an upload could not be tidied");
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
    uploads: Uploads,
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
        written.map_err(at(&self.uploads.shelf.part(&self.id)))
    }

    /// What was added is on disk when this returns, unless its sum is wrong; an upload
    /// that is whole has been taken then. `all` came: else what has a sum is dropped.
    pub async fn finish(mut self, all: bool) -> Result<Upload, UploadError> {
        self.flush().await?;
        let part = self.uploads.shelf.part(&self.id);
        self.file.flush().await.map_err(at(&part))?;
        self.file.sync_all().await.map_err(at(&part))?;
        let Self { uploads, id, mut record, turn, sum, .. } = self;
        let finished = move || {
            let shelf = &uploads.shelf;
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
            let upload = shelf.upload(&id, shelf.settled(&id, record)?)?;
            uploads.tell(&upload);
            Ok(upload)
        };
        blocking(finished).await
    }
}

/// True if both would be the same lesson, or are called alike.
fn is_same_place(name: &Path, other: &Path) -> bool {
    name == other || (makes_lesson(name) && makes_lesson(other) && lesson_id(name) == lesson_id(other))
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
