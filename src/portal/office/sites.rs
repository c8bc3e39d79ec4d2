//! The list of sites, one site, and what is changed of them by hand.

use hyper::StatusCode;

use crate::base::{SiteId, TownshipId};
use crate::people::Rights;
use crate::portal::pages::param;
use crate::portal::reply::Reply;
use crate::portal::state::Portal;
use crate::portal::views::{
    Done, ListedSite, Menu, NewSitePage, OfficeSite, OfficeSites, PageContext, PlaceForm,
};
use crate::sites::{Change, Edit, Place, Registry, Site, Township};

use super::places::Outcome;
use super::request::{Form, OfficeRequest};
use super::{Answer, Refusal, Visitor, html};

/// Sites on one page of the list.
const PAGE: usize = 50;

impl Portal {
    pub(super) fn office_sites(
        &self,
        ctx: &PageContext<'_>,
        visitor: &Visitor,
        rights: &Rights<'_>,
        query: &str,
    ) -> Answer {
        let registry = self.desk.registry.load();
        let asked = Asked::read(query);
        let seen = |s: &&Site| rights.see_site(&s.id) && asked.takes(s);
        let found: Vec<&Site> = registry.sites.values().filter(seen).collect();
        let from = found.partition_point(|s| s.id.as_str() <= asked.after.as_str());
        let page: Vec<&Site> = found[from..].iter().take(PAGE).copied().collect();
        let more = (from + page.len() < found.len()).then(|| asked.next(page.last().map(|s| &s.id)));
        let here = registry.townships.values();
        let may_see = |t: &&Township| registry.sites_of(&t.id).any(|s| rights.see_site(&s.id));
        let rows = page.into_iter().map(|site| ListedSite {
            site,
            township: registry.townships.get(&site.township).map(|t| &t.names),
            terminals: registry.terminals.values().filter(|t| t.site == site.id).count(),
            may_keep: rights.keep_site(&site.id),
        });
        let page = OfficeSites {
            sites: rows.collect(),
            found: found.len(),
            more,
            search: &asked.text,
            township: &asked.township,
            closed: asked.closed,
            townships: here.filter(may_see).collect(),
            may_edit: rights.edit_sites(),
            done: done(query, visitor, "/office/sites"),
            token: visitor.secret.form_token(),
            menu: Menu::of(rights),
        };
        Ok(html(page.render(ctx)?))
    }

    pub(super) fn office_site(
        &self,
        ctx: &PageContext<'_>,
        visitor: &Visitor,
        rights: &Rights<'_>,
        id: &str,
        typed: Typed<'_>,
    ) -> Answer {
        let id = SiteId::new(id).map_err(|_| Refusal::Unknown)?;
        let registry = self.desk.registry.load();
        let site = registry.sites.get(&id).ok_or(Refusal::Unknown)?;
        if !rights.see_site(&id) {
            return Err(Refusal::Forbidden);
        }
        let fixed = self.registrar.fixed().sites.contains_key(&id);
        let back = format!("/office/sites/{id}");
        let mut form = PlaceForm {
            action: back.clone(),
            id: None,
            names: site.names.clone(),
            languages: ctx.languages,
            townships: townships(&registry, rights),
            township: site.township.as_str(),
            error: None,
            token: visitor.secret.form_token(),
            button: "place-save",
        };
        let (mut error, mut failed) = (None, None);
        match typed {
            Typed::Nothing => {}
            Typed::Terminal(key) => error = Some(key),
            Typed::Act(key) => failed = Some(key),
            Typed::Site(key, typed) => {
                form.error = Some(key);
                form.names = typed.titles(ctx.languages);
                form.township = typed.get("township");
            }
        }
        let status = match (error, failed, form.error) {
            (None, None, None) => StatusCode::OK,
            _ => StatusCode::UNPROCESSABLE_ENTITY,
        };
        let page = OfficeSite {
            site,
            township: registry.townships.get(&site.township).map(|t| &t.names),
            may_keep: rights.keep_site(&id),
            form: (rights.edit_township(&site.township) && !fixed).then_some(form),
            fixed,
            terminals: registry
                .terminals
                .values()
                .filter(|t| t.site == id)
                .map(|t| (t, self.registrar.is_enrolled(&t.id)))
                .collect(),
            error,
            done: Done { error: failed, ..done(ctx.path, visitor, &back) },
            token: visitor.secret.form_token(),
            menu: Menu::of(rights),
        };
        Ok(html(page.render(ctx)?).with_status(status))
    }

    pub(super) fn new_site(
        &self,
        ctx: &PageContext<'_>,
        visitor: &Visitor,
        rights: &Rights<'_>,
        typed: Option<(&'static str, &Form)>,
    ) -> Answer {
        let registry = self.desk.registry.load();
        let form = PlaceForm {
            action: "/office/new-site".to_owned(),
            id: None,
            names: typed.map(|(_, f)| f.titles(ctx.languages)).unwrap_or_default(),
            languages: ctx.languages,
            townships: townships(&registry, rights),
            township: typed.map_or("", |(_, f)| f.get("township")),
            error: typed.map(|(key, _)| key),
            token: visitor.secret.form_token(),
            button: "place-add",
        };
        let status = if typed.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
        Ok(html(NewSitePage { form, menu: Menu::of(rights) }.render(ctx)?).with_status(status))
    }

    pub(super) async fn add_site(
        &self,
        request: &OfficeRequest<'_>,
        ctx: &PageContext<'_>,
        visitor: &Visitor,
        rights: &Rights<'_>,
        form: &Form,
    ) -> Answer {
        let registry = self.desk.registry.load_full();
        let township = TownshipId::new(form.get("township")).map_err(|_| Refusal::Forbidden)?;
        let id = registry.free_site_id(&township, |_| false).ok_or(Refusal::Unknown)?;
        let site = Site { id: id.clone(), township, names: form.titles(ctx.languages), closed: false };
        let change = Change(vec![Edit { before: None, after: Some(Place::Site(site)) }]);
        match self.make(request, visitor, rights, change).await? {
            Outcome::Made(line) => Ok(Reply::see_other(&format!("/office/sites/{id}?done={line}"))),
            Outcome::Not(key) => self.new_site(ctx, visitor, rights, Some((key, form))),
        }
    }

    /// Names and township of a site, or `close` and `open`.
    pub(super) async fn change_site(
        &self,
        request: &OfficeRequest<'_>,
        ctx: &PageContext<'_>,
        visitor: &Visitor,
        rights: &Rights<'_>,
        (id, what, form): (&str, &str, &Form),
    ) -> Answer {
        let site_id = SiteId::new(id).map_err(|_| Refusal::Unknown)?;
        let registry = self.desk.registry.load_full();
        let before = registry.sites.get(&site_id).ok_or(Refusal::Unknown)?.clone();
        let mut after = before.clone();
        match what {
            "" => {
                let typed = form.titles(ctx.languages);
                after.names.0.retain(|lang, _| !ctx.languages.contains(lang));
                after.names.0.extend(typed.0);
                after.township = TownshipId::new(form.get("township")).map_err(|_| Refusal::Forbidden)?;
            }
            "close" | "open" => after.closed = what == "close",
            _ => return Err(Refusal::Unknown),
        }
        let edit = Edit { before: Some(Place::Site(before)), after: Some(Place::Site(after)) };
        match self.make(request, visitor, rights, Change(vec![edit])).await? {
            Outcome::Made(line) => Ok(Reply::see_other(&format!("/office/sites/{id}?done={line}"))),
            Outcome::Not(key) if what.is_empty() => {
                self.office_site(ctx, visitor, rights, id, Typed::Site(key, form))
            }
            Outcome::Not(key) => self.office_site(ctx, visitor, rights, id, Typed::Act(key)),
        }
    }
}

/// What was typed on a site's page and has to be typed again.
#[derive(Debug, Clone, Copy)]
pub(super) enum Typed<'f> {
    /// Nothing: the page is only looked at.
    Nothing,
    /// The form for a terminal; key of what was wrong.
    Terminal(&'static str),
    /// The form of the site.
    Site(&'static str, &'f Form),
    /// A button.
    Act(&'static str),
}

/// Townships that the visitor may put sites into.
pub(super) fn townships<'a>(registry: &'a Registry, rights: &Rights<'_>) -> Vec<&'a Township> {
    registry.townships.values().filter(|t| rights.edit_township(&t.id)).collect()
}

/// What the address says was just done.
pub(super) fn done(query: &str, visitor: &Visitor, back: &str) -> Done {
    let query = query.split_once('?').map_or(query, |(_, query)| query);
    let error = match param(query, "not") {
        Some("used") => Some("place-used"),
        Some("stale") => Some("place-stale"),
        Some("nothing-chosen") => Some("chosen-nothing"),
        Some("nobody-chosen") => Some("people-chosen-nobody"),
        Some("no-lesson-chosen") => Some("lessons-chosen-nothing"),
        Some("nameless") => Some("name-missing"),
        _ => None,
    };
    Done {
        line: param(query, "done").and_then(|n| n.parse().ok()),
        error,
        back: back.to_owned(),
        token: visitor.secret.form_token(),
    }
}

/// What of the list is asked for.
#[derive(Debug, Default)]
struct Asked {
    text: String,
    township: String,
    closed: bool,
    after: String,
}

impl Asked {
    fn read(query: &str) -> Self {
        let mut asked = Self::default();
        for (name, value) in form_urlencoded::parse(query.trim_start_matches('?').as_bytes()) {
            match &*name {
                "q" => asked.text = value.trim().chars().take(100).collect(),
                "township" => asked.township = value.into_owned(),
                "closed" => asked.closed = value == "1",
                "after" => asked.after = value.into_owned(),
                _ => {}
            }
        }
        asked
    }

    fn takes(&self, site: &Site) -> bool {
        let text = self.text.to_lowercase();
        let called = |name: &String| name.to_lowercase().contains(&text);
        (self.closed || !site.closed)
            && (self.township.is_empty() || site.township.as_str() == self.township)
            && (text.is_empty() || site.id.as_str().contains(&text) || site.names.0.values().any(called))
    }

    /// The query of the page after `last`.
    fn next(&self, last: Option<&SiteId>) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("q", &self.text).append_pair("township", &self.township);
        if self.closed {
            query.append_pair("closed", "1");
        }
        query.append_pair("after", last.map_or("", SiteId::as_str)).finish()
    }
}
