//! Thousands of viewers of one live channel, as HLS players behave: each opens
//! a playback of its own, then every 3.84 s asks for the media playlist and for
//! the newest segment (576 KB), over one connection that it keeps; the last lots ask more often. Times count
//! from when a request was due, whether the one before was answered or not.
//! Before them ten thousand connections that are kept open, and what memory they
//! take.
//!
//! `make bench` runs it. All viewers are one process, on the server's own cores.

#![expect(clippy::print_stdout, reason = "a benchmark speaks to who runs it")]
#![expect(clippy::disallowed_methods, reason = "a benchmark measures time")]

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use support::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

#[expect(dead_code, reason = "each benchmark uses its part of what they share")]
mod support;

const SEGMENT: usize = 576_000;
const SEGMENTS: usize = 22_500;
const EVERY: Duration = Duration::from_millis(3840);
/// Viewers in turn, and how often each asks, until the cores are full: as many as there may be
/// files do not fill them, so the last are more impatient than any player is.
const LOTS: [(usize, Duration); 9] = [
    (1000, EVERY),
    (2500, EVERY),
    (5000, EVERY),
    (7500, EVERY),
    (10_000, EVERY),
    (15_000, EVERY),
    (15_000, Duration::from_millis(2560)),
    (15_000, Duration::from_millis(1920)),
    (15_000, Duration::from_millis(1280)),
];
/// Of all processor time: no more would be had.
const FULL: f64 = 0.9;
/// A viewer is a file here and one in the server, which has others besides.
const FILES: u64 = 60_000;
const SPARE: usize = 500;
/// For how long each lot watches after it has come.
const WATCHING: Duration = Duration::from_secs(24);
/// Newcomers in a second.
const ARRIVING: usize = 500;
const KEPT_OPEN: usize = 10_000;

fn main() {
    let files = most_files();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let port = free_port();
    write_county(
        folder.path(),
        port,
        "[http]\nmax_connections = 50000\nmax_connections_per_address = 50000\n",
    );
    write_schedule(folder.path());
    write_package(&folder.path().join("media/library/bench"), "bench", &[720], SEGMENTS, SEGMENT);
    let server = serve(folder.path());
    wait_for(&format!("http://127.0.0.1:{port}/readyz"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let before = memory_mb(server.0.id(), "VmRSS");
    let held = runtime.block_on(hold(port));
    let after = memory_mb(server.0.id(), "VmRSS");
    println!(
        "\n{} connections kept open, a playback each: {after} MB, {before} MB before they came",
        held.len()
    );
    drop(held);
    println!(
        "\n{:>8}{:>8}{:>12}{:>10}{:>10}{:>10}{:>10}{:>10}{:>9}{:>9}",
        "viewers",
        "every s",
        "playlists/s",
        "p50 ms",
        "p99 ms",
        "worst ms",
        "seg. p99",
        "MB/s",
        "server",
        "viewers"
    );
    for (viewers, every) in LOTS.into_iter().filter(|(n, _)| n + SPARE < files) {
        let ended = runtime.block_on(watch(port, (viewers, every), server.0.id()));
        let ms = |all: &[f64], share: f64| {
            all.get((all.len() as f64 * share) as usize).copied().unwrap_or(f64::NAN)
        };
        let (lists, segments) = (ended.playlists, ended.segments);
        println!(
            "{viewers:>8}{:>8.2}{:>12.0}{:>10.2}{:>10.2}{:>10.1}{:>10.1}{:>10.0}{:>8.0}%{:>8.0}%",
            every.as_secs_f64(),
            lists.len() as f64 / WATCHING.as_secs_f64(),
            ms(&lists, 0.5),
            ms(&lists, 0.99),
            lists.last().copied().unwrap_or(f64::NAN),
            ms(&segments, 0.99),
            (segments.len() * SEGMENT) as f64 / WATCHING.as_secs_f64() / 1e6,
            ended.server * 100.0,
            ended.own * 100.0,
        );
        if ended.server + ended.own > FULL * cores() as f64 {
            println!("the cores are full");
            break;
        }
    }
    println!(
        "milliseconds from when a request was due; processor in hundredths of a core, of {} cores",
        cores()
    );
}

/// How many files a process may have open, this one and the server it starts.
fn most_files() -> usize {
    // Who may not raise it measures with as many viewers as there may be.
    let _ = setrlimit(Resource::RLIMIT_NOFILE, FILES, FILES);
    getrlimit(Resource::RLIMIT_NOFILE).map_or(1024, |(now, _)| now as usize)
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// What was seen of some viewers: milliseconds, in order, and shares of a core.
struct Ended {
    playlists: Vec<f64>,
    segments: Vec<f64>,
    server: f64,
    own: f64,
}

#[derive(Default)]
struct Seen {
    playlists: Vec<f64>,
    segments: Vec<f64>,
}

async fn watch(port: u16, (viewers, every): (usize, Duration), server: u32) -> Ended {
    let begun = Instant::now();
    // All have come, and each has had a round to settle.
    let from = begun + Duration::from_secs_f64(viewers as f64 / ARRIVING as f64) + every;
    let until = from + WATCHING;
    let seen = Arc::new(Mutex::new(Seen::default()));
    let mut all = tokio::task::JoinSet::new();
    for n in 0..viewers {
        let seen = Arc::clone(&seen);
        let comes = begun + Duration::from_secs_f64(n as f64 / ARRIVING as f64);
        all.spawn(async move {
            tokio::time::sleep_until(comes.into()).await;
            viewer(port, every, (comes, from, until), &seen).await;
        });
    }
    tokio::time::sleep_until(from.into()).await;
    let before = (cpu_seconds(server), cpu_seconds(std::process::id()));
    tokio::time::sleep_until(until.into()).await;
    let after = (cpu_seconds(server), cpu_seconds(std::process::id()));
    while let Some(ended) = all.join_next().await {
        ended.expect("a viewer");
    }
    let seen = std::mem::take(&mut *seen.lock().expect("nobody fell"));
    let sorted = |mut all: Vec<f64>| {
        all.sort_by(f64::total_cmp);
        all
    };
    let share = |a: f64, b: f64| (b - a) / WATCHING.as_secs_f64();
    Ended {
        playlists: sorted(seen.playlists),
        segments: sorted(seen.segments),
        server: share(before.0, after.0),
        own: share(before.1, after.1),
    }
}

/// Watches until it is over; what was due within the time that counts is noted.
async fn viewer(
    port: u16,
    every: Duration,
    (comes, from, until): (Instant, Instant, Instant),
    seen: &Mutex<Seen>,
) {
    let mut line = Line::new(port).await;
    let playlist = line.open_playback().await.replace("index.m3u8", "v720.m3u8");
    let ticket: String = playlist.split('/').take(3).collect::<Vec<_>>().join("/");
    let mut due = comes + every;
    while due < until {
        tokio::time::sleep_until(due.into()).await;
        let text = line.get(&playlist).await.1;
        let listed = due.elapsed();
        let newest = text.lines().rfind(|l| l.ends_with(".m4s")).expect("a segment").replace("../../", "");
        let size = line.get(&format!("{ticket}/{newest}")).await.0;
        assert_eq!(size, SEGMENT, "{newest}");
        if due >= from {
            let mut seen = seen.lock().expect("nobody fell");
            seen.playlists.push(listed.as_secs_f64() * 1000.0);
            seen.segments.push(due.elapsed().as_secs_f64() * 1000.0);
        }
        due += every;
    }
}

/// Opens connections, has each begin a playback, and keeps them.
async fn hold(port: u16) -> Vec<Line> {
    let mut lines = Vec::with_capacity(KEPT_OPEN);
    for _ in 0..KEPT_OPEN {
        let mut line = Line::new(port).await;
        let playlist = line.open_playback().await.replace("index.m3u8", "v720.m3u8");
        line.get(&playlist).await;
        lines.push(line);
    }
    // They are all still there.
    for line in lines.iter_mut().step_by(100) {
        line.open_playback().await;
    }
    lines
}

/// A connection that is kept.
struct Line {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Line {
    async fn new(port: u16) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).await.expect("a connection");
        stream.set_nodelay(true).expect("set");
        Self { stream, buffer: Vec::new() }
    }

    /// Opens a playback; the path of its multivariant playlist.
    async fn open_playback(&mut self) -> String {
        let (head, _) = self.ask("/channels/bench/index.m3u8").await;
        let line = head.lines().find_map(|l| l.strip_prefix("location: "));
        line.unwrap_or_else(|| panic!("no redirection: {head}")).to_owned()
    }

    /// What stands at `path`: its length, and of a playlist its text.
    async fn get(&mut self, path: &str) -> (usize, String) {
        let (head, length) = self.ask(path).await;
        assert!(head.starts_with("HTTP/1.1 200"), "{path}: {head}");
        let mut text = String::new();
        let mut missing = length;
        let mut bytes = std::mem::take(&mut self.buffer);
        loop {
            missing -= bytes.len().min(missing);
            if path.ends_with(".m3u8") {
                text.push_str(&String::from_utf8_lossy(&bytes));
            }
            if missing == 0 {
                return (length, text);
            }
            bytes.clear();
            bytes.reserve(missing.min(65_536));
            let read = self.stream.read_buf(&mut bytes).await.expect("a body");
            assert!(read > 0, "{path}: the body breaks off");
        }
    }

    /// Asks; the answer's head and the length of its body, of which some may be in the buffer.
    async fn ask(&mut self, path: &str) -> (String, usize) {
        let request = format!("GET {path} HTTP/1.1\r\nhost: bench\r\n\r\n");
        self.stream.write_all(request.as_bytes()).await.expect("a request");
        self.buffer.clear();
        loop {
            if let Some(end) = self.buffer.windows(4).position(|w| w == b"\r\n\r\n") {
                let head = String::from_utf8_lossy(&self.buffer[..end]).into_owned();
                self.buffer.drain(..end + 4);
                let length = head.lines().find_map(|l| l.strip_prefix("content-length: ")?.parse().ok());
                return (head, length.unwrap_or(0));
            }
            self.buffer.reserve(4096);
            let read = self.stream.read_buf(&mut self.buffer).await.expect("an answer");
            assert!(read > 0, "{path}: no answer");
        }
    }
}
