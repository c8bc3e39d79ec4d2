//! The demo's lessons: what their slides show and what is said over each.
//!
//! A lesson is one TOML file under `content/`, embedded in the binary, with an
//! illustration of the same name beside it, so that wording and drawing can be
//! corrected without reading Rust.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde::Deserialize;

use crate::base::{Lang, LessonId, Titles};
use crate::hls::Details;

/// One lesson of the demo county.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DemoLesson {
    /// Its identifier.
    pub id: LessonId,
    /// The language its slides are written in.
    pub lang: Lang,
    /// Audio languages, the default first. Every slide has speech in each.
    pub audio: Vec<Lang>,
    /// Subtitle languages. Every slide has a text in each.
    pub subtitles: Vec<Lang>,
    /// Its titles.
    #[serde(rename = "title")]
    pub titles: Titles,
    /// What else is known of it.
    #[serde(default)]
    pub about: Details,
    /// Its colours.
    pub palette: Palette,
    /// Its slides in order.
    #[serde(rename = "slide")]
    pub slides: Vec<Slide>,
}

/// A lesson's colours, each an SVG colour.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Palette {
    /// The ground.
    pub paper: String,
    /// The ground's darker part, behind the illustration.
    pub shade: String,
    /// Text.
    pub ink: String,
    /// Bullets, rules and the progress bar.
    pub accent: String,
    /// A second accent.
    pub leaf: String,
}

/// One slide.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Slide {
    /// How long it stands; at least a second longer than any speech over it,
    /// spoken at [`espeak_pace`].
    pub seconds: u32,
    /// Its heading.
    pub heading: String,
    /// Its points, 2 to 4 short lines.
    pub lines: Vec<String>,
    /// What the speaker says, by audio language.
    pub speech: BTreeMap<Lang, String>,
    /// Subtitles that differ from the speech or translate it, by language.
    #[serde(default)]
    pub caption: BTreeMap<Lang, String>,
}

const FILES: [&str; 5] = [
    include_str!("content/grape-pruning.toml"),
    include_str!("content/grape-pests.toml"),
    include_str!("content/lambing.toml"),
    include_str!("content/pasture-rotation.toml"),
    include_str!("content/safety-lecture.toml"),
];

/// Every lesson, in the order the demo schedule plays them.
pub fn lessons() -> Vec<DemoLesson> {
    FILES.iter().map(|text| toml::from_str(text).expect("embedded lessons are checked by tests")).collect()
}

/// The espeak-ng voice (`-v`) that reads `lang` as this county writes it.
/// None: espeak-ng cannot read that script.
pub fn espeak_voice(lang: &Lang) -> Option<&'static str> {
    match lang.as_str() {
        // The plain `cmn` voice reads its own pinyin aloud as English letters.
        "zh-Hans" => Some("cmn-latn-pinyin"),
        "ug-Arab" => Some("ug"),
        "kk-Cyrl" => Some("kk"),
        "ky-Cyrl" => Some("ky"),
        "en" => Some("en-gb"),
        _ => None,
    }
}

/// The pace (`-s`, words per minute) at which `lang` is pleasant to follow;
/// slides are timed for it.
pub fn espeak_pace(lang: &Lang) -> u32 {
    if lang.primary() == "zh" { 180 } else { 150 }
}

impl Slide {
    /// The subtitle in `lang`: the caption, else the words spoken.
    pub fn subtitle(&self, lang: &Lang) -> Option<&str> {
        self.caption.get(lang).or_else(|| self.speech.get(lang)).map(String::as_str)
    }
}

impl DemoLesson {
    /// Length of the whole lesson.
    pub fn seconds(&self) -> u32 {
        self.slides.iter().map(|s| s.seconds).sum()
    }

    /// The instants at which slides change, from 0, in seconds.
    pub fn starts(&self) -> Vec<u32> {
        self.slides
            .iter()
            .scan(0, |at, slide| {
                let start = *at;
                *at += slide.seconds;
                Some(start)
            })
            .collect()
    }

    /// The subtitles in `lang` as SubRip; slides without a text are silent.
    ///
    /// A slide's text is shown sentence by sentence, each for a share of the
    /// slide's time by its length, as long paragraphs do not fit a picture.
    pub fn srt(&self, lang: &Lang) -> String {
        let mut out = String::new();
        let mut number = 0;
        for (slide, start) in self.slides.iter().zip(self.starts()) {
            let parts = slide.subtitle(lang).map(sentences).unwrap_or_default();
            let length = |text: &str| text.chars().count() as u64;
            let whole: u64 = parts.iter().map(|p| length(p)).sum();
            // Speech begins half a second into its slide and ends before the slide does.
            let (open, span) = (u64::from(start) * 1000 + 400, u64::from(slide.seconds) * 1000 - 800);
            let mut said = 0;
            for part in parts {
                let from = open + span * said / whole;
                said += length(part);
                let to = open + span * said / whole;
                number += 1;
                // Writing to a String cannot fail.
                let _ = write!(out, "{number}\n{} --> {}\n{part}\n\n", srt_time(from), srt_time(to));
            }
        }
        out
    }
}

/// `text` cut after each sentence end of the scripts in use.
fn sentences(text: &str) -> Vec<&str> {
    text.split_inclusive(['。', '！', '？', '.', '!', '؟', '?'])
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .collect()
}

fn srt_time(ms: u64) -> String {
    let (s, ms) = (ms / 1000, ms % 1000);
    format!("{:02}:{:02}:{:02},{ms:03}", s / 3600, s / 60 % 60, s % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lang(tag: &str) -> Lang {
        Lang::new(tag).expect("a tag")
    }

    #[test]
    fn every_lesson_can_be_shown_spoken_and_subtitled() {
        let all = lessons();
        assert_eq!(all.len(), 5);
        for lesson in &all {
            assert!((60..=100).contains(&lesson.seconds()), "{}: {} s", lesson.id, lesson.seconds());
            assert!((6..=10).contains(&lesson.slides.len()), "{}", lesson.id);
            assert!(lesson.titles.0.contains_key(&lesson.lang), "{}", lesson.id);
            assert!(lesson.audio.iter().all(|l| espeak_voice(l).is_some()), "{}", lesson.id);
            for slide in &lesson.slides {
                assert!((2..=4).contains(&slide.lines.len()), "{}: {}", lesson.id, slide.heading);
                assert_eq!(slide.speech.len(), lesson.audio.len(), "{}", slide.heading);
                assert!(lesson.audio.iter().all(|l| slide.speech.contains_key(l)), "{}", slide.heading);
                assert!(lesson.subtitles.iter().all(|l| slide.subtitle(l).is_some()), "{}", slide.heading);
            }
        }
    }

    #[test]
    fn the_mandarin_voice_is_given_nothing_it_would_spell_in_english() {
        for lesson in lessons() {
            for text in lesson.slides.iter().filter_map(|s| s.speech.get(&lang("zh-Hans"))) {
                assert!(!text.chars().any(|c| c.is_ascii_alphanumeric()), "{text}");
            }
        }
    }

    #[test]
    fn subtitles_follow_the_slides() {
        let lesson = lessons().swap_remove(0);
        let srt = lesson.srt(&lang("zh-Hans"));
        assert!(srt.starts_with("1\n00:00:00,400 --> 00:00:0"), "{srt}");
        let second = format!("00:00:{:02},400 --> ", lesson.slides[0].seconds);
        assert!(srt.contains(&second), "no cue at the second slide's start:\n{srt}");
        assert_eq!(srt.matches(" --> ").count(), srt.split("\n\n").filter(|c| !c.is_empty()).count());
        assert_eq!(lesson.srt(&lang("mn-Mong")), "");
    }

    #[test]
    fn cues_never_overlap_and_end_within_the_lesson() {
        for lesson in lessons() {
            for l in &lesson.subtitles {
                let srt = lesson.srt(l);
                let mut last = String::new();
                for line in srt.lines().filter(|line| line.contains(" --> ")) {
                    let (from, to) = line.split_once(" --> ").expect("a cue line");
                    assert!(last.as_str() <= from && from < to, "{}: {line} after {last}", lesson.id);
                    last = to.to_owned();
                }
                assert!(last <= srt_time(u64::from(lesson.seconds()) * 1000), "{}", lesson.id);
            }
        }
    }
}
