//! `config/county.toml` → a validated [`County`]. Every problem is reported
//! at once, with file, line and column.
//!
//! Invariant: knows nothing of who consumes the county.

mod model;

pub use model::{Channel, County, Evidence, HttpLimits, Packaging, Relay, Rung, Source};
