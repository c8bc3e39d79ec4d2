//! Coming in: the first start, signing in, codes, one's own account.

use jiff::Timestamp;

use super::page;
use crate::base::Titles;
use crate::portal::views::PageContext;

/// The first start: the administrator's account is made.
#[derive(Debug, Clone, Default)]
pub struct SetupPage<'a> {
    /// What was wrong with the form.
    pub error: Option<String>,
    /// As typed.
    pub code: &'a str,
    /// As typed.
    pub name: &'a str,
    /// As typed.
    pub login: &'a str,
}
page!(SetupPage, "office/setup.html", "setup-title");

/// Signing in.
#[derive(Debug, Clone, Default)]
pub struct SignInPage<'a> {
    /// What was wrong with the form.
    pub error: Option<String>,
    /// As typed.
    pub login: &'a str,
    /// Where to go then.
    pub next: &'a str,
    /// A form that waits for it, as text.
    pub kept: Option<String>,
    /// Whose sign-in is taken as well.
    pub provider: Option<String>,
}
page!(SignInPage, "office/sign_in.html", "sign-in-title");

/// On the way to the identity provider.
#[derive(Debug, Clone)]
pub struct ProviderPage<'a> {
    /// What people call it.
    pub name: &'a str,
    /// Where it is.
    pub url: &'a str,
}
page!(ProviderPage, "office/provider.html", "oidc-go-title");

/// A form that was filled in while the sign-in ended.
#[derive(Debug, Clone)]
pub struct KeptPage<'a> {
    /// Where it goes.
    pub path: &'a str,
    /// What was typed.
    pub fields: &'a [(String, String)],
    /// The forms' token.
    pub token: String,
}
page!(KeptPage, "office/kept.html", "kept-title");

/// Choosing a password with a code.
#[derive(Debug, Clone)]
pub struct ChoosePage<'a> {
    /// What was wrong with the form.
    pub error: Option<String>,
    /// The code, from the address or as typed.
    pub code: &'a str,
}
page!(ChoosePage, "office/code.html", "code-title");

/// The page on which a device enrols.
#[derive(Debug, Clone)]
pub struct EnrolPage<'a> {
    /// What was wrong with the form.
    pub error: Option<String>,
    /// The code, from the address or as typed.
    pub code: &'a str,
}
page!(EnrolPage, "office/enrol.html", "enrol-title");

/// The page that takes in what was played without a line.
#[derive(Debug, Clone, Default)]
pub struct BringPage<'a> {
    /// What was wrong with the file.
    pub error: Option<String>,
    /// What became of each chain in it.
    pub rows: &'a [Brought],
}
page!(BringPage, "office/bring.html", "bring-title");

/// What became of one.
#[derive(Debug, Clone)]
pub struct Brought {
    /// What was played.
    pub title: Titles,
    /// What became of it, in words.
    pub said: String,
    /// It was taken.
    pub taken: bool,
}

/// A browser in which the visitor has signed in.
#[derive(Debug, Clone)]
pub struct SignInRow<'a> {
    /// What it says it is.
    pub agent: &'a str,
    /// When it was last used.
    pub seen: Timestamp,
    /// Its identifier in forms.
    pub id: String,
    /// The one that asks.
    pub this: bool,
}

impl SignInRow<'_> {
    fn seen(&self, ctx: &PageContext<'_>) -> String {
        let at = self.seen.to_zoned_datetime(ctx.tz.clone()).strftime("%Y-%m-%d %H:%M");
        // A date runs from left to right in every sentence.
        let at = format!("\u{2066}{at}\u{2069}");
        ctx.t1("me-seen", "time", at)
    }
}

/// One's own account.
#[derive(Debug, Clone)]
pub struct MePage<'a> {
    /// The person's name.
    pub name: &'a str,
    /// The name to sign in with.
    pub login: &'a str,
    /// Where he has signed in.
    pub rows: Vec<SignInRow<'a>>,
    /// The identity provider, and what he is there if that is linked; none: there is no provider.
    pub provider: Option<(String, Option<String>)>,
    /// Recovery codes that are left of his second factor; none: he has no second factor.
    pub codes_left: Option<usize>,
    /// The forms' token.
    pub token: String,
    /// What was wrong, in which part of the page.
    pub error: Option<(&'static str, String)>,
}

impl MePage<'_> {
    /// What was wrong in `part`.
    fn wrong(&self, part: &str) -> Option<&str> {
        self.error.as_ref().filter(|(at, _)| *at == part).map(|(_, said)| said.as_str())
    }
}
page!(MePage, "office/me.html", "me-title");
