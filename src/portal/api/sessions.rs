//! `POST /api/v1/sessions` and their beats.

use hyper::{StatusCode, header};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::base::{ChannelId, Lang, LessonId, SessionId};
use crate::delivery::DeskError;
use crate::evidence::{BeatOutcome, Item};
use crate::portal::reply::{Reply, problem};
use crate::portal::state::Portal;

use super::model::{Accepted, Opened, Problem};
use super::once::{OnceHeader, once};
use super::query::bad;
use super::{ApiRequest, json, ours};

/// What a player wants to play: a channel or a lesson.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(example = json!({ "channel": "xiangtu" }))]
pub(super) struct Ask {
    /// Identifier of a channel.
    #[schema(value_type = Option<String>)]
    channel: Option<ChannelId>,
    /// Identifier of a lesson.
    #[schema(value_type = Option<String>)]
    lesson: Option<LessonId>,
    /// Audio language, a tag.
    #[schema(value_type = Option<String>)]
    lang: Option<Lang>,
}

/// What a player reports every ten seconds and at every change.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "describes evidence::Beat for the document")]
pub(super) struct Beat {
    /// Counts the beats of one boot from any start, by one.
    #[schema(minimum = 0, maximum = 9007199254740992_i64)]
    seq: u64,
    /// Names one run of the player: random, new at every start.
    #[schema(min_length = 1, max_length = 64, pattern = "^[!-~]+$")]
    boot: String,
    /// The player's monotonic clock, ms.
    #[schema(minimum = 0, maximum = 7258118400000_i64)]
    mono_ms: i64,
    /// The player's wall clock, ms of the epoch.
    #[schema(minimum = 0, maximum = 7258118400000_i64)]
    wall_ms: i64,
    /// Programme date in ms of the epoch (channels), ms from the start (lessons).
    #[schema(minimum = 0, maximum = 7258118400000_i64)]
    pos_ms: i64,
    /// Playback rate; 1 is as filmed.
    #[schema(minimum = 0, maximum = 16)]
    rate: f64,
    /// `playing`, `paused`, `stalled` or `ended`.
    #[schema(pattern = "^(playing|paused|stalled|ended)$")]
    state: String,
    /// Whether the picture can be seen.
    visible: bool,
    /// The newest nonce the server gave.
    #[schema(max_length = 64)]
    nonce: Option<String>,
    /// Audio language being heard, a tag.
    lang: Option<String>,
}

/// Most beats in one request: ten minutes of a line that was down, and changes.
const BEATS: usize = 500;

/// Opens a playback; stored before it is answered. With a terminal's bearer
/// token the session belongs to its site, else to the public.
#[utoipa::path(post, path = "/api/v1/sessions", tag = "playing", params(OnceHeader), request_body = Ask,
    security((), ("terminal" = [])), responses(
    (status = 201, description = "It is open", body = Opened),
    (status = 400, description = "The body is wrong", body = Problem, content_type = "application/problem+json"),
    (status = 401, description = "No terminal holds that token", body = Problem, content_type = "application/problem+json"),
    (status = 404, description = "There is no such channel or lesson", body = Problem, content_type = "application/problem+json"),
    (status = 409, description = "The key's request has not ended", body = Problem, content_type = "application/problem+json"),
    (status = 422, description = "The key was used for another request", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn open(portal: &Portal, request: &ApiRequest<'_>) -> Result<Reply, Reply> {
    let ask: Ask = json(&request.body)?;
    let item = match (ask.channel, ask.lesson) {
        (Some(channel), None) => Item::Channel(channel),
        (None, Some(lesson)) => Item::Lesson(lesson),
        _ => return Err(bad("expected {\"channel\": ID} or {\"lesson\": ID}, one of the two")),
    };
    once(portal, request, async {
        let opened = portal.desk.open(item, request.bearer, ask.lang, None, request.now);
        let opened = opened.map_err(|e| refused(&e))?;
        let id = opened.session.id.clone();
        portal.store.save_session(opened.session).await.map_err(|e| ours(&e))?;
        let answer = Opened {
            session: id.to_string(),
            play_url: opened.play_path,
            beats_url: format!("/api/v1/sessions/{id}/beats"),
            nonce: opened.nonce,
        };
        Ok(Reply::json(&answer).with_status(StatusCode::CREATED))
    })
    .await
}

/// Takes beats of whoever opened the session: one of them at least holds a nonce of it. They are acknowledged when they are on disk, not before.
#[utoipa::path(post, path = "/api/v1/sessions/{id}/beats", tag = "playing",
    params(("id" = String, Path, description = "The session")), request_body = Vec<Beat>, responses(
    (status = 200, description = "They are on disk", body = Accepted),
    (status = 400, description = "A beat is wrong", body = Problem, content_type = "application/problem+json"),
    (status = 403, description = "No beat holds a nonce of this session", body = Problem, content_type = "application/problem+json"),
    (status = 410, description = "The session is over: open the item again", body = Problem, content_type = "application/problem+json"),
    (status = 413, description = "Too many beats at once", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn beats(portal: &Portal, request: &ApiRequest<'_>, id: &str) -> Result<Reply, Reply> {
    let gone = || problem(StatusCode::GONE, "Session over", "this session is over: open the item again");
    let beats: Vec<crate::evidence::Beat> = json(&request.body)?;
    let id = SessionId::new(id).map_err(|_| gone())?;
    if beats.len() > BEATS {
        let detail = format!("{} beats at once: send at most {BEATS}", beats.len());
        return Err(problem(StatusCode::PAYLOAD_TOO_LARGE, "Too many beats", &detail));
    }
    if !portal.desk.ledger.knows(&id) {
        // What is wrong in itself is said first.
        let wrong = beats.iter().find_map(|b| b.validate().err());
        return Err(wrong.map_or_else(gone, |e| bad(&e.to_string())));
    }
    // Whoever opened the playback was given a nonce; its identifier alone proves nothing.
    let proves =
        |b: &crate::evidence::Beat| b.nonce.as_deref().is_some_and(|n| portal.desk.nonces.is_of(n, &id));
    if !beats.is_empty() && !beats.iter().any(proves) {
        let detail = "expected a `nonce` of this session, such as the one that it was opened with";
        return Err(problem(StatusCode::FORBIDDEN, "Not this player's session", detail));
    }
    let taken = portal.desk.ledger.beats(&id, beats, &portal.desk.nonces, request.now);
    let (outcomes, line) = taken.ok_or_else(gone)?;
    if let Err(error) = portal.store.journal(&id, &line).await {
        // They are folded, though not acknowledged: the session is stored as a whole.
        portal.desk.ledger.unstored([&id]);
        return Err(ours(&error));
    }
    for (seq, outcome) in &outcomes {
        if let BeatOutcome::Refused(why) = outcome {
            let status = match why {
                crate::evidence::Refusal::Invalid(_) => StatusCode::BAD_REQUEST,
                _ => StatusCode::GONE,
            };
            return Err(problem(status, "Beat refused", &format!("beat {seq}: {why}")));
        }
    }
    let accepted_through = outcomes.iter().map(|(seq, _)| *seq).max();
    Ok(Reply::json(&Accepted { accepted_through, nonce: portal.desk.nonces.mint(&id, portal.clock.now()) }))
}

fn refused(error: &DeskError) -> Reply {
    let (status, title) = match error {
        DeskError::UnknownToken => (StatusCode::UNAUTHORIZED, "Unknown terminal"),
        DeskError::UnknownItem => (StatusCode::NOT_FOUND, "Not found"),
        DeskError::NoRandomness => (StatusCode::INTERNAL_SERVER_ERROR, "Our mistake"),
    };
    let reply = problem(status, title, &error.to_string());
    if status == StatusCode::UNAUTHORIZED { reply.with(header::WWW_AUTHENTICATE, "Bearer") } else { reply }
}
