//! Saying the same of several lessons.

use std::collections::BTreeMap;

use crate::base::LessonId;
use crate::hls::About;
use crate::people::Rights;
use crate::portal::reply::Reply;
use crate::portal::state::Portal;
use crate::portal::views::{Choice, ChosenLessons, Menu, PageContext};

use super::about::{LINE, NONE};
use super::catalogue::Changes;
use super::lessons::ROOM;
use super::request::{Form, OfficeRequest, clean};
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
            let topic = |value: String, label: String| Choice { chosen: value.is_empty(), value, label };
            let topics = county.topics.iter().map(|t| topic(t.id.to_string(), ctx.plain(&t.names)));
            let as_is =
                [topic(String::new(), "–".to_owned()), topic(NONE.to_owned(), ctx.t("lesson-no-topic"))];
            let page = ChosenLessons {
                lessons: self.lesson_cards(),
                topics: as_is.into_iter().chain(topics).collect(),
                done: done(ctx.path, visitor, HERE),
                token: visitor.secret.form_token(),
                menu: Menu::of(rights),
            };
            return Ok(html(page.render(ctx)?));
        };
        let said = Said::read(form);
        if !matches!(said.topic, "" | NONE) && !county.topics.iter().any(|t| t.id.as_str() == said.topic) {
            return Err(Refusal::Elsewhere);
        }
        let catalogue = self.library.catalogue();
        let chosen = form.all("lesson").take(AT_ONCE).filter_map(|id| LessonId::new(id).ok());
        let change = |id: LessonId| {
            let before = catalogue.known(&id)?.manifest.about();
            let after = said.of(before.clone());
            (after != before).then_some((id, (before, after)))
        };
        let changes: BTreeMap<LessonId, (About, About)> = chosen.filter_map(change).collect();
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

/// What is said of all of them; what is empty stays as it is.
struct Said<'f> {
    topic: &'f str,
    series: String,
    speakers: String,
    audience: String,
    licence: String,
}

impl<'f> Said<'f> {
    fn read(form: &'f Form) -> Self {
        let line = |name: &str| clean(form.get(name)).chars().take(LINE).collect::<String>();
        Self {
            topic: form.get("topic"),
            series: line("series"),
            speakers: line("speakers"),
            audience: line("audience"),
            licence: line("licence"),
        }
    }

    fn of(&self, mut about: About) -> About {
        let details = &mut about.details;
        match self.topic {
            "" => {}
            NONE => details.topic = String::new(),
            topic => details.topic = topic.to_owned(),
        }
        for (place, said) in [
            (&mut details.series, &self.series),
            (&mut details.speakers, &self.speakers),
            (&mut details.audience, &self.audience),
            (&mut details.licence, &self.licence),
        ] {
            if !said.is_empty() {
                place.clone_from(said);
            }
        }
        about
    }
}
