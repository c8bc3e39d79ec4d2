//! The task that keeps relayed programmes: when one is over, what was recorded
//! of it becomes a lesson.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use jiff::{SignedDuration, Timestamp};

use crate::base::{ChannelId, Clock, Lang, LessonId, RelayId, Shutdown, Titles, WorkerProcess};
use crate::channel::{Airing, AiringSource};
use crate::config::County;
use crate::courseware::{KeepError, Library, Unfinished, keep, waiting_folder};
use crate::delivery::MediaSources;
use crate::hls::wire::{StillJob, StillLine};
use crate::hls::{LiveSegment, TrackKind};
use crate::portal::Changed as _;
use crate::schedule::{Plans, Programme};
use crate::store::{Event, Store};

use super::reload::Reload;

/// How often it is looked for programmes that are over.
const LOOK: Duration = Duration::from_secs(10);
/// How long after its end a programme's last segment is certainly recorded.
const AFTER: SignedDuration = SignedDuration::from_secs(20);
/// How far back programmes are looked for, as after a long stop.
const BACK: SignedDuration = SignedDuration::from_hours(26);
/// Height of the picture that stands for the lesson.
const POSTER: u32 = 360;
/// Longest time for that picture.
const PATIENCE: Duration = Duration::from_secs(20);

/// What the task works with.
pub(super) struct Keeping {
    pub(super) county: Arc<ArcSwap<County>>,
    pub(super) plans: Arc<ArcSwap<Plans>>,
    pub(super) sources: Arc<MediaSources>,
    pub(super) library: Library,
    pub(super) store: Store,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) reload: Reload,
}

impl Keeping {
    /// Keeps what is to be kept until `stop`.
    pub(super) async fn run(self, stop: Shutdown) {
        // What was tried already, as the store says or as it has just happened.
        let mut tried = BTreeSet::new();
        loop {
            tokio::select! {
                () = stop.wait() => return,
                () = tokio::time::sleep(LOOK) => {}
            }
            let now = self.clock.now();
            let over = self.over(now);
            tried.retain(|id| over.iter().any(|(_, p)| lesson_of(p).as_ref() == Some(id)));
            for (channel, programme) in over {
                let Some(id) = lesson_of(&programme).filter(|id| !tried.contains(id)) else { continue };
                match self.was_tried(&id).await {
                    Ok(false) => self.try_to_keep(&channel, &programme, &id, now).await,
                    Ok(true) => {}
                    Err(error) => {
                        tracing::error!(%error, "what was kept cannot be looked up");
                        continue;
                    }
                }
                tried.insert(id);
            }
        }
    }

    /// The programmes to be kept that have ended.
    fn over(&self, now: Timestamp) -> Vec<(ChannelId, Programme)> {
        let plans = self.plans.load();
        let mut over = Vec::new();
        for (channel, plan) in plans.iter().filter(|(_, plan)| plan.keeps_any()) {
            for (programme, until) in plan.places(now - BACK, now).into_iter().filter(|(p, _)| p.keep) {
                let end = programme.end.unwrap_or(until);
                if end + AFTER < now {
                    over.push((channel.clone(), programme));
                }
            }
        }
        over
    }

    async fn was_tried(&self, id: &LessonId) -> Result<bool, crate::store::StoreError> {
        let tried = |e: &Event| matches!(e.kind.as_str(), "kept" | "not-kept");
        Ok(self.store.events(&format!("lesson/{id}"), 10).await?.iter().any(tried))
    }

    async fn try_to_keep(&self, channel: &ChannelId, programme: &Programme, id: &LessonId, now: Timestamp) {
        let made = self.keep(channel, programme, id).await;
        let (kind, detail) = match &made {
            Ok(seconds) => ("kept", format!("{seconds:.0} s of {}", programme.id.0)),
            Err(error) => ("not-kept", error.clone()),
        };
        match &made {
            Ok(_) => tracing::info!(lesson = %id, "lesson {id}: kept from {channel}: {detail}"),
            Err(error) => tracing::error!(lesson = %id, error, "a programme could not be kept"),
        }
        let event = Event { at: now, subject: format!("lesson/{id}"), kind: kind.to_owned(), detail };
        if let Err(error) = self.store.record_event(event).await {
            tracing::error!(%error, "an event could not be stored");
        }
    }

    async fn keep(&self, channel: &ChannelId, programme: &Programme, id: &LessonId) -> Result<f64, String> {
        let to = programme.end.unwrap_or(programme.start + BACK);
        let airings = self.store.airings(channel, programme.start, to).await.map_err(|e| e.to_string())?;
        let own = airings.iter().filter(|a| a.programme.as_ref() == Some(&programme.id));
        let (relay, segments) = self.recorded(own).ok_or_else(|| KeepError::Nothing.to_string())?;
        let county = self.county.load();
        let live = county.media.join("live").join(relay.as_str());
        let (library, name) = (self.library.folder().to_owned(), id.to_string());
        let titles = dated(&programme.titles, &county, channel, programme.start);
        let target = if county.packaging.review { waiting_folder(&name) } else { name.clone() };
        let made =
            tokio::task::spawn_blocking(move || keep(&live, &segments, (&library, &target), (&name, titles)));
        let mut made = made.await.map_err(|e| e.to_string())?.map_err(|e| e.to_string())?;
        made.manifest.poster = poster(&made).await;
        let seconds = made.manifest.duration().as_secs_f64();
        let published = tokio::task::spawn_blocking(move || made.publish()).await;
        published.map_err(|e| e.to_string())?.map_err(|e| e.to_string())?;
        self.reload.lessons();
        Ok(seconds)
    }

    /// The segments of `airings` that are still recorded, of the relay that was on air first.
    fn recorded<'a>(&self, airings: impl Iterator<Item = &'a Airing>) -> Option<(RelayId, Vec<LiveSegment>)> {
        let mut found: Option<(RelayId, Vec<LiveSegment>)> = None;
        for airing in airings {
            let AiringSource::Relay { relay, .. } = &airing.source else { continue };
            let relays = self.sources.relays();
            let Some(handle) = relays.get(relay) else { continue };
            let window = handle.window.load();
            let numbers = airing.first..airing.first + airing.segments.unwrap_or(0);
            let (first, segments) = found.get_or_insert_with(|| (relay.clone(), Vec::new()));
            if first == relay {
                segments.extend(numbers.filter_map(|n| window.get(n).cloned()));
            }
        }
        found.filter(|(_, segments)| !segments.is_empty())
    }
}

/// The lesson that a programme becomes.
fn lesson_of(programme: &Programme) -> Option<LessonId> {
    LessonId::new(&programme.id.0.to_lowercase()).ok()
}

/// The programme's titles with its date; else the channel's names with it.
fn dated(titles: &Titles, county: &County, channel: &ChannelId, start: Timestamp) -> Titles {
    let names =
        county.channels.iter().find(|c| c.id == *channel).map(|c| c.names.clone()).unwrap_or_default();
    let titles = if titles.0.is_empty() { names } else { titles.clone() };
    let date = county.tz.to_datetime(start).date();
    Titles(
        titles
            .0
            .into_iter()
            .map(|(lang, title): (Lang, String)| (lang, format!("{title} · {date}")))
            .collect(),
    )
}

/// A picture of it, if one can be taken; a lesson without one is a lesson all the same.
async fn poster(made: &Unfinished) -> Option<String> {
    let is_picture = |kind: &TrackKind| matches!(kind, TrackKind::Video { .. });
    let picture = made.manifest.tracks.iter().find(|t| is_picture(&t.track.kind))?;
    let job = StillJob {
        mp4: made.folder.join(&picture.file),
        jpeg: made.folder.join("poster.jpg"),
        height: POSTER,
    };
    let taken = async {
        let mut worker = WorkerProcess::spawn("still", &job).await.ok()?;
        serde_json::from_str(&worker.next_line().await?).ok()
    };
    match tokio::time::timeout(PATIENCE, taken).await {
        Ok(Some(StillLine::Done)) => Some("poster.jpg".to_owned()),
        _ => None,
    }
}
