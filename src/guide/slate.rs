//! The preview slate: what comes next, legible from across a room.

use std::fmt::Write;

use super::slate_layout::{Anchor, HEIGHT, Look, Page, WIDTH, cut, fit};
use crate::base::{Lang, Titles};

const MARGIN: f32 = 84.0;
const LIGHT: &str = "#f4f8f6";
const SOFT: &str = "#b7d3cf";
const ACCENT: &str = "#f2c14e";

/// What a slate says, in one language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlateText {
    /// The language, and with it script and direction.
    pub lang: Lang,
    /// The channel's name.
    pub channel: String,
    /// What stands above the next programme; see `slate_labels`.
    pub label: String,
    /// Time (in the county's zone) and title of the next programme. None: the
    /// label alone.
    pub next: Option<(String, String)>,
    /// Time and title of those that follow; the first three are shown.
    pub later: Vec<(String, String)>,
    /// A short note, such as that the signal is lost.
    pub note: Option<String>,
}

/// The slate as an SVG of 1280 × 720.
pub fn slate_svg(s: &SlateText) -> String {
    let mut page = Page::new(&s.lang);
    header(&mut page, s);
    match &s.next {
        Some((time, title)) => {
            next(&mut page, &s.label, time, title);
            later(&mut page, &s.later);
        }
        None => label_alone(&mut page, &s.label),
    }
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{HEIGHT}\" \
         viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"{}\">\n",
        page.fonts()
    );
    svg.push_str(BACKDROP);
    svg.push_str(&page.body);
    svg.push_str("</svg>\n");
    svg
}

/// A lesson's title alone, as a picture of 1280 × 720, for a lesson that has none: in
/// `lang`, or the next best there is.
pub fn title_card(titles: &Titles, lang: &Lang) -> String {
    let (lang, title) = titles.best(lang).unwrap_or((lang, ""));
    slate_svg(&SlateText {
        lang: lang.clone(),
        channel: String::new(),
        label: title.to_owned(),
        next: None,
        later: Vec::new(),
        note: None,
    })
}

fn look(size: f32, fill: &'static str) -> Look {
    Look { size, fill, bold: false, anchor: Anchor::Start }
}

fn one_line(text: &str, width: f32, sizes: &[f32]) -> (f32, String) {
    let (size, lines) = fit(text, width, sizes, 0.0);
    (size, lines.concat())
}

fn header(page: &mut Page, s: &SlateText) {
    let block = page.block(0.145);
    let room = page.inline_length() - 2.0 * MARGIN;
    let mark = page.point(MARGIN + 5.0, if page.vertical { block + 15.0 } else { block - 15.0 });
    // Writing to a String cannot fail.
    let _ =
        writeln!(page.body, "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"9\" fill=\"{ACCENT}\"/>", mark.0, mark.1);
    // A short line holds the name alone; the note follows on a line of its own.
    let shared = s.note.is_some() && !page.vertical;
    let (for_name, for_note) = if shared { (room * 0.45, room * 0.5) } else { (room - 36.0, room) };
    let (size, name) = one_line(&s.channel, for_name, &[42.0, 36.0, 30.0]);
    page.text(MARGIN + 32.0, block, Look { bold: true, ..look(size, LIGHT) }, &name);
    if let Some(note) = &s.note {
        let (size, note) = one_line(note, for_note, &[32.0, 29.0, 26.0, 22.0]);
        let end = Look { anchor: Anchor::End, ..look(size, ACCENT) };
        let below = if page.vertical { page.block(0.06) } else { 0.0 };
        page.text(page.inline_length() - MARGIN, block + below, end, &note);
    }
}

fn next(page: &mut Page, label: &str, time: &str, title: &str) {
    let room = page.inline_length() - 2.0 * MARGIN;
    let bold = |size, fill| Look { bold: true, ..look(size, fill) };
    let block = page.block(0.325);
    let (size, label) = one_line(label, room - 230.0, &[52.0, 46.0, 40.0, 34.0]);
    page.text(MARGIN, block, bold(size, ACCENT), &label);
    let end = Look { anchor: Anchor::End, ..bold(72.0, ACCENT) };
    page.text(page.inline_length() - MARGIN, block, end, time);
    // Above the letters' heads lies the next line where lines follow to the right.
    rule(page, page.block(if page.vertical { 0.4 } else { 0.37 }));
    let (size, lines) = fit(title, room, &[100.0, 92.0, 84.0, 76.0, 70.0, 64.0, 58.0, 52.0, 46.0], 76.0);
    let (first, step) = if lines.len() == 1 { (0.555, 0.0) } else { (0.5, 1.32 * size) };
    let first = page.block(first);
    for (i, line) in lines.iter().enumerate() {
        page.text(MARGIN, first + i as f32 * step, bold(size, LIGHT), line);
    }
}

/// A hair line across the page, under the label.
fn rule(page: &mut Page, block: f32) {
    let (from, to) = (page.point(MARGIN, block), page.point(page.inline_length() - MARGIN, block));
    let _ = writeln!(
        page.body,
        "<path d=\"M{:.1} {:.1}L{:.1} {:.1}\" stroke=\"{ACCENT}\" stroke-opacity=\"0.55\" stroke-width=\"2\"/>",
        from.0, from.1, to.0, to.1
    );
}

/// Side by side; one after the other where lines run down and are short.
fn later(page: &mut Page, later: &[(String, String)]) {
    let shown = &later[..later.len().min(3)];
    let width = (page.inline_length() - 2.0 * MARGIN) / 3.0;
    for (i, (time, title)) in shown.iter().enumerate() {
        if page.vertical {
            let block = page.block(0.78 + 0.065 * i as f32);
            page.text(MARGIN, block, look(30.0, ACCENT), time);
            let room = page.inline_length() - 2.0 * MARGIN - 110.0;
            page.text(MARGIN + 110.0, block, look(30.0, LIGHT), &cut(title, room / 30.0));
            continue;
        }
        let inline = MARGIN + i as f32 * width;
        page.text(inline, page.block(0.77), look(34.0, ACCENT), time);
        let (size, lines) = fit(title, width - 36.0, &[34.0, 32.0, 30.0, 29.0, 27.0, 25.0], 30.0);
        for (n, line) in lines.iter().enumerate() {
            page.text(inline, page.block(0.833) + n as f32 * size * 1.3, look(size, SOFT), line);
        }
    }
}

fn label_alone(page: &mut Page, label: &str) {
    let room = page.inline_length() - 2.0 * MARGIN;
    let (size, lines) = fit(label, room, &[96.0, 84.0, 72.0, 60.0, 50.0], 72.0);
    for (i, line) in lines.iter().enumerate() {
        let block = page.block(0.5) + i as f32 * size * 1.35;
        page.text(MARGIN, block, Look { bold: true, ..look(size, LIGHT) }, line);
    }
}

/// Night over the mountains, and a vine along the foot: drawn once, the same
/// in every language, and dark enough that any text stands out.
const BACKDROP: &str = r##"<defs>
<linearGradient id="sky" x1="0" y1="0" x2="0.55" y2="1"><stop offset="0" stop-color="#07202f"/><stop offset="0.6" stop-color="#0b3d47"/><stop offset="1" stop-color="#10574f"/></linearGradient>
<radialGradient id="glow" cx="0.5" cy="1.02" r="0.62"><stop offset="0" stop-color="#2f8f7d" stop-opacity="0.5"/><stop offset="1" stop-color="#2f8f7d" stop-opacity="0"/></radialGradient>
<g id="leaf"><path d="M0 0C5 -9 14 -11 22 -8C20 0 12 6 0 0Z"/></g>
</defs>
<rect width="1280" height="720" fill="url(#sky)"/>
<rect width="1280" height="720" fill="url(#glow)"/>
<path d="M0 668L120 612L196 640L318 560L402 618L470 592L590 652L716 574L806 630L902 586L1010 646L1118 578L1204 628L1280 600V720H0Z" fill="#0a3440" fill-opacity="0.55"/>
<path d="M318 560L344 592L322 586L304 600L292 577ZM716 574L740 600L718 594L700 606L694 588ZM1118 578L1142 604L1120 598L1104 608L1096 592Z" fill="#cfe6e0" fill-opacity="0.16"/>
<path d="M0 700C150 646 260 676 400 684S680 648 820 676S1100 690 1280 656V720H0Z" fill="#072a33" fill-opacity="0.8"/>
<g fill="none" stroke="#f2c14e" stroke-opacity="0.45" stroke-width="2.5" stroke-linecap="round">
<path d="M-10 704C90 680 150 716 250 700S430 682 530 700S710 716 810 698S990 682 1090 700S1230 708 1290 694"/>
<path d="M250 700c10 -14 26 -12 24 -2c-2 7 -11 5 -9 -1M530 700c10 -14 26 -12 24 -2c-2 7 -11 5 -9 -1M810 698c10 -14 26 -12 24 -2c-2 7 -11 5 -9 -1M1090 700c10 -14 26 -12 24 -2c-2 7 -11 5 -9 -1"/>
</g>
<g fill="#f2c14e" fill-opacity="0.45"><use href="#leaf" x="96" y="694"/><use href="#leaf" x="176" y="704"/><use href="#leaf" x="372" y="690"/><use href="#leaf" x="452" y="690"/><use href="#leaf" x="640" y="706"/><use href="#leaf" x="724" y="707"/><use href="#leaf" x="928" y="689"/><use href="#leaf" x="1006" y="690"/><use href="#leaf" x="1180" y="703"/></g>
"##;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guide::slate_labels;

    fn a_slate(tag: &str, channel: &str, titles: [&str; 4]) -> SlateText {
        let lang = Lang::new(tag).unwrap();
        let row = |time: &str, title: &str| (time.to_owned(), title.to_owned());
        SlateText {
            label: slate_labels(&lang).0.to_owned(),
            note: None,
            channel: channel.to_owned(),
            next: Some(row("19:30", titles[0])),
            later: vec![row("20:15", titles[1]), row("21:00", titles[2]), row("22:30", titles[3])],
            lang,
        }
    }

    fn chinese() -> SlateText {
        a_slate(
            "zh-Hans",
            "乡土课堂",
            ["葡萄栽培与冬季埋土", "转播:中央台新闻", "牲畜冬季饲养管理与疫病防治", "法律讲堂"],
        )
    }

    fn uighur() -> SlateText {
        let titles = [
            "ئۈزۈم ئۆستۈرۈش ۋە قىشتا كۆمۈش تېخنىكىسى",
            "خەۋەرلەر",
            "چارۋىلارنى قىشتا بېقىش ۋە كېسەللىكلەرنىڭ ئالدىنى ئېلىش",
            "قانۇن دەرسخانىسى",
        ];
        let note = Some("سىگنال ئۈزۈلدى، پات ئارىدا ئەسلىگە كېلىدۇ".to_owned());
        SlateText { note, ..a_slate("ug-Arab", "يۇرت دەرسخانىسى", titles) }
    }

    #[test]
    fn a_slate_reads_from_its_language_s_side() {
        let svg = slate_svg(&chinese());
        assert!(svg.contains("<text x=\"84.0\"") && svg.contains("direction=\"ltr\""));
        assert!(svg.contains(">葡萄栽培与冬季埋土</text>") && svg.contains(">19:30</text>"));
        let svg = slate_svg(&uighur());
        assert!(svg.contains("<text x=\"1196.0\"") && svg.contains("direction=\"rtl\""));
        let svg = slate_svg(&a_slate("mn-Mong", "ᠨᠤᠲᠤᠭ", ["ᠬᠢᠴᠢᠶᠡᠯ", "ᠮᠡᠳᠡᠭᠡ", "ᠬᠢᠴᠢᠶᠡᠯ", "ᠬᠢᠴᠢᠶᠡᠯ"]));
        assert!(svg.contains("rotate(90)"));
    }

    #[test]
    fn nothing_said_is_markup() {
        let mut slate = chinese();
        slate.channel = "<script>&\"".to_owned();
        slate.next = Some(("<b>".to_owned(), "]]></svg>".to_owned()));
        let svg = slate_svg(&slate);
        assert!(
            svg.contains("&lt;script&gt;&amp;&quot;") && !svg.contains("<script") && !svg.contains("<b>")
        );
        assert_eq!(svg.matches("</svg>").count(), 1);
    }

    #[test]
    fn every_slate_can_be_drawn() {
        let alone = SlateText { next: None, label: "敬请收看".to_owned(), ..chinese() };
        for (name, slate) in [("zh", chinese()), ("ug", uighur()), ("alone", alone)] {
            let file = tempfile::Builder::new().suffix(".svg").tempfile().unwrap();
            std::fs::write(file.path(), slate_svg(&slate)).unwrap();
            let drawn = std::process::Command::new("rsvg-convert").arg(file.path()).output();
            match drawn {
                Ok(drawn) => assert!(drawn.status.success() && drawn.stdout.len() > 10_000, "{name}"),
                Err(e) => println!("rsvg-convert was not run: {e}"),
            }
        }
    }
}
