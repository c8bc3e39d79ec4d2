//! The packaging queue: files of the inbox, one worker process each.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;

use crate::base::{Bell, Clock, Lang, LessonId, Shutdown, Titles, WorkerProcess, watch_folder};
use crate::config::Packaging;
use crate::hls::wire::PackageLine;
use crate::hls::{About, Manifest, Reason};

use super::Library;
use super::catalogue::UNFINISHED;
use super::hold::waiting_folder;
use super::inbox::{Ready, Scanner, is_sound_for_a_film, read_about};

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

/// A job has ended.
#[derive(Debug, Clone, PartialEq)]
pub struct QueueEvent {
    /// The lesson.
    pub lesson: LessonId,
    /// How.
    pub outcome: Outcome,
}

/// A file is taken when it has kept its size and time for this long.
const STABLE: Duration = Duration::from_secs(2);

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
    /// What this machine's kernel cannot take from a worker; it has been said.
    lacks: Arc<Mutex<BTreeSet<String>>>,
}

impl Queue {
    /// A queue for the inbox under `media`.
    pub fn new(
        media: &Path,
        library: Library,
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
            lacks: Arc::default(),
        }
    }

    /// The jobs since the start, by lesson.
    pub fn jobs(&self) -> Arc<BTreeMap<LessonId, JobStatus>> {
        self.jobs.load_full()
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
            for ready in ready {
                if taken.insert(ready.file.clone()) {
                    let (queue, permits, events) = (self.clone(), Arc::clone(&permits), events.clone());
                    queue.status(&ready, JobState::Queued, 0.0, None);
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
        self.status(&ready, JobState::Running, 0.0, None);
        let mut outcome = self.package(&ready).await;
        if let Outcome::Failed { detail, .. } = &outcome
            && detail.starts_with(DIED)
        {
            // A worker that died may have been unlucky: once more, then it is the file.
            outcome = self.package(&ready).await;
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
                self.status(&ready, JobState::Done, 100.0, None);
            }
            Outcome::Failed { reason, .. } => {
                self.put_away(&ready, "rejected");
                self.write_reason(&ready.file, reason);
                self.status(&ready, JobState::Failed, 0.0, Some(reason.clone()));
            }
        }
        // Only at shutdown is nobody listening.
        let _ = events.send(QueueEvent { lesson: ready.lesson, outcome }).await;
    }

    async fn package(&self, ready: &Ready) -> Outcome {
        let refused = |reason: Reason| Outcome::Failed { detail: reason.to_string(), reason };
        let failed = |detail: String| refused(Reason::Server { detail });
        if is_sound_for_a_film(&ready.file, &self.media.join("originals")) {
            return refused(Reason::SoundForFilm { lesson: ready.lesson.to_string() });
        }
        let about = match ready.side.titles.as_deref().map(read_about).transpose() {
            Ok(given) => self.about(ready, given),
            Err(reason) => return refused(reason),
        };
        // All that the worker may write to: the library itself is out of its reach.
        let room = self.library.folder().join(format!("{UNFINISHED}queue-{}", ready.lesson));
        let _ = std::fs::remove_dir_all(&room);
        if let Err(error) = std::fs::create_dir_all(&room) {
            return failed(format!("{} cannot be made: {error}", room.display()));
        }
        let outcome = self.ask_worker(ready, &about, &room).await;
        let put = match &outcome {
            Outcome::Packaged(_) => {
                let name = match self.settings.review {
                    true => waiting_folder(ready.lesson.as_str()),
                    false => ready.lesson.to_string(),
                };
                self.library.put(&room.join(ready.lesson.as_str()), &name)
            }
            Outcome::Failed { .. } => Ok(()),
        };
        let _ = std::fs::remove_dir_all(&room);
        match put {
            Ok(()) => outcome,
            Err(error) => failed(format!("the package could not be put into the library: {error}")),
        }
    }

    async fn ask_worker(&self, ready: &Ready, about: &About, room: &Path) -> Outcome {
        let failed =
            |detail: String| Outcome::Failed { reason: Reason::Server { detail: detail.clone() }, detail };
        let mut worker = match WorkerProcess::spawn("package", &self.job(ready, about, room)).await {
            Ok(worker) => worker,
            Err(error) => return failed(format!("the packaging worker could not be started: {error}")),
        };
        let mut told = 0.0;
        loop {
            // Whoever says nothing for so long hangs.
            let Ok(line) = tokio::time::timeout(PATIENCE, worker.next_line()).await else {
                let detail = format!("the worker said nothing for {} s and was ended", PATIENCE.as_secs());
                return Outcome::Failed { reason: Reason::Stuck, detail };
            };
            let Some(line) = line else { break };
            match serde_json::from_str::<PackageLine>(&line) {
                // Pages are told of each hundredth.
                Ok(PackageLine::Progress { percent, .. }) if percent < told + 1.0 => {}
                Ok(PackageLine::Progress { percent, .. }) => {
                    told = percent;
                    self.status(ready, JobState::Running, percent, None);
                }
                Ok(PackageLine::Confined { lacks }) => self.say_what_it_lacks(lacks),
                Ok(PackageLine::Done { manifest }) => return Outcome::Packaged(manifest),
                Ok(PackageLine::Failed { reason, detail }) => return Outcome::Failed { reason, detail },
                Err(error) => tracing::warn!(%error, "a packaging worker's line could not be read"),
            }
        }
        let status = worker.wait().await.map_or_else(|e| e.to_string(), |s| s.to_string());
        Outcome::Failed { reason: Reason::Damaged, detail: format!("{DIED} {status}") }
    }

    /// The worker's job as `pipeline::PackageJob` reads it.
    fn job(&self, ready: &Ready, about: &About, room: &Path) -> serde_json::Value {
        let ladder = self.settings.ladder.iter();
        let ladder: Vec<_> =
            ladder.map(|r| serde_json::json!({"name": r.name, "height": r.height, "kbps": r.kbps})).collect();
        let card = self.languages.first().map(|lang| (self.words.card)(&about.titles, lang));
        serde_json::json!({
            "card": card,
            "id": ready.lesson, "input": ready.file, "side_audio": ready.side.audio,
            "subtitles": ready.side.subtitles, "about": about, "out": room, "ladder": ladder,
            "audio_kbps": self.settings.audio_kbps, "languages": self.languages,
        })
    }

    /// Once: it is the machine's, not the file's.
    fn say_what_it_lacks(&self, lacks: Vec<String>) {
        for lack in lacks {
            if self.lacks.lock().unwrap_or_else(PoisonError::into_inner).insert(lack.clone()) {
                tracing::warn!(
                    lack,
                    "processes that read uploaded files are not confined as they could be: {lack}"
                );
            }
        }
    }

    /// What the file beside it says; of what that does not say, what the lesson has already. A
    /// new one is called like its file.
    fn about(&self, ready: &Ready, given: Option<About>) -> About {
        let known = self.library.catalogue().known(&ready.lesson).map(|p| p.manifest.about());
        let name = ready.file.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
        let usual = || Titles(self.languages.first().map(|l| (l.clone(), name)).into_iter().collect());
        let known = known.unwrap_or_default();
        let given = given.unwrap_or_default();
        let titles = [given.titles, known.titles].into_iter().find(|t| !t.0.is_empty()).unwrap_or_else(usual);
        let details = if given.details.is_empty() { known.details } else { given.details };
        About { titles, details }
    }

    fn status(&self, ready: &Ready, state: JobState, percent: f64, reason: Option<Reason>) {
        let file = ready.file.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        let status = JobStatus { lesson: ready.lesson.clone(), file, state, percent, reason };
        self.jobs.rcu(|jobs| {
            let mut jobs = BTreeMap::clone(jobs);
            jobs.insert(status.lesson.clone(), status.clone());
            jobs
        });
        self.bell.ring();
    }

    fn reject(&self, file: &Path, reason: &Reason) {
        let folder = self.media.join("rejected");
        move_into(file, &folder);
        self.write_reason(file, reason);
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
        let path = self.media.join("rejected").join(format!("{name}.reason.txt"));
        let told = self.languages.first().map(|lang| (self.words.told)(reason, lang));
        let text =
            told.filter(|told| *told != reason.to_string()).map(|told| told + "\n").unwrap_or_default();
        if let Err(error) = std::fs::write(&path, format!("{text}{reason}\n")) {
            tracing::error!(path = %path.display(), %error, "a reason could not be written");
        }
    }
}

/// How the detail of a job begins whose worker died.
const DIED: &str = "the worker ended without an answer:";
/// A worker that says nothing for so long hangs: it tells of each thousandth.
const PATIENCE: Duration = Duration::from_secs(600);

fn move_into(file: &Path, folder: &Path) {
    let target = folder.join(file.file_name().unwrap_or_default());
    let moved = std::fs::create_dir_all(folder).and_then(|()| match std::fs::rename(file, &target) {
        // The inbox may be a share of its own.
        Err(e) if e.kind() == std::io::ErrorKind::CrossesDevices => {
            std::fs::copy(file, &target).and_then(|_| std::fs::remove_file(file))
        }
        other => other,
    });
    if let Err(error) = moved {
        tracing::error!(file = %file.display(), %error, "a file could not be moved out of the inbox");
    }
}
