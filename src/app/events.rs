//! Server-sent events (HTML, section 9.2): a page that listens is told when
//! something has changed, and looks for itself what.

use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::watch;
use tokio::time::Sleep;

use crate::base::{Bell, Shutdown};
use crate::delivery::Body;

/// A word now and then, so that nobody on the way takes the line for dead.
const STILL_HERE: Duration = Duration::from_secs(20);
/// Changes come in clusters: what follows so soon is told with the first.
const CLUSTER: Duration = Duration::from_millis(400);
/// Then the browser asks again, and whether it may is looked at again.
const LIFE: Duration = Duration::from_secs(300);

struct Listener {
    changes: watch::Receiver<u64>,
    stop: Shutdown,
    end: Pin<Box<Sleep>>,
    greeted: bool,
}

/// The body of such an answer.
pub(super) fn events(bell: &Bell, stop: &Shutdown) -> Body {
    let listener = Listener {
        changes: bell.listen(),
        stop: stop.clone(),
        end: Box::pin(tokio::time::sleep(LIFE)),
        greeted: false,
    };
    Body::stream(futures_util::stream::unfold(listener, |mut listener| async move {
        let text = listener.next().await?;
        Some((Bytes::from_static(text.as_bytes()), listener))
    }))
}

impl Listener {
    async fn next(&mut self) -> Option<&'static str> {
        if !self.greeted {
            self.greeted = true;
            return Some("retry: 3000\n\n");
        }
        tokio::select! {
            () = self.stop.wait() => return None,
            () = self.end.as_mut() => return None,
            () = tokio::time::sleep(STILL_HERE) => return Some(":\n\n"),
            changed = self.changes.changed() => changed.ok()?,
        }
        tokio::select! {
            () = self.stop.wait() => return None,
            () = tokio::time::sleep(CLUSTER) => {}
        }
        self.changes.mark_unchanged();
        Some("data: changed\n\n")
    }
}
