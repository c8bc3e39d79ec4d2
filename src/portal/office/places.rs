//! Changes of townships and sites: made, undone, and of many at once.

use hyper::StatusCode;

use crate::base::{SiteId, TownshipId};
use crate::people::{AuditEntry, Rights};
use crate::portal::reply::{Reply, problem};
use crate::portal::state::Portal;
use crate::portal::views::{Menu, PageContext, PlaceForm, TownshipsPage};
use crate::sites::{Change, ChangeError, Edit, Place, Township};

use super::registrar::NotChanged;
use super::request::{Form, OfficeRequest};
use super::sites::done;
use super::terminals::to_the_end;
use super::{Answer, Refusal, Visitor, html};

/// How a change ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It is made; the number of its line in the audit log.
    Made(i64),
    /// It is not; key of the reason.
    Not(&'static str),
}

/// What the audit log calls a change of places.
pub(super) const CHANGED: &str = "places-changed";
/// And one that takes another back.
pub(super) const UNDONE: &str = "places-undone";

impl Portal {
    /// Makes a change, if the visitor may.
    pub(super) async fn make(
        &self,
        request: &OfficeRequest<'_>,
        visitor: &Visitor,
        rights: &Rights<'_>,
        change: Change,
    ) -> Result<Outcome, Refusal> {
        self.make_as(CHANGED, request, visitor, rights, change).await
    }

    pub(super) async fn make_as(
        &self,
        what: &str,
        request: &OfficeRequest<'_>,
        visitor: &Visitor,
        rights: &Rights<'_>,
        change: Change,
    ) -> Result<Outcome, Refusal> {
        if !rights.make(&change) {
            return Err(Refusal::Forbidden);
        }
        let entry = request.entry(Some(&visitor.account.id), what, String::new());
        let made = self.make_entered(change, entry).await?;
        match made {
            Ok(line) => Ok(Outcome::Made(line)),
            Err(NotChanged::Used(_)) => Ok(Outcome::Not("place-used")),
            Err(NotChanged::Store(error)) => Err(error.into()),
            Err(NotChanged::Bad(bad)) => Ok(Outcome::Not(match bad {
                ChangeError::Stale(_) | ChangeError::Homeless(_) | ChangeError::Muddled => "place-stale",
                ChangeError::Fixed(_) => "place-from-file",
                ChangeError::Occupied(_) => "place-used",
                ChangeError::Nameless(_) => "name-missing",
            })),
        }
    }

    /// Makes a change that another system asked for, which may.
    pub(in crate::portal) async fn make_for(&self, change: Change, entry: AuditEntry) -> Result<(), Reply> {
        match self.make_entered(change, entry).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(NotChanged::Bad(bad))) => {
                Err(problem(StatusCode::CONFLICT, "Not changed", &bad.to_string()))
            }
            Ok(Err(NotChanged::Used(id))) => {
                Err(problem(StatusCode::CONFLICT, "Not changed", &format!("{id} is in use")))
            }
            Ok(Err(NotChanged::Store(_))) | Err(_) => {
                let status = StatusCode::INTERNAL_SERVER_ERROR;
                Err(problem(status, "Our mistake", "it is in the server's log"))
            }
        }
    }

    /// Makes a change with its line of the audit log, to the end.
    async fn make_entered(
        &self,
        change: Change,
        mut entry: AuditEntry,
    ) -> Result<Result<i64, NotChanged>, Refusal> {
        entry.subject = match change.0.as_slice() {
            [edit] => edit.id().map(|id| id.to_string()).unwrap_or_default(),
            edits => format!("sites/{}", edits.len()),
        };
        let side = |of: fn(&Edit) -> &Option<Place>| {
            serde_json::to_string(&change.0.iter().map(of).collect::<Vec<_>>())
        };
        let written = side(|e| &e.before).and_then(|before| Ok((before, side(|e| &e.after)?)));
        (entry.before, entry.after) = written.map_err(|e| Refusal::Ours(e.to_string()))?;
        let (store, registrar) = (self.store.clone(), std::sync::Arc::clone(&self.registrar));
        let made = to_the_end(async move { registrar.make(&store, change, entry).await }).await?;
        if let Err(NotChanged::Store(error)) = &made {
            tracing::error!(%error, "a change of sites could not be stored");
        }
        Ok(made)
    }

    /// Closes or opens the chosen sites.
    pub(super) async fn close_many(
        &self,
        request: &OfficeRequest<'_>,
        visitor: &Visitor,
        rights: &Rights<'_>,
        (chosen, closed): (&[SiteId], bool),
    ) -> Answer {
        let registry = self.desk.registry.load_full();
        let sites = chosen.iter().filter_map(|id| registry.sites.get(id)).filter(|s| s.closed != closed);
        let edits = sites.map(|s| {
            let mut after = s.clone();
            after.closed = closed;
            Edit { before: Some(Place::Site(s.clone())), after: Some(Place::Site(after)) }
        });
        let change = Change(edits.collect());
        if change.0.is_empty() {
            return Ok(Reply::see_other("/office/sites?not=nothing-chosen"));
        }
        Ok(Reply::see_other(&match self.make(request, visitor, rights, change).await? {
            Outcome::Made(line) => format!("/office/sites?done={line}"),
            Outcome::Not(_) => "/office/sites?not=stale".to_owned(),
        }))
    }

    pub(super) fn townships(
        &self,
        ctx: &PageContext<'_>,
        visitor: &Visitor,
        rights: &Rights<'_>,
        typed: Option<(&'static str, &Form)>,
    ) -> Answer {
        let registry = self.desk.registry.load();
        let fixed = self.registrar.fixed();
        let token = visitor.secret.form_token();
        let form = |action: String, id, township: Option<&Township>| PlaceForm {
            action,
            id,
            names: township.map(|t| t.names.clone()).unwrap_or_default(),
            languages: ctx.languages,
            townships: Vec::new(),
            township: "",
            error: None,
            token: token.clone(),
            button: if township.is_some() { "place-save" } else { "place-add" },
        };
        let rows = registry.townships.values().map(|t| {
            let may = !fixed.townships.contains_key(&t.id);
            let form = may.then(|| form(format!("/office/townships/{}", t.id), None, Some(t)));
            (t, registry.sites_of(&t.id).count(), form)
        });
        let mut new = form("/office/townships".to_owned(), Some(""), None);
        if let Some((key, typed)) = typed {
            (new.error, new.id, new.names) = (Some(key), Some(typed.get("id")), typed.titles(ctx.languages));
        }
        let page = TownshipsPage {
            rows: rows.collect(),
            new,
            done: done(ctx.path, visitor, "/office/townships"),
            menu: Menu::of(rights),
        };
        let status = if typed.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
        Ok(html(page.render(ctx)?).with_status(status))
    }

    /// A new township, or other names for the one of this identifier.
    pub(super) async fn change_township(
        &self,
        request: &OfficeRequest<'_>,
        ctx: &PageContext<'_>,
        visitor: &Visitor,
        rights: &Rights<'_>,
        (id, form): (Option<&str>, &Form),
    ) -> Answer {
        let Ok(township) = TownshipId::new(id.unwrap_or(form.get("id"))) else {
            return self.townships(ctx, visitor, rights, Some(("place-id-wrong", form)));
        };
        let registry = self.desk.registry.load_full();
        let before = registry.townships.get(&township).cloned();
        match (id, &before) {
            (Some(_), None) => return Err(Refusal::Unknown),
            (None, Some(_)) => return self.townships(ctx, visitor, rights, Some(("place-id-taken", form))),
            _ => {}
        }
        let mut names = before.as_ref().map(|t| t.names.clone()).unwrap_or_default();
        names.0.retain(|lang, _| !ctx.languages.contains(lang));
        names.0.extend(form.titles(ctx.languages).0);
        let after = Some(Place::Township(Township { id: township, names }));
        let change = Change(vec![Edit { before: before.map(Place::Township), after }]);
        match self.make(request, visitor, rights, change).await? {
            Outcome::Made(line) => Ok(Reply::see_other(&format!("/office/townships?done={line}"))),
            Outcome::Not(key) if id.is_none() => self.townships(ctx, visitor, rights, Some((key, form))),
            Outcome::Not("name-missing") => Ok(Reply::see_other("/office/townships?not=nameless")),
            Outcome::Not(_) => Ok(Reply::see_other("/office/townships?not=stale")),
        }
    }
}
