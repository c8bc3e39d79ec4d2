//! What a browser sends to the office.

use std::net::IpAddr;

use crate::base::AccountId;
use crate::people::{AuditEntry, Secret};
use crate::portal::pages::PageRequest;

/// Fields of a form (`application/x-www-form-urlencoded`).
#[derive(Debug, Clone, Default)]
pub struct Form(Vec<(String, String)>);

impl Form {
    /// Reads a body; whatever it is, something is read.
    pub fn read(body: &[u8]) -> Self {
        Self(form_urlencoded::parse(body).into_owned().collect())
    }

    /// A field, trimmed; empty if it is not there.
    pub fn get(&self, name: &str) -> &str {
        self.raw(name).trim()
    }

    /// A name that somebody typed, without what no name holds; none if nothing is left.
    pub(super) fn name(&self) -> Option<String> {
        let name: String = self.get("name").chars().filter(|c| !c.is_control()).take(NAME).collect();
        Some(name).filter(|n| !n.is_empty())
    }

    /// A field as it was typed: spaces in a password count.
    pub fn raw(&self, name: &str) -> &str {
        self.0.iter().find(|(n, _)| n == name).map_or("", |(_, v)| v.as_str())
    }
}

/// A request for a page of the office.
#[derive(Debug)]
pub struct OfficeRequest<'a> {
    /// What every page request says.
    pub page: PageRequest<'a>,
    /// The form, if one was sent.
    pub form: Option<Form>,
    /// The sign-in's cookie.
    pub cookie: Option<Secret>,
    /// Where it comes from, to slow down who guesses. Not kept.
    pub address: IpAddr,
    /// What the browser says it is.
    pub agent: &'a str,
    /// True unless the browser says that another site's page sent the form.
    pub same_origin: bool,
    /// The browser speaks TLS to us or to the proxy in front.
    pub secure: bool,
    /// Address of this server as the browser knows it.
    pub base_url: &'a str,
}

/// Longest name of a person or a device.
const NAME: usize = 100;
/// Longest description of a browser that is kept.
const AGENT: usize = 80;

impl OfficeRequest<'_> {
    /// What the audit log says of this request.
    pub(super) fn entry(&self, who: Option<&AccountId>, what: &str, subject: String) -> AuditEntry {
        AuditEntry {
            at: self.page.now,
            who: who.cloned(),
            what: what.to_owned(),
            subject,
            before: String::new(),
            after: String::new(),
        }
    }

    /// What a person would call the browser, such as `Chrome, Android`.
    pub(super) fn short_agent(&self) -> String {
        short(self.agent)
    }

    /// The header that signs the browser in; without a secret, out. The name
    /// with `__Host-` is taken over TLS only (RFC 6265bis §4.1.3.2).
    pub(super) fn cookie_header(&self, secret: Option<&Secret>) -> String {
        let value = secret.map_or("", Secret::as_str);
        let name = cookie_name(self.secure);
        let secure = if self.secure { "; Secure" } else { "" };
        let age = if secret.is_some() { "" } else { "; Max-Age=0" };
        format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{age}")
    }
}

/// Browsers and systems by what they say of themselves; many say they are
/// others as well, so the more particular stand first.
const BROWSERS: [(&str, &str); 7] = [
    ("MicroMessenger", "WeChat"),
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("QQBrowser", "QQ"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
];
const SYSTEMS: [(&str, &str); 6] = [
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS", "macOS"),
    ("Linux", "Linux"),
];

fn short(agent: &str) -> String {
    let named = |names: &[(&str, &'static str)]| {
        names.iter().find(|(said, _)| agent.contains(said)).map(|(_, name)| *name)
    };
    match (named(&BROWSERS), named(&SYSTEMS)) {
        (Some(browser), Some(system)) => format!("{browser}, {system}"),
        _ => agent.chars().filter(|c| !c.is_control()).take(AGENT).collect(),
    }
}

/// Name of the sign-in's cookie.
pub fn cookie_name(secure: bool) -> &'static str {
    if secure { "__Host-yuanjiao" } else { "yuanjiao" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_is_called_as_people_call_it() {
        let phone = "Mozilla/5.0 (Linux; Android 12; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 \
                     Mobile Safari/537.36";
        assert_eq!(short(phone), "Chrome, Android");
        assert_eq!(short(&format!("{phone} Edg/120.0")), "Edge, Android");
        assert_eq!(short("curl/7.88.1"), "curl/7.88.1");
    }
}
