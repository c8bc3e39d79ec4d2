//! Reading subtitles: SubRip, WebVTT, SubStation Alpha; in whatever encoding.

use super::Cue;

/// The text of a subtitle file: with a byte order mark what that says, else UTF-8, else what
/// offices in China save (GB 18030, of which GBK is a part).
pub fn decode_text(bytes: &[u8]) -> String {
    let encoding = match encoding_rs::Encoding::for_bom(bytes) {
        Some((marked, _)) => marked,
        None if std::str::from_utf8(bytes).is_ok() => encoding_rs::UTF_8,
        None => encoding_rs::GB18030,
    };
    encoding.decode(bytes).0.into_owned()
}

/// Reads subtitles; what has no time, or no text, is passed over.
pub fn parse_subtitles(text: &str) -> Vec<Cue> {
    let text = text.trim_start_matches('\u{feff}').replace("\r\n", "\n").replace('\r', "\n");
    let mut cues: Vec<Cue> = if text.starts_with("WEBVTT") {
        text.split("\n\n").filter_map(|block| parse_block(block, &|text| text.to_owned())).collect()
    } else if text.contains("\n[Events]") {
        parse_alpha(&text)
    } else {
        text.split("\n\n").filter_map(|block| parse_block(block, &plain)).collect()
    };
    cues.sort_by_key(|c| (c.start_ms, c.end_ms));
    cues
}

/// A cue's words from SubRip, SubStation Alpha or GStreamer's markup, as WebVTT has them
/// (§4.2.2): bold, italic and underlined stay, everything else that is not words goes.
pub fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['<', '{', '&']) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let taken = match rest.as_bytes()[0] {
            b'{' if rest.starts_with("{\\") => rest.find('}').map(|end| (end + 1, "")),
            b'<' => tag(rest),
            b'&' => entity(rest),
            _ => None,
        };
        let (length, kept) = taken.unwrap_or_else(|| {
            (
                1,
                if rest.starts_with('<') {
                    "&lt;"
                } else if rest.starts_with('&') {
                    "&amp;"
                } else {
                    "{"
                },
            )
        });
        out.push_str(kept);
        rest = &rest[length..];
    }
    out.push_str(rest);
    let lines: Vec<&str> = out.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    lines.join("\n")
}

/// Length of the tag that begins here, and what stays of it.
fn tag(text: &str) -> Option<(usize, &str)> {
    let end = text.find('>')?;
    let name = text[1..end].trim_start_matches('/');
    if !name.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return None;
    }
    let stays = matches!(name, "b" | "i" | "u");
    Some((end + 1, if stays { &text[..=end] } else { "" }))
}

/// Length of the character reference that begins here, and what it becomes.
fn entity(text: &str) -> Option<(usize, &str)> {
    let known = [
        ("&amp;", "&amp;"),
        ("&lt;", "&lt;"),
        ("&gt;", "&gt;"),
        ("&quot;", "\""),
        ("&apos;", "'"),
        ("&#39;", "'"),
        ("&nbsp;", "&nbsp;"),
    ];
    known.iter().find(|(from, _)| text.starts_with(from)).map(|(from, to)| (from.len(), *to))
}

fn parse_block(block: &str, words: &dyn Fn(&str) -> String) -> Option<Cue> {
    let mut lines = block.lines().skip_while(|l| !l.contains("-->"));
    let (start, rest) = lines.next()?.split_once("-->")?;
    let end = rest.split_whitespace().next()?;
    let text = words(lines.collect::<Vec<_>>().join("\n").trim());
    cue(parse_time(start.trim())?, parse_time(end)?, text)
}

fn cue(start_ms: u64, end_ms: u64, text: String) -> Option<Cue> {
    (end_ms > start_ms && !text.is_empty()).then_some(Cue { start_ms, end_ms, text })
}

/// `hh:mm:ss.mmm`, hours optional, comma or point (WebVTT §4.4; SubRip); hundredths in
/// SubStation Alpha.
fn parse_time(text: &str) -> Option<u64> {
    let (clock, fraction) = text.split_once(['.', ','])?;
    let mut seconds = 0u64;
    for part in clock.split(':') {
        seconds = seconds.checked_mul(60)?.checked_add(part.trim().parse().ok()?)?;
    }
    let scale = match fraction.len() {
        2 => 10,
        3 => 1,
        _ => return None,
    };
    seconds.checked_mul(1000)?.checked_add(fraction.parse::<u64>().ok()? * scale)
}

/// The events of SubStation Alpha (v4.00+): `Format:` names the fields, of which the text
/// is the last and may hold commas.
fn parse_alpha(text: &str) -> Vec<Cue> {
    let mut fields: Vec<&str> =
        vec!["Layer", "Start", "End", "Style", "Name", "MarginL", "MarginR", "MarginV", "Effect", "Text"];
    let mut cues = Vec::new();
    for line in text.lines().skip_while(|l| l.trim() != "[Events]") {
        if let Some(format) = line.strip_prefix("Format:") {
            fields = format.split(',').map(str::trim).collect();
        }
        let Some(values) = line.strip_prefix("Dialogue:") else { continue };
        let values: Vec<&str> = values.splitn(fields.len().max(1), ',').collect();
        let value = |name: &str| {
            let at = fields.iter().position(|f| f.eq_ignore_ascii_case(name))?;
            values.get(at).map(|v| v.trim())
        };
        let (Some(start), Some(end), Some(words)) = (value("Start"), value("End"), value("Text")) else {
            continue;
        };
        // Drawings are no words.
        if words.contains("\\p1") {
            continue;
        }
        let words = words.replace("\\N", "\n").replace("\\n", "\n").replace("\\h", " ");
        let Some((start, end)) = parse_time(start).zip(parse_time(end)) else { continue };
        cues.extend(cue(start, end, plain(&words)));
    }
    cues
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::hls::write_vtt;

    fn told(text: &str) -> Vec<(u64, u64, String)> {
        parse_subtitles(text).into_iter().map(|c| (c.start_ms, c.end_ms, c.text)).collect()
    }

    #[test]
    fn subrip_becomes_webvtt() {
        let cues = told(
            "\u{feff}1\r\n00:00:01,500 --> 00:00:04,000\r\n<font color=\"red\">{\\an8}葡萄</font> <i>&</i> 3 < 4\r\n第二行\r\n\r\n2\r\n00:00:05,000 --> 00:00:04,000\r\nbad\r\n",
        );
        assert_eq!(cues, [(1500, 4000, "葡萄 <i>&amp;</i> 3 &lt; 4\n第二行".to_owned())]);
    }

    #[test]
    fn what_is_webvtt_stays_as_it_is() {
        let cues = told("WEBVTT\n\n00:01.000 --> 00:02.000 line:0\n<v 老师>a &lt; b</v>\n");
        assert_eq!(cues, [(1000, 2000, "<v 老师>a &lt; b</v>".to_owned())]);
    }

    #[test]
    fn substation_alpha_is_read_by_its_own_format() {
        let text = "[Script Info]\nTitle: x\n\n[Events]\nFormat: Start, End, Text\n\
                    Dialogue: 0:00:01.50,0:00:03.00,{\\b1}冬季{\\b0}，修剪\\N\\N第二行, 完\n\
                    Dialogue: 0:00:05.00,0:00:06.00,{\\p1}m 0 0 l 1 1\n\
                    Comment: 0:00:07.00,0:00:08.00,no\n";
        assert_eq!(told(text), [(1500, 3000, "冬季，修剪\n第二行, 完".to_owned())]);
    }

    #[test]
    fn text_is_read_in_the_encodings_of_offices() {
        for (bytes, encoding) in [
            (encoding_rs::GBK.encode("冬季修剪").0.into_owned(), "GBK"),
            ("冬季修剪".as_bytes().to_vec(), "UTF-8"),
            ("\u{feff}冬季修剪".as_bytes().to_vec(), "UTF-8 with a mark"),
            ("\u{feff}冬季修剪".encode_utf16().flat_map(u16::to_le_bytes).collect(), "UTF-16"),
        ] {
            assert_eq!(decode_text(&bytes), "冬季修剪", "{encoding}");
        }
    }

    #[test]
    fn nonsense_is_passed_over() {
        let nonsense = "WEBVTT\n\nNOTE x\n\n--> \n\n99999999999999999999:00.000 --> 1:00.000\nx";
        assert_eq!(told(nonsense), []);
    }

    proptest! {
        #[test]
        fn no_bytes_upset_the_reader(bytes: Vec<u8>, text in "\\PC*") {
            for text in [decode_text(&bytes), text.clone(), format!("x\n[Events]\nDialogue: {text}")] {
                for cue in parse_subtitles(&text) {
                    prop_assert!(cue.end_ms > cue.start_ms && !cue.text.is_empty());
                }
            }
        }

        /// What was written is read as it was.
        #[test]
        fn what_is_written_is_read_again(lines in prop::collection::vec("[a-z<>&{}\\\\ 一二]{1,12}", 1..6)) {
            let text: String =
                lines.iter().enumerate().map(|(i, l)| format!("{i}\n00:00:0{i},000 --> 00:00:0{i},500\n{l}\n\n")).collect();
            let cues = parse_subtitles(&text);
            prop_assert_eq!(parse_subtitles(&write_vtt(&cues, 0, u64::MAX, 0)).len(), cues.len());
        }
    }
}
