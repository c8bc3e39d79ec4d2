//! The packaging worker: a media file in, a package out.

mod copying;
mod cut;
mod disc;
mod encode;
mod encoder;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod order;
mod pads;
mod plan;
mod publish;
mod remux;
mod sniff;
mod storyboard;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sha2::{Digest, Sha256};

use crate::base::{Lang, sha256_of};
use crate::hls::wire::EARLY;
use crate::hls::{
    About, Cue, Manifest, PackagedTrack, Reason, Subtitle, content_hash, decode_text, parse_subtitles,
    write_vtt,
};

use super::frame::{VIDEO_TIMESCALE, micros};
use super::probe::{LONGEST_HOURS, Probe, Words, probe, title};
use super::runtime::init_for_files;
use super::{PipelineError, still};
use copying::remux;
use encode::{Encoded, encode};
use encoder::Encoder;
use plan::Plan;
pub(super) use publish::publish;
use remux::{Copied, Limits, Passed};
use storyboard::{excerpt, storyboard};

/// One video rung.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct LadderRung {
    /// Rendition name.
    pub name: String,
    /// Height, pixels.
    pub height: u32,
    /// Video bit rate, kb/s.
    pub kbps: u32,
}

/// What the server tells a packaging worker.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct PackageJob {
    /// The lesson's identifier: the package's folder.
    pub id: String,
    /// The file.
    pub input: PathBuf,
    /// Further audio, by language.
    pub side_audio: Vec<(Lang, PathBuf)>,
    /// Subtitle files (SubRip, WebVTT, SubStation Alpha) by language.
    pub subtitles: Vec<(Lang, PathBuf)>,
    /// Titles, and what else is known of it.
    pub about: About,
    /// The folder its package is put into: the library, or one beside it.
    pub out: PathBuf,
    /// Video rungs, best first.
    pub ladder: Vec<LadderRung>,
    /// Bit rate of each audio rendition, kb/s.
    pub audio_kbps: u32,
    /// An SVG of 1280 × 720 that is shown where the file has no picture.
    #[serde(default)]
    pub card: Option<String>,
    /// Languages for audio whose language the file does not say, or not fully.
    pub languages: Vec<Lang>,
    /// A film that browsers play as it is may be watched before its other rungs are made.
    #[serde(default)]
    pub early: bool,
    /// A device that encodes is used where there is one.
    #[serde(default)]
    pub hardware: bool,
    /// Its title is nobody's: the one that the file tells of itself is better.
    #[serde(default)]
    pub unnamed: bool,
}

/// What is heard of a job under way.
#[derive(Debug)]
pub enum PackageStep<'a> {
    /// What is being done, and 0 to 100 over all of it.
    Progress(&'a str, f64),
    /// A package that can be watched until the job is done, in the folder [`EARLY`] under `out`.
    Playable(Box<Manifest>),
}

impl PackageJob {
    /// The files it reads.
    pub fn inputs(&self) -> Vec<PathBuf> {
        let side = self.side_audio.iter().chain(&self.subtitles).map(|(_, path)| path);
        side.chain([&self.input]).cloned().collect()
    }
}

/// What the file says it is called, if that is asked for.
pub fn title_asked_for(job: &PackageJob) -> Option<String> {
    job.unnamed.then(|| title(&job.input)).flatten()
}

/// Frames in a segment: 3.84 s at 25 per second, 3.2 s at 30.
const FRAMES: u32 = 96;

impl LadderRung {
    /// Size of this rung for a picture of this size: even, and no larger.
    pub(super) fn size(&self, width: u32, height: u32) -> (u32, u32) {
        let h = self.height.min(height).max(2) & !1;
        let w = (u64::from(width) * u64::from(h) / u64::from(height.max(1))) as u32;
        (w.max(2).next_multiple_of(2), h)
    }
}

/// Makes the package and puts it in the library under its final name; `hear` is told how
/// far it is.
pub fn package(job: &PackageJob, hear: &mut dyn FnMut(PackageStep<'_>)) -> Result<Manifest, PipelineError> {
    init_for_files()?;
    hear(PackageStep::Progress("read", 0.0));
    let folder = job.out.join(format!(".tmp-{}-{}", job.id, std::process::id()));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).map_err(PipelineError::io(&folder))?;
    let made = make(job, &folder, hear);
    if made.is_err() {
        // The error matters more than a folder left behind, which the next start removes.
        let _ = fs::remove_dir_all(&folder);
    }
    made
}

fn make(
    job: &PackageJob,
    folder: &Path,
    hear: &mut dyn FnMut(PackageStep<'_>),
) -> Result<Manifest, PipelineError> {
    let stream = folder.join("disc.mpg");
    let unwrapped = disc::unwrap(&job.input, &stream).map_err(PipelineError::io(&job.input))?;
    let input = if unwrapped { &stream } else { &job.input };
    if let Some(reason) = sniff::look(input).map_err(PipelineError::io(input))? {
        return Err(PipelineError::unfit(&job.input, reason));
    }
    // While it is measured it is read for its hash, and copied where it can be.
    let hash = std::thread::spawn({
        let input = job.input.clone();
        move || sha256_of(&input).map_err(PipelineError::io(&input))
    });
    let aside = job.out.join(format!(".tmp-{EARLY}-{}-{}", job.id, std::process::id()));
    fs::create_dir_all(&aside).map_err(PipelineError::io(&aside))?;
    let in_vain = Arc::new(AtomicBool::new(false));
    let copy = std::thread::spawn({
        let (input, aside, in_vain) = (input.clone(), aside.clone(), Arc::clone(&in_vain));
        let limits = Limits::of(job.early, &job.ladder);
        move || remux(&input, &aside, limits, in_vain)
    });
    let main = examine(&job.input, input, &mut |p| hear(PackageStep::Progress("measure", p * 0.2)));
    in_vain.store(main.is_err(), Ordering::Relaxed);
    let hashed = hash.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    let copied = copy.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    let main = main.inspect_err(|_| drop(fs::remove_dir_all(&aside)))?;
    let copied = match copied {
        Err(error @ PipelineError::Io { .. }) => return Err(error),
        // What can be decoded is encoded.
        Err(_) => None,
        Ok(copied) => copied,
    };
    let mut plan = Plan::new(job, input, &main);
    for (lang, path) in &job.side_audio {
        let no_sound = || PipelineError::unfit(path, Reason::NoSound { file: name(path) });
        let side = probe(path, &mut |_| ()).map_err(|(error, _)| match error {
            PipelineError::Media { .. } => no_sound(),
            other => other,
        })?;
        let sound = side.sounds.into_iter().next().ok_or_else(no_sound)?;
        plan.add_sound(path.clone(), sound, lang.clone());
    }
    let words = all_words(job, main.words)?;
    let packing = Packing { job, plan: &plan, words, source_sha256: hashed? };
    let copied = packing.place(copied, (&aside, folder), hear)?;
    let encoders = Encoder::all(job.hardware);
    let mut encode = |copied| {
        let mut progress = |p| hear(PackageStep::Progress("encode", 20.0 + p * 0.78));
        encode(&plan, job, folder, copied, (&encoders, &mut progress))
    };
    let video = match encode(copied.as_ref()) {
        Err(_) if let Some(copied) = &copied => {
            // Perhaps other rungs cannot be cut where it is: it is encoded as they are.
            let path = folder.join(&copied.picture.file);
            fs::remove_file(&path).map_err(PipelineError::io(&path))?;
            encode(None)?
        }
        made => made?,
    };
    if unwrapped {
        fs::remove_file(&stream).map_err(PipelineError::io(&stream))?;
    }
    let manifest = packing.manifest(folder, video, false)?;
    hear(PackageStep::Progress("publish", 99.0));
    publish(folder, &job.out.join(&job.id), &manifest)?;
    hear(PackageStep::Progress("publish", 100.0));
    Ok(manifest)
}

/// What packages of one file have in common.
struct Packing<'a> {
    job: &'a PackageJob,
    plan: &'a Plan,
    words: Vec<(Lang, Vec<Cue>)>,
    source_sha256: String,
}

impl Packing<'_> {
    /// Has what was copied `aside` watched at once, if that may be; the best rung in `folder`, if
    /// it can be that.
    fn place(
        &self,
        passed: Option<Passed>,
        (aside, folder): (&Path, &Path),
        hear: &mut dyn FnMut(PackageStep<'_>),
    ) -> Result<Option<Copied>, PipelineError> {
        let mut copied = match passed {
            Some(passed) => passed.by(self.plan, aside)?,
            None => None,
        };
        let rung = copied.as_ref().filter(|c| c.is_rung(self.plan));
        if let Some(Copied { picture, .. }) = rung {
            let (from, to) = (aside.join(&picture.file), folder.join(&picture.file));
            // The same file, where the kernel lets a confined process have it twice.
            fs::hard_link(&from, &to)
                .or_else(|_| fs::copy(&from, &to).map(drop))
                .map_err(PipelineError::io(&to))?;
        }
        let is_rung = rung.is_some();
        let first = copied.as_mut().filter(|c| self.job.early && c.is_watchable());
        match first.map(|first| self.offer(first, aside)) {
            Some(Ok(manifest)) => hear(PackageStep::Playable(Box::new(manifest))),
            // The package will do without.
            Some(Err(_)) | None => fs::remove_dir_all(aside).map_err(PipelineError::io(aside))?,
        }
        Ok(copied.filter(|_| is_rung))
    }

    /// Makes what was copied a package of its own.
    fn offer(&self, copied: &mut Copied, aside: &Path) -> Result<Manifest, PipelineError> {
        let sounds = copied.sounds.take().unwrap_or_default();
        let tracks = [copied.picture.clone()].into_iter().chain(sounds).collect();
        let segments_us = copied.segments_us.clone();
        let manifest = self.manifest(aside, Encoded { tracks, segments_us, begins: copied.delay }, true)?;
        publish(aside, &self.job.out.join(EARLY), &manifest)?;
        Ok(manifest)
    }

    /// Describes the package in `folder`, and writes its subtitles and its poster.
    fn manifest(
        &self,
        folder: &Path,
        Encoded { tracks, segments_us, begins }: Encoded,
        preliminary: bool,
    ) -> Result<Manifest, PipelineError> {
        let subtitles = subtitles(&self.words, folder, segments_us.iter().sum::<u64>() / 1000)?;
        // A lesson does without small pictures.
        let (poster, storyboard) = std::thread::scope(|scope| {
            let small = (!preliminary && self.plan.picture.is_some())
                .then(|| scope.spawn(|| storyboard(folder, &tracks, &segments_us).ok().flatten()));
            (poster(folder, &tracks), small.and_then(|small| small.join().ok().flatten()))
        });
        Ok(Manifest {
            version: 1,
            id: self.job.id.clone(),
            content_hash: content_hash(&tracks, &subtitles),
            titles: self.job.about.titles.clone(),
            details: self.job.about.details.clone(),
            source_sha256: self.source_sha256.clone(),
            poster: poster?,
            storyboard,
            // Of a film the pictures show where one is.
            waveform: match &self.plan.picture {
                Some(_) => None,
                None => self.plan.sounds.first().map(|s| hex::encode(&s.sound.bars)),
            },
            segments_us,
            begins_us: micros(begins, VIDEO_TIMESCALE).max(0) as u64,
            tracks,
            subtitles,
            source_loudness: self.plan.sounds.iter().map(|s| s.sound.loudness.max(-120.0)).collect(),
            preliminary,
        })
    }
}

/// What the film at `input`, uploaded as `file`, holds; or why it is none.
fn examine(file: &Path, input: &Path, progress: &mut dyn FnMut(f64)) -> Result<Probe, PipelineError> {
    let refused = |reason| Err(PipelineError::unfit(file, reason));
    let (probe, error) = match probe(input, progress) {
        Ok(probe) => (probe, None),
        Err((error, probe)) => (*probe, Some(error)),
    };
    let says = sniff::says(input).map_or(0, |says| says.ns(probe.says_ns));
    if error.is_none() && says > u64::from(LONGEST_HOURS) * 3_600_000_000_000 {
        return refused(Reason::TooLong { hours: LONGEST_HOURS });
    }
    let has = probe.end_ns();
    // Headers are a little wrong now and then.
    if has > 0 && has + 2_000_000_000 < says - says / 20 {
        return refused(Reason::CutOff { has: minutes(has), says: minutes(says) });
    }
    match (probe.unknown.get("video"), probe.unknown.get("audio")) {
        (Some(codec), _) if probe.picture.is_none() && codec.is_empty() => return refused(Reason::Damaged),
        (_, Some(codec)) if probe.sounds.is_empty() && codec.is_empty() => return refused(Reason::Damaged),
        (Some(codec), _) if probe.picture.is_none() => {
            return refused(Reason::PictureCodec { codec: codec.clone() });
        }
        (_, Some(codec)) if probe.sounds.is_empty() => {
            return refused(Reason::SoundCodec { codec: codec.clone() });
        }
        _ => {}
    }
    match error {
        Some(error) => Err(error),
        None if probe.picture.is_none() && probe.sounds.is_empty() => refused(Reason::Unknown),
        None => Ok(probe),
    }
}

/// `m:ss`.
fn minutes(ns: u64) -> String {
    let seconds = (ns + 500_000_000) / 1_000_000_000;
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

/// Those in the file, and those beside it, which take the place of the file's in their language.
fn all_words(job: &PackageJob, inside: Vec<Words>) -> Result<Vec<(Lang, Vec<Cue>)>, PipelineError> {
    let mut all: Vec<(Lang, Vec<Cue>)> = Vec::new();
    for (lang, path) in &job.subtitles {
        let bytes = fs::read(path).map_err(PipelineError::io(path))?;
        let cues = parse_subtitles(&decode_text(&bytes));
        if cues.is_empty() {
            return Err(PipelineError::unfit(path, Reason::NoSubtitles { file: name(path) }));
        }
        all.retain(|(l, _)| l != lang);
        all.push((lang.clone(), cues));
    }
    for words in inside {
        let taken = |l: &Lang| all.iter().any(|(of, _)| of == l);
        if let Some(lang) = language(words.code.as_deref(), &job.languages, &taken) {
            all.push((lang, words.cues));
        }
    }
    Ok(all)
}

fn subtitles(
    all: &[(Lang, Vec<Cue>)],
    folder: &Path,
    length_ms: u64,
) -> Result<Vec<Subtitle>, PipelineError> {
    let mut out = Vec::new();
    for (lang, cues) in all {
        let text = write_vtt(cues, 0, length_ms, 0);
        let file = format!("sub.{lang}.vtt");
        fs::write(folder.join(&file), &text).map_err(PipelineError::io(folder.join(&file)))?;
        let sha256 = hex::encode(Sha256::digest(text.as_bytes()));
        out.push(Subtitle { lang: lang.clone(), file, sha256 });
    }
    Ok(out)
}

/// The language of a stream that says this `code`, or none: one that is not taken.
fn language(code: Option<&str>, languages: &[Lang], taken: &dyn Fn(&Lang) -> bool) -> Option<Lang> {
    let said = code.and_then(|c| Lang::from_iso639(c, languages)).filter(|l| !taken(l));
    said.or_else(|| languages.iter().find(|l| !taken(l)).cloned())
}

/// The first picture of a segment a little way in, where titles have faded up.
fn poster(folder: &Path, tracks: &[PackagedTrack]) -> Result<Option<String>, PipelineError> {
    let Some(best) = tracks.first() else { return Ok(None) };
    let Some(range) = best.segments.get(best.segments.len() / 10) else { return Ok(None) };
    let clip = folder.join("poster.mp4");
    excerpt(folder, best, [range], &clip)?;
    let made = still::poster(&clip, &folder.join("poster.jpg"), 360);
    fs::remove_file(&clip).map_err(PipelineError::io(&clip))?;
    made.map(|()| Some("poster.jpg".to_owned()))
}

fn name(path: &Path) -> String {
    path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default()
}
