//! `[oidc]`: the provider with which people may sign in as well.

use std::path::Path;

use super::{Oidc, people::NAME};
use crate::base::document::{At, Document, Fields};
use crate::base::{Fault, Titles};

/// The provider; none where no issuer is named.
pub(super) fn read(doc: &Document<'_>, f: Fields<'_, '_>, base_dir: &Path) -> Option<Oidc> {
    let issuer = f.required::<String>("issuer", "the provider's address, or \"\" for none");
    let client_id = f.or("client_id", String::new());
    let secret = f.or("client_secret_file", String::new());
    let names = f.optional::<Titles>("name");
    let claim = f.or("claim", "preferred_username".to_owned());
    let at = f.at;
    f.close();
    let issuer = issuer.filter(|i| !i.value.is_empty())?;
    if !is_safe(&issuer.value) {
        let message = format!(
            "`{}` is not a provider's address: expected https://, or http:// on this machine",
            issuer.value
        );
        doc.problem(issuer.at, Fault::Value, message);
    }
    given(doc, &client_id, "client_id", "the name under which the provider knows this server");
    given(doc, &secret, "client_secret_file", "the file that holds what the provider gave with it");
    if names.is_none() {
        doc.problem(at, Fault::Missing, format!("oidc has no `name`: add {NAME}"));
    }
    Some(Oidc {
        issuer: issuer.value,
        client_id: client_id.value,
        client_secret_file: base_dir.join(secret.value),
        names: names.map(|n| n.value).unwrap_or_default(),
        claim: claim.value,
    })
}

fn given(doc: &Document<'_>, value: &At<String>, key: &str, what: &str) {
    if value.value.is_empty() {
        doc.problem(value.at, Fault::Missing, format!("oidc has no `{key}`: add {what}"));
    }
}

/// True for an address that nobody on the way can read or change.
fn is_safe(url: &str) -> bool {
    let host = |rest: &str| {
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default().to_owned();
        let plain = !authority.is_empty() && !authority.contains(['@', ' ']);
        let odd = rest.contains(['?', '#', '"', '<', '>']) || rest.contains(char::is_whitespace);
        (plain && !odd).then_some(authority)
    };
    if let Some(rest) = url.strip_prefix("https://") {
        return host(rest).is_some();
    }
    let here = |authority: String| {
        ["127.0.0.1", "localhost", "[::1]"].iter().any(|name| {
            authority.strip_prefix(name).is_some_and(|port| port.is_empty() || port.starts_with(':'))
        })
    };
    url.strip_prefix("http://").and_then(host).is_some_and(here)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_provider_is_reached_safely_or_not_at_all() {
        for good in
            ["https://id.example", "https://id.example/realms/a", "http://127.0.0.1:3000", "http://[::1]:1/"]
        {
            assert!(is_safe(good), "{good}");
        }
        for bad in [
            "",
            "id.example",
            "http://id.example",
            "http://127.0.0.1.example",
            "https://",
            "https://a@b",
            "https://a/?x",
        ] {
            assert!(!is_safe(bad), "{bad}");
        }
    }
}
