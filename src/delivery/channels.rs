//! The channels on air: what the timeline task publishes and requests read.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use bytes::Bytes;
use jiff::Timestamp;

use crate::base::{ChannelId, Lang, Titles};
use crate::channel::{Headers, Lineup, Rendition, Sources, Timeline, Window, media_playlist};

/// One channel.
#[derive(Debug)]
pub struct OnAir {
    /// Its constants.
    pub lineup: Lineup,
    /// Its names, for sessions.
    pub names: Titles,
    timeline: ArcSwap<Timeline>,
    /// When its playlist was last asked for, microseconds since the epoch; 0: never.
    asked_us: AtomicI64,
    /// By the playlist's name, for either place of headers.
    cache: [Mutex<HashMap<String, Cached>>; 2],
}

/// A playlist's bytes are the same for every session until the live edge moves.
#[derive(Debug)]
struct Cached {
    timeline: Arc<Timeline>,
    until: Timestamp,
    body: Bytes,
}

/// Why there is no live playlist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoPlaylist {
    /// The channel has no rendition of that name.
    Unknown,
    /// Nothing is on air yet.
    Starting,
}

/// How exactly it is known when somebody last asked.
const ASKED_EVERY_US: i64 = 100_000;

/// From a media playlist of a session to the folder of its segments.
const SEGMENTS: &str = "../../seg/";

impl OnAir {
    /// A channel with nothing on air yet.
    pub fn new(lineup: Lineup, names: Titles) -> Self {
        Self {
            lineup,
            names,
            timeline: ArcSwap::default(),
            asked_us: AtomicI64::new(0),
            cache: Default::default(),
        }
    }

    /// The timeline as it stands.
    pub fn timeline(&self) -> Arc<Timeline> {
        self.timeline.load_full()
    }

    /// When somebody last asked for what is on air.
    pub fn asked(&self) -> Option<Timestamp> {
        let us = self.asked_us.load(Ordering::Relaxed);
        Timestamp::from_microsecond(us).ok().filter(|_| us > 0)
    }

    /// Somebody asks for what is on air at `now`.
    pub(super) fn ask(&self, now: Timestamp) {
        let us = now.as_microsecond();
        // Written a few times a second, however many ask: other cores read it.
        if us.saturating_sub(self.asked_us.load(Ordering::Relaxed)) > ASKED_EVERY_US {
            self.asked_us.fetch_max(us, Ordering::Relaxed);
        }
    }

    /// Publishes a timeline; what changed is stored already.
    pub fn publish(&self, timeline: Timeline) {
        self.timeline.store(Arc::new(timeline));
    }

    /// The multivariant playlist for who begins to watch what is on air at `instant`.
    /// Heard by default is `asked`, else the language the programme is in, else the
    /// channel's own; each if the channel offers it.
    pub(super) fn multivariant(&self, asked: Option<&Lang>, instant: Timestamp) -> Bytes {
        let timeline = self.timeline.load();
        let programme = timeline.at(instant).and_then(|airing| airing.lang.as_ref());
        let offered = |lang: &&Lang| self.lineup.audio.contains(lang);
        let preferred = asked.filter(offered).or(programme.filter(offered));
        self.lineup.multivariant(preferred).write().into()
    }

    /// The live playlist called `name`, such as `v720`.
    pub(super) fn live(
        &self,
        name: &str,
        headers: Headers,
        sources: &dyn Sources,
        now: Timestamp,
    ) -> Result<Bytes, NoPlaylist> {
        let timeline = self.timeline.load();
        let cache = &self.cache[usize::from(headers == Headers::AlsoAtChanges)];
        {
            let cache = cache.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(c) = cache.get(name)
                && Arc::ptr_eq(&c.timeline, &timeline)
                && now < c.until
            {
                return Ok(c.body.clone());
            }
        }
        let rendition = &self.lineup.rendition(name).ok_or(NoPlaylist::Unknown)?;
        let playlist = media_playlist(
            &timeline,
            sources,
            &self.lineup,
            rendition,
            Window::Live,
            now,
            (SEGMENTS, headers),
        )
        .ok_or(NoPlaylist::Starting)?;
        let body = Bytes::from(playlist.write());
        let until = timeline.next_edge(sources, now).unwrap_or(Timestamp::MAX);
        let mut cache = cache.lock().unwrap_or_else(PoisonError::into_inner);
        let timeline = Arc::clone(&timeline);
        cache.insert(name.to_owned(), Cached { timeline, until, body: body.clone() });
        Ok(body)
    }

    /// The playlist of a span of the past; `way` is the path to the segments, and where their headers stand.
    pub(super) fn range(
        &self,
        rendition: &Rendition,
        sources: &dyn Sources,
        (from, to): (Timestamp, Timestamp),
        now: Timestamp,
        way: (&str, Headers),
    ) -> Option<Bytes> {
        let window = Window::Range { from, to };
        let playlist =
            media_playlist(&self.timeline.load(), sources, &self.lineup, rendition, window, now, way)?;
        Some(playlist.write().into())
    }
}

/// The channels by identifier; the set changes with the configuration.
#[derive(Debug, Default)]
pub struct Channels {
    by_id: ArcSwap<BTreeMap<ChannelId, Arc<OnAir>>>,
}

impl Channels {
    /// A channel.
    pub fn get(&self, id: &ChannelId) -> Option<Arc<OnAir>> {
        self.by_id.load().get(id).cloned()
    }

    /// All channels.
    pub fn all(&self) -> Arc<BTreeMap<ChannelId, Arc<OnAir>>> {
        self.by_id.load_full()
    }

    /// Replaces the set.
    pub fn set(&self, channels: BTreeMap<ChannelId, Arc<OnAir>>) {
        self.by_id.store(Arc::new(channels));
    }
}
