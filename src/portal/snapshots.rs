//! What machines read of the guide, made once and served until it changes.
//!
//! A snapshot is of one county, one set of plans, one library and one hour. A
//! file with a mistake replaces none of these, so it empties no guide.

use std::collections::HashMap;
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use hyper::StatusCode;
use hyper::header::{self, HeaderMap};
use jiff::Timestamp;
use sha2::{Digest, Sha256};

use crate::config::County;
use crate::courseware::Catalogue;
use crate::schedule::Plans;

use super::reply::Reply;

/// Bytes kept at most, all together: who asks under many names fills no memory.
const ROOM: usize = 64 << 20;
/// Set-top boxes take long over large lists: smaller beats sooner.
const LEVEL: Compression = Compression::new(6);

/// The state of affairs that a snapshot shows.
#[derive(Debug, Clone)]
pub(super) struct Basis {
    pub(super) county: Arc<County>,
    pub(super) plans: Arc<Plans>,
    pub(super) library: Arc<Catalogue>,
    /// The hour that has begun.
    pub(super) hour: Timestamp,
}

impl Basis {
    fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.county, &other.county)
            && Arc::ptr_eq(&self.plans, &other.plans)
            && Arc::ptr_eq(&self.library, &other.library)
            && self.hour == other.hour
    }
}

/// The beginning of the hour of `now`.
pub(super) fn hour(now: Timestamp) -> Timestamp {
    let seconds = now.as_second();
    Timestamp::from_second(seconds - seconds.rem_euclid(3600)).unwrap_or(now)
}

#[derive(Debug)]
struct Snapshot {
    basis: Basis,
    plain: Bytes,
    small: Bytes,
    hash: String,
}

impl Snapshot {
    fn of(basis: Basis, body: String) -> Self {
        let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 4), LEVEL);
        // Writing to memory cannot fail; were it to, there would be no small one.
        let small = encoder.write_all(body.as_bytes()).and_then(|()| encoder.finish()).unwrap_or_default();
        let hash = hex::encode(&Sha256::digest(body.as_bytes())[..12]);
        Self { basis, plain: Bytes::from(body), small: Bytes::from(small), hash }
    }

    fn len(&self) -> usize {
        self.plain.len() + self.small.len()
    }
}

/// The snapshots that were asked for, by name.
#[derive(Debug, Default)]
pub struct Snapshots {
    kept: Mutex<HashMap<String, Arc<Snapshot>>>,
}

impl Snapshots {
    /// The snapshot called `name` of `basis`, made by `make` if there is none. A
    /// thousand askers at once wait for one making.
    fn get(
        &self,
        name: &str,
        basis: &Basis,
        make: impl FnOnce(&Basis) -> Option<String>,
    ) -> Option<Arc<Snapshot>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(there) = kept.get(name).filter(|s| s.basis.is(basis)) {
            return Some(Arc::clone(there));
        }
        let made = Arc::new(Snapshot::of(basis.clone(), make(basis)?));
        kept.retain(|_, s| s.basis.is(basis));
        if kept.values().map(|s| s.len()).sum::<usize>() + made.len() > ROOM {
            kept.clear();
        }
        kept.insert(name.to_owned(), Arc::clone(&made));
        Some(made)
    }

    /// The answer with the snapshot called `name`; none if `make` makes none.
    pub(super) fn answer(
        &self,
        (name, content_type): (&str, &'static str),
        basis: &Basis,
        headers: &HeaderMap,
        gzip: bool,
        make: impl FnOnce(&Basis) -> Option<String>,
    ) -> Option<Reply> {
        let snapshot = self.get(name, basis, make)?;
        let small = gzip && !snapshot.small.is_empty();
        // Other bytes, other tag (RFC 9110 §8.8.3.3).
        let tags = [format!("\"{}\"", snapshot.hash), format!("\"{}-gzip\"", snapshot.hash)];
        let known = headers.get(header::IF_NONE_MATCH).and_then(|v| v.to_str().ok()).unwrap_or_default();
        let mut known = known.split(',').map(|tag| tag.trim().trim_start_matches("W/"));
        let is_known = known.any(|tag| tag == "*" || tags.iter().any(|t| t == tag));
        let body = if small { &snapshot.small } else { &snapshot.plain };
        let mut reply = Reply::ok(content_type, if is_known { Bytes::new() } else { body.clone() });
        if is_known {
            reply.status = StatusCode::NOT_MODIFIED;
        }
        reply.gzip = small;
        Some(reply.cached("public, max-age=60").with(header::ETAG, &*tags[usize::from(small)]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn basis(hour: i64) -> Basis {
        let folder = std::path::Path::new("/srv");
        let text = "name = { en = \"County\" }\n[[channel]]\nid = \"one\"\nnumber = 1\nname = { en = \"One\" }\n\
                    lang = \"en\"\naudio = [\"en\"]\n";
        let county = crate::config::parse(folder, text, folder).expect("a county");
        Basis {
            county: Arc::new(county),
            plans: Arc::default(),
            library: Arc::default(),
            hour: Timestamp::from_second(hour).expect("an instant"),
        }
    }

    fn asked(snapshots: &Snapshots, basis: &Basis, etag: Option<&str>, gzip: bool, body: &str) -> Reply {
        let etag = etag.map(|tag| (header::IF_NONE_MATCH, tag.parse().expect("a header")));
        let headers = HeaderMap::from_iter(etag);
        let make = |_: &Basis| Some(body.to_owned());
        snapshots.answer(("guide", "text/plain"), basis, &headers, gzip, make).expect("an answer")
    }

    fn tag(reply: &Reply) -> &str {
        &reply.headers.iter().find(|(name, _)| *name == header::ETAG).expect("a tag").1
    }

    #[test]
    fn an_hour_begins_on_the_hour() {
        let now: Timestamp = "2026-11-25T19:25:31.5Z".parse().expect("an instant");
        assert_eq!(hour(now).to_string(), "2026-11-25T19:00:00Z");
        assert_eq!(hour(hour(now)), hour(now));
    }

    #[test]
    fn it_stays_until_what_it_shows_changes() {
        let (snapshots, first) = (Snapshots::default(), basis(0));
        assert_eq!(&asked(&snapshots, &first, None, false, "one").body[..], b"one");
        assert_eq!(&asked(&snapshots, &first, None, false, "two").body[..], b"one");
        let later = Basis { hour: basis(3600).hour, ..first.clone() };
        assert_eq!(&asked(&snapshots, &later, None, false, "two").body[..], b"two");
        assert_eq!(snapshots.kept.lock().expect("no panic").len(), 1, "the old one is gone");
    }

    #[test]
    fn who_has_it_is_sent_nothing() {
        let (snapshots, basis) = (Snapshots::default(), basis(0));
        let text = "programme ".repeat(500);
        let (plain, small) =
            (asked(&snapshots, &basis, None, false, &text), asked(&snapshots, &basis, None, true, &text));
        assert!(small.gzip && small.body.len() * 10 < plain.body.len());
        assert_ne!(tag(&plain), tag(&small));
        for known in [tag(&plain).to_owned(), format!("\"x\", W/{}", tag(&small)), "*".to_owned()] {
            let reply = asked(&snapshots, &basis, Some(&known), true, &text);
            assert_eq!((reply.status, reply.body.len()), (StatusCode::NOT_MODIFIED, 0), "{known}");
        }
        assert_eq!(asked(&snapshots, &basis, Some("\"x\""), false, &text).status, StatusCode::OK);
    }

    #[test]
    fn many_names_fill_no_memory() {
        let (snapshots, basis) = (Snapshots::default(), basis(0));
        for n in 0..10 {
            let make = |_: &Basis| Some("x".repeat(ROOM / 4));
            snapshots.get(&n.to_string(), &basis, make).expect("a snapshot");
        }
        let kept = snapshots.kept.lock().expect("no panic");
        assert!(kept.values().map(|s| s.len()).sum::<usize>() <= ROOM && !kept.is_empty());
    }
}
