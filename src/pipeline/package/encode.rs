//! One decode, every rung and language.

use std::iter;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use gst::prelude::*;
use gstreamer as gst;
use gstreamer_app as gst_app;

use crate::base::Lang;
use crate::hls::{PackagedTrack, Reason, TrackKind};

use super::encoder::Encoder;
use super::pads::{begin_segments, begin_with, name_colours, on_one_line, stand_still};
use super::plan::{PEAK_LIMIT, Plan, PlannedSound};
use super::remux::Copied;
use super::{FRAMES, LadderRung, PackageJob};
use crate::pipeline::PipelineError;
use crate::pipeline::encode::{AAC_PRIMING, Silence, aac, counted};
use crate::pipeline::frame::{AAC_SAMPLES, VIDEO_TIMESCALE};
use crate::pipeline::probe::{decoder, discard, media_type, stream_id};
use crate::pipeline::runtime::run_to_end;
use crate::pipeline::slate::still_group;
use crate::pipeline::still;
use crate::pipeline::track_file::{Lengths, TrackFile};

pub(super) struct Encoded {
    pub(super) tracks: Vec<PackagedTrack>,
    pub(super) segments_us: Vec<u64>,
    /// Where its tracks begin, 90 kHz.
    pub(super) begins: i64,
}

/// Pictures that wait for a rung.
const WAITING: &str = "queue max-size-buffers=8 max-size-bytes=0 max-size-time=0";

type SharedTrack = Arc<Mutex<(TrackFile, Option<PipelineError>)>>;

/// Decodes once and encodes every rung and language; where the best rung was `copied`, the
/// others, and all are cut where it is. What one of the encoders cannot is the next one's.
pub(super) fn encode(
    plan: &Plan,
    job: &PackageJob,
    folder: &Path,
    copied: Option<&Copied>,
    (encoders, progress): (&[Encoder], &mut dyn FnMut(f64)),
) -> Result<Encoded, PipelineError> {
    let (last, devices) = encoders.split_last().unwrap_or((&Encoder::X264, &[]));
    for device in devices {
        match encode_by(*device, plan, job, folder, copied, progress) {
            Err(error) if !matches!(error, PipelineError::Io { .. }) => {
                tracing::warn!(lesson = job.id, encoder = ?device, %error, "a device could not encode");
            }
            made => return made,
        }
    }
    encode_by(*last, plan, job, folder, copied, progress)
}

fn encode_by(
    encoder: Encoder,
    plan: &Plan,
    job: &PackageJob,
    folder: &Path,
    copied: Option<&Copied>,
    progress: &mut dyn FnMut(f64),
) -> Result<Encoded, PipelineError> {
    let file = job.input.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let pipeline = gst::Pipeline::new();
    let mut inputs: Vec<PathBuf> = vec![plan.input.clone()];
    inputs.extend(plan.sounds.iter().map(|s| s.path.clone()).filter(|p| p != &plan.input));
    let frame_ticks = i64::from(VIDEO_TIMESCALE / plan.fps);
    let mut videos: Vec<SharedTrack> = Vec::new();
    let mut audios: Vec<SharedTrack> = Vec::new();
    let mut branches = Vec::new();
    let delay = copied.map_or(0, |c| c.delay);
    let start_ns = copied.map_or(0, |c| c.start) * 1_000_000_000 / i64::from(VIDEO_TIMESCALE);
    let sound_delay = delay * 48_000 / i64::from(VIDEO_TIMESCALE);
    let rungs = &plan.rungs[usize::from(copied.is_some())..];
    let pictures = copied.map_or(Lengths::Every(FRAMES as usize), |c| Lengths::Each(c.counts.clone()));
    let sounds = match copied {
        Some(copied) => Lengths::Each(aac_frames(&copied.segments_us)),
        None => Lengths::Every(plan.aac_frames()),
    };
    if let Some(picture) = plan.picture.as_ref().filter(|_| !rungs.is_empty()) {
        let video_bin = bin(&video_description(encoder, plan.fps, rungs, copied.is_none()))?;
        stand_still(&video_bin, plan.sound_end_ns().max(picture.end_ns))?;
        begin_with(&video_bin, start_ns);
        name_colours(&video_bin);
        for (i, (rung, _, _)) in rungs.iter().enumerate() {
            if encoder.is_told(copied.is_none()) {
                let counts = copied.map(|c| c.counts.clone()).into_iter().flatten();
                let same = iter::repeat_n(FRAMES as usize, if copied.is_none() { usize::MAX } else { 0 });
                begin_segments(&video_bin, &format!("e{i}"), counts.chain(same))?;
            }
            let track = TrackFile::new(folder, &rung.name, frame_ticks, pictures.clone());
            let track = shared(track.beginning_at(delay));
            collect(&named_in(&video_bin, &format!("v{i}"))?, Arc::clone(&track), 0);
            videos.push(track);
        }
        branches.push((plan.input.clone(), picture.stream.clone(), video_bin));
    }
    for planned in &plan.sounds {
        let audio = bin(&audio_description(planned, job.audio_kbps))?;
        if planned.path == plan.input {
            begin_with(&audio, start_ns);
        }
        let name = format!("a-{}", planned.lang);
        let track = TrackFile::new(folder, &name, AAC_SAMPLES, sounds.clone());
        let track = shared(track.beginning_at(sound_delay));
        collect(&named_in(&audio, "a")?, Arc::clone(&track), AAC_PRIMING);
        audios.push(track);
        branches.push((planned.path.clone(), planned.sound.stream.clone(), audio));
    }
    for input in inputs {
        let mine = branches.iter().filter(|b| b.0 == input).map(|b| (b.1.clone(), b.2.clone())).collect();
        add_input(&pipeline, &input, mine)?;
    }
    run_to_end(&pipeline, &file, |_| {
        let at = pipeline.query_position::<gst::ClockTime>();
        let all = pipeline.query_duration::<gst::ClockTime>();
        if let (Some(at), Some(all)) = (at, all) {
            progress((at.nseconds() as f64 * 100.0 / all.nseconds().max(1) as f64).min(100.0));
        }
    })?;
    // The sinks hold the track files: they go before the files are finished.
    drop((pipeline, branches));
    finish(plan, job, (folder, copied, sounds), videos, audios)
}

fn finish(
    plan: &Plan,
    job: &PackageJob,
    (folder, copied, sounds): (&Path, Option<&Copied>, Lengths),
    videos: Vec<SharedTrack>,
    audios: Vec<SharedTrack>,
) -> Result<Encoded, PipelineError> {
    let mut videos = videos.into_iter().map(unshare).collect::<Result<Vec<_>, _>>()?;
    let mut audios = audios.into_iter().map(unshare).collect::<Result<Vec<_>, _>>()?;
    if plan.picture.is_none() {
        let longest = audios.iter().map(TrackFile::frames).max().unwrap_or_default() * AAC_SAMPLES as u64;
        videos = card(plan, job, folder, (longest * u64::from(plan.fps)).div_ceil(48_000))?;
    }
    let frames = match copied {
        Some(copied) => copied.counts.iter().sum::<usize>() as u64,
        None => videos.first().map_or(0, TrackFile::frames),
    };
    if frames == 0 {
        return Err(PipelineError::unfit(&job.input, Reason::Damaged));
    }
    if copied.is_some()
        && let Some(other) = videos.iter().find(|v| v.frames() != frames)
    {
        let detail = format!("a rung has {} pictures of {frames}", other.frames());
        return Err(PipelineError::Build { what: "aligning rungs", detail });
    }
    let segments_us = copied.map_or_else(|| segment_durations(frames, plan.fps), |c| c.segments_us.clone());
    let mut langs: Vec<Lang> = plan.sounds.iter().map(|s| s.lang.clone()).collect();
    let silence = Silence::make()?;
    if audios.is_empty()
        && let Some(lang) = job.languages.first()
    {
        // A lesson without sound still has an audio rendition: channels must not break at it.
        let silent = TrackFile::new(folder, &format!("a-{lang}"), AAC_SAMPLES, sounds);
        audios.push(silent.beginning_at(copied.map_or(0, |c| c.delay * 48_000 / i64::from(VIDEO_TIMESCALE))));
        langs.push(lang.clone());
    }
    let mut tracks: Vec<PackagedTrack> = copied.map(|c| c.picture.clone()).into_iter().collect();
    let encoded = &plan.rungs[tracks.len()..];
    for (video, (_, width, height)) in videos.into_iter().zip(encoded) {
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
    Ok(Encoded { tracks, segments_us, begins: copied.map_or(0, |c| c.delay) })
}

/// Every rung of a picture that stands still for so many frames: one group, again and again.
fn card(plan: &Plan, job: &PackageJob, folder: &Path, frames: u64) -> Result<Vec<TrackFile>, PipelineError> {
    let none = || PipelineError::unfit(&job.input, Reason::Unknown);
    let picture = still::render(job.card.as_ref().ok_or_else(none)?, "I420", 1280, 720)?;
    let ticks = i64::from(VIDEO_TIMESCALE / plan.fps);
    let rung = |(rung, width, height): &(LadderRung, u32, u32)| {
        let group = still_group(&picture, (*width, *height), rung.kbps, FRAMES)?;
        let mut file = TrackFile::new(folder, &rung.name, ticks, Lengths::Every(FRAMES as usize));
        for (codec, key, data) in group.iter().cycle().take(frames as usize) {
            file.push(codec, *key, data.clone())?;
        }
        Ok(file)
    };
    plan.rungs.iter().map(rung).collect()
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

/// Each rung is scaled from the one above it: a third of the work for the lowest, and what it
/// loses in sharpness nobody sees.
fn video_description(encoder: Encoder, fps: u32, rungs: &[(LadderRung, u32, u32)], same: bool) -> String {
    // Where segments begin is asked for, or it is every so many pictures.
    let same = same.then_some(FRAMES);
    let mut text = format!(
        "queue max-size-buffers=4 max-size-bytes=0 max-size-time=0 ! deinterlace fields=top ! videoconvert \
         ! videoflip video-direction=auto ! videorate name=rate ! video/x-raw,framerate={fps}/1 ! tee name=t"
    );
    for (i, (rung, width, height)) in rungs.iter().enumerate() {
        // What decodes may fill the first encoder's queue itself.
        let from = if i == 0 { "t. !".to_owned() } else { format!("t{}. ! {WAITING} !", i - 1) };
        text += &format!(
            " {from} videoscale add-borders=false ! videoconvert \
             ! video/x-raw,format=I420,width={width},height={height},pixel-aspect-ratio=1/1 ! tee name=t{i} \
             t{i}. ! {WAITING} ! {} ! appsink name=v{i} sync=false max-buffers=32",
            encoder.description((i, &format!("e{i}")), rung.kbps, same)
        );
    }
    text
}

/// How many frames of sound at 48 kHz begin in each segment.
fn aac_frames(segments_us: &[u64]) -> Vec<usize> {
    let begun = |us: u64| (us * 48_000 / 1_000_000).div_ceil(AAC_SAMPLES as u64) as usize;
    let mut end = 0;
    let count = |us: &u64| {
        let start = begun(end);
        end += us;
        begun(end) - start
    };
    segments_us.iter().map(count).collect()
}

fn audio_description(sound: &PlannedSound, kbps: u32) -> String {
    let gain = sound.gain();
    // The limiter leaves alone what is below half of full scale, and bends what is above
    // so that it stays below full scale.
    let level = match sound.is_limited() {
        true => format!("{} ! rglimiter ! {}", amplified(gain / PEAK_LIMIT), amplified(PEAK_LIMIT)),
        false => amplified(gain),
    };
    format!(
        "queue max-size-time=0 max-size-bytes=0 max-size-buffers=256 ! audioconvert ! audioresample ! audiorate \
         ! audio/x-raw,format=F32LE,rate=48000,channels=2 ! {level} ! audioconvert ! {} \
         ! appsink name=a sync=false max-buffers=64",
        aac(kbps)
    )
}

/// Not `volume`, which has an end at ten.
fn amplified(gain: f64) -> String {
    format!("audioamplify clipping-method=none amplification={gain:.6}")
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
    let inner =
        Arc::try_unwrap(track).map_err(|_| gone())?.into_inner().unwrap_or_else(PoisonError::into_inner);
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
    on_one_line(pad);
    pipeline.add(bin).ok()?;
    bin.sync_state_with_parent().ok()?;
    pad.link(&bin.static_pad("sink")?).ok().map(drop)
}
