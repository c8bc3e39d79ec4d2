//! What a relay's worker is told.

use std::path::Path;

use serde_json::{Value, json};

use crate::config::{Relay, Source, Transcode};

/// The job as `pipeline::RelayJob` reads it: for this source of the relay, to record
/// or to stand by, from this segment and after this generation on.
pub(super) fn job(
    relay: &Relay,
    folder: &Path,
    (source, standby): (usize, bool),
    (next, generation): (u64, u64),
) -> Value {
    let from = match &relay.sources[source % relay.sources.len()] {
        Source::Udp { address, interface, sender, rtp, fec } => json!({
            "kind": "datagrams", "address": address, "interface": interface, "sender": sender, "rtp": rtp,
            "fec": fec,
        }),
        Source::Address { url } => json!({"kind": "address", "url": url}),
        Source::Published { .. } => json!({"kind": "published", "socket": folder.join("publish.sock")}),
        Source::File { path } => json!({"kind": "file", "path": path}),
        Source::Tuner { adapter, frontend, tuning } => {
            json!({"kind": "tuner", "adapter": adapter, "frontend": frontend, "tuning": tuning})
        }
    };
    let rungs = relay.rungs.iter().map(|r| json!({"name": r.name, "height": r.height, "kbps": r.kbps}));
    json!({
        "folder": folder,
        "next": next,
        "generation": generation,
        "from": from,
        "transcode": relay.transcode == Transcode::Auto,
        "rungs": rungs.collect::<Vec<Value>>(),
        "service": relay.service,
        "service_name": relay.service_name,
        "audio": relay.audio,
        "stall_after_ms": relay.stall_after.as_millis() as u64,
        "max_segment_ms": relay.max_segment.as_millis() as u64,
        "standby": standby,
    })
}
