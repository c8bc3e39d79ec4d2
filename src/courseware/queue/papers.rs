//! Documents in the inbox: each goes to its lesson once it has been looked at.

use std::path::Path;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use crate::base::{LessonId, WorkerProcess};
use crate::courseware::catalogue::UNFINISHED;
use crate::courseware::inbox::lesson_id;
use crate::courseware::papers::{PaperJob, PaperLine};
use crate::hls::Reason;

use super::{News, Outcome, PATIENCE, Queue, QueueEvent};

/// The lesson that a document called `name` belongs to, and what it is called there: the lesson's
/// name stands before its ending, or before one of its dots.
fn owner(name: &str, has: &dyn Fn(&LessonId) -> bool) -> Option<(LessonId, String)> {
    let (stem, ending) = name.rsplit_once('.')?;
    let own = |before: &str| Some(lesson_id(Path::new(&format!("{before}.{ending}")))).filter(has);
    if let Some(lesson) = own(stem) {
        return Some((lesson, name.to_owned()));
    }
    let mut dots =
        stem.rmatch_indices('.').filter_map(|(at, _)| Some((own(stem.get(..at)?)?, stem.get(at + 1..)?)));
    let (lesson, rest) = dots.find(|(_, rest)| !rest.is_empty())?;
    Some((lesson, format!("{rest}.{ending}")))
}

impl Queue {
    /// Names of documents in the inbox whose lesson is not there (yet).
    pub fn waiting(&self) -> Arc<Vec<String>> {
        self.waiting.load_full()
    }

    /// The lesson of a document, and its name there; none: it waits.
    pub(super) fn owner(&self, file: &Path) -> Option<(LessonId, String)> {
        let catalogue = self.library.catalogue();
        owner(file.file_name()?.to_str()?, &|id| catalogue.has(id))
    }

    pub(super) fn set_waiting(&self, waiting: Vec<String>) {
        if **self.waiting.load() != waiting {
            self.waiting.store(Arc::new(waiting));
            self.bell.ring();
        }
    }

    /// Has a document looked at, and gives it to its lesson.
    pub(super) async fn attach(&self, file: &Path, (lesson, name): (LessonId, String)) -> QueueEvent {
        // Several may be looked at at once.
        let own = hex::encode(&Sha256::digest(file.as_os_str().as_encoded_bytes())[..6]);
        let room = self.library.folder().join(format!("{UNFINISHED}paper-{own}"));
        let taken = match self.look_at(file, &room).await {
            Ok(PaperLine::Looked(looked)) => {
                let taken = self.attachments.take((&lesson, &name), (file, &room.join("thumb")), &looked);
                taken.map_err(|error| Reason::Server { detail: error.to_string() })
            }
            Ok(PaperLine::Refused { reason }) => Err(reason),
            Err(detail) => Err(Reason::Server { detail }),
        };
        let _ = std::fs::remove_dir_all(&room);
        let news = match taken {
            Ok(()) => News::Attached { name },
            Err(reason) => {
                self.reject(file, &reason);
                News::Ended(Outcome::Failed { detail: reason.to_string(), reason })
            }
        };
        self.bell.ring();
        QueueEvent { lesson, news }
    }

    async fn look_at(&self, file: &Path, room: &Path) -> Result<PaperLine, String> {
        let made = std::fs::remove_dir_all(room).or(Ok(())).and_then(|()| std::fs::create_dir_all(room));
        made.map_err(|e: std::io::Error| format!("{} cannot be made: {e}", room.display()))?;
        let job = PaperJob { input: file.to_owned(), out: room.to_owned() };
        let mut worker = WorkerProcess::spawn("paper", &job).await.map_err(|e| e.to_string())?;
        let line = tokio::time::timeout(PATIENCE, worker.next_line()).await;
        let line = line.map_err(|_| "nothing was heard of it any more".to_owned())?;
        match line.map(|line| serde_json::from_str(&line)) {
            Some(Ok(line)) => Ok(line),
            Some(Err(error)) => Err(error.to_string()),
            // What kills who reads it is no document.
            None => Ok(PaperLine::Refused { reason: Reason::Damaged }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_its_lessons_by_its_name() {
        let known = ["grape", "grape.2", "葡萄"].map(|stem| lesson_id(Path::new(&format!("{stem}.mp4"))));
        let of = |name: &str| owner(name, &|id| known.contains(id)).map(|(id, name)| (id.to_string(), name));
        let grape = |name: &str| Some(("grape".to_owned(), name.to_owned()));
        assert_eq!(of("grape.pdf"), grape("grape.pdf"));
        assert_eq!(of("grape.讲义 1.0.pdf"), grape("讲义 1.0.pdf"));
        assert_eq!(of("Grape.PPTX"), grape("Grape.PPTX"));
        // The longest name that is a lesson's.
        assert_eq!(of("grape.2.pdf").map(|(id, _)| id), Some(known[1].to_string()));
        assert_eq!(of("葡萄.作业.docx"), Some((known[2].to_string(), "作业.docx".to_owned())));
        assert_eq!(of("apple.pdf"), None);
        assert_eq!(of("grape"), None);
        assert_eq!(of("grape..pdf"), None);
    }
}
