//! One task per relay: its worker process, its window, its events.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::mpsc;

use crate::base::{Clock, Shutdown, WorkerProcess};
use crate::config::Relay;
use crate::hls::wire::{FeedFigures, RelayLine, RelayOrder};
use crate::hls::{LiveSegment, LiveWindow};

use super::candidate::{Candidate, Probe, Sign};
use super::handle::{RelayEvent, RelayHandle, RelayHealth};
use super::job::job;
use super::supervise::{Command, Input, State, Supervisor};
use super::vitals::Vitals;
use super::{disk, recover};

/// What is recorded while the disk is full.
const SHORT: SignedDuration = SignedDuration::from_mins(3);

/// What a worker that stood by may have kept.
const LONG_GONE: SignedDuration = SignedDuration::from_secs(15);

/// Keeps the relay alive until `stop`. `folder` is its live window.
pub async fn run(
    relay: Relay,
    folder: PathBuf,
    handle: RelayHandle,
    clock: Arc<dyn Clock>,
    events: mpsc::Sender<RelayEvent>,
    stop: Shutdown,
) {
    let now = clock.monotonic();
    let machine = Supervisor::new(relay.sources.len(), relay.failover_after, now);
    let candidate = Candidate::new(relay.failback_after, now);
    let vitals = Vitals::default();
    let (worker, standby) = (None, None);
    let mut task =
        Task { relay, folder, handle, clock, events, worker, standby, machine, candidate, vitals, idle: now };
    let mut tick = tokio::time::interval(Duration::from_millis(250));
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.wait() => break,
            _ = tick.tick() => task.tick().await,
            line = next_line(task.worker.as_mut()) => {
                let input = task.hear(line).await;
                task.supervise(&input).await;
            }
            line = next_line(task.standby.as_mut().map(|(_, worker)| worker)) => {
                let sign = task.hear_standby(line).await;
                task.consider(sign).await;
            }
        }
        let at = (task.machine.state(), task.machine.source(), task.standby.as_ref().map(|(s, _)| *s));
        task.publish_health(|h| (h.state, h.source, h.candidate) = at);
    }
    task.kill();
}

/// A worker's next line; none when it ended. Waits for ever without a worker.
async fn next_line(worker: Option<&mut WorkerProcess>) -> Option<String> {
    match worker {
        Some(worker) => worker.next_line().await,
        None => std::future::pending().await,
    }
}

struct Task {
    relay: Relay,
    folder: PathBuf,
    handle: RelayHandle,
    clock: Arc<dyn Clock>,
    events: mpsc::Sender<RelayEvent>,
    worker: Option<WorkerProcess>,
    /// A worker that listens to a better source.
    standby: Option<(usize, WorkerProcess)>,
    machine: Supervisor,
    candidate: Candidate,
    vitals: Vitals,
    /// When the last point was added while there was no worker.
    idle: Duration,
}

impl Task {
    async fn tick(&mut self) {
        if self.relay.on_demand && !self.handle.wishes.wanted() {
            return self.rest().await;
        }
        self.supervise(&Input::Tick).await;
        self.consider(Sign::Tick).await;
        self.keep_short().await;
        let now = self.clock.monotonic();
        if self.worker.is_some() {
            self.idle = now;
        } else if now - self.idle >= super::vitals::STEP {
            self.idle = now;
            self.vitals.idle();
            self.publish_vitals();
        }
    }

    /// Nobody watches: there is no worker until somebody does.
    async fn rest(&mut self) {
        if self.worker.is_some() || self.machine.state() != State::Waiting {
            self.kill();
            self.event("rests", "nobody watches").await;
            if let Some(worker) = self.worker.take() {
                let _ = worker.wait().await;
            }
            self.standby = None;
            self.publish_health(|h| h.worker = None);
        }
        let now = self.clock.monotonic();
        self.machine = Supervisor::new(self.relay.sources.len(), self.relay.failover_after, now);
    }

    async fn supervise(&mut self, input: &Input) {
        let before = self.machine.state();
        let failed = match self.machine.handle(input, self.clock.monotonic(), jitter()) {
            Some(Command::Start { source }) => !self.start(source).await,
            Some(Command::Kill) => {
                end(self.worker.as_mut(), &self.relay);
                false
            }
            None => false,
        };
        if failed {
            self.machine.handle(&Input::Exited, self.clock.monotonic(), jitter());
        }
        if self.machine.state() == State::Live && before != State::Live {
            self.event("live", "segments come").await;
        }
    }

    /// Looks after the worker that stands by.
    async fn consider(&mut self, sign: Sign) {
        let live = self.machine.state() == State::Live;
        let (source, now) = (self.machine.source(), self.clock.monotonic());
        match self.candidate.handle(sign, source, live, now) {
            Some(Probe::Start(source)) => {
                match WorkerProcess::spawn(
                    "relay",
                    &job(&self.relay, &self.folder, (source, true), self.place()),
                )
                .await
                {
                    Ok(worker) => self.standby = Some((source, worker)),
                    Err(error) => {
                        tracing::error!(relay = %self.relay.id, %error, "a better source could not be tried");
                        self.candidate.handle(Sign::Exited, self.machine.source(), live, now);
                    }
                }
            }
            Some(Probe::End) => self.standby = None,
            Some(Probe::Take(source)) => self.take_over(source).await,
            None => {}
        }
    }

    /// The worker that stands by writes from now on.
    async fn take_over(&mut self, source: usize) {
        let Some((_, mut next)) = self.standby.take() else { return };
        end(self.worker.as_mut(), &self.relay);
        if let Some(old) = self.worker.take() {
            // Two may not write into one folder; a killed process is gone at once.
            let _ = old.wait().await;
        }
        let told = match self.recover().await {
            Ok(()) => {
                let (n, generation) = self.place();
                let end = self.handle.window.load().newest().map(LiveSegment::end);
                let after = end.unwrap_or(Timestamp::MIN).max(self.clock.now() - LONG_GONE);
                next.tell(&RelayOrder::TakeOver { next: n, generation, after }).await
            }
            Err(error) => Err(error),
        };
        if let Err(error) = told {
            tracing::error!(relay = %self.relay.id, %error, "a better source could not take over");
            return self.supervise(&Input::Exited).await;
        }
        let id = next.id();
        self.worker = Some(next);
        self.vitals.begin();
        self.machine.take_over(source, self.clock.monotonic());
        self.publish_health(|h| {
            h.worker = id;
            h.starts += 1;
        });
        self.event("taken-back", &format!("source {} is well again and on air", source + 1)).await;
    }

    async fn hear(&mut self, line: Option<String>) -> Input {
        let Some(line) = line else {
            let status = match self.worker.take() {
                Some(worker) => worker.wait().await.map_or_else(|e| e.to_string(), |s| s.to_string()),
                None => "no worker".into(),
            };
            self.event("exited", &status).await;
            self.publish_health(|h| h.worker = None);
            return Input::Exited;
        };
        match serde_json::from_str::<RelayLine>(&line) {
            Ok(RelayLine::Segment(segment)) => {
                let mut window = LiveWindow::clone(&self.handle.window.load());
                let end = segment.end();
                self.handle.record(segment.us);
                window.push(segment);
                let gone = window.forget_before(self.keep_from(end));
                self.handle.window.store(Arc::new(window));
                self.remove(gone);
                return Input::Segment;
            }
            Ok(RelayLine::Alive(figures)) => {
                self.vitals.count(figures, self.clock.monotonic());
                let more = figures.bytes > self.handle.health.load().figures.bytes;
                self.publish_health(|h| h.figures = figures);
                self.publish_vitals();
                return if more { Input::Receiving } else { Input::Alive };
            }
            Ok(RelayLine::Look(look)) => {
                self.vitals.look(look);
                let now = self.clock.now();
                self.publish_health(|h| h.looked_at = Some(now));
                self.publish_vitals();
            }
            Ok(RelayLine::Stalled) => {
                self.event("stalled", "nothing comes from upstream").await;
                return Input::Stalled;
            }
            Ok(RelayLine::Resumed | RelayLine::Ready) => {}
            Ok(RelayLine::Note { message }) => self.event("note", &message).await,
            Err(error) => {
                tracing::warn!(relay = %self.relay.id, %error, "a relay worker's line could not be read");
            }
        }
        Input::Alive
    }

    async fn hear_standby(&mut self, line: Option<String>) -> Sign {
        let Some(line) = line else {
            self.standby = None;
            return Sign::Exited;
        };
        match serde_json::from_str::<RelayLine>(&line) {
            Ok(RelayLine::Ready) => Sign::Ready,
            Ok(RelayLine::Stalled) => Sign::Broke,
            // A generation that ends is told of by a note.
            Ok(RelayLine::Note { message }) if message.starts_with("the feed") => Sign::Broke,
            _ => Sign::Tick,
        }
    }

    /// What ended before is not kept.
    fn keep_from(&self, newest: Timestamp) -> Timestamp {
        let own = SignedDuration::from_hours(i64::from(self.relay.retention_hours));
        let own = if self.handle.wishes.short() { SHORT } else { own };
        let by_size = self.relay.retention_bytes.map(|most| {
            let window = self.handle.window.load();
            let mut sum = 0;
            // The newest first, as long as they fit.
            let hours: Vec<_> = window.hours().collect();
            let fits = hours.iter().rev().take_while(|hour| {
                sum += hour.bytes;
                sum <= most
            });
            fits.last().map_or(newest, |hour| hour.start)
        });
        (newest - own).max(by_size.unwrap_or(Timestamp::MIN)).max(self.handle.wishes.keep_from())
    }

    /// A full disk ends recording, not what is on air.
    async fn keep_short(&mut self) {
        let short = self.handle.wishes.short();
        if short == self.handle.health.load().short {
            return;
        }
        self.publish_health(|h| h.short = short);
        self.tell_folders().await;
        let said = if short { "the disk is full: the last minutes only" } else { "recording again" };
        self.event("short", said).await;
    }

    async fn tell_folders(&mut self) {
        let minutes = self.handle.health.load().short;
        if let Some(worker) = self.worker.as_mut()
            && let Err(error) = worker.tell(&RelayOrder::Folders { minutes }).await
        {
            tracing::warn!(relay = %self.relay.id, %error, "a relay worker could not be told");
        }
    }

    fn remove(&self, hours: Vec<String>) {
        if !hours.is_empty() {
            let folder = self.folder.clone();
            // Deleting gigabytes takes a while; nobody waits for it.
            tokio::task::spawn_blocking(move || disk::remove_hours(&folder, &hours));
        }
    }

    /// Starts a worker; false if that failed.
    async fn start(&mut self, source: usize) -> bool {
        match self.spawn(source).await {
            Ok(worker) => {
                let id = worker.id();
                self.worker = Some(worker);
                self.vitals.begin();
                self.publish_health(|h| {
                    h.worker = id;
                    h.starts += 1;
                    h.figures = FeedFigures::default();
                });
                if self.handle.health.load().short {
                    self.tell_folders().await;
                }
                self.event("started", &format!("source {}", source + 1)).await;
                true
            }
            Err(error) => {
                tracing::error!(relay = %self.relay.id, %error, "a relay worker could not be started");
                false
            }
        }
    }

    async fn spawn(&self, source: usize) -> std::io::Result<WorkerProcess> {
        self.recover().await?;
        WorkerProcess::spawn("relay", &job(&self.relay, &self.folder, (source, false), self.place())).await
    }

    /// The last worker may have written a segment that it did not live to
    /// tell of: the disk knows the next number, and its torn tail is cut.
    async fn recover(&self) -> std::io::Result<()> {
        let folder = self.folder.clone();
        let found =
            tokio::task::spawn_blocking(move || recover(&folder)).await.map_err(std::io::Error::other)?;
        self.handle.window.store(Arc::new(found.map_err(std::io::Error::other)?));
        Ok(())
    }

    /// Number of the next segment, and the last generation.
    fn place(&self) -> (u64, u64) {
        self.handle.window.load().newest().map_or((0, 0), |s| (s.n + 1, s.generation))
    }

    fn kill(&mut self) {
        end(self.worker.as_mut(), &self.relay);
        end(self.standby.as_mut().map(|(_, worker)| worker), &self.relay);
    }

    async fn event(&self, kind: &'static str, detail: &str) {
        tracing::info!(relay = %self.relay.id, kind, "relay {}: {kind}: {detail}", self.relay.id);
        let event = RelayEvent {
            relay: self.relay.id.clone(),
            at: self.clock.now(),
            kind,
            detail: detail.to_owned(),
        };
        // Only at shutdown is nobody listening.
        let _ = self.events.send(event).await;
    }

    fn publish_vitals(&self) {
        let (now, faults) = (self.vitals.now(), self.vitals.faults());
        let count = self.vitals.points().count();
        let same = self.handle.health.load().minutes.len() == count && count < super::vitals::POINTS;
        self.publish_health(|h| {
            (h.now, h.faults) = (now, faults);
            if !same {
                h.minutes = Arc::new(self.vitals.points().copied().collect());
            }
        });
    }

    fn publish_health(&self, change: impl FnOnce(&mut RelayHealth)) {
        let mut health = RelayHealth::clone(&self.handle.health.load());
        change(&mut health);
        if **self.handle.health.load() != health {
            self.handle.health.store(Arc::new(health));
        }
    }
}

fn end(worker: Option<&mut WorkerProcess>, relay: &Relay) {
    if let Some(worker) = worker
        && let Err(error) = worker.kill()
    {
        tracing::warn!(relay = %relay.id, %error, "a relay worker could not be ended");
    }
}

/// A number in `[0, 1)`.
fn jitter() -> f64 {
    getrandom::u32().map_or(0.5, |n| f64::from(n) / 4_294_967_296.0)
}
