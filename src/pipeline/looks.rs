//! Looking at a feed now and then: one key frame and half a second of sound are
//! decoded, to tell a black or frozen picture and silence from a programme.

use std::path::PathBuf;
use std::time::Duration;

use gstreamer as gst;
use gstreamer_app as gst_app;

use crate::hls::wire::FeedLook;

use super::PipelineError;
use super::frame::{Codec, Frame};
use super::runtime::{Stopped, launch, named, start};

/// The picture that is compared with the one before.
const SMALL: (usize, usize) = (64, 36);
/// Frames of sound in one look: half a second.
const SOUND_FRAMES: u32 = 24;
/// What is not decoded by then is not waited for.
const PATIENCE: Duration = Duration::from_secs(8);

/// Looks every so often. What decodes lives as long as one look: a decoder that
/// is told that nothing follows gives its picture at once, and holds no memory
/// in between.
pub(super) struct Looker {
    every: Duration,
    jpeg: PathBuf,
    due: Duration,
    /// Since when a look is under way.
    under_way: Option<Duration>,
    /// How picture and sound of this generation are coded.
    tracks: Vec<Codec>,
    eyes: Option<Eyes>,
    ears: Option<Ears>,
    last: Option<Vec<u8>>,
}

struct Eyes {
    _stopped: Stopped,
    input: gst_app::AppSrc,
    small: gst_app::AppSink,
    jpeg: gst_app::AppSink,
}

struct Ears {
    _stopped: Stopped,
    input: gst_app::AppSrc,
    out: gst_app::AppSink,
    /// Frames still to be taken for this look.
    wanted: u32,
    squares: f64,
    samples: u64,
}

impl Looker {
    /// Looks every `every`, and leaves each picture at `jpeg`. Never, if that is zero.
    pub(super) fn new(every: Duration, jpeg: PathBuf) -> Self {
        Self {
            every,
            jpeg,
            due: Duration::ZERO,
            under_way: None,
            tracks: Vec::new(),
            eyes: None,
            ears: None,
            last: None,
        }
    }

    /// The tracks of a new generation: the picture, and the first sound.
    pub(super) fn begin(&mut self, codecs: &[Codec]) {
        self.close();
        self.tracks = if self.every.is_zero() { Vec::new() } else { codecs.to_vec() };
    }

    fn close(&mut self) {
        (self.eyes, self.ears, self.under_way) = (None, None, None);
    }

    /// A picture of the feed.
    pub(super) fn see(&mut self, frame: &Frame, now: Duration) -> Result<(), PipelineError> {
        let due = frame.key && self.under_way.is_none() && now >= self.due;
        let Some(Codec::H264 { avcc, .. }) = self.tracks.first().filter(|_| due) else { return Ok(()) };
        let eyes = Eyes::open(avcc)?;
        eyes.look(frame);
        self.eyes = Some(eyes);
        if let Some(Codec::Aac { config, rate, channels }) = self.tracks.get(1) {
            self.ears = Some(Ears::open(config, *rate, *channels)?);
        }
        self.due = now + self.every;
        self.under_way = Some(now);
        Ok(())
    }

    /// Sound of the first track.
    pub(super) fn hear(&mut self, frame: &Frame) {
        if let Some(ears) = self.ears.as_mut().filter(|e| e.wanted > 0) {
            ears.wanted -= 1;
            // What cannot be decoded is not heard, and nothing worse.
            let _ = ears.input.push_buffer(gst::Buffer::from_slice(frame.data.clone()));
            if ears.wanted == 0 {
                let _ = ears.input.end_of_stream();
            }
        }
    }

    /// What the look under way has found, once it is complete.
    pub(super) fn found(&mut self, now: Duration) -> Result<Option<FeedLook>, PipelineError> {
        let Some(since) = self.under_way else { return Ok(None) };
        if let Some(ears) = self.ears.as_mut() {
            ears.measure();
        }
        let late = now - since > PATIENCE;
        let heard = self.ears.as_ref().is_none_or(|e| e.wanted == 0 && e.samples > 0);
        let Some(eyes) = self.eyes.as_mut() else { return Ok(None) };
        if !(heard || late) {
            return Ok(None);
        }
        let Some(small) = eyes.small() else {
            if late {
                self.close();
            }
            return Ok(None);
        };
        if let Some(jpeg) = eyes.jpeg() {
            let part = self.jpeg.with_extension("part");
            let written = std::fs::write(&part, jpeg).and_then(|()| std::fs::rename(&part, &self.jpeg));
            written.map_err(PipelineError::io(&self.jpeg))?;
        }
        let level_db = self.ears.as_ref().map(Ears::level);
        self.close();
        let (luma, spread) = brightness(&small);
        let change = self.last.as_deref().map(|last| difference(last, &small));
        self.last = Some(small);
        Ok(Some(FeedLook { luma, spread, change, level_db }))
    }
}

impl Eyes {
    fn open(avcc: &[u8]) -> Result<Self, PipelineError> {
        let (width, height) = SMALL;
        let pipeline = launch(
            "looking at a picture",
            &format!(
                "appsrc name=in format=time ! avdec_h264 max-threads=1 ! tee name=both \
                 both. ! videoconvert ! videoscale ! video/x-raw,format=GRAY8,width={width},height={height} \
                 ! appsink name=small sync=false async=false max-buffers=1 drop=true \
                 both. ! videoconvert ! videoscale ! video/x-raw,format=I420,height=180,pixel-aspect-ratio=1/1 ! jpegenc quality=75 \
                 ! appsink name=jpeg sync=false async=false max-buffers=1 drop=true"
            ),
        )?;
        let input: gst_app::AppSrc = named(&pipeline, "in")?;
        let data = gst::Buffer::from_slice(avcc.to_vec());
        let caps = gst::Caps::builder("video/x-h264")
            .field("stream-format", "avc")
            .field("alignment", "au")
            .field("codec_data", data);
        input.set_caps(Some(&caps.build()));
        let (small, jpeg) = (named(&pipeline, "small")?, named(&pipeline, "jpeg")?);
        start(&pipeline)?;
        Ok(Self { _stopped: Stopped(pipeline), input, small, jpeg })
    }

    fn look(&self, frame: &Frame) {
        let mut buffer = gst::Buffer::from_slice(frame.data.clone());
        if let Some(buffer) = buffer.get_mut() {
            buffer.set_pts(gst::ClockTime::ZERO);
        }
        // A picture that cannot be decoded is not seen, and nothing worse.
        let _ = self.input.push_buffer(buffer);
        let _ = self.input.end_of_stream();
    }

    fn small(&self) -> Option<Vec<u8>> {
        let pixels = bytes(&self.small)?;
        (pixels.len() == SMALL.0 * SMALL.1).then_some(pixels)
    }

    fn jpeg(&self) -> Option<Vec<u8>> {
        bytes(&self.jpeg)
    }
}

impl Ears {
    fn open(config: &[u8], rate: u32, channels: u32) -> Result<Self, PipelineError> {
        let pipeline = launch(
            "listening to sound",
            "appsrc name=in format=time ! avdec_aac ! audioconvert ! audio/x-raw,format=F32LE,channels=1 \
             ! appsink name=out sync=false async=false max-buffers=64 drop=true",
        )?;
        let input: gst_app::AppSrc = named(&pipeline, "in")?;
        let data = gst::Buffer::from_slice(config.to_vec());
        let caps = gst::Caps::builder("audio/mpeg")
            .field("mpegversion", 4)
            .field("stream-format", "raw")
            .field("rate", rate as i32)
            .field("channels", channels as i32)
            .field("codec_data", data);
        input.set_caps(Some(&caps.build()));
        let out = named(&pipeline, "out")?;
        start(&pipeline)?;
        Ok(Self { _stopped: Stopped(pipeline), input, out, wanted: SOUND_FRAMES, squares: 0.0, samples: 0 })
    }

    fn measure(&mut self) {
        while let Some(sound) = bytes(&self.out) {
            for sample in sound.as_chunks::<4>().0 {
                self.squares += f64::from(f32::from_le_bytes(*sample)).powi(2);
                self.samples += 1;
            }
        }
    }

    /// Root mean square, dB below full scale; -120 is none at all.
    fn level(&self) -> f32 {
        let power = self.squares / self.samples.max(1) as f64;
        (10.0 * power.max(1e-12).log10()) as f32
    }
}

/// The newest buffer of a sink, if there is one.
fn bytes(sink: &gst_app::AppSink) -> Option<Vec<u8>> {
    let sample = sink.try_pull_sample(gst::ClockTime::ZERO)?;
    let map = sample.buffer()?.map_readable().ok()?;
    Some(map.as_slice().to_vec())
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
