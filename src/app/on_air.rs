//! The task that carries every channel's timeline on.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use jiff::{SignedDuration, Timestamp};

use crate::base::{Bell, ChannelId, Clock, Shutdown};
use crate::channel::{AiringSource, Hands, Step, Timeline};
use crate::config::County;
use crate::delivery::{Channels, MediaSources, OnAir};
use crate::schedule::{Plan, Plans};
use crate::store::{Store, StoreError};

/// How often timelines are carried on.
const TICK: Duration = Duration::from_millis(200);
/// How often it is stored that they were.
const HEARTBEAT: Duration = Duration::from_secs(5);
/// After a longer stop a channel begins anew instead of pretending that it
/// was on air.
pub(super) const RESUME: SignedDuration = SignedDuration::from_secs(120);

/// What the task works with.
#[derive(Debug, Clone)]
pub(super) struct OnAirTask {
    pub(super) channels: Arc<Channels>,
    pub(super) sources: Arc<MediaSources>,
    pub(super) plans: Arc<ArcSwap<Plans>>,
    pub(super) store: Store,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) county: Arc<ArcSwap<County>>,
    pub(super) bell: Bell,
    pub(super) hands: Arc<ArcSwap<Hands>>,
    /// Plans of channels that have none, the same one each time.
    pub(super) empty: Arc<Mutex<Plans>>,
}

/// A channel's working state.
struct Work {
    id: ChannelId,
    channel: Arc<OnAir>,
    timeline: Timeline,
    plan: Arc<Plan>,
    /// The timeline was published to this channel.
    published: bool,
}

/// The channels, as they were last looked at.
#[derive(Default)]
struct All {
    work: Vec<Work>,
    channels: Arc<BTreeMap<ChannelId, Arc<OnAir>>>,
    plans: Arc<Plans>,
}

/// What one look at the channels came to, before it is stored.
#[derive(Default)]
struct Look {
    /// Changes of as-run logs.
    steps: Vec<(ChannelId, Vec<Step>)>,
    /// Channels whose timeline moved, and what they were before.
    moved: Vec<(usize, Timeline, Arc<Plan>)>,
}

impl OnAirTask {
    fn empty_plan(&self, id: &ChannelId) -> Arc<Plan> {
        let mut empty = self.empty.lock().unwrap_or_else(PoisonError::into_inner);
        let make = || Arc::new(Plan::empty(id.clone(), self.county.load().tz.clone()));
        Arc::clone(empty.entry(id.clone()).or_insert_with(make))
    }

    /// Restores every channel's timeline as the store knows it.
    async fn restore(&self, id: &ChannelId, now: Timestamp) -> Result<Timeline, StoreError> {
        let airings = self.store.airings(id, now - self.keep(), Timestamp::MAX).await?;
        let seen = self.store.channel_seen(id).await?.unwrap_or(now);
        // Up to the last stored sign of life, and a little more, segments were
        // published; after a short stop, all up to now might have been.
        let seen = if seen + RESUME >= now { now } else { seen + SignedDuration::from_secs(10) };
        let hands = self.hands.load();
        Ok(Timeline::restore(airings, &*self.sources, hands.get(id), seen))
    }

    /// How much of the as-run log is kept in memory.
    fn keep(&self) -> SignedDuration {
        self.county.load().catch_up()
    }

    /// Carries the timelines on until `stop`.
    pub(super) async fn run(self, stop: Shutdown) {
        let mut all = All::default();
        let mut stored = Duration::ZERO;
        let mut failing = false;
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.wait() => break,
                _ = tick.tick() => {}
            }
            match self.carry_on(&mut all, &mut stored).await {
                Ok(()) if failing => {
                    failing = false;
                    tracing::info!("the as-run log is written again");
                }
                Ok(()) => {}
                // What could not be stored is not shown: the channels go on as
                // they were, and the next tick tries again.
                Err(error) if !failing => {
                    failing = true;
                    tracing::error!(%error, "the as-run log cannot be written: is the disk full?");
                }
                Err(_) => {}
            }
        }
        // The last word on what was published; failing that, the heartbeat has it.
        let _ = self.store.record_airings(all.signs_of_life(), self.clock.now()).await;
    }

    /// Carries every channel on. All changes are stored in one go: at half past
    /// seven a county's channels change together.
    async fn carry_on(&self, all: &mut All, stored: &mut Duration) -> Result<(), StoreError> {
        let channels = self.channels.all();
        if !Arc::ptr_eq(&channels, &all.channels) {
            self.meet(all, channels).await?;
        }
        let now = self.clock.now();
        let steady = self.clock.monotonic();
        // A county's channels that change together take some milliseconds.
        let Look { steps, moved } = tokio::task::block_in_place(|| self.look(all, now));
        let heartbeat = steady.saturating_sub(*stored) >= HEARTBEAT;
        let mut record = if heartbeat { all.signs_of_life() } else { Vec::new() };
        record.extend(steps.iter().cloned());
        if !record.is_empty()
            && let Err(error) = self.store.record_airings(record, now).await
        {
            for (at, timeline, plan) in moved {
                let work = &mut all.work[at];
                (work.timeline, work.plan) = (timeline, plan);
            }
            // Looked at anew, whoever of them had a new plan.
            all.plans = Arc::default();
            return Err(error);
        }
        if heartbeat {
            *stored = steady;
        }
        for (channel, step) in steps.iter().flat_map(|(id, steps)| steps.iter().map(move |s| (id, s))) {
            tell(channel, step);
        }
        let keep = self.keep();
        for (at, ..) in moved {
            let work = &mut all.work[at];
            work.timeline.forget_before(now - keep);
            work.channel.publish(work.timeline.clone());
            work.published = true;
        }
        if !steps.is_empty() {
            self.bell.ring();
        }
        Ok(())
    }

    /// The set of channels is another one: those that stay go on.
    async fn meet(
        &self,
        all: &mut All,
        channels: Arc<BTreeMap<ChannelId, Arc<OnAir>>>,
    ) -> Result<(), StoreError> {
        let old = std::mem::take(&mut all.work).into_iter();
        let mut old: BTreeMap<ChannelId, Work> = old.map(|w| (w.id.clone(), w)).collect();
        for (id, channel) in channels.iter() {
            let channel = Arc::clone(channel);
            let work = match old.remove(id) {
                Some(work) => Work { published: false, channel, ..work },
                None => Work {
                    id: id.clone(),
                    channel,
                    timeline: self.restore(id, self.clock.now()).await?,
                    // Not the plan in force: to that the timeline is led by the first look.
                    plan: Arc::new(Plan::empty(id.clone(), self.county.load().tz.clone())),
                    published: false,
                },
            };
            all.work.push(work);
        }
        all.channels = channels;
        Ok(())
    }

    fn look(&self, all: &mut All, now: Timestamp) -> Look {
        let (plans, hands) = (self.plans.load_full(), self.hands.load());
        let same_plans = Arc::ptr_eq(&plans, &all.plans);
        let mut look = Look::default();
        for (at, work) in all.work.iter_mut().enumerate() {
            // Nothing is decided before the next segment begins.
            let rests = work.timeline.cursor().is_some_and(|cursor| cursor > now);
            if rests && same_plans && work.published {
                continue;
            }
            // A channel without a good schedule shows its slate.
            let plan = plans.get(&work.id).cloned().unwrap_or_else(|| self.empty_plan(&work.id));
            let replanned = !Arc::ptr_eq(&work.plan, &plan);
            if rests && !replanned && work.published {
                continue;
            }
            let before = (work.timeline.clone(), Arc::clone(&work.plan));
            let mut steps = Vec::new();
            if replanned {
                steps.extend(work.timeline.replan(&plan, now));
                work.plan = Arc::clone(&plan);
            }
            steps.extend(work.timeline.advance(
                (&plan, hands.get(&work.id)),
                &*self.sources,
                &work.channel.lineup,
                now,
                now - RESUME,
            ));
            if steps.is_empty() && before.0.decided() == work.timeline.decided() && work.published {
                continue;
            }
            look.moved.push((at, before.0, before.1));
            if !steps.is_empty() {
                look.steps.push((work.id.clone(), steps));
            }
        }
        all.plans = plans;
        look
    }
}

impl All {
    /// That all channels were carried on, as it is stored.
    fn signs_of_life(&self) -> Vec<(ChannelId, Vec<Step>)> {
        self.work.iter().map(|w| (w.id.clone(), Vec::new())).collect()
    }
}

fn tell(channel: &ChannelId, step: &Step) {
    if let Step::Open(a) = step {
        let what = match &a.source {
            AiringSource::Lesson { lesson, .. } => format!("lesson {lesson}"),
            AiringSource::Relay { relay, .. } => format!("relay {relay}"),
            AiringSource::Slate { reason, .. } => format!("slate ({reason:?})"),
        };
        tracing::info!(%channel, sequence = a.base_sequence, start = %a.start, "{channel}: on air: {what}");
    }
}

/// Says once that every channel is on air.
pub(super) async fn readiness(channels: Arc<Channels>, ready: Arc<AtomicBool>, stop: Shutdown) {
    loop {
        if channels.all().values().all(|c| !c.timeline().airings().is_empty()) {
            ready.store(true, std::sync::atomic::Ordering::Relaxed);
            return;
        }
        tokio::select! {
            () = stop.wait() => return,
            () = tokio::time::sleep(Duration::from_millis(50)) => {}
        }
    }
}
