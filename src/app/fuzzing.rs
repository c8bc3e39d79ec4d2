//! Every parser of ours, under one name each, for the fuzzer (`make fuzz`): what it is given is
//! anybody's. None may panic, hang or take memory without end, whatever the bytes are.

use std::path::Path;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::base::{Holidays, Lang, LessonId, workbook};
use crate::config;
use crate::courseware::{Checksum, UnpackJob, Wish, unpack};
use crate::delivery;
use crate::evidence::{Beat, Report, TicketKeys};
use crate::hls::{decode_text, head_length, parse_subtitles, plain, write_vtt};
use crate::schedule::{self, Names};
use crate::{mpegts, pipeline, rtmp};

/// Takes bytes.
type Target = fn(&[u8]);

/// By name.
pub const TARGETS: [(&str, Target); 18] = [
    ("subtitles", subtitles),
    ("boxes", boxes),
    ("fragments", mpegts::fuzzing::fragments),
    ("configurations", mpegts::fuzzing::configurations),
    ("listing", mpegts::fuzzing::listing),
    ("datagrams", pipeline::fuzzing::datagrams),
    ("file", file),
    ("archive", archive),
    ("rtmp-chunks", rtmp::fuzzing::chunks),
    ("rtmp-values", rtmp::fuzzing::values),
    ("rtmp-handshake", rtmp::fuzzing::handshake),
    ("county", county),
    ("schedule", schedule),
    ("table", table),
    ("headers", headers),
    ("ticket", ticket),
    ("beats", beats),
    ("claims", claims),
];

fn text(data: &[u8]) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(data)
}

fn subtitles(data: &[u8]) {
    let text = decode_text(data);
    let cues = parse_subtitles(&text);
    // Written, they are read as they were.
    let written = write_vtt(&cues, 0, u64::MAX, 0);
    assert!(written.starts_with("WEBVTT"));
    let _ = plain(&text);
}

fn boxes(data: &[u8]) {
    let _ = head_length(data);
}

/// A file of these bytes in a folder of its own.
fn with_file(data: &[u8], look: impl FnOnce(&Path)) {
    let folder = std::env::temp_dir().join(format!("yuanjiao-fuzz-{}", std::process::id()));
    let file = folder.join("file");
    if std::fs::create_dir_all(&folder).and_then(|()| std::fs::write(&file, data)).is_ok() {
        look(&file);
    }
    let _ = std::fs::remove_dir_all(&folder);
}

fn file(data: &[u8]) {
    with_file(data, pipeline::fuzzing::file);
}

fn archive(data: &[u8]) {
    with_file(data, |file| {
        let out = file.with_extension("out");
        if std::fs::create_dir_all(&out).is_ok() {
            unpack(&UnpackJob { input: file.to_owned(), out, most: 1 << 20 });
        }
    });
}

fn county(data: &[u8]) {
    let _ = config::parse(Path::new("county.toml"), &text(data), Path::new("/nowhere"));
}

fn schedule(data: &[u8]) {
    let names = Names::new([], [], Default::default(), Holidays::default());
    let _ = schedule::parse(Path::new("a.toml"), &text(data), &TimeZone::UTC, &names.known());
}

fn table(data: &[u8]) {
    let _ = workbook::read(data);
    if let Ok(table) = workbook::read_csv("table", data) {
        let _ = workbook::csv(&table.rows);
    }
}

fn headers(data: &[u8]) {
    let text = text(data);
    let _ = Wish::read(&text);
    let _ = Checksum::read(&text);
    delivery::fuzzing::range(&text, data.len());
    let _ = (Lang::new(&text), LessonId::new(&text), Lang::from_iso639(&text, &[]));
}

fn ticket(data: &[u8]) {
    if let Ok(tickets) = TicketKeys::new(vec![(1, [7; 32])]) {
        let forged = tickets.verify(&text(data), Timestamp::UNIX_EPOCH);
        assert!(forged.is_err(), "nobody knows the key");
    }
}

fn beats(data: &[u8]) {
    for beat in serde_json::from_slice::<Vec<Beat>>(data).unwrap_or_default() {
        let _ = beat.validate();
    }
}

fn claims(data: &[u8]) {
    for line in text(data).lines() {
        let _ = Report::read(line);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn no_parser_trips_over_any_bytes(data in prop::collection::vec(any::<u8>(), 0..400)) {
            for (_, target) in TARGETS {
                target(&data);
            }
        }
    }
}
