//! What a source offers, and which of it a channel's rendition maps to.

use crate::base::Lang;

/// What a track carries.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum TrackKind {
    /// Picture.
    Video {
        /// Pixels.
        width: u32,
        /// Pixels.
        height: u32,
        /// Frames per second.
        fps: f64,
    },
    /// Sound.
    Audio {
        /// Language spoken.
        lang: Lang,
        /// Channels.
        channels: u32,
    },
}

/// One rendition of a source, one CMAF track.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Track {
    /// Rendition name in addresses.
    pub name: String,
    /// What it carries.
    #[serde(flatten)]
    pub kind: TrackKind,
    /// RFC 6381 codecs value.
    pub codecs: String,
    /// Hash of the initialisation segment, part of its address.
    pub init: String,
    /// Ticks per second of its timestamps.
    pub timescale: u32,
}

/// The video track for a rung of `height`: the nearest at or below it, else
/// the lowest. (media.md, timeline rule 4.)
pub fn video_for<'a>(tracks: impl Iterator<Item = &'a Track>, height: u32) -> Option<&'a Track> {
    let h = |t: &Track| match t.kind {
        TrackKind::Video { height, .. } => Some(height),
        TrackKind::Audio { .. } => None,
    };
    let videos: Vec<_> = tracks.filter_map(|t| Some((h(t)?, t))).collect();
    let below = videos.iter().filter(|(h, _)| *h <= height).max_by_key(|(h, _)| *h);
    below.or_else(|| videos.iter().min_by_key(|(h, _)| *h)).map(|(_, t)| *t)
}

/// The audio track for `lang`: itself, the same language in another script,
/// the channel's `default`, else the first.
pub fn audio_for<'a>(
    tracks: impl Iterator<Item = &'a Track>,
    lang: &Lang,
    default: &Lang,
) -> Option<&'a Track> {
    let audios: Vec<_> = tracks
        .filter_map(|t| match &t.kind {
            TrackKind::Audio { lang, .. } => Some((lang, t)),
            TrackKind::Video { .. } => None,
        })
        .collect();
    let pick = |want: &Lang| {
        let exact = audios.iter().find(|(l, _)| *l == want);
        exact.or_else(|| audios.iter().find(|(l, _)| l.primary() == want.primary()))
    };
    pick(lang).or_else(|| pick(default)).or(audios.first()).map(|(_, t)| *t)
}

/// The subtitle language of `offered` that serves `lang`: itself only in its own script.
pub fn subtitle_for<'a>(offered: &'a [Lang], lang: &Lang) -> Option<&'a Lang> {
    offered.iter().find(|l| *l == lang)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn video(height: u32) -> Track {
        let kind = TrackKind::Video { width: height * 16 / 9, height, fps: 25.0 };
        Track {
            name: format!("v{height}"),
            kind,
            codecs: "avc1.4D401F".into(),
            init: "0".into(),
            timescale: 90_000,
        }
    }
    fn audio(lang: &str) -> Track {
        let lang = Lang::new(lang).expect("tag");
        let name = format!("a-{lang}");
        Track {
            name,
            kind: TrackKind::Audio { lang, channels: 2 },
            codecs: "mp4a.40.2".into(),
            init: "0".into(),
            timescale: 48_000,
        }
    }

    #[test]
    fn a_missing_rung_is_the_next_lower_one() {
        let tracks = [video(480), video(240), audio("zh-Hans")];
        let name = |h| video_for(tracks.iter(), h).map(|t| t.name.as_str());
        assert_eq!(name(720), Some("v480"));
        assert_eq!(name(480), Some("v480"));
        assert_eq!(name(360), Some("v240"));
        assert_eq!(name(144), Some("v240"));
    }

    #[test]
    fn a_missing_language_is_the_channel_s_own() {
        let tracks = [audio("ug-Arab"), audio("zh-Hans"), video(720)];
        let (zh, kk) = (Lang::new("zh-Hans").expect("tag"), Lang::new("kk-Cyrl").expect("tag"));
        assert_eq!(audio_for(tracks.iter(), &kk, &zh).map(|t| t.name.as_str()), Some("a-zh-Hans"));
        assert_eq!(audio_for(tracks[..1].iter(), &kk, &zh).map(|t| t.name.as_str()), Some("a-ug-Arab"));
        assert_eq!(audio_for(tracks[2..].iter(), &kk, &zh), None);
    }
}
