//! Group studies.

use std::time::Duration;

use jiff::Timestamp;

use super::{Menu, page};
use crate::base::{SiteId, Titles};
use crate::evidence::{MOST_MINUTES, MOST_PEOPLE, NotCounted, Study};
use crate::portal::i18n::text;
use crate::portal::views::PageContext;
use crate::store::StoredPaper;

/// A group study, and what was verifiably played while it ran.
#[derive(Debug, Clone)]
pub struct StudyView {
    /// Its number.
    pub id: i64,
    /// Names of its site.
    pub names: Titles,
    /// As it was written down.
    pub study: Study,
    /// L3 of the site within its span, ms.
    pub verified_ms: i64,
    /// Its newest entry in the log.
    pub entry: Option<u64>,
}

impl StudyView {
    fn verified(&self, ctx: &PageContext<'_>) -> String {
        ctx.hms(&Duration::from_millis(self.verified_ms.max(0) as u64))
    }

    /// When it was: date and times in the county.
    fn when(&self, ctx: &PageContext<'_>) -> String {
        let at = |at: &Timestamp| at.to_zoned_datetime(ctx.tz.clone());
        let start = at(&self.study.start).strftime("%Y-%m-%d %H:%M").to_string();
        match &self.study.end {
            Some(end) => format!("{start}–{}", ctx.time(end)),
            None => start,
        }
    }

    /// As a field for a date and a time takes it.
    fn end_field(&self, ctx: &PageContext<'_>) -> String {
        let end = self.study.end.map(|end| end.to_zoned_datetime(ctx.tz.clone()));
        end.map(|end| end.strftime("%Y-%m-%dT%H:%M:%S").to_string()).unwrap_or_default()
    }

    /// Key of whether it counts, and if not, why.
    fn counts_key(&self) -> &'static str {
        match self.study.lacks() {
            Some(NotCounted::Void) => "study-void",
            Some(NotCounted::Running) => "study-not-ended",
            Some(NotCounted::Topic) => "study-not-topic",
            Some(NotCounted::Organiser) => "study-not-organiser",
            Some(NotCounted::Headcount) => "study-not-headcount",
            None if self.verified_ms == 0 => "study-not-played",
            None => "study-counts",
        }
    }

    fn is_good(&self) -> bool {
        self.study.lacks().is_none() && self.verified_ms > 0
    }

    fn roster(&self) -> String {
        self.study.roster.join("\n")
    }
}

/// What is begun with.
#[derive(Debug, Clone)]
pub struct BeginStudy {
    /// What is on now.
    pub topic: String,
    /// Who is signed in.
    pub organiser: String,
    /// Sites where none is running, with their names.
    pub sites: Vec<(SiteId, String)>,
}

/// The list.
#[derive(Debug, Clone)]
pub struct StudiesPage {
    /// Those that are running, and whether they may be ended by who looks.
    pub running: Vec<(StudyView, bool)>,
    /// One may be begun.
    pub begin: Option<BeginStudy>,
    /// Those that were held, newest first.
    pub held: Vec<StudyView>,
    /// What was wrong, in words.
    pub error: Option<String>,
    /// Form token.
    pub token: String,
    /// The rooms.
    pub menu: Menu,
}

/// What somebody proposed to correct.
#[derive(Debug, Clone)]
pub struct ProposedCorrection {
    /// As it should be.
    pub study: Study,
    /// Why.
    pub reason: String,
    /// Who proposed it.
    pub by: String,
    /// Who approved it.
    pub approved_by: Option<String>,
}

impl ProposedCorrection {
    /// What is another number or text than in `now`, as rows of old and new.
    fn changes(&self, now: &Study) -> Vec<(&'static str, String, String)> {
        let number = |n: Option<u32>| n.map(|n| n.to_string()).unwrap_or_default();
        let end = |s: &Study| s.end.map(|e| e.to_string()).unwrap_or_default();
        let void = |s: &Study| if s.void { "×".to_owned() } else { String::new() };
        let (new, old) = (&self.study, now);
        let all = [
            ("study-topic", old.topic.clone(), new.topic.clone()),
            ("study-organiser", old.organiser.clone(), new.organiser.clone()),
            ("study-headcount", number(old.headcount), number(new.headcount)),
            ("study-expected", number(old.expected), number(new.expected)),
            ("study-ended-at", end(old), end(new)),
            ("study-discussion", old.discussion.to_string(), new.discussion.to_string()),
            ("study-tutoring", old.tutoring.to_string(), new.tutoring.to_string()),
            ("study-roster", old.roster.join(", "), new.roster.join(", ")),
            ("study-notes", old.notes.clone(), new.notes.clone()),
            ("study-void", void(old), void(new)),
        ];
        all.into_iter().filter(|(_, old, new)| old != new).collect()
    }
}

/// One group study.
#[derive(Debug, Clone)]
pub struct StudyPage {
    /// It.
    pub view: StudyView,
    /// A correction that waits.
    pub waiting: Option<ProposedCorrection>,
    /// Its photos and sheets.
    pub papers: Vec<StoredPaper>,
    /// Who looks may add to them.
    pub may_add: bool,
    /// Who looks may erase them.
    pub may_erase: bool,
    /// Corrections that were approved, oldest first.
    pub corrected: Vec<ProposedCorrection>,
    /// Who looks may propose one.
    pub may_correct: bool,
    /// Who looks may decide the one that waits; false: it is his own.
    pub may_decide: Option<bool>,
    /// What was wrong, in words.
    pub error: Option<String>,
    /// Form token.
    pub token: String,
    /// The rooms.
    pub menu: Menu,
}

/// Who proposed what stands, and why.
fn corrected_by(ctx: &PageContext<'_>, made: &ProposedCorrection) -> String {
    text(ctx.lang, "study-corrected", &[("name", &made.by), ("reason", &made.reason)])
}

/// Who proposes, and why.
fn proposed_by(ctx: &PageContext<'_>, made: &ProposedCorrection) -> String {
    text(ctx.lang, "study-proposed", &[("name", &made.by), ("reason", &made.reason)])
}

/// A page of this module, which borrows nothing.
macro_rules! owned {
    ($page:ident, $path:literal) => {
        const _: () = {
            use askama::Template;

            #[derive(Template)]
            #[template(path = $path)]
            struct Html<'a> {
                page: &'a $page,
                ctx: &'a PageContext<'a>,
                heading: String,
            }

            impl $page {
                /// The page as HTML.
                pub fn render(&self, ctx: &PageContext<'_>) -> Result<String, askama::Error> {
                    Html { page: self, ctx, heading: ctx.t("studies-title") }.render()
                }
            }
        };
    };
}
owned!(StudiesPage, "office/studies.html");
owned!(StudyPage, "office/study.html");

/// A group study that names somebody.
#[derive(Debug, Clone)]
pub struct PersonStudy {
    /// It.
    pub view: StudyView,
    /// As who led it: that is an office, and stays.
    pub organised: bool,
}

/// What is written of one person.
#[derive(Debug, Clone)]
pub struct PersonPage {
    /// The name that was typed; empty: none was.
    pub name: String,
    /// It as a query.
    pub query: String,
    /// Where it stands.
    pub studies: Vec<PersonStudy>,
    /// How long he studied, verified, each moment once, ms.
    pub attended_ms: i64,
    /// At one time it stands on rosters of two sites.
    pub twice: bool,
    /// Who looks may erase it.
    pub may_erase: bool,
    /// Somebody was just erased.
    pub erased: bool,
    /// Form token.
    pub token: String,
    /// The rooms.
    pub menu: Menu,
}
owned!(PersonPage, "office/person.html");

/// A site's row of figures.
#[derive(Debug, Clone)]
pub struct FigureRow {
    /// The site.
    pub site: SiteId,
    /// Its names.
    pub names: Titles,
    /// Names of its township.
    pub township: Titles,
    /// Group studies of the month that count.
    pub studies: u32,
    /// Their verified time, ms.
    pub studied_ms: i64,
    /// Mean of those who took part.
    pub people: u64,
    /// What was verifiably played in the month, ms.
    pub verified_ms: i64,
    /// What was played without a line, and is no part of it, ms.
    pub sealed_ms: i64,
    /// Verified minutes of each day of the month.
    pub days: Vec<i64>,
    /// Group studies of the year so far that count.
    pub year_studies: u32,
    /// Their verified time, ms.
    pub year_ms: i64,
    /// The standard of the year is met by now.
    pub meets: bool,
    /// What a person should look at, in words.
    pub looks: Vec<String>,
}

impl FigureRow {
    /// A share of an evening, 0 to 4: how dark a day is.
    fn shade(minutes: &i64) -> u8 {
        match *minutes {
            ..=0 => 0,
            1..=29 => 1,
            30..=59 => 2,
            60..=119 => 3,
            _ => 4,
        }
    }
}

/// Hours of so many ms, with one place.
pub fn hours(ms: &i64) -> String {
    format!("{:.1}", *ms as f64 / 3_600_000.0)
}

/// The figures of a month.
#[derive(Debug, Clone)]
pub struct FiguresPage<'a> {
    /// The month, such as `2026-11`.
    pub month: String,
    /// The one before, and the one after if it has begun.
    pub around: (String, Option<String>),
    /// The sites.
    pub rows: &'a [FigureRow],
    /// The rooms.
    pub menu: Menu,
}
page!(FiguresPage, "office/figures.html", "figures-title");

/// How many of the sites meet the standard.
fn sites_met(ctx: &PageContext<'_>, page: &FiguresPage<'_>) -> String {
    let met = page.rows.iter().filter(|row| row.meets).count().to_string();
    text(ctx.lang, "figures-sites-met", &[("count", &met), ("all", &page.rows.len().to_string())])
}
