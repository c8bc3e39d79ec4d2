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
use crate::courseware::{Damage, Fingerprint, Hold, Library, LibraryError, Package, fingerprint, verify};
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

/// A lesson that is to be read, how it looks, and whether it is on air soon.
struct Due {
    lesson: LessonId,
    package: Arc<Package>,
    looks: Fingerprint,
    is_soon: bool,
}

impl Guarding {
    /// Reads and compares until `stop`.
    pub(super) async fn run(self, stop: Shutdown) {
        let going = Arc::new(AtomicBool::new(true));
        tokio::select! {
            () = stop.wait() => going.store(false, Ordering::Relaxed),
            () = self.guard(&going) => {}
        }
    }

    async fn guard(&self, going: &Arc<AtomicBool>) {
        let mut seen = Seen::new();
        loop {
            let looked = self.clock.monotonic();
            for due in self.due(&mut seen).await {
                let folder = due.package.folder.clone();
                let is_other = seen.get(&folder).is_some_and(|(was, _)| *was != due.looks);
                self.read(&due, is_other, going).await;
                seen.insert(folder, (due.looks, self.clock.monotonic()));
                // Whatever was written to meanwhile comes first.
                if self.clock.monotonic() - looked >= LOOK {
                    break;
                }
            }
            tokio::time::sleep(LOOK.saturating_sub(self.clock.monotonic() - looked)).await;
        }
    }

    /// Reads one; `is_other`: its files are not those of the last time.
    async fn read(&self, due: &Due, is_other: bool, going: &Arc<AtomicBool>) {
        let (library, package, goes) = (self.library.clone(), Arc::clone(&due.package), Arc::clone(going));
        let (lesson, pause) = (due.lesson.clone(), if due.is_soon { Duration::ZERO } else { PAUSE });
        let read = tokio::task::spawn_blocking(move || {
            let mut go_on = || {
                std::thread::sleep(pause);
                goes.load(Ordering::Relaxed)
            };
            match verify(&package, &mut go_on) {
                Some(Err(_)) => take_off(&library, &lesson, &package.manifest.content_hash, &mut go_on),
                // Somebody brought back a copy: it is another file.
                Some(Ok(())) if is_other => library.reload().map(|()| None),
                _ => Ok(None),
            }
        });
        match read.await {
            Ok(Ok(Some(damage))) => {
                tracing::error!(lesson = %due.lesson, %damage, "lesson {} is off the air: {damage}", due.lesson);
                self.tell(&due.lesson, &due.package.manifest.content_hash, &damage).await;
                self.reload.lessons();
            }
            Ok(Ok(None)) if is_other => self.reload.lessons(),
            Ok(Ok(None)) => {}
            Ok(Err(error)) => tracing::error!(%error, "the library cannot be read or written"),
            Err(error) => tracing::error!(%error, "a package could not be read"),
        }
    }

    /// What is to be read, the most urgent first.
    async fn due(&self, seen: &mut Seen) -> Vec<Due> {
        let catalogue = self.library.catalogue();
        let soon = self.soon();
        let looked = tokio::task::spawn_blocking(move || -> Vec<Due> {
            let look = |(lesson, package): (&LessonId, &Arc<Package>)| Due {
                is_soon: soon.contains(lesson),
                lesson: lesson.clone(),
                looks: fingerprint(package),
                package: Arc::clone(package),
            };
            catalogue.lessons().map(look).collect()
        });
        let mut all = looked.await.unwrap_or_default();
        let there: BTreeSet<&PathBuf> = all.iter().map(|due| &due.package.folder).collect();
        seen.retain(|folder, _| there.contains(folder));
        let now = self.clock.monotonic();
        let read = |due: &Due| {
            let last = seen.get(&due.package.folder).filter(|(was, _)| *was == due.looks);
            last.map(|(_, at)| *at)
        };
        all.retain(|due| read(due).is_none_or(|at| now - at >= EVERY));
        all.sort_by_key(|due| (!due.is_soon, read(due)));
        all
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

/// Takes a lesson off the air whose package differs, unless it was replaced meanwhile.
fn take_off(
    library: &Library,
    lesson: &LessonId,
    content: &str,
    go_on: &mut dyn FnMut() -> bool,
) -> Result<Option<Damage>, LibraryError> {
    library.reload()?;
    let catalogue = library.catalogue();
    let Some(package) = catalogue.lesson(lesson).filter(|p| p.manifest.content_hash == content) else {
        return Ok(None);
    };
    let Some(Err(damage)) = verify(package, go_on) else { return Ok(None) };
    Ok(library.take_back(lesson, content, Hold::Damaged)?.then_some(damage))
}
