//! The task that keeps the plans in step with the schedule files.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::sync::mpsc;

use crate::base::{Bell, ChannelId, Clock, Problem, Shutdown, watch_folder};
use crate::config::County;
use crate::courseware::Library;
use crate::portal::schedule_names;
use crate::schedule::{Folder, Plans, Report};
use crate::store::{Event, Store};

/// Why to look again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wake {
    /// A file may have changed.
    Files,
    /// Lessons or the county changed: read everything anew.
    Again,
}

/// What the task works with.
#[derive(Debug)]
pub(super) struct Planning {
    pub(super) county: Arc<ArcSwap<County>>,
    pub(super) plans: Arc<ArcSwap<Plans>>,
    /// Channels whose schedule as it stands is refused.
    pub(super) refused: Arc<ArcSwap<BTreeSet<ChannelId>>>,
    pub(super) library: Library,
    pub(super) store: Store,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) bell: Bell,
}

/// Looked at at least this often: a watcher misses files on network folders.
const LOOK: Duration = Duration::from_secs(1);

/// Warnings written to the log each time; a missing lesson may stand in
/// hundreds of entries.
const SHOWN: usize = 5;

/// The task with the folder as it saw it first.
#[derive(Debug)]
pub(super) struct Planner {
    planning: Planning,
    folder: Folder,
    /// What the first look found, to be recorded once the task runs.
    first: Report,
}

impl Planning {
    /// Reads every schedule before anything goes on air.
    pub(super) fn first_look(self) -> Planner {
        let mut planner = Planner { planning: self, folder: Folder::default(), first: Report::default() };
        planner.first = planner.look(true);
        planner
    }
}

impl Planner {
    /// Keeps looking until `stop`.
    pub(super) async fn run(mut self, mut wakes: mpsc::Receiver<Wake>, stop: Shutdown) {
        let first = std::mem::take(&mut self.first);
        self.record(first).await;
        let (told, mut files) = mpsc::channel(1);
        let folder = self.planning.county.load().schedules.clone();
        let _watcher = watch_folder(&folder, told)
            .inspect_err(|error| tracing::warn!(%error, "schedules are looked at by time only"));
        loop {
            let wake = tokio::select! {
                () = stop.wait() => return,
                Some(wake) = wakes.recv() => wake,
                Some(()) = files.recv() => {
                    // An editor writes in several steps: let it finish.
                    tokio::time::sleep(Duration::from_millis(200)).await;
                    Wake::Files
                }
                () = tokio::time::sleep(LOOK) => Wake::Files,
            };
            let again = wake == Wake::Again;
            self.folder.as_of(self.planning.clock.now());
            if !again && self.folder.is_unchanged(&self.planning.county.load().schedules) {
                continue;
            }
            let report = tokio::task::block_in_place(|| self.look(again));
            self.record(report).await;
        }
    }

    fn look(&mut self, again: bool) -> Report {
        let county = self.planning.county.load();
        let names = schedule_names(&county, &self.planning.library.catalogue());
        match self.folder.look(&county.schedules, &county.tz, &names.known(), again) {
            Ok(report) => {
                if !report.changed.is_empty() {
                    self.planning.plans.store(Arc::new(self.folder.plans()));
                }
                let refused = self.folder.refused();
                if **self.planning.refused.load() != refused {
                    self.planning.refused.store(Arc::new(refused));
                }
                report
            }
            Err(error) => {
                tracing::error!(path = %county.schedules.display(), %error, "the schedules' folder cannot be read");
                Report::default()
            }
        }
    }

    async fn record(&self, report: Report) {
        for problem in &report.problems {
            tracing::error!("{problem}");
        }
        if !report.problems.is_empty() {
            tracing::error!("the last good schedule stays on air");
        }
        let (first, more) = first_of_each(&report.warnings);
        for warning in first {
            tracing::warn!("{warning}");
        }
        if more > 0 {
            tracing::warn!("and {more} more: `yuanjiao check` lists them all");
        }
        let at = self.planning.clock.now();
        let problems =
            report.problems.iter().map(|p| ("refused", p.file.display().to_string(), p.to_string()));
        let changed = report.changed.iter().map(|c| ("changed", c.to_string(), String::new()));
        for (kind, subject, detail) in problems.chain(changed) {
            let event = Event { at, subject: format!("schedule/{subject}"), kind: kind.to_owned(), detail };
            if let Err(error) = self.planning.store.record_event(event).await {
                tracing::error!(%error, "an event could not be stored");
            }
        }
        if !report.problems.is_empty() || !report.changed.is_empty() {
            self.planning.bell.ring();
        }
        for channel in &report.changed {
            tracing::info!(%channel, "{channel}: a new plan is in force");
        }
    }
}

/// The first of each message, as many as are shown, and how many other messages there
/// are. A lesson that is missing is missing wherever the schedule names it.
fn first_of_each(warnings: &[Problem]) -> (Vec<&Problem>, usize) {
    let mut said = BTreeSet::new();
    let mut first: Vec<&Problem> = warnings.iter().filter(|w| said.insert(&w.message)).collect();
    let more = first.len().saturating_sub(SHOWN);
    first.truncate(SHOWN);
    (first, more)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Fault;

    #[test]
    fn a_message_is_said_once() {
        let warn = |line: usize, message: String| Problem {
            file: "x".into(),
            line,
            column: 1,
            fault: Fault::Gap,
            message,
        };
        let lessons = |n: usize| (0..n).map(|i| format!("no lesson {i}"));
        let twice: Vec<Problem> = lessons(7).chain(lessons(7)).enumerate().map(|(i, m)| warn(i, m)).collect();
        let (first, more) = first_of_each(&twice);
        assert_eq!((first, more), (twice[..SHOWN].iter().collect(), 2));
    }
}
