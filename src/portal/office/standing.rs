//! What stands in a schedule's file.

use crate::base::entries::{Entry, entries};
use crate::base::{Lang, Titles};
use crate::schedule::{Draft, SECTIONS};

/// The entries of a section. A file that is no TOML has none: what is wrong
/// with it is told beside.
pub(super) fn read(text: &str, section: &str) -> Vec<Entry> {
    entries(text, section).unwrap_or_default()
}

/// Every entry: its mark and what it says.
pub(super) fn read_all(text: &str) -> Vec<(String, Draft)> {
    let of = |section| {
        let all = read(text, section);
        all.into_iter().map(move |e| (e.mark(), Draft::of(section, &e.values())))
    };
    SECTIONS.into_iter().flat_map(of).collect()
}

/// The series of a schedule: names and titles.
pub(super) fn series_of(text: &str) -> Vec<(String, Titles)> {
    let of = |entry: &Entry| {
        let values = entry.values();
        let id = values.get("id")?.as_str()?.to_owned();
        let titles = values.get("title").and_then(toml::Value::as_table).into_iter().flatten();
        let titles = titles.filter_map(|(l, t)| Some((Lang::new(l).ok()?, t.as_str()?.to_owned())));
        Some((id, Titles(titles.collect())))
    };
    read(text, "series").iter().filter_map(of).collect()
}

/// A name to show: the identifier where there are no titles.
pub(super) fn titled_or(titles: &Titles, id: &str) -> Titles {
    let plain = || Lang::new("en").map(|en| Titles([(en, id.to_owned())].into())).unwrap_or_default();
    if titles.0.is_empty() { plain() } else { titles.clone() }
}

/// The entry with this mark, and its section.
pub(super) fn marked(text: &str, mark: &str) -> Option<(&'static str, Entry)> {
    let mut all = SECTIONS.into_iter().flat_map(|s| read(text, s).into_iter().map(move |e| (s, e)));
    all.find(|(_, entry)| entry.mark() == mark)
}

/// The first entry that `draft` would overlap, but for the one it replaces.
pub(super) fn overlapped(text: &str, draft: &Draft, but: Option<&str>) -> Option<Draft> {
    let section = draft.section();
    let others = read(text, section).into_iter().filter(|e| Some(e.mark().as_str()) != but);
    others.map(|e| Draft::of(section, &e.values())).find(|other| draft.overlaps(other))
}
