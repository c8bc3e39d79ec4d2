//! Saying the same of several lessons.

use std::collections::BTreeMap;

use crate::base::LessonId;
use crate::people::Rights;
use crate::portal::reply::Reply;
use crate::portal::state::Portal;
use crate::portal::views::{ChosenLessons, Menu, PageContext};

use super::about::Typed;
use super::catalogue::Changes;
use super::lessons::ROOM;
use super::request::{Form, OfficeRequest};
use super::sites::done;
use super::{Answer, Refusal, Visitor, html};

/// What the audit log calls it.
pub(super) const CHANGED: &str = "lessons-changed";
/// Where they are chosen.
const HERE: &str = "/office/chosen-lessons";
/// Lessons that are changed at once.
const AT_ONCE: usize = 1000;

impl Portal {
    /// The lessons to choose from, or with a form what is said of those that were.
    pub(super) async fn chosen_lessons(
        &self,
        request: &OfficeRequest<'_>,
        ctx: &PageContext<'_>,
        visitor: &Visitor,
        rights: &Rights<'_>,
        form: Option<&Form>,
    ) -> Answer {
        let county = self.county.load();
        let Some(form) = form else {
            let page = ChosenLessons {
                lessons: self.lesson_cards(),
                fields: Typed::common(ctx, &county.topics),
                done: done(ctx.path, visitor, HERE),
                token: visitor.secret.form_token(),
                menu: Menu::of(rights),
            };
            return Ok(html(page.render(ctx)?));
        };
        let catalogue = self.library.catalogue();
        let chosen = form.all("lesson").take(AT_ONCE).filter_map(|id| LessonId::new(id).ok());
        let mut changes = BTreeMap::new();
        for id in chosen {
            let Some(before) = catalogue.known(&id).map(|p| p.manifest.about()) else { continue };
            // The page offers nothing that could be wrong.
            let after = Typed::over(form, &before, ctx, &county.topics).map_err(|_| Refusal::Elsewhere)?;
            if after != before {
                changes.insert(id, (before, after));
            }
        }
        if changes.is_empty() {
            return Ok(Reply::see_other(&format!("{HERE}?not=no-lesson-chosen")));
        }
        let entry = request.entry(Some(&visitor.account.id), CHANGED, String::new());
        Ok(Reply::see_other(&match self.describe_lessons(Changes(changes), entry).await? {
            Some(line) => format!("{ROOM}?done={line}"),
            None => format!("{HERE}?not=stale"),
        }))
    }
}
