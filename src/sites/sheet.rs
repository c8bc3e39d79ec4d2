//! From the rows of a table that a clerk keeps to a change of the county.
//! Rows that are not there change nothing; what is wrong is told row by row.

use std::collections::{BTreeMap, BTreeSet};

use super::{Change, Edit, Place, PlaceId, Registry, Site, Township};
use crate::base::{Lang, SiteId, Titles, TownshipId};

/// Which table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sheet {
    /// Of townships.
    Townships,
    /// Of sites.
    Sites,
}

/// A row of the townships. Names hold the languages that have a column; an
/// empty one takes the name away.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TownshipRow {
    /// Its number in the table, from 1.
    pub line: usize,
    /// Its identifier.
    pub id: String,
    /// Its names.
    pub names: BTreeMap<Lang, String>,
}

/// A row of the sites; names as above.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SiteRow {
    /// Its number in the table, from 1.
    pub line: usize,
    /// Its identifier; empty: a new site that gets one.
    pub id: String,
    /// Identifier or name of its township.
    pub township: String,
    /// Its names.
    pub names: BTreeMap<Lang, String>,
    /// Whether it is closed; none: there is no such column.
    pub closed: Option<bool>,
}

/// What is wrong with a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wrong {
    /// The identifier is none.
    Id(String),
    /// The identifier stands in two rows; the other's number.
    Twice(usize),
    /// There is no such township.
    Township(String),
    /// Several townships are called that.
    Ambiguous(String),
    /// No name in any language.
    Nameless,
    /// The place stands in the county's file and is changed there.
    Fixed,
}

/// Where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowProblem {
    /// In which table.
    pub sheet: Sheet,
    /// In which row.
    pub line: usize,
    /// What.
    pub wrong: Wrong,
}

/// What the rows change where `registry` is in force, of which `fixed` stands
/// in the county's file; or everything that is wrong with them.
pub fn change_of(
    townships: &[TownshipRow],
    sites: &[SiteRow],
    registry: &Registry,
    fixed: &Registry,
) -> Result<Change, Vec<RowProblem>> {
    let mut reader = Reader { registry: registry.clone(), fixed, problems: Vec::new(), edits: Vec::new() };
    reader.townships(townships, registry);
    reader.sites(sites, registry);
    if reader.problems.is_empty() { Ok(Change(reader.edits)) } else { Err(reader.problems) }
}

struct Reader<'a> {
    /// As it will be.
    registry: Registry,
    fixed: &'a Registry,
    problems: Vec<RowProblem>,
    edits: Vec<Edit>,
}

impl Reader<'_> {
    fn wrong(&mut self, sheet: Sheet, line: usize, wrong: Wrong) {
        self.problems.push(RowProblem { sheet, line, wrong });
    }

    fn townships(&mut self, rows: &[TownshipRow], before: &Registry) {
        let mut seen = BTreeMap::new();
        for row in rows {
            let sheet = Sheet::Townships;
            let Ok(id) = TownshipId::new(row.id.trim()) else {
                self.wrong(sheet, row.line, Wrong::Id(row.id.clone()));
                continue;
            };
            if let Some(other) = seen.insert(id.clone(), row.line) {
                self.wrong(sheet, row.line, Wrong::Twice(other));
                continue;
            }
            let was = before.townships.get(&id);
            let names = named(was.map(|t| &t.names), &row.names);
            let township = Township { id: id.clone(), names };
            self.edit(sheet, row.line, was.cloned().map(Place::Township), Place::Township(township));
        }
    }

    fn sites(&mut self, rows: &[SiteRow], before: &Registry) {
        let mut seen = BTreeMap::new();
        let given = rows.iter().map(|r| r.id.trim().to_owned()).collect();
        for row in rows {
            let sheet = Sheet::Sites;
            let township = match self.township(&row.township) {
                Ok(id) => id,
                Err(wrong) => {
                    self.wrong(sheet, row.line, wrong);
                    continue;
                }
            };
            let id = match row.id.trim() {
                "" => self.new_id(&township, &given),
                text => SiteId::new(text).ok(),
            };
            let Some(id) = id else {
                self.wrong(sheet, row.line, Wrong::Id(row.id.clone()));
                continue;
            };
            if let Some(other) = seen.insert(id.clone(), row.line) {
                self.wrong(sheet, row.line, Wrong::Twice(other));
                continue;
            }
            let was = before.sites.get(&id);
            let site = Site {
                id: id.clone(),
                township,
                names: named(was.map(|s| &s.names), &row.names),
                closed: row.closed.unwrap_or_else(|| was.is_some_and(|s| s.closed)),
            };
            self.edit(sheet, row.line, was.cloned().map(Place::Site), Place::Site(site));
        }
    }

    fn edit(&mut self, sheet: Sheet, line: usize, before: Option<Place>, after: Place) {
        if before.as_ref() == Some(&after) {
            return;
        }
        if after.names().0.is_empty() {
            return self.wrong(sheet, line, Wrong::Nameless);
        }
        if self.fixed.place(&after.id()).is_some() {
            return self.wrong(sheet, line, Wrong::Fixed);
        }
        let edit = Edit { before, after: Some(after) };
        edit.apply(&mut self.registry);
        self.edits.push(edit);
    }

    /// A township by its identifier, or by what it is called in some language.
    fn township(&self, text: &str) -> Result<TownshipId, Wrong> {
        let text = text.trim();
        if let Some(id) = TownshipId::new(text).ok().filter(|id| self.registry.townships.contains_key(id)) {
            return Ok(id);
        }
        let mut called = self.registry.townships.values().filter(|t| t.names.0.values().any(|n| n == text));
        match (called.next(), called.next()) {
            (Some(t), None) => Ok(t.id.clone()),
            (Some(_), Some(_)) => Err(Wrong::Ambiguous(text.to_owned())),
            (None, _) => Err(Wrong::Township(text.to_owned())),
        }
    }

    fn new_id(&self, township: &TownshipId, given: &BTreeSet<String>) -> Option<SiteId> {
        self.registry.free_site_id(township, |id| given.contains(id))
    }
}

impl Registry {
    /// An identifier for a new site of a township: `chengguan-4`.
    pub fn free_site_id(&self, township: &TownshipId, taken: impl Fn(&str) -> bool) -> Option<SiteId> {
        let short: String = township.as_str().chars().take(50).collect();
        (1..100_000)
            .map(|n| format!("{short}-{n}"))
            .filter(|id| !taken(id))
            .find_map(|id| SiteId::new(&id).ok().filter(|id| !self.sites.contains_key(id)))
    }
}

/// The names that were, with what the columns say.
fn named(was: Option<&Titles>, columns: &BTreeMap<Lang, String>) -> Titles {
    let mut names = was.cloned().unwrap_or_default();
    for (lang, name) in columns {
        match name.trim() {
            "" => names.0.remove(lang),
            name => names.0.insert(lang.clone(), name.to_owned()),
        };
    }
    names
}

/// Which places a change adds, alters and closes.
impl Change {
    /// How many places are new.
    pub fn added(&self) -> usize {
        self.0.iter().filter(|e| e.before.is_none()).count()
    }

    /// The identifiers of all.
    pub fn ids(&self) -> impl Iterator<Item = PlaceId> {
        self.0.iter().filter_map(Edit::id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lang(tag: &str) -> Lang {
        Lang::new(tag).expect("a tag")
    }

    fn names(pairs: &[(&str, &str)]) -> BTreeMap<Lang, String> {
        pairs.iter().map(|(l, n)| (lang(l), (*n).to_owned())).collect()
    }

    fn a_county() -> Registry {
        let mut registry = Registry::default();
        for (id, zh) in [("chengguan", "城关镇"), ("nanshan", "南山乡")] {
            let id = TownshipId::new(id).expect("id");
            let township = Township { id: id.clone(), names: Titles::from([("zh-Hans", zh)]) };
            registry.townships.insert(id, township);
        }
        let id = SiteId::new("dongmen").expect("id");
        let site = Site {
            id: id.clone(),
            township: TownshipId::new("chengguan").expect("id"),
            names: Titles::from([("zh-Hans", "东门村"), ("en", "Dongmen")]),
            closed: false,
        };
        registry.sites.insert(id, site);
        registry
    }

    fn row(line: usize, id: &str, township: &str, names: BTreeMap<Lang, String>) -> SiteRow {
        SiteRow { line, id: id.to_owned(), township: township.to_owned(), names, closed: None }
    }

    #[test]
    fn a_sheet_as_it_was_written_changes_nothing() {
        let county = a_county();
        let rows = [row(2, "dongmen", "chengguan", names(&[("zh-Hans", "东门村"), ("en", "Dongmen")]))];
        assert_eq!(change_of(&[], &rows, &county, &county), Ok(Change::default()));
    }

    #[test]
    fn new_sites_get_identifiers_and_townships_are_found_by_name() {
        let county = a_county();
        let townships =
            [TownshipRow { line: 2, id: "beigou".to_owned(), names: names(&[("zh-Hans", "北沟镇")]) }];
        let sites = [
            row(2, "", "北沟镇", names(&[("zh-Hans", "一村")])),
            row(3, "", "北沟镇", names(&[("zh-Hans", "二村")])),
            row(4, "beigou-1", "北沟镇", names(&[("zh-Hans", "三村")])),
            row(5, "dongmen", "南山乡", names(&[("en", "")])),
        ];
        let change = change_of(&townships, &sites, &county, &Registry::default()).expect("good");
        let ids: Vec<String> = change.ids().map(|id| id.to_string()).collect();
        assert_eq!(
            ids,
            ["township/beigou", "site/beigou-2", "site/beigou-3", "site/beigou-1", "site/dongmen"]
        );
        assert_eq!(change.check(&county, &Registry::default()), Ok(()));
        let after = change.applied(&county);
        let moved = &after.sites[&SiteId::new("dongmen").expect("id")];
        assert_eq!(moved.names, Titles::from([("zh-Hans", "东门村")]), "an empty name is taken away");
        assert_eq!(moved.township.as_str(), "nanshan");
    }

    #[test]
    fn everything_wrong_is_told_with_its_row() {
        let county = a_county();
        let rows = [
            row(2, "Dongmen!", "chengguan", names(&[("en", "x")])),
            row(3, "a", "西山", names(&[("en", "x")])),
            row(4, "b", "chengguan", names(&[("en", " ")])),
            row(5, "b", "chengguan", names(&[("en", "x")])),
            row(6, "dongmen", "nanshan", names(&[])),
        ];
        let found = change_of(&[], &rows, &county, &county).expect_err("wrong");
        let wrong: Vec<_> = found.iter().map(|p| (p.line, p.wrong.clone())).collect();
        assert_eq!(
            wrong,
            [
                (2, Wrong::Id("Dongmen!".to_owned())),
                (3, Wrong::Township("西山".to_owned())),
                (4, Wrong::Nameless),
                (5, Wrong::Twice(4)),
                (6, Wrong::Fixed),
            ]
        );
    }
}
