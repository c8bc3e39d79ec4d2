//! From the pads of a demuxer to frames: elementary streams are parsed, or
//! decoded and encoded again where browsers could not play them.

use std::sync::Arc;

use gst::prelude::*;
use gstreamer as gst;
use gstreamer_app as gst_app;

use super::bitstream;
use super::encode::{AAC_CAPS, H264_CAPS, aac, x264};
use super::frame::{Codec, Frame};
use super::package::LadderRung;
use super::rungs;
use super::runtime::sink;

/// Added to running time, so that decoding times before the first picture stay positive.
pub(super) const LEAD_NS: i64 = 10_000_000_000;

/// Frames of a group when pictures are encoded anew: 3.84 s at 25 a second.
const GROUP: u32 = 96;
/// What is encoded anew has threads of its own, the receiving one three seconds ahead.
const AHEAD: &str = "queue max-size-time=3000000000 max-size-bytes=0 max-size-buffers=0";
/// Bit rates when streams are encoded anew, kb/s.
const PICTURE_KBPS: u32 = 1500;
const SOUND_KBPS: u32 = 96;

/// One elementary stream of a generation.
#[derive(Debug)]
pub(super) struct Stream {
    /// Its name, one among those of its demuxer.
    pub(super) name: String,
    /// It is a lower rung, of this height, of the stream with that name.
    pub(super) rung: Option<u32>,
    pad: gst::Pad,
}

impl Stream {
    /// The language it says it has (ISO 639).
    pub(super) fn language(&self) -> Option<String> {
        let tags = self.pad.sticky_event::<gst::event::Tag>(0);
        let tags = tags.map(|t| t.tag_owned()).or_else(|| self.pad.stream()?.tags());
        tags.and_then(|t| t.get::<gst::tags::LanguageCode>().map(|l| l.get().to_owned()))
    }
}

/// A frame of one elementary stream.
pub(super) struct Arrival {
    pub(super) stream: Arc<Stream>,
    pub(super) codec: Arc<Codec>,
    pub(super) frame: Frame,
}

/// Takes what arrives; false if nobody wants it any more.
pub(super) type Sender = Arc<dyn Fn(Arrival) -> bool + Send + Sync>;

/// How streams are taken.
#[derive(Debug, Clone)]
pub(super) struct Taking {
    /// What cannot be passed on is encoded anew; else it is left out.
    pub(super) transcode: bool,
    /// Lower rungs that are made of a picture.
    pub(super) rungs: Arc<[LadderRung]>,
    /// Frames come at the speed of the clock.
    pub(super) paced: bool,
}

/// Links a demuxed stream to a sink that sends its frames.
pub(super) fn take_stream(pipeline: &gst::Pipeline, pad: &gst::Pad, taking: &Taking, sender: &Sender) {
    let caps = pad.current_caps().unwrap_or_else(|| pad.query_caps(None));
    if caps.structure(0).is_some() {
        return take_known(pipeline, pad, &caps, taking, sender);
    }
    // Of HLS a pad comes before its caps do.
    let (weak, sender, taking) = (pipeline.downgrade(), Arc::clone(sender), taking.clone());
    pad.add_probe(gst::PadProbeType::EVENT_DOWNSTREAM, move |pad, info| {
        let Some(gst::PadProbeData::Event(event)) = &info.data else { return gst::PadProbeReturn::Ok };
        let gst::EventView::Caps(caps) = event.view() else { return gst::PadProbeReturn::Ok };
        if let Some(pipeline) = weak.upgrade() {
            take_known(&pipeline, pad, &caps.caps_owned(), &taking, &sender);
        }
        gst::PadProbeReturn::Remove
    });
}

/// The same, of a stream of which it is known what it is.
fn take_known(pipeline: &gst::Pipeline, pad: &gst::Pad, caps: &gst::Caps, taking: &Taking, sender: &Sender) {
    let Some(structure) = caps.structure(0) else { return };
    let chain = chain(structure, taking.transcode);
    // A stream we do not pass on must still be drained, or the others stop.
    let linked = match &chain {
        Some((elements, caps)) => link(pipeline, pad, (elements, caps), taking, sender),
        None => drain(pipeline, pad),
    };
    let why = match linked {
        Ok(()) if chain.is_some() => return,
        Ok(()) => String::new(),
        Err(error) => format!(": {}", error.message),
    };
    let name = structure.name();
    gst::element_warning!(pipeline, gst::StreamError::Format, ("a stream of type {name} is left out{why}"));
}

/// The elements that make frames of a stream, and what comes out of them; none
/// for what is no picture and no sound, or is not to be encoded anew.
fn chain(stream: &gst::StructureRef, transcode: bool) -> Option<(String, &'static str)> {
    let name = stream.name().as_str();
    // MPEG-1 and MPEG-2 layer II are `audio/mpeg` too.
    let layer = stream.value("mpegversion").ok().and_then(|v| v.get::<i32>().ok());
    // What is not fixed yet is one of AAC's numbers, 2 or 4.
    let is_aac = name == "audio/mpeg" && layer != Some(1);
    // Parameter sets stand before every IDR, as in our own encodes.
    match name {
        "video/x-h264" => Some(("h264parse config-interval=-1".to_owned(), H264_CAPS)),
        _ if is_aac => Some(("aacparse".to_owned(), AAC_CAPS)),
        _ if name.starts_with("video/") && transcode => Some((
            format!(
                "{AHEAD} ! decodebin ! {AHEAD} ! deinterlace \
                 ! videoconvert ! videorate ! video/x-raw,format=I420,framerate=25/1 ! {}",
                x264(PICTURE_KBPS, GROUP, "veryfast")
            ),
            H264_CAPS,
        )),
        _ if name.starts_with("audio/") && transcode => Some((
            format!(
                "{AHEAD} ! decodebin ! {AHEAD} ! audioconvert \
                 ! audioresample ! audio/x-raw,rate=48000,channels=2 ! {}",
                aac(SOUND_KBPS)
            ),
            AAC_CAPS,
        )),
        _ => None,
    }
}

fn drain(pipeline: &gst::Pipeline, pad: &gst::Pad) -> Result<(), gst::glib::BoolError> {
    let fake = gst::ElementFactory::make("fakesink").build()?;
    fake.set_property("sync", false);
    fake.set_property("async", false);
    pipeline.add(&fake)?;
    join(pad, &fake)?;
    fake.sync_state_with_parent()
}

fn join(pad: &gst::Pad, to: &gst::Element) -> Result<(), gst::glib::BoolError> {
    let sink = to.static_pad("sink").ok_or_else(|| gst::glib::bool_error!("nothing goes in"))?;
    pad.link(&sink).map(drop).map_err(|e| gst::glib::bool_error!("it cannot be linked: {e:?}"))
}

fn link(
    pipeline: &gst::Pipeline,
    pad: &gst::Pad,
    (elements, caps): (&str, &str),
    taking: &Taking,
    sender: &Sender,
) -> Result<(), gst::glib::BoolError> {
    let chain = parse_chain(elements)?;
    let sink = sink(512);
    sink.set_property("async", false);
    sink.set_property("sync", taking.paced);
    sink.set_caps(Some(&caps.parse::<gst::Caps>()?));
    sink.set_callbacks(sending(pad, None, sender));
    pipeline.add_many([&chain, sink.upcast_ref()])?;
    if caps == H264_CAPS && !taking.rungs.is_empty() {
        let tee = gst::ElementFactory::make("tee").build()?;
        pipeline.add(&tee)?;
        gst::Element::link_many([&chain, &tee, sink.upcast_ref()])?;
        let callbacks = |rung: &LadderRung| sending(pad, Some(rung.height), sender);
        rungs::branch(pipeline, &tee, &taking.rungs, &callbacks)?;
        tee.sync_state_with_parent()?;
    } else {
        chain.link(&sink)?;
    }
    chain.sync_state_with_parent()?;
    sink.sync_state_with_parent()?;
    join(pad, &chain)
}

/// Sends each frame of the stream at `pad`, or of a rung of it.
fn sending(pad: &gst::Pad, rung: Option<u32>, sender: &Sender) -> gst_app::AppSinkCallbacks {
    let stream = Arc::new(Stream { name: pad.name().to_string(), rung, pad: pad.clone() });
    let sender = Arc::clone(sender);
    let mut known = None;
    gst_app::AppSinkCallbacks::builder()
        .new_sample(move |sink| {
            let sample = sink.pull_sample().map_err(|_| gst::FlowError::Eos)?;
            let Some((codec, frame)) = read(&sample, &mut known) else { return Ok(gst::FlowSuccess::Ok) };
            let wanted = sender(Arrival { stream: Arc::clone(&stream), codec, frame });
            if wanted { Ok(gst::FlowSuccess::Ok) } else { Err(gst::FlowError::Eos) }
        })
        .build()
}

/// The elements as one, with a pad at either end. Which pads these are is said:
/// the first element's own are linked later where it decodes.
fn parse_chain(elements: &str) -> Result<gst::Element, gst::glib::BoolError> {
    let failed = |e: gst::glib::Error| gst::glib::bool_error!("{}", e.message());
    // One alone needs no bin, whose pads each frame would pass.
    if !elements.contains('!') {
        return gst::parse::launch(elements).map_err(failed);
    }
    let (first, rest) = elements.split_once(' ').unwrap_or((elements, ""));
    // What filters by caps cannot stand last.
    let description = format!("{first} name=first {rest} ! identity name=last");
    let bin = gst::parse::bin_from_description(&description, false).map_err(failed)?;
    for (name, pad) in [("first", "sink"), ("last", "src")] {
        let target = bin.by_name(name).and_then(|element| element.static_pad(pad));
        let target = target.ok_or_else(|| gst::glib::bool_error!("{name} has no pad {pad}"))?;
        bin.add_pad(&gst::GhostPad::builder_with_target(&target)?.name(pad).build())?;
    }
    Ok(bin.upcast())
}

/// The frame in `sample`, and how it is coded: read anew where that is not `known`.
fn read(sample: &gst::Sample, known: &mut Option<(gst::Caps, Arc<Codec>)>) -> Option<(Arc<Codec>, Frame)> {
    let caps = sample.caps()?;
    let codec = match known {
        Some((same, codec)) if std::ptr::eq(same.as_ptr(), caps.as_ptr()) => Arc::clone(codec),
        _ => {
            let codec = Arc::new(bitstream::codec(caps)?);
            *known = Some((caps.to_owned(), Arc::clone(&codec)));
            codec
        }
    };
    let frame = bitstream::frame(sample.buffer()?, sample.segment()?, codec.timescale(), LEAD_NS)?;
    Some((codec, frame))
}
