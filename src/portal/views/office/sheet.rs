//! Taking a schedule in from a spreadsheet.

use super::{Menu, Remark, page};
use crate::base::Titles;
use crate::config::Channel;

/// What a table would change of one entry.
#[derive(Debug, Clone)]
pub struct DifferenceView {
    /// As it stands, in one line; none: it is new.
    pub before: Option<String>,
    /// As it would stand; none: it would go.
    pub after: Option<String>,
    /// Its titles.
    pub titles: Titles,
}

impl DifferenceView {
    fn key(&self) -> &'static str {
        match (&self.before, &self.after) {
            (None, _) => "import-new",
            (_, None) => "import-gone",
            _ => "import-changed",
        }
    }
}

/// The page.
#[derive(Debug, Clone)]
pub struct SheetPage<'a> {
    /// Whose schedule.
    pub channel: &'a Channel,
    /// What would change.
    pub rows: Vec<DifferenceView>,
    /// What is wrong with the table.
    pub problems: Vec<Remark>,
    /// What is to be taken in, as JSON; none: nothing can be.
    pub carried: Option<String>,
    /// Of its forms.
    pub token: String,
    /// The office's rooms.
    pub menu: Menu,
}
page!(SheetPage, "office/sheet.html", "sheet-title");
