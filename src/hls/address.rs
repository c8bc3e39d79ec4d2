//! The immutable address of a segment: `<owner>/<rendition>/<file>`, and on a
//! channel `<owner>/<rendition>/<n>@<instant>.m4s`, or with the header in
//! front `<owner>/<rendition>/<n>@<instant>~<hash>.m4s`.

use std::fmt;

/// Which file of a rendition.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum SegmentFile {
    /// The initialisation segment with this hash (ISO/IEC 23000-19 CMAF header).
    Init(String),
    /// Media segment `n` of the owner.
    Media(u64),
    /// WebVTT of segment `n` of the owner.
    Text(u64),
}

/// Where a segment is found below a session: `seg/<owner>/<rendition>/<file>`.
///
/// The owner names bytes that never change: a package with its hash, or a
/// relay, whose segment numbers are never used twice.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Address {
    /// Package or relay, such as `lesson.grape-pruning.1a2b3c4d5e6f` or `relay.national`.
    pub owner: String,
    /// Rendition, such as `v720`, `a-ug-Arab`, `s-zh-Hans`.
    pub rendition: String,
    /// File of the rendition.
    pub file: SegmentFile,
    /// On a channel: when its first picture is on air, microseconds since the
    /// Unix epoch, which is what its timestamps say. None: as packaged.
    pub on_air: Option<u64>,
    /// Media on a channel: the initialisation segment that stands before it in the same answer.
    pub header: Option<String>,
}

impl Address {
    /// Reads what [`Display`](fmt::Display) writes; nothing that could leave a folder passes.
    pub fn parse(path: &str) -> Option<Self> {
        let mut parts = path.split('/');
        let (owner, rendition, file) = (parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() || !plain(owner) || !plain(rendition) {
            return None;
        }
        let mut header = None;
        let (file, on_air) = if let Some(mut name) = file.strip_suffix(".m4s") {
            if let Some((before, hash)) = name.split_once('~') {
                (name, header) = (before, Some(hash.to_owned()));
            }
            let (n, on_air) = placed(name)?;
            if header.as_deref().is_some_and(|hash| on_air.is_none() || !plain(hash)) {
                return None;
            }
            (SegmentFile::Media(n), on_air)
        } else if let Some(name) = file.strip_suffix(".vtt") {
            let (n, on_air) = placed(name)?;
            (SegmentFile::Text(n), on_air)
        } else {
            let hash = file.strip_prefix("init-")?.strip_suffix(".mp4")?;
            if !plain(hash) {
                return None;
            }
            (SegmentFile::Init(hash.to_owned()), None)
        };
        Some(Self { owner: owner.to_owned(), rendition: rendition.to_owned(), file, on_air, header })
    }
}

/// `<n>` or `<n>@<instant>`.
fn placed(name: &str) -> Option<(u64, Option<u64>)> {
    match name.split_once('@') {
        Some((n, on_air)) => Some((number(n)?, Some(number(on_air)?))),
        None => Some((number(name)?, None)),
    }
}

/// Digits only, without a leading zero: one address per segment, so that a
/// cache cannot be filled with spellings of the same bytes.
fn number(text: &str) -> Option<u64> {
    let canonical = text == "0" || (!text.starts_with('0') && text.bytes().all(|b| b.is_ascii_digit()));
    if canonical { text.parse().ok() } else { None }
}

fn plain(part: &str) -> bool {
    (1..=128).contains(&part.len())
        && !part.starts_with('.')
        && part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'))
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/", self.owner, self.rendition)?;
        let (n, suffix) = match &self.file {
            SegmentFile::Init(hash) => return write!(f, "init-{hash}.mp4"),
            SegmentFile::Media(n) => (n, "m4s"),
            SegmentFile::Text(n) => (n, "vtt"),
        };
        write!(f, "{n}")?;
        if let Some(on_air) = self.on_air {
            write!(f, "@{on_air}")?;
        }
        if let Some(hash) = &self.header {
            write!(f, "~{hash}")?;
        }
        write!(f, ".{suffix}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_address_reads_back() {
        for text in [
            "lesson.a.0f/v720/0.m4s",
            "relay.national/a-ug-Arab/17.m4s",
            "relay.national/v/17@1795428000123456.m4s",
            "relay.national/v/17@1795428000123456~ab12.m4s",
            "x/v/init-ab12.mp4",
            "x/s-en/3.vtt",
            "x/s-en/3@1795428000000000.vtt",
        ] {
            assert_eq!(Address::parse(text).expect(text).to_string(), text);
        }
    }

    #[test]
    fn nothing_leaves_the_folder() {
        for text in [
            "../v/0.m4s",
            "a/../0.m4s",
            "a/v/../0.m4s",
            "a/v/00.m4s",
            "a/v/+1.m4s",
            "a/v/0.mp4",
            "a/v/0@.m4s",
            "a/v/0@-1.m4s",
            "a/v/0@1@2.m4s",
            "a/v/0@99999999999999999999.m4s",
            "a/v/init-00@1.mp4",
            "a/v/0~ab12.m4s",
            "a/v/0@1~.m4s",
            "a/v/0@1~..m4s",
            "a/v/0@1~a~b.m4s",
            "a/s/0@1~ab12.vtt",
            "a/v",
            "/v/0.m4s",
        ] {
            assert_eq!(Address::parse(text), None, "{text}");
        }
    }
}
