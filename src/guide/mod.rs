//! What people and televisions read about what is on: now and next, XMLTV,
//! M3U, iCalendar, JSON and the preview slate.
//!
//! Invariant: pure; every text is a function of its arguments.

mod atom;
mod ical;
mod json;
mod m3u;
mod model;
mod now;
mod poster;
mod slate;
mod slate_labels;
mod slate_layout;
mod xml;
mod xmltv;

pub use atom::{News, atom};
pub use ical::ics;
pub use json::json;
pub use m3u::{Track, m3u, playlist, streams};
pub use model::{ChannelInfo, Entry, Kind, Listing, listing};
pub use now::now_next;
pub use poster::{Poster, PosterLine, poster};
pub use slate::{SlateText, slate_svg, title_card};
pub use slate_labels::slate_labels;
pub use xmltv::xmltv;

#[cfg(test)]
mod fixtures;
