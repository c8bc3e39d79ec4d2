//! Signing in with an identity provider (OpenID Connect Core 1.0, the
//! authorization code flow with PKCE): what goes to the provider and what
//! comes back. Whose account it is, is decided elsewhere.

mod http;
mod provider;

use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};

use crate::base::AccountId;
use crate::people::{Secret, SecretHash, Throttle, Waiting};

pub(in crate::portal) use provider::ProviderError;
use provider::Providers;

/// How long somebody may take at the provider.
const AWAY: SignedDuration = SignedDuration::from_mins(10);
/// How many may be there at once.
const MOST: usize = 5000;
/// How many may leave from one address in ten minutes: without a bound one
/// could push everybody else out.
const PER_ADDRESS: usize = 100;

/// Why somebody was sent to the provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::portal) enum Purpose {
    /// To sign in, and go there.
    SignIn {
        /// A path inside.
        next: String,
    },
    /// To link what he is there to the account in which he is signed in here.
    Link {
        /// The account.
        account: AccountId,
        /// The sign-in.
        sign_in: SecretHash,
    },
}

/// What has to fit what comes back.
#[derive(Debug, Clone)]
pub(in crate::portal) struct Flow {
    pub(in crate::portal) purpose: Purpose,
    issuer: String,
    state: String,
    nonce: String,
    /// PKCE (RFC 7636).
    verifier: String,
    /// Where the provider sends him back to.
    redirect: String,
}

/// Those who are at the provider, and the provider.
#[derive(Debug)]
pub struct Oidc {
    pub(in crate::portal) providers: Providers,
    flows: Mutex<Waiting<Flow>>,
    addresses: Mutex<Throttle<IpAddr>>,
}

impl Default for Oidc {
    fn default() -> Self {
        Self {
            providers: Providers::default(),
            flows: Mutex::new(Waiting::new(MOST, AWAY)),
            addresses: Mutex::new(Throttle::new(PER_ADDRESS, AWAY)),
        }
    }
}

impl Oidc {
    /// Counts who leaves from `address`; or says how many seconds to wait.
    pub(in crate::portal) fn may_leave(&self, address: IpAddr, now: Timestamp) -> Result<(), i64> {
        let mut addresses = locked(&self.addresses);
        match addresses.wait(&address, now) {
            Some(wait) => Err(wait.as_secs().max(0) + 1),
            None => {
                addresses.failed(address, now);
                Ok(())
            }
        }
    }

    /// Keeps what has to fit when the browser with this cookie comes back.
    pub(in crate::portal) fn leave(&self, cookie: &Secret, flow: Flow, now: Timestamp) {
        locked(&self.flows).keep(cookie.hash(), flow, now);
    }

    /// What the browser with this cookie left with, if `state` fits; it is good
    /// for one return. What does not fit changes nothing, since anybody can
    /// send a browser to an address.
    pub(in crate::portal) fn back(&self, cookie: &Secret, state: &str, now: Timestamp) -> Option<Flow> {
        let mut flows = locked(&self.flows);
        let fits = flows.get(&cookie.hash(), now).is_some_and(|flow| Secret::are_same(state, &flow.state));
        if fits { flows.take(&cookie.hash(), now) } else { None }
    }

    /// He came back as somebody: his address is not charged with it.
    pub(in crate::portal) fn arrived(&self, address: IpAddr) {
        locked(&self.addresses).take_back(&address);
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_browser_that_left_comes_back_and_once() {
        let oidc = Oidc::default();
        let at = |minutes| Timestamp::UNIX_EPOCH + SignedDuration::from_mins(minutes);
        let (cookie, other) = (Secret::from_random([1; 32]), Secret::from_random([2; 32]));
        let text = str::to_owned;
        let flow = Flow {
            purpose: Purpose::SignIn { next: text("/office") },
            issuer: text("i"),
            state: text("state"),
            nonce: text("n"),
            verifier: text("v"),
            redirect: text("r"),
        };
        oidc.leave(&cookie, flow.clone(), at(0));
        assert!(oidc.back(&other, "state", at(1)).is_none(), "another browser");
        assert!(oidc.back(&cookie, "stat", at(1)).is_none(), "another state");
        assert!(oidc.back(&cookie, "state", at(1)).is_some(), "neither has spoiled it");
        assert!(oidc.back(&cookie, "state", at(1)).is_none(), "once");
        oidc.leave(&cookie, flow, at(1));
        assert!(oidc.back(&cookie, "state", at(11)).is_none(), "too late");
    }
}
