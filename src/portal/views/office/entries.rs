//! Entries of files as lists and forms: channels, relays, the county, lessons.

use super::places::Done;
use super::{Menu, Remark};
use crate::base::{Lang, Titles};
use crate::portal::views::PageContext;

/// A field of a form.
#[derive(Debug, Clone)]
pub struct Field {
    /// Its name in the form.
    pub name: &'static str,
    /// Key of its label.
    pub label: &'static str,
    /// Key of the advice below it; empty: none.
    pub hint: &'static str,
    /// What stands in it.
    pub value: FieldValue,
}

/// Something that can be chosen.
#[derive(Debug, Clone)]
pub struct Choice {
    /// As the form sends it.
    pub value: String,
    /// As people read it.
    pub label: String,
    /// It is chosen.
    pub chosen: bool,
}

/// What stands in a field.
#[derive(Debug, Clone)]
pub enum FieldValue {
    /// One line.
    Line {
        /// As it is or was typed.
        value: String,
        /// The kind of input.
        kind: &'static str,
        /// Must not be empty.
        required: bool,
    },
    /// Several lines.
    Lines(String),
    /// A text for each language.
    Names(Vec<(Lang, String)>),
    /// A longer text for each language.
    Texts(Vec<(Lang, String)>),
    /// Yes or no.
    Tick(bool),
    /// One of several.
    Select(Vec<Choice>),
    /// One of several in each place, in this order.
    InOrder(Vec<Vec<Choice>>),
    /// One language of several; true: this one.
    Choice(Vec<(Lang, bool)>),
    /// Languages, each chosen or not.
    Ticks {
        /// All of them.
        all: Vec<(Lang, bool)>,
        /// Which comes first, where that counts.
        first: Option<Vec<(Lang, bool)>>,
    },
}

impl FieldValue {
    /// Names, to be typed in `languages`.
    pub fn names(names: &Titles, languages: &[Lang]) -> Self {
        let of = |lang: &Lang| names.0.get(lang).cloned().unwrap_or_default();
        Self::Names(languages.iter().map(|lang| (lang.clone(), of(lang))).collect())
    }
}

/// An entry in a list.
#[derive(Debug, Clone)]
pub struct EntryRow {
    /// Its page.
    pub href: String,
    /// Its number, where it has one.
    pub number: Option<i64>,
    /// Its names.
    pub names: Titles,
    /// Its identifier.
    pub id: String,
}

/// A list of entries.
#[derive(Debug, Clone)]
pub struct EntryList {
    /// The heading, in words.
    pub heading: String,
    /// Key of what is done here.
    pub text: &'static str,
    /// The entries.
    pub rows: Vec<EntryRow>,
    /// Where a new one is made, and the key of the button; none: not by this visitor.
    pub new: Option<(&'static str, &'static str)>,
    /// What was just done.
    pub done: Done,
    /// The office's rooms.
    pub menu: Menu,
}

/// The form of an entry.
#[derive(Debug, Clone, Default)]
pub struct EntryPage {
    /// The heading, in words.
    pub heading: String,
    /// Key of what is done here; empty: nothing is said.
    pub text: &'static str,
    /// Its identifier; empty: it has none.
    pub about: String,
    /// A page about it, and the key of what it is called.
    pub links: Vec<(String, &'static str)>,
    /// The identifier of a new one, as typed.
    pub id: Option<String>,
    /// Where it is sent.
    pub action: String,
    /// The fields.
    pub fields: Vec<Field>,
    /// What the entry was like when the form was made.
    pub mark: String,
    /// What went wrong, in words.
    pub error: Option<String>,
    /// What would be wrong in the file, in English.
    pub problems: Vec<Remark>,
    /// Where it is taken out; none: it cannot be.
    pub remove: Option<String>,
    /// The visitor may change it.
    pub may_edit: bool,
    /// Key of the button.
    pub button: &'static str,
    /// What was just done.
    pub done: Done,
    /// Where one came from, and the key of what it is called.
    pub back: Option<(String, &'static str)>,
    /// The forms' token.
    pub token: String,
    /// The office's rooms.
    pub menu: Menu,
}

/// A part of a schedule in a list.
#[derive(Debug, Clone)]
pub struct PartRow {
    /// Its form.
    pub href: String,
    /// Its names.
    pub names: Titles,
    /// What else it says.
    pub more: String,
}

/// Parts of one sort.
#[derive(Debug, Clone)]
pub struct PartGroup {
    /// Key of what they are called.
    pub title: &'static str,
    /// They.
    pub rows: Vec<PartRow>,
    /// Where a new one is made, and the key of the button; none: not by this visitor.
    pub new: Option<(String, &'static str)>,
}

/// Series, fillers and holidays.
#[derive(Debug, Clone)]
pub struct PartsPage {
    /// The heading, in words.
    pub heading: String,
    /// Key of what they are.
    pub text: &'static str,
    /// The schedule they are of; none: the county's.
    pub back: Option<String>,
    /// By sort.
    pub groups: Vec<PartGroup>,
    /// What was just done.
    pub done: Done,
    /// The office's rooms.
    pub menu: Menu,
}

const _: () = {
    use askama::Template;

    #[derive(Template)]
    #[template(path = "office/parts.html")]
    struct PartsHtml<'a> {
        page: &'a PartsPage,
        ctx: &'a PageContext<'a>,
        heading: &'a str,
    }

    impl PartsPage {
        /// The page as HTML.
        pub fn render(&self, ctx: &PageContext<'_>) -> Result<String, askama::Error> {
            PartsHtml { page: self, ctx, heading: &self.heading }.render()
        }
    }

    #[derive(Template)]
    #[template(path = "office/entries.html")]
    struct ListHtml<'a> {
        page: &'a EntryList,
        ctx: &'a PageContext<'a>,
        heading: &'a str,
    }

    impl EntryList {
        /// The page as HTML.
        pub fn render(&self, ctx: &PageContext<'_>) -> Result<String, askama::Error> {
            ListHtml { page: self, ctx, heading: &self.heading }.render()
        }
    }

    #[derive(Template)]
    #[template(path = "office/entry.html")]
    struct Html<'a> {
        page: &'a EntryPage,
        ctx: &'a PageContext<'a>,
        heading: &'a str,
    }

    impl EntryPage {
        /// The page as HTML.
        pub fn render(&self, ctx: &PageContext<'_>) -> Result<String, askama::Error> {
            Html { page: self, ctx, heading: &self.heading }.render()
        }
    }
};
