//! Every part and state of the pages, in every language of the county.

use std::time::Duration;

use askama::Template;
use jiff::SignedDuration;

use crate::base::{ChannelId, Lang, LessonId, Titles};

use super::context::PageContext;
use super::model::{ChannelCard, ChannelStatus, LessonCard, ProgrammeKind, ProgrammeView};

/// The page of parts.
#[derive(Debug, Clone, Copy)]
pub struct DesignPage;

#[derive(Template)]
#[template(path = "office/design.html")]
struct Html<'a> {
    ctx: &'a PageContext<'a>,
    heading: String,
    colours: &'static [&'static str],
    scripts: Vec<Script<'a>>,
}

/// The parts in one language.
struct Script<'a> {
    ctx: PageContext<'a>,
    channels: Vec<ChannelCard>,
    lessons: Vec<LessonCard>,
}

/// Names of colours in `web/styles/tokens.css`; text stands in on each.
const COLOURS: &[&str] = &[
    "paper",
    "card",
    "apricot-soft",
    "apricot",
    "teal",
    "teal-deep",
    "link",
    "live",
    "good",
    "mark",
    "quiet",
];

/// A lesson that everybody has a title of; long ones on purpose.
fn everybodys() -> Titles {
    Titles::from([
        ("zh-Hans", "葡萄秋季修剪与埋土越冬"),
        ("ug-Arab", "كۈزدە ئۈزۈم تېلىنى پۇتاش ۋە كۆمۈش"),
        ("kk-Arab", "كۇزدە ٴجۇزىم بۇتاۋ جانە كومۋ"),
        ("kk-Cyrl", "Күзде жүзім бұтау және көму"),
        ("ky-Arab", "كۉزدۅ جۉزۉم بۇتوو جانا كۅمۉۉ"),
        ("ky-Cyrl", "Күздө жүзүм бутоо жана көмүү"),
        ("mn-Mong", "ᠨᠠᠮᠤᠷ ᠦᠵᠦᠮ ᠦᠨ ᠮᠣᠴᠢᠷ ᠢ ᠲᠠᠶᠢᠷᠠᠵᠤ ᠰᠢᠷᠤᠢ ᠪᠠᠷ ᠳᠠᠷᠤᠬᠤ"),
        ("en", "Autumn pruning of grape vines and covering them for winter"),
    ])
}

/// A title in one language only: elsewhere it is a fallback, marked as one.
fn somebodys(lang: &Lang) -> Titles {
    let one = if lang.primary() == "zh" {
        ("ug-Arab", "قوي تۆللىتىش")
    } else {
        ("zh-Hans", "接羔保育")
    };
    Titles::from([one])
}

impl DesignPage {
    /// The page as HTML.
    pub fn render(self, ctx: &PageContext<'_>) -> Result<String, askama::Error> {
        let scripts = ctx.languages.iter().map(|lang| Script {
            ctx: PageContext { lang, ..ctx.clone() },
            channels: channels(lang, ctx),
            lessons: lessons(lang),
        });
        let scripts = scripts.collect();
        Html { ctx, heading: ctx.t("design-title"), colours: COLOURS, scripts }.render()
    }
}

/// One channel on air, one behind its slate, one that starts.
fn channels(lang: &Lang, ctx: &PageContext<'_>) -> Vec<ChannelCard> {
    let programme = |from: i64, minutes: i64, titles: Titles, kind| {
        let start = ctx.now + SignedDuration::from_mins(from);
        ProgrammeView { start, end: start + SignedDuration::from_mins(minutes), titles, kind, lesson: None }
    };
    let states = [ChannelStatus::OnAir, ChannelStatus::Slate, ChannelStatus::Starting];
    let card = |(number, status): (u32, ChannelStatus)| {
        let id = ChannelId::new(&format!("sample-{number}")).ok()?;
        let on_air = status == ChannelStatus::OnAir;
        let starting = status == ChannelStatus::Starting;
        let next = [
            programme(18, 30, somebodys(lang), ProgrammeKind::Lesson),
            programme(48, 12, everybodys(), ProgrammeKind::Relay),
        ];
        Some(ChannelCard {
            id,
            number,
            names: everybodys(),
            lang: lang.clone(),
            now: on_air.then(|| programme(-12, 30, everybodys(), ProgrammeKind::Lesson)),
            next: if starting { Vec::new() } else { next.to_vec() },
            status,
        })
    };
    (1..).zip(states).filter_map(card).collect()
}

fn lessons(lang: &Lang) -> Vec<LessonCard> {
    let card = |titles| {
        Some(LessonCard {
            id: LessonId::new("sample").ok()?,
            titles,
            duration: Duration::from_secs(725),
            audio: vec![lang.clone()],
            subtitles: Vec::new(),
            poster: String::new(),
            storyboard: None,
            waveform: None,
            details: Default::default(),
        })
    };
    [everybodys(), somebodys(lang)].into_iter().filter_map(card).collect()
}
