//! The inbox: which files are whole, and what belongs together.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::base::{Lang, LessonId, Titles};
use crate::hls::{About, Details, Reason, decode_text};

use super::papers::is_paper;

/// A file as a look into the folder finds it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Look {
    size: u64,
    modified: std::time::SystemTime,
    /// Monotonic time since when it has been so.
    since: Duration,
}

/// Files that belong to a lesson's file by their name: `lesson.ug-Arab.srt`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SideFiles {
    /// Audio by language.
    pub audio: Vec<(Lang, PathBuf)>,
    /// Subtitles by language.
    pub subtitles: Vec<(Lang, PathBuf)>,
    /// Titles, from `lesson.toml`.
    pub titles: Option<PathBuf>,
    /// Sound that says no language: it goes with the video, and is not used.
    pub unused: Vec<PathBuf>,
}

impl SideFiles {
    /// Every file.
    pub fn all(&self) -> impl Iterator<Item = &PathBuf> {
        self.audio.iter().chain(&self.subtitles).map(|(_, p)| p).chain(&self.titles).chain(&self.unused)
    }
}

/// A lesson's file that is whole, with what belongs to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ready {
    /// Its identifier, from its name.
    pub lesson: LessonId,
    /// The file.
    pub file: PathBuf,
    /// What belongs to it.
    pub side: SideFiles,
}

const VIDEO: &[&str] = &[
    "mp4", "mkv", "mov", "m4v", "avi", "wmv", "asf", "flv", "mpg", "mpeg", "vob", "dat", "ts", "m2ts",
    "webm", "rm", "rmvb", "3gp", "ogv", "mts", "divx", "f4v", "m2v", "mpe", "qt", "dv",
];
const AUDIO: &[&str] =
    &["m4a", "mp3", "wav", "wma", "aac", "ogg", "oga", "opus", "flac", "amr", "mka", "aif", "aiff"];
const TEXT: &[&str] = &["srt", "vtt", "ass", "ssa"];

/// Looks at the inbox again and again.
#[derive(Debug, Default)]
pub struct Scanner {
    seen: BTreeMap<PathBuf, Look>,
    /// Folders in it.
    folders: Vec<PathBuf>,
}

impl Scanner {
    /// Looks at `folder` at monotonic `now` and returns the lessons whose
    /// files have kept their size and time for `stable`.
    pub fn scan(&mut self, folder: &Path, now: Duration, stable: Duration) -> std::io::Result<Vec<Ready>> {
        let (mut looks, mut folders) = (BTreeMap::new(), Vec::new());
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            let meta = entry.metadata()?;
            if meta.is_dir() {
                folders.push(entry.path());
            }
            if !meta.is_file() || entry.file_name().to_string_lossy().starts_with('.') {
                continue;
            }
            let (size, modified) = (meta.len(), meta.modified()?);
            let before = self.seen.get(&entry.path()).filter(|l| l.size == size && l.modified == modified);
            let since = before.map_or(now, |l| l.since);
            looks.insert(entry.path(), Look { size, modified, since });
        }
        (self.seen, self.folders) = (looks, folders);
        let whole =
            |path: &PathBuf| self.seen.get(path).is_some_and(|l| l.size > 0 && now - l.since >= stable);
        let lessons = self.seen.keys().filter(|p| is_lesson(p, self.seen.keys()));
        let ready = lessons.map(|file| Ready {
            lesson: lesson_id(file),
            file: file.clone(),
            side: side_files(file, self.seen.keys()),
        });
        Ok(ready.filter(|r| whole(&r.file) && r.side.all().all(whole)).collect())
    }

    /// Documents that have kept their size and time for `stable`, as of the last look.
    pub fn papers(&self, now: Duration, stable: Duration) -> Vec<PathBuf> {
        self.stable(now, stable).filter(|path| is_paper(path)).cloned().collect()
    }

    /// Archives that have.
    pub fn archives(&self, now: Duration, stable: Duration) -> Vec<PathBuf> {
        self.stable(now, stable).filter(|path| is_archive(path)).cloned().collect()
    }

    /// Subtitles that say their language and have kept their size and time for `alone`, while
    /// nothing in the inbox was a film or a sound they belong to, as of the last look.
    pub fn texts_alone(&self, now: Duration, alone: Duration) -> Vec<PathBuf> {
        let lessons: Vec<LessonId> =
            self.seen.keys().filter(|p| makes_lesson(p)).map(|p| lesson_id(p)).collect();
        let is_alone = |path: &&PathBuf| text_of(path).is_some_and(|(id, _)| !lessons.contains(&id));
        self.stable(now, alone).filter(is_alone).cloned().collect()
    }

    /// Folders in the inbox, as of the last look.
    pub fn folders(&self) -> &[PathBuf] {
        &self.folders
    }

    fn stable(&self, now: Duration, stable: Duration) -> impl Iterator<Item = &PathBuf> {
        self.seen.iter().filter(move |(_, l)| now - l.since >= stable).map(|(path, _)| path)
    }

    /// True if the file is there but empty, for as long as `stable`.
    pub fn empty(&self, now: Duration, stable: Duration) -> Vec<PathBuf> {
        let empty = self.seen.iter().filter(|(_, l)| l.size == 0 && now - l.since >= stable);
        empty.map(|(p, _)| p).filter(|p| is_lesson(p, self.seen.keys())).cloned().collect()
    }
}

/// True for a video, and for sound that no video is there for.
fn is_lesson<'a>(file: &Path, all: impl Iterator<Item = &'a PathBuf>) -> bool {
    makes_lesson(file) && (has_ending(file, VIDEO) || !has_video(&stem(file), all))
}

/// True if a file of this name is a lesson's own: a video, or sound that carries no
/// language in its name (`talk.ug-Arab.mp3` belongs to another file, which may still come).
pub(super) fn makes_lesson(file: &Path) -> bool {
    let of_another = || stem(file).rsplit_once('.').is_some_and(|(_, lang)| is_tag(lang));
    has_ending(file, VIDEO) || (has_ending(file, AUDIO) && !of_another())
}

/// True if `file` is sound and the video of its name is among the `originals` of lessons:
/// nobody means to have a film replaced by a card with its title.
pub(super) fn is_sound_for_a_film(file: &Path, originals: &Path) -> bool {
    let paths: Vec<PathBuf> =
        std::fs::read_dir(originals).into_iter().flatten().filter_map(|e| Some(e.ok()?.path())).collect();
    has_ending(file, AUDIO) && has_video(&stem(file), paths.iter())
}

fn has_video<'a>(of: &str, mut all: impl Iterator<Item = &'a PathBuf>) -> bool {
    all.any(|path| has_ending(path, VIDEO) && stem(path) == of)
}

/// True if this is a language rather than a word of a name.
fn is_tag(text: &str) -> bool {
    text.split('-').next().is_some_and(|l| l.len() <= 3) && side_lang(text).is_some()
}

/// The language that a side file's name says: a tag, or a code of ISO 639.
fn side_lang(text: &str) -> Option<Lang> {
    Lang::from_iso639(text, &[]).filter(|_| text.len() <= 3).or_else(|| Lang::new(text).ok())
}

/// True if a file of this name belongs to a lesson, or holds such files.
pub(super) fn is_taken(name: &str) -> bool {
    let path = Path::new(name);
    !name.starts_with('.') && (is_archive(path) || is_in_archive(path))
}

/// True if a file of this name belongs to a lesson.
pub(super) fn is_in_archive(path: &Path) -> bool {
    is_paper(path) || [VIDEO, AUDIO, TEXT, &["toml"]].iter().any(|endings| has_ending(path, endings))
}

/// True if a file of this name holds others.
fn is_archive(path: &Path) -> bool {
    has_ending(path, &["zip"])
}

fn ending(path: &Path) -> String {
    path.extension().map(|e| e.to_string_lossy().to_lowercase()).unwrap_or_default()
}

fn has_ending(path: &Path, endings: &[&str]) -> bool {
    endings.contains(&ending(path).as_str())
}

fn stem(path: &Path) -> String {
    path.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default()
}

/// Those of `all` that belong to the lesson of `file`, by their names, and are no lessons.
pub(super) fn belonging_to<'a>(file: &Path, all: impl Iterator<Item = &'a PathBuf>) -> Vec<PathBuf> {
    let lesson = format!("{}.", stem(file));
    let named = |path: &&PathBuf| path.file_name().is_some_and(|n| n.to_string_lossy().starts_with(&lesson));
    all.filter(|path| !makes_lesson(path)).filter(named).cloned().collect()
}

fn side_files<'a>(file: &Path, all: impl Iterator<Item = &'a PathBuf>) -> SideFiles {
    let lesson = stem(file);
    let mut side = SideFiles::default();
    for path in all.filter(|p| p.as_path() != file) {
        let name = stem(path);
        if name == lesson && ending(path) == "toml" {
            side.titles = Some(path.clone());
        }
        if name == lesson && has_ending(path, AUDIO) && has_ending(file, VIDEO) {
            side.unused.push(path.clone());
        }
        let Some(lang) = name.strip_prefix(&lesson).and_then(|r| r.strip_prefix('.')) else { continue };
        let Some(lang) = side_lang(lang) else { continue };
        if has_ending(path, AUDIO) {
            side.audio.push((lang, path.clone()));
        } else if has_ending(path, TEXT) {
            side.subtitles.push((lang, path.clone()));
        }
    }
    side
}

/// The lesson and the language of a file of subtitles, by its name.
pub(super) fn text_of(file: &Path) -> Option<(LessonId, Lang)> {
    let name = stem(file);
    let (lesson, tag) = name.rsplit_once('.').filter(|(_, tag)| has_ending(file, TEXT) && is_tag(tag))?;
    // An ending, for what stands before the last dot to be the name.
    Some((lesson_id(Path::new(&format!("{lesson}.mp4"))), side_lang(tag)?))
}

/// The identifier of a file's lesson: its name where that is one; else one made from it, the same
/// for the same name: offices name files in Chinese.
pub fn lesson_id(file: &Path) -> LessonId {
    let stem = stem(file);
    let plain: String =
        stem.to_lowercase().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let plain = plain.trim_matches('-');
    let lossless = stem.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | ' '));
    if lossless && let Ok(id) = LessonId::new(plain) {
        return id;
    }
    let hash = hex::encode(&Sha256::digest(stem.as_bytes())[..6]);
    LessonId::new(&format!("lesson-{hash}")).expect("letters, digits and a dash")
}

/// A side file: `zh-Hans = "…"`, one line per language, and what else is known in `[about]`.
#[derive(serde::Serialize, serde::Deserialize)]
struct Side {
    #[serde(flatten)]
    titles: Titles,
    #[serde(default, skip_serializing_if = "Details::is_empty")]
    about: Details,
}

/// What is known of a lesson as the file that is put beside it.
pub fn side_file(about: &About) -> Result<String, toml::ser::Error> {
    toml::to_string(&Side { titles: about.titles.clone(), about: about.details.clone() })
}

pub(super) fn read_about(path: &Path) -> Result<About, Reason> {
    let file = || path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let text =
        std::fs::read(path).map_err(|e| Reason::Server { detail: format!("{}: {e}", path.display()) })?;
    let side: Side = toml::from_str(&decode_text(&text))
        .map_err(|e| Reason::BadTitles { file: file(), detail: e.message().to_owned() })?;
    Ok(About { titles: side.titles, details: side.about })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn s(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    #[test]
    fn a_file_is_taken_when_it_has_stopped_growing() {
        let folder = tempfile::tempdir().expect("folder");
        let file = folder.path().join("grape-pruning.mkv");
        let mut scanner = Scanner::default();
        std::fs::write(&file, "part").expect("write");
        assert!(scanner.scan(folder.path(), s(0), s(2)).expect("scan").is_empty());
        std::fs::write(&file, "part and more").expect("write");
        assert!(scanner.scan(folder.path(), s(2), s(2)).expect("scan").is_empty());
        let side = folder.path().join("grape-pruning.ug-Arab.srt");
        std::fs::write(&side, "late").expect("write");
        assert!(scanner.scan(folder.path(), s(4), s(2)).expect("scan").is_empty(), "its side file is new");
        let ready = scanner.scan(folder.path(), s(6), s(2)).expect("scan");
        assert_eq!(ready.len(), 1);
        assert_eq!(ready[0].lesson.as_str(), "grape-pruning");
        assert_eq!(ready[0].side.subtitles, [(Lang::new("ug-Arab").expect("tag"), side)]);
    }

    #[test]
    fn sound_without_a_video_is_a_lesson_and_sound_in_a_language_waits_for_its_own() {
        let folder = tempfile::tempdir().expect("folder");
        for name in
            ["talk.mp3", "talk.ug-Arab.mp3", "film.mp4", "film.mp3", "late.ug-Arab.m4a", "02.听力.wav"]
        {
            std::fs::write(folder.path().join(name), "sound").expect("write");
        }
        let mut scanner = Scanner::default();
        scanner.scan(folder.path(), s(0), s(2)).expect("scan");
        let ready = scanner.scan(folder.path(), s(3), s(2)).expect("scan");
        let names: Vec<_> =
            ready.iter().map(|r| (r.file.file_name().expect("a name"), r.side.audio.len())).collect();
        assert_eq!(names, [("02.听力.wav".as_ref(), 0), ("film.mp4".as_ref(), 0), ("talk.mp3".as_ref(), 1)]);
        // Left behind, it would become the film's lesson.
        assert_eq!(ready[1].side.unused, [folder.path().join("film.mp3")]);
        let is_for_a_film = |name: &str| is_sound_for_a_film(Path::new(name), folder.path());
        assert!(is_for_a_film("film.mp3") && !is_for_a_film("film.mp4") && !is_for_a_film("talk.mp3"));
    }

    #[test]
    fn subtitles_alone_are_known_by_their_name() {
        let (inbox, s) = (tempfile::tempdir().expect("a folder"), Duration::from_secs);
        let put = |name: &str| std::fs::write(inbox.path().join(name), "1").expect("a file");
        let names = [
            "grape.ug-Arab.srt",
            "grape.zho.vtt",
            "葡萄.kk.ass",
            "melon.ug.srt",
            "melon.mp4",
            "grape.srt",
            "x.kk.txt",
            "grape.part.srt",
        ];
        names.into_iter().for_each(put);
        let mut scanner = Scanner::default();
        scanner.scan(inbox.path(), s(1), s(2)).expect("a look");
        let alone = |scanner: &Scanner, now| {
            let of = |path: &PathBuf| text_of(path).map(|(id, lang)| format!("{id} {lang}"));
            scanner.texts_alone(now, s(20)).iter().filter_map(of).collect::<Vec<_>>()
        };
        assert_eq!(alone(&scanner, s(20)), Vec::<String>::new(), "a film may come");
        let chinese = lesson_id(Path::new("葡萄.mp4"));
        assert_eq!(alone(&scanner, s(21)), ["grape ug-Arab", "grape zh-Hans", &format!("{chinese} kk-Arab")]);
        // The film begins to come.
        put("grape.mkv");
        scanner.scan(inbox.path(), s(22), s(2)).expect("a look");
        assert_eq!(alone(&scanner, s(60)), [format!("{chinese} kk-Arab")]);
    }

    #[test]
    fn a_side_file_says_titles_and_what_else_is_known() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("grape.toml");
        let text = "zh-Hans = \"葡萄\"\nen = \"Grapes\"\n[about]\ntopic = \"agriculture\"\npart = 2\n\
                    summary = { zh-Hans = \"修剪\" }\n";
        std::fs::write(&path, encoding_rs::GBK.encode(text).0).expect("written");
        let about = read_about(&path).expect("it is one");
        assert_eq!(about.titles, Titles::from([("zh-Hans", "葡萄"), ("en", "Grapes")]));
        assert_eq!((about.details.topic.as_str(), about.details.part), ("agriculture", Some(2)));
        assert_eq!(about.details.summary, Titles::from([("zh-Hans", "修剪")]));
        std::fs::write(&path, side_file(&about).expect("as text")).expect("written");
        assert_eq!(read_about(&path).expect("it is one"), about);
        std::fs::write(&path, "zh-Hans: 葡萄").expect("written");
        assert!(matches!(read_about(&path), Err(Reason::BadTitles { .. })));
    }

    #[test]
    fn names_in_any_script_become_identifiers() {
        let lesson_id = |name: &str| super::lesson_id(Path::new(name));
        assert_eq!(lesson_id("Grape Pruning_2.mp4").as_str(), "grape-pruning-2");
        let id = lesson_id("葡萄栽培技术.avi");
        assert!(id.as_str().starts_with("lesson-"));
        assert_eq!(id, lesson_id("葡萄栽培技术.wmv"));
        assert_ne!(id, lesson_id("葡萄栽培.avi"));
    }
}
