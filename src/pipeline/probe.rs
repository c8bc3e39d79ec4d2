//! What a media file holds: streams, sizes, languages, loudness.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use ebur128::{EbuR128, Mode};
use gst::prelude::*;
use gstreamer as gst;
use gstreamer_app as gst_app;

use super::PipelineError;
use super::runtime::{make, run_to_end, sink};

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
    /// True peak, linear.
    pub(super) peak: f64,
}

/// What a file holds.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Probe {
    pub(super) picture: Option<Picture>,
    pub(super) sounds: Vec<Sound>,
}

#[derive(Default)]
struct Found {
    picture: Option<Picture>,
    order: Vec<String>,
    codes: BTreeMap<String, String>,
    meters: BTreeMap<String, EbuR128>,
}

/// Decodes the whole file once.
pub(super) fn probe(path: &Path, progress: &mut dyn FnMut(f64)) -> Result<Probe, PipelineError> {
    let file = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let pipeline = gst::Pipeline::new();
    let decode = decoder(path)?;
    pipeline.add(&decode).map_err(PipelineError::build("reading a file"))?;
    let found = Arc::new(Mutex::new(Found::default()));
    let (weak, shared) = (pipeline.downgrade(), Arc::clone(&found));
    decode.connect_pad_added(move |_, pad| {
        if let Some(pipeline) = weak.upgrade() {
            // A stream that cannot be measured is left out of the package.
            let _ = take(&pipeline, pad, &shared);
        }
    });
    run_to_end(&pipeline, &file, || {
        let at = pipeline.query_position::<gst::ClockTime>();
        let all = pipeline.query_duration::<gst::ClockTime>();
        if let (Some(at), Some(all)) = (at, all) {
            progress(at.nseconds() as f64 * 100.0 / all.nseconds().max(1) as f64);
        }
    })?;
    let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
    let sounds = std::mem::take(&mut found.order).into_iter().map(|stream| {
        let meter = found.meters.get(&stream);
        Sound {
            code: found.codes.get(&stream).cloned(),
            loudness: meter.and_then(|m| m.loudness_global().ok()).unwrap_or(f64::NEG_INFINITY),
            peak: meter.map_or(0.0, |m| (0..2).filter_map(|c| m.true_peak(c).ok()).fold(0.0, f64::max)),
            stream,
        }
    });
    let sounds = sounds.collect();
    Ok(Probe { picture: found.picture.clone(), sounds })
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
    let name = caps.structure(0).map(|s| s.name().to_string()).unwrap_or_default();
    name.split('/').next().unwrap_or_default().to_owned()
}

/// Identifies a stream over several passes of the same file.
pub(super) fn stream_id(pad: &gst::Pad) -> String {
    pad.stream_id().map_or_else(|| pad.name().to_string(), |id| id.to_string())
}

fn take(pipeline: &gst::Pipeline, pad: &gst::Pad, found: &Arc<Mutex<Found>>) -> Option<()> {
    let stream = stream_id(pad);
    let sink = sink(64);
    match media_type(pad).as_str() {
        "video" => {
            let mut found = found.lock().ok()?;
            if found.picture.is_none() {
                found.picture = picture(pad, stream);
            }
            drop(found);
            discard(pipeline, pad)
        }
        "audio" => {
            found.lock().ok()?.order.push(stream.clone());
            let convert = make("audioconvert").ok()?;
            let resample = make("audioresample").ok()?;
            let caps = "audio/x-raw,format=F32LE,rate=48000,channels=2,layout=interleaved";
            sink.set_caps(Some(&caps.parse::<gst::Caps>().ok()?));
            let (shared, from) = (Arc::clone(found), pad.clone());
            sink.set_callbacks(
                gst_app::AppSinkCallbacks::builder()
                    .new_sample(move |sink| {
                        let sample = sink.pull_sample().map_err(|_| gst::FlowError::Eos)?;
                        measure(&shared, &stream, &from, &sample);
                        Ok(gst::FlowSuccess::Ok)
                    })
                    .build(),
            );
            pipeline.add_many([&convert, &resample, sink.upcast_ref()]).ok()?;
            gst::Element::link_many([&convert, &resample, sink.upcast_ref()]).ok()?;
            for e in [&convert, &resample, sink.upcast_ref()] {
                e.sync_state_with_parent().ok()?;
            }
            pad.link(&convert.static_pad("sink")?).ok().map(drop)
        }
        _ => discard(pipeline, pad),
    }
}

/// Links a pad to a sink that throws everything away.
pub(super) fn discard(pipeline: &gst::Pipeline, pad: &gst::Pad) -> Option<()> {
    let fake = make("fakesink").ok()?;
    fake.set_property("sync", false);
    pipeline.add(&fake).ok()?;
    fake.sync_state_with_parent().ok()?;
    pad.link(&fake.static_pad("sink")?).ok().map(drop)
}

fn picture(pad: &gst::Pad, stream: String) -> Option<Picture> {
    let caps = pad.current_caps()?;
    let s = caps.structure(0)?;
    let (w, h) = (s.get::<i32>("width").ok()?, s.get::<i32>("height").ok()?);
    let par = s.get::<gst::Fraction>("pixel-aspect-ratio").ok().filter(|p| p.numer() > 0 && p.denom() > 0);
    let par = par.map_or(1.0, |p| f64::from(p.numer()) / f64::from(p.denom()));
    let fps = s.get::<gst::Fraction>("framerate").ok().filter(|f| f.denom() > 0);
    let (mut width, mut height) = ((f64::from(w) * par).round() as u32, u32::try_from(h).ok()?);
    let orientation = pad
        .sticky_event::<gst::event::Tag>(0)
        .and_then(|t| t.tag().get::<gst::tags::ImageOrientation>().map(|o| o.get().to_owned()));
    if orientation.is_some_and(|o| o.contains("90") || o.contains("270")) {
        std::mem::swap(&mut width, &mut height);
    }
    Some(Picture {
        stream,
        width,
        height,
        fps: fps.map_or(0.0, |f| f64::from(f.numer()) / f64::from(f.denom())),
    })
}

fn measure(found: &Mutex<Found>, stream: &str, pad: &gst::Pad, sample: &gst::Sample) {
    let Some(map) = sample.buffer().and_then(|b| b.map_readable().ok()) else { return };
    let samples: Vec<f32> =
        map.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
    let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
    if !found.meters.contains_key(stream) {
        if let Ok(meter) = EbuR128::new(2, 48_000, Mode::I | Mode::TRUE_PEAK) {
            found.meters.insert(stream.to_owned(), meter);
        }
        // The language tag has come by the first sample.
        let tags = (0..8).filter_map(|i| pad.sticky_event::<gst::event::Tag>(i));
        let code =
            tags.filter_map(|t| t.tag().get::<gst::tags::LanguageCode>().map(|l| l.get().to_owned())).next();
        if let Some(code) = code {
            found.codes.insert(stream.to_owned(), code);
        }
    }
    if let Some(meter) = found.meters.get_mut(stream) {
        // Only a wrong channel count is refused, and the caps fix that.
        let _ = meter.add_frames_f32(&samples);
    }
}
