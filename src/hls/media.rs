//! Media playlists (RFC 8216 §4.3.3).

use std::fmt::Write;
use std::time::Duration;

use jiff::Timestamp;

/// Whether the playlist goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlaylistKind {
    /// A sliding window: neither `PLAYLIST-TYPE` nor `ENDLIST`.
    Live,
    /// Grows at its end (§4.3.3.5).
    Event,
    /// Complete.
    Vod,
}

/// One segment as the playlist lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// Address relative to the playlist.
    pub uri: String,
    /// Address of the initialisation segment; none for WebVTT.
    pub map: Option<String>,
    /// Real duration of its samples.
    pub duration: Duration,
    /// When its first sample is on air; none in a lesson on demand.
    pub date: Option<Timestamp>,
    /// Timestamps or format break before it (§4.3.2.3).
    pub discontinuity: bool,
}

/// A media playlist as data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaPlaylist {
    /// Whether it goes on.
    pub kind: PlaylistKind,
    /// Upper bound of segment durations, whole seconds, constant for a channel.
    pub target_duration: u64,
    /// Number of the first segment listed.
    pub media_sequence: u64,
    /// Discontinuities before and at the first segment listed; its own tag is folded into this.
    pub discontinuity_sequence: u64,
    /// In order.
    pub segments: Vec<Segment>,
}

impl MediaPlaylist {
    /// The playlist's text.
    pub fn write(&self) -> String {
        let mut out = String::with_capacity(256 + self.segments.len() * 160);
        self.write_to(&mut out).expect("writing to a String cannot fail");
        out
    }

    fn write_to(&self, out: &mut String) -> std::fmt::Result {
        out.push_str("#EXTM3U\n#EXT-X-VERSION:7\n");
        writeln!(out, "#EXT-X-TARGETDURATION:{}", self.target_duration)?;
        writeln!(out, "#EXT-X-MEDIA-SEQUENCE:{}", self.media_sequence)?;
        writeln!(out, "#EXT-X-DISCONTINUITY-SEQUENCE:{}", self.discontinuity_sequence)?;
        match self.kind {
            PlaylistKind::Live => {}
            PlaylistKind::Event => out.push_str("#EXT-X-PLAYLIST-TYPE:EVENT\n"),
            PlaylistKind::Vod => out.push_str("#EXT-X-PLAYLIST-TYPE:VOD\n"),
        }
        out.push_str("#EXT-X-INDEPENDENT-SEGMENTS\n");
        let mut map: Option<&str> = None;
        for (i, segment) in self.segments.iter().enumerate() {
            if segment.discontinuity && i > 0 {
                out.push_str("#EXT-X-DISCONTINUITY\n");
            }
            // A map holds until the next; after a discontinuity it is said again (§4.3.2.5).
            if let Some(uri) = segment.map.as_deref()
                && (segment.discontinuity || map != Some(uri))
            {
                writeln!(out, "#EXT-X-MAP:URI=\"{uri}\"")?;
                map = Some(uri);
            }
            if let Some(date) = segment.date {
                writeln!(out, "#EXT-X-PROGRAM-DATE-TIME:{date:.3}")?;
            }
            let ms = (segment.duration.as_micros() + 500) / 1000;
            writeln!(out, "#EXTINF:{}.{:03},\n{}", ms / 1000, ms % 1000, segment.uri)?;
        }
        if self.kind == PlaylistKind::Vod {
            out.push_str("#EXT-X-ENDLIST\n");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(uri: &str, map: &str, discontinuity: bool) -> Segment {
        Segment {
            uri: uri.into(),
            map: Some(map.into()),
            duration: Duration::from_micros(3_840_000),
            date: Some("2026-11-23T11:30:00.04Z".parse().expect("instant")),
            discontinuity,
        }
    }

    #[test]
    fn a_live_window_over_a_change_of_source() {
        let playlist = MediaPlaylist {
            kind: PlaylistKind::Live,
            target_duration: 6,
            media_sequence: 41,
            discontinuity_sequence: 7,
            segments: vec![
                segment("a/1.m4s", "a/i.mp4", true),
                segment("a/2.m4s", "a/i.mp4", false),
                segment("b/0.m4s", "b/i.mp4", true),
            ],
        };
        let expected = "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:6\n#EXT-X-MEDIA-SEQUENCE:41\n\
            #EXT-X-DISCONTINUITY-SEQUENCE:7\n#EXT-X-INDEPENDENT-SEGMENTS\n\
            #EXT-X-MAP:URI=\"a/i.mp4\"\n#EXT-X-PROGRAM-DATE-TIME:2026-11-23T11:30:00.040Z\n#EXTINF:3.840,\na/1.m4s\n\
            #EXT-X-PROGRAM-DATE-TIME:2026-11-23T11:30:00.040Z\n#EXTINF:3.840,\na/2.m4s\n\
            #EXT-X-DISCONTINUITY\n#EXT-X-MAP:URI=\"b/i.mp4\"\n#EXT-X-PROGRAM-DATE-TIME:2026-11-23T11:30:00.040Z\n#EXTINF:3.840,\nb/0.m4s\n";
        assert_eq!(playlist.write(), expected);
    }
}
