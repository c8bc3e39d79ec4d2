//! Whose turn it is with an upload.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedMutexGuard, watch};

/// Whose turn it is with an upload: whoever comes later asks the one before to end.
#[derive(Debug)]
struct Turn {
    lock: Arc<tokio::sync::Mutex<()>>,
    asked: watch::Sender<u64>,
}

/// A turn that was got, until it is dropped.
#[derive(Debug)]
pub(super) struct Held {
    asked: watch::Receiver<u64>,
    _turn: Arc<Turn>,
    _lock: OwnedMutexGuard<()>,
}

/// Turns by upload; clones share them.
#[derive(Debug, Clone, Default)]
pub(super) struct Turns(Arc<Mutex<HashMap<String, Arc<Turn>>>>);

impl Turns {
    /// The turn, once whoever has it has ended.
    pub(super) async fn take(&self, id: &str) -> Held {
        let turn = {
            let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let new = || Arc::new(Turn { lock: Arc::default(), asked: watch::Sender::new(0) });
            Arc::clone(turns.entry(id.to_owned()).or_insert_with(new))
        };
        turn.asked.send_modify(|n| *n += 1);
        let lock = Arc::clone(&turn.lock).lock_owned().await;
        // Whoever asked before this one had it is behind us now, too.
        Held { asked: turn.asked.subscribe(), _turn: turn, _lock: lock }
    }

    /// Forgets those that nobody has.
    pub(super) fn tidy(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|_, turn| Arc::strong_count(turn) > 1);
    }
}

impl Held {
    /// Ends when somebody else wants it.
    pub(super) async fn wanted(&mut self) {
        // What asks lives as long as anybody has a turn.
        let _ = self.asked.changed().await;
    }
}
