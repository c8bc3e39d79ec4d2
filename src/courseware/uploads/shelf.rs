//! Uploads on disk.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::base::{AccountId, move_file, replace_file, sha256_of};
use crate::courseware::Library;
use crate::courseware::inbox::{lesson_id, makes_lesson};
use crate::courseware::tus::Wish;

use super::model::{Upload, UploadError};
use super::{Uploads, blocking};

impl Uploads {
    /// Names of what has begun to come and is not whole.
    pub async fn on_their_way(&self) -> Result<Vec<String>, UploadError> {
        let shelf = self.shelf.clone();
        let all = blocking(move || shelf.all()).await?;
        Ok(all.into_iter().filter(|(_, u)| !u.is_whole()).map(|(record, _)| record.wish.name).collect())
    }
}

/// An upload, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct Record {
    pub(super) length: u64,
    pub(super) wish: Wish,
    /// `Upload-Metadata` as it came: it is told again.
    pub(super) metadata: String,
    pub(super) owner: AccountId,
    pub(super) created: Timestamp,
    /// Bytes from here on came with a sum that was not looked at yet.
    pub(super) unverified_from: Option<u64>,
    /// The system that sends it in the owner's name; empty: himself.
    pub(super) via: String,
    /// Its name in the inbox, once it was taken there.
    pub(super) taken: Option<String>,
    /// That it was taken stands in the audit log.
    pub(super) noted: bool,
}

/// The folder of uploads, and the inbox they go to.
#[derive(Debug, Clone)]
pub(super) struct Shelf {
    pub(super) folder: PathBuf,
    pub(super) inbox: PathBuf,
    /// What becomes of it, and must not be replaced unasked.
    pub(super) library: Library,
    /// Where nothing more comes, an upload goes after so long.
    pub(super) kept_for: Duration,
}

impl Shelf {
    /// Every upload with its record, oldest first.
    pub(super) fn all(&self) -> Result<Vec<(Record, Upload)>, UploadError> {
        let mut all = Vec::new();
        for path in entries(&self.folder).map_err(at(&self.folder))? {
            let id = path.file_name().and_then(|n| n.to_str()?.strip_suffix(".json"));
            let Some(id) = id.filter(|id| is_id(id)) else { continue };
            // It may have been ended meanwhile.
            let Ok(record) = self.read(id) else { continue };
            all.extend(self.upload(id, record.clone()).ok().map(|upload| (record, upload)));
        }
        all.sort_by(|(_, a), (_, b)| (a.created, &a.id).cmp(&(b.created, &b.id)));
        Ok(all)
    }

    /// Names of what is in the inbox.
    pub(super) fn in_inbox(&self) -> Result<Vec<String>, UploadError> {
        let paths = entries(&self.inbox).map_err(at(&self.inbox))?;
        let names = paths.iter().filter_map(|p| Some(p.file_name()?.to_string_lossy().into_owned()));
        Ok(names.filter(|name| !name.starts_with('.')).collect())
    }

    fn staged(&self, id: &str) -> PathBuf {
        self.inbox.join(format!(".{id}.part"))
    }

    pub(super) fn part(&self, id: &str) -> PathBuf {
        self.folder.join(format!("{id}.part"))
    }

    fn record_path(&self, id: &str) -> PathBuf {
        self.folder.join(format!("{id}.json"))
    }

    pub(super) fn read(&self, id: &str) -> Result<Record, UploadError> {
        let path = self.record_path(id);
        match fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|e| at(&path)(io::Error::other(e))),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Err(UploadError::Unknown),
            Err(e) => Err(at(&path)(e)),
        }
    }

    pub(super) fn record(&self, id: &str, owner: &AccountId) -> Result<Record, UploadError> {
        let record = self.read(id)?;
        if record.owner == *owner { Ok(record) } else { Err(UploadError::Unknown) }
    }

    pub(super) fn save(&self, id: &str, record: &Record) -> Result<(), UploadError> {
        let path = self.record_path(id);
        let bytes = serde_json::to_vec(record).map_err(|e| at(&path)(io::Error::other(e)))?;
        replace_file(&path, &bytes).map_err(at(&path))
    }

    /// The record as it is once bytes whose sum nobody has looked at are dropped, and what
    /// is whole is taken in; whoever calls has the turn.
    pub(super) fn settled(&self, id: &str, mut record: Record) -> Result<Record, UploadError> {
        if record.taken.is_some() {
            return Ok(record);
        }
        let part = self.part(id);
        let file = match fs::File::options().write(true).open(&part) {
            Ok(file) => file,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return self.take_in(id, record),
            Err(e) => return Err(at(&part)(e)),
        };
        let unverified = record.unverified_from.take();
        if let Some(from) = unverified
            && file.metadata().map_err(at(&part))?.len() > from
        {
            file.set_len(from).map_err(at(&part))?;
        }
        // What is told to be here stays, whatever becomes of the machine.
        file.sync_all().map_err(at(&part))?;
        if unverified.is_some() {
            self.save(id, &record)?;
        }
        if file.metadata().map_err(at(&part))?.len() < record.length {
            return Ok(record);
        }
        if let Some(wanted) = &record.wish.sha256
            && sha256_of(&part).map_err(at(&part))? != *wanted
        {
            self.remove(id)?;
            return Err(UploadError::Wrong);
        }
        self.stage(id)?;
        self.take_in(id, record)
    }

    pub(super) fn upload(&self, id: &str, record: Record) -> Result<Upload, UploadError> {
        let part = there(&self.part(id))?;
        let offset = match (&record.taken, &part) {
            (None, Some(part)) => part.len().min(record.unverified_from.unwrap_or(u64::MAX)),
            _ => record.length,
        };
        let files = [part, there(&self.staged(id))?, there(&self.record_path(id))?];
        let changed = files.into_iter().flatten().next().and_then(|meta| meta.modified().ok());
        let changed = changed.and_then(|t| Timestamp::try_from(t).ok()).unwrap_or(record.created);
        let kept = SignedDuration::try_from(self.kept_for).unwrap_or(SignedDuration::MAX);
        Ok(Upload {
            id: id.to_owned(),
            name: record.wish.name,
            length: record.length,
            offset,
            metadata: record.metadata,
            sha256: record.wish.sha256,
            created: record.created,
            expires: changed.checked_add(kept).unwrap_or(Timestamp::MAX),
        })
    }

    /// Moves what is whole beside its place in the inbox, hidden.
    fn stage(&self, id: &str) -> Result<(), UploadError> {
        let (part, staged) = (self.part(id), self.staged(id));
        fs::create_dir_all(&self.inbox).map_err(at(&self.inbox))?;
        // The inbox may be a share of its own.
        move_file(&part, &staged).map_err(at(&part))
    }

    /// Gives what is staged its name, its titles first. Every step may be the last before
    /// a crash: nothing staged means that it has its name already.
    fn take_in(&self, id: &str, mut record: Record) -> Result<Record, UploadError> {
        let staged = self.staged(id);
        let mut name = record.wish.name.clone();
        if staged.exists() {
            name = self.free_name(&record.wish);
            let target = self.inbox.join(&name);
            let titles = target.with_extension("toml");
            // A file of titles that came by itself says more.
            if !record.wish.titles.0.is_empty() && !titles.exists() {
                let text =
                    toml::to_string(&record.wish.titles).map_err(|e| at(&titles)(io::Error::other(e)))?;
                replace_file(&titles, text.as_bytes()).map_err(at(&titles))?;
            }
            rename_to_nothing(&staged, &target).map_err(at(&target))?;
            if let Err(error) = fs::File::open(&self.inbox).and_then(|folder| folder.sync_all()) {
                // Some shares cannot say when a name is on disk.
                tracing::warn!(path = %self.inbox.display(), %error, "a folder could not be synced");
            }
            tracing::info!(id, name, bytes = record.length, "an upload is whole");
        }
        record.taken = Some(name);
        self.save(id, &record)?;
        Ok(record)
    }

    /// The name it was given; one that is another lesson's, or another file's, is `name-2`.
    fn free_name(&self, wish: &Wish) -> String {
        let path = Path::new(&wish.name);
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        let ending = path.extension().unwrap_or_default().to_string_lossy();
        let mut all = std::iter::once(wish.name.clone()).chain((2..).map(|n| format!("{stem}-{n}.{ending}")));
        let catalogue = self.library.catalogue();
        let is_free = |name: &String| {
            let path = Path::new(name);
            let replaces = makes_lesson(path) && catalogue.has(&lesson_id(path));
            !self.inbox.join(name).exists() && (wish.again || !replaces)
        };
        all.find(is_free).unwrap_or_else(|| wish.name.clone())
    }

    pub(super) fn remove(&self, id: &str) -> Result<(), UploadError> {
        // The record first: one without a part would be taken for an upload that is whole.
        for path in [self.record_path(id), self.part(id), self.staged(id)] {
            match fs::remove_file(&path) {
                Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(at(&path)(e)),
                _ => {}
            }
        }
        Ok(())
    }

    /// Removes parts whose record a crash took first.
    pub(super) fn remove_orphans(&self, now: Timestamp) -> io::Result<()> {
        for path in entries(&self.folder)? {
            let Some(id) = path.file_name().and_then(|n| n.to_str()?.strip_suffix(".part")) else { continue };
            let age = fs::metadata(&path)?
                .modified()
                .map(|t| Timestamp::try_from(t).map(|t| now.duration_since(t)));
            let is_old = matches!(age, Ok(Ok(age)) if age > SignedDuration::from_hours(1));
            if is_id(id) && is_old && !self.record_path(id).exists() {
                fs::remove_file(&path)?;
            }
        }
        Ok(())
    }
}

/// What is known of a file, if there is one.
fn there(path: &Path) -> Result<Option<fs::Metadata>, UploadError> {
    match fs::metadata(path) {
        Ok(meta) => Ok(Some(meta)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(at(path)(e)),
    }
}

/// The paths in a folder; none where there is none.
fn entries(folder: &Path) -> io::Result<Vec<PathBuf>> {
    match fs::read_dir(folder) {
        Ok(entries) => Ok(entries.filter_map(|e| Some(e.ok()?.path())).collect()),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(e) => Err(e),
    }
}

/// Renames, unless something is there already.
fn rename_to_nothing(from: &Path, to: &Path) -> io::Result<()> {
    use nix::errno::Errno;
    use nix::fcntl::{AT_FDCWD, RenameFlags, renameat2};
    match renameat2(AT_FDCWD, from, AT_FDCWD, to, RenameFlags::RENAME_NOREPLACE) {
        // Shares of other machines may know no such renaming; its name was free just now.
        Err(Errno::EINVAL | Errno::ENOSYS | Errno::EOPNOTSUPP) => fs::rename(from, to),
        renamed => renamed.map_err(io::Error::from),
    }
}

pub(super) fn at(path: &Path) -> impl FnOnce(io::Error) -> UploadError + use<> {
    let path = path.to_owned();
    move |source| UploadError::Io { path, source }
}

pub(super) fn is_id(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}
