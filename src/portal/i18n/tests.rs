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

fn quoted_words() -> BTreeSet<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut all = String::new();
    for dir in ["templates", "src/portal/views", "web/src"] {
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
fn chinese_uyghur_and_english_are_complete_and_the_rest_invents_nothing() {
    let all = keys_of(FALLBACK);
    for tag in ["ug-Arab", "en"] {
        assert_eq!(all.symmetric_difference(&keys_of(tag)).collect::<Vec<_>>(), Vec::<&&str>::new(), "{tag}");
    }
    for (tag, _) in SOURCES {
        assert!(keys_of(tag).is_subset(&all), "{tag} has keys that Chinese lacks");
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
    for dir in ["templates", "src/portal/views", "web/src"] {
        users(&root.join(dir), &mut sources);
    }
    for call in ["ctx.t(\"", "ctx.t1(\"", "text(\""] {
        for rest in sources.split(call).skip(1) {
            let key = rest.split('"').next().unwrap_or_default();
            assert!(all.contains(key), "{key} is used and not written");
        }
    }
}

#[test]
fn the_values_of_every_message_are_filled() {
    let values: Vec<(&str, &str)> = [
        "zone", "percent", "number", "minutes", "count", "name", "time", "year", "month", "day", "weekday",
        "seconds", "height", "status",
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
fn a_missing_key_is_said_in_chinese() {
    assert_eq!(text(&lang("mn-Mong"), "guide-empty", &[]), text(&lang("zh-Hans"), "guide-empty", &[]));
    assert_ne!(text(&lang("ug-Arab"), "guide-empty", &[]), text(&lang("zh-Hans"), "guide-empty", &[]));
    assert_eq!(text(&lang("en"), "no-such-key", &[]), "no-such-key");
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
