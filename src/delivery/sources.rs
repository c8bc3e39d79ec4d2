//! What the timeline may play: the library, the slates, the live windows.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::base::{ChannelId, LessonId, RelayId};
use crate::channel::{Asset, Slate, SlateReason, Sources};
use crate::courseware::Catalogue;
use crate::hls::LiveWindow;
use crate::relay::RelayHandle;

type Owners = HashMap<String, Arc<Asset>>;

#[derive(Debug, Default)]
struct Lessons {
    current: BTreeMap<LessonId, Arc<Asset>>,
    /// Those that channels may play: whole.
    whole: BTreeMap<LessonId, Arc<Asset>>,
    owners: Owners,
    /// Owners of packages that were taken back.
    taken_back: HashSet<String>,
}

#[derive(Debug, Default)]
struct Slates {
    uses: BTreeMap<(ChannelId, SlateReason), Slate>,
    owners: Owners,
}

/// Relays by name.
type Handles = BTreeMap<RelayId, RelayHandle>;

/// Read handles on all that channels play.
#[derive(Debug, Default)]
pub struct MediaSources {
    lessons: ArcSwap<Lessons>,
    slates: ArcSwap<Slates>,
    relays: ArcSwap<Handles>,
    windows: ArcSwap<Handles>,
}

impl MediaSources {
    /// The relays that run, and those whose recordings may still be watched.
    pub fn set_relays(&self, running: Handles, known: Handles) {
        self.relays.store(Arc::new(running));
        self.windows.store(Arc::new(known));
    }

    /// The relays that run.
    pub fn relays(&self) -> Arc<Handles> {
        self.relays.load_full()
    }

    /// What the library holds.
    pub fn set_lessons(&self, library: &Catalogue) {
        let was = self.lessons.load();
        let mut lessons = Lessons::default();
        for package in &library.packages {
            let asset = same(&was.owners, Asset::new("lesson", Arc::clone(&package.manifest)));
            if let Some(id) = &package.lesson {
                lessons.current.insert(id.clone(), Arc::clone(&asset));
                if !asset.manifest.preliminary {
                    lessons.whole.insert(id.clone(), Arc::clone(&asset));
                }
            }
            if package.held.is_some() {
                lessons.taken_back.insert(asset.owner.clone());
            }
            lessons.owners.insert(asset.owner.clone(), asset);
        }
        self.lessons.store(Arc::new(lessons));
    }

    /// What the slates' folder holds, and which slate serves what.
    pub fn set_slates(&self, slates: &Catalogue, uses: &BTreeMap<(ChannelId, SlateReason), String>) {
        let was = self.slates.load();
        let mut next = Slates::default();
        let mut by_id = HashMap::new();
        for package in &slates.packages {
            let Slate { regular, short } = Slate::of(&package.manifest);
            let known = |asset| same(&was.owners, Arc::unwrap_or_clone(asset));
            let slate = Slate { regular: known(regular), short: known(short) };
            for asset in [&slate.regular, &slate.short] {
                next.owners.insert(asset.owner.clone(), Arc::clone(asset));
            }
            by_id.insert(&package.manifest.id, slate);
        }
        for (key, id) in uses {
            if let Some(slate) = by_id.get(id) {
                next.uses.insert(key.clone(), slate.clone());
            }
        }
        self.slates.store(Arc::new(next));
    }

    /// The current package of a lesson for who asks for it, whole or not.
    pub(super) fn on_demand(&self, lesson: &LessonId) -> Option<Arc<Asset>> {
        self.lessons.load().current.get(lesson).cloned()
    }

    /// The package of a lesson whose content hash begins as `version` says
    /// ([`Manifest::short_hash`](crate::hls::Manifest::short_hash)), on offer or not any more.
    pub(super) fn version(&self, lesson: &LessonId, version: &str) -> Option<Arc<Asset>> {
        let is_it = |a: &&Arc<Asset>| a.manifest.id == lesson.as_str() && a.manifest.short_hash() == version;
        self.lessons.load().owners.values().find(is_it).cloned()
    }

    /// The owner name of a lesson's current package.
    pub(super) fn lesson_owner(&self, lesson: &LessonId) -> Option<String> {
        self.lessons.load().current.get(lesson).map(|a| a.owner.clone())
    }
}

/// The same package keeps the same asset, unless other words are said of it.
fn same(known: &Owners, asset: Asset) -> Arc<Asset> {
    let is_it = |a: &&Arc<Asset>| a.manifest.titles == asset.manifest.titles;
    known.get(&asset.owner).filter(is_it).cloned().unwrap_or_else(|| Arc::new(asset))
}

impl Sources for MediaSources {
    fn lesson(&self, lesson: &LessonId) -> Option<Arc<Asset>> {
        self.lessons.load().whole.get(lesson).cloned()
    }

    fn asset(&self, owner: &str) -> Option<Arc<Asset>> {
        self.lessons.load().owners.get(owner).or(self.slates.load().owners.get(owner)).cloned()
    }

    fn is_taken_back(&self, owner: &str) -> bool {
        self.lessons.load().taken_back.contains(owner)
    }

    fn window(&self, relay: &RelayId) -> Option<Arc<LiveWindow>> {
        self.windows.load().get(relay).map(|r| r.window.load_full())
    }

    fn slate(&self, channel: &ChannelId, reason: &SlateReason) -> Option<Slate> {
        let slates = self.slates.load();
        let found = slates.uses.get(&(channel.clone(), reason.clone()));
        found.or_else(|| slates.uses.get(&(channel.clone(), SlateReason::Idle))).cloned()
    }
}
