//! Townships, sites, terminals and how a terminal proves who it is.
//!
//! Invariant: pure; knows neither HTTP nor disk.

mod change;
mod model;
mod sheet;

pub use change::{Change, ChangeError, Edit, Place, PlaceId};
pub use model::{DeviceKind, Enrolment, Registry, Site, Terminal, TokenHash, Township};
pub use sheet::{RowProblem, Sheet, SiteRow, TownshipRow, Wrong, change_of};
