//! `[[series]]` and `[[filler]]` of a schedule.

use jiff::civil::Date;

use super::Play;
use super::model::{Filler, What};
use super::parse::Reader;
use super::series::Series;
use crate::base::document::{At, Fields, did_you_mean};
use crate::base::{Fault, LessonId, Titles};

/// Greatest weight of a filler.
const WEIGHT: u32 = 1000;

impl Reader<'_, '_> {
    pub(super) fn all_series(&mut self, root: &Fields<'_, '_>) {
        for f in root.tables("series") {
            let id = f.required::<LessonId>("id", "a name for it, such as \"grape-course\"");
            let titles = f.optional::<Titles>("title").map(|t| t.value).unwrap_or_default();
            let lessons = f.required::<Vec<At<LessonId>>>("lessons", "its lessons in their order");
            let begins =
                f.required::<Date>("begins", "the date from which on it is counted, such as 2026-12-01");
            let again = f.or("again", false).value;
            f.close();
            let (Some(id), Some(lessons), Some(begins)) = (id, lessons, begins) else { continue };
            if self.series.iter().any(|s| s.id == id.value.as_str()) {
                self.doc.problem(id.at, Fault::Twice, format!("there is a series `{}` already", id.value));
                continue;
            }
            let Ok(midnight) = begins.value.to_zoned_datetime(self.tz.clone()) else { continue };
            let Some(Play::Lessons(lessons)) = self.lessons(lessons) else { continue };
            let begins = midnight.timestamp();
            self.series.push(Series { id: id.value.to_string(), titles, lessons, begins, again });
        }
    }

    pub(super) fn fillers(&mut self, root: &Fields<'_, '_>) -> Vec<Filler> {
        let mut fillers = Vec::new();
        for f in root.tables("filler") {
            let lesson = f.required::<LessonId>("lesson", "the lesson that fills gaps");
            let weight = f.or("weight", 1_u32);
            f.close();
            if !(1..=WEIGHT).contains(&weight.value) {
                self.doc.problem(weight.at, Fault::Range, format!("expected 1 to {WEIGHT}"));
            }
            if let Some(lesson) = lesson {
                self.not_there(&lesson);
                fillers.push(Filler { lesson: lesson.value, weight: weight.value });
            }
        }
        fillers
    }

    pub(super) fn next_of(&self, series: &At<String>, repeat: bool, episodes: u32) -> Option<What> {
        let Some(index) = self.series.iter().position(|s| s.id == series.value) else {
            let hint = did_you_mean(&series.value, self.series.iter().map(|s| s.id.as_str()));
            self.doc.problem(
                series.at,
                Fault::Unknown,
                format!("there is no series `{}`{hint}", series.value),
            );
            return None;
        };
        Some(What::Series { series: index, repeat, episodes })
    }
}
