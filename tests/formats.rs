//! Courseware in the forms that county offices have: each good file becomes a lesson
//! that looks and sounds as its source does, each bad one is turned away in words.

#[expect(dead_code, reason = "each story uses its part of what they share")]
mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;
use support::county::{County, a_county, names};
use support::media::{chromium, ffmpeg};
use support::process::Program;
use support::server::{PATIENCE, Server};
use support::time::{s, wait_for};

/// Frames a second and pixels in a row of what is looked at.
const FPS: f64 = 25.0;
const SIDE: usize = 16;
/// Samples a second of what is listened to, and in one window of it.
const RATE: usize = 8_000;
const WINDOW: usize = RATE / 100;

/// Makes the corpus once; `part` is `good` or `bad`.
fn corpus(county: &County, part: &str) -> PathBuf {
    let folder = county.path("corpus");
    let mut command = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/corpus/make.sh"));
    Program::run(command.arg(&folder).arg(part), s(600)).good("making the corpus");
    folder.join(part)
}

/// The lines of a table, as fields.
fn table(text: &str) -> Vec<Vec<&str>> {
    text.lines().filter(|l| !l.starts_with('#')).map(|l| l.split('\t').collect()).collect()
}

/// Puts every file of `from` into the inbox, whole.
fn drop_all(from: &Path, county: &County) {
    for name in names(from) {
        fs::rename(from.join(&name), county.inbox().join(&name)).expect("dropped");
    }
}

fn lesson_of(file: &str) -> String {
    let stem = Path::new(file).file_stem().expect("a name").to_string_lossy();
    stem.to_lowercase()
}

/// What is to be seen in the lesson's picture, reduced to 16 × 16 pixels.
fn see(source: &str, scratch: &Path) -> Vec<[[u8; 3]; SIDE * SIDE]> {
    let mut command = ffmpeg();
    command.args(["-y", "-i", source, "-map", "0:v:0", "-r", "25", "-vf"]);
    command.arg(format!("scale={SIDE}:{SIDE}:flags=area,format=rgb24")).args(["-f", "rawvideo"]).arg(scratch);
    Program::run(&mut command, PATIENCE).good(source);
    let bytes = fs::read(scratch).expect("pictures");
    let picture = |p: &[u8]| std::array::from_fn(|i| [p[i * 3], p[i * 3 + 1], p[i * 3 + 2]]);
    bytes.chunks_exact(SIDE * SIDE * 3).map(picture).collect()
}

/// The loudness of each hundredth of a second of the sound in this language, 0 to 1.
fn hear(source: &str, track: usize, scratch: &Path) -> Vec<f64> {
    let mut command = ffmpeg();
    command.args(["-y", "-i", source, "-map", &format!("0:a:{track}"), "-ac", "1"]);
    command.args(["-ar", &RATE.to_string(), "-f", "s16le"]).arg(scratch);
    Program::run(&mut command, PATIENCE).good(source);
    let bytes = fs::read(scratch).expect("sound");
    let samples: Vec<f64> =
        bytes.chunks_exact(2).map(|b| f64::from(i16::from_le_bytes([b[0], b[1]])) / 32_768.0).collect();
    samples
        .chunks_exact(WINDOW)
        .map(|w| (w.iter().map(|x| x * x).sum::<f64>() / WINDOW as f64).sqrt())
        .collect()
}

/// How long ffmpeg says a file is, seconds.
fn duration(file: &Path) -> f64 {
    let mut command = Command::new("ffprobe");
    command.args(["-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0"]).arg(file);
    let said = Program::run(&mut command, PATIENCE).good("ffprobe").text();
    said.trim().parse().unwrap_or_else(|e| panic!("{}: {said:?}: {e}", file.display()))
}

/// Integrated loudness (EBU R 128), LUFS.
fn loudness(source: &str, track: usize) -> f64 {
    let mut command = Command::new("ffmpeg");
    command.args(["-nostdin", "-hide_banner", "-i", source, "-map", &format!("0:a:{track}")]);
    let said = Program::run(command.args(["-af", "ebur128", "-f", "null", "-"]), PATIENCE).good(source);
    let line = said.err.iter().rev().find_map(|l| l.trim().strip_prefix("I:"));
    let value = line.and_then(|l| l.trim().strip_suffix(" LUFS")?.trim().parse().ok());
    value.unwrap_or_else(|| panic!("no loudness of {source}: {:#?}", said.err))
}

/// What is wrong with the colours of the picture's corners.
fn corners(picture: &[[u8; 3]; SIDE * SIDE]) -> Option<String> {
    let near = SIDE / 8;
    let at = |x: usize, y: usize| picture[y * SIDE + x];
    let seen = [
        at(near - 1, near - 1),
        at(SIDE - near, near - 1),
        at(near - 1, SIDE - near),
        at(SIDE - near, SIDE - near),
    ];
    let [red, green, blue, white] = seen;
    let far = |a: u8, b: u8| a > b.saturating_add(60);
    let right = far(red[0], red[1])
        && far(red[0], red[2])
        && green[1] > green[0].saturating_add(40)
        && green[1] > green[2].saturating_add(40)
        && far(blue[2], blue[0])
        && far(blue[2], blue[1])
        && white.iter().all(|c| *c > 190);
    (!right).then(|| format!("red, green, blue and white corners are {seen:?}"))
}

/// When the middle is white, seconds.
fn flash(pictures: &[[[u8; 3]; SIDE * SIDE]]) -> Option<(f64, f64)> {
    let white = |p: &[[u8; 3]; SIDE * SIDE]| p[(SIDE / 2) * SIDE + SIDE / 2].iter().all(|c| *c > 190);
    let first = pictures.iter().position(white)?;
    let last = pictures.iter().rposition(white)?;
    Some((first as f64 / FPS, (last + 1) as f64 / FPS))
}

/// The longest silence that begins after a second and has an end, seconds.
fn silence(sound: &[f64]) -> Option<(f64, f64)> {
    let loud = sound.iter().copied().fold(0.0, f64::max);
    let quiet: Vec<bool> = sound.iter().map(|w| *w < loud / 200.0).collect();
    let mut longest = (0, 0);
    let mut begin = None;
    for (i, quiet) in quiet.iter().enumerate() {
        match (quiet, begin) {
            (true, None) => begin = Some(i),
            (false, Some(b)) => {
                if b > 100 && i - b > longest.1 - longest.0 {
                    longest = (b, i);
                }
                begin = None;
            }
            _ => {}
        }
    }
    (longest.1 > 0).then(|| (longest.0 as f64 / 100.0, longest.1 as f64 / 100.0))
}

/// What is wrong with the bars that stand for `heard`.
fn bars(levels: Option<&str>, heard: &[f64]) -> Option<String> {
    let Some(levels) = levels else { return Some("it has no bars".into()) };
    let byte = |n: usize| u8::from_str_radix(&levels[2 * n..2 * n + 2], 16).expect("hex digits");
    let bars: Vec<f64> = (0..levels.len() / 2).map(|n| f64::from(byte(n)) / 255.0).collect();
    let power = |w: &[f64]| (w.iter().map(|a| a * a).sum::<f64>() / w.len().max(1) as f64).sqrt();
    // Decoders differ by a few hundredths of a second in where they begin.
    let like = |shift: usize| {
        let place = |n: usize| (shift + n * heard.len() / bars.len()).min(heard.len());
        let loud: Vec<f64> = (0..bars.len()).map(|n| power(&heard[place(n)..place(n + 1)])).collect();
        correlation(&bars, &loud)
    };
    let best = (0..10).map(like).fold(-1.0, f64::max);
    (bars.len() < 50 || best < 0.9).then(|| format!("{} bars are like the sound by {best}", bars.len()))
}

/// Pearson's coefficient of two series of one length.
fn correlation(a: &[f64], b: &[f64]) -> f64 {
    let mean = |of: &[f64]| of.iter().sum::<f64>() / of.len() as f64;
    let (mean_a, mean_b) = (mean(a), mean(b));
    let sum =
        |f: &dyn Fn(f64, f64) -> f64| a.iter().zip(b).map(|(a, b)| f(a - mean_a, b - mean_b)).sum::<f64>();
    sum(&|a, b| a * b) / (sum(&|a, _| a * a) * sum(&|_, b| b * b)).sqrt()
}

fn strings(value: &Value) -> String {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).collect::<Vec<_>>().join(",")
}

/// What differs from what the table's line says.
fn faults(server: &Server, county: &County, line: &[&str]) -> Vec<String> {
    let source = county.path("media/originals").join(line[0]);
    let [file, size, sound, subtitles, measured] = line else { panic!("five fields: {line:?}") };
    let id = lesson_of(file);
    let mut lessons = server.client.items("/api/v1/lessons").into_iter();
    let Some(lesson) = lessons.find(|l| l["id"] == *id && l["preliminary"] == false) else {
        let reason = county.path("media/rejected").join(format!("{file}.reason.txt"));
        return vec![format!("no lesson: {:?}", fs::read_to_string(reason))];
    };
    let mut faults = Vec::new();
    let length = lesson["duration_ms"].as_f64().expect("a length");
    let scratch = county.path("scratch");
    // Of what has no header the length is guessed at: it is listened to.
    let expected = match measured.contains("corners") {
        true => duration(&source),
        false => hear(&source.to_string_lossy(), 0, &scratch).len() as f64 / 100.0,
    };
    if (length - expected * 1000.0).abs() > 100.0 {
        faults.push(format!("it lasts {length} ms of {expected} s"));
    }
    if strings(&lesson["audio"]) != *sound {
        faults.push(format!("sound in {}", lesson["audio"]));
    }
    if strings(&lesson["subtitles"]) != *subtitles {
        faults.push(format!("subtitles in {}", lesson["subtitles"]));
    }
    let index = server.client.url(&format!("/lessons/{id}/index.m3u8"));
    let opened = server.client.open(&format!("/lessons/{id}/index.m3u8"));
    let multivariant = server.client.good(&opened).text();
    let best = multivariant.split("RESOLUTION=").nth(1).and_then(|r| r.split([',', '\n']).next());
    if best != Some(size) {
        faults.push(format!("it is {best:?}"));
    }
    let near = |a: f64, b: f64| (a - b).abs() <= 0.1;
    let pictures = see(&index, &scratch);
    let seconds = pictures.len() as f64 / FPS;
    if !near(seconds, expected) {
        faults.push(format!("ffmpeg shows {seconds} s of {expected} s of picture"));
    }
    let sounds: Vec<Vec<f64>> =
        (0..sound.split(',').count()).map(|track| hear(&index, track, &scratch)).collect();
    for heard in &sounds {
        let seconds = heard.len() as f64 / 100.0;
        if !near(seconds, expected) {
            faults.push(format!("ffmpeg plays {seconds} s of {expected} s of sound"));
        }
    }
    let manifest = fs::read(county.library().join(&id).join("package.json")).expect("a package");
    let manifest: Value = serde_json::from_slice(&manifest).expect("a manifest");
    match (measured.contains("corners"), manifest["waveform"].as_str()) {
        (true, None) => {}
        (true, Some(_)) => faults.push("a film has bars".into()),
        (false, levels) => faults.extend(sounds.first().and_then(|heard| bars(levels, heard))),
    }
    for what in measured.split_whitespace() {
        match what {
            "corners" => faults.extend(pictures.get(75).and_then(corners)),
            "silent" => {
                let loudest = sounds.iter().flatten().copied().fold(0.0, f64::max);
                if loudest > 0.001 {
                    faults.push(format!("silence is as loud as {loudest}"));
                }
            }
            "loudness" => {
                for track in 0..sounds.len() {
                    let lufs = loudness(&index, track);
                    if (lufs + 23.0).abs() > 1.0 {
                        faults.push(format!("track {track} has {lufs} LUFS"));
                    }
                }
            }
            "flash" => {
                // Old containers begin with the sound, a few frames before the picture.
                let white = flash(&pictures);
                let expected = flash(&see(&source.to_string_lossy(), &scratch));
                let (from, to) = expected.unwrap_or_else(|| panic!("{file} does not flash"));
                if !white.is_some_and(|white| near(white.0, from) && near(white.1, to)) {
                    faults.push(format!("the middle is white {white:?}, in the source {expected:?}"));
                }
                for heard in &sounds {
                    let silent = silence(heard);
                    if !silent.is_some_and(|(from, to)| near(from, 4.0) && near(to, 4.4)) {
                        faults.push(format!("the sound is silent {silent:?}"));
                    }
                }
            }
            other => panic!("nothing measures {other}"),
        }
    }
    faults
}

/// What Chromium makes of every lesson, four at a time.
fn unwatchable(server: &Server, table: &[Vec<&str>]) -> Vec<String> {
    let (faults, next) = (Mutex::new(Vec::new()), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while let Some(line) = table.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let page = server.client.url(&format!("/lessons/{}", lesson_of(line[0])));
                    let watched = chromium(&page, s(4)).finish(PATIENCE).good("Chromium").text();
                    let watched: Value = serde_json::from_str(&watched).expect("JSON");
                    if watched["played"].as_f64().unwrap_or_default() < 3.0 {
                        let fault = format!("{}: Chromium played {watched}", line[0]);
                        faults.lock().expect("nobody fell").push(fault);
                    }
                }
            });
        }
    });
    faults.into_inner().expect("nobody fell")
}

#[test]
fn every_good_file_becomes_a_lesson_like_its_source() {
    let county = a_county().with_packaging("jobs = 2");
    let made = corpus(&county, "good");
    let table = table(include_str!("corpus/good.tsv"));
    assert!(table.len() > 40, "{} lines", table.len());
    let server = Server::start(&county);
    drop_all(&made, &county);
    wait_for("every file to be taken", s(600), || names(&county.inbox()).is_empty().then_some(()));
    let faults: Vec<String> = table
        .iter()
        .flat_map(|line| faults(&server, &county, line).into_iter().map(|f| format!("{}: {f}", line[0])))
        .collect();
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
    let faults = unwatchable(&server, &table);
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

#[test]
fn every_bad_file_is_turned_away_in_words() {
    let county = a_county().with_packaging("jobs = 2");
    let made = corpus(&county, "bad");
    let table = table(include_str!("corpus/bad.tsv"));
    let mut server = Server::start(&county);
    let before = names(&county.library());
    drop_all(&made, &county);
    wait_for("every file to be taken", s(600), || names(&county.inbox()).is_empty().then_some(()));
    let rejected = county.path("media/rejected");
    let mut faults = Vec::new();
    for line in &table {
        let reason = fs::read_to_string(rejected.join(format!("{}.reason.txt", line[0]))).unwrap_or_default();
        let plain = reason.split_whitespace().count() >= 6
            && !["gst", "Gst", "panicked", "0x", ".rs:"].iter().any(|w| reason.contains(w));
        if !plain || !line.get(1).is_none_or(|words| reason.contains(words)) {
            faults.push(format!("{}: {reason:?}", line[0]));
        }
    }
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
    assert_eq!(server.client.items("/api/v1/lessons"), Vec::<Value>::new());
    assert_eq!(names(&county.library()), before, "nothing is left of them");
    assert!(server.is_running());
}
