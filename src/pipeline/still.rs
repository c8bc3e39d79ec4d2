//! SVG pictures as raw frames, and pictures of packages as JPEG.

use std::io::Write;
use std::path::Path;

use gstreamer as gst;
use gstreamer_app as gst_app;

use crate::hls::wire::{StillJob, StillLine};

use super::PipelineError;
use super::runtime::{Stopped, init_for_files, launch, named, start};

/// Renders `svg` to one raw frame of `format` and size.
pub(super) fn render(svg: &str, format: &str, width: u32, height: u32) -> Result<Vec<u8>, PipelineError> {
    let what = "drawing an SVG picture";
    let pipeline = launch(
        what,
        &format!(
            "appsrc name=in format=bytes caps=image/svg+xml ! rsvgdec ! videoconvert ! videoscale \
             ! video/x-raw,format={format},width={width},height={height},pixel-aspect-ratio=1/1 \
             ! appsink name=out sync=false"
        ),
    )?;
    through(&pipeline, what, |input| input.push_buffer(gst::Buffer::from_slice(svg.as_bytes().to_vec())))
}

/// What comes out of a pipeline from `in` to `out` for the one thing that `give` puts in.
pub(super) fn through(
    pipeline: &gst::Pipeline,
    what: &'static str,
    give: impl FnOnce(&gst_app::AppSrc) -> Result<gst::FlowSuccess, gst::FlowError>,
) -> Result<Vec<u8>, PipelineError> {
    let _stopped = Stopped(pipeline.clone());
    let input: gst_app::AppSrc = named(pipeline, "in")?;
    let out: gst_app::AppSink = named(pipeline, "out")?;
    start(pipeline)?;
    let failed = |detail: &str| PipelineError::Build { what, detail: detail.to_owned() };
    give(&input).map_err(|_| failed("not taken"))?;
    input.end_of_stream().map_err(|_| failed("not taken"))?;
    let sample = out.pull_sample().map_err(|_| failed("no picture came: is it well formed?"))?;
    let buffer = sample.buffer().ok_or_else(|| failed("no picture came"))?;
    let map = buffer.map_readable().map_err(|_| failed("the picture cannot be read"))?;
    Ok(map.as_slice().to_vec())
}

/// Takes pictures as `jobs` ask for them, and says of each how it went.
pub fn take_stills(jobs: impl Iterator<Item = StillJob>, out: &mut impl Write) -> Result<(), PipelineError> {
    init_for_files()?;
    for job in jobs {
        let line = match poster(&job.mp4, &job.jpeg, job.height) {
            Ok(()) => StillLine::Done,
            Err(error) => StillLine::Failed { message: error.to_string() },
        };
        let said = serde_json::to_string(&line).unwrap_or_default();
        // A closed pipe means that nobody wants pictures any more.
        if writeln!(out, "{said}").and_then(|()| out.flush()).is_err() {
            break;
        }
    }
    Ok(())
}

/// What a picture in a list may cost a slow line, bytes.
const LARGEST: usize = 20_000;
/// How it is made smaller until it does: JPEG's quality, and what its height is divided by.
const STEPS: [(u32, u32); 6] = [(80, 1), (60, 1), (40, 1), (25, 1), (40, 2), (15, 2)];

/// Writes the first picture of an MP4 file as a JPEG of `height`, or less where that
/// would be large.
pub(super) fn poster(mp4: &Path, jpeg: &Path, height: u32) -> Result<(), PipelineError> {
    let what = "taking the poster";
    let pipeline = launch(
        what,
        &format!(
            "filesrc name=from ! qtdemux ! h264parse ! avdec_h264 ! videoconvert ! videoscale \
             ! video/x-raw,format=I420,height={height},pixel-aspect-ratio=1/1 ! appsink name=out sync=false"
        ),
    )?;
    let _stopped = Stopped(pipeline.clone());
    let from: gst::Element = named(&pipeline, "from")?;
    gst::prelude::ObjectExt::set_property(&from, "location", mp4.to_string_lossy().as_ref());
    let out: gst_app::AppSink = named(&pipeline, "out")?;
    start(&pipeline)?;
    let picture =
        out.pull_sample().map_err(|_| PipelineError::Build { what, detail: "no picture came".into() })?;
    std::fs::write(jpeg, small_jpeg(&picture, height)?).map_err(PipelineError::io(jpeg))
}

fn small_jpeg(picture: &gst::Sample, height: u32) -> Result<Vec<u8>, PipelineError> {
    let mut bytes = Vec::new();
    for (quality, divisor) in STEPS {
        bytes = as_jpeg(picture, quality, (height / divisor) & !1)?;
        if bytes.len() <= LARGEST {
            break;
        }
    }
    Ok(bytes)
}

fn as_jpeg(picture: &gst::Sample, quality: u32, height: u32) -> Result<Vec<u8>, PipelineError> {
    let what = "writing a JPEG";
    let pipeline = launch(
        what,
        &format!(
            "appsrc name=in format=time ! videoscale ! video/x-raw,height={height},pixel-aspect-ratio=1/1 \
             ! jpegenc quality={quality} ! appsink name=out sync=false"
        ),
    )?;
    through(&pipeline, what, |input| input.push_sample(picture))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_restless_picture_costs_a_slow_line_no_more_than_a_calm_one() {
        init_for_files().expect("GStreamer");
        for (pattern, height) in [("smpte", 360), ("snow", 180)] {
            let source = format!(
                "videotestsrc num-buffers=1 pattern={pattern} \
                 ! video/x-raw,format=I420,width=640,height=360,pixel-aspect-ratio=1/1 ! appsink name=out sync=false"
            );
            let pipeline = launch("filming", &source).expect("a pipeline");
            let _stopped = Stopped(pipeline.clone());
            let out: gst_app::AppSink = named(&pipeline, "out").expect("a sink");
            start(&pipeline).expect("started");
            let jpeg = small_jpeg(&out.pull_sample().expect("a picture"), 360).expect("a JPEG");
            assert!((1_000..=LARGEST).contains(&jpeg.len()), "{pattern}: {} bytes", jpeg.len());
            // SOF0: length, precision, then the height.
            let frame = jpeg.windows(2).position(|w| w == [0xff, 0xc0]).expect("a frame");
            assert_eq!(u32::from(jpeg[frame + 5]) << 8 | u32::from(jpeg[frame + 6]), height, "{pattern}");
        }
    }
}
