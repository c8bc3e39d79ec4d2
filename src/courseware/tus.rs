//! What headers of tus 1.0.0 say (<https://tus.io/protocols/resumable-upload>).

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use sha1::{Digest as _, Sha1};
use sha2::Sha256;

use crate::base::{Lang, Titles};

use super::inbox::is_taken;

/// Names of files are no longer than what a disk takes, with room for side files.
const LONGEST_NAME: usize = 200;

/// A header that cannot be followed, in words for who sent it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadHeader(String);

fn bad(said: impl Into<String>) -> BadHeader {
    BadHeader(said.into())
}

/// What is to be uploaded: `Upload-Metadata` (tus 1.0.0, Creation).
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Wish {
    /// `filename`: its name without folders.
    pub name: String,
    /// `sha256`: what its bytes are to be, in hexadecimal digits.
    pub sha256: Option<String>,
    /// `title-LANG`: what the lesson is to be called.
    pub titles: Titles,
    /// `again`: the bytes are known to be there, and wanted once more.
    pub again: bool,
}

impl Wish {
    /// Reads the header: pairs of a name and a value in Base64, by commas.
    pub fn read(header: &str) -> Result<Self, BadHeader> {
        let mut pairs = BTreeMap::new();
        for pair in header.split(',').map(str::trim).filter(|p| !p.is_empty()) {
            let (key, value) = pair.split_once(' ').unwrap_or((pair, ""));
            let value = BASE64_STANDARD.decode(value.trim()).ok().and_then(|v| String::from_utf8(v).ok());
            let value =
                value.ok_or_else(|| bad(format!("Upload-Metadata: `{key}` is not Base64 of UTF-8")))?;
            if pairs.insert(key, value).is_some() {
                return Err(bad(format!("Upload-Metadata: `{key}` stands there twice")));
            }
        }
        let name = pairs.get("filename").ok_or_else(|| bad("Upload-Metadata: expected `filename`"))?;
        let sha256 = pairs.get("sha256").map(|hash| hash.to_ascii_lowercase());
        if sha256.as_ref().is_some_and(|h| h.len() != 64 || !h.bytes().all(|b| b.is_ascii_hexdigit())) {
            return Err(bad("Upload-Metadata: expected 64 hexadecimal digits as `sha256`"));
        }
        let mut titles = Titles::default();
        for (key, title) in pairs.iter().filter(|(_, title)| !title.trim().is_empty()) {
            let Some(lang) = key.strip_prefix("title-") else { continue };
            let lang =
                Lang::new(lang).map_err(|_| bad(format!("Upload-Metadata: `{lang}` is no language")))?;
            titles.0.insert(lang, title.trim().to_owned());
        }
        Ok(Self { name: file_name(name)?, sha256, titles, again: pairs.contains_key("again") })
    }
}

/// A file's name as it may stand in a folder of ours; browsers and people send paths.
fn file_name(given: &str) -> Result<String, BadHeader> {
    let last = given.rsplit(['/', '\\']).next().unwrap_or_default();
    let name: String = last.chars().filter(|c| !c.is_control()).collect();
    let name = name.trim().trim_start_matches('.');
    if name.len() > LONGEST_NAME {
        return Err(bad(format!("the name is too long: expected at most {LONGEST_NAME} bytes, `{name}`")));
    }
    if !is_taken(name) {
        return Err(bad(format!(
            "`{name}` is no file of a lesson: expected a video such as .mp4, .mkv, .avi, .wmv or .mpg, \
             sound such as .mp3 or .m4a, subtitles .srt or .vtt, titles .toml, or a document such as .pdf or .pptx"
        )));
    }
    Ok(name.to_owned())
}

/// What the bytes of a request are to be: `Upload-Checksum` (tus 1.0.0, Checksum).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Checksum {
    /// SHA-1.
    Sha1([u8; 20]),
    /// SHA-256.
    Sha256([u8; 32]),
}

impl Checksum {
    /// `Tus-Checksum-Algorithm`.
    pub const ALGORITHMS: &str = "sha1,sha256";

    /// Reads the header: an algorithm and a sum in Base64.
    pub fn read(header: &str) -> Result<Self, BadHeader> {
        let expected =
            || bad(format!("Upload-Checksum: expected one of {} and a sum in Base64", Self::ALGORITHMS));
        let (algorithm, sum) = header.trim().split_once(' ').ok_or_else(expected)?;
        let sum = BASE64_STANDARD.decode(sum.trim()).map_err(|_| expected())?;
        match algorithm {
            "sha1" => sum.try_into().map(Self::Sha1).map_err(|_| expected()),
            "sha256" => sum.try_into().map(Self::Sha256).map_err(|_| expected()),
            _ => Err(expected()),
        }
    }

    /// Begins to sum up.
    pub(super) fn begin(self) -> Summing {
        match self {
            Self::Sha1(wanted) => Summing::Sha1(Box::default(), wanted),
            Self::Sha256(wanted) => Summing::Sha256(Box::default(), wanted),
        }
    }
}

/// A sum on its way.
#[derive(Debug)]
pub(super) enum Summing {
    Sha1(Box<Sha1>, [u8; 20]),
    Sha256(Box<Sha256>, [u8; 32]),
}

impl Summing {
    pub(super) fn add(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha1(sum, _) => sum.update(bytes),
            Self::Sha256(sum, _) => sum.update(bytes),
        }
    }

    /// True if it is what it was to be.
    pub(super) fn holds(self) -> bool {
        match self {
            Self::Sha1(sum, wanted) => sum.finalize()[..] == wanted,
            Self::Sha256(sum, wanted) => sum.finalize()[..] == wanted,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn header(pairs: &[(&str, &str)]) -> String {
        let pairs: Vec<String> =
            pairs.iter().map(|(k, v)| format!("{k} {}", BASE64_STANDARD.encode(v))).collect();
        pairs.join(",")
    }

    #[test]
    fn a_wish_is_read() {
        let hash = "A".repeat(64);
        let given = [("filename", "C:\\课件\\葡萄.MP4"), ("sha256", &hash), ("title-zh-Hans", " 葡萄栽培 ")];
        let wish = Wish::read(&format!("{}, again", header(&given))).expect("a wish");
        assert_eq!((wish.name.as_str(), wish.sha256), ("葡萄.MP4", Some("a".repeat(64))));
        assert_eq!(wish.titles.0[&Lang::new("zh-Hans").expect("a language")], "葡萄栽培");
        assert!(wish.again);
    }

    #[test]
    fn what_is_wrong_with_a_wish_is_said() {
        for (given, said) in [
            (header(&[]), "expected `filename`"),
            ("filename ???".to_owned(), "`filename` is not Base64"),
            (header(&[("filename", "a.mp4"), ("filename", "b.mp4")]), "twice"),
            (header(&[("filename", "virus.exe")]), "`virus.exe` is no file of a lesson"),
            (header(&[("filename", "list.m3u8")]), "no file of a lesson"),
            (header(&[("filename", "../../.mp4")]), "no file of a lesson"),
            (header(&[("filename", &format!("{}.mp4", "x".repeat(200)))]), "too long"),
            (header(&[("filename", "a.mp4"), ("sha256", "12")]), "64 hexadecimal"),
            (header(&[("filename", "a.mp4"), ("title-!", "x")]), "no language"),
        ] {
            let error = Wish::read(&given).expect_err(&given);
            assert!(error.to_string().contains(said), "{given}: {error}");
        }
    }

    #[test]
    fn sums_are_read_and_hold() {
        // RFC 3174 §7.3 and FIPS 180-2, appendix B.1: "abc".
        for (header, whole) in [
            ("sha1 qZk+NkcGgWq6PiVxeFDCbJzQ2J0=", true),
            ("sha256 ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=", true),
            ("sha1 AAAAAAAAAAAAAAAAAAAAAAAAAAA=", false),
        ] {
            let mut sum = Checksum::read(header).expect(header).begin();
            sum.add(b"a");
            sum.add(b"bc");
            assert_eq!(sum.holds(), whole, "{header}");
        }
        for header in
            ["", "sha1", "md5 rL0Y20zC+Fzt72VPzMSk2A==", "sha1 !", "sha256 qZk+NkcGgWq6PiVxeFDCbJzQ2J0="]
        {
            assert!(Checksum::read(header).is_err(), "{header}");
        }
    }

    proptest! {
        /// Whatever is sent, a name stays within its folder.
        #[test]
        fn names_stay_where_they_are(given in "\\PC{0,40}", ending in "\\.(mp4|srt|toml)") {
            let all = format!("{given}{ending}");
            if let Ok(wish) = Wish::read(&header(&[("filename", &all)])) {
                let path = std::path::Path::new(&wish.name);
                prop_assert_eq!(path.components().count(), 1);
                prop_assert!(path.file_name().is_some_and(|n| n == path.as_os_str()));
                prop_assert!(!wish.name.starts_with('.'));
            }
        }
    }
}
