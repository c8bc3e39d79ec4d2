//! A lesson's slides as SVG, for librsvg.
//!
//! Right-to-left slides are the mirror image of left-to-right ones: text at
//! the right edge, illustration at the left.

use std::fmt::Write;

use super::content::DemoLesson;
use crate::base::{Direction, Lang};

/// Width of a slide in pixels.
pub const WIDTH: u32 = 1280;
/// Height of a slide in pixels.
pub const HEIGHT: u32 = 720;

/// Distance of the text from its edge.
const MARGIN: f64 = 84.0;
/// Width of the column of text.
const COLUMN: f64 = 690.0;

/// The picture that stands beside a lesson's text: a drawing of 520 x 520.
fn illustration(lesson: &str) -> &'static str {
    match lesson {
        "grape-pruning" => include_str!("content/grape-pruning.svg"),
        "grape-pests" => include_str!("content/grape-pests.svg"),
        "lambing" => include_str!("content/lambing.svg"),
        "pasture-rotation" => include_str!("content/pasture-rotation.svg"),
        _ => include_str!("content/safety-lecture.svg"),
    }
}

/// Slide `index` (from 0) of `lesson`: 1280 x 720. An index past the end gives
/// the last slide.
pub fn slide_svg(lesson: &DemoLesson, index: usize) -> String {
    let count = lesson.slides.len();
    let index = index.min(count.saturating_sub(1));
    let mut page = Page { lesson, out: String::new(), rtl: lesson.lang.direction() == Direction::Rtl };
    page.ground();
    page.picture();
    page.text(index);
    page.footer(index, count);
    page.out.push_str("</svg>\n");
    page.out
}

struct Page<'a> {
    lesson: &'a DemoLesson,
    out: String,
    rtl: bool,
}

impl Page<'_> {
    /// `x` measured from the edge where reading begins.
    fn x(&self, from_start: f64) -> f64 {
        if self.rtl { f64::from(WIDTH) - from_start } else { from_start }
    }

    /// Left edge of a box `width` wide whose near side lies `from_start` from
    /// the edge where reading begins.
    fn left(&self, from_start: f64, width: f64) -> f64 {
        if self.rtl { f64::from(WIDTH) - from_start - width } else { from_start }
    }

    fn push(&mut self, args: std::fmt::Arguments<'_>) {
        // Writing to a String cannot fail.
        let _ = self.out.write_fmt(args);
        self.out.push('\n');
    }

    fn ground(&mut self) {
        let p = &self.lesson.palette;
        let (from, to) = if self.rtl { (1, 0) } else { (0, 1) };
        self.push(format_args!(
            r##"<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}">
<defs><linearGradient id="ground" x1="{from}" y1="0" x2="{to}" y2="0.35"><stop offset="0.35" stop-color="{}"/><stop offset="1" stop-color="{}"/></linearGradient></defs>
<rect width="{WIDTH}" height="{HEIGHT}" fill="url(#ground)"/>"##,
            p.paper, p.shade
        ));
        // Two quiet hills under everything tie the slides of a lesson together.
        let mirror = if self.rtl {
            format!(r#" transform="translate({WIDTH} 0) scale(-1 1)""#)
        } else {
            String::new()
        };
        self.push(format_args!(
            r#"<g{mirror}><path d="M0 640C220 560 420 610 640 632S1080 520 1280 560V720H0Z" fill="{}" opacity="0.16"/>
<path d="M0 690C260 640 520 690 800 668S1140 600 1280 622V720H0Z" fill="{}" opacity="0.18"/></g>"#,
            p.leaf, p.accent
        ));
    }

    fn picture(&mut self) {
        let at = self.left(816.0, 400.0);
        let p = &self.lesson.palette;
        self.push(format_args!(
            r##"<circle cx="{0}" cy="312" r="214" fill="{1}" opacity="0.22"/><circle cx="{0}" cy="312" r="200" fill="#ffffff" opacity="0.72"/>"##,
            at + 200.0,
            p.leaf
        ));
        let drawing = illustration(self.lesson.id.as_str());
        let placed = format!(r#"<svg x="{at}" y="112" width="400" height="400" "#);
        let drawing = drawing.replacen("<svg ", &placed, 1);
        self.out.push_str(&drawing);
    }

    fn text(&mut self, index: usize) {
        let slide = &self.lesson.slides[index];
        let p = &self.lesson.palette;
        let lang = &self.lesson.lang;
        // A heading shrinks a little before it takes a second row; so do the lines.
        let size = (COLUMN / (1.1 * width(&slide.heading))).clamp(50.0, 62.0).floor();
        let heading = wrap(&slide.heading, lang, COLUMN / (1.1 * size));
        let longest = slide.lines.iter().map(|l| width(l)).fold(1.0, f64::max);
        let body = ((COLUMN - 44.0) / longest).clamp(34.0, 40.0).floor();
        let lines: Vec<_> = slide.lines.iter().map(|l| wrap(l, lang, (COLUMN - 44.0) / body)).collect();
        let rows: usize = lines.iter().map(Vec::len).sum();
        let height = 80.0 * heading.len() as f64 + 40.0 + 54.0 * rows as f64 + 18.0 * lines.len() as f64;
        let mut y = ((600.0 - height) / 2.0).max(40.0) + 70.0;
        for row in &heading {
            self.line(row, MARGIN, y, size, true, &p.ink);
            y += 80.0;
        }
        let rule = self.left(MARGIN, 132.0);
        self.push(format_args!(
            r#"<rect x="{rule}" y="{}" width="132" height="7" rx="3.5" fill="{}"/>"#,
            y - 44.0,
            p.accent
        ));
        y += 40.0;
        for line in &lines {
            let bullet = self.x(MARGIN + 11.0);
            self.push(format_args!(
                r##"<circle cx="{bullet}" cy="{0}" r="11" fill="{1}"/><circle cx="{bullet}" cy="{0}" r="4" fill="{2}"/>"##,
                y - 14.0,
                p.accent,
                p.paper
            ));
            for row in line {
                self.line(row, MARGIN + 44.0, y, body, false, &p.ink);
                y += 54.0;
            }
            y += 18.0;
        }
    }

    fn footer(&mut self, index: usize, count: usize) {
        let p = &self.lesson.palette;
        let width = f64::from(WIDTH) - 2.0 * MARGIN;
        let done = width * (index + 1) as f64 / count.max(1) as f64;
        let (track, bar) = (self.left(MARGIN, width), self.left(MARGIN, done));
        self.push(format_args!(
            r##"<rect x="{track}" y="680" width="{width}" height="6" rx="3" fill="#ffffff" opacity="0.6"/><rect x="{bar}" y="680" width="{done:.1}" height="6" rx="3" fill="{}"/>"##,
            p.accent
        ));
        if let Some((_, title)) = self.lesson.titles.best(&self.lesson.lang) {
            self.line(title, MARGIN, 660.0, 24.0, false, &p.ink);
        }
        // Digits run left to right in every script, so the number is placed
        // by its outer edge.
        let (x, anchor) = if self.rtl { (MARGIN, "start") } else { (f64::from(WIDTH) - MARGIN, "end") };
        self.push(format_args!(
            r#"<text x="{x}" y="660" text-anchor="{anchor}" font-family="Noto Sans" font-size="26" font-weight="bold" fill="{}">{}/{count}</text>"#,
            p.accent,
            index + 1
        ));
    }

    /// One row of text that begins `from_start` from the edge where reading begins.
    fn line(&mut self, text: &str, from_start: f64, y: f64, size: f64, bold: bool, fill: &str) {
        let weight = if bold { "bold" } else { "normal" };
        let (x, direction) = (self.x(from_start), if self.rtl { r#" direction="rtl""# } else { "" });
        self.push(format_args!(
            r#"<text x="{x}" y="{y}"{direction} text-anchor="start" xml:lang="{}" font-family="{}" font-size="{size}" font-weight="{weight}" fill="{fill}">{}</text>"#,
            self.lesson.lang,
            font(&self.lesson.lang),
            escape(text)
        ));
    }
}

/// Font families for the script of `lang`, the best first.
pub(super) fn font(lang: &Lang) -> &'static str {
    match (lang.primary(), lang.direction()) {
        ("zh", _) => "Noto Sans CJK SC, sans-serif",
        (_, Direction::Rtl) => "Noto Sans Arabic, Noto Sans, sans-serif",
        _ => "Noto Sans, sans-serif",
    }
}

/// `text` as XML character data.
pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Rough width of a character in ems; SVG 1.1 does not break lines by itself.
fn ems(c: char) -> f64 {
    match c {
        ' ' => 0.27,
        '\u{600}'..='\u{6ff}' => 0.52,
        '\u{400}'..='\u{52f}' => 0.61,
        '\u{2e80}'.. => 1.0,
        _ => 0.58,
    }
}

fn width(text: &str) -> f64 {
    text.trim_end().chars().map(ems).sum()
}

/// Breaks `text` into rows of at most `limit` ems: Chinese between any two
/// characters, other scripts at spaces. A word longer than a row stands alone.
fn wrap(text: &str, lang: &Lang, limit: f64) -> Vec<String> {
    let pieces: Vec<&str> = if lang.primary() == "zh" {
        text.split_inclusive(|_: char| true).collect()
    } else {
        text.split_inclusive(' ').collect()
    };
    let mut rows: Vec<String> = Vec::new();
    for piece in pieces {
        match rows.last_mut() {
            Some(row) if width(row) + width(piece) <= limit => row.push_str(piece),
            _ => rows.push(piece.to_owned()),
        }
    }
    rows.iter().map(|row| row.trim_end().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::super::content::lessons;
    use super::*;

    fn lang(tag: &str) -> Lang {
        Lang::new(tag).expect("a tag")
    }

    #[test]
    fn a_slide_shows_all_of_its_text_and_its_number() {
        for lesson in lessons() {
            for (index, slide) in lesson.slides.iter().enumerate() {
                let svg = slide_svg(&lesson, index);
                assert!(svg.contains(&format!(">{}/{}<", index + 1, lesson.slides.len())));
                let shown: String =
                    svg.split_inclusive(['<', '>']).filter_map(|p| p.strip_suffix('<')).collect();
                let bare = |s: &str| s.replace([' ', '\n'], "");
                for line in slide.lines.iter().chain([&slide.heading]) {
                    assert!(bare(&shown).contains(&bare(&escape(line))), "{line}");
                }
            }
        }
    }

    #[test]
    fn arabic_script_reads_from_the_right() {
        let all = lessons();
        let uyghur = all.iter().find(|l| l.lang == lang("ug-Arab")).expect("there is one");
        assert!(slide_svg(uyghur, 0).contains(r#"x="1196" y="#));
        let kazakh = all.iter().find(|l| l.lang == lang("kk-Cyrl")).expect("there is one");
        assert!(!slide_svg(kazakh, 0).contains("rtl"));
    }

    #[test]
    fn rows_break_where_the_script_allows() {
        assert_eq!(wrap("чөп эс алса", &lang("ky-Cyrl"), 4.5), ["чөп эс", "алса"]);
        assert_eq!(wrap("葡萄秋剪", &lang("zh-Hans"), 3.3), ["葡萄秋", "剪"]);
        assert_eq!(wrap("жайыттарыбызды", &lang("ky-Cyrl"), 2.0), ["жайыттарыбызды"]);
    }

    #[test]
    fn an_index_past_the_end_is_the_last_slide() {
        let lesson = lessons().swap_remove(0);
        assert_eq!(slide_svg(&lesson, 99), slide_svg(&lesson, lesson.slides.len() - 1));
    }
}
