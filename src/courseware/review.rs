//! The way of a package onto the air (审核): a draft is submitted, approved by a second
//! person and published; what is published can be withdrawn. Pure: what was done so far
//! and where the package lies in, what may be done next out.

use jiff::Timestamp;

use crate::base::AccountId;

use super::Hold;

/// What a person does to a package.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Act {
    /// Hands it in for review.
    Submit,
    /// Gives it back to be made better; says why.
    Return,
    /// Says that it may be published.
    Approve,
    /// Puts it on offer.
    Publish,
    /// Takes it back; says why.
    Withdraw,
}

impl Act {
    /// Every act, in the order of a package's way.
    pub const ALL: [Self; 5] = [Self::Submit, Self::Approve, Self::Return, Self::Publish, Self::Withdraw];

    /// Its name in forms.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Submit => "submit",
            Self::Return => "return",
            Self::Approve => "approve",
            Self::Publish => "publish",
            Self::Withdraw => "withdraw",
        }
    }

    /// From its name in forms.
    pub fn read(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|act| act.as_str() == name)
    }

    /// True if it is done with a reason.
    pub fn says_why(self) -> bool {
        matches!(self, Self::Return | Self::Withdraw)
    }
}

/// Where a package stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Nobody has handed it in (since it was given back).
    Draft,
    /// It waits for a second person.
    InReview,
    /// It may be published.
    Approved,
    /// It is on offer.
    Published,
    /// It was on offer.
    Withdrawn,
    /// Its bytes are not those it was made with.
    Damaged,
}

/// What was done, by whom and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub who: Option<AccountId>,
    /// What.
    pub act: Act,
}

/// Somebody at the door.
#[derive(Debug, Clone, Copy)]
pub struct Person<'a> {
    /// Who.
    pub id: &'a AccountId,
    /// May change lessons.
    pub edits: bool,
    /// May approve what others made.
    pub reviews: bool,
}

/// Why something cannot be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotNow {
    /// It stands elsewhere (by now).
    #[error("this cannot be done where the lesson stands now")]
    Elsewhere,
    /// Whoever asks may not.
    #[error("this is not yours to do")]
    Forbidden,
    /// Who handed it in does not approve it as well.
    #[error("somebody else has to approve what you handed in")]
    AnotherPerson,
}

/// One package under review.
#[derive(Debug, Clone, Copy)]
pub struct Review<'a> {
    /// Why it is held, as the disk says; none: it is on offer.
    pub hold: Option<Hold>,
    /// What was done to this content of the lesson, oldest first.
    pub steps: &'a [Step],
    /// True where the county wants a second person.
    pub by_two: bool,
}

impl Review<'_> {
    /// Where it stands. The disk decides what is on offer, the steps how near the rest is.
    pub fn stage(&self) -> Stage {
        let resting = match self.hold {
            None => return Stage::Published,
            Some(Hold::Damaged) => return Stage::Damaged,
            Some(Hold::Waiting) => Stage::Draft,
            Some(Hold::Withdrawn) => Stage::Withdrawn,
        };
        match self.steps.last().map(|step| step.act) {
            None | Some(Act::Withdraw) => resting,
            Some(Act::Return) => Stage::Draft,
            Some(Act::Submit) => Stage::InReview,
            // Written down, and the power failed before it was done: it may be done.
            Some(Act::Approve | Act::Publish) => Stage::Approved,
        }
    }

    /// May `person` do this now?
    pub fn may(&self, act: Act, person: &Person<'_>) -> Result<(), NotNow> {
        let (stage, two) = (self.stage(), self.by_two);
        let fits = match act {
            Act::Submit => two && matches!(stage, Stage::Draft | Stage::Withdrawn),
            Act::Return => matches!(stage, Stage::InReview | Stage::Approved),
            Act::Approve => stage == Stage::InReview,
            // What is damaged was published before; it comes back as it was, or not at all.
            Act::Publish => {
                matches!(stage, Stage::Approved | Stage::Damaged)
                    || (!two && matches!(stage, Stage::Draft | Stage::InReview | Stage::Withdrawn))
            }
            Act::Withdraw => stage == Stage::Published,
        };
        let allowed = match act {
            Act::Submit => person.edits,
            Act::Approve => person.reviews,
            Act::Return | Act::Publish | Act::Withdraw => person.edits || person.reviews,
        };
        match (fits, allowed) {
            (false, _) => Err(NotNow::Elsewhere),
            (_, false) => Err(NotNow::Forbidden),
            _ if act == Act::Approve && self.submitter() == Some(person.id) => Err(NotNow::AnotherPerson),
            _ => Ok(()),
        }
    }

    /// Who handed it in last.
    pub fn submitter(&self) -> Option<&AccountId> {
        self.steps.iter().rev().find(|step| step.act == Act::Submit)?.who.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn account(n: usize) -> AccountId {
        AccountId::new(["aa", "bb", "cc", "dd"][n]).expect("a name")
    }

    /// What the disk says after an act.
    fn after(act: Act, hold: Option<Hold>) -> Option<Hold> {
        match act {
            Act::Publish => None,
            Act::Withdraw => Some(Hold::Withdrawn),
            _ => hold,
        }
    }

    proptest! {
        /// Whatever people try: what is on offer was handed in by one and approved by
        /// another who may, and nobody gave it back in between.
        #[test]
        fn nothing_is_published_that_no_second_person_approved(
            tries in proptest::collection::vec((0_usize..5, 0_usize..4), 0..60),
        ) {
            // An editor, a reviewer, one who is both, and one who is neither.
            let rights = [(true, false), (false, true), (true, true), (false, false)];
            let (mut hold, mut steps) = (Some(Hold::Waiting), Vec::<Step>::new());
            for (act, n) in tries {
                let act = Act::ALL[act];
                let who = account(n);
                let person = Person { id: &who, edits: rights[n].0, reviews: rights[n].1 };
                let review = Review { hold, steps: &steps, by_two: true };
                if review.may(act, &person).is_err() {
                    continue;
                }
                prop_assert_ne!(n, 3, "who has no right does nothing");
                if act == Act::Publish {
                    let since = steps.iter().rposition(|s| matches!(s.act, Act::Return | Act::Withdraw));
                    let way = &steps[since.map_or(0, |at| at + 1)..];
                    let done: Vec<Act> = way.iter().map(|s| s.act).collect();
                    prop_assert_eq!(&done[..], &[Act::Submit, Act::Approve]);
                    prop_assert_ne!(&way[0].who, &way[1].who);
                    prop_assert_ne!(way[1].who.clone(), Some(account(0)), "an editor alone approves nothing");
                }
                hold = after(act, hold);
                steps.push(Step { at: Timestamp::UNIX_EPOCH, who: Some(who), act });
                // A crash between the two leads to a stage from which it goes on.
                let stage = Review { hold, steps: &steps, by_two: true }.stage();
                prop_assert_eq!(stage == Stage::Published, hold.is_none());
            }
        }
    }

    #[test]
    fn what_was_written_down_and_not_done_can_be_done() {
        let step = |act, n| Step { at: Timestamp::UNIX_EPOCH, who: Some(account(n)), act };
        let both = account(2);
        let person = Person { id: &both, edits: true, reviews: true };
        let steps = [step(Act::Submit, 0), step(Act::Approve, 1), step(Act::Publish, 1)];
        let crashed = Review { hold: Some(Hold::Waiting), steps: &steps, by_two: true };
        assert_eq!(crashed.may(Act::Publish, &person), Ok(()));
        let withdrawn = [&steps[..], &[step(Act::Withdraw, 0)]].concat();
        let crashed = Review { hold: None, steps: &withdrawn, by_two: true };
        assert_eq!((crashed.stage(), crashed.may(Act::Withdraw, &person)), (Stage::Published, Ok(())));
    }

    #[test]
    fn who_handed_it_in_is_told_that_another_approves() {
        let own = account(2);
        let person = Person { id: &own, edits: true, reviews: true };
        let steps = [Step { at: Timestamp::UNIX_EPOCH, who: Some(own.clone()), act: Act::Submit }];
        let review = Review { hold: Some(Hold::Waiting), steps: &steps, by_two: true };
        assert_eq!(review.may(Act::Approve, &person), Err(NotNow::AnotherPerson));
        assert_eq!(review.may(Act::Publish, &person), Err(NotNow::Elsewhere));
        let alone = Review { by_two: false, ..review };
        assert_eq!(alone.may(Act::Publish, &person), Ok(()), "a county without a second person");
    }

    #[test]
    fn an_act_has_one_name() {
        for act in Act::ALL {
            assert_eq!(Act::read(act.as_str()), Some(act));
        }
        assert_eq!(Act::read("delete"), None);
    }
}
