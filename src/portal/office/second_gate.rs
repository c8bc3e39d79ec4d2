//! Between the two steps of signing in: who waits there, and who has tried
//! too often.

use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};

use crate::base::AccountId;
use crate::people::{First, Secret, SecretHash, Throttle, TotpSecret, Waiting};

use super::gate::{GateError, new_secret};

/// Wrong codes for one account from one address before a wait.
const PER_PLACE: usize = 5;
/// Wrong codes for one account from everywhere: six digits must not be guessed
/// from many addresses at once. Only who knows the password comes this far, so
/// that nobody else can make the account's owner wait.
const PER_ACCOUNT: usize = 10;
const WINDOW: SignedDuration = SignedDuration::from_mins(10);
/// How long the second step may take.
const HALF: SignedDuration = SignedDuration::from_mins(5);
/// How long an authenticator may take to be set up.
const SET_UP: SignedDuration = SignedDuration::from_mins(10);
/// Half sign-ins at once; each was made by a right first step.
const MOST: usize = 1000;

/// Somebody whose first step was right, and who is not signed in yet.
#[derive(Debug, Clone)]
pub(super) struct Half {
    /// Whose.
    pub(super) account: AccountId,
    /// What was shown: if it is no good any more in the end, this is void.
    pub(super) shown: First,
}

/// Keeps the second gate.
#[derive(Debug)]
pub(super) struct SecondGate {
    halves: Mutex<Waiting<Half>>,
    /// Secrets shown to an authenticator and not confirmed yet, by sign-in.
    begun: Mutex<Waiting<TotpSecret>>,
    places: Mutex<Throttle<(AccountId, IpAddr)>>,
    accounts: Mutex<Throttle<AccountId>>,
}

impl Default for SecondGate {
    fn default() -> Self {
        Self {
            halves: Mutex::new(Waiting::new(MOST, HALF)),
            begun: Mutex::new(Waiting::new(MOST, SET_UP)),
            places: Mutex::new(Throttle::new(PER_PLACE, WINDOW)),
            accounts: Mutex::new(Throttle::new(PER_ACCOUNT, WINDOW)),
        }
    }
}

impl SecondGate {
    /// Lets somebody wait for his second step; the secret is for his page.
    pub(super) fn wait(&self, half: Half, now: Timestamp) -> Result<Secret, GateError> {
        let secret = new_secret()?;
        locked(&self.halves).keep(secret.hash(), half, now);
        Ok(secret)
    }

    /// Who waits with this secret.
    pub(super) fn half(&self, secret: &Secret, now: Timestamp) -> Option<Half> {
        locked(&self.halves).get(&secret.hash(), now).cloned()
    }

    /// He waits no longer.
    pub(super) fn done(&self, secret: &Secret, now: Timestamp) {
        locked(&self.halves).take(&secret.hash(), now);
    }

    /// A secret is shown in this sign-in.
    pub(super) fn begin(&self, sign_in: SecretHash, secret: TotpSecret, now: Timestamp) {
        locked(&self.begun).keep(sign_in, secret, now);
    }

    /// The secret that was shown in this sign-in.
    pub(super) fn begun(&self, sign_in: &SecretHash, now: Timestamp) -> Option<TotpSecret> {
        locked(&self.begun).get(sign_in, now).cloned()
    }

    /// It is confirmed.
    pub(super) fn confirmed(&self, sign_in: &SecretHash, now: Timestamp) {
        locked(&self.begun).take(sign_in, now);
    }

    /// Counts a code as wrong before it is known; or says how many seconds to wait.
    pub(super) fn attempt(&self, account: &AccountId, address: IpAddr, now: Timestamp) -> Result<(), i64> {
        let mut places = locked(&self.places);
        let mut accounts = locked(&self.accounts);
        let place = (account.clone(), address);
        if let Some(wait) = places.wait(&place, now).max(accounts.wait(account, now)) {
            return Err(wait.as_secs().max(0) + 1);
        }
        places.failed(place, now);
        accounts.failed(account.clone(), now);
        Ok(())
    }

    /// The code was right: it is taken back. Those before it stay counted for
    /// the account, since they may have been somebody else's.
    pub(super) fn succeeded(&self, account: &AccountId, address: IpAddr) {
        locked(&self.places).succeeded(&(account.clone(), address));
        locked(&self.accounts).take_back(account);
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::people::PasswordHash;

    #[test]
    fn many_addresses_have_no_more_tries_than_a_few() {
        let gate = SecondGate::default();
        let (account, now) = (AccountId::new("a").expect("id"), Timestamp::UNIX_EPOCH);
        let from = |n: u8| IpAddr::from([10, 0, 0, n]);
        let tried = (0..200).filter(|n| gate.attempt(&account, from(*n), now).is_ok()).count();
        assert_eq!(tried, PER_ACCOUNT);
        let other = AccountId::new("b").expect("id");
        let tried = (0..200).filter(|_| gate.attempt(&other, from(1), now).is_ok()).count();
        assert_eq!(tried, PER_PLACE);
        assert!(gate.attempt(&other, from(2), now).is_ok(), "from elsewhere its owner may");
        gate.succeeded(&other, from(2));
        assert!(gate.attempt(&account, from(1), now + WINDOW).is_ok(), "ten minutes later");
    }

    #[test]
    fn who_waits_waits_five_minutes_and_comes_in_once() {
        let gate = SecondGate::default();
        let at = |seconds| Timestamp::UNIX_EPOCH + SignedDuration::from_secs(seconds);
        let half = Half {
            account: AccountId::new("a").expect("id"),
            shown: First::Password(PasswordHash::from_stored("x".to_owned())),
        };
        let secret = gate.wait(half, at(0)).expect("random numbers");
        assert!(gate.half(&secret, at(299)).is_some() && gate.half(&secret, at(300)).is_none());
        gate.done(&secret, at(1));
        assert!(gate.half(&secret, at(2)).is_none());
    }
}
