//! Slides, sheets and leaflets that belong to lessons: a folder each, a file each.
//!
//! Beside each lies, hidden, what was found in it (`.NAME.json`) and perhaps a picture of its
//! first page (`.NAME.thumb`). Invariant: what is listed is whole, and is what its name says.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;

use crate::base::{LessonId, move_file, replace_file};

use super::catalogue::LibraryError;
use super::hold::at;
use super::papers::Looked;

/// A file that belongs to a lesson.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// Its name, as people gave it.
    pub name: String,
    /// Bytes.
    pub bytes: u64,
    /// Changes with its bytes.
    pub tag: String,
    /// Pages or slides, if that is known.
    pub pages: Option<u32>,
    /// There is a picture of its first page.
    pub thumbnail: bool,
}

/// By lesson, in the order of their names.
pub type ByLesson = BTreeMap<LessonId, Vec<Attachment>>;

/// What lessons have beside themselves; clones share the view.
#[derive(Debug, Clone)]
pub struct Attachments {
    folder: PathBuf,
    view: Arc<ArcSwap<ByLesson>>,
    /// One change at a time.
    changing: Arc<Mutex<()>>,
}

impl Attachments {
    /// Those in `folder`.
    pub fn open(folder: &Path) -> Result<Self, LibraryError> {
        fs::create_dir_all(folder).map_err(at(folder))?;
        let all = Self { folder: folder.to_owned(), view: Arc::default(), changing: Arc::default() };
        all.reload();
        Ok(all)
    }

    /// All of them.
    pub fn all(&self) -> Arc<ByLesson> {
        self.view.load_full()
    }

    /// Those of a lesson.
    pub fn of(&self, lesson: &LessonId) -> Vec<Attachment> {
        self.view.load().get(lesson).cloned().unwrap_or_default()
    }

    /// Where one lies, if there is one.
    pub fn find(&self, lesson: &LessonId, name: &str) -> Option<(Attachment, PathBuf)> {
        let view = self.view.load();
        let found = view.get(lesson)?.iter().find(|a| a.name == name)?;
        Some((found.clone(), self.folder.join(lesson.as_str()).join(name)))
    }

    /// Where the picture of its first page lies, if there is one.
    pub fn thumbnail(&self, lesson: &LessonId, name: &str) -> Option<PathBuf> {
        let (_, path) = self.find(lesson, name).filter(|(found, _)| found.thumbnail)?;
        Some(hidden(&path, "thumb"))
    }

    /// Takes `file`, in which `looked` was found, and the picture of its first page, to a lesson
    /// under `name`; one of that name is replaced. It is on disk then.
    pub(super) fn take(
        &self,
        (lesson, name): (&LessonId, &str),
        (file, thumb): (&Path, &Path),
        looked: &Looked,
    ) -> Result<(), LibraryError> {
        let _one = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let folder = self.folder.join(lesson.as_str());
        let target = folder.join(name);
        fs::create_dir_all(&folder).map_err(at(&folder))?;
        let (found, picture) = (hidden(&target, "json"), hidden(&target, "thumb"));
        if looked.thumbnail {
            moved(thumb, &picture)?;
        }
        let text = serde_json::to_vec(looked).map_err(std::io::Error::other);
        text.and_then(|text| replace_file(&found, &text)).map_err(at(&found))?;
        moved(file, &target)?;
        fs::File::open(&folder).and_then(|f| f.sync_all()).map_err(at(&folder))?;
        self.reload();
        Ok(())
    }

    /// Takes one away from its lesson, into `aside`; false if there is none.
    pub fn remove(&self, lesson: &LessonId, name: &str, aside: &Path) -> Result<bool, LibraryError> {
        let _one = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((_, path)) = self.find(lesson, name) else { return Ok(false) };
        let folder = aside.join(lesson.as_str());
        fs::create_dir_all(&folder).map_err(at(&folder))?;
        moved(&path, &folder.join(name))?;
        for beside in [hidden(&path, "json"), hidden(&path, "thumb")] {
            match fs::remove_file(&beside) {
                Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(at(&beside)(e)),
                _ => {}
            }
        }
        self.reload();
        Ok(true)
    }

    fn reload(&self) {
        let mut all = ByLesson::new();
        for folder in entries(&self.folder) {
            let name = folder.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
            let Ok(lesson) = LessonId::new(&name) else { continue };
            let mut found: Vec<Attachment> = entries(&folder).iter().filter_map(|p| read(p)).collect();
            found.sort_by(|a, b| a.name.cmp(&b.name));
            if !found.is_empty() {
                all.insert(lesson, found);
            }
        }
        self.view.store(Arc::new(all));
    }
}

/// One file; none for what lies beside it, and for what nobody has looked at.
fn read(path: &Path) -> Option<Attachment> {
    let name = path.file_name()?.to_str().filter(|n| !n.starts_with('.'))?.to_owned();
    let meta = fs::metadata(path).ok().filter(fs::Metadata::is_file)?;
    let looked: Looked = serde_json::from_slice(&fs::read(hidden(path, "json")).ok()?).ok()?;
    let thumbnail = looked.thumbnail && hidden(path, "thumb").exists();
    Some(Attachment { name, bytes: meta.len(), tag: looked.tag, pages: looked.pages, thumbnail })
}

fn hidden(path: &Path, ending: &str) -> PathBuf {
    let name = path.file_name().map(|n| n.to_string_lossy()).unwrap_or_default();
    path.with_file_name(format!(".{name}.{ending}"))
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    entries.filter_map(|e| Some(e.ok()?.path())).collect()
}

fn moved(from: &Path, to: &Path) -> Result<(), LibraryError> {
    move_file(from, to).map_err(at(to))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_listed_is_whole_and_what_is_removed_is_kept_aside() {
        let folder = tempfile::tempdir().expect("a folder");
        let (inbox, aside) = (folder.path().join("inbox"), folder.path().join("aside"));
        fs::create_dir_all(&inbox).expect("a folder");
        let open = || Attachments::open(&folder.path().join("attachments")).expect("opened");
        let (all, wheat) = (open(), LessonId::new("wheat").expect("a name"));
        let put = |name: &str, text: &str, thumbnail| {
            let (file, thumb) = (inbox.join("file"), inbox.join("thumb"));
            fs::write(&file, text).and_then(|()| fs::write(&thumb, "picture")).expect("written");
            let looked = Looked { tag: text.to_owned(), pages: Some(3), thumbnail };
            all.take((&wheat, name), (&file, &thumb), &looked).expect("taken");
        };
        put("讲义.pdf", "first", true);
        put("b.pdf", "other", false);
        put("讲义.pdf", "second", false);
        let names = |all: &Attachments| -> Vec<(String, String, bool)> {
            all.of(&wheat).into_iter().map(|a| (a.name, a.tag, a.thumbnail)).collect()
        };
        let both = [("b.pdf".into(), "other".into(), false), ("讲义.pdf".into(), "second".into(), false)];
        assert_eq!(names(&all), both);
        // What nobody has looked at is not shown, nor what lies elsewhere.
        fs::write(folder.path().join("attachments/wheat/c.pdf"), "half").expect("written");
        assert_eq!(names(&open()), both, "and so it stands on disk");
        for name in ["../wheat/b.pdf", "c.pdf", ".b.pdf.json", "", "."] {
            assert!(all.find(&wheat, name).is_none(), "{name}");
        }
        assert!(all.remove(&wheat, "b.pdf", &aside).expect("removed"));
        assert!(!all.remove(&wheat, "b.pdf", &aside).expect("asked"));
        assert_eq!(names(&all), both[1..]);
        assert_eq!(fs::read(aside.join("wheat/b.pdf")).expect("kept"), b"other");
    }
}
