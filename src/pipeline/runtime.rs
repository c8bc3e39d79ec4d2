//! Starting GStreamer, and small helpers every pipeline needs.

use gst::prelude::*;
use gstreamer as gst;
use gstreamer_app as gst_app;

use crate::hls::Reason;

use super::PipelineError;

/// Starts GStreamer once per process.
pub(super) fn init() -> Result<(), PipelineError> {
    gst::init().map_err(|e| PipelineError::Build { what: "starting GStreamer", detail: e.to_string() })
}

/// Starts it for files that anybody may have made. A playlist in a video's
/// clothes could have us fetch addresses of the inner network, or other files
/// of this machine: what follows references or reaches out is taken away.
pub fn init_for_files() -> Result<(), PipelineError> {
    init()?;
    let registry = gst::Registry::get();
    for feature in registry.features(gst::ElementFactory::static_type()) {
        let class =
            feature.downcast_ref::<gst::ElementFactory>().and_then(|f| f.metadata("klass")).unwrap_or("");
        let reaches_out = class.split('/').any(|part| matches!(part, "Adaptive" | "Network" | "RTP"));
        if reaches_out || feature.name().starts_with("gio") {
            registry.remove_feature(&feature);
        }
    }
    Ok(())
}

/// A pipeline from a description whose element names are constants of ours.
pub(super) fn launch(what: &'static str, description: &str) -> Result<gst::Pipeline, PipelineError> {
    let element =
        gst::parse::launch(description).map_err(|e| PipelineError::Build { what, detail: e.to_string() })?;
    element
        .downcast()
        .map_err(|_| PipelineError::Build { what, detail: "the description is not a pipeline".into() })
}

/// An element by name, of the type asked for.
pub(super) fn named<T: IsA<gst::Element>>(pipeline: &gst::Pipeline, name: &str) -> Result<T, PipelineError> {
    pipeline
        .by_name(name)
        .and_then(|e| e.downcast().ok())
        .ok_or_else(|| PipelineError::Missing { element: name.to_owned() })
}

/// A new element.
pub(super) fn make(factory: &str) -> Result<gst::Element, PipelineError> {
    gst::ElementFactory::make(factory)
        .build()
        .map_err(|_| PipelineError::Missing { element: factory.to_owned() })
}

/// An appsink that never waits for a clock.
pub(super) fn sink(max_buffers: u32) -> gst_app::AppSink {
    gst_app::AppSink::builder().sync(false).max_buffers(max_buffers).build()
}

/// How often a pipeline is looked at.
const TICK_MS: u64 = 200;
/// One that gets no further for so long never will: its file leads it astray.
const STUCK_MS: u64 = 60_000;

/// Runs `pipeline` to its end, calling `tick` every 200 ms and at its end, and with every
/// message that is neither that nor an error.
pub(super) fn run_to_end(
    pipeline: &gst::Pipeline,
    file: &str,
    mut tick: impl FnMut(Option<&gst::MessageRef>),
) -> Result<(), PipelineError> {
    let stopped = Stopped(pipeline.clone());
    start(pipeline)?;
    let bus = pipeline.bus().ok_or(PipelineError::Missing { element: "bus".into() })?;
    let (mut at, mut quiet) = (None, 0);
    loop {
        match bus.timed_pop(gst::ClockTime::from_mseconds(TICK_MS)) {
            Some(message) => match message.view() {
                gst::MessageView::Eos(..) => break,
                gst::MessageView::Error(e) => return Err(media_error(file, e)),
                _ => tick(Some(&message)),
            },
            None => {
                let now = pipeline.query_position::<gst::ClockTime>();
                quiet = if now == at { quiet + TICK_MS } else { 0 };
                at = now;
                if quiet > STUCK_MS {
                    return Err(PipelineError::Media {
                        file: file.to_owned(),
                        reason: Reason::Stuck,
                        detail: format!("it stood still at {at:?}"),
                        debug: String::new(),
                    });
                }
                tick(None);
            }
        }
    }
    tick(None);
    drop(stopped);
    Ok(())
}

/// Sets `pipeline` playing.
pub(super) fn start(pipeline: &gst::Pipeline) -> Result<(), PipelineError> {
    pipeline
        .set_state(gst::State::Playing)
        .map_err(|e| PipelineError::Build { what: "starting a pipeline", detail: e.to_string() })?;
    Ok(())
}

/// GStreamer's error as ours.
pub(super) fn media_error(file: &str, e: &gst::message::Error) -> PipelineError {
    PipelineError::Media {
        file: file.to_owned(),
        reason: reason(&e.error()),
        detail: e.error().message().to_owned(),
        debug: e.debug().map(|d| d.to_string()).unwrap_or_default(),
    }
}

/// What an error of GStreamer's means to whoever uploaded the file.
fn reason(error: &gst::glib::Error) -> Reason {
    match error.kind::<gst::StreamError>() {
        Some(
            gst::StreamError::TypeNotFound | gst::StreamError::WrongType | gst::StreamError::CodecNotFound,
        ) => Reason::Unknown,
        Some(gst::StreamError::Decrypt | gst::StreamError::DecryptNokey) => Reason::Protected,
        _ => Reason::Damaged,
    }
}

/// Stops its pipeline when dropped, so that no way out leaves one running.
#[derive(Debug)]
pub(super) struct Stopped(pub(super) gst::Pipeline);

impl Drop for Stopped {
    fn drop(&mut self) {
        // Nothing can be done about a pipeline that will not stop: the process ends soon.
        let _ = self.0.set_state(gst::State::Null);
    }
}
