//! Sessions are written down: a line of what was sent each second, and the
//! whole of them now and then, so that the journal stays short.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::base::{Clock, Shutdown};
use crate::evidence::Ledger;
use crate::store::Store;

/// How much of what was delivered a crash may take.
const FLUSH: Duration = Duration::from_secs(1);
/// The whole is written when the last time is this long ago …
const WHOLE: SignedDuration = SignedDuration::from_secs(30);
/// … or the journal has this many lines, which a start reads in a second or two.
const LINES: i64 = 200_000;

/// Writes down what the ledger has until the server stops.
#[derive(Debug, Clone)]
pub(super) struct Flushing {
    pub(super) store: Store,
    pub(super) ledger: Arc<Ledger>,
    pub(super) clock: Arc<dyn Clock>,
}

impl Flushing {
    /// Takes up the sessions that were open when the server stopped.
    pub(super) async fn restore(&self) -> anyhow::Result<()> {
        self.ledger.restore(self.store.open_sessions().await?);
        for (session, line) in self.store.journal_lines().await? {
            self.ledger.replay(&session, line);
        }
        Ok(())
    }

    /// Until the server stops.
    pub(super) async fn run(self, stop: Shutdown) {
        let (mut whole_at, mut folded) = (self.clock.now(), 0);
        loop {
            tokio::select! {
                () = stop.wait() => break,
                () = tokio::time::sleep(FLUSH) => {}
            }
            let now = self.clock.now();
            let end = self.end().await;
            // Lines are numbered anew after the journal was empty.
            if end.is_none_or(|n| n < folded) {
                folded = 0;
            }
            // A clock that was set back must not keep the journal growing.
            let late = now.duration_since(whole_at).abs() >= WHOLE;
            let due = late || end.is_some_and(|n| n - folded >= LINES);
            if self.flush(now, due.then_some(end)).await && due {
                (whole_at, folded) = (now, end.unwrap_or(0));
            }
        }
    }

    /// Everything, as the last thing of all.
    pub(super) async fn finish(&self) {
        let end = self.end().await;
        self.flush(self.clock.now(), Some(end)).await;
    }

    /// A line on disk was folded before it went there, so that a sweep made
    /// after this was asked holds all of them.
    async fn end(&self) -> Option<i64> {
        self.store.journal_end().await.unwrap_or_else(|error| {
            tracing::error!(%error, "the journal's end could not be read");
            None
        })
    }

    /// Writes down what is due; everything, if `whole` says where the journal
    /// ended before. True if it is on disk.
    async fn flush(&self, now: Timestamp, whole: Option<Option<i64>>) -> bool {
        // Fifteen thousand playbacks are looked through, and forgotten, for a while: not where requests wait.
        let ledger = Arc::clone(&self.ledger);
        let Some(swept) = aside(move || ledger.sweep(now, whole.is_some())).await else { return false };
        let (swept, folded) = (Arc::new(swept), whole.flatten());
        if swept.is_empty() && folded.is_none() {
            return true;
        }
        let saved = self.store.save_swept(Arc::clone(&swept), folded).await;
        let ledger = Arc::clone(&self.ledger);
        let settled = aside(move || match &saved {
            Ok(()) => {
                ledger.stored(&swept);
                true
            }
            Err(error) => {
                let sessions = swept.sessions.len() + swept.lines.len();
                tracing::error!(%error, sessions, "sessions could not be stored: tried again");
                let lines = swept.lines.iter().map(|(id, _)| id);
                ledger.unstored(swept.sessions.iter().map(|s| &s.id).chain(lines));
                false
            }
        });
        settled.await.unwrap_or(false)
    }
}

/// What `work` makes on a thread that may take its time; none: it fell.
async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let made = tokio::task::spawn_blocking(work).await;
    made.inspect_err(|error| tracing::error!(%error, "sessions could not be written down")).ok()
}
