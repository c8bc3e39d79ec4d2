//! One decode, every rung and language.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use gst::prelude::*;
use gstreamer as gst;
use gstreamer_app as gst_app;

use crate::base::Lang;
use crate::hls::{PackagedTrack, TrackKind};

use super::plan::Plan;
use super::{FRAMES, LadderRung, PackageJob, unfit};
use crate::pipeline::PipelineError;
use crate::pipeline::encode::{AAC_PRIMING, Silence, aac, counted, x264};
use crate::pipeline::frame::{AAC_SAMPLES, VIDEO_TIMESCALE};
use crate::pipeline::probe::{decoder, discard, media_type, stream_id};
use crate::pipeline::runtime::run_to_end;
use crate::pipeline::slate::still_group;
use crate::pipeline::still;
use crate::pipeline::track_file::TrackFile;

pub(super) struct Encoded {
    pub(super) tracks: Vec<PackagedTrack>,
    pub(super) segments_us: Vec<u64>,
}

type SharedTrack = Arc<Mutex<(TrackFile, Option<PipelineError>)>>;

/// Decodes once and encodes every rung and language.
pub(super) fn encode(
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
    let mut branches = Vec::new();
    if let Some(picture) = &plan.picture {
        let video_bin = bin(&video_description(plan))?;
        for (i, (rung, _, _)) in plan.rungs.iter().enumerate() {
            let track = shared(TrackFile::create(folder, &rung.name, frame_ticks, FRAMES as usize)?);
            collect(&named_in(&video_bin, &format!("v{i}"))?, Arc::clone(&track), 0);
            videos.push(track);
        }
        branches.push((plan.input.clone(), picture.stream.clone(), video_bin));
    }
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
    let mut videos = videos.into_iter().map(unshare).collect::<Result<Vec<_>, _>>()?;
    let mut audios = audios.into_iter().map(unshare).collect::<Result<Vec<_>, _>>()?;
    if plan.picture.is_none() {
        let longest = audios.iter().map(TrackFile::frames).max().unwrap_or_default() * AAC_SAMPLES as u64;
        videos = card(plan, job, folder, (longest * u64::from(plan.fps)).div_ceil(48_000))?;
    }
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

/// Every rung of a picture that stands still for so many frames: one group, again and again.
fn card(plan: &Plan, job: &PackageJob, folder: &Path, frames: u64) -> Result<Vec<TrackFile>, PipelineError> {
    let none = || unfit(&job.input, "there is no picture in it, and none to show in its place");
    let picture = still::render(job.card.as_ref().ok_or_else(none)?, "I420", 1280, 720)?;
    let ticks = i64::from(VIDEO_TIMESCALE / plan.fps);
    let rung = |(rung, width, height): &(LadderRung, u32, u32)| {
        let group = still_group(&picture, (*width, *height), rung.kbps, FRAMES)?;
        let mut file = TrackFile::create(folder, &rung.name, ticks, FRAMES as usize)?;
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
    pipeline.add(bin).ok()?;
    bin.sync_state_with_parent().ok()?;
    pad.link(&bin.static_pad("sink")?).ok().map(drop)
}
