//! Checkpoints (C2SP tlog-checkpoint): how large a log is, and its root.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::note::{BadNote, Note, Verifier};
use super::tile::decimal;
use super::tree::{Hash, Head};

/// What a log says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which log.
    pub origin: String,
    /// Number of its entries.
    pub size: u64,
    /// Root of their tree.
    pub root: Hash,
}

/// A checkpoint that cannot be taken for one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadCheckpoint {
    /// It is not written as one.
    #[error("not a checkpoint: expected the log's name, its size and its root in base64, a line each")]
    Form,
    /// The note is wrong.
    #[error(transparent)]
    Note(#[from] BadNote),
    /// Of another log.
    #[error("it is of another log")]
    Origin,
}

impl Checkpoint {
    /// As it is signed.
    pub fn text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, BASE64_STANDARD.encode(self.root))
    }

    /// Size and root.
    pub fn head(&self) -> Head {
        (self.size, self.root)
    }

    /// Reads the text of a note; lines after the third are nobody's concern here.
    pub fn parse(text: &str) -> Result<Self, BadCheckpoint> {
        let mut lines = text.strip_suffix('\n').ok_or(BadCheckpoint::Form)?.split('\n');
        let (Some(origin), Some(size), Some(root)) = (lines.next(), lines.next(), lines.next()) else {
            return Err(BadCheckpoint::Form);
        };
        let size = decimal(size).filter(|_| !origin.is_empty());
        let root = BASE64_STANDARD.decode(root).ok().and_then(|root| root.try_into().ok());
        let (Some(size), Some(root), true) = (size, root, lines.all(|line| !line.is_empty())) else {
            return Err(BadCheckpoint::Form);
        };
        Ok(Self { origin: origin.to_owned(), size, root })
    }

    /// Reads a note that `key` must have signed.
    pub fn verified(note: &str, key: &Verifier) -> Result<Self, BadCheckpoint> {
        let note = Note::parse(note)?;
        note.verify(key)?;
        Self::parse(&note.text)
    }
}

#[cfg(test)]
mod tests {
    use super::super::note::{Kind, Signer};
    use super::*;

    /// The example of C2SP tlog-checkpoint.
    const SOFA: &str =
        "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";

    #[test]
    fn the_specifications_example_is_read_and_written() {
        let checkpoint = Checkpoint::parse(SOFA).expect("a checkpoint");
        assert_eq!(
            (checkpoint.origin.as_str(), checkpoint.size),
            ("example.com/behind-the-sofa", 20_852_163)
        );
        assert_eq!(checkpoint.text(), SOFA);
        assert_eq!(Checkpoint::parse(&format!("{SOFA}more\n")), Ok(checkpoint));
    }

    #[test]
    fn only_what_is_whole_is_one() {
        for bad in [
            "",
            "a\n",
            "a\n1\n",
            "a\n01\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
            "a\n1\nCsUY\n",
            "\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
            &SOFA[..SOFA.len() - 1],
            &format!("{SOFA}\n"),
            &SOFA.replace("20852163", "+1"),
        ] {
            assert_eq!(Checkpoint::parse(bad), Err(BadCheckpoint::Form), "{bad:?}");
        }
        let signer = Signer::new("county.example", [7; 32]).expect("a name");
        let other = Signer::new("county.example", [8; 32]).expect("a name");
        let note = signer.sign(SOFA);
        assert!(Checkpoint::verified(&note, &signer.verifier(Kind::Own)).is_ok());
        let refused = Checkpoint::verified(&note, &other.verifier(Kind::Own));
        assert_eq!(refused, Err(BadCheckpoint::Note(BadNote::Unsigned)));
    }
}
