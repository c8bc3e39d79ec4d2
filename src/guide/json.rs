//! The guide as JSON.

use serde_json::{Value, json};

use super::{Entry, Listing};
use crate::schedule::Play;

/// `[{channel, number, names, lang, programmes: [{id, start, end, titles, kind, …}]}]`,
/// times as RFC 3339 in UTC.
pub fn json(listings: &[Listing]) -> Value {
    listings
        .iter()
        .map(|listing| {
            json!({
                "channel": listing.channel,
                "number": listing.number,
                "names": listing.names,
                "lang": listing.lang,
                "programmes": listing.entries.iter().map(|e| programme(listing, e)).collect::<Value>(),
            })
        })
        .collect()
}

fn programme(listing: &Listing, entry: &Entry) -> Value {
    let relay = match &entry.programme.play {
        Play::Relay(relay) => Some(relay),
        Play::Lessons(_) => None,
    };
    json!({
        "id": entry.programme.id,
        "start": entry.programme.start,
        "end": entry.end,
        "titles": listing.titles(entry),
        "kind": entry.kind,
        "lessons": entry.lessons(),
        "relay": relay,
        "lang": entry.programme.lang.as_ref().unwrap_or(&listing.lang),
        "keep": entry.programme.keep,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guide::fixtures::an_evening;

    #[test]
    fn an_evening_as_json() {
        let guide = super::json(&[an_evening()]);
        assert_eq!(guide[0]["channel"], "xiangtu");
        assert_eq!(guide[0]["names"]["zh-Hans"], "乡土课堂");
        assert_eq!(
            guide[0]["programmes"][1],
            json!({
                "id": "xiangtu-20261130T113000Z",
                "start": "2026-11-30T11:30:00Z",
                "end": "2026-11-30T12:12:30Z",
                "titles": { "zh-Hans": "葡萄栽培技术", "ug-Arab": "ئۈزۈم ئۆستۈرۈش تېخنىكىسى" },
                "kind": "lesson",
                "lessons": ["grape-pruning", "grape-pests"],
                "relay": null,
                "lang": "ug-Arab",
                "keep": false,
            })
        );
        assert_eq!(guide[0]["programmes"][0]["relay"], "national");
    }
}
