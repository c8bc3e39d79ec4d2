//! Setting text on a slate in any direction of writing.
//!
//! Places are given along the line (`inline`, from where lines begin) and
//! across lines (`block`, from where the first line stands), and are turned to
//! the page here: mirrored for Arabic script, turned for vertical Mongolian.

use std::fmt::Write;

use super::xml::escape;
use crate::base::{Direction, Lang};

/// Width of the picture.
pub(super) const WIDTH: f32 = 1280.0;
/// Height of the picture.
pub(super) const HEIGHT: f32 = 720.0;

/// Which end of the text stands at its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Anchor {
    /// The text begins there.
    Start,
    /// The text ends there.
    End,
}

/// How a text looks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Look {
    pub(super) size: f32,
    pub(super) fill: &'static str,
    pub(super) bold: bool,
    pub(super) anchor: Anchor,
}

/// The page of one language.
#[derive(Debug)]
pub(super) struct Page {
    direction: Direction,
    /// Lines run down and follow one another from left to right.
    pub(super) vertical: bool,
    lang: String,
    pub(super) body: String,
}

impl Page {
    pub(super) fn new(lang: &Lang) -> Self {
        let vertical = lang.as_str().contains("Mong");
        Self { direction: lang.direction(), vertical, lang: lang.to_string(), body: String::new() }
    }

    /// Length of a line from edge to edge.
    pub(super) fn inline_length(&self) -> f32 {
        if self.vertical { HEIGHT } else { WIDTH }
    }

    /// `share` of the way across lines.
    pub(super) fn block(&self, share: f32) -> f32 {
        share * if self.vertical { WIDTH } else { HEIGHT }
    }

    /// A point of the page.
    pub(super) fn point(&self, inline: f32, block: f32) -> (f32, f32) {
        match (self.vertical, self.direction) {
            (true, _) => (block, inline),
            (false, Direction::Ltr) => (inline, block),
            (false, Direction::Rtl) => (WIDTH - inline, block),
        }
    }

    /// Sets one line of text.
    pub(super) fn text(&mut self, inline: f32, block: f32, look: Look, text: &str) {
        let (x, y) = self.point(inline, block);
        let place = if self.vertical {
            format!("transform=\"translate({x:.1} {y:.1}) rotate(90)\"")
        } else {
            format!("x=\"{x:.1}\" y=\"{y:.1}\"")
        };
        let anchor = match look.anchor {
            Anchor::Start => "start",
            Anchor::End => "end",
        };
        let weight = if look.bold { 700 } else { 400 };
        // Writing to a String cannot fail.
        let _ = writeln!(
            self.body,
            "<text {place} font-size=\"{}\" font-weight=\"{weight}\" fill=\"{}\" text-anchor=\"{anchor}\" \
             direction=\"{}\" xml:lang=\"{}\">{}</text>",
            look.size,
            look.fill,
            self.direction.as_str(),
            escape(&self.lang),
            escape(text)
        );
    }

    /// Fonts, the language's own script first.
    pub(super) fn fonts(&self) -> &'static str {
        match (self.vertical, self.direction, self.lang.starts_with("zh")) {
            (true, ..) => {
                "'Noto Sans Mongolian','Noto Sans','Noto Sans CJK SC','Noto Sans Arabic',sans-serif"
            }
            (_, Direction::Rtl, _) => {
                "'Noto Sans Arabic','Noto Naskh Arabic','Noto Sans','Noto Sans CJK SC','Noto Sans Mongolian',sans-serif"
            }
            (.., true) => {
                "'Noto Sans CJK SC','Noto Sans','Noto Sans Arabic','Noto Sans Mongolian',sans-serif"
            }
            _ => "'Noto Sans','Noto Sans CJK SC','Noto Sans Arabic','Noto Sans Mongolian',sans-serif",
        }
    }
}

/// Width of `text` in units of its size, a little on the wide side. No font is
/// at hand here; scripts differ more than fonts do.
pub(super) fn ems(text: &str) -> f32 {
    text.chars().map(em).sum()
}

fn em(c: char) -> f32 {
    match c {
        '\u{300}'..='\u{36f}' | '\u{64b}'..='\u{65f}' | '\u{180b}'..='\u{180e}' | '\u{200b}'..='\u{200f}' => {
            0.0
        }
        '\u{2e80}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{ff00}'..='\u{ff60}' | '\u{1f000}'.. => 1.0,
        '\u{600}'..='\u{6ff}' | '\u{750}'..='\u{77f}' => 0.52,
        '\u{1800}'..='\u{18af}' => 0.44,
        'A'..='Z' | '\u{410}'..='\u{42f}' => 0.72,
        '\u{400}'..='\u{52f}' => 0.64,
        ' ' | ',' | '.' | ':' | 'i' | 'l' | 'j' | '\'' => 0.32,
        _ => 0.6,
    }
}

/// The largest of `sizes` (large first) at which `text` fits `width` on one
/// line, or on two where one line would be smaller than `single`; what does
/// not fit at the smallest is cut with an ellipsis. A `single` of 0 keeps one line.
pub(super) fn fit(text: &str, width: f32, sizes: &[f32], single: f32) -> (f32, Vec<String>) {
    let mut smallest = single;
    for &size in sizes {
        smallest = size;
        if size >= single && ems(text) * size <= width {
            return (size, vec![text.to_owned()]);
        }
        if size < single {
            let (first, second) = halves(text);
            if ems(first) * size <= width && ems(second) * size <= width {
                return (size, vec![first.to_owned(), second.to_owned()]);
            }
        }
    }
    if smallest >= single {
        return (smallest, vec![cut(text, width / smallest)]);
    }
    let mut used = 0.0;
    let end = text.char_indices().find(|(_, c)| {
        used += em(*c);
        used * smallest > width
    });
    let at = end.map_or(text.len(), |(at, _)| at);
    let at = text[..at].rfind(' ').filter(|s| *s > at / 2).unwrap_or(at);
    let (first, second) = text.split_at(at);
    (smallest, vec![first.trim().to_owned(), cut(second.trim(), width / smallest)])
}

/// `text` in at most `ems` units, cut with an ellipsis where it is longer.
pub(super) fn cut(text: &str, room: f32) -> String {
    if ems(text) <= room {
        return text.to_owned();
    }
    let mut used = em('…');
    let kept: String = text
        .chars()
        .take_while(|c| {
            used += em(*c);
            used <= room
        })
        .collect();
    format!("{}…", kept.trim_end())
}

/// `text` at the break nearest its middle: a space, or between two characters
/// where it has none near.
fn halves(text: &str) -> (&str, &str) {
    let count = text.chars().count();
    let no_start = |c: char| "，。、：；！？）》」』”’…,.:;!?)".contains(c);
    let breaks = text.char_indices().enumerate().skip(1).filter(|(_, (_, c))| !no_start(*c));
    let costed = breaks.map(|(n, (at, c))| {
        let away = n.abs_diff(count / 2);
        // Between two letters of a word only where no space is near; Chinese breaks anywhere.
        let inside_word = c != ' ' && em(c) < 1.0;
        (away + if inside_word { count } else { 0 }, at)
    });
    let at = costed.min().map_or(text.len(), |(_, at)| at);
    let (first, second) = text.split_at(at);
    (first.trim_end(), second.trim_start())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SIZES: [f32; 4] = [96.0, 72.0, 56.0, 44.0];

    #[test]
    fn long_titles_shrink_then_wrap_then_end_in_an_ellipsis() {
        assert_eq!(fit("葡萄栽培技术", 1120.0, &SIZES, 72.0), (96.0, vec!["葡萄栽培技术".to_owned()]));
        let (size, lines) = fit("葡萄栽培技术与冬季埋土防寒管理要点讲座", 1120.0, &SIZES, 72.0);
        assert_eq!((size, lines.len()), (56.0, 2));
        let (size, lines) =
            fit("Winter care of grape vines in the orchards of the county", 1120.0, &SIZES, 72.0);
        assert_eq!(
            (size, lines),
            (56.0, vec!["Winter care of grape vines in".to_owned(), "the orchards of the county".to_owned()])
        );
        let (size, lines) = fit(&"葡萄".repeat(60), 1120.0, &SIZES, 72.0);
        assert_eq!((size, lines.len()), (44.0, 2));
        assert!(lines[1].ends_with('…'));
    }

    proptest! {
        #[test]
        fn every_title_fits(text in "[\\PC]{1,120}") {
            let (size, lines) = fit(text.trim(), 1120.0, &SIZES, 72.0);
            prop_assert!(lines.len() <= 2);
            for line in lines {
                prop_assert!(ems(&line) * size <= 1120.0 + 0.1, "{} at {}", line, size);
            }
        }
    }
}
