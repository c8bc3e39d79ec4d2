//! What the stories share: a county on disk, its server as a process, an
//! upstream, players, and the rules that playlists keep.
//!
//! Everything that is started here is ended here, also when a test panics.

pub(crate) mod authenticator;
pub(crate) mod browser;
pub(crate) mod cmaf;
pub(crate) mod county;
pub(crate) mod feeds;
pub(crate) mod gateway;
pub(crate) mod http;
pub(crate) mod line;
pub(crate) mod log;
pub(crate) mod media;
pub(crate) mod player;
pub(crate) mod playlist;
pub(crate) mod process;
pub(crate) mod rules;
pub(crate) mod server;
pub(crate) mod time;
pub(crate) mod told;
pub(crate) mod ts_check;
