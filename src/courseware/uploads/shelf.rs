//! Uploads on disk.

use std::fs;
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use sha2::{Digest as _, Sha256};

use crate::base::{AccountId, replace_file};
use crate::courseware::tus::Wish;

use super::model::{Upload, UploadError};

/// Read at once.
const BLOCK: usize = 1 << 20;

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
    #[serde(default)]
    pub(super) unverified_from: Option<u64>,
}

/// The folder of uploads, and the inbox they go to.
#[derive(Debug, Clone)]
pub(super) struct Shelf {
    pub(super) folder: PathBuf,
    pub(super) inbox: PathBuf,
    /// Where nothing more comes, an upload goes after so long.
    pub(super) kept_for: Duration,
}

impl Shelf {
    pub(super) fn all(&self) -> Result<Vec<(AccountId, Upload)>, UploadError> {
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(e) => return Err(at(&self.folder)(e)),
        };
        let mut all = Vec::new();
        for entry in entries.filter_map(Result::ok) {
            let name = entry.file_name().to_string_lossy().into_owned();
            let Some(id) = name.strip_suffix(".json").filter(|id| is_id(id)) else { continue };
            // It may have been ended meanwhile.
            let Ok(record) = self.read(id) else { continue };
            let owner = record.owner.clone();
            all.extend(self.upload(id, record).ok().map(|upload| (owner, upload)));
        }
        all.sort_by(|(_, a), (_, b)| (a.created, &a.id).cmp(&(b.created, &b.id)));
        Ok(all)
    }

    pub(super) fn part(&self, id: &str) -> PathBuf {
        self.folder.join(format!("{id}.part"))
    }

    fn record_path(&self, id: &str) -> PathBuf {
        self.folder.join(format!("{id}.json"))
    }

    fn read(&self, id: &str) -> Result<Record, UploadError> {
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

    /// The record without bytes whose sum nobody has looked at; whoever calls has the turn.
    pub(super) fn settled(&self, id: &str, mut record: Record) -> Result<Record, UploadError> {
        let part = self.part(id);
        if let Some(from) = record.unverified_from.take() {
            let file = fs::File::options().write(true).open(&part).map_err(at(&part))?;
            if file.metadata().map_err(at(&part))?.len() > from {
                file.set_len(from).map_err(at(&part))?;
            }
            file.sync_all().map_err(at(&part))?;
            self.save(id, &record)?;
        } else if let Ok(file) = fs::File::open(&part) {
            // What is told to be here stays, whatever becomes of the machine.
            file.sync_all().map_err(at(&part))?;
            let length = file.metadata().map_err(at(&part))?.len();
            if length == record.length {
                self.take_in(id, &record)?;
            }
        }
        Ok(record)
    }

    pub(super) fn upload(&self, id: &str, record: Record) -> Result<Upload, UploadError> {
        let part = self.part(id);
        let (offset, changed) = match fs::metadata(&part) {
            Ok(meta) => (meta.len().min(record.unverified_from.unwrap_or(u64::MAX)), meta.modified().ok()),
            // It was moved: it is whole.
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                (record.length, fs::metadata(self.record_path(id)).and_then(|m| m.modified()).ok())
            }
            Err(e) => return Err(at(&part)(e)),
        };
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

    /// Moves what is whole into the inbox, its titles first.
    fn take_in(&self, id: &str, record: &Record) -> Result<(), UploadError> {
        let part = self.part(id);
        if let Some(wanted) = &record.wish.sha256
            && hash(&part).map_err(at(&part))? != *wanted
        {
            self.remove(id)?;
            return Err(UploadError::Wrong);
        }
        fs::create_dir_all(&self.inbox).map_err(at(&self.inbox))?;
        // A crash came between the two steps below: it is there, or was taken from there.
        if fs::metadata(&part).map_err(at(&part))?.nlink() > 1 {
            return fs::remove_file(&part).map_err(at(&part));
        }
        let target = free_name(&self.inbox, &record.wish.name);
        if !record.wish.titles.0.is_empty() {
            let titles = target.with_extension("toml");
            // A file of titles that came by itself says more.
            if !titles.exists() {
                let text =
                    toml::to_string(&record.wish.titles).map_err(|e| at(&titles)(io::Error::other(e)))?;
                replace_file(&titles, text.as_bytes()).map_err(at(&titles))?;
            }
        }
        // Neither replaces what somebody put there meanwhile.
        match fs::hard_link(&part, &target) {
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {
                return Err(UploadError::NameTaken(record.wish.name.clone()));
            }
            // Shares of other machines may know no links, or lie elsewhere.
            Err(_) => copy_whole(&part, &target).map_err(at(&target))?,
            Ok(()) => {}
        }
        let synced = fs::File::open(&self.inbox).and_then(|folder| folder.sync_all());
        synced.map_err(at(&self.inbox))?;
        fs::remove_file(&part).map_err(at(&part))?;
        tracing::info!(id, name = record.wish.name, bytes = record.length, "an upload is whole");
        Ok(())
    }

    pub(super) fn remove(&self, id: &str) -> Result<(), UploadError> {
        // The part first: a record without one is taken for an upload that is whole, which
        // goes by itself; a part without a record would stay for ever.
        for path in [self.part(id), self.record_path(id)] {
            match fs::remove_file(&path) {
                Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(at(&path)(e)),
                _ => {}
            }
        }
        Ok(())
    }
}

/// A path that is free: a second file of a name is called `name-2`.
fn free_name(folder: &Path, name: &str) -> PathBuf {
    let path = Path::new(name);
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let ending = path.extension().unwrap_or_default().to_string_lossy();
    let mut all = std::iter::once(name.to_owned()).chain((2..).map(|n| format!("{stem}-{n}.{ending}")));
    let free = all.find(|name| !folder.join(name).exists());
    folder.join(free.unwrap_or_else(|| name.to_owned()))
}

fn copy_whole(from: &Path, to: &Path) -> io::Result<()> {
    // Hidden: the inbox is not looked at for such.
    let hidden = to.with_file_name(format!(".{}", to.file_name().unwrap_or_default().to_string_lossy()));
    fs::copy(from, &hidden)?;
    fs::File::open(&hidden)?.sync_all()?;
    fs::rename(&hidden, to)
}

fn hash(path: &Path) -> io::Result<String> {
    let (mut file, mut sum, mut block) = (fs::File::open(path)?, Sha256::new(), vec![0; BLOCK]);
    loop {
        match file.read(&mut block)? {
            0 => return Ok(hex::encode(sum.finalize())),
            n => sum.update(&block[..n]),
        }
    }
}

pub(super) fn at(path: &Path) -> impl FnOnce(io::Error) -> UploadError + use<> {
    let path = path.to_owned();
    move |source| UploadError::Io { path, source }
}

pub(super) fn is_id(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}
