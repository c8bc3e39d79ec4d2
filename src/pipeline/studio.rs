//! The demo county's studio: lessons from slides and speech, and two
//! broadcasters that never tire.

use std::path::{Path, PathBuf};

use gst::prelude::*;
use gstreamer as gst;
use gstreamer_app as gst_app;

use super::PipelineError;
use super::runtime::{Stopped, init, launch, named, start};
use super::still;

/// A slide: its picture and how long it stands.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct SlideClip {
    /// The picture, 1280 × 720.
    pub svg: String,
    /// Seconds on screen.
    pub seconds: u32,
}

/// A lesson to film.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct FilmJob {
    /// Slides in order.
    pub slides: Vec<SlideClip>,
    /// Audio tracks: ISO 639 code, and one WAV file per slide (or none).
    pub audio: Vec<(String, Vec<Option<PathBuf>>)>,
    /// The Matroska file to write.
    pub out: PathBuf,
}

/// A broadcaster to run.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct BroadcastJob {
    /// The landscape, 3840 × 540, that passes by.
    pub panorama: String,
    /// The overlay, 960 × 540, transparent where the landscape shows.
    pub badge: String,
    /// Two audio tracks: ISO 639 code and a WAV file, repeated.
    pub audio: Vec<(String, PathBuf)>,
    /// Where the MPEG-TS is sent, on the loopback.
    pub port: u16,
}

const FPS: u64 = 25;
const RATE: u64 = 48_000;
const WIDTH: usize = 960;
const HEIGHT: usize = 540;
const PANORAMA: usize = 3840;

/// Makes the lesson's file.
pub fn film(job: &FilmJob) -> Result<(), PipelineError> {
    init()?;
    let what = "filming a lesson";
    // Key frames every 3.84 s, as rungs are cut: the best rung is a copy, and it can be watched
    // while the others are made.
    let mut text = String::from(
        "matroskamux name=mux ! filesink name=to \
         appsrc name=video format=time block=true max-bytes=33554432 \
         caps=video/x-raw,format=I420,width=1280,height=720,framerate=25/1,pixel-aspect-ratio=1/1 \
         ! x264enc speed-preset=veryfast quantizer=20 pass=qual key-int-max=96 bframes=0 \
           option-string=\"scenecut=0\" ! h264parse ! queue ! mux.",
    );
    for (i, (code, _)) in job.audio.iter().enumerate() {
        text += &format!(
            " appsrc name=a{i} format=time caps=audio/x-raw,format=S16LE,rate=48000,channels=1,layout=interleaved \
             ! audioconvert ! avenc_aac bitrate=96000 ! taginject tags=\"language-code={code}\" \
             ! queue max-size-time=0 max-size-bytes=0 max-size-buffers=0 ! mux."
        );
    }
    let pipeline = launch(what, &text)?;
    let _stopped = Stopped(pipeline.clone());
    let to: gst::Element = named(&pipeline, "to")?;
    to.set_property("location", job.out.to_string_lossy().as_ref());
    start(&pipeline)?;
    for (i, (_, wavs)) in job.audio.iter().enumerate() {
        let sound = lesson_sound(job, wavs)?;
        let input: gst_app::AppSrc = named(&pipeline, &format!("a{i}"))?;
        push_sound(&input, &sound, 0)?;
        input.end_of_stream().map_err(|_| refused(what))?;
    }
    let video: gst_app::AppSrc = named(&pipeline, "video")?;
    let mut frame = 0;
    for slide in &job.slides {
        let picture = gst::Buffer::from_slice(still::render(&slide.svg, "I420", 1280, 720)?);
        for _ in 0..u64::from(slide.seconds) * FPS {
            video.push_buffer(timed(&picture, frame)).map_err(|_| refused(what))?;
            frame += 1;
        }
    }
    video.end_of_stream().map_err(|_| refused(what))?;
    let bus = pipeline.bus().ok_or(PipelineError::Missing { element: "bus".into() })?;
    match bus.timed_pop_filtered(gst::ClockTime::NONE, &[gst::MessageType::Eos, gst::MessageType::Error]) {
        Some(m) => match m.view() {
            gst::MessageView::Error(e) => Err(super::runtime::media_error(&job.out.to_string_lossy(), e)),
            _ => Ok(()),
        },
        None => Err(refused(what)),
    }
}

fn refused(what: &'static str) -> PipelineError {
    PipelineError::Build { what, detail: "the pipeline took no more frames".into() }
}

fn timed(picture: &gst::Buffer, frame: u64) -> gst::Buffer {
    let mut buffer = picture.copy();
    let b = buffer.make_mut();
    b.set_pts(gst::ClockTime::from_mseconds(frame * 1000 / FPS));
    b.set_duration(gst::ClockTime::from_mseconds(1000 / FPS));
    buffer
}

/// One track of a lesson: each slide's speech begins with the slide.
fn lesson_sound(job: &FilmJob, wavs: &[Option<PathBuf>]) -> Result<Vec<i16>, PipelineError> {
    let mut out: Vec<i16> = Vec::new();
    let mut end = 0;
    for (i, slide) in job.slides.iter().enumerate() {
        let lead = RATE as usize / 2;
        out.resize(end + lead, 0);
        if let Some(Some(wav)) = wavs.get(i) {
            out.extend(read_wav(wav)?);
        }
        end += slide.seconds as usize * RATE as usize;
        out.resize(end, 0);
    }
    Ok(out)
}

/// The samples of a 16-bit mono WAV file, at 48 kHz.
fn read_wav(path: &Path) -> Result<Vec<i16>, PipelineError> {
    let bytes = std::fs::read(path).map_err(PipelineError::io(path))?;
    let rate = bytes.get(24..28).map_or(22_050, |b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]));
    let data = bytes.windows(4).position(|w| w == b"data").map_or(bytes.len(), |i| i + 8);
    let samples: Vec<i16> =
        bytes.get(data..).unwrap_or(&[]).chunks_exact(2).map(|b| i16::from_le_bytes([b[0], b[1]])).collect();
    let step = f64::from(rate) / RATE as f64;
    let length = (samples.len() as f64 / step) as usize;
    let at = |i: usize| f64::from(samples.get(i).copied().unwrap_or(0));
    Ok((0..length)
        .map(|i| {
            let x = i as f64 * step;
            let (n, part) = (x as usize, x.fract());
            (at(n) * (1.0 - part) + at(n + 1) * part) as i16
        })
        .collect())
}

fn push_sound(input: &gst_app::AppSrc, samples: &[i16], from: u64) -> Result<(), PipelineError> {
    for (i, chunk) in samples.chunks(RATE as usize / 10).enumerate() {
        let bytes: Vec<u8> = chunk.iter().flat_map(|s| s.to_le_bytes()).collect();
        let mut buffer = gst::Buffer::from_slice(bytes);
        let b = buffer.get_mut().expect("a new buffer has one owner");
        b.set_pts(gst::ClockTime::from_mseconds(from + i as u64 * 100));
        b.set_duration(gst::ClockTime::from_nseconds(chunk.len() as u64 * 1_000_000_000 / RATE));
        input.push_buffer(buffer).map_err(|_| refused("sending sound"))?;
    }
    Ok(())
}

/// Sends until killed, or until `stop` says so.
pub fn broadcast(job: &BroadcastJob, stop: &dyn Fn() -> bool) -> Result<(), PipelineError> {
    init()?;
    let landscape = still::render(&job.panorama, "I420", PANORAMA as u32, HEIGHT as u32)?;
    let badge = Badge::new(&still::render(&job.badge, "BGRA", WIDTH as u32, HEIGHT as u32)?);
    let mut text = format!(
        "mpegtsmux name=mux alignment=7 pcr-interval=2700 ! udpsink host=127.0.0.1 port={} sync=true \
         appsrc name=video format=time block=true max-bytes=4194304 \
         caps=video/x-raw,format=I420,width={WIDTH},height={HEIGHT},framerate=25/1,pixel-aspect-ratio=1/1 \
         ! clockoverlay time-format=\"%Y-%m-%d  %H:%M:%S\" font-desc=\"Noto Sans Bold 22\" halignment=right \
           valignment=top xpad=28 ypad=22 shaded-background=true \
         ! x264enc tune=zerolatency speed-preset=superfast bitrate=1100 key-int-max=24 bframes=0 \
           option-string=\"keyint=24:min-keyint=24:scenecut=0\" ! video/x-h264,profile=main ! h264parse config-interval=1 \
         ! queue ! mux.",
        job.port
    );
    for (i, (code, _)) in job.audio.iter().enumerate() {
        text += &format!(
            " appsrc name=a{i} format=time block=true max-bytes=480000 \
             caps=audio/x-raw,format=S16LE,rate=48000,channels=1,layout=interleaved \
             ! audioconvert ! audio/x-raw,channels=2 ! avenc_aac bitrate=96000 ! aacparse \
             ! taginject tags=\"language-code={code}\" ! queue ! mux."
        );
    }
    let pipeline = launch("broadcasting", &text)?;
    let _stopped = Stopped(pipeline.clone());
    let video: gst_app::AppSrc = named(&pipeline, "video")?;
    let mut sounds = Vec::new();
    for (i, (_, wav)) in job.audio.iter().enumerate() {
        let input: gst_app::AppSrc = named(&pipeline, &format!("a{i}"))?;
        let mut samples = read_wav(wav)?;
        samples.resize(samples.len().next_multiple_of(RATE as usize / 10), 0);
        sounds.push((input, samples));
    }
    start(&pipeline)?;
    let mut frame = 0u64;
    while !stop() {
        // A tenth of a second of sound goes before every fifth half picture pair.
        if (frame * 1000 / FPS).is_multiple_of(200) {
            for (input, samples) in &sounds {
                for k in 0..2 {
                    let ms = frame * 1000 / FPS + k * 100;
                    let tenth = RATE as usize / 10;
                    let at = (ms as usize / 100 * tenth) % samples.len().max(1);
                    let slice = samples.get(at..at + tenth).unwrap_or(&[]);
                    push_sound(input, slice, ms)?;
                }
            }
        }
        let mut picture = window(&landscape, (frame as usize * 2) % PANORAMA);
        badge.draw(&mut picture);
        let buffer = gst::Buffer::from_slice(picture);
        video.push_buffer(timed(&buffer, frame)).map_err(|_| refused("broadcasting"))?;
        frame += 1;
    }
    Ok(())
}

/// The part of the landscape that begins at column `x` (even), as I420.
fn window(landscape: &[u8], x: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(WIDTH * HEIGHT * 3 / 2);
    let mut plane = |offset: usize, stride: usize, x: usize, width: usize, rows: usize| {
        for row in 0..rows {
            let line = &landscape[offset + row * stride..offset + (row + 1) * stride];
            let first = (stride - x).min(width);
            out.extend_from_slice(&line[x..x + first]);
            out.extend_from_slice(&line[..width - first]);
        }
    };
    let luma = PANORAMA * HEIGHT;
    plane(0, PANORAMA, x, WIDTH, HEIGHT);
    plane(luma, PANORAMA / 2, x / 2, WIDTH / 2, HEIGHT / 2);
    plane(luma + luma / 4, PANORAMA / 2, x / 2, WIDTH / 2, HEIGHT / 2);
    out
}

/// An overlay as a list of I420 bytes to change: index, value, opacity.
struct Badge(Vec<(usize, u8, u8)>);

impl Badge {
    fn new(bgra: &[u8]) -> Self {
        let mut out = Vec::new();
        for (i, px) in bgra.chunks_exact(4).enumerate().filter(|(_, px)| px[3] > 0) {
            let [b, g, r] = [px[0], px[1], px[2]].map(f64::from);
            // ITU-R BT.709, limited range.
            let y = 16.0 + (0.2126 * r + 0.7152 * g + 0.0722 * b) * 219.0 / 255.0;
            out.push((i, y as u8, px[3]));
            let (row, column) = (i / WIDTH, i % WIDTH);
            if row % 2 == 0 && column % 2 == 0 {
                let c = WIDTH * HEIGHT + (row / 2) * (WIDTH / 2) + column / 2;
                let u = 128.0 + (-0.1146 * r - 0.3854 * g + 0.5 * b) * 224.0 / 255.0;
                let v = 128.0 + (0.5 * r - 0.4542 * g - 0.0458 * b) * 224.0 / 255.0;
                out.push((c, u as u8, px[3]));
                out.push((c + WIDTH * HEIGHT / 4, v as u8, px[3]));
            }
        }
        Self(out)
    }

    fn draw(&self, picture: &mut [u8]) {
        for &(i, value, alpha) in &self.0 {
            let (old, new, alpha) = (u16::from(picture[i]), u16::from(value), u16::from(alpha));
            picture[i] = ((old * (255 - alpha) + new * alpha) / 255) as u8;
        }
    }
}
