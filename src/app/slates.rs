//! Having slates made.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use jiff::{SignedDuration, Timestamp};

use crate::base::{ChannelId, Clock, Shutdown, WorkerProcess};
use crate::channel::{AiringSource, SlateReason};
use crate::config::County;
use crate::courseware::{Catalogue, Library};
use crate::delivery::{Channels, MediaSources, Segments};
use crate::hls::wire::PackageLine;
use crate::schedule::{Plans, ProgrammeId};

use super::slate_list::{SlateList, Wanted};

/// How often it is looked whether others are needed.
const LOOK: Duration = Duration::from_secs(1);
/// How often those that nobody shows any more are removed.
const PRUNE: Duration = Duration::from_secs(600);
/// One made more recently may be about to go on air.
const FRESH: SignedDuration = SignedDuration::from_hours(1);
/// A lesson that was replaced or deleted stays so long: a deletion can be undone, and who
/// watches it ends it.
const ASIDE: SignedDuration = SignedDuration::from_hours(24);

/// What the task works with; clones share the list.
#[derive(Debug, Clone)]
pub(super) struct SlateTask {
    pub(super) county: Arc<ArcSwap<County>>,
    pub(super) plans: Arc<ArcSwap<Plans>>,
    pub(super) channels: Arc<Channels>,
    pub(super) library: Library,
    pub(super) slates: Library,
    pub(super) sources: Arc<MediaSources>,
    pub(super) segments: Arc<Segments>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) state: Arc<Mutex<State>>,
}

/// What is needed, and what was last told of it.
#[derive(Debug, Default)]
pub(super) struct State {
    list: SlateList,
    told: Option<Arc<Catalogue>>,
}

impl SlateTask {
    /// Makes the slates that are needed, most urgent first, until `stop`.
    pub(super) async fn run(self, stop: Shutdown) {
        let mut failed: BTreeSet<String> = BTreeSet::new();
        let mut pruned = self.clock.monotonic();
        loop {
            // Packages also come by `yuanjiao package`, straight into the library.
            for library in [&self.library, &self.slates] {
                if let Err(error) = library.refresh() {
                    tracing::error!(path = %library.folder().display(), %error, "packages cannot be read");
                }
            }
            tokio::task::block_in_place(|| self.publish_now());
            let Some(missing) = self.missing(&failed) else {
                if self.clock.monotonic().saturating_sub(pruned) >= PRUNE {
                    pruned = self.clock.monotonic();
                    tokio::task::block_in_place(|| self.prune(self.clock.now()));
                }
                tokio::select! {
                    () = stop.wait() => return,
                    () = tokio::time::sleep(LOOK) => continue,
                }
            };
            let made = tokio::select! {
                () = stop.wait() => return,
                made = self.make(&missing) => made,
            };
            if let Err(error) = made {
                tracing::error!(channel = %missing.key.0, error, "a slate could not be made");
                failed.insert(missing.id.clone());
            }
        }
    }

    /// Tells timeline and delivery what slates there are, if that has changed.
    pub(super) fn publish_now(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.now();
        let (library, slates) = (self.library.catalogue(), self.slates.catalogue());
        let (county, plans) = (self.county.load_full(), self.plans.load());
        let changed = state.list.update(&county, &library, &plans, &self.asked(), now);
        if changed || !state.told.as_ref().is_some_and(|told| Arc::ptr_eq(told, &slates)) {
            self.segments.set_slates(&slates);
            self.sources.set_slates(&slates, &state.list.uses());
            state.told = Some(slates);
        }
    }

    /// What channels announce at this moment, foreseen or not.
    fn asked(&self) -> BTreeMap<ChannelId, ProgrammeId> {
        let announced = |timeline: &crate::channel::Timeline| match &timeline.open()?.source {
            AiringSource::Slate { reason: SlateReason::Next(id), .. } => Some(id.clone()),
            _ => None,
        };
        let channels = self.channels.all();
        channels.iter().filter_map(|(id, c)| Some((id.clone(), announced(&c.timeline())?))).collect()
    }

    fn missing(&self, failed: &BTreeSet<String>) -> Option<Arc<Wanted>> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let slates = self.slates.catalogue();
        let there: BTreeSet<&str> = slates.packages.iter().map(|p| p.manifest.id.as_str()).collect();
        let missing = |w: &&Arc<Wanted>| !there.contains(w.id.as_str()) && !failed.contains(&w.id);
        state.list.wanted().find(missing).cloned()
    }

    async fn make(&self, wanted: &Wanted) -> Result<(), String> {
        let ladder: Vec<_> = self
            .county
            .load()
            .packaging
            .ladder
            .iter()
            .map(|r| serde_json::json!({"name": r.name, "height": r.height, "kbps": r.kbps}))
            .collect();
        // As `pipeline::SlateJob` reads it.
        let job = serde_json::json!({
            "id": wanted.id, "out": self.slates.folder(), "pictures": wanted.pictures, "lang": wanted.lang,
            "titles": {}, "ladder": ladder,
        });
        let mut worker = WorkerProcess::spawn("slate", &job).await.map_err(|e| e.to_string())?;
        while let Some(line) = worker.next_line().await {
            match serde_json::from_str::<PackageLine>(&line) {
                Ok(PackageLine::Done { .. }) => return Ok(()),
                Ok(PackageLine::Failed { reason, detail }) => return Err(format!("{reason} ({detail})")),
                Ok(
                    PackageLine::Progress { .. }
                    | PackageLine::Playable { .. }
                    | PackageLine::Confined { .. }
                    | PackageLine::Called { .. },
                ) => {}
                Err(error) => return Err(error.to_string()),
            }
        }
        Err("the worker ended without an answer".into())
    }

    /// Removes slates, and lessons that were replaced or deleted, once nothing on air, to come
    /// or in catch-up shows them any more.
    fn prune(&self, now: Timestamp) {
        let channels = self.channels.all();
        let timelines: Vec<_> = channels.values().map(|c| c.timeline()).collect();
        let sources: Vec<_> = timelines.iter().flat_map(|t| t.airings()).map(|a| &a.source).collect();
        let on_air = |owner: &str| sources.iter().any(|source| source.is_owner(owner));
        if let Err(error) = self.library.free_aside(now - ASIDE, &on_air) {
            tracing::warn!(%error, "lessons that were replaced or deleted could not be removed");
        }
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let mut used = state.list.ids();
        used.extend(sources.iter().filter_map(|source| source.slate()));
        let fresh = |folder: &Path| {
            let made = std::fs::metadata(folder.join("package.json")).and_then(|m| m.modified()).ok();
            made.and_then(|m| Timestamp::try_from(m).ok()).is_none_or(|made| made + FRESH > now)
        };
        for package in &self.slates.catalogue().packages {
            if !used.contains(package.manifest.id.as_str())
                && !fresh(&package.folder)
                && let Err(error) = std::fs::remove_dir_all(&package.folder)
            {
                tracing::warn!(path = %package.folder.display(), %error, "an old slate could not be removed");
            }
        }
    }
}
