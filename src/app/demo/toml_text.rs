//! Values as TOML text.

use crate::base::Titles;

/// A basic string (TOML 1.0, "String").
pub(super) fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}

/// Texts by language as an inline table.
pub(super) fn inline(titles: &Titles) -> String {
    let pairs: Vec<String> =
        titles.0.iter().map(|(lang, text)| format!("{lang} = {}", quoted(text))).collect();
    format!("{{ {} }}", pairs.join(", "))
}

/// A list of what prints as a TOML value, such as a language tag.
pub(super) fn list<T: AsRef<str>>(items: impl IntoIterator<Item = T>) -> String {
    let items: Vec<String> = items.into_iter().map(|item| quoted(item.as_ref())).collect();
    format!("[{}]", items.join(", "))
}
