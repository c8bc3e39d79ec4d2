//! View-models filled from the house.

use jiff::Timestamp;

use crate::base::LessonId;
use crate::channel::AiringSource;
use crate::config::Channel;
use crate::courseware::{JobState, JobStatus, Package};
use crate::delivery::SOUND;
use crate::guide::{Entry, Kind, Listing, now_next};
use crate::hls::{Manifest, PackagedTrack, TrackKind};

use super::state::Portal;
use super::views::{
    Board, ChannelCard, ChannelStatus, LessonCard, LessonFile, PackagingState, PackagingView, ProgrammeKind,
    ProgrammeView,
};

/// Programmes shown as next.
const NEXT: usize = 4;
/// Lessons shown where the list of them is not what was asked for.
const NEWEST: usize = 6;

impl Portal {
    /// Every channel with what is on and next, in the order of their numbers.
    pub(super) fn channel_cards(&self, now: Timestamp) -> Vec<ChannelCard> {
        self.county.load().channels.iter().map(|c| self.channel_card(c, now)).collect()
    }

    pub(super) fn channel_card(&self, channel: &Channel, now: Timestamp) -> ChannelCard {
        let listing = self.soon(channel, now);
        let (on, next) = now_next(&listing, now, NEXT);
        ChannelCard {
            id: channel.id.clone(),
            number: channel.number,
            names: channel.names.clone(),
            lang: channel.lang.clone(),
            now: on.map(|e| self.programme(&listing, e)),
            next: next.into_iter().map(|e| self.programme(&listing, e)).collect(),
            status: self.status(channel, now),
        }
    }

    /// What the timeline shows at this moment.
    fn status(&self, channel: &Channel, now: Timestamp) -> ChannelStatus {
        let timeline = self.channels.get(&channel.id).map(|c| c.timeline());
        let airing = timeline.as_ref().and_then(|t| t.airings().iter().rev().find(|a| a.start <= now));
        match airing.map(|a| &a.source) {
            None => ChannelStatus::Starting,
            Some(AiringSource::Slate { .. }) => ChannelStatus::Slate,
            Some(_) => ChannelStatus::OnAir,
        }
    }

    pub(super) fn programme(&self, listing: &Listing, entry: &Entry) -> ProgrammeView {
        let on_demand = match entry.lessons() {
            [only] => self.library.catalogue().lesson(only).map(|_| only.clone()),
            _ => None,
        };
        ProgrammeView {
            start: entry.programme.start,
            end: entry.end,
            titles: listing.titles(entry),
            kind: match entry.kind {
                Kind::Relay => ProgrammeKind::Relay,
                Kind::Lesson => ProgrammeKind::Lesson,
            },
            lesson: on_demand,
        }
    }

    /// Every lesson of the library.
    pub(super) fn lesson_cards(&self) -> Vec<LessonCard> {
        self.library.catalogue().lessons().map(|(id, package)| lesson_card(id, package)).collect()
    }

    /// The newest lessons, but for one: few enough for a page that shows something else first.
    pub(super) fn newest_lessons(&self, but: Option<&LessonId>) -> Vec<LessonCard> {
        let catalogue = self.library.catalogue();
        let mut newest: Vec<_> = catalogue.lessons().filter(|(id, _)| Some(*id) != but).collect();
        newest.sort_by_key(|(_, package)| std::cmp::Reverse(package.updated));
        newest.into_iter().take(NEWEST).map(|(id, package)| lesson_card(id, package)).collect()
    }

    /// What the packaging queue is at, and what failed.
    pub(super) fn packaging(&self) -> Vec<PackagingView> {
        let shown = |j: &&JobStatus| j.state != JobState::Done;
        self.queue.jobs().values().filter(shown).map(packaging).collect()
    }
}

pub(super) fn lesson_card(id: &LessonId, package: &Package) -> LessonCard {
    let manifest = &package.manifest;
    LessonCard {
        id: id.clone(),
        titles: manifest.titles.clone(),
        duration: manifest.duration(),
        audio: manifest.audio_langs().cloned().collect(),
        subtitles: manifest.subtitle_langs(),
        details: manifest.details.clone(),
        poster: match manifest.poster {
            Some(_) => format!("/lessons/{id}/poster.jpg?v={}", manifest.short_hash()),
            None => String::new(),
        },
        storyboard: manifest.storyboard.as_ref().map(|board| Board {
            href: format!("/lessons/{id}/storyboard.jpg?v={}", manifest.short_hash()),
            pictures: board.clone(),
        }),
        waveform: manifest.waveform.clone(),
    }
}

/// A lesson as files: in each language with its best picture, with its smallest, and sound alone.
pub(super) fn lesson_files(id: &LessonId, manifest: &Manifest) -> Vec<LessonFile> {
    let seconds = manifest.duration().as_secs();
    let pictures: Vec<(&PackagedTrack, u32)> = manifest
        .tracks
        .iter()
        .filter_map(|t| match t.track.kind {
            TrackKind::Video { height, .. } => Some((t, height)),
            TrackKind::Audio { .. } => None,
        })
        .collect();
    let mut offered: Vec<_> = pictures.first().into_iter().chain(pictures.last()).map(Some).collect();
    offered.dedup_by_key(|p| p.map(|(_, height)| *height));
    let mut files = Vec::new();
    for sound in &manifest.tracks {
        let TrackKind::Audio { lang, .. } = &sound.track.kind else { continue };
        for picture in offered.iter().copied().chain([None]) {
            let rung = picture.map_or(SOUND, |(t, _)| t.track.name.as_str());
            let bits = sound.average_bandwidth + picture.map_or(0, |(t, _)| t.average_bandwidth);
            files.push(LessonFile {
                lang: lang.clone(),
                height: picture.map(|(_, height)| *height),
                href: format!("/lessons/{id}/download?lang={lang}&rung={rung}"),
                bytes: bits * seconds / 8,
            });
        }
    }
    files
}

fn packaging(job: &JobStatus) -> PackagingView {
    PackagingView {
        name: job.file.clone(),
        percent: job.percent.clamp(0.0, 100.0) as u8,
        state: match job.state {
            JobState::Queued => PackagingState::Queued,
            JobState::Running => PackagingState::Running,
            JobState::Done => PackagingState::Done,
            JobState::Failed => PackagingState::Failed,
        },
        // Less than one is said as one.
        left: job.left.map(|left| left.as_secs().div_ceil(60).max(1) as i64),
        playable: job.playable,
        reason: job.reason.clone(),
    }
}
