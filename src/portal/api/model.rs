//! What the API says, as JSON. Names and instants as everywhere: titles by
//! language tag (BCP 47), instants in RFC 3339, UTC.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::base::Titles;

/// A text by language tag, such as `{"zh-Hans": "葡萄栽培"}`.
pub(super) type Names = BTreeMap<String, String>;

/// Names as the API writes them.
pub(super) fn names(titles: &Titles) -> Names {
    titles.0.iter().map(|(lang, name)| (lang.to_string(), name.clone())).collect()
}

/// A page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Page<T> {
    /// What is on it.
    pub(super) items: Vec<T>,
    /// Send it as `after` for the next page; null: this is the last.
    pub(super) next: Option<String>,
}

/// An error (RFC 9457).
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "type": "about:blank", "title": "Not found", "status": 404, "detail": "there is no such channel"
}))]
pub(super) struct Problem {
    /// Always `about:blank`: the status says what kind it is.
    #[serde(rename = "type")]
    pub(super) kind: String,
    /// What kind of error, in words.
    pub(super) title: String,
    /// The HTTP status.
    pub(super) status: u16,
    /// What was expected, where, and what to do.
    pub(super) detail: String,
}

/// A file that is being uploaded, or came whole.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct UploadState {
    /// Its identifier.
    pub(super) id: String,
    /// Where its bytes go.
    pub(super) url: String,
    /// The file's name.
    pub(super) name: String,
    /// Bytes in all.
    pub(super) length: u64,
    /// Bytes that are here.
    pub(super) offset: u64,
    /// What the bytes are to be: SHA-256, hexadecimal.
    pub(super) sha256: Option<String>,
    /// When it began.
    #[schema(value_type = String, format = DateTime)]
    pub(super) created: Timestamp,
    /// When it goes if nothing more comes.
    #[schema(value_type = String, format = DateTime)]
    pub(super) expires: Timestamp,
}

impl UploadState {
    pub(super) fn of(upload: &crate::courseware::Upload) -> Self {
        Self {
            id: upload.id.clone(),
            url: format!("/api/v1/uploads/{}", upload.id),
            name: upload.name.clone(),
            length: upload.length,
            offset: upload.offset,
            sha256: upload.sha256.clone(),
            created: upload.created,
            expires: upload.expires,
        }
    }
}

/// The server's clock.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Time {
    /// The instant of the question, with milliseconds.
    #[schema(format = DateTime)]
    pub(super) now: String,
    /// The county's zone.
    pub(super) zone: String,
    /// Its offset from UTC at that instant, seconds.
    pub(super) offset_s: i32,
}

/// A channel, with what is on and next.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Channel {
    pub(super) id: String,
    /// On the remote control.
    pub(super) number: u32,
    pub(super) names: Names,
    /// The channel's own language.
    pub(super) lang: String,
    /// Audio languages.
    pub(super) audio: Vec<String>,
    /// Subtitle languages.
    pub(super) subtitles: Vec<String>,
    /// What is on.
    pub(super) now: Option<Programme>,
    /// What comes next.
    pub(super) next: Option<Programme>,
    /// Path of its playlist.
    pub(super) playlist: String,
}

/// A programme of the guide.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Programme {
    pub(super) id: String,
    #[schema(value_type = String, format = DateTime)]
    pub(super) start: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    pub(super) end: Timestamp,
    pub(super) titles: Names,
    /// `relay` or `lesson`.
    pub(super) kind: String,
    /// The lessons it plays, in order.
    pub(super) lessons: Vec<String>,
    /// The relay it carries.
    pub(super) relay: Option<String>,
    /// Its audio language.
    pub(super) lang: String,
    /// It becomes a lesson afterwards.
    pub(super) keep: bool,
}

/// A lesson of the library.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Lesson {
    pub(super) id: String,
    pub(super) titles: Names,
    pub(super) duration_ms: u64,
    /// SHA-256 over its media.
    pub(super) content_hash: String,
    /// Audio languages.
    pub(super) audio: Vec<String>,
    /// Subtitle languages.
    pub(super) subtitles: Vec<String>,
    /// Path of its playlist.
    pub(super) playlist: String,
    /// One of the county's topics; empty: none. So with what follows.
    pub(super) topic: String,
    /// The series it belongs to.
    pub(super) series: String,
    /// Which part of it, from 1.
    pub(super) part: Option<u32>,
    /// For whom it is.
    pub(super) audience: String,
    /// Who speaks.
    pub(super) speakers: String,
    /// Under which licence it is shown.
    pub(super) licence: String,
    /// What it is about.
    pub(super) summary: Names,
    /// Documents that belong to it.
    pub(super) attachments: Vec<LessonDocument>,
    /// It is as it came, while its package is made: channels wait for that.
    pub(super) preliminary: bool,
}

/// A document that belongs to a lesson.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct LessonDocument {
    pub(super) name: String,
    /// Where it is.
    pub(super) path: String,
    pub(super) bytes: u64,
    /// Pages or slides, if that is known.
    pub(super) pages: Option<u32>,
    /// Where a picture of its first page is, if there is one.
    pub(super) thumbnail: Option<String>,
}

/// A relay and how it is.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Relay {
    pub(super) id: String,
    /// State, source, bytes, errors of the feed.
    #[schema(value_type = Object)]
    pub(super) health: Value,
    /// Segments in its window.
    pub(super) segments: usize,
    /// How old its newest segment is.
    pub(super) last_segment_age_ms: Option<i64>,
    /// When its oldest segment began.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(super) oldest: Option<Timestamp>,
}

/// Something that happened.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Event {
    #[schema(value_type = String, format = DateTime)]
    pub(super) at: Timestamp,
    /// To what, such as `relay/national`.
    pub(super) subject: String,
    /// What, such as `stalled`.
    pub(super) kind: String,
    /// In words.
    pub(super) detail: String,
}

/// A township or department.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Township {
    pub(super) id: String,
    pub(super) names: Names,
}

/// A site.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Site {
    pub(super) id: String,
    /// The township it belongs to.
    pub(super) township: String,
    pub(super) names: Names,
    /// It takes part no more.
    pub(super) closed: bool,
}

/// A terminal.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Terminal {
    pub(super) id: String,
    pub(super) site: String,
    pub(super) names: Names,
    /// `computer`, `tv` or `phone`.
    pub(super) device: String,
}

/// A code with which one device enrols, once.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct EnrolmentCode {
    /// To be typed at `url`.
    pub(super) code: String,
    pub(super) url: String,
    #[schema(value_type = String, format = DateTime)]
    pub(super) expires: Timestamp,
}

/// A lesson being packaged.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Job {
    pub(super) lesson: String,
    /// The file's name.
    pub(super) file: String,
    /// `queued`, `running`, `done` or `failed`.
    #[schema(value_type = String)]
    pub(super) state: Value,
    /// 0 to 100.
    pub(super) percent: f64,
    /// It can be watched already, as it came.
    pub(super) playable: bool,
    /// Seconds until it is done, if that can be said.
    pub(super) left_s: Option<u64>,
    /// Why it failed.
    pub(super) message: Option<String>,
    /// The same as one word, such as `cut-off`.
    pub(super) reason: Option<String>,
}

/// A line of the audit log.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AuditLine {
    /// Its number.
    pub(super) number: i64,
    #[schema(value_type = String, format = DateTime)]
    pub(super) at: Timestamp,
    /// Whose account; null: nobody had one yet.
    pub(super) who: Option<String>,
    /// The system that did it in his name; empty: himself.
    pub(super) via: String,
    /// What was done, such as `places-changed`.
    pub(super) what: String,
    /// To what.
    pub(super) subject: String,
    /// How it was.
    pub(super) before: String,
    /// How it is.
    pub(super) after: String,
}

/// A playback that was opened.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Opened {
    pub(super) session: String,
    /// Path of the playlist of this session.
    pub(super) play_url: String,
    /// Path that beats are sent to.
    pub(super) beats_url: String,
    /// To be sent with the next beat.
    pub(super) nonce: String,
}

/// Beats that are on disk.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Accepted {
    /// Every beat up to this number is stored; null: none was sent.
    pub(super) accepted_through: Option<u64>,
    /// To be sent with the next beat.
    pub(super) nonce: String,
}
