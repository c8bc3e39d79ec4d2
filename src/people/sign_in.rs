//! Sign-ins and invitations: how long they hold.

use jiff::{SignedDuration, Timestamp};

use crate::base::AccountId;

use super::SecretHash;

/// Nobody at the desk for so long: sign in again.
const IDLE: SignedDuration = SignedDuration::from_hours(12);
/// After so long, at any rate.
const LONGEST: SignedDuration = SignedDuration::from_hours(24 * 14);
/// A code for a village that is a day's ride away.
const CODE: SignedDuration = SignedDuration::from_hours(24 * 7);

/// One browser in which somebody has signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignIn {
    /// Hash of the cookie.
    pub hash: SecretHash,
    /// Whose.
    pub account: AccountId,
    /// Since when.
    pub created: Timestamp,
    /// When it was last used, to the minute or so.
    pub seen: Timestamp,
    /// What the browser says it is, shortened.
    pub agent: String,
}

impl SignIn {
    /// True while it is good.
    pub fn holds(&self, now: Timestamp) -> bool {
        now < self.seen + IDLE && now < self.created + LONGEST
    }

    /// True if it is time to note that it is in use.
    pub fn is_stale(&self, now: Timestamp) -> bool {
        now >= self.seen + SignedDuration::from_mins(5)
    }

    /// Sign-ins made before this are of no use any more.
    pub fn oldest(now: Timestamp) -> Timestamp {
        now - LONGEST
    }
}

/// What a code is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InvitationKind {
    /// The first password.
    Invite,
    /// Another password.
    Reset,
}

impl InvitationKind {
    /// As the store keeps it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Invite => "invite",
            Self::Reset => "reset",
        }
    }
}

/// A code that lets one person choose a password, once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation {
    /// Hash of the code.
    pub hash: SecretHash,
    /// Whose password.
    pub account: AccountId,
    /// Why.
    pub kind: InvitationKind,
    /// Until when.
    pub expires: Timestamp,
}

impl Invitation {
    /// A new one, made at `now`.
    pub fn new(hash: SecretHash, account: AccountId, kind: InvitationKind, now: Timestamp) -> Self {
        Self { hash, account, kind, expires: now + CODE }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sign_in_ends_by_idleness_and_by_age() {
        let at = |hours: i64| Timestamp::UNIX_EPOCH + SignedDuration::from_hours(hours);
        let account = AccountId::new("a").expect("id");
        let mut s =
            SignIn { hash: SecretHash([0; 32]), account, created: at(0), seen: at(0), agent: String::new() };
        assert!(s.holds(at(11)) && !s.holds(at(12)));
        s.seen = at(24 * 14 - 1);
        assert!(s.holds(at(24 * 14 - 1)) && !s.holds(at(24 * 14)));
    }
}
