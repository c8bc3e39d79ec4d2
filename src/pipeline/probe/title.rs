//! What a file says it is called.

use std::path::Path;

use gst::prelude::*;
use gstreamer as gst;

use super::{decoder, discard};
use crate::pipeline::runtime::Stopped;

/// A file that says nothing for so long has no title.
const PATIENCE: gst::ClockTime = gst::ClockTime::from_seconds(20);
/// A title is no longer, letters.
const LONGEST: usize = 200;

/// The title in its tags, if it is one.
pub(in crate::pipeline) fn title(path: &Path) -> Option<String> {
    let pipeline = gst::Pipeline::new();
    let decode = decoder(path).ok()?;
    pipeline.add(&decode).ok()?;
    let weak = pipeline.downgrade();
    decode.connect_pad_added(move |_, pad| {
        if let Some(pipeline) = weak.upgrade() {
            // Tags come by the bus.
            let _ = discard(&pipeline, pad);
        }
    });
    let _stopped = Stopped(pipeline.clone());
    pipeline.set_state(gst::State::Paused).ok()?;
    let bus = pipeline.bus()?;
    let of_interest =
        [gst::MessageType::Tag, gst::MessageType::AsyncDone, gst::MessageType::Error, gst::MessageType::Eos];
    let mut found = None;
    while let Some(message) = bus.timed_pop_filtered(PATIENCE, &of_interest) {
        match message.view() {
            gst::MessageView::Tag(tag) => {
                let title = tag.tags().get::<gst::tags::Title>().map(|t| t.get().to_owned());
                found = found.or_else(|| title.as_deref().and_then(worth));
            }
            _ => break,
        }
    }
    found
}

/// On one line, with letters in it: none that a program made up.
fn worth(title: &str) -> Option<String> {
    let title = title.split_whitespace().collect::<Vec<_>>().join(" ");
    let is_one = title.chars().any(char::is_alphabetic) && !title.contains(char::REPLACEMENT_CHARACTER);
    is_one.then(|| title.chars().filter(|c| !c.is_control()).take(LONGEST).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_a_line_of_words() {
        assert_eq!(worth("  \u{8461}\u{8404}\n1 "), Some("\u{8461}\u{8404} 1".into()));
        assert_eq!(worth("2019-03-02 12:00"), None);
        assert_eq!(worth("\u{fffd}\u{fffd}a"), None);
        assert_eq!(worth(&"a".repeat(900)).map(|t| t.len()), Some(LONGEST));
    }
}
