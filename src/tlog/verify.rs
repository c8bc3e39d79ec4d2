//! Checking an export, with nothing but it and the county's key.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::evidence::{Paper, SessionRecord, Study};

use super::checkpoint::{BadCheckpoint, Checkpoint};
use super::entry::{Corrected, Entry, Facts, SessionFacts, StudyFacts, commitment};
use super::export::{Header, Line, VERSION, blocks, hash, hashes};
use super::note::{BadNote, Note, Verifier};
use super::tile::top;
use super::tree::{Hash, leaf_hash, root_around, verify_consistency};

/// What is wrong with an export.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// A line is not what it should be.
    #[error("line {line}: {what}")]
    Form {
        /// From 1.
        line: u64,
        /// What was expected.
        what: String,
    },
    /// The checkpoint is not the county's.
    #[error("the checkpoint: {0}")]
    Checkpoint(BadCheckpoint),
    /// Entries were added, left out or moved.
    #[error("record {expected} is missing: record {found} stands in its place")]
    Order {
        /// Its number.
        expected: u64,
        /// What is there.
        found: u64,
    },
    /// There are more or fewer entries than the header says.
    #[error("there are {found} records instead of {expected}: some were added or left out at the end")]
    Count {
        /// As the header says.
        expected: u64,
        /// How many there are.
        found: u64,
    },
    /// An entry was altered.
    #[error("record {no} was altered: {what}")]
    Record {
        /// Its number.
        no: u64,
        /// How it shows.
        what: String,
    },
    /// One of a few entries was altered, together with what it commits to.
    #[error("one of the records {first} to {last} was altered or exchanged")]
    Block {
        /// Number of the first.
        first: u64,
        /// And the last.
        last: u64,
    },
    /// The tree of these entries is not the one that was signed.
    #[error("the records are not those that were signed: their tree has another root")]
    Root,
    /// Entries at an end of the period were left out.
    #[error(
        "nothing shows that the export begins and ends where the period does: records at its {0} may have been left out"
    )]
    Period(&'static str),
    /// The log was rewritten.
    #[error(
        "the log of size {size} is not a continuation of the earlier checkpoint of size {old}: entries were removed or rewritten"
    )]
    Rewritten {
        /// Size of the earlier one.
        old: u64,
        /// Size of the export's.
        size: u64,
    },
    /// No proof for that checkpoint is there.
    #[error(
        "the export holds no proof for the checkpoint of size {0}: export again with `--since`, naming it"
    )]
    NoProof(u64),
}

/// What was found true.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The log's size at the checkpoint.
    pub size: u64,
    /// Its name.
    pub origin: String,
    /// Entries of the period.
    pub entries: u64,
    /// Those of them that are playbacks.
    pub sessions: u64,
    /// Those of them that are group studies, or corrections of one.
    pub studies: u64,
    /// Those of them whose body was erased.
    pub erased: u64,
    /// Earlier checkpoints that the log continues.
    pub earlier: u64,
    /// Witnesses of the checkpoint, and when they saw it, seconds of the epoch.
    pub witnessed: Vec<(String, u64)>,
}

/// What an export is checked with.
#[derive(Debug, Clone, Copy)]
pub struct Trust<'a> {
    /// The county's key.
    pub key: &'a Verifier,
    /// Keys of witnesses.
    pub witnesses: &'a [Verifier],
    /// An earlier checkpoint that the log must continue, a signed note.
    pub since: Option<&'a str>,
}

/// Checks an export. `lines` are those after the header; `each` is told of every entry of the
/// period, in order.
pub fn verify(
    header: &Header,
    lines: impl Iterator<Item = Result<Line, String>>,
    trust: Trust<'_>,
    each: &mut dyn FnMut(&Line, &Entry),
) -> Result<Verdict, Fault> {
    let form = |what: &str| Fault::Form { line: 1, what: what.to_owned() };
    if header.evidence != VERSION {
        return Err(form("expected an export of version 1: check it with a later version of this program"));
    }
    let checkpoint = Checkpoint::verified(&header.checkpoint, trust.key).map_err(Fault::Checkpoint)?;
    if checkpoint.origin != header.origin {
        return Err(Fault::Checkpoint(BadCheckpoint::Origin));
    }
    let mut found = Found { first: header.first, ..Found::default() };
    let mut verdict = Verdict {
        size: checkpoint.size,
        origin: checkpoint.origin.clone(),
        entries: 0,
        sessions: 0,
        studies: 0,
        erased: 0,
        earlier: 0,
        witnessed: witnessed(&header.checkpoint, trust.witnesses).map_err(Fault::Checkpoint)?,
    };
    for (line, at) in lines.zip(2..) {
        let line = line.map_err(|what| Fault::Form { line: at, what })?;
        let entry = found.take(&line)?;
        if entry.at >= header.from && entry.at < header.to {
            verdict.entries += 1;
            verdict.sessions += u64::from(matches!(entry.facts, Facts::Session(_)));
            let is_study = matches!(
                entry.facts,
                Facts::Study(_) | Facts::StudyCorrected { .. } | Facts::StudyErased { .. }
            );
            verdict.studies += u64::from(is_study);
            verdict.erased += u64::from(!fits(&line, &entry)?);
            each(&line, &entry);
        }
    }
    found.are_signed(header, &checkpoint)?;
    found.are_all(header, &checkpoint)?;
    verdict.earlier = continues(header, &checkpoint, trust)?;
    Ok(verdict)
}

/// What was read so far.
#[derive(Default)]
struct Found {
    first: u64,
    leaves: Vec<Hash>,
    /// When the first and the last were logged.
    ends: Option<(Timestamp, Timestamp)>,
    /// The first that was logged before the one before it.
    late: Option<u64>,
    /// What was said of group studies, by entry.
    studies: BTreeMap<u64, StudyFacts>,
}

impl Found {
    fn take(&mut self, line: &Line) -> Result<Entry, Fault> {
        let expected = self.first + self.leaves.len() as u64;
        if line.no != expected {
            return Err(Fault::Order { expected, found: line.no });
        }
        let altered = |what: String| Fault::Record { no: line.no, what };
        let entry: Entry = serde_json::from_str(&line.leaf)
            .map_err(|e| altered(format!("its entry cannot be read ({e})")))?;
        self.leaves.push(leaf_hash(line.leaf.as_bytes()));
        let (first, last) = self.ends.unwrap_or((entry.at, entry.at));
        if entry.at < last {
            self.late.get_or_insert(line.no);
        }
        self.ends = Some((first, entry.at.max(last)));
        self.study(line.no, &entry.facts)?;
        Ok(entry)
    }

    /// An erasure leaves as it was what anybody may know; a correction needs somebody's approval.
    fn study(&mut self, no: u64, facts: &Facts) -> Result<(), Fault> {
        let (said, erases) = match facts {
            Facts::Study(said) | Facts::StudyCorrected { facts: said, .. } => (said, None),
            Facts::StudyErased { of, facts: said } => (said, self.studies.get(of)),
            Facts::Session(_) | Facts::StudyPaper { .. } | Facts::AsRunDay { .. } => return Ok(()),
        };
        if erases.is_some_and(|before| before != said) {
            let what = "it changes more of a group study than an erasure does".to_owned();
            return Err(Fault::Record { no, what });
        }
        self.studies.insert(no, said.clone());
        Ok(())
    }

    fn are_signed(&self, header: &Header, checkpoint: &Checkpoint) -> Result<(), Fault> {
        let form = |what: &str| Fault::Form { line: 1, what: what.to_owned() };
        let count = self.leaves.len() as u64;
        if count != header.entries {
            return Err(Fault::Count { expected: header.entries, found: count });
        }
        let around = hashes(&header.around).ok_or_else(|| form("`around` holds no hashes"))?;
        let whole = root_around(&self.leaves, self.first, checkpoint.size, &around);
        if whole == Some(checkpoint.root) {
            return Ok(());
        }
        // Where? The blocks' roots say, if they are those that were exported.
        let wanted = blocks((self.first, self.first + count));
        for ((first, count), said) in wanted.iter().zip(&header.blocks) {
            let at = (first - self.first) as usize;
            if hash(said) != Some(top(&self.leaves[at..at + *count as usize])) {
                let last = first + count - 1;
                return Err(Fault::Block { first: *first, last });
            }
        }
        Err(Fault::Root)
    }

    fn are_all(&self, header: &Header, checkpoint: &Checkpoint) -> Result<(), Fault> {
        if let Some(no) = self.late {
            return Err(Fault::Record { no, what: "it was logged before the one before it".into() });
        }
        let end = self.first + self.leaves.len() as u64;
        let begins = self.first == 0 || self.ends.is_some_and(|(first, _)| first < header.from);
        let ends = end == checkpoint.size || self.ends.is_some_and(|(_, last)| last >= header.to);
        match (begins, ends) {
            (true, true) => Ok(()),
            (false, _) => Err(Fault::Period("beginning")),
            (true, false) => Err(Fault::Period("end")),
        }
    }
}

/// Whether the body is there, and is what the entry commits to and speaks of.
fn fits(line: &Line, entry: &Entry) -> Result<bool, Fault> {
    let altered = |what: &str| Fault::Record { no: line.no, what: what.to_owned() };
    let (salt, body) = match (&line.salt, &line.body) {
        (Some(salt), Some(body)) => (salt, body),
        (None, None) => return Ok(false),
        _ => return Err(altered("it has a body or a salt without the other")),
    };
    let salt = hex::decode(salt).ok().and_then(|s| s.try_into().ok());
    let salt = salt.ok_or_else(|| altered("its salt is none"))?;
    if commitment(&salt, body) != entry.commitment {
        return Err(altered("its body is not what the entry commits to"));
    }
    let agrees = match &entry.facts {
        Facts::Session(facts) => {
            let record: Option<SessionRecord> = serde_json::from_str(body).ok();
            record.as_ref().and_then(SessionFacts::of).as_ref() == Some(facts)
        }
        Facts::Study(facts) | Facts::StudyErased { facts, .. } => {
            let study: Option<Study> = serde_json::from_str(body).ok();
            study.and_then(|s| StudyFacts::of(facts.study, &s)).as_ref() == Some(facts)
        }
        Facts::StudyCorrected { facts, .. } => {
            let made: Option<Corrected> = serde_json::from_str(body).ok();
            // Nobody approves his own.
            let made = made.filter(|c| c.by != c.approved_by);
            made.and_then(|c| StudyFacts::of(facts.study, &c.study)).as_ref() == Some(facts)
        }
        Facts::StudyPaper { study, .. } => {
            let paper: Option<Paper> = serde_json::from_str(body).ok();
            paper.map(|p| p.study) == Some(*study)
        }
        Facts::AsRunDay { airings, .. } => {
            let list: Option<Vec<serde_json::Value>> = serde_json::from_str(body).ok();
            list.map(|l| l.len() as u64) == Some(*airings)
        }
    };
    if agrees { Ok(true) } else { Err(altered("its body says something else than the entry")) }
}

/// Which of these saw the checkpoint.
fn witnessed(note: &str, witnesses: &[Verifier]) -> Result<Vec<(String, u64)>, BadCheckpoint> {
    let note = Note::parse(note)?;
    let mut out = Vec::new();
    for witness in witnesses {
        match note.verify(witness) {
            Ok(time) => out.push((witness.name().to_owned(), time.unwrap_or_default())),
            Err(BadNote::Unsigned) => {}
            Err(wrong) => return Err(wrong.into()),
        }
    }
    Ok(out)
}

/// How many earlier checkpoints the log continues; all that are there, and the one asked for.
fn continues(header: &Header, checkpoint: &Checkpoint, trust: Trust<'_>) -> Result<u64, Fault> {
    let since = trust.since.map(|note| Checkpoint::verified(note, trust.key));
    let since = since.transpose().map_err(Fault::Checkpoint)?;
    let mut wanted = since.filter(|c| c.head() != checkpoint.head());
    if let Some(other) = &wanted
        && (other.origin != checkpoint.origin || other.size > checkpoint.size)
    {
        return Err(match other.origin == checkpoint.origin {
            true => Fault::Rewritten { old: other.size, size: checkpoint.size },
            false => Fault::Checkpoint(BadCheckpoint::Origin),
        });
    }
    for earlier in &header.history {
        let old = Checkpoint::verified(&earlier.checkpoint, trust.key).map_err(Fault::Checkpoint)?;
        let rewritten = Fault::Rewritten { old: old.size, size: checkpoint.size };
        let proof = hashes(&earlier.proof).ok_or_else(|| rewritten.clone())?;
        if !verify_consistency(old.head(), checkpoint.head(), &proof) {
            return Err(rewritten);
        }
        // Two checkpoints of one size with different roots are two logs.
        if let Some(asked) = wanted.as_ref().filter(|w| w.size == old.size) {
            if asked.root != old.root {
                return Err(rewritten);
            }
            wanted = None;
        }
    }
    match wanted {
        // Any log continues an empty one.
        Some(missing) if missing.size > 0 => Err(match missing.size == checkpoint.size {
            true => Fault::Rewritten { old: missing.size, size: checkpoint.size },
            false => Fault::NoProof(missing.size),
        }),
        _ => Ok(header.history.len() as u64),
    }
}

#[cfg(test)]
#[path = "verify_tests.rs"]
mod tests;
