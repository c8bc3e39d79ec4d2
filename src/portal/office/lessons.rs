//! Lessons in the office: what there is, what is being prepared, what is said of each; deleting one.

use hyper::StatusCode;

use crate::base::LessonId;
use crate::config::Channel;
use crate::courseware::{Hold, LibraryError};
use crate::hls::About;
use crate::people::{AuditEntry, Rights};
use crate::portal::reply::Reply;
use crate::portal::state::Portal;
use crate::portal::views::{EntryPage, Menu, OfficeLessons, PageContext};

use super::about::Typed;
use super::request::{Form, OfficeRequest};
use super::sites::done;
use super::terminals::to_the_end;
use super::{Answer, Refusal, Visitor, html};

/// Where lessons are.
pub(super) const ROOM: &str = "/office/lessons";
/// What the audit log calls it when something else is said of a lesson.
pub(super) const CHANGED: &str = "lesson-changed";
/// And when it is deleted.
pub(super) const REMOVED: &str = "lesson-removed";
/// A lesson that is to be played within this time is not deleted.
const AHEAD: jiff::SignedDuration = jiff::SignedDuration::from_hours(24 * 28);

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
            waiting: self.queue.waiting().to_vec(),
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
        (id, again): (&str, Option<(String, &Form)>),
    ) -> Answer {
        let (lesson, about) = self.about_lesson(id)?;
        let county = self.county.load();
        let form = again.as_ref().map(|(_, form)| *form);
        let shown = form.map_or_else(|| Typed::of(&about), |form| Typed::read(form, ctx));
        let address = format!("{ROOM}/{lesson}");
        let on_offer = self.library.catalogue().lesson(&lesson).is_some();
        let is_again = again.is_some();
        let page = EntryPage {
            heading: ctx.plain(&about.titles),
            text: "",
            about: lesson.to_string(),
            links: on_offer
                .then(|| (format!("/lessons/{lesson}"), "lesson-watch"))
                .into_iter()
                .chain([(format!("{address}/files"), "documents-title")])
                .collect(),
            id: None,
            fields: shown.fields(ctx, &county.topics),
            mark: form.map_or_else(|| told(&about), |form| form.get("mark").to_owned()),
            error: again.map(|(error, _)| error),
            problems: Vec::new(),
            remove: rights.edit_programmes().then(|| format!("{address}/remove")),
            back: Some((format!("{address}/review"), "review-link")),
            may_edit: rights.edit_programmes(),
            button: "place-save",
            done: done(ctx.path, visitor, &address),
            action: address,
            token: visitor.secret.form_token(),
            menu: Menu::of(rights),
        };
        let status = if is_again { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
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
        let (lesson, before) = self.about_lesson(id)?;
        let again = |key| self.office_lesson(ctx, visitor, rights, (id, Some((ctx.t(key), form))));
        if form.get("mark") != told(&before) {
            return again("place-stale");
        }
        let after = match Typed::read(form, ctx).about(&before, ctx, &self.county.load().topics) {
            Ok(after) => after,
            Err(key) => return again(key),
        };
        let back = format!("{ROOM}/{lesson}");
        if after == before {
            return Ok(Reply::see_other(&back));
        }
        let entry = request.entry(Some(&visitor.account.id), CHANGED, String::new());
        match self.describe_lesson(lesson, (before, after), entry).await? {
            Some(line) => Ok(Reply::see_other(&format!("{back}?done={line}"))),
            None => again("place-stale"),
        }
    }

    /// Says something else of a lesson, if what is known is still what it was; to the end.
    pub(super) async fn describe_lesson(
        &self,
        lesson: LessonId,
        (before, after): (About, About),
        mut entry: AuditEntry,
    ) -> Result<Option<i64>, Refusal> {
        entry.subject = format!("lesson/{lesson}");
        (entry.before, entry.after) = (told(&before), told(&after));
        let portal = self.clone();
        let made = to_the_end(async move {
            let _one = portal.documents.writing().await;
            if portal.library.catalogue().known(&lesson).is_none_or(|p| p.manifest.about() != before) {
                return Ok(None);
            }
            let line = portal.store.append_audit(entry).await?;
            let library = portal.library.clone();
            let written = portal.on_disk(move || library.describe(&[(lesson, after)].into())).await?;
            Ok(written.then_some(line))
        });
        made.await?
    }

    /// Takes a lesson out of the library, if no schedule has it; to the end.
    pub(super) async fn remove_lesson(
        &self,
        request: &OfficeRequest<'_>,
        ctx: &PageContext<'_>,
        visitor: &Visitor,
        rights: &Rights<'_>,
        (id, form): (&str, &Form),
    ) -> Answer {
        let (lesson, about) = self.about_lesson(id)?;
        let scheduled = self.schedules_with(&lesson, ctx);
        if !scheduled.is_empty() {
            let error = ctx.t1("lesson-scheduled", "names", scheduled.join(" · "));
            return self.office_lesson(ctx, visitor, rights, (id, Some((error, form))));
        }
        let mut entry = request.entry(Some(&visitor.account.id), REMOVED, String::new());
        entry.subject = format!("lesson/{lesson}");
        let portal = self.clone();
        let made = to_the_end(async move {
            let _one = portal.documents.writing().await;
            let catalogue = portal.library.catalogue();
            let Some(package) = catalogue.known(&lesson) else { return Err(Refusal::Unknown) };
            // What evidence refers to can be found here when its media are gone.
            let (content, source) = (&package.manifest.content_hash, &package.manifest.source_sha256);
            let waiting = matches!(package.held, Some((_, Hold::Waiting)));
            let gone = Gone { about, content: content.clone(), source: source.clone(), waiting };
            entry.before = serde_json::to_string(&gone).map_err(|e| Refusal::Ours(e.to_string()))?;
            let line = portal.store.append_audit(entry).await?;
            let library = portal.library.clone();
            portal.on_disk(move || library.remove(&lesson)).await?;
            Ok(line)
        });
        let line = made.await??;
        Ok(Reply::see_other(&format!("{ROOM}?done={line}")))
    }

    /// Puts a lesson back that was taken out, if its package is still there and no other has its
    /// name; `entry` is for the audit log.
    pub(super) async fn restore_lesson(
        &self,
        removed: &AuditEntry,
        mut entry: AuditEntry,
    ) -> Result<Option<i64>, Refusal> {
        let id = removed.subject.strip_prefix("lesson/").and_then(|id| LessonId::new(id).ok());
        let lesson = id.ok_or(Refusal::Unknown)?;
        let gone: Gone = serde_json::from_str(&removed.before).map_err(|e| Refusal::Ours(e.to_string()))?;
        entry.subject = removed.subject.clone();
        entry.after = serde_json::json!({ "content": gone.content }).to_string();
        let portal = self.clone();
        let made = to_the_end(async move {
            let _one = portal.documents.writing().await;
            let library = portal.library.clone();
            match portal.on_disk(move || library.restore(&lesson, &gone.content, gone.waiting)).await? {
                true => Ok(Some(portal.store.append_audit(entry).await?)),
                false => Ok(None),
            }
        });
        made.await?
    }

    /// Does something to the library where it may wait for the disk; schedules are looked at after it.
    pub(super) async fn on_disk(
        &self,
        what: impl FnOnce() -> Result<bool, LibraryError> + Send + 'static,
    ) -> Result<bool, Refusal> {
        let changed = std::sync::Arc::clone(&self.documents.after);
        let done = tokio::task::spawn_blocking(move || {
            let done = what();
            changed.lessons();
            done
        });
        match done.await {
            Ok(Ok(done)) => Ok(done),
            Ok(Err(error)) => Err(Refusal::Ours(error.to_string())),
            Err(error) => Err(Refusal::Ours(error.to_string())),
        }
    }

    /// The channels that are to play it in the next weeks.
    fn schedules_with(&self, lesson: &LessonId, ctx: &PageContext<'_>) -> Vec<String> {
        let county = self.county.load();
        let plays = |channel: &&Channel| {
            let listing = self.listing(channel, ctx.now, ctx.now + AHEAD);
            listing.entries.iter().any(|e| e.lessons().contains(lesson))
        };
        county.channels.iter().filter(plays).map(|c| ctx.plain(&c.names)).collect()
    }

    pub(super) fn about_lesson(&self, id: &str) -> Result<(LessonId, About), Refusal> {
        let lesson = LessonId::new(id).map_err(|_| Refusal::Unknown)?;
        let catalogue = self.library.catalogue();
        let package = catalogue.known(&lesson).ok_or(Refusal::Unknown)?;
        Ok((lesson, package.manifest.about()))
    }
}

/// What the audit log keeps of a lesson that is deleted.
#[derive(serde::Serialize, serde::Deserialize)]
struct Gone {
    #[serde(flatten)]
    about: About,
    content: String,
    source: String,
    /// It had not been reviewed.
    waiting: bool,
}

/// As the audit log and the form carry it.
pub(super) fn told(about: &About) -> String {
    serde_json::to_string(about).unwrap_or_default()
}

/// The reverse; lines of before there was more than titles hold only these.
pub(super) fn read_told(text: &str) -> Option<About> {
    let titles = || Some(About { titles: serde_json::from_str(text).ok()?, ..About::default() });
    serde_json::from_str(text).ok().or_else(titles)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Titles;

    #[test]
    fn what_older_versions_wrote_is_read() {
        let about = About { titles: Titles::from([("en", "Grapes")]), ..About::default() };
        assert_eq!(read_told(&told(&about)), Some(about.clone()));
        assert_eq!(read_told(r#"{"en":"Grapes"}"#), Some(about));
        assert_eq!(read_told("[]"), None);
    }
}
