//! Accounts, and what was given to them.

use jiff::Timestamp;

use crate::base::{AccountId, SiteId, TownshipId};

/// What somebody is to the county.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// County administrator 县管理员: everything, everywhere.
    Administrator,
    /// Editor 编辑: lessons, schedules, texts.
    Editor,
    /// Reviewer 审核员: approves what an editor made.
    Reviewer,
    /// Duty officer 值班员: relays and what is on air.
    Duty,
    /// Tutor 辅导教师: answers questions.
    Tutor,
    /// Township office 乡镇: its sites and their operators.
    Township,
    /// Department 部门: a township's place in the agencies' track.
    Department,
    /// Site operator 站点管理员/操作员: one site.
    Operator,
    /// Auditor 审计员: reads all, writes nothing.
    Auditor,
    /// Learner 学员.
    Learner,
}

impl Role {
    /// Every role, the widest first.
    pub const ALL: [Self; 10] = [
        Self::Administrator,
        Self::Editor,
        Self::Reviewer,
        Self::Duty,
        Self::Tutor,
        Self::Township,
        Self::Department,
        Self::Operator,
        Self::Auditor,
        Self::Learner,
    ];

    /// Its name in forms and files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Administrator => "administrator",
            Self::Editor => "editor",
            Self::Reviewer => "reviewer",
            Self::Duty => "duty",
            Self::Tutor => "tutor",
            Self::Township => "township",
            Self::Department => "department",
            Self::Operator => "operator",
            Self::Auditor => "auditor",
            Self::Learner => "learner",
        }
    }

    /// The role of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|r| r.as_str() == name)
    }

    /// True if the role can be held in a part of this kind: a township's is
    /// no role at a site.
    pub fn fits(self, scope: &Scope) -> bool {
        match self {
            Self::Township | Self::Department => matches!(scope, Scope::Township(_)),
            Self::Operator | Self::Learner => matches!(scope, Scope::Site(_)),
            Self::Tutor => matches!(scope, Scope::County | Scope::Township(_)),
            Self::Administrator | Self::Editor | Self::Reviewer | Self::Duty | Self::Auditor => {
                matches!(scope, Scope::County)
            }
        }
    }
}

/// The part of the county a role is held in: that, and what lies below it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// All of it.
    County,
    /// A township or department, and its sites.
    Township(TownshipId),
    /// A site.
    Site(SiteId),
}

/// A role in a part of the county.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct Grant {
    /// What.
    pub role: Role,
    /// Where.
    pub scope: Scope,
}

/// A text that is not a name to sign in with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected 2 to 64 letters or digits of any script, also `.`, `-`, `_` and `@`")]
pub struct BadLogin;

/// The name somebody signs in with, in lower case: a word, a telephone number.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct Login(String);

impl Login {
    /// Trims, lowers and checks `text`.
    pub fn new(text: &str) -> Result<Self, BadLogin> {
        let text = text.trim().to_lowercase();
        let good = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | '@');
        let length = text.chars().count();
        if (2..=64).contains(&length) && text.chars().all(good) { Ok(Self(text)) } else { Err(BadLogin) }
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether an account can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AccountState {
    /// Invited; nobody has chosen a password yet.
    Invited,
    /// In use.
    Active,
    /// Closed by a superior. It stays, since the audit log names it.
    Disabled,
}

/// A person's account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its identifier; never used again.
    pub id: AccountId,
    /// The name to sign in with.
    pub login: Login,
    /// The person's name as people write it.
    pub name: String,
    /// What was given to it.
    pub grants: Vec<Grant>,
    /// Whether it can be used.
    pub state: AccountState,
    /// When it was made.
    pub created: Timestamp,
}

/// One line of the audit log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// When.
    pub at: Timestamp,
    /// Who did it; none: nobody had signed in yet.
    pub who: Option<AccountId>,
    /// The system that did it in his name; empty: himself.
    pub via: String,
    /// What was done, such as `account-invited`.
    pub what: String,
    /// To what, such as `account/1f2e…`.
    pub subject: String,
    /// How it was before, in words or JSON; empty: it was not there.
    pub before: String,
    /// How it is after.
    pub after: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_is_read_in_any_script_and_case() {
        assert_eq!(Login::new("  Gulnar.A ").expect("good").as_str(), "gulnar.a");
        assert!(
            Login::new("古丽").is_ok() && Login::new("گۈلنار").is_ok() && Login::new("13999000001").is_ok()
        );
        for bad in ["", "a", "a b", "a/b", "<x>", &"x".repeat(65)] {
            assert_eq!(Login::new(bad), Err(BadLogin), "{bad:?}");
        }
    }

    #[test]
    fn every_role_has_a_name_and_fits_somewhere() {
        let scopes = [
            Scope::County,
            Scope::Township(TownshipId::new("t").expect("id")),
            Scope::Site(SiteId::new("s").expect("id")),
        ];
        for role in Role::ALL {
            assert_eq!(Role::named(role.as_str()), Some(role));
            assert!(scopes.iter().any(|s| role.fits(s)), "{role:?}");
        }
        assert_eq!(Role::named("root"), None);
    }
}
