//! Who somebody is to an identity provider (OpenID Connect), and what can be
//! shown instead of a password.

use super::PasswordHash;

/// Somebody, as a provider knows him. Issuer and subject together are the only
/// thing that stays his (OpenID Connect Core 1.0 §5.7); the name is for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The provider.
    pub issuer: String,
    /// Whom it means, never another.
    pub subject: String,
    /// What it calls him today.
    pub name: String,
}

/// What was shown in the first step of signing in. It must be good still when
/// the last step is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum First {
    /// The password that has this hash.
    Password(PasswordHash),
    /// An identity that is linked to the account.
    Identity(Identity),
}
