//! The packaging worker: a media file in, a package out.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use gstreamer as gst;
use gst::prelude::*;
use gstreamer_app as gst_app;
use sha2::{Digest, Sha256};

use crate::base::{Lang, Titles};
use crate::hls::{Manifest, PackagedTrack, Subtitle, TrackKind, parse_subtitles, write_vtt};

use super::encode::{AAC_PRIMING, Silence, aac, counted, x264};
use super::frame::{AAC_SAMPLES, VIDEO_TIMESCALE};
use super::probe::{Picture, Probe, Sound, decoder, discard, media_type, probe, stream_id};
use super::runtime::{init, run_to_end};
use super::track_file::TrackFile;
use super::{PipelineError, still};

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
    /// Subtitle files, SubRip or WebVTT, by language.
    pub subtitles: Vec<(Lang, PathBuf)>,
    /// Titles by language.
    pub titles: Titles,
    /// Folder of the library.
    pub out: PathBuf,
    /// Video rungs, best first.
    pub ladder: Vec<LadderRung>,
    /// Bit rate of each audio rendition, kb/s.
    pub audio_kbps: u32,
    /// Languages for audio whose language the file does not say, or not fully.
    pub languages: Vec<Lang>,
}

/// Frames in a segment: 3.84 s at 25 per second, 3.2 s at 30.
const FRAMES: u32 = 96;
/// EBU R 128 target.
const TARGET_LUFS: f64 = -23.0;
/// -1 dBTP.
const PEAK_LIMIT: f64 = 0.891_25;
/// Quieter than this is taken for silence and left as it is.
const SILENCE_LUFS: f64 = -60.0;

impl LadderRung {
    /// Size of this rung for a picture of this size: even, and no larger.
    pub(super) fn size(&self, width: u32, height: u32) -> (u32, u32) {
        let h = self.height.min(height).max(2) & !1;
        let w = (u64::from(width) * u64::from(h) / u64::from(height.max(1))) as u32;
        (w.max(2).next_multiple_of(2), h)
    }
}

/// Makes the package and puts it in the library under its final name.
/// `progress` hears the stage and 0 to 100 over all of them.
pub fn package(job: &PackageJob, progress: &mut dyn FnMut(&str, f64)) -> Result<Manifest, PipelineError> {
    init()?;
    progress("read", 0.0);
    let source_sha256 = sha256(&job.input)?;
    let folder = job.out.join(format!(".tmp-{}-{}", job.id, std::process::id()));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).map_err(PipelineError::io(&folder))?;
    let made = make(job, &folder, source_sha256, progress);
    if made.is_err() {
        // The error matters more than a folder left behind, which the next start removes.
        let _ = fs::remove_dir_all(&folder);
    }
    made
}

fn make(
    job: &PackageJob,
    folder: &Path,
    source_sha256: String,
    progress: &mut dyn FnMut(&str, f64),
) -> Result<Manifest, PipelineError> {
    let main = probe(&job.input, &mut |p| progress("measure", p * 0.2))?;
    let Some(picture) = main.picture.clone() else {
        return Err(unfit(&job.input, "there is no picture in it: a lesson needs video"));
    };
    let mut plan = Plan::new(job, &main, picture);
    for (lang, path) in &job.side_audio {
        let side = probe(path, &mut |_| ())?;
        let sound = side.sounds.into_iter().next();
        let sound = sound.ok_or_else(|| unfit(path, "there is no sound in it"))?;
        plan.add_sound(path.clone(), sound, lang.clone());
    }
    let video = encode(&plan, job, folder, &mut |p| progress("encode", 20.0 + p * 0.78))?;
    let segments_us = video.segments_us.clone();
    let subtitles = subtitles(job, folder, segments_us.iter().sum::<u64>() / 1000)?;
    let tracks = video.tracks;
    let manifest = Manifest {
        version: 1,
        id: job.id.clone(),
        content_hash: content_hash(&tracks, &subtitles),
        titles: job.titles.clone(),
        source_sha256,
        segments_us,
        poster: poster(folder, &tracks)?,
        tracks,
        subtitles,
        source_loudness: plan.sounds.iter().map(|s| s.sound.loudness.max(-120.0)).collect(),
    };
    progress("publish", 99.0);
    publish(folder, &job.out.join(&job.id), &manifest)?;
    progress("publish", 100.0);
    Ok(manifest)
}

/// What is encoded, decided before the first frame.
struct Plan {
    input: PathBuf,
    picture: Picture,
    fps: u32,
    rungs: Vec<(LadderRung, u32, u32)>,
    sounds: Vec<PlannedSound>,
}

struct PlannedSound {
    path: PathBuf,
    sound: Sound,
    lang: Lang,
}

impl Plan {
    fn new(job: &PackageJob, main: &Probe, picture: Picture) -> Self {
        // 30 frames would judder at 25; everything else is shown at 25.
        let fps = if [30.0, 60.0].iter().any(|f| (picture.fps - f).abs() < 0.1) { 30 } else { 25 };
        // No rung above the source, but always one.
        let mut rungs: Vec<LadderRung> =
            job.ladder.iter().filter(|r| r.height <= picture.height + 8).cloned().collect();
        if rungs.is_empty() {
            rungs.extend(job.ladder.last().cloned());
        }
        let rungs = rungs.into_iter().map(|r| {
            let (w, h) = r.size(picture.width, picture.height);
            (r, w, h)
        });
        let rungs = rungs.collect();
        let mut plan = Self { input: job.input.clone(), picture, fps, rungs, sounds: Vec::new() };
        for sound in &main.sounds {
            let taken = |l: &Lang| plan.sounds.iter().any(|s| &s.lang == l);
            let said = sound.code.as_deref().and_then(|c| Lang::from_iso639(c, &job.languages));
            let lang = said.filter(|l| !taken(l)).or_else(|| job.languages.iter().find(|l| !taken(l)).cloned());
            if let Some(lang) = lang {
                plan.add_sound(job.input.clone(), sound.clone(), lang);
            }
        }
        plan
    }

    fn add_sound(&mut self, path: PathBuf, sound: Sound, lang: Lang) {
        // A side file replaces the track of its language.
        self.sounds.retain(|s| s.lang != lang);
        self.sounds.push(PlannedSound { path, sound, lang });
    }

    fn segment_us(&self) -> u64 {
        u64::from(FRAMES) * 1_000_000 / u64::from(self.fps)
    }

    fn aac_frames(&self) -> usize {
        (self.segment_us() * 48_000 / 1_000_000 / AAC_SAMPLES as u64) as usize
    }
}

impl PlannedSound {
    /// Linear gain to the target loudness, held below the peak limit.
    fn gain(&self) -> f64 {
        if self.sound.loudness < SILENCE_LUFS {
            return 1.0;
        }
        let gain = 10f64.powf((TARGET_LUFS - self.sound.loudness) / 20.0);
        let limit = if self.sound.peak > 0.0 { PEAK_LIMIT / self.sound.peak } else { f64::INFINITY };
        gain.min(limit).min(10.0)
    }
}

struct Encoded {
    tracks: Vec<PackagedTrack>,
    segments_us: Vec<u64>,
}

type SharedTrack = Arc<Mutex<(TrackFile, Option<PipelineError>)>>;

/// Decodes once and encodes every rung and language.
fn encode(
    plan: &Plan,
    job: &PackageJob,
    folder: &Path,
    progress: &mut dyn FnMut(f64),
) -> Result<Encoded, PipelineError> {
    let file = job.input.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let pipeline = gst::Pipeline::new();
    let mut inputs: Vec<PathBuf> = vec![plan.input.clone()];
    inputs.extend(plan.sounds.iter().map(|s| s.path.clone()).filter(|p| p != &plan.input));
    let frame_ticks = i64::from(VIDEO_TIMESCALE / plan.fps);
    let mut videos: Vec<SharedTrack> = Vec::new();
    let mut audios: Vec<SharedTrack> = Vec::new();
    let video_bin = bin(&video_description(plan))?;
    for (i, (rung, _, _)) in plan.rungs.iter().enumerate() {
        let track = shared(TrackFile::create(folder, &rung.name, frame_ticks, FRAMES as usize)?);
        collect(&named_in(&video_bin, &format!("v{i}"))?, Arc::clone(&track), 0);
        videos.push(track);
    }
    let mut branches = vec![(plan.input.clone(), plan.picture.stream.clone(), video_bin)];
    for planned in &plan.sounds {
        let audio = bin(&audio_description(planned.gain(), job.audio_kbps))?;
        let name = format!("a-{}", planned.lang);
        let track = shared(TrackFile::create(folder, &name, AAC_SAMPLES, plan.aac_frames())?);
        collect(&named_in(&audio, "a")?, Arc::clone(&track), AAC_PRIMING);
        audios.push(track);
        branches.push((planned.path.clone(), planned.sound.stream.clone(), audio));
    }
    for input in inputs {
        let mine = branches.iter().filter(|b| b.0 == input).map(|b| (b.1.clone(), b.2.clone())).collect();
        add_input(&pipeline, &input, mine)?;
    }
    run_to_end(&pipeline, &file, || {
        let at = pipeline.query_position::<gst::ClockTime>();
        let all = pipeline.query_duration::<gst::ClockTime>();
        if let (Some(at), Some(all)) = (at, all) {
            progress((at.nseconds() as f64 * 100.0 / all.nseconds().max(1) as f64).min(100.0));
        }
    })?;
    // The sinks hold the track files: they go before the files are finished.
    drop((pipeline, branches));
    finish(plan, job, folder, videos, audios)
}

fn finish(
    plan: &Plan,
    job: &PackageJob,
    folder: &Path,
    videos: Vec<SharedTrack>,
    audios: Vec<SharedTrack>,
) -> Result<Encoded, PipelineError> {
    let videos = videos.into_iter().map(unshare).collect::<Result<Vec<_>, _>>()?;
    let mut audios = audios.into_iter().map(unshare).collect::<Result<Vec<_>, _>>()?;
    let frames = videos.first().map_or(0, TrackFile::frames);
    if frames == 0 {
        return Err(unfit(&job.input, "no picture could be decoded"));
    }
    let segments_us = segment_durations(frames, plan.fps);
    let mut langs: Vec<Lang> = plan.sounds.iter().map(|s| s.lang.clone()).collect();
    let silence = Silence::make()?;
    if audios.is_empty()
        && let Some(lang) = job.languages.first()
    {
        // A lesson without sound still has an audio rendition: channels must not break at it.
        audios.push(TrackFile::create(folder, &format!("a-{lang}"), AAC_SAMPLES, plan.aac_frames())?);
        langs.push(lang.clone());
    }
    let mut tracks = Vec::new();
    for (video, (_, width, height)) in videos.into_iter().zip(&plan.rungs) {
        let kind = TrackKind::Video { width: *width, height: *height, fps: f64::from(plan.fps) };
        tracks.push(video.finish(kind, &segments_us)?);
    }
    let needed = (segments_us.iter().sum::<u64>() * 48_000 / 1_000_000).div_ceil(AAC_SAMPLES as u64);
    for (mut audio, lang) in audios.into_iter().zip(langs) {
        while audio.frames() < needed {
            audio.push(&silence.codec, true, silence.data.clone())?;
        }
        tracks.push(audio.finish(TrackKind::Audio { lang, channels: 2 }, &segments_us)?);
    }
    Ok(Encoded { tracks, segments_us })
}

/// Whole segments, then what is left.
fn segment_durations(frames: u64, fps: u32) -> Vec<u64> {
    let us = |f: u64| f * 1_000_000 / u64::from(fps);
    let whole = frames / u64::from(FRAMES);
    let rest = frames % u64::from(FRAMES);
    let mut out = vec![us(u64::from(FRAMES)); whole as usize];
    out.extend((rest > 0).then(|| us(rest)));
    out
}

fn video_description(plan: &Plan) -> String {
    let fps = plan.fps;
    let mut text = format!(
        "queue max-size-buffers=4 max-size-bytes=0 max-size-time=0 ! deinterlace mode=auto ! videoconvert \
         ! videoflip video-direction=auto ! videorate ! video/x-raw,framerate={fps}/1 ! tee name=t"
    );
    for (i, (rung, width, height)) in plan.rungs.iter().enumerate() {
        text += &format!(
            " t. ! queue max-size-buffers=8 max-size-bytes=0 max-size-time=0 ! videoscale add-borders=false \
             ! videoconvert ! video/x-raw,format=I420,width={width},height={height},pixel-aspect-ratio=1/1 \
             ! {} ! appsink name=v{i} sync=false max-buffers=32",
            x264(rung.kbps, FRAMES, "veryfast").replace("name=enc ", "")
        );
    }
    text
}

fn audio_description(gain: f64, kbps: u32) -> String {
    format!(
        "queue max-size-time=0 max-size-bytes=0 max-size-buffers=256 ! audioconvert ! audioresample ! audiorate \
         ! audio/x-raw,format=F32LE,rate=48000,channels=2 ! volume volume={gain:.6} ! audioconvert ! {} \
         ! appsink name=a sync=false max-buffers=64",
        aac(kbps)
    )
}

fn bin(description: &str) -> Result<gst::Bin, PipelineError> {
    gst::parse::bin_from_description(description, true)
        .map_err(|e| PipelineError::Build { what: "building an encoder", detail: e.to_string() })
}

fn named_in(bin: &gst::Bin, name: &str) -> Result<gst_app::AppSink, PipelineError> {
    let found = bin.by_name(name).and_then(|e| e.downcast().ok());
    found.ok_or_else(|| PipelineError::Missing { element: name.to_owned() })
}

fn shared(track: TrackFile) -> SharedTrack {
    Arc::new(Mutex::new((track, None)))
}

fn unshare(track: SharedTrack) -> Result<TrackFile, PipelineError> {
    let gone = || PipelineError::Build { what: "ending an encoder", detail: "it is still running".into() };
    let inner = Arc::try_unwrap(track).map_err(|_| gone())?.into_inner().unwrap_or_else(PoisonError::into_inner);
    match inner {
        (track, None) => Ok(track),
        (_, Some(error)) => Err(error),
    }
}

/// Writes every frame that reaches `sink` into `track`, but for the first `skip`.
fn collect(sink: &gst_app::AppSink, track: SharedTrack, mut skip: usize) {
    sink.set_callbacks(
        gst_app::AppSinkCallbacks::builder()
            .new_sample(move |sink| {
                let sample = sink.pull_sample().map_err(|_| gst::FlowError::Eos)?;
                if skip > 0 {
                    skip -= 1;
                    return Ok(gst::FlowSuccess::Ok);
                }
                let Some((codec, key, data)) = counted(&sample) else { return Ok(gst::FlowSuccess::Ok) };
                let mut track = track.lock().unwrap_or_else(PoisonError::into_inner);
                match track.0.push(&codec, key, data) {
                    Ok(()) => Ok(gst::FlowSuccess::Ok),
                    Err(error) => {
                        track.1 = Some(error);
                        Err(gst::FlowError::Error)
                    }
                }
            })
            .build(),
    );
}

/// Decodes `path` and links the streams that `branches` ask for; the rest is thrown away.
fn add_input(
    pipeline: &gst::Pipeline,
    path: &Path,
    branches: Vec<(String, gst::Bin)>,
) -> Result<(), PipelineError> {
    let decode = decoder(path)?;
    pipeline.add(&decode).map_err(PipelineError::build("reading a file"))?;
    let weak = pipeline.downgrade();
    decode.connect_pad_added(move |_, pad| {
        let Some(pipeline) = weak.upgrade() else { return };
        let id = stream_id(pad);
        let wanted = branches.iter().find(|(stream, _)| *stream == id);
        let linked = match wanted {
            Some((_, bin)) if media_type(pad) != "text" => link(&pipeline, pad, bin),
            _ => discard(&pipeline, pad),
        };
        if linked.is_none() {
            gst::element_error!(pipeline, gst::StreamError::Format, ("a stream could not be encoded"));
        }
    });
    Ok(())
}

fn link(pipeline: &gst::Pipeline, pad: &gst::Pad, bin: &gst::Bin) -> Option<()> {
    pipeline.add(bin).ok()?;
    bin.sync_state_with_parent().ok()?;
    pad.link(&bin.static_pad("sink")?).ok().map(drop)
}

fn subtitles(job: &PackageJob, folder: &Path, length_ms: u64) -> Result<Vec<Subtitle>, PipelineError> {
    let mut out = Vec::new();
    for (lang, path) in &job.subtitles {
        let bytes = fs::read(path).map_err(PipelineError::io(path))?;
        let cues = parse_subtitles(&String::from_utf8_lossy(&bytes));
        if cues.is_empty() {
            return Err(unfit(path, "there is no subtitle in it: SubRip (.srt) or WebVTT (.vtt) in UTF-8 is expected"));
        }
        let text = write_vtt(&cues, 0, length_ms);
        let file = format!("sub.{lang}.vtt");
        fs::write(folder.join(&file), &text).map_err(PipelineError::io(folder.join(&file)))?;
        out.push(Subtitle { lang: lang.clone(), file, sha256: hex::encode(Sha256::digest(text.as_bytes())) });
    }
    Ok(out)
}

/// The first picture of a segment a little way in, where titles have faded up.
fn poster(folder: &Path, tracks: &[PackagedTrack]) -> Result<Option<String>, PipelineError> {
    let Some(best) = tracks.first() else { return Ok(None) };
    let Some(range) = best.segments.get(best.segments.len() / 10) else { return Ok(None) };
    let file = fs::read(folder.join(&best.file)).map_err(PipelineError::io(folder.join(&best.file)))?;
    let at = |r: &crate::hls::ByteRange| file.get(r.offset as usize..(r.offset + r.length) as usize).unwrap_or(&[]);
    let clip = folder.join("poster.mp4");
    fs::write(&clip, [at(&best.header), at(range)].concat()).map_err(PipelineError::io(&clip))?;
    let made = still::poster(&clip, &folder.join("poster.jpg"), 360);
    fs::remove_file(&clip).map_err(PipelineError::io(&clip))?;
    made.map(|()| Some("poster.jpg".to_owned()))
}

/// SHA-256 over the hashes of the media files, in order.
pub(super) fn content_hash(tracks: &[PackagedTrack], subtitles: &[Subtitle]) -> String {
    let mut hash = Sha256::new();
    for sha in tracks.iter().map(|t| &t.sha256).chain(subtitles.iter().map(|s| &s.sha256)) {
        hash.update(sha.as_bytes());
    }
    hex::encode(hash.finalize())
}

/// Writes the manifest, makes everything durable and moves the folder to its
/// final name in one step; a package that stood there is moved aside, so that
/// what is on air can end.
pub(super) fn publish(folder: &Path, target: &Path, manifest: &Manifest) -> Result<(), PipelineError> {
    let path = folder.join("package.json");
    let text = serde_json::to_vec_pretty(manifest).expect("a manifest is plain data");
    fs::write(&path, text).map_err(PipelineError::io(&path))?;
    for file in [&path, folder] {
        File::open(file).and_then(|f| f.sync_all()).map_err(PipelineError::io(file))?;
    }
    if target.exists() {
        exchange(folder, target)?;
        let aside = target.with_file_name(format!(".old-{}-{}", manifest.id, std::process::id()));
        fs::rename(folder, &aside).map_err(PipelineError::io(&aside))?;
    } else {
        fs::rename(folder, target).map_err(PipelineError::io(target))?;
    }
    let parent = target.parent().unwrap_or(target);
    File::open(parent).and_then(|f| f.sync_all()).map_err(PipelineError::io(parent))
}

/// Two folders trade names: at no moment is there none.
fn exchange(a: &Path, b: &Path) -> Result<(), PipelineError> {
    use nix::fcntl::{AT_FDCWD, RenameFlags, renameat2};
    renameat2(AT_FDCWD, a, AT_FDCWD, b, RenameFlags::RENAME_EXCHANGE)
        .map_err(|e| PipelineError::Io { path: b.to_owned(), source: e.into() })
}

fn sha256(path: &Path) -> Result<String, PipelineError> {
    let mut file = File::open(path).map_err(PipelineError::io(path))?;
    let (mut hash, mut buffer) = (Sha256::new(), vec![0; 1 << 20]);
    loop {
        match file.read(&mut buffer).map_err(PipelineError::io(path))? {
            0 => return Ok(hex::encode(hash.finalize())),
            n => hash.update(&buffer[..n]),
        }
    }
}

fn unfit(path: &Path, detail: &str) -> PipelineError {
    let file = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    PipelineError::Unfit { file, detail: detail.to_owned() }
}
