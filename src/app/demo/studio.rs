//! Filming the demo's lessons and running its two broadcasters.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;

use crate::base::{Lang, Shutdown, WorkerProcess};
use crate::courseware::side_file;
use crate::hls::About;

use super::{DemoLesson, Station, badge_svg, espeak_pace, espeak_voice, panorama_svg, slide_svg};

/// A broadcaster that died is started again after this long: time to see the
/// slate take over.
const BROADCASTER_RESTART: Duration = Duration::from_secs(30);

/// Speaks `text` into a WAV file; a file that is there is kept.
async fn speak(lang: &Lang, text: &str, wav: &Path) -> anyhow::Result<()> {
    if wav.exists() {
        return Ok(());
    }
    let voice = espeak_voice(lang).with_context(|| format!("espeak-ng has no voice for {lang}"))?;
    let part = wav.with_extension("part");
    let status = tokio::process::Command::new("espeak-ng")
        .args(["-v", voice, "-s", &espeak_pace(lang).to_string(), "-w"])
        .arg(&part)
        .arg(text)
        .status()
        .await
        .context("starting espeak-ng (Debian package espeak-ng)")?;
    anyhow::ensure!(status.success(), "espeak-ng: {status}");
    Ok(std::fs::rename(&part, wav)?)
}

/// Films a lesson and puts it, with its titles and subtitles, into `inbox`.
pub(super) async fn film(lesson: &DemoLesson, folder: &Path, inbox: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder)?;
    std::fs::create_dir_all(inbox)?;
    let mut audio = Vec::new();
    for lang in &lesson.audio {
        let mut wavs: Vec<Option<PathBuf>> = Vec::new();
        for (i, slide) in lesson.slides.iter().enumerate() {
            wavs.push(match slide.speech.get(lang) {
                Some(text) => {
                    let wav = folder.join(format!("{}-{i}-{lang}.wav", lesson.id));
                    speak(lang, text, &wav).await?;
                    Some(wav)
                }
                None => None,
            });
        }
        audio.push((lang.iso639().to_owned(), wavs));
    }
    let slides: Vec<_> = (0..lesson.slides.len())
        .map(|i| serde_json::json!({"svg": slide_svg(lesson, i), "seconds": lesson.slides[i].seconds}))
        .collect();
    let film = folder.join(format!("{}.mkv", lesson.id));
    let job = serde_json::json!({"slides": slides, "audio": audio, "out": film});
    let status = WorkerProcess::spawn("film", &job).await?.wait().await?;
    anyhow::ensure!(status.success(), "filming {}: {status}", lesson.id);
    for lang in &lesson.subtitles {
        std::fs::write(inbox.join(format!("{}.{lang}.srt", lesson.id)), lesson.srt(lang))?;
    }
    let about = About { titles: lesson.titles.clone(), details: lesson.about.clone() };
    std::fs::write(inbox.join(format!("{}.toml", lesson.id)), side_file(&about)?)?;
    Ok(std::fs::rename(&film, inbox.join(format!("{}.mkv", lesson.id)))?)
}

/// Keeps a station on air until `stop`.
pub(super) async fn broadcast(station: Station, port: u16, folder: PathBuf, zone: String, stop: Shutdown) {
    loop {
        match start(&station, port, &folder, &zone).await {
            Ok(mut worker) => {
                tokio::select! {
                    () = stop.wait() => return,
                    _ = worker.next_line() => {}
                }
                tracing::warn!(station = %station.id, "the demo's station {} went off the air", station.id);
            }
            Err(error) => {
                tracing::error!(station = %station.id, "the demo's station cannot broadcast: {error:#}")
            }
        }
        tokio::select! {
            () = stop.wait() => return,
            () = tokio::time::sleep(BROADCASTER_RESTART) => {}
        }
    }
}

async fn start(station: &Station, port: u16, folder: &Path, zone: &str) -> anyhow::Result<WorkerProcess> {
    std::fs::create_dir_all(folder)?;
    let mut audio = Vec::new();
    for voice in &station.voices {
        let wav = folder.join(format!("{}-{}.wav", station.id, voice.lang));
        speak(&voice.lang, &voice.text, &wav).await?;
        audio.push((voice.lang.iso639().to_owned(), wav));
    }
    let job = serde_json::json!({
        "panorama": panorama_svg(station), "badge": badge_svg(station), "audio": audio, "port": port,
    });
    Ok(WorkerProcess::spawn_with("broadcast", &job, &[("TZ", zone)]).await?)
}
