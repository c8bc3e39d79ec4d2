//! One task per relay: its worker process, its window, its events.

mod standby;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::mpsc;

use crate::base::{Clock, Shutdown, WorkerProcess};
use crate::config::Relay;
use crate::hls::LiveWindow;
use crate::hls::wire::{FeedFigures, RelayLine, RelayOrder};

use super::candidate::{Candidate, Sign};
use super::handle::{RelayEvent, RelayHandle, RelayHealth};
use super::job::job;
use super::supervise::{Command, Input, State, Supervisor};
use super::vitals::Vitals;
use super::{disk, recover};

/// What is recorded while the disk is full.
const SHORT: SignedDuration = SignedDuration::from_mins(3);

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
    let (worker, standby, kept_from) = (None, None, Timestamp::MIN);
    let mut task = Task {
        relay,
        folder,
        handle,
        clock,
        events,
        worker,
        standby,
        machine,
        candidate,
        vitals,
        idle: now,
        kept_from,
    };
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
    /// Up to where room was made.
    kept_from: Timestamp,
}

impl Task {
    async fn tick(&mut self) {
        self.make_room();
        if let Some(look) = self.handle.take_seen() {
            self.vitals.look(look);
            let now = self.clock.now();
            self.publish_health(|h| h.looked_at = Some(now));
            self.publish_vitals(false);
        }
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
            self.publish_vitals(true);
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
                self.forget(window, self.keep_from(end));
                return Input::Segment;
            }
            Ok(RelayLine::Alive(figures)) => {
                let new_point = self.vitals.count(figures, self.clock.monotonic());
                let more = figures.bytes > self.handle.health.load().figures.bytes;
                self.publish_health(|h| h.figures = figures);
                self.publish_vitals(new_point);
                return if more { Input::Receiving } else { Input::Alive };
            }
            Ok(RelayLine::Stalled) => {
                self.event("stalled", "nothing comes from upstream").await;
                return Input::Stalled;
            }
            Ok(RelayLine::Resumed | RelayLine::Ready) => {}
            Ok(RelayLine::Note { message } | RelayLine::Broke { message }) => {
                self.event("note", &message).await
            }
            Err(error) => {
                tracing::warn!(relay = %self.relay.id, %error, "a relay worker's line could not be read");
            }
        }
        Input::Alive
    }

    /// What ended before is not kept.
    fn keep_from(&self, newest: Timestamp) -> Timestamp {
        let own = SignedDuration::from_hours(i64::from(self.relay.retention_hours));
        let own = if self.handle.wishes.short() { SHORT } else { own };
        let by_size =
            self.relay.retention_bytes.map(|most| self.handle.window.load().within(most).unwrap_or(newest));
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

    /// Publishes the window without the folders that ended before `instant`, and removes these.
    fn forget(&self, mut window: LiveWindow, instant: Timestamp) {
        let hours = window.forget_before(instant);
        self.handle.window.store(Arc::new(window));
        if !hours.is_empty() {
            let folder = self.folder.clone();
            // Deleting gigabytes takes a while; nobody waits for it.
            tokio::task::spawn_blocking(move || disk::remove_hours(&folder, &hours));
        }
    }

    /// Makes room as was asked, also of a relay that records nothing now.
    fn make_room(&mut self) {
        let from = self.handle.wishes.keep_from();
        if from > self.kept_from {
            self.kept_from = from;
            self.forget(LiveWindow::clone(&self.handle.window.load()), from);
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

    fn publish_vitals(&self, new_point: bool) {
        let (now, faults) = (self.vitals.now(), self.vitals.faults());
        self.publish_health(|h| {
            (h.now, h.faults) = (now, faults);
            if new_point {
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
