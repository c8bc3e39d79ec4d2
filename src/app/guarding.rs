//! What is on offer is read again: all of it at the start, whatever was written to since
//! within seconds, and the rest in turn. What is not what it was goes off the air.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use jiff::SignedDuration;

use crate::base::{Clock, LessonId, Shutdown};
use crate::courseware::{Damage, Fingerprint, Hold, Library, Package, fingerprint, verify};
use crate::people::AuditEntry;
use crate::portal::Changed as _;
use crate::schedule::{Plans, Play};
use crate::store::Store;

use super::reload::Reload;

/// How often it is looked for what was written to.
const LOOK: Duration = Duration::from_secs(5);
/// Everything is read once in so long.
const EVERY: Duration = Duration::from_secs(7 * 24 * 3600);
/// What is on air within so long is read before all else, and without pauses.
const SOON: SignedDuration = SignedDuration::from_mins(30);
/// After each MiB: a lesson is read at no more than 50 MB/s, the disk is others' as well.
const PAUSE: Duration = Duration::from_millis(20);
/// What the audit log calls a package that is not what it was.
const DAMAGED: &str = "lesson-damaged";

/// What the task works with.
#[derive(Debug)]
pub(super) struct Guarding {
    pub(super) library: Library,
    pub(super) plans: Arc<ArcSwap<Plans>>,
    pub(super) store: Store,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) reload: Reload,
}

/// When a package was read last, and what it looked like then.
type Seen = BTreeMap<PathBuf, (Fingerprint, Duration)>;

impl Guarding {
    /// Reads and compares until `stop`.
    pub(super) async fn run(self, stop: Shutdown) {
        let mut seen = Seen::new();
        let going = Arc::new(AtomicBool::new(true));
        loop {
            while let Some((lesson, package, looks, is_soon)) = self.next(&mut seen).await {
                let (work, goes) = (Arc::clone(&package), Arc::clone(&going));
                let reading = tokio::task::spawn_blocking(move || {
                    verify(&work, &mut || {
                        if !is_soon {
                            std::thread::sleep(PAUSE);
                        }
                        goes.load(Ordering::Relaxed)
                    })
                });
                let found = tokio::select! {
                    () = stop.wait() => {
                        going.store(false, Ordering::Relaxed);
                        return;
                    }
                    found = reading => found.ok().flatten(),
                };
                match found {
                    Some(Err(_)) => self.damaged(&lesson, &package.manifest.content_hash).await,
                    // Somebody brought back a copy: it is another file.
                    Some(Ok(())) if seen.contains_key(&package.folder) => {
                        let library = self.library.clone();
                        let read = tokio::task::spawn_blocking(move || library.reload()).await;
                        if let Ok(Err(error)) = read {
                            tracing::error!(%error, "the library cannot be read");
                        }
                        self.reload.lessons();
                    }
                    _ => {}
                }
                seen.insert(package.folder.clone(), (looks, self.clock.monotonic()));
            }
            tokio::select! {
                () = stop.wait() => return,
                () = tokio::time::sleep(LOOK) => {}
            }
        }
    }

    /// The lesson that is to be read now, how it looks, and whether it is on air soon.
    async fn next(&self, seen: &mut Seen) -> Option<(LessonId, Arc<Package>, Fingerprint, bool)> {
        let catalogue = self.library.catalogue();
        let soon = self.soon();
        let looked = tokio::task::spawn_blocking(move || -> Vec<_> {
            let look = |(id, p): (&LessonId, &Arc<Package>)| (id.clone(), Arc::clone(p), fingerprint(p));
            catalogue.lessons().map(look).collect()
        });
        let all = looked.await.ok()?;
        let there: BTreeSet<&PathBuf> = all.iter().map(|(_, p, _)| &p.folder).collect();
        seen.retain(|folder, _| there.contains(folder));
        let now = self.clock.monotonic();
        let due = all.into_iter().filter_map(|(id, package, looks)| {
            let is_soon = soon.contains(&id);
            let read = seen.get(&package.folder).filter(|(was, _)| *was == looks).map(|(_, at)| *at);
            let is_due = read.is_none_or(|at| now - at >= EVERY);
            is_due.then_some(((!is_soon, read), (id, package, looks, is_soon)))
        });
        due.min_by_key(|(urgency, _)| *urgency).map(|(_, next)| next)
    }

    /// Lessons that are on air, or will be soon.
    fn soon(&self) -> BTreeSet<LessonId> {
        let now = self.clock.now();
        let plans = self.plans.load();
        let mut soon = BTreeSet::new();
        for programme in plans.values().flat_map(|plan| plan.between(now, now + SOON)) {
            if let Play::Lessons(lessons) = &programme.play {
                soon.extend(lessons.iter().cloned());
            }
        }
        soon
    }

    /// Takes a lesson off the air whose package differs, unless it was replaced meanwhile.
    async fn damaged(&self, lesson: &LessonId, content: &str) {
        if let Err(error) = self.library.reload() {
            tracing::error!(%error, "the library cannot be read");
        }
        let catalogue = self.library.catalogue();
        let same = catalogue.lesson(lesson).filter(|p| p.manifest.content_hash == content).cloned();
        let Some(package) = same else { return };
        let again = tokio::task::spawn_blocking(move || verify(&package, &mut || true));
        let Ok(Some(Err(damage))) = again.await else { return };
        tracing::error!(%lesson, %damage, "lesson {lesson} is off the air: {damage}");
        match self.library.take_back(lesson, content, Hold::Damaged) {
            Ok(true) => self.tell(lesson, content, &damage).await,
            Ok(false) => {}
            Err(error) => tracing::error!(%lesson, %error, "a damaged lesson could not be taken off the air"),
        }
        self.reload.lessons();
    }

    async fn tell(&self, lesson: &LessonId, content: &str, damage: &Damage) {
        let entry = AuditEntry {
            at: self.clock.now(),
            who: None,
            via: String::new(),
            what: DAMAGED.to_owned(),
            subject: format!("lesson/{lesson}"),
            before: String::new(),
            after: serde_json::json!({ "content": content, "why": damage.to_string() }).to_string(),
        };
        if let Err(error) = self.store.append_audit(entry).await {
            tracing::error!(%error, "a damaged lesson could not be noted in the audit log");
        }
    }
}
