//! A channel as MPEG-TS: its segments, each converted by itself from the same
//! bytes that HLS delivers, and kept in memory for whoever asks next.

use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use quick_cache::Weighter;
use quick_cache::sync::Cache;

use crate::base::{ChannelId, Lang};
use crate::channel::{Placed, Rendition, numbered};
use crate::evidence::DeliveredSegment;
use crate::hls::Address;
use crate::mpegts::{self, Audio, Codec, Guide, Service, Span, Video};

use super::channels::OnAir;
use super::segments::{SegmentError, Segments};
use super::sources::MediaSources;

/// What a television set is told of a channel at an instant.
pub type Announce = dyn Fn(&ChannelId, Timestamp) -> Option<(Service, Guide)> + Send + Sync;

/// What is put into a transport stream.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Programme {
    /// The channel.
    pub channel: ChannelId,
    /// Height of the picture; none: sound alone.
    pub height: Option<u32>,
    /// Languages that are heard, in the order of their streams.
    pub audio: Vec<Lang>,
}

/// One segment of it.
#[derive(Debug, Clone)]
pub struct TsSegment {
    /// Whole transport stream packets.
    pub bytes: Bytes,
    /// When it is shown.
    pub span: Span,
    /// Where it stands on the channel.
    pub placed: Placed,
    /// Whose bytes it shows.
    pub owner: String,
}

impl TsSegment {
    /// It as what was sent to a session.
    pub(super) fn delivered(&self) -> DeliveredSegment<'_> {
        DeliveredSegment {
            owner: &self.owner,
            n: self.placed.n,
            start_ms: self.placed.start.as_millisecond(),
            dur_ms: self.placed.duration.as_millis() as i64,
        }
    }
}

/// Why there is no segment.
#[derive(Debug, Clone, thiserror::Error)]
pub enum TsError {
    /// It is not on the channel, not yet, or no longer.
    #[error("there is no such segment (any more)")]
    Unknown,
    /// Its bytes cannot be read.
    #[error(transparent)]
    Segment(#[from] SegmentError),
    /// Its bytes are not what we write.
    #[error("segment {sequence} cannot be converted: {message}")]
    Converted {
        /// Its number.
        sequence: u64,
        /// The cause.
        message: String,
    },
}

#[derive(Clone, Debug)]
struct ByLength;

impl Weighter<(Programme, u64), TsSegment> for ByLength {
    fn weight(&self, _: &(Programme, u64), segment: &TsSegment) -> u64 {
        segment.bytes.len() as u64 + 512
    }
}

/// Converts and keeps segments.
pub struct Converter {
    cache: Cache<(Programme, u64), TsSegment, ByLength>,
    sources: Arc<MediaSources>,
    segments: Arc<Segments>,
    announce: Box<Announce>,
}

impl std::fmt::Debug for Converter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Converter").finish_non_exhaustive()
    }
}

/// 90 kHz ticks of an instant.
fn ticks(at: Timestamp) -> i64 {
    (i128::from(at.as_microsecond()) * 9 / 100) as i64
}

impl Converter {
    /// Keeps up to `budget` bytes in memory.
    pub fn new(
        budget: u64,
        sources: Arc<MediaSources>,
        segments: Arc<Segments>,
        announce: Box<Announce>,
    ) -> Self {
        let entries = (budget / (256 << 10)).max(16) as usize;
        Self { cache: Cache::with_weighter(entries, budget, ByLength), sources, segments, announce }
    }

    /// The segment with this number, once it may be listed. Many askers cause one conversion.
    pub async fn segment(
        &self,
        on_air: &OnAir,
        programme: &Programme,
        sequence: u64,
        now: Timestamp,
    ) -> Result<TsSegment, TsError> {
        let key = (programme.clone(), sequence);
        if let Some(made) = self.cache.get(&key) {
            return Ok(made);
        }
        self.cache.get_or_insert_async(&key, self.convert(on_air, programme, sequence, now)).await
    }

    async fn convert(
        &self,
        on_air: &OnAir,
        programme: &Programme,
        sequence: u64,
        now: Timestamp,
    ) -> Result<TsSegment, TsError> {
        let picture = programme.height.map(Rendition::Video);
        let sounds = programme.audio.iter().cloned().map(Rendition::Audio);
        let renditions: Vec<_> = picture.into_iter().chain(sounds).collect();
        let timeline = on_air.timeline();
        let lineup = &on_air.lineup;
        let found = numbered(&timeline, &*self.sources, lineup, &renditions, (sequence, now));
        let (placed, addresses) = found.ok_or(TsError::Unknown)?;
        let owner = addresses.iter().flatten().next().map(|(_, media)| media.owner.clone());
        let owner = owner.ok_or(TsError::Unknown)?;
        let mut tracks = Vec::new();
        for address in addresses {
            tracks.push(match address {
                Some((init, media)) => Some((self.bytes(&init).await?, self.bytes(&media).await?)),
                None => None,
            });
        }
        let (service, guide) = (self.announce)(&programme.channel, placed.start).ok_or(TsError::Unknown)?;
        let span = Span { start: ticks(placed.start), end: ticks(placed.end()) };
        let (programme, shown) = (programme.clone(), placed);
        let made = tokio::task::spawn_blocking(move || mux(&programme, tracks, &service, &guide, span));
        let made = made.await.map_err(|e| e.to_string()).and_then(|made| made);
        let bytes = made.map_err(|message| TsError::Converted { sequence, message })?;
        Ok(TsSegment { bytes: bytes.into(), span, placed: shown, owner })
    }

    async fn bytes(&self, address: &Address) -> Result<Bytes, SegmentError> {
        match self.segments.hot(address) {
            Some(hot) => Ok(hot.bytes),
            None => self.segments.get(address).await.map(|s| s.bytes),
        }
    }
}

fn mux(
    programme: &Programme,
    tracks: Vec<Option<(Bytes, Bytes)>>,
    service: &Service,
    guide: &Guide,
    span: Span,
) -> Result<Vec<u8>, String> {
    let (mut video, mut audio) = (None, Vec::new());
    let mut langs = programme.audio.iter();
    for (at, track) in tracks.into_iter().enumerate() {
        let is_picture = at == 0 && programme.height.is_some();
        let lang = if is_picture { None } else { langs.next() };
        let code = lang.and_then(|l| l.iso639().as_bytes().try_into().ok()).unwrap_or(*b"und");
        let read = match track {
            // A track that was silent has a header and no media.
            Some((init, media)) if !media.is_empty() => {
                Some(mpegts::samples(&init, &media).map_err(|e| e.to_string())?)
            }
            _ => None,
        };
        match read {
            Some((Codec::H264 { avcc }, units)) if is_picture => video = Some(Video { avcc, units }),
            Some((Codec::Aac { config }, units)) if !is_picture => {
                audio.push(Audio { config, lang: code, units });
            }
            Some(_) => return Err("a picture where sound should be, or the other way round".to_owned()),
            None if is_picture => {}
            // AAC-LC, 48 kHz, stereo: what will be said of it when it is heard again.
            None => audio.push(Audio { config: vec![0x11, 0x90], lang: code, units: Vec::new() }),
        }
    }
    mpegts::segment(service, guide, video.as_ref(), &audio, span).map_err(|e| e.to_string())
}
