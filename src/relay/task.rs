//! One task per relay: its worker process, its window, its events.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use jiff::Timestamp;
use tokio::sync::mpsc;

use crate::base::{Clock, RelayId, Shutdown, WorkerProcess};
use crate::config::{Relay, Source, Transcode};
use crate::hls::LiveWindow;
use crate::hls::wire::RelayLine;

use super::supervise::{Command, Input, State, Supervisor};
use super::{disk, recover};

/// Something an engineer may want to know later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelayEvent {
    /// Which relay.
    pub relay: RelayId,
    /// When.
    pub at: Timestamp,
    /// `started`, `live`, `stalled`, `exited`, `note`.
    pub kind: &'static str,
    /// In words.
    pub detail: String,
}

/// What is known of a relay now.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct RelayHealth {
    /// Where it stands.
    pub state: State,
    /// Source in use, from 0.
    pub source: usize,
    /// Process of the worker.
    pub worker: Option<u32>,
    /// Times a worker was started.
    pub starts: u64,
    /// Bytes its worker received.
    pub bytes: u64,
    /// MPEG-TS continuity errors its worker saw.
    pub continuity_errors: u64,
}

/// Read handles on a relay; clones share them.
#[derive(Debug, Clone)]
pub struct RelayHandle {
    /// What it has recorded.
    pub window: Arc<ArcSwap<LiveWindow>>,
    /// How it is.
    pub health: Arc<ArcSwap<RelayHealth>>,
}

impl RelayHandle {
    /// A handle on what `folder` holds from earlier.
    pub fn open(folder: &std::path::Path) -> Result<Self, super::RecoverError> {
        let window = recover(folder)?;
        let health = RelayHealth {
            state: State::Waiting,
            source: 0,
            worker: None,
            starts: 0,
            bytes: 0,
            continuity_errors: 0,
        };
        Ok(Self {
            window: Arc::new(ArcSwap::from_pointee(window)),
            health: Arc::new(ArcSwap::from_pointee(health)),
        })
    }
}

/// Keeps the relay alive until `stop`. `folder` is its live window.
pub async fn run(
    relay: Relay,
    folder: PathBuf,
    handle: RelayHandle,
    clock: Arc<dyn Clock>,
    events: mpsc::Sender<RelayEvent>,
    stop: Shutdown,
) {
    let mut task = Task { relay, folder, handle, clock, events, worker: None };
    let now = task.clock.monotonic();
    let mut machine = Supervisor::new(task.relay.sources.len(), task.relay.failover_after, now);
    let mut tick = tokio::time::interval(Duration::from_millis(250));
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        let input = tokio::select! {
            () = stop.wait() => break,
            _ = tick.tick() => Input::Tick,
            line = task.next_line() => task.hear(line).await,
        };
        let before = machine.state();
        let command = machine.handle(&input, task.clock.monotonic(), jitter());
        let failed = match command {
            Some(Command::Start { source }) => !task.start(source).await,
            Some(Command::Kill) => {
                task.kill();
                false
            }
            None => false,
        };
        if failed {
            machine.handle(&Input::Exited, task.clock.monotonic(), jitter());
        }
        if machine.state() == State::Live && before != State::Live {
            task.event("live", "segments come").await;
        }
        task.publish_health(|h| (h.state, h.source) = (machine.state(), machine.source()));
    }
    task.kill();
}

struct Task {
    relay: Relay,
    folder: PathBuf,
    handle: RelayHandle,
    clock: Arc<dyn Clock>,
    events: mpsc::Sender<RelayEvent>,
    worker: Option<WorkerProcess>,
}

impl Task {
    /// The worker's next line; none when it ended. Waits for ever without a worker.
    async fn next_line(&mut self) -> Option<String> {
        match self.worker.as_mut() {
            Some(worker) => worker.next_line().await,
            None => std::future::pending().await,
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
                window.push(segment);
                let hours = jiff::SignedDuration::from_hours(i64::from(self.relay.retention_hours));
                let gone = window.forget_before(end - hours);
                self.handle.window.store(Arc::new(window));
                self.remove(gone);
                Input::Segment
            }
            Ok(RelayLine::Alive { bytes, continuity_errors }) => {
                self.publish_health(|h| (h.bytes, h.continuity_errors) = (bytes, continuity_errors));
                Input::Alive
            }
            Ok(RelayLine::Stalled) => {
                self.event("stalled", "nothing comes from upstream").await;
                Input::Stalled
            }
            Ok(RelayLine::Resumed) => Input::Alive,
            Ok(RelayLine::Note { message }) => {
                self.event("note", &message).await;
                Input::Alive
            }
            Err(error) => {
                tracing::warn!(relay = %self.relay.id, %error, "a relay worker's line could not be read");
                Input::Alive
            }
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
                self.publish_health(|h| {
                    h.worker = id;
                    h.starts += 1;
                });
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
        // The last worker may have written a segment that it did not live to
        // tell of: the disk knows the next number, and its torn tail is cut.
        let folder = self.folder.clone();
        let found =
            tokio::task::spawn_blocking(move || recover(&folder)).await.map_err(std::io::Error::other)?;
        self.handle.window.store(Arc::new(found.map_err(std::io::Error::other)?));
        WorkerProcess::spawn("relay", &self.job(source)).await
    }

    /// The worker's job as `pipeline::RelayJob` reads it.
    fn job(&self, source: usize) -> serde_json::Value {
        let window = self.handle.window.load();
        let newest = window.newest();
        let from = match &self.relay.sources[source % self.relay.sources.len()] {
            Source::Udp { address, interface, sender, rtp } => serde_json::json!({
                "kind": "datagrams", "address": address, "interface": interface, "sender": sender, "rtp": rtp,
            }),
            Source::Address { url } => serde_json::json!({"kind": "address", "url": url}),
            Source::File { path } => serde_json::json!({"kind": "file", "path": path}),
        };
        serde_json::json!({
            "folder": self.folder,
            "next": newest.map_or(0, |s| s.n + 1),
            "generation": newest.map_or(0, |s| s.generation),
            "from": from,
            "transcode": self.relay.transcode == Transcode::Auto,
            "service": self.relay.service,
            "audio": self.relay.audio,
            "stall_after_ms": self.relay.stall_after.as_millis() as u64,
            "max_segment_ms": self.relay.max_segment.as_millis() as u64,
        })
    }

    fn kill(&mut self) {
        if let Some(worker) = self.worker.as_mut()
            && let Err(error) = worker.kill()
        {
            tracing::warn!(relay = %self.relay.id, %error, "a relay worker could not be ended");
        }
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

    fn publish_health(&self, change: impl FnOnce(&mut RelayHealth)) {
        let mut health = RelayHealth::clone(&self.handle.health.load());
        change(&mut health);
        if **self.handle.health.load() != health {
            self.handle.health.store(Arc::new(health));
        }
    }
}

/// A number in `[0, 1)`.
fn jitter() -> f64 {
    getrandom::u32().map_or(0.5, |n| f64::from(n) / 4_294_967_296.0)
}
