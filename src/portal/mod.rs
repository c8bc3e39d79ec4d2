//! The web pages, and the JSON API for people and tools.
//!
//! Invariant: knows no GStreamer; what a page shows it looks up through read
//! handles, and what it is told it stores before it answers.

pub mod api;
pub mod assets;
mod cards;
mod carried;
#[cfg(test)]
mod contrast;
mod evening;
mod figures;
mod guides;
pub mod i18n;
mod lesson_pages;
mod log;
pub mod office;
pub mod oidc;
pub mod pages;
mod print;
mod qr;
mod reply;
mod site_page;
mod snapshots;
mod state;
pub mod views;

pub use carried::LARGEST_RECORD;
pub use guides::Machine;
pub use log::Logbook;
pub use print::Printer;
pub use reply::{Reply, problem};
pub use snapshots::Snapshots;
pub use state::{Changed, Portal, listing_of, schedule_names};
