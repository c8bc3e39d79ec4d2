//! The one signal to stop, handed to every task.

use tokio::sync::watch;

/// A clonable handle on "the server is stopping".
#[derive(Debug, Clone)]
pub struct Shutdown {
    sender: std::sync::Arc<watch::Sender<bool>>,
    receiver: watch::Receiver<bool>,
}

impl Shutdown {
    /// A signal that has not been given.
    pub fn new() -> Self {
        let (sender, receiver) = watch::channel(false);
        Self { sender: sender.into(), receiver }
    }

    /// Gives the signal. Again is no different from once.
    pub fn trigger(&self) {
        self.sender.send_replace(true);
    }

    /// True once the signal was given.
    pub fn is_triggered(&self) -> bool {
        *self.receiver.borrow()
    }

    /// Returns when the signal is given, at once if it was.
    pub async fn wait(&self) {
        let mut receiver = self.receiver.clone();
        // The sender lives as long as `self`, so waiting cannot fail.
        let _ = receiver.wait_for(|stop| *stop).await;
    }
}

impl Default for Shutdown {
    fn default() -> Self {
        Self::new()
    }
}
