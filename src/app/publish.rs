//! The door for encoders that publish to us by RTMP: each with the key of a
//! relay's source, whose worker gets what it sends.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use subtle::ConstantTimeEq as _;
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::Semaphore;

use crate::base::{RelayId, Shutdown};
use crate::config::{County, Source};
use crate::rtmp::{self, End, Publish};

/// Encoders at once.
const MOST: usize = 64;

/// What the task works with.
#[derive(Debug, Clone)]
pub(super) struct Publishing {
    pub(super) county: Arc<ArcSwap<County>>,
    /// Folder of the live windows.
    pub(super) live: PathBuf,
    /// Relays that somebody publishes to.
    pub(super) taken: Arc<Mutex<BTreeSet<RelayId>>>,
}

/// Somebody publishes to a relay as long as this lives.
struct Taken {
    relay: RelayId,
    all: Arc<Mutex<BTreeSet<RelayId>>>,
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.all.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.relay);
    }
}

impl Publishing {
    /// Takes encoders in until `stop`.
    pub(super) async fn run(self, listener: TcpListener, stop: Shutdown) {
        let room = Arc::new(Semaphore::new(MOST));
        loop {
            let accepted = tokio::select! {
                () = stop.wait() => return,
                accepted = listener.accept() => accepted,
            };
            let (stream, from) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(%error, "an encoder could not be taken in");
                    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                    continue;
                }
            };
            let Ok(place) = Arc::clone(&room).try_acquire_owned() else {
                tracing::warn!(%from, "an encoder was sent away: {MOST} are here already");
                continue;
            };
            let (publishing, stop) = (self.clone(), stop.clone());
            tokio::spawn(async move {
                let _place = place;
                tokio::select! {
                    () = stop.wait() => {}
                    () = publishing.serve(stream, from) => {}
                }
            });
        }
    }

    async fn serve(self, stream: TcpStream, from: std::net::SocketAddr) {
        let mut taken = None;
        let served = {
            let taken = &mut taken;
            rtmp::serve(stream, from, async move |publish: Publish| {
                let (place, sink) = self.admit(&publish).await?;
                *taken = Some(place);
                Some(sink)
            })
            .await
        };
        let relay = taken.as_ref().map_or_else(|| "no relay".to_owned(), |t: &Taken| t.relay.to_string());
        match served {
            Ok(End::Refused) => {
                tracing::warn!(%from, "an encoder was refused: its key is no relay's, or in use")
            }
            Ok(end) => tracing::info!(%from, relay, ?end, "an encoder has ended"),
            Err(error) => tracing::warn!(%from, relay, %error, "an encoder was sent away"),
        }
    }

    /// The relay whose key this is, where nobody publishes to it yet, and its worker.
    async fn admit(&self, publish: &Publish) -> Option<(Taken, UnixStream)> {
        let county = self.county.load_full();
        let mine = |source: &Source| match source {
            Source::Published { key } => bool::from(key.as_bytes().ct_eq(publish.key.as_bytes())),
            _ => false,
        };
        let relay = county.relays.iter().find(|r| r.sources.iter().any(mine))?.id.clone();
        let all = Arc::clone(&self.taken);
        if !all.lock().unwrap_or_else(PoisonError::into_inner).insert(relay.clone()) {
            return None;
        }
        let taken = Taken { relay, all };
        let socket = self.live.join(taken.relay.as_str()).join("publish.sock");
        match UnixStream::connect(&socket).await {
            Ok(sink) => Some((taken, sink)),
            Err(error) => {
                // Another source is on air, or the worker is just being started: the encoder comes again.
                tracing::warn!(relay = %taken.relay, %error, "nobody listens to this encoder now");
                None
            }
        }
    }
}
