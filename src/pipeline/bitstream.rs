//! From GStreamer's caps and buffers to our frames.

use bytes::Bytes;
use gstreamer as gst;

use super::frame::{Codec, Frame, ticks};

/// The codec that `caps` describe, if it is one we pass on.
pub(super) fn codec(caps: &gst::CapsRef) -> Option<Codec> {
    let s = caps.structure(0)?;
    let data = s.get::<gst::Buffer>("codec_data").ok()?;
    let data = data.map_readable().ok()?.as_slice().to_vec();
    match s.name().as_str() {
        "video/x-h264" => {
            let fps = s.get::<gst::Fraction>("framerate").ok();
            let fps = fps.filter(|f| f.denom() > 0 && f.numer() > 0);
            Some(Codec::H264 {
                avcc: data,
                width: s.get::<i32>("width").ok()?.try_into().ok()?,
                height: s.get::<i32>("height").ok()?.try_into().ok()?,
                fps: fps.map_or(25.0, |f| f64::from(f.numer()) / f64::from(f.denom())),
            })
        }
        "audio/mpeg" => Some(Codec::Aac {
            config: data,
            rate: s.get::<i32>("rate").ok()?.try_into().ok()?,
            channels: s.get::<i32>("channels").ok()?.try_into().ok()?,
        }),
        _ => None,
    }
}

/// The frame in `buffer`, its times shifted into running time plus `lead`.
pub(super) fn frame(
    buffer: &gst::BufferRef,
    segment: &gst::Segment,
    timescale: u32,
    lead_ns: i64,
) -> Option<Frame> {
    let segment = segment.downcast_ref::<gst::ClockTime>()?;
    let at = |time: gst::ClockTime| {
        // Decoding times may lie before the segment: running time is signed.
        match segment.to_running_time_full(time)? {
            gst::Signed::Positive(t) => Some(t.nseconds() as i64),
            gst::Signed::Negative(t) => Some(-(t.nseconds() as i64)),
        }
    };
    let pts = at(buffer.pts()?)?;
    let dts = buffer.dts().and_then(at).unwrap_or(pts).min(pts);
    let data = buffer.map_readable().ok()?;
    Some(Frame {
        pts: ticks(pts + lead_ns, timescale),
        dts: ticks(dts + lead_ns, timescale),
        key: !buffer.flags().contains(gst::BufferFlags::DELTA_UNIT),
        data: Bytes::copy_from_slice(&data),
    })
}
