//! Townships, sites, terminals and how a terminal proves who it is.
//!
//! Invariant: pure; knows neither HTTP nor disk.

mod model;

pub use model::{DeviceKind, Enrolment, Registry, Site, Terminal, TokenHash, Township};
