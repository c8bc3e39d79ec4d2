//! The kinds of value that stand in the county's files.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::civil::Date;
use toml::Spanned;
use toml::de::DeValue;

use super::{At, Document};
use crate::base::{
    ChannelId, Fault, Lang, LessonId, RelayId, SiteId, TerminalId, Titles, TopicId, TownshipId,
};

/// A type that can be read from one TOML value. None: a problem was noted.
pub(crate) trait Read: Sized {
    /// Reads `value`, noting in `doc` what is wrong with it.
    fn read(doc: &Document<'_>, value: &Spanned<DeValue<'_>>) -> Option<Self>;
}

/// The kind of a value as a person would call it.
pub(crate) fn kind(value: &Spanned<DeValue<'_>>) -> &'static str {
    match value.get_ref() {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number with a fraction",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date or time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

fn checked<T, E: std::fmt::Display>(
    doc: &Document<'_>,
    value: &Spanned<DeValue<'_>>,
    expected: &str,
    parse: impl FnOnce(&str) -> Result<T, E>,
) -> Option<T> {
    let Some(text) = value.get_ref().as_str() else { return doc.wrong(value, expected) };
    parse(text).map_err(|e| doc.problem(value.span().start, Fault::Value, e.to_string())).ok()
}

macro_rules! read_text {
    ($($kind:ty, $expected:literal;)*) => {$(
        impl Read for $kind {
            fn read(doc: &Document<'_>, value: &Spanned<DeValue<'_>>) -> Option<Self> {
                checked(doc, value, $expected, |text| <$kind>::try_from(text.to_owned()))
            }
        }
    )*};
}

read_text! {
    ChannelId, "an identifier in quotes";
    LessonId, "an identifier in quotes";
    RelayId, "an identifier in quotes";
    TownshipId, "an identifier in quotes";
    TopicId, "an identifier in quotes";
    SiteId, "an identifier in quotes";
    TerminalId, "an identifier in quotes";
    Lang, "a language tag in quotes, such as \"zh-Hans\"";
    String, "a text in quotes";
}

macro_rules! read_whole {
    ($($kind:ty)*) => {$(
        impl Read for $kind {
            fn read(doc: &Document<'_>, value: &Spanned<DeValue<'_>>) -> Option<Self> {
                let Some(number) = value.get_ref().as_integer() else { return doc.wrong(value, "a whole number") };
                let parsed = i128::from_str_radix(number.as_str(), number.radix()).ok();
                let fits = parsed.and_then(|n| <$kind>::try_from(n).ok());
                if fits.is_none() {
                    let message = format!("expected a whole number from 0 to {}", <$kind>::MAX);
                    doc.problem(value.span().start, Fault::Range, message);
                }
                fits
            }
        }
    )*};
}

read_whole! { u16 u32 usize }

impl Read for bool {
    fn read(doc: &Document<'_>, value: &Spanned<DeValue<'_>>) -> Option<Self> {
        value.get_ref().as_bool().or_else(|| doc.wrong(value, "true or false"))
    }
}

impl Read for Date {
    fn read(doc: &Document<'_>, value: &Spanned<DeValue<'_>>) -> Option<Self> {
        let text = match value.get_ref() {
            DeValue::Datetime(d) if d.time.is_none() => d.to_string(),
            DeValue::String(s) => s.to_string(),
            _ => return doc.wrong(value, "a date such as 2026-12-01"),
        };
        let date: Option<Date> = text.parse().ok().filter(|_| text.len() == 10);
        if date.is_none() {
            doc.problem(
                value.span().start,
                Fault::Value,
                format!("`{text}` is not a date: expected one such as 2026-12-01"),
            );
        }
        date
    }
}

impl Read for Duration {
    fn read(doc: &Document<'_>, value: &Spanned<DeValue<'_>>) -> Option<Self> {
        checked(doc, value, "a duration in quotes, such as \"60s\", \"5m\" or \"2h\"", duration)
    }
}

fn duration(text: &str) -> Result<Duration, String> {
    let bad =
        || format!("`{text}` is not a duration: write a whole number and ms, s, m, h or d, such as \"60s\"");
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let number: u64 = text[..digits].parse().map_err(|_| bad())?;
    let millis = match text[digits..].trim_start() {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return Err(bad()),
    };
    // A year is longer than anything a county waits for, and no sum of such overflows.
    let total = number.checked_mul(millis).filter(|t| *t <= 366 * 86_400_000);
    total.map(Duration::from_millis).ok_or_else(|| format!("`{text}` is longer than a year"))
}

/// Each item is read, so that every bad one is reported.
impl<T: Read> Read for Vec<At<T>> {
    fn read(doc: &Document<'_>, value: &Spanned<DeValue<'_>>) -> Option<Self> {
        let Some(items) = value.get_ref().as_array() else { return doc.wrong(value, "a list in [brackets]") };
        let read: Vec<_> = items
            .iter()
            .map(|item| T::read(doc, item).map(|value| At { value, at: item.span().start }))
            .collect();
        read.into_iter().collect()
    }
}

impl Read for Titles {
    fn read(doc: &Document<'_>, value: &Spanned<DeValue<'_>>) -> Option<Self> {
        let expected = "texts by language, such as { zh-Hans = \"…\", ug-Arab = \"…\" }";
        let Some(table) = value.get_ref().as_table() else { return doc.wrong(value, expected) };
        let mut titles = BTreeMap::new();
        for (key, text) in table {
            let lang = Lang::new(key.get_ref())
                .map_err(|e| doc.problem(key.span().start, Fault::Value, e.to_string()));
            if let (Ok(lang), Some(text)) = (lang, title(doc, text)) {
                titles.insert(lang, text);
            }
        }
        if table.is_empty() {
            doc.problem(
                value.span().start,
                Fault::Empty,
                format!("there is no text here: expected {expected}"),
            );
        }
        Some(Self(titles))
    }
}

fn title(doc: &Document<'_>, value: &Spanned<DeValue<'_>>) -> Option<String> {
    let text = String::read(doc, value)?;
    if text.trim().is_empty() || text.chars().any(char::is_control) {
        doc.problem(value.span().start, Fault::Empty, "expected one line of text that is not empty");
        return None;
    }
    Some(text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_a_unit() {
        assert_eq!(duration("60s"), Ok(Duration::from_secs(60)));
        assert_eq!(duration("5m"), Ok(Duration::from_secs(300)));
        assert_eq!(duration("2h"), Ok(Duration::from_secs(7200)));
        assert_eq!(duration("250ms"), Ok(Duration::from_millis(250)));
        for bad in ["", "60", "s", "-5s", "1.5h", "5 minutes", "99999999999999999999s", "9999999d"] {
            assert!(duration(bad).is_err(), "{bad:?} was taken");
        }
    }
}
