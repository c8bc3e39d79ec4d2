//! Builders for the tests of this room: packages, feeds, plans, and a world
//! that holds at a simulated instant only what had arrived by then.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::base::{ChannelId, Lang, LessonId, RelayId, Titles};
use crate::hls::{
    Address, ByteRange, LiveSegment, LiveTrack, LiveWindow, Manifest, PackagedTrack, Part, SegmentFile,
    Subtitle, Track, TrackKind,
};
use crate::schedule::{Known, Plan, ProgrammeId, parse};

use super::{Asset, Lineup, Rung, Slate, SlateReason, Sources};

/// A segment of a lesson, microseconds: 96 frames at 25 per second.
pub(super) const LESSON_US: u64 = 3_840_000;
/// A segment of a slate.
pub(super) const SLATE_US: u64 = 960_000;
/// Time of a relay's first picture on its own line.
const LEAD_US: u64 = 10_000_000;

/// `hh:mm:ss` of 23 November 2026 on the county's clock.
pub(super) fn clock(time: &str) -> Timestamp {
    format!("2026-11-23T{time}+08:00").parse().expect("a time")
}

pub(super) fn ms(ms: i64) -> SignedDuration {
    SignedDuration::from_millis(ms)
}

pub(super) fn secs(s: i64) -> SignedDuration {
    SignedDuration::from_secs(s)
}

pub(super) fn lesson(id: &str) -> LessonId {
    LessonId::new(id).expect("a lesson's name")
}

pub(super) fn relay(id: &str) -> RelayId {
    RelayId::new(id).expect("a relay's name")
}

pub(super) fn lang(tag: &str) -> Lang {
    Lang::new(tag).expect("a tag")
}

/// The channel of all tests: three rungs, two audio and two subtitle languages.
pub(super) fn lineup() -> Lineup {
    Lineup {
        channel: ChannelId::new("xiangtu").expect("a channel's name"),
        rungs: [(720, 1_650_000), (480, 880_000), (240, 330_000)]
            .map(|(h, bps)| Rung::television(h, bps))
            .to_vec(),
        audio: vec![lang("zh-Hans"), lang("ug-Arab")],
        subtitles: vec![lang("zh-Hans"), lang("ug-Arab")],
        audio_bandwidth: 67_200,
        target_duration: 9,
        window: Duration::from_secs(60),
        slate_after: Duration::from_secs(8),
    }
}

/// The name of the programme that starts at `time`.
pub(super) fn programme(time: &str) -> ProgrammeId {
    ProgrammeId::new(&lineup().channel, clock(time))
}

/// The plan that a schedule with these entries says; see [`entry`].
pub(super) fn plan(entries: &str) -> Plan {
    let channels = [(lineup().channel, Duration::MAX)].into();
    let relays = BTreeSet::from(["national", "regional"].map(relay));
    let known = Known { channels: &channels, relays: &relays, lessons: None, holidays: None };
    let tz = TimeZone::get("Asia/Shanghai").expect("a zone");
    let text = format!("channel = \"xiangtu\"\n{entries}");
    parse(Path::new("xiangtu.toml"), &text, &tz, &known).expect("a good schedule").0
}

/// `[[once]]` of the day all tests play on. `what` is `play = […]` or `relay = "…"`.
pub(super) fn entry(start: &str, end: Option<&str>, what: &str) -> String {
    let end = end.map(|end| format!("end = \"{end}\"\n")).unwrap_or_default();
    format!("[[once]]\ndate = \"2026-11-23\"\nstart = \"{start}\"\n{end}{what}\n")
}

fn video(height: u32) -> Track {
    let kind = TrackKind::Video { width: height * 16 / 9, height, fps: 25.0 };
    let (name, init) = (format!("v{height}"), format!("1{height}"));
    Track { name, kind, codecs: "avc1.64001F".into(), init, timescale: 90_000 }
}

fn audio(tag: &str) -> Track {
    let kind = TrackKind::Audio { lang: lang(tag), channels: 2 };
    let (name, init) = (format!("a-{tag}"), format!("2{}", &tag[..2]));
    Track { name, kind, codecs: "mp4a.40.2".into(), init, timescale: 48_000 }
}

/// A package; see [`a_lesson`] and [`a_slate`].
#[derive(Debug)]
pub(super) struct Package {
    id: String,
    hash: &'static str,
    segments_us: Vec<u64>,
    tracks: Vec<Track>,
    subtitles: Vec<&'static str>,
}

/// A lesson of `total` milliseconds in every rung and in Chinese.
pub(super) fn a_lesson(id: &str, total: u64) -> Package {
    Package::new(id, total * 1000, LESSON_US)
}

/// A slate as they are made: 64 segments.
pub(super) fn a_slate(id: &str) -> Package {
    Package::new(id, 64 * SLATE_US, SLATE_US)
}

impl Package {
    fn new(id: &str, total_us: u64, segment_us: u64) -> Self {
        let mut segments_us = vec![segment_us; (total_us / segment_us) as usize];
        segments_us.extend(Some(total_us % segment_us).filter(|rest| *rest > 0));
        let tracks = vec![video(720), video(480), video(240), audio("zh-Hans")];
        Self { id: id.into(), hash: "0123456789abcdef", segments_us, tracks, subtitles: Vec::new() }
    }

    pub(super) fn tracks(mut self, rungs: &[u32], langs: &[&str]) -> Self {
        self.tracks = rungs.iter().map(|h| video(*h)).chain(langs.iter().map(|l| audio(l))).collect();
        self
    }

    pub(super) fn subtitles(mut self, langs: &[&'static str]) -> Self {
        self.subtitles = langs.to_vec();
        self
    }

    pub(super) fn empty(mut self) -> Self {
        self.segments_us.clear();
        self
    }

    /// The same lesson from other bytes.
    pub(super) fn remade(mut self) -> Self {
        self.hash = "fedcba9876543210";
        self
    }

    fn asset(self, family: &str) -> Arc<Asset> {
        let none = ByteRange { offset: 0, length: 1 };
        let packaged = |track: Track| PackagedTrack {
            file: format!("{}.mp4", track.name),
            track,
            sha256: String::new(),
            bandwidth: 1,
            average_bandwidth: 1,
            header: none,
            segments: vec![none; self.segments_us.len()],
        };
        let subtitle = |tag: &str| Subtitle { lang: lang(tag), file: String::new(), sha256: String::new() };
        let manifest = Manifest {
            version: 1,
            preliminary: false,
            begins_us: 0,
            id: self.id,
            content_hash: self.hash.into(),
            titles: Titles::default(),
            source_sha256: String::new(),
            tracks: self.tracks.into_iter().map(packaged).collect(),
            segments_us: self.segments_us,
            subtitles: self.subtitles.iter().map(|tag| subtitle(tag)).collect(),
            poster: None,
            storyboard: None,
            waveform: None,
            source_loudness: Vec::new(),
            details: Default::default(),
        };
        Arc::new(Asset::new(family, Arc::new(manifest)))
    }
}

/// What a relay will have recorded, and when each segment arrives.
#[derive(Debug, Clone)]
pub(super) struct Feed {
    tracks: Arc<Vec<LiveTrack>>,
    end: Timestamp,
    generation: u64,
    segments: Vec<(Timestamp, LiveSegment)>,
}

/// A feed of one 720-line picture with Chinese sound that begins at `start`.
pub(super) fn a_feed(start: Timestamp) -> Feed {
    let tracks = [video(720), audio("zh-Hans")].map(|track| LiveTrack { track });
    Feed { tracks: Arc::new(tracks.into()), end: start, generation: 0, segments: Vec::new() }
}

impl Feed {
    /// A new generation that begins `gap` after the last one's end. Each
    /// segment arrives `delay` after its end.
    pub(super) fn generation(
        mut self,
        gap: SignedDuration,
        durations_us: &[u64],
        delay: SignedDuration,
    ) -> Self {
        let origin = self.end + gap;
        self.generation += 1;
        let mut start_us = 0;
        for us in durations_us {
            let start = origin + Duration::from_micros(start_us);
            let end = start + Duration::from_micros(*us);
            let part = |us| Part { range: ByteRange { offset: 0, length: 1 }, us };
            let segment = LiveSegment {
                n: self.segments.len() as u64,
                start,
                us: *us,
                at_us: LEAD_US + start_us,
                generation: self.generation,
                hour: start.strftime("%Y%m%dT%H").to_string(),
                tracks: Arc::clone(&self.tracks),
                parts: vec![part(*us), part(whole_frames(start_us + us) - whole_frames(start_us))],
            };
            let arrival = self.segments.last().map_or(end + delay, |(last, _)| (end + delay).max(*last));
            self.segments.push((arrival, segment));
            start_us += us;
            self.end = end;
        }
        self
    }

    /// A generation of `n` segments of 4 s that arrive 300 ms after their end.
    pub(super) fn of(self, gap: SignedDuration, n: usize) -> Self {
        self.generation(gap, &vec![4_000_000; n], ms(300))
    }

    pub(super) fn segments(&self) -> &[(Timestamp, LiveSegment)] {
        &self.segments
    }
}

/// The end of the AAC frame that holds `us`: sound is cut where its frames end.
fn whole_frames(us: u64) -> u64 {
    us.div_ceil(21_333) * 21_333
}

#[derive(Debug)]
struct Recorder {
    feed: Feed,
    window: Arc<LiveWindow>,
    arrived: usize,
}

/// Everything the channel can play, as it is at one instant.
#[derive(Debug, Default)]
pub(super) struct World {
    now: Timestamp,
    lessons: BTreeMap<LessonId, (Timestamp, Arc<Asset>)>,
    assets: BTreeMap<String, Arc<Asset>>,
    slates: BTreeMap<SlateReason, Slate>,
    taken_back: BTreeSet<String>,
    relays: BTreeMap<RelayId, Recorder>,
    /// How often a package was asked for.
    pub(super) asked: Cell<u64>,
}

impl World {
    /// A world with the plain slates and nothing else.
    pub(super) fn new() -> Self {
        Self::default().slate(SlateReason::Idle, a_slate("idle")).slate(SlateReason::Lost, a_slate("lost"))
    }

    pub(super) fn slate(mut self, reason: SlateReason, package: Package) -> Self {
        let slate = Slate::of(&package.asset("slate").manifest);
        for asset in [&slate.regular, &slate.short] {
            self.assets.insert(asset.owner.clone(), Arc::clone(asset));
        }
        self.slates.insert(reason, slate);
        self
    }

    pub(super) fn lesson(self, package: Package) -> Self {
        self.lesson_from(Timestamp::MIN, package)
    }

    /// A lesson that arrives in the library at `from`.
    pub(super) fn lesson_from(mut self, from: Timestamp, package: Package) -> Self {
        self.add_lesson(from, package);
        self
    }

    pub(super) fn add_lesson(&mut self, from: Timestamp, package: Package) {
        let asset = package.asset("lesson");
        self.assets.insert(asset.owner.clone(), Arc::clone(&asset));
        self.lessons.insert(lesson(&asset.manifest.id), (from, asset));
    }

    /// Takes a package away for good, as when its folder is deleted.
    pub(super) fn remove(&mut self, owner: &str) {
        self.assets.remove(owner);
        self.lessons.retain(|_, (_, asset)| asset.owner != owner);
        self.slates.retain(|_, slate| slate.regular.owner != owner && slate.short.owner != owner);
    }

    /// Takes a lesson off the air whose package stays, for those who watch its past.
    pub(super) fn take_back(&mut self, owner: &str) {
        self.lessons.retain(|_, (_, asset)| asset.owner != owner);
        self.taken_back.insert(owner.to_owned());
    }

    pub(super) fn relay(mut self, id: &str, feed: Feed) -> Self {
        self.relays.insert(relay(id), Recorder { feed, window: Arc::default(), arrived: 0 });
        self
    }

    pub(super) fn feed(&self, id: &str) -> &Feed {
        &self.relays[&relay(id)].feed
    }

    /// Relays forget whole hours that end before `instant`.
    pub(super) fn forget_before(&mut self, instant: Timestamp) {
        for recorder in self.relays.values_mut() {
            Arc::make_mut(&mut recorder.window).forget_before(instant);
        }
    }

    /// Lets time pass: segments arrive.
    pub(super) fn go_to(&mut self, now: Timestamp) {
        self.now = now;
        for recorder in self.relays.values_mut() {
            while let Some((_, s)) = recorder.feed.segments.get(recorder.arrived).filter(|(at, _)| *at <= now)
            {
                Arc::make_mut(&mut recorder.window).push(s.clone());
                recorder.arrived += 1;
            }
        }
    }

    /// True if what stands at `uri` can be fetched.
    pub(super) fn serves(&self, uri: &str) -> bool {
        let Some(a) = Address::parse(uri) else { return false };
        let n = match (&a.owner[..], &a.file) {
            ("none", SegmentFile::Text(_)) => return a.rendition == "s",
            (_, SegmentFile::Init(hash)) => return self.tracks(&a.owner, None, &a.rendition).contains(hash),
            (_, SegmentFile::Media(n)) => *n,
            (_, SegmentFile::Text(n)) => {
                let langs = self.assets.get(&a.owner).map(|asset| asset.manifest.subtitle_langs());
                let offered = langs.unwrap_or_default().iter().any(|l| format!("s-{l}") == a.rendition);
                return offered && self.assets.get(&a.owner).is_some_and(|asset| *n < asset.len());
            }
        };
        !self.tracks(&a.owner, Some(n), &a.rendition).is_empty()
    }

    /// Hashes of the initialisation segments of `rendition`, of segment `n` or of any.
    fn tracks(&self, owner: &str, n: Option<u64>, rendition: &str) -> Vec<String> {
        let hash = |t: &Track| (t.name == rendition).then(|| t.init.clone());
        if let Some(asset) = self.assets.get(owner) {
            let there = n.is_none_or(|n| n < asset.len());
            return asset.manifest.tracks.iter().filter_map(|t| hash(&t.track)).filter(|_| there).collect();
        }
        let id = owner.strip_prefix("relay.").map(relay);
        let Some(recorder) = id.and_then(|id| self.relays.get(&id)) else { return Vec::new() };
        let there = n.is_none_or(|n| recorder.window.get(n).is_some());
        recorder.feed.tracks.iter().filter_map(|t| hash(&t.track)).filter(|_| there).collect()
    }
}

impl Sources for World {
    fn is_taken_back(&self, owner: &str) -> bool {
        self.taken_back.contains(owner)
    }

    fn lesson(&self, id: &LessonId) -> Option<Arc<Asset>> {
        self.lessons.get(id).filter(|(from, _)| *from <= self.now).map(|(_, asset)| Arc::clone(asset))
    }

    fn asset(&self, owner: &str) -> Option<Arc<Asset>> {
        self.asked.set(self.asked.get() + 1);
        self.assets.get(owner).cloned()
    }

    fn window(&self, id: &RelayId) -> Option<Arc<LiveWindow>> {
        self.relays.get(id).map(|r| Arc::clone(&r.window))
    }

    fn slate(&self, _channel: &ChannelId, reason: &SlateReason) -> Option<Slate> {
        self.slates.get(reason).or_else(|| self.slates.get(&SlateReason::Idle)).cloned()
    }
}
