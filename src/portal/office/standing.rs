//! What stands in a schedule's file.

use crate::base::entries::{Entry, entries_of};
use crate::base::{Lang, Titles};
use crate::schedule::{Draft, SECTIONS};

/// The entries of a schedule. A file that is no TOML has none: what is wrong
/// with it is told beside.
#[derive(Debug, Default)]
pub(super) struct Standing {
    /// Of [`SECTIONS`], in this order.
    programmes: [Vec<Entry>; 2],
    series: Vec<Entry>,
}

impl Standing {
    pub(super) fn read(text: &str) -> Self {
        let [first, second] = SECTIONS;
        let Ok([first, second, series]) = entries_of(text, [first, second, "series"]) else {
            return Self::default();
        };
        Self { programmes: [first, second], series }
    }

    /// Each section with its entries.
    pub(super) fn sections(&self) -> impl Iterator<Item = (&'static str, &[Entry])> {
        SECTIONS.into_iter().zip(self.programmes.iter().map(Vec::as_slice))
    }

    fn all(&self) -> impl Iterator<Item = (&'static str, &Entry)> {
        self.sections().flat_map(|(section, all)| all.iter().map(move |e| (section, e)))
    }

    /// Every entry: its mark and what it says.
    pub(super) fn drafts(&self) -> Vec<(String, Draft)> {
        self.all().map(|(section, e)| (e.mark(), Draft::of(section, &e.values()))).collect()
    }

    /// The series: names and titles.
    pub(super) fn series(&self) -> Vec<(String, Titles)> {
        let of = |entry: &Entry| {
            let values = entry.values();
            let id = values.get("id")?.as_str()?.to_owned();
            let titles = values.get("title").and_then(toml::Value::as_table).into_iter().flatten();
            let titles = titles.filter_map(|(l, t)| Some((Lang::new(l).ok()?, t.as_str()?.to_owned())));
            Some((id, Titles(titles.collect())))
        };
        self.series.iter().filter_map(of).collect()
    }

    /// The entry with this mark, and its section.
    pub(super) fn marked(&self, mark: &str) -> Option<(&'static str, &Entry)> {
        self.all().find(|(_, entry)| entry.mark() == mark)
    }
}

/// The first of `all` that `draft` would overlap, but for the one it replaces.
pub(super) fn overlapped<'a>(
    all: &'a [(String, Draft)],
    draft: &Draft,
    but: Option<&str>,
) -> Option<&'a Draft> {
    let others = all.iter().filter(|(mark, other)| {
        other.section() == draft.section() && Some(mark.as_str()) != but && draft.overlaps(other)
    });
    others.map(|(_, other)| other).next()
}

/// A name to show: the identifier where there are no titles.
pub(super) fn titled_or(titles: &Titles, id: &str) -> Titles {
    let plain = || Lang::new("en").map(|en| Titles([(en, id.to_owned())].into())).unwrap_or_default();
    if titles.0.is_empty() { plain() } else { titles.clone() }
}
