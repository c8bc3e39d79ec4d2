//! Beats that were acknowledged survive `kill -9`, wherever it falls: players
//! beat as fast as they are answered, and the server is killed again and again.
//! `KILLS` says how often; `make kills` does it a hundred times.

#[expect(dead_code, reason = "each story uses its part of what they share")]
mod support;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rusqlite::Connection;
use serde_json::{Value, json};
use support::county::{County, a_county};
use support::http::Client;
use support::server::Server;
use support::time::{Stopwatch, ms, now, s};

const PLAYERS: usize = 6;
/// In one request at most.
const BATCH: u64 = 6;

fn kills() -> usize {
    std::env::var("KILLS").map_or(8, |n| n.parse().expect("KILLS is a number"))
}

/// Where a kill falls, ms after the first beat: spread, and the same in every run.
fn moment(n: usize) -> u64 {
    20 + (n as u64 * 7919 + 13) % 1500
}

/// A player that beats without a pause.
struct Player {
    session: String,
    beats: String,
    nonce: String,
    next: u64,
    /// Beats up to here were acknowledged.
    acknowledged: Option<u64>,
}

impl Player {
    fn open(client: &Client) -> Self {
        let opened = client.post("/api/v1/sessions", &[], &json!({"channel": "xiangtu"}));
        let opened = opened.with(201, "opening a session").json();
        let text =
            |key: &str| opened[key].as_str().unwrap_or_else(|| panic!("no {key}: {opened}")).to_owned();
        Self {
            session: text("session"),
            beats: text("beats_url"),
            nonce: text("nonce"),
            next: 0,
            acknowledged: None,
        }
    }

    /// Until the server is gone.
    fn beat(&mut self, address: SocketAddr, stop: &AtomicBool) {
        let client = Client::new(address);
        while !stop.load(Ordering::Relaxed) {
            let beats: Vec<_> = (self.next..self.next + 1 + self.next % BATCH)
                .map(|seq| {
                    json!({
                        "seq": seq, "boot": "page", "mono_ms": seq * 10, "wall_ms": now().as_millisecond(),
                        "pos_ms": seq * 10, "rate": 1, "state": "playing", "visible": true, "nonce": self.nonce,
                    })
                })
                .collect();
            let body = serde_json::to_vec(&beats).expect("serialises");
            let headers = [("content-type", "application/json")];
            let Ok(answer) = client.try_ask("POST", &self.beats, &headers, Some(&body)) else { continue };
            let answer = answer.with(200, "beats").json();
            self.next += beats.len() as u64;
            self.acknowledged = answer["accepted_through"].as_u64();
            assert_eq!(self.acknowledged, Some(self.next - 1), "{answer}");
            self.nonce = answer["nonce"].as_str().expect("a new nonce").to_owned();
        }
    }
}

/// The numbers of beats on disk, by session: in what was written of it as a whole, and line by line.
fn on_disk(store: &Path) -> BTreeMap<String, Vec<(u64, u64)>> {
    let db = Connection::open(store).expect("the store opens");
    let mut out: BTreeMap<String, Vec<(u64, u64)>> = BTreeMap::new();
    let rows = |sql: &str, each: &mut dyn FnMut(String, Value)| {
        let mut query = db.prepare(sql).expect("a query");
        let rows =
            query.query_map([], |r| Ok((r.get::<_, String>(0)?, r.get::<_, String>(1)?))).expect("rows");
        for row in rows {
            let (session, text) = row.expect("a row");
            each(session, serde_json::from_str(&text).expect("JSON"));
        }
    };
    rows("select id, body from session where closed_us is null", &mut |session, body| {
        for (from, to) in body["boots"]["page"]["known"]["parts"].as_object().into_iter().flatten() {
            let part = (from.parse().expect("a number"), to.as_u64().expect("a number"));
            out.entry(session.clone()).or_default().push(part);
        }
    });
    rows("select session, line from journal", &mut |session, line| {
        for beat in line["beats"].as_array().into_iter().flatten() {
            let seq = beat["beat"]["seq"].as_u64().expect("a number");
            out.entry(session.clone()).or_default().push((seq, seq + 1));
        }
    });
    out
}

/// Numbers up to `last` that are in none of `parts`, each from its first to before its second.
fn missing(mut parts: Vec<(u64, u64)>, last: u64) -> Vec<u64> {
    parts.sort_unstable();
    let (mut lost, mut next) = (Vec::new(), 0);
    // What lies behind the last one asked for is missed by nobody.
    for (from, to) in parts.into_iter().chain([(last + 1, last + 1)]) {
        lost.extend(next..from.min(last + 1));
        next = next.max(to);
    }
    lost
}

#[test]
fn what_is_missing_is_found() {
    assert_eq!(missing(vec![(4, 6), (0, 2), (1, 3), (9, 12)], 10), [3, 6, 7, 8]);
    assert_eq!(missing(vec![(0, 3)], 4), [3, 4]);
    assert_eq!(missing(vec![(0, 30)], 4), [0; 0]);
    assert_eq!(missing(vec![], 1), [0, 1]);
}

fn all_there(county: &County, players: &[Player], when: &str) {
    let kept = on_disk(&county.path("data/yuanjiao.db"));
    for player in players {
        let Some(last) = player.acknowledged else { continue };
        let parts = kept.get(&player.session).unwrap_or_else(|| panic!("{when}: {} is gone", player.session));
        let lost = missing(parts.clone(), last);
        assert!(
            lost.is_empty(),
            "{when}: of {last} beats of {}, acknowledged all, lost {lost:?}",
            player.session
        );
    }
}

#[test]
fn no_acknowledged_beat_is_lost() {
    let county = a_county();
    let mut server = Server::start(&county);
    let address = server.client.address;
    let mut players: Vec<_> = (0..PLAYERS).map(|_| Player::open(&server.client)).collect();
    for n in 0..kills() {
        let stop = Arc::new(AtomicBool::new(false));
        let watch = Stopwatch::start();
        players = std::thread::scope(|scope| {
            let threads: Vec<_> = players
                .into_iter()
                .map(|mut player| {
                    let stop = Arc::clone(&stop);
                    scope.spawn(move || {
                        player.beat(address, &stop);
                        player
                    })
                })
                .collect();
            std::thread::sleep(ms(moment(n)).saturating_sub(watch.passed()));
            server.kill();
            stop.store(true, Ordering::Relaxed);
            threads.into_iter().map(|t| t.join().expect("a player")).collect()
        });
        all_there(&county, &players, &format!("kill {n}"));
        server = Server::start_again(&county, address).ready();
    }
    // The journal is folded into its sessions in the end, and nothing is lost by that.
    server.signal(nix::sys::signal::Signal::SIGTERM);
    server.finish(s(60)).good("the end");
    all_there(&county, &players, "after the end");
    let beats: u64 = players.iter().filter_map(|p| p.acknowledged).sum();
    assert!(beats > 50 * kills() as u64, "only {beats} beats came in");
    let db = Connection::open(county.path("data/yuanjiao.db")).expect("the store opens");
    let lines: i64 = db.query_row("select count(*) from journal", [], |r| r.get(0)).expect("a number");
    assert_eq!(lines, 0, "the journal was folded");
}
