//! Beats per second, acknowledged when they are on disk: one in a request, and
//! six. Beside it in the same run, SQLite alone writes lines of the same length
//! in commits of a hundred and one by one, and nginx answers the same requests
//! with an empty word.
//!
//! `make bench` runs it. The load generator shares the cores with the servers.

#![expect(clippy::print_stdout, reason = "a benchmark speaks to who runs it")]
#![expect(clippy::disallowed_methods, reason = "a benchmark measures time")]

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use rusqlite::Connection;
use support::*;

#[expect(dead_code, reason = "each benchmark uses its part of what they share")]
mod support;

/// Playbacks under way: that many villages and more.
const SESSIONS: usize = 3000;
const ROUNDS: usize = 5;
const SECONDS: u32 = 5;

/// What wrk sends: the next beats of one playback after the other.
const PLAYERS: &str = r#"
local players, at = {}, 0
local batch = tonumber(os.getenv("BATCH"))
local headers = { ["Content-Type"] = "application/json" }
for line in io.lines(os.getenv("PLAYERS")) do
  local path, nonce = line:match("^(%S+) (%S+)$")
  players[#players + 1] = { path = path, nonce = nonce, seq = tonumber(os.getenv("FIRST")) }
end
local beat = '{"seq":%d,"boot":"page","mono_ms":%d,"wall_ms":1800000000000,"pos_ms":%d,"rate":1,' ..
  '"state":"playing","visible":true,"nonce":"%s"}'
request = function()
  at = at % #players + 1
  local p, beats = players[at], {}
  for n = 1, batch do
    p.seq = p.seq + 1
    beats[n] = beat:format(p.seq, p.seq * 10, p.seq * 10, p.nonce)
  end
  return wrk.format("POST", p.path, headers, "[" .. table.concat(beats, ",") .. "]")
end
"#;

fn main() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let port = free_port();
    write_county(folder.path(), port, "");
    let server = serve(folder.path());
    let base = format!("http://127.0.0.1:{port}");
    wait_for(&format!("{base}/readyz"));
    let players = folder.path().join("players");
    fs::write(&players, open(&base)).expect("players");
    let script = folder.path().join("players.lua");
    fs::write(&script, PLAYERS).expect("script");

    let nginx_port = free_port();
    let root = folder.path().join("nginx");
    fs::create_dir_all(&root).expect("folder");
    let _nginx = start_answering_nginx(&root, nginx_port);
    let nginx = format!("http://127.0.0.1:{nginx_port}");
    wait_for(&format!("{nginx}/"));

    println!("\n{:<40}{:>14}{:>14}", "a second, median", "requests", "beats");
    let mut first = 0;
    for batch in [1, 6] {
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            ours.push(beats(&base, &script, &players, batch, first));
            // No player can have got further.
            first += 1_000_000;
            theirs.push(beats(&nginx, &script, &players, batch, first));
        }
        let (ours, theirs) = (median(ours), median(theirs));
        let row = |name: &str, n: f64| println!("{name:<40}{n:>14.0}{:>14.0}", n * f64::from(batch));
        row(&format!("yuanjiao, {batch} in a request, on disk"), ours);
        row(&format!("nginx, {batch} in a request, thrown away"), theirs);
    }
    println!("largest memory: {} MB, with {SESSIONS} playbacks", memory_mb(server.0.id(), "VmHWM"));
    for commit in [100, 1] {
        let rows = median((0..3).map(|_| sqlite(folder.path(), commit)).collect());
        println!("{:<40}{:>14}{rows:>14.0}", format!("SQLite alone, {commit} in a commit"), "");
    }
    println!("\n256 connections, {ROUNDS} runs of {SECONDS} s each, taken in turns.");
}

/// Opens the playbacks: a path for beats and a nonce for each, a line each.
fn open(base: &str) -> String {
    let agent = ureq::Agent::new_with_defaults();
    let mut out = String::new();
    for _ in 0..SESSIONS {
        let mut answer = agent
            .post(format!("{base}/api/v1/sessions"))
            .header("content-type", "application/json")
            .send("{\"channel\":\"bench\"}")
            .expect("a playback");
        let answer = answer.body_mut().read_to_string().expect("text");
        let answer: serde_json::Value = serde_json::from_str(&answer).expect("JSON");
        let text = |key: &str| answer[key].as_str().expect(key).to_owned();
        writeln!(out, "{} {}", text("beats_url"), text("nonce")).expect("a string takes it");
    }
    out
}

/// Requests per second, of `batch` beats each, numbered from `first`.
fn beats(base: &str, script: &Path, players: &Path, batch: u32, first: u64) -> f64 {
    let mut command = Command::new("wrk");
    command.args(["-t1", "-c256", &format!("-d{SECONDS}s"), "-s"]).arg(script).arg(base);
    command.env("PLAYERS", players).env("BATCH", batch.to_string()).env("FIRST", first.to_string());
    requests(&mut command)
}

fn start_answering_nginx(root: &Path, port: u16) -> Running {
    let root_text = root.display();
    let config = format!(
        "daemon off; worker_processes 1; pid {root_text}/pid; error_log stderr error;\n\
         events {{ worker_connections 1024; }}\n\
         http {{ access_log off; client_body_temp_path {root_text}/t; proxy_temp_path {root_text}/t;\n\
         fastcgi_temp_path {root_text}/t; uwsgi_temp_path {root_text}/t; scgi_temp_path {root_text}/t;\n\
         keepalive_requests 1000000000;\n\
         server {{ listen 127.0.0.1:{port}; location / {{ return 200 \"{{}}\"; }} }} }}\n"
    );
    fs::write(root.join("nginx.conf"), config).expect("a configuration");
    start(Command::new("nginx").arg("-c").arg(root.join("nginx.conf")).arg("-p").arg(root))
}

/// Lines per second that SQLite writes by itself, as durable.
fn sqlite(folder: &Path, commit: usize) -> f64 {
    let path = folder.join(format!("alone-{commit}.db"));
    let _ = fs::remove_file(&path);
    let db = Connection::open(path).expect("opens");
    db.pragma_update(None, "journal_mode", "wal").expect("set");
    db.pragma_update(None, "synchronous", "full").expect("set");
    db.execute_batch(
        "create table journal (n integer primary key, session text not null, line text not null) strict",
    )
    .expect("made");
    let line = "x".repeat(220);
    let mut insert = db
        .prepare("insert into journal (session, line) values ('0123456789abcdef0123', ?1)")
        .expect("a query");
    let (begun, mut rows) = (Instant::now(), 0);
    while begun.elapsed().as_secs_f64() < 1.0 {
        db.execute_batch("begin").expect("begins");
        for _ in 0..commit {
            insert.execute([&line]).expect("goes in");
        }
        db.execute_batch("commit").expect("commits");
        rows += commit;
    }
    rows as f64 / begun.elapsed().as_secs_f64()
}
