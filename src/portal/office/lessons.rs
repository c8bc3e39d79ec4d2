//! Lessons in the office: what there is, what is being prepared, and titles.

use hyper::StatusCode;

use crate::base::{LessonId, Titles};
use crate::people::{AuditEntry, Rights};
use crate::portal::reply::Reply;
use crate::portal::state::Portal;
use crate::portal::views::{EntryPage, Field, FieldValue, Menu, OfficeLessons, PageContext};

use super::request::{Form, OfficeRequest};
use super::sites::done;
use super::terminals::to_the_end;
use super::{Answer, Refusal, Visitor, html};

/// Where lessons are.
pub(super) const ROOM: &str = "/office/lessons";
/// What the audit log calls other titles.
pub(super) const CHANGED: &str = "lesson-changed";

impl Portal {
    pub(super) async fn office_lessons(
        &self,
        ctx: &PageContext<'_>,
        visitor: &Visitor,
        rights: &Rights<'_>,
    ) -> Answer {
        let page = OfficeLessons {
            lessons: self.lesson_cards(),
            held: self.held_lessons().await?,
            packaging: self.packaging(),
            inbox: self.queue.inbox().display().to_string(),
            upload: rights.edit_programmes().then(|| visitor.secret.form_token()),
            done: done(ctx.path, visitor, ROOM),
            menu: Menu::of(rights),
        };
        Ok(html(page.render(ctx)?))
    }

    pub(super) fn office_lesson(
        &self,
        ctx: &PageContext<'_>,
        visitor: &Visitor,
        rights: &Rights<'_>,
        (id, again): (&str, Option<(&'static str, &Form)>),
    ) -> Answer {
        let (lesson, titles) = self.lesson_titles(id)?;
        let shown = again.map_or_else(|| titles.clone(), |(_, form)| form.titles_of("title", ctx.languages));
        let address = format!("{ROOM}/{lesson}");
        let on_offer = self.library.catalogue().lesson(&lesson).is_some();
        let page = EntryPage {
            heading: ctx.plain(&titles),
            text: "",
            about: lesson.to_string(),
            link: on_offer.then(|| (format!("/lessons/{lesson}"), "lesson-watch")),
            id: None,
            fields: vec![Field {
                name: "title",
                label: "lesson-titles",
                hint: "",
                value: FieldValue::names(&shown, ctx.languages),
            }],
            mark: again.map_or_else(|| told(&titles), |(_, form)| form.get("mark").to_owned()),
            error: again.map(|(key, _)| ctx.t(key)),
            problems: Vec::new(),
            remove: None,
            back: Some((format!("{address}/review"), "review-link")),
            may_edit: rights.edit_programmes(),
            button: "place-save",
            done: done(ctx.path, visitor, &address),
            action: address,
            token: visitor.secret.form_token(),
            menu: Menu::of(rights),
        };
        let status = if again.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
        Ok(html(page.render(ctx)?).with_status(status))
    }

    pub(super) async fn save_lesson(
        &self,
        request: &OfficeRequest<'_>,
        ctx: &PageContext<'_>,
        visitor: &Visitor,
        rights: &Rights<'_>,
        (id, form): (&str, &Form),
    ) -> Answer {
        let (lesson, before) = self.lesson_titles(id)?;
        let again = |key| self.office_lesson(ctx, visitor, rights, (id, Some((key, form))));
        if form.get("mark") != told(&before) {
            return again("place-stale");
        }
        let mut after = before.clone();
        after.0.retain(|lang, _| !ctx.languages.contains(lang));
        after.0.extend(form.titles_of("title", ctx.languages).0);
        if after.0.is_empty() {
            return again("name-missing");
        }
        let back = format!("{ROOM}/{lesson}");
        if after == before {
            return Ok(Reply::see_other(&back));
        }
        let entry = request.entry(Some(&visitor.account.id), CHANGED, String::new());
        match self.set_titles(lesson, (before, after), entry).await? {
            Some(line) => Ok(Reply::see_other(&format!("{back}?done={line}"))),
            None => again("place-stale"),
        }
    }

    /// Gives a lesson other titles, if it still has those it had; to the end.
    pub(super) async fn set_titles(
        &self,
        lesson: LessonId,
        (before, after): (Titles, Titles),
        mut entry: AuditEntry,
    ) -> Result<Option<i64>, Refusal> {
        entry.subject = format!("lesson/{lesson}");
        (entry.before, entry.after) = (told(&before), told(&after));
        let portal = self.clone();
        let made = to_the_end(async move {
            let _one = portal.documents.writing().await;
            if portal.library.catalogue().known(&lesson).is_none_or(|p| p.manifest.titles != before) {
                return Ok(None);
            }
            let line = portal.store.append_audit(entry).await?;
            let (library, changed) = (portal.library.clone(), std::sync::Arc::clone(&portal.documents.after));
            let written = tokio::task::spawn_blocking(move || {
                let set = library.set_titles(&lesson, &after);
                changed.lessons();
                set
            });
            match written.await {
                Ok(Ok(true)) => Ok(Some(line)),
                Ok(Ok(false)) => Ok(None),
                Ok(Err(error)) => Err(Refusal::Ours(error.to_string())),
                Err(error) => Err(Refusal::Ours(error.to_string())),
            }
        });
        made.await?
    }

    pub(super) fn lesson_titles(&self, id: &str) -> Result<(LessonId, Titles), Refusal> {
        let lesson = LessonId::new(id).map_err(|_| Refusal::Unknown)?;
        let catalogue = self.library.catalogue();
        let package = catalogue.known(&lesson).ok_or(Refusal::Unknown)?;
        Ok((lesson, package.manifest.titles.clone()))
    }
}

/// Titles as the audit log and the form carry them.
fn told(titles: &Titles) -> String {
    serde_json::to_string(titles).unwrap_or_default()
}
