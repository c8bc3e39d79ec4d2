//! Yuanjiao: the broadcast and courseware server of one county.
//!
//! The rooms stand in the order of the data; `docs/architecture.md` says what
//! each may know, and `tests/tidy.rs` holds the code to it.

pub mod app;
pub mod base;
pub mod channel;
pub mod config;
pub mod courseware;
pub mod delivery;
pub mod evidence;
pub mod guide;
pub mod hls;
pub mod mpegts;
pub mod people;
pub mod pipeline;
pub mod portal;
pub mod relay;
pub mod rtmp;
pub mod schedule;
pub mod sites;
pub mod store;
pub mod tlog;
