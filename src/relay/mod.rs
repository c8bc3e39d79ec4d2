//! The supervisor's side of relays: workers, stalls, backoff, live windows on
//! disk, retention.
//!
//! Invariants: a relay's trouble never reaches another; a window outlives its
//! source; segment numbers are never used twice.

mod disk;
mod supervise;
mod task;

pub use disk::{RecoverError, recover};
pub use supervise::{Command, Input, State, Supervisor};
pub use task::{RelayEvent, RelayHandle, RelayHealth, run};
