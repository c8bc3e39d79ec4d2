//! The pages' own texts: Fluent messages per language, embedded.
//!
//! A key that a language lacks is taken from Chinese, key by key, so that a
//! language with few texts is still usable. The tests hold that every language
//! has every key with the same values, and that no key is unused.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use unic_langid::LanguageIdentifier;

use crate::base::Lang;
use crate::hls::Reason;

/// The language whose texts stand in for missing ones.
pub const FALLBACK: &str = "zh-Hans";

const SOURCES: &[(&str, &str)] = &[
    ("zh-Hans", include_str!("../../web/texts/zh-Hans.ftl")),
    ("ug-Arab", include_str!("../../web/texts/ug-Arab.ftl")),
    ("en", include_str!("../../web/texts/en.ftl")),
    ("kk-Arab", include_str!("../../web/texts/kk-Arab.ftl")),
    ("kk-Cyrl", include_str!("../../web/texts/kk-Cyrl.ftl")),
    ("ky-Arab", include_str!("../../web/texts/ky-Arab.ftl")),
    ("ky-Cyrl", include_str!("../../web/texts/ky-Cyrl.ftl")),
    ("mn-Mong", include_str!("../../web/texts/mn-Mong.ftl")),
];

/// Messages whose names start so are handed to the scripts of the page.
const SCRIPT: &str = "script-";

/// Values a script fills in itself stand in its texts as `{name}`.
const SCRIPT_VALUES: &[&str] = &["seconds", "height", "time", "minutes", "number", "address"];

type Bundle = FluentBundle<FluentResource>;

static BUNDLES: LazyLock<BTreeMap<&'static str, Bundle>> =
    LazyLock::new(|| SOURCES.iter().map(|(tag, source)| (*tag, load(tag, source))).collect());

fn load(tag: &str, source: &str) -> Bundle {
    // The tests hold that every file parses; a bad message costs only itself.
    let resource = FluentResource::try_new(source.to_owned()).unwrap_or_else(|(rest, _)| rest);
    let id: LanguageIdentifier = tag.parse().unwrap_or_default();
    let mut bundle = FluentBundle::new_concurrent(vec![id]);
    bundle.set_use_isolating(false);
    bundle.add_resource_overriding(resource);
    bundle
}

/// The message `key` in `lang`, else in Chinese, else the key itself.
///
/// Values are numbers, times and words of the same language; a title, which
/// may run the other way, never goes into a sentence but stands in its own
/// element.
pub fn text(lang: &Lang, key: &str, values: &[(&str, &str)]) -> String {
    let args: FluentArgs =
        values.iter().map(|(name, value)| ((*name).to_owned(), FluentValue::from(*value))).collect();
    [lang.as_str(), FALLBACK]
        .into_iter()
        .find_map(|tag| format(BUNDLES.get(tag)?, key, &args))
        .unwrap_or_else(|| key.to_owned())
}

/// Why a file did not become a lesson.
pub fn reason(reason: &Reason, lang: &Lang) -> String {
    let values = reason.arguments();
    let values: Vec<(&str, &str)> = values.iter().map(|(name, value)| (*name, value.as_str())).collect();
    text(lang, reason.key(), &values)
}

/// What `key` says in each language that says it.
pub fn in_any_language(key: &str) -> impl Iterator<Item = String> + '_ {
    let none = FluentArgs::new();
    BUNDLES.values().filter_map(move |bundle| format(bundle, key, &none))
}

fn format(bundle: &Bundle, key: &str, args: &FluentArgs<'_>) -> Option<String> {
    let pattern = bundle.get_message(key)?.value()?;
    let mut errors = Vec::new();
    Some(bundle.format_pattern(pattern, Some(args), &mut errors).into_owned())
}

/// The texts that scripts need, by key.
pub fn script_texts(lang: &Lang) -> BTreeMap<&'static str, String> {
    let stand_ins: Vec<(&str, String)> = SCRIPT_VALUES.iter().map(|n| (*n, format!("{{{n}}}"))).collect();
    let values: Vec<(&str, &str)> = stand_ins.iter().map(|(n, v)| (*n, v.as_str())).collect();
    keys(SOURCES[0].1)
        .filter(|key| key.starts_with(SCRIPT))
        .map(|key| (key, text(lang, key, &values)))
        .collect()
}

/// The keys of a file: what stands before ` = ` at the start of a line.
fn keys(source: &'static str) -> impl Iterator<Item = &'static str> {
    source
        .lines()
        .filter(|line| line.starts_with(|c: char| c.is_ascii_lowercase()))
        .filter_map(|line| Some(line.split_once('=')?.0.trim_end()))
}

/// The language of a page: `?lang=`, then the cookie, then `Accept-Language`
/// (RFC 9110 §12.5.4), then the first of `offered`.
pub fn pick(query: Option<&str>, cookie: Option<&str>, accept: Option<&str>, offered: &[Lang]) -> Lang {
    let exact = |tag: Option<&str>| offered.iter().find(|l| Some(l.as_str()) == tag);
    exact(query)
        .or_else(|| exact(cookie))
        .or_else(|| ranked(accept?).into_iter().find_map(|range| matching(range, offered)))
        .or(offered.first())
        .cloned()
        .unwrap_or_else(|| Lang::new(FALLBACK).expect("the fallback is a tag"))
}

/// Language ranges of the header, the most wanted first.
fn ranked(accept: &str) -> Vec<&str> {
    let mut ranges: Vec<(&str, f32)> = accept
        .split(',')
        .filter_map(|part| {
            let mut fields = part.split(';').map(str::trim);
            let range = fields.next().filter(|r| !r.is_empty())?;
            let weight = fields.find_map(|f| f.strip_prefix("q=")).map_or(Some(1.0), |q| q.parse().ok())?;
            (weight > 0.0).then_some((range, weight))
        })
        .collect();
    ranges.sort_by(|a, b| b.1.total_cmp(&a.1));
    ranges.into_iter().map(|(range, _)| range).collect()
}

/// The same tag in any case, else the same primary language.
fn matching<'a>(range: &str, offered: &'a [Lang]) -> Option<&'a Lang> {
    let primary = range.split('-').next().unwrap_or(range);
    offered
        .iter()
        .find(|l| l.as_str().eq_ignore_ascii_case(range))
        .or_else(|| offered.iter().find(|l| l.primary().eq_ignore_ascii_case(primary)))
}

#[cfg(test)]
mod tests;
