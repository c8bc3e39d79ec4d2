//! The server: what is built from the configuration, and who owns which task.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::SocketAddr;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use anyhow::Context;
use arc_swap::ArcSwap;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::base::{Clock, RelayId, Shutdown};
use crate::channel::{Lineup, Timeline};
use crate::config::{Channel, County};
use crate::courseware::{Library, Outcome, Queue, QueueEvent};
use crate::delivery::{self, Channels, Delivery, Desk, MediaSources, OnAir, Segments};
use crate::evidence::{Ledger, NonceKey, TicketKeys};
use crate::people::Code;
use crate::portal::Portal;
use crate::portal::office::{Gate, Registrar};
use crate::relay::{self, RelayEvent, RelayHandle};
use crate::schedule::Plans;
use crate::store::{Event, Store};

use super::keys;
use super::metrics::Metrics;
use super::on_air::OnAirTask;
use super::planning::{self, Planning};
use super::router::Router;
use super::slates::SlateTask;

/// A server that runs.
#[derive(Debug)]
pub(super) struct Server {
    /// Where it listens.
    pub(super) address: SocketAddr,
    /// True once every channel is on air.
    pub(super) ready: Arc<AtomicBool>,
    /// The code of the first start, while nobody has an account.
    pub(super) setup_code: Option<String>,
    county: Arc<ArcSwap<County>>,
    channels: Arc<Channels>,
    registrar: Arc<Registrar>,
    planning: mpsc::Sender<planning::Wake>,
    stop: Shutdown,
    /// Stop first: nothing new comes in.
    front: JoinSet<()>,
    /// Stop after it.
    back: JoinSet<()>,
    store: Store,
    ledger: Arc<Ledger>,
    clock: Arc<dyn Clock>,
    config: PathBuf,
}

/// How often what sessions were sent is stored.
const FLUSH: Duration = Duration::from_secs(1);

impl Server {
    /// Builds and starts everything. `config` is read again on [`Server::reload`].
    pub(super) async fn start(county: County, config: &Path, clock: Arc<dyn Clock>) -> anyhow::Result<Self> {
        // Password hashes and keys lie there: nobody else on this machine reads them.
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&county.data)
            .with_context(|| format!("making {}", county.data.display()))?;
        for folder in [&county.media, &county.schedules] {
            std::fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
        }
        let listener = TcpListener::bind(county.listen)
            .await
            .with_context(|| format!("listening on {} (is another server running?)", county.listen))?;
        let address = listener.local_addr()?;
        let store = Store::open(&county.data.join("yuanjiao.db"))?;
        let setup = match store.has_no_account().await? {
            true => Some(Code::from_random(keys::random()?)),
            false => None,
        };
        let setup_code = setup.as_ref().map(Code::shown);
        let tickets = TicketKeys::new(vec![(1, keys::load_or_make(&county.data, "ticket.key")?)])?;
        let nonces = NonceKey::new(keys::load_or_make(&county.data, "nonce.key")?);
        let library = Library::open(&county.media.join("library"))?;
        let slates = Library::open(&county.media.join("slates"))?;
        let relays = open_relays(&county)?;
        let by_relay = relays.iter().map(|(id, (_, h))| (id.clone(), h.clone())).collect();
        let sources = Arc::new(MediaSources::new(by_relay));
        let folders: HashMap<_, _> = relays.clone().into_iter().collect();
        let segments = Arc::new(Segments::new(county.http.segment_cache_bytes, folders));
        let channels = Arc::new(Channels::default());
        set_channels(&channels, &county);
        let ledger = Arc::new(Ledger::default());
        ledger.restore(store.open_sessions().await?);
        let registry = Arc::new(ArcSwap::from_pointee(county.registry.clone()));
        let desk = Desk {
            tickets: Arc::new(tickets),
            nonces: Arc::new(nonces),
            ledger: Arc::clone(&ledger),
            registry: Arc::clone(&registry),
            channels: Arc::clone(&channels),
            sources: Arc::clone(&sources),
            ticket_ttl: county.evidence.ticket_ttl,
            session_timeout: county.evidence.session_timeout,
        };
        let county = Arc::new(ArcSwap::from_pointee(county));
        let registrar = Registrar::new(Arc::clone(&county), Arc::clone(&registry), &store).await?;
        let registrar = Arc::new(registrar);
        let plans: Arc<ArcSwap<Plans>> = Arc::default();
        let languages = audio_languages(&county.load());
        let queue = Queue::new(
            &county.load().media,
            library.clone(),
            county.load().packaging.clone(),
            languages,
            Arc::clone(&clock),
        );
        let ready = Arc::new(AtomicBool::new(false));
        let (planning, wakes) = mpsc::channel(8);
        let mut server = Self {
            address,
            setup_code,
            ready: Arc::clone(&ready),
            county: Arc::clone(&county),
            channels: Arc::clone(&channels),
            registrar: Arc::clone(&registrar),
            planning,
            stop: Shutdown::new(),
            front: JoinSet::new(),
            back: JoinSet::new(),
            store: store.clone(),
            ledger,
            clock: Arc::clone(&clock),
            config: config.to_owned(),
        };
        let slates = SlateTask {
            county: Arc::clone(&county),
            plans: Arc::clone(&plans),
            library: library.clone(),
            slates,
            sources: Arc::clone(&sources),
            segments: Arc::clone(&segments),
            clock: Arc::clone(&clock),
        };
        let planner = Planning {
            county: Arc::clone(&county),
            plans: Arc::clone(&plans),
            library: library.clone(),
            store: store.clone(),
            clock: Arc::clone(&clock),
        };
        let planner = planner.first_look();
        slates.publish_now();
        server.spawn_relays(relays);
        server.spawn_queue(queue.clone(), slates.clone());
        let on_air = OnAirTask {
            channels: Arc::clone(&channels),
            sources: Arc::clone(&sources),
            plans: Arc::clone(&plans),
            store: store.clone(),
            clock: Arc::clone(&clock),
            county: Arc::clone(&county),
            empty: Arc::default(),
        };
        server.back.spawn(slates.run(server.stop.clone()));
        server.back.spawn(planner.run(wakes, server.stop.clone()));
        server.back.spawn(on_air.run(server.stop.clone()));
        server.back.spawn(readiness(Arc::clone(&channels), Arc::clone(&ready), server.stop.clone()));
        let delivery = Delivery {
            desk: desk.clone(),
            channels: Arc::clone(&channels),
            sources: Arc::clone(&sources),
            segments,
        };
        let portal = Portal {
            county: Arc::clone(&county),
            plans,
            library,
            queue,
            channels,
            sources,
            desk,
            store,
            registrar,
            gate: Arc::new(Gate::new(setup)),
            oidc: Arc::default(),
            clock: Arc::clone(&clock),
        };
        let metrics = Arc::new(Metrics::default());
        let connections = metrics.connections.clone();
        let router = Router { delivery: Arc::new(delivery), portal: Arc::new(portal), metrics, clock, ready };
        let limits = county.load().http.clone();
        server.front.spawn(delivery::serve(listener, router, limits, connections, server.stop.clone()));
        server.spawn_flush();
        Ok(server)
    }

    fn spawn_relays(&mut self, relays: BTreeMap<RelayId, (PathBuf, RelayHandle)>) {
        let (events, mut heard) = mpsc::channel::<RelayEvent>(256);
        for relay in &self.county.load().relays {
            let Some((folder, handle)) = relays.get(&relay.id).cloned() else { continue };
            let (clock, events, stop) = (Arc::clone(&self.clock), events.clone(), self.stop.clone());
            self.back.spawn(relay::run(relay.clone(), folder, handle, clock, events, stop));
        }
        let store = self.store.clone();
        self.back.spawn(async move {
            while let Some(e) = heard.recv().await {
                let subject = format!("relay/{}", e.relay);
                record(&store, Event { at: e.at, subject, kind: e.kind.to_owned(), detail: e.detail }).await;
            }
        });
    }

    fn spawn_queue(&mut self, queue: Queue, slates: SlateTask) {
        let (events, mut heard) = mpsc::channel::<QueueEvent>(64);
        self.back.spawn(queue.run(events, self.stop.clone()));
        let (store, clock, planning) = (self.store.clone(), Arc::clone(&self.clock), self.planning.clone());
        self.back.spawn(async move {
            while let Some(e) = heard.recv().await {
                let (kind, detail) = match &e.outcome {
                    Outcome::Packaged(m) => {
                        ("packaged", format!("{:.1} s, {}", m.duration().as_secs_f64(), m.content_hash))
                    }
                    Outcome::Failed { message, detail } => ("failed", format!("{message} ({detail})")),
                };
                tracing::info!(lesson = %e.lesson, kind, "lesson {}: {kind}: {detail}", e.lesson);
                slates.publish_now();
                // A schedule that waited for this lesson is looked at again.
                let _ = planning.try_send(planning::Wake::Again);
                let subject = format!("lesson/{}", e.lesson);
                record(&store, Event { at: clock.now(), subject, kind: kind.to_owned(), detail }).await;
            }
        });
    }

    fn spawn_flush(&mut self) {
        let (store, ledger, clock, stop) =
            (self.store.clone(), Arc::clone(&self.ledger), Arc::clone(&self.clock), self.stop.clone());
        self.back.spawn(async move {
            loop {
                tokio::select! {
                    () = stop.wait() => break,
                    () = tokio::time::sleep(FLUSH) => flush(&store, &ledger, clock.now()).await,
                }
            }
        });
    }

    /// Reads the configuration again. What cannot change while running
    /// (addresses, folders, relays) is said to need a restart.
    pub(super) fn reload(&self) {
        let mut county = match crate::config::load(&self.config) {
            Ok(county) => county,
            Err(problems) => {
                for problem in &problems.0 {
                    tracing::error!("{problem}");
                }
                tracing::error!("the configuration was not taken: the last good one stays in force");
                return;
            }
        };
        let old = self.county.load();
        let fixed = [
            ("the media folder", old.media != county.media),
            ("relays", old.relays != county.relays),
            ("limits of the HTTP server", old.http != county.http),
            ("packaging", old.packaging != county.packaging),
            ("evidence", old.evidence != county.evidence),
        ];
        for (what, _) in fixed.iter().filter(|(_, changed)| *changed) {
            tracing::warn!("a change of {what} takes effect at the next start");
        }
        // These keep their old values: what runs was built from them.
        (county.listen, county.data, county.media) = (old.listen, old.data.clone(), old.media.clone());
        (county.relays, county.packaging) = (old.relays.clone(), old.packaging.clone());
        set_channels(&self.channels, &county);
        self.county.store(Arc::new(county));
        self.registrar.refresh();
        let _ = self.planning.try_send(planning::Wake::Again);
        tracing::info!("the configuration was read again");
    }

    /// Lets requests under way finish, stores everything and stops.
    pub(super) async fn stop(mut self) {
        self.stop.trigger();
        while self.front.join_next().await.is_some() {}
        drop(self.planning);
        while self.back.join_next().await.is_some() {}
        flush(&self.store, &self.ledger, self.clock.now()).await;
    }
}

async fn record(store: &Store, event: Event) {
    if let Err(error) = store.record_event(event).await {
        tracing::error!(%error, "an event could not be stored");
    }
}

async fn flush(store: &Store, ledger: &Ledger, now: jiff::Timestamp) {
    let sessions = ledger.sweep(now);
    if sessions.is_empty() {
        return;
    }
    match store.save_sessions(sessions.clone()).await {
        Ok(()) => ledger.stored(&sessions),
        Err(error) => {
            tracing::error!(%error, sessions = sessions.len(), "sessions could not be stored: tried again");
            ledger.unstored(&sessions);
        }
    }
}

fn open_relays(county: &County) -> anyhow::Result<BTreeMap<RelayId, (PathBuf, RelayHandle)>> {
    let open = |relay: &crate::config::Relay| {
        let folder = county.media.join("live").join(relay.id.as_str());
        let handle = RelayHandle::open(&folder)?;
        Ok((relay.id.clone(), (folder, handle)))
    };
    county.relays.iter().map(open).collect()
}

/// A channel that was there before keeps its timeline: who watches notices nothing.
fn set_channels(channels: &Channels, county: &County) {
    let old = channels.all();
    let new = county.channels.iter().map(|c| {
        let on_air = OnAir::new(lineup(c, county), c.names.clone());
        let on_air = match old.get(&c.id) {
            Some(old) if old.lineup == on_air.lineup && old.names == on_air.names => Arc::clone(old),
            Some(old) => {
                on_air.publish(Timeline::clone(&old.timeline()));
                Arc::new(on_air)
            }
            None => Arc::new(on_air),
        };
        (c.id.clone(), on_air)
    });
    channels.set(new.collect());
}

fn lineup(channel: &Channel, county: &County) -> Lineup {
    let longest = county.relays.iter().map(|r| r.max_segment).max().unwrap_or_default();
    // Lessons have at most 3.84 s. A segment cut at the limit may be a frame
    // longer, which rounds to the limit all the same (RFC 8216 §4.3.3.1). Players
    // poll at this rate and stay three times as far behind: no second to give away.
    let frame = Duration::from_millis(100);
    let target_duration = (longest + frame).max(Duration::from_millis(3840)).as_secs_f64().round() as u64;
    let rung = |r: &crate::config::Rung| (r.height, u64::from(r.kbps) * 1100);
    Lineup {
        channel: channel.id.clone(),
        rungs: county.packaging.ladder.iter().map(rung).collect(),
        audio: channel.audio.clone(),
        subtitles: channel.subtitles.clone(),
        audio_bandwidth: u64::from(county.packaging.audio_kbps) * 1400,
        target_duration,
        window: channel.window,
        slate_after: channel.slate_after,
    }
}

/// Every audio language of the county, the first channel's first.
fn audio_languages(county: &County) -> Vec<crate::base::Lang> {
    let mut seen = BTreeSet::new();
    county.channels.iter().flat_map(|c| &c.audio).filter(|l| seen.insert((*l).clone())).cloned().collect()
}

async fn readiness(channels: Arc<Channels>, ready: Arc<AtomicBool>, stop: Shutdown) {
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
