//! A lesson's review: its versions, what may be done to each, and its history.

use std::time::Duration;

use askama::Template;
use jiff::Timestamp;

use super::Menu;
use super::audit::did;
use crate::courseware::{Act, Stage};
use crate::portal::views::channel::PlayerParts;
use crate::portal::views::{LessonCard, PageContext};

/// A lesson that is not on offer.
#[derive(Debug, Clone)]
pub struct HeldLesson {
    /// The lesson.
    pub card: LessonCard,
    /// Where it stands.
    pub stage: Stage,
}

/// One version of a lesson.
#[derive(Debug, Clone)]
pub struct ReviewVersion {
    /// Hash of its content.
    pub content: String,
    /// Where it stands.
    pub stage: Stage,
    /// Its length.
    pub length: Duration,
    /// When it was made, or got other titles.
    pub made: Option<Timestamp>,
    /// What who looks may do.
    pub acts: Vec<Act>,
    /// Only somebody else may approve it.
    pub by_another: bool,
}

/// One line of its history.
#[derive(Debug, Clone)]
pub struct ReviewRow {
    /// When.
    pub at: Timestamp,
    /// Who; none: the server.
    pub who: Option<String>,
    /// The system that did it in his name.
    pub via: String,
    /// What, as the audit log names it.
    pub what: String,
    /// Hash of the content it was done to; empty: of none.
    pub content: String,
    /// Why; empty: nothing was said.
    pub why: String,
}

/// The review of a lesson.
#[derive(Debug, Clone)]
pub struct ReviewPage {
    /// The lesson; of several versions the first.
    pub card: LessonCard,
    /// Owner of the first version's segments.
    pub owner: String,
    /// What waits first, what is on offer last.
    pub versions: Vec<ReviewVersion>,
    /// What was done, newest first.
    pub rows: Vec<ReviewRow>,
    /// Why something was not done, in words.
    pub error: Option<String>,
    /// The reason that was typed then.
    pub why: String,
    /// The token of this visitor's forms.
    pub token: String,
    /// The office's rooms.
    pub menu: Menu,
}

#[derive(Template)]
#[template(path = "office/review.html")]
struct Html<'a> {
    page: &'a ReviewPage,
    ctx: &'a PageContext<'a>,
    heading: String,
    player: PlayerParts,
}

impl HeldLesson {
    pub(super) fn stage_key(&self) -> &'static str {
        stage_key(self.stage)
    }
}

impl ReviewVersion {
    fn short(&self) -> &str {
        short(&self.content)
    }

    fn stage_key(&self) -> &'static str {
        stage_key(self.stage)
    }

    fn made(&self, ctx: &PageContext<'_>) -> String {
        self.made.map(|at| clock(at, ctx)).unwrap_or_default()
    }

    fn asks_why(&self) -> bool {
        self.acts.iter().any(|act| act.says_why())
    }

    /// The way on, rather than back.
    fn leads_on(&self, act: &Act) -> bool {
        !act.says_why()
    }

    fn act_key(&self, act: &Act) -> &'static str {
        match act {
            Act::Submit => "review-submit",
            Act::Return => "review-return",
            Act::Approve => "review-approve",
            Act::Publish => "review-publish",
            Act::Withdraw => "review-withdraw",
        }
    }
}

impl ReviewRow {
    fn at(&self, ctx: &PageContext<'_>) -> String {
        clock(self.at, ctx)
    }

    fn said(&self, ctx: &PageContext<'_>) -> String {
        did(&self.what, ctx)
    }

    fn short(&self) -> &str {
        short(&self.content)
    }
}

impl ReviewPage {
    /// The page as HTML.
    pub fn render(&self, ctx: &PageContext<'_>) -> Result<String, askama::Error> {
        let card = &self.card;
        let source = format!("/office/watch/{}/index.m3u8", self.owner);
        let player = PlayerParts::of_lesson(card, "review", (source, String::new()), ctx);
        Html { page: self, ctx, heading: ctx.plain(&card.titles), player }.render()
    }
}

fn stage_key(stage: Stage) -> &'static str {
    match stage {
        Stage::Draft => "stage-draft",
        Stage::InReview => "stage-in-review",
        Stage::Approved => "stage-approved",
        Stage::Published => "stage-published",
        Stage::Withdrawn => "stage-withdrawn",
        Stage::Damaged => "stage-damaged",
    }
}

fn short(content: &str) -> &str {
    content.get(..8).unwrap_or(content)
}

fn clock(at: Timestamp, ctx: &PageContext<'_>) -> String {
    at.to_zoned_datetime(ctx.tz.clone()).strftime("%Y-%m-%d %H:%M").to_string()
}
