//! Schedule documents → [`Plan`]: which programme, when.
//!
//! Invariant: knows no media and never reads the time.

mod clock_change;
mod draft;
mod gaps;
mod layers;
mod merge;
mod model;
mod overlap;
mod parse;
mod parse_series;
mod read;
mod series;
mod sheet;
mod watch;

pub use draft::{Draft, Lack, When, time, time_written};
pub use merge::{Difference, SECTIONS, merge};
pub use model::{Filler, Plan, Play, Programme, ProgrammeId, Slot};
pub use parse::{Known, Names, parse};
pub use read::FOLLOWING;
pub use series::Episode;
pub use sheet::{Column, SheetProblem, Words, Wrong, columns, read as read_sheet, write as write_sheet};
pub use watch::{Folder, Plans, Report};

#[cfg(test)]
mod properties;
