//! Lessons, packaging, relays.

use jiff::Timestamp;

use crate::base::{LessonId, RelayId};
use crate::portal::reply::Reply;
use crate::portal::state::Portal;
use crate::portal::views::DocumentView;

use super::model::{Event, Job, Lesson, LessonDocument, Page, Problem, Relay, Time, names};
use super::query::{PageQuery, Query};
use super::{ours, unknown};

/// The server's clock, for terminals whose own cannot be trusted.
#[utoipa::path(get, path = "/api/v1/time", tag = "guide", responses(
    (status = 200, description = "The instant of the question", body = Time),
))]
pub(super) fn time(portal: &Portal, now: Timestamp) -> Result<Reply, Reply> {
    let tz = &portal.county.load().tz;
    let zone = tz.iana_name().unwrap_or("UTC").to_owned();
    Ok(Reply::json(&Time { now: format!("{now:.3}"), zone, offset_s: tz.to_offset(now).seconds() }))
}

/// The lessons of the library.
#[utoipa::path(get, path = "/api/v1/lessons", tag = "guide", params(PageQuery), responses(
    (status = 200, description = "In the order of their identifiers", body = Page<Lesson>),
    (status = 400, description = "A parameter is wrong", body = Problem, content_type = "application/problem+json"),
))]
pub(super) fn lessons(portal: &Portal, query: &Query) -> Result<Reply, Reply> {
    let catalogue = portal.library.catalogue();
    let all = catalogue.lessons().map(|(id, package)| of(portal, id, &package.manifest));
    Ok(Reply::json(&query.page(all, |l| l.id.clone())?))
}

/// One lesson.
#[utoipa::path(get, path = "/api/v1/lessons/{id}", tag = "guide",
    params(("id" = String, Path, description = "The lesson")), responses(
    (status = 200, description = "The lesson", body = Lesson),
    (status = 404, description = "There is no such lesson", body = Problem, content_type = "application/problem+json"),
))]
pub(super) fn lesson(portal: &Portal, id: &str) -> Result<Reply, Reply> {
    let id = LessonId::new(id).map_err(|_| unknown("lesson"))?;
    let catalogue = portal.library.catalogue();
    let package = catalogue.lesson(&id).ok_or_else(|| unknown("lesson"))?;
    Ok(Reply::json(&of(portal, &id, &package.manifest)))
}

fn of(portal: &Portal, id: &LessonId, m: &crate::hls::Manifest) -> Lesson {
    let document = |d: DocumentView| LessonDocument {
        name: d.name,
        path: d.href,
        bytes: d.bytes,
        pages: d.pages,
        thumbnail: d.thumbnail,
    };
    Lesson {
        id: id.to_string(),
        titles: names(&m.titles),
        duration_ms: m.duration().as_millis() as u64,
        content_hash: m.content_hash.clone(),
        audio: m.audio_langs().map(ToString::to_string).collect(),
        subtitles: m.subtitle_langs().iter().map(ToString::to_string).collect(),
        playlist: format!("/lessons/{id}/index.m3u8"),
        topic: m.details.topic.clone(),
        series: m.details.series.clone(),
        part: m.details.part,
        audience: m.details.audience.clone(),
        speakers: m.details.speakers.clone(),
        licence: m.details.licence.clone(),
        summary: names(&m.details.summary),
        attachments: portal.documents_of(id).into_iter().map(document).collect(),
        preliminary: m.preliminary,
    }
}

/// The packaging queue since the start.
#[utoipa::path(get, path = "/api/v1/packaging", tag = "operation", params(PageQuery), responses(
    (status = 200, description = "In the order of the lessons' identifiers", body = Page<Job>),
    (status = 400, description = "A parameter is wrong", body = Problem, content_type = "application/problem+json"),
))]
pub(super) fn packaging(portal: &Portal, query: &Query) -> Result<Reply, Reply> {
    let jobs = portal.queue.jobs();
    let all = jobs.values().map(|j| Job {
        lesson: j.lesson.to_string(),
        file: j.file.clone(),
        state: serde_json::to_value(j.state).unwrap_or_default(),
        percent: j.percent,
        playable: j.playable,
        left_s: j.left.map(|left| left.as_secs()),
        message: j.reason.as_ref().map(ToString::to_string),
        reason: j.reason.as_ref().map(|r| r.key().trim_start_matches("reason-").to_owned()),
    });
    Ok(Reply::json(&query.page(all, |j| j.lesson.clone())?))
}

/// The relays and how they are.
#[utoipa::path(get, path = "/api/v1/relays", tag = "operation", params(PageQuery), responses(
    (status = 200, description = "In the order of their identifiers", body = Page<Relay>),
    (status = 400, description = "A parameter is wrong", body = Problem, content_type = "application/problem+json"),
))]
pub(super) fn relays(portal: &Portal, query: &Query, now: Timestamp) -> Result<Reply, Reply> {
    let relays = portal.sources.relays();
    let all = relays.iter().map(|(id, handle)| {
        let window = handle.window.load();
        Relay {
            id: id.to_string(),
            health: serde_json::to_value(&**handle.health.load()).unwrap_or_default(),
            segments: window.len(),
            last_segment_age_ms: window.newest().map(|s| now.duration_since(s.end()).as_millis() as i64),
            oldest: window.oldest().map(|s| s.start),
        }
    });
    Ok(Reply::json(&query.page(all, |r| r.id.clone())?))
}

/// What happened to a relay, newest first: the last 200 events.
#[utoipa::path(get, path = "/api/v1/relays/{id}/events", tag = "operation",
    params(("id" = String, Path, description = "The relay")), responses(
    (status = 200, description = "Newest first", body = Page<Event>),
    (status = 404, description = "There is no such relay", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn events(portal: &Portal, id: &str) -> Result<Reply, Reply> {
    let id = RelayId::new(id).map_err(|_| unknown("relay"))?;
    if !portal.sources.relays().contains_key(&id) {
        return Err(unknown("relay"));
    }
    let events = portal.store.events(&format!("relay/{id}"), 200).await.map_err(|e| ours(&e))?;
    let items = events.into_iter();
    let items = items.map(|e| Event { at: e.at, subject: e.subject, kind: e.kind, detail: e.detail });
    Ok(Reply::json(&Page { items: items.collect(), next: None }))
}
