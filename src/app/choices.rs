//! What a person has chosen for all pages: the language, and whether data is
//! saved. An address says it once, a cookie from then on.

use hyper::header::{self, HeaderMap, HeaderValue};

use crate::base::Lang;
use crate::portal::i18n;

use super::query::param;

/// The choices of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Choices {
    /// Language of the page.
    pub(super) lang: Lang,
    /// The address says the language: remember it.
    pub(super) chosen: bool,
    /// No posters, the smallest picture.
    pub(super) saver: bool,
    /// The address says whether data is saved: remember it.
    pub(super) saver_chosen: bool,
}

impl Choices {
    pub(super) fn read(query: &str, headers: &HeaderMap, offered: &[Lang]) -> Self {
        let text = |name| headers.get(name).and_then(|v: &HeaderValue| v.to_str().ok());
        let cookie = |name: &str| {
            let pairs = text(header::COOKIE)?.split(';').filter_map(|p| p.trim().split_once('='));
            pairs.filter(|(n, _)| *n == name).map(|(_, v)| v).next()
        };
        let asked = param(query, "lang");
        let saver = param(query, "saver").filter(|v| matches!(*v, "0" | "1"));
        Self {
            lang: i18n::pick(asked, cookie("lang"), text(header::ACCEPT_LANGUAGE), offered),
            chosen: asked.is_some(),
            saver: saver.or_else(|| cookie("saver")) == Some("1"),
            saver_chosen: saver.is_some(),
        }
    }
}

/// A query without these choices, with its question mark, or nothing.
pub(super) fn without_choices(query: &str) -> String {
    let choice = |p: &str| p.starts_with("lang=") || p.starts_with("saver=");
    let rest: Vec<&str> = query.split('&').filter(|p| !p.is_empty() && !choice(p)).collect();
    if rest.is_empty() { String::new() } else { format!("?{}", rest.join("&")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str, cookie: &'static str) -> Choices {
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, HeaderValue::from_static(cookie));
        let offered = ["zh-Hans", "ug-Arab"].map(|t| Lang::new(t).expect("a tag"));
        Choices::read(query, &headers, &offered)
    }

    #[test]
    fn an_address_beats_a_cookie_and_is_remembered() {
        let quiet = read("", "a=b; lang=ug-Arab; saver=1");
        assert_eq!((quiet.lang.as_str(), quiet.saver), ("ug-Arab", true));
        assert!(!quiet.chosen && !quiet.saver_chosen);
        let said = read("saver=0&lang=zh-Hans", "lang=ug-Arab; saver=1");
        assert_eq!((said.lang.as_str(), said.saver), ("zh-Hans", false));
        assert!(said.chosen && said.saver_chosen);
        assert!(!read("saver=perhaps", "").saver_chosen);
    }

    #[test]
    fn the_rest_of_a_query_stays() {
        assert_eq!(without_choices("date=2026-11-23&lang=en&saver=1"), "?date=2026-11-23");
        assert_eq!(without_choices("saver=1"), "");
    }
}
