//! Holds that every colour of `web/styles/tokens.css` can be read on the
//! grounds it stands on (WCAG 2.1, 1.4.3 and 1.4.11), by day, by night, and
//! for those who ask for more contrast.

use std::collections::BTreeMap;

type Colours = BTreeMap<String, [u8; 3]>;

/// Text and its grounds: 4.5:1.
const TEXT: &[(&str, &[&str])] = &[
    ("ink", &["paper", "card", "apricot-soft"]),
    ("quiet", &["paper", "card", "apricot-soft"]),
    ("link", &["paper", "card", "apricot-soft"]),
    ("live", &["paper", "card"]),
    ("good", &["paper", "card"]),
    ("on-teal", &["teal", "teal-deep"]),
    ("teal-deep", &["on-teal"]),
    ("on-apricot", &["apricot", "apricot-touched"]),
    ("apricot", &["teal-deep"]),
    ("live-on-dark", &["teal-deep"]),
    ("good-on-dark", &["teal-deep"]),
    ("on-picture", &["picture"]),
];

/// Marks and edges, which are seen and not read: 3:1.
const MARKS: &[(&str, &[&str])] =
    &[("mark", &["paper", "card", "apricot-soft"]), ("edge", &["paper", "card"])];

/// The `:root` blocks, each with what it is for, in the order of the file.
fn sets(css: &str) -> Vec<(String, Colours)> {
    let blocks = css.split(":root {").skip(1).map(|b| b.split('}').next().unwrap_or_default());
    let heads = css.split(":root {").map(|b| b.rsplit('}').next().unwrap_or_default().trim().to_owned());
    let colours = blocks.map(|block| {
        let lines = block.lines().filter_map(|l| l.trim().strip_prefix("--")?.split_once(": #"));
        lines.map(|(name, hex)| (name.to_owned(), colour(hex.trim_end_matches(';')))).collect()
    });
    heads.zip(colours).collect()
}

fn colour(hex: &str) -> [u8; 3] {
    let digit =
        |i: usize| if hex.len() == 3 { hex[i..=i].repeat(2) } else { hex[2 * i..2 * i + 2].to_owned() };
    [0, 1, 2].map(|i| u8::from_str_radix(&digit(i), 16).expect("a colour in hexadecimal"))
}

fn luminance(colour: [u8; 3]) -> f64 {
    let [r, g, b] = colour.map(|c| {
        let c = f64::from(c) / 255.0;
        if c <= 0.03928 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
    });
    0.2126 * r + 0.7152 * g + 0.0722 * b
}

fn contrast(a: [u8; 3], b: [u8; 3]) -> f64 {
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

/// What cannot be read in `colours`.
fn unreadable(set: &str, colours: &Colours) -> Vec<String> {
    let check = |pairs: &[(&str, &[&str])], least: f64| {
        let each = pairs.iter().flat_map(|(text, grounds)| grounds.iter().map(move |g| (*text, *g)));
        each.filter_map(|(text, ground)| {
            let ratio = contrast(colours[text], colours[ground]);
            (ratio < least)
                .then(|| format!("{set}: --{text} on --{ground} is {ratio:.2}:1, less than {least}"))
        })
        .collect::<Vec<_>>()
    };
    [check(TEXT, 4.5), check(MARKS, 3.0)].concat()
}

#[test]
fn every_colour_can_be_read_on_its_grounds() {
    let sets = sets(include_str!("../../web/styles/tokens.css"));
    assert_eq!(sets.len(), 4, "day, night, and both with more contrast");
    let day = &sets[0].1;
    let mut bad = Vec::new();
    for (at, (name, own)) in sets.iter().enumerate() {
        // A set says only what it changes. By night with more contrast all four apply, in their order.
        let under = if at == 3 { &sets[1..3] } else { &[] };
        let mut colours = day.clone();
        for (_, set) in under {
            colours.extend(set.clone());
        }
        colours.extend(own.clone());
        bad.extend(unreadable(if at == 0 { "by day" } else { name }, &colours));
    }
    assert!(bad.is_empty(), "\n{}\n", bad.join("\n"));
}

#[test]
fn contrast_is_that_of_the_guidelines() {
    assert!((contrast(colour("000"), colour("ffffff")) - 21.0).abs() < 1e-9);
    // The guidelines' own borderline grey on white.
    assert!((contrast(colour("767676"), colour("fff")) - 4.54).abs() < 0.01);
}
