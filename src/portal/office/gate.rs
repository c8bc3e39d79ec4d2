//! The office's gate: the code of the first start, and who has to wait.

use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::Semaphore;

use crate::people::{Code, Login, PasswordHash, Secret, Throttle};

/// Wrong passwords for one name from one address before a wait.
const PER_NAME: usize = 8;
/// Wrong passwords or codes from one address: a village's forty terminals share one.
const PER_ADDRESS: usize = 100;
const WINDOW: SignedDuration = SignedDuration::from_mins(10);
/// Passwords checked at once: each takes 19 MiB and tens of milliseconds of a core.
const AT_ONCE: usize = 2;

/// Keeps the gate.
#[derive(Debug)]
pub struct Gate {
    setup: Option<Code>,
    names: Mutex<Throttle<(Login, IpAddr)>>,
    addresses: Mutex<Throttle<IpAddr>>,
    hashing: Semaphore,
}

/// Something the system did not give.
#[derive(Debug, thiserror::Error)]
pub(super) enum GateError {
    #[error("the system gives no random numbers")]
    NoRandomness,
    #[error("the password could not be hashed")]
    Hashing,
}

impl From<GateError> for super::Refusal {
    fn from(e: GateError) -> Self {
        Self::Ours(e.to_string())
    }
}

impl Gate {
    /// A gate; with the code of the first start, if nobody has an account yet.
    pub fn new(setup: Option<Code>) -> Self {
        Self {
            setup,
            names: Mutex::new(Throttle::new(PER_NAME, WINDOW)),
            addresses: Mutex::new(Throttle::new(PER_ADDRESS, WINDOW)),
            hashing: Semaphore::new(AT_ONCE),
        }
    }

    /// True if `typed` is the code of the first start.
    pub(super) fn is_setup_code(&self, typed: &str) -> bool {
        // Hashes are compared, so that the time tells nothing of the code.
        let typed = Code::read(typed).map(|c| c.hash());
        self.setup.as_ref().is_some_and(|code| Some(code.hash()) == typed)
    }

    /// How long the next try has to wait: of `login`, if a name was given, from `address`.
    pub(super) fn wait(&self, login: Option<&Login>, address: IpAddr, now: Timestamp) -> Option<i64> {
        let names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        let addresses = self.addresses.lock().unwrap_or_else(PoisonError::into_inner);
        let by_name = login.and_then(|l| names.wait(&(l.clone(), address), now));
        by_name.max(addresses.wait(&address, now)).map(|wait| wait.as_secs().max(0) + 1)
    }

    /// Notes a wrong password or code.
    pub(super) fn failed(&self, login: Option<&Login>, address: IpAddr, now: Timestamp) {
        if let Some(login) = login {
            self.names.lock().unwrap_or_else(PoisonError::into_inner).failed((login.clone(), address), now);
        }
        self.addresses.lock().unwrap_or_else(PoisonError::into_inner).failed(address, now);
    }

    /// Forgets the typing errors of who has signed in.
    pub(super) fn succeeded(&self, login: &Login, address: IpAddr) {
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
        let _turn = self.hashing.acquire().await.map_err(|_| GateError::Hashing)?;
        tokio::task::spawn_blocking(job).await.map_err(|_| GateError::Hashing)
    }
}

/// A new code.
pub(super) fn new_code() -> Result<Code, GateError> {
    random().map(Code::from_random)
}

/// A new cookie.
pub(super) fn new_secret() -> Result<Secret, GateError> {
    random().map(Secret::from_random)
}

/// Random bytes.
pub(super) fn random<const N: usize>() -> Result<[u8; N], GateError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| GateError::NoRandomness)?;
    Ok(bytes)
}
