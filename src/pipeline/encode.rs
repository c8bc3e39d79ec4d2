//! Encoders as we set them, and silence.

use bytes::Bytes;
use gstreamer as gst;

use super::PipelineError;
use super::bitstream;
use super::frame::{AAC_SAMPLES, Codec, Frame, VIDEO_TIMESCALE};
use super::runtime::{Stopped, launch, named, start};

/// Caps of encoded pictures as our segments take them.
pub(super) const H264_CAPS: &str = "video/x-h264,stream-format=avc,alignment=au";
/// Caps of encoded sound as our segments take it.
pub(super) const AAC_CAPS: &str = "audio/mpeg,mpegversion=4,stream-format=raw";

/// H.264 with an IDR exactly every `gop` frames and none between: closed GOPs,
/// no B-frames, so that decoding and presentation order are one. Parameter
/// sets stand before every IDR as well as in the header: some players keep the
/// first header they see across a discontinuity.
pub(super) fn x264(kbps: u32, gop: u32, preset: &str) -> String {
    format!(
        "x264enc name=enc bitrate={kbps} vbv-buf-capacity=2000 key-int-max={gop} bframes=0 b-adapt=false \
         speed-preset={preset} option-string=\"keyint={gop}:min-keyint={gop}:scenecut=0:open-gop=0\" \
         ! video/x-h264,profile=main ! h264parse config-interval=-1 ! {H264_CAPS}"
    )
}

/// AAC-LC.
pub(super) fn aac(kbps: u32) -> String {
    format!("avenc_aac bitrate={} ! aacparse ! {AAC_CAPS}", u64::from(kbps) * 1000)
}

/// Frames the AAC encoder puts out before the first sample: dropped, so that
/// sound keeps its place.
pub(super) const AAC_PRIMING: usize = 1;

/// An AAC track that says nothing, for pictures that came without sound.
#[derive(Debug, Clone)]
pub(super) struct Silence {
    /// Of its frames.
    pub(super) codec: Codec,
    /// One frame of it.
    pub(super) data: Bytes,
    next: Option<i64>,
}

impl Silence {
    /// Encodes a little silence and keeps one frame of it.
    pub(super) fn make() -> Result<Self, PipelineError> {
        let pipeline = launch(
            "encoding silence",
            &format!(
                "audiotestsrc wave=silence num-buffers=24 samplesperbuffer=1024 \
                 ! audio/x-raw,format=F32LE,rate=48000,channels=2,layout=interleaved ! audioconvert \
                 ! {} ! appsink name=out sync=false",
                aac(48)
            ),
        )?;
        let out: gstreamer_app::AppSink = named(&pipeline, "out")?;
        let _stopped = Stopped(pipeline.clone());
        start(&pipeline)?;
        let mut found = None;
        while let Ok(sample) = out.pull_sample() {
            let codec = sample.caps().and_then(bitstream::codec);
            let data =
                sample.buffer().and_then(|b| b.map_readable().ok().map(|m| Bytes::copy_from_slice(&m)));
            // The last one is past the encoder's start.
            found = codec.zip(data).or(found);
        }
        let (codec, data) = found.ok_or(PipelineError::Build {
            what: "encoding silence",
            detail: "the AAC encoder gave nothing".into(),
        })?;
        Ok(Self { codec, data, next: None })
    }

    /// The frames up to presentation time `pts` of the picture (90 kHz).
    pub(super) fn up_to(&mut self, pts: i64) -> Vec<Frame> {
        let scale = i64::from(self.codec.timescale());
        let limit = pts * scale / i64::from(VIDEO_TIMESCALE);
        let mut next = self.next.unwrap_or(limit);
        let mut frames = Vec::new();
        while next <= limit {
            frames.push(Frame { pts: next, dts: next, key: true, data: self.data.clone() });
            next += AAC_SAMPLES;
        }
        self.next = Some(next);
        frames
    }
}

/// The frame in a sample of an encoder whose frames are counted, not timed.
pub(super) fn counted(sample: &gst::Sample) -> Option<(Codec, bool, Bytes)> {
    let codec = bitstream::codec(sample.caps()?)?;
    let buffer = sample.buffer()?;
    let data = Bytes::copy_from_slice(&buffer.map_readable().ok()?);
    Some((codec, !buffer.flags().contains(gst::BufferFlags::DELTA_UNIT), data))
}
