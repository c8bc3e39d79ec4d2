//! The picture a demo station broadcasts: a landscape that scrolls for ever
//! behind a badge that stands still.
//!
//! The landscape is drawn on a ring: every outline is a sum of waves that fit
//! the width a whole number of times, and whatever crosses the right edge is
//! drawn again at the left, so that its end meets its beginning.

use std::f64::consts::TAU;
use std::fmt::Write;

use super::slides::{escape, font};
use super::stations::Station;
use crate::base::Lang;

/// Width of the landscape in pixels.
pub const WIDTH: u32 = 3840;
/// Height of the landscape, and of the picture broadcast, in pixels.
pub const HEIGHT: u32 = 540;
/// Width of the picture broadcast, and of the badge, in pixels.
pub const VIEW: u32 = 960;

/// Colours of one time of day.
struct Light {
    sky: [&'static str; 3],
    orb: &'static str,
    cloud: &'static str,
    far: &'static str,
    peak: &'static str,
    shadow: &'static str,
    snow: &'static str,
    hill: &'static str,
    steppe: [&'static str; 2],
    field: &'static str,
    vine: &'static str,
    tree: [&'static str; 2],
    felt: &'static str,
}

const DAY: Light = Light {
    sky: ["#6fb6e4", "#bfe0f0", "#f3f0dc"],
    orb: "#fff3c4",
    cloud: "#ffffff",
    far: "#a9c4d8",
    peak: "#7c9ab4",
    shadow: "#5d7c99",
    snow: "#fbfdff",
    hill: "#7fa660",
    steppe: ["#a7c75c", "#7fae45"],
    field: "#b79a5b",
    vine: "#4c8534",
    tree: ["#3f7a35", "#5c9a43"],
    felt: "#fffaf0",
};

const EVENING: Light = Light {
    sky: ["#2f3f7a", "#c9688a", "#ffc27a"],
    orb: "#ffe2a0",
    cloud: "#f5a9a0",
    far: "#8f6f9c",
    peak: "#6a558a",
    shadow: "#4c3f72",
    snow: "#ffd6c9",
    hill: "#55583f",
    steppe: ["#8a7a45", "#5f6236"],
    field: "#7a5a3d",
    vine: "#3a5630",
    tree: ["#2c4a30", "#41603a"],
    felt: "#ffe9cf",
};

/// The landscape of `station`, 3840 x 540; evening light for the regional one.
pub fn panorama_svg(station: &Station) -> String {
    let light = if station.id.as_str() == "national" { &DAY } else { &EVENING };
    let mut scene = Scene { out: String::new(), light };
    scene.sky();
    scene.mountains();
    scene.steppe();
    scene.poplars();
    scene.camp();
    scene.vineyard();
    scene.out.push_str("</svg>\n");
    scene.out
}

/// Waves `(count around the ring, height, phase)` summed at `x`.
fn waves(x: f64, parts: &[(f64, f64, f64)]) -> f64 {
    parts
        .iter()
        .map(|(count, height, phase)| height * (TAU * count * x / f64::from(WIDTH) + phase).sin())
        .sum()
}

/// A number in `0.0..1.0` that looks random and is the same for equal `n`.
fn scatter(n: u32) -> f64 {
    let mixed = n.wrapping_mul(0x9e37_79b9) ^ (n.wrapping_mul(0x85eb_ca6b) >> 13);
    f64::from(mixed.wrapping_mul(0xc2b2_ae35) >> 8) / f64::from(1u32 << 24)
}

struct Scene {
    out: String,
    light: &'static Light,
}

impl Scene {
    fn push(&mut self, args: std::fmt::Arguments<'_>) {
        // Writing to a String cannot fail.
        let _ = self.out.write_fmt(args);
        self.out.push('\n');
    }

    /// Draws `shape`, which spans `reach` pixels to both sides of `x`; what
    /// crosses an edge comes in again at the other.
    fn place(&mut self, x: f64, y: f64, reach: f64, scale: f64, shape: &str) {
        let width = f64::from(WIDTH);
        for at in [x, x - width, x + width] {
            if at + reach > 0.0 && at - reach < width {
                self.push(format_args!(
                    r#"<g transform="translate({at:.1} {y:.1}) scale({scale:.2})">{shape}</g>"#
                ));
            }
        }
    }

    fn sky(&mut self) {
        let l = self.light;
        let [top, middle, low] = l.sky;
        self.push(format_args!(
            r##"<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}">
<defs><linearGradient id="sky" x1="0" y1="0" x2="0" y2="1"><stop offset="0" stop-color="{top}"/><stop offset="0.45" stop-color="{middle}"/><stop offset="0.75" stop-color="{low}"/></linearGradient>
<linearGradient id="steppe" x1="0" y1="0" x2="0" y2="1"><stop offset="0" stop-color="{0}"/><stop offset="1" stop-color="{1}"/></linearGradient>
<radialGradient id="orb"><stop offset="0" stop-color="{2}"/><stop offset="0.3" stop-color="{2}"/><stop offset="1" stop-color="{2}" stop-opacity="0"/></radialGradient></defs>
<rect width="{WIDTH}" height="{HEIGHT}" fill="url(#sky)"/>
<circle cx="2480" cy="104" r="120" fill="url(#orb)"/>"##,
            l.steppe[0], l.steppe[1], l.orb
        ));
        let cloud = format!(
            r#"<path d="M-90 18C-110 -8 -72 -26 -54 -14C-44 -46 8 -46 18 -20C44 -36 78 -14 66 6C92 2 96 26 74 26H-78C-84 26 -88 22 -90 18Z" fill="{}" opacity="0.75"/>"#,
            l.cloud
        );
        for n in 0..9u32 {
            let x = f64::from(n) * 427.0 + 160.0 * scatter(n);
            self.place(x, 46.0 + 74.0 * scatter(n + 50), 160.0, 0.6 + 0.7 * scatter(n + 90), &cloud);
        }
    }

    fn mountains(&mut self) {
        let l = self.light;
        self.outline(l.far, 8, |x| {
            226.0 + waves(x, &[(5.0, 26.0, 0.4), (11.0, 16.0, 1.0), (23.0, 7.0, 2.0)])
        });
        for n in 0..12u32 {
            // Every other peak is a low one that fills the gap before it.
            let tall = if n % 2 == 0 { 1.0 } else { 0.66 };
            let x = f64::from(n) * 320.0 + 110.0 * scatter(n + 200);
            let scale = tall * (0.9 + 0.35 * scatter(n + 230));
            let shape = peak(l, n);
            self.place(x, 372.0, 330.0 * scale, scale, &shape);
        }
        self.outline(l.hill, 12, |x| {
            346.0 + waves(x, &[(3.0, 14.0, 2.0), (7.0, 10.0, 0.3), (16.0, 4.0, 1.2)])
        });
    }

    fn steppe(&mut self) {
        self.outline("url(#steppe)", 16, |x| 384.0 + waves(x, &[(2.0, 9.0, 0.0), (5.0, 6.0, 1.4)]));
        let colour = self.light.tree[1];
        for n in 0..150u32 {
            let x = f64::from(WIDTH) * scatter(n + 400);
            let tuft = format!(
                r#"<path d="M-5 0L-8 -11M0 0V-14M5 0L8 -10" stroke="{colour}" stroke-width="2.4" stroke-linecap="round" opacity="0.6"/>"#
            );
            self.place(x, 408.0 + 120.0 * scatter(n + 600), 12.0, 0.6 + 0.6 * scatter(n + 800), &tuft);
        }
    }

    fn poplars(&mut self) {
        let [dark, bright] = self.light.tree;
        for (group, start) in [(0u32, 640.0), (1, 1830.0), (2, 3050.0)] {
            for n in 0..9u32 {
                let x = start + f64::from(n) * 27.0;
                let tree = format!(
                    r##"<rect x="-2.5" y="-18" width="5" height="20" fill="#5b4630"/><path d="M0 -112C17 -78 18 -34 0 -12C-18 -34 -17 -78 0 -112Z" fill="{dark}"/><path d="M0 -112C17 -78 18 -34 0 -12C6 -46 6 -80 0 -112Z" fill="{bright}"/>"##
                );
                self.place(x, 410.0, 30.0, 0.84 + 0.4 * scatter(group * 20 + n), &tree);
            }
        }
    }

    fn camp(&mut self) {
        let yurt = yurt(self.light);
        for (x, y, scale) in [
            (140.0, 428.0, 1.0),
            (276.0, 446.0, 1.25),
            (1480.0, 430.0, 1.05),
            (2660.0, 436.0, 1.15),
            (2800.0, 424.0, 0.85),
        ] {
            self.place(x, y, 120.0, scale, &yurt);
        }
        let felt = self.light.felt;
        let sheep = format!(
            r##"<path d="M-9 6V14M8 6V14" stroke="#33261c" stroke-width="3"/><ellipse rx="17" ry="11" fill="{felt}"/><ellipse cx="-17" cy="-3" rx="6" ry="7" fill="#33261c"/>"##
        );
        for (flock, centre) in [(0u32, 420.0), (1, 1640.0), (2, 2960.0)] {
            for n in 0..8u32 {
                let key = 900 + flock * 30 + n;
                self.place(
                    centre + 260.0 * scatter(key),
                    432.0 + 56.0 * scatter(key + 300),
                    40.0,
                    0.8,
                    &sheep,
                );
            }
        }
    }

    /// Rows of vines on their posts, drawn as a field seen from one end.
    fn vineyard(&mut self) {
        let l = self.light;
        let mut field = format!(r#"<path d="M-150 0H150L260 120H-260Z" fill="{}"/>"#, l.field);
        for row in -4..=4i32 {
            let (top, low) = (f64::from(row) * 34.0, f64::from(row) * 60.0);
            let _ = write!(
                field,
                r##"<path d="M{top} 2L{low} 118" stroke="{0}" stroke-width="15" stroke-linecap="round" stroke-dasharray="1 13"/><path d="M{top} -3L{low} 110" stroke="{0}" stroke-width="7" stroke-linecap="round"/>"##,
                l.vine
            );
            for step in 0..3u32 {
                let t = 0.25 + 0.32 * f64::from(step);
                let (x, y) = (top + (low - top) * t, 2.0 + 112.0 * t);
                let _ = write!(
                    field,
                    r##"<circle cx="{:.1}" cy="{:.1}" r="4" fill="#6b3fa0"/><circle cx="{:.1}" cy="{:.1}" r="4" fill="#7d50b0"/>"##,
                    x + 8.0,
                    y,
                    x + 11.0,
                    y + 6.0
                );
            }
        }
        for x in [1010.0, 2230.0, 3560.0] {
            self.place(x, 424.0, 270.0, 1.0, &field);
        }
    }

    /// Ground from a ring-shaped outline down to the lower edge.
    fn outline(&mut self, fill: &str, step: usize, y: impl Fn(f64) -> f64) {
        let mut path = format!("M0 {HEIGHT}");
        for x in (0..=WIDTH).step_by(step) {
            let _ = write!(path, "L{x} {:.1}", y(f64::from(x)));
        }
        self.push(format_args!(r#"<path d="{path}L{WIDTH} {HEIGHT}Z" fill="{fill}"/>"#));
    }
}

/// One snowy mountain, its foot at the origin, 300 to both sides.
fn peak(l: &Light, n: u32) -> String {
    let lean = 60.0 * scatter(n + 700) - 30.0;
    let top = -260.0;
    format!(
        r#"<path d="M-320 0L-210 -88L-168 -84L-84 -182L-58 -180L{lean:.0} {top}L62 -190L96 -186L178 -96L214 -98L320 0Z" fill="{}"/>
<path d="M{lean:.0} {top}L62 -190L96 -186L178 -96L214 -98L320 0H90L40 -70L66 -112L12 -168Z" fill="{}" opacity="0.75"/>
<path d="M-84 -182L-58 -180L{lean:.0} {top}L62 -190L96 -186L112 -168L76 -160L52 -134L30 -168L4 -128L-24 -162L-50 -136L-66 -166L-104 -159Z" fill="{}"/>
<path d="M{lean:.0} {top}L62 -190L96 -186L112 -168L76 -160L52 -134L30 -168L12 -168Z" fill="{}" opacity="0.28"/>"#,
        l.peak, l.shadow, l.snow, l.shadow
    )
}

/// A felt tent, its floor at the origin.
fn yurt(l: &Light) -> String {
    format!(
        r##"<ellipse cx="6" cy="2" rx="74" ry="9" fill="#000000" opacity="0.16"/>
<path d="M-60 0V-40H60V0Z" fill="{0}"/><path d="M-66 -38C-48 -66 -22 -80 -14 -84H14C22 -80 48 -66 66 -38Z" fill="{0}"/>
<path d="M0 -84H14C22 -80 48 -66 66 -38H60V0H12Z" fill="#000000" opacity="0.08"/>
<path d="M-66 -38H66V-29H-66Z" fill="#b3332a"/><path d="M-60 -29l10 9l10 -9l10 9l10 -9l10 9l10 -9l10 9l10 -9l10 9l10 -9l10 9l10 -9" fill="none" stroke="#b3332a" stroke-width="3"/>
<path d="M-14 -84C-8 -93 8 -93 14 -84Z" fill="#8a5a34"/><path d="M-40 -62L-18 -42M40 -62L18 -42M-20 -76L0 -44L20 -76" fill="none" stroke="#b3332a" stroke-width="3" opacity="0.7"/>
<rect x="-14" y="-34" width="28" height="34" rx="3" fill="#2f7d86"/><path d="M0 -34V0" stroke="#1d565d" stroke-width="2"/>"##,
        l.felt
    )
}

/// The transparent overlay of `station`, 960 x 540: its name plate, and the
/// mark that says that this is no real broadcast. The upper right corner is
/// left to the broadcaster's clock.
pub fn badge_svg(station: &Station) -> String {
    let name = |tag: &str| {
        let lang = Lang::new(tag).ok()?;
        let text = station.names.0.get(&lang)?;
        Some((escape(text), font(&lang)))
    };
    let (zh, zh_font) = name("zh-Hans").unwrap_or_default();
    let (ug, ug_font) = name("ug-Arab").unwrap_or_default();
    let colour = &station.colour;
    format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" width="{VIEW}" height="{HEIGHT}" viewBox="0 0 {VIEW} {HEIGHT}">
<g><rect x="36" y="28" width="336" height="92" rx="16" fill="#10202c" opacity="0.66"/>
<path d="M52 28H110V120H52C43 120 36 113 36 104V44C36 35 43 28 52 28Z" fill="{colour}"/>
<g fill="none" stroke="#ffffff" stroke-width="6" stroke-linecap="round"><path d="M73 92V66M73 92L61 104M73 92L85 104"/><path d="M59 74C53 66 53 56 59 48M87 74C93 66 93 56 87 48" stroke-width="5"/></g><circle cx="73" cy="60" r="7" fill="#ffffff"/>
<text x="126" y="68" font-family="{zh_font}" font-weight="bold" font-size="34" fill="#ffffff">{zh}</text>
<text x="358" y="104" direction="rtl" text-anchor="start" xml:lang="ug-Arab" font-family="{ug_font}" font-size="16" fill="#ffffff">{ug}</text></g>
<g transform="translate(0 48)"><rect x="706" y="28" width="218" height="44" rx="22" fill="#10202c" opacity="0.66"/><circle cx="732" cy="50" r="8" fill="#ff4d3d"/>
<text x="750" y="58" font-family="Noto Sans CJK SC" font-weight="bold" font-size="22" fill="#ffffff">演示信号 DEMO</text></g>
</svg>
"##
    )
}

#[cfg(test)]
mod tests {
    use super::super::stations::stations;
    use super::*;

    #[test]
    fn outlines_end_where_they_begin() {
        let parts = [(5.0, 26.0, 0.4), (11.0, 16.0, 1.0)];
        assert!((waves(0.0, &parts) - waves(f64::from(WIDTH), &parts)).abs() < 1e-6);
    }

    #[test]
    fn what_leaves_at_the_right_comes_in_at_the_left() {
        let mut scene = Scene { out: String::new(), light: &DAY };
        scene.place(3800.0, 0.0, 100.0, 1.0, "x");
        assert!(scene.out.contains("translate(3800.0 ") && scene.out.contains("translate(-40.0 "));
        scene.out.clear();
        scene.place(2000.0, 0.0, 100.0, 1.0, "x");
        assert_eq!(scene.out.matches("<g ").count(), 1);
    }

    #[test]
    fn the_two_stations_look_different_and_say_that_they_are_a_demo() {
        let [national, regional] = stations();
        assert_ne!(panorama_svg(&national), panorama_svg(&regional));
        assert!(badge_svg(&national).contains("DEMO") && badge_svg(&national).contains("国家远教台"));
        assert_eq!(panorama_svg(&national), panorama_svg(&national));
    }
}
