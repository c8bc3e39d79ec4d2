//! Witnessing logs (C2SP tlog-witness): a log's checkpoint is cosigned when it continues the
//! last one that was.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::checkpoint::Checkpoint;
use super::note::{BadNote, Note, Verifier};
use super::tile::decimal;
use super::tree::{Hash, Head, verify_consistency};

/// More hashes than any proof has.
const MOST: usize = 63;

/// What is asked of a witness.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddCheckpoint {
    /// Size of the last checkpoint that it cosigned.
    pub old: u64,
    /// That the log only grew since.
    pub proof: Vec<Hash>,
    /// The checkpoint, a signed note.
    pub checkpoint: String,
}

impl AddCheckpoint {
    /// As it is sent.
    pub fn body(&self) -> String {
        let proof: String = self.proof.iter().map(|hash| BASE64_STANDARD.encode(hash) + "\n").collect();
        format!("old {}\n{proof}\n{}", self.old, self.checkpoint)
    }

    /// Reads what was sent; none where it is not written so.
    pub fn parse(body: &str) -> Option<Self> {
        let (head, checkpoint) = body.split_once("\n\n")?;
        let mut lines = head.split('\n');
        let old = decimal(lines.next()?.strip_prefix("old ")?)?;
        let proof: Option<Vec<Hash>> =
            lines.map(|line| BASE64_STANDARD.decode(line).ok()?.try_into().ok()).collect();
        let proof = proof.filter(|p| p.len() <= MOST)?;
        Some(Self { old, proof, checkpoint: checkpoint.to_owned() })
    }
}

/// What the witness saw of a log last; none: nothing.
pub type Seen = Option<Head>;

/// What a witness answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// 200: this is seen now. Once that is on disk, its text is cosigned.
    Cosign {
        /// The text.
        text: String,
        /// What it says.
        checkpoint: Checkpoint,
    },
    /// 409, with the size of the last one.
    Conflict(u64),
    /// 400.
    Malformed,
    /// 403: nobody who may has signed it.
    Forbidden,
    /// 404: a log that is not witnessed here.
    Unknown,
    /// 422: it does not continue the last one.
    Inconsistent,
}

/// Judges a request, by the keys of the logs that are witnessed and what was seen of them.
pub fn witness(request: &AddCheckpoint, logs: &[Verifier], seen: impl FnOnce(&str) -> Seen) -> Answer {
    let Ok(note) = Note::parse(&request.checkpoint) else { return Answer::Malformed };
    let Ok(checkpoint) = Checkpoint::parse(&note.text) else { return Answer::Malformed };
    // A log's key is called like the log.
    let mut keys = logs.iter().filter(|key| key.name() == checkpoint.origin).peekable();
    if keys.peek().is_none() {
        return Answer::Unknown;
    }
    let signed: Vec<Result<Option<u64>, BadNote>> = keys.map(|key| note.verify(key)).collect();
    if !signed.iter().any(Result::is_ok) {
        return Answer::Forbidden;
    }
    if request.old > checkpoint.size {
        return Answer::Malformed;
    }
    let last = seen(&checkpoint.origin).unwrap_or((0, super::tree::empty_root()));
    if request.old != last.0 {
        return Answer::Conflict(last.0);
    }
    if request.old == checkpoint.size && last.1 != checkpoint.root {
        return Answer::Conflict(last.0);
    }
    match verify_consistency(last, checkpoint.head(), &request.proof) {
        true => Answer::Cosign { text: note.text, checkpoint },
        false => Answer::Inconsistent,
    }
}

#[cfg(test)]
mod tests {
    use super::super::note::{Kind, Signer};
    use super::super::tree::tests::numbered;
    use super::super::tree::{consistency, leaf_hash, tree_root};
    use super::*;

    fn good<T>(made: Result<T, std::convert::Infallible>) -> T {
        made.unwrap_or_else(|never| match never {})
    }

    fn log() -> Signer {
        Signer::new("county.example/log", [3; 32]).expect("a name")
    }

    fn asked(old: u64, new: u64) -> AddCheckpoint {
        let tree = numbered(new.max(old));
        let root = good(tree_root(&tree, new));
        let checkpoint = Checkpoint { origin: "county.example/log".into(), size: new, root };
        let proof = good(consistency(&tree, old, new));
        AddCheckpoint { old, proof, checkpoint: log().sign(&checkpoint.text()) }
    }

    #[test]
    fn a_witness_follows_a_log_that_only_grows() {
        let keys = [log().verifier(Kind::Own)];
        let mut seen = None;
        for (old, new) in [(0, 1), (1, 7), (7, 7), (7, 300)] {
            let request = AddCheckpoint::parse(&asked(old, new).body()).expect("as it is sent");
            assert_eq!(request, asked(old, new));
            match witness(&request, &keys, |_| seen) {
                Answer::Cosign { checkpoint, text } => {
                    assert_eq!(text, checkpoint.text());
                    seen = Some(checkpoint.head());
                }
                other => panic!("{old} to {new}: {other:?}"),
            }
        }
        assert_eq!(seen.map(|s| s.0), Some(300));
        assert_eq!(witness(&asked(7, 301), &keys, |_| seen), Answer::Conflict(300));
        assert_eq!(witness(&asked(0, 5), &keys, |_| seen), Answer::Conflict(300));
        assert_eq!(witness(&asked(301, 300), &keys, |_| seen), Answer::Malformed);
        let rewritten = Some((300, leaf_hash(b"another")));
        assert_eq!(witness(&asked(300, 310), &keys, |_| rewritten), Answer::Inconsistent);
        assert_eq!(witness(&asked(300, 300), &keys, |_| rewritten), Answer::Conflict(300));
        let without = AddCheckpoint { proof: Vec::new(), ..asked(300, 310) };
        assert_eq!(witness(&without, &keys, |_| seen), Answer::Inconsistent);
    }

    #[test]
    fn a_witness_takes_what_its_logs_have_signed() {
        let stranger = Signer::new("county.example/log", [4; 32]).expect("a name");
        assert_eq!(witness(&asked(0, 3), &[stranger.verifier(Kind::Own)], |_| None), Answer::Forbidden);
        assert_eq!(witness(&asked(0, 3), &[], |_| None), Answer::Unknown);
        for bad in ["", "old 0\n", "old 00\n\na\n", "old -1\n\na\n", "old 1\nx\n\na\n", "0\n\na\n"] {
            assert_eq!(AddCheckpoint::parse(bad), None, "{bad:?}");
        }
        let no_note = AddCheckpoint { old: 0, proof: Vec::new(), checkpoint: "a\n".into() };
        assert_eq!(witness(&no_note, &[], |_| None), Answer::Malformed);
    }
}
