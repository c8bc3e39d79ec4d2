//! `POST /api/v1/sessions` and their beats.

use hyper::StatusCode;
use jiff::Timestamp;
use serde_json::json;

use crate::base::{ChannelId, Lang, LessonId, SessionId};
use crate::delivery::DeskError;
use crate::evidence::{Beat, BeatOutcome, Item};

use super::api::ours;
use super::reply::{Reply, problem};
use super::state::Portal;

/// What a player asks for.
#[derive(Debug, serde::Deserialize)]
struct Ask {
    channel: Option<ChannelId>,
    lesson: Option<LessonId>,
    lang: Option<Lang>,
}

/// Most beats in one request: ten minutes of a line that was down, and changes.
const BEATS: usize = 500;

impl Portal {
    /// Opens a session; stored before it is answered.
    pub async fn post_session(&self, body: &[u8], token: Option<&str>, now: Timestamp) -> Reply {
        let bad = |detail: &str| problem(StatusCode::BAD_REQUEST, "Bad request", detail);
        let ask: Ask = match serde_json::from_slice(body) {
            Ok(ask) => ask,
            Err(e) => return bad(&format!("expected {{\"channel\": ID}} or {{\"lesson\": ID}}: {e}")),
        };
        let item = match (ask.channel, ask.lesson) {
            (Some(channel), None) => Item::Channel(channel),
            (None, Some(lesson)) => Item::Lesson(lesson),
            _ => return bad("expected either a channel or a lesson"),
        };
        let opened = match self.desk.open(item, token, ask.lang, None, now) {
            Ok(opened) => opened,
            Err(error) => return refused(&error),
        };
        let id = opened.session.id.clone();
        if let Err(error) = self.store.save_sessions(vec![opened.session]).await {
            return ours(&error);
        }
        let answer = json!({
            "session": id,
            "play_url": opened.play_path,
            "beats_url": format!("/api/v1/sessions/{id}/beats"),
            "nonce": opened.nonce,
        });
        Reply::json(&answer).with_status(StatusCode::CREATED)
    }

    /// Takes beats. They are acknowledged when they are on disk, not before.
    pub async fn post_beats(&self, id: &str, body: &[u8], now: Timestamp) -> Reply {
        let gone = || problem(StatusCode::GONE, "Session over", "this session is over: open the item again");
        let Ok(id) = SessionId::new(id) else { return gone() };
        let beats: Vec<Beat> = match serde_json::from_slice(body) {
            Ok(beats) => beats,
            Err(e) => {
                return problem(
                    StatusCode::BAD_REQUEST,
                    "Bad request",
                    &format!("expected an array of beats: {e}"),
                );
            }
        };
        if beats.len() > BEATS {
            let detail = format!("{} beats at once: send at most {BEATS}", beats.len());
            return problem(StatusCode::PAYLOAD_TOO_LARGE, "Too many beats", &detail);
        }
        let Some((outcomes, session)) = self.desk.ledger.beats(&id, beats, &self.desk.nonces, now) else {
            return gone();
        };
        if let Err(error) = self.store.save_sessions(vec![session]).await {
            return ours(&error);
        }
        let taken = |o: &BeatOutcome| !matches!(o, BeatOutcome::Refused(_));
        if let Some((seq, BeatOutcome::Refused(why))) = outcomes.iter().find(|(_, o)| !taken(o)) {
            let status = match why {
                crate::evidence::Refusal::Invalid(_) => StatusCode::BAD_REQUEST,
                _ => StatusCode::GONE,
            };
            return problem(status, "Beat refused", &format!("beat {seq}: {why}"));
        }
        let through = outcomes.iter().map(|(seq, _)| *seq).max();
        Reply::json(
            &json!({ "accepted_through": through, "nonce": self.desk.nonces.mint(&id, self.clock.now()) }),
        )
    }
}

fn refused(error: &DeskError) -> Reply {
    let (status, title) = match error {
        DeskError::UnknownToken => (StatusCode::UNAUTHORIZED, "Unknown terminal"),
        DeskError::UnknownItem => (StatusCode::NOT_FOUND, "Not found"),
        DeskError::NoRandomness => (StatusCode::INTERNAL_SERVER_ERROR, "Our mistake"),
    };
    problem(status, title, &error.to_string())
}
