//! What thirty relays of 1.5 Mb/s cost: processor time for each stream and minute,
//! and proportional memory, beside `ffmpeg -c copy` to HLS with fragmented MP4 on
//! the same packets in the same run.
//!
//! `make bench` runs it. RELAYS and SECONDS change how many and how long.

#![expect(clippy::print_stdout, reason = "a benchmark speaks to who runs it")]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::net::UdpSocket;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use support::*;
use yuanjiao::base::{Clock as _, SystemClock};

#[expect(dead_code, reason = "each benchmark uses its part of what they share")]
mod support;

/// Seconds of the film that is sent again and again.
const FILM: u32 = 60;

/// Begins to receive on these ports: what runs, and where our server answers.
type Begin<'a> = &'a dyn Fn(&[u16]) -> (Vec<Running>, Option<String>);

fn number(name: &str, usual: u64) -> u64 {
    std::env::var(name).ok().and_then(|v| v.parse().ok()).unwrap_or(usual)
}

fn main() {
    let (relays, seconds) = (number("RELAYS", 30), number("SECONDS", 60));
    let folder = tempfile::tempdir().expect("a temporary folder");
    let film = film(folder.path());
    println!("\n{relays} relays, {seconds} s each; {} kb/s", film.len() as u64 * 8 / 1000 / u64::from(FILM));
    println!("{:<34}{:>22}{:>18}{:>14}", "", "CPU s/stream-minute", "PSS MB/stream", "lost packets");
    let rows: [(&str, Begin<'_>); 3] = [
        ("yuanjiao, looking every 10 s", &|ports| yuanjiao(folder.path(), ports, "10s")),
        ("yuanjiao, never looking", &|ports| yuanjiao(folder.path(), ports, "0s")),
        ("ffmpeg -c copy -f hls (fmp4)", &|ports| (ffmpeg(folder.path(), ports), None)),
    ];
    for (name, begin) in rows {
        let ports: Vec<u16> = (0..relays).map(|_| udp_port()).collect();
        let (running, base) = begin(&ports);
        let sender = Sender::start(film.clone(), ports);
        // Streams are found, pipelines built: what is measured is the rest of the year.
        std::thread::sleep(Duration::from_secs(15));
        let family = running.iter().flat_map(|r| family(r.0.id())).collect();
        let before = cpu_seconds(&family);
        std::thread::sleep(Duration::from_secs(seconds));
        let used = cpu_seconds(&family) - before;
        let memory = pss_mb(&family) / relays as f64;
        let lost = base.map_or_else(|| "–".to_owned(), |base| lost(&base).to_string());
        println!("{name:<34}{:>22.3}{memory:>18.1}{lost:>14}", used / relays as f64 / seconds as f64 * 60.0);
        drop(sender);
        drop(running);
    }
}

/// A broadcast of 1.5 Mb/s in all, a key frame each second.
fn film(folder: &Path) -> Vec<u8> {
    let file = folder.join("film.ts");
    let made = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=1280x720:rate=25"])
        .args(["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000", "-t", &FILM.to_string()])
        .args([
            "-c:v",
            "libx264",
            "-preset",
            "ultrafast",
            "-b:v",
            "1250k",
            "-minrate",
            "1250k",
            "-maxrate",
            "1250k",
        ])
        .args(["-bufsize", "1250k", "-nal-hrd", "cbr", "-g", "25", "-pix_fmt", "yuv420p"])
        .args(["-c:a", "aac", "-b:a", "96k", "-ac", "2", "-f", "mpegts"])
        .arg(&file)
        .status();
    assert!(made.expect("ffmpeg").success(), "the film could not be made");
    fs::read(file).expect("the film")
}

fn udp_port() -> u16 {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a free port");
    socket.local_addr().expect("bound").port()
}

/// Sends the film to every port, again and again, at an even rate.
struct Sender {
    stop: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Sender {
    fn start(film: Vec<u8>, ports: Vec<u16>) -> Self {
        let stop = Arc::<AtomicBool>::default();
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
            let datagrams: Vec<&[u8]> = film.chunks(7 * 188).collect();
            let pause = Duration::from_secs(u64::from(FILM)).div_f64(datagrams.len() as f64);
            let clock = SystemClock::new();
            let (begun, mut sent) = (clock.monotonic(), 0u32);
            while !stopped.load(Ordering::Relaxed) {
                for port in &ports {
                    // Whether anyone listens is no matter to a broadcaster.
                    let _ = socket.send_to(datagrams[sent as usize % datagrams.len()], ("127.0.0.1", *port));
                }
                sent += 1;
                std::thread::sleep((pause * sent).saturating_sub(clock.monotonic() - begun));
            }
        });
        Self { stop, thread: Some(thread) }
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn yuanjiao(folder: &Path, ports: &[u16], look_every: &str) -> (Vec<Running>, Option<String>) {
    let home = folder.join(format!("county-{look_every}"));
    fs::create_dir_all(home.join("schedules")).expect("folder");
    let port = free_port();
    let mut county = format!(
        "name = {{ en = \"Bench\" }}\nlisten = \"127.0.0.1:{port}\"\ndata = \"data\"\nmedia = \"media\"\n\
         schedules = \"schedules\"\n[[channel]]\nid = \"bench\"\nnumber = 1\nname = {{ en = \"Bench\" }}\nlang = \"en\"\n"
    );
    for (n, udp) in ports.iter().enumerate() {
        let _ = write!(
            county,
            "[[relay]]\nid = \"r{n}\"\nname = {{ en = \"{n}\" }}\nsources = [\"udp://127.0.0.1:{udp}\"]\n\
             audio = [\"en\"]\nlook_every = \"{look_every}\"\n"
        );
    }
    fs::write(home.join("county.toml"), county).expect("county");
    let schedule = "channel = \"bench\"\n[[weekly]]\ndays = \"daily\"\nstart = \"00:00\"\nrelay = \"r0\"\n";
    fs::write(home.join("schedules/bench.toml"), schedule).expect("schedule");
    let server = Command::new(env!("CARGO_BIN_EXE_yuanjiao"))
        .args(["serve", "--config"])
        .arg(home.join("county.toml"))
        .env("RUST_LOG", "error")
        .spawn()
        .expect("the server");
    let base = format!("http://127.0.0.1:{port}");
    wait_for(&format!("{base}/healthz"));
    (vec![Running(server)], Some(base))
}

fn ffmpeg(folder: &Path, ports: &[u16]) -> Vec<Running> {
    let start = |port: &u16| {
        let out = folder.join(format!("hls-{port}"));
        fs::create_dir_all(&out).expect("folder");
        let mut command = Command::new("ffmpeg");
        command.args(["-nostdin", "-v", "quiet", "-i", &format!("udp://127.0.0.1:{port}?fifo_size=50000")]);
        command.args(["-c", "copy", "-bsf:a", "aac_adtstoasc", "-f", "hls", "-hls_segment_type", "fmp4"]);
        command.args(["-hls_time", "4", "-hls_list_size", "15", "-hls_flags", "delete_segments"]);
        Running(command.arg(out.join("index.m3u8")).spawn().expect("ffmpeg"))
    };
    ports.iter().map(start).collect()
}

/// A process and all that it has started.
fn family(root: u32) -> BTreeSet<u32> {
    let mut all = BTreeSet::from([root]);
    loop {
        let more: Vec<u32> = fs::read_dir("/proc")
            .expect("/proc")
            .filter_map(|e| e.ok()?.file_name().to_str()?.parse().ok())
            .filter(|pid| !all.contains(pid) && stat(*pid).is_some_and(|s| all.contains(&s.0)))
            .collect();
        if more.is_empty() {
            return all;
        }
        all.extend(more);
    }
}

/// Parent, and ticks used so far.
fn stat(pid: u32) -> Option<(u32, u64)> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let fields: Vec<&str> = text.rsplit_once(") ")?.1.split(' ').collect();
    let ticks = |at: usize| fields.get(at)?.parse::<u64>().ok();
    Some((fields.get(1)?.parse().ok()?, ticks(11)? + ticks(12)?))
}

/// A hundred ticks are a second, on every Linux that matters.
fn cpu_seconds(family: &BTreeSet<u32>) -> f64 {
    family.iter().filter_map(|pid| stat(*pid)).map(|s| s.1).sum::<u64>() as f64 / 100.0
}

/// Memory with what is shared counted once.
fn pss_mb(family: &BTreeSet<u32>) -> f64 {
    let pss = |pid: &u32| {
        let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
        let line = text.lines().find_map(|l| l.strip_prefix("Pss:"))?;
        line.trim().trim_end_matches(" kB").trim().parse::<f64>().ok()
    };
    family.iter().filter_map(pss).sum::<f64>() / 1024.0
}

/// Continuity errors of all relays.
fn lost(base: &str) -> u64 {
    let text = get(&format!("{base}/api/v1/relays?limit=200"));
    let relays: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let items = relays["items"].as_array().cloned().unwrap_or_default();
    items.iter().filter_map(|r| r["health"]["continuity_errors"].as_u64()).sum()
}
