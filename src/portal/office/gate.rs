//! The office's gate: the code of the first start, and who has to wait.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::Semaphore;

use crate::people::{Code, Login, PasswordHash, Secret, Throttle};

use super::second_gate::SecondGate;

/// Wrong passwords for one name from one address before a wait.
const PER_NAME: usize = 8;
/// Wrong passwords or codes from one address: a village's forty terminals share one.
const PER_ADDRESS: usize = 100;
const WINDOW: SignedDuration = SignedDuration::from_mins(10);
/// Passwords checked at once: each takes 19 MiB and tens of milliseconds of a core.
const AT_ONCE: usize = 2;
/// Who waits for that; the rest is asked to come back.
const QUEUE: usize = 32;

/// Keeps the gate.
#[derive(Debug)]
pub struct Gate {
    setup: Option<Code>,
    names: Mutex<Throttle<(Login, IpAddr)>>,
    addresses: Mutex<Throttle<IpAddr>>,
    hashing: Arc<Semaphore>,
    queue: Semaphore,
    /// What lies behind it, for accounts with a second factor.
    pub(super) second: SecondGate,
}

/// Something the system did not give.
#[derive(Debug, thiserror::Error)]
pub(in crate::portal) enum GateError {
    #[error("the system gives no random numbers")]
    NoRandomness,
    #[error("the password could not be hashed")]
    Hashing,
    #[error("too many sign in at once")]
    Busy,
}

impl From<GateError> for super::Refusal {
    fn from(e: GateError) -> Self {
        match e {
            GateError::Busy => Self::Busy,
            GateError::NoRandomness | GateError::Hashing => Self::Ours(e.to_string()),
        }
    }
}

impl Gate {
    /// A gate; with the code of the first start, if nobody has an account yet.
    pub fn new(setup: Option<Code>) -> Self {
        Self {
            setup,
            names: Mutex::new(Throttle::new(PER_NAME, WINDOW)),
            addresses: Mutex::new(Throttle::new(PER_ADDRESS, WINDOW)),
            hashing: Arc::new(Semaphore::new(AT_ONCE)),
            queue: Semaphore::new(QUEUE),
            second: SecondGate::default(),
        }
    }

    /// True if `typed` is the code of the first start.
    pub(super) fn is_setup_code(&self, typed: &str) -> bool {
        // Hashes are compared, so that the time tells nothing of the code.
        let typed = Code::read(typed).map(|c| c.hash());
        self.setup.as_ref().is_some_and(|code| Some(code.hash()) == typed)
    }

    /// Counts a try as failed before it is known how it ends, so that many at
    /// once cannot all slip through; or says how many seconds it has to wait.
    pub(super) fn attempt(&self, login: Option<&Login>, address: IpAddr, now: Timestamp) -> Result<(), i64> {
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        let mut addresses = self.addresses.lock().unwrap_or_else(PoisonError::into_inner);
        let by_name = login.and_then(|l| names.wait(&(l.clone(), address), now));
        if let Some(wait) = by_name.max(addresses.wait(&address, now)) {
            return Err(wait.as_secs().max(0) + 1);
        }
        if let Some(login) = login {
            names.failed((login.clone(), address), now);
        }
        addresses.failed(address, now);
        Ok(())
    }

    /// The same for who is signed in and says his password once more: the
    /// village's address is not charged with it.
    pub(super) fn attempt_again(&self, login: &Login, address: IpAddr, now: Timestamp) -> Result<(), i64> {
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (login.clone(), address);
        match names.wait(&key, now) {
            Some(wait) => Err(wait.as_secs().max(0) + 1),
            None => {
                names.failed(key, now);
                Ok(())
            }
        }
    }

    /// The try was good: it is taken back, and with it the typing errors of that name.
    pub(super) fn succeeded(&self, login: Option<&Login>, address: IpAddr) {
        if let Some(login) = login {
            self.known(login, address);
        }
        self.addresses.lock().unwrap_or_else(PoisonError::into_inner).take_back(&address);
    }

    /// The same for [`Gate::attempt_again`].
    pub(super) fn known(&self, login: &Login, address: IpAddr) {
        self.names.lock().unwrap_or_else(PoisonError::into_inner).succeeded(&(login.clone(), address));
    }

    /// Hashes a password away from the threads that serve.
    pub(super) async fn hash(&self, password: &str) -> Result<PasswordHash, GateError> {
        let password = password.to_owned();
        self.slowly(move || PasswordHash::of(&password)).await?.map_err(|_| GateError::Hashing)
    }

    /// True if the password fits; without a hash it takes as long to say no.
    pub(super) async fn fits(&self, hash: Option<PasswordHash>, password: &str) -> Result<bool, GateError> {
        let (known, password) = (hash.is_some(), password.to_owned());
        let hash = hash.unwrap_or_else(PasswordHash::of_nobody);
        Ok(self.slowly(move || hash.is_of(&password)).await? && known)
    }

    async fn slowly<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, GateError> {
        let _place = self.queue.try_acquire().map_err(|_| GateError::Busy)?;
        let turn = Arc::clone(&self.hashing).acquire_owned().await.map_err(|_| GateError::Hashing)?;
        // The turn goes with the work: whoever hangs up does not free a core that is still busy.
        let job = move || {
            let result = job();
            drop(turn);
            result
        };
        tokio::task::spawn_blocking(job).await.map_err(|_| GateError::Hashing)
    }
}

/// A new code.
pub(in crate::portal) fn new_code() -> Result<Code, GateError> {
    random().map(Code::from_random)
}

/// A new cookie.
pub(super) fn new_secret() -> Result<Secret, GateError> {
    random().map(Secret::from_random)
}

/// Random bytes.
pub(in crate::portal) fn random<const N: usize>() -> Result<[u8; N], GateError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| GateError::NoRandomness)?;
    Ok(bytes)
}
