//! Lessons on demand: the list, what is found in it, one lesson.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::base::{Lang, LessonId};
use crate::config::Topic;
use crate::courseware::{Package, finds, fold};

use super::cards::{lesson_card, lesson_files};
use super::pages::{Page, PageError, PageRequest};
use super::state::Portal;
use super::views::{Choice, LessonPage, LessonsPage, PageContext};

/// Lessons on one page of the list.
const AT_ONCE: usize = 60;
/// Other parts of a series that are shown beside one.
const PARTS: usize = 30;

/// In which order lessons are listed, as addresses say it, and the key of what it is called.
const ORDERS: [(&str, &str); 3] =
    [("newest", "lessons-newest"), ("title", "lessons-by-title"), ("shortest", "lessons-shortest")];

/// What is looked for.
#[derive(Debug, Default)]
struct Wanted {
    words: String,
    topic: String,
    spoken: String,
    series: String,
    order: String,
    from: usize,
}

impl Wanted {
    fn read(query: &str) -> Result<Self, PageError> {
        let mut wanted = Self::default();
        for (name, value) in form_urlencoded::parse(query.trim_start_matches('?').as_bytes()) {
            let text = || value.trim().chars().take(100).collect::<String>();
            match &*name {
                "q" => wanted.words = text(),
                "topic" => wanted.topic = text(),
                "spoken" => wanted.spoken = text(),
                "series" => wanted.series = text(),
                "order" => wanted.order = text(),
                "from" => {
                    wanted.from = value.parse().map_err(|_| PageError::Bad("expected from=NUMBER".into()))?;
                }
                _ => {}
            }
        }
        if !ORDERS.iter().any(|(order, _)| *order == wanted.order) {
            wanted.order = ORDERS[0].0.to_owned();
        }
        Ok(wanted)
    }

    /// Where the list goes on.
    fn next(&self) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        let said = [
            ("q", &self.words),
            ("topic", &self.topic),
            ("spoken", &self.spoken),
            ("series", &self.series),
            ("order", &self.order),
        ];
        query.extend_pairs(said.into_iter().filter(|(_, value)| !value.is_empty()));
        query.append_pair("from", &(self.from + AT_ONCE).to_string());
        format!("/lessons?{}", query.finish())
    }

    fn takes(&self, package: &Package) -> bool {
        let details = &package.manifest.details;
        let is = |wanted: &str, value: &str| wanted.is_empty() || wanted == value;
        is(&self.topic, &details.topic)
            && is(&self.series, &details.series)
            && (self.spoken.is_empty()
                || package.manifest.audio_langs().any(|lang| lang.as_str() == self.spoken))
    }
}

type Lesson<'a> = (&'a LessonId, &'a Arc<Package>);

impl Portal {
    /// The list, or what is found by words in any language, by topic, language and series.
    pub(super) fn lessons(&self, request: &PageRequest<'_>, ctx: &PageContext<'_>) -> Page {
        let wanted = Wanted::read(request.query)?;
        let (catalogue, county) = (self.library.catalogue(), self.county.load());
        let topic_names =
            |topic: &Topic| fold(&topic.names.0.values().cloned().collect::<Vec<_>>().join("\n"));
        let topics: BTreeMap<&str, String> =
            county.topics.iter().map(|t| (t.id.as_str(), topic_names(t))).collect();
        let words = fold(&wanted.words);
        let found = |package: &Package| {
            let topic = topics.get(package.manifest.details.topic.as_str());
            finds(&words, &[&package.words, topic.map_or("", String::as_str)])
        };
        let mut found: Vec<Lesson<'_>> =
            catalogue.lessons().filter(|(_, package)| wanted.takes(package) && found(package)).collect();
        // Of equals the order is that of their identifiers, on every page alike.
        match wanted.order.as_str() {
            "title" => found.sort_by_cached_key(|(_, p)| fold(&ctx.plain(&p.manifest.titles))),
            "shortest" => found.sort_by_key(|(_, p)| p.manifest.duration()),
            _ => found.sort_by_key(|(_, p)| Reverse(p.updated)),
        }
        if !wanted.series.is_empty() {
            found.sort_by_key(|(_, p)| p.manifest.details.part.unwrap_or(u32::MAX));
        }
        let more = found.len() > wanted.from + AT_ONCE;
        let shown = found.iter().skip(wanted.from).take(AT_ONCE);
        let used: BTreeSet<&str> =
            catalogue.lessons().map(|(_, p)| p.manifest.details.topic.as_str()).collect();
        let topics = county.topics.iter().filter(|t| used.contains(t.id.as_str()));
        let tongues: BTreeSet<&Lang> =
            catalogue.lessons().flat_map(|(_, p)| p.manifest.audio_langs()).collect();
        let page = LessonsPage {
            lessons: shown.map(|(id, package)| lesson_card(id, package)).collect(),
            topics: choices(
                [(String::new(), ctx.t("lessons-all-topics"))]
                    .into_iter()
                    .chain(topics.map(|t| (t.id.to_string(), ctx.plain(&t.names)))),
                &wanted.topic,
            ),
            spoken: choices(
                [(String::new(), ctx.t("lessons-all-languages"))]
                    .into_iter()
                    .chain(tongues.into_iter().map(|l| (l.to_string(), l.own_name().to_owned()))),
                &wanted.spoken,
            ),
            orders: choices(
                ORDERS.into_iter().map(|(order, key)| (order.to_owned(), ctx.t(key))),
                &wanted.order,
            ),
            more: more.then(|| wanted.next()),
            query: wanted.words,
            series: wanted.series,
        };
        Ok(page.render(ctx)?)
    }

    pub(super) fn lesson(&self, id: &str, ctx: &PageContext<'_>) -> Page {
        let id = LessonId::new(id).map_err(|_| PageError::Unknown)?;
        let (catalogue, county) = (self.library.catalogue(), self.county.load());
        let package = catalogue.lesson(&id).ok_or(PageError::Unknown)?;
        let details = &package.manifest.details;
        let mut parts: Vec<Lesson<'_>> = Vec::new();
        if !details.series.is_empty() {
            parts.extend(
                catalogue
                    .lessons()
                    .filter(|(of, p)| **of != id && p.manifest.details.series == details.series),
            );
        }
        // The next part comes first, then those after it, then those before.
        let place = |p: &Package| {
            let part = p.manifest.details.part.unwrap_or(u32::MAX);
            (part <= details.part.unwrap_or_default(), part)
        };
        parts.sort_by_key(|(_, p)| place(p));
        let page = LessonPage {
            topic: county.topics.iter().find(|t| t.id.as_str() == details.topic).map(|t| t.names.clone()),
            parts: parts.into_iter().take(PARTS).map(|(id, p)| lesson_card(id, p)).collect(),
            others: self.newest_lessons(Some(&id)),
            files: lesson_files(&id, &package.manifest),
            documents: self.documents_of(&id),
            card: lesson_card(&id, package),
        };
        Ok(page.render(ctx)?)
    }
}

fn choices(all: impl Iterator<Item = (String, String)>, chosen: &str) -> Vec<Choice> {
    all.map(|(value, label)| Choice { chosen: value == chosen, value, label }).collect()
}
