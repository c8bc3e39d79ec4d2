//! What packaging a lesson costs: time, processor and memory, beside ffmpeg that makes the
//! same rungs with the same preset of x264 from the same film, in the same run.
//!
//! `make bench` runs it. MINUTES changes how long the film is.

#![expect(clippy::print_stdout, reason = "a benchmark speaks to who runs it")]

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nix::sys::resource::{UsageWho, getrusage};
use yuanjiao::base::{Clock as _, SystemClock};

/// How often each is run.
const ROUNDS: usize = 5;

/// What it took.
struct Cost {
    seconds: f64,
    cpu: f64,
    peak_mb: f64,
}

fn main() {
    let minutes: u64 = std::env::var("MINUTES").ok().and_then(|v| v.parse().ok()).unwrap_or(2);
    let folder = tempfile::tempdir().expect("a temporary folder");
    println!("\na film of {minutes} min into 720p, 480p and 240p at 1500, 800 and 300 kb/s, AAC at 48 kb/s");
    println!("{:<52}{:>12}{:>14}{:>14}", "", "seconds", "CPU seconds", "peak MB");
    for (what, height) in [("720p", 720), ("1080p", 1080)] {
        let film = folder.path().join(format!("{what}.mp4"));
        make_film(&film, height, minutes * 60);
        let out = folder.path().join(format!("library-{what}"));
        let mut ours = Command::new(env!("CARGO_BIN_EXE_yuanjiao"));
        ours.arg("package").arg(&film).arg("--out").arg(&out);
        // In turn, since a machine has better and worse minutes.
        let (mut our_costs, mut ffmpeg_costs, mut both_costs) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            our_costs.push(measure(&mut ours));
            let ladder = measure(&mut ffmpeg(&film, folder.path()));
            let loudness = measure(&mut ffmpeg_loudness(&film));
            both_costs.push(Cost {
                seconds: ladder.seconds + loudness.seconds,
                cpu: ladder.cpu + loudness.cpu,
                peak_mb: ladder.peak_mb.max(loudness.peak_mb),
            });
            ffmpeg_costs.push(ladder);
        }
        show(&format!("yuanjiao package, of {what} (and loudness, poster, hashes)"), &our_costs);
        show(&format!("ffmpeg -c:v libx264 -preset veryfast, of {what}"), &ffmpeg_costs);
        show("the same, its sound measured first as ours is", &both_costs);
    }
}

/// The median of each.
fn show(what: &str, costs: &[Cost]) {
    let middle = |of: fn(&Cost) -> f64| {
        let mut all: Vec<f64> = costs.iter().map(of).collect();
        all.sort_by(f64::total_cmp);
        all[all.len() / 2]
    };
    let (seconds, cpu, peak_mb) = (middle(|c| c.seconds), middle(|c| c.cpu), middle(|c| c.peak_mb));
    println!("{what:<58}{seconds:>6.1}{cpu:>14.1}{peak_mb:>14.0}");
}

/// A film with movement everywhere and grain, which an encoder has to work for; and speech-like sound.
fn make_film(file: &Path, height: u32, seconds: u64) {
    let picture = format!(
        "mandelbrot=size={}x{height}:rate=25:end_pts=400,noise=alls=4:allf=t,drawtext=text='%{{n}}':fontsize=40:x=40:y=40:fontcolor=white",
        height * 16 / 9
    );
    let made = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-f", "lavfi", "-i", &picture])
        .args(["-f", "lavfi", "-i", "anoisesrc=color=brown:amplitude=0.3:sample_rate=48000"])
        .args(["-t", &seconds.to_string(), "-c:v", "libx264", "-preset", "ultrafast", "-crf", "23"])
        .args(["-pix_fmt", "yuv420p", "-c:a", "aac", "-b:a", "128k"])
        .arg(file)
        .status();
    assert!(made.expect("ffmpeg").success(), "ffmpeg made no film");
}

/// The same ladder, groups of the same length, fragmented MP4.
fn ffmpeg(film: &Path, folder: &Path) -> Command {
    let mut command = Command::new("ffmpeg");
    command.args(["-nostdin", "-v", "error", "-y", "-i"]).arg(film);
    command.args([
        "-filter_complex",
        "[0:v]split=3[a][b][c];[a]scale=-2:720[v0];[b]scale=-2:480[v1];[c]scale=-2:240[v2]",
    ]);
    for (at, (height, kbps)) in [(720, 1500), (480, 800), (240, 300)].into_iter().enumerate() {
        command.args(["-map", &format!("[v{at}]"), "-c:v", "libx264", "-preset", "veryfast", "-bf", "0"]);
        command.args([
            "-b:v",
            &format!("{kbps}k"),
            "-maxrate",
            &format!("{kbps}k"),
            "-bufsize",
            &format!("{}k", kbps * 2),
        ]);
        command.args([
            "-g",
            "96",
            "-keyint_min",
            "96",
            "-sc_threshold",
            "0",
            "-movflags",
            "frag_keyframe+empty_moov",
        ]);
        command.arg(folder.join(format!("v{height}.mp4")));
    }
    command.args(["-map", "0:a", "-c:a", "aac", "-b:a", "48k", "-ac", "2"]).arg(folder.join("a.mp4"));
    command
}

/// How loud the film is (EBU R128), its picture unread: without it nobody can say how far to turn
/// the sound up or down.
fn ffmpeg_loudness(film: &Path) -> Command {
    let mut command = Command::new("ffmpeg");
    command.args(["-nostdin", "-v", "error", "-i"]).arg(film);
    command.args(["-vn", "-af", "ebur128=peak=sample", "-f", "null", "-"]);
    command
}

/// Runs `command` to its end, looking at it ten times a second.
fn measure(command: &mut Command) -> Cost {
    let clock = SystemClock::new();
    let begun = clock.monotonic();
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::inherit()).spawn().expect("started");
    let before = children_cpu();
    let mut peak_mb = 0.0_f64;
    loop {
        peak_mb = high_water_mb(&child).max(peak_mb);
        match child.try_wait().expect("it can be waited for") {
            Some(status) => {
                assert!(status.success(), "{command:?}: {status}");
                break;
            }
            None => std::thread::sleep(Duration::from_millis(100)),
        }
    }
    Cost { seconds: (clock.monotonic() - begun).as_secs_f64(), cpu: children_cpu() - before, peak_mb }
}

/// Processor time of all that was started here and has ended, seconds.
fn children_cpu() -> f64 {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).expect("its own children");
    let seconds = |t: nix::sys::time::TimeVal| t.tv_sec() as f64 + t.tv_usec() as f64 / 1e6;
    seconds(usage.user_time()) + seconds(usage.system_time())
}

/// The most memory it ever held.
fn high_water_mb(child: &Child) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kb = line.and_then(|l| l.trim().strip_suffix(" kB")?.trim().parse::<f64>().ok());
    kb.unwrap_or_default() / 1024.0
}
