//! Handing bytes to a demuxer on the caller's own thread.
//!
//! An `appsrc` has a thread that is woken for each batch, and each frame that its
//! thread makes crosses to ours: more work than demuxing. What is pushed here
//! comes out of the sinks before the call returns.

use std::time::Duration;

use gst::prelude::*;
use gstreamer as gst;

use super::PipelineError;
use super::piece::Piece;
use super::sender_clock::SenderClock;

/// Where bytes go in.
#[derive(Debug)]
pub(super) struct Inlet {
    pad: gst::Pad,
    caps: gst::Caps,
    /// Buffers carry the running time at which they were sent, as of a live source.
    live: Option<SenderClock>,
}

impl Inlet {
    /// Joins it to the `sink` pad of `demuxer`, an element of a pipeline. Bytes are of
    /// type `caps`; with `stamped`, their times are what clocks are recovered from.
    pub(super) fn join(demuxer: &gst::Element, caps: &str, stamped: bool) -> Result<Self, PipelineError> {
        let failed = |detail: String| PipelineError::Build { what: "feeding a demuxer", detail };
        let caps = caps.parse::<gst::Caps>().map_err(|e| failed(e.to_string()))?;
        let sink = demuxer.static_pad("sink").ok_or_else(|| failed("nothing goes in".to_owned()))?;
        let pad = gst::Pad::builder(gst::PadDirection::Src).name("inlet").build();
        pad.set_active(true).map_err(|e| failed(e.to_string()))?;
        pad.link(&sink).map_err(|e| failed(format!("{e:?}")))?;
        Ok(Self { pad, caps, live: stamped.then(SenderClock::default) })
    }

    /// Says what is to come, once the pipeline runs.
    pub(super) fn begin(&self) {
        let segment: gst::Segment = match self.live {
            Some(_) => gst::FormattedSegment::<gst::ClockTime>::new().upcast(),
            None => gst::FormattedSegment::<gst::format::Bytes>::new().upcast(),
        };
        // A demuxer that refuses what all of its kind take says so on the bus.
        self.pad.push_event(gst::event::StreamStart::builder("inlet").group_id(gst::GroupId::next()).build());
        self.pad.push_event(gst::event::Caps::new(&self.caps));
        self.pad.push_event(gst::event::Segment::new(&segment));
    }

    /// Hands over what came at `now`, which counts from any instant.
    pub(super) fn push(&mut self, piece: Piece, now: Duration) {
        let mut buffer = gst::Buffer::from_slice(piece.bytes);
        if let (Some(sender), Some(buffer)) = (&mut self.live, buffer.get_mut()) {
            let sent = sender.stamp(now, piece.clocks.map(|(_, last)| last));
            let sent = gst::ClockTime::from_nseconds(sent.as_nanos() as u64);
            buffer.set_pts(sent);
            buffer.set_dts(sent);
        }
        // What is refused shows on the bus, or as a stall.
        let _ = self.pad.push(buffer);
    }
}

impl Drop for Inlet {
    fn drop(&mut self) {
        // Its pipeline is on its way out: nothing is lost.
        let _ = self.pad.set_active(false);
    }
}
