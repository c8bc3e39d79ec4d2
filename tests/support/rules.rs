//! The rules that live playlists keep, poll after poll (RFC 8216 §6.2, and the
//! county's own: every rendition has its discontinuities at the same instants).

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::cmaf;
use super::http::{Client, resolve};
use super::playlist::{self, Listed, Media};

/// What a number stands for, for ever.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Known {
    pub(crate) uri: String,
    pub(crate) date: Option<Timestamp>,
    pub(crate) discontinuities: u64,
    pub(crate) duration: f64,
}

/// Watches every rendition of a channel and keeps what breaks a rule.
#[derive(Debug)]
pub(crate) struct Referee {
    client: Client,
    index: String,
    renditions: Vec<String>,
    target: Option<u64>,
    first: BTreeMap<String, u64>,
    /// By rendition and number.
    pub(crate) known: BTreeMap<String, BTreeMap<u64, Known>>,
    fetched: BTreeSet<String>,
    pub(crate) complaints: Vec<String>,
}

impl Referee {
    /// Watches the channel whose multivariant playlist is at `index`.
    pub(crate) fn of(client: &Client, index: &str) -> Self {
        let renditions = playlist::renditions(&client.good(index).text());
        assert!(!renditions.is_empty(), "{index} lists nothing");
        Self {
            client: client.clone(),
            index: index.to_owned(),
            renditions,
            target: None,
            first: BTreeMap::new(),
            known: BTreeMap::new(),
            fetched: BTreeSet::new(),
            complaints: Vec::new(),
        }
    }

    /// Looks at every rendition once, and fetches what is new.
    pub(crate) fn look(&mut self) {
        for rendition in self.renditions.clone() {
            let path = resolve(&self.index, &rendition);
            let media = match self.client.try_ask("GET", &path, &[], None) {
                Ok(answer) if answer.status == 200 => playlist::media(&answer.text()),
                Ok(answer) => Err(format!("status {}: {}", answer.status, answer.text())),
                Err(e) => Err(e.to_string()),
            };
            match media {
                Ok(media) => self.judge(&rendition, &path, &media),
                Err(error) => self.complain(&rendition, &error),
            }
        }
    }

    fn complain(&mut self, rendition: &str, what: &str) {
        let complaint = format!("{rendition}: {what}");
        if !self.complaints.contains(&complaint) {
            self.complaints.push(complaint);
        }
    }

    fn judge(&mut self, rendition: &str, path: &str, media: &Media) {
        if *self.target.get_or_insert(media.target) != media.target {
            self.complain(rendition, "the target duration changed");
        }
        if media.ended || media.kind.is_some() {
            self.complain(rendition, "a live playlist has EXT-X-ENDLIST or EXT-X-PLAYLIST-TYPE");
        }
        let Some(first) = media.segments.first() else {
            return self.complain(rendition, "no segment is listed");
        };
        if self
            .first
            .insert(rendition.to_owned(), first.sequence)
            .is_some_and(|before| before > first.sequence)
        {
            self.complain(rendition, "the media sequence went back");
        }
        // A player may take the same address again for the same segment again.
        for pair in media.segments.windows(2).filter(|pair| pair[0].uri == pair[1].uri) {
            self.complain(rendition, &format!("{} is listed twice in a row", pair[0].uri));
        }
        for segment in &media.segments {
            self.judge_segment(rendition, path, media.target, segment);
        }
    }

    fn judge_segment(&mut self, rendition: &str, path: &str, target: u64, segment: &Listed) {
        let n = segment.sequence;
        if segment.duration.round() > target as f64 {
            self.complain(
                rendition,
                &format!("segment {n} has {} s, the target is {target} s", segment.duration),
            );
        }
        if segment.date.is_none() {
            self.complain(rendition, &format!("segment {n} has no date"));
        }
        let (uri, duration) = (segment.uri.clone(), segment.duration);
        let found = Known { uri, duration, date: segment.date, discontinuities: segment.discontinuities };
        let known = self.known.entry(rendition.to_owned()).or_default();
        let before = known.entry(n).or_insert_with(|| found.clone()).clone();
        if before != found {
            self.complain(rendition, &format!("segment {n} was {before:?} and is {found:?}"));
        }
        let other = self.known.iter().find_map(|(r, k)| (r != rendition).then_some((r, k.get(&n)?)));
        if let Some((other, theirs)) = other
            && (theirs.discontinuities, theirs.date) != (found.discontinuities, found.date)
        {
            let what = format!("segment {n} has {found:?}, but {theirs:?} in {other}");
            self.complain(rendition, &what);
        }
        for reference in [Some(&segment.uri), segment.map.as_ref()].into_iter().flatten() {
            if self.fetched.insert(reference.clone())
                && let Err(error) = self.fetch(&resolve(path, reference), segment.date)
            {
                self.complain(rendition, &format!("{reference}: {error}"));
            }
        }
    }

    /// Fetches a segment and looks whether it is one, and stamped with its date.
    fn fetch(&self, path: &str, date: Option<Timestamp>) -> Result<(), String> {
        let answer = self.client.try_ask("GET", path, &[], None).map_err(|e| e.to_string())?;
        let header = |name| answer.header(name).unwrap_or_default();
        if answer.status != 200 {
            return Err(format!("status {}: {}", answer.status, answer.text()));
        }
        if header("cache-control") != "public, max-age=31536000, immutable" || header("etag").is_empty() {
            return Err(format!("not immutable: {answer:?}"));
        }
        let wanted = if path.ends_with(".vtt") {
            "text/vtt; charset=utf-8"
        } else if path.contains("/a-") {
            "audio/mp4"
        } else {
            "video/mp4"
        };
        if header("content-type") != wanted {
            return Err(format!("expected {wanted}, got {}", header("content-type")));
        }
        if path.ends_with(".vtt") {
            return if answer.body.starts_with(b"WEBVTT") { Ok(()) } else { Err("not WebVTT".into()) };
        }
        if path.ends_with(".mp4") {
            return cmaf::is_init(&answer.body);
        }
        cmaf::is_media(&answer.body)?;
        // The sound of these tests is of 48 kHz.
        let timescale = if path.contains("/a-") { 48_000 } else { 90_000 };
        let stamp = cmaf::shown_at(&answer.body)? * 1000 / timescale;
        let off = date.map_or(0, |d| stamp - i128::from(d.as_millisecond()));
        // Sound begins with its first whole frame, dates are to the millisecond.
        if (-1..=22).contains(&off) { Ok(()) } else { Err(format!("stamped {off} ms after its date")) }
    }

    /// Numbers that no rendition may leave out, and dates that follow on one
    /// another: the longest gap or overlap between neighbours, in seconds.
    pub(crate) fn worst_gap(&mut self) -> f64 {
        let mut worst: f64 = 0.0;
        let mut missing = Vec::new();
        for (rendition, known) in &self.known {
            for ((n, a), (m, b)) in known.iter().zip(known.iter().skip(1)) {
                if n + 1 != *m {
                    missing.push(format!("{rendition}: nothing between {n} and {m}"));
                }
                if let (Some(a_date), Some(b_date)) = (a.date, b.date) {
                    let gap = b_date.duration_since(a_date).as_secs_f64() - a.duration;
                    worst = if gap.abs() > worst.abs() { gap } else { worst };
                }
            }
        }
        self.complaints.extend(missing);
        worst
    }

    /// Changes of source that were seen: discontinuities between the first and the last segment.
    pub(crate) fn changes(&self) -> u64 {
        let count = |known: &BTreeMap<u64, Known>| {
            let counts = || known.values().map(|k| k.discontinuities);
            counts().max().unwrap_or(0) - counts().min().unwrap_or(0)
        };
        self.known.values().map(count).min().unwrap_or(0)
    }

    #[track_caller]
    pub(crate) fn no_complaints(&self) {
        assert!(self.complaints.is_empty(), "the playlists broke rules:\n{}", self.complaints.join("\n"));
    }
}
