//! The relays that run, and what becomes of them when the county's file changes.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::base::{Clock, RelayId, Shutdown};
use crate::config::Relay;
use crate::delivery::{MediaSources, Segments};
use crate::relay::{self, RecoverError, RelayEvent, RelayHandle};

/// Starts and ends relays as the county's file says.
#[derive(Debug)]
pub(super) struct Relays {
    /// Folder of the live windows.
    live: PathBuf,
    clock: Arc<dyn Clock>,
    sources: Arc<MediaSources>,
    segments: Arc<Segments>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// None once the server stops.
    events: Option<mpsc::Sender<RelayEvent>>,
    running: BTreeMap<RelayId, Running>,
    /// Every relay since the start: what it recorded may still be watched.
    known: BTreeMap<RelayId, (PathBuf, RelayHandle)>,
}

#[derive(Debug)]
struct Running {
    relay: Relay,
    stop: Shutdown,
    task: JoinHandle<()>,
}

impl Relays {
    /// None yet. What happens to them is sent to `events`.
    pub(super) fn new(
        live: PathBuf,
        clock: Arc<dyn Clock>,
        (sources, segments): (Arc<MediaSources>, Arc<Segments>),
        events: mpsc::Sender<RelayEvent>,
    ) -> Self {
        let state = State { events: Some(events), running: BTreeMap::new(), known: BTreeMap::new() };
        Self { live, clock, sources, segments, state: Mutex::new(state) }
    }

    /// Makes `relays` the ones that run. One that is the same goes on as if nothing
    /// had been; one that changed keeps what it recorded.
    pub(super) fn set(&self, relays: &[Relay]) -> Result<(), RecoverError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(events) = state.events.clone() else { return Ok(()) };
        for relay in relays {
            if !state.known.contains_key(&relay.id) {
                let folder = self.live.join(relay.id.as_str());
                let handle = RelayHandle::open(&folder)?;
                state.known.insert(relay.id.clone(), (folder, handle));
            }
        }
        let mut before = std::mem::take(&mut state.running);
        for relay in relays {
            let Some((folder, handle)) = state.known.get(&relay.id).cloned() else { continue };
            let old = before.remove(&relay.id);
            let running = match old {
                Some(same) if same.relay == *relay => same,
                old => {
                    let stop = Shutdown::new();
                    let job = (relay.clone(), folder, handle);
                    let task = self.start(job, events.clone(), stop.clone(), old);
                    Running { relay: relay.clone(), stop, task }
                }
            };
            state.running.insert(relay.id.clone(), running);
        }
        for (id, gone) in before {
            tracing::info!(relay = %id, "relay {id}: no longer in the county's file");
            gone.stop.trigger();
        }
        let current = relays.iter().filter_map(|r| Some((r.id.clone(), state.known.get(&r.id)?.1.clone())));
        let all = state.known.iter().map(|(id, (_, handle))| (id.clone(), handle.clone()));
        self.sources.set_relays(current.collect(), all.collect());
        self.segments.set_relays(state.known.clone().into_iter().collect::<HashMap<_, _>>());
        Ok(())
    }

    fn start(
        &self,
        (relay, folder, handle): (Relay, PathBuf, RelayHandle),
        events: mpsc::Sender<RelayEvent>,
        stop: Shutdown,
        old: Option<Running>,
    ) -> JoinHandle<()> {
        let clock = Arc::clone(&self.clock);
        tokio::spawn(async move {
            if let Some(old) = old {
                // Two workers would write into one folder and listen on one port.
                old.stop.trigger();
                if let Err(error) = old.task.await {
                    tracing::error!(relay = %relay.id, %error, "a relay's task ended badly");
                }
            }
            relay::run(relay, folder, handle, clock, events, stop).await;
        })
    }

    /// Ends them all.
    pub(super) async fn stop(&self) {
        let running = {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            state.events = None;
            std::mem::take(&mut state.running)
        };
        running.values().for_each(|r| r.stop.trigger());
        for (id, running) in running {
            if let Err(error) = running.task.await {
                tracing::error!(relay = %id, %error, "a relay's task ended badly");
            }
        }
    }
}
