//! The files that the office writes: the county's and the schedules. An entry
//! is changed, the whole is read as the server would read it, and only a good
//! one takes the place of the old.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::base::entries::{Entry, EntryError, entries, swap};
use crate::base::{ChannelId, Problem, Problems, replace_file};
use crate::config::County;
use crate::people::AuditEntry;
use crate::portal::state::{Changed, Portal, schedule_names};
use crate::schedule::{self, Names};
use crate::store::StoreError;

use super::Refusal;
use super::terminals::to_the_end;

/// Writes them, one at a time.
#[derive(Debug)]
pub struct Documents {
    config: PathBuf,
    writing: tokio::sync::Mutex<()>,
    pub(super) after: Arc<dyn Changed>,
}

/// Which file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Which {
    /// The county's.
    County,
    /// A channel's schedule.
    Schedule(ChannelId),
}

/// The name of the whole file, where a section's name is asked for: a change
/// of many entries at once.
pub(super) const WHOLE: &str = "*";

/// A change of one entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Swap {
    pub(super) which: Which,
    pub(super) section: String,
    /// None: it is new.
    pub(super) from: Option<Entry>,
    /// None: it goes.
    pub(super) to: Option<Entry>,
}

impl Swap {
    /// The one that takes this back.
    pub(super) fn inverse(self) -> Self {
        Self { from: self.to, to: self.from, ..self }
    }

    /// What the audit log calls the thing that is changed.
    pub(super) fn subject(&self) -> String {
        match &self.which {
            Which::County => format!("county/{}", self.section),
            Which::Schedule(channel) => format!("schedule/{channel}/{}", self.section),
        }
    }

    /// From a line of the audit log.
    pub(super) fn logged(line: &AuditEntry) -> Option<Self> {
        let parts: Vec<&str> = line.subject.split('/').collect();
        let (which, section) = match parts.as_slice() {
            ["county", section] => (Which::County, *section),
            ["schedule", channel, section] => (Which::Schedule(ChannelId::new(channel).ok()?), *section),
            _ => return None,
        };
        let side = |text: &str| (!text.is_empty()).then(|| Entry::kept(text));
        let (from, to) = (side(&line.before), side(&line.after));
        Some(Self { which, section: section.to_owned(), from, to })
    }
}

/// Why a change was not made.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotWritten {
    /// The entry cannot be put in place.
    #[error(transparent)]
    Entry(#[from] EntryError),
    /// The file would not be good.
    #[error(transparent)]
    Bad(#[from] Problems),
    /// The file cannot be read or written.
    #[error("{path}: {source}")]
    File {
        /// Which.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// The store's error.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Documents {
    /// The county's file is `config`; `after` puts in force what was written.
    pub fn new(config: PathBuf, after: Arc<dyn Changed>) -> Self {
        Self { config, writing: tokio::sync::Mutex::default(), after }
    }

    /// Held from the look at what stands there until the new is in force.
    pub(super) async fn writing(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.writing.lock().await
    }
}

impl Portal {
    /// The file of a schedule: the first that says it is the channel's, else the one to be made.
    fn schedule_file(&self, channel: &ChannelId) -> PathBuf {
        let folder = &self.county.load().schedules;
        let of_channel = |path: &PathBuf| {
            let text = std::fs::read_to_string(path).unwrap_or_default();
            // It says so before its first table; the hundreds that follow need not be understood.
            let head = text.split_inclusive('\n').take_while(|line| !line.starts_with('['));
            let said = head.collect::<String>().parse::<toml::Table>().or_else(|_| text.parse());
            said.is_ok_and(|t| t.get("channel").and_then(toml::Value::as_str) == Some(channel.as_str()))
        };
        let found = schedules(folder).into_iter().find(of_channel);
        found.unwrap_or_else(|| folder.join(format!("{channel}.toml")))
    }

    /// The text of a file; a schedule that is not there yet has nothing but its channel.
    pub(super) fn document(&self, which: &Which) -> Result<(PathBuf, String), NotWritten> {
        let (path, new) = match which {
            Which::County => (self.documents.config.clone(), None),
            Which::Schedule(channel) => {
                (self.schedule_file(channel), Some(format!("channel = \"{channel}\"\n")))
            }
        };
        match (std::fs::read_to_string(&path), new) {
            (Ok(text), _) => Ok((path, text)),
            (Err(e), Some(new)) if e.kind() == std::io::ErrorKind::NotFound => Ok((path, new)),
            (Err(source), _) => Err(NotWritten::File { path, source }),
        }
    }

    /// The entries of a section as they stand now.
    pub(super) fn entries(&self, which: &Which, section: &str) -> Result<Vec<Entry>, NotWritten> {
        Ok(entries(&self.document(which)?.1, section)?)
    }

    /// Makes a change, with its line of the audit log, to the end. Answers the line's number.
    pub(super) async fn write(
        &self,
        change: Swap,
        mut entry: AuditEntry,
    ) -> Result<Result<i64, NotWritten>, Refusal> {
        entry.subject = change.subject();
        let text = |e: &Option<Entry>| e.as_ref().map(|e| e.text().to_owned()).unwrap_or_default();
        (entry.before, entry.after) = (text(&change.from), text(&change.to));
        let portal = self.clone();
        to_the_end(async move { portal.write_now(change, entry).await }).await
    }

    async fn write_now(&self, change: Swap, entry: AuditEntry) -> Result<i64, NotWritten> {
        let _one = self.documents.writing().await;
        let portal = self.clone();
        // Every schedule may have to be read: not on a thread that serves.
        let prepared = tokio::task::spawn_blocking(move || {
            let (path, text) = portal.document(&change.which)?;
            let text = if change.section == WHOLE {
                let stands = change.from.as_ref().is_some_and(|from| from.text() == text);
                let to = change.to.as_ref().filter(|_| stands).ok_or(EntryError::Gone)?;
                to.text().to_owned()
            } else {
                swap(&text, &change.section, change.from.as_ref(), change.to.as_ref())?
            };
            portal.check(&change.which, &path, &text)?;
            Ok::<_, NotWritten>((change.which, path, text))
        });
        let (which, path, text) = prepared.await.map_err(|_| StoreError::Closed)??;
        // The line first: a change without one must not be, a line of a change that a
        // crash prevented can be told from the file.
        let line = self.store.append_audit(entry).await?;
        let after = Arc::clone(&self.documents.after);
        let written = tokio::task::spawn_blocking(move || {
            replace_file(&path, text.as_bytes()).map_err(|source| NotWritten::File { path, source })?;
            match which {
                Which::County => after.county(),
                Which::Schedule(_) => after.schedules(),
            }
            Ok::<(), NotWritten>(())
        });
        written.await.map_err(|_| StoreError::Closed)??;
        Ok(line)
    }

    /// Reads `text` as the server would. A county that would make schedules bad is not good.
    pub(super) fn check(&self, which: &Which, path: &Path, text: &str) -> Result<(), Problems> {
        let county = self.county.load();
        match which {
            Which::Schedule(_) => schedule::parse(
                path,
                text,
                &county.tz,
                &schedule_names(&county, &self.library.catalogue()).known(),
            )
            .map(|_| ()),
            Which::County => {
                let new = crate::config::parse(path, text, path.parent().unwrap_or(Path::new("")))?;
                let before = self.bad_schedules(&county, &schedule_names(&county, &self.library.catalogue()));
                let after = self.bad_schedules(&new, &schedule_names(&new, &self.library.catalogue()));
                let made = after.into_iter().filter(|(path, _)| !before.contains_key(path));
                let problems: Vec<Problem> = made.flat_map(|(_, problems)| problems.0).collect();
                if problems.is_empty() { Ok(()) } else { Err(Problems(problems)) }
            }
        }
    }

    fn bad_schedules(&self, county: &County, names: &Names) -> BTreeMap<PathBuf, Problems> {
        let read = |path: PathBuf| {
            let text = std::fs::read_to_string(&path).ok()?;
            let problems = schedule::parse(&path, &text, &county.tz, &names.known()).err()?;
            Some((path, problems))
        };
        schedules(&self.county.load().schedules).into_iter().filter_map(read).collect()
    }
}

/// The schedule files of a folder, by name.
fn schedules(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    let paths = entries.filter_map(|e| Some(e.ok()?.path()));
    let mut found: Vec<PathBuf> = paths.filter(|p| p.extension().is_some_and(|e| e == "toml")).collect();
    found.sort();
    found
}
