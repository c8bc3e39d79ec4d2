//! TOML that people write, read so that every problem is found in one pass.
//!
//! Serde stops at the first value of a wrong type. Here each table is asked
//! for the keys it may have; whatever is wrong is noted with its place and
//! reading goes on, and a key that nobody asked for is a problem too.

mod nearest;
mod values;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::base::{Fault, Problem, Problems};

pub(crate) use nearest::did_you_mean;
pub(crate) use values::Read;
use values::kind;

/// A value and the byte offset where it stands.
#[derive(Debug, Clone)]
pub(crate) struct At<T> {
    /// The value.
    pub(crate) value: T,
    /// Where it stands in the text.
    pub(crate) at: usize,
}

/// A file being read, and what was found wrong with it so far.
#[derive(Debug)]
pub(crate) struct Document<'t> {
    file: &'t Path,
    text: &'t str,
    problems: RefCell<Vec<Problem>>,
    /// `section.key` of every key asked for → whether any table of that section gives it.
    pub(crate) keys: RefCell<BTreeMap<String, bool>>,
}

impl<'t> Document<'t> {
    /// A document over `text`, the content of `file`.
    pub(crate) fn new(file: &'t Path, text: &'t str) -> Self {
        Self { file, text, problems: RefCell::default(), keys: RefCell::default() }
    }

    /// The root table. A text that is not TOML is refused with all its syntax
    /// errors; what its torn tables would mean is not guessed.
    pub(crate) fn parse(&self) -> Result<Spanned<DeTable<'t>>, Problems> {
        let (root, errors) = DeTable::parse_recoverable(self.text);
        if errors.is_empty() {
            return Ok(root);
        }
        for error in errors {
            let at = error.span().map_or(self.text.len(), |s| s.start);
            self.problem(at, Fault::Syntax, format!("not TOML: {}", error.message().trim_end()));
        }
        Err(self.take())
    }

    /// Notes a problem at byte `at`.
    pub(crate) fn problem(&self, at: usize, fault: Fault, message: impl Into<String>) {
        self.problems.borrow_mut().push(self.place(at, fault, message));
    }

    /// The line of byte `at`, from 1.
    pub(crate) fn line(&self, at: usize) -> usize {
        self.place(at, Fault::Value, "").line
    }

    /// A problem at byte `at`, for the caller to keep.
    pub(crate) fn place(&self, at: usize, fault: Fault, message: impl Into<String>) -> Problem {
        Problem::at(self.file, self.text, at, fault, message)
    }

    /// Notes that `value` is not what was `expected`.
    pub(crate) fn wrong<T>(&self, value: &Spanned<DeValue<'_>>, expected: &str) -> Option<T> {
        self.problem(value.span().start, Fault::Value, format!("expected {expected}, found {}", kind(value)));
        None
    }

    /// `value`, if nothing was found wrong.
    pub(crate) fn finish<T>(&self, value: T) -> Result<T, Problems> {
        let problems = self.take();
        if problems.0.is_empty() { Ok(value) } else { Err(problems) }
    }

    fn take(&self) -> Problems {
        let mut problems = self.problems.take();
        problems.sort();
        problems.dedup();
        Problems(problems)
    }
}

/// One table being read.
#[derive(Debug)]
pub(crate) struct Fields<'d, 't> {
    doc: &'d Document<'t>,
    table: &'d DeTable<'t>,
    /// Where the table begins.
    pub(crate) at: usize,
    section: String,
    asked: RefCell<BTreeSet<&'static str>>,
}

impl<'d, 't> Fields<'d, 't> {
    /// The root table of `doc`.
    pub(crate) fn root(doc: &'d Document<'t>, root: &'d Spanned<DeTable<'t>>) -> Self {
        Self::new(doc, root.get_ref(), 0, String::new())
    }

    fn new(doc: &'d Document<'t>, table: &'d DeTable<'t>, at: usize, section: String) -> Self {
        Self { doc, table, at, section, asked: RefCell::default() }
    }

    fn path(&self, key: &str) -> String {
        if self.section.is_empty() { key.to_owned() } else { format!("{}.{key}", self.section) }
    }

    fn get(&self, key: &'static str) -> Option<&'d Spanned<DeValue<'t>>> {
        self.asked.borrow_mut().insert(key);
        let found = self.table.iter().find(|(k, _)| k.get_ref() == key).map(|(_, v)| v);
        *self.doc.keys.borrow_mut().entry(self.path(key)).or_default() |= found.is_some();
        found
    }

    /// True if the table has `key`, good or not.
    pub(crate) fn gives(&self, key: &'static str) -> bool {
        self.get(key).is_some()
    }

    /// The value of `key`, where it is given and good.
    pub(crate) fn optional<T: Read>(&self, key: &'static str) -> Option<At<T>> {
        let value = self.get(key)?;
        T::read(self.doc, value).map(|read| At { value: read, at: value.span().start })
    }

    /// The value of `key`; its absence is a problem, and `what` says what to write.
    pub(crate) fn required<T: Read>(&self, key: &'static str, what: &str) -> Option<At<T>> {
        if !self.gives(key) {
            let table = if self.section.is_empty() { "the file" } else { &self.section };
            self.doc.problem(self.at, Fault::Missing, format!("{table} has no `{key}`: add {what}"));
        }
        self.optional(key)
    }

    /// The value of `key`, or `default` where it is absent or wrong, with the
    /// place to blame in either case.
    pub(crate) fn or<T: Read>(&self, key: &'static str, default: T) -> At<T> {
        let at = self.get(key).map_or(self.at, |v| v.span().start);
        self.optional(key).unwrap_or(At { value: default, at })
    }

    /// The tables of `[[key]]` in the order of the file; `[key]` is a list of one.
    pub(crate) fn tables(&self, key: &'static str) -> Vec<Fields<'d, 't>> {
        let Some(value) = self.get(key) else { return Vec::new() };
        match value.get_ref().as_array() {
            Some(items) => items.iter().filter_map(|item| self.child(key, item)).collect(),
            None => self.child(key, value).into_iter().collect(),
        }
    }

    fn child(&self, key: &str, value: &'d Spanned<DeValue<'t>>) -> Option<Fields<'d, 't>> {
        let at = value.span().start;
        let Some(table) = value.get_ref().as_table() else {
            self.doc.problem(at, Fault::Value, format!("`{key}` holds {}: expected a table", kind(value)));
            return None;
        };
        Some(Fields::new(self.doc, table, at, self.path(key)))
    }

    /// Reports every key of this table that nobody asked for.
    pub(crate) fn close(self) {
        let asked = self.asked.borrow();
        for (key, _) in self.table {
            let name = key.get_ref().as_ref();
            if asked.contains(name) {
                continue;
            }
            let table = if self.section.is_empty() { "this file" } else { &self.section };
            let hint = did_you_mean(name, asked.iter().copied());
            self.doc.problem(key.span().start, Fault::Key, format!("unknown key `{name}` in {table}{hint}"));
        }
    }
}
