//! Townships, sites, terminals; the audit log.

use hyper::StatusCode;
use jiff::SignedDuration;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::base::{Lang, SiteId, TerminalId, Titles, TownshipId};
use crate::people::TokenScope;
use crate::portal::office::{clean_name, new_code};
use crate::portal::reply::{Reply, problem};
use crate::portal::state::Portal;
use crate::sites::{Change, DeviceKind, Edit, Enrolment, Place};

use super::auth::{entry, holder};
use super::model::{AuditLine, EnrolmentCode, Names, Page, Problem, Site, Terminal, Township, names};
use super::once::{OnceHeader, once};
use super::query::{PageQuery, Query, bad, cursor};
use super::{ApiRequest, json, ours, unknown};

/// A new site.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewSite {
    /// Its identifier; one is made if none is given.
    #[schema(pattern = "^[a-z0-9][a-z0-9-]{0,63}$")]
    id: Option<String>,
    /// Identifier of its township.
    township: String,
    /// At least one, by language tag.
    names: Names,
}

/// What changes of a site; what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SiteChange {
    /// Identifier of its township.
    township: Option<String>,
    /// All its names, by language tag.
    names: Option<Names>,
    /// It takes part no more.
    closed: Option<bool>,
}

/// A device that shall enrol.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewEnrolment {
    /// What the device will be called, by language tag.
    names: Names,
    /// `computer`, `tv` or `phone`.
    #[schema(value_type = String, pattern = "^(computer|tv|phone)$")]
    device: DeviceKind,
}

/// The townships and departments.
#[utoipa::path(get, path = "/api/v1/townships", tag = "county", params(PageQuery), responses(
    (status = 200, description = "In the order of their identifiers", body = Page<Township>),
    (status = 400, description = "A parameter is wrong", body = Problem, content_type = "application/problem+json"),
))]
pub(super) fn townships(portal: &Portal, query: &Query) -> Result<Reply, Reply> {
    let registry = portal.desk.registry.load();
    let all = registry.townships.values().map(|t| Township { id: t.id.to_string(), names: names(&t.names) });
    Ok(Reply::json(&query.page(all, |t| t.id.clone())?))
}

/// The sites, closed ones too.
#[utoipa::path(get, path = "/api/v1/sites", tag = "county", params(PageQuery), responses(
    (status = 200, description = "In the order of their identifiers", body = Page<Site>),
    (status = 400, description = "A parameter is wrong", body = Problem, content_type = "application/problem+json"),
))]
pub(super) fn sites(portal: &Portal, query: &Query) -> Result<Reply, Reply> {
    let registry = portal.desk.registry.load();
    Ok(Reply::json(&query.page(registry.sites.values().map(of), |s| s.id.clone())?))
}

/// One site.
#[utoipa::path(get, path = "/api/v1/sites/{id}", tag = "county",
    params(("id" = String, Path, description = "The site")), responses(
    (status = 200, description = "The site", body = Site),
    (status = 404, description = "There is no such site", body = Problem, content_type = "application/problem+json"),
))]
pub(super) fn site(portal: &Portal, id: &str) -> Result<Reply, Reply> {
    let id = SiteId::new(id).map_err(|_| unknown("site"))?;
    Ok(Reply::json(&of(portal.desk.registry.load().sites.get(&id).ok_or_else(|| unknown("site"))?)))
}

/// A new site. Scope `sites:write`.
#[utoipa::path(post, path = "/api/v1/sites", tag = "county", params(OnceHeader), request_body = NewSite,
    security(("token" = [])), responses(
    (status = 201, description = "It is there", body = Site),
    (status = 400, description = "The body is wrong", body = Problem, content_type = "application/problem+json"),
    (status = 401, description = "No token, or one that is not known", body = Problem, content_type = "application/problem+json"),
    (status = 403, description = "The token is not good for this", body = Problem, content_type = "application/problem+json"),
    (status = 409, description = "It is there already, or the key's request has not ended", body = Problem, content_type = "application/problem+json"),
    (status = 422, description = "The key was used for another request", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn add_site(portal: &Portal, request: &ApiRequest<'_>) -> Result<Reply, Reply> {
    let token = holder(portal, request, TokenScope::SitesWrite).await?;
    let new: NewSite = json(&request.body)?;
    let registry = portal.desk.registry.load_full();
    let township = township(&registry, &new.township)?;
    let id = match &new.id {
        Some(id) => SiteId::new(id).map_err(|e| bad(&e.to_string()))?,
        None => registry.free_site_id(&township, |_| false).ok_or_else(|| bad("no identifier is free"))?,
    };
    let site = crate::sites::Site { id, township, names: titles(&new.names)?, closed: false };
    let answer = of(&site);
    let change = Change(vec![Edit { before: None, after: Some(Place::Site(site)) }]);
    once(portal, request, async {
        portal.make_for(change, entry(request, &token, "places-changed", String::new())).await?;
        Ok(Reply::json(&answer).with_status(StatusCode::CREATED))
    })
    .await
}

/// Other names, another township, closed or open. Scope `sites:write`.
#[utoipa::path(patch, path = "/api/v1/sites/{id}", tag = "county",
    params(("id" = String, Path, description = "The site"), OnceHeader), request_body = SiteChange,
    security(("token" = [])), responses(
    (status = 200, description = "As it is now", body = Site),
    (status = 400, description = "The body is wrong", body = Problem, content_type = "application/problem+json"),
    (status = 401, description = "No token, or one that is not known", body = Problem, content_type = "application/problem+json"),
    (status = 403, description = "The token is not good for this", body = Problem, content_type = "application/problem+json"),
    (status = 404, description = "There is no such site", body = Problem, content_type = "application/problem+json"),
    (status = 409, description = "It stands in the county's file, or has changed meanwhile", body = Problem, content_type = "application/problem+json"),
    (status = 422, description = "The key was used for another request", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn change_site(portal: &Portal, request: &ApiRequest<'_>, id: &str) -> Result<Reply, Reply> {
    let token = holder(portal, request, TokenScope::SitesWrite).await?;
    let asked: SiteChange = json(&request.body)?;
    let id = SiteId::new(id).map_err(|_| unknown("site"))?;
    let registry = portal.desk.registry.load_full();
    let before = registry.sites.get(&id).ok_or_else(|| unknown("site"))?.clone();
    let mut after = before.clone();
    if let Some(id) = &asked.township {
        after.township = township(&registry, id)?;
    }
    if let Some(names) = &asked.names {
        after.names = titles(names)?;
    }
    after.closed = asked.closed.unwrap_or(before.closed);
    let answer = of(&after);
    let edit = Edit { before: Some(Place::Site(before)), after: Some(Place::Site(after)) };
    once(portal, request, async {
        let entry = entry(request, &token, "places-changed", String::new());
        portal.make_for(Change(vec![edit]), entry).await?;
        Ok(Reply::json(&answer))
    })
    .await
}

/// A code with which one device enrols at a site. Scope `terminals:write`.
#[utoipa::path(post, path = "/api/v1/sites/{id}/enrolments", tag = "county",
    params(("id" = String, Path, description = "The site"), OnceHeader), request_body = NewEnrolment,
    security(("token" = [])), responses(
    (status = 201, description = "The code; it is valid for seven days", body = EnrolmentCode),
    (status = 400, description = "The body is wrong", body = Problem, content_type = "application/problem+json"),
    (status = 401, description = "No token, or one that is not known", body = Problem, content_type = "application/problem+json"),
    (status = 403, description = "The token is not good for this", body = Problem, content_type = "application/problem+json"),
    (status = 404, description = "There is no such site, or it is closed", body = Problem, content_type = "application/problem+json"),
    (status = 409, description = "The key's request has not ended", body = Problem, content_type = "application/problem+json"),
    (status = 422, description = "The key was used for another request", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn enrolment(portal: &Portal, request: &ApiRequest<'_>, id: &str) -> Result<Reply, Reply> {
    const VALID: SignedDuration = SignedDuration::from_hours(24 * 7);
    let token = holder(portal, request, TokenScope::TerminalsWrite).await?;
    let asked: NewEnrolment = json(&request.body)?;
    let id = SiteId::new(id).map_err(|_| unknown("site"))?;
    let registry = portal.desk.registry.load_full();
    registry.sites.get(&id).filter(|s| !s.closed).ok_or_else(|| unknown("site"))?;
    let names = titles(&asked.names)?;
    once(portal, request, async {
        let code = new_code().map_err(|e| ours(&e))?;
        let mut entry = entry(request, &token, "terminal-code-given", format!("site/{id}"));
        entry.after = names.0.values().next().cloned().unwrap_or_default();
        let enrolment = Enrolment { site: id, names, device: asked.device };
        let expires = request.now + VALID;
        portal
            .store
            .add_enrolments(vec![(code.hash(), enrolment, entry)], expires)
            .await
            .map_err(|e| ours(&e))?;
        let url = format!("{}/enrol", request.base_url);
        Ok(Reply::json(&EnrolmentCode { code: code.shown(), url, expires }).with_status(StatusCode::CREATED))
    })
    .await
}

/// The terminals. Scope `terminals:read`.
#[utoipa::path(get, path = "/api/v1/terminals", tag = "county", params(PageQuery), security(("token" = [])), responses(
    (status = 200, description = "In the order of their identifiers", body = Page<Terminal>),
    (status = 400, description = "A parameter is wrong", body = Problem, content_type = "application/problem+json"),
    (status = 401, description = "No token, or one that is not known", body = Problem, content_type = "application/problem+json"),
    (status = 403, description = "The token is not good for this", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn terminals(
    portal: &Portal,
    request: &ApiRequest<'_>,
    query: &Query,
) -> Result<Reply, Reply> {
    holder(portal, request, TokenScope::TerminalsRead).await?;
    let registry = portal.desk.registry.load();
    let all = registry.terminals.values().map(|t| Terminal {
        id: t.id.to_string(),
        site: t.site.to_string(),
        names: names(&t.names),
        device: match t.device {
            DeviceKind::Computer => "computer".to_owned(),
            DeviceKind::Tv => "tv".to_owned(),
            DeviceKind::Phone => "phone".to_owned(),
        },
    });
    Ok(Reply::json(&query.page(all, |t| t.id.clone())?))
}

/// Takes a terminal's right away. Scope `terminals:write`.
#[utoipa::path(delete, path = "/api/v1/terminals/{id}", tag = "county",
    params(("id" = String, Path, description = "The terminal")), security(("token" = [])), responses(
    (status = 204, description = "It opens nothing any more"),
    (status = 401, description = "No token, or one that is not known", body = Problem, content_type = "application/problem+json"),
    (status = 403, description = "The token is not good for this", body = Problem, content_type = "application/problem+json"),
    (status = 404, description = "There is no such terminal", body = Problem, content_type = "application/problem+json"),
    (status = 409, description = "It stands in the county's file", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn withdraw(portal: &Portal, request: &ApiRequest<'_>, id: &str) -> Result<Reply, Reply> {
    let token = holder(portal, request, TokenScope::TerminalsWrite).await?;
    let id = TerminalId::new(id).map_err(|_| unknown("terminal"))?;
    let terminal =
        portal.desk.registry.load().terminals.get(&id).cloned().ok_or_else(|| unknown("terminal"))?;
    if !portal.registrar.is_enrolled(&id) {
        let detail = "it stands in the county's file and is taken out there";
        return Err(problem(StatusCode::CONFLICT, "Not here", detail));
    }
    let mut entry = entry(request, &token, "terminal-withdrawn", format!("terminal/{id}"));
    entry.before = format!("site/{}", terminal.site);
    portal.withdraw(id, entry).await.map_err(|_| unknown("terminal"))?;
    Ok(Reply::ok("text/plain", "").with_status(StatusCode::NO_CONTENT))
}

/// The audit log, newest first. Scope `audit:read`.
#[utoipa::path(get, path = "/api/v1/audit", tag = "operation", params(PageQuery), security(("token" = [])), responses(
    (status = 200, description = "Newest first", body = Page<AuditLine>),
    (status = 400, description = "A parameter is wrong", body = Problem, content_type = "application/problem+json"),
    (status = 401, description = "No token, or one that is not known", body = Problem, content_type = "application/problem+json"),
    (status = 403, description = "The token is not good for this", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn audit(portal: &Portal, request: &ApiRequest<'_>, query: &Query) -> Result<Reply, Reply> {
    holder(portal, request, TokenScope::AuditRead).await?;
    let limit = query.limit()?;
    let before = match query.after()? {
        Some(after) => Some(after.parse().map_err(|_| bad("after: expected the `next` of a page"))?),
        None => None,
    };
    let lines = portal.store.audit(before, limit as u32).await.map_err(|e| ours(&e))?;
    let full = lines.len() == limit;
    let next = lines.last().filter(|_| full).map(|(number, _)| cursor(&number.to_string()));
    let items = lines.into_iter().map(|(number, e)| AuditLine {
        number,
        at: e.at,
        who: e.who.map(|w| w.to_string()),
        via: e.via,
        what: e.what,
        subject: e.subject,
        before: e.before,
        after: e.after,
    });
    Ok(Reply::json(&Page { items: items.collect(), next }))
}

fn of(site: &crate::sites::Site) -> Site {
    Site {
        id: site.id.to_string(),
        township: site.township.to_string(),
        names: names(&site.names),
        closed: site.closed,
    }
}

fn township(registry: &crate::sites::Registry, id: &str) -> Result<TownshipId, Reply> {
    let known = TownshipId::new(id).ok().filter(|id| registry.townships.contains_key(id));
    known.ok_or_else(|| bad(&format!("township: there is no `{id}`")))
}

/// Names of a body, as the office would take them.
fn titles(names: &Names) -> Result<Titles, Reply> {
    let mut titles = Titles::default();
    for (tag, name) in names {
        let lang = Lang::new(tag).map_err(|e| bad(&format!("names: {e}")))?;
        let name = clean_name(name);
        if !name.is_empty() {
            titles.0.insert(lang, name);
        }
    }
    if titles.0.is_empty() {
        return Err(bad("names: expected at least one, such as {\"zh-Hans\": \"东门村\"}"));
    }
    Ok(titles)
}
