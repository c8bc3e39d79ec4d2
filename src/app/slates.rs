//! Slates: which are needed, and having them made.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};

use crate::base::{ChannelId, Clock, Shutdown, WorkerProcess};
use crate::channel::SlateReason;
use crate::config::{Channel, County};
use crate::courseware::Library;
use crate::delivery::{MediaSources, Segments};
use crate::guide::{SlateText, slate_labels, slate_svg};
use crate::hls::wire::PackageLine;
use crate::schedule::{Plan, Plans, Programme};

/// Slates are made this long before they may be needed.
const AHEAD: SignedDuration = SignedDuration::from_mins(15);
/// Programmes announced below the next one.
const LATER: usize = 3;
/// A slate no longer in use is kept for catch-up.
const KEEP: Duration = Duration::from_secs(26 * 3600);

/// What the task works with.
#[derive(Debug, Clone)]
pub(super) struct SlateTask {
    pub(super) county: Arc<ArcSwap<County>>,
    pub(super) plans: Arc<ArcSwap<Plans>>,
    pub(super) library: Library,
    pub(super) slates: Library,
    pub(super) sources: Arc<MediaSources>,
    pub(super) segments: Arc<Segments>,
    pub(super) clock: Arc<dyn Clock>,
}

/// A slate to be: its picture decides its name, so the same picture is made once.
struct Wanted {
    key: (ChannelId, SlateReason),
    id: String,
    svg: String,
    lang: crate::base::Lang,
}

impl SlateTask {
    /// Makes the slates that are needed, most urgent first, until `stop`.
    pub(super) async fn run(self, stop: Shutdown) {
        let mut failed: BTreeSet<String> = BTreeSet::new();
        loop {
            // Packages also come by `yuanjiao package`, straight into the library.
            if let Err(error) = self.library.refresh() {
                tracing::error!(%error, "the library cannot be read");
            }
            let wanted = self.wanted(self.clock.now());
            self.publish(&wanted);
            let missing = wanted.iter().find(|w| !failed.contains(&w.id) && !self.path(&w.id).exists());
            let Some(missing) = missing else {
                self.prune(&wanted);
                tokio::select! {
                    () = stop.wait() => return,
                    () = tokio::time::sleep(Duration::from_secs(1)) => continue,
                }
            };
            let made = tokio::select! {
                () = stop.wait() => return,
                made = self.make(missing) => made,
            };
            if let Err(error) = made {
                tracing::error!(channel = %missing.key.0, error, "a slate could not be made");
                failed.insert(missing.id.clone());
            }
            if let Err(error) = self.slates.reload() {
                tracing::error!(%error, "the slates' folder cannot be read");
            }
        }
    }

    /// Tells timeline and delivery what there is.
    pub(super) fn publish_now(&self) {
        self.publish(&self.wanted(self.clock.now()));
    }

    fn publish(&self, wanted: &[Wanted]) {
        let uses = wanted.iter().map(|w| (w.key.clone(), w.id.clone())).collect::<BTreeMap<_, _>>();
        let (library, slates) = (self.library.catalogue(), self.slates.catalogue());
        self.segments.set_packages(&library, &slates);
        self.sources.set_packages(&library, &slates, &uses);
    }

    fn path(&self, id: &str) -> PathBuf {
        self.slates.folder().join(id)
    }

    fn wanted(&self, now: Timestamp) -> Vec<Wanted> {
        let county = self.county.load();
        let plans = self.plans.load();
        let mut plain = Vec::new();
        let mut coming = Vec::new();
        for channel in &county.channels {
            plain.push(self.plain(channel, SlateReason::Idle));
            plain.push(self.plain(channel, SlateReason::Lost));
            if let Some(plan) = plans.get(&channel.id) {
                coming.extend(self.announcements(&county, channel, plan, now));
            }
        }
        plain.into_iter().chain(coming).collect()
    }

    fn plain(&self, channel: &Channel, reason: SlateReason) -> Wanted {
        let (_, stay, lost) = slate_labels(&channel.lang);
        let label = if reason == SlateReason::Lost { lost } else { stay };
        wanted(channel, reason, text(channel, label, None, Vec::new()))
    }

    /// The slates of the gaps that begin before `now` + [`AHEAD`].
    fn announcements(&self, county: &County, channel: &Channel, plan: &Plan, now: Timestamp) -> Vec<Wanted> {
        let programmes = plan.between(now, now + AHEAD + SignedDuration::from_hours(24));
        let soon = programmes.iter().enumerate().filter(|(_, p)| p.start > now);
        let mut soon: Vec<usize> = soon.take_while(|(_, p)| p.start < now + AHEAD).map(|(i, _)| i).collect();
        // The next one, however far, may be announced at once.
        if soon.is_empty() {
            soon.extend(programmes.iter().position(|p| p.start > now));
        }
        let announce = |i: usize| {
            let next = &programmes[i];
            let later = programmes[i + 1..].iter().take(LATER).map(|p| line(county, channel, p)).collect();
            let (label, ..) = slate_labels(&channel.lang);
            let text = text(channel, label, Some(line(county, channel, next)), later);
            wanted(channel, SlateReason::Next(next.id.clone()), text)
        };
        soon.into_iter().map(announce).collect()
    }

    async fn make(&self, wanted: &Wanted) -> Result<(), String> {
        let ladder: Vec<_> = self
            .county
            .load()
            .packaging
            .ladder
            .iter()
            .map(|r| serde_json::json!({"name": r.name, "height": r.height, "kbps": r.kbps}))
            .collect();
        // As `pipeline::SlateJob` reads it.
        let job = serde_json::json!({
            "id": wanted.id, "out": self.slates.folder(), "svg": wanted.svg, "lang": wanted.lang,
            "titles": {}, "ladder": ladder,
        });
        let mut worker = WorkerProcess::spawn("slate", &job).await.map_err(|e| e.to_string())?;
        while let Some(line) = worker.next_line().await {
            match serde_json::from_str::<PackageLine>(&line) {
                Ok(PackageLine::Done { .. }) => return Ok(()),
                Ok(PackageLine::Failed { message, detail }) => return Err(format!("{message} ({detail})")),
                Ok(PackageLine::Progress { .. }) => {}
                Err(error) => return Err(error.to_string()),
            }
        }
        Err("the worker ended without an answer".into())
    }

    /// Removes slates that nothing on air or in catch-up shows any more.
    fn prune(&self, wanted: &[Wanted]) {
        let used: BTreeSet<&str> = wanted.iter().map(|w| w.id.as_str()).collect();
        let now = self.clock.now();
        let old = |folder: &Path| {
            let made = std::fs::metadata(folder.join("package.json")).and_then(|m| m.modified()).ok();
            made.and_then(|m| Timestamp::try_from(m).ok()).is_some_and(|made| made + KEEP < now)
        };
        for package in &self.slates.catalogue().packages {
            if !used.contains(package.manifest.id.as_str())
                && old(&package.folder)
                && let Err(error) = std::fs::remove_dir_all(&package.folder)
            {
                tracing::warn!(path = %package.folder.display(), %error, "an old slate could not be removed");
            }
        }
    }
}

fn text(
    channel: &Channel,
    label: &str,
    next: Option<(String, String)>,
    later: Vec<(String, String)>,
) -> SlateText {
    let name = channel.names.best(&channel.lang).map(|(_, n)| n.to_owned()).unwrap_or_default();
    SlateText { lang: channel.lang.clone(), channel: name, label: label.to_owned(), next, later, note: None }
}

fn line(county: &County, channel: &Channel, p: &Programme) -> (String, String) {
    let time = p.start.to_zoned_datetime(county.tz.clone()).strftime("%H:%M").to_string();
    (time, p.titles.best(&channel.lang).map(|(_, t)| t.to_owned()).unwrap_or_default())
}

fn wanted(channel: &Channel, reason: SlateReason, text: SlateText) -> Wanted {
    let svg = slate_svg(&text);
    let id = format!("slate-{}", hex::encode(&Sha256::digest(svg.as_bytes())[..8]));
    Wanted { key: (channel.id.clone(), reason), id, svg, lang: channel.lang.clone() }
}
