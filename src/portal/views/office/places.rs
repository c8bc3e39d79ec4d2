//! Townships, sites and their terminals in the office.

use super::keys::device_key;
use super::{Menu, page};
use crate::base::{Lang, Titles};
use crate::portal::views::PageContext;
use crate::sites::{Place, Site, Terminal, Township};

/// A code to hand out, on a sheet of paper.
#[derive(Debug, Clone)]
pub struct Sheet {
    /// Whose.
    pub name: String,
    /// The name to sign in with, or the site.
    pub beside: String,
    /// The code, in groups.
    pub code: String,
    /// Where it is used.
    pub url: String,
    /// The address with the code, as an SVG drawing.
    pub qr: String,
}

/// Codes to hand out.
#[derive(Debug, Clone)]
pub struct InvitedPage<'a> {
    /// One for each.
    pub sheets: Vec<Sheet>,
    /// What to do with a sheet.
    pub text: String,
    /// What its holder does.
    pub how: String,
    /// Where to go on: path and text.
    pub back: (&'a str, String),
}
page!(InvitedPage, "office/invited.html", "invited-title");

/// A change that was just made, and whether it can be undone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Done {
    /// Number of its line in the audit log; none: nothing was done.
    pub line: Option<i64>,
    /// Key of what was wrong instead.
    pub error: Option<&'static str>,
    /// Where to come back to.
    pub back: String,
    /// The forms' token.
    pub token: String,
}

/// A site in the list.
#[derive(Debug, Clone)]
pub struct ListedSite<'a> {
    /// Which.
    pub site: &'a Site,
    /// Names of its township.
    pub township: Option<&'a Titles>,
    /// How many terminals it has.
    pub terminals: usize,
    /// The visitor may choose it for what is done to many at once.
    pub may_keep: bool,
}

/// The sites one keeps.
#[derive(Debug, Clone)]
pub struct OfficeSites<'a> {
    /// In the order of their identifiers, as far as they were searched for.
    pub sites: Vec<ListedSite<'a>>,
    /// How many were found.
    pub found: usize,
    /// Where the next ones begin: a query.
    pub more: Option<String>,
    /// What was searched for.
    pub search: &'a str,
    /// The township that was chosen; empty: all.
    pub township: &'a str,
    /// Closed sites are shown.
    pub closed: bool,
    /// Townships to choose from.
    pub townships: Vec<&'a Township>,
    /// May add and change sites.
    pub may_edit: bool,
    /// What was just done.
    pub done: Done,
    /// The forms' token.
    pub token: String,
    /// The office's rooms.
    pub menu: Menu,
}
page!(OfficeSites, "office/sites.html", "nav-sites");

impl OfficeSites<'_> {
    fn may_choose(&self) -> bool {
        self.sites.iter().any(|s| s.may_keep)
    }
}

/// One site, with its terminals.
#[derive(Debug, Clone)]
pub struct OfficeSite<'a> {
    /// Which.
    pub site: &'a Site,
    /// Names of its township.
    pub township: Option<&'a Titles>,
    /// The visitor enrols and withdraws its terminals.
    pub may_keep: bool,
    /// The form to change it; none: the visitor may not, or it stands in the county's file.
    pub form: Option<PlaceForm<'a>>,
    /// It stands in the county's file.
    pub fixed: bool,
    /// Its terminals; true: enrolled with a code, not in the county's file.
    pub terminals: Vec<(&'a Terminal, bool)>,
    /// Key of what was wrong with the form for a terminal.
    pub error: Option<&'static str>,
    /// What was just done.
    pub done: Done,
    /// The forms' token.
    pub token: String,
    /// The office's rooms.
    pub menu: Menu,
}
page!(OfficeSite, "office/site.html", "nav-sites");

/// The form of a township or a site.
#[derive(Debug, Clone)]
pub struct PlaceForm<'a> {
    /// Where it is sent.
    pub action: String,
    /// Its identifier, to be typed for a new township; none: it has one or gets one.
    pub id: Option<&'a str>,
    /// Names by language, as they are or were typed.
    pub names: Titles,
    /// Languages that names are asked for in.
    pub languages: &'a [Lang],
    /// Townships to choose from; empty: a township has none.
    pub townships: Vec<&'a Township>,
    /// The one chosen.
    pub township: &'a str,
    /// Key of what was wrong.
    pub error: Option<&'static str>,
    /// The forms' token.
    pub token: String,
    /// Key of the button.
    pub button: &'static str,
}

impl PlaceForm<'_> {
    fn name_in(&self, lang: &Lang) -> &str {
        self.names.0.get(lang).map_or("", String::as_str)
    }
}

/// A new site.
#[derive(Debug, Clone)]
pub struct NewSitePage<'a> {
    /// The form.
    pub form: PlaceForm<'a>,
    /// The office's rooms.
    pub menu: Menu,
}
page!(NewSitePage, "office/new_site.html", "sites-new");

/// The townships.
#[derive(Debug, Clone)]
pub struct TownshipsPage<'a> {
    /// Each with how many sites it has, and a form if it can be changed here.
    pub rows: Vec<(&'a Township, usize, Option<PlaceForm<'a>>)>,
    /// The form for a new one.
    pub new: PlaceForm<'a>,
    /// What was just done.
    pub done: Done,
    /// The office's rooms.
    pub menu: Menu,
}
page!(TownshipsPage, "office/townships.html", "townships-title");

/// One line of what a file would change.
#[derive(Debug, Clone)]
pub struct PlaceLine {
    /// How it is; none: it is not there.
    pub before: Option<Place>,
    /// How it would be.
    pub after: Option<Place>,
}

impl PlaceLine {
    fn key(&self) -> &'static str {
        let closed = |p: &Option<Place>| matches!(p, Some(Place::Site(s)) if s.closed);
        match (&self.before, &self.after) {
            (None, _) => "import-new",
            _ if !closed(&self.before) && closed(&self.after) => "import-closed",
            _ => "import-changed",
        }
    }

    fn shown(&self) -> Option<&Place> {
        self.after.as_ref().or(self.before.as_ref())
    }

    fn id(&self) -> String {
        self.shown().map(|p| p.id().to_string()).unwrap_or_default()
    }

    /// Names and township, as far as they differ.
    fn differs(&self) -> Vec<(String, String)> {
        let names = |p: &Option<Place>| p.as_ref().map(|p| p.names().clone()).unwrap_or_default();
        let (before, after) = (names(&self.before), names(&self.after));
        let all: std::collections::BTreeSet<&Lang> = before.0.keys().chain(after.0.keys()).collect();
        let text = |t: &Titles, lang: &Lang| t.0.get(lang).cloned().unwrap_or_default();
        let mut pairs: Vec<_> = all.iter().map(|lang| (text(&before, lang), text(&after, lang))).collect();
        let township = |p: &Option<Place>| match p {
            Some(Place::Site(site)) => site.township.to_string(),
            _ => String::new(),
        };
        pairs.push((township(&self.before), township(&self.after)));
        pairs.retain(|(a, b)| a != b);
        pairs
    }
}

/// What a file would change, or what is wrong with it.
#[derive(Debug, Clone, Default)]
pub struct ImportPage {
    /// The changes.
    pub lines: Vec<PlaceLine>,
    /// The change as text, to be sent again when it is taken.
    pub change: String,
    /// What is wrong, in words, with its row.
    pub problems: Vec<String>,
    /// The forms' token.
    pub token: String,
    /// The office's rooms.
    pub menu: Menu,
}

const _: () = {
    use askama::Template;

    #[derive(Template)]
    #[template(path = "office/import.html")]
    struct Html<'a> {
        page: &'a ImportPage,
        ctx: &'a PageContext<'a>,
        heading: String,
    }

    impl ImportPage {
        /// The page as HTML.
        pub fn render(&self, ctx: &PageContext<'_>) -> Result<String, askama::Error> {
            Html { page: self, ctx, heading: ctx.t("import-title") }.render()
        }
    }
};
