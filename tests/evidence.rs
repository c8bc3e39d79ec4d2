//! The log of evidence: what is exported of it, what is found of an export that was altered,
//! and what another server sees of it.

#[expect(dead_code, reason = "each story uses its part of what they share")]
mod support;

use std::fs;
use std::path::PathBuf;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use support::county::{County, a_county, token};
use support::http::resolve;
use support::log::{export, size, try_export, verify};
use support::media::package_lesson;
use support::playlist::{beside, fetch};
use support::server::{PATIENCE, Server};
use support::time::wait_for;

/// Two playbacks of the hall: what it fetched of the first was the whole lesson.
fn watched(server: &Server) {
    let client = &server.client;
    for _ in 0..2 {
        let bearer = format!("Bearer {}", token("hall"));
        let opened =
            client.post("/api/v1/sessions", &[("authorization", &bearer)], &json!({"lesson": "grapes"}));
        let opened = opened.with(201, "opening a session").json();
        let play = opened["play_url"].as_str().expect("a playlist");
        for segment in fetch(client, &beside(play, "v240")).segments {
            client.good(&resolve(play, &segment.uri));
        }
    }
}

fn a_county_with_a_lesson() -> County {
    let county = a_county().with("[evidence]\nsession_timeout = \"30s\"\n");
    package_lesson(&county, "grapes", 16);
    county
}

fn leaf(entry: &[u8]) -> [u8; 32] {
    Sha256::new().chain_update([0]).chain_update(entry).finalize().into()
}

fn node(left: [u8; 32], right: [u8; 32]) -> [u8; 32] {
    Sha256::new().chain_update([1]).chain_update(left).chain_update(right).finalize().into()
}

#[test]
fn an_auditor_believes_what_he_can_check_himself() {
    let county = a_county_with_a_lesson();
    let server = Server::start(&county);
    let client = &server.client;
    wait_for("the checkpoint of a log without entries", PATIENCE, || size(client).filter(|n| *n == 0));
    watched(&server);
    // The first was superseded by the second, which is over when nothing is heard of it.
    wait_for("the first playback in the log", PATIENCE, || size(client).filter(|n| *n >= 1));
    let early = county.path("early.checkpoint");
    fs::write(&early, client.good("/log/checkpoint").text()).expect("a checkpoint that somebody keeps");
    wait_for("both playbacks in the log", PATIENCE, || size(client).filter(|n| *n >= 2));
    let key = county.path("county.key");
    fs::write(&key, client.good("/log/key").text()).expect("the county's key");

    // What is served is the tree that was signed, by anybody's arithmetic.
    let checkpoint = client.good("/log/checkpoint").text();
    let root = checkpoint.lines().nth(2).expect("a root").to_owned();
    let bundle = client.good("/log/tile/entries/000.p/2").body;
    let tile = client.good("/log/tile/0/000.p/2").body;
    let first = usize::from(u16::from_be_bytes([bundle[0], bundle[1]]));
    let (one, two) = (leaf(&bundle[2..2 + first]), leaf(&bundle[4 + first..]));
    assert_eq!(tile, [one, two].concat());
    assert_eq!(BASE64_STANDARD.encode(node(one, two)), root);
    for beyond in ["/log/tile/0/000.p/3", "/log/tile/0/001", "/log/tile/1/000.p/1", "/log/tile/entries/000"] {
        client.get(beyond).with(404, beyond);
    }
    client.get("/log/tile/0/0").with(404, "written otherwise");

    let file = county.path("evidence.jsonl");
    export(&county, "jsonl", &file);
    let trusted = ["--key", &*key.to_string_lossy(), "--since", &*early.to_string_lossy()];
    let (code, said) = verify(&file, &trusted);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("genuine") && said.contains("2 playbacks"), "{said}");
    // The server need not be there for that, and the key of another county does not do.
    server.kill();
    assert_eq!(verify(&file, &trusted).0, 0);
    let (code, said) = verify(&file, &[]);
    assert!(code == 0 && said.contains("key in the file itself"), "{said}");
    let other = county.path("other.key");
    fs::write(&other, "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW\n").expect("a key");
    let (code, said) = verify(&file, &["--key", &other.to_string_lossy()]);
    assert!(code == 1 && said.contains("NOT GENUINE"), "{said}");

    // An hour more, and it shows which record.
    let text = fs::read_to_string(&file).expect("an export");
    let forge = |from: &str, to: &str| {
        let forged = county.path("forged.jsonl");
        assert!(text.contains(from), "{from} in {text}");
        fs::write(&forged, text.replacen(from, to, 1)).expect("a forgery");
        let (code, said) = verify(&forged, &trusted);
        assert_eq!(code, 1, "{said}");
        said
    };
    assert!(forge("\\\"verified_ms\\\":", "\\\"verified_ms\\\":36").contains("record 0"));
    assert!(forge("dongmen", "baghcha").contains("record"));
    let lines: Vec<&str> = text.lines().collect();
    assert!(forge(&format!("{}\n", lines[1]), "").contains("record 0 is missing"));
    assert!(forge(&format!("{}\n", lines[2]), "").contains("1 records instead of 2"));
}

#[test]
fn who_edits_the_database_is_found_out() {
    let county = a_county_with_a_lesson();
    let server = Server::start(&county);
    watched(&server);
    watched(&server);
    wait_for("four playbacks in the log", PATIENCE, || size(&server.client).filter(|n| *n >= 4));
    let (kept, key) = (county.path("kept.checkpoint"), county.path("county.key"));
    fs::write(&kept, server.client.good("/log/checkpoint").text()).expect("a checkpoint");
    fs::write(&key, server.client.good("/log/key").text()).expect("a key");
    // As by who stops the server, works on its files, and starts it again.
    server.kill();
    let database = county.path("data/yuanjiao.db");
    let sound = county.path("sound.db");
    let open = || rusqlite::Connection::open(&database).expect("the database");
    open().execute_batch("pragma wal_checkpoint(truncate)").expect("all in one file");
    fs::copy(&database, &sound).expect("a copy");
    let file = county.path("evidence.jsonl");
    let trusted = ["--key", &*key.to_string_lossy(), "--since", &*kept.to_string_lossy()];
    export(&county, "jsonl", &file);
    assert_eq!(verify(&file, &trusted).0, 0, "nothing was done yet");

    let after = |what: &str| {
        open().execute_batch(what).expect(what);
        let _ = fs::remove_file(&file);
        let exported = try_export(&county, "jsonl", &file);
        let found = match exported.0 {
            0 => verify(&file, &trusted),
            // The export itself cannot be made of it.
            _ => exported,
        };
        open().execute_batch("pragma wal_checkpoint(truncate)").expect("all in one file");
        fs::copy(&sound, &database).expect("as it was");
        assert_eq!(found.0, 1, "{what}: {}", found.1);
        found.1
    };
    let edit = "update session set record = replace(record, '\"verified_ms\":', '\"verified_ms\":36') where entry = 1";
    assert!(after(edit).contains("record 1 was altered"));
    let both =
        "update log_entry set leaf = replace(leaf, '\"verified_ms\":', '\"verified_ms\":36') where no = 1";
    assert!(after(both).contains("record 1 was altered"));
    assert!(after("delete from log_entry where no = 1").contains("record"));
    after("update log_tile set hashes = randomblob(length(hashes))");
    // The log cut off at its end, with and without the checkpoints that tell of it.
    let cut = "delete from log_entry where no >= 2; delete from log_tile;
               delete from log_checkpoint where size > 2;";
    after(cut);
    let forgotten = format!("{cut} delete from log_checkpoint; update session set entry = null;");
    after(&forgotten);
    // A backup of before: as if nothing had ever been logged.
    after(
        "delete from log_entry; delete from log_tile; delete from log_checkpoint; update session set entry = null;",
    );
    // A session that is taken away whole leaves its entry, which says what it was.
    open().execute_batch("delete from session where entry = 1").expect("deleted");
    export(&county, "jsonl", &file);
    let (code, said) = verify(&file, &trusted);
    assert!(code == 0 && said.contains("of 1 the private part was erased"), "{said}");
    assert!(fs::read_to_string(&file).expect("it").contains("\\\"site\\\":\\\"dongmen"), "what it was stays");
}

#[test]
fn tables_are_checked_against_their_proof() {
    let county = a_county_with_a_lesson();
    let server = Server::start(&county);
    watched(&server);
    wait_for("both playbacks in the log", PATIENCE, || size(&server.client).filter(|n| *n >= 2));
    for format in ["csv", "xlsx", "xapi"] {
        let file = county.path(&format!("table.{format}"));
        export(&county, format, &file);
        let (code, said) = verify(&file, &[]);
        assert!(code == 0 && said.contains("genuine"), "{format}: {said}");
        let bytes = fs::read(&file).expect("a table");
        if format == "xlsx" {
            // A workbook of another export: the same columns, other cells.
            let empty = county.path("other.csv");
            fs::rename(&file, &empty).expect("moved");
            let book = rust_book(&["log_index", "session"]);
            fs::write(&file, book).expect("another workbook");
        } else {
            let text = String::from_utf8(bytes).expect("text");
            assert_eq!(text.lines().count(), if format == "csv" { 3 } else { 2 }, "{format}: {text}");
            fs::write(&file, text.replacen("dongmen", "baghcha", 1)).expect("a forgery");
        }
        let (code, said) = verify(&file, &[]);
        assert!(code == 1 && said.contains("NOT GENUINE"), "{format}: {said}");
    }
    // xAPI as a learning record store takes it.
    let statements = county.path("again.xapi");
    export(&county, "xapi", &statements);
    for line in fs::read_to_string(&statements).expect("statements").lines() {
        let statement: Value = serde_json::from_str(line).expect("a statement");
        assert_eq!(statement["actor"]["account"]["name"], "dongmen");
        assert_eq!(statement["actor"]["objectType"], "Group");
        assert!(
            statement["result"]["extensions"]["https://w3id.org/xapi/video/extensions/progress"].is_number()
        );
    }
}

/// A workbook with one row.
fn rust_book(cells: &[&str]) -> Vec<u8> {
    let row = cells.iter().map(|c| (*c).to_owned()).collect();
    let table = yuanjiao::base::workbook::Table { name: "playbacks".into(), rows: vec![row] };
    yuanjiao::base::workbook::write(&[table], false).expect("a workbook")
}

#[test]
fn another_server_witnesses_that_the_log_only_grows() {
    // The witness has to know the log's key and the log the witness's: both are made first.
    let witness_county = a_county();
    let first = Server::start(&witness_county);
    let witness_key = first.client.good("/log/witness-key").text().trim().to_owned();
    let address = first.client.address;
    first.kill();

    let county = a_county_with_a_lesson();
    let before = Server::start(&county);
    let log_key = before.client.good("/log/key").text().trim().to_owned();
    before.kill();
    let witness_county = witness_county.with(&format!("[evidence]\nwitnessed = [\"{log_key}\"]\n"));
    let witness = Server::start_again(&witness_county, address).ready();
    let county = county.with(&format!("witnesses = [\"http://{address}/log {witness_key}\"]\n"));
    let server = Server::start(&county);
    watched(&server);
    let keys = [("log", &log_key), ("witness", &witness_key)].map(|(name, key)| {
        let path = county.path(&format!("{name}.key"));
        fs::write(&path, key).expect("a key");
        path
    });
    let name = witness_key.split('+').next().expect("a name").to_owned();
    let cosigned = wait_for("a checkpoint that the witness has signed", PATIENCE, || {
        let note = server.client.get("/log/checkpoint");
        (note.status == 200 && note.text().contains(&format!("— {name} "))).then(|| note.text())
    });
    let file = county.path("evidence.jsonl");
    export(&county, "jsonl", &file);
    let [key, seen]: [PathBuf; 2] = keys;
    let (code, said) =
        verify(&file, &["--key", &key.to_string_lossy(), "--witness", &seen.to_string_lossy()]);
    assert!(code == 0 && said.contains(&format!("witnessed by {name}")), "{said}");

    // Somebody else's log is none of its business, and neither is a log that was rewritten.
    let post = |body: &str| {
        let answer = witness.client.try_ask("POST", "/log/add-checkpoint", &[], Some(body.as_bytes()));
        answer.expect("the witness answers")
    };
    post("old 0\n").with(400, "half a request");
    let strange = "old 0\n\nexample.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n\
                   — example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n";
    post(strange).with(404, "another log");
    let size: u64 = cosigned.lines().nth(1).expect("a size").parse().expect("a number");
    let again = post(&format!("old 0\n\n{cosigned}")).with(409, "what it saw already");
    assert!(again.text().trim().parse::<u64>().is_ok_and(|n| n >= size), "{}", again.text());
}

/// The root that an audit path leads to (RFC 9162 section 2.1.3.2).
fn led_to(entry: &[u8], no: u64, size: u64, path: &[[u8; 32]]) -> [u8; 32] {
    let (mut at, mut last) = (no, size - 1);
    let mut hash = leaf(entry);
    for &sibling in path {
        assert!(last > 0, "the path is too long");
        if at % 2 == 1 || at == last {
            hash = node(sibling, hash);
            while at % 2 == 0 && at != 0 {
                (at, last) = (at / 2, last / 2);
            }
        } else {
            hash = node(hash, sibling);
        }
        (at, last) = (at / 2, last / 2);
    }
    assert_eq!(last, 0, "the path is too short");
    hash
}

#[test]
fn an_entry_alone_is_found_from_the_site_s_page_and_proves_itself() {
    let county = a_county_with_a_lesson();
    let server = Server::start(&county);
    let client = &server.client;
    for _ in 0..2 {
        watched(&server);
    }
    wait_for("three entries", PATIENCE, || size(client).filter(|n| *n >= 3));
    let page = client.good("/sites/dongmen?lang=en").text();
    let numbers: Vec<u64> = page
        .split("href=\"/log/entry/")
        .skip(1)
        .map(|rest| rest.split('"').next().and_then(|n| n.parse().ok()).expect("a number"))
        .collect();
    assert!(numbers.len() >= 3, "{numbers:?}");
    for no in numbers {
        let said = client.good(&format!("/log/entry/{no}")).json();
        let checkpoint = said["checkpoint"].as_str().expect("a checkpoint");
        let size = checkpoint.lines().nth(1).and_then(|n| n.parse().ok()).expect("a size");
        let root = BASE64_STANDARD.decode(checkpoint.lines().nth(2).expect("a root")).expect("Base64");
        let path = said["path"].as_array().expect("a path").iter();
        let path: Vec<[u8; 32]> = path
            .map(|h| hex::decode(h.as_str().expect("text")).expect("hex").try_into().expect("32 bytes"))
            .collect();
        let leaf = said["leaf"].as_str().expect("a leaf");
        assert_eq!(led_to(leaf.as_bytes(), no, size, &path).to_vec(), root);
        assert_eq!(serde_json::from_str::<Value>(leaf).expect("JSON"), said["says"]);
        assert_eq!(said["says"]["facts"]["site"], "dongmen");
        assert_ne!(led_to(leaf.replace("dongmen", "another").as_bytes(), no, size, &path).to_vec(), root);
    }
    for unknown in ["/log/entry/100000", "/log/entry/x", "/log/entry/"] {
        assert_eq!(client.get(unknown).status, 404, "{unknown}");
    }
}
