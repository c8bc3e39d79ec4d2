//! What the library holds.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use arc_swap::ArcSwap;
use jiff::Timestamp;

use crate::base::{LessonId, replace_file};
use crate::hls::{About, Manifest};

use super::hold::{self, Hold};
use super::search::fold;

/// A library that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {source}")]
pub struct LibraryError {
    /// The folder.
    pub path: PathBuf,
    /// The cause.
    pub source: std::io::Error,
}

/// A package and where it lies.
#[derive(Debug, Clone)]
pub struct Package {
    /// What it holds.
    pub manifest: Arc<Manifest>,
    /// Its folder.
    pub folder: PathBuf,
    /// The lesson whose package on offer it is; none for one that is held, or that was
    /// replaced and may still be on air.
    pub lesson: Option<LessonId>,
    /// The lesson it is of and why it is not on offer, if it is held.
    pub held: Option<(LessonId, Hold)>,
    /// The inode of each of its media: another one of the name is another version's.
    pub inodes: BTreeMap<String, u64>,
    /// When it was made, or given other titles; none where the disk does not say.
    pub updated: Option<Timestamp>,
    /// What it is found by, [folded](super::fold): its titles, its name, what else is said of it.
    pub words: String,
}

/// An immutable view of the library.
#[derive(Debug, Clone, Default)]
pub struct Catalogue {
    /// Every package: current ones, in the order of their lessons, before all others.
    pub packages: Vec<Arc<Package>>,
}

impl Catalogue {
    /// The current package of a lesson.
    pub fn lesson(&self, id: &LessonId) -> Option<&Arc<Package>> {
        let place = |p: &Arc<Package>| (p.lesson.is_none(), p.lesson.as_ref()).cmp(&(false, Some(id)));
        self.packages.binary_search_by(place).ok().map(|at| &self.packages[at])
    }

    /// The current packages, by lesson.
    pub fn lessons(&self) -> impl Iterator<Item = (&LessonId, &Arc<Package>)> {
        self.packages.iter().filter_map(|p| Some((p.lesson.as_ref()?, p)))
    }

    /// The lessons whose bytes are not those they were made with.
    pub fn damaged(&self) -> impl Iterator<Item = (&LessonId, &Arc<Package>)> {
        self.packages.iter().filter_map(|p| match &p.held {
            Some((id, Hold::Damaged)) => Some((id, p)),
            _ => None,
        })
    }

    /// The package of a lesson that is held; one that waits before one that was taken back.
    pub fn held(&self, id: &LessonId) -> Option<(Hold, &Arc<Package>)> {
        let held = self.packages.iter().filter_map(|p| {
            let (of, hold) = p.held.as_ref()?;
            (of == id).then_some((*hold, p))
        });
        held.min_by_key(|(hold, _)| *hold)
    }

    /// Every package that is a lesson or may become one: on offer or held.
    pub fn shelf(&self) -> impl Iterator<Item = (&LessonId, &Arc<Package>)> {
        self.packages.iter().filter_map(|p| {
            let id = p.lesson.as_ref().or_else(|| p.held.as_ref().map(|(id, _)| id))?;
            Some((id, p))
        })
    }

    /// The package by which the office knows a lesson: the one on offer, else the one held.
    pub fn known(&self, id: &LessonId) -> Option<&Arc<Package>> {
        self.lesson(id).or(self.held(id).map(|(_, package)| package))
    }

    /// True if there is a lesson of this name, on offer or held.
    pub fn has(&self, id: &LessonId) -> bool {
        self.shelf().any(|(of, _)| of == id)
    }
}

/// The folder of packages and its current view; clones share it.
#[derive(Debug, Clone)]
pub struct Library {
    folder: PathBuf,
    view: Arc<ArcSwap<Catalogue>>,
    /// Held while the folder is read: the view of the last reading stays.
    reading: Arc<Mutex<Reading>>,
}

#[derive(Default)]
struct Reading {
    /// When the folder last changed, as of the last reading.
    folder_was: Option<SystemTime>,
    follower: Option<Box<Follower>>,
}

type Follower = dyn Fn(&Catalogue) + Send;

impl fmt::Debug for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reading").field("folder_was", &self.folder_was).finish_non_exhaustive()
    }
}

/// Folders that packaging makes on its way; one left behind is of a crash.
pub(super) const UNFINISHED: &str = ".tmp-";
/// A replaced package, kept for what is on air.
pub(super) const REPLACED: &str = ".old-";

impl Library {
    /// Opens the library in `folder`: removes what a crash left half done and
    /// what an earlier run replaced, and reads the rest.
    pub fn open(folder: &Path) -> Result<Self, LibraryError> {
        fs::create_dir_all(folder).map_err(|source| LibraryError { path: folder.to_owned(), source })?;
        for entry in entries(folder)? {
            let name = name_of(&entry);
            if name.starts_with(UNFINISHED) || name.starts_with(REPLACED) {
                tracing::info!(path = %entry.display(), "removing an unfinished or replaced package");
                fs::remove_dir_all(&entry).map_err(|source| LibraryError { path: entry, source })?;
            }
        }
        let library = Self { folder: folder.to_owned(), view: Arc::default(), reading: Arc::default() };
        library.reload()?;
        Ok(library)
    }

    /// The library in `folder` as it stands, if it can be read; nothing is changed.
    pub fn read(folder: &Path) -> Self {
        let library = Self { folder: folder.to_owned(), view: Arc::default(), reading: Arc::default() };
        if folder.is_dir()
            && let Err(error) = library.reload()
        {
            tracing::warn!(%error, "the library cannot be read");
        }
        library
    }

    /// The view as it stands.
    pub fn catalogue(&self) -> Arc<Catalogue> {
        self.view.load_full()
    }

    /// Tells `follower` what there is, now and after every change, before anybody sees it here:
    /// what is listed can be played.
    pub fn follow(&self, follower: impl Fn(&Catalogue) + Send + 'static) {
        let mut reading = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        follower(&self.view.load());
        reading.follower = Some(Box::new(follower));
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Reads the folder again if packages came or went; true if so. Packages
    /// are moved in whole, so the folder's own time tells.
    pub fn refresh(&self) -> Result<bool, LibraryError> {
        let seen = self.reading.lock().unwrap_or_else(PoisonError::into_inner).folder_was;
        let changed = changed_at(&self.folder) != seen;
        if changed {
            self.reload()?;
        }
        Ok(changed)
    }

    /// Says something else of lessons, and of what is held of them; it is on disk then. False if
    /// one of them is not there (any more). What evidence refers to, their media, stays as it is.
    pub fn describe(&self, all: &BTreeMap<LessonId, About>) -> Result<bool, LibraryError> {
        let catalogue = self.catalogue();
        for (id, package) in catalogue.shelf() {
            let Some(About { titles, details }) = all.get(id).cloned() else { continue };
            let path = package.folder.join("package.json");
            let manifest = Manifest { titles, details, ..Manifest::clone(&package.manifest) };
            let written = serde_json::to_vec_pretty(&manifest).map_err(std::io::Error::other);
            let written = written.and_then(|bytes| replace_file(&path, &bytes));
            written.map_err(|source| LibraryError { path, source })?;
        }
        self.reload()?;
        Ok(all.keys().all(|id| catalogue.has(id)))
    }

    /// Reads the folder again.
    pub fn reload(&self) -> Result<(), LibraryError> {
        let mut reading = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        // Taken before reading: what changes meanwhile is read again.
        let changed = changed_at(&self.folder);
        let mut packages = Vec::new();
        for folder in entries(&self.folder)? {
            let name = name_of(&folder);
            if name.starts_with(UNFINISHED) {
                continue;
            }
            let Some((manifest, inodes)) = read_whole(&folder) else { continue };
            let manifest = Arc::new(manifest);
            let updated = changed_at(&folder.join("package.json")).and_then(|t| Timestamp::try_from(t).ok());
            let (lesson, held) = match hold::of(&folder, &name) {
                Some((id, None)) => (Some(id), None),
                Some((id, Some(hold))) => (None, Some((id, hold))),
                None => (None, None),
            };
            let words = words(&manifest);
            packages.push(Arc::new(Package { manifest, folder, lesson, held, inodes, updated, words }));
        }
        packages.sort_by(|a, b| (a.lesson.is_none(), &a.lesson).cmp(&(b.lesson.is_none(), &b.lesson)));
        let catalogue = Catalogue { packages };
        if let Some(tell) = &reading.follower {
            tell(&catalogue);
        }
        self.view.store(Arc::new(catalogue));
        reading.folder_was = changed;
        Ok(())
    }
}

fn changed_at(folder: &Path) -> Option<SystemTime> {
    fs::metadata(folder).and_then(|m| m.modified()).ok()
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, LibraryError> {
    let failed = |source| LibraryError { path: folder.to_owned(), source };
    let mut out: Vec<PathBuf> = fs::read_dir(folder)
        .map_err(failed)?
        .filter_map(|e| Some(e.ok()?.path()))
        .filter(|p| p.is_dir())
        .collect();
    out.sort();
    Ok(out)
}

fn name_of(path: &Path) -> String {
    path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default()
}

/// A manifest and the files it is of. Packages are exchanged whole: what was exchanged in
/// between is read again.
fn read_whole(folder: &Path) -> Option<(Manifest, BTreeMap<String, u64>)> {
    let inode = |path: &Path| fs::metadata(path).map(|m| m.ino()).ok();
    loop {
        let before = inode(folder)?;
        let manifest = read(folder)?;
        let files = manifest.tracks.iter().map(|t| &t.file);
        let inodes = files.filter_map(|f| Some((f.clone(), inode(&folder.join(f))?))).collect();
        if inode(folder) == Some(before) {
            return Some((manifest, inodes));
        }
    }
}

/// A folder whose manifest cannot be read is no package: said, and left alone.
fn read(folder: &Path) -> Option<Manifest> {
    let path = folder.join("package.json");
    let found = fs::read(&path).map_err(|e| e.to_string());
    match found.and_then(|bytes| serde_json::from_slice::<Manifest>(&bytes).map_err(|e| e.to_string())) {
        Ok(manifest) if manifest.version == 1 => Some(manifest),
        Ok(manifest) => {
            tracing::error!(path = %path.display(), version = manifest.version, "a package of a later version");
            None
        }
        Err(error) => {
            tracing::error!(path = %path.display(), error, "a package's manifest cannot be read");
            None
        }
    }
}

fn words(manifest: &Manifest) -> String {
    let titles = manifest.titles.0.values().map(String::as_str);
    let texts = titles.chain([manifest.id.as_str()]).chain(manifest.details.texts());
    // No word goes on from one text into the next.
    fold(&texts.collect::<Vec<_>>().join("\n"))
}
