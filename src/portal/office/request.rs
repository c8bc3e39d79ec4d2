//! What a browser sends to the office.

use std::net::IpAddr;

use bytes::Bytes;

use crate::base::{AccountId, Lang, Titles};
use crate::people::{AuditEntry, Secret};
use crate::portal::pages::PageRequest;

/// What a form brings: fields, and files.
#[derive(Debug, Clone, Default)]
pub struct Form {
    fields: Vec<(String, String)>,
    files: Vec<(String, Bytes)>,
}

impl Form {
    /// Reads a body by its `Content-Type`; whatever it is, something is read.
    pub async fn read(content_type: &str, body: Bytes) -> Self {
        match multer::parse_boundary(content_type) {
            Ok(boundary) => Self::parts(body, boundary).await,
            Err(_) => {
                Self { fields: form_urlencoded::parse(&body).into_owned().collect(), files: Vec::new() }
            }
        }
    }

    /// `multipart/form-data` (RFC 7578); what follows a broken part is left out.
    async fn parts(body: Bytes, boundary: String) -> Self {
        let whole = futures_util::stream::once(async { Ok::<_, std::convert::Infallible>(body) });
        let mut parts = multer::Multipart::new(whole, boundary);
        let mut form = Self::default();
        while let Ok(Some(part)) = parts.next_field().await {
            let name = part.name().unwrap_or_default().to_owned();
            let is_file = part.file_name().is_some();
            match part.bytes().await {
                Ok(bytes) if is_file => form.files.push((name, bytes)),
                Ok(bytes) => form.fields.push((name, String::from_utf8_lossy(&bytes).into_owned())),
                Err(_) => break,
            }
        }
        form
    }

    /// A field, trimmed; empty if it is not there.
    pub fn get(&self, name: &str) -> &str {
        self.raw(name).trim()
    }

    /// A name that somebody typed, without what no name holds; none if nothing is left.
    pub(super) fn name(&self) -> Option<String> {
        Some(clean(self.get("name"))).filter(|n| !n.is_empty())
    }

    /// Names by language, from fields such as `name.ug-Arab`.
    pub(super) fn titles(&self, languages: &[Lang]) -> Titles {
        self.titles_of("name", languages)
    }

    /// The same of the field `key`.
    pub(super) fn titles_of(&self, key: &str, languages: &[Lang]) -> Titles {
        let named = languages.iter().map(|lang| (lang.clone(), clean(self.get(&format!("{key}.{lang}")))));
        Titles(named.filter(|(_, name)| !name.is_empty()).collect())
    }

    /// Every value of a field that may stand several times.
    pub(super) fn all<'f>(&'f self, name: &'f str) -> impl Iterator<Item = &'f str> {
        self.fields.iter().filter(move |(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    /// All fields as they came.
    pub(super) fn fields(&self) -> &[(String, String)] {
        &self.fields
    }

    /// A file; none if nothing was chosen.
    pub(super) fn file(&self, name: &str) -> Option<&Bytes> {
        self.files.iter().find(|(n, bytes)| n == name && !bytes.is_empty()).map(|(_, bytes)| bytes)
    }

    /// A field as it was typed: spaces in a password count.
    pub fn raw(&self, name: &str) -> &str {
        self.fields.iter().find(|(n, _)| n == name).map_or("", |(_, v)| v.as_str())
    }
}

/// A name without what no name holds: controls, and marks that would turn the
/// direction of the text around it (UAX #9).
pub(in crate::portal) fn clean(text: &str) -> String {
    let holds = |c: &char| {
        !c.is_control()
            && !matches!(
                c,
                '\u{61c}'
                    | '\u{200b}'
                    | '\u{200e}'
                    | '\u{200f}'
                    | '\u{202a}'..='\u{202e}'
                    | '\u{2060}'
                    | '\u{2066}'..='\u{206f}'
                    | '\u{feff}'
                    | '\u{e0000}'..='\u{e007f}'
            )
    };
    text.chars().filter(holds).take(NAME).collect()
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
    /// The cookie of who has gone to the identity provider.
    pub away: Option<Secret>,
    /// Where it comes from, to slow down who guesses. Not kept.
    pub address: IpAddr,
    /// What the browser says it is.
    pub agent: &'a str,
    /// It asks for events instead of a page.
    pub listens: bool,
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
            via: String::new(),
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

    /// The header that tells this browser from others when it comes back from
    /// the identity provider.
    pub(super) fn away_cookie_header(&self, secret: &Secret) -> String {
        let name = away_cookie_name(self.secure);
        let secure = if self.secure { "; Secure" } else { "" };
        format!("{name}={}; Path=/; HttpOnly; SameSite=Lax{secure}; Max-Age=600", secret.as_str())
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

/// Name of the cookie of who has gone to the identity provider.
pub fn away_cookie_name(secure: bool) -> &'static str {
    if secure { "__Host-yuanjiao-away" } else { "yuanjiao-away" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_form_with_a_file_is_read_and_a_torn_one_as_far_as_it_goes() {
        let body = "--x\r\ncontent-disposition: form-data; name=\"token\"\r\n\r\nabc\r\n--x\r\n\
                    content-disposition: form-data; name=\"file\"; filename=\"a.xlsx\"\r\n\r\nPK\r\n--x--\r\n";
        let form = Form::read("multipart/form-data; boundary=x", Bytes::from(body)).await;
        assert_eq!((form.get("token"), form.file("file").map(|b| &b[..])), ("abc", Some(&b"PK"[..])));
        let torn = Form::read("multipart/form-data; boundary=x", Bytes::from(&body[..120])).await;
        assert_eq!((torn.get("token"), torn.file("file")), ("abc", None));
        let plain = Form::read("application/x-www-form-urlencoded", Bytes::from("a=1&a=2")).await;
        assert_eq!(plain.all("a").collect::<Vec<_>>(), ["1", "2"]);
    }

    #[test]
    fn a_name_cannot_turn_what_stands_beside_it() {
        assert_eq!(clean("Qaratal\u{202e}\u{7}"), "Qaratal");
        assert_eq!(clean("قارىتال\u{200c}"), "قارىتال\u{200c}", "joiners belong to words");
    }

    #[test]
    fn a_browser_is_called_as_people_call_it() {
        let phone = "Mozilla/5.0 (Linux; Android 12; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 \
                     Mobile Safari/537.36";
        assert_eq!(short(phone), "Chrome, Android");
        assert_eq!(short(&format!("{phone} Edg/120.0")), "Edge, Android");
        assert_eq!(short("curl/7.88.1"), "curl/7.88.1");
    }
}
