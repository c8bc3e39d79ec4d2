//! The only GStreamer code: relay, package, slates, and the demo's sources.
//!
//! Everything here runs in worker processes (`yuanjiao worker …`): a crash in
//! a codec ends one worker, never the server. Invariant: knows nothing of the
//! county; a worker is told what to do by its arguments and its standard
//! input, and answers in JSON lines ([`crate::hls::wire`]).

mod bitstream;
mod cmaf;
mod elementary;
mod encode;
mod error;
mod fec;
mod feed;
mod frame;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod inlet;
mod intake;
mod lead;
mod live_writer;
mod looks;
mod package;
mod piece;
mod probe;
mod programme;
mod published;
mod receive;
mod recording;
mod relay;
mod rtp;
mod rungs;
mod runtime;
mod segmenter;
mod sender_clock;
mod slate;
mod still;
mod track_file;
mod tracks;
mod ts_checks;

pub mod studio;

pub use error::PipelineError;
pub use intake::RelaySource;
pub use looks::look;
pub use package::{LadderRung, PackageJob, PackageStep, package, title_asked_for};
pub use relay::{RelayJob, run_relay};
pub use runtime::init_for_files as ready_for_files;
pub use slate::{SlateJob, slate};
pub use still::take_stills;
