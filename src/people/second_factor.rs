//! The second factor of an account, and what is shown of it to be let in.

use jiff::Timestamp;

use super::{Code, SecretHash, Step, TotpSecret};

/// Recovery codes that are given with a second factor.
pub const RECOVERY_CODES: usize = 10;

/// A second factor in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecondFactor {
    /// What the authenticator knows.
    pub secret: TotpSecret,
    /// The half minute whose code was taken last; no earlier one is taken again.
    pub last: Step,
    /// Recovery codes that were not used yet.
    pub codes_left: usize,
}

/// What was shown of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Second {
    /// Nothing: good for an account without a second factor only.
    None,
    /// The authenticator's code of a half minute.
    Step(Step),
    /// A recovery code, which only the store can tell to be one.
    Recovery(SecretHash),
}

impl SecondFactor {
    /// What somebody typed; none: it is neither a code of the authenticator
    /// that can be taken, nor formed like a recovery code.
    pub fn read(&self, typed: &str, now: Timestamp) -> Option<Second> {
        match self.secret.taken(typed, now, Some(self.last)) {
            Some(step) => Some(Second::Step(step)),
            None => Code::read(typed).map(|code| Second::Recovery(code.recovery_hash())),
        }
    }
}

/// The second factor of an account as the audit log tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FactorState {
    /// None.
    Off,
    /// In force.
    On,
    /// In force until the code that was given is used.
    EndsWithCode,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("an instant")
    }

    #[test]
    fn one_field_takes_both_kinds_of_code() {
        let secret = TotpSecret::new(*b"12345678901234567890");
        let factor = SecondFactor { secret, last: Step(0), codes_left: 1 };
        assert_eq!(factor.read("287 082", at(59)), Some(Second::Step(Step(1))));
        let code = Code::from_random([9; 12]);
        assert_eq!(factor.read(&code.shown(), at(59)), Some(Second::Recovery(code.recovery_hash())));
        assert_ne!(code.recovery_hash(), code.hash(), "a recovery code is no invitation");
        assert_eq!(factor.read("287083", at(59)), None);
    }

    proptest! {
        /// Whatever is typed in whatever order, forwards and backwards in time,
        /// each code is taken once at most, and the last one taken only rises.
        #[test]
        fn a_code_is_taken_once_at_most(
            bytes in any::<[u8; 20]>(),
            tries in proptest::collection::vec((0i64..600, 0i64..600), 1..60),
        ) {
            let secret = TotpSecret::new(bytes);
            let mut factor = SecondFactor { secret: secret.clone(), last: Step(0), codes_left: 0 };
            let mut taken = std::collections::BTreeSet::new();
            for (made, typed) in tries {
                // The code of the half minute `made`, typed when it is `typed`.
                let code = secret.code(Step::at(at(made)));
                if let Some(Second::Step(step)) = factor.read(&code, at(typed)) {
                    prop_assert!(step > factor.last, "{step:?} after {:?}", factor.last);
                    prop_assert!(step.0.abs_diff(Step::at(at(typed)).0) <= 1);
                    prop_assert!(taken.insert(step), "{step:?} was taken twice");
                    factor.last = step;
                }
            }
        }
    }
}
