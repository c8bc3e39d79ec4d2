//! Terminals of the sites one keeps: codes for new ones, withdrawal, and the
//! page on which a device enrols.

use std::sync::Arc;

use hyper::StatusCode;
use jiff::SignedDuration;

use crate::base::{Lang, SiteId, TerminalId, Titles};
use crate::people::{Code, Rights};
use crate::portal::reply::Reply;
use crate::portal::state::Portal;
use crate::portal::views::{EnrolPage, InvitedPage, OfficeSite, OfficeSites, PageContext};
use crate::sites::{DeviceKind, Enrolment, Terminal, TokenHash};

use crate::store::StoreError;

use super::gate::{new_code, random};
use super::people::square;
use super::request::{Form, OfficeRequest};
use super::{Answer, Refusal, Visitor, html};

/// A device may be a day's ride away.
const VALID: SignedDuration = SignedDuration::from_hours(24 * 7);

impl Portal {
    pub(super) fn office_sites(
        &self,
        ctx: &PageContext<'_>,
        visitor: &Visitor,
        rights: &Rights<'_>,
        error: Option<&'static str>,
    ) -> Answer {
        let registry = self.desk.registry.load();
        let seen = registry.sites.values().filter(|s| rights.see_site(&s.id));
        let sites = seen.map(|site| OfficeSite {
            site,
            township: registry.townships.get(&site.township).map(|t| &t.names),
            may_keep: rights.keep_site(&site.id),
            terminals: registry
                .terminals
                .values()
                .filter(|t| t.site == site.id)
                .map(|t| (t, self.registrar.is_enrolled(&t.id)))
                .collect(),
        });
        let page = OfficeSites {
            sites: sites.collect(),
            token: visitor.secret.form_token(),
            error,
            people: rights.see_people(),
            audit: rights.see_audit(),
        };
        let status = if error.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
        Ok(html(page.render(ctx)?).with_status(status))
    }

    /// A code for a new terminal.
    pub(super) async fn give_terminal_code(
        &self,
        request: &OfficeRequest<'_>,
        ctx: &PageContext<'_>,
        visitor: &Visitor,
        rights: &Rights<'_>,
        form: &Form,
    ) -> Answer {
        let Some(name) = form.name() else {
            return self.office_sites(ctx, visitor, rights, Some("name-missing"));
        };
        let site = SiteId::new(form.get("site")).ok().filter(|s| rights.keep_site(s));
        let (Some(site), Some(device)) = (site, device(form.get("device"))) else {
            return Err(Refusal::Forbidden);
        };
        let registry = self.desk.registry.load();
        let beside = registry.sites.get(&site).map(|s| ctx.plain(&s.names)).unwrap_or_default();
        let code = new_code()?;
        let now = request.page.now;
        let mut entry =
            request.entry(Some(&visitor.account.id), "terminal-code-given", format!("site/{site}"));
        entry.after = name.clone();
        let names = titled(&request.page.lang, &name);
        self.store.add_enrolment(code.hash(), Enrolment { site, names, device }, now + VALID, entry).await?;
        let (url, qr) = square(&format!("{}/enrol", request.base_url), &code)?;
        let page = InvitedPage {
            name: &name,
            beside: &beside,
            code: &code.shown(),
            url: &url,
            qr,
            text: ctx.t("enrolled-text"),
            how: ctx.t("enrolled-how"),
            back: ("/office/sites", ctx.t("enrolled-back")),
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
        entry.before = format!("site/{}", terminal.site);
        let (store, registrar) = (self.store.clone(), Arc::clone(&self.registrar));
        let both = async move {
            store.withdraw_terminal(id.clone(), entry).await?;
            registrar.remove(&id);
            Ok::<_, StoreError>(())
        };
        to_the_end(both).await??;
        Ok(Reply::see_other("/office/sites"))
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
async fn to_the_end<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> Result<T, Refusal> {
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
