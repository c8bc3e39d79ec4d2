//! WebVTT: writing a segment's cues.

use std::fmt::Write;

/// One subtitle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cue {
    /// From the start of the lesson, milliseconds.
    pub start_ms: u64,
    /// From the start of the lesson, milliseconds.
    pub end_ms: u64,
    /// Lines of text.
    pub text: String,
}

/// WebVTT of what falls into `[from_ms, to_ms)`: a cue that reaches over an end
/// is cut there and goes on in the next segment, so that players which do not
/// tell a repeated cue from a new one show it once. The lesson begins at
/// `origin_ms` on the line of the media, and the header says that cues are
/// timed on that same line (RFC 8216 §3.5): no player has to add anything.
pub fn write_vtt(cues: &[Cue], from_ms: u64, to_ms: u64, origin_ms: u64) -> String {
    let mut out = String::from("WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:0,LOCAL:00:00:00.000\n");
    for cue in cues.iter().filter(|c| c.start_ms < to_ms && c.end_ms > from_ms) {
        let text = cue.text.replace("-->", "→");
        let (start, end) = (cue.start_ms.max(from_ms), cue.end_ms.min(to_ms));
        write!(out, "\n{} --> {}\n{text}\n", clock(origin_ms + start), clock(origin_ms + end))
            .expect("writing to a String cannot fail");
    }
    // A cue ends with an empty line or the file (WebVTT §4.1). GStreamer joins
    // segments into one stream, and without the line a segment's last cue would
    // wait for the next segment, and swallow its header.
    out.push('\n');
    out
}

fn clock(ms: u64) -> String {
    format!("{:02}:{:02}:{:02}.{:03}", ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60, ms % 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cue_that_reaches_over_an_end_is_cut_there() {
        let cues = [Cue { start_ms: 1500, end_ms: 4000, text: "葡萄\n第二行".into() }];
        let vtt = write_vtt(&cues, 0, 3840, 0);
        assert!(vtt.ends_with("\n00:00:01.500 --> 00:00:03.840\n葡萄\n第二行\n\n"), "{vtt}");
        let rest = write_vtt(&cues, 3840, 7680, 0);
        assert!(rest.ends_with("\n00:00:03.840 --> 00:00:04.000\n葡萄\n第二行\n\n"), "{rest}");
        assert!(!write_vtt(&cues, 4000, 8000, 0).contains("-->"));
        let on_air = write_vtt(&cues, 0, 3840, 1_795_428_000_000);
        assert!(on_air.ends_with("\n498730:00:01.500 --> 498730:00:03.840\n葡萄\n第二行\n\n"), "{on_air}");
    }
}
