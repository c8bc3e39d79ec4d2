//! The supervisor's side of relays: workers, stalls, backoff, live windows on
//! disk, retention.
//!
//! Invariants: a relay's trouble never reaches another; a window outlives its
//! source; segment numbers are never used twice.

mod budget;
mod candidate;
mod disk;
mod handle;
mod job;
mod supervise;
mod task;
mod vitals;

pub use budget::{Recorded, Room, make_room};
pub use candidate::{Candidate, Probe, Sign};
pub use disk::{RecoverError, recover};
pub use handle::{RelayEvent, RelayHandle, RelayHealth, Wishes};
pub use supervise::{Command, Input, State, Supervisor};
pub use task::run;
pub use vitals::{Faults, Point, Vitals};
