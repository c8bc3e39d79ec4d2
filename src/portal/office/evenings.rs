//! Lists of lessons for a study evening that the office keeps for everybody.

use hyper::StatusCode;

use crate::base::{Evening, LessonId};
use crate::people::{AuditEntry, Rights};
use crate::portal::pages::evening_query;
use crate::portal::reply::Reply;
use crate::portal::state::Portal;
use crate::portal::views::{EntryPage, Field, FieldValue, Menu, PageContext, PartGroup, PartRow, PartsPage};

use super::fields::options;
use super::request::{Form, OfficeRequest};
use super::sites::done;
use super::{Answer, Refusal, Visitor, html};

/// Where they are.
pub(super) const ROOM: &str = "/office/evenings";
/// What the audit log calls it when one is kept, changed or taken out.
pub(super) const CHANGED: &str = "evening-changed";
/// Free places of the form.
const MORE: usize = 4;

impl Portal {
    /// What `rest`, the path below their page, asks for.
    pub(super) async fn evenings(
        &self,
        request: &OfficeRequest<'_>,
        ctx: &PageContext<'_>,
        visitor: &Visitor,
        rights: &Rights<'_>,
        (rest, form): (&[&str], Option<&Form>),
    ) -> Answer {
        if !rights.edit_programmes() && (form.is_some() || rest == ["new"]) {
            return Err(Refusal::Forbidden);
        }
        let number = |id: &str| id.parse::<i64>().map_err(|_| Refusal::Unknown);
        match (rest, form) {
            ([], None) => self.evening_list(ctx, visitor, rights).await,
            (["new"], None) => {
                let lessons = evening_query(request.page.query);
                let new = Evening { lessons, ..Evening::default() };
                self.evening_form(ctx, visitor, rights, (None, &new), None)
            }
            (["new"], Some(form)) => {
                let evening = typed(form, ctx, &Evening::default());
                if let Some(key) = wrong(&evening) {
                    return self.evening_form(ctx, visitor, rights, (None, &evening), Some((key, form)));
                }
                let entry = request.entry(Some(&visitor.account.id), CHANGED, String::new());
                let (_, line) = self.store.add_evening(&evening, entry).await?;
                Ok(Reply::see_other(&format!("{ROOM}?done={line}")))
            }
            ([id], None) => {
                let id = number(id)?;
                let evening = self.store.evening(id).await?.ok_or(Refusal::Unknown)?;
                self.evening_form(ctx, visitor, rights, (Some(id), &evening), None)
            }
            ([id], Some(form)) => {
                let id = number(id)?;
                let before = self.store.evening(id).await?.ok_or(Refusal::Unknown)?;
                let after = typed(form, ctx, &before);
                let again =
                    |key| self.evening_form(ctx, visitor, rights, (Some(id), &after), Some((key, form)));
                if form.get("mark") != mark(&before) {
                    return again("place-stale");
                }
                if let Some(key) = wrong(&after) {
                    return again(key);
                }
                self.swap_evening(request, visitor, (id, &before, Some(&after))).await
            }
            ([id, "remove"], Some(_)) => {
                let id = number(id)?;
                let before = self.store.evening(id).await?.ok_or(Refusal::Unknown)?;
                self.swap_evening(request, visitor, (id, &before, None)).await
            }
            _ => Err(Refusal::Unknown),
        }
    }

    async fn evening_list(&self, ctx: &PageContext<'_>, visitor: &Visitor, rights: &Rights<'_>) -> Answer {
        let kept = self.store.evenings().await?;
        let row = |(id, evening): &(i64, Evening)| PartRow {
            href: format!("{ROOM}/{id}"),
            names: evening.titles.clone(),
            more: ctx.t1("lessons-found", "count", evening.lessons.len()),
        };
        let page = PartsPage {
            heading: ctx.t("evenings-title"),
            text: "evenings-text",
            back: None,
            groups: vec![PartGroup {
                title: "evenings-kept",
                rows: kept.iter().map(row).collect(),
                new: rights.edit_programmes().then(|| (format!("{ROOM}/new"), "evening-new")),
            }],
            done: done(ctx.path, visitor, ROOM),
            menu: Menu::of(rights),
        };
        Ok(html(page.render(ctx)?))
    }

    /// The form of one, or for a new one; again with the key of what is wrong, and as it was sent.
    fn evening_form(
        &self,
        ctx: &PageContext<'_>,
        visitor: &Visitor,
        rights: &Rights<'_>,
        (id, evening): (Option<i64>, &Evening),
        again: Option<(&'static str, &Form)>,
    ) -> Answer {
        let lessons = self.lesson_choices(ctx);
        let chosen = evening.lessons.iter().map(LessonId::as_str);
        let places = chosen.chain(std::iter::repeat_n("", MORE)).map(|id| options(id, &lessons));
        let may_edit = rights.edit_programmes();
        let field = |name, label, value| Field { name, label, hint: "", value };
        let action = format!("{ROOM}/{}", id.map_or("new".to_owned(), |id| id.to_string()));
        let page = EntryPage {
            heading: ctx.t(if id.is_some() { "evening-title" } else { "evening-new" }),
            about: id.map(|id| id.to_string()).unwrap_or_default(),
            links: id.map(|id| (format!("/evening/{id}"), "lesson-watch")).into_iter().collect(),
            fields: vec![
                field("title", "schedule-name", FieldValue::names(&evening.titles, ctx.languages)),
                field("lesson", "series-lessons", FieldValue::InOrder(places.collect())),
            ],
            // What was typed is not what it would take the place of.
            mark: again.map_or_else(|| mark(evening), |(_, form)| form.get("mark").to_owned()),
            error: again.map(|(key, _)| ctx.t(key)),
            remove: id.filter(|_| may_edit).map(|_| format!("{action}/remove")),
            may_edit,
            button: if id.is_some() { "place-save" } else { "place-add" },
            back: Some((ROOM.to_owned(), "evenings-title")),
            token: visitor.secret.form_token(),
            menu: Menu::of(rights),
            action,
            ..EntryPage::default()
        };
        let status = if again.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
        Ok(html(page.render(ctx)?).with_status(status))
    }

    async fn swap_evening(
        &self,
        request: &OfficeRequest<'_>,
        visitor: &Visitor,
        (id, before, after): (i64, &Evening, Option<&Evening>),
    ) -> Answer {
        let entry = request.entry(Some(&visitor.account.id), CHANGED, String::new());
        let line = self.store.change_evening(id, (Some(before), after), entry).await?;
        Ok(Reply::see_other(&match line {
            Some(line) => format!("{ROOM}?done={line}"),
            None => format!("{ROOM}?not=stale"),
        }))
    }

    /// Takes a change of the audit log back, if the list is still as it left it.
    pub(super) async fn change_back(
        &self,
        made: &AuditEntry,
        entry: AuditEntry,
    ) -> Result<Option<i64>, Refusal> {
        let id = made.subject.strip_prefix("evening/").and_then(|id| id.parse().ok());
        let side = |text: &str| match text {
            "" => Ok(None),
            text => serde_json::from_str::<Evening>(text).map(Some),
        };
        let sides = side(&made.before).and_then(|before| Ok((before, side(&made.after)?)));
        let (before, after) = sides.map_err(|e| Refusal::Ours(e.to_string()))?;
        let id = id.ok_or(Refusal::Unknown)?;
        Ok(self.store.change_evening(id, (after.as_ref(), before.as_ref()), entry).await?)
    }
}

/// What was typed; names in languages that the pages do not have stay.
fn typed(form: &Form, ctx: &PageContext<'_>, before: &Evening) -> Evening {
    let mut titles = before.titles.clone();
    titles.0.retain(|lang, _| !ctx.languages.contains(lang));
    titles.0.extend(form.titles_of("title", ctx.languages).0);
    Evening { titles, lessons: Evening::lessons_of(form.all("lesson")) }
}

/// Key of what is wrong.
fn wrong(evening: &Evening) -> Option<&'static str> {
    match evening {
        e if e.titles.0.is_empty() => Some("name-missing"),
        e if e.lessons.is_empty() => Some("evening-no-lesson"),
        _ => None,
    }
}

/// As the form carries it.
fn mark(evening: &Evening) -> String {
    serde_json::to_string(evening).unwrap_or_default()
}
