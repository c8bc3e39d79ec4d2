//! What a media file holds: streams, sizes, languages, loudness.

mod levels;
mod said;
mod title;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use ebur128::{EbuR128, Mode};
use gst::prelude::*;
use gstreamer as gst;
use gstreamer_app as gst_app;

use crate::hls::{Cue, Reason};

use super::PipelineError;
use super::runtime::{make, run_to_end, sink};
use levels::Levels;
pub(super) use said::passes;
use said::{
    cue, is_unknown_text, is_upright, language, lies_on_its_side, missing_codec, picture, tells_enough,
};
pub(super) use title::title;

/// The picture of a file.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Picture {
    /// Identifies the stream in the next pass.
    pub(super) stream: String,
    /// Displayed size, square pixels, upright.
    pub(super) width: u32,
    pub(super) height: u32,
    /// Frames per second; 0 if variable or unknown.
    pub(super) fps: f64,
    /// When its last frame ends, nanoseconds from the start of the file.
    pub(super) end_ns: u64,
    /// It is coded as every browser takes it, and upright.
    pub(super) passes: bool,
}

/// One sound track of a file.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Sound {
    /// Identifies the stream in the next pass.
    pub(super) stream: String,
    /// ISO 639 code, if the file says one.
    pub(super) code: Option<String>,
    /// Integrated loudness, LUFS; -inf for silence.
    pub(super) loudness: f64,
    /// Peak, linear: what lies between samples is allowed for.
    pub(super) peak: f64,
    /// How loud it is over its length, of 255, in at most [`BARS`] equal stretches.
    pub(super) bars: Vec<u8>,
    /// When it ends, nanoseconds from the start of the file.
    pub(super) end_ns: u64,
}

/// One track of subtitles of a file.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Words {
    /// ISO 639 code, if the file says one.
    pub(super) code: Option<String>,
    /// In the order of the file.
    pub(super) cues: Vec<Cue>,
}

/// What a file holds.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Probe {
    pub(super) picture: Option<Picture>,
    pub(super) sounds: Vec<Sound>,
    pub(super) words: Vec<Words>,
    /// Names of codecs that nobody here decodes, by the kind of their media; empty where
    /// it is the stream that cannot be.
    pub(super) unknown: BTreeMap<String, String>,
    /// How long the file says it is, nanoseconds.
    pub(super) says_ns: Option<u64>,
}

impl Probe {
    /// When the last of its streams ends, nanoseconds.
    pub(super) fn end_ns(&self) -> u64 {
        let sounds = self.sounds.iter().map(|s| s.end_ns);
        sounds.chain(self.picture.iter().map(|p| p.end_ns)).max().unwrap_or_default()
    }
}

/// A picture has no more points than 8K television has.
const MOST_POINTS: u64 = 7680 * 4320;
/// No lesson is longer.
pub(super) const LONGEST_HOURS: u32 = 12;
const LONGEST_NS: u64 = LONGEST_HOURS as u64 * 3_600_000_000_000;

/// A true peak lies seldom more than 3 dB above the samples (ITU-R BS.1770-5 annex 2); to look
/// for it between them takes four times as long as all the rest.
const BETWEEN_SAMPLES: f64 = 1.413;

/// As many stretches as a picture of a sound has.
const BARS: usize = 240;

/// A picture, and how many frames of it came.
type Candidate = (Picture, u64);

#[derive(Default)]
struct Found {
    pictures: Vec<Candidate>,
    order: Vec<String>,
    codes: BTreeMap<String, String>,
    meters: BTreeMap<String, (EbuR128, Levels)>,
    /// When each stream ends, by its name.
    ends: BTreeMap<String, u64>,
    words: Vec<Words>,
    unknown: BTreeMap<String, String>,
    says_ns: Option<u64>,
    /// It goes no further.
    refused: Option<Reason>,
}

type Shared = Arc<Mutex<Found>>;

fn lock(found: &Shared) -> std::sync::MutexGuard<'_, Found> {
    found.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Reads the whole file once: sound is decoded and measured, of the picture headers are read
/// where they tell enough. What could be found out before it went wrong comes with
/// the error.
pub(super) fn probe(
    path: &Path,
    progress: &mut dyn FnMut(f64),
) -> Result<Probe, (PipelineError, Box<Probe>)> {
    let found = Shared::default();
    let run = run(path, &found, progress);
    let mut found = lock(&found);
    if let Some(reason) = found.refused.take() {
        return Err((PipelineError::unfit(path, reason), Box::default()));
    }
    let probe = sum_up(&mut found);
    match run {
        Ok(()) => Ok(probe),
        Err(error) => Err((error, Box::new(probe))),
    }
}

fn run(path: &Path, found: &Shared, progress: &mut dyn FnMut(f64)) -> Result<(), PipelineError> {
    let file = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let pipeline = gst::Pipeline::new();
    let decode = decoder(path)?;
    pipeline.add(&decode).map_err(PipelineError::build("reading a file"))?;
    decode.connect("autoplug-continue", false, |values| {
        let caps = values.get(2).and_then(|caps| caps.get::<gst::Caps>().ok());
        Some(caps.is_none_or(|caps| !tells_enough(&caps) && !is_unknown_text(&caps)).to_value())
    });
    let (weak, shared) = (pipeline.downgrade(), Arc::clone(found));
    decode.connect_pad_added(move |_, pad| {
        if let Some(pipeline) = weak.upgrade() {
            // A stream that cannot be measured is left out of the package.
            let _ = take(&pipeline, pad, &shared);
        }
    });
    run_to_end(&pipeline, &file, |message| {
        if let Some((kind, codec)) = message.and_then(missing_codec) {
            lock(found).unknown.entry(kind).or_insert(codec);
        }
        let at = pipeline.query_position::<gst::ClockTime>();
        let all = pipeline.query_duration::<gst::ClockTime>();
        if let (Some(at), Some(all)) = (at, all) {
            let mut found = lock(found);
            found.says_ns.get_or_insert(all.nseconds());
            if at.nseconds() > LONGEST_NS {
                refuse(&pipeline, &mut found, Reason::TooLong { hours: LONGEST_HOURS });
            }
            drop(found);
            progress(at.nseconds() as f64 * 100.0 / all.nseconds().max(1) as f64);
        }
    })
}

/// Ends the pipeline, for this reason.
fn refuse(pipeline: &gst::Pipeline, found: &mut Found, reason: Reason) {
    found.refused.get_or_insert(reason);
    gst::element_error!(pipeline, gst::StreamError::Failed, ("it goes no further"));
}

fn sum_up(found: &mut Found) -> Probe {
    let ends = std::mem::take(&mut found.ends);
    let end_of = |stream: &String| ends.get(stream).copied().unwrap_or_default();
    let sounds = std::mem::take(&mut found.order).into_iter().map(|stream| {
        let (meter, levels) = found.meters.remove(&stream).unzip();
        Sound {
            code: found.codes.get(&stream).cloned(),
            loudness: meter.as_ref().and_then(|m| m.loudness_global().ok()).unwrap_or(f64::NEG_INFINITY),
            peak: meter
                .as_ref()
                .map_or(0.0, |m| (0..2).filter_map(|c| m.sample_peak(c).ok()).fold(0.0, f64::max))
                * BETWEEN_SAMPLES,
            bars: levels.map_or_else(Vec::new, |l| l.bars(BARS)),
            end_ns: end_of(&stream),
            stream,
        }
    });
    let sounds = sounds.collect();
    // A cover is a picture too, of one frame: the film is what has more; of equals the first.
    let film = found.pictures.iter().rev().max_by_key(|(_, frames)| *frames);
    let picture = film.map(|(p, _)| Picture { end_ns: end_of(&p.stream), ..p.clone() });
    let mut words = std::mem::take(&mut found.words);
    words.retain(|w| !w.cues.is_empty());
    Probe { picture, sounds, words, unknown: std::mem::take(&mut found.unknown), says_ns: found.says_ns }
}

/// A decoder of every stream of `path`.
pub(super) fn decoder(path: &Path) -> Result<gst::Element, PipelineError> {
    let uri = gst::glib::filename_to_uri(path, None).map_err(|e| PipelineError::Build {
        what: "reading a file",
        detail: format!("{}: {e}", path.display()),
    })?;
    let decode = make("uridecodebin")?;
    decode.set_property("uri", uri.as_str());
    Ok(decode)
}

/// Kind of a decoded pad: `video`, `audio`, `text`, or something else.
pub(super) fn media_type(pad: &gst::Pad) -> String {
    let caps = pad.current_caps().unwrap_or_else(|| pad.query_caps(None));
    if is_unknown_text(&caps) {
        return "text".to_owned();
    }
    let name = caps.structure(0).map(|s| s.name().to_string()).unwrap_or_default();
    name.split('/').next().unwrap_or_default().to_owned()
}

/// Identifies a stream over several passes of the same file.
pub(super) fn stream_id(pad: &gst::Pad) -> String {
    pad.stream_id().map_or_else(|| pad.name().to_string(), |id| id.to_string())
}

fn take(pipeline: &gst::Pipeline, pad: &gst::Pad, found: &Shared) -> Option<()> {
    let stream = stream_id(pad);
    match media_type(pad).as_str() {
        "video" => {
            let picture = picture(pad, stream.clone())?;
            let mut held = lock(found);
            let (width, height) = (picture.width, picture.height);
            if u64::from(width) * u64::from(height) > MOST_POINTS {
                refuse(pipeline, &mut held, Reason::TooManyPixels { width, height });
            }
            let at = held.pictures.len();
            held.pictures.push((picture, 0));
            drop(held);
            note(pad, found, stream, move |pad, found| {
                let (picture, frames) = &mut found.pictures[at];
                // By the first frame it is known how the camera was held.
                if *frames == 0 {
                    if lies_on_its_side(pad) {
                        std::mem::swap(&mut picture.width, &mut picture.height);
                    }
                    picture.passes &= is_upright(pad);
                }
                *frames += 1;
            });
            discard(pipeline, pad)
        }
        "audio" => {
            lock(found).order.push(stream.clone());
            note(pad, found, stream.clone(), |_, _| ());
            let caps = "audio/x-raw,format=F32LE,rate=48000,channels=2,layout=interleaved";
            let (shared, from) = (Arc::clone(found), pad.clone());
            // Measured by a thread of its own.
            let sink = sink(64);
            sink.set_caps(Some(&caps.parse::<gst::Caps>().ok()?));
            let hear = move |sample: &gst::Sample| measure(&shared, &stream, &from, sample);
            into(pipeline, pad, &["queue", "audioconvert", "audioresample"], sink, hear)
        }
        "text" => {
            let mut held = lock(found);
            let at = held.words.len();
            held.words.push(Words { code: None, cues: Vec::new() });
            drop(held);
            let (shared, from) = (Arc::clone(found), pad.clone());
            let sink = sink(64);
            // A first subtitle may be long in coming.
            sink.set_property("async", false);
            into(pipeline, pad, &[], sink, move |sample| {
                let mut found = lock(&shared);
                let words = &mut found.words[at];
                words.code = words.code.take().or_else(|| language(&from));
                words.cues.extend(cue(sample));
            })
        }
        _ => discard(pipeline, pad),
    }
}

/// Hands every sample that comes out of `pad`, through these elements, to `hear`.
fn into(
    pipeline: &gst::Pipeline,
    pad: &gst::Pad,
    elements: &[&str],
    sink: gst_app::AppSink,
    hear: impl Fn(&gst::Sample) + Send + 'static,
) -> Option<()> {
    sink.set_callbacks(
        gst_app::AppSinkCallbacks::builder()
            .new_sample(move |sink| {
                hear(&sink.pull_sample().map_err(|_| gst::FlowError::Eos)?);
                Ok(gst::FlowSuccess::Ok)
            })
            .build(),
    );
    let mut chain = elements.iter().map(|e| make(e)).collect::<Result<Vec<_>, _>>().ok()?;
    chain.push(sink.upcast());
    pipeline.add_many(&chain).ok()?;
    gst::Element::link_many(&chain).ok()?;
    for element in &chain {
        element.sync_state_with_parent().ok()?;
    }
    pad.link(&chain[0].static_pad("sink")?).ok().map(drop)
}

/// Notes of each buffer of a stream when it ends, and tells `more` of it.
fn note(
    pad: &gst::Pad,
    found: &Shared,
    stream: String,
    more: impl Fn(&gst::Pad, &mut Found) + Send + Sync + 'static,
) {
    let shared = Arc::clone(found);
    pad.add_probe(gst::PadProbeType::BUFFER, move |pad, info| {
        let segment = pad.sticky_event::<gst::event::Segment>(0);
        let segment = segment.as_ref().and_then(|s| s.segment().downcast_ref::<gst::ClockTime>());
        let buffer = info.buffer();
        let end = buffer.and_then(|b| b.pts().map(|pts| pts + b.duration().unwrap_or_default()));
        // Of a buffer that reaches over the end the part before it counts.
        let end = segment
            .zip(end)
            .and_then(|(s, end)| s.to_running_time(s.stop().map_or(end, |stop| end.min(stop))));
        let mut found = lock(&shared);
        more(pad, &mut found);
        if let Some(end) = end {
            let ends = found.ends.entry(stream.clone()).or_default();
            *ends = (*ends).max(end.nseconds());
        }
        gst::PadProbeReturn::Ok
    });
}

/// Links a pad to a sink that throws everything away.
pub(super) fn discard(pipeline: &gst::Pipeline, pad: &gst::Pad) -> Option<()> {
    let fake = make("fakesink").ok()?;
    fake.set_property("sync", false);
    // Of subtitles the first may be long in coming.
    fake.set_property("async", media_type(pad) != "text");
    pipeline.add(&fake).ok()?;
    fake.sync_state_with_parent().ok()?;
    pad.link(&fake.static_pad("sink")?).ok().map(drop)
}

fn measure(shared: &Shared, stream: &str, pad: &gst::Pad, sample: &gst::Sample) {
    let Some(map) = sample.buffer().and_then(|b| b.map_readable().ok()) else { return };
    let samples: Vec<f32> =
        map.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
    // Measuring takes its time: other streams do not wait for it.
    let mut found = lock(shared);
    let meter = match found.meters.remove(stream) {
        Some(meter) => Some(meter),
        None => {
            // The language tag has come by the first sample.
            let code = language(pad).map(|code| (stream.to_owned(), code));
            found.codes.extend(code);
            EbuR128::new(2, 48_000, Mode::I | Mode::SAMPLE_PEAK).ok().map(|m| (m, Levels::default()))
        }
    };
    drop(found);
    if let Some((mut meter, mut levels)) = meter {
        // Only a wrong channel count is refused, and the caps fix that.
        let _ = meter.add_frames_f32(&samples);
        levels.add(&samples);
        lock(shared).meters.insert(stream.to_owned(), (meter, levels));
    }
}
