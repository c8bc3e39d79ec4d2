//! The office's door and its first rooms: setting up, signing in, people,
//! what was written by whom. Every answer is a page; forms work without script.

mod about;
mod alarms;
mod answer;
mod asrun;
mod audit;
mod bring;
mod catalogue;
mod chosen;
mod direct;
mod documents;
mod drafts;
mod duty;
mod entries;
mod entry;
mod evenings;
mod fields;
mod figures;
mod gate;
mod health;
mod identity;
mod import;
mod kept;
mod lessons;
mod lists;
mod me;
mod papers;
mod parts;
mod people;
mod persons;
mod places;
mod refusal;
mod registrar;
mod request;
mod review;
mod schedule;
mod second_factor;
mod second_gate;
mod sheets;
mod sites;
mod standing;
mod studies;
mod study_papers;
mod terminals;
mod tokens;
mod undo;
mod visitor;
mod week;

use crate::people::Rights;

use answer::{events, html};
pub use direct::Direction;
pub use documents::Documents;
use entries::{CHANNELS, RELAYS, SETTINGS};
pub use gate::Gate;
pub(in crate::portal) use gate::{new_code, random};
use import::Preview;
use parts::Place;
pub(in crate::portal) use refusal::Refusal;
use refusal::refused;
pub use registrar::Registrar;
pub(in crate::portal) use request::clean as clean_name;
pub use request::{Form, OfficeRequest, away_cookie_name, cookie_name};
use visitor::Visitor;

use super::pages::param;
use super::reply::Reply;
use super::state::Portal;
use super::views::PageContext;

type Answer = Result<Reply, Refusal>;

/// First parts of the paths that are answered here.
const ROOMS: [&str; 8] = ["bring", "enrol", "setup", "sign-in", "sign-out", "code", "office", "me"];

impl Portal {
    /// True if `path` is answered by [`Portal::office`].
    pub fn is_office(path: &str) -> bool {
        let first = path.trim_start_matches('/').split('/').next();
        first.is_some_and(|first| ROOMS.contains(&first))
    }

    /// A page of the office, or what a form of it led to.
    pub async fn office(&self, request: &OfficeRequest<'_>) -> Reply {
        let county = self.county.load_full();
        let path = format!("{}{}", request.page.path, request.page.query);
        let ctx = PageContext {
            lang: &request.page.lang,
            languages: &county.languages,
            now: request.page.now,
            tz: &county.tz,
            county: &county.names,
            path: &path,
            saver: request.page.saver,
        };
        let mut reply = match self.enter(request, &ctx).await {
            Ok(reply) => reply,
            Err(refusal) => refused(&ctx, request, refusal),
        };
        reply.set_lang = request.page.chosen.then(|| request.page.lang.clone());
        reply.set_saver = request.page.saver_chosen.then_some(request.page.saver);
        reply
    }

    async fn enter(&self, request: &OfficeRequest<'_>, ctx: &PageContext<'_>) -> Answer {
        if request.form.is_some() && !request.same_origin {
            return Err(Refusal::Elsewhere);
        }
        let parts: Vec<&str> = request.page.path.trim_matches('/').split('/').collect();
        match parts.as_slice() {
            ["setup"] => return self.setup(request, ctx).await,
            ["sign-in"] => return self.sign_in(request, ctx).await,
            ["sign-in", "code"] => return self.second_step(request, ctx).await,
            ["sign-in", "oidc"] if request.form.is_none() => return self.to_provider(request, ctx).await,
            ["sign-in", "oidc", "back"] if request.form.is_none() => {
                return self.back_from_provider(request, ctx).await;
            }
            ["code"] => return self.choose_password(request, ctx).await,
            ["enrol"] => return self.enrol(request, ctx).await,
            ["bring"] => return self.bring(request, ctx).await,
            _ => {}
        }
        let visitor = self.visitor(request).await?.ok_or(Refusal::SignIn)?;
        if let Some(form) = &request.form
            && !visitor.secret.is_form_token(form.get("token"))
        {
            return Err(Refusal::Elsewhere);
        }
        let registry = self.desk.registry.load_full();
        let rights = Rights::new(&visitor.account.grants, &registry);
        let form = request.form.as_ref();
        match (parts.as_slice(), form) {
            (["sign-out"], Some(_)) => self.sign_out(request, &visitor).await,
            (["me"], None) => self.me(ctx, &visitor, None).await,
            (["me", what], Some(form)) => self.change_me(request, ctx, &visitor, what, form).await,
            (["office", ..], _) if !rights.enter_office() => Err(Refusal::Forbidden),
            (["office"], None) => me::office_home(ctx, &visitor, &rights),
            (["office", "duty"], None) => self.duty(ctx, &rights).await,
            (["office", "duty", id], None) => self.direct_page(ctx, &visitor, &rights, (id, None)).await,
            (["office", "duty", id], Some(form)) if rights.direct() => {
                self.direct(request, ctx, &visitor, &rights, (id, form)).await
            }
            (["office", "duty", id, "picture"], None) => self.still(id).await,
            (["office", "relays", id, "picture"], None) => self.relay_picture(id).await,
            (["office", "asrun"], None) if rights.see_programmes() => {
                Ok(self.as_run_list(ctx, &visitor, &rights)?)
            }
            (["office", "asrun", id], None) if rights.see_programmes() => {
                self.as_run_page(ctx, &rights, (id, request.page.query)).await
            }
            (["office", "asrun", id, file], None) if rights.see_programmes() => {
                self.as_run_table(ctx, (id, file)).await
            }
            (["office", "people"], None) if rights.see_people() => {
                self.people(ctx, &visitor, &rights, None).await
            }
            (["office", "people"], Some(form)) if rights.invite() => {
                self.invite(request, ctx, &visitor, &rights, form).await
            }
            (["office", "people", id, what], Some(_)) if rights.invite() => {
                self.change_person(request, ctx, &visitor, &rights, (id, what)).await
            }
            (["office", "chosen-people"], Some(form)) if rights.invite() => {
                self.chosen_people(request, ctx, &visitor, &rights, form).await
            }
            (["office", "sites"], None) => self.office_sites(ctx, &visitor, &rights, request.page.query),
            (["office", "sites", id], None) => {
                self.office_site(ctx, &visitor, &rights, id, sites::Typed::Nothing)
            }
            (["office", "sites", id], Some(form)) => {
                self.change_site(request, ctx, &visitor, &rights, (id, "", form)).await
            }
            (["office", "sites", id, "terminals"], Some(form)) => {
                self.give_terminal_code(request, ctx, &visitor, &rights, (id, form)).await
            }
            (["office", "sites", id, what], Some(form)) => {
                self.change_site(request, ctx, &visitor, &rights, (id, what, form)).await
            }
            (["office", "chosen-sites"], Some(form)) => {
                self.chosen_sites(request, ctx, &visitor, &rights, form).await
            }
            (["office", "export", "sites.xlsx"], None) => self.export_sites(ctx, &rights).await,
            (["office", "new-site"], None) if rights.edit_sites() => {
                self.new_site(ctx, &visitor, &rights, None)
            }
            (["office", "new-site"], Some(form)) if rights.edit_sites() => {
                self.add_site(request, ctx, &visitor, &rights, form).await
            }
            (["office", "import", "sites"], None) if rights.edit_sites() => {
                self.import_page(ctx, &visitor, &rights, Preview::default())
            }
            (["office", "import", "sites"], Some(form)) if rights.edit_sites() => {
                self.import_sites(ctx, &visitor, &rights, form).await
            }
            (["office", "import", "take"], Some(form)) if rights.edit_sites() => {
                self.take_import(request, ctx, &visitor, &rights, form).await
            }
            (["office", "undo", line], Some(form)) if rights.edit_something() => {
                self.undo(request, ctx, &visitor, &rights, (line, form)).await
            }
            (["office", "events"], None) => Ok(events(request.listens)),
            (["office", "schedule"], None) if rights.see_programmes() => {
                self.schedules(ctx, &visitor, &rights)
            }
            (["office", "schedule", id], None) if rights.see_programmes() => {
                self.schedule(ctx, &visitor, &rights, (id, request.page.query))
            }
            (["office", "schedule", id], Some(form)) if rights.edit_programmes() => {
                self.save_schedule(request, ctx, &visitor, &rights, (id, None, form)).await
            }
            (["office", "schedule", id, "parts", rest @ ..], form) if rights.see_programmes() => {
                let place = self.parts_of(id, &rights)?;
                self.parts(request, ctx, &visitor, &rights, (&place, rest, form)).await
            }
            (["office", "holidays", rest @ ..], form) if rights.edit_channels() => {
                let place = Place::county(&rights);
                self.parts(request, ctx, &visitor, &rights, (&place, rest, form)).await
            }
            (["office", "schedule", _, "table"], None) if !rights.edit_programmes() => {
                Err(Refusal::Forbidden)
            }
            (["office", "schedule", id, "table"], None) => {
                self.sheet_page(ctx, &visitor, &rights, (id, sheets::Looked::default()))
            }
            (["office", "schedule", id, "table.xlsx"], None) if rights.see_programmes() => {
                self.export_schedule(ctx, (id, "xlsx")).await
            }
            (["office", "schedule", id, "table.csv"], None) if rights.see_programmes() => {
                self.export_schedule(ctx, (id, "csv")).await
            }
            (["office", "schedule", id, "look"], Some(form)) if rights.edit_programmes() => {
                self.look_at_sheet(ctx, &visitor, &rights, (id, form)).await
            }
            (["office", "schedule", id, "take"], Some(form)) if rights.edit_programmes() => {
                self.take_sheet(request, ctx, &visitor, &rights, (id, form)).await
            }
            (["office", "schedule", id, "copy"], Some(form)) if rights.edit_programmes() => {
                self.copy_days(request, ctx, &visitor, (id, form)).await
            }
            (["office", "schedule", id, mark, "move"], Some(form)) if rights.edit_programmes() => {
                self.move_entry(request, ctx, &visitor, (id, mark, form)).await
            }
            (["office", "schedule", id, "new"], None) => {
                if !rights.edit_programmes() {
                    return Err(Refusal::Forbidden);
                }
                match param(request.page.query, "after") {
                    Some(above) => self.follower_form(ctx, &visitor, &rights, (id, above)),
                    None => self.schedule_form(ctx, &visitor, &rights, (id, None, None)),
                }
            }
            (["office", "schedule", id, mark], None) if rights.see_programmes() => {
                self.schedule_form(ctx, &visitor, &rights, (id, Some(mark), None))
            }
            (["office", "schedule", id, mark], Some(form)) if rights.edit_programmes() => {
                self.save_schedule(request, ctx, &visitor, &rights, (id, Some(mark), form)).await
            }
            (["office", "schedule", id, mark, "remove"], Some(_)) if rights.edit_programmes() => {
                self.remove_schedule(request, ctx, &visitor, (id, mark)).await
            }
            (["office", "catalogue"], None) if rights.edit_programmes() => {
                self.catalogue_page(ctx, &visitor, &rights, catalogue::Looked::default())
            }
            (["office", "catalogue", "table.xlsx"], None) if rights.see_programmes() => {
                self.export_catalogue(ctx, "xlsx").await
            }
            (["office", "catalogue", "table.csv"], None) if rights.see_programmes() => {
                self.export_catalogue(ctx, "csv").await
            }
            (["office", "chosen-lessons"], form) if rights.edit_programmes() => {
                self.chosen_lessons(request, ctx, &visitor, &rights, form).await
            }
            (["office", "evenings", rest @ ..], form) if rights.see_programmes() => {
                self.evenings(request, ctx, &visitor, &rights, (rest, form)).await
            }
            (["office", "studies", rest @ ..], form) if rights.see_studies() => {
                self.studies(request, ctx, &visitor, &rights, (rest, form)).await
            }
            (["office", "figures", rest @ ..], None) if rights.see_studies() => {
                self.figures(request, ctx, &rights, rest).await
            }
            (["office", "catalogue", "look"], Some(form)) if rights.edit_programmes() => {
                self.look_at_catalogue(ctx, &visitor, &rights, form).await
            }
            (["office", "catalogue", "take"], Some(form)) if rights.edit_programmes() => {
                self.take_catalogue(request, ctx, &visitor, &rights, form).await
            }
            (["office", "lessons"], None) if rights.see_programmes() => {
                self.office_lessons(ctx, &visitor, &rights).await
            }
            (["office", "lessons", id], None) if rights.see_programmes() => {
                self.office_lesson(ctx, &visitor, &rights, (id, None))
            }
            (["office", "lessons", id], Some(form)) if rights.edit_programmes() => {
                self.save_lesson(request, ctx, &visitor, &rights, (id, form)).await
            }
            (["office", "lessons", id, "files"], None) if rights.see_programmes() => {
                self.lesson_documents(ctx, &visitor, &rights, id)
            }
            (["office", "lessons", id, "files", "remove"], Some(form)) if rights.edit_programmes() => {
                self.remove_document(request, &visitor, (id, form)).await
            }
            (["office", "lessons", id, "remove"], Some(form)) if rights.edit_programmes() => {
                self.remove_lesson(request, ctx, &visitor, &rights, (id, form)).await
            }
            (["office", "lessons", id, "review"], None) if rights.see_programmes() => {
                self.review_page(ctx, &visitor, &rights, (id, None)).await
            }
            (["office", "lessons", id, "review"], Some(form))
                if rights.edit_programmes() || rights.review_lessons() =>
            {
                self.review(request, ctx, &visitor, &rights, (id, form)).await
            }
            (["office", "channels"], None) if rights.see_programmes() => {
                self.entry_list(ctx, &visitor, &rights, CHANNELS)
            }
            (["office", "channels", id], None) if rights.see_programmes() => {
                self.entry_page(ctx, &visitor, &rights, (CHANNELS, id, None))
            }
            (["office", "channels", id], Some(form)) if rights.edit_channels() => {
                self.save_entry(request, ctx, &visitor, &rights, (CHANNELS, Some(id), form)).await
            }
            (["office", "channels", id, "remove"], Some(_)) if rights.edit_channels() => {
                self.remove_entry(request, ctx, &visitor, &rights, (CHANNELS, id)).await
            }
            (["office", "new-channel"], None) if rights.edit_channels() => {
                self.new_entry(ctx, &visitor, &rights, (CHANNELS, None))
            }
            (["office", "new-channel"], Some(form)) if rights.edit_channels() => {
                self.save_entry(request, ctx, &visitor, &rights, (CHANNELS, None, form)).await
            }
            (["office", "relays"], None) if rights.see_programmes() => {
                self.entry_list(ctx, &visitor, &rights, RELAYS)
            }
            (["office", "relays", id], None) if rights.see_programmes() => {
                self.entry_page(ctx, &visitor, &rights, (RELAYS, id, None))
            }
            (["office", "relays", id], Some(form)) if rights.edit_relays() => {
                self.save_entry(request, ctx, &visitor, &rights, (RELAYS, Some(id), form)).await
            }
            (["office", "relays", id, "remove"], Some(_)) if rights.edit_relays() => {
                self.remove_entry(request, ctx, &visitor, &rights, (RELAYS, id)).await
            }
            (["office", "new-relay"], None) if rights.edit_relays() => {
                self.new_entry(ctx, &visitor, &rights, (RELAYS, None))
            }
            (["office", "new-relay"], Some(form)) if rights.edit_relays() => {
                self.save_entry(request, ctx, &visitor, &rights, (RELAYS, None, form)).await
            }
            (["office", "settings"], None) if rights.see_tokens() => {
                self.entry_page(ctx, &visitor, &rights, (SETTINGS, "", None))
            }
            (["office", "settings"], Some(form)) if rights.edit_channels() => {
                self.save_entry(request, ctx, &visitor, &rights, (SETTINGS, Some(""), form)).await
            }
            (["office", "api"], None) if rights.see_tokens() => {
                self.api_page(ctx, &visitor, &rights, None).await
            }
            (["office", "api"], Some(form)) if rights.keep_tokens() => {
                self.give_token(request, ctx, &visitor, &rights, form).await
            }
            (["office", "api", "withdraw"], Some(form)) if rights.keep_tokens() => {
                self.withdraw_token(request, &visitor, form).await
            }
            (["office", "townships"], None) if rights.edit_townships() => {
                self.townships(ctx, &visitor, &rights, None)
            }
            (["office", "townships"], Some(form)) if rights.edit_townships() => {
                self.change_township(request, ctx, &visitor, &rights, (None, form)).await
            }
            (["office", "townships", id], Some(form)) if rights.edit_townships() => {
                self.change_township(request, ctx, &visitor, &rights, (Some(id), form)).await
            }
            (["office", "terminals", id, "withdraw"], Some(_)) => {
                self.withdraw_terminal(request, &visitor, &rights, id).await
            }
            (["office", "design"], None) => Ok(html(super::views::DesignPage.render(ctx)?)),
            (["office", "audit"], None) if rights.see_audit() => {
                self.audit_page(ctx, &rights, request.page.query).await
            }
            (
                [
                    "office",
                    "duty" | "asrun" | "people" | "chosen-people" | "audit" | "api" | "townships" | "import"
                    | "undo" | "new-site" | "schedule" | "lessons" | "chosen-lessons" | "catalogue"
                    | "evenings" | "studies" | "figures" | "channels" | "new-channel" | "relays"
                    | "new-relay" | "settings" | "holidays",
                    ..,
                ],
                _,
            ) => Err(Refusal::Forbidden),
            _ => Err(Refusal::Unknown),
        }
    }
}
