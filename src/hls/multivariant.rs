//! Multivariant playlists (RFC 8216 §4.3.4).

use std::fmt::Write;

use crate::base::Lang;

/// What an alternative rendition carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MediaKind {
    /// `TYPE=AUDIO`, group `audio`.
    Audio,
    /// `TYPE=SUBTITLES`, group `subs`.
    Subtitles,
}

/// An `EXT-X-MEDIA` line (§4.3.4.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlternativeMedia {
    /// What it carries.
    pub kind: MediaKind,
    /// Its language; the name is written in its own script.
    pub lang: Lang,
    /// Chosen when the viewer chose nothing.
    pub default: bool,
    /// Address of its media playlist.
    pub uri: String,
    /// Audio channels; 0 for subtitles.
    pub channels: u32,
}

/// An `EXT-X-STREAM-INF` line (§4.3.4.2).
#[derive(Debug, Clone, PartialEq)]
pub struct Variant {
    /// Peak, bits per second, with audio.
    pub bandwidth: u64,
    /// Mean, bits per second, with audio.
    pub average_bandwidth: u64,
    /// RFC 6381 values of all renditions played together.
    pub codecs: String,
    /// Width and height; none for audio only.
    pub resolution: Option<(u32, u32)>,
    /// Frames per second; none for audio only.
    pub frame_rate: Option<f64>,
    /// Address of its media playlist.
    pub uri: String,
}

/// A multivariant playlist as data.
#[derive(Debug, Clone, PartialEq)]
pub struct Multivariant {
    /// Audio and subtitle renditions.
    pub media: Vec<AlternativeMedia>,
    /// Variants, best first; a player that measures nothing takes the first.
    pub variants: Vec<Variant>,
}

impl Multivariant {
    /// The playlist's text.
    pub fn write(&self) -> String {
        let mut out = String::new();
        self.write_to(&mut out).expect("writing to a String cannot fail");
        out
    }

    fn write_to(&self, out: &mut String) -> std::fmt::Result {
        out.push_str("#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-INDEPENDENT-SEGMENTS\n");
        for m in &self.media {
            let (kind, group) = match m.kind {
                MediaKind::Audio => ("AUDIO", "audio"),
                MediaKind::Subtitles => ("SUBTITLES", "subs"),
            };
            let yes = |b| if b { "YES" } else { "NO" };
            write!(
                out,
                "#EXT-X-MEDIA:TYPE={kind},GROUP-ID=\"{group}\",LANGUAGE=\"{}\",NAME=\"{}\",DEFAULT={},AUTOSELECT=YES",
                m.lang,
                m.lang.own_name(),
                yes(m.default),
            )?;
            if m.kind == MediaKind::Audio {
                write!(out, ",CHANNELS=\"{}\"", m.channels)?;
            }
            writeln!(out, ",URI=\"{}\"", m.uri)?;
        }
        let has = |kind| self.media.iter().any(|m| m.kind == kind);
        for v in &self.variants {
            write!(
                out,
                "#EXT-X-STREAM-INF:BANDWIDTH={},AVERAGE-BANDWIDTH={}",
                v.bandwidth, v.average_bandwidth
            )?;
            write!(out, ",CODECS=\"{}\"", v.codecs)?;
            if let Some((w, h)) = v.resolution {
                write!(out, ",RESOLUTION={w}x{h}")?;
            }
            if let Some(fps) = v.frame_rate {
                write!(out, ",FRAME-RATE={fps:.3}")?;
            }
            if has(MediaKind::Audio) {
                out.push_str(",AUDIO=\"audio\"");
            }
            if has(MediaKind::Subtitles) {
                out.push_str(",SUBTITLES=\"subs\"");
            }
            writeln!(out, "\n{}", v.uri)?;
        }
        Ok(())
    }
}
