//! Group studies: begun and ended by who keeps a site, corrected with somebody above it.

use std::collections::BTreeMap;

use hyper::StatusCode;
use jiff::civil::DateTime;
use jiff::{SignedDuration, Timestamp};

use crate::base::{AccountId, IntervalSet, Lang, SiteId};
use crate::evidence::{LONGEST_STUDY, Level, MOST_MINUTES, MOST_PEOPLE, Study, site_wall};
use crate::people::Rights;
use crate::portal::reply::Reply;
use crate::portal::state::Portal;
use crate::portal::views::{
    BeginStudy, Menu, PageContext, ProposedCorrection, StudiesPage, StudyPage, StudyView,
};
use crate::store::{Correction, StoredStudy};

use super::persons::PERSON;
use super::request::{Form, OfficeRequest, clean};
use super::{Answer, Refusal, Visitor, html};

/// Where they are.
pub(super) const ROOM: &str = "/office/studies";
/// Group studies in the list.
const LISTED: usize = 60;
/// How far back the list goes.
const BACK: SignedDuration = SignedDuration::from_hours(400 * 24);
/// Longest texts, letters.
const LINE: usize = 200;
const NOTES: usize = 4000;

impl Portal {
    /// What `rest`, the path below their page, asks for.
    pub(super) async fn studies(
        &self,
        request: &OfficeRequest<'_>,
        ctx: &PageContext<'_>,
        visitor: &Visitor,
        rights: &Rights<'_>,
        (rest, form): (&[&str], Option<&Form>),
    ) -> Answer {
        match (rest, form) {
            ([], None) => self.study_list(ctx, visitor, rights, None).await,
            ([], Some(form)) => self.begin_study(request, ctx, visitor, rights, form).await,
            ([PERSON], form) => self.person(request, ctx, visitor, rights, (None, form)).await,
            (["person.csv"], None) => self.person(request, ctx, visitor, rights, (Some("csv"), None)).await,
            (["person.xlsx"], None) => self.person(request, ctx, visitor, rights, (Some("xlsx"), None)).await,
            ([id, act @ ..], form) => {
                let id = id.parse::<i64>().map_err(|_| Refusal::Unknown)?;
                let study = self.store.study(id).await?.ok_or(Refusal::Unknown)?;
                if !rights.see_site(&study.study.site) {
                    return Err(Refusal::Forbidden);
                }
                match (act, form) {
                    ([], None) => self.study_page(ctx, visitor, rights, (&study, None)).await,
                    (["end"], Some(form)) => {
                        self.end_study(request, ctx, visitor, rights, (study, form)).await
                    }
                    (["correct"], Some(form)) => {
                        self.correct_study(request, ctx, visitor, rights, (study, form)).await
                    }
                    (["decide"], Some(form)) => {
                        self.decide_study(request, ctx, visitor, rights, (study, form)).await
                    }
                    (["papers"], Some(form)) => {
                        self.add_paper(request, ctx, visitor, rights, (&study, form)).await
                    }
                    (["papers", paper], None) => self.paper(&study, paper).await,
                    (["papers", paper, "erase"], Some(_)) => {
                        self.erase_paper(request, visitor, rights, (&study, paper)).await
                    }
                    _ => Err(Refusal::Unknown),
                }
            }
        }
    }

    async fn study_list(
        &self,
        ctx: &PageContext<'_>,
        visitor: &Visitor,
        rights: &Rights<'_>,
        error: Option<String>,
    ) -> Answer {
        let registry = self.desk.registry.load_full();
        let mine: Vec<&SiteId> =
            registry.sites.values().filter(|s| !s.closed && rights.keep_site(&s.id)).map(|s| &s.id).collect();
        let seen = self.store.studies(None, (ctx.now - BACK, Timestamp::MAX)).await?;
        let seen = seen.into_iter().filter(|s| rights.see_site(&s.study.site)).take(LISTED);
        let seen: Vec<StoredStudy> = seen.collect();
        let views = self.study_views(ctx, &seen).await?;
        let (running, held): (Vec<_>, Vec<_>) = views.into_iter().partition(|v| v.study.end.is_none());
        let free: Vec<&SiteId> =
            mine.into_iter().filter(|id| running.iter().all(|r| &r.study.site != *id)).collect();
        let begin = free.first().map(|first| BeginStudy {
            topic: self.on_now(ctx, first),
            organiser: visitor.account.name.clone(),
            sites: free
                .iter()
                .map(|id| {
                    let names = registry.sites.get(*id).map(|s| ctx.plain(&s.names));
                    ((*id).clone(), names.unwrap_or_default())
                })
                .collect(),
        });
        let status = if error.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
        let page = StudiesPage {
            running: running
                .into_iter()
                .map(|view| {
                    let may_end = rights.keep_site(&view.study.site);
                    (view, may_end)
                })
                .collect(),
            begin,
            held,
            error,
            token: visitor.secret.form_token(),
            menu: Menu::of(rights),
        };
        Ok(html(page.render(ctx)?).with_status(status))
    }

    /// What the site's screens show now, else what the first channel does.
    fn on_now(&self, ctx: &PageContext<'_>, site: &SiteId) -> String {
        let open = self.desk.ledger.of_site(site);
        let newest = open.iter().filter(|r| r.closed.is_none()).max_by_key(|r| r.last_activity);
        let lesson = newest.filter(|r| r.duration_ms.is_some()).map(|r| ctx.plain(&r.title));
        lesson
            .or_else(|| {
                let channel = self.county.load().channels.first()?.id.clone();
                let plans = self.plans.load();
                let programme = plans.get(&channel)?.at(ctx.now).programme?;
                Some(ctx.plain(&programme.titles))
            })
            .unwrap_or_default()
    }

    /// They as the pages show them, with what was verifiably played while they ran.
    pub(in crate::portal) async fn study_views(
        &self,
        ctx: &PageContext<'_>,
        studies: &[StoredStudy],
    ) -> Result<Vec<StudyView>, Refusal> {
        let mut spans: BTreeMap<&SiteId, (Timestamp, Timestamp)> = BTreeMap::new();
        for StoredStudy { study, .. } in studies {
            let end = study.end.unwrap_or(ctx.now).min(study.start + LONGEST_STUDY);
            let span = spans.entry(&study.site).or_insert((study.start, end));
            *span = (span.0.min(study.start), span.1.max(end));
        }
        let mut played: BTreeMap<&SiteId, IntervalSet> = BTreeMap::new();
        for (site, (from, to)) in spans {
            let day = |at: Timestamp| at.to_zoned_datetime(ctx.tz.clone()).date();
            let mut wall = self.store.verified_wall(site.clone(), (day(from), day(to))).await?;
            // What is still playing, or was a moment ago, is not summed up yet.
            wall.union(&site_wall(&self.desk.ledger.of_site(site), Level::Delivered));
            played.insert(site, wall);
        }
        let registry = self.desk.registry.load();
        let view = |stored: &StoredStudy| {
            let study = &stored.study;
            let until_now = Study { end: study.end.or(Some(ctx.now)), ..study.clone() };
            let wall = played.get(&study.site);
            StudyView {
                id: stored.id,
                names: registry.sites.get(&study.site).map(|s| s.names.clone()).unwrap_or_default(),
                verified_ms: wall.map_or(0, |wall| until_now.verified_ms(wall)),
                study: study.clone(),
                entry: stored.entry,
            }
        };
        Ok(studies.iter().map(view).collect())
    }

    async fn begin_study(
        &self,
        request: &OfficeRequest<'_>,
        ctx: &PageContext<'_>,
        visitor: &Visitor,
        rights: &Rights<'_>,
        form: &Form,
    ) -> Answer {
        let site = SiteId::new(form.get("site")).map_err(|_| Refusal::Unknown)?;
        let registry = self.desk.registry.load_full();
        let open = registry.sites.get(&site).is_some_and(|s| !s.closed);
        if !open || !rights.keep_site(&site) {
            return Err(Refusal::Forbidden);
        }
        let organiser = text(form, "organiser", LINE);
        let study = Study {
            site,
            by: visitor.account.id.clone(),
            organiser: if organiser.is_empty() { visitor.account.name.clone() } else { organiser },
            topic: text(form, "topic", LINE),
            lang: Some(ctx.lang.clone()),
            start: ctx.now,
            end: None,
            headcount: None,
            expected: None,
            roster: Vec::new(),
            discussion: 0,
            tutoring: 0,
            notes: String::new(),
            void: false,
        };
        let entry = request.entry(Some(&visitor.account.id), "study-begun", String::new());
        match self.store.begin_study(study, entry).await? {
            Some(_) => Ok(Reply::see_other(ROOM)),
            None => self.study_list(ctx, visitor, rights, Some(ctx.t("study-is-running"))).await,
        }
    }

    async fn end_study(
        &self,
        request: &OfficeRequest<'_>,
        ctx: &PageContext<'_>,
        visitor: &Visitor,
        rights: &Rights<'_>,
        (stored, form): (StoredStudy, &Form),
    ) -> Answer {
        if !rights.keep_site(&stored.study.site) {
            return Err(Refusal::Forbidden);
        }
        let study = match typed(form, &stored.study, ctx) {
            Ok(study) => study,
            Err(wrong) => return self.study_list(ctx, visitor, rights, Some(wrong)).await,
        };
        let mut entry =
            request.entry(Some(&visitor.account.id), "study-ended", format!("study/{}", stored.id));
        entry.after = study.headcount.map(|n| n.to_string()).unwrap_or_default();
        self.store.end_study(stored.id, study, entry).await?;
        Ok(Reply::see_other(&format!("{ROOM}/{}", stored.id)))
    }

    pub(super) async fn study_page(
        &self,
        ctx: &PageContext<'_>,
        visitor: &Visitor,
        rights: &Rights<'_>,
        (stored, error): (&StoredStudy, Option<String>),
    ) -> Answer {
        let corrections = self.store.corrections(stored.id).await?;
        let accounts = self.store.accounts().await?;
        let names: BTreeMap<&AccountId, &str> = accounts.iter().map(|a| (&a.id, a.name.as_str())).collect();
        let name = |id: &AccountId| names.get(id).map_or_else(|| id.to_string(), |name| (*name).to_owned());
        let waiting = corrections.iter().find(|c| c.decided.is_none());
        let site = &stored.study.site;
        let view =
            self.study_views(ctx, std::slice::from_ref(stored)).await?.pop().ok_or(Refusal::Unknown)?;
        let shown = |c: &Correction| ProposedCorrection {
            study: c.study.clone(),
            reason: c.reason.clone(),
            by: name(&c.by),
            approved_by: c.decided.as_ref().filter(|(_, good)| *good).map(|(who, _)| name(who)),
        };
        let status = if error.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
        let page = StudyPage {
            may_correct: view.study.end.is_some() && rights.keep_site(site) && waiting.is_none(),
            may_decide: waiting
                .filter(|_| may_decide(self, rights, site))
                .map(|c| c.by != visitor.account.id),
            waiting: waiting.map(shown),
            corrected: corrections
                .iter()
                .filter(|c| c.decided.as_ref().is_some_and(|(_, good)| *good))
                .map(shown)
                .collect(),
            papers: self.store.papers(stored.id).await?,
            may_add: rights.keep_site(site),
            may_erase: may_decide(self, rights, site),
            view,
            error,
            token: visitor.secret.form_token(),
            menu: Menu::of(rights),
        };
        Ok(html(page.render(ctx)?).with_status(status))
    }

    async fn correct_study(
        &self,
        request: &OfficeRequest<'_>,
        ctx: &PageContext<'_>,
        visitor: &Visitor,
        rights: &Rights<'_>,
        (stored, form): (StoredStudy, &Form),
    ) -> Answer {
        if !rights.keep_site(&stored.study.site) || stored.study.end.is_none() {
            return Err(Refusal::Forbidden);
        }
        let reason = text(form, "reason", LINE);
        let study = match typed(form, &stored.study, ctx) {
            Ok(study) if !reason.is_empty() => Study { void: form.get("void") == "1", ..study },
            Ok(_) => {
                let missing = Some(ctx.t("study-reason-missing"));
                return self.study_page(ctx, visitor, rights, (&stored, missing)).await;
            }
            Err(wrong) => return self.study_page(ctx, visitor, rights, (&stored, Some(wrong))).await,
        };
        let subject = format!("study/{}", stored.id);
        let mut entry = request.entry(Some(&visitor.account.id), "study-correction-proposed", subject);
        entry.after = reason.clone();
        let made = self.store.propose_correction(stored.id, (study, reason), entry).await?;
        match made {
            true => Ok(Reply::see_other(&format!("{ROOM}/{}", stored.id))),
            false => {
                let waits = Some(ctx.t("study-waits"));
                self.study_page(ctx, visitor, rights, (&stored, waits)).await
            }
        }
    }

    async fn decide_study(
        &self,
        request: &OfficeRequest<'_>,
        ctx: &PageContext<'_>,
        visitor: &Visitor,
        rights: &Rights<'_>,
        (stored, form): (StoredStudy, &Form),
    ) -> Answer {
        if !may_decide(self, rights, &stored.study.site) {
            return Err(Refusal::Forbidden);
        }
        let corrections = self.store.corrections(stored.id).await?;
        let waiting = corrections.iter().find(|c| c.decided.is_none());
        if waiting.is_some_and(|c| c.by == visitor.account.id) {
            let own = Some(ctx.t("study-own"));
            return self.study_page(ctx, visitor, rights, (&stored, own)).await;
        }
        let approved = match form.get("do") {
            "approve" => true,
            "refuse" => false,
            _ => return Err(Refusal::Unknown),
        };
        let what = if approved { "study-corrected" } else { "study-correction-refused" };
        let mut entry = request.entry(Some(&visitor.account.id), what, format!("study/{}", stored.id));
        entry.after = waiting.map(|c| c.reason.clone()).unwrap_or_default();
        self.store.decide_correction(stored.id, approved, entry).await?;
        Ok(Reply::see_other(&format!("{ROOM}/{}", stored.id)))
    }
}

/// Corrections are decided above the site.
pub(super) fn may_decide(portal: &Portal, rights: &Rights<'_>, site: &SiteId) -> bool {
    let registry = portal.desk.registry.load();
    registry.sites.get(site).is_some_and(|s| rights.edit_township(&s.township))
}

/// A text on one line, no longer than that.
fn text(form: &Form, name: &str, most: usize) -> String {
    clean(form.get(name)).chars().take(most).collect()
}

/// What was typed of a group study that has ended; or what is wrong, in words.
fn typed(form: &Form, before: &Study, ctx: &PageContext<'_>) -> Result<Study, String> {
    let number = |name: &str, most: u32| match form.get(name) {
        "" => Ok(None),
        typed => match typed.parse::<u32>() {
            Ok(n) if n <= most => Ok(Some(n)),
            _ => Err(ctx.t("study-number-wrong")),
        },
    };
    let wrong = || ctx.t1("study-time-wrong", "hours", LONGEST_STUDY.as_hours());
    let end = match form.get("end") {
        "" => before.end.unwrap_or(ctx.now),
        typed => {
            let at: DateTime = typed.parse().map_err(|_| wrong())?;
            at.to_zoned_datetime(ctx.tz.clone()).map_err(|_| wrong())?.timestamp()
        }
    };
    // Whoever forgot to end it says when it was.
    let end = if form.get("end").is_empty() { end.min(before.start + LONGEST_STUDY) } else { end };
    if end < before.start || end > ctx.now || end.duration_since(before.start) > LONGEST_STUDY {
        return Err(wrong());
    }
    let roster = form.get("roster").lines().map(clean).filter(|line| !line.is_empty());
    let given = |name: &str, known: &str| match text(form, name, LINE) {
        empty if empty.is_empty() => known.to_owned(),
        typed => typed,
    };
    Ok(Study {
        topic: given("topic", &before.topic),
        organiser: given("organiser", &before.organiser),
        lang: Lang::new(form.get("lang")).ok().or_else(|| before.lang.clone()),
        end: Some(end),
        headcount: number("headcount", MOST_PEOPLE)?,
        expected: number("expected", MOST_PEOPLE)?,
        roster: roster.map(|line| line.chars().take(LINE).collect()).take(MOST_PEOPLE as usize).collect(),
        discussion: number("discussion", MOST_MINUTES)?.unwrap_or_default(),
        tutoring: number("tutoring", MOST_MINUTES)?.unwrap_or_default(),
        notes: form.get("notes").chars().take(NOTES).collect(),
        ..before.clone()
    })
}
