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

/// A rung of the picture.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rung {
    /// Width, square pixels.
    pub width: u32,
    /// Height, which gives it its name.
    pub height: u32,
    /// Frames a second.
    pub fps: f64,
    /// Peak bits per second.
    pub bandwidth: u64,
}

impl Rung {
    /// One of a channel, which shows what comes in the shape of television: 16:9 at 25
    /// frames a second.
    pub fn television(height: u32, bandwidth: u64) -> Self {
        Self { width: (height * 16 / 9).next_multiple_of(2), height, fps: 25.0, bandwidth }
    }
}

/// What a channel offers, whatever is on air.
#[derive(Debug, Clone, PartialEq)]
pub struct Lineup {
    /// The channel.
    pub channel: ChannelId,
    /// Rungs, best first.
    pub rungs: Vec<Rung>,
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
        let video = self.rungs.iter().map(|rung| Rendition::Video(rung.height));
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
        let mut variants: Vec<Variant> = self.rungs.iter().map(|rung| self.variant(*rung)).collect();
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

    fn variant(&self, rung: Rung) -> Variant {
        Variant {
            bandwidth: rung.bandwidth + self.audio_bandwidth,
            average_bandwidth: rung.bandwidth * 4 / 5 + self.audio_bandwidth,
            codecs: format!("{VIDEO_CODEC},{AUDIO_CODEC}"),
            resolution: Some((rung.width, rung.height)),
            frame_rate: Some(rung.fps),
            uri: format!("{}.m3u8", Rendition::Video(rung.height).name()),
        }
    }
}
