//! What the timeline may play: the library, the slates, the live windows.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::base::{ChannelId, LessonId, RelayId};
use crate::channel::{Asset, Slate, SlateReason, Sources};
use crate::courseware::{Catalogue, Package};
use crate::hls::LiveWindow;
use crate::relay::RelayHandle;

#[derive(Debug, Default)]
struct Shelf {
    lessons: BTreeMap<LessonId, Arc<Asset>>,
    owners: HashMap<String, Arc<Asset>>,
    slates: BTreeMap<(ChannelId, SlateReason), Slate>,
    /// Owners of packages that were taken back.
    taken_back: HashSet<String>,
}

/// Relays by name.
type Handles = BTreeMap<RelayId, RelayHandle>;

/// Read handles on all that channels play.
#[derive(Debug, Default)]
pub struct MediaSources {
    shelf: ArcSwap<Shelf>,
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

    /// What the library and the slates' folder hold, and which slate serves what.
    pub fn set_packages(
        &self,
        library: &Catalogue,
        slates: &Catalogue,
        uses: &BTreeMap<(ChannelId, SlateReason), String>,
    ) {
        let mut shelf = Shelf::default();
        for package in &library.packages {
            let asset = self.asset_of("lesson", package);
            if let Some(id) = &package.lesson {
                shelf.lessons.insert(id.clone(), Arc::clone(&asset));
            }
            if package.held.is_some() {
                shelf.taken_back.insert(asset.owner.clone());
            }
            shelf.owners.insert(asset.owner.clone(), asset);
        }
        let mut by_id = HashMap::new();
        for package in &slates.packages {
            let slate = self.slate_of(package);
            for asset in [&slate.regular, &slate.short] {
                shelf.owners.insert(asset.owner.clone(), Arc::clone(asset));
            }
            by_id.insert(&package.manifest.id, slate);
        }
        for (key, id) in uses {
            if let Some(slate) = by_id.get(id) {
                shelf.slates.insert(key.clone(), slate.clone());
            }
        }
        self.shelf.store(Arc::new(shelf));
    }

    /// The same package keeps the same asset.
    fn asset_of(&self, family: &str, package: &Package) -> Arc<Asset> {
        let asset = Asset::new(family, Arc::clone(&package.manifest));
        self.shelf.load().owners.get(&asset.owner).cloned().unwrap_or_else(|| Arc::new(asset))
    }

    fn slate_of(&self, package: &Package) -> Slate {
        let made = Slate::of(&package.manifest);
        let shelf = self.shelf.load();
        let known = |a: Arc<Asset>| shelf.owners.get(&a.owner).cloned().unwrap_or(a);
        Slate { regular: known(made.regular), short: known(made.short) }
    }

    /// The owner name of a lesson's current package.
    pub(super) fn lesson_owner(&self, lesson: &LessonId) -> Option<String> {
        self.shelf.load().lessons.get(lesson).map(|a| a.owner.clone())
    }
}

impl Sources for MediaSources {
    fn lesson(&self, lesson: &LessonId) -> Option<Arc<Asset>> {
        self.shelf.load().lessons.get(lesson).cloned()
    }

    fn asset(&self, owner: &str) -> Option<Arc<Asset>> {
        self.shelf.load().owners.get(owner).cloned()
    }

    fn is_taken_back(&self, owner: &str) -> bool {
        self.shelf.load().taken_back.contains(owner)
    }

    fn window(&self, relay: &RelayId) -> Option<Arc<LiveWindow>> {
        self.windows.load().get(relay).map(|r| r.window.load_full())
    }

    fn slate(&self, channel: &ChannelId, reason: &SlateReason) -> Option<Slate> {
        let shelf = self.shelf.load();
        let found = shelf.slates.get(&(channel.clone(), reason.clone()));
        found.or_else(|| shelf.slates.get(&(channel.clone(), SlateReason::Idle))).cloned()
    }
}
