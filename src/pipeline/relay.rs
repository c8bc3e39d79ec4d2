//! The relay worker: a feed in, segments of a live window out.

use std::io::Write;
use std::path::PathBuf;
use std::sync::mpsc;
use std::time::Duration;

use crate::base::{Clock, Lang};
use crate::hls::wire::{FeedFigures, RelayLine, RelayOrder};

use super::PipelineError;
use super::feed::{End, Feed};
use super::intake::{Intake, RelaySource};
use super::package::LadderRung;
use super::piece::Piece;
use super::programme::Programme;
use super::recording::Recording;
use super::runtime::init;

/// What the supervisor tells a relay worker.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct RelayJob {
    /// Folder of the live window.
    pub folder: PathBuf,
    /// Number of the next segment.
    pub next: u64,
    /// Last generation used.
    pub generation: u64,
    /// Where its streams come from.
    pub from: RelaySource,
    /// What browsers cannot play is encoded anew; else it is left out.
    pub transcode: bool,
    /// Lower rungs that are made of the picture.
    #[serde(default)]
    pub rungs: Vec<LadderRung>,
    /// Programme of a multi-programme stream; none: the first.
    pub service: Option<u16>,
    /// The same by its name.
    #[serde(default)]
    pub service_name: Option<String>,
    /// Audio languages in order of preference.
    pub audio: Vec<Lang>,
    /// No access unit for this long is a stall, milliseconds.
    pub stall_after_ms: u64,
    /// A segment is cut here at the latest, milliseconds.
    pub max_segment_ms: u64,
    /// Another worker writes: this one is told when to take over.
    #[serde(default)]
    pub standby: bool,
}

impl RelayJob {
    pub(super) fn programme(&self) -> Programme {
        Programme { number: self.service, name: self.service_name.clone() }
    }
}

/// Runs until standard input closes or `out` does. Every line is flushed.
pub fn run_relay(
    job: &RelayJob,
    orders: &mpsc::Receiver<RelayOrder>,
    clock: &dyn Clock,
    out: &mut dyn Write,
) -> Result<(), PipelineError> {
    init()?;
    std::fs::create_dir_all(&job.folder).map_err(PipelineError::io(&job.folder))?;
    let mut intake = Intake::open(&job.from)?;
    let at = (job.next, job.generation);
    let recording = Recording::open(job.folder.clone(), at, job.standby, orders)?;
    let mut desk = Desk { recording, media: 0, figures: FeedFigures::default() };
    let mut tell = |line: &RelayLine| emit(out, line);
    loop {
        let first = match intake.is_waited_for() {
            true => wait_for_bytes(&mut intake, &mut desk, clock, &mut tell)?,
            false => Vec::new(),
        };
        let before = desk.recording.next();
        let mut feed = Feed::build(job, &intake, clock)?;
        let end = feed.run(&mut intake, first, &mut desk, clock, &mut tell)?;
        tell(&RelayLine::Broke { message: end.why().to_owned() })?;
        // Who refuses us is not asked again at once: the supervisor waits, longer each time.
        if let End::Failed(why) = end
            && !intake.is_waited_for()
            && desk.recording.next() == before
        {
            return Err(PipelineError::Build { what: "reading an upstream", detail: why });
        }
    }
}

/// Nothing is built before something comes: a silent feed costs nothing.
fn wait_for_bytes(
    intake: &mut Intake,
    desk: &mut Desk<'_>,
    clock: &dyn Clock,
    tell: &mut dyn FnMut(&RelayLine) -> Result<(), PipelineError>,
) -> Result<Vec<Piece>, PipelineError> {
    let mut told = clock.monotonic();
    loop {
        let batch = intake.next().map_err(PipelineError::io("udp"))?;
        if !batch.is_empty() {
            return Ok(intake.opening(batch));
        }
        if clock.monotonic() - told >= Duration::from_secs(1) {
            told = clock.monotonic();
            tell(&desk.alive(intake))?;
            desk.recording.obey()?;
        }
    }
}

fn emit(out: &mut dyn Write, line: &RelayLine) -> Result<(), PipelineError> {
    let mut text = serde_json::to_string(line).expect("a line is plain data");
    text.push('\n');
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(PipelineError::io("standard output"))
}

/// What outlives the generations of a feed.
pub(super) struct Desk<'a> {
    pub(super) recording: Recording<'a>,
    pub(super) figures: FeedFigures,
    /// Bytes of frames so far.
    pub(super) media: u64,
}

impl Desk<'_> {
    /// That the worker lives, and what it has counted.
    pub(super) fn alive(&mut self, intake: &Intake) -> RelayLine {
        intake.count_into(&mut self.figures, self.media);
        RelayLine::Alive(self.figures)
    }
}
