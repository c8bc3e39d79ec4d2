//! Group study (集中学习): what an operator writes down of people who study together, and what
//! of it was played. The two are never added: a headcount is declared, hours are verified.

use jiff::{SignedDuration, Timestamp};

use crate::base::{AccountId, IntervalSet, Lang, SiteId};

/// No group study is longer.
pub const LONGEST_STUDY: SignedDuration = SignedDuration::from_hours(12);
/// Verified hours of group study that a site has in a year (the county's annex 2).
pub const YEAR_HOURS: u32 = 48;
/// Group studies that a site holds in a month, on average.
pub const MONTH_STUDIES: u32 = 2;
/// Most people that one site takes.
pub const MOST_PEOPLE: u32 = 5000;
/// Discussion and tutoring are declared, and no longer than this, minutes.
pub const MOST_MINUTES: u32 = 240;

/// One group study, as it was written down.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Study {
    /// Where.
    pub site: SiteId,
    /// Who wrote it down.
    pub by: AccountId,
    /// Who led it, by name.
    pub organiser: String,
    /// What was studied.
    pub topic: String,
    /// The language it was held in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lang: Option<Lang>,
    /// When it began.
    pub start: Timestamp,
    /// When it ended; none: it is running.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<Timestamp>,
    /// How many took part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub headcount: Option<u32>,
    /// How many were expected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<u32>,
    /// Who took part: names or numbers. Nobody's business but the site's and those above it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roster: Vec<String>,
    /// Declared, minutes.
    #[serde(default)]
    pub discussion: u32,
    /// Declared, minutes.
    #[serde(default)]
    pub tutoring: u32,
    /// Whatever else.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub notes: String,
    /// It turned out not to have been held.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub void: bool,
}

/// A photo of a group study, or a sheet on which people signed: what it is. Its bytes lie elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Paper {
    /// Of which study.
    pub study: i64,
    /// SHA-256 of its bytes, hexadecimal.
    pub sha256: String,
    /// What its bytes are.
    pub kind: PaperKind,
    /// How many they are.
    pub bytes: u64,
    /// Who brought it.
    pub by: AccountId,
    /// When.
    pub at: Timestamp,
}

/// What the bytes of a paper are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PaperKind {
    /// A photo.
    Jpeg,
    /// A picture without loss.
    Png,
    /// Either, newer.
    Webp,
    /// What scanners make.
    Pdf,
}

impl PaperKind {
    /// By its first bytes; none: it is something else, whatever it is called.
    pub fn of(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [0xff, 0xd8, 0xff, ..] => Some(Self::Jpeg),
            [0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, ..] => Some(Self::Png),
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some(Self::Webp),
            [b'%', b'P', b'D', b'F', b'-', ..] => Some(Self::Pdf),
            _ => None,
        }
    }

    /// Its media type.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Webp => "image/webp",
            Self::Pdf => "application/pdf",
        }
    }

    /// True if a page can show it.
    pub const fn is_picture(self) -> bool {
        !matches!(self, Self::Pdf)
    }
}

/// Why a group study does not count toward a standard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotCounted {
    /// It was not held.
    Void,
    /// It is running.
    Running,
    /// No topic.
    Topic,
    /// Nobody led it.
    Organiser,
    /// Nobody said how many took part, or nobody did.
    Headcount,
}

impl Study {
    /// Why it does not count; none: it does.
    pub fn lacks(&self) -> Option<NotCounted> {
        match self {
            s if s.void => Some(NotCounted::Void),
            s if s.end.is_none() => Some(NotCounted::Running),
            s if s.topic.trim().is_empty() => Some(NotCounted::Topic),
            s if s.organiser.trim().is_empty() => Some(NotCounted::Organiser),
            s if s.headcount.unwrap_or_default() == 0 => Some(NotCounted::Headcount),
            _ => None,
        }
    }

    /// Takes a name off its roster; false if it is not on it. How many took part stays.
    pub fn erase(&mut self, name: &str) -> bool {
        let before = self.roster.len();
        self.roster.retain(|known| known != name);
        self.roster.len() < before
    }

    /// Its span, ms of the epoch; empty while it is running.
    pub fn span(&self) -> (i64, i64) {
        let start = self.start.as_millisecond();
        let end = self.end.map_or(start, |end| end.min(self.start + LONGEST_STUDY).as_millisecond());
        (start, end.max(start))
    }

    /// The part of its span in which the site verifiably played, ms. `played` is the union over
    /// the site's screens.
    pub fn verified_ms(&self, played: &IntervalSet) -> i64 {
        if self.void {
            return 0;
        }
        let (start, end) = self.span();
        played.clipped(start, end).total()
    }
}

/// What a site has of group study: how many count, and their verified time, each moment once
/// however many were held in it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Studied {
    /// Group studies that count.
    pub count: u32,
    /// Verified time of them, ms.
    pub verified_ms: i64,
    /// Sum of those who took part.
    pub people: u64,
}

/// Of the `studies` of one site that began in `[from, to)` what counts, by what it `played`.
pub fn studied<'a>(
    studies: impl IntoIterator<Item = &'a Study>,
    played: &IntervalSet,
    (from, to): (Timestamp, Timestamp),
) -> Studied {
    let (mut out, mut held) = (Studied::default(), IntervalSet::new());
    for study in studies {
        if study.lacks().is_some() || study.start < from || study.start >= to {
            continue;
        }
        let (start, end) = study.span();
        held.insert(start, end);
        out.count += 1;
        out.people += u64::from(study.headcount.unwrap_or_default());
    }
    out.verified_ms = held.iter().map(|(start, end)| played.clipped(start, end).total()).sum();
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::evidence::testing::a_study;

    fn second(s: i64) -> Timestamp {
        Timestamp::from_second(1_790_000_000 + s).expect("an instant")
    }

    fn study(start: i64, end: i64) -> Study {
        a_study(second(start), second(end))
    }

    fn set(parts: &[(i64, i64)]) -> IntervalSet {
        let mut out = IntervalSet::new();
        for (start, end) in parts {
            out.insert(second(*start).as_millisecond(), second(*end).as_millisecond());
        }
        out
    }

    #[test]
    fn what_is_missing_is_named() {
        let lacks = |change: fn(&mut Study)| {
            let mut s = study(0, 3600);
            change(&mut s);
            s.lacks()
        };
        assert_eq!(lacks(|_| ()), None);
        assert_eq!(lacks(|s| s.end = None), Some(NotCounted::Running));
        assert_eq!(lacks(|s| s.topic = " ".into()), Some(NotCounted::Topic));
        assert_eq!(lacks(|s| s.organiser.clear()), Some(NotCounted::Organiser));
        assert_eq!(lacks(|s| s.headcount = None), Some(NotCounted::Headcount));
        assert_eq!(lacks(|s| s.headcount = Some(0)), Some(NotCounted::Headcount));
        assert_eq!(lacks(|s| s.void = true), Some(NotCounted::Void));
    }

    #[test]
    fn a_forgotten_study_is_no_longer_than_any() {
        let days = study(0, 3 * 86_400);
        assert_eq!(days.verified_ms(&set(&[(0, 3 * 86_400)])), LONGEST_STUDY.as_millis() as i64);
    }

    proptest! {
        #[test]
        fn verified_study_is_study_and_was_played(
            spans in prop::collection::vec((0i64..5000, 0i64..2000), 0..8),
            played in prop::collection::vec((0i64..6000, 0i64..1500), 0..8),
        ) {
            let studies: Vec<Study> = spans.iter().map(|(at, long)| study(*at, at + long)).collect();
            let played: Vec<_> = played.iter().map(|(at, long)| (*at, at + long)).collect();
            let played = set(&played);
            let all = studied(&studies, &played, (second(0), second(10_000)));
            let mut held = IntervalSet::new();
            for s in &studies {
                let (start, end) = s.span();
                held.insert(start, end);
            }
            prop_assert!(all.verified_ms <= held.total());
            prop_assert!(all.verified_ms <= played.total());
            prop_assert!(all.verified_ms <= studies.iter().map(|s| s.verified_ms(&played)).sum::<i64>());
            prop_assert_eq!(all.count as usize, studies.len());
            // Held twice is not twice as long.
            let twice: Vec<&Study> = studies.iter().chain(&studies).collect();
            let again = studied(twice, &played, (second(0), second(10_000)));
            prop_assert_eq!(again.verified_ms, all.verified_ms);
            // And more headcount makes no hour.
            let crowd: Vec<Study> =
                studies.iter().map(|s| Study { headcount: Some(900), ..s.clone() }).collect();
            prop_assert_eq!(studied(&crowd, &played, (second(0), second(10_000))).verified_ms, all.verified_ms);
        }
    }
}
