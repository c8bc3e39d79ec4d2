//! The worker that stands by on a better source, and its taking over.

use jiff::{SignedDuration, Timestamp};

use crate::base::WorkerProcess;
use crate::hls::LiveSegment;
use crate::hls::wire::{RelayLine, RelayOrder};
use crate::relay::candidate::{Probe, Sign};
use crate::relay::job::job;
use crate::relay::supervise::{Input, State};

use super::{Task, end};

/// What a worker that stood by may have kept.
const LONG_GONE: SignedDuration = SignedDuration::from_secs(15);

impl Task {
    /// Looks after the worker that stands by.
    pub(super) async fn consider(&mut self, sign: Sign) {
        let live = self.machine.state() == State::Live;
        let (source, now) = (self.machine.source(), self.clock.monotonic());
        match self.candidate.handle(sign, source, live, now) {
            Some(Probe::Start(source)) => {
                match WorkerProcess::spawn(
                    "relay",
                    &job(&self.relay, &self.folder, (source, true), self.place()),
                )
                .await
                {
                    Ok(worker) => self.standby = Some((source, worker)),
                    Err(error) => {
                        tracing::error!(relay = %self.relay.id, %error, "a better source could not be tried");
                        self.candidate.handle(Sign::Exited, self.machine.source(), live, now);
                    }
                }
            }
            Some(Probe::End) => self.standby = None,
            Some(Probe::Take(source)) => self.take_over(source).await,
            None => {}
        }
    }

    /// The worker that stands by writes from now on.
    async fn take_over(&mut self, source: usize) {
        let Some((_, mut next)) = self.standby.take() else { return };
        end(self.worker.as_mut(), &self.relay);
        if let Some(old) = self.worker.take() {
            // Two may not write into one folder; a killed process is gone at once.
            let _ = old.wait().await;
        }
        let told = match self.recover().await {
            Ok(()) => {
                let (n, generation) = self.place();
                let end = self.handle.window.load().newest().map(LiveSegment::end);
                let after = end.unwrap_or(Timestamp::MIN).max(self.clock.now() - LONG_GONE);
                next.tell(&RelayOrder::TakeOver { next: n, generation, after }).await
            }
            Err(error) => Err(error),
        };
        if let Err(error) = told {
            tracing::error!(relay = %self.relay.id, %error, "a better source could not take over");
            return self.supervise(&Input::Exited).await;
        }
        let id = next.id();
        self.worker = Some(next);
        self.vitals.begin();
        self.machine.take_over(source, self.clock.monotonic());
        self.publish_health(|h| {
            h.worker = id;
            h.starts += 1;
        });
        self.event("taken-back", &format!("source {} is well again and on air", source + 1)).await;
    }

    /// What its line means.
    pub(super) async fn hear_standby(&mut self, line: Option<String>) -> Sign {
        let Some(line) = line else {
            self.standby = None;
            return Sign::Exited;
        };
        match serde_json::from_str::<RelayLine>(&line) {
            Ok(RelayLine::Ready) => Sign::Ready,
            Ok(RelayLine::Stalled | RelayLine::Broke { .. }) => Sign::Broke,
            _ => Sign::Tick,
        }
    }
}
