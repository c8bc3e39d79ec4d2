//! The folder of schedule files: the last good plan of each stays.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::tz::TimeZone;

use crate::base::{ChannelId, Fault, Problem, Problems};

use super::{Known, Plan, parse};

/// The plans in force, by channel.
pub type Plans = BTreeMap<ChannelId, Arc<Plan>>;

/// What a look at the folder found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Channels whose plan changed.
    pub changed: Vec<ChannelId>,
    /// Why files were not taken.
    pub problems: Vec<Problem>,
    /// What to look at in files that were taken.
    pub warnings: Vec<Problem>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Loaded {
    /// As last looked at, good or not; the error of one that cannot be read.
    text: String,
    /// The last good plan in it.
    plan: Option<Arc<Plan>>,
}

/// The folder as last looked at.
#[derive(Debug, Default)]
pub struct Folder {
    files: BTreeMap<PathBuf, Loaded>,
    /// Files that were reported as a channel's second, so that each is said once.
    rivals: BTreeSet<PathBuf>,
}

impl Folder {
    /// Looks at every `*.toml` in `folder`. A file that does not validate
    /// changes nothing: its last good plan stays in force. With `again`,
    /// files are read anew though they did not change: the lessons did.
    pub fn look(
        &mut self,
        folder: &Path,
        tz: &TimeZone,
        known: &Known<'_>,
        again: bool,
    ) -> std::io::Result<Report> {
        let mut report = Report::default();
        let before = self.plans();
        let mut found = BTreeMap::new();
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            if path.extension().is_some_and(|e| e == "toml") {
                found.insert(path.clone(), self.file(&path, tz, known, again, &mut report));
            }
        }
        self.files = found;
        self.report_rivals(&mut report);
        let after = self.plans();
        let channels = before.keys().chain(after.keys());
        report.changed = channels.filter(|c| before.get(*c) != after.get(*c)).cloned().collect();
        report.changed.sort();
        report.changed.dedup();
        Ok(report)
    }

    fn file(
        &self,
        path: &Path,
        tz: &TimeZone,
        known: &Known<'_>,
        again: bool,
        report: &mut Report,
    ) -> Loaded {
        let before = self.files.get(path);
        let last_good = before.and_then(|l| l.plan.clone());
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) => {
                let message = format!("cannot be read: {error}");
                if before.is_none_or(|l| l.text != message) {
                    let file = path.to_owned();
                    report.problems.push(Problem {
                        file,
                        line: 1,
                        column: 1,
                        fault: Fault::Unreadable,
                        message: message.clone(),
                    });
                }
                return Loaded { text: message, plan: last_good };
            }
        };
        if let Some(same) = before.filter(|l| l.text == text && !again) {
            return same.clone();
        }
        let plan = match parse(path, &text, tz, known) {
            Ok((plan, warnings)) => {
                report.warnings.extend(warnings);
                Some(Arc::new(plan)).map(|p| last_good.filter(|l| *l == p).unwrap_or(p))
            }
            Err(Problems(problems)) => {
                report.problems.extend(problems);
                last_good
            }
        };
        Loaded { text, plan }
    }

    /// Two files for one channel: the first by name stands.
    fn report_rivals(&mut self, report: &mut Report) {
        let mut rivals = BTreeSet::new();
        let mut seen: BTreeMap<&ChannelId, &Path> = BTreeMap::new();
        for (path, loaded) in &self.files {
            let Some(plan) = &loaded.plan else { continue };
            if let Some(first) = seen.get(&plan.channel) {
                let message = format!(
                    "channel `{}` has its schedule in {} already: join the two files, or remove one",
                    plan.channel,
                    first.display()
                );
                if !self.rivals.contains(path) {
                    report.problems.push(Problem {
                        file: path.clone(),
                        line: 1,
                        column: 1,
                        fault: Fault::Twice,
                        message,
                    });
                }
                rivals.insert(path.clone());
            } else {
                seen.insert(&plan.channel, path);
            }
        }
        self.rivals = rivals;
    }

    /// The plans in force.
    pub fn plans(&self) -> Plans {
        let mut out = Plans::new();
        for plan in self.files.values().filter_map(|l| l.plan.as_ref()) {
            out.entry(plan.channel.clone()).or_insert_with(|| Arc::clone(plan));
        }
        out
    }
}
