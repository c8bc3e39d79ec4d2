//! Evidence: what a second of participation is. Tickets open playbacks, beats
//! and deliveries are folded into sessions, closed sessions become records.
//!
//! This room reads no clock, opens no file and knows neither SQL nor HTTP: it
//! takes events and `now`, and returns records.
//!
//! Invariants, each held by a property test:
//!
//! - Delivered, played and declared are never added to one another; a delivery
//!   never changes watched time.
//! - Watched time is no longer than the wall time it lies in, nor than the
//!   media consumed. Coverage is at most 1.
//! - Duplicates, reordering, retries and jumps never add.
//! - Verified lies inside timed, timed lies inside watched, as sets of wall
//!   time and not only as sums. The exception is a session without any beats:
//!   nothing was claimed, and what was delivered is its own proof.
//! - A site's time is a union: no screen, tab or shard makes an hour longer.
//! - What a device did without a line counts apart, and no longer than the time
//!   between its two meetings with the server.
//! - Merging shards is commutative, associative and idempotent.
//! - A session restored from its snapshot is the same session, and the same
//!   beats replayed into it change nothing.

mod beat;
mod boot;
mod cmcd;
mod credit;
mod delivered;
mod flags;
mod journal;
mod ledger;
mod merge;
mod nonce;
mod person;
mod record;
mod sealed;
mod session;
mod stretch;
mod study;
mod ticket;

#[cfg(test)]
mod properties;
#[cfg(test)]
mod sealed_tests;
#[cfg(test)]
mod simulation;
#[cfg(test)]
mod stories;
#[cfg(test)]
mod testing;

pub use beat::{BadBeat, Beat, PlayState};
pub use cmcd::{Claims, Report};
pub use credit::{Credit, Level, NoCredit, Received, interval};
pub use delivered::DeliveredSegment;
pub use flags::{Flag, MonthSeen, flags};
pub use journal::{Happened, Sent};
pub use ledger::{Ledger, Swept};
pub use merge::{Shard, merge, site_seconds, site_wall};
pub use nonce::{NONCE_SECONDS, NonceKey};
pub use person::{attended_ms, elsewhere};
pub use record::{SessionRecord, Totals, Wall};
pub use sealed::{BadChain, Chain, Link, SealedPart};
pub use session::{BeatOutcome, CloseReason, Device, Opening, Refusal, SILENCE, Session};
pub use study::{
    LONGEST_STUDY, MONTH_STUDIES, MOST_MINUTES, MOST_PEOPLE, NotCounted, Paper, PaperKind, Studied, Study,
    YEAR_HOURS, studied,
};
pub use ticket::{BadKeys, Item, Ticket, TicketError, TicketKeys};
