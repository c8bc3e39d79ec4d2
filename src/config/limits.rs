//! `[http]`, `[packaging]` and `[evidence]`, with what is sensible where
//! nothing is said.

use std::time::Duration;

use toml::Spanned;
use toml::de::DeValue;

use super::{Evidence, HttpLimits, Packaging, Rung, Unique, Uploads, logs, within};
use crate::base::Fault;
use crate::base::document::{At, Document, Fields, Read};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);

impl Default for HttpLimits {
    fn default() -> Self {
        Self {
            max_header_bytes: 16 << 10,
            header_timeout: 10 * SECOND,
            idle_timeout: 60 * SECOND,
            max_connections: 20_000,
            max_connections_from_one: 512,
            drain_timeout: 15 * SECOND,
            segment_cache_bytes: 512 << 20,
        }
    }
}

impl Default for Packaging {
    fn default() -> Self {
        let rung = |name: &str, height, kbps| Rung { name: name.to_owned(), height, kbps };
        let ladder = vec![rung("v720", 720, 1500), rung("v480", 480, 800), rung("v240", 240, 300)];
        Self { jobs: 1, ladder, audio_kbps: 48, review: false, hardware: true }
    }
}

impl Default for Uploads {
    fn default() -> Self {
        Self { max_size: 16 << 30, per_day: 200 << 30, keep: 7 * 24 * HOUR }
    }
}

impl Default for Evidence {
    fn default() -> Self {
        Self {
            ticket_ttl: 12 * HOUR,
            session_timeout: 300 * SECOND,
            witnesses: Vec::new(),
            witnessed: Vec::new(),
            edges: Vec::new(),
        }
    }
}

/// A size such as "16KiB".
#[derive(Clone, Copy, PartialEq, PartialOrd)]
pub(super) struct Size(pub(super) u64);

/// As it would be written, for messages about what was expected.
impl std::fmt::Debug for Size {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}KiB", self.0 >> 10)
    }
}

impl Read for Size {
    fn read(doc: &Document<'_>, value: &Spanned<DeValue<'_>>) -> Option<Self> {
        let expected = "a size in quotes, such as \"16KiB\" or \"512MiB\"";
        let Some(text) = value.get_ref().as_str() else { return doc.wrong(value, expected) };
        let size = size(text);
        if size.is_none() {
            doc.problem(
                value.span().start,
                Fault::Value,
                format!("`{text}` is not a size: expected {expected}"),
            );
        }
        size.map(Size)
    }
}

fn size(text: &str) -> Option<u64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let shift = match text[digits..].trim_start() {
        "KiB" => 10,
        "MiB" => 20,
        "GiB" => 30,
        _ => return None,
    };
    let number: u64 = text[..digits].parse().ok()?;
    number.checked_mul(1 << shift)
}

/// `[http]`.
pub(super) fn http(doc: &Document<'_>, f: Fields<'_, '_>) -> HttpLimits {
    let usual = HttpLimits::default();
    let header = f.or("max_header", Size(usual.max_header_bytes as u64));
    let header = within(
        doc,
        header,
        Size(4 << 10),
        Size(1 << 20),
        "tickets and languages need 4 KiB, no honest peer more than 1 MiB",
    );
    let limits = HttpLimits {
        max_header_bytes: header.0 as usize,
        header_timeout: patience(doc, f.or("header_timeout", usual.header_timeout)),
        idle_timeout: patience(doc, f.or("idle_timeout", usual.idle_timeout)),
        max_connections: within(
            doc,
            f.or("max_connections", usual.max_connections),
            1,
            1_000_000,
            "each needs a file handle",
        ),
        max_connections_from_one: within(
            doc,
            f.or("max_connections_per_address", usual.max_connections_from_one),
            8,
            1_000_000,
            "a browser opens six, and a village's terminals share an address",
        ),
        drain_timeout: f.or("drain_timeout", usual.drain_timeout).value,
        segment_cache_bytes: f.or("segment_cache", Size(usual.segment_cache_bytes)).value.0,
    };
    f.close();
    limits
}

fn patience(doc: &Document<'_>, given: At<Duration>) -> Duration {
    within(doc, given, SECOND, HOUR, "shorter cuts off slow lines, longer keeps dead ones")
}

/// `[packaging]`.
pub(super) fn packaging(doc: &Document<'_>, f: Fields<'_, '_>) -> Packaging {
    let usual = Packaging::default();
    let jobs = within(doc, f.or("jobs", usual.jobs), 1, 64, "each job fills a processor");
    let audio_kbps =
        within(doc, f.or("audio_kbps", usual.audio_kbps), 16, 320, "AAC carries speech and music there");
    let review = f.or("review", usual.review).value;
    let hardware = f.or("hardware", usual.hardware).value;
    let given = f.tables("ladder");
    let ladder = if given.is_empty() { usual.ladder } else { ladder(doc, given) };
    f.close();
    Packaging { jobs, ladder, audio_kbps, review, hardware }
}

/// `[uploads]`.
pub(super) fn uploads(doc: &Document<'_>, f: Fields<'_, '_>) -> Uploads {
    let usual = Uploads::default();
    let most = Size(1 << 40);
    let max_size =
        within(doc, f.or("max_size", Size(usual.max_size)), Size(1 << 20), most, "a lesson is as long");
    let per_day = f.or("per_day", Size(usual.per_day));
    let per_day = within(doc, per_day, max_size, Size(1 << 50), "the largest file has to fit into a day");
    let keep = f.or("keep", usual.keep);
    let keep = within(doc, keep, HOUR, 90 * 24 * HOUR, "lines are down for hours, disks are not for ever");
    f.close();
    Uploads { max_size: max_size.0, per_day: per_day.0, keep }
}

fn ladder(doc: &Document<'_>, tables: Vec<Fields<'_, '_>>) -> Vec<Rung> {
    let mut names = Unique::new("rung");
    let mut rungs: Vec<Rung> = Vec::new();
    for f in tables {
        let name = f.required::<String>("name", "its name in URLs, such as \"v720\"");
        let height = f.required::<u32>("height", "its height in pixels");
        let kbps = f.required::<u32>("kbps", "its bit rate in kb/s");
        if let (Some(name), Some(height), Some(kbps)) = (name, height, kbps) {
            rung_name(doc, &mut names, &name);
            if height.value % 2 == 1 {
                doc.problem(
                    height.at,
                    Fault::Value,
                    format!("{} is odd: H.264 needs an even height", height.value),
                );
            }
            let height = At { at: height.at, value: within(doc, height, 64, 4320, "a picture fits there") };
            let kbps = At { at: kbps.at, value: within(doc, kbps, 32, 100_000, "a picture fits there") };
            let rung = Rung { name: name.value, height: height.value, kbps: kbps.value };
            if let Some(above) = rungs.last() {
                descends(doc, "height", above.height, &height);
                descends(doc, "kbps", above.kbps, &kbps);
            }
            rungs.push(rung);
        }
        f.close();
    }
    rungs
}

fn rung_name(doc: &Document<'_>, names: &mut Unique<String>, name: &At<String>) {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    if name.value.is_empty() || name.value.len() > 16 || !name.value.bytes().all(plain) {
        doc.problem(
            name.at,
            Fault::Value,
            format!("`{}` is not a rung's name: expected a-z and 0-9, such as \"v720\"", name.value),
        );
    }
    names.claim(doc, name);
}

fn descends(doc: &Document<'_>, key: &str, above: u32, here: &At<u32>) {
    if here.value >= above {
        let message = format!(
            "{key} {} is not below the {above} of the rung above: list the best rung first",
            here.value
        );
        doc.problem(here.at, Fault::Contradiction, message);
    }
}

/// `[evidence]`.
pub(super) fn evidence(doc: &Document<'_>, f: Fields<'_, '_>) -> Evidence {
    let usual = Evidence::default();
    let ttl = f.or("ticket_ttl", usual.ticket_ttl);
    let silence = f.or("session_timeout", usual.session_timeout);
    let session_timeout =
        within(doc, silence, 30 * SECOND, HOUR, "players report every 10 s, and lines drop");
    let ticket_ttl = within(doc, ttl, 60 * SECOND, 168 * HOUR, "a ticket outlives an evening, not a week");
    let (witnesses, witnessed) = (logs::witnesses(doc, &f), logs::witnessed(doc, &f));
    let edges = logs::edges(doc, &f);
    f.close();
    Evidence { ticket_ttl, session_timeout, witnesses, witnessed, edges }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_a_unit() {
        assert_eq!(size("16KiB"), Some(16384));
        assert_eq!(size("512 MiB"), Some(512 << 20));
        for bad in ["16", "16KB", "KiB", "-1KiB", "99999999999999999999GiB", "99999999999999GiB"] {
            assert_eq!(size(bad), None, "{bad:?} was taken");
        }
    }
}
