//! Hours of one relay in minutes: is what its worker needs the same at the end?
//!
//! The worker is the program's own code in a process of its own, with a clock that
//! runs SPEED times as fast, fed by ffmpeg at that speed. Every twenty minutes of its
//! time its upstream fails: it is silent, or another picture comes, or garbage.
//! `make relay-hours` runs it; HOURS and SPEED change how long and how fast. It fails
//! if memory grows by more than a tenth, or a file stays open.

#![expect(clippy::print_stdout, reason = "a benchmark speaks to who runs it")]

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use support::Running;
use yuanjiao::base::{Clock, SystemClock};
use yuanjiao::hls::wire::RelayLine;
use yuanjiao::pipeline::{RelayJob, run_relay};

#[expect(dead_code, reason = "each benchmark uses its part of what they share")]
mod support;

/// Its job comes in this variable: who finds it is the worker.
const JOB: &str = "RELAY_HOURS_JOB";
const FAILS_EVERY: u64 = 20;

/// The machine's clock, but faster.
#[derive(Debug)]
struct Fast {
    machine: SystemClock,
    began: Timestamp,
    speed: u32,
}

impl Fast {
    fn start(speed: u32) -> Self {
        let machine = SystemClock::new();
        Self { began: machine.now(), machine, speed }
    }
}

impl Clock for Fast {
    fn now(&self) -> Timestamp {
        self.began + SignedDuration::try_from(self.monotonic()).expect("hours")
    }

    fn monotonic(&self) -> Duration {
        self.machine.monotonic() * self.speed
    }
}

fn number(name: &str, usual: u64) -> u64 {
    std::env::var(name).ok().and_then(|v| v.parse().ok()).unwrap_or(usual)
}

fn main() {
    let speed = number("SPEED", 16) as u32;
    if let Ok(job) = std::env::var(JOB) {
        let job: RelayJob = serde_json::from_str(&job).expect("a job");
        let (_nothing_is_ordered, orders) = mpsc::channel();
        run_relay(&job, &orders, &Fast::start(speed), &mut std::io::stdout()).expect("a relay");
        return;
    }
    let hours = number("HOURS", 8);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let films = [film(folder.path(), "640x360"), film(folder.path(), "480x270")];
    let port = UdpSocket::bind("127.0.0.1:0").and_then(|s| s.local_addr()).expect("a port").port();
    let recordings = folder.path().join("live");
    let segments = Arc::<AtomicU64>::default();
    let worker = worker(&recordings, port, &segments);
    let clock = Fast::start(speed);
    let mut upstream = Some(broadcast(&films[0], port, speed));

    println!("\n{hours} hours at {speed} times the speed, a failure every {FAILS_EVERY} minutes");
    println!("{:>6}{:>12}{:>12}{:>10}{:>8}", "hour", "segments", "memory KB", "peak KB", "files");
    let (mut failures, mut rows) = (0, Vec::new());
    for minute in 1..=hours * 60 {
        sleep_until(&clock, minute);
        if minute % FAILS_EVERY == 0 {
            drop(upstream.take());
            failures += 1;
            if failures % 3 == 0 {
                garbage(port);
            }
        }
        // Two minutes later it is there again, with the other picture.
        if minute % FAILS_EVERY == 2 && upstream.is_none() {
            upstream = Some(broadcast(&films[failures % 2], port, speed));
        }
        if minute % 30 == 10 {
            let row = figures(worker.0.id());
            let n = segments.load(Ordering::Relaxed);
            println!("{:>6.1}{n:>12}{:>12}{:>10}{:>8}", minute as f64 / 60.0, row.0, row.1, row.2);
            rows.push(row);
            keep_two_hours(&recordings);
        }
    }
    let played = segments.load(Ordering::Relaxed) as f64 * 3.84 / 3600.0;
    println!("{failures} failures, {played:.1} hours recorded");
    assert!(played > hours as f64 * 0.7, "of {hours} hours {played:.1} were recorded");
    // The first hour fills what is then kept for ever.
    let first = rows.iter().take(3).map(|r| r.0).max().expect("an hour");
    let last = rows.last().expect("an hour");
    assert!(last.0 < first + first / 10, "memory grew from {first} KB to {} KB", last.0);
    assert!(last.2 <= rows[0].2, "files stay open: {} at first, {} in the end", rows[0].2, last.2);
}

/// A minute of pictures and sound to be sent again and again.
fn film(folder: &Path, size: &str) -> PathBuf {
    let path = folder.join(format!("{size}.mp4"));
    let made = Command::new("ffmpeg")
        .args(["-nostdin", "-loglevel", "error", "-y", "-f", "lavfi", "-i"])
        .args([&format!("testsrc2=size={size}:rate=25:duration=60"), "-f", "lavfi", "-i"])
        .args(["sine=frequency=440:sample_rate=48000:duration=60", "-c:v", "libx264", "-preset", "ultrafast"])
        .args(["-pix_fmt", "yuv420p", "-g", "50", "-b:v", "300k", "-c:a", "aac", "-b:a", "64k"])
        .arg(&path)
        .status();
    assert!(made.expect("ffmpeg").success(), "a film");
    path
}

fn broadcast(film: &Path, port: u16, speed: u32) -> Running {
    let mut command = Command::new("ffmpeg");
    command.args([
        "-nostdin",
        "-loglevel",
        "fatal",
        "-readrate",
        &speed.to_string(),
        "-stream_loop",
        "-1",
        "-i",
    ]);
    command.arg(film).args(["-c", "copy", "-f", "mpegts", "-flush_packets", "1"]);
    command.arg(format!("udp://127.0.0.1:{port}?pkt_size=1316"));
    support::start(&mut command)
}

fn worker(recordings: &Path, port: u16, segments: &Arc<AtomicU64>) -> Running {
    let job = json!({
        "folder": recordings, "next": 0, "generation": 0, "transcode": false, "audio": ["zh-Hans"],
        "from": { "kind": "datagrams", "address": format!("127.0.0.1:{port}"), "interface": null, "sender": null, "rtp": false },
        "service": null, "stall_after_ms": 20_000, "max_segment_ms": 8_000,
    });
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command.env(JOB, job.to_string()).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = command.spawn().expect("the worker");
    let out = BufReader::new(child.stdout.take().expect("its lines"));
    let segments = Arc::clone(segments);
    std::thread::spawn(move || {
        for line in out.lines().map_while(Result::ok) {
            if matches!(serde_json::from_str(&line), Ok(RelayLine::Segment(_))) {
                segments.fetch_add(1, Ordering::Relaxed);
            }
        }
    });
    Running(child)
}

/// Some seconds of what is no stream.
fn garbage(port: u16) {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
    for n in 0..2_000u32 {
        let packet: Vec<u8> =
            (0..1316).map(|i| if i % 188 == 0 { 0x47 } else { (n * 31 + i) as u8 }).collect();
        socket.send_to(&packet, ("127.0.0.1", port)).expect("send");
        std::thread::sleep(Duration::from_micros(200));
    }
}

fn sleep_until(clock: &Fast, minute: u64) {
    let left = Duration::from_secs(minute * 60).saturating_sub(clock.monotonic());
    std::thread::sleep(left / clock.speed);
}

/// Resident memory and its peak, KB, and open files of a process.
fn figures(pid: u32) -> (u64, u64, usize) {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("the worker lives");
    let kb = |key: &str| {
        let line = status.lines().find_map(|l| l.strip_prefix(key)).expect("a figure");
        line.split_whitespace().next().and_then(|n| n.parse().ok()).expect("kilobytes")
    };
    let files = fs::read_dir(format!("/proc/{pid}/fd")).expect("its files").count();
    (kb("VmRSS:"), kb("VmHWM:"), files)
}

/// Retention is the server's work.
fn keep_two_hours(recordings: &Path) {
    let entries = fs::read_dir(recordings).expect("recordings").map(|e| e.expect("an entry").path());
    let mut hours: Vec<PathBuf> = entries.filter(|p| p.is_dir()).collect();
    hours.sort();
    for old in hours.iter().rev().skip(2) {
        fs::remove_dir_all(old).expect("an hour goes");
    }
}
