//! A title of a programme, a lesson or a place, with its own language and direction.

use askama::Template;

use crate::base::{Lang, Titles};

/// A title as it stands in a page: isolated, so that its direction does not
/// leak into the sentence, and marked where it is not in the page's language.
#[derive(Debug, Template)]
#[template(path = "parts/title.html")]
pub(super) struct Title<'a> {
    lang: &'a str,
    dir: &'static str,
    text: &'a str,
    /// The language's own name and an explanation, where it is a fallback.
    other: Option<(&'a str, String)>,
}

impl<'a> Title<'a> {
    /// The best of `titles` for a page in `lang`; `missing` where there is none.
    pub(super) fn new(titles: &'a Titles, lang: &'a Lang, missing: &'a str, explanation: String) -> Self {
        match titles.best(lang) {
            Some((found, text)) => Self {
                lang: found.as_str(),
                dir: found.direction().as_str(),
                text,
                other: (found != lang).then(|| (found.own_name(), explanation)),
            },
            None => Self { lang: lang.as_str(), dir: lang.direction().as_str(), text: missing, other: None },
        }
    }

    /// Without the mark, for lists of places.
    pub(super) fn unmarked(self) -> Self {
        Self { other: None, ..self }
    }
}
