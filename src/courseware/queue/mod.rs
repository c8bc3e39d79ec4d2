//! The packaging queue: files of the inbox, one worker process each.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;

use crate::base::{Bell, Clock, Lang, LessonId, Shutdown, Titles, move_file, watch_folder};
use crate::config::Packaging;
use crate::hls::{Manifest, Reason};

mod archives;
mod captions;
mod job;
mod papers;

use super::inbox::{Ready, Scanner};
use super::{Attachments, Library, Uploads};
use job::{DIED, PATIENCE};

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum JobState {
    /// Waits for a worker.
    Queued,
    /// A worker is at it.
    Running,
    /// The package stands.
    Done,
    /// There is none, for the reason given.
    Failed,
}

/// One job, for people.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct JobStatus {
    /// The lesson.
    pub lesson: LessonId,
    /// The file's name.
    pub file: String,
    /// Where it stands.
    pub state: JobState,
    /// 0 to 100.
    pub percent: f64,
    /// It can be watched already.
    pub playable: bool,
    /// Time until it is done, as it goes on; none where that cannot be said.
    pub left: Option<Duration>,
    /// Why it failed.
    pub reason: Option<Reason>,
}

/// How a job ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// The package stands.
    Packaged(Box<Manifest>),
    /// There is none.
    Failed {
        /// For the office.
        reason: Reason,
        /// For the engineer.
        detail: String,
    },
}

/// What became of a file.
#[derive(Debug, Clone, PartialEq)]
pub enum News {
    /// It can be watched as it came, while its package is made.
    Playable(Box<Manifest>),
    /// Its job has ended.
    Ended(Outcome),
    /// It is a document of the lesson now.
    Attached {
        /// Its name there.
        name: String,
    },
}

/// Something happened to a lesson.
#[derive(Debug, Clone, PartialEq)]
pub struct QueueEvent {
    /// The lesson.
    pub lesson: LessonId,
    /// What.
    pub news: News,
}

/// A file is taken when it has kept its size and time for this long.
const STABLE: Duration = Duration::from_secs(2);
/// Subtitles alone are meant for the lesson that is there when no film has begun to come for so
/// long.
const ALONE: Duration = Duration::from_secs(20);

/// What is said and drawn in a county's language.
#[derive(Debug, Clone, Copy)]
pub struct InWords {
    /// A lesson's title, in this language if there is one: an SVG of 1280 × 720.
    pub card: fn(&Titles, &Lang) -> String,
    /// Why a file was not taken.
    pub told: fn(&Reason, &Lang) -> String,
}

/// Watches the inbox and packages what is put there.
#[derive(Debug, Clone)]
pub struct Queue {
    media: PathBuf,
    library: Library,
    settings: Packaging,
    languages: Vec<Lang>,
    words: InWords,
    clock: Arc<dyn Clock>,
    bell: Bell,
    jobs: Arc<ArcSwap<BTreeMap<LessonId, JobStatus>>>,
    attachments: Attachments,
    /// What may still be on its way.
    uploads: Uploads,
    /// Documents and subtitles whose lesson is not there.
    waiting: Arc<ArcSwap<Vec<String>>>,
    /// What this machine's kernel cannot take from a worker; it has been said.
    lacks: Arc<Mutex<BTreeSet<String>>>,
}

impl Queue {
    /// A queue for the inbox under `media`.
    pub fn new(
        media: &Path,
        (library, attachments, uploads): (Library, Attachments, Uploads),
        settings: Packaging,
        (languages, words): (Vec<Lang>, InWords),
        (clock, bell): (Arc<dyn Clock>, Bell),
    ) -> Self {
        Self {
            media: media.to_owned(),
            library,
            settings,
            languages,
            words,
            clock,
            bell,
            jobs: Arc::default(),
            attachments,
            uploads,
            waiting: Arc::default(),
            lacks: Arc::default(),
        }
    }

    /// The jobs since the start, by lesson.
    pub fn jobs(&self) -> Arc<BTreeMap<LessonId, JobStatus>> {
        self.jobs.load_full()
    }

    /// Documents that belong to lessons.
    pub fn attachments(&self) -> &Attachments {
        &self.attachments
    }

    /// The folder that is watched.
    pub fn inbox(&self) -> PathBuf {
        self.media.join("inbox")
    }

    /// Works until `stop`. A job under way then is dropped; its file stays in
    /// the inbox and is taken again at the next start.
    pub async fn run(self, events: mpsc::Sender<QueueEvent>, stop: Shutdown) {
        if let Err(error) = std::fs::create_dir_all(self.inbox()) {
            tracing::error!(path = %self.inbox().display(), %error, "the inbox cannot be made");
        }
        let (wake, mut woken) = mpsc::channel::<()>(1);
        let _watcher = watch_folder(&self.inbox(), wake)
            .inspect_err(|error| tracing::warn!(%error, "the inbox is looked at by time only"));
        let permits = Arc::new(Semaphore::new(self.settings.jobs.max(1)));
        self.forget_unpacking();
        let mut scanner = Scanner::default();
        let mut taken: BTreeSet<PathBuf> = BTreeSet::new();
        let mut running = JoinSet::new();
        loop {
            tokio::select! {
                () = stop.wait() => break,
                // The watcher makes a drop visible at once; the interval makes
                // sure that a full event queue or a network folder loses none.
                _ = woken.recv() => {}
                () = tokio::time::sleep(Duration::from_millis(700)) => {}
                Some(done) = running.join_next() => {
                    if let Ok(file) = done {
                        taken.remove(&file);
                    }
                }
            }
            let now = self.clock.monotonic();
            let ready = scanner.scan(&self.inbox(), now, STABLE).unwrap_or_default();
            for empty in scanner.empty(now, STABLE) {
                self.reject(&empty, &Reason::Empty);
            }
            // Of archives one at a time: it is the disk they wait for.
            let archives = scanner.archives(now, STABLE);
            if !archives.iter().any(|archive| taken.contains(archive)) {
                self.put_out_all(scanner.folders());
                if let Some(archive) = archives.into_iter().next() {
                    taken.insert(archive.clone());
                    let queue = self.clone();
                    running.spawn(async move {
                        queue.unpack(&archive).await;
                        archive
                    });
                }
            }
            let mut waiting = Vec::new();
            for paper in scanner.papers(now, STABLE) {
                match self.owner(&paper) {
                    Some(owner) if taken.insert(paper.clone()) => {
                        let (queue, events) = (self.clone(), events.clone());
                        running.spawn(async move {
                            let event = queue.attach(&paper, owner).await;
                            // Only at shutdown is nobody listening.
                            let _ = events.send(event).await;
                            paper
                        });
                    }
                    Some(_) => {}
                    None => waiting.extend(paper.file_name().map(|n| n.to_string_lossy().into_owned())),
                }
            }
            let (captions, unowned) = self.captions(scanner.texts_alone(now, ALONE)).await;
            waiting.extend(unowned);
            self.set_waiting(waiting);
            for (lesson, files) in captions {
                let event = self.caption(lesson, files).await;
                // Only at shutdown is nobody listening.
                let _ = events.send(event).await;
            }
            for ready in ready {
                if taken.insert(ready.file.clone()) {
                    let (queue, permits, events) = (self.clone(), Arc::clone(&permits), events.clone());
                    queue.status(&ready, JobState::Queued, (0.0, None), None);
                    running.spawn(async move {
                        let _permit = permits.acquire_owned().await;
                        let file = ready.file.clone();
                        queue.work(ready, &events).await;
                        file
                    });
                }
            }
        }
    }

    async fn work(&self, ready: Ready, events: &mpsc::Sender<QueueEvent>) {
        self.status(&ready, JobState::Running, (0.0, None), None);
        let mut outcome = self.package(&ready, events).await;
        if let Outcome::Failed { detail, .. } = &outcome
            && detail.starts_with(DIED)
        {
            // A worker that died may have been unlucky: once more, then it is the file.
            outcome = self.package(&ready, events).await;
        }
        match &outcome {
            Outcome::Packaged(_) => {
                // Before its file goes: at no moment is its name nobody's.
                if let Err(error) = self.library.reload() {
                    tracing::error!(%error, "the library cannot be read");
                }
                for unused in &ready.side.unused {
                    tracing::warn!(path = %unused.display(), "sound whose name says no language was not used");
                }
                self.put_away(&ready, "originals");
                self.status(&ready, JobState::Done, (100.0, None), None);
            }
            Outcome::Failed { reason, .. } => {
                self.take_away_early(&ready.lesson);
                self.write_reason(&ready.file, reason);
                self.put_away(&ready, "rejected");
                self.status(&ready, JobState::Failed, (0.0, None), Some(reason.clone()));
            }
        }
        // Only at shutdown is nobody listening.
        let _ = events.send(QueueEvent { lesson: ready.lesson, news: News::Ended(outcome) }).await;
    }

    fn status(
        &self,
        ready: &Ready,
        state: JobState,
        (percent, left): (f64, Option<Duration>),
        reason: Option<Reason>,
    ) {
        let file = ready.file.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        let playable = self.library.catalogue().lesson(&ready.lesson).is_some_and(|p| p.manifest.preliminary);
        let lesson = ready.lesson.clone();
        self.set_status(JobStatus { lesson, file, state, percent, playable, left, reason });
    }

    fn set_status(&self, status: JobStatus) {
        self.jobs.rcu(|jobs| {
            let mut jobs = BTreeMap::clone(jobs);
            jobs.insert(status.lesson.clone(), status.clone());
            jobs
        });
        self.bell.ring();
    }

    fn reject(&self, file: &Path, reason: &Reason) {
        // First: no file lies there without a word.
        self.write_reason(file, reason);
        move_into(file, &self.media.join("rejected"));
    }

    fn put_away(&self, ready: &Ready, folder: &str) {
        let folder = self.media.join(folder);
        for file in ready.side.all().chain([&ready.file]) {
            move_into(file, &folder);
        }
    }

    /// Beside the file: in the county's first language, and as the log has it.
    fn write_reason(&self, file: &Path, reason: &Reason) {
        let name = file.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        tracing::warn!(file = name, %reason, "{name} was not taken: {reason}");
        let folder = self.media.join("rejected");
        let path = folder.join(format!("{name}.reason.txt"));
        let told = self.languages.first().map(|lang| (self.words.told)(reason, lang));
        let text =
            told.filter(|told| *told != reason.to_string()).map(|told| told + "\n").unwrap_or_default();
        let written = std::fs::create_dir_all(&folder)
            .and_then(|()| std::fs::write(&path, format!("{text}{reason}\n")));
        if let Err(error) = written {
            tracing::error!(path = %path.display(), %error, "a reason could not be written");
        }
    }
}

fn move_into(file: &Path, folder: &Path) {
    let target = folder.join(file.file_name().unwrap_or_default());
    // The inbox may be a share of its own.
    let moved = std::fs::create_dir_all(folder).and_then(|()| move_file(file, &target));
    if let Err(error) = moved {
        tracing::error!(file = %file.display(), %error, "a file could not be moved out of the inbox");
    }
}
