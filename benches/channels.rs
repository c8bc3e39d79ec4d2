//! A thousand scheduled channels: what they cost while nobody watches, what
//! memory they hold, how fast their playlists are, and what ten years of
//! as-run log change; beside Eyevinn's Channel Engine on the same lessons.
//!
//! `make bench` runs it. Figures are of this machine, this run, loopback; the
//! load generator shares the cores with both servers alike.

#![expect(clippy::print_stdout, reason = "a benchmark speaks to who runs it")]
#![expect(clippy::disallowed_methods, reason = "a benchmark measures time")]

use std::fmt::Write as _;
use std::fs;
use std::io::{Read, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use support::*;
use yuanjiao::base::{ChannelId, Titles};
use yuanjiao::channel::{Airing, AiringSource, Step};
use yuanjiao::store::Store;

#[expect(dead_code, reason = "each benchmark uses its part of what they share")]
mod support;

const CHANNELS: usize = 1000;
const LESSONS: usize = 24;
/// Segments of a lesson, which is half an hour long.
const SEGMENTS: usize = 469;
const RUNGS: [u32; 3] = [720, 480, 240];
/// Seconds that idle servers are watched for.
const IDLE: u64 = 60;
/// Playlists asked for in a second, for so many seconds.
const RATE: usize = 2000;
const ASKED_FOR: usize = 20;
/// Channels of Channel Engine: it takes minutes to start a thousand.
const THEIRS: usize = 50;
const YEARS: i64 = 10;
const A_DAY: i64 = 100;

fn main() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let alone = measure_ours(&folder.path().join("one"), 1);
    let many = measure_ours(&folder.path().join("many"), CHANNELS);
    println!(
        "\nidle, all {CHANNELS} channels: {:.2} % of a core",
        many.idle * CHANNELS as f64 / 60.0 * 100.0
    );
    let [half, most, worst] = many.latency_us.map(|us| us / 1000.0);
    println!(
        "{RATE} playlists a second for {ASKED_FOR} s, over all channels and renditions: \
         median {half:.2} ms, 99th percentile {most:.2} ms, longest {worst:.2} ms"
    );
    as_run(folder.path());
    let theirs = measure_theirs(&folder.path().join("theirs"), &many.lessons);

    println!("\n{:<44}{:>14}{:>16}", "", "yuanjiao", "channel engine");
    let row = |name: &str, a: f64, b: f64, digits: usize| {
        println!("{name:<44}{a:>14.digits$}{b:>16.digits$}");
    };
    row("channels", CHANNELS as f64, THEIRS as f64, 0);
    row("idle, CPU seconds per channel and minute", many.idle, theirs.idle, 5);
    row(
        "memory per channel, KB",
        (many.memory_kb - alone.memory_kb) / (CHANNELS - 1) as f64,
        theirs.memory,
        0,
    );
    row("media playlists per CPU second", many.per_cpu, theirs.per_cpu, 0);
}

struct Ours {
    memory_kb: f64,
    idle: f64,
    per_cpu: f64,
    /// Median, 99th percentile, maximum.
    latency_us: [f64; 3],
    /// Playlists of each lesson: name and text, the multivariant first.
    lessons: Vec<Vec<(String, String)>>,
}

fn measure_ours(folder: &Path, channels: usize) -> Ours {
    let port = free_port();
    write_county(folder, port, channels);
    for n in 0..LESSONS {
        let id = format!("l{n}");
        write_package(&folder.join("media/library").join(&id), &id, &RUNGS, SEGMENTS, 2000);
    }
    let server = serve(folder);
    let base = format!("http://127.0.0.1:{port}");
    wait_for(&format!("{base}/readyz"));
    let names: Vec<String> = RUNGS.iter().map(|r| format!("v{r}")).chain(["a-en".into()]).collect();
    let mut paths = Vec::new();
    for n in 0..channels {
        let session = redirect(&format!("{base}/channels/c{n}/index.m3u8"));
        for name in &names {
            let path = session.replace("index.m3u8", &format!("{name}.m3u8"));
            get(&format!("{base}{path}"));
            paths.push(path);
        }
    }
    let idle = idle(&server, channels);
    let memory_kb = memory_kb(&server);
    let latency_us = ask_at_a_rate(port, &paths);
    let per_cpu = per_cpu(&server, &format!("{base}{}", paths[0]));
    let lessons = (0..LESSONS).map(|n| lesson_playlists(&base, n)).collect();
    Ours { memory_kb, idle, per_cpu, latency_us, lessons }
}

/// CPU seconds per channel and minute while nobody asks for anything.
fn idle(server: &Running, channels: usize) -> f64 {
    // What starting has left to do is not what it costs to stay.
    std::thread::sleep(Duration::from_secs(20));
    let before = cpu_seconds(server.0.id());
    std::thread::sleep(Duration::from_secs(IDLE));
    (cpu_seconds(server.0.id()) - before) / channels as f64 * 60.0 / IDLE as f64
}

fn per_cpu(server: &Running, url: &str) -> f64 {
    let (before, seconds) = (cpu_seconds(server.0.id()), 5);
    wrk(url, seconds) * f64::from(seconds) / (cpu_seconds(server.0.id()) - before)
}

/// Kilobytes of memory that only `process` holds.
fn memory_kb(process: &Running) -> f64 {
    let smaps = fs::read_to_string(format!("/proc/{}/smaps_rollup", process.0.id())).expect("a process");
    let lines = smaps.lines().filter_map(|l| l.strip_prefix("Private_Dirty:"));
    lines.filter_map(|l| l.trim().strip_suffix(" kB")?.trim().parse::<f64>().ok()).sum()
}

/// Asks for `paths` in turn, [`RATE`] a second, whether answers come or not.
/// Times count from when a request was due: a server that stands still for a
/// moment is charged for everyone who waits.
fn ask_at_a_rate(port: u16, paths: &[String]) -> [f64; 3] {
    const CONNECTIONS: usize = 8;
    let begin = Instant::now() + Duration::from_millis(100);
    let mut times: Vec<f64> = std::thread::scope(|scope| {
        let askers: Vec<_> = (0..CONNECTIONS)
            .map(|c| {
                scope.spawn(move || {
                    let mut connection = TcpStream::connect(("127.0.0.1", port)).expect("a connection");
                    connection.set_nodelay(true).expect("a socket");
                    let mut buffer = Vec::new();
                    let mut times = Vec::new();
                    for n in (c..RATE * ASKED_FOR).step_by(CONNECTIONS) {
                        let due = begin + Duration::from_secs_f64(n as f64 / RATE as f64);
                        std::thread::sleep(due.saturating_duration_since(Instant::now()));
                        // A stride that is prime to their number meets them all, far apart.
                        ask(&mut connection, &paths[n * 7919 % paths.len()], &mut buffer);
                        times.push(due.elapsed().as_secs_f64() * 1e6);
                    }
                    times
                })
            })
            .collect();
        askers.into_iter().flat_map(|asker| asker.join().expect("answers")).collect()
    });
    times.sort_by(f64::total_cmp);
    [times[times.len() / 2], times[times.len() * 99 / 100], times[times.len() - 1]]
}

/// One request on a connection that stays open.
fn ask(connection: &mut TcpStream, path: &str, buffer: &mut Vec<u8>) {
    write!(connection, "GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n").expect("a request");
    buffer.clear();
    let mut chunk = [0; 16 * 1024];
    let whole = |b: &[u8]| {
        let head = b.windows(4).position(|w| w == b"\r\n\r\n")?;
        let text = String::from_utf8_lossy(&b[..head]).to_ascii_lowercase();
        assert!(text.starts_with("http/1.1 200"), "{path}: {text}");
        let length = text.lines().find_map(|l| l.strip_prefix("content-length:"))?.trim().parse::<usize>();
        Some(head + 4 + length.expect("a length"))
    };
    while whole(buffer).is_none_or(|length| buffer.len() < length) {
        let n = connection.read(&mut chunk).expect("an answer");
        assert!(n > 0, "{path}: the connection was closed");
        buffer.extend_from_slice(&chunk[..n]);
    }
}

fn lesson_playlists(base: &str, n: usize) -> Vec<(String, String)> {
    let session = redirect(&format!("{base}/lessons/l{n}/index.m3u8"));
    let index = get(&format!("{base}{session}"));
    let names = RUNGS.iter().map(|r| format!("v{r}.m3u8")).chain(["a-en.m3u8".into()]);
    let media = names.map(|name| {
        let text = get(&format!("{base}{}", session.replace("index.m3u8", &name)));
        (name, text)
    });
    let mut all = vec![("index.m3u8".to_owned(), index)];
    all.extend(media);
    all
}

fn write_county(folder: &Path, port: u16, channels: usize) {
    fs::create_dir_all(folder.join("schedules")).expect("folder");
    let mut county = format!(
        "listen = \"127.0.0.1:{port}\"\ndata = \"data\"\nmedia = \"media\"\nschedules = \"schedules\"\n\
         name = {{ en = \"Bench\" }}\n"
    );
    for n in 0..channels {
        // One name for all: a slate with the same words is made once, and
        // making slates is not what is measured here.
        write!(
            county,
            "\n[[channel]]\nid = \"c{n}\"\nnumber = {}\nname = {{ en = \"Bench\" }}\nlang = \"en\"\naudio = [\"en\"]\n",
            n + 1
        )
        .expect("a string takes it");
        let mut schedule = format!("channel = \"c{n}\"\n");
        for slot in 0..48 {
            // Not all channels change at once, nor do they play the same.
            let (minute, lesson) = (slot * 30 + n % 30, (slot + n) % LESSONS);
            write!(
                schedule,
                "\n[[weekly]]\ndays = \"daily\"\nstart = \"{:02}:{:02}\"\ntitle = {{ en = \"Lesson {lesson}\" }}\n\
                 play = [\"l{lesson}\"]\n",
                minute / 60,
                minute % 60
            )
            .expect("a string takes it");
        }
        fs::write(folder.join(format!("schedules/c{n}.toml")), schedule).expect("schedule");
    }
    fs::write(folder.join("county.toml"), county).expect("county");
}

struct Theirs {
    memory: f64,
    idle: f64,
    per_cpu: f64,
}

fn measure_theirs(folder: &Path, lessons: &[Vec<(String, String)>]) -> Theirs {
    let nginx_port = free_port();
    let url = |n: usize| format!("http://127.0.0.1:{nginx_port}/l{n}/index.m3u8");
    for (n, playlists) in lessons.iter().enumerate() {
        let root = folder.join(format!("l{n}"));
        fs::create_dir_all(&root).expect("folder");
        for (name, text) in playlists {
            fs::write(root.join(name), text).expect("playlist");
        }
    }
    let _nginx = start_nginx(folder, nginx_port, ("auto", ""));
    wait_for(&url(0));
    let start_engine = |channels: usize| {
        let port = free_port();
        let engine = start(
            Command::new("node")
                .arg("--no-deprecation")
                .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/benches/channel-engine/server.cjs"))
                .args([port.to_string(), channels.to_string()])
                .args((0..LESSONS).map(url)),
        );
        let index = format!("http://127.0.0.1:{port}/channels/c{}/master.m3u8", channels - 1);
        wait_for(&index);
        let media =
            get(&index).lines().find(|l| l.starts_with("master")).expect("a media playlist").to_owned();
        let media = format!("http://127.0.0.1:{port}/live/{media}");
        wait_for(&media);
        (engine, media)
    };
    let alone = {
        let (engine, _) = start_engine(1);
        std::thread::sleep(Duration::from_secs(20));
        memory_kb(&engine)
    };
    let (engine, media) = start_engine(THEIRS);
    let idle = idle(&engine, THEIRS);
    let memory = (memory_kb(&engine) - alone) / (THEIRS - 1) as f64;
    Theirs { memory, idle, per_cpu: per_cpu(&engine, &media) }
}

/// What one channel's as-run log costs when it is new, and after ten years.
fn as_run(folder: &Path) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let store = Store::open(&folder.join("as-run.db")).expect("a store");
    let channel = ChannelId::new("old").expect("a name");
    let end = Timestamp::now();
    let step = SignedDuration::from_secs(86_400 / A_DAY);
    let all = YEARS * 365 * A_DAY;
    let begin = end - step * i32::try_from(all).expect("a number of airings");
    let (young, old) = runtime.block_on(async {
        let young = asked(&store, &channel, begin, step).await;
        for first in (A_DAY..all).step_by(10_000) {
            let steps =
                (first..all.min(first + 10_000)).map(|n| Step::Open(airing(n, begin, step))).collect();
            store.record_airings(vec![(channel.clone(), steps)], end).await.expect("stored");
        }
        (
            young,
            asked(&store, &channel, begin + step * i32::try_from(all - A_DAY).expect("a number"), step).await,
        )
    });
    let rows = ["storing a change, µs", "reading a day, µs"];
    println!("\n{:<44}{:>14}{:>16}", "as-run log of a channel", "a day old", format!("{YEARS} years old"));
    for ((name, young), old) in rows.iter().zip(young).zip(old) {
        println!("{name:<44}{young:>14.0}{old:>16.0}");
    }
    println!("\n{all} airings, {A_DAY} a day; medians of 101.");
}

/// Medians of storing a change and of reading the day that begins at `begin`.
async fn asked(store: &Store, channel: &ChannelId, begin: Timestamp, step: SignedDuration) -> [f64; 2] {
    let mut stored = Vec::new();
    let first =
        if store.airings(channel, begin, Timestamp::MAX).await.expect("read").is_empty() { 0 } else { -1 };
    if first == 0 {
        let day = (0..A_DAY).map(|n| Step::Open(airing(n, begin, step))).collect();
        store.record_airings(vec![(channel.clone(), day)], begin).await.expect("stored");
    }
    let newest =
        store.airings(channel, begin, Timestamp::MAX).await.expect("read").last().expect("airings").no;
    let mut read = Vec::new();
    for n in 0..101 {
        let started = Instant::now();
        let steps = vec![Step::Close { no: newest, segments: n }];
        store.record_airings(vec![(channel.clone(), steps)], begin).await.expect("stored");
        stored.push(started.elapsed().as_secs_f64() * 1e6);
        let started = Instant::now();
        let day = store.airings(channel, begin, begin + SignedDuration::from_hours(24)).await.expect("read");
        assert!(day.len() as i64 >= A_DAY - 1, "a day has {A_DAY} airings, read were {}", day.len());
        read.push(started.elapsed().as_secs_f64() * 1e6);
    }
    [median(stored), median(read)]
}

fn airing(n: i64, begin: Timestamp, step: SignedDuration) -> Airing {
    let start = begin + step * i32::try_from(n).expect("a number of airings");
    Airing {
        no: n as u64,
        programme: None,
        item: 0,
        filler: false,
        titles: Titles::default(),
        lang: None,
        source: AiringSource::Lesson {
            lesson: yuanjiao::base::LessonId::new("l1").expect("a name"),
            owner: "lesson.l1.00112233".into(),
        },
        first: 0,
        start,
        base_sequence: n as u64 * 225,
        discontinuities: n as u64,
        continues: false,
        until: start + step,
        segments: Some(225),
        hand: None,
    }
}
