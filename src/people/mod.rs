//! Who may do what: accounts, roles and the part of the county they are held
//! in, passwords, one-time codes, second factors, sign-ins, throttling of guesses.
//!
//! Invariant: nothing here opens a file, knows SQL or HTTP, or reads a clock.
//! Nobody can hand out a right that he does not hold himself, and no right
//! reaches beyond the subtree of the county it was given for.

mod code;
mod identity;
mod model;
mod password;
mod rights;
mod second_factor;
mod sign_in;
mod throttle;
mod token;
mod totp;
mod waiting;

#[cfg(test)]
mod properties;

pub use code::{Code, Secret, SecretHash};
pub use identity::{First, Identity};
pub use model::{Account, AccountState, AuditEntry, BadLogin, Grant, Login, Role, Scope};
pub use password::{BadPassword, PasswordHash, check_password};
pub use rights::Rights;
pub use second_factor::{FactorState, RECOVERY_CODES, Second, SecondFactor};
pub use sign_in::{Invitation, InvitationKind, SignIn};
pub use throttle::Throttle;
pub use token::{ApiToken, LONGEST_DAYS, TokenScope};
pub use totp::{Step, TotpSecret};
pub use waiting::Waiting;
