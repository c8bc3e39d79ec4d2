//! Text of DVB service information (ETSI EN 300 468 Annex A).

/// Selects ISO/IEC 10646 BMP, two bytes a character (Table A.3).
const UCS_2: u8 = 0x11;
/// Selects UTF-8 (Table A.3).
const UTF_8: u8 = 0x15;
/// CR/LF in tables of one byte (Table A.1).
const NEW_LINE: u8 = 0x8a;
/// CR/LF in tables of two bytes (Table A.2), and in UTF-8.
const NEW_LINE_WIDE: char = '\u{e08a}';

/// `text` in at most `limit` bytes, cut after a whole character: ASCII in the
/// default table, text of the Basic Multilingual Plane as UCS-2, the rest as
/// UTF-8. New lines are kept; other control characters become spaces.
pub fn dvb_text(text: &str, limit: usize) -> Vec<u8> {
    let plain = |c: char| if c.is_control() && c != '\n' { ' ' } else { c };
    let wide = |c: char| if c == '\n' { NEW_LINE_WIDE } else { plain(c) };
    if text.is_ascii() {
        let narrow = |c: char| if c == '\n' { NEW_LINE } else { plain(c) as u8 };
        return text.chars().map(narrow).take(limit).collect();
    }
    let bmp = text.chars().all(|c| u32::from(c) <= 0xffff);
    let mut out = Vec::with_capacity(limit.min(1 + text.len() * 2));
    if limit == 0 {
        return out;
    }
    out.push(if bmp { UCS_2 } else { UTF_8 });
    let mut buffer = [0; 4];
    for c in text.chars().map(wide) {
        let bytes: &[u8] = match bmp {
            true => &(u32::from(c) as u16).to_be_bytes(),
            false => c.encode_utf8(&mut buffer).as_bytes(),
        };
        if out.len() + bytes.len() > limit {
            break;
        }
        out.extend_from_slice(bytes);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The reverse, by the standard's tables.
    fn read(bytes: &[u8]) -> String {
        match bytes {
            [UCS_2, rest @ ..] => {
                assert!(rest.len().is_multiple_of(2), "whole characters");
                let units: Vec<u16> = rest.chunks(2).map(|c| u16::from_be_bytes([c[0], c[1]])).collect();
                String::from_utf16(&units).unwrap()
            }
            [UTF_8, rest @ ..] => String::from_utf8(rest.to_vec()).unwrap(),
            rest => rest.iter().map(|b| char::from(*b)).collect(),
        }
    }

    #[test]
    fn every_language_comes_through() {
        let names = [
            "ᠨᠠᠮᠤᠷ ᠦᠵᠦᠮ",
            "ئۈزۈمنى كۈزدە پۇتاش",
            "Жүзімді күзде кесу",
            "Жүзүмдү күздө кесүү",
            "葡萄秋季修剪",
            "Grapes in $ & ~",
            "葡萄 𠀀",
        ];
        for name in names {
            assert_eq!(read(&dvb_text(name, 255)), name);
        }
    }

    #[test]
    fn the_tables_are_selected() {
        assert_eq!(dvb_text("TV 1\n", 9), b"TV 1\x8a");
        assert_eq!(dvb_text("a葡", 9), [0x11, 0, b'a', 0x84, 0x61]);
        assert_eq!(dvb_text("a\n葡", 9)[3..5], [0xe0, 0x8a]);
        assert_eq!(dvb_text("𠀀", 9), [0x15, 0xf0, 0xa0, 0x80, 0x80]);
        assert_eq!(dvb_text("\t\u{7f}", 9), b"  ");
        assert!(dvb_text("", 9).is_empty());
    }

    proptest! {
        #[test]
        fn it_fits_and_ends_with_a_whole_character(text in "[^\\p{Cc}\u{e08a}]{0,200}", limit in 0usize..256) {
            let bytes = dvb_text(&text, limit);
            prop_assert!(bytes.len() <= limit);
            prop_assert!(text.starts_with(&read(&bytes)));
            if text.len() * 2 < limit {
                prop_assert_eq!(read(&bytes), text);
            }
        }
    }
}
