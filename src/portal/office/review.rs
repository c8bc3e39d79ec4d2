//! A lesson's way onto the air, as the office goes it.

use std::collections::BTreeMap;
use std::sync::Arc;

use hyper::StatusCode;
use jiff::Timestamp;

use crate::base::{AccountId, LessonId};
use crate::courseware::{Act, Hold, NotNow, Package, Person, Review, Step, verify};
use crate::people::{AuditEntry, Rights, Secret};
use crate::portal::cards::lesson_card;
use crate::portal::reply::Reply;
use crate::portal::state::Portal;
use crate::portal::views::{HeldLesson, Menu, PageContext, ReviewPage, ReviewRow, ReviewVersion};
use crate::store::StoreError;

use super::lessons::ROOM;
use super::request::{Form, OfficeRequest};
use super::terminals::to_the_end;
use super::{Answer, Refusal, Visitor, html};

/// Lines of its history that are looked at.
const LINES: u32 = 1000;
/// The longest reason, characters.
const LONGEST: usize = 500;

/// What the audit log says of a step.
#[derive(serde::Serialize, serde::Deserialize, Default)]
#[serde(default)]
struct Told {
    content: String,
    why: String,
}

/// What the audit log calls an act.
fn name(act: Act) -> &'static str {
    match act {
        Act::Submit => "lesson-submitted",
        Act::Return => "lesson-returned",
        Act::Approve => "lesson-approved",
        Act::Publish => "lesson-published",
        Act::Withdraw => "lesson-withdrawn",
    }
}

/// What was done to a package with this content.
fn steps(lines: &[AuditEntry], content: &str) -> Vec<Step> {
    let step = |line: &AuditEntry| {
        let act = Act::ALL.into_iter().find(|act| name(*act) == line.what)?;
        let told: Told = serde_json::from_str(&line.after).ok()?;
        (told.content == content).then(|| Step { at: line.at, who: line.who.clone(), act })
    };
    lines.iter().filter_map(step).collect()
}

fn hold_of(package: &Package) -> Option<Hold> {
    package.held.as_ref().map(|(_, hold)| *hold)
}

/// Why an act did not come about, for its page.
pub(super) enum Wrong {
    Key(&'static str),
    Damaged(String),
}

impl Portal {
    /// May somebody watch here what is not on offer? `secret` is of his cookie.
    pub async fn may_review(&self, secret: &Secret, now: Timestamp) -> Result<bool, StoreError> {
        let account = self.holder_of(secret, now).await?;
        let registry = self.desk.registry.load();
        Ok(account.is_some_and(|a| Rights::new(&a.grants, &registry).see_programmes()))
    }

    /// Lessons that are there and not on offer.
    pub(super) async fn held_lessons(&self) -> Result<Vec<HeldLesson>, Refusal> {
        let (catalogue, by_two) = (self.library.catalogue(), self.county.load().packaging.review);
        let mut held = Vec::new();
        for package in &catalogue.packages {
            let Some((id, hold)) = &package.held else { continue };
            let lines = self.store.audit_of(&format!("lesson/{id}"), LINES).await?;
            let steps = steps(&lines, &package.manifest.content_hash);
            let stage = Review { hold: Some(*hold), steps: &steps, by_two }.stage();
            held.push(HeldLesson { card: lesson_card(id, package), stage });
        }
        Ok(held)
    }

    /// The versions of a lesson with what may be done to each, and its history.
    pub(super) async fn review_page(
        &self,
        ctx: &PageContext<'_>,
        visitor: &Visitor,
        rights: &Rights<'_>,
        (id, wrong): (&str, Option<(Wrong, &Form)>),
    ) -> Answer {
        let lesson = LessonId::new(id).map_err(|_| Refusal::Unknown)?;
        let catalogue = self.library.catalogue();
        let mut packages: Vec<&Arc<Package>> =
            catalogue.shelf().filter(|(of, _)| **of == lesson).map(|(_, p)| p).collect();
        // What waits is what somebody came for.
        packages.sort_by_key(|p| (hold_of(p).is_none(), hold_of(p)));
        let first = packages.first().ok_or(Refusal::Unknown)?;
        let lines = self.store.audit_of(&format!("lesson/{lesson}"), LINES).await?;
        let person = person(visitor, rights);
        let by_two = self.county.load().packaging.review;
        let versions = packages.iter().map(|package| {
            let content = &package.manifest.content_hash;
            let steps = steps(&lines, content);
            let review = Review { hold: hold_of(package), steps: &steps, by_two };
            let acts = Act::ALL.into_iter().filter(|act| review.may(*act, &person).is_ok());
            ReviewVersion {
                content: content.clone(),
                stage: review.stage(),
                length: package.manifest.duration(),
                made: package.updated,
                acts: acts.collect(),
                by_another: review.may(Act::Approve, &person) == Err(NotNow::AnotherPerson),
            }
        });
        let versions = versions.collect();
        let accounts = self.store.accounts().await?;
        let names: BTreeMap<&AccountId, &str> = accounts.iter().map(|a| (&a.id, a.name.as_str())).collect();
        let rows = lines.iter().rev().map(|line| {
            let told: Told = serde_json::from_str(&line.after).unwrap_or_default();
            ReviewRow {
                at: line.at,
                who: line.who.as_ref().map(|who| names.get(who).map_or(who.to_string(), |n| (*n).to_owned())),
                via: line.via.clone(),
                what: line.what.clone(),
                content: told.content,
                why: told.why,
            }
        });
        let is_wrong = wrong.is_some();
        let why = wrong.as_ref().map(|(_, form)| form.get("why").to_owned()).unwrap_or_default();
        let page = ReviewPage {
            card: lesson_card(&lesson, first),
            owner: first.manifest.owner("lesson"),
            versions,
            rows: rows.collect(),
            error: wrong.map(|(wrong, _)| match wrong {
                Wrong::Key(key) => ctx.t(key),
                Wrong::Damaged(file) => ctx.t1("review-damaged", "detail", file),
            }),
            why,
            token: visitor.secret.form_token(),
            menu: Menu::of(rights),
        };
        let status = if is_wrong { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
        Ok(html(page.render(ctx)?).with_status(status))
    }

    /// Does what a form says to one version of a lesson.
    pub(super) async fn review(
        &self,
        request: &OfficeRequest<'_>,
        ctx: &PageContext<'_>,
        visitor: &Visitor,
        rights: &Rights<'_>,
        (id, form): (&str, &Form),
    ) -> Answer {
        let lesson = LessonId::new(id).map_err(|_| Refusal::Unknown)?;
        let act = Act::read(form.get("do")).ok_or(Refusal::Unknown)?;
        let why: String = form.get("why").trim().chars().take(LONGEST).collect();
        if act.says_why() && why.is_empty() {
            let wrong = Some((Wrong::Key("review-why-missing"), form));
            return self.review_page(ctx, visitor, rights, (id, wrong)).await;
        }
        let told = Told {
            content: form.get("content").to_owned(),
            why: if act.says_why() { why } else { String::new() },
        };
        let mut entry = request.entry(Some(&visitor.account.id), name(act), format!("lesson/{lesson}"));
        entry.after = serde_json::to_string(&told).unwrap_or_default();
        let (portal, by) = (self.clone(), visitor.account.id.clone());
        let (edits, reviews) = (rights.edit_programmes(), rights.review_lessons());
        let done = to_the_end(async move {
            portal.take_step(lesson, act, told.content, entry, Person { id: &by, edits, reviews }).await
        });
        match done.await?? {
            None => Ok(Reply::see_other(&format!("{ROOM}/{id}/review"))),
            Some(wrong) => self.review_page(ctx, visitor, rights, (id, Some((wrong, form)))).await,
        }
    }

    /// One after the other: written down first, then done.
    async fn take_step(
        &self,
        lesson: LessonId,
        act: Act,
        content: String,
        entry: AuditEntry,
        person: Person<'_>,
    ) -> Result<Option<Wrong>, Refusal> {
        let _one = self.documents.writing().await;
        let catalogue = self.library.catalogue();
        let mut of_it =
            catalogue.shelf().filter(|(of, p)| **of == lesson && p.manifest.content_hash == content);
        let Some((_, package)) = of_it.next() else { return Ok(Some(Wrong::Key("review-elsewhere"))) };
        let lines = self.store.audit_of(&format!("lesson/{lesson}"), LINES).await?;
        let steps = steps(&lines, &content);
        let by_two = self.county.load().packaging.review;
        match (Review { hold: hold_of(package), steps: &steps, by_two }).may(act, &person) {
            Ok(()) => {}
            Err(NotNow::Elsewhere) => return Ok(Some(Wrong::Key("review-elsewhere"))),
            Err(NotNow::AnotherPerson) => return Ok(Some(Wrong::Key("review-another"))),
            Err(NotNow::Forbidden) => return Err(Refusal::Forbidden),
        }
        let failed = |e: &dyn std::fmt::Display| Refusal::Ours(e.to_string());
        if act == Act::Publish {
            let package = Arc::clone(package);
            let read = tokio::task::spawn_blocking(move || verify(&package, &mut || true)).await;
            if let Some(Err(damage)) = read.map_err(|e| failed(&e))? {
                tracing::error!(%lesson, %damage, "lesson {lesson} is not published: {damage}");
                return Ok(Some(Wrong::Damaged(damage.to_string())));
            }
        }
        self.store.append_audit(entry).await?;
        tracing::info!(%lesson, act = act.as_str(), "lesson {lesson}: {}", act.as_str());
        let (library, changed) = (self.library.clone(), Arc::clone(&self.documents.after));
        let done = tokio::task::spawn_blocking(move || {
            let done = match act {
                Act::Publish => library.offer(&lesson, &content),
                Act::Withdraw => library.take_back(&lesson, &content, Hold::Withdrawn),
                Act::Submit | Act::Return | Act::Approve => Ok(true),
            };
            changed.lessons();
            done
        });
        let done = done.await.map_err(|e| failed(&e))?.map_err(|e| failed(&e))?;
        Ok((!done).then_some(Wrong::Key("review-elsewhere")))
    }
}

fn person<'a>(visitor: &'a Visitor, rights: &Rights<'_>) -> Person<'a> {
    Person { id: &visitor.account.id, edits: rights.edit_programmes(), reviews: rights.review_lessons() }
}
