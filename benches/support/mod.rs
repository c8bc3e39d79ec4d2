//! What the benchmarks share: processes, requests, lessons made of nothing.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nix::sched::{CpuSet, sched_setaffinity};
use nix::unistd::Pid;
use sha2::{Digest as _, Sha256};

/// Ends its process when dropped.
pub(crate) struct Running(pub(crate) Child);

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

pub(crate) fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

pub(crate) fn free_port() -> u16 {
    let socket = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    socket.local_addr().expect("bound").port()
}

pub(crate) fn start(command: &mut Command) -> Running {
    Running(command.stdout(Stdio::null()).stderr(Stdio::inherit()).spawn().expect("start the program"))
}

/// The server with the county's file of `folder`.
pub(crate) fn serve(folder: &Path) -> Running {
    let mut command = Command::new(env!("CARGO_BIN_EXE_yuanjiao"));
    command.args(["serve", "--config"]).arg(folder.join("county.toml"));
    start(command.env("RUST_LOG", "error"))
}

/// A county with one channel, `bench`; `more` stands before it.
pub(crate) fn write_county(folder: &Path, port: u16, more: &str) {
    fs::create_dir_all(folder.join("schedules")).expect("folder");
    let county = format!(
        "listen = \"127.0.0.1:{port}\"\ndata = \"data\"\nmedia = \"media\"\nschedules = \"schedules\"\n\
         name = {{ en = \"Bench\" }}\n\n{more}\n[[channel]]\nid = \"bench\"\nnumber = 1\n\
         name = {{ en = \"Bench\" }}\nlang = \"en\"\naudio = [\"en\"]\n"
    );
    fs::write(folder.join("county.toml"), county).expect("county");
}

/// Has that channel play the lesson `bench` all day.
pub(crate) fn write_schedule(folder: &Path) {
    let schedule = "channel = \"bench\"\n\n[[weekly]]\ndays = \"daily\"\nstart = \"00:00\"\n\
                    title = { en = \"Bench\" }\nplay = [\"bench\"]\n";
    fs::write(folder.join("schedules/bench.toml"), schedule).expect("schedule");
}

/// Seconds of processor time that a process has used so far, all threads.
pub(crate) fn cpu_seconds(id: u32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).expect("a running process");
    let fields: Vec<&str> = stat.rsplit(')').next().expect("fields").split_whitespace().collect();
    // utime and stime are fields 14 and 15 of proc_pid_stat(5), in ticks of 10 ms.
    let ticks = |n: usize| fields[n - 3].parse::<f64>().expect("a number");
    (ticks(14) + ticks(15)) / 100.0
}

/// Memory of a process, MB: `VmRSS` now, `VmHWM` at most so far (proc_pid_status(5)).
pub(crate) fn memory_mb(id: u32, what: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{id}/status")).expect("a running process");
    let line = status.lines().find_map(|line| line.strip_prefix(what)?.strip_prefix(':'));
    let kb = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    kb.unwrap_or_else(|| panic!("no {what} in {status}")) / 1024
}

pub(crate) fn wait_for(url: &str) {
    for _ in 0..300 {
        if ureq::get(url).call().is_ok() {
            return;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    panic!("{url} did not answer within 30 s");
}

pub(crate) fn get(url: &str) -> String {
    ureq::get(url).call().expect(url).body_mut().read_to_string().expect("text")
}

pub(crate) fn redirect(url: &str) -> String {
    let config = ureq::Agent::config_builder().max_redirects(0).build();
    let answer = ureq::Agent::new_with_config(config).get(url).call().expect(url);
    answer.headers().get("location").and_then(|l| l.to_str().ok()).expect("a redirection").to_owned()
}

/// Requests per second that wrk gets.
pub(crate) fn wrk(url: &str, seconds: u32) -> f64 {
    requests(Command::new("wrk").args(["-t1", "-c64", &format!("-d{seconds}s"), url]))
}

/// Requests per second that a run of wrk gets, all of them answered well.
pub(crate) fn requests(wrk: &mut Command) -> f64 {
    let out = wrk.output().expect("wrk (Debian package wrk)");
    let text = String::from_utf8_lossy(&out.stdout);
    let complaints = String::from_utf8_lossy(&out.stderr);
    assert!(!text.contains("Non-2xx"), "not everything was answered with 200:\n{text}");
    assert!(complaints.is_empty(), "wrk said:\n{complaints}");
    let line = text.lines().find_map(|l| l.trim().strip_prefix("Requests/sec:"));
    line.and_then(|n| n.trim().parse().ok()).unwrap_or_else(|| panic!("wrk said:\n{text}"))
}

/// A segment as the server sees it: a decoding time, and bytes.
pub(crate) fn fragment(size: usize) -> Vec<u8> {
    let boxed = |kind: &[u8; 4], content: &[u8]| {
        let size = (content.len() as u32 + 8).to_be_bytes();
        [&size[..], kind, content].concat()
    };
    let tfdt = boxed(b"tfdt", &[&[1, 0, 0, 0], &[0; 8][..]].concat());
    let moof = boxed(b"moof", &boxed(b"traf", &tfdt));
    let mdat = boxed(b"mdat", &vec![0x55; size - moof.len() - 8]);
    [moof, mdat].concat()
}

/// A lesson of `segments` equal segments of 3.84 s and `size` bytes, with its rungs' heights.
pub(crate) fn write_package(folder: &Path, id: &str, rungs: &[u32], segments: usize, size: usize) {
    fs::create_dir_all(folder).expect("folder");
    let media = [vec![0x55; 1000], fragment(size)].concat();
    // The server looks at its lessons' bytes and takes those off the air that have changed.
    let sha256 = hex::encode(Sha256::digest(&media));
    fs::write(folder.join("v.mp4"), media).expect("media");
    let ranges = vec![serde_json::json!({"offset": 1000, "length": size}); segments];
    let track = |name: String, kind: serde_json::Value| {
        let mut track = serde_json::json!({
            "name": name, "codecs": "avc1.4D401F", "init": "0", "timescale": 90_000, "file": "v.mp4", "sha256": sha256,
            "bandwidth": 1_200_000, "average_bandwidth": 1_200_000,
            "header": {"offset": 0, "length": 1000}, "segments": ranges,
        });
        let fields = kind.as_object().expect("an object").clone();
        track.as_object_mut().expect("an object").extend(fields);
        track
    };
    let video = |height: &u32| {
        let width = (height * 16 / 9).next_multiple_of(2);
        let kind = serde_json::json!({"kind": "video", "width": width, "height": height, "fps": 25.0});
        track(format!("v{height}"), kind)
    };
    let audio = track("a-en".into(), serde_json::json!({"kind": "audio", "lang": "en", "channels": 2}));
    let tracks: Vec<_> = rungs.iter().map(video).chain([audio]).collect();
    let hash = hex::encode(format!("{id:0<10}"));
    let manifest = serde_json::json!({
        "version": 1, "id": id, "content_hash": hash, "titles": {"en": format!("Lesson {id}")},
        "source_sha256": "0", "segments_us": vec![3_840_000; segments],
        "tracks": tracks, "subtitles": [], "poster": null, "source_loudness": [],
    });
    fs::write(folder.join("package.json"), manifest.to_string()).expect("manifest");
}

/// Keeps this process, and what it starts from now on, to one core.
pub(crate) fn keep_to_core(core: usize) {
    let mut cores = CpuSet::new();
    cores.set(core).expect("a core");
    sched_setaffinity(Pid::from_raw(0), &cores).expect("as many cores");
}

/// Processes that `id` has started.
pub(crate) fn children(id: u32) -> Vec<u32> {
    let all = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).expect("a running process");
    all.split_whitespace().map(|id| id.parse().expect("a number")).collect()
}

/// nginx with sendfile on the files of `root`; `more` stands in its server's block.
pub(crate) fn start_nginx(root: &Path, port: u16, (workers, more): (&str, &str)) -> Running {
    fs::create_dir_all(root.join("tmp")).expect("folder");
    let config = format!(
        "worker_processes {workers}; daemon off; pid {root}/pid; error_log stderr error;\n\
         events {{ worker_connections 1024; }}\n\
         http {{ access_log off; sendfile on; tcp_nopush on; tcp_nodelay on; keepalive_requests 10000000;\n\
         open_file_cache max=100; client_body_temp_path {root}/tmp; proxy_temp_path {root}/tmp;\n\
         fastcgi_temp_path {root}/tmp; uwsgi_temp_path {root}/tmp; scgi_temp_path {root}/tmp;\n\
         server {{ listen 127.0.0.1:{port}; {more} root {root}; }} }}\n",
        root = root.display()
    );
    let path = root.join("nginx.conf");
    fs::write(&path, config).expect("configuration");
    start(Command::new("nginx").arg("-c").arg(&path).arg("-p").arg(root))
}
