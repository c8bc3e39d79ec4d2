//! Media made by ffmpeg: lessons, a broadcast, and players.

use std::net::{SocketAddr, UdpSocket};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use jiff::Timestamp;

use super::county::County;
use super::process::{Ended, Program, yuanjiao};
use super::server::PATIENCE;
use super::time::{ms, now};

/// ffmpeg that says nothing but errors.
pub(crate) fn ffmpeg() -> Command {
    let mut command = Command::new("ffmpeg");
    command.args(["-nostdin", "-hide_banner", "-v", "error"]);
    command
}

/// Test picture and two tones, the first said to be Chinese, the second Uyghur.
/// `pace` is what stands before each input: nothing, or `-re` for real time.
fn pattern<'c>(command: &'c mut Command, pace: &[&str]) -> &'c mut Command {
    for source in [
        "testsrc2=size=640x360:rate=25",
        "sine=frequency=440:sample_rate=48000",
        "sine=frequency=660:sample_rate=48000",
    ] {
        command.args(pace).args(["-f", "lavfi", "-i", source]);
    }
    command
        .args(["-map", "0:v", "-map", "1:a", "-map", "2:a"])
        .args(["-metadata:s:a:0", "language=zho", "-metadata:s:a:1", "language=uig"])
        .args(["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"])
        .args(["-g", "24", "-sc_threshold", "0", "-b:v", "600k", "-c:a", "aac", "-b:a", "64k", "-ac", "2"])
}

/// A lesson's file with two languages, whose pictures are not decoded in the order in which
/// they are shown.
pub(crate) fn make_lesson(file: &Path, seconds: u32) {
    let mut command = ffmpeg();
    pattern(&mut command, &[]).args(["-bf", "2", "-t", &seconds.to_string(), "-y"]).arg(file);
    Program::run(&mut command, PATIENCE).good("making a lesson");
}

/// A lesson in the library of a county whose server may not run yet.
pub(crate) fn package_lesson(county: &County, id: &str, seconds: u32) {
    let file = county.path(&format!("{id}.mkv"));
    make_lesson(&file, seconds);
    let mut command = yuanjiao(["package"]);
    command.arg(&file).arg("--out").arg(county.library()).args([
        "--title",
        "zh-Hans=葡萄栽培",
        "--title",
        "en=Grapes",
    ]);
    Program::run(&mut command, PATIENCE).good("packaging a lesson");
}

/// Subtitles for it.
pub(crate) fn make_subtitles(file: &Path, text: &str) {
    let text =
        format!("1\n00:00:01,000 --> 00:00:04,000\n{text}\n\n2\n00:00:05,000 --> 00:00:08,000\n{text} 2\n");
    std::fs::write(file, text).expect("subtitles can be written");
}

/// A UDP port nobody uses now.
pub(crate) fn free_udp_port() -> u16 {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a free port");
    socket.local_addr().expect("its number").port()
}

/// When packets passed.
#[derive(Debug, Default)]
struct Passed {
    first: Option<Timestamp>,
    last: Option<Timestamp>,
}

/// A broadcaster: an encoder that reorders pictures as those of broadcasters do, and an antenna that notes when it sends.
#[derive(Debug)]
pub(crate) struct Upstream {
    encoder: Option<Program>,
    antenna: SocketAddr,
    passed: Arc<Mutex<Passed>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Upstream {
    /// Broadcasts to this port of this machine.
    pub(crate) fn to(port: u16) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket for the antenna");
        socket.set_read_timeout(Some(ms(100))).expect("a limit for reading");
        let antenna = socket.local_addr().expect("its address");
        let (passed, stop) = (Arc::<Mutex<Passed>>::default(), Arc::<AtomicBool>::default());
        let (noted, stopped) = (Arc::clone(&passed), Arc::clone(&stop));
        let thread = std::thread::spawn(move || {
            let mut packet = [0; 2048];
            while !stopped.load(Ordering::Relaxed) {
                let Ok(n) = socket.recv(&mut packet) else { continue };
                // Whether anyone listens is no matter to a broadcaster.
                let _ = socket.send_to(&packet[..n], ("127.0.0.1", port));
                let mut noted = noted.lock().unwrap_or_else(PoisonError::into_inner);
                let at = now();
                noted.first.get_or_insert(at);
                noted.last = Some(at);
            }
        });
        let mut upstream = Self { encoder: None, antenna, passed, stop, thread: Some(thread) };
        upstream.on();
        upstream
    }

    /// Begins to send, on a new line of timestamps.
    pub(crate) fn on(&mut self) {
        *self.passed.lock().unwrap_or_else(PoisonError::into_inner) = Passed::default();
        let mut command = ffmpeg();
        pattern(&mut command, &["-re"])
            .args([
                "-tune",
                "zerolatency",
                "-bf",
                "2",
                "-flush_packets",
                "1",
                "-muxdelay",
                "0.2",
                "-f",
                "mpegts",
            ])
            .arg(format!("udp://{}?pkt_size=1316", self.antenna));
        self.encoder = Some(Program::start(&mut command));
    }

    /// Ends, and says when the last packet left.
    pub(crate) fn off(&mut self) -> Timestamp {
        if let Some(mut encoder) = self.encoder.take() {
            encoder.kill();
        }
        std::thread::sleep(ms(300));
        let passed = self.passed.lock().unwrap_or_else(PoisonError::into_inner);
        passed.last.expect("something was sent")
    }

    /// When the first packet left since it was put on.
    pub(crate) fn first_packet(&self) -> Option<Timestamp> {
        self.passed.lock().unwrap_or_else(PoisonError::into_inner).first
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // It has nothing to panic about.
            let _ = thread.join();
        }
    }
}

/// What ffmpeg decoded: the times of frames, in seconds.
#[derive(Debug, Default)]
pub(crate) struct Decoded {
    pub(crate) video: Vec<f64>,
    pub(crate) audio: Vec<f64>,
}

impl Decoded {
    /// Reads the output of ffmpeg's `framecrc` of one video and one audio stream.
    pub(crate) fn from_framecrc(lines: &[String]) -> Self {
        let mut bases = [1.0, 1.0];
        let mut out = Self::default();
        for line in lines {
            if let Some((stream, base)) = line.strip_prefix("#tb ").and_then(|l| l.split_once(": ")) {
                let parts = base.split_once('/').and_then(|(n, d)| Some((n.parse().ok()?, d.parse().ok()?)));
                let (n, d): (f64, f64) = parts.unwrap_or_else(|| panic!("no time base: {line}"));
                bases[usize::from(stream == "1")] = n / d;
            }
            let mut fields = line.split(',').map(str::trim);
            let (stream, _, pts) =
                (fields.next(), fields.next(), fields.next().and_then(|p| p.parse::<f64>().ok()));
            match (stream, pts) {
                (Some("0"), Some(pts)) => out.video.push(pts * bases[0]),
                (Some("1"), Some(pts)) => out.audio.push(pts * bases[1]),
                _ => {}
            }
        }
        out
    }

    /// The longest time between two successive frames.
    pub(crate) fn longest_gap(times: &[f64]) -> f64 {
        times.windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(0.0, f64::max)
    }
}

/// ffmpeg as a player of picture and first sound, for this long, to the end at most.
pub(crate) fn decode(url: &str, length: Option<Duration>) -> Program {
    let mut command = ffmpeg();
    command.args(["-i", url, "-map", "0:v:0", "-map", "0:a:0", "-fps_mode", "passthrough"]);
    // As the pictures say: ffmpeg guesses at their rate, and would round to a wrong guess.
    command.args(["-enc_time_base:v", "-1"]);
    if let Some(length) = length {
        command.args(["-t", &length.as_secs().to_string()]);
    }
    Program::start(command.args(["-f", "framecrc", "-"]))
}

/// Decoded without a word of complaint.
#[track_caller]
pub(crate) fn without_errors(ended: Ended, what: &str) -> Decoded {
    assert!(ended.err.is_empty(), "{what} complained: {:#?}", ended.err);
    let ended = ended.good(what);
    Decoded::from_framecrc(&ended.out)
}

/// mpv, which plays for this long and ends.
pub(crate) fn mpv(url: &str, length: Duration) -> Program {
    let mut command = Command::new("mpv");
    command.args(["--no-config", "--no-terminal", "--vo=null", "--ao=null"]);
    Program::start(command.arg(format!("--length={}", length.as_secs())).arg(url))
}

/// VLC without a window, which says all it does and goes on until it is ended.
pub(crate) fn vlc(url: &str) -> Program {
    let mut command = Command::new("setpriv");
    // It refuses to be root, which is who tests are in some places.
    if std::fs::metadata("/proc/self").expect("this process").uid() == 0 {
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]);
    }
    // What it would remember it cannot write there.
    command.args(["env", "HOME=/nonexistent", "vlc", "-vv", "--no-color", "-I", "dummy"]);
    Program::start(command.args(["--vout", "dummy", "--aout", "dummy", url]))
}

/// Chromium, which watches the page of a channel for this long.
pub(crate) fn chromium(page: &str, length: Duration) -> Program {
    let mut command = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/npm-run.sh"));
    command.args(["tests/browser", "watch"]).env("WATCH_URL", page);
    Program::start(command.env("WATCH_SECONDS", length.as_secs().to_string()))
}
