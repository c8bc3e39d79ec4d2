//! Pieces that several pages show.

use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use crate::base::{ChannelId, Lang, LessonId, Titles};
use crate::hls::{Details, Reason, Storyboard};

/// What a channel's timeline shows at this moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChannelStatus {
    /// What the plan says.
    OnAir,
    /// The slate: a gap, or a source that has failed.
    Slate,
    /// Nothing yet: the first media are being prepared.
    Starting,
}

impl ChannelStatus {
    pub(super) fn key(self) -> &'static str {
        match self {
            Self::OnAir => "status-on-air",
            Self::Slate => "status-slate",
            Self::Starting => "status-starting",
        }
    }

    /// Class of the badge.
    pub(super) fn class(self) -> &'static str {
        match self {
            Self::OnAir => "on-air",
            Self::Slate => "slate",
            Self::Starting => "starting",
        }
    }
}

/// Where a programme comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProgrammeKind {
    /// A relayed broadcast.
    Relay,
    /// Courseware.
    Lesson,
    /// The preview between programmes.
    Preview,
}

impl ProgrammeKind {
    pub(super) fn key(self) -> &'static str {
        match self {
            Self::Relay => "kind-relay",
            Self::Lesson => "kind-lesson",
            Self::Preview => "kind-preview",
        }
    }
}

/// A programme at its time.
#[derive(Debug, Clone)]
pub struct ProgrammeView {
    /// When it starts.
    pub start: Timestamp,
    /// When it ends.
    pub end: Timestamp,
    /// Its titles.
    pub titles: Titles,
    /// Where it comes from.
    pub kind: ProgrammeKind,
    /// The lesson's page, if it can be watched on demand.
    pub lesson: Option<LessonId>,
}

impl ProgrammeView {
    /// Its name on `channel`, as calendars are asked for it.
    pub(super) fn id(&self, channel: &ChannelId) -> String {
        crate::schedule::ProgrammeId::new(channel, self.start).0
    }

    /// True while it runs.
    pub(super) fn covers(&self, now: Timestamp) -> bool {
        self.start <= now && now < self.end
    }

    /// Seconds from start to end.
    pub(super) fn length_s(&self) -> i64 {
        self.end.duration_since(self.start).as_secs()
    }

    /// Seconds it has run, within its length.
    pub(super) fn elapsed_s(&self, now: &Timestamp) -> i64 {
        now.duration_since(self.start).as_secs().clamp(0, self.length_s().max(0))
    }
}

/// A channel, with what is on and what follows.
#[derive(Debug, Clone)]
pub struct ChannelCard {
    /// Its identifier.
    pub id: ChannelId,
    /// Its number on the remote control.
    pub number: u32,
    /// Its names.
    pub names: Titles,
    /// Its own language.
    pub lang: Lang,
    /// The programme that is on.
    pub now: Option<ProgrammeView>,
    /// The programmes that follow, soonest first.
    pub next: Vec<ProgrammeView>,
    /// What its timeline shows.
    pub status: ChannelStatus,
}

/// Small pictures of a lesson, and where they are.
#[derive(Debug, Clone, Serialize)]
pub struct Board {
    /// Address of the file.
    pub href: String,
    /// What is in it.
    #[serde(flatten)]
    pub pictures: Storyboard,
}

/// A lesson of the library.
#[derive(Debug, Clone)]
pub struct LessonCard {
    /// Its identifier.
    pub id: LessonId,
    /// Its titles.
    pub titles: Titles,
    /// Its length.
    pub duration: Duration,
    /// Audio languages, the default first.
    pub audio: Vec<Lang>,
    /// Subtitle languages.
    pub subtitles: Vec<Lang>,
    /// Address of its picture; empty: none.
    pub poster: String,
    /// Pictures for its time line.
    pub storyboard: Option<Board>,
    /// How loud it is in each of equal stretches, two hex digits each, where it has no picture.
    pub waveform: Option<String>,
    /// What else is known of it.
    pub details: Details,
}

impl ChannelCard {
    /// Nothing of it can be watched yet.
    pub(super) fn is_starting(&self) -> bool {
        self.status == ChannelStatus::Starting
    }
}

/// How far a lesson's packaging is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PackagingState {
    /// It waits for its turn.
    Queued,
    /// A worker is at it.
    Running,
    /// It is playable.
    Done,
    /// It could not be packaged; the message says why.
    Failed,
}

impl PackagingState {
    pub(super) fn key(self) -> &'static str {
        match self {
            Self::Queued => "packaging-queued",
            Self::Running => "packaging-running",
            Self::Done => "packaging-done",
            Self::Failed => "packaging-failed",
        }
    }
}

/// A lesson in the making.
#[derive(Debug, Clone)]
pub struct PackagingView {
    /// The file's or lesson's name.
    pub name: String,
    /// 0 to 100.
    pub percent: u8,
    /// How far it is.
    pub state: PackagingState,
    /// Minutes until it is done, if that can be said.
    pub left: Option<i64>,
    /// It can be watched already.
    pub playable: bool,
    /// What went wrong and what to do.
    pub reason: Option<Reason>,
}
