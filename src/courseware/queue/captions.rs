//! Subtitles that come to a lesson that is there: another version of it, with the same media.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use crate::base::{Lang, LessonId, replace_file};
use crate::courseware::catalogue::UNFINISHED;
use crate::courseware::hold::waiting_folder;
use crate::courseware::inbox::{lesson_id, makes_lesson, text_of};
use crate::courseware::{Hold, Package};
use crate::hls::{Manifest, Reason, Subtitle, content_hash, decode_text, parse_subtitles, write_vtt};

use super::{JobState, JobStatus, News, Outcome, Queue, QueueEvent, move_into};

/// Of one lesson: by language.
pub(super) type Captions = BTreeMap<Lang, PathBuf>;

/// No subtitles are longer, bytes.
const MOST: u64 = 16 << 20;

impl Queue {
    /// Those of `files` whose lesson is there and not about to be replaced, by lesson; and the
    /// names of those that wait.
    pub(super) async fn captions(&self, files: Vec<PathBuf>) -> (BTreeMap<LessonId, Captions>, Vec<String>) {
        let mut ours = BTreeMap::<LessonId, Captions>::new();
        let mut waiting = Vec::new();
        for file in files {
            match text_of(&file).filter(|(lesson, _)| self.base(lesson).is_some()) {
                Some((lesson, lang)) => drop(ours.entry(lesson).or_default().insert(lang, file)),
                None => waiting.push(file),
            }
        }
        // The disk is asked only where there is something to decide. Who sends subtitles and a new
        // film means them for that film; what cannot be known now is known later.
        if !ours.is_empty() {
            let coming = self.uploads.on_their_way().await.map(|names| {
                let films = names.iter().map(Path::new).filter(|name| makes_lesson(name));
                films.map(lesson_id).collect::<Vec<_>>()
            });
            let is_free = |lesson: &LessonId| coming.as_ref().is_ok_and(|coming| !coming.contains(lesson));
            let (free, others) = ours.into_iter().partition(|(lesson, _)| is_free(lesson));
            ours = free;
            waiting.extend(BTreeMap::into_values(others).flat_map(Captions::into_values));
        }
        let names = waiting.iter().filter_map(|f| Some(f.file_name()?.to_string_lossy().into_owned()));
        (ours, names.collect())
    }

    /// What a further version of a lesson is made of: the one that waits for its review, else the
    /// one on offer.
    fn base(&self, lesson: &LessonId) -> Option<Arc<Package>> {
        let catalogue = self.library.catalogue();
        let waiting = catalogue.held(lesson).filter(|(hold, _)| *hold == Hold::Waiting);
        let base = waiting.map(|(_, package)| package).or_else(|| catalogue.lesson(lesson));
        base.filter(|package| !package.manifest.preliminary).cloned()
    }

    /// Gives its subtitles to a lesson.
    pub(super) async fn caption(&self, lesson: LessonId, captions: Captions) -> QueueEvent {
        let (queue, id, files) = (self.clone(), lesson.clone(), captions.clone());
        let made = tokio::task::spawn_blocking(move || queue.with_captions(&id, &files)).await;
        let server = |detail: String| (Vec::from_iter(captions.values().cloned()), Reason::Server { detail });
        let made = made.unwrap_or_else(|error| Err(server(error.to_string())));
        let outcome = match made {
            Ok(manifest) => {
                for file in captions.values() {
                    move_into(file, &self.media.join("originals"));
                }
                Outcome::Packaged(Box::new(manifest))
            }
            Err((files, reason)) => {
                for file in &files {
                    self.reject(file, &reason);
                }
                Outcome::Failed { detail: reason.to_string(), reason }
            }
        };
        let (state, reason) = match &outcome {
            Outcome::Packaged(_) => (JobState::Done, None),
            Outcome::Failed { reason, .. } => (JobState::Failed, Some(reason.clone())),
        };
        let names = captions.values().filter_map(|f| Some(f.file_name()?.to_string_lossy().into_owned()));
        let file = names.collect::<Vec<_>>().join(", ");
        let (playable, left, percent) = (false, None, 100.0);
        self.set_status(JobStatus { lesson: lesson.clone(), file, state, percent, playable, left, reason });
        QueueEvent { lesson, news: News::Ended(outcome) }
    }

    /// A version of the lesson with these subtitles stands then; or which of them could not be
    /// taken, and why.
    fn with_captions(
        &self,
        lesson: &LessonId,
        captions: &Captions,
    ) -> Result<Manifest, (Vec<PathBuf>, Reason)> {
        let mut texts = Vec::new();
        for (lang, file) in captions {
            let name = file.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
            let cues = read(file).map(|text| parse_subtitles(&text));
            match cues.map_err(|error| Reason::Server { detail: error.to_string() }) {
                Ok(cues) if cues.is_empty() => {
                    return Err((vec![file.clone()], Reason::NoSubtitles { file: name }));
                }
                Ok(cues) => texts.push((lang.clone(), cues)),
                Err(reason) => return Err((vec![file.clone()], reason)),
            }
        }
        let all = |detail: String| (captions.values().cloned().collect(), Reason::Server { detail });
        let base = self.base(lesson).ok_or_else(|| all(format!("{lesson} has gone meanwhile")))?;
        let length_ms = base.manifest.segments_us.iter().sum::<u64>() / 1000;
        let texts = texts.into_iter().map(|(lang, cues)| (lang, write_vtt(&cues, 0, length_ms, 0)));
        let texts: Vec<_> = texts.filter(|(lang, text)| !has(&base.manifest, lang, text)).collect();
        if texts.is_empty() {
            return Ok(Manifest::clone(&base.manifest));
        }
        let room = self.library.folder().join(format!("{UNFINISHED}captions-{lesson}"));
        let waits = self.settings.review || base.held.is_some();
        let name = if waits { waiting_folder(lesson.as_str()) } else { lesson.to_string() };
        let made = version(&base, texts, &room).map_err(|error| error.to_string()).and_then(|manifest| {
            let put = self.library.put(&room, &name).and_then(|()| self.library.reload());
            put.map(|()| manifest).map_err(|error| error.to_string())
        });
        made.inspect_err(|_| drop(fs::remove_dir_all(&room))).map_err(all)
    }
}

/// True if the package has this text for this language.
fn has(manifest: &Manifest, lang: &Lang, text: &str) -> bool {
    let same = |s: &Subtitle| s.lang == *lang && s.sha256 == hash(text);
    manifest.subtitles.iter().any(same)
}

fn hash(text: &str) -> String {
    hex::encode(Sha256::digest(text.as_bytes()))
}

/// The text of a file of subtitles; none of what is too long to be one.
fn read(file: &Path) -> io::Result<String> {
    if fs::metadata(file)?.len() > MOST {
        return Ok(String::new());
    }
    Ok(decode_text(&fs::read(file)?))
}

/// A package in `room` with the media of `base`, the same on disk, and these `texts` (WebVTT) in
/// the place of those of their languages. It is on disk then.
fn version(base: &Package, texts: Vec<(Lang, String)>, room: &Path) -> io::Result<Manifest> {
    let _ = fs::remove_dir_all(room);
    fs::create_dir_all(room)?;
    for entry in fs::read_dir(&base.folder)? {
        let entry = entry?;
        // The manifest is another; a note that it was taken back is of the other one.
        if entry.path().extension().is_none_or(|ending| ending != "json") {
            fs::hard_link(entry.path(), room.join(entry.file_name()))?;
        }
    }
    let mut manifest = Manifest::clone(&base.manifest);
    for (lang, text) in texts {
        let file = format!("sub.{lang}.vtt");
        // Another file in its place: written to, it would change in the other version, too.
        replace_file(&room.join(&file), text.as_bytes())?;
        let sha256 = hash(&text);
        manifest.subtitles.retain(|known| known.lang != lang);
        manifest.subtitles.push(Subtitle { lang, file, sha256 });
    }
    manifest.content_hash = content_hash(&manifest.tracks, &manifest.subtitles);
    // With it the folder's entries are on disk.
    replace_file(&room.join("package.json"), &serde_json::to_vec_pretty(&manifest)?)?;
    Ok(manifest)
}
