//! What becomes of files in the inbox, for the log, the history and the schedules.

use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::mpsc;

use crate::base::{Clock, LessonId};
use crate::courseware::{News, Outcome, QueueEvent};
use crate::hls::Manifest;
use crate::people::AuditEntry;
use crate::portal::Changed as _;
use crate::store::{Event, Store};

use super::reload::Reload;
use super::serve::record;

/// What the audit log calls a version of a lesson that was made, and a document that came to it.
const PACKAGED: &str = "lesson-packaged";
const ATTACHED: &str = "attachment-added";

/// Tells of each file what became of it, until the queue ends.
pub(super) async fn tell(
    mut heard: mpsc::Receiver<QueueEvent>,
    (store, clock): (Store, Arc<dyn Clock>),
    reload: Reload,
) {
    while let Some(e) = heard.recv().await {
        let length = |m: &Manifest| format!("{:.1} s, {}", m.duration().as_secs_f64(), m.content_hash);
        let (kind, detail, noted) = match &e.news {
            News::Playable(m) => ("playable", length(m), Some((PACKAGED, version(m)))),
            News::Ended(Outcome::Packaged(m)) => ("packaged", length(m), Some((PACKAGED, version(m)))),
            News::Ended(Outcome::Failed { reason, detail }) => {
                ("failed", format!("{reason} ({detail})"), None)
            }
            News::Attached { name } => ("attached", name.clone(), Some((ATTACHED, name.clone()))),
        };
        tracing::info!(lesson = %e.lesson, kind, "lesson {}: {kind}: {detail}", e.lesson);
        if let Some((what, after)) = noted {
            let entry = entry(&e.lesson, (what, after), clock.now());
            if let Err(error) = store.append_audit(entry).await {
                tracing::error!(lesson = %e.lesson, what, %error, "the audit log could not be written");
            }
        }
        // A schedule that waited for this lesson is looked at again.
        reload.lessons();
        let subject = format!("lesson/{}", e.lesson);
        record(&store, Event { at: clock.now(), subject, kind: kind.to_owned(), detail }).await;
    }
}

/// A version of a lesson in the audit log: its history begins with it.
fn version(manifest: &Manifest) -> String {
    serde_json::json!({ "content": manifest.content_hash, "source": manifest.source_sha256 }).to_string()
}

fn entry(lesson: &LessonId, (what, after): (&str, String), at: Timestamp) -> AuditEntry {
    AuditEntry {
        at,
        who: None,
        via: String::new(),
        what: what.to_owned(),
        subject: format!("lesson/{lesson}"),
        before: String::new(),
        after,
    }
}
