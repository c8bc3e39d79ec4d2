//! One decode, every rung and language.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use gst::prelude::*;
use gstreamer as gst;
use gstreamer_app as gst_app;

use crate::base::Lang;
use crate::hls::{PackagedTrack, Reason, TrackKind};

use super::plan::{PEAK_LIMIT, Plan, PlannedSound};
use super::{FRAMES, LadderRung, PackageJob};
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

/// Of 25 a second.
const FRAME: gst::ClockTime = gst::ClockTime::from_mseconds(40);

/// Pictures that wait for a rung.
const WAITING: &str = "queue max-size-buffers=8 max-size-bytes=0 max-size-time=0";

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
        stand_still(&video_bin, plan.sound_end_ns().max(picture.end_ns))?;
        for (i, (rung, _, _)) in plan.rungs.iter().enumerate() {
            let track = shared(TrackFile::create(folder, &rung.name, frame_ticks, FRAMES as usize)?);
            collect(&named_in(&video_bin, &format!("v{i}"))?, Arc::clone(&track), 0);
            videos.push(track);
        }
        branches.push((plan.input.clone(), picture.stream.clone(), video_bin));
    }
    for planned in &plan.sounds {
        let audio = bin(&audio_description(planned, job.audio_kbps))?;
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
    run_to_end(&pipeline, &file, |_| {
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
        return Err(PipelineError::unfit(&job.input, Reason::Damaged));
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
    let none = || PipelineError::unfit(&job.input, Reason::Unknown);
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

/// Each rung is scaled from the one above it: a third of the work for the lowest, and what it
/// loses in sharpness nobody sees.
fn video_description(plan: &Plan) -> String {
    let fps = plan.fps;
    let mut text = format!(
        "queue max-size-buffers=4 max-size-bytes=0 max-size-time=0 ! deinterlace fields=top ! videoconvert \
         ! videoflip video-direction=auto ! videorate name=rate ! video/x-raw,framerate={fps}/1 ! tee name=t"
    );
    for (i, (rung, width, height)) in plan.rungs.iter().enumerate() {
        let from = if i == 0 { "t".to_owned() } else { format!("t{}", i - 1) };
        text += &format!(
            " {from}. ! {WAITING} ! videoscale add-borders=false ! videoconvert \
             ! video/x-raw,format=I420,width={width},height={height},pixel-aspect-ratio=1/1 ! tee name=t{i} \
             t{i}. ! {WAITING} ! {} ! appsink name=v{i} sync=false max-buffers=32",
            x264(rung.kbps, FRAMES, "veryfast").replace("name=enc ", "")
        );
    }
    text
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

/// Has each picture shown until the next one comes, and the last until `until_ns`: what keeps
/// the rate takes the nearer of two, and would turn a slide of a minute half a minute early.
fn stand_still(bin: &gst::Bin, until_ns: u64) -> Result<(), PipelineError> {
    let missing = || PipelineError::Missing { element: "videorate".into() };
    let rate = bin.by_name("rate").and_then(|e| e.static_pad("sink")).ok_or_else(missing)?;
    // A pad takes nothing after the end: the end is held up on the pad that leads there.
    let before = rate.peer().ok_or_else(missing)?;
    let rate = rate.downgrade();
    let last = Mutex::new(None::<gst::Buffer>);
    let fill = move |last: Option<gst::Buffer>, until: gst::ClockTime| {
        let (Some(rate), Some(picture)) = (rate.upgrade(), last) else { return };
        let mut at = picture.pts().unwrap_or(until) + FRAME;
        while at + FRAME / 2 < until {
            let mut again = picture.copy();
            again.make_mut().set_pts(at);
            // What nobody takes any more has an end of its own.
            if rate.chain(again).is_err() {
                break;
            }
            at += FRAME;
        }
    };
    before.add_probe(gst::PadProbeType::BUFFER | gst::PadProbeType::EVENT_DOWNSTREAM, move |_, info| {
        let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
        match &info.data {
            Some(gst::PadProbeData::Buffer(buffer)) => {
                let held = last.replace(buffer.clone());
                if let Some(until) = buffer.pts() {
                    fill(held, until);
                }
            }
            Some(gst::PadProbeData::Event(event)) if event.type_() == gst::EventType::Eos => {
                fill(last.take(), gst::ClockTime::from_nseconds(until_ns));
            }
            _ => {}
        }
        gst::PadProbeReturn::Ok
    });
    Ok(())
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

/// Puts what leaves `pad` on the line of time that begins with the file: an edit list that
/// begins with nothing is a segment of its own to what fills gaps, which sees none then.
fn on_one_line(pad: &gst::Pad) {
    let line = gst::FormattedSegment::<gst::ClockTime>::new();
    pad.add_probe(gst::PadProbeType::BUFFER | gst::PadProbeType::EVENT_DOWNSTREAM, move |pad, info| {
        match &mut info.data {
            Some(gst::PadProbeData::Buffer(buffer)) => {
                let segment = pad.sticky_event::<gst::event::Segment>(0);
                let segment = segment.as_ref().and_then(|s| s.segment().downcast_ref::<gst::ClockTime>());
                let at = segment.zip(buffer.pts()).and_then(|(s, pts)| s.to_running_time(pts));
                if at.is_some() {
                    buffer.make_mut().set_pts(at);
                }
            }
            Some(gst::PadProbeData::Event(event)) if event.type_() == gst::EventType::Segment => {
                *event = gst::event::Segment::builder(&line).seqnum(event.seqnum()).build();
            }
            _ => {}
        }
        gst::PadProbeReturn::Ok
    });
}

fn link(pipeline: &gst::Pipeline, pad: &gst::Pad, bin: &gst::Bin) -> Option<()> {
    on_one_line(pad);
    pipeline.add(bin).ok()?;
    bin.sync_state_with_parent().ok()?;
    pad.link(&bin.static_pad("sink")?).ok().map(drop)
}
