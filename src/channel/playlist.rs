//! The timeline as media playlists.

use jiff::Timestamp;

use crate::hls::{
    Address, LiveSegment, MediaPlaylist, Part, PlaylistKind, Segment, SegmentFile, Track, TrackKind,
    audio_for, subtitle_for, video_for,
};

use super::{Airing, AiringSource, Asset, Lineup, Placed, Rendition, Sources, Timeline};

/// Which part of the timeline a playlist shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Window {
    /// The live edge.
    Live,
    /// Catch-up and start-over: `[from, to)`.
    Range {
        /// First instant.
        from: Timestamp,
        /// Instant after the last.
        to: Timestamp,
    },
}

/// Where initialisation segments are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Headers {
    /// In `EXT-X-MAP` alone (RFC 8216 §4.3.2.5).
    #[default]
    Apart,
    /// There, and also before the media of the first segment after a change of
    /// source: for players that begin a new demuxer there and look for no map.
    AlsoAtChanges,
}

/// Least number of segments in a live playlist (media.md, timeline rule 6).
const AT_LEAST: usize = 6;

/// The media playlist of `rendition` at `now`: whole segments that lie in the
/// past. `base` is the way from the playlist to the folder of segments, with
/// a slash at the end. None if nothing has been on air in the window.
pub fn media_playlist(
    timeline: &Timeline,
    sources: &dyn Sources,
    lineup: &Lineup,
    rendition: &Rendition,
    window: Window,
    now: Timestamp,
    (base, headers): (&str, Headers),
) -> Option<MediaPlaylist> {
    let edge = past(timeline, sources, now, now).next()?.1.end();
    let mut listed: Vec<(Placed, Segment)> = Vec::new();
    for (airing, placed) in past(timeline, sources, now, window.end(now)) {
        let enough = match window {
            Window::Live => listed.len() >= AT_LEAST && placed.start + lineup.window < edge,
            Window::Range { from, .. } => placed.end() <= from,
        };
        // Numbers are counted from the first: what retention took away ends the list.
        let hole = listed.last().is_some_and(|(next, _)| placed.sequence + 1 != next.sequence);
        if enough || hole {
            break;
        }
        let Some(bytes) = bytes(airing, &placed, sources, lineup, rendition) else { break };
        let segment = segment(&placed, bytes, base, headers);
        listed.push((placed, segment));
    }
    let first = listed.last()?.0;
    Some(MediaPlaylist {
        kind: window.kind(edge),
        target_duration: lineup.target_duration,
        media_sequence: first.sequence,
        discontinuity_sequence: first.discontinuities,
        segments: listed.into_iter().rev().map(|(_, s)| s).collect(),
    })
}

impl Window {
    /// Instant at which what it shows has begun.
    fn end(self, now: Timestamp) -> Timestamp {
        match self {
            Self::Live => now,
            Self::Range { to, .. } => to,
        }
    }

    /// A range is complete when the live edge has passed it, which may be a
    /// little after the clock has: a relay's segments are recorded first.
    fn kind(self, edge: Timestamp) -> PlaylistKind {
        match self {
            Self::Live => PlaylistKind::Live,
            Self::Range { to, .. } if edge < to => PlaylistKind::Event,
            Self::Range { .. } => PlaylistKind::Vod,
        }
    }
}

/// The segments that may be listed and begin before `before`, newest first,
/// each with its airing.
fn past<'a>(
    timeline: &'a Timeline,
    sources: &'a dyn Sources,
    now: Timestamp,
    before: Timestamp,
) -> impl Iterator<Item = (&'a Airing, Placed)> {
    timeline
        .airings()
        .iter()
        .rev()
        .skip_while(move |a| a.start >= before)
        .flat_map(|a| timeline.placed_rev(a, sources).map(move |p| (a, p)))
        .skip_while(move |(_, p)| p.listed_from() > now || p.start >= before)
}

/// Addresses of a segment's header and of its media.
pub type Pair = (Address, Address);

/// The segment with this number that may be listed at `now`: where it stands, the
/// owner of its bytes, and of each of `renditions` the addresses of its header and
/// media, where there is any.
pub fn numbered(
    timeline: &Timeline,
    sources: &dyn Sources,
    lineup: &Lineup,
    renditions: &[Rendition],
    (sequence, now): (u64, Timestamp),
) -> Option<(Placed, Vec<Option<Pair>>)> {
    let airing = timeline.airings().iter().rev().find(|a| a.base_sequence <= sequence)?;
    let placed = timeline.placed_rev(airing, sources).find(|p| p.sequence == sequence)?;
    if placed.listed_from() > now {
        return None;
    }
    let addresses = renditions.iter().map(|rendition| {
        let bytes = bytes(airing, &placed, sources, lineup, rendition)?;
        Some((bytes.init?, bytes.media))
    });
    Some((placed, addresses.collect()))
}

/// The number of the newest segment that may be listed at `now`.
pub fn newest(timeline: &Timeline, sources: &dyn Sources, now: Timestamp) -> Option<u64> {
    past(timeline, sources, now, now).next().map(|(_, placed)| placed.sequence)
}

/// What a segment of `airing` is in `rendition`; none if its source has forgotten it.
fn bytes(
    airing: &Airing,
    placed: &Placed,
    sources: &dyn Sources,
    lineup: &Lineup,
    rendition: &Rendition,
) -> Option<Bytes> {
    let bytes = match &airing.source {
        AiringSource::Lesson { owner, .. } | AiringSource::Slate { owner, .. } => {
            packaged(&*sources.asset(owner)?, rendition, lineup, placed)
        }
        AiringSource::Relay { relay, .. } => {
            let window = sources.window(relay)?;
            live(&format!("relay.{relay}"), window.get(placed.n)?, rendition, lineup)
        }
    };
    // Timestamps go on over changes of source: they say when a picture is on air.
    let on_air = u64::try_from(placed.start.as_microsecond()).ok();
    Some(bytes.map(|b| b.on_air(on_air)).unwrap_or_else(|| Bytes::silent_text(placed)))
}

fn segment(placed: &Placed, mut bytes: Bytes, base: &str, headers: Headers) -> Segment {
    if headers == Headers::AlsoAtChanges && placed.breaks {
        bytes.media.header = bytes.init.as_ref().and_then(|init| match &init.file {
            SegmentFile::Init(hash) => Some(hash.clone()),
            SegmentFile::Media(_) | SegmentFile::Text(_) => None,
        });
    }
    Segment {
        uri: format!("{base}{}", bytes.media),
        map: bytes.init.map(|a| format!("{base}{a}")),
        duration: bytes.duration,
        date: Some(placed.start),
        discontinuity: placed.breaks,
    }
}

/// Addresses of one segment in one rendition.
struct Bytes {
    media: Address,
    init: Option<Address>,
    duration: std::time::Duration,
}

impl Bytes {
    fn of(owner: &str, track: &Track, n: u64, duration: std::time::Duration) -> Self {
        let (owner, rendition) = (owner.to_owned(), track.name.clone());
        let address = |file| Address {
            owner: owner.clone(),
            rendition: rendition.clone(),
            file,
            on_air: None,
            header: None,
        };
        Self {
            media: address(SegmentFile::Media(n)),
            init: Some(address(SegmentFile::Init(track.init.clone()))),
            duration,
        }
    }

    fn text(owner: &str, rendition: String, n: u64, duration: std::time::Duration) -> Self {
        let file = SegmentFile::Text(n);
        let media = Address { owner: owner.to_owned(), rendition, file, on_air: None, header: None };
        Self { media, init: None, duration }
    }

    /// The same, with timestamps that say when it is on air.
    fn on_air(mut self, instant: Option<u64>) -> Self {
        self.media.on_air = instant;
        self
    }

    /// WebVTT without a cue, for what has no subtitles.
    fn silent_text(placed: &Placed) -> Self {
        Self::text("none", "s".into(), placed.sequence, placed.duration)
    }
}

fn pick<'a>(tracks: impl Iterator<Item = &'a Track>, r: &Rendition, lineup: &Lineup) -> Option<&'a Track> {
    match r {
        Rendition::Video(height) => video_for(tracks, *height),
        Rendition::Audio(lang) => audio_for(tracks, lang, lineup.default_audio().unwrap_or(lang)),
        Rendition::Subtitles(_) => None,
    }
}

fn packaged(asset: &Asset, rendition: &Rendition, lineup: &Lineup, placed: &Placed) -> Option<Bytes> {
    let manifest = &asset.manifest;
    if let Rendition::Subtitles(lang) = rendition {
        let langs = manifest.subtitle_langs();
        let lang = subtitle_for(&langs, lang)?;
        return Some(Bytes::text(&asset.owner, format!("s-{lang}"), placed.n, placed.duration));
    }
    let track = pick(manifest.tracks.iter().map(|t| &t.track), rendition, lineup)?;
    Some(Bytes::of(&asset.owner, track, placed.n, placed.duration))
}

fn live(owner: &str, segment: &LiveSegment, rendition: &Rendition, lineup: &Lineup) -> Option<Bytes> {
    // A lower rung that was late has nothing: another one stands in.
    let is_there = |(track, part): &(&Track, &Part)| match track.kind {
        TrackKind::Video { .. } => part.range.length > 0,
        TrackKind::Audio { .. } => true,
    };
    let there = || segment.tracks().zip(&segment.parts).filter(is_there);
    let track = pick(there().map(|(track, _)| track), rendition, lineup)?;
    let (_, part) = there().find(|(t, _)| t.name == track.name)?;
    Some(Bytes::of(owner, track, segment.n, std::time::Duration::from_micros(part.us)))
}

/// A lesson on demand: the whole package in one rendition.
pub fn vod_playlist(asset: &Asset, lineup: &Lineup, rendition: &Rendition, base: &str) -> MediaPlaylist {
    let segments = (0..asset.len()).map(|n| {
        let placed = Placed {
            sequence: n,
            discontinuities: 0,
            breaks: false,
            n,
            start: Timestamp::UNIX_EPOCH,
            duration: asset.offset(n + 1) - asset.offset(n),
        };
        let bytes =
            packaged(asset, rendition, lineup, &placed).unwrap_or_else(|| Bytes::silent_text(&placed));
        Segment {
            uri: format!("{base}{}", bytes.media),
            map: bytes.init.map(|a| format!("{base}{a}")),
            duration: bytes.duration,
            date: None,
            discontinuity: false,
        }
    });
    MediaPlaylist {
        kind: PlaylistKind::Vod,
        target_duration: lineup.target_duration,
        media_sequence: 0,
        discontinuity_sequence: 0,
        segments: segments.collect(),
    }
}
