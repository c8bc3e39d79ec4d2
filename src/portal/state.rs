//! What pages and API look things up in.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arc_swap::ArcSwap;
use jiff::{SignedDuration, Timestamp};

use crate::base::{Bell, ChannelId, Clock, LessonId, Shutdown};
use crate::config::{Channel, County};
use crate::courseware::{Catalogue, Library, Queue, Uploads};
use crate::delivery::{Channels, Desk, MediaSources, Stills};
use crate::guide::{ChannelInfo, Entry, Listing, listing};
use crate::schedule::{Names, Plans};
use crate::store::Store;

use super::Printer;
use super::log::Logbook;
use super::office::{Direction, Documents, Gate, Registrar};
use super::oidc::Oidc;
use super::snapshots::Snapshots;

/// Who puts in force what the office has written into a file.
pub trait Changed: std::fmt::Debug + Send + Sync {
    /// The county's file; when this returns, it is in force.
    fn county(&self);
    /// A schedule; it is taken within two seconds.
    fn schedules(&self);
    /// The texts of lessons.
    fn lessons(&self);
}

/// What the schedules of `county` may refer to.
pub fn schedule_names(county: &County, catalogue: &Catalogue) -> Names {
    let channels = county.channels.iter().map(|c| (c.id.clone(), c.max_gap));
    let relays = county.relays.iter().map(|r| r.id.clone());
    let lessons = catalogue.lessons().map(|(id, package)| (id.clone(), package.manifest.duration()));
    Names::new(channels, relays, lessons.collect(), county.holidays.clone())
}

/// Read handles on the house.
#[derive(Debug, Clone)]
pub struct Portal {
    /// The configuration in force.
    pub county: Arc<ArcSwap<County>>,
    /// The plans in force.
    pub plans: Arc<ArcSwap<Plans>>,
    /// Channels whose schedule as it stands is refused: an earlier one is in force.
    pub refused: Arc<ArcSwap<BTreeSet<ChannelId>>>,
    /// The lessons.
    pub library: Library,
    /// The packaging queue.
    pub queue: Queue,
    /// Files on their way to it.
    pub uploads: Uploads,
    /// The channels on air.
    pub channels: Arc<Channels>,
    /// Live windows and packages.
    pub sources: Arc<MediaSources>,
    /// Opens sessions.
    pub desk: Desk,
    /// The store.
    pub store: Store,
    /// The keys of the log.
    pub logbook: Arc<Logbook>,
    /// The registry in force, for who changes it.
    pub registrar: Arc<Registrar>,
    /// The office's gate.
    pub gate: Arc<Gate>,
    /// The files that the office writes.
    pub documents: Arc<Documents>,
    /// What people on duty put in the schedules' place.
    pub direction: Arc<Direction>,
    /// Prints posters.
    pub printer: Arc<Printer>,
    /// Pictures of what is on air.
    pub stills: Arc<Stills>,
    /// The guide for machines.
    pub snapshots: Arc<Snapshots>,
    /// Rings when something changed that people may be looking at.
    pub bell: Bell,
    /// The server is stopping.
    pub stop: Shutdown,
    /// Those who are at an identity provider.
    pub oidc: Arc<Oidc>,
    /// The clock, for the instants at which answers are ready.
    pub clock: Arc<dyn Clock>,
}

impl Portal {
    /// A channel's listing of `[from, to)`.
    pub(super) fn listing(&self, channel: &Channel, from: Timestamp, to: Timestamp) -> Listing {
        listing_of(channel, &self.plans.load(), &self.library.catalogue(), (from, to))
    }

    /// The next hours on a channel, with what runs now.
    pub(super) fn soon(&self, channel: &Channel, now: Timestamp) -> Listing {
        self.listing(channel, now, now + SignedDuration::from_hours(24))
    }
}

/// What is on `channel` in `[from, to)`, with the titles of its lessons; nothing where it has no plan.
pub fn listing_of(
    channel: &Channel,
    plans: &Plans,
    catalogue: &Catalogue,
    (from, to): (Timestamp, Timestamp),
) -> Listing {
    let info = info(channel);
    let Some(plan) = plans.get(&channel.id) else {
        return Listing {
            channel: info.id,
            number: info.number,
            names: info.names,
            lang: info.lang,
            entries: Vec::new(),
            lessons: BTreeMap::new(),
        };
    };
    let length = |id: &LessonId| catalogue.lesson(id).map(|p| p.manifest.duration());
    let mut listing = listing(&info, plan, from, to, &length);
    let titled = |id: &LessonId| catalogue.lesson(id).map(|p| (id.clone(), p.manifest.titles.clone()));
    listing.lessons = listing.entries.iter().flat_map(Entry::lessons).filter_map(titled).collect();
    listing
}

/// A channel as the guide sees it.
pub(super) fn info(channel: &Channel) -> ChannelInfo {
    ChannelInfo {
        id: channel.id.clone(),
        number: channel.number,
        names: channel.names.clone(),
        lang: channel.lang.clone(),
        logo: None,
    }
}
