//! Packages that are there and not on offer. Where a package lies says whether it
//! waits for its review; a note in its folder says that it was taken back: what the
//! disk says holds after every crash, whatever else is lost.

use std::fs::{self, File};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::base::{LessonId, replace_file, take_place};

use super::Library;
use super::catalogue::{LibraryError, Package, REPLACED};

/// Why a package is not on offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hold {
    /// It waits for its review.
    Waiting,
    /// The office has taken it back.
    Withdrawn,
    /// Its bytes are not those it was made of.
    Damaged,
}

/// How the folder of a package begins that waits; its lesson's name follows.
const WAITING: &str = ".next-";
/// The note in the folder of a package that was taken back.
const NOTE: &str = "held.json";

/// The name of the folder in which a package of `lesson` waits.
pub fn waiting_folder(lesson: &str) -> String {
    format!("{WAITING}{lesson}")
}

/// The lesson whose package lies in `folder`, called `name`, and why it is held if it
/// is; none of what was replaced.
pub(super) fn of(folder: &Path, name: &str) -> Option<(LessonId, Option<Hold>)> {
    if let Some(id) = name.strip_prefix(WAITING) {
        return Some((LessonId::new(id).ok()?, Some(Hold::Waiting)));
    }
    let id = LessonId::new(name).ok()?;
    let note = fs::read(folder.join(NOTE)).ok();
    // A note that cannot be read was still meant to keep it back.
    let hold = note.map(|bytes| serde_json::from_slice(&bytes).unwrap_or(Hold::Withdrawn));
    Some((id, hold))
}

impl Library {
    /// Takes the package of a lesson back that is on offer and has this content, if
    /// there is one; true if so. It is on disk then, and leaves the air where its next
    /// segment would begin.
    pub fn take_back(&self, id: &LessonId, content: &str, why: Hold) -> Result<bool, LibraryError> {
        self.reload()?;
        let catalogue = self.catalogue();
        let Some(package) = catalogue.lesson(id).filter(|p| p.manifest.content_hash == content) else {
            return Ok(false);
        };
        let path = package.folder.join(NOTE);
        let note = serde_json::to_vec(&why).map_err(std::io::Error::other);
        note.and_then(|bytes| replace_file(&path, &bytes)).map_err(at(&path))?;
        self.reload()?;
        Ok(true)
    }

    /// Puts the held package of a lesson with this content on offer, in the place of the
    /// one that was; false if there is none such. It is on disk then.
    pub fn offer(&self, id: &LessonId, content: &str) -> Result<bool, LibraryError> {
        let catalogue = self.catalogue();
        let of_it = |p: &&std::sync::Arc<Package>| {
            p.held.as_ref().is_some_and(|(of, _)| of == id) && p.manifest.content_hash == content
        };
        let Some(package) = catalogue.packages.iter().find(of_it) else { return Ok(false) };
        let note = package.folder.join(NOTE);
        match fs::remove_file(&note) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(at(&note)(e)),
            _ => sync(&package.folder)?,
        }
        let target = self.folder().join(id.as_str());
        if package.folder != target {
            self.put(&package.folder, id.as_str())?;
        }
        self.reload()?;
        Ok(true)
    }

    /// Takes a lesson out of the library, with what is held of it; false if there is none such.
    /// What of it is on air plays to its end; its room is freed later ([`Self::free_aside`]).
    pub fn remove(&self, id: &LessonId) -> Result<bool, LibraryError> {
        let catalogue = self.catalogue();
        let mut any = false;
        for (_, package) in catalogue.shelf().filter(|(of, _)| *of == id) {
            let aside = self.aside(id.as_str());
            fs::rename(&package.folder, &aside).map_err(at(&package.folder))?;
            any = true;
        }
        sync(self.folder())?;
        self.reload()?;
        Ok(any)
    }

    /// Puts a package of the lesson back that was taken out and has this content, to where it waits
    /// for its review if it did; false if it is gone, or another has taken its place.
    pub fn restore(&self, id: &LessonId, content: &str, waiting: bool) -> Result<bool, LibraryError> {
        let catalogue = self.catalogue();
        let is_it = |p: &&std::sync::Arc<Package>| {
            let (m, aside) = (&p.manifest, p.lesson.is_none() && p.held.is_none());
            aside && m.id == id.as_str() && m.content_hash == content
        };
        let Some(package) = catalogue.packages.iter().find(is_it) else { return Ok(false) };
        if catalogue.has(id) {
            return Ok(false);
        }
        let name = if waiting { waiting_folder(id.as_str()) } else { id.to_string() };
        let target = self.folder().join(name);
        fs::rename(&package.folder, &target).map_err(at(&target))?;
        sync(self.folder())?;
        self.reload()?;
        Ok(true)
    }

    /// Frees the room of packages that were put aside before `before` and that `is_used`, by
    /// their owner names, says nobody needs.
    pub fn free_aside(&self, before: Timestamp, is_used: &dyn Fn(&str) -> bool) -> Result<(), LibraryError> {
        let catalogue = self.catalogue();
        let aside = catalogue.packages.iter().filter(|p| p.lesson.is_none() && p.held.is_none());
        let mut any = false;
        for package in aside.filter(|p| !is_used(&p.manifest.owner("lesson"))) {
            // A folder that is given another name changes its status, not its content.
            let meta = fs::metadata(&package.folder).map_err(at(&package.folder))?;
            if Timestamp::from_second(meta.ctime()).is_ok_and(|since| since < before) {
                fs::remove_dir_all(&package.folder).map_err(at(&package.folder))?;
                any = true;
            }
        }
        if any { self.reload() } else { Ok(()) }
    }

    /// A name that is free for what is put aside.
    fn aside(&self, name: &str) -> PathBuf {
        let mut names = (0_u32..).map(|n| self.folder().join(format!("{REPLACED}{name}-{n}")));
        let Some(aside) = names.find(|path| !path.exists()) else { unreachable!("numbers do not end") };
        aside
    }

    /// Moves a package into the folder `name`; one that stood there is moved aside, so
    /// that what is on air can end.
    pub(super) fn put(&self, package: &Path, name: &str) -> Result<(), LibraryError> {
        let target = self.folder().join(name);
        take_place(package, &target, &self.aside(name)).map_err(at(&target))
    }
}

fn sync(folder: &Path) -> Result<(), LibraryError> {
    File::open(folder).and_then(|f| f.sync_all()).map_err(at(folder))
}

pub(super) fn at(path: &Path) -> impl FnOnce(std::io::Error) -> LibraryError {
    let path: PathBuf = path.to_owned();
    move |source| LibraryError { path, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(folder: &Path, content: &str) {
        let text = format!(
            r#"{{"version":1,"id":"wheat","content_hash":"{content}","titles":{{}},"source_sha256":"","segments_us":[],
            "tracks":[],"subtitles":[],"poster":null,"source_loudness":[]}}"#
        );
        fs::create_dir_all(folder).expect("a folder");
        fs::write(folder.join("package.json"), text).expect("a package");
    }

    /// What is on offer, and what is held, by content.
    fn stands(folder: &Path) -> (Option<String>, Vec<(Hold, String)>) {
        let catalogue = Library::read(folder).catalogue();
        let content = |p: &Package| p.manifest.content_hash.clone();
        let id = LessonId::new("wheat").expect("a name");
        let held = catalogue.packages.iter().filter_map(|p| Some((p.held.as_ref()?.1, content(p))));
        (catalogue.lesson(&id).map(|p| content(p)), held.collect())
    }

    #[test]
    fn what_the_disk_says_is_what_is_on_offer() {
        let folder = tempfile::tempdir().expect("a folder");
        let (at, id) = (folder.path(), LessonId::new("wheat").expect("a name"));
        package(&at.join("wheat"), "first");
        package(&at.join(".next-wheat"), "second");
        let waiting = (Hold::Waiting, "second".to_owned());
        assert_eq!(stands(at), (Some("first".into()), vec![waiting.clone()]));

        let library = Library::open(at).expect("a library");
        assert!(!library.offer(&id, "third").expect("asked"), "there is none such");
        assert!(!library.take_back(&id, "second", Hold::Withdrawn).expect("asked"), "it is not on offer");
        assert!(library.take_back(&id, "first", Hold::Damaged).expect("asked"));
        assert_eq!(stands(at), (None, vec![waiting, (Hold::Damaged, "first".into())]));
        assert!(library.offer(&id, "second").expect("asked"));
        assert_eq!(stands(at), (Some("second".into()), vec![]));
        // The first may still be on air.
        let all = |library: &Library| library.catalogue().packages.len();
        let (never, later) = (Timestamp::UNIX_EPOCH, Timestamp::MAX);
        let first = |owner: &str| owner == "lesson.wheat.first";
        library.free_aside(later, &first).expect("read");
        library.free_aside(never, &|_| false).expect("read");
        assert_eq!(all(&library), 2, "one that is used, or that was put aside just now, stays");
        let other = Library::read(at);
        other.free_aside(later, &|_| false).expect("freed");
        assert_eq!(all(&other), 1);
        assert_eq!(stands(at), (Some("second".into()), vec![]));
        package(&at.join(".old-wheat-0"), "first");
        assert_eq!(Library::open(at).expect("a library").catalogue().packages.len(), 1);

        // Taken out with what is held of it, and put back while nothing has its name.
        package(&at.join(".next-wheat"), "third");
        library.reload().expect("read");
        assert!(library.remove(&id).expect("asked") && !library.remove(&id).expect("asked"));
        assert_eq!(stands(at), (None, vec![]));
        assert!(!library.restore(&id, "fourth", false).expect("asked"));
        assert!(library.restore(&id, "third", true).expect("asked"));
        assert_eq!(stands(at), (None, vec![(Hold::Waiting, "third".into())]), "it still waits");
        assert!(!library.restore(&id, "second", false).expect("asked"), "another has its name");
        assert!(library.remove(&id).expect("asked"));
        assert!(library.restore(&id, "second", false).expect("asked"));
        assert_eq!(stands(at), (Some("second".into()), vec![]));

        // A crash, or a person, left half a note.
        fs::write(at.join("wheat").join(NOTE), "{").expect("a note");
        assert_eq!(stands(at), (None, vec![(Hold::Withdrawn, "second".into())]));
        assert!(library.reload().is_ok() && library.offer(&id, "second").expect("asked"));
        assert_eq!(stands(at), (Some("second".into()), vec![]));
    }
}
