//! The task that carries every channel's timeline on.

use std::collections::{BTreeMap, BTreeSet};
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
/// How much of the as-run log is kept in memory, for catch-up.
const KEEP: SignedDuration = SignedDuration::from_hours(26);

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
    timeline: Timeline,
    plan: Arc<Plan>,
    stored: Duration,
}

impl OnAirTask {
    fn empty_plan(&self, id: &ChannelId) -> Arc<Plan> {
        let mut empty = self.empty.lock().unwrap_or_else(PoisonError::into_inner);
        let make = || Arc::new(Plan::empty(id.clone(), self.county.load().tz.clone()));
        Arc::clone(empty.entry(id.clone()).or_insert_with(make))
    }

    /// Restores every channel's timeline as the store knows it.
    async fn restore(&self, id: &ChannelId, now: Timestamp) -> Result<Timeline, StoreError> {
        let airings = self.store.airings(id, now - KEEP, Timestamp::MAX).await?;
        let seen = self.store.channel_seen(id).await?.unwrap_or(now);
        // Up to the last stored sign of life, and a little more, segments were
        // published; after a short stop, all up to now might have been.
        let seen = if seen + RESUME >= now { now } else { seen + SignedDuration::from_secs(10) };
        Ok(Timeline::restore(airings, &*self.sources, seen))
    }

    /// Carries the timelines on until `stop`.
    pub(super) async fn run(self, stop: Shutdown) {
        let mut work: BTreeMap<ChannelId, Work> = BTreeMap::new();
        let mut failing: BTreeSet<ChannelId> = BTreeSet::new();
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.wait() => break,
                _ = tick.tick() => {}
            }
            for (id, channel) in self.channels.all().iter() {
                match self.carry_on(id, channel, &mut work).await {
                    Ok(()) if failing.remove(id) => {
                        tracing::info!(channel = %id, "the as-run log is written again")
                    }
                    Ok(()) => {}
                    // What could not be stored is not shown: the channel goes
                    // on as it was, and the next tick tries again.
                    Err(error) => {
                        work.remove(id);
                        if failing.insert(id.clone()) {
                            tracing::error!(channel = %id, %error, "the as-run log cannot be written: is the disk full?");
                        }
                    }
                }
            }
        }
        let now = self.clock.now();
        for id in work.keys() {
            // The last word on what was published; failing that, the heartbeat has it.
            let _ = self.store.record_airings(id, Vec::new(), now).await;
        }
    }

    async fn carry_on(
        &self,
        id: &ChannelId,
        channel: &OnAir,
        work: &mut BTreeMap<ChannelId, Work>,
    ) -> Result<(), StoreError> {
        let now = self.clock.now();
        let steady = self.clock.monotonic();
        // A channel without a good schedule shows its slate.
        let plan = self.plans.load().get(id).cloned();
        let plan = plan.unwrap_or_else(|| self.empty_plan(id));
        let mut steps = Vec::new();
        if !work.contains_key(id) {
            let mut timeline = self.restore(id, now).await?;
            steps.extend(timeline.replan(&plan, now));
            work.insert(id.clone(), Work { timeline, plan: Arc::clone(&plan), stored: Duration::ZERO });
        }
        let Some(work) = work.get_mut(id) else { return Ok(()) };
        if !Arc::ptr_eq(&work.plan, &plan) {
            steps.extend(work.timeline.replan(&plan, now));
            work.plan = Arc::clone(&plan);
        }
        let hands = self.hands.load();
        let decided = work.timeline.decided();
        steps.extend(work.timeline.advance(
            (&plan, hands.get(id)),
            &*self.sources,
            &channel.lineup,
            now,
            now - RESUME,
        ));
        let heartbeat = steady.saturating_sub(work.stored) >= HEARTBEAT;
        let quiet = steps.is_empty() && decided == work.timeline.decided();
        if quiet && !heartbeat && !channel.timeline().airings().is_empty() {
            return Ok(());
        }
        if !steps.is_empty() || heartbeat {
            self.store.record_airings(id, steps.clone(), now).await?;
            work.stored = steady;
        }
        for step in &steps {
            tell(id, step);
        }
        work.timeline.forget_before(now - KEEP);
        channel.publish(work.timeline.clone());
        if !steps.is_empty() {
            self.bell.ring();
        }
        Ok(())
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
