//! What is written of one person, for who asks for it: shown, exported, erased.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::evidence::{Study, attended_ms, elsewhere};
use crate::people::Rights;
use crate::portal::pages::param;
use crate::portal::reply::Reply;
use crate::portal::state::Portal;
use crate::portal::views::{Menu, PageContext, PersonPage, PersonStudy};
use crate::store::StoredStudy;

use super::lists::table_reply;
use super::request::{Form, OfficeRequest, clean};
use super::studies::{ROOM, may_decide};
use super::{Answer, Refusal, Visitor, html};

/// Where it is, below the studies.
pub(super) const PERSON: &str = "person";

impl Portal {
    /// The page, its tables `person.csv` and `person.xlsx`, and erasing.
    pub(super) async fn person(
        &self,
        request: &OfficeRequest<'_>,
        ctx: &PageContext<'_>,
        visitor: &Visitor,
        rights: &Rights<'_>,
        (kind, form): (Option<&str>, Option<&Form>),
    ) -> Answer {
        let typed = match form {
            Some(form) => form.get("name").to_owned(),
            None => form_urlencoded::parse(request.page.query.trim_start_matches('?').as_bytes())
                .find(|(name, _)| name == "name")
                .map(|(_, value)| value.into_owned())
                .unwrap_or_default(),
        };
        let name = clean(&typed);
        let found = if name.is_empty() { Vec::new() } else { self.store.studies_of(name.clone()).await? };
        let (mut seen, mut listed) = (Vec::new(), BTreeSet::new());
        for (stored, is_listed) in found.into_iter().filter(|(s, _)| rights.see_site(&s.study.site)) {
            listed.extend(is_listed.then_some(stored.id));
            seen.push(stored);
        }
        if let Some(kind) = kind {
            return table_reply(ctx, (&name, PERSON, kind), table(ctx, self, &seen)).await;
        }
        let may_erase = |s: &&StoredStudy| listed.contains(&s.id) && may_decide(self, rights, &s.study.site);
        if form.is_some() {
            let all: Vec<i64> = seen.iter().filter(may_erase).map(|s| s.id).collect();
            if all.is_empty() {
                return Err(Refusal::Forbidden);
            }
            // The line says that it was done, not of whom.
            let entry = request.entry(Some(&visitor.account.id), "person-erased", String::new());
            self.store.erase_person(name, all, request.page.now, entry).await?;
            return Ok(Reply::see_other(&format!("{ROOM}/{PERSON}?erased=1")));
        }
        // Not where a correction took it off.
        let on: Vec<&Study> = seen.iter().map(|s| &s.study).filter(|s| s.roster.contains(&name)).collect();
        let mut walls = Vec::with_capacity(on.len());
        for study in &on {
            let day = |at: Timestamp| at.to_zoned_datetime(ctx.tz.clone()).date();
            let days = (day(study.start), day(study.end.unwrap_or(ctx.now)));
            walls.push(self.store.verified_wall(study.site.clone(), days).await?);
        }
        let page = PersonPage {
            attended_ms: attended_ms(on.iter().copied().zip(&walls)),
            twice: !elsewhere(on).is_empty(),
            may_erase: seen.iter().any(|s| may_erase(&s)),
            erased: param(request.page.query, "erased").is_some(),
            studies: self
                .study_views(ctx, &seen)
                .await?
                .into_iter()
                .map(|view| PersonStudy { organised: view.study.organiser == name, view })
                .collect(),
            query: form_urlencoded::Serializer::new(String::new()).append_pair("name", &name).finish(),
            name,
            token: visitor.secret.form_token(),
            menu: Menu::of(rights),
        };
        Ok(html(page.render(ctx)?))
    }
}

/// What is written, a row for each study.
fn table(ctx: &PageContext<'_>, portal: &Portal, studies: &[StoredStudy]) -> Vec<Vec<String>> {
    let registry = portal.desk.registry.load();
    let heading = ["study-site", "study-topic", "study-organiser", "column-from", "column-to"];
    let mut rows = vec![heading.map(|key| ctx.t(key)).to_vec()];
    rows.extend(studies.iter().map(|StoredStudy { study, .. }| {
        vec![
            registry.sites.get(&study.site).map_or_else(|| study.site.to_string(), |s| ctx.plain(&s.names)),
            study.topic.clone(),
            study.organiser.clone(),
            study.start.to_string(),
            study.end.map(|end| end.to_string()).unwrap_or_default(),
        ]
    }));
    rows
}
