//! Lower rungs of a relay: its own picture, smaller, for villages on slow lines.
//!
//! Each is encoded from the picture that is passed on, with an IDR at every key
//! frame of it, so that all rungs are cut at the same instants. A rung that falls
//! behind loses pictures of its own; it never holds up the picture itself.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use gst::prelude::*;
use gstreamer as gst;
use gstreamer_app as gst_app;

use super::encode::{H264_CAPS, x264};
use super::package::LadderRung;
use super::runtime::sink;

/// Between two key frames of the picture none is needed: only what is asked for.
const SELDOM: u32 = 1500;
/// Pictures of the passed-on stream that wait to be decoded; then the oldest are lost.
const WAITING: &str = "leaky=downstream max-size-time=2000000000 max-size-bytes=0 max-size-buffers=0";
/// Decoded pictures that wait for an encoder.
const DECODED: &str = "max-size-buffers=6 max-size-bytes=0 max-size-time=0";

/// Presentation times of key frames whose IDR an encoder still owes.
type Owed = Arc<Mutex<BTreeSet<gst::ClockTime>>>;

/// What is done with the samples of a rung's sink.
pub(super) type Callbacks<'a> = dyn Fn(&LadderRung) -> gst_app::AppSinkCallbacks + 'a;

/// Decodes what `tee`, an element of `pipeline`, passes on (H.264), and encodes each of
/// `rungs` from it, as far as it is lower than the picture.
pub(super) fn branch(
    pipeline: &gst::Pipeline,
    tee: &gst::Element,
    rungs: &[LadderRung],
    callbacks: &Callbacks<'_>,
) -> Result<(), gst::glib::BoolError> {
    // Two threads: more would hold back more pictures.
    let decoder = bin(&format!(
        "queue name=first {WAITING} ! avdec_h264 max-threads=2 ! deinterlace fields=top ! videoconvert \
         ! video/x-raw,format=I420 ! tee name=last allow-not-linked=true"
    ))?;
    pipeline.add(&decoder)?;
    // The encoders' bins, which are put into it, have elements of these names too.
    let (first, pictures) = (inner(&decoder, "first")?, inner(&decoder, "last")?);
    let mut owed = Vec::new();
    for rung in rungs {
        owed.push(encode(&decoder, &pictures, rung, callbacks(rung))?);
    }
    let entry = gst::GhostPad::with_target(&pad(&first, "sink")?)?;
    entry.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
        let key = info.buffer().filter(|b| !b.flags().contains(gst::BufferFlags::DELTA_UNIT));
        if let Some(pts) = key.and_then(|b| b.pts()) {
            for owed in &owed {
                owed.lock().unwrap_or_else(PoisonError::into_inner).insert(pts);
            }
        }
        gst::PadProbeReturn::Ok
    });
    decoder.add_pad(&entry)?;
    decoder.sync_state_with_parent()?;
    let out = tee.request_pad_simple("src_%u").ok_or_else(|| gst::glib::bool_error!("a tee has no pad"))?;
    out.link(&entry).map(drop).map_err(|e| gst::glib::bool_error!("it cannot be linked: {e:?}"))
}

/// One rung, in `decoder`, from its decoded `pictures`; returns what it owes.
fn encode(
    decoder: &gst::Bin,
    pictures: &gst::Element,
    rung: &LadderRung,
    callbacks: gst_app::AppSinkCallbacks,
) -> Result<Owed, gst::glib::BoolError> {
    let encoder = bin(&format!(
        "queue name=first {DECODED} ! videoscale add-borders=false ! capsfilter name=size ! {} \
         ! identity name=last",
        x264(rung.kbps, SELDOM, "veryfast")
    ))?;
    let sink = sink(64);
    sink.set_property("async", false);
    sink.set_caps(Some(&H264_CAPS.parse::<gst::Caps>()?));
    sink.set_callbacks(callbacks);
    encoder.add(&sink)?;
    inner(&encoder, "last")?.link(&sink)?;

    let (size, rung) = (inner(&encoder, "size")?, rung.clone());
    let entry = gst::GhostPad::with_target(&pad(&inner(&encoder, "first")?, "sink")?)?;
    let lower = AtomicBool::new(false);
    entry.add_probe(gst::PadProbeType::DATA_DOWNSTREAM, move |_, info| {
        let caps = match &info.data {
            Some(gst::PadProbeData::Event(event)) => match event.view() {
                gst::EventView::Caps(caps) => caps.caps_owned(),
                _ => return gst::PadProbeReturn::Ok,
            },
            _ if lower.load(Ordering::Relaxed) => return gst::PadProbeReturn::Ok,
            _ => return gst::PadProbeReturn::Drop,
        };
        let smaller = smaller(&caps, &rung);
        lower.store(smaller.is_some(), Ordering::Relaxed);
        let Some(caps) = smaller else { return gst::PadProbeReturn::Drop };
        size.set_property("caps", caps);
        gst::PadProbeReturn::Ok
    });
    encoder.add_pad(&entry)?;

    let owed = Owed::default();
    let due = Arc::clone(&owed);
    pad(&inner(&encoder, "enc")?, "sink")?.add_probe(gst::PadProbeType::BUFFER, move |pad, info| {
        let Some(pts) = info.buffer().and_then(|b| b.pts()) else { return gst::PadProbeReturn::Ok };
        let mut owed = due.lock().unwrap_or_else(PoisonError::into_inner);
        let later = owed.split_off(&(pts + gst::ClockTime::from_nseconds(1)));
        let is_key = !std::mem::replace(&mut *owed, later).is_empty();
        drop(owed);
        if is_key {
            let wanted = gst::Structure::builder("GstForceKeyUnit").field("all-headers", true).build();
            pad.send_event(gst::event::CustomDownstream::new(wanted));
        }
        gst::PadProbeReturn::Ok
    });
    decoder.add(&encoder)?;
    let out =
        pictures.request_pad_simple("src_%u").ok_or_else(|| gst::glib::bool_error!("a tee has no pad"))?;
    out.link(&entry).map_err(|e| gst::glib::bool_error!("it cannot be linked: {e:?}"))?;
    Ok(owed)
}

/// Caps of `rung` made of a picture with these; none where it is no lower.
fn smaller(picture: &gst::CapsRef, rung: &LadderRung) -> Option<gst::Caps> {
    let s = picture.structure(0)?;
    let side = |name| s.get::<i32>(name).ok().and_then(|n| u32::try_from(n).ok());
    let (width, height) = (side("width")?, side("height")?);
    if !is_lower(rung, height) {
        return None;
    }
    // Half of what is broadcast has pixels that are not square.
    let (n, d) = s.get::<gst::Fraction>("pixel-aspect-ratio").map_or((1, 1), |f| (f.numer(), f.denom()));
    let shown = i64::from(width) * i64::from(n.max(1)) / i64::from(d.max(1));
    let (width, height) = rung.size(u32::try_from(shown).ok()?, height);
    let caps = gst::Caps::builder("video/x-raw")
        .field("width", i32::try_from(width).ok()?)
        .field("height", i32::try_from(height).ok()?)
        .field("pixel-aspect-ratio", gst::Fraction::new(1, 1));
    Some(caps.build())
}

/// True if `rung` is made of a picture of this height.
pub(super) fn is_lower(rung: &LadderRung, height: u32) -> bool {
    rung.height < height
}

fn bin(description: &str) -> Result<gst::Bin, gst::glib::BoolError> {
    gst::parse::bin_from_description(description, false)
        .map_err(|e| gst::glib::bool_error!("{}", e.message()))
}

fn inner(bin: &gst::Bin, name: &str) -> Result<gst::Element, gst::glib::BoolError> {
    bin.by_name(name).ok_or_else(|| gst::glib::bool_error!("{name} is not there"))
}

fn pad(element: &gst::Element, name: &str) -> Result<gst::Pad, gst::glib::BoolError> {
    element.static_pad(name).ok_or_else(|| gst::glib::bool_error!("{} has no pad {name}", element.name()))
}
