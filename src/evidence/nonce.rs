//! Server nonces: proof that a beat was made after the server last spoke.
//!
//! Nothing is stored: a nonce carries the second it was made in and a tag that
//! binds it to its session. Whoever echoes it heard from us since.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use sha2::Sha256;

use crate::base::SessionId;

/// How long a nonce is fresh, seconds. Twelve beats: a line may fail for two minutes.
pub const NONCE_SECONDS: i64 = 120;

const SECONDS: usize = 5;
const TAG: usize = 12;
/// Keeps a tag made here from meaning anything elsewhere.
const PURPOSE: &[u8] = b"yuanjiao nonce\0";

/// The key that nonces are made with; the same after a restart, or beats in
/// flight lose their level.
#[derive(Clone)]
pub struct NonceKey {
    mac: Hmac<Sha256>,
}

impl NonceKey {
    /// A key of 32 random bytes.
    pub fn new(key: [u8; 32]) -> Self {
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("HMAC takes a key of any length");
        mac.update(PURPOSE);
        Self { mac }
    }

    /// The nonce of `session` at `now`, 23 characters.
    pub fn mint(&self, session: &SessionId, now: Timestamp) -> String {
        let seconds = now.as_second().max(0).to_be_bytes();
        let mut bytes = [0; SECONDS + TAG];
        bytes[..SECONDS].copy_from_slice(&seconds[3..]);
        let tag = self.tagged(session, &bytes[..SECONDS]).finalize().into_bytes();
        bytes[SECONDS..].copy_from_slice(&tag[..TAG]);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// True if `nonce` was made for `session`, however long ago.
    pub fn is_of(&self, nonce: &str, session: &SessionId) -> bool {
        self.issued(nonce, session).is_some()
    }

    /// When `nonce` was made, if it is ours, of this session, not from the
    /// future and at most [`NONCE_SECONDS`] old.
    pub fn fresh(&self, nonce: &str, session: &SessionId, now: Timestamp) -> Option<Timestamp> {
        let issued = self.issued(nonce, session)?;
        let age = now.as_second().checked_sub(issued)?;
        (0..=NONCE_SECONDS).contains(&age).then(|| Timestamp::from_second(issued).ok()).flatten()
    }

    fn issued(&self, nonce: &str, session: &SessionId) -> Option<i64> {
        let mut bytes = [0; SECONDS + TAG];
        if URL_SAFE_NO_PAD.decode_slice(nonce, &mut bytes).ok()? != bytes.len() {
            return None;
        }
        let (seconds, tag) = bytes.split_at(SECONDS);
        self.tagged(session, seconds).verify_truncated_left(tag).ok()?;
        let mut whole = [0; 8];
        whole[3..].copy_from_slice(seconds);
        Some(i64::from_be_bytes(whole))
    }

    fn tagged(&self, session: &SessionId, seconds: &[u8]) -> Hmac<Sha256> {
        let mut mac = self.mac.clone();
        mac.update(seconds);
        mac.update(session.as_str().as_bytes());
        mac
    }
}

impl std::fmt::Debug for NonceKey {
    /// Shows nothing of the key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("NonceKey")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn second(s: i64) -> Timestamp {
        Timestamp::from_second(s).expect("in range")
    }

    proptest! {
        #[test]
        fn a_nonce_is_fresh_for_two_minutes(at in 1000i64..5_000_000_000, age in -500i64..500) {
            let key = NonceKey::new([9; 32]);
            let session = SessionId::new("s1").expect("an id");
            let nonce = key.mint(&session, second(at));
            let found = key.fresh(&nonce, &session, second(at + age));
            prop_assert!(key.is_of(&nonce, &session));
            prop_assert_eq!(found, (0..=NONCE_SECONDS).contains(&age).then(|| second(at)));
        }

        #[test]
        fn an_altered_nonce_is_none(at in any::<prop::sample::Index>(), flip in 1u8..=255) {
            let key = NonceKey::new([9; 32]);
            let session = SessionId::new("s1").expect("an id");
            let mut bytes = URL_SAFE_NO_PAD.decode(key.mint(&session, second(1000))).expect("base64");
            let at = at.index(bytes.len());
            bytes[at] ^= flip;
            prop_assert_eq!(key.fresh(&URL_SAFE_NO_PAD.encode(bytes), &session, second(1000)), None);
        }
    }

    #[test]
    fn a_nonce_of_another_session_or_key_is_none() {
        let key = NonceKey::new([9; 32]);
        let (mine, other) = (SessionId::new("s1").expect("an id"), SessionId::new("s2").expect("an id"));
        let nonce = key.mint(&mine, second(1000));
        assert_eq!(key.fresh(&nonce, &other, second(1000)), None);
        assert!(!key.is_of(&nonce, &other) && !NonceKey::new([8; 32]).is_of(&nonce, &mine));
        assert_eq!(NonceKey::new([8; 32]).fresh(&nonce, &mine, second(1000)), None);
        for noise in ["", "short", &"x".repeat(64), "葡萄"] {
            assert_eq!(key.fresh(noise, &mine, second(1000)), None);
        }
    }
}
