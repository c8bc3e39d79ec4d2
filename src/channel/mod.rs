//! Plan + packages + live windows → timeline → playlist, as pure functions.
//!
//! Invariants: no I/O, no tokio, no clock. Published entries never change; the
//! sequence numbers come from the as-run log alone; equal inputs give equal
//! bytes.

mod advance;
mod airing;
mod asrun;
mod choose;
mod hand;
mod join;
mod lineup;
mod playlist;
mod sources;
mod timeline;

pub use airing::{Airing, AiringSource, SlateReason};
pub use asrun::{AsRun, Part, as_run};
pub use hand::{Command, Hand, Hands};
pub use lineup::{Lineup, Rendition, Rung};
pub use playlist::{Headers, Pair, Window, media_playlist, newest, numbered, vod_playlist};
pub use sources::{Asset, Slate, Sources};
pub use timeline::{Placed, Step, Timeline};

#[cfg(test)]
mod assembly;
#[cfg(test)]
mod day;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod scenario;
#[cfg(test)]
mod simulation;
#[cfg(test)]
mod stories;
#[cfg(test)]
mod testing;
