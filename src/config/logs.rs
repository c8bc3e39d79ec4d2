//! `witnesses`, `witnessed` and `edges` of `[evidence]`: who watches this server's log, whose it
//! watches, and who is believed what he sent.

use super::{Edge, Witness};
use crate::base::Fault;
use crate::base::document::{At, Document, Fields};
use crate::sites::TokenHash;
use crate::tlog::Verifier;

/// Those who are asked to witness this server's log.
pub(super) fn witnesses(doc: &Document<'_>, f: &Fields<'_, '_>) -> Vec<Witness> {
    let one = |given: &At<String>| {
        let Some((url, text)) = given.value.split_once(' ') else {
            let message =
                format!("`{}`: expected an address and, after a space, the witness's key", given.value);
            doc.problem(given.at, Fault::Value, message);
            return None;
        };
        if !url.starts_with("http://") && !url.starts_with("https://") {
            let message = format!("`{url}` is no address: expected one that begins with https://");
            doc.problem(given.at, Fault::Value, message);
        }
        Some(Witness { url: url.trim_end_matches('/').to_owned(), key: key(doc, given.at, text)? })
    };
    f.optional::<Vec<At<String>>>("witnesses")
        .map_or_else(Vec::new, |given| given.value)
        .iter()
        .filter_map(one)
        .collect()
}

/// The keys of the logs that this server witnesses.
pub(super) fn witnessed(doc: &Document<'_>, f: &Fields<'_, '_>) -> Vec<Verifier> {
    let given = f.optional::<Vec<At<String>>>("witnessed").map_or_else(Vec::new, |given| given.value);
    given.iter().filter_map(|given| key(doc, given.at, &given.value)).collect()
}

/// The caches that are believed what they sent.
pub(super) fn edges(doc: &Document<'_>, f: &Fields<'_, '_>) -> Vec<Edge> {
    let given = f.optional::<Vec<At<String>>>("edges").map_or_else(Vec::new, |given| given.value);
    let one = |given: &At<String>| {
        let (name, token) = given.value.split_once(' ')?;
        Some(Edge { name: name.to_owned(), token: TokenHash::parse(token.trim())? })
    };
    let read = |given: &At<String>| {
        let read = one(given);
        if read.is_none() {
            let message = format!(
                "`{}`: expected a name and, after a space, the SHA-256 of the cache's token, 64 hex digits",
                given.value
            );
            doc.problem(given.at, Fault::Value, message);
        }
        read
    };
    given.iter().filter_map(read).collect()
}

fn key(doc: &Document<'_>, at: usize, text: &str) -> Option<Verifier> {
    let read = Verifier::parse(text);
    read.inspect_err(|error| doc.problem(at, Fault::Value, error.to_string())).ok()
}
