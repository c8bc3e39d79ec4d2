use std::collections::BTreeSet;
use std::path::Path;

use super::*;

fn lang(tag: &str) -> Lang {
    Lang::new(tag).expect("a tag")
}

fn keys_of(tag: &str) -> BTreeSet<&'static str> {
    let source = SOURCES.iter().find(|s| s.0 == tag).expect("a language of ours").1;
    keys(source).collect()
}

/// Everything that can name a key: templates, views and scripts.
fn users(dir: &Path, out: &mut String) {
    for entry in std::fs::read_dir(dir).expect("a folder of the project") {
        let path = entry.expect("readable").path();
        if path.is_dir() {
            users(&path, out);
        } else {
            out.push_str(&std::fs::read_to_string(&path).expect("a text file"));
        }
    }
}

/// Where keys of texts stand.
const SPEAKING: [&str; 7] = [
    "templates",
    "src/portal/office",
    "src/portal/views",
    "src/portal/lesson_pages",
    "src/app/alarms",
    "src/hls",
    "web/src",
];

fn quoted_words() -> BTreeSet<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut all = String::new();
    for dir in SPEAKING {
        users(&root.join(dir), &mut all);
    }
    let key = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    all.split('"').filter(|word| !word.is_empty() && word.chars().all(key)).map(str::to_owned).collect()
}

#[test]
fn every_file_parses() {
    for (tag, source) in SOURCES {
        if let Err((_, errors)) = FluentResource::try_new((*source).to_owned()) {
            panic!("{tag}: {errors:?}");
        }
        let unique = keys_of(tag);
        assert_eq!(unique.len(), keys(source).count(), "{tag} says something twice");
        assert!(unique.contains("site-name"), "{tag} has no name for the site");
    }
}

#[test]
fn every_language_is_complete_and_none_invents_keys() {
    let all = keys_of(FALLBACK);
    for (tag, _) in SOURCES {
        let keys = keys_of(tag);
        assert!(keys.is_subset(&all), "{tag} has keys that Chinese lacks");
        let missing: Vec<_> = all.difference(&keys).collect();
        assert!(missing.is_empty(), "{tag} lacks {missing:?}");
    }
}

/// The values between braces in each message of a file.
fn values_of(source: &str) -> BTreeMap<&str, BTreeSet<&str>> {
    source
        .lines()
        .filter_map(|line| line.split_once(" = "))
        .map(|(key, said)| {
            let values = said.split('{').skip(1).filter_map(|rest| rest.split('}').next());
            (key, values.map(str::trim).collect())
        })
        .collect()
}

#[test]
fn each_language_uses_the_same_values_in_a_message() {
    let reference = values_of(SOURCES[0].1);
    for (tag, source) in SOURCES {
        for (key, values) in values_of(source) {
            assert_eq!(values, reference[key], "{tag}: {key}");
        }
    }
}

#[test]
fn every_key_is_used_and_every_used_key_exists() {
    let all = keys_of(FALLBACK);
    let words = quoted_words();
    let unused: Vec<_> = all.iter().filter(|k| !words.contains(**k)).collect();
    assert!(unused.is_empty(), "unused: {unused:?}");

    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut sources = String::new();
    for dir in SPEAKING {
        users(&root.join(dir), &mut sources);
    }
    for call in ["ctx.t(\"", "ctx.t1(\"", " text(\"", ".text(\""] {
        for rest in sources.split(call).skip(1) {
            let key = rest.split('"').next().unwrap_or_default();
            assert!(all.contains(key), "{key} is used and not written");
        }
    }
}

#[test]
fn the_values_of_every_message_are_filled() {
    let values: Vec<(&str, &str)> = [
        "zone", "detail", "percent", "number", "minutes", "hours", "count", "name", "time", "year", "month",
        "day", "weekday", "seconds", "height", "status", "date", "address", "why", "names", "table",
        "column", "line", "cell", "id", "file", "title", "from", "to", "free", "ms", "rate", "left",
        "lesson", "kind", "has", "says", "codec", "width", "length", "reason", "all", "wanted",
    ]
    .into_iter()
    .map(|n| (n, "7"))
    .collect();
    for (tag, source) in SOURCES {
        for key in keys(source) {
            let said = text(&lang(tag), key, &values);
            assert!(!said.contains("{$"), "{tag} {key}: {said}");
            assert!(!said.trim().is_empty(), "{tag} {key} is empty");
        }
    }
}

#[test]
fn what_a_language_does_not_say_is_said_in_chinese() {
    assert_eq!(text(&lang("fr"), "guide-empty", &[]), text(&lang("zh-Hans"), "guide-empty", &[]));
    assert_ne!(text(&lang("ug-Arab"), "guide-empty", &[]), text(&lang("zh-Hans"), "guide-empty", &[]));
    assert_eq!(text(&lang("en"), "no-such-key", &[]), "no-such-key");
}

/// What shapes a Mongolian letter is no space to be tidied away.
#[test]
fn the_shaping_of_mongolian_letters_reaches_the_page() {
    let said = text(&lang("mn-Mong"), "month-11", &[]);
    assert_eq!(said, "11 \u{1830}\u{1820}\u{1837}\u{180e}\u{1820}");
    let date = [("year", "2026"), ("month", &*said), ("day", "23"), ("weekday", "7")];
    assert!(text(&lang("mn-Mong"), "date-long", &date).contains("\u{202f}\u{1836}\u{1822}\u{1828}"));
    assert!(text(&lang("mn-Mong"), "device-computer", &[]).contains('\u{180b}'));
}

#[test]
fn scripts_get_their_texts_with_places_to_fill() {
    let texts = script_texts(&lang("ug-Arab"));
    assert!(texts["script-auto-now"].contains("{height}"));
    assert!(texts.keys().all(|k| k.starts_with(SCRIPT)));
}

#[test]
fn the_address_beats_the_cookie_beats_the_browser() {
    let offered = [lang("zh-Hans"), lang("ug-Arab"), lang("en")];
    let picked = |q, c, a| pick(q, c, a, &offered).as_str().to_owned();
    assert_eq!(picked(Some("en"), Some("ug-Arab"), Some("zh")), "en");
    assert_eq!(picked(Some("xx"), Some("ug-Arab"), Some("zh")), "ug-Arab");
    assert_eq!(picked(None, None, Some("fr, ug;q=0.8, en;q=0.9")), "en");
    assert_eq!(picked(None, None, Some("zh-CN,zh;q=0.9")), "zh-Hans");
    assert_eq!(picked(None, None, Some("ug-CN, en;q=0")), "ug-Arab");
    assert_eq!(picked(None, None, None), "zh-Hans");
    assert_eq!(pick(None, None, None, &[]).as_str(), FALLBACK);
}
