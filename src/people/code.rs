//! Secrets that people or browsers carry, of which only hashes are kept.

use sha2::{Digest, Sha256};

/// Digits and letters that nobody takes for one another, on paper or on the telephone.
const ALPHABET: &[u8; 32] = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZ";

/// Characters of a code: 60 bits.
const LENGTH: usize = 12;

/// SHA-256 of a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SecretHash(pub [u8; 32]);

impl SecretHash {
    pub(super) fn of(purpose: &str, text: &str) -> Self {
        let mut hash = Sha256::new();
        hash.update(purpose.as_bytes());
        hash.update([0]);
        hash.update(text.as_bytes());
        Self(hash.finalize().into())
    }
}

/// A one-time code, as it is read out or printed: `7KQ4-M2XP-9RTB`.
#[derive(Clone, PartialEq, Eq)]
pub struct Code(String);

impl Code {
    /// From random bytes.
    pub fn from_random(bytes: [u8; LENGTH]) -> Self {
        Self(bytes.iter().map(|b| char::from(ALPHABET[usize::from(b % 32)])).collect())
    }

    /// Reads what somebody typed: in any case, with spaces or hyphens anywhere.
    pub fn read(text: &str) -> Option<Self> {
        let plain: String = text
            .chars()
            .filter(|c| !c.is_whitespace() && *c != '-')
            .map(|c| c.to_ascii_uppercase())
            .collect();
        let good = plain.len() == LENGTH && plain.bytes().all(|b| ALPHABET.contains(&b));
        good.then_some(Self(plain))
    }

    /// What is kept of it.
    pub fn hash(&self) -> SecretHash {
        SecretHash::of("code", &self.0)
    }

    /// What is kept of it, where it stands in for a second factor.
    pub fn recovery_hash(&self) -> SecretHash {
        SecretHash::of("recovery", &self.0)
    }

    /// In groups of four.
    pub fn shown(&self) -> String {
        let groups: Vec<&str> = (0..LENGTH).step_by(4).filter_map(|i| self.0.get(i..i + 4)).collect();
        groups.join("-")
    }
}

impl std::fmt::Debug for Code {
    /// Shows nothing of it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Code")
    }
}

/// What a browser's cookie holds: 256 random bits.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// From random bytes.
    pub fn from_random(bytes: [u8; 32]) -> Self {
        Self(hex::encode(bytes))
    }

    /// Reads a cookie's value.
    pub fn read(text: &str) -> Option<Self> {
        (text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit())).then(|| Self(text.to_owned()))
    }

    /// As the cookie says it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What is kept of it.
    pub fn hash(&self) -> SecretHash {
        SecretHash::of("sign-in", &self.0)
    }

    /// What forms of this sign-in carry, so that a page elsewhere cannot send them.
    pub fn form_token(&self) -> String {
        hex::encode(&SecretHash::of("form", &self.0).0[..16])
    }

    /// True if both texts are the same. Hashes are compared, so that the time tells nothing of them.
    pub fn are_same(text: &str, other: &str) -> bool {
        SecretHash::of("compared", text) == SecretHash::of("compared", other)
    }

    /// True if a form carries that. Hashes are compared, so that the time tells nothing of it.
    pub fn is_form_token(&self, text: &str) -> bool {
        Self::are_same(text, &self.form_token())
    }
}

impl std::fmt::Debug for Secret {
    /// Shows nothing of it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_as_people_type_it() {
        let code = Code::from_random([0, 1, 2, 3, 31, 30, 29, 28, 200, 100, 50, 25]);
        assert_eq!(code.shown().len(), 14);
        let typed = format!(" {} ", code.shown().to_lowercase().replace('-', " "));
        assert_eq!(Code::read(&typed), Some(code.clone()));
        assert_eq!(Code::read(&code.shown()[..13]), None);
        assert_eq!(Code::read("0000-0000-0000"), None, "a zero is taken for an O");
        assert_eq!(format!("{code:?}"), "Code");
    }

    #[test]
    fn hashes_of_one_purpose_mean_nothing_in_another() {
        let secret = Secret::from_random([7; 32]);
        assert_eq!(Secret::read(secret.as_str()), Some(secret.clone()));
        assert!(!hex::encode(secret.hash().0).starts_with(&secret.form_token()));
        assert_eq!(Secret::read("x"), None);
    }
}
