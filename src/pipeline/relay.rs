//! The relay worker: MPEG-TS in, segments of a live window out.

use std::collections::BTreeMap;
use std::io::Write;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::mpsc;
use std::time::Duration;

use gst::prelude::*;
use gstreamer as gst;
use gstreamer_app as gst_app;
use jiff::Timestamp;

use crate::base::{Clock, Lang};
use crate::hls::TrackKind;
use crate::hls::wire::RelayLine;

use super::PipelineError;
use super::bitstream;
use super::encode::Silence;
use super::frame::{Codec, Frame, VIDEO_TIMESCALE, micros};
use super::live_writer::LiveWriter;
use super::receive::Receiver;
use super::runtime::{Stopped, init, launch, make, named, sink, start};
use super::segmenter::{CutSegment, Segmenter};

/// What the supervisor tells a relay worker.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct RelayJob {
    /// Folder of the live window.
    pub folder: PathBuf,
    /// Number of the next segment.
    pub next: u64,
    /// Last generation used.
    pub generation: u64,
    /// Where datagrams come.
    pub address: SocketAddr,
    /// Interface a multicast group is joined on.
    pub interface: Option<IpAddr>,
    /// Programme of a multi-programme stream; none: the first.
    pub service: Option<u16>,
    /// Audio languages in order of preference.
    pub audio: Vec<Lang>,
    /// No access unit for this long is a stall, milliseconds.
    pub stall_after_ms: u64,
    /// A segment is cut here at the latest, milliseconds.
    pub max_segment_ms: u64,
}

/// Added to running time, so that decoding times before the first picture stay positive.
const LEAD_NS: i64 = 10_000_000_000;

/// Time to wait for sound after the first picture before the tracks are fixed.
const TRACKS_WAIT: Duration = Duration::from_millis(1500);

/// Most frames held while a picture is waited for.
const HELD: usize = 2048;

/// A frame of one elementary stream.
struct Arrival {
    pad: String,
    codec: Codec,
    lang: Option<String>,
    frame: Frame,
}

/// Runs until standard input closes or `out` does. Every line is flushed.
pub fn run_relay(job: &RelayJob, clock: &dyn Clock, out: &mut dyn Write) -> Result<(), PipelineError> {
    init()?;
    let mut receiver = Receiver::bind(job.address, job.interface)?;
    let mut writer = LiveWriter::open(&job.folder, job.next, job.generation)?;
    let mut tell = |line: &RelayLine| emit(out, line);
    loop {
        // Nothing is built before something comes: a silent feed costs nothing.
        let mut told = clock.monotonic();
        let first = loop {
            if let Some(batch) = receiver.batch().map_err(PipelineError::io("udp"))? {
                break batch;
            }
            if clock.monotonic() - told >= Duration::from_secs(1) {
                told = clock.monotonic();
                tell(&alive(&receiver))?;
            }
        };
        let mut feed = Feed::build(job, clock)?;
        let why = feed.run(&mut receiver, first, &mut writer, clock, &mut tell)?;
        tell(&RelayLine::Note { message: why.to_owned() })?;
    }
}

fn emit(out: &mut dyn Write, line: &RelayLine) -> Result<(), PipelineError> {
    let mut text = serde_json::to_string(line).expect("a line is plain data");
    text.push('\n');
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(PipelineError::io("standard output"))
}

fn alive(receiver: &Receiver) -> RelayLine {
    RelayLine::Alive { bytes: receiver.bytes, continuity_errors: receiver.continuity_errors }
}

/// One generation of a feed: a pipeline and what became of its streams.
struct Feed<'a> {
    job: &'a RelayJob,
    _stopped: Stopped,
    bus: gst::Bus,
    input: gst_app::AppSrc,
    arrivals: mpsc::Receiver<Arrival>,
    /// Wall clock at running time zero.
    anchor: Timestamp,
    /// Frames held until the tracks are known.
    held: Vec<Arrival>,
    tracks: Option<Tracks>,
}

struct Tracks {
    by_pad: BTreeMap<String, (usize, Codec)>,
    segmenter: Segmenter,
    silence: Option<Silence>,
}

impl<'a> Feed<'a> {
    fn build(job: &'a RelayJob, clock: &dyn Clock) -> Result<Self, PipelineError> {
        let pipeline = launch(
            "receiving MPEG-TS",
            "appsrc name=in is-live=true do-timestamp=true format=time max-bytes=8388608 \
             caps=video/mpegts,systemstream=true,packetsize=188 ! tsdemux name=demux",
        )?;
        let demux: gst::Element = named(&pipeline, "demux")?;
        if let Some(service) = job.service {
            demux.set_property("program-number", i32::from(service));
        }
        let (sender, arrivals) = mpsc::sync_channel(4096);
        let weak = pipeline.downgrade();
        demux.connect_pad_added(move |_, pad| {
            if let Some(pipeline) = weak.upgrade() {
                take_stream(&pipeline, pad, &sender);
            }
        });
        let bus = pipeline.bus().ok_or(PipelineError::Missing { element: "bus".into() })?;
        let input = named(&pipeline, "in")?;
        start(&pipeline)?;
        let stopped = Stopped(pipeline);
        let anchor = clock.now();
        Ok(Self { job, _stopped: stopped, bus, input, arrivals, anchor, held: Vec::new(), tracks: None })
    }

    /// Runs until the feed stalls or breaks; returns why.
    fn run(
        &mut self,
        receiver: &mut Receiver,
        first: Vec<u8>,
        writer: &mut LiveWriter,
        clock: &dyn Clock,
        tell: &mut dyn FnMut(&RelayLine) -> Result<(), PipelineError>,
    ) -> Result<&'static str, PipelineError> {
        let stall_after = Duration::from_millis(self.job.stall_after_ms);
        let began = clock.monotonic();
        let (mut last_frame, mut last_alive) = (began, began);
        let mut batch = Some(first);
        loop {
            if let Some(bytes) = batch.take() {
                // A pipeline that takes nothing shows as a stall.
                let _ = self.input.push_buffer(gst::Buffer::from_slice(bytes));
            }
            let now = clock.monotonic();
            while let Ok(arrival) = self.arrivals.try_recv() {
                last_frame = now;
                match self.take(arrival, now - began, writer)? {
                    Taken::Segments(cuts) => {
                        for cut in cuts {
                            let start = self.stamp(cut.start);
                            tell(&RelayLine::Segment(writer.append(&cut, start)?))?;
                        }
                    }
                    Taken::Broken(why) => return Ok(why),
                }
            }
            while let Some(message) = self.bus.pop() {
                match message.view() {
                    gst::MessageView::Error(_) => return Ok("the feed could not be read"),
                    gst::MessageView::Warning(w) => {
                        tell(&RelayLine::Note { message: w.error().message().to_owned() })?;
                    }
                    _ => {}
                }
            }
            if now - last_alive >= Duration::from_secs(1) {
                last_alive = now;
                tell(&alive(receiver))?;
            }
            if now - last_frame > stall_after {
                tell(&RelayLine::Stalled)?;
                return Ok("the feed stopped: waiting for it");
            }
            if clock_stepped(self.anchor, clock, began) {
                return Ok("the machine's clock was set: segments are stamped anew");
            }
            batch = receiver.batch().map_err(PipelineError::io("udp"))?;
        }
    }

    /// Wall-clock instant of a presentation time.
    fn stamp(&self, pts: i64) -> Timestamp {
        let us = micros(pts, VIDEO_TIMESCALE) - LEAD_NS / 1000;
        self.anchor + jiff::SignedDuration::from_micros(us)
    }

    fn take(
        &mut self,
        arrival: Arrival,
        age: Duration,
        writer: &mut LiveWriter,
    ) -> Result<Taken, PipelineError> {
        if self.tracks.is_none() {
            self.held.push(arrival);
            let has_video = self.held.iter().any(|a| matches!(a.codec, Codec::H264 { .. }));
            if self.held.len() > HELD && !has_video {
                return Ok(Taken::Broken("there is no H.264 picture in the feed: set the upstream to H.264"));
            }
            if !has_video || age < TRACKS_WAIT {
                return Ok(Taken::Segments(Vec::new()));
            }
            self.tracks = Some(self.settle_tracks(writer)?);
            let held = std::mem::take(&mut self.held);
            let mut cuts = Vec::new();
            for arrival in held {
                match self.push(arrival)? {
                    Taken::Segments(more) => cuts.extend(more),
                    broken @ Taken::Broken(_) => return Ok(broken),
                }
            }
            return Ok(Taken::Segments(cuts));
        }
        self.push(arrival)
    }

    fn push(&mut self, arrival: Arrival) -> Result<Taken, PipelineError> {
        let Some(tracks) = self.tracks.as_mut() else { return Ok(Taken::Segments(Vec::new())) };
        let track = match tracks.by_pad.get(&arrival.pad) {
            Some((track, codec)) if codec.same_header(&arrival.codec) => *track,
            Some(_) => return Ok(Taken::Broken("the feed changed its format")),
            None => return Ok(Taken::Broken("the feed changed its streams")),
        };
        let video_pts = (track == 0).then_some(arrival.frame.pts);
        let mut cuts = Vec::new();
        let broken = Taken::Broken("the feed's timestamps jumped");
        match tracks.segmenter.push(track, arrival.frame) {
            Ok(cut) => cuts.extend(cut),
            Err(_) => return Ok(broken),
        }
        if let (Some(silence), Some(pts)) = (tracks.silence.as_mut(), video_pts) {
            for frame in silence.up_to(pts) {
                match tracks.segmenter.push(1, frame) {
                    Ok(cut) => cuts.extend(cut),
                    Err(_) => return Ok(broken),
                }
            }
        }
        Ok(Taken::Segments(cuts))
    }

    /// Fixes the tracks of this generation from what has arrived.
    fn settle_tracks(&self, writer: &mut LiveWriter) -> Result<Tracks, PipelineError> {
        let mut by_pad = BTreeMap::new();
        let mut tracks: Vec<(String, TrackKind, Codec)> = Vec::new();
        let with_codec = || self.held.iter().map(|a| (a, a.codec.clone()));
        if let Some((a, codec)) = with_codec().find(|(_, c)| matches!(c, Codec::H264 { .. }))
            && let Codec::H264 { width, height, fps, .. } = codec
        {
            by_pad.insert(a.pad.clone(), (0, a.codec.clone()));
            tracks.push(("v".into(), TrackKind::Video { width, height, fps }, codec));
        }
        for (a, codec) in with_codec() {
            let Codec::Aac { channels, .. } = codec else { continue };
            if by_pad.contains_key(&a.pad) {
                continue;
            }
            let Some(lang) = self.language(a.lang.as_deref(), &tracks) else { continue };
            by_pad.insert(a.pad.clone(), (tracks.len(), a.codec.clone()));
            tracks.push((format!("a-{lang}"), TrackKind::Audio { lang, channels }, codec));
        }
        let mut silence = None;
        if tracks.len() == 1
            && let Some(lang) = self.job.audio.first().cloned().or_else(|| Lang::new("zh-Hans").ok())
        {
            let made = Silence::make()?;
            tracks.push((format!("a-{lang}"), TrackKind::Audio { lang, channels: 2 }, made.codec.clone()));
            silence = Some(made);
        }
        let codecs: Vec<Codec> = tracks.iter().map(|t| t.2.clone()).collect();
        writer.begin(tracks)?;
        let segmenter = Segmenter::new(&codecs, self.job.max_segment_ms as i64 * 1000);
        Ok(Tracks { by_pad, segmenter, silence })
    }

    /// The language of a stream: what it says, else the first of the
    /// configured ones that no other stream has.
    fn language(&self, code: Option<&str>, tracks: &[(String, TrackKind, Codec)]) -> Option<Lang> {
        let free =
            |l: &Lang| !tracks.iter().any(|t| matches!(&t.1, TrackKind::Audio { lang, .. } if lang == l));
        let said = code.and_then(|c| Lang::from_iso639(c, &self.job.audio)).filter(free);
        said.or_else(|| self.job.audio.iter().find(|l| free(l)).cloned())
    }
}

enum Taken {
    Segments(Vec<CutSegment>),
    Broken(&'static str),
}

/// True if wall clock and monotonic clock have parted by more than 500 ms since `anchor`.
fn clock_stepped(anchor: Timestamp, clock: &dyn Clock, began: Duration) -> bool {
    let wall = clock.now().duration_since(anchor).as_millis();
    let steady = (clock.monotonic() - began).as_millis() as i128;
    (wall - steady).abs() > 500
}

/// Links a demuxed stream to a parser and a sink that sends its frames.
fn take_stream(pipeline: &gst::Pipeline, pad: &gst::Pad, sender: &mpsc::SyncSender<Arrival>) {
    let caps = pad.current_caps().unwrap_or_else(|| pad.query_caps(None));
    let Some(structure) = caps.structure(0) else { return };
    let name = structure.name().to_string();
    // MPEG-1 and MPEG-2 layer II are `audio/mpeg` too.
    let aac = structure.get::<i32>("mpegversion").is_ok_and(|v| v != 1);
    let parts = match name.as_str() {
        "video/x-h264" => Some(("h264parse", "video/x-h264,stream-format=avc,alignment=au")),
        "audio/mpeg" if aac => Some(("aacparse", "audio/mpeg,mpegversion=4,stream-format=raw")),
        _ => None,
    };
    // A stream we do not pass on must still be drained, or the others stop.
    let linked = match parts {
        Some((parser, caps)) => link(pipeline, pad, parser, caps, sender),
        None => drain(pipeline, pad),
    };
    if parts.is_none() || linked.is_none() {
        gst::element_warning!(pipeline, gst::StreamError::Format, ("a stream of type {} is left out", caps));
    }
}

fn drain(pipeline: &gst::Pipeline, pad: &gst::Pad) -> Option<()> {
    let fake = make("fakesink").ok()?;
    fake.set_property("sync", false);
    fake.set_property("async", false);
    pipeline.add(&fake).ok()?;
    pad.link(&fake.static_pad("sink")?).ok()?;
    fake.sync_state_with_parent().ok()
}

fn link(
    pipeline: &gst::Pipeline,
    pad: &gst::Pad,
    parser: &str,
    caps: &str,
    sender: &mpsc::SyncSender<Arrival>,
) -> Option<()> {
    let is_video = parser == "h264parse";
    let parser = make(parser).ok()?;
    if is_video {
        // Parameter sets before every IDR, as in our own encodes.
        parser.set_property("config-interval", -1i32);
    }
    let sink = sink(512);
    sink.set_property("async", false);
    sink.set_caps(Some(&caps.parse::<gst::Caps>().ok()?));
    let (from, sender) = (pad.clone(), sender.clone());
    sink.set_callbacks(
        gst_app::AppSinkCallbacks::builder()
            .new_sample(move |sink| {
                let sample = sink.pull_sample().map_err(|_| gst::FlowError::Eos)?;
                match arrival(&sample, &from) {
                    Some(a) => sender.send(a).map(|()| gst::FlowSuccess::Ok).map_err(|_| gst::FlowError::Eos),
                    None => Ok(gst::FlowSuccess::Ok),
                }
            })
            .build(),
    );
    pipeline.add_many([&parser, sink.upcast_ref()]).ok()?;
    parser.link(&sink).ok()?;
    parser.sync_state_with_parent().ok()?;
    sink.sync_state_with_parent().ok()?;
    pad.link(&parser.static_pad("sink")?).ok().map(drop)
}

fn arrival(sample: &gst::Sample, pad: &gst::Pad) -> Option<Arrival> {
    let codec = bitstream::codec(sample.caps()?)?;
    let frame = bitstream::frame(sample.buffer()?, sample.segment()?, codec.timescale(), LEAD_NS)?;
    let tags = pad.sticky_event::<gst::event::Tag>(0);
    let lang = tags.and_then(|t| t.tag().get::<gst::tags::LanguageCode>().map(|l| l.get().to_owned()));
    Some(Arrival { pad: pad.name().to_string(), codec, lang, frame })
}
