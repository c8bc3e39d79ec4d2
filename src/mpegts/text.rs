//! Text of DVB service information (ETSI EN 300 468 Annex A).

use encoding_rs::{BIG5, Encoding, GBK, UTF_16BE, WINDOWS_1252};

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

/// The text in `bytes`, by the table that its first byte selects; what cannot be read
/// is a replacement character. Marks of emphasis are left out. Text of the default
/// table with bytes beyond ASCII is taken for GB 2312 where it is valid: broadcasters in
/// China send it so, without saying which table it is.
pub fn read_dvb_text(bytes: &[u8]) -> String {
    let part = |n: u8| Encoding::for_label(format!("iso-8859-{n}").as_bytes()).unwrap_or(WINDOWS_1252);
    let (table, rest) = match bytes {
        [n @ 0x01..=0x0b, rest @ ..] => (part(n + 4), rest),
        [0x10, 0, n, rest @ ..] => (part(*n), rest),
        [UCS_2, rest @ ..] => (UTF_16BE, rest),
        [0x13, rest @ ..] => (GBK, rest),
        [0x14, rest @ ..] => (BIG5, rest),
        [UTF_8, rest @ ..] => (encoding_rs::UTF_8, rest),
        // GB 2312 has none of the bytes that are marks and new lines elsewhere.
        rest if rest.iter().any(is_control) || GBK.decode_without_bom_handling(rest).1 => {
            (WINDOWS_1252, rest)
        }
        rest => (GBK, rest),
    };
    let kept: Vec<u8> = match table.is_single_byte() {
        true => {
            let line = |b: &u8| if *b == NEW_LINE { b'\n' } else { *b };
            rest.iter().map(line).filter(|b| !is_control(b)).collect()
        }
        false => rest.to_vec(),
    };
    let (text, _) = table.decode_without_bom_handling(&kept);
    let wide = |c: char| if c == NEW_LINE_WIDE { '\n' } else { c };
    text.chars().map(wide).filter(|c| !('\u{e080}'..='\u{e09f}').contains(c)).collect()
}

/// A control code of the tables of one byte (Table A.1).
fn is_control(byte: &u8) -> bool {
    (0x80..=0x9f).contains(byte)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

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
            assert_eq!(read_dvb_text(&dvb_text(name, 255)), name);
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

    #[test]
    fn tables_of_others_are_read() {
        assert_eq!(read_dvb_text(b"\x01\xb6\xe5"), "Жх");
        assert_eq!(read_dvb_text(b"\x10\x00\x06\xc7\xe4"), "ال");
        let gbk = b"\xd0\xc2\xbd\xae\xce\xc0\xca\xd3";
        assert_eq!(read_dvb_text(&[&[0x13][..], gbk].concat()), "新疆卫视");
        assert_eq!(read_dvb_text(gbk), "新疆卫视");
        for marked in [&b"\x86TV\x87 1"[..], b"\x86TV \x871"] {
            assert_eq!(read_dvb_text(marked), "TV 1");
        }
        assert_eq!(read_dvb_text(b"TV\x8aNews"), "TV\nNews");
        // A character of GBK whose first byte is a new line elsewhere.
        assert_eq!(read_dvb_text(b"\x13\x8a\x40"), GBK.decode(b"\x8a\x40").0);
        assert_eq!(read_dvb_text(b"\x11\x84\x61\xe0\x86"), "葡");
        assert_eq!(read_dvb_text(b"\x15\xff"), "\u{fffd}");
    }

    proptest! {
        #[test]
        fn any_bytes_are_some_text(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            let _ = read_dvb_text(&bytes);
        }

        #[test]
        fn it_fits_and_ends_with_a_whole_character(text in "[^\\p{Cc}\u{e080}-\u{e09f}]{0,200}", limit in 0usize..256) {
            let bytes = dvb_text(&text, limit);
            prop_assert!(bytes.len() <= limit);
            prop_assert!(text.starts_with(&read_dvb_text(&bytes)));
            if text.len() * 2 < limit {
                prop_assert_eq!(read_dvb_text(&bytes), text);
            }
        }
    }
}
