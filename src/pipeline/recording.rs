//! Where a relay's segments go: into its window, or nowhere while it stands by.

use std::path::PathBuf;
use std::sync::mpsc;

use jiff::Timestamp;

use crate::hls::TrackKind;
use crate::hls::wire::{RelayLine, RelayOrder};

use super::PipelineError;
use super::frame::Codec;
use super::live_writer::LiveWriter;
use super::segmenter::CutSegment;

/// A track's name, what it is, and how it is coded.
pub(super) type TrackList = Vec<(String, TrackKind, Codec)>;

/// What a worker does with the segments of its feed.
#[derive(Debug)]
pub(super) struct Recording<'a> {
    folder: PathBuf,
    /// None: another worker writes.
    writer: Option<LiveWriter>,
    orders: &'a mpsc::Receiver<RelayOrder>,
    tracks: TrackList,
}

impl<'a> Recording<'a> {
    /// Into `folder` from segment `next` on, after `generation`; nowhere if it stands by.
    pub(super) fn open(
        folder: PathBuf,
        (next, generation): (u64, u64),
        standby: bool,
        orders: &'a mpsc::Receiver<RelayOrder>,
    ) -> Result<Self, PipelineError> {
        let writer = if standby { None } else { Some(LiveWriter::open(&folder, next, generation)?) };
        Ok(Self { folder, writer, orders, tracks: Vec::new() })
    }

    /// Number of the next segment; none while it stands by.
    pub(super) fn next(&self) -> Option<u64> {
        self.writer.as_ref().map(LiveWriter::next)
    }

    /// A new generation begins with these tracks, video first.
    pub(super) fn begin(&mut self, tracks: TrackList) -> Result<(), PipelineError> {
        self.tracks = tracks;
        match &mut self.writer {
            Some(writer) => writer.begin(self.tracks.clone()),
            None => Ok(()),
        }
    }

    /// A segment of the feed whose first picture was on air at `start`: what is to be told of it.
    pub(super) fn append(&mut self, cut: &CutSegment, start: Timestamp) -> Result<RelayLine, PipelineError> {
        Ok(match &mut self.writer {
            Some(writer) => RelayLine::Segment(writer.append(cut, start)?),
            None => RelayLine::Ready,
        })
    }

    /// Does as it was told meanwhile. If it has just taken over: the end of what the
    /// other worker recorded, where a generation begins.
    pub(super) fn obey(&mut self) -> Result<Option<Timestamp>, PipelineError> {
        let mut took_over = None;
        while let Ok(order) = self.orders.try_recv() {
            match order {
                RelayOrder::TakeOver { next, generation, after } if self.writer.is_none() => {
                    let mut writer = LiveWriter::open(&self.folder, next, generation)?;
                    if !self.tracks.is_empty() {
                        writer.begin(self.tracks.clone())?;
                    }
                    self.writer = Some(writer);
                    took_over = Some(after);
                }
                RelayOrder::TakeOver { .. } => {}
                RelayOrder::Folders { minutes } => {
                    if let Some(writer) = &mut self.writer {
                        writer.set_minutes(minutes);
                    }
                }
            }
        }
        Ok(took_over)
    }
}
