//! Parameters of a request, read strictly: what is not understood is said.

use hyper::StatusCode;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use utoipa::IntoParams;

use super::model::Page;
use crate::portal::reply::{Reply, problem};

/// Which page of a list.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes the parameters for the document")]
pub(super) struct PageQuery {
    /// Most items, 1 to 500; 100 if it is not said.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
    /// The `next` of the page before.
    #[param(min_length = 1, max_length = 400, pattern = "^[A-Za-z0-9_-]+$")]
    after: Option<String>,
}

/// Which span of time.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes the parameters for the document")]
pub(super) struct SpanQuery {
    /// First instant, RFC 3339.
    #[param(value_type = Option<String>, format = DateTime)]
    from: Option<Timestamp>,
    /// First instant that is not in it, RFC 3339.
    #[param(value_type = Option<String>, format = DateTime)]
    to: Option<Timestamp>,
}

const LIMIT: usize = 100;
const MOST: usize = 500;

/// A query.
#[derive(Debug)]
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    pub(super) fn read(query: &str) -> Self {
        Self(form_urlencoded::parse(query.trim_start_matches('?').as_bytes()).into_owned().collect())
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    /// `limit`.
    pub(super) fn limit(&self) -> Result<usize, Reply> {
        let Some(text) = self.get("limit") else { return Ok(LIMIT) };
        let limit = text.parse().ok().filter(|n| (1..=MOST).contains(n));
        limit.ok_or_else(|| bad(&format!("limit={text}: expected a number from 1 to {MOST}")))
    }

    /// `after`, as the list wrote it.
    pub(super) fn after(&self) -> Result<Option<String>, Reply> {
        let Some(text) = self.get("after") else { return Ok(None) };
        let bytes = base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, text).ok();
        let place = bytes.and_then(|b| String::from_utf8(b).ok()).filter(|p| !p.is_empty());
        place.map(Some).ok_or_else(|| bad(&format!("after={text}: expected the `next` of a page")))
    }

    /// `from` and `to`, or these around `now`.
    pub(super) fn span(
        &self,
        now: Timestamp,
        (back, ahead): (SignedDuration, SignedDuration),
    ) -> Result<(Timestamp, Timestamp), Reply> {
        let at = |name: &str, usual: Timestamp| match self.get(name) {
            None => Ok(usual),
            Some(text) => text.parse().map_err(|_| {
                bad(&format!("{name}={text}: expected an instant such as 2026-11-23T19:30:00Z (RFC 3339)"))
            }),
        };
        let (from, to) = (at("from", now - back)?, at("to", now + ahead)?);
        if to.duration_since(from) > LONGEST {
            return Err(bad("from and to lie more than 32 days apart: ask for less at a time"));
        }
        Ok((from, to))
    }

    /// The page of `all`, whose order is that of `key`.
    pub(super) fn page<T: Serialize>(
        &self,
        all: impl Iterator<Item = T>,
        key: impl Fn(&T) -> String,
    ) -> Result<Page<T>, Reply> {
        let (limit, after) = (self.limit()?, self.after()?);
        let rest = all.filter(|item| after.as_deref().is_none_or(|after| key(item).as_str() > after));
        let mut items: Vec<T> = rest.take(limit + 1).collect();
        let next = (items.len() > limit).then(|| cursor(&key(&items[limit - 1])));
        items.truncate(limit);
        Ok(Page { items, next })
    }
}

/// Longest span that is answered at once.
const LONGEST: SignedDuration = SignedDuration::from_hours(32 * 24);

/// A place in a list, as text that nobody takes apart.
pub(super) fn cursor(place: &str) -> String {
    base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, place)
}

/// 400.
pub(super) fn bad(detail: &str) -> Reply {
    problem(StatusCode::BAD_REQUEST, "Bad request", detail)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn pages_put_together_are_the_list(
            all in prop::collection::btree_set("[a-z村]{1,4}", 0..40), limit in 1..7_usize,
        ) {
            let (mut found, mut after) = (Vec::new(), String::new());
            loop {
                let query = Query::read(&format!("limit={limit}{after}"));
                let page = query.page(all.iter().cloned(), String::clone).expect("a page");
                prop_assert!(page.items.len() <= limit);
                found.extend(page.items);
                match page.next {
                    Some(next) => after = format!("&after={next}"),
                    None => break,
                }
            }
            prop_assert_eq!(found, all.into_iter().collect::<Vec<_>>());
        }
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for query in ["limit=0", "limit=501", "limit=x", "after=%20", "after=*", "after=", "from=yesterday"] {
            let query = Query::read(query);
            let now = Timestamp::UNIX_EPOCH;
            let none = SignedDuration::ZERO;
            let refused =
                query.limit().is_err() || query.after().is_err() || query.span(now, (none, none)).is_err();
            assert!(refused, "{query:?}");
        }
    }
}
