//! `[[township]]`, `[[site]]` and `[[terminal]]`.

use std::collections::BTreeSet;

use super::Unique;
use crate::base::document::{At, Document, Fields, did_you_mean};
use crate::base::{Fault, SiteId, TerminalId, Titles, TownshipId};
use crate::sites::{DeviceKind, Registry, Site, Terminal, TokenHash, Township};

pub(super) const NAME: &str = "its name, such as { zh-Hans = \"…\" }";

/// Who takes part. Every reference between them is checked.
pub(super) fn read(doc: &Document<'_>, root: &Fields<'_, '_>) -> Registry {
    let mut registry = Registry::default();
    townships(doc, root, &mut registry);
    let sites = sites(doc, root, &mut registry);
    terminals(doc, root, &sites, &mut registry);
    registry
}

fn townships(doc: &Document<'_>, root: &Fields<'_, '_>, registry: &mut Registry) {
    let mut ids = Unique::new("township");
    for f in root.tables("township") {
        let id = f.required::<TownshipId>("id", "its identifier, such as \"chengguan\"");
        let names = f.required::<Titles>("name", NAME).map(|n| n.value).unwrap_or_default();
        f.close();
        if let Some(id) = id {
            ids.claim(doc, &id);
            registry.townships.insert(id.value.clone(), Township { id: id.value, names });
        }
    }
}

/// Answers every site's identifier, also of those that are wrong otherwise, so
/// that their terminals are not blamed for it.
fn sites(doc: &Document<'_>, root: &Fields<'_, '_>, registry: &mut Registry) -> BTreeSet<SiteId> {
    let mut all = BTreeSet::new();
    let mut ids = Unique::new("site");
    for f in root.tables("site") {
        let id = f.required::<SiteId>("id", "its identifier, such as \"chengguan-dongmen\"");
        let township = f.required::<TownshipId>("township", "the id of its township");
        let names = f.required::<Titles>("name", NAME).map(|n| n.value).unwrap_or_default();
        f.close();
        if let Some(township) = &township {
            known(doc, "township", township, registry.townships.keys());
        }
        if let Some(id) = id {
            ids.claim(doc, &id);
            all.insert(id.value.clone());
            if let Some(township) = township {
                let site = Site { id: id.value, township: township.value, names, closed: false };
                registry.sites.insert(site.id.clone(), site);
            }
        }
    }
    all
}

fn terminals(doc: &Document<'_>, root: &Fields<'_, '_>, sites: &BTreeSet<SiteId>, registry: &mut Registry) {
    let mut ids = Unique::new("terminal");
    let mut tokens = Unique::new("token_sha256");
    for f in root.tables("terminal") {
        let id = f.required::<TerminalId>("id", "its identifier, such as \"dongmen-hall\"");
        let site = f.required::<SiteId>("site", "the id of its site");
        let names = f.required::<Titles>("name", NAME).map(|n| n.value).unwrap_or_default();
        let device = device(doc, &f.or("device", "computer".to_owned()));
        let token = f.required::<String>("token_sha256", "the SHA-256 of its token, 64 hex digits");
        f.close();
        if let Some(id) = &id {
            ids.claim(doc, id);
        }
        if let Some(site) = &site {
            known(doc, "site", site, sites.iter());
        }
        let token = token.and_then(|t| token_hash(doc, &mut tokens, t));
        if let (Some(id), Some(site), Some(token)) = (id, site, token) {
            let terminal = Terminal { id: id.value, site: site.value, names, device, token };
            registry.terminals.insert(terminal.id.clone(), terminal);
        }
    }
}

fn known<'a, K>(doc: &Document<'_>, what: &str, id: &At<K>, all: impl Iterator<Item = &'a K>)
where
    K: Ord + std::fmt::Display + 'a,
{
    let names: Vec<String> = all.map(K::to_string).collect();
    let wanted = id.value.to_string();
    if !names.contains(&wanted) {
        let hint = did_you_mean(&wanted, names.iter().map(String::as_str));
        doc.problem(id.at, Fault::Unknown, format!("there is no {what} `{wanted}`{hint}"));
    }
}

fn device(doc: &Document<'_>, given: &At<String>) -> DeviceKind {
    match given.value.as_str() {
        "computer" => DeviceKind::Computer,
        "tv" => DeviceKind::Tv,
        "phone" => DeviceKind::Phone,
        other => {
            let hint = did_you_mean(other, ["computer", "tv", "phone"].into_iter());
            doc.problem(given.at, Fault::Value, format!("`{other}` is not a kind of device{hint}"));
            DeviceKind::Computer
        }
    }
}

fn token_hash(doc: &Document<'_>, tokens: &mut Unique<String>, given: At<String>) -> Option<TokenHash> {
    let mut hash = [0; 32];
    if hex::decode_to_slice(&given.value, &mut hash).is_err() {
        let found = given.value.chars().count();
        let message = format!(
            "expected the SHA-256 of a token as 64 hex digits, found {found} characters that are not"
        );
        doc.problem(given.at, Fault::Value, message);
        return None;
    }
    let given = At { value: given.value.to_ascii_lowercase(), at: given.at };
    tokens.claim(doc, &given);
    Some(TokenHash(hash))
}
