//! Pages of the office.

use askama::Template;
use jiff::Timestamp;

use super::context::PageContext;
use crate::base::Titles;
use crate::people::{Account, AccountState, Grant, Role, Scope};
use crate::sites::{DeviceKind, Registry, Site, Terminal};

/// A page with nothing but what its template says of it.
macro_rules! page {
    ($page:ident, $path:literal, $title:literal) => {
        const _: () = {
            #[derive(Template)]
            #[template(path = $path)]
            struct Html<'a> {
                page: &'a $page<'a>,
                ctx: &'a PageContext<'a>,
                heading: String,
            }
            impl $page<'_> {
                /// The page as HTML.
                pub fn render(&self, ctx: &PageContext<'_>) -> Result<String, askama::Error> {
                    Html { page: self, ctx, heading: ctx.t($title) }.render()
                }
            }
        };
    };
}

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
#[derive(Debug, Clone)]
pub struct SignInPage<'a> {
    /// What was wrong with the form.
    pub error: Option<String>,
    /// As typed.
    pub login: &'a str,
    /// Where to go then.
    pub next: &'a str,
}
page!(SignInPage, "office/sign_in.html", "sign-in-title");

/// Choosing a password with a code.
#[derive(Debug, Clone)]
pub struct ChoosePage<'a> {
    /// What was wrong with the form.
    pub error: Option<String>,
    /// The code, from the address or as typed.
    pub code: &'a str,
}
page!(ChoosePage, "office/code.html", "code-title");

/// Where everybody begins who has signed in.
#[derive(Debug, Clone)]
pub struct OfficeHome<'a> {
    /// The person's name.
    pub name: &'a str,
    /// May see the people.
    pub people: bool,
    /// May read the audit log.
    pub audit: bool,
}
page!(OfficeHome, "office/home.html", "office-title");

/// A part of the county, as forms and lists show it.
#[derive(Debug, Clone)]
pub struct ScopeView<'a> {
    /// Which.
    pub scope: Scope,
    /// Its value in a form.
    pub value: String,
    /// Its names; none: the whole county, or what is not there any more.
    pub names: Option<&'a Titles>,
}

impl<'a> ScopeView<'a> {
    /// With the names that `registry` knows.
    pub fn of(scope: &Scope, registry: &'a Registry) -> Self {
        let (value, names) = match scope {
            Scope::County => ("county".to_owned(), None),
            Scope::Township(id) => (format!("township:{id}"), registry.townships.get(id).map(|t| &t.names)),
            Scope::Site(id) => (format!("site:{id}"), registry.sites.get(id).map(|s| &s.names)),
        };
        Self { scope: scope.clone(), value, names }
    }

    /// In words.
    fn said(&self, ctx: &PageContext<'_>) -> String {
        match self.names {
            Some(names) => ctx.plain(names),
            None if self.scope == Scope::County => ctx.t("scope-county"),
            None => self.value.clone(),
        }
    }

    /// True for what lies in a township.
    fn is_site(&self) -> bool {
        matches!(self.scope, Scope::Site(_))
    }
}

/// Somebody in the list of people.
#[derive(Debug, Clone)]
pub struct PersonRow<'a> {
    /// Who.
    pub account: &'a Account,
    /// What was given, and where.
    pub grants: Vec<(Role, ScopeView<'a>)>,
    /// The visitor may change it.
    pub may_change: bool,
}

impl PersonRow<'_> {
    fn is_closed(&self) -> bool {
        self.account.state == AccountState::Disabled
    }
}

/// The form for inviting somebody, as typed.
#[derive(Debug, Clone, Default)]
pub struct PeopleForm<'a> {
    /// Key of what was wrong.
    pub error: Option<&'static str>,
    /// As typed.
    pub name: &'a str,
    /// As typed.
    pub login: &'a str,
    /// As chosen.
    pub role: &'a str,
    /// As chosen.
    pub scope: &'a str,
}

/// Who may do what.
#[derive(Debug, Clone)]
pub struct PeoplePage<'a> {
    /// Those the visitor may see.
    pub rows: Vec<PersonRow<'a>>,
    /// Roles the visitor may give; empty: he invites nobody.
    pub roles: Vec<Role>,
    /// Parts of the county he may give them in.
    pub scopes: Vec<ScopeView<'a>>,
    /// The form.
    pub form: PeopleForm<'a>,
    /// The forms' token.
    pub token: String,
    /// May read the audit log.
    pub audit: bool,
}
page!(PeoplePage, "office/people.html", "people-title");

/// A code to hand out.
#[derive(Debug, Clone)]
pub struct InvitedPage<'a> {
    /// Whose.
    pub name: &'a str,
    /// The name to sign in with, or the site.
    pub beside: &'a str,
    /// The code, in groups.
    pub code: &'a str,
    /// Where it is used.
    pub url: &'a str,
    /// The address with the code, as an SVG drawing.
    pub qr: String,
    /// What to do with the sheet.
    pub text: String,
    /// What its holder does.
    pub how: String,
    /// Where to go on: path and text.
    pub back: (&'a str, String),
}
page!(InvitedPage, "office/invited.html", "invited-title");

/// A site in the office.
#[derive(Debug, Clone)]
pub struct OfficeSite<'a> {
    /// Which.
    pub site: &'a Site,
    /// Names of its township.
    pub township: Option<&'a Titles>,
    /// The visitor enrols and withdraws its terminals.
    pub may_keep: bool,
    /// Its terminals; true: enrolled with a code, not in the county's file.
    pub terminals: Vec<(&'a Terminal, bool)>,
}

/// The sites one keeps, with their terminals.
#[derive(Debug, Clone)]
pub struct OfficeSites<'a> {
    /// In the order of their identifiers.
    pub sites: Vec<OfficeSite<'a>>,
    /// The forms' token.
    pub token: String,
    /// Key of what was wrong.
    pub error: Option<&'static str>,
    /// May see the people.
    pub people: bool,
    /// May read the audit log.
    pub audit: bool,
}
page!(OfficeSites, "office/sites.html", "nav-sites");

impl OfficeSites<'_> {
    fn may_enrol(&self) -> bool {
        self.sites.iter().any(|s| s.may_keep)
    }
}

/// The page on which a device enrols.
#[derive(Debug, Clone)]
pub struct EnrolPage<'a> {
    /// What was wrong with the form.
    pub error: Option<String>,
    /// The code, from the address or as typed.
    pub code: &'a str,
}
page!(EnrolPage, "office/enrol.html", "enrol-title");

/// One line of the audit log.
#[derive(Debug, Clone)]
pub struct AuditRow<'a> {
    /// When.
    pub at: Timestamp,
    /// Who; none: nobody had an account yet.
    pub who: Option<String>,
    /// What, as the log names it.
    pub what: &'a str,
    /// To whom or what.
    pub subject: String,
    /// How it was.
    pub before: &'a str,
    /// How it is.
    pub after: &'a str,
}

impl AuditRow<'_> {
    /// What was done, in words.
    fn said(&self, ctx: &PageContext<'_>) -> String {
        let key = match self.what {
            "county-set-up" => "did-county-set-up",
            "signed-in" => "did-signed-in",
            "signed-out" => "did-signed-out",
            "terminal-code-given" => "did-terminal-code-given",
            "terminal-enrolled" => "did-terminal-enrolled",
            "terminal-withdrawn" => "did-terminal-withdrawn",
            "account-invited" => "did-account-invited",
            "code-given" => "did-code-given",
            "account-closed" => "did-account-closed",
            "account-opened" => "did-account-opened",
            "password-chosen" => "did-password-chosen",
            "password-changed" => "did-password-changed",
            "sign-in-ended" => "did-sign-in-ended",
            "other-sign-ins-ended" => "did-other-sign-ins-ended",
            other => return other.to_owned(),
        };
        ctx.t(key)
    }

    /// How an account was or is, in words; what is no account, as it stands.
    fn told(&self, what: &str, ctx: &PageContext<'_>) -> String {
        #[derive(serde::Deserialize)]
        struct Told {
            grants: Vec<Grant>,
            state: AccountState,
        }
        let Ok(told) = serde_json::from_str::<Told>(what) else { return what.to_owned() };
        let grant = |g: &Grant| {
            let place = match &g.scope {
                Scope::County => ctx.t("scope-county"),
                Scope::Township(id) => id.to_string(),
                Scope::Site(id) => id.to_string(),
            };
            format!("{} {place}", ctx.t(role_key(&g.role)))
        };
        let grants = told.grants.iter().map(grant);
        grants.chain([ctx.t(state_key(&told.state))]).collect::<Vec<_>>().join(" · ")
    }

    fn date_time(&self, ctx: &PageContext<'_>) -> String {
        self.at.to_zoned_datetime(ctx.tz.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string()
    }
}

/// The audit log.
#[derive(Debug, Clone)]
pub struct AuditPage<'a> {
    /// Its lines, newest first.
    pub rows: Vec<AuditRow<'a>>,
    /// Where older ones begin.
    pub older: Option<i64>,
    /// May see the people.
    pub people: bool,
}
page!(AuditPage, "office/audit.html", "audit-title");

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
    /// The forms' token.
    pub token: String,
    /// What was wrong.
    pub error: Option<String>,
}
page!(MePage, "office/me.html", "me-title");

/// Key of a role's name.
fn role_key(role: &Role) -> &'static str {
    match role {
        Role::Administrator => "role-administrator",
        Role::Editor => "role-editor",
        Role::Reviewer => "role-reviewer",
        Role::Duty => "role-duty",
        Role::Tutor => "role-tutor",
        Role::Township => "role-township",
        Role::Department => "role-department",
        Role::Operator => "role-operator",
        Role::Auditor => "role-auditor",
        Role::Learner => "role-learner",
    }
}

/// Key of a device's name.
fn device_key(device: &DeviceKind) -> &'static str {
    match device {
        DeviceKind::Computer => "device-computer",
        DeviceKind::Tv => "device-tv",
        DeviceKind::Phone => "device-phone",
    }
}

/// Key of a state's name.
fn state_key(state: &AccountState) -> &'static str {
    match state {
        AccountState::Invited => "state-invited",
        AccountState::Active => "state-active",
        AccountState::Disabled => "state-disabled",
    }
}
