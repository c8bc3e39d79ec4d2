//! The bell that rings when something has changed that people may be looking at.

use tokio::sync::watch;

/// A bell; clones ring and hear the same one.
#[derive(Debug, Clone)]
pub struct Bell(watch::Sender<u64>);

impl Bell {
    /// One that has not rung.
    pub fn new() -> Self {
        Self(watch::Sender::new(0))
    }

    /// Rings. Several times before somebody listens are heard as once.
    pub fn ring(&self) {
        self.0.send_modify(|times| *times = times.wrapping_add(1));
    }

    /// Hears what rings from now on.
    pub fn listen(&self) -> watch::Receiver<u64> {
        self.0.subscribe()
    }
}

impl Default for Bell {
    fn default() -> Self {
        Self::new()
    }
}
