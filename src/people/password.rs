//! Passwords: what is taken, and what is kept of it (Argon2id, RFC 9106).

use std::collections::BTreeSet;

use argon2::Argon2;
use argon2::password_hash::phc;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};

use super::Login;

/// Why a password is not taken. Nothing is asked for but length, and that it
/// is not among the first that anybody would try (OWASP ASVS 5.0, 6.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadPassword {
    /// Under ten characters.
    #[error("expected at least 10 characters")]
    Short,
    /// Over 128 characters.
    #[error("expected at most 128 characters")]
    Long,
    /// Easily guessed.
    #[error(
        "this one is easily guessed: it is in every list, repeats itself, or is the name to sign in with"
    )]
    Common,
}

const SHORTEST: usize = 10;
const LONGEST: usize = 128;

/// What people choose who have to choose something, at ten characters and more.
const COMMON: &[&str] = &[
    "password",
    "passw0rd",
    "qwertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "1q2w3e4r5t",
    "1qaz2wsx3edc",
    "iloveyou",
    "woaini",
    "abcdefghij",
    "yuanjiao",
    "administrator",
    "5201314",
    "1314520",
    "0123456789",
    "1234567890",
    "9876543210",
    "0987654321",
];

/// Checks what somebody wants as the password of `login`.
pub fn check_password(password: &str, login: &Login) -> Result<(), BadPassword> {
    let length = password.chars().count();
    if length < SHORTEST {
        return Err(BadPassword::Short);
    }
    if length > LONGEST {
        return Err(BadPassword::Long);
    }
    let plain = password.to_lowercase();
    let kinds: BTreeSet<char> = plain.chars().collect();
    // What is left of a guessable word with a few characters around it.
    let padded = |word: &str| plain.contains(word) && length < word.chars().count() + 4;
    if kinds.len() < 4 || COMMON.iter().any(|word| padded(word)) || padded(login.as_str()) {
        return Err(BadPassword::Common);
    }
    Ok(())
}

/// A password as it is kept.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

impl PasswordHash {
    /// Hashes `password`. Takes tens of milliseconds and 19 MiB: not on a thread that serves.
    pub fn of(password: &str) -> Result<Self, argon2::password_hash::Error> {
        let hash: phc::PasswordHash = Argon2::default().hash_password(password.as_bytes())?;
        Ok(Self(hash.to_string()))
    }

    /// One that no password fits, which takes as long to check as any other:
    /// whoever guesses names learns nothing from the time.
    pub fn of_nobody() -> Self {
        Self(
            "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5IGhhcyBpdA$\
             AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
                .to_owned(),
        )
    }

    /// From the store.
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// For the store, in PHC's form.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// True if `password` is the one. As slow as [`PasswordHash::of`].
    pub fn is_of(&self, password: &str) -> bool {
        let parsed = phc::PasswordHash::new(&self.0);
        parsed.is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
    }
}

impl std::fmt::Debug for PasswordHash {
    /// Shows nothing of it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PasswordHash")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn login() -> Login {
        Login::new("gulnar1985").expect("good")
    }

    #[test]
    fn length_counts_and_nothing_else_but_what_everybody_tries() {
        assert_eq!(check_password("short pw", &login()), Err(BadPassword::Short));
        assert_eq!(check_password(&"x y z!".repeat(22), &login()), Err(BadPassword::Long));
        for guess in ["1111111111", "1234567890", "Password123", "gulnar1985!", "abababababab"] {
            assert_eq!(check_password(guess, &login()), Err(BadPassword::Common), "{guess}");
        }
        for good in ["the vine is pruned in autumn", "葡萄秋天修剪埋土越冬才好", "ئۈزۈمنى كۈزدە پۇتايمىز"]
        {
            assert_eq!(check_password(good, &login()), Ok(()), "{good}");
        }
    }

    #[test]
    fn only_the_password_fits_its_hash() {
        let hash = PasswordHash::of("the vine is pruned").expect("hashed");
        assert!(hash.as_str().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert!(hash.is_of("the vine is pruned") && !hash.is_of("the vine is pruned "));
        assert_ne!(hash, PasswordHash::of("the vine is pruned").expect("hashed"), "salted");
        let nobody = PasswordHash::of_nobody();
        assert!(phc::PasswordHash::new(nobody.as_str()).is_ok(), "it is checked in earnest");
        assert!(!nobody.is_of(""));
    }
}
