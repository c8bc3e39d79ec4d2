//! What pads are told: where segments begin, how long a picture is shown, one line of time.

use std::sync::{Mutex, PoisonError};

use gst::prelude::*;
use gstreamer as gst;

use crate::pipeline::PipelineError;

/// Of 25 a second.
const FRAME: gst::ClockTime = gst::ClockTime::from_mseconds(40);

/// Asks the encoder `name` for a key frame at the first picture of every segment.
pub(super) fn begin_segments(
    bin: &gst::Bin,
    name: &str,
    counts: impl Iterator<Item = usize> + Send + 'static,
) -> Result<(), PipelineError> {
    let pad = bin.by_name(name).and_then(|e| e.static_pad("sink"));
    let pad = pad.ok_or_else(|| PipelineError::Missing { element: name.to_owned() })?;
    let mut lengths = counts;
    let state = Mutex::new((0usize, lengths.next().unwrap_or_default(), lengths));
    pad.add_probe(gst::PadProbeType::BUFFER, move |pad, _| {
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, length, rest) = &mut *state;
        if *at == *length
            && let Some(next) = rest.next()
        {
            (*at, *length) = (0, next);
            // As gst_video_event_new_downstream_force_key_unit writes it: at the next picture.
            let ask = gst::Structure::builder("GstForceKeyUnit")
                .field("running-time", gst::ClockTime::NONE)
                .field("all-headers", true)
                .field("count", 0u32)
                .build();
            pad.send_event(gst::event::CustomDownstream::new(ask));
        }
        *at += 1;
        gst::PadProbeReturn::Ok
    });
    Ok(())
}

/// Has what is shown at `start`, nanoseconds, shown at the beginning, and all else as much earlier.
pub(super) fn begin_with(bin: &gst::Bin, start: gst::ClockTimeDiff) {
    let Some(pad) = bin.static_pad("sink").filter(|_| start != 0) else { return };
    pad.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
        if let Some(gst::PadProbeData::Buffer(buffer)) = &mut info.data
            && let Some(pts) = buffer.pts()
        {
            let moved = (pts.nseconds() as i64 - start).max(0) as u64;
            buffer.make_mut().set_pts(gst::ClockTime::from_nseconds(moved));
        }
        gst::PadProbeReturn::Ok
    });
}

/// A picture of more lines is high definition.
const SD_LINES: i32 = 576;

/// Names the colours of a picture that does not say what they are, as its size has them (ITU-R
/// BT.601, BT.709). Otherwise each rung would be taken for what its own size has, and every
/// picture of a smaller one converted: that costs as much as its scaling again.
pub(super) fn name_colours(bin: &gst::Bin) {
    let Some(pad) = bin.by_name("t").and_then(|tee| tee.static_pad("sink")) else { return };
    pad.add_probe(gst::PadProbeType::EVENT_DOWNSTREAM, |_, info| {
        let Some(gst::PadProbeData::Event(event)) = &info.data else { return gst::PadProbeReturn::Ok };
        let gst::EventView::Caps(caps) = event.view() else { return gst::PadProbeReturn::Ok };
        let mut caps = caps.caps_owned();
        let Some(picture) = caps.make_mut().structure_mut(0) else { return gst::PadProbeReturn::Ok };
        // Names of formats with red, green and blue, and of grey ones, have a G, and no others.
        let has_luma = picture.get::<&str>("format").is_ok_and(|format| !format.contains('G'));
        if has_luma && !picture.has_field("colorimetry") {
            let lines = picture.get::<i32>("height").unwrap_or_default();
            picture.set("colorimetry", if lines > SD_LINES { "bt709" } else { "bt601" });
            let named = gst::event::Caps::builder(&caps).seqnum(event.seqnum()).build();
            info.data = Some(gst::PadProbeData::Event(named));
        }
        gst::PadProbeReturn::Ok
    });
}

/// Has each picture shown until the next one comes, and the last until `until_ns`: what keeps
/// the rate takes the nearer of two, and would turn a slide of a minute half a minute early.
pub(super) fn stand_still(bin: &gst::Bin, until_ns: u64) -> Result<(), PipelineError> {
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

/// Puts what leaves `pad` on the line of time that begins with the file: an edit list that
/// begins with nothing is a segment of its own to what fills gaps, which sees none then.
pub(super) fn on_one_line(pad: &gst::Pad) {
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
