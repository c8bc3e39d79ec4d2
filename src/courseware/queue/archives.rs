//! Archives in the inbox: what is in them is put there in their place.
//!
//! Steps, so that a crash between any two takes nothing twice and loses nothing: the archive is
//! taken apart into a hidden folder (`.unpacking-…`); whole, that is called `.unpacked-…`; the
//! archive goes; the files go to the inbox, and the folder goes.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use crate::base::{DiskSpace, LessonId, WorkerProcess};
use crate::courseware::archive::{UnpackJob, UnpackLine};
use crate::courseware::inbox::{belonging_to, lesson_id, makes_lesson};
use crate::hls::Reason;

use super::{JobState, JobStatus, PATIENCE, Queue};

const UNPACKING: &str = ".unpacking-";
const UNPACKED: &str = ".unpacked-";
/// What is packed as films are may be so many times as large outside, and documents a little more.
const MOST_TIMES: u64 = 20;
const MOST_MORE: u64 = 100 << 20;
/// Bytes a second that the slowest disk takes.
const SLOWEST: u64 = 5_000_000;

impl Queue {
    /// Takes an archive apart. What cannot be done is said, in words, where people look.
    pub(super) async fn unpack(&self, file: &Path) {
        let name = file.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        let Some(own) = mark(file) else { return };
        let (unpacking, unpacked) =
            (self.inbox().join(format!("{UNPACKING}{own}")), self.inbox().join(format!("{UNPACKED}{own}")));
        self.archive_status(&name, JobState::Running, None);
        if !unpacked.exists() {
            match self.ask_to_unpack(file, &unpacking).await {
                Ok(UnpackLine::Unpacked { taken, left }) => {
                    tracing::info!(file = name, taken, left, "{name}: {taken} files, {left} left out");
                }
                Ok(UnpackLine::Refused { reason }) => return self.not_unpacked(file, &unpacking, reason),
                Err(detail) => return self.not_unpacked(file, &unpacking, Reason::Server { detail }),
            }
            if let Err(error) = settled(&unpacking, &unpacked) {
                let detail = format!("{}: {error}", unpacked.display());
                return self.not_unpacked(file, &unpacking, Reason::Server { detail });
            }
        }
        if let Err(error) = fs::remove_file(file) {
            tracing::error!(path = %file.display(), %error, "an archive that was taken apart cannot be removed");
            return;
        }
        self.jobs.rcu(|jobs| {
            let mut jobs = std::collections::BTreeMap::clone(jobs);
            jobs.remove(&lesson_id(file));
            jobs
        });
        self.put_out_of(&unpacked);
        self.bell.ring();
    }

    /// Forgets what an earlier run had half done.
    pub(super) fn forget_unpacking(&self) {
        for entry in fs::read_dir(self.inbox()).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.starts_with(UNPACKING) {
                remove_folder(&entry.path());
            }
        }
    }

    /// Puts out what was taken out of archives that are gone, and what had to wait: the folders
    /// of that name among `folders`.
    pub(super) fn put_out_all(&self, folders: &[PathBuf]) {
        let unpacked =
            |path: &PathBuf| Some(path.file_name()?.to_string_lossy().strip_prefix(UNPACKED)?.to_owned());
        for (folder, own) in folders.iter().filter_map(|path| Some((path, unpacked(path)?))) {
            let all = files_of(&self.inbox()).unwrap_or_default();
            // Else a crash came between: the archive goes first.
            if !all.iter().any(|path| path.is_file() && mark(path).as_ref() == Some(&own)) {
                self.put_out_of(folder);
            }
        }
    }

    async fn ask_to_unpack(&self, file: &Path, out: &Path) -> Result<UnpackLine, String> {
        remove_folder(out);
        fs::create_dir_all(out).map_err(|e| format!("{} cannot be made: {e}", out.display()))?;
        let length = fs::metadata(file).map_err(|e| format!("{}: {e}", file.display()))?.len();
        let free = DiskSpace::of(out).map_or(u64::MAX, |space| space.free / 10 * 9);
        let most = length.saturating_mul(MOST_TIMES).saturating_add(MOST_MORE).min(free);
        let job = UnpackJob { input: file.to_owned(), out: out.to_owned(), most };
        let mut worker = WorkerProcess::spawn("unpack", &job).await.map_err(|e| e.to_string())?;
        // It says one line, when all is on disk.
        let patience = PATIENCE + Duration::from_secs(most.min(length.saturating_mul(2)) / SLOWEST);
        let line = tokio::time::timeout(patience, worker.next_line()).await;
        match line.map_err(|_| "nothing was heard of it any more".to_owned())? {
            Some(line) => serde_json::from_str(&line).map_err(|e| e.to_string()),
            None => Ok(UnpackLine::Refused { reason: Reason::Damaged }),
        }
    }

    fn not_unpacked(&self, file: &Path, unpacking: &Path, reason: Reason) {
        remove_folder(unpacking);
        let name = file.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        self.reject(file, &reason);
        self.archive_status(&name, JobState::Failed, Some(reason));
    }

    /// The files of a folder go to the inbox, those that belong to a lesson before it. A lesson
    /// that is there already is not replaced unasked; what is called like a file that still lies
    /// in the inbox waits.
    fn put_out_of(&self, folder: &Path) {
        let mut files = match files_of(folder) {
            Ok(files) => files,
            Err(error) => {
                tracing::error!(path = %folder.display(), %error, "what was in an archive cannot be read");
                return;
            }
        };
        let catalogue = self.library.catalogue();
        let there: Vec<PathBuf> =
            files.iter().filter(|f| makes_lesson(f) && catalogue.has(&lesson_id(f))).cloned().collect();
        for lesson in &there {
            let id = lesson_id(lesson);
            self.turn_away(lesson, &belonging_to(lesson, files.iter()), &id);
        }
        if !there.is_empty() {
            files = files_of(folder).unwrap_or_default();
        }
        files.sort_by_key(|file| (makes_lesson(file), file.clone()));
        for file in &files {
            let target = self.inbox().join(file.file_name().unwrap_or_default());
            if target.exists() {
                continue;
            }
            if let Err(error) = fs::rename(file, &target) {
                tracing::error!(path = %file.display(), %error, "a file of an archive could not be put out");
            }
        }
        // It is empty, unless something waits.
        let _ = fs::remove_dir(folder);
    }

    fn turn_away(&self, lesson: &Path, side: &[PathBuf], id: &LessonId) {
        let reason = Reason::LessonThere { lesson: id.to_string() };
        let name = lesson.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        for file in side {
            super::move_into(file, &self.media.join("rejected"));
        }
        self.reject(lesson, &reason);
        self.archive_status(&name, JobState::Failed, Some(reason));
    }

    fn archive_status(&self, name: &str, state: JobState, reason: Option<Reason>) {
        let lesson = lesson_id(Path::new(name));
        let file = name.to_owned();
        self.set_status(JobStatus { lesson, file, state, percent: 0.0, playable: false, left: None, reason });
    }
}

/// By what an archive is known; another one of the same name is another one.
fn mark(file: &Path) -> Option<String> {
    let is = fs::metadata(file).and_then(|meta| Ok((meta.len(), meta.modified()?))).ok()?;
    Some(hex::encode(&Sha256::digest(format!("{:?} {is:?}", file.file_name()))[..8]))
}

/// What was taken out is whole: it gets the name that says so, and is on disk under it.
fn settled(unpacking: &Path, unpacked: &Path) -> io::Result<()> {
    fs::File::open(unpacking)?.sync_all()?;
    fs::rename(unpacking, unpacked)?;
    fs::File::open(unpacked.parent().unwrap_or(unpacked))?.sync_all()
}

fn files_of(folder: &Path) -> io::Result<Vec<PathBuf>> {
    fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect()
}

fn remove_folder(folder: &Path) {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            tracing::error!(path = %folder.display(), %error, "a folder cannot be removed");
        }
        _ => {}
    }
}
