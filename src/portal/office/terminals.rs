//! Terminals of the sites one keeps: codes for new ones, withdrawal, and the
//! page on which a device enrols.

use std::sync::Arc;

use hyper::StatusCode;
use jiff::SignedDuration;

use crate::base::{Lang, SiteId, TerminalId, Titles};
use crate::people::{AuditEntry, Code, Rights};
use crate::portal::reply::Reply;
use crate::portal::state::Portal;
use crate::portal::views::{EnrolPage, InvitedPage, PageContext};
use crate::sites::{DeviceKind, Enrolment, Terminal, TokenHash};

use crate::store::StoreError;

use super::gate::{new_code, random};
use super::people::sheet;
use super::request::{Form, OfficeRequest};
use super::sites::Typed;
use super::{Answer, Refusal, Visitor, html};

/// A device may be a day's ride away.
const VALID: SignedDuration = SignedDuration::from_hours(24 * 7);

impl Portal {
    /// A code for a new terminal of one site.
    pub(super) async fn give_terminal_code(
        &self,
        request: &OfficeRequest<'_>,
        ctx: &PageContext<'_>,
        visitor: &Visitor,
        rights: &Rights<'_>,
        (id, form): (&str, &Form),
    ) -> Answer {
        let site = SiteId::new(id).map_err(|_| Refusal::Unknown)?;
        if form.name().is_none() {
            return self.office_site(ctx, visitor, rights, id, Typed::Terminal("name-missing"));
        }
        let back = format!("/office/sites/{site}");
        self.give_codes(request, ctx, visitor, rights, (&[site], form, &back)).await
    }

    /// What is done to the sites that were chosen in the list.
    pub(super) async fn chosen_sites(
        &self,
        request: &OfficeRequest<'_>,
        ctx: &PageContext<'_>,
        visitor: &Visitor,
        rights: &Rights<'_>,
        form: &Form,
    ) -> Answer {
        let chosen: Vec<SiteId> = form.all("site").filter_map(|id| SiteId::new(id).ok()).collect();
        match form.get("do") {
            _ if chosen.is_empty() => Ok(Reply::see_other("/office/sites?not=nothing-chosen")),
            "codes" if form.name().is_none() => Ok(Reply::see_other("/office/sites?not=nameless")),
            "codes" => self.give_codes(request, ctx, visitor, rights, (&chosen, form, "/office/sites")).await,
            "close" => self.close_many(request, visitor, rights, (&chosen, true)).await,
            "open" => self.close_many(request, visitor, rights, (&chosen, false)).await,
            _ => Err(Refusal::Unknown),
        }
    }

    /// A sheet with a code for each of `sites`, for a device named in `form`.
    async fn give_codes(
        &self,
        request: &OfficeRequest<'_>,
        ctx: &PageContext<'_>,
        visitor: &Visitor,
        rights: &Rights<'_>,
        (sites, form, back): (&[SiteId], &Form, &str),
    ) -> Answer {
        let registry = self.desk.registry.load_full();
        let name = form.name().ok_or(Refusal::Forbidden)?;
        let device = device(form.get("device")).ok_or(Refusal::Forbidden)?;
        let (mut given, mut sheets) = (Vec::new(), Vec::new());
        for id in sites {
            let site = registry.sites.get(id).filter(|s| rights.keep_site(id) && !s.closed);
            let site = site.ok_or(Refusal::Forbidden)?;
            let code = new_code()?;
            let who = Some(&visitor.account.id);
            let mut entry = request.entry(who, "terminal-code-given", format!("site/{id}"));
            entry.after = name.clone();
            let names = titled(&request.page.lang, &name);
            given.push((code.hash(), Enrolment { site: id.clone(), names, device }, entry));
            sheets.push(sheet(&format!("{}/enrol", request.base_url), &code, &name, ctx.plain(&site.names))?);
        }
        self.store.add_enrolments(given, request.page.now + VALID).await?;
        let page = InvitedPage {
            sheets,
            text: ctx.t("enrolled-text"),
            how: ctx.t("enrolled-how"),
            back: (back, ctx.t("enrolled-back")),
        };
        Ok(html(page.render(ctx)?))
    }

    /// Takes a terminal's right away; the evidence it gave stays.
    pub(super) async fn withdraw_terminal(
        &self,
        request: &OfficeRequest<'_>,
        visitor: &Visitor,
        rights: &Rights<'_>,
        id: &str,
    ) -> Answer {
        let id = TerminalId::new(id).map_err(|_| Refusal::Unknown)?;
        let registry = self.desk.registry.load();
        let terminal = registry.terminals.get(&id).ok_or(Refusal::Unknown)?;
        // Those of the county's file are withdrawn there.
        if !rights.keep_site(&terminal.site) || !self.registrar.is_enrolled(&id) {
            return Err(Refusal::Forbidden);
        }
        let mut entry =
            request.entry(Some(&visitor.account.id), "terminal-withdrawn", format!("terminal/{id}"));
        let site = terminal.site.clone();
        entry.before = format!("site/{site}");
        self.withdraw(id, entry).await?;
        Ok(Reply::see_other(&format!("/office/sites/{site}")))
    }

    /// Takes a terminal out of the store and out of force.
    pub(in crate::portal) async fn withdraw(&self, id: TerminalId, entry: AuditEntry) -> Result<(), Refusal> {
        let (store, registrar) = (self.store.clone(), Arc::clone(&self.registrar));
        let both = async move {
            store.withdraw_terminal(id.clone(), entry).await?;
            registrar.remove(&id);
            Ok::<_, StoreError>(())
        };
        Ok(to_the_end(both).await??)
    }

    /// The page on which a device enrols with a code, and then plays.
    pub(super) async fn enrol(&self, request: &OfficeRequest<'_>, ctx: &PageContext<'_>) -> Answer {
        let Some(form) = &request.form else {
            let code = crate::portal::pages::param(request.page.query, "code").unwrap_or_default();
            return Ok(html(EnrolPage { error: None, code }.render(ctx)?));
        };
        let again = |error: String| -> Answer {
            let page = EnrolPage { error: Some(error), code: form.get("code") };
            Ok(html(page.render(ctx)?).with_status(StatusCode::UNPROCESSABLE_ENTITY))
        };
        let (address, now) = (request.address, request.page.now);
        if let Err(seconds) = self.gate.attempt(None, address, now) {
            return again(ctx.t1("sign-in-wait", "seconds", seconds));
        }
        let code = Code::read(form.get("code")).map(|c| c.hash());
        let found = match code {
            Some(code) => self.store.enrolment(code, now).await?,
            None => None,
        };
        let (Some(code), Some(place)) = (code, found) else {
            return again(ctx.t("code-wrong"));
        };
        self.gate.succeeded(None, address);
        let (token, random): ([u8; 24], [u8; 4]) = (random()?, random()?);
        let token = hex::encode(token);
        let short: String = place.site.as_str().chars().take(48).collect();
        let id = TerminalId::new(&format!("{short}-{}", hex::encode(random)))
            .map_err(|e| Refusal::Ours(e.to_string()))?;
        let Enrolment { site, names, device } = place;
        let terminal = Terminal { id, site, names, device, token: TokenHash::of(&token) };
        let mut entry = request.entry(None, "terminal-enrolled", format!("terminal/{}", terminal.id));
        entry.after = format!("site/{}", terminal.site);
        let (store, registrar) = (self.store.clone(), Arc::clone(&self.registrar));
        let both = async move {
            let made = store.enrol(code, terminal.clone(), entry).await?;
            if made {
                registrar.add(terminal);
            }
            Ok::<_, StoreError>(made)
        };
        if !to_the_end(both).await?? {
            return again(ctx.t("code-wrong"));
        }
        // The player's page keeps the token and takes it out of the address.
        if matches!(device, DeviceKind::Tv | DeviceKind::Computer) {
            return Ok(Reply::see_other(&format!("/tv?terminal={token}")));
        }
        let county = self.county.load();
        let channel = county.channels.first().ok_or(Refusal::Unknown)?;
        Ok(Reply::see_other(&format!("/channels/{}?terminal={token}", channel.id)))
    }
}

/// Runs to its end even if the browser hangs up in the middle: what is stored
/// and what is in force must not differ.
pub(super) async fn to_the_end<T: Send + 'static>(
    work: impl Future<Output = T> + Send + 'static,
) -> Result<T, Refusal> {
    tokio::spawn(work).await.map_err(|e| Refusal::Ours(e.to_string()))
}

/// A name in the language of the page it was typed on.
fn titled(lang: &Lang, name: &str) -> Titles {
    Titles([(lang.clone(), name.to_owned())].into())
}

fn device(name: &str) -> Option<DeviceKind> {
    match name {
        "computer" => Some(DeviceKind::Computer),
        "tv" => Some(DeviceKind::Tv),
        "phone" => Some(DeviceKind::Phone),
        _ => None,
    }
}
