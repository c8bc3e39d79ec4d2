//! One file of the queue: what its worker is asked, and what becomes of its answers.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::PoisonError;
use std::time::Duration;

use tokio::sync::mpsc;

use crate::base::{LessonId, Titles, WorkerProcess};
use crate::courseware::catalogue::{LibraryError, UNFINISHED};
use crate::courseware::hold::waiting_folder;
use crate::courseware::inbox::{Ready, is_sound_for_a_film, read_about};
use crate::hls::wire::{EARLY, PackageLine};
use crate::hls::{About, Reason};

use super::{JobState, News, Outcome, Queue, QueueEvent};

/// How the detail of a job begins whose worker died.
pub(super) const DIED: &str = "the worker ended without an answer:";
/// A worker that says nothing for so long hangs: it tells of each thousandth.
pub(super) const PATIENCE: Duration = Duration::from_secs(600);

/// How fast the stage goes that is under way.
#[derive(Debug, Default)]
struct Pace {
    stage: String,
    began: (f64, Duration),
}

/// What comes after the last stage takes no time, per cent.
const ALL: f64 = 98.0;

impl Pace {
    /// Time until all is done, if the stage goes on as it went; the last stage takes nearly all
    /// of it, and of those before nobody can say how long it will.
    fn left(&mut self, stage: String, percent: f64, now: Duration) -> Option<Duration> {
        if self.stage != stage {
            *self = Self { stage, began: (percent, now) };
        }
        let (done, took) = (percent - self.began.0, now.saturating_sub(self.began.1));
        let is_known = self.stage == "encode" && done >= 1.0 && took >= Duration::from_secs(3);
        is_known.then(|| took.mul_f64((ALL - percent).max(0.0) / done))
    }
}

/// Who made a file here twenty years ago wrote its tags in the encoding of the country, and a
/// tag that says Latin-1 may hold it: GStreamer is told which it is.
const TAGS: [(&str, &str); 1] = [("GST_TAG_ENCODING", "GB18030")];

/// What a lesson is called, and whether only its file's name says so, which a camera may have
/// given it.
struct Named {
    about: About,
    by_its_file: bool,
}

/// Whether somebody gave a file this name: cameras, recorders and discs name theirs in ASCII.
fn is_a_title(name: &str) -> bool {
    name.chars().any(|c| !c.is_ascii() && c.is_alphabetic())
}

impl Queue {
    pub(super) async fn package(&self, ready: &Ready, events: &mpsc::Sender<QueueEvent>) -> Outcome {
        let refused = |reason: Reason| Outcome::Failed { detail: reason.to_string(), reason };
        let failed = |detail: String| refused(Reason::Server { detail });
        if is_sound_for_a_film(&ready.file, &self.media.join("originals")) {
            return refused(Reason::SoundForFilm { lesson: ready.lesson.to_string() });
        }
        let mut about = match ready.side.titles.as_deref().map(read_about).transpose() {
            Ok(given) => self.about(ready, given),
            Err(reason) => return refused(reason),
        };
        // All that the worker may write to: the library itself is out of its reach.
        let room = self.library.folder().join(format!("{UNFINISHED}queue-{}", ready.lesson));
        let _ = std::fs::remove_dir_all(&room);
        if let Err(error) = std::fs::create_dir_all(&room) {
            return failed(format!("{} cannot be made: {error}", room.display()));
        }
        let outcome = self.ask_worker((ready, events), &mut about, &room).await;
        let meanwhile = self.said_meanwhile(&ready.lesson, &about.about);
        let put = match &outcome {
            Outcome::Packaged(_) => {
                let name = match self.settings.review {
                    true => waiting_folder(ready.lesson.as_str()),
                    false => ready.lesson.to_string(),
                };
                let put = self.library.put(&room.join(ready.lesson.as_str()), &name);
                put.and_then(|()| self.keep_words(&ready.lesson, meanwhile))
            }
            Outcome::Failed { .. } => Ok(()),
        };
        let _ = std::fs::remove_dir_all(&room);
        match put {
            Ok(()) => outcome,
            Err(error) => failed(format!("the package could not be put into the library: {error}")),
        }
    }

    async fn ask_worker(
        &self,
        (ready, events): (&Ready, &mpsc::Sender<QueueEvent>),
        about: &mut Named,
        room: &Path,
    ) -> Outcome {
        let failed =
            |detail: String| Outcome::Failed { reason: Reason::Server { detail: detail.clone() }, detail };
        let start = async |about: &Named| {
            WorkerProcess::spawn_with("package", &self.job(ready, about, room), &TAGS).await
        };
        let mut worker = match start(about).await {
            Ok(worker) => worker,
            Err(error) => return failed(format!("the packaging worker could not be started: {error}")),
        };
        let (mut told, mut pace) = (0.0, Pace::default());
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
                Ok(PackageLine::Progress { stage, percent }) => {
                    told = percent;
                    let left = pace.left(stage, percent, self.clock.monotonic());
                    self.status(ready, JobState::Running, (percent, left), None);
                }
                Ok(PackageLine::Confined { lacks }) => self.say_what_it_lacks(lacks),
                // Now that it is known what is to be written on a lesson without a picture.
                Ok(PackageLine::Called { title }) => {
                    *about = Named { about: self.called(title, &about.about), by_its_file: false };
                    worker = match start(about).await {
                        Ok(worker) => worker,
                        Err(error) => {
                            return failed(format!("the packaging worker could not be started: {error}"));
                        }
                    };
                }
                Ok(PackageLine::Playable { manifest }) => {
                    if let Err(error) = self.offer_early(ready, room) {
                        tracing::warn!(%error, "a lesson could not be offered before all of it is made");
                        continue;
                    }
                    self.status(ready, JobState::Running, (told, None), None);
                    let (lesson, news) = (ready.lesson.clone(), News::Playable(manifest));
                    // Only at shutdown is nobody listening.
                    let _ = events.send(QueueEvent { lesson, news }).await;
                }
                Ok(PackageLine::Done { manifest }) => return Outcome::Packaged(manifest),
                Ok(PackageLine::Failed { reason, detail }) => return Outcome::Failed { reason, detail },
                Err(error) => tracing::warn!(%error, "a packaging worker's line could not be read"),
            }
        }
        let status = worker.wait().await.map_or_else(|e| e.to_string(), |s| s.to_string());
        Outcome::Failed { reason: Reason::Damaged, detail: format!("{DIED} {status}") }
    }

    /// The worker's job as `pipeline::PackageJob` reads it.
    fn job(&self, ready: &Ready, Named { about, by_its_file }: &Named, room: &Path) -> serde_json::Value {
        let ladder = self.settings.ladder.iter();
        let ladder: Vec<_> =
            ladder.map(|r| serde_json::json!({"name": r.name, "height": r.height, "kbps": r.kbps})).collect();
        let card = self.languages.first().map(|lang| (self.words.card)(&about.titles, lang));
        serde_json::json!({
            "card": card,
            "id": ready.lesson, "input": ready.file, "side_audio": ready.side.audio,
            "subtitles": ready.side.subtitles, "about": about, "out": room, "ladder": ladder,
            "audio_kbps": self.settings.audio_kbps, "languages": self.languages,
            // What waits for a review is not offered, and what is offered is no worse than it was.
            "early": !self.settings.review && !self.library.catalogue().has(&ready.lesson),
            "hardware": self.settings.hardware, "unnamed": by_its_file,
        })
    }

    /// Offers what can be watched until the package is made.
    fn offer_early(&self, ready: &Ready, room: &Path) -> Result<(), LibraryError> {
        self.library.put(&room.join(EARLY), ready.lesson.as_str())?;
        self.library.reload()
    }

    /// What was offered before its package was made, and never will be.
    pub(super) fn take_away_early(&self, lesson: &LessonId) {
        let is_early = self.library.catalogue().lesson(lesson).is_some_and(|p| p.manifest.preliminary);
        if is_early && let Err(error) = self.library.remove(lesson) {
            tracing::error!(%error, "a lesson whose file is damaged could not be taken from the library");
        }
    }

    /// What the office has said of a lesson while its package was made with `told`, if it did.
    fn said_meanwhile(&self, lesson: &LessonId, told: &About) -> Option<About> {
        let catalogue = self.library.catalogue();
        let early = catalogue.lesson(lesson).filter(|p| p.manifest.preliminary)?;
        Some(early.manifest.about()).filter(|about| about != told)
    }

    fn keep_words(&self, lesson: &LessonId, said: Option<About>) -> Result<(), LibraryError> {
        let Some(about) = said else { return Ok(()) };
        self.library.reload()?;
        self.library.describe(&BTreeMap::from([(lesson.clone(), about)])).map(drop)
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
    fn about(&self, ready: &Ready, given: Option<About>) -> Named {
        let known = self.library.catalogue().known(&ready.lesson).map(|p| p.manifest.about());
        let name = ready.file.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
        let known = known.unwrap_or_default();
        let given = given.unwrap_or_default();
        let details = if given.details.is_empty() { known.details } else { given.details };
        match [given.titles, known.titles].into_iter().find(|t| !t.0.is_empty()) {
            Some(titles) => Named { about: About { titles, details }, by_its_file: false },
            None => {
                let by_its_file = !is_a_title(&name);
                Named { about: self.called(name, &About { details, ..About::default() }), by_its_file }
            }
        }
    }

    /// The same with this title, in the county's first language.
    fn called(&self, title: String, about: &About) -> About {
        let titles = self.languages.first().map(|l| (l.clone(), title)).into_iter().collect();
        About { titles: Titles(titles), details: about.details.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_left_is_what_the_stage_that_takes_longest_needs() {
        let (mut pace, s) = (Pace::default(), Duration::from_secs);
        assert_eq!(pace.left("measure".into(), 10.0, s(5)), None);
        assert_eq!(pace.left("encode".into(), 20.0, s(10)), None);
        assert_eq!(pace.left("encode".into(), 20.5, s(20)), None, "too little of it");
        assert_eq!(pace.left("encode".into(), 59.0, s(49)), Some(s(39)));
        assert_eq!(pace.left("encode".into(), 99.0, s(90)), Some(s(0)));
    }
}
