//! What streams say of themselves: languages, which way is up, what nobody decodes.

use gst::prelude::*;
use gstreamer as gst;

use crate::hls::{Cue, decode_text, plain};

use super::Picture;

/// Pads that a stream passes on its way from a demuxer at most.
const ELEMENTS: usize = 16;

/// True if something here decodes media of this type: it is this stream that is wrong.
fn is_decoded(media: &str) -> bool {
    let decoders =
        gst::ElementFactory::factories_with_type(gst::ElementFactoryType::DECODER, gst::Rank::MARGINAL);
    let takes = |pad: &gst::StaticPadTemplate| {
        pad.direction() == gst::PadDirection::Sink && pad.caps().iter().any(|s| s.name() == media)
    };
    decoders.iter().any(|d| d.static_pad_templates().iter().any(takes))
}

/// True of a picture that is coded and yet says its size, and that is decoded here: nothing
/// is gained by decoding it twice.
pub(super) fn tells_enough(caps: &gst::CapsRef) -> bool {
    let Some(stream) = caps.structure(0) else { return false };
    let name = stream.name().as_str();
    // Of these there is no parser that would know more than the container.
    let as_it_is = matches!(name, "video/x-vp8" | "video/x-vp9");
    name.starts_with("video/")
        && name != "video/x-raw"
        && stream.has_field("width")
        && stream.has_field("height")
        && (as_it_is || stream.get::<bool>("parsed") == Ok(true))
        && is_decoded(name)
}

/// The kind of media, and the codec that nothing here decodes.
pub(super) fn missing_codec(message: &gst::MessageRef) -> Option<(String, String)> {
    let gst::MessageView::Element(element) = message.view() else { return None };
    let said = element.structure().filter(|s| s.name() == "missing-plugin")?;
    let caps = said.get::<gst::Caps>("detail").ok()?;
    let name = caps.structure(0)?.name().as_str();
    let (kind, codec) = name.split_once('/')?;
    if is_decoded(name) {
        return Some((kind.to_owned(), String::new()));
    }
    let known = said.get::<String>("name").ok().and_then(|n| Some(n.strip_suffix(" decoder")?.to_owned()));
    let codec = match codec.strip_prefix("x-gst-fourcc-") {
        Some(letters) => letters.to_owned(),
        None => known.unwrap_or_else(|| codec.trim_start_matches("x-").to_owned()),
    };
    Some((kind.to_owned(), codec))
}

/// The language that a stream says it has (ISO 639), at `pad` or further up: not every parser
/// passes on what the demuxer said.
pub(super) fn language(pad: &gst::Pad) -> Option<String> {
    let mut pad = pad.clone();
    for _ in 0..ELEMENTS {
        let tags = (0..8).filter_map(|i| pad.sticky_event::<gst::event::Tag>(i));
        let mut code =
            tags.filter_map(|t| t.tag().get::<gst::tags::LanguageCode>().map(|l| l.get().to_owned()));
        if let Some(code) = code.next() {
            return Some(code);
        }
        while let Some(target) = pad.downcast_ref::<gst::GhostPad>().and_then(|ghost| ghost.target()) {
            pad = target;
        }
        pad = match pad.direction() {
            gst::PadDirection::Src => pad.parent_element()?.static_pad("sink")?,
            _ => pad.peer()?,
        };
    }
    None
}

/// True if a picture is to be turned by a quarter.
pub(super) fn lies_on_its_side(pad: &gst::Pad) -> bool {
    orientation(pad).is_some_and(|o| o.contains("90") || o.contains("270"))
}

/// True if a picture is shown as it is coded.
pub(super) fn is_upright(pad: &gst::Pad) -> bool {
    orientation(pad).is_none_or(|o| o == "rotate-0")
}

fn orientation(pad: &gst::Pad) -> Option<String> {
    let tags = (0..8).filter_map(|i| pad.sticky_event::<gst::event::Tag>(i));
    tags.filter_map(|t| t.tag().get::<gst::tags::ImageOrientation>().map(|o| o.get().to_owned())).next()
}

/// True of H.264 that every browser decodes: 8 bits, a quarter of the colours, whole pictures,
/// square pixels, up to High profile at level 4.1 (ITU-T H.264 annex A).
pub(in crate::pipeline) fn passes(s: &gst::StructureRef) -> bool {
    let square = s.get::<gst::Fraction>("pixel-aspect-ratio").map_or(true, |p| p.numer() == p.denom());
    let is = |field: &str, all: &[&str]| s.get::<&str>(field).is_ok_and(|v| all.contains(&v));
    let levels = ["1", "1b", "1.1", "1.2", "1.3", "2", "2.1", "2.2", "3", "3.1", "3.2", "4", "4.1"];
    s.name() == "video/x-h264"
        && square
        && is("profile", &["constrained-baseline", "main", "high", "progressive-high", "constrained-high"])
        && is("level", &levels)
        && is("chroma-format", &["4:2:0"])
        && s.get::<u32>("bit-depth-luma") == Ok(8)
        && is("coded-picture-structure", &["frame"])
        && s.get::<&str>("interlace-mode").unwrap_or("progressive") == "progressive"
}

/// True of subtitles that GStreamer's Matroska demuxer hands out without knowing them, as
/// WebVTT in WebM.
pub(super) fn is_unknown_text(caps: &gst::CapsRef) -> bool {
    caps.structure(0).is_some_and(|s| s.name() == "application/x-subtitle-unknown")
}

/// The text of a WebVTT cue in WebM: its identifier and its settings stand before it, a line
/// each. None of what is no text.
fn web_text(bytes: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(bytes).ok()?;
    if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
        return None;
    }
    let mut lines = text.splitn(3, '\n');
    match (lines.next(), lines.next(), lines.next()) {
        (Some(_), Some(settings), Some(cue)) if settings.trim().is_empty() || settings.contains(':') => {
            Some(cue)
        }
        _ => Some(text),
    }
}

/// A subtitle from the file's start.
pub(super) fn cue(sample: &gst::Sample) -> Option<Cue> {
    let buffer = sample.buffer()?;
    let map = buffer.map_readable().ok()?;
    let start = buffer.pts()?;
    let segment = sample.segment()?.downcast_ref::<gst::ClockTime>()?;
    let start_ms = segment.to_running_time(start)?.mseconds();
    let text = match sample.caps().is_some_and(is_unknown_text) {
        true => plain(web_text(map.as_slice())?),
        false => plain(&decode_text(map.as_slice())),
    };
    let end_ms = start_ms + buffer.duration()?.mseconds();
    (end_ms > start_ms && !text.is_empty()).then_some(Cue { start_ms, end_ms, text })
}

/// The picture that a decoded stream shows.
pub(super) fn picture(pad: &gst::Pad, stream: String) -> Option<Picture> {
    let caps = pad.current_caps()?;
    let s = caps.structure(0)?;
    let (w, h) = (s.get::<i32>("width").ok()?, s.get::<i32>("height").ok()?);
    let par = s.get::<gst::Fraction>("pixel-aspect-ratio").ok().filter(|p| p.numer() > 0 && p.denom() > 0);
    let par = par.map_or(1.0, |p| f64::from(p.numer()) / f64::from(p.denom()));
    let fps = s.get::<gst::Fraction>("framerate").ok().filter(|f| f.denom() > 0);
    let (width, height) = ((f64::from(w) * par).round() as u32, u32::try_from(h).ok()?);
    let passes = passes(s);
    Some(Picture {
        stream,
        width,
        height,
        fps: fps.map_or(0.0, |f| f64::from(f.numer()) / f64::from(f.denom())),
        end_ns: 0,
        passes,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cue_in_webm_is_its_text() {
        assert_eq!(web_text(b"1\n\nPrune in winter\nand low"), Some("Prune in winter\nand low"));
        assert_eq!(web_text(b"\nalign:start line:0\nPrune"), Some("Prune"));
        assert_eq!(web_text("冬季修剪".as_bytes()), Some("冬季修剪"));
        assert_eq!(web_text(b"one\ntwo\nthree"), Some("one\ntwo\nthree"));
        // A picture (DVB) begins with a zero soon.
        assert_eq!(web_text(&[0x20, 0x00, 0x0f, 0x10]), None);
        assert_eq!(web_text(&[0xff, 0xfe]), None);
    }
}
