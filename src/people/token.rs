//! Tokens with which other systems use the API, in the name of whoever gave them.

use jiff::{SignedDuration, Timestamp};

use super::{Secret, SecretHash};
use crate::base::AccountId;

/// What a token is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub enum TokenScope {
    /// Reading the list of terminals.
    #[serde(rename = "terminals:read")]
    TerminalsRead,
    /// Codes for new terminals, and withdrawing terminals.
    #[serde(rename = "terminals:write")]
    TerminalsWrite,
    /// Adding and changing sites.
    #[serde(rename = "sites:write")]
    SitesWrite,
    /// Uploading lessons.
    #[serde(rename = "lessons:write")]
    LessonsWrite,
    /// Reading the audit log.
    #[serde(rename = "audit:read")]
    AuditRead,
}

impl TokenScope {
    /// Every one.
    pub const ALL: [Self; 5] =
        [Self::TerminalsRead, Self::TerminalsWrite, Self::SitesWrite, Self::LessonsWrite, Self::AuditRead];

    /// Its name in requests and forms.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TerminalsRead => "terminals:read",
            Self::TerminalsWrite => "terminals:write",
            Self::SitesWrite => "sites:write",
            Self::LessonsWrite => "lessons:write",
            Self::AuditRead => "audit:read",
        }
    }

    /// The one of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.as_str() == name)
    }
}

/// A token as it is kept: the token itself is shown once and never kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiToken {
    /// Hash of what its holder sends.
    pub hash: SecretHash,
    /// The system that holds it, as people call it.
    pub name: String,
    /// Who gave it out; what it does is done in his name.
    pub account: AccountId,
    /// What it is good for.
    pub scopes: Vec<TokenScope>,
    /// When it was given.
    pub created: Timestamp,
    /// When it ends.
    pub expires: Timestamp,
    /// When it was last used, within an hour.
    pub used: Option<Timestamp>,
}

/// What the text of a token begins with, so that one that leaked is recognised.
const PREFIX: &str = "yj_";
/// Longest life of a token: a school year and its holidays.
pub const LONGEST_DAYS: i32 = 400;
/// The last use is noted no more often than this.
const NOTED_EVERY: SignedDuration = SignedDuration::from_hours(1);

impl ApiToken {
    /// The text that is given out.
    pub fn shown(secret: &Secret) -> String {
        format!("{PREFIX}{}", secret.as_str())
    }

    /// What is kept of it.
    pub fn hash_of(secret: &Secret) -> SecretHash {
        SecretHash::of("api-token", secret.as_str())
    }

    /// The hash to look a text up by; none: it is no token of ours.
    pub fn lookup(text: &str) -> Option<SecretHash> {
        text.strip_prefix(PREFIX).and_then(Secret::read).map(|s| Self::hash_of(&s))
    }

    /// True if it can be used.
    pub fn holds(&self, now: Timestamp) -> bool {
        now < self.expires
    }

    /// True if its last use is to be noted again.
    pub fn is_stale(&self, now: Timestamp) -> bool {
        self.used.is_none_or(|used| now.duration_since(used) >= NOTED_EVERY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_found_again_by_its_text_and_by_no_other() {
        let secret = Secret::from_random([7; 32]);
        let shown = ApiToken::shown(&secret);
        assert_eq!(ApiToken::lookup(&shown), Some(ApiToken::hash_of(&secret)));
        assert_ne!(ApiToken::hash_of(&secret), secret.hash(), "a cookie is no token");
        for other in [secret.as_str(), "yj_", "yj_zz", ""] {
            assert_eq!(ApiToken::lookup(other), None, "{other}");
        }
    }

    #[test]
    fn scopes_have_the_names_they_are_stored_by() {
        for scope in TokenScope::ALL {
            assert_eq!(TokenScope::named(scope.as_str()), Some(scope));
            assert_eq!(serde_json::to_value(scope).expect("JSON"), scope.as_str());
        }
    }
}
