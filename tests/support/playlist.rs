//! Reading playlists as a player does (RFC 8216).

use jiff::Timestamp;

use super::http::{Client, resolve};

/// A segment of a media playlist, with what the lines before it say.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Listed {
    pub(crate) sequence: u64,
    /// Discontinuities before and at it.
    pub(crate) discontinuities: u64,
    pub(crate) uri: String,
    pub(crate) map: Option<String>,
    pub(crate) duration: f64,
    pub(crate) date: Option<Timestamp>,
}

impl Listed {
    /// `<owner>/<rendition>/<file>` at the end of its address.
    pub(crate) fn address(&self) -> &str {
        self.uri.split_once("seg/").map_or(self.uri.as_str(), |(_, address)| address)
    }
}

/// A media playlist.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Media {
    pub(crate) target: u64,
    pub(crate) kind: Option<String>,
    pub(crate) ended: bool,
    pub(crate) segments: Vec<Listed>,
}

/// Reads a media playlist.
pub(crate) fn media(text: &str) -> Result<Media, String> {
    let mut lines = text.lines();
    if lines.next() != Some("#EXTM3U") {
        return Err(format!("no playlist: {text}"));
    }
    let mut out = Media { target: 0, kind: None, ended: false, segments: Vec::new() };
    let (mut sequence, mut discontinuities) = (None, None);
    let (mut map, mut date, mut duration) = (None, None, None);
    for line in lines {
        let (tag, value) = line.split_once(':').unwrap_or((line, ""));
        let number = || value.parse::<u64>().map_err(|e| format!("{line}: {e}"));
        match tag {
            "#EXT-X-TARGETDURATION" => out.target = number()?,
            "#EXT-X-MEDIA-SEQUENCE" => sequence = Some(number()?),
            "#EXT-X-DISCONTINUITY-SEQUENCE" => discontinuities = Some(number()?),
            "#EXT-X-PLAYLIST-TYPE" => out.kind = Some(value.to_owned()),
            "#EXT-X-ENDLIST" => out.ended = true,
            "#EXT-X-DISCONTINUITY" => *discontinuities.get_or_insert(0) += 1,
            "#EXT-X-MAP" => map = Some(value.trim_start_matches("URI=").trim_matches('"').to_owned()),
            "#EXT-X-PROGRAM-DATE-TIME" => date = Some(value.parse().map_err(|e| format!("{line}: {e}"))?),
            "#EXTINF" => {
                let seconds = value.trim_end_matches(',');
                duration = Some(seconds.parse().map_err(|e| format!("{line}: {e}"))?);
            }
            _ if line.is_empty() || line.starts_with('#') => {}
            _ => {
                let next = sequence.get_or_insert(0);
                out.segments.push(Listed {
                    sequence: *next,
                    discontinuities: discontinuities.unwrap_or(0),
                    uri: line.to_owned(),
                    map: map.clone(),
                    duration: duration.take().ok_or_else(|| format!("{line}: no EXTINF"))?,
                    date: date.take(),
                });
                *next += 1;
            }
        }
    }
    if out.target == 0 { Err("no EXT-X-TARGETDURATION".into()) } else { Ok(out) }
}

/// The media playlists that a multivariant playlist leads to, each once.
pub(crate) fn renditions(text: &str) -> Vec<String> {
    let alternatives = text.lines().filter(|l| l.starts_with("#EXT-X-MEDIA:"));
    let alternatives = alternatives.filter_map(|l| l.split("URI=\"").nth(1)?.split('"').next());
    let variants = text.lines().filter(|l| !l.is_empty() && !l.starts_with('#'));
    let mut found: Vec<String> = alternatives.chain(variants).map(str::to_owned).collect();
    found.sort();
    found.dedup();
    found
}

/// The media playlist at `path`, below a session.
#[track_caller]
pub(crate) fn fetch(client: &Client, path: &str) -> Media {
    let answer = client.good(path);
    media(&answer.text()).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// A rendition beside the multivariant playlist at `index`.
pub(crate) fn beside(index: &str, rendition: &str) -> String {
    resolve(index, &format!("{rendition}.m3u8"))
}
