//! The folder of schedule files: the last good plan of each stays.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

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
    /// Size and time of the file when it was read.
    stamp: Option<Stamp>,
    /// As last looked at, good or not; the error of one that cannot be read.
    text: Arc<str>,
    /// It is refused as it stands.
    refused: bool,
    /// The last good plan in it.
    plan: Option<Arc<Plan>>,
}

/// What tells that a file was not written to since.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    length: u64,
    modified: Timestamp,
}

/// File systems tell times apart that are further from each other than this.
const GRAIN: SignedDuration = SignedDuration::from_secs(3);

impl Stamp {
    /// None for a file that was written to a moment before: it may be written to
    /// again, of the same length, without a later time.
    fn of(path: &Path, now: Timestamp) -> Option<Self> {
        let meta = std::fs::metadata(path).ok()?;
        let modified = Timestamp::try_from(meta.modified().ok()?).ok()?;
        let settled = now.duration_since(modified) > GRAIN;
        settled.then_some(Self { length: meta.len(), modified })
    }
}

fn is_schedule(name: &OsStr) -> bool {
    Path::new(name).extension().is_some_and(|e| e == "toml")
}

/// The folder as last looked at.
#[derive(Debug, Default)]
pub struct Folder {
    files: BTreeMap<PathBuf, Loaded>,
    /// Each file by its name as it was then; none for one that may be written to yet.
    stamps: HashMap<OsString, Option<Stamp>>,
    /// The time as it was last told.
    now: Timestamp,
    /// Files that were reported as a channel's second, so that each is said once.
    rivals: BTreeSet<PathBuf>,
}

impl Folder {
    /// Tells the time. Without it every file is read at every look.
    pub fn as_of(&mut self, now: Timestamp) {
        self.now = now;
    }

    /// True if no file came, went or was written to since the last look, so that
    /// another would find nothing.
    pub fn is_unchanged(&self, folder: &Path) -> bool {
        let Ok(entries) = std::fs::read_dir(folder) else { return false };
        let mut found = 0;
        for name in entries.filter_map(|e| Some(e.ok()?.file_name())).filter(|name| is_schedule(name)) {
            let stamp = Stamp::of(&folder.join(&name), self.now);
            if stamp.is_none() || self.stamps.get(&name) != Some(&stamp) {
                return false;
            }
            found += 1;
        }
        found == self.stamps.len()
    }

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
            let entry = entry?;
            if is_schedule(&entry.file_name()) {
                let path = entry.path();
                found.insert(path.clone(), self.file(&path, tz, known, again, &mut report));
            }
        }
        let name = |path: &PathBuf| path.file_name().map(OsStr::to_owned);
        self.stamps = found.iter().filter_map(|(path, loaded)| Some((name(path)?, loaded.stamp))).collect();
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
        let stamp = Stamp::of(path, self.now);
        if let Some(same) = before.filter(|l| stamp.is_some() && l.stamp == stamp && !again) {
            return same.clone();
        }
        let last_good = before.and_then(|l| l.plan.clone());
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) => {
                let message = format!("cannot be read: {error}");
                if before.is_none_or(|l| *l.text != *message) {
                    let file = path.to_owned();
                    report.problems.push(Problem {
                        file,
                        line: 1,
                        column: 1,
                        fault: Fault::Unreadable,
                        message: message.clone(),
                    });
                }
                return Loaded { stamp: None, refused: true, text: message.into(), plan: last_good };
            }
        };
        if let Some(same) = before.filter(|l| *l.text == *text && !again) {
            return Loaded { stamp, ..same.clone() };
        }
        let parsed = parse(path, &text, tz, known);
        let refused = parsed.is_err();
        let plan = match parsed {
            Ok((plan, warnings)) => {
                report.warnings.extend(warnings);
                Some(Arc::new(plan)).map(|p| last_good.filter(|l| *l == p).unwrap_or(p))
            }
            Err(Problems(problems)) => {
                report.problems.extend(problems);
                last_good
            }
        };
        Loaded { stamp, refused, text: text.into(), plan }
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

    /// Channels whose file is refused as it stands; of one that never was good,
    /// nobody can say whose it is but by its name.
    pub fn refused(&self) -> BTreeSet<ChannelId> {
        let named = |path: &Path| ChannelId::new(path.file_stem()?.to_str()?).ok();
        let files = self.files.iter().filter(|(_, loaded)| loaded.refused);
        files
            .filter_map(|(path, l)| l.plan.as_ref().map(|p| p.channel.clone()).or_else(|| named(path)))
            .collect()
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
