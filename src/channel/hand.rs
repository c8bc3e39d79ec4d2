//! What somebody on duty puts in the schedule's place, by hand and by name.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::base::{ChannelId, RelayId};

use super::Airing;

/// What was asked for.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
pub enum Command {
    /// The airing of this number goes on to the end of its source, whatever the plan says.
    Hold {
        /// Its number in the as-run log.
        no: u64,
    },
    /// The airing of this number ends now; what its programme plays next follows.
    Skip {
        /// Its number in the as-run log.
        no: u64,
    },
    /// This relay, whatever the plan says.
    Relay {
        /// Which relay.
        relay: RelayId,
    },
    /// The slate, whatever the plan says.
    Slate,
    /// The schedule again, where it stands by now.
    Return,
}

/// The last command of each channel.
pub type Hands = BTreeMap<ChannelId, Hand>;

/// A command in force until another is given, or until it ends by itself.
///
/// It is an input of the timeline like the plan: the same plan, command and log
/// lead to the same timeline, before and after a restart.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Hand {
    /// What.
    #[serde(flatten)]
    pub command: Command,
    /// When it was given.
    pub since: Timestamp,
    /// When the schedule returns by itself; none: when somebody says so.
    pub until: Option<Timestamp>,
    /// The name of who gave it.
    pub by: String,
}

impl Hand {
    /// True if it stands in the schedule's place at `t`: a relay or the slate, before its end.
    pub fn takes_over(&self, t: Timestamp) -> bool {
        let instead = matches!(self.command, Command::Relay { .. } | Command::Slate);
        instead && self.until.is_none_or(|until| t < until)
    }

    /// True if it keeps `airing` on air at `t` past its planned end.
    pub(super) fn holds(&self, airing: &Airing, t: Timestamp) -> bool {
        self.command == Command::Hold { no: airing.no } && self.until.is_none_or(|until| t < until)
    }

    /// True if `airing`, which the log has as still on air, may have been on air at
    /// `t` past its planned end: held by this command, or by one before it.
    pub(super) fn may_have_kept(&self, airing: &Airing, t: Timestamp) -> bool {
        self.holds(airing, t) || (airing.until < self.since && t <= self.since)
    }

    /// True if it ends the airing with number `no`.
    pub(super) fn skips(&self, no: u64) -> bool {
        self.command == Command::Skip { no }
    }

    /// True if the airing that begins at `start` after `last` is its doing.
    pub(super) fn leads_to(&self, last: Option<&Airing>, start: Timestamp) -> bool {
        match self.command {
            Command::Relay { .. } | Command::Slate if self.takes_over(start) => true,
            // What follows when it has ended, by itself or by another command.
            Command::Relay { .. } | Command::Slate | Command::Return => last.is_some_and(Airing::by_hand),
            Command::Hold { no } | Command::Skip { no } => last.is_some_and(|last| last.no == no),
        }
    }
}
