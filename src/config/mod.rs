//! `config/county.toml` → a validated [`County`]. Every problem is reported
//! at once, with file, line and column.
//!
//! Invariant: knows nothing of who consumes the county.

mod channels;
mod county;
mod limits;
mod logs;
mod model;
mod oidc;
mod output;
mod people;
mod recording;
mod relays;
mod source;
mod topics;
mod tuner;

use std::collections::BTreeSet;
use std::path::Path;

pub use model::{
    Channel, County, Edge, Evidence, HttpLimits, Oidc, Packaging, Relay, Rung, Source, Tls, Transcode,
    TsOutput, Uploads, Witness,
};

pub use recording::{Alarms, Mail, Recording};
pub use topics::Topic;

use crate::base::document::{At, Document, Fields};
use crate::base::{Fault, Problem, Problems};

/// Reads the county's file. Relative paths in it are relative to it.
pub fn load(path: &Path) -> Result<County, Problems> {
    let unreadable = |message| {
        Problems(vec![Problem {
            file: path.to_owned(),
            line: 1,
            column: 1,
            fault: Fault::Unreadable,
            message,
        }])
    };
    let bytes = std::fs::read(path).map_err(|e| {
        unreadable(format!("cannot be read ({e}): give the county's file with --config FILE"))
    })?;
    let text = match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(e) => {
            let at = e.utf8_error().valid_up_to();
            let good = String::from_utf8_lossy(&e.as_bytes()[..at]).into_owned();
            let message = "not UTF-8 from here on: save the file as UTF-8";
            return Err(Problems(vec![Problem::at(path, &good, at, Fault::Unreadable, message)]));
        }
    };
    // Whole paths: workers are told them, and media frameworks take no others.
    let whole = std::path::absolute(path).map_err(|e| unreadable(format!("cannot be found: {e}")))?;
    parse(path, &text, whole.parent().unwrap_or(Path::new("/")))
}

/// Reads `text` as the county's file; `path` names it in problems, and
/// relative paths in it are relative to `base_dir`.
pub fn parse(path: &Path, text: &str, base_dir: &Path) -> Result<County, Problems> {
    let doc = Document::new(path, text);
    let county = county::read(&doc, base_dir)?;
    doc.finish(county)
}

/// Keys that could stand in `text` and do not, as `section.key`; for the test
/// that holds the example configuration to be the manual.
pub fn keys_left_out(path: &Path, text: &str) -> Result<BTreeSet<String>, Problems> {
    let doc = Document::new(path, text);
    county::read(&doc, Path::new(""))?;
    Ok(doc.keys.borrow().iter().filter(|(_, given)| !**given).map(|(key, _)| key.clone()).collect())
}

/// Names that may be given once.
#[derive(Debug)]
struct Unique<K> {
    what: &'static str,
    seen: std::collections::BTreeMap<K, usize>,
}

impl<K: Ord + Clone + std::fmt::Display> Unique<K> {
    fn new(what: &'static str) -> Self {
        Self { what, seen: std::collections::BTreeMap::new() }
    }

    /// Takes `key`, or reports where it was taken before.
    fn claim(&mut self, doc: &Document<'_>, key: &At<K>) {
        match self.seen.get(&key.value) {
            None => {
                self.seen.insert(key.value.clone(), key.at);
            }
            Some(first) => {
                let line = doc.line(*first);
                let what = self.what;
                doc.problem(
                    key.at,
                    Fault::Twice,
                    format!("{what} `{}` is already used in line {line}", key.value),
                );
            }
        }
    }
}

/// The one table of `[key]`.
fn section<'d, 't>(doc: &Document<'_>, root: &Fields<'d, 't>, key: &'static str) -> Option<Fields<'d, 't>> {
    let mut tables = root.tables(key).into_iter();
    let first = tables.next();
    for again in tables {
        doc.problem(again.at, Fault::Twice, format!("[{key}] stands more than once: keep one"));
    }
    first
}

/// Reports a value outside `[least, most]`.
fn within<T: PartialOrd + std::fmt::Debug>(
    doc: &Document<'_>,
    value: At<T>,
    least: T,
    most: T,
    why: &str,
) -> T {
    if value.value < least || value.value > most {
        doc.problem(
            value.at,
            Fault::Range,
            format!("expected {least:?} to {most:?}, found {:?}: {why}", value.value),
        );
    }
    value.value
}

/// The values of a list that may hold each of them once.
fn once_each<T: Ord + Clone + std::fmt::Display>(
    doc: &Document<'_>,
    what: &'static str,
    items: Vec<At<T>>,
) -> Vec<T> {
    let mut unique = Unique::new(what);
    items.iter().for_each(|item| unique.claim(doc, item));
    items.into_iter().map(|item| item.value).collect()
}

#[cfg(test)]
mod tests;
