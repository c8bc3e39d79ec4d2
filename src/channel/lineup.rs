//! A channel's constants: its renditions and limits.

use std::time::Duration;

use crate::base::{ChannelId, Lang};
use crate::hls::{AlternativeMedia, MediaKind, Multivariant, Variant};

/// A rendition of a channel, the same for the life of the channel.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Rendition {
    /// A video rung by height.
    Video(u32),
    /// An audio language.
    Audio(Lang),
    /// A subtitle language.
    Subtitles(Lang),
}

impl Rendition {
    /// File name of its media playlist, without the ending.
    pub fn name(&self) -> String {
        match self {
            Self::Video(height) => format!("v{height}"),
            Self::Audio(lang) => format!("a-{lang}"),
            Self::Subtitles(lang) => format!("s-{lang}"),
        }
    }
}

/// What a channel offers, whatever is on air.
#[derive(Debug, Clone, PartialEq)]
pub struct Lineup {
    /// The channel.
    pub channel: ChannelId,
    /// Rungs, best first: height and peak bits per second of the picture.
    pub rungs: Vec<(u32, u64)>,
    /// Audio languages, the channel's own first.
    pub audio: Vec<Lang>,
    /// Subtitle languages.
    pub subtitles: Vec<Lang>,
    /// Peak bits per second of an audio rendition.
    pub audio_bandwidth: u64,
    /// `EXT-X-TARGETDURATION`, seconds: the longest segment of any source, with margin.
    pub target_duration: u64,
    /// Length of the live playlist.
    pub window: Duration,
    /// A relay silent for longer yields to the slate.
    pub slate_after: Duration,
}

/// The canonical picture: H.264 High, level 3.1; what relays and lessons stay within.
const VIDEO_CODEC: &str = "avc1.64001F";
const AUDIO_CODEC: &str = "mp4a.40.2";

impl Lineup {
    /// The rendition whose playlist is called `name`.
    pub fn rendition(&self, name: &str) -> Option<Rendition> {
        self.renditions().find(|r| r.name() == name)
    }

    /// Every rendition.
    pub fn renditions(&self) -> impl Iterator<Item = Rendition> + '_ {
        let video = self.rungs.iter().map(|(h, _)| Rendition::Video(*h));
        let audio = self.audio.iter().cloned().map(Rendition::Audio);
        video.chain(audio).chain(self.subtitles.iter().cloned().map(Rendition::Subtitles))
    }

    /// The channel's own audio language.
    pub fn default_audio(&self) -> Option<&Lang> {
        self.audio.first()
    }

    /// The multivariant playlist; `preferred` is the language marked as default.
    pub fn multivariant(&self, preferred: Option<&Lang>) -> Multivariant {
        let default = preferred.filter(|l| self.audio.contains(l)).or(self.default_audio());
        let uri = |r: Rendition| format!("{}.m3u8", r.name());
        let audio = self.audio.iter().map(|lang| AlternativeMedia {
            kind: MediaKind::Audio,
            lang: lang.clone(),
            default: Some(lang) == default,
            uri: uri(Rendition::Audio(lang.clone())),
            channels: 2,
        });
        let subtitles = self.subtitles.iter().map(|lang| AlternativeMedia {
            kind: MediaKind::Subtitles,
            lang: lang.clone(),
            default: false,
            uri: uri(Rendition::Subtitles(lang.clone())),
            channels: 0,
        });
        let mut variants: Vec<Variant> = self.rungs.iter().map(|(h, bps)| self.variant(*h, *bps)).collect();
        // The last village on a bad line still hears the lesson.
        if let Some(lang) = default {
            variants.push(Variant {
                bandwidth: self.audio_bandwidth,
                average_bandwidth: self.audio_bandwidth,
                codecs: AUDIO_CODEC.into(),
                resolution: None,
                frame_rate: None,
                uri: uri(Rendition::Audio(lang.clone())),
            });
        }
        Multivariant { media: audio.chain(subtitles).collect(), variants }
    }

    fn variant(&self, height: u32, bps: u64) -> Variant {
        Variant {
            bandwidth: bps + self.audio_bandwidth,
            average_bandwidth: bps * 4 / 5 + self.audio_bandwidth,
            codecs: format!("{VIDEO_CODEC},{AUDIO_CODEC}"),
            resolution: Some(((height * 16 / 9).next_multiple_of(2), height)),
            frame_rate: Some(25.0),
            uri: format!("{}.m3u8", Rendition::Video(height).name()),
        }
    }
}
