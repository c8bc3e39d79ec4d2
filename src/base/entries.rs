//! One entry of a TOML file that people write, changed without touching the
//! rest: neither comments nor spaces nor the order of what stands around it.
//!
//! An entry is an element of an array of tables, such as a `[[weekly]]` of a
//! schedule, or the keys that stand before the first table. It is handled as
//! text, so that it can be compared, kept, and put back later.

use sha2::{Digest, Sha256};
use toml_edit::{ArrayOfTables, DocumentMut, Item, Table, Value};

/// Why an entry cannot be read or put in place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    /// The text is no TOML.
    #[error("not TOML: {0}")]
    NotToml(String),
    /// The entries are written in another way.
    #[error("`{0}` is not written as [[{0}]] tables: change this file by hand")]
    NotTables(String),
    /// The entry that was to be changed is not there (any more).
    #[error("this entry has been changed or removed meanwhile")]
    Gone,
}

/// An entry as it stands in its file, with the comment right above it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry(String);

/// Values by key; none: the key is left out.
pub type Values = Vec<(&'static str, Option<Value>)>;

/// The name of the keys before the first table, where a section's name is asked for.
pub const ROOT: &str = "";

impl Entry {
    /// A new one of `section`, with nothing in it.
    pub fn new(section: &str) -> Self {
        Self::of(section, Table::new())
    }

    /// One that was kept as text.
    pub fn kept(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// As text.
    pub fn text(&self) -> &str {
        &self.0
    }

    /// A short name that another entry, or this one changed, does not have.
    pub fn mark(&self) -> String {
        hex::encode(&Sha256::digest(self.0.as_bytes())[..6])
    }

    /// Its keys and values; empty if it cannot be read.
    pub fn values(&self) -> toml::Table {
        let Ok(table) = self.0.parse::<toml::Table>() else { return toml::Table::new() };
        let mut sections = table.iter().filter_map(|(_, v)| v.as_array()?.first()?.as_table().cloned());
        match table.len() {
            1 => sections.next().unwrap_or(table),
            _ => table,
        }
    }

    /// The same with these values; none: without that key. A value that says
    /// the same already stays as it is written.
    pub fn with<'k>(
        &self,
        section: &str,
        values: impl IntoIterator<Item = (&'k str, Option<Value>)>,
    ) -> Result<Self, EntryError> {
        let mut table = self.table(section)?;
        for (key, value) in values {
            set(&mut table, key, value);
        }
        Ok(Self::of(section, table))
    }

    fn of(section: &str, mut table: Table) -> Self {
        if section == ROOT {
            let mut text = table.to_string();
            if let Some(prefix) = table.decor().prefix().and_then(|p| p.as_str()) {
                text.insert_str(0, prefix);
            }
            return Self(text);
        }
        table.set_position(None);
        if table.decor().prefix().is_none() {
            // Left out, it would be an empty line.
            table.decor_mut().set_prefix("");
        }
        let mut tables = ArrayOfTables::new();
        tables.push(table);
        let mut document = DocumentMut::new();
        document.insert(section, Item::ArrayOfTables(tables));
        Self(document.to_string())
    }

    fn table(&self, section: &str) -> Result<Table, EntryError> {
        let document = parse(&self.0)?;
        if section == ROOT {
            return Ok(document.into_table());
        }
        let tables = document.get(section).and_then(Item::as_array_of_tables);
        tables.and_then(|t| t.get(0)).cloned().ok_or_else(|| EntryError::NotTables(section.to_owned()))
    }
}

/// The entries of `section` in the order of the file.
pub fn entries(text: &str, section: &str) -> Result<Vec<Entry>, EntryError> {
    standing(&parse(text)?, section)
}

/// The entries of each of `sections`, in the order of the file, which is read
/// once; none of a section that is written in another way.
pub fn entries_of<const N: usize>(text: &str, sections: [&str; N]) -> Result<[Vec<Entry>; N], EntryError> {
    let document = parse(text)?;
    let mut all = [const { Vec::new() }; N];
    for (entries, section) in all.iter_mut().zip(sections) {
        *entries = standing(&document, section).unwrap_or_default();
    }
    Ok(all)
}

fn standing(document: &DocumentMut, section: &str) -> Result<Vec<Entry>, EntryError> {
    if section == ROOT {
        let mut root = document.as_table().clone();
        root.retain(|_, item| item.is_value());
        return Ok(vec![Entry::of(ROOT, root)]);
    }
    match document.get(section) {
        None => Ok(Vec::new()),
        Some(Item::ArrayOfTables(tables)) => Ok(tables.iter().map(|t| Entry::of(section, own(t))).collect()),
        Some(_) => Err(EntryError::NotTables(section.to_owned())),
    }
}

/// `text` with the entry `to` in the place of `from`. Without `from` it is
/// added behind the others, without `to` it is taken out.
pub fn swap(
    text: &str,
    section: &str,
    from: Option<&Entry>,
    to: Option<&Entry>,
) -> Result<String, EntryError> {
    let mut document = parse(text)?;
    if let (None, Some(new)) = (from, to)
        && section != ROOT
        && let Some(last) = standing(&document, section)?.last()
    {
        return put_after(document, section, last, new);
    }
    let at = match from {
        Some(from) => {
            Some(standing(&document, section)?.iter().position(|e| e.0 == from.0).ok_or(EntryError::Gone)?)
        }
        None => None,
    };
    if section == ROOT {
        let to = to.ok_or(EntryError::Gone)?.table(ROOT)?;
        let root = document.as_table_mut();
        let gone: Vec<String> = root
            .iter()
            .filter(|(key, item)| item.is_value() && !to.contains_key(key))
            .map(|(key, _)| key.to_owned())
            .collect();
        gone.iter().for_each(|key| set(root, key, None));
        for (key, item) in &to {
            set(root, key, item.as_value().cloned());
        }
        return Ok(document.to_string());
    }
    let to = to.map(|to| to.table(section)).transpose()?;
    let there = document.entry(section).or_insert_with(|| Item::ArrayOfTables(ArrayOfTables::new()));
    let tables = there.as_array_of_tables_mut().ok_or_else(|| EntryError::NotTables(section.to_owned()))?;
    let mut left_over = String::new();
    match (at, to) {
        (None, None) => {}
        (None, Some(mut table)) => {
            if !text.trim().is_empty() {
                let whole = format!("\n{}", prefix(&table));
                table.decor_mut().set_prefix(whole);
            }
            // Behind all that stand there, of which there are no more than lines.
            table.set_position(isize::try_from(text.lines().count()).ok());
            tables.push(table);
        }
        (Some(at), Some(mut table)) => {
            let old = tables.get(at).ok_or(EntryError::Gone)?;
            table.set_position(old.position());
            let above = prefix(old);
            let kept = above.len() - comment(above).len();
            let whole = format!("{}{}", &above[..kept], prefix(&table));
            table.decor_mut().set_prefix(whole);
            tables.replace(at, table);
        }
        (Some(at), None) => {
            let old = tables.remove(at);
            let above = foreign(prefix(&old));
            match tables.get_mut(at) {
                _ if !above.contains('#') => {}
                Some(next) => {
                    let whole = format!("{above}{}", prefix(next));
                    next.decor_mut().set_prefix(whole);
                }
                None => left_over = above.to_owned(),
            }
        }
    }
    if tables.is_empty() {
        document.remove(section);
    }
    if !left_over.is_empty() {
        let whole = format!("{left_over}{}", document.trailing().as_str().unwrap_or_default());
        document.set_trailing(whole);
    }
    Ok(document.to_string())
}

/// `text` with the entry `new` right behind the entry `above`.
pub fn add_after(text: &str, section: &str, above: &Entry, new: &Entry) -> Result<String, EntryError> {
    put_after(parse(text)?, section, above, new)
}

fn put_after(
    mut document: DocumentMut,
    section: &str,
    above: &Entry,
    new: &Entry,
) -> Result<String, EntryError> {
    // Of two that are alike the last.
    let all = standing(&document, section)?;
    let at = all.iter().rposition(|e| e.0 == above.0).ok_or(EntryError::Gone)?;
    let mut table = new.table(section)?;
    let there = document.get(section).and_then(Item::as_array_of_tables);
    let above = there.and_then(|t| t.get(at)).ok_or(EntryError::Gone)?;
    // Tables are written in the order of their positions: those behind make room.
    let mut last = isize::MIN;
    let mut own = above.clone();
    positions(&mut own, &mut |position| {
        last = last.max(position);
        position
    });
    positions(document.as_table_mut(), &mut |position| position + isize::from(position > last));
    let whole = format!("\n{}", prefix(&table));
    table.decor_mut().set_prefix(whole);
    table.set_position(Some(last + 1));
    let tables = document.get_mut(section).and_then(Item::as_array_of_tables_mut);
    tables.ok_or(EntryError::Gone)?.push(table);
    Ok(document.to_string())
}

/// Changes the position of a table and of all below it.
fn positions(table: &mut Table, change: &mut impl FnMut(isize) -> isize) {
    if let Some(position) = table.position() {
        table.set_position(Some(change(position)));
    }
    for (_, item) in table.iter_mut() {
        match item {
            Item::Table(below) => positions(below, change),
            Item::ArrayOfTables(all) => all.iter_mut().for_each(|below| positions(below, change)),
            Item::None | Item::Value(_) => {}
        }
    }
}

fn parse(text: &str) -> Result<DocumentMut, EntryError> {
    text.parse().map_err(|e: toml_edit::TomlError| EntryError::NotToml(e.message().to_owned()))
}

fn prefix(table: &Table) -> &str {
    table.decor().prefix().and_then(|p| p.as_str()).unwrap_or_default()
}

/// What stands above an entry and is not its own: all up to the last empty
/// line, such as a heading of the file.
fn foreign(prefix: &str) -> &str {
    prefix.rfind("\n\n").map_or("", |at| &prefix[..=at])
}

/// The comment right above an entry.
fn comment(prefix: &str) -> &str {
    prefix[foreign(prefix).len()..].trim_start_matches('\n')
}

/// The table with only the comment that is its own.
fn own(table: &Table) -> Table {
    let mut table = table.clone();
    let comment = comment(prefix(&table)).to_owned();
    table.decor_mut().set_prefix(comment);
    table
}

fn set(table: &mut Table, key: &str, value: Option<Value>) {
    let Some(mut value) = value else {
        table.remove(key);
        return;
    };
    match table.get_mut(key).and_then(Item::as_value_mut) {
        Some(old) if meaning(old) == meaning(&value) => {}
        Some(old) => {
            *value.decor_mut() = old.decor().clone();
            *old = value;
        }
        None => {
            table.insert(key, Item::Value(value));
        }
    }
}

/// What a value says, however it is written.
fn meaning(value: &Value) -> Option<toml::Table> {
    format!("it = {}", value.to_string().trim()).parse().ok()
}

#[cfg(test)]
mod tests;
