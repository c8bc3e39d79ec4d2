//! What becomes of files in the inbox, for the log, the history and the schedules.

use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::mpsc;

use crate::base::{Clock, LessonId};
use crate::courseware::{Outcome, QueueEvent};
use crate::hls::Manifest;
use crate::people::AuditEntry;
use crate::portal::Changed as _;
use crate::store::{Event, Store};

use super::reload::Reload;
use super::serve::record;

/// Tells of each file what became of it, until the queue ends.
pub(super) async fn tell(
    mut heard: mpsc::Receiver<QueueEvent>,
    (store, clock): (Store, Arc<dyn Clock>),
    reload: Reload,
) {
    while let Some(e) = heard.recv().await {
        let (kind, detail) = match &e.outcome {
            Outcome::Playable(m) => {
                ("playable", format!("{:.1} s, {}", m.duration().as_secs_f64(), m.content_hash))
            }
            Outcome::Packaged(m) => {
                ("packaged", format!("{:.1} s, {}", m.duration().as_secs_f64(), m.content_hash))
            }
            Outcome::Attached { name } => ("attached", name.clone()),
            Outcome::Failed { reason, detail } => ("failed", format!("{reason} ({detail})")),
        };
        tracing::info!(lesson = %e.lesson, kind, "lesson {}: {kind}: {detail}", e.lesson);
        if let Outcome::Packaged(m) | Outcome::Playable(m) = &e.outcome {
            let entry = packaged(&e.lesson, m, clock.now());
            if let Err(error) = store.append_audit(entry).await {
                tracing::error!(%error, "a lesson could not be noted in the audit log");
            }
        }
        if let Outcome::Attached { name } = &e.outcome {
            let entry = attached(&e.lesson, name, clock.now());
            if let Err(error) = store.append_audit(entry).await {
                tracing::error!(%error, "a document could not be noted in the audit log");
            }
        }
        // A schedule that waited for this lesson is looked at again.
        reload.lessons();
        let subject = format!("lesson/{}", e.lesson);
        record(&store, Event { at: clock.now(), subject, kind: kind.to_owned(), detail }).await;
    }
}

fn attached(lesson: &LessonId, name: &str, at: Timestamp) -> AuditEntry {
    AuditEntry {
        at,
        who: None,
        via: String::new(),
        what: "attachment-added".to_owned(),
        subject: format!("lesson/{lesson}"),
        before: String::new(),
        after: name.to_owned(),
    }
}

/// A version of a lesson in the audit log: its history begins with it.
fn packaged(lesson: &LessonId, manifest: &Manifest, at: Timestamp) -> AuditEntry {
    let told = serde_json::json!({ "content": manifest.content_hash, "source": manifest.source_sha256 });
    AuditEntry {
        at,
        who: None,
        via: String::new(),
        what: "lesson-packaged".to_owned(),
        subject: format!("lesson/{lesson}"),
        before: String::new(),
        after: told.to_string(),
    }
}
