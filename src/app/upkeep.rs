//! What relays are told from time to time: whether anybody watches, and how much
//! of what they record there is room for.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use jiff::{SignedDuration, Timestamp};

use crate::base::{Clock, DiskSpace, RelayId, Shutdown};
use crate::channel::{Command, Hands};
use crate::config::County;
use crate::delivery::{Channels, MediaSources};
use crate::relay::{Recorded, RelayHandle, Room, make_room};
use crate::schedule::{Plans, Play};
use crate::store::Store;

/// How often it is asked who watches.
const DEMAND: Duration = Duration::from_secs(1);
/// How often room is looked for.
const ROOM: Duration = Duration::from_secs(10);
/// How often it is stored how long relays had a picture.
const COUNT: Duration = Duration::from_secs(60);
/// A channel that nobody asked for in this time is not watched.
const WATCHED: SignedDuration = SignedDuration::from_secs(60);
/// A relay is connected to so long before it is on air.
const AHEAD: SignedDuration = SignedDuration::from_secs(15);
/// How long a programme that is over may take to be kept.
const KEEPING: SignedDuration = SignedDuration::from_hours(1);
/// The longest programme that is kept.
const LONGEST: SignedDuration = SignedDuration::from_hours(26);

/// What the tasks work with.
#[derive(Debug, Clone)]
pub(super) struct Upkeep {
    pub(super) county: Arc<ArcSwap<County>>,
    pub(super) plans: Arc<ArcSwap<Plans>>,
    pub(super) hands: Arc<ArcSwap<Hands>>,
    pub(super) channels: Arc<Channels>,
    pub(super) sources: Arc<MediaSources>,
    pub(super) store: Store,
    pub(super) clock: Arc<dyn Clock>,
}

impl Upkeep {
    /// Tells the relays until `stop`.
    pub(super) async fn run(self, stop: Shutdown) {
        let (mut looked, mut counted) = (None::<Duration>, self.clock.monotonic());
        loop {
            // Only they ask, and of a thousand channels it is a long question.
            if self.county.load().relays.iter().any(|r| r.on_demand) {
                let wanted = self.wanted(self.clock.now());
                for (id, handle) in self.sources.relays().iter() {
                    handle.wishes.set_wanted(wanted.contains(id));
                }
            }
            let now = self.clock.monotonic();
            if looked.is_none_or(|at| now - at >= ROOM) {
                looked = Some(now);
                self.make_room().await;
            }
            if now - counted >= COUNT {
                counted = now;
                self.count().await;
            }
            tokio::select! {
                () = stop.wait() => return self.count().await,
                () = tokio::time::sleep(DEMAND) => {}
            }
        }
    }

    /// Stores how long each relay had a picture.
    async fn count(&self) {
        let day = self.clock.now().to_zoned_datetime(self.county.load().tz.clone()).date();
        let relays = self.sources.relays();
        let recorded = relays.iter().map(|(id, handle)| (id.clone(), handle.take_recorded())).collect();
        if let Err(error) = self.store.add_uptime(day, recorded).await {
            tracing::error!(%error, "how long relays had a picture could not be stored");
        }
    }

    /// The relays of channels that are watched, and those of programmes to be kept.
    fn wanted(&self, now: Timestamp) -> BTreeSet<RelayId> {
        let (plans, hands) = (self.plans.load(), self.hands.load());
        let mut wanted = BTreeSet::new();
        for (id, channel) in self.channels.all().iter() {
            let watched = channel.asked().is_some_and(|at| now.duration_since(at) < WATCHED);
            if let Some(Command::Relay { relay }) =
                hands.get(id).filter(|h| h.takes_over(now)).map(|h| &h.command)
                && watched
            {
                wanted.insert(relay.clone());
            }
            let Some(plan) = plans.get(id).filter(|plan| watched || plan.keeps_any()) else { continue };
            for t in [now, now + AHEAD] {
                if let Some(programme) = plan.at(t).programme.filter(|p| p.keep || watched)
                    && let Play::Relay(relay) = programme.play
                {
                    wanted.insert(relay);
                }
            }
        }
        wanted
    }

    async fn make_room(&self) {
        let county = self.county.load_full();
        let relays = self.sources.relays();
        if relays.is_empty() {
            return;
        }
        let media = county.media.clone();
        // A disk that hangs holds up nobody else.
        let Ok(Some(disk)) = tokio::task::spawn_blocking(move || DiskSpace::of(&media)).await else { return };
        let limits = county.recording;
        let mut room = Room { budget: limits.budget, free: disk.free, least_free: limits.least_free };
        if limits.budget.is_some() || disk.free < limits.least_free {
            // Days of segments of all relays are added up.
            let (upkeep, all, now) = (self.clone(), Arc::clone(&relays), self.clock.now());
            let looked = tokio::task::spawn_blocking(move || {
                let cut = make_room(&upkeep.recorded(&all, now), &mut room);
                (cut, room)
            });
            let Ok((cut, after)) = looked.await else { return };
            room = after;
            for (id, from) in cut {
                tracing::info!(relay = %id, until = %from, "relay {id}: its oldest recordings make room");
                if let Some(handle) = relays.get(&id) {
                    handle.wishes.forget_before(from);
                }
            }
        }
        for handle in relays.values() {
            let was = handle.health.load().short;
            // Half is enough to begin, all of it to end: no relay goes to and fro.
            let least = if was { limits.least_free } else { limits.least_free / 2 };
            handle.wishes.set_short(room.free < least);
        }
    }

    fn recorded(&self, relays: &BTreeMap<RelayId, RelayHandle>, now: Timestamp) -> Vec<Recorded> {
        let of = |(id, handle): (&RelayId, &RelayHandle)| Recorded {
            relay: id.clone(),
            hours: handle.window.load().hours().collect(),
            needed: self.needed(id, now),
        };
        relays.iter().map(of).collect()
    }

    /// Spans of programmes on this relay that are to be kept and may not have been yet.
    fn needed(&self, relay: &RelayId, now: Timestamp) -> Vec<(Timestamp, Timestamp)> {
        let plans = self.plans.load();
        let kept = plans.values().filter(|plan| plan.keeps_any());
        let programmes = kept.flat_map(|plan| {
            plan.places(now - LONGEST, now).into_iter().map(|(p, until)| {
                let end = p.end.unwrap_or(until);
                (p, end)
            })
        });
        let mine = programmes.filter(|(p, end)| {
            p.keep && *end + KEEPING > now && matches!(&p.play, Play::Relay(id) if id == relay)
        });
        mine.map(|(p, end)| (p.start, end)).collect()
    }
}
