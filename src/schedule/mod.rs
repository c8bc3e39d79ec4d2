//! Schedule documents → [`Plan`]: which programme, when.
//!
//! Invariant: knows no media and never reads the time.

mod model;

pub use model::{Play, Plan, Programme, ProgrammeId, Slot};
