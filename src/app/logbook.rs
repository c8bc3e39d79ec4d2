//! What goes into the log of evidence, and when it is signed and witnessed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use hyper::StatusCode;
use jiff::{SignedDuration, Timestamp, ToSpan as _};

use crate::base::{Clock, Shutdown, day_of, day_span};
use crate::config::{County, Witness};
use crate::delivery::Channels;
use crate::portal::Logbook;
use crate::store::Store;
use crate::tlog::{AddCheckpoint, Checkpoint, Note};

use super::https;

/// How often playbacks that have closed are logged.
const CLOSED: Duration = Duration::from_secs(2);
/// How often the log is signed, where it has grown.
const SIGNED: Duration = Duration::from_secs(10);
/// How often days that are over are looked for.
const DAYS: Duration = Duration::from_secs(600);
/// How often witnesses are asked.
const WITNESSED: Duration = Duration::from_secs(300);
/// A day may be over so long before its airings stand.
const SETTLED: SignedDuration = SignedDuration::from_mins(10);
/// Days after which nobody comes back to one that was left out.
const LATEST_DAYS: i64 = 30;

/// The task's hands.
#[derive(Debug, Clone)]
pub(super) struct LogTask {
    pub(super) county: Arc<ArcSwap<County>>,
    pub(super) channels: Arc<Channels>,
    pub(super) store: Store,
    pub(super) logbook: Arc<Logbook>,
    pub(super) clock: Arc<dyn Clock>,
}

impl LogTask {
    /// Keeps the log until `stop`; what has closed by then is in it.
    pub(super) async fn run(self, stop: Shutdown) {
        let (mut signed, mut days) = (None::<Duration>, None::<Duration>);
        loop {
            let now = self.clock.monotonic();
            let due = |at: Option<Duration>, every| at.is_none_or(|at| now - at >= every);
            self.note(self.log_sessions().await);
            if due(days, DAYS) {
                days = Some(now);
                self.note(self.log_days().await);
            }
            if due(signed, SIGNED) {
                signed = Some(now);
                self.note(self.sign().await);
            }
            tokio::select! {
                () = stop.wait() => break,
                () = tokio::time::sleep(CLOSED) => {}
            }
        }
    }

    /// Has witnesses sign the log until `stop`: by itself, since they may be slow to answer.
    pub(super) async fn ask_for_witness(self, stop: Shutdown) {
        // What each of them saw last, by its address.
        let mut seen: BTreeMap<String, u64> = BTreeMap::new();
        loop {
            let asking = async {
                let wait = if self.ask_witnesses(&mut seen).await { WITNESSED } else { CLOSED };
                tokio::time::sleep(wait).await;
            };
            tokio::select! {
                () = stop.wait() => return,
                () = asking => {}
            }
        }
    }

    /// Logs and signs what has closed.
    pub(super) async fn finish(&self) {
        self.note(self.log_sessions().await);
        self.note(self.sign().await);
    }

    fn note(&self, done: anyhow::Result<()>) {
        if let Err(error) = done {
            tracing::error!(%error, "the log of evidence could not be carried on: tried again");
        }
    }

    async fn log_sessions(&self) -> anyhow::Result<()> {
        let tz = self.county.load().tz.clone();
        while self.store.log_sessions(self.clock.now(), tz.clone()).await? > 0 {}
        self.store.log_studies(self.clock.now()).await?;
        Ok(())
    }

    /// Days of channels that are over and not in the log. Before its first airing a channel was
    /// not there to be off air.
    async fn log_days(&self) -> anyhow::Result<()> {
        let tz = self.county.load().tz.clone();
        let now = self.clock.now();
        let today = day_of(now - SETTLED, &tz);
        let since = today.checked_sub(LATEST_DAYS.days())?;
        let channels = self.channels.all().keys().cloned().collect();
        for (channel, began, known) in self.store.logged_days(channels, since).await? {
            let Some(began) = began else { continue };
            let mut day = day_of(began, &tz).max(since);
            while day < today {
                if !known.contains(&day) {
                    let (from, to) = day_span(day, &tz)?;
                    self.store.log_day(channel.clone(), (day, from, to), now).await?;
                }
                day = day.tomorrow()?;
            }
        }
        Ok(())
    }

    async fn sign(&self) -> anyhow::Result<()> {
        sign(&self.store, &self.logbook, self.clock.now()).await
    }

    /// Asks every witness; false while there is nothing to ask for.
    async fn ask_witnesses(&self, seen: &mut BTreeMap<String, u64>) -> bool {
        let newest = match self.store.checkpoint().await {
            Ok(Some(newest)) if newest.0 > 0 => newest,
            Ok(_) => return false,
            Err(error) => {
                self.note(Err(error.into()));
                return true;
            }
        };
        for witness in &self.county.load_full().evidence.witnesses {
            if let Err(error) = self.ask(witness, &newest, seen).await {
                tracing::warn!(witness = witness.key.name(), %error, "a witness did not sign the log's checkpoint");
            }
        }
        true
    }

    /// Has one witness sign the newest checkpoint, if it has not.
    async fn ask(
        &self,
        witness: &Witness,
        (size, note): &(u64, String),
        seen: &mut BTreeMap<String, u64>,
    ) -> anyhow::Result<()> {
        let size = *size;
        if Note::parse(note)?.verify(&witness.key).is_ok() {
            return Ok(());
        }
        // What it saw is known after it was told once; until then it says so.
        for _ in 0..2 {
            let old = seen.get(&witness.url).copied().unwrap_or(0).min(size);
            let proof = self.store.log_consistency(old, size).await?;
            let request = AddCheckpoint { old, proof, checkpoint: note.clone() };
            let url = format!("{}/add-checkpoint", witness.url);
            let (status, body) = https::post(&url, "text/plain; charset=utf-8", request.body()).await?;
            match status {
                StatusCode::OK => {
                    // Whatever else it says is none of its business.
                    let own = format!("— {} ", witness.key.name());
                    let lines: String = body.split_inclusive('\n').filter(|l| l.starts_with(&own)).collect();
                    Note::parse(&format!("{note}{lines}"))?.verify(&witness.key)?;
                    seen.insert(witness.url.clone(), size);
                    self.store.add_cosignature(size, lines).await?;
                    return Ok(());
                }
                StatusCode::CONFLICT => {
                    let last: u64 = body.trim().parse()?;
                    anyhow::ensure!(
                        last < size,
                        "it has seen a log of {last} entries, and this one has {size}: was an old backup restored?"
                    );
                    seen.insert(witness.url.clone(), last);
                }
                status => anyhow::bail!("it answered {status}: {}", body.trim()),
            }
        }
        anyhow::bail!("it does not say which checkpoint it saw last")
    }
}

/// Signs the log as it is, if it has grown.
pub(super) async fn sign(store: &Store, logbook: &Logbook, now: Timestamp) -> anyhow::Result<()> {
    let signer = logbook.log.clone();
    let origin = signer.name().to_owned();
    let sign = move |(size, root)| signer.sign(&Checkpoint { origin, size, root }.text());
    store.sign_log(now, sign).await?;
    Ok(())
}
