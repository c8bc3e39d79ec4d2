//! Looking at relays now and then, by one worker for all of them.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use jiff::{SignedDuration, Timestamp};

use crate::base::{Clock, RelayId, Shutdown, WorkerProcess};
use crate::config::County;
use crate::delivery::MediaSources;
use crate::hls::wire::{Clip, FeedLook, LookJob, LookLine};
use crate::hls::{LiveSegment, TrackKind};

/// How often it is asked whether a look is due.
const STEP: Duration = Duration::from_millis(500);
/// Longest time for one look; what takes longer never comes.
const PATIENCE: Duration = Duration::from_secs(10);
/// A segment that ended longer ago says nothing of the relay now.
const OLD: SignedDuration = SignedDuration::from_secs(30);

/// What the task works with.
#[derive(Debug, Clone)]
pub(super) struct Looks {
    pub(super) county: Arc<ArcSwap<County>>,
    pub(super) sources: Arc<MediaSources>,
    pub(super) clock: Arc<dyn Clock>,
}

/// The last look at a relay.
#[derive(Debug, Clone, Copy)]
struct Last {
    at: Duration,
    segment: u64,
    failed: bool,
}

impl Looks {
    /// Looks until `stop`, at one relay after the other.
    pub(super) async fn run(self, stop: Shutdown) {
        let mut worker = None;
        let mut last = BTreeMap::new();
        loop {
            tokio::select! {
                () = stop.wait() => return,
                () = tokio::time::sleep(STEP) => {}
            }
            tokio::select! {
                () = stop.wait() => return,
                () = self.look_at_all(&mut worker, &mut last) => {}
            }
        }
    }

    async fn look_at_all(&self, worker: &mut Option<WorkerProcess>, last: &mut BTreeMap<RelayId, Last>) {
        let (county, relays) = (self.county.load_full(), self.sources.relays());
        last.retain(|id, _| relays.contains_key(id));
        for relay in county.relays.iter().filter(|r| !r.look_every.is_zero()) {
            let Some(handle) = relays.get(&relay.id) else { continue };
            let now = self.clock.monotonic();
            let before = last.get(&relay.id).copied();
            if before.is_some_and(|b| now - b.at < relay.look_every) {
                continue;
            }
            let Some(segment) = handle.window.load().newest().cloned() else { continue };
            if !is_new(&segment, before.map(|b| b.segment), self.clock.now()) {
                continue;
            }
            let folder = county.media.join("live").join(relay.id.as_str());
            let Some(job) = job(&relay.id, &folder, &segment) else { continue };
            let seen = tokio::time::timeout(PATIENCE, ask(worker, &job)).await;
            let seen = seen.unwrap_or_else(|_| Err(Failure::Worker("no answer in time".to_owned())));
            let failed = seen.is_err();
            match seen {
                Ok(look) => handle.saw(look),
                Err(failure) => {
                    let (Failure::Picture(error) | Failure::Worker(error)) = &failure;
                    if !before.is_some_and(|b| b.failed) {
                        tracing::warn!(relay = %relay.id, error, "relay {} could not be looked at", relay.id);
                    }
                    if matches!(failure, Failure::Worker(_)) {
                        // Whatever it is at, the next look is another's.
                        *worker = None;
                    }
                }
            }
            last.insert(relay.id.clone(), Last { at: now, segment: segment.n, failed });
        }
    }
}

enum Failure {
    /// There was nothing to be seen.
    Picture(String),
    /// The worker is of no use.
    Worker(String),
}

/// Whether a segment says anything that is not known: a feed that stands still is no
/// picture that stands still.
fn is_new(segment: &LiveSegment, last: Option<u64>, now: Timestamp) -> bool {
    last != Some(segment.n) && now.duration_since(segment.end()) < OLD
}

/// None if the segment has no picture.
fn job(relay: &RelayId, folder: &Path, segment: &LiveSegment) -> Option<LookJob> {
    let clips = segment.tracks().zip(&segment.parts).filter(|(_, part)| part.range.length > 0);
    let (mut picture, mut sound) = (None, None);
    for (track, part) in clips {
        let clip = Clip {
            header: folder.join(format!("init-{}.mp4", track.init)),
            media: folder.join(&segment.hour).join(format!("{}.m4s", track.name)),
            range: part.range,
        };
        match track.kind {
            TrackKind::Video { .. } if picture.is_none() => picture = Some(clip),
            TrackKind::Audio { .. } if sound.is_none() => sound = Some(clip),
            _ => {}
        }
    }
    Some(LookJob { relay: relay.to_string(), picture: picture?, sound, jpeg: folder.join("now.jpg") })
}

async fn ask(worker: &mut Option<WorkerProcess>, job: &LookJob) -> Result<FeedLook, Failure> {
    let line = WorkerProcess::ask(worker, "look", job).await.map_err(|e| Failure::Worker(e.to_string()))?;
    match serde_json::from_str(&line) {
        Ok(LookLine::Seen(look)) => Ok(look),
        Ok(LookLine::Failed { message }) => Err(Failure::Picture(message)),
        Err(error) => Err(Failure::Worker(error.to_string())),
    }
}
