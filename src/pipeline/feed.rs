//! One generation of a relay's feed: from a pipeline's frames to segments.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;

use gst::prelude::*;
use gstreamer as gst;
use jiff::Timestamp;

use crate::base::{Clock, Lang};
use crate::hls::TrackKind;
use crate::hls::wire::RelayLine;

use super::PipelineError;
use super::elementary::{Arrival, LEAD_NS, Sender, Taking, take_stream};
use super::encode::Silence;
use super::frame::{Codec, VIDEO_TIMESCALE, micros};
use super::inlet::Inlet;
use super::intake::{Built, Intake};
use super::lead::Lead;
use super::package::LadderRung;
use super::piece::Piece;
use super::recording::TrackList;
use super::relay::{Desk, RelayJob};
use super::rungs::is_lower;
use super::runtime::{Stopped, start};
use super::segmenter::CutSegment;
use super::tracks::Tracks;

/// Time to wait for more after the first frame before the tracks are fixed.
const TRACKS_WAIT: Duration = Duration::from_millis(1500);

/// An encoder gives its first frame within this time.
const RUNGS_WAIT: Duration = Duration::from_secs(5);

/// A connection gives its first frame within this time.
const CONNECTING: Duration = Duration::from_secs(15);

/// Most frames held while a picture is waited for.
const HELD: usize = 2048;

/// Why a generation ended.
pub(super) enum End {
    /// The feed stopped or changed: the next one is waited for.
    Broke(&'static str),
    /// It ended, or could not be read.
    Failed(String),
}

impl End {
    pub(super) fn why(&self) -> &str {
        match self {
            Self::Broke(why) => why,
            Self::Failed(why) => why,
        }
    }
}

/// One generation of a feed: a pipeline and what became of its streams.
pub(super) struct Feed<'a> {
    job: &'a RelayJob,
    _stopped: Stopped,
    bus: gst::Bus,
    input: Option<Inlet>,
    /// How far ahead of the clock its segments come.
    lead: Lead,
    arrivals: mpsc::Receiver<Arrival>,
    /// Wall clock at running time zero.
    anchor: Timestamp,
    /// Frames held until the tracks are known.
    held: Vec<Arrival>,
    tracks: Option<Tracks>,
}

impl<'a> Feed<'a> {
    pub(super) fn build(
        job: &'a RelayJob,
        intake: &Intake,
        clock: &dyn Clock,
    ) -> Result<Self, PipelineError> {
        let Built { pipeline, streams, input, paced } = intake.build(&job.programme())?;
        let (sender, arrivals) = arrivals(input.is_some());
        let weak = pipeline.downgrade();
        let taking = Taking { transcode: job.transcode, rungs: job.rungs.clone().into(), paced };
        streams.connect_pad_added(move |_, pad| {
            if let Some(pipeline) = weak.upgrade() {
                take_stream(&pipeline, pad, &taking, &sender);
            }
        });
        let bus = pipeline.bus().ok_or(PipelineError::Missing { element: "bus".into() })?;
        start(&pipeline)?;
        if let Some(input) = &input {
            input.begin();
        }
        let stopped = Stopped(pipeline);
        let anchor = clock.now();
        let lead = Lead::default();
        let held = Vec::new();
        Ok(Self { job, _stopped: stopped, bus, input, lead, arrivals, anchor, held, tracks: None })
    }

    /// Runs until the feed stalls or breaks; returns why.
    pub(super) fn run(
        &mut self,
        intake: &mut Intake,
        first: Vec<Piece>,
        desk: &mut Desk<'_>,
        clock: &dyn Clock,
        tell: &mut dyn FnMut(&RelayLine) -> Result<(), PipelineError>,
    ) -> Result<End, PipelineError> {
        let stall_after = Duration::from_millis(self.job.stall_after_ms);
        let began = clock.monotonic();
        let (mut last_frame, mut last_alive) = (began, began);
        let mut first_frame = None;
        let mut batch = first;
        loop {
            let now = clock.monotonic();
            if let Some(input) = &mut self.input {
                batch.drain(..).for_each(|piece| input.push(piece, now - began));
            }
            while let Ok(arrival) = self.arrivals.try_recv() {
                last_frame = now;
                match self.take(arrival, now - *first_frame.get_or_insert(now), desk)? {
                    Taken::Segments(cuts) => {
                        for cut in cuts {
                            let start = self.stamp(cut.start);
                            let parted = self.lead.parted(start, clock.now());
                            tell(&desk.recording.append(&cut, start)?)?;
                            if parted {
                                return Ok(End::Broke("the upstream's clock parted from ours: stamped anew"));
                            }
                        }
                    }
                    Taken::Broken(why) => return Ok(End::Broke(why)),
                }
            }
            while let Some(message) = self.bus.pop() {
                match message.view() {
                    gst::MessageView::Error(e) => {
                        return Ok(End::Failed(format!(
                            "the feed could not be read: {}",
                            e.error().message()
                        )));
                    }
                    gst::MessageView::Eos(_) => return Ok(End::Failed("the feed has ended".to_owned())),
                    gst::MessageView::Warning(w) => {
                        tell(&RelayLine::Note { message: w.error().message().to_owned() })?;
                    }
                    _ => {}
                }
            }
            if now - last_alive >= Duration::from_secs(1) {
                last_alive = now;
                desk.figures.av_offset_ms = self.tracks.as_ref().and_then(Tracks::av_offset_ms);
                tell(&desk.alive(intake))?;
            }
            if let Some(after) = desk.recording.obey()? {
                for cut in self.recorded_by_nobody(after) {
                    let start = self.stamp(cut.start);
                    tell(&desk.recording.append(&cut, start)?)?;
                }
            }
            if now - last_frame > stall_after.max(self.patience()).max(intake.patience()) {
                tell(&RelayLine::Stalled)?;
                return Ok(End::Broke("the feed stopped: waiting for it"));
            }
            if clock_stepped(self.anchor, clock, began) {
                return Ok(End::Broke("the machine's clock was set: segments are stamped anew"));
            }
            batch = intake.next().map_err(PipelineError::io("udp"))?;
        }
    }

    /// Connecting, and the first pictures of an encoder, take longer than a picture may.
    fn patience(&self) -> Duration {
        if self.input.is_none() && self.tracks.is_none() { CONNECTING } else { Duration::ZERO }
    }

    /// The segments of what came since `after`, the end of what another worker recorded.
    fn recorded_by_nobody(&mut self, after: Timestamp) -> Vec<CutSegment> {
        let us = after.duration_since(self.anchor).as_micros() as i64 + LEAD_NS / 1000;
        self.tracks.as_mut().map(|tracks| tracks.begin_at(us)).unwrap_or_default()
    }

    /// Wall-clock instant of a presentation time.
    fn stamp(&self, pts: i64) -> Timestamp {
        let us = micros(pts, VIDEO_TIMESCALE) - LEAD_NS / 1000;
        self.anchor + jiff::SignedDuration::from_micros(us)
    }

    fn take(&mut self, arrival: Arrival, age: Duration, desk: &mut Desk<'_>) -> Result<Taken, PipelineError> {
        if self.tracks.is_none() {
            self.held.push(arrival);
            let has_video = self.held.iter().any(|a| matches!(*a.codec, Codec::H264 { .. }));
            if self.held.len() > HELD && !has_video {
                return Ok(Taken::Broken("there is no H.264 picture in the feed: set the upstream to H.264"));
            }
            if !has_video || age < TRACKS_WAIT || (self.lacks_rungs() && age < RUNGS_WAIT) {
                return Ok(Taken::Segments(Vec::new()));
            }
            self.tracks = Some(self.settle_tracks(desk)?);
            let held = std::mem::take(&mut self.held);
            let mut cuts = Vec::new();
            for arrival in held {
                match self.push(arrival, desk)? {
                    Taken::Segments(more) => cuts.extend(more),
                    broken @ Taken::Broken(_) => return Ok(broken),
                }
            }
            return Ok(Taken::Segments(cuts));
        }
        self.push(arrival, desk)
    }

    fn push(&mut self, arrival: Arrival, desk: &mut Desk<'_>) -> Result<Taken, PipelineError> {
        let Some(tracks) = self.tracks.as_mut() else { return Ok(Taken::Segments(Vec::new())) };
        let track = match tracks.by_name.get(&(arrival.stream.name.clone(), arrival.stream.rung)) {
            Some((track, codec))
                if Arc::ptr_eq(codec, &arrival.codec) || codec.same_header(&arrival.codec) =>
            {
                *track
            }
            Some(_) => return Ok(Taken::Broken("the feed changed its format")),
            // Its encoder began too late.
            None if arrival.stream.rung.is_some() => return Ok(Taken::Segments(Vec::new())),
            None => return Ok(Taken::Broken("the feed changed its streams")),
        };
        let video_pts = (track == 0).then_some(arrival.frame.pts);
        tracks.count(track, &arrival.frame, desk);
        let mut cuts = Vec::new();
        let broken = Taken::Broken("the feed's timestamps jumped");
        match tracks.push(track, arrival.frame) {
            Ok(cut) => cuts.extend(cut),
            Err(_) => {
                desk.figures.pts_jumps += 1;
                return Ok(broken);
            }
        }
        if let (Some(silence), Some(pts)) = (tracks.silence.as_mut(), video_pts) {
            for frame in silence.up_to(pts) {
                match tracks.push(1, frame) {
                    Ok(cut) => cuts.extend(cut),
                    Err(_) => return Ok(broken),
                }
            }
        }
        Ok(Taken::Segments(cuts))
    }

    /// Fixes the tracks of this generation from what has arrived.
    fn settle_tracks(&self, desk: &mut Desk<'_>) -> Result<Tracks, PipelineError> {
        let mut by_name = BTreeMap::new();
        let mut tracks: TrackList = Vec::new();
        let with_codec = || self.held.iter().map(|a| (a, Codec::clone(&a.codec)));
        let mut lower = Vec::new();
        if let Some(a) = self.picture()
            && let codec @ Codec::H264 { width, height, fps, .. } = Codec::clone(&a.codec)
        {
            by_name.insert((a.stream.name.clone(), None), (0, Arc::clone(&a.codec)));
            tracks.push(("v".into(), TrackKind::Video { width, height, fps }, codec));
            lower = self.rungs_of(a);
        }
        for (a, codec) in with_codec() {
            let Codec::Aac { channels, .. } = codec else { continue };
            let name = (a.stream.name.clone(), None);
            if by_name.contains_key(&name) {
                continue;
            }
            let Some(lang) = self.language(a.stream.language().as_deref(), &tracks) else { continue };
            by_name.insert(name, (tracks.len(), Arc::clone(&a.codec)));
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
        for a in lower {
            let codec = Codec::clone(&a.codec);
            let Codec::H264 { width, height, fps, .. } = codec else { continue };
            by_name.insert((a.stream.name.clone(), a.stream.rung), (tracks.len(), Arc::clone(&a.codec)));
            tracks.push((format!("v{height}"), TrackKind::Video { width, height, fps }, codec));
        }
        let codecs: Vec<Codec> = tracks.iter().map(|t| t.2.clone()).collect();
        desk.recording.begin(tracks)?;
        let standby = desk.recording.next().is_none();
        Ok(Tracks::new(by_name, codecs, silence, self.job.max_segment_ms, standby))
    }

    /// The first frame of the picture.
    fn picture(&self) -> Option<&Arrival> {
        self.held.iter().find(|a| a.stream.rung.is_none() && matches!(*a.codec, Codec::H264 { .. }))
    }

    /// The first frame of each rung of `picture` that has come, the best rung first.
    fn rungs_of(&self, picture: &Arrival) -> Vec<&Arrival> {
        let of = |a: &&Arrival, rung: &LadderRung| {
            a.stream.name == picture.stream.name && a.stream.rung == Some(rung.height)
        };
        self.job.rungs.iter().filter_map(|rung| self.held.iter().find(|a| of(a, rung))).collect()
    }

    /// True while a rung's first frame is still to come.
    fn lacks_rungs(&self) -> bool {
        let Some(picture) = self.picture() else { return false };
        let Codec::H264 { height, .. } = *picture.codec else { return false };
        let due = self.job.rungs.iter().filter(|rung| is_lower(rung, height)).count();
        self.rungs_of(picture).len() < due
    }

    /// The language of a stream: what it says, else the first of the
    /// configured ones that no other stream has.
    fn language(&self, code: Option<&str>, tracks: &TrackList) -> Option<Lang> {
        let free =
            |l: &Lang| !tracks.iter().any(|t| matches!(&t.1, TrackKind::Audio { lang, .. } if lang == l));
        let said = code.and_then(|c| Lang::from_iso639(c, &self.job.audio)).filter(free);
        said.or_else(|| self.job.audio.iter().find(|l| free(l)).cloned())
    }
}

/// Where frames come to. What we push ourselves arrives while we push, and is taken at
/// once: to wait for room would be to wait for ourselves.
fn arrivals(pushed: bool) -> (Sender, mpsc::Receiver<Arrival>) {
    if pushed {
        let (sender, arrivals) = mpsc::channel();
        return (Arc::new(move |a| sender.send(a).is_ok()), arrivals);
    }
    let (sender, arrivals) = mpsc::sync_channel(4096);
    (Arc::new(move |a| sender.send(a).is_ok()), arrivals)
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
