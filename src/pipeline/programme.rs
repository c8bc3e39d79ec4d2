//! Which programme of a multi-programme stream is taken: by its number, or by the
//! name in the stream's service description table.

use std::sync::{Mutex, PoisonError};

use gst::prelude::*;
use gstreamer as gst;

use crate::mpegts::Listing;

/// A stream that names no service in so many bytes names none.
const SEARCHED: usize = 16 << 20;

/// What is asked for; neither: the first one.
#[derive(Debug, Clone, Default)]
pub(super) struct Programme {
    pub(super) number: Option<u16>,
    pub(super) name: Option<String>,
}

/// What is found out about a stream's services.
#[derive(Debug, Default)]
struct Search {
    listing: Listing,
    bytes: usize,
    told: bool,
}

/// Has `element` take this programme, if it is one that takes streams apart.
pub(super) fn choose(element: &gst::Element, programme: &Programme) {
    if element.factory().is_none_or(|f| f.name() != "tsdemux") {
        return;
    }
    if let Some(number) = programme.number {
        element.set_property("program-number", i32::from(number));
        return;
    }
    let (Some(name), Some(pad)) = (programme.name.clone(), element.static_pad("sink")) else { return };
    let (search, weak) = (Mutex::new(Search::default()), element.downgrade());
    // Nothing goes in before it is known: a programme once begun is not left again.
    pad.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
        let mut search = search.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(bytes) = info.buffer().and_then(|b| b.map_readable().ok()) else {
            return gst::PadProbeReturn::Drop;
        };
        let Some(element) = weak.upgrade() else { return gst::PadProbeReturn::Drop };
        match search.look_for(&name, &bytes) {
            Found::Number(number) => {
                element.set_property("program-number", i32::from(number));
                return gst::PadProbeReturn::Remove;
            }
            Found::NotYet => {}
            Found::Nothing(why) => {
                gst::element_warning!(element, gst::StreamError::Demux, ("{why}"));
            }
        }
        gst::PadProbeReturn::Drop
    });
}

#[derive(Debug, PartialEq, Eq)]
enum Found {
    Number(u16),
    NotYet,
    /// It is not there, said once.
    Nothing(String),
}

impl Search {
    fn look_for(&mut self, name: &str, bytes: &[u8]) -> Found {
        self.bytes += bytes.len();
        let listed = self.listing.take(bytes);
        let same = |a: &str| a.trim().to_lowercase() == name.trim().to_lowercase();
        if let Some((number, _)) = listed.iter().flatten().find(|(_, listed)| same(listed)) {
            return Found::Number(*number);
        }
        let why = match listed {
            Some(services) => {
                let names: Vec<&str> = services.iter().map(|(_, name)| name.as_str()).collect();
                format!("there is no programme `{name}` in the stream, but: {}", names.join(", "))
            }
            None if self.bytes > SEARCHED => {
                format!("the stream does not name its programmes: instead of `{name}`, give the number")
            }
            None => return Found::NotYet,
        };
        if std::mem::replace(&mut self.told, true) { Found::NotYet } else { Found::Nothing(why) }
    }
}
