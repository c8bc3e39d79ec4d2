//! The server: what is built from the configuration, and who owns which task.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anyhow::Context;
use arc_swap::ArcSwap;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::base::{Bell, Clock, Shutdown};
use crate::config::County;
use crate::courseware::{Attachments, InWords, Library, Queue, Uploads};
use crate::delivery::{
    self, Channels, Converter, Delivery, Desk, Doors, Downloads, MediaSources, Segments, Stills, Streaming,
};
use crate::evidence::{Ledger, NonceKey};
use crate::people::Code;
use crate::portal::office::{Direction, Documents, Gate, Registrar};
use crate::portal::{Changed, Portal, Printer, Snapshots};
use crate::relay::RelayEvent;
use crate::schedule::Plans;
use crate::store::{Event, Store};

use super::alarms::Alarming;
use super::flushing::Flushing;
use super::guarding::Guarding;
use super::keeping::Keeping;
use super::keys;
use super::logbook::LogTask;
use super::looks::Looks;
use super::metrics::Metrics;
use super::on_air::{OnAirTask, readiness};
use super::packaged;
use super::planning::Planning;
use super::publish::Publishing;
use super::relays::Relays;
use super::reload::{Reload, set_channels};
use super::router::Router;
use super::slates::SlateTask;
use super::television;
use super::tls::{keep_certificate, tls_door};
use super::upkeep::Upkeep;
use super::uploading::keep_uploads;

/// A server that runs.
#[derive(Debug)]
pub(super) struct Server {
    /// Where it listens.
    pub(super) address: SocketAddr,
    /// True once every channel is on air.
    pub(super) ready: Arc<AtomicBool>,
    /// The code of the first start, while nobody has an account.
    pub(super) setup_code: Option<String>,
    reload: Reload,
    stop: Shutdown,
    /// Stop first: nothing new comes in.
    front: JoinSet<()>,
    /// Stop after it.
    back: JoinSet<()>,
    store: Store,
    flushing: Flushing,
    log: LogTask,
}

/// Memory for segments that were converted to MPEG-TS, bytes.
const TS_CACHE: u64 = 128 << 20;

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
        let tls = tls_door(county.tls.as_ref()).await?;
        let store = Store::open(&county.data.join("yuanjiao.db"))?;
        let setup = match store.has_no_account().await? {
            true => Some(Code::from_random(keys::random()?)),
            false => None,
        };
        let setup_code = setup.as_ref().map(Code::shown);
        let tickets = Arc::new(ArcSwap::from_pointee(keys::tickets(&county.data, clock.now())?));
        let nonces = NonceKey::new(keys::load_or_make(&county.data, "nonce.key")?);
        let logbook = Arc::new(keys::logbook(&county.data, county.public_url.as_deref())?);
        let library = Library::open(&county.media.join("library"))?;
        let slates = Library::open(&county.media.join("slates"))?;
        let attachments = Attachments::open(&county.media.join("attachments"))?;
        let sources = Arc::new(MediaSources::default());
        let segments = Arc::new(Segments::new(county.http.segment_cache_bytes));
        let (timelines, bytes) = (Arc::clone(&sources), Arc::clone(&segments));
        library.follow(move |catalogue| {
            bytes.set_lessons(catalogue);
            timelines.set_lessons(catalogue);
        });
        let (relay_events, heard) = mpsc::channel::<RelayEvent>(256);
        let both = (Arc::clone(&sources), Arc::clone(&segments));
        let relays = Relays::new(county.media.join("live"), Arc::clone(&clock), both, relay_events);
        let bell = Bell::new();
        let channels = Arc::new(Channels::default());
        set_channels(&channels, &county);
        let ledger = Arc::new(Ledger::default());
        let flushing =
            Flushing { store: store.clone(), ledger: Arc::clone(&ledger), clock: Arc::clone(&clock) };
        flushing.restore().await?;
        let registry = Arc::new(ArcSwap::from_pointee(county.registry.clone()));
        let desk = Desk {
            tickets: Arc::clone(&tickets),
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
        let uploads = Uploads::of(&county.load(), library.clone());
        let queue = Queue::new(
            &county.load().media,
            (library.clone(), attachments.clone(), uploads.clone()),
            county.load().packaging.clone(),
            (languages, InWords { card: crate::guide::title_card, told: crate::portal::i18n::reason }),
            (Arc::clone(&clock), bell.clone()),
        );
        let ready = Arc::new(AtomicBool::new(false));
        let (planning, wakes) = mpsc::channel(8);
        let slates = SlateTask {
            county: Arc::clone(&county),
            plans: Arc::clone(&plans),
            channels: Arc::clone(&channels),
            library: library.clone(),
            slates,
            sources: Arc::clone(&sources),
            segments: Arc::clone(&segments),
            clock: Arc::clone(&clock),
            state: Arc::default(),
        };
        let announce = television::announce(Arc::clone(&county), Arc::clone(&plans), library.clone());
        let (shown, bytes) = (Arc::clone(&sources), Arc::clone(&segments));
        let streaming = Streaming {
            channels: Arc::clone(&channels),
            sources: Arc::clone(&sources),
            converter: Arc::new(Converter::new(TS_CACHE, shown, bytes, announce)),
            clock: Arc::clone(&clock),
        };
        let reload = Reload {
            streaming: streaming.clone(),
            outputs: Arc::default(),
            config: config.to_owned(),
            county: Arc::clone(&county),
            channels: Arc::clone(&channels),
            registrar: Arc::clone(&registrar),
            relays: Arc::new(relays),
            slates: slates.clone(),
            planning,
            bell: bell.clone(),
        };
        let log = LogTask {
            county: Arc::clone(&county),
            channels: Arc::clone(&channels),
            store: store.clone(),
            logbook: Arc::clone(&logbook),
            clock: Arc::clone(&clock),
        };
        let mut server = Self {
            address,
            log: log.clone(),
            setup_code,
            ready: Arc::clone(&ready),
            reload: reload.clone(),
            stop: Shutdown::new(),
            front: JoinSet::new(),
            back: JoinSet::new(),
            store: store.clone(),
            flushing,
        };
        let refused = Arc::default();
        let planner = Planning {
            county: Arc::clone(&county),
            plans: Arc::clone(&plans),
            refused: Arc::clone(&refused),
            library: library.clone(),
            store: store.clone(),
            clock: Arc::clone(&clock),
            bell: bell.clone(),
        };
        let planner = planner.first_look();
        slates.publish_now();
        reload.relays.set(&county.load().relays)?;
        server.spawn_relay_events(heard);
        let (events, heard) = mpsc::channel(64);
        server.back.spawn(queue.clone().run(events, server.stop.clone()));
        server.back.spawn(packaged::tell(heard, (store.clone(), Arc::clone(&clock)), reload.clone()));
        let direction = Arc::new(Direction::new(&store).await?);
        let on_air = OnAirTask {
            channels: Arc::clone(&channels),
            sources: Arc::clone(&sources),
            plans: Arc::clone(&plans),
            store: store.clone(),
            clock: Arc::clone(&clock),
            county: Arc::clone(&county),
            bell: bell.clone(),
            hands: direction.in_force(),
            empty: Arc::default(),
        };
        let keeping = Keeping {
            county: Arc::clone(&county),
            plans: Arc::clone(&plans),
            sources: Arc::clone(&sources),
            library: library.clone(),
            store: store.clone(),
            clock: Arc::clone(&clock),
            reload: reload.clone(),
        };
        let guarding = Guarding {
            library: library.clone(),
            plans: Arc::clone(&plans),
            store: store.clone(),
            clock: Arc::clone(&clock),
            reload: reload.clone(),
        };
        let looks =
            Looks { county: Arc::clone(&county), sources: Arc::clone(&sources), clock: Arc::clone(&clock) };
        let upkeep = Upkeep {
            county: Arc::clone(&county),
            plans: Arc::clone(&plans),
            hands: direction.in_force(),
            channels: Arc::clone(&channels),
            sources: Arc::clone(&sources),
            store: store.clone(),
            clock: Arc::clone(&clock),
        };
        let alarms = Alarming {
            county: Arc::clone(&county),
            channels: Arc::clone(&channels),
            sources: Arc::clone(&sources),
            library: library.clone(),
            store: store.clone(),
            clock: Arc::clone(&clock),
        };
        if let Some(address) = county.load().rtmp {
            let listener = TcpListener::bind(address).await;
            let listener = listener.with_context(|| format!("listening for encoders on {address}"))?;
            tracing::info!(address = %listener.local_addr()?, "encoders publish by RTMP");
            let live = county.load().media.join("live");
            let publishing = Publishing { county: Arc::clone(&county), live, taken: Arc::default() };
            server.front.spawn(publishing.run(listener, server.stop.clone()));
        }
        let to = (store.clone(), bell.clone());
        server.back.spawn(keep_uploads(uploads.clone(), to, Arc::clone(&clock), server.stop.clone()));
        server.back.spawn(log.clone().run(server.stop.clone()));
        server.back.spawn(log.ask_for_witness(server.stop.clone()));
        let data = county.load().data.clone();
        server.back.spawn(keys::keep_tickets(data, tickets, Arc::clone(&clock), server.stop.clone()));
        server.back.spawn(looks.run(server.stop.clone()));
        server.back.spawn(upkeep.run(server.stop.clone()));
        server.back.spawn(alarms.run(server.stop.clone()));
        server.back.spawn(guarding.run(server.stop.clone()));
        server.back.spawn(keeping.run(server.stop.clone()));
        server.back.spawn(slates.run(server.stop.clone()));
        server.back.spawn(planner.run(wakes, server.stop.clone()));
        server.back.spawn(on_air.run(server.stop.clone()));
        server.back.spawn(readiness(Arc::clone(&channels), Arc::clone(&ready), server.stop.clone()));
        let printer = Printer::new(county.load().media.join("posters"), address);
        let stills = county.load().media.join("stills");
        let stills = Stills::new(stills, Arc::clone(&channels), Arc::clone(&sources), Arc::clone(&segments));
        let delivery = Delivery {
            desk: desk.clone(),
            channels: Arc::clone(&channels),
            sources: Arc::clone(&sources),
            segments,
            downloads: Downloads::default(),
            attachments,
            streaming: streaming.clone(),
        };
        server.reload.outputs.set(television::outputs(&county.load()), &streaming);
        let portal = Portal {
            snapshots: Arc::new(Snapshots::default()),
            county: Arc::clone(&county),
            plans,
            refused,
            library,
            queue,
            uploads,
            channels,
            sources,
            desk,
            store,
            logbook,
            registrar,
            gate: Arc::new(Gate::new(setup)),
            documents: Arc::new(Documents::new(config.to_owned(), Arc::new(reload))),
            direction,
            printer: Arc::new(printer),
            stills: Arc::new(stills),
            bell,
            stop: server.stop.clone(),
            oidc: Arc::default(),
            clock: Arc::clone(&clock),
        };
        let metrics = Arc::new(Metrics::default());
        let connections = metrics.connections.clone();
        let router = Router { delivery: Arc::new(delivery), portal: Arc::new(portal), metrics, clock, ready };
        let limits = county.load().http.clone();
        if let Some((_, certificate)) = &tls {
            server.back.spawn(keep_certificate(certificate.clone(), server.stop.clone()));
        }
        let doors = Doors { plain: listener, tls };
        server.front.spawn(delivery::serve(doors, router, limits, connections, server.stop.clone()));
        server.back.spawn(server.flushing.clone().run(server.stop.clone()));
        Ok(server)
    }

    fn spawn_relay_events(&mut self, mut heard: mpsc::Receiver<RelayEvent>) {
        let (store, bell) = (self.store.clone(), self.reload.bell.clone());
        self.back.spawn(async move {
            while let Some(e) = heard.recv().await {
                let subject = format!("relay/{}", e.relay);
                record(&store, Event { at: e.at, subject, kind: e.kind.to_owned(), detail: e.detail }).await;
                bell.ring();
            }
        });
    }

    /// Reads the configuration again.
    pub(super) fn reload(&self) {
        self.reload.county();
    }

    /// Lets requests under way finish, stores everything and stops.
    pub(super) async fn stop(mut self) {
        self.stop.trigger();
        while self.front.join_next().await.is_some() {}
        self.reload.outputs.stop();
        self.reload.relays.stop().await;
        while self.back.join_next().await.is_some() {}
        self.flushing.finish().await;
        self.log.finish().await;
    }
}

pub(super) async fn record(store: &Store, event: Event) {
    if let Err(error) = store.record_event(event).await {
        tracing::error!(%error, "an event could not be stored");
    }
}

/// Every audio language of the county, the first channel's first.
fn audio_languages(county: &County) -> Vec<crate::base::Lang> {
    let mut seen = BTreeSet::new();
    county.channels.iter().flat_map(|c| &c.audio).filter(|l| seen.insert((*l).clone())).cloned().collect()
}
