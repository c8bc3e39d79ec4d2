//! Looking at relays now and then: the key frame of a segment and half a second of
//! its sound are decoded, to tell a black or frozen picture and silence from a
//! programme. One process looks at all of them, so that the decoders' memory is there
//! once, and a picture that kills its decoder kills no relay.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;

use gst::prelude::*;
use gstreamer as gst;
use gstreamer_app as gst_app;

use crate::hls::wire::{Clip, FeedLook, LookJob, LookLine};
use crate::mpegts::{Codec, Unit, samples};

use super::PipelineError;
use super::runtime::{Stopped, init_for_files, launch, media_error, named, start};

/// The picture that is compared with the one before.
const SMALL: (usize, usize) = (64, 36);
/// Frames of sound in one look: half a second.
const SOUND_FRAMES: usize = 24;
/// What is not decoded by then is not waited for.
const PATIENCE: gst::ClockTime = gst::ClockTime::from_seconds(4);
/// A fragment is not longer: four seconds of 60 Mb/s.
const LONGEST: u64 = 32 << 20;

/// Looks as `jobs` ask, and says of each what it found.
pub fn look(jobs: impl Iterator<Item = LookJob>, out: &mut impl Write) -> Result<(), PipelineError> {
    init_for_files()?;
    let mut before = BTreeMap::new();
    for job in jobs {
        let line = match look_once(&job, &mut before) {
            Ok(look) => LookLine::Seen(look),
            Err(error) => LookLine::Failed { message: error.to_string() },
        };
        let said = serde_json::to_string(&line).unwrap_or_default();
        // A closed pipe means that nobody wants to know any more.
        if writeln!(out, "{said}").and_then(|()| out.flush()).is_err() {
            break;
        }
    }
    Ok(())
}

/// `before` holds the small picture of each relay's last look.
fn look_once(job: &LookJob, before: &mut BTreeMap<String, Vec<u8>>) -> Result<FeedLook, PipelineError> {
    let (small, jpeg) = see(&job.picture)?;
    let part = job.jpeg.with_extension("part");
    let written = std::fs::write(&part, jpeg).and_then(|()| std::fs::rename(&part, &job.jpeg));
    written.map_err(PipelineError::io(&job.jpeg))?;
    let level_db = job.sound.as_ref().map(level).transpose()?;
    let (luma, spread) = brightness(&small);
    let change = before.get(&job.relay).map(|last| difference(last, &small));
    before.insert(job.relay.clone(), small);
    Ok(FeedLook { luma, spread, change, level_db })
}

/// The first picture of a clip, small and grey, and as a JPEG.
fn see(clip: &Clip) -> Result<(Vec<u8>, Vec<u8>), PipelineError> {
    let (width, height) = SMALL;
    let (codec, units) = open(clip)?;
    let (Codec::H264 { avcc }, Some(unit)) = (codec, units.first().filter(|u| u.key)) else {
        return Err(unusable(clip, "does not begin with a key frame"));
    };
    let caps = gst::Caps::builder("video/x-h264")
        .field("stream-format", "avc")
        .field("alignment", "au")
        .field("codec_data", gst::Buffer::from_slice(avcc));
    let found = decode(
        (
            &format!(
                "appsrc name=in format=time ! avdec_h264 max-threads=1 ! tee name=both \
             both. ! videoconvert ! videoscale ! video/x-raw,format=GRAY8,width={width},height={height} \
             ! appsink name=small sync=false async=false \
             both. ! videoconvert ! videoscale ! video/x-raw,format=I420,height=180,pixel-aspect-ratio=1/1 \
             ! jpegenc quality=75 ! appsink name=jpeg sync=false async=false"
            ),
            &["small", "jpeg"],
        ),
        caps.build(),
        std::slice::from_ref(unit),
        &clip.media,
    )?;
    match <[Vec<u8>; 2]>::try_from(found) {
        Ok([small, jpeg]) if small.len() == width * height && !jpeg.is_empty() => Ok((small, jpeg)),
        _ => Err(unusable(clip, "gives no picture")),
    }
}

/// Level of a clip's sound: root mean square, dB below full scale; -120 is none at all.
fn level(clip: &Clip) -> Result<f32, PipelineError> {
    let (codec, units) = open(clip)?;
    let Codec::Aac { config } = codec else { return Err(unusable(clip, "is no sound")) };
    let caps = gst::Caps::builder("audio/mpeg")
        .field("mpegversion", 4)
        .field("stream-format", "raw")
        .field("codec_data", gst::Buffer::from_slice(config));
    let found = decode(
        (
            "appsrc name=in format=time ! avdec_aac ! audioconvert ! audio/x-raw,format=F32LE,channels=1 \
             ! appsink name=sound sync=false async=false",
            &["sound"],
        ),
        caps.build(),
        &units[..units.len().min(SOUND_FRAMES)],
        &clip.media,
    )?;
    let samples = found.concat();
    let samples = samples.as_chunks::<4>().0;
    let squares: f64 = samples.iter().map(|s| f64::from(f32::from_le_bytes(*s)).powi(2)).sum();
    let power = squares / samples.len().max(1) as f64;
    Ok((10.0 * power.max(1e-12).log10()) as f32)
}

/// Runs `units` through a pipeline; what each of its named sinks was given, as one.
fn decode(
    (description, sinks): (&str, &[&str]),
    caps: gst::Caps,
    units: &[Unit],
    file: &Path,
) -> Result<Vec<Vec<u8>>, PipelineError> {
    let pipeline = launch("looking at a relay", description)?;
    let _stopped = Stopped(pipeline.clone());
    let input: gst_app::AppSrc = named(&pipeline, "in")?;
    input.set_caps(Some(&caps));
    let sinks =
        sinks.iter().map(|name| named(&pipeline, name)).collect::<Result<Vec<gst_app::AppSink>, _>>()?;
    start(&pipeline)?;
    let first = units.first().map_or(0, |u| u.dts);
    for unit in units {
        let mut buffer = gst::Buffer::from_slice(unit.data.clone());
        if let Some(buffer) = buffer.get_mut() {
            let at = u64::try_from(unit.dts - first).unwrap_or(0) * 100_000 / 9;
            buffer.set_pts(gst::ClockTime::from_nseconds(at));
        }
        // What is not taken shows on the bus.
        let _ = input.push_buffer(buffer);
    }
    let _ = input.end_of_stream();
    let bus = pipeline.bus().ok_or(PipelineError::Missing { element: "bus".into() })?;
    let ends = [gst::MessageType::Error, gst::MessageType::Eos];
    if let Some(message) = bus.timed_pop_filtered(PATIENCE, &ends)
        && let gst::MessageView::Error(error) = message.view()
    {
        return Err(media_error(&file.display().to_string(), error));
    }
    Ok(sinks.iter().map(all_bytes).collect())
}

fn all_bytes(sink: &gst_app::AppSink) -> Vec<u8> {
    let mut all = Vec::new();
    while let Some(sample) = sink.try_pull_sample(gst::ClockTime::ZERO) {
        if let Some(map) = sample.buffer().and_then(|b| b.map_readable().ok()) {
            all.extend_from_slice(&map);
        }
    }
    all
}

/// How a clip is coded, and its frames.
fn open(clip: &Clip) -> Result<(Codec, Vec<Unit>), PipelineError> {
    let header = std::fs::read(&clip.header).map_err(PipelineError::io(&clip.header))?;
    let mut media = Vec::new();
    let mut file = File::open(&clip.media).map_err(PipelineError::io(&clip.media))?;
    let read = file
        .seek(SeekFrom::Start(clip.range.offset))
        .and_then(|_| file.take(clip.range.length.min(LONGEST)).read_to_end(&mut media));
    read.map_err(PipelineError::io(&clip.media))?;
    samples(&header, &media).map_err(|e| unusable(clip, &e.to_string()))
}

fn unusable(clip: &Clip, detail: &str) -> PipelineError {
    PipelineError::Build { what: "looking at a relay", detail: format!("{}: {detail}", clip.media.display()) }
}

/// Mean and standard deviation.
fn brightness(pixels: &[u8]) -> (f32, f32) {
    let n = pixels.len().max(1) as f32;
    let mean = pixels.iter().map(|p| f32::from(*p)).sum::<f32>() / n;
    let variance = pixels.iter().map(|p| (f32::from(*p) - mean).powi(2)).sum::<f32>() / n;
    (mean, variance.sqrt())
}

/// Mean difference of a pixel.
fn difference(a: &[u8], b: &[u8]) -> f32 {
    let sum: u32 = a.iter().zip(b).map(|(a, b)| u32::from(a.abs_diff(*b))).sum();
    sum as f32 / a.len().max(1) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brightness_and_difference_are_those_of_the_pixels() {
        assert_eq!(brightness(&[16; 8]), (16.0, 0.0));
        assert_eq!(brightness(&[0, 100]), (50.0, 50.0));
        assert_eq!(difference(&[10, 20, 30], &[10, 23, 27]), 2.0);
    }
}
