//! The whole file.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;

use super::{County, Tls, channels, limits, oidc, once_each, people, recording, relays, section, topics};
use crate::base::document::{At, Document, Fields};
use crate::base::{Fault, Lang, Problems, Titles, read_holidays};

/// Reads the file; what is wrong with it is in `doc` afterwards. An error is
/// a file that is not TOML at all.
pub(super) fn read(doc: &Document<'_>, base_dir: &Path) -> Result<County, Problems> {
    let table = doc.parse()?;
    let root = Fields::root(doc, &table);
    let name = root.required::<Titles>("name", "the county's name, such as { zh-Hans = \"…\" }");
    let packaging: super::Packaging =
        section(doc, &root, "packaging").map_or_else(Default::default, |f| limits::packaging(doc, f));
    let relays = relays::read(doc, &root, &packaging.ladder);
    let county = County {
        names: name.map(|n| n.value).unwrap_or_default(),
        tz: timezone(doc, &root),
        languages: languages(doc, &root),
        listen: listen(doc, &root),
        public_url: public_url(doc, &root),
        data: folder(doc, &root, base_dir, "data"),
        media: folder(doc, &root, base_dir, "media"),
        schedules: folder(doc, &root, base_dir, "schedules"),
        rtmp: rtmp(doc, &root),
        http: section(doc, &root, "http").map_or_else(Default::default, |f| limits::http(doc, f)),
        tls: section(doc, &root, "tls").and_then(|f| tls(doc, f, base_dir)),
        packaging,
        uploads: section(doc, &root, "uploads").map_or_else(Default::default, |f| limits::uploads(doc, f)),
        evidence: section(doc, &root, "evidence").map_or_else(Default::default, |f| limits::evidence(doc, f)),
        recording: section(doc, &root, "recording")
            .map_or_else(Default::default, |f| recording::recording(doc, f)),
        alarms: section(doc, &root, "alarms")
            .map_or_else(Default::default, |f| recording::alarms(doc, f, base_dir)),
        oidc: section(doc, &root, "oidc").and_then(|f| oidc::read(doc, f, base_dir)),
        channels: channels::read(doc, &root),
        relays,
        registry: people::read(doc, &root),
        holidays: read_holidays(doc, &root),
        topics: topics::read(doc, &root),
    };
    root.close();
    let published = |s: &super::Source| matches!(s, super::Source::Published { .. });
    if county.rtmp.is_none() && county.relays.iter().flat_map(|r| &r.sources).any(published) {
        doc.problem(
            0,
            Fault::Missing,
            "a publish:// source needs the address where encoders publish: rtmp = \"0.0.0.0:1935\"",
        );
    }
    Ok(county)
}

fn timezone(doc: &Document<'_>, root: &Fields<'_, '_>) -> TimeZone {
    let name = root.or("timezone", "Asia/Shanghai".to_owned());
    TimeZone::get(&name.value).unwrap_or_else(|_| {
        let message =
            format!("`{}` is not a time zone: expected a name such as \"Asia/Shanghai\"", name.value);
        doc.problem(name.at, Fault::Value, message);
        TimeZone::UTC
    })
}

fn languages(doc: &Document<'_>, root: &Fields<'_, '_>) -> Vec<Lang> {
    let Some(given) = root.optional::<Vec<At<Lang>>>("languages") else {
        let usual = ["zh-Hans", "ug-Arab", "en"];
        return usual.iter().filter_map(|tag| Lang::new(tag).ok()).collect();
    };
    if given.value.is_empty() {
        doc.problem(given.at, Fault::Empty, "no languages: list at least one, the default first");
    }
    once_each(doc, "language", given.value)
}

fn listen(doc: &Document<'_>, root: &Fields<'_, '_>) -> SocketAddr {
    let usual = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 8080);
    let given = root.or("listen", usual.to_string());
    address(doc, &given, "0.0.0.0:8080").unwrap_or(usual)
}

/// An address to listen on, such as `example`.
fn address(doc: &Document<'_>, given: &At<String>, example: &str) -> Option<SocketAddr> {
    let read = given.value.parse();
    let wrong = |_: &_| {
        let message = format!("`{}` is not an address to listen on: expected \"{example}\"", given.value);
        doc.problem(given.at, Fault::Value, message);
    };
    read.inspect_err(wrong).ok()
}

/// `[tls]`; none where it is spoken nowhere.
fn tls(doc: &Document<'_>, f: Fields<'_, '_>, base_dir: &Path) -> Option<Tls> {
    let listen = f.or("listen", String::new());
    let certificate = f.or("certificate", String::new());
    let key = f.or("key", String::new());
    f.close();
    if listen.value.is_empty() {
        return None;
    }
    let listen = address(doc, &listen, "0.0.0.0:8443")?;
    for (file, what) in [(&certificate, "certificate"), (&key, "key")] {
        if file.value.is_empty() {
            doc.problem(file.at, Fault::Empty, format!("TLS needs a `{what}`: the path of a PEM file"));
        }
    }
    let [certificate, key] = [certificate, key].map(|file| base_dir.join(file.value));
    Some(Tls { listen, certificate, key })
}

fn rtmp(doc: &Document<'_>, root: &Fields<'_, '_>) -> Option<SocketAddr> {
    let given = root.optional::<String>("rtmp").filter(|g| !g.value.is_empty())?;
    address(doc, &given, "0.0.0.0:1935")
}

fn public_url(doc: &Document<'_>, root: &Fields<'_, '_>) -> Option<String> {
    let given = root.optional::<String>("public_url")?;
    let url = given.value.trim_end_matches('/').to_owned();
    let host = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://")).unwrap_or_default();
    let odd = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '"' | '<' | '>' | '?' | '#' | '@');
    if host.is_empty() || host.starts_with(['/', ':']) || host.contains(odd) {
        let message = format!("`{}` is not an address: expected \"http://tv.county.example\"", given.value);
        doc.problem(given.at, Fault::Value, message);
    }
    Some(url)
}

/// A folder; by default the one of its own name beside the file's folder, so
/// that `config/county.toml` finds `media/` where the county keeps it.
fn folder(doc: &Document<'_>, root: &Fields<'_, '_>, base_dir: &Path, key: &'static str) -> PathBuf {
    let given = root.or(key, format!("../{key}"));
    if given.value.is_empty() {
        doc.problem(
            given.at,
            Fault::Empty,
            format!("`{key}` is empty: expected a folder, such as \"../{key}\""),
        );
    }
    base_dir.join(given.value)
}
