//! The second factor: setting it up, and the step of signing in that asks for it.

use super::page;

/// The second step of signing in.
#[derive(Debug, Clone)]
pub struct SecondPage<'a> {
    /// What was wrong with the form.
    pub error: Option<String>,
    /// The half sign-in.
    pub half: &'a str,
    /// Where to go then.
    pub next: &'a str,
    /// A form that waits for it, as text.
    pub kept: Option<String>,
}
page!(SecondPage, "office/second.html", "step-title");

/// What an authenticator has to learn.
#[derive(Debug, Clone)]
pub struct AuthenticatorPage<'a> {
    /// What was wrong with the form.
    pub error: Option<String>,
    /// To be typed by hand.
    pub secret: String,
    /// To be opened on a telephone.
    pub uri: String,
    /// The same as a drawing, as SVG.
    pub square: String,
    /// The forms' token.
    pub token: &'a str,
}
page!(AuthenticatorPage, "office/authenticator.html", "second-title");

/// The recovery codes, shown once.
#[derive(Debug, Clone)]
pub struct RecoveryPage<'a> {
    /// Each as it is written down.
    pub codes: &'a [String],
}
page!(RecoveryPage, "office/recovery.html", "recovery-title");
