//! A table of entries taken into a schedule's file: what stays is not touched.

use super::draft::Draft;
use crate::base::entries::{Entry, EntryError, add_after, entries, swap};

/// A difference between a file and a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// As it stands in the file; none: it is new.
    pub before: Option<Draft>,
    /// As it stands in the table; none: it goes.
    pub after: Option<Draft>,
}

/// An entry of the file.
struct Standing {
    section: &'static str,
    entry: Entry,
    draft: Draft,
    taken: bool,
}

/// Sections of a schedule that hold its entries.
pub const SECTIONS: [&str; 2] = ["weekly", "once"];

/// By what an entry of a table is known again in the file, the surest first.
const LIKENESSES: [fn(&Draft, &Draft) -> bool; 4] = [
    |a, b| a == b,
    |a, b| (a.when, a.start, a.follows) == (b.when, b.start, b.follows),
    |a, b| plays_the_same(a, b) && a.titles == b.titles,
    |a, b| plays_the_same(a, b) && a.when == b.when,
];

fn plays_the_same(a: &Draft, b: &Draft) -> bool {
    let plays = (&a.lessons, &a.relay, &a.series, a.repeat) == (&b.lessons, &b.relay, &b.series, b.repeat);
    plays && a.section() == b.section() && a.follows == b.follows
}

/// `text`, a schedule's file, with the entries of a table, and what that
/// changes. Entries that the table has not stay, or go if it is the `whole`.
///
/// One that stands in both stays as it is written. One of the same day and
/// start is changed in its place, in a whole table also one that plays the
/// same at another time; others are added, each that follows another
/// right behind that one.
pub fn merge(text: &str, table: &[Draft], whole: bool) -> Result<(String, Vec<Difference>), EntryError> {
    let mut standing = Vec::new();
    for section in SECTIONS {
        let all = entries(text, section)?;
        standing.extend(all.into_iter().map(|entry| {
            let draft = Draft::of(section, &entry.values());
            Standing { section, entry, draft, taken: false }
        }));
    }
    let mut pairs: Vec<Option<usize>> = vec![None; table.len()];
    // In a part of a schedule the same lesson at another time is one more.
    let known = if whole { LIKENESSES.len() } else { 2 };
    for alike in &LIKENESSES[..known] {
        for (draft, pair) in table.iter().zip(&mut pairs).filter(|(_, pair)| pair.is_none()) {
            *pair = standing.iter().position(|s| !s.taken && alike(&s.draft, draft));
            if let Some(at) = *pair {
                standing[at].taken = true;
            }
        }
    }
    let mut text = text.to_owned();
    let mut differences = Vec::new();
    if whole {
        for gone in standing.iter().filter(|s| !s.taken) {
            text = swap(&text, gone.section, Some(&gone.entry), None)?;
            differences.push(Difference { before: Some(gone.draft.clone()), after: None });
        }
    }
    // The entry above in the table, as it stands in the file by now.
    let mut above: Option<(&'static str, Entry)> = None;
    for (draft, pair) in table.iter().zip(pairs) {
        let section = draft.section();
        let before = pair.map(|at| &standing[at]);
        let entry = match before {
            Some(s) if s.draft == *draft => s.entry.clone(),
            Some(s) => {
                let changed = s.entry.with(section, draft.values())?;
                text = swap(&text, section, Some(&s.entry), Some(&changed))?;
                changed
            }
            None => {
                let new = Entry::new(section).with(section, draft.values())?;
                text = match above.as_ref().filter(|(s, _)| draft.follows && *s == section) {
                    Some((_, above)) => add_after(&text, section, above, &new)?,
                    None => swap(&text, section, None, Some(&new))?,
                };
                new
            }
        };
        if before.is_none_or(|s| s.draft != *draft) {
            differences
                .push(Difference { before: before.map(|s| s.draft.clone()), after: Some(draft.clone()) });
        }
        above = Some((section, entry));
    }
    Ok((text, differences))
}
