//! Languages by BCP 47 tag, with the script where it matters.

use std::collections::BTreeMap;
use std::sync::Arc;

/// The direction a script is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Left to right.
    Ltr,
    /// Right to left.
    Rtl,
}

impl Direction {
    /// The value of HTML's `dir` attribute.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ltr => "ltr",
            Self::Rtl => "rtl",
        }
    }
}

/// A text that is not a language tag.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a language tag: expected BCP 47 such as `zh-Hans`, `ug-Arab` or `en`")]
pub struct BadLang {
    /// What was given.
    pub text: String,
}

/// A language tag (BCP 47, RFC 5646): language, then script where it matters.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Lang(Arc<str>);

/// Tag, name in its own script, ISO 639-2/T code of the languages the county uses.
const KNOWN: &[(&str, &str, &str)] = &[
    ("zh-Hans", "中文", "zho"),
    ("ug-Arab", "ئۇيغۇرچە", "uig"),
    ("kk-Arab", "قازاقشا", "kaz"),
    ("kk-Cyrl", "Қазақша", "kaz"),
    ("ky-Arab", "قىرعىزچا", "kir"),
    ("ky-Cyrl", "Кыргызча", "kir"),
    ("mn-Mong", "ᠮᠣᠩᠭᠣᠯ", "mon"),
    ("en", "English", "eng"),
];

impl Lang {
    /// Checks `text` against the shape `language[-Script][-REGION]` and wraps it.
    pub fn new(text: &str) -> Result<Self, BadLang> {
        let bad = || BadLang { text: text.to_owned() };
        let mut parts = text.split('-');
        let language = parts.next().unwrap_or_default();
        let ok = (2..=3).contains(&language.len())
            && language.bytes().all(|b| b.is_ascii_lowercase())
            && text.len() <= 16
            && parts.all(|p| (2..=8).contains(&p.len()) && p.bytes().all(|b| b.is_ascii_alphanumeric()));
        if ok { Ok(Self(text.into())) } else { Err(bad()) }
    }

    /// The languages of the county's kind, which texts are written in.
    pub fn known() -> impl Iterator<Item = Self> {
        KNOWN.iter().map(|k| Self(k.0.into()))
    }

    /// The tag.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The primary language subtag, such as `kk`.
    pub fn primary(&self) -> &str {
        self.0.split('-').next().unwrap_or(&self.0)
    }

    /// The language's name in its own script; the tag where it is not known.
    pub fn own_name(&self) -> &str {
        KNOWN.iter().find(|k| k.0 == &*self.0).map_or(&self.0, |k| k.1)
    }

    /// ISO 639-2/T code, as MPEG-TS and subtitle tracks carry it.
    pub fn iso639(&self) -> &str {
        let p = self.primary();
        KNOWN.iter().find(|k| k.0.split('-').next() == Some(p)).map_or(p, |k| k.2)
    }

    /// Writing direction, from the script subtag.
    pub fn direction(&self) -> Direction {
        let arabic = self.0.split('-').any(|p| p.eq_ignore_ascii_case("arab"))
            || matches!(&*self.0, "ug" | "ar" | "fa" | "ur");
        if arabic { Direction::Rtl } else { Direction::Ltr }
    }

    /// The county's language for an ISO 639 code (`zho`, `chi`, `zh`) or tag;
    /// where two scripts share a code, the one among `preferred` wins.
    pub fn from_iso639(code: &str, preferred: &[Lang]) -> Option<Self> {
        let code = code.to_ascii_lowercase();
        let code = match code.as_str() {
            "chi" | "cmn" => "zho",
            other => other,
        };
        let same = |tag: &str, iso: &str| iso == code || tag.split('-').next() == Some(code);
        preferred
            .iter()
            .find(|l| same(l.as_str(), l.iso639()))
            .cloned()
            .or_else(|| KNOWN.iter().find(|k| same(k.0, k.2)).map(|k| Self(k.0.into())))
    }
}

impl TryFrom<String> for Lang {
    type Error = BadLang;
    fn try_from(text: String) -> Result<Self, BadLang> {
        Self::new(&text)
    }
}
impl std::str::FromStr for Lang {
    type Err = BadLang;
    fn from_str(text: &str) -> Result<Self, BadLang> {
        Self::new(text)
    }
}
impl From<Lang> for String {
    fn from(lang: Lang) -> String {
        lang.0.to_string()
    }
}
impl std::fmt::Display for Lang {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}
impl std::fmt::Debug for Lang {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Lang({})", self.0)
    }
}

/// A title in several languages.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Titles(pub BTreeMap<Lang, String>);

impl Titles {
    /// The text for `lang`: exact tag, then the same language in another
    /// script, then Chinese, then any. The tag says what was found, so that a
    /// page can mark a fallback with the right `lang` attribute.
    pub fn best(&self, lang: &Lang) -> Option<(&Lang, &str)> {
        let found = self
            .0
            .get_key_value(lang)
            .or_else(|| self.0.iter().find(|(l, _)| l.primary() == lang.primary()))
            .or_else(|| self.0.iter().find(|(l, _)| l.primary() == "zh"))
            .or_else(|| self.0.iter().next());
        found.map(|(l, t)| (l, t.as_str()))
    }
}

impl<const N: usize> From<[(&str, &str); N]> for Titles {
    /// For literals; a tag that is not one is left out.
    fn from(pairs: [(&str, &str); N]) -> Self {
        Self(pairs.iter().filter_map(|(l, t)| Some((Lang::new(l).ok()?, (*t).to_owned()))).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lang(t: &str) -> Lang {
        Lang::new(t).expect("a tag")
    }

    #[test]
    fn direction_comes_from_the_script() {
        assert_eq!(lang("ug-Arab").direction(), Direction::Rtl);
        assert_eq!(lang("kk-Arab").direction(), Direction::Rtl);
        assert_eq!(lang("kk-Cyrl").direction(), Direction::Ltr);
        assert_eq!(lang("zh-Hans").direction(), Direction::Ltr);
    }

    #[test]
    fn a_missing_title_falls_back_and_says_so() {
        let titles = Titles::from([("zh-Hans", "葡萄"), ("kk-Cyrl", "Жүзім")]);
        assert_eq!(titles.best(&lang("kk-Arab")), Some((&lang("kk-Cyrl"), "Жүзім")));
        assert_eq!(titles.best(&lang("en")), Some((&lang("zh-Hans"), "葡萄")));
        assert_eq!(Titles::default().best(&lang("en")), None);
    }

    #[test]
    fn iso_codes_find_the_county_s_script() {
        assert_eq!(Lang::from_iso639("chi", &[]), Some(lang("zh-Hans")));
        assert_eq!(Lang::from_iso639("kaz", &[lang("kk-Cyrl")]), Some(lang("kk-Cyrl")));
        assert_eq!(Lang::from_iso639("zzz", &[]), None);
    }
}
