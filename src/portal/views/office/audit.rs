//! The audit log in words.

use jiff::Timestamp;

use super::keys::{role_key, state_key};
use super::{Menu, page};
use crate::people::{AccountState, FactorState, Grant, Scope};
use crate::portal::views::PageContext;
use crate::sites::Place;

/// One line of the audit log.
#[derive(Debug, Clone)]
pub struct AuditRow<'a> {
    /// When.
    pub at: Timestamp,
    /// Who; none: nobody had an account yet.
    pub who: Option<String>,
    /// The system that did it in his name.
    pub via: &'a str,
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
        did(self.what, ctx)
    }

    /// How an account was or is, in words; what is no account, as it stands.
    fn told(&self, what: &str, ctx: &PageContext<'_>) -> String {
        #[derive(serde::Deserialize)]
        struct Told {
            grants: Vec<Grant>,
            state: AccountState,
        }
        if let Ok(places) = serde_json::from_str::<Vec<Option<Place>>>(what) {
            return places_told(&places, ctx);
        }
        if let Some(key) = factor_key(what) {
            return ctx.t(key);
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

/// What was done, in words.
pub(super) fn did(what: &str, ctx: &PageContext<'_>) -> String {
    let key = match what {
        "county-set-up" => "did-county-set-up",
        "signed-in" => "did-signed-in",
        "signed-out" => "did-signed-out",
        "terminal-code-given" => "did-terminal-code-given",
        "terminal-enrolled" => "did-terminal-enrolled",
        "terminal-withdrawn" => "did-terminal-withdrawn",
        "places-changed" => "did-places-changed",
        "places-undone" => "did-places-undone",
        "channel-changed" => "did-channel-changed",
        "relay-changed" => "did-relay-changed",
        "settings-changed" => "did-settings-changed",
        "channel-directed" => "did-channel-directed",
        "schedule-copied" => "did-schedule-copied",
        "schedule-taken-in" => "did-schedule-taken-in",
        "schedule-changed" => "did-schedule-changed",
        "lesson-changed" => "did-lesson-changed",
        "lesson-uploaded" => "did-lesson-uploaded",
        "lesson-packaged" => "did-lesson-packaged",
        "lesson-submitted" => "did-lesson-submitted",
        "lesson-returned" => "did-lesson-returned",
        "lesson-approved" => "did-lesson-approved",
        "lesson-published" => "did-lesson-published",
        "lesson-withdrawn" => "did-lesson-withdrawn",
        "lesson-removed" => "did-lesson-removed",
        "attachment-added" => "did-attachment-added",
        "attachment-removed" => "did-attachment-removed",
        "catalogue-taken-in" => "did-catalogue-taken-in",
        "lessons-changed" => "did-lessons-changed",
        "evening-changed" => "did-evening-changed",
        "study-begun" => "did-study-begun",
        "study-ended" => "did-study-ended",
        "study-correction-proposed" => "did-study-correction-proposed",
        "study-paper-added" => "did-study-paper-added",
        "study-paper-erased" => "did-study-paper-erased",
        "person-erased" => "did-person-erased",
        "study-corrected" => "did-study-corrected",
        "study-correction-refused" => "did-study-correction-refused",
        "lesson-damaged" => "did-lesson-damaged",
        "file-undone" => "did-file-undone",
        "token-given" => "did-token-given",
        "token-withdrawn" => "did-token-withdrawn",
        "account-invited" => "did-account-invited",
        "code-given" => "did-code-given",
        "account-closed" => "did-account-closed",
        "account-opened" => "did-account-opened",
        "password-chosen" => "did-password-chosen",
        "password-changed" => "did-password-changed",
        "sign-in-ended" => "did-sign-in-ended",
        "other-sign-ins-ended" => "did-other-sign-ins-ended",
        "signed-in-by-provider" => "did-signed-in-by-provider",
        "identity-linked" => "did-identity-linked",
        "identity-unlinked" => "did-identity-unlinked",
        "identity-removed" => "did-identity-removed",
        "second-factor-on" => "did-second-factor-on",
        "second-factor-off" => "did-second-factor-off",
        "second-factor-removed" => "did-second-factor-removed",
        "recovery-code-used" => "did-recovery-code-used",
        other => return other.to_owned(),
    };
    ctx.t(key)
}

/// Key of what the log says of a second factor; none: it says something else.
fn factor_key(what: &str) -> Option<&'static str> {
    #[derive(serde::Deserialize)]
    struct Told {
        second_factor: FactorState,
    }
    Some(match serde_json::from_str::<Told>(what).ok()?.second_factor {
        FactorState::Off => "factor-off",
        FactorState::On => "factor-on",
        FactorState::EndsWithCode => "factor-ends-with-code",
    })
}

/// Places as they were or are; of many, the first.
fn places_told(places: &[Option<Place>], ctx: &PageContext<'_>) -> String {
    const MOST: usize = 5;
    let told = places.iter().flatten().map(|place| {
        let all: Vec<&str> = place.names().0.values().map(String::as_str).collect();
        let name = all.join(" / ");
        match place {
            Place::Site(s) if s.closed => format!("{name} ({}; {})", s.township, ctx.t("site-closed")),
            Place::Site(s) => format!("{name} ({})", s.township),
            Place::Township(_) => name,
        }
    });
    let mut told: Vec<String> = told.collect();
    if told.len() > MOST {
        let rest = told.len() - MOST;
        told.truncate(MOST);
        told.push(format!("+ {rest}"));
    }
    told.join(" · ")
}

/// The audit log.
#[derive(Debug, Clone)]
pub struct AuditPage<'a> {
    /// Its lines, newest first.
    pub rows: Vec<AuditRow<'a>>,
    /// Where older ones begin.
    pub older: Option<i64>,
    /// The office's rooms.
    pub menu: Menu,
}
page!(AuditPage, "office/audit.html", "audit-title");
