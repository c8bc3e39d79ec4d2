//! Waking when a folder changes.

use std::path::Path;

use notify::event::{AccessKind, AccessMode};
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::mpsc;

/// Sends on `wake` when something in `folder` changes, until the watcher is
/// dropped. Looking at files is no change: who looks when woken would wake
/// itself for ever.
pub fn watch_folder(folder: &Path, wake: mpsc::Sender<()>) -> notify::Result<RecommendedWatcher> {
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        // An error is a reason to look, too.
        if event.is_err() || event.is_ok_and(|e| is_change(e.kind)) {
            // One waiting wake is enough.
            let _ = wake.try_send(());
        }
    })?;
    watcher.watch(folder, RecursiveMode::NonRecursive)?;
    Ok(watcher)
}

fn is_change(kind: EventKind) -> bool {
    match kind {
        EventKind::Access(access) => access == AccessKind::Close(AccessMode::Write),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[tokio::test]
    async fn looking_does_not_wake_and_writing_does() {
        let folder = tempfile::tempdir().expect("folder");
        std::fs::write(folder.path().join("a"), "1").expect("write");
        let (wake, mut woken) = mpsc::channel(1);
        let _watcher = watch_folder(folder.path(), wake).expect("watch");
        std::fs::read(folder.path().join("a")).expect("read");
        std::fs::read_dir(folder.path()).expect("list").count();
        assert!(tokio::time::timeout(Duration::from_millis(300), woken.recv()).await.is_err());
        std::fs::write(folder.path().join("a"), "2").expect("write");
        assert_eq!(tokio::time::timeout(Duration::from_secs(10), woken.recv()).await, Ok(Some(())));
    }
}
