//! An export of the log: a header with its proof, then the entries, a line of JSON each.
//!
//! The entries of a period are one stretch of the log, since entries are logged in the order of
//! their times. The stretch has one entry more on either side, where there is one: they show
//! that nothing of the period was left out at its ends.

use jiff::Timestamp;

use super::entry::Salt;
use super::tile::{HEIGHT, WIDTH};
use super::tree::Hash;

/// The version of the format.
pub(super) const VERSION: u8 = 1;

/// The first line.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// Version of this format: 1.
    pub evidence: u8,
    /// The log's name.
    pub origin: String,
    /// The key that its checkpoints are signed with; whoever checks an export takes it from
    /// elsewhere.
    pub key: String,
    /// The checkpoint that the entries are proved against, a signed note.
    pub checkpoint: String,
    /// The first instant of the period.
    pub from: Timestamp,
    /// The first instant after it.
    pub to: Timestamp,
    /// Number of the first entry that follows.
    pub first: u64,
    /// How many follow.
    pub entries: u64,
    /// What lies beside them in the tree, hexadecimal, from left to right.
    pub around: Vec<String>,
    /// The roots of the [`blocks`] they fall into, hexadecimal: they tell where something was
    /// altered.
    pub blocks: Vec<String>,
    /// Earlier checkpoints, oldest first, and proofs that the log only grew since.
    pub history: Vec<Earlier>,
}

/// An earlier checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Earlier {
    /// The signed note.
    pub checkpoint: String,
    /// That the log of the header's checkpoint begins with this one's, hexadecimal.
    pub proof: Vec<String>,
}

/// An entry.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// Its number in the log.
    pub no: u64,
    /// Its bytes.
    pub leaf: String,
    /// What hides its body, hexadecimal; none: it was erased, or lies outside the period.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub salt: Option<String>,
    /// What it commits to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
}

/// An entry as the store holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exported {
    /// Its number.
    pub no: u64,
    /// Its bytes.
    pub leaf: String,
    /// What it commits to, and what hides that; none: it was erased.
    pub body: Option<(Salt, String)>,
}

impl From<Exported> for Line {
    fn from(entry: Exported) -> Self {
        let (salt, body) = entry.body.map(|(salt, body)| (hex::encode(salt), body)).unzip();
        Self { no: entry.no, leaf: entry.leaf, salt, body }
    }
}

/// The perfect subtrees of at most 256 leaves that `[from, to)` falls into: the first leaf of
/// each and their number.
pub fn blocks((from, to): (u64, u64)) -> Vec<(u64, u64)> {
    let mut out = Vec::new();
    let mut at = from;
    while at < to {
        let aligned = at.trailing_zeros().min(HEIGHT);
        let fits = 63 - (to - at).leading_zeros();
        let count = 1 << aligned.min(fits);
        out.push((at, count));
        at += count;
    }
    debug_assert!(out.iter().all(|(_, count)| *count <= WIDTH as u64));
    out
}

/// A hash from hexadecimal.
pub(super) fn hash(text: &str) -> Option<Hash> {
    hex::decode(text).ok()?.try_into().ok()
}

/// Hashes from hexadecimal.
pub(super) fn hashes(text: &[String]) -> Option<Vec<Hash>> {
    text.iter().map(|h| hash(h)).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn blocks_are_all_of_a_range_and_perfect(from in 0u64..5000, count in 0u64..3000) {
            let mut at = from;
            for (first, count) in blocks((from, from + count)) {
                prop_assert_eq!(first, at);
                prop_assert!(count.is_power_of_two() && first % count == 0 && count <= 256);
                at += count;
            }
            prop_assert_eq!(at, from + count);
        }
    }
}
