//! Documents of a lesson in the office: what there is, adding, taking out.

use crate::base::LessonId;
use crate::people::Rights;
use crate::portal::reply::Reply;
use crate::portal::state::Portal;
use crate::portal::views::{DocumentView, Menu, OfficeDocuments, PageContext};

use super::lessons::ROOM;
use super::request::{Form, OfficeRequest};
use super::sites::done;
use super::terminals::to_the_end;
use super::{Answer, Refusal, Visitor, html};

/// What the audit log calls it when a document is taken out.
const REMOVED: &str = "attachment-removed";

impl Portal {
    pub(super) fn lesson_documents(
        &self,
        ctx: &PageContext<'_>,
        visitor: &Visitor,
        rights: &Rights<'_>,
        id: &str,
    ) -> Answer {
        let (lesson, about) = self.about_lesson(id)?;
        let page = OfficeDocuments {
            documents: self.documents_of(&lesson),
            titles: about.titles,
            may_edit: rights.edit_programmes(),
            token: visitor.secret.form_token(),
            done: done(ctx.path, visitor, &address(&lesson)),
            lesson: lesson.to_string(),
            menu: Menu::of(rights),
        };
        Ok(html(page.render(ctx)?))
    }

    /// Takes a document out, and keeps its file aside; to the end.
    pub(super) async fn remove_document(
        &self,
        request: &OfficeRequest<'_>,
        visitor: &Visitor,
        (id, form): (&str, &Form),
    ) -> Answer {
        let (lesson, _) = self.about_lesson(id)?;
        let name = form.get("name").to_owned();
        let mut entry = request.entry(Some(&visitor.account.id), REMOVED, String::new());
        (entry.subject, entry.before) = (format!("lesson/{lesson}"), name.clone());
        let (portal, back) = (self.clone(), address(&lesson));
        let made = to_the_end(async move {
            let attachments = portal.queue.attachments();
            if attachments.find(&lesson, &name).is_none() {
                return Err(Refusal::Unknown);
            }
            let line = portal.store.append_audit(entry).await?;
            let (attachments, aside) = (attachments.clone(), portal.county.load().media.join("originals"));
            portal.on_disk(move || attachments.remove(&lesson, &name, &aside.join("attachments"))).await?;
            Ok(line)
        });
        let line = made.await??;
        Ok(Reply::see_other(&format!("{back}?done={line}")))
    }

    /// The documents of a lesson, for pages.
    pub(in crate::portal) fn documents_of(&self, lesson: &LessonId) -> Vec<DocumentView> {
        let view = |a: crate::courseware::Attachment| {
            let encoded = percent_encoding::utf8_percent_encode(&a.name, percent_encoding::NON_ALPHANUMERIC);
            let href = format!("/lessons/{lesson}/files/{encoded}");
            DocumentView {
                thumbnail: a.thumbnail.then(|| format!("{href}/thumbnail?v={}", a.tag)),
                name: a.name,
                href,
                bytes: a.bytes,
                pages: a.pages,
            }
        };
        self.queue.attachments().of(lesson).into_iter().map(view).collect()
    }
}

fn address(lesson: &LessonId) -> String {
    format!("{ROOM}/{lesson}/files")
}
