//! The playbacks of an export as other programs read them: a table, and xAPI statements.

use serde_json::{Value, json};

use crate::base::IntervalSet;
use crate::base::workbook::Table;
use crate::evidence::{CloseReason, Item, Level, SessionRecord};

/// A playback of an export: its number in the log, and its record.
pub type Played = (u64, SessionRecord);

/// The columns.
const HEADINGS: [&str; 25] = [
    "log_index",
    "session",
    "site",
    "terminal",
    "device",
    "item",
    "title",
    "language",
    "content_hash",
    "opened",
    "closed",
    "why_closed",
    "duration_s",
    "watched_s",
    "timed_s",
    "verified_s",
    "sealed_s",
    "delivered_s",
    "media_s",
    "hidden_s",
    "paused_s",
    "stalled_s",
    "coverage",
    "level",
    "forks",
];

/// A row of each, with seconds to the millisecond; instants as RFC 3339.
pub fn table(played: &[Played]) -> Table {
    let rows = [HEADINGS.map(str::to_owned).to_vec()].into_iter().chain(played.iter().map(row));
    Table { name: "playbacks".to_owned(), rows: rows.collect() }
}

fn row((no, r): &Played) -> Vec<String> {
    let text = |value: Option<&str>| value.unwrap_or_default().to_owned();
    let t = &r.totals;
    vec![
        no.to_string(),
        r.id.to_string(),
        text(r.site.as_ref().map(|s| s.as_str())),
        text(r.terminal.as_ref().map(|t| t.as_str())),
        word(&r.device),
        place(&r.item),
        r.title.0.values().next().cloned().unwrap_or_default(),
        text(r.lang.as_ref().map(|l| l.as_str())),
        text(r.content_hash.as_deref()),
        r.opened.map(|at| at.to_string()).unwrap_or_default(),
        r.closed.map(|(at, _)| at.to_string()).unwrap_or_default(),
        r.closed.map(|(_, why)| word(&why)).unwrap_or_default(),
        r.duration_ms.map(seconds).unwrap_or_default(),
        seconds(t.watched_ms),
        seconds(t.timed_ms),
        seconds(t.verified_ms),
        seconds(t.sealed_ms),
        seconds(t.delivered_ms),
        seconds(t.media_ms),
        seconds(t.hidden_ms),
        seconds(t.paused_ms),
        seconds(t.stalled_ms),
        format!("{:.6}", t.coverage),
        word(&t.level),
        r.forks.to_string(),
    ]
}

/// As serde writes it.
fn word(value: &impl serde::Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
}

fn place(item: &Item) -> String {
    match item {
        Item::Channel(id) => format!("channels/{id}"),
        Item::Lesson(id) => format!("lessons/{id}"),
    }
}

fn seconds(ms: i64) -> String {
    format!("{}.{:03}", ms / 1000, ms % 1000)
}

/// The Video Profile's address of something.
const VIDEO: &str = "https://w3id.org/xapi/video";

/// A playback as a statement (xAPI 1.0.3, Video Profile): the site as a group has terminated
/// it, or completed it where the whole lesson was seen. `origin` names the log; our own
/// extensions lie below it.
pub fn statement((no, r): &Played, origin: &str) -> Value {
    let site = r.site.as_ref().map_or("public", |s| s.as_str());
    let own = |name: &str| format!("https://{origin}/xapi/{name}");
    let is_whole = r.totals.coverage >= 0.95 && matches!(r.closed, Some((_, CloseReason::Ended)));
    let (verb, display) = match is_whole {
        true => ("http://adlnet.gov/expapi/verbs/completed", "completed"),
        false => ("http://adlnet.gov/expapi/verbs/terminated", "terminated"),
    };
    let titles: serde_json::Map<String, Value> =
        r.title.0.iter().map(|(lang, text)| (lang.to_string(), json!(text))).collect();
    json!({
        "id": uuid(origin, *no),
        "actor": { "objectType": "Group", "account": { "homePage": format!("https://{origin}"), "name": site } },
        "verb": { "id": verb, "display": { "en": display } },
        "object": {
            "id": format!("https://{origin}/{}", place(&r.item)),
            "definition": { "type": format!("{VIDEO}/activity-type/video"), "name": titles },
        },
        "result": {
            "completion": is_whole,
            "duration": format!("PT{}S", seconds(r.totals.watched_ms + r.totals.sealed_ms)),
            "extensions": {
                format!("{VIDEO}/extensions/progress"): r.totals.coverage,
                format!("{VIDEO}/extensions/played-segments"): segments(&r.media),
                own("timed-seconds"): r.totals.timed_ms as f64 / 1000.0,
                own("verified-seconds"): r.totals.verified_ms as f64 / 1000.0,
                own("sealed-seconds"): r.totals.sealed_ms as f64 / 1000.0,
                own("delivered-seconds"): r.totals.delivered_ms as f64 / 1000.0,
                own("level"): level(r.totals.level),
            },
        },
        "context": {
            "language": r.lang,
            "contextActivities": { "category": [{ "id": VIDEO }] },
            "extensions": {
                format!("{VIDEO}/extensions/session-id"): r.id,
                format!("{VIDEO}/extensions/length"): r.duration_ms.map(|ms| ms as f64 / 1000.0),
                own("log-index"): no,
            },
        },
        "timestamp": r.closed.map(|(at, _)| at),
    })
}

/// What was played at least once, seconds: `0[.]12.5[,]20[.]30`.
fn segments(media: &IntervalSet) -> String {
    let parts: Vec<String> =
        media.iter().map(|(from, to)| format!("{}[.]{}", seconds(from), seconds(to))).collect();
    parts.join("[,]")
}

fn level(level: Level) -> &'static str {
    match level {
        Level::Nothing => "L0",
        Level::Sealed => "LS",
        Level::Claimed => "L1",
        Level::Timed => "L2",
        Level::Delivered => "L3",
    }
}

/// The same entry has the same name in every export: a UUID (RFC 9562 section 5.8) of a hash.
fn uuid(origin: &str, no: u64) -> String {
    let hash = super::tree::leaf_hash(format!("{origin}\n{no}").as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash[..16]);
    bytes[6] = bytes[6] & 0x0f | 0x80;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = hex::encode(bytes);
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}
