//! `[[relay]]`.

use std::net::SocketAddr;
use std::time::Duration;

use super::limits::Size;
use super::source::parse_source;
use super::{Relay, Rung, Source, Transcode, Unique, once_each, within};
use crate::base::document::{At, Document, Fields};
use crate::base::{Fault, Lang, RelayId, Titles};

/// The relays in the order of the file.
/// Their lower rungs are of `ladder`.
pub(super) fn read(doc: &Document<'_>, root: &Fields<'_, '_>, ladder: &[Rung]) -> Vec<Relay> {
    let mut ids = Unique::new("relay");
    let mut sources = Unique::new("source");
    let mut one = |f| relay(doc, f, (&mut ids, &mut sources), ladder);
    root.tables("relay").into_iter().filter_map(&mut one).collect()
}

fn relay(
    doc: &Document<'_>,
    f: Fields<'_, '_>,
    (ids, taken): (&mut Unique<RelayId>, &mut Unique<String>),
    ladder: &[Rung],
) -> Option<Relay> {
    let second = Duration::from_secs(1);
    let id = f.required::<RelayId>("id", "its identifier, such as \"national\"");
    let names = f.required::<Titles>("name", "its name, such as { zh-Hans = \"…\" }");
    let sources = sources(doc, &f, taken);
    let audio = f.optional::<Vec<At<Lang>>>("audio").map(|a| once_each(doc, "audio language", a.value));
    let service = f.optional::<u16>("service").map(|s| within(doc, s, 1, u16::MAX, "0 is no programme"));
    let service_name = f.optional::<String>("service_name").filter(|name| !name.value.trim().is_empty());
    if let (Some(name), Some(_)) = (&service_name, service) {
        doc.problem(name.at, Fault::Contradiction, "a programme has one of service and service_name");
    }
    let transcode = match f.optional::<String>("transcode") {
        None => Transcode::default(),
        Some(word) if word.value == "auto" => Transcode::Auto,
        Some(word) if word.value == "never" => Transcode::Never,
        Some(word) => {
            doc.problem(
                word.at,
                Fault::Value,
                format!("unknown word `{}`: expected \"auto\" or \"never\"", word.value),
            );
            Transcode::default()
        }
    };
    let rungs = rungs(doc, &f, ladder);
    let stall_after = f.or("stall_after", 3 * second);
    let stall_after = within(doc, stall_after, second, 60 * second, "a key frame may be a second away");
    let failover = f.or("failover_after", 6 * second);
    if failover.value < stall_after {
        doc.problem(
            failover.at,
            Fault::Contradiction,
            "failover_after is shorter than stall_after: a source stalls before it is left",
        );
    }
    let failback_after = f.or("failback_after", 30 * second).value;
    let (max_segment, least) = (f.or("max_segment", 8 * second), Duration::from_millis(3840));
    let max_segment =
        within(doc, max_segment, least, 30 * second, "a segment is cut at a key frame after 3.84 s");
    let retention_hours = f.or("retention_hours", 24);
    let retention_hours = within(doc, retention_hours, 1, 24 * 366, "whole hours, a year at most");
    let retention_bytes = f.optional::<Size>("retention_size").map(|size| size.value.0);
    let on_demand = f.or("on_demand", false).value;
    let look_every = f.or("look_every", 10 * second);
    let look_every = match look_every.value.is_zero() {
        true => Duration::ZERO,
        false => within(doc, look_every, 2 * second, 600 * second, "0s: the picture is never decoded"),
    };
    f.close();
    let id = id?;
    ids.claim(doc, &id);
    Some(Relay {
        id: id.value,
        names: names.map(|n| n.value).unwrap_or_default(),
        sources,
        audio: audio.unwrap_or_default(),
        service,
        service_name: service_name.map(|name| name.value),
        transcode,
        rungs,
        stall_after,
        failover_after: failover.value,
        failback_after,
        max_segment,
        retention_hours,
        retention_bytes,
        on_demand,
        look_every,
    })
}

fn sources(doc: &Document<'_>, f: &Fields<'_, '_>, taken: &mut Unique<String>) -> Vec<Source> {
    let example = "a list such as [\"udp://@239.1.1.1:5000\"]";
    let Some(urls) = f.required::<Vec<At<String>>>("sources", example) else { return Vec::new() };
    if urls.value.is_empty() {
        doc.problem(urls.at, Fault::Empty, format!("no sources: expected {example}"));
    }
    let mut sources = Vec::new();
    for url in urls.value {
        match parse_source(&url.value) {
            Ok(source) => {
                // Two sockets on one address would take each other's packets.
                for value in claims(&source) {
                    taken.claim(doc, &At { value, at: url.at });
                }
                sources.push(source);
            }
            Err(e) => doc.problem(url.at, Fault::Value, e.to_string()),
        }
    }
    sources
}

fn rungs(doc: &Document<'_>, f: &Fields<'_, '_>, ladder: &[Rung]) -> Vec<Rung> {
    let given = f.optional::<Vec<At<String>>>("rungs").map_or_else(Vec::new, |given| given.value);
    let known = |name: &String| ladder.iter().any(|rung| rung.name == *name);
    for unknown in given.iter().filter(|name| !known(&name.value)) {
        let names: Vec<&str> = ladder.iter().map(|rung| rung.name.as_str()).collect();
        doc.problem(
            unknown.at,
            Fault::Value,
            format!("`{}` is no rung of packaging.ladder: expected of {}", unknown.value, names.join(", ")),
        );
    }
    let asked = once_each(doc, "rung", given);
    // Best first, as in the ladder.
    ladder.iter().filter(|rung| asked.contains(&rung.name)).cloned().collect()
}

/// What no other source may have: sockets, keys, files and cards.
fn claims(source: &Source) -> Vec<String> {
    match source {
        Source::Udp { address, interface, fec, .. } => {
            let further: &[u16] = if *fec { &[0, 2, 4] } else { &[0] };
            let socket = |further: &u16| {
                // One with too high a port was refused.
                let port = address.port().saturating_add(*further);
                let address = SocketAddr::new(address.ip(), port);
                match interface {
                    Some(interface) => format!("udp://@{address}?interface={interface}"),
                    None => format!("udp://{address}"),
                }
            };
            further.iter().map(socket).collect()
        }
        // Many may fetch the same; a listener's port is one socket.
        Source::Address { url } => vec![url.clone()],
        Source::Published { key } => vec![format!("publish://{key}")],
        Source::File { path } => vec![format!("file://{}", path.display())],
        // A card is tuned to one frequency.
        Source::Tuner { adapter, frontend, .. } => vec![format!("dvb://{adapter}.{frontend}")],
    }
}
