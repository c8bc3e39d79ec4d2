//! Requests per second for what terminals ask most: a session's live playlist
//! and a 576 KB segment, with tickets verified and every session accounted,
//! beside nginx with sendfile on the same bytes in the same run.
//!
//! `make bench` runs it. Figures are of this machine, this run, loopback; the
//! load generator shares the cores with both servers alike.

#![expect(clippy::print_stdout, reason = "a benchmark speaks to who runs it")]

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const SEGMENT: usize = 576_000;
const SEGMENTS: usize = 22_500;
const ROUNDS: usize = 9;
const SECONDS: u32 = 2;

/// Ends its process when dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // Asked to stop, nginx ends its workers with it; killed, it would leave them.
        let _ = Command::new("kill").args(["-TERM", &self.0.id().to_string()]).status();
        for _ in 0..100 {
            if matches!(self.0.try_wait(), Ok(Some(_))) {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        // It may be gone already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn main() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let port = free_port();
    write_county(folder.path(), port);
    write_package(&folder.path().join("media/library/bench"));
    let _server = start(
        Command::new(env!("CARGO_BIN_EXE_yuanjiao"))
            .args(["serve", "--config"])
            .arg(folder.path().join("county.toml"))
            .env("RUST_LOG", "error"),
    );
    let base = format!("http://127.0.0.1:{port}");
    wait_for(&format!("{base}/readyz"));
    let session = redirect(&format!("{base}/channels/bench/index.m3u8"));
    let playlist = session.replace("index.m3u8", "v720.m3u8");
    let text = get(&format!("{base}{playlist}"));
    let segment = text.lines().rfind(|l| l.ends_with(".m4s")).expect("a segment").replace("../../", "");
    let segment = format!("{}/{segment}", session.split('/').take(3).collect::<Vec<_>>().join("/"));

    let nginx_port = free_port();
    let _nginx = start_nginx(folder.path(), nginx_port, text.as_bytes());
    let nginx = format!("http://127.0.0.1:{nginx_port}");
    wait_for(&format!("{nginx}/playlist.m3u8"));

    println!("\n{:<28}{:>14}{:>14}{:>9}", "requests per second", "yuanjiao", "nginx", "ratio");
    let rows = [
        ("live playlist", format!("{base}{playlist}"), format!("{nginx}/playlist.m3u8")),
        ("segment of 576 KB", format!("{base}{segment}"), format!("{nginx}/segment.m4s")),
    ];
    for (name, ours, theirs) in rows {
        let (mut a, mut b) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            a.push(wrk(&ours));
            b.push(wrk(&theirs));
        }
        let (a, b) = (median(a), median(b));
        println!("{name:<28}{a:>14.0}{b:>14.0}{:>9.2}", a / b);
    }
    println!(
        "\n64 connections, median of {ROUNDS} runs of {SECONDS} s each, taken in turns; playlist of {} bytes.",
        text.len()
    );
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

fn free_port() -> u16 {
    let socket = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    socket.local_addr().expect("bound").port()
}

fn start(command: &mut Command) -> Running {
    Running(command.stdout(Stdio::null()).stderr(Stdio::inherit()).spawn().expect("start the program"))
}

fn wait_for(url: &str) {
    for _ in 0..300 {
        if ureq::get(url).call().is_ok() {
            return;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    panic!("{url} did not answer within 30 s");
}

fn get(url: &str) -> String {
    ureq::get(url).call().expect(url).body_mut().read_to_string().expect("text")
}

fn redirect(url: &str) -> String {
    let config = ureq::Agent::config_builder().max_redirects(0).build();
    let answer = ureq::Agent::new_with_config(config).get(url).call().expect(url);
    answer.headers().get("location").and_then(|l| l.to_str().ok()).expect("a redirection").to_owned()
}

/// Requests per second that wrk gets.
fn wrk(url: &str) -> f64 {
    let out = Command::new("wrk")
        .args(["-t1", "-c64", &format!("-d{SECONDS}s"), url])
        .output()
        .expect("wrk (Debian package wrk)");
    let text = String::from_utf8_lossy(&out.stdout);
    assert!(!text.contains("Non-2xx"), "{url} did not always answer 200:\n{text}");
    let line = text.lines().find_map(|l| l.trim().strip_prefix("Requests/sec:"));
    line.and_then(|n| n.trim().parse().ok()).unwrap_or_else(|| panic!("wrk said:\n{text}"))
}

fn start_nginx(folder: &Path, port: u16, playlist: &[u8]) -> Running {
    let root = folder.join("nginx");
    fs::create_dir_all(root.join("tmp")).expect("folder");
    fs::write(root.join("playlist.m3u8"), playlist).expect("playlist");
    fs::write(root.join("segment.m4s"), fragment()).expect("segment");
    let config = format!(
        "worker_processes auto; daemon off; pid {root}/pid; error_log stderr error;\n\
         events {{ worker_connections 1024; }}\n\
         http {{ access_log off; sendfile on; tcp_nopush on; tcp_nodelay on; keepalive_requests 10000000;\n\
         open_file_cache max=100; client_body_temp_path {root}/tmp; proxy_temp_path {root}/tmp;\n\
         fastcgi_temp_path {root}/tmp; uwsgi_temp_path {root}/tmp; scgi_temp_path {root}/tmp;\n\
         server {{ listen 127.0.0.1:{port}; root {root}; }} }}\n",
        root = root.display()
    );
    let path = root.join("nginx.conf");
    fs::write(&path, config).expect("configuration");
    start(Command::new("nginx").arg("-c").arg(&path).arg("-p").arg(&root))
}

fn write_county(folder: &Path, port: u16) {
    fs::create_dir_all(folder.join("schedules")).expect("folder");
    let county = format!(
        "listen = \"127.0.0.1:{port}\"\ndata = \"data\"\nmedia = \"media\"\nschedules = \"schedules\"\n\
         name = {{ en = \"Bench\" }}\n\n[[channel]]\nid = \"bench\"\nnumber = 1\nname = {{ en = \"Bench\" }}\n\
         lang = \"en\"\naudio = [\"en\"]\n"
    );
    fs::write(folder.join("county.toml"), county).expect("county");
    let schedule = "channel = \"bench\"\n\n[[weekly]]\ndays = \"daily\"\nstart = \"00:00\"\n\
                    title = { en = \"Bench\" }\nplay = [\"bench\"]\n";
    fs::write(folder.join("schedules/bench.toml"), schedule).expect("schedule");
}

/// A segment as the server sees it: a decoding time, and bytes.
fn fragment() -> Vec<u8> {
    let boxed = |kind: &[u8; 4], content: &[u8]| {
        let size = (content.len() as u32 + 8).to_be_bytes();
        [&size[..], kind, content].concat()
    };
    let tfdt = boxed(b"tfdt", &[&[1, 0, 0, 0], &[0; 8][..]].concat());
    let moof = boxed(b"moof", &boxed(b"traf", &tfdt));
    let mdat = boxed(b"mdat", &vec![0x55; SEGMENT - moof.len() - 8]);
    [moof, mdat].concat()
}

/// A lesson of a day whose segments are all the same bytes.
fn write_package(folder: &Path) {
    fs::create_dir_all(folder).expect("folder");
    let mut file = fs::File::create(folder.join("v720.mp4")).expect("media");
    file.write_all(&[vec![0x55; 1000], fragment()].concat()).expect("media");
    let ranges = vec![serde_json::json!({"offset": 1000, "length": SEGMENT}); SEGMENTS];
    let track = |name: &str, kind: serde_json::Value| {
        let mut track = serde_json::json!({
            "name": name, "codecs": "avc1.4D401F", "init": "0", "timescale": 90_000, "file": "v720.mp4", "sha256": "0",
            "bandwidth": 1_200_000, "average_bandwidth": 1_200_000,
            "header": {"offset": 0, "length": 1000}, "segments": ranges,
        });
        let fields = kind.as_object().expect("an object").clone();
        track.as_object_mut().expect("an object").extend(fields);
        track
    };
    let video = serde_json::json!({"kind": "video", "width": 1280, "height": 720, "fps": 25.0});
    let audio = serde_json::json!({"kind": "audio", "lang": "en", "channels": 2});
    let manifest = serde_json::json!({
        "version": 1, "id": "bench", "content_hash": "00112233445566778899", "titles": {"en": "Bench"},
        "source_sha256": "0", "segments_us": vec![3_840_000; SEGMENTS],
        "tracks": [track("v720", video), track("a-en", audio)], "subtitles": [], "poster": null,
        "source_loudness": [],
    });
    fs::write(folder.join("package.json"), manifest.to_string()).expect("manifest");
}
