//! `[[evidence.witness]]` and `[[evidence.witnessed]]`: who watches this server's log, and whose it
//! watches.

use super::Witness;
use crate::base::Fault;
use crate::base::document::{At, Document, Fields};
use crate::tlog::Verifier;

/// Those who are asked to witness this server's log.
pub(super) fn witnesses(doc: &Document<'_>, f: &Fields<'_, '_>) -> Vec<Witness> {
    let mut out = Vec::new();
    for table in f.tables("witness") {
        let url = table.required::<String>(
            "url",
            "the witness's address, such as \"https://tv.prefecture.example/log\"",
        );
        let key = key(doc, &table);
        table.close();
        let (Some(url), Some(key)) = (url, key) else { continue };
        if !url.value.starts_with("http://") && !url.value.starts_with("https://") {
            let message = format!("`{}` is no address: expected one that begins with https://", url.value);
            doc.problem(url.at, Fault::Value, message);
        }
        out.push(Witness { url: url.value.trim_end_matches('/').to_owned(), key });
    }
    out
}

/// The keys of the logs that this server witnesses.
pub(super) fn witnessed(doc: &Document<'_>, f: &Fields<'_, '_>) -> Vec<Verifier> {
    let mut out = Vec::new();
    for table in f.tables("witnessed") {
        out.extend(key(doc, &table));
        table.close();
    }
    out
}

fn key(doc: &Document<'_>, table: &Fields<'_, '_>) -> Option<Verifier> {
    let given: At<String> =
        table.required("key", "the key, as the other server shows it at /log/key or /log/witness-key")?;
    let read = Verifier::parse(&given.value);
    read.inspect_err(|error| doc.problem(given.at, Fault::Value, error.to_string())).ok()
}
