//! Signed notes (C2SP signed-note): a text, and who signed it.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use sha2::{Digest as _, Sha256};

/// What a signature says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The text is the signer's own (type 0x01).
    Own,
    /// A witness saw the checkpoint and that its log only grew (type 0x04, C2SP
    /// tlog-cosignature).
    Cosignature,
}

impl Kind {
    fn byte(self) -> u8 {
        match self {
            Self::Own => 1,
            Self::Cosignature => 4,
        }
    }
}

/// A text that is no key, no note or no name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadNote {
    /// Not a key.
    #[error("not a key: expected a name, eight hexadecimal digits and base64, joined by `+`")]
    Key,
    /// Not a name.
    #[error("not a name of a key: expected a text without spaces and `+`")]
    Name,
    /// Not a note.
    #[error("not a signed note: expected a text, an empty line and lines that begin with `—`")]
    Form,
    /// Nobody known signed it.
    #[error("it is not signed by this key")]
    Unsigned,
    /// Somebody known did not sign this.
    #[error("its signature is wrong: the text was altered, or somebody else signed it")]
    Signature,
}

/// More signatures than a note has.
const MOST: usize = 64;

fn key_id(name: &str, kind: Kind, key: &VerifyingKey) -> u32 {
    let hash = Sha256::new()
        .chain_update(name)
        .chain_update([b'\n', kind.byte()])
        .chain_update(key.as_bytes())
        .finalize();
    u32::from_be_bytes([hash[0], hash[1], hash[2], hash[3]])
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.chars().any(|c| c.is_whitespace() || c.is_control() || c == '+')
}

/// A key that verifies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verifier {
    name: String,
    id: u32,
    kind: Kind,
    key: VerifyingKey,
}

impl Verifier {
    /// Reads a key as it is written: `name+id+base64`.
    pub fn parse(text: &str) -> Result<Self, BadNote> {
        let mut parts = text.trim().splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(BadNote::Key);
        };
        let bytes = BASE64_STANDARD.decode(key).map_err(|_| BadNote::Key)?;
        let (kind, key) = match bytes.split_first() {
            Some((1, key)) => (Kind::Own, key),
            Some((4, key)) => (Kind::Cosignature, key),
            _ => return Err(BadNote::Key),
        };
        let key: &[u8; 32] = key.try_into().map_err(|_| BadNote::Key)?;
        let key = VerifyingKey::from_bytes(key).map_err(|_| BadNote::Key)?;
        let is_own = is_name(name) && format!("{:08x}", key_id(name, kind, &key)) == id;
        if !is_own {
            return Err(BadNote::Key);
        }
        Ok(Self { name: name.to_owned(), id: key_id(name, kind, &key), kind, key })
    }

    /// Whose it is.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Checks a signature of `text`; of a cosignature, returns when it was made, seconds of the
    /// epoch.
    fn check(&self, text: &str, signature: &[u8]) -> Option<Option<u64>> {
        let (time, signature) = match self.kind {
            Kind::Own => (None, signature),
            Kind::Cosignature => {
                let (time, rest) = signature.split_first_chunk::<8>()?;
                (Some(u64::from_be_bytes(*time)), rest)
            }
        };
        let signature = Signature::from_slice(signature).ok()?;
        self.key.verify_strict(said(text, time).as_bytes(), &signature).ok()?;
        Some(time)
    }
}

impl std::fmt::Display for Verifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut bytes = vec![self.kind.byte()];
        bytes.extend(self.key.as_bytes());
        write!(f, "{}+{:08x}+{}", self.name, self.id, BASE64_STANDARD.encode(bytes))
    }
}

/// What is signed.
fn said(text: &str, time: Option<u64>) -> String {
    match time {
        None => text.to_owned(),
        Some(time) => format!("cosignature/v1\ntime {time}\n{text}"),
    }
}

/// A key that signs.
#[derive(Clone)]
pub struct Signer {
    name: String,
    key: SigningKey,
}

impl Signer {
    /// The key of this name from 32 secret random bytes.
    pub fn new(name: &str, secret: [u8; 32]) -> Result<Self, BadNote> {
        if !is_name(name) {
            return Err(BadNote::Name);
        }
        Ok(Self { name: name.to_owned(), key: SigningKey::from_bytes(&secret) })
    }

    /// Whose it is.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What others verify its signatures of this kind with.
    pub fn verifier(&self, kind: Kind) -> Verifier {
        let key = self.key.verifying_key();
        Verifier { name: self.name.clone(), id: key_id(&self.name, kind, &key), kind, key }
    }

    /// `text`, which ends with a line feed, signed.
    pub fn sign(&self, text: &str) -> String {
        format!("{text}\n{}", self.line(text, None))
    }

    /// The line with which a witness says that it saw this checkpoint at `time`, seconds of the
    /// epoch.
    pub fn cosign(&self, text: &str, time: u64) -> String {
        self.line(text, Some(time))
    }

    fn line(&self, text: &str, time: Option<u64>) -> String {
        let kind = if time.is_some() { Kind::Cosignature } else { Kind::Own };
        let mut bytes = self.verifier(kind).id.to_be_bytes().to_vec();
        bytes.extend(time.map(u64::to_be_bytes).into_iter().flatten());
        bytes.extend(self.key.sign(said(text, time).as_bytes()).to_bytes());
        format!("— {} {}\n", self.name, BASE64_STANDARD.encode(bytes))
    }
}

impl std::fmt::Debug for Signer {
    /// Names the key and does not show it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Signer").field(&self.name).finish()
    }
}

/// A text with signatures that nobody has checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// With the line feed at its end.
    pub text: String,
    signatures: Vec<(String, u32, Vec<u8>)>,
}

impl Note {
    /// Reads a note.
    pub fn parse(note: &str) -> Result<Self, BadNote> {
        if note.chars().any(|c| c < ' ' && c != '\n') {
            return Err(BadNote::Form);
        }
        let at = note.rfind("\n\n").ok_or(BadNote::Form)?;
        let (text, lines) = (&note[..=at], &note[at + 2..]);
        let lines = lines.strip_suffix('\n').ok_or(BadNote::Form)?;
        let signatures: Option<Vec<_>> = lines.split('\n').map(signature).collect();
        let signatures = signatures.filter(|s| s.len() <= MOST).ok_or(BadNote::Form)?;
        Ok(Self { text: text.to_owned(), signatures })
    }

    /// Whether the holder of `key` signed it; of a cosignature, when, seconds of the epoch.
    pub fn verify(&self, key: &Verifier) -> Result<Option<u64>, BadNote> {
        let mine = |(name, id, _): &&(String, u32, Vec<u8>)| *name == key.name && *id == key.id;
        let (_, _, signature) = self.signatures.iter().find(mine).ok_or(BadNote::Unsigned)?;
        key.check(&self.text, signature).ok_or(BadNote::Signature)
    }
}

fn signature(line: &str) -> Option<(String, u32, Vec<u8>)> {
    let (name, encoded) = line.strip_prefix("— ")?.split_once(' ')?;
    let bytes = BASE64_STANDARD.decode(encoded).ok()?;
    let (id, signature) = bytes.split_first_chunk::<4>()?;
    is_name(name).then(|| (name.to_owned(), u32::from_be_bytes(*id), signature.to_vec()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Of Go's `golang.org/x/mod/sumdb/note`.
    const NEUMANN: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    const ANSWER: &str = "If you think cryptography is the answer to your problem,\n\
        then you don't know what your problem is.\n\n\
        — PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

    #[test]
    fn a_public_note_verifies() {
        let key = Verifier::parse(NEUMANN).expect("a key");
        let note = Note::parse(ANSWER).expect("a note");
        assert_eq!(note.verify(&key), Ok(None));
        assert_eq!(key.to_string(), NEUMANN);
        let altered = Note::parse(&ANSWER.replace("don't", "do")).expect("a note");
        assert_eq!(altered.verify(&key), Err(BadNote::Signature));
    }

    #[test]
    fn what_is_no_key_or_note_is_refused() {
        for bad in [
            "",
            "a",
            "a+b",
            "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
            "Peter+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
            "a+00000000+AQ==",
        ] {
            assert_eq!(Verifier::parse(bad), Err(BadNote::Key), "{bad}");
        }
        for bad in [
            "",
            "a\n",
            "a\n\n",
            "a\n\n— b\n",
            "a\n\n— b c\n",
            "a\n\n— b AAAAAAAA",
            "a\t\n\n— b AAAAAAAA\n",
            "a\n\n- b AAAAAAAA\n",
        ] {
            assert_eq!(Note::parse(bad), Err(BadNote::Form), "{bad:?}");
        }
        assert_eq!(Signer::new("a b", [1; 32]).expect_err("a space"), BadNote::Name);
    }

    proptest! {
        #[test]
        fn what_was_signed_verifies_and_nothing_else(
            text in "[a-z \n]{0,60}", other in "[a-z \n]{0,60}", time in 0u64..1 << 40, secret in any::<[u8; 32]>(),
        ) {
            let (text, other) = (format!("{text}\n"), format!("{other}\n"));
            let signer = Signer::new("county.example/log", secret).expect("a name");
            let note = Note::parse(&signer.sign(&text)).expect("a note");
            prop_assert_eq!(&note.text, &text);
            prop_assert_eq!(note.verify(&signer.verifier(Kind::Own)), Ok(None));
            prop_assert_eq!(note.verify(&signer.verifier(Kind::Cosignature)), Err(BadNote::Unsigned));
            let both = format!("{}{}", signer.sign(&text), signer.cosign(&text, time));
            let both = Note::parse(&both).expect("a note");
            prop_assert_eq!(both.verify(&signer.verifier(Kind::Cosignature)), Ok(Some(time)));
            let key = signer.verifier(Kind::Own);
            prop_assert_eq!(Verifier::parse(&key.to_string()), Ok(key.clone()));
            if other != text {
                let moved = Note { text: other, ..note };
                prop_assert_eq!(moved.verify(&key), Err(BadNote::Signature));
            }
        }

        #[test]
        fn noise_is_read_without_harm(text in ".{0,300}") {
            let _ = Note::parse(&text);
            let _ = Verifier::parse(&text);
        }
    }
}
