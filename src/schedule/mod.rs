//! Schedule documents → [`Plan`]: which programme, when.
//!
//! Invariant: knows no media and never reads the time.

mod clock_change;
mod draft;
mod gaps;
mod layers;
mod model;
mod overlap;
mod parse;
mod read;
mod watch;

pub use draft::{Draft, Lack, When, time, time_written};
pub use model::{Plan, Play, Programme, ProgrammeId, Slot};
pub use parse::{Known, Names, parse};
pub use read::DAY_NAMES;
pub use watch::{Folder, Plans, Report};

#[cfg(test)]
mod properties;
