//! Taking the catalogue of lessons in from a spreadsheet.

use super::{Menu, page};
use crate::base::Titles;

/// What a table would change of one lesson.
#[derive(Debug, Clone)]
pub struct CatalogueRow<'a> {
    /// Its titles then.
    pub titles: &'a Titles,
    /// What: what it is called, as it stands, as it would stand.
    pub parts: Vec<(String, String, String)>,
}

/// The page.
#[derive(Debug, Clone)]
pub struct CataloguePage<'a> {
    /// What would change.
    pub rows: Vec<CatalogueRow<'a>>,
    /// What is wrong with the table, in words.
    pub problems: Vec<String>,
    /// What is to be taken in, as JSON.
    pub carried: String,
    /// Of its forms.
    pub token: String,
    /// The office's rooms.
    pub menu: Menu,
}
page!(CataloguePage, "office/catalogue.html", "catalogue-title");
