//! What a player reports: every 10 s and on every change.

use sha2::{Digest as _, Sha256};

use crate::base::Lang;

/// Whole numbers above this are not exact in a browser.
const LARGEST_SEQ: u64 = 1 << 53;
/// The year 2200, ms of the epoch: no clock and no position lies beyond.
const LATEST_MS: i64 = 7_258_118_400_000;
const FASTEST: f64 = 16.0;

/// What the player is doing from this beat on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PlayState {
    /// The picture moves.
    Playing,
    /// A person paused it.
    Paused,
    /// It waits for data.
    Stalled,
    /// The item is over.
    Ended,
}

/// One report of a player. Fields not known here are ignored, so that players may add some.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Beat {
    /// Counts the beats of one boot from any start, by one.
    pub seq: u64,
    /// Names one run of the player, such as one load of a page; `mono_ms` and `seq` belong to it.
    pub boot: String,
    /// The player's monotonic clock, ms from any origin; never steps back within a boot.
    pub mono_ms: i64,
    /// The player's wall clock, ms of the epoch. A claim: credit never rests on it.
    pub wall_ms: i64,
    /// Media position in ms: a channel's programme date since the epoch, a lesson's time from its start.
    pub pos_ms: i64,
    /// Playback rate; 1 is as filmed.
    pub rate: f64,
    /// What the player does from now on.
    pub state: PlayState,
    /// Whether the picture can be seen.
    pub visible: bool,
    /// The newest server nonce the player holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
    /// Audio language being heard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lang: Option<Lang>,
}

/// A beat outside its bounds.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum BadBeat {
    /// The boot id is empty, too long or not printable ASCII.
    #[error("`boot`: expected 1 to 64 printable ASCII characters without spaces")]
    Boot,
    /// The sequence number is too large.
    #[error("`seq`: expected at most 2^53, got {0}")]
    Seq(u64),
    /// A time or position is out of range.
    #[error("`{field}`: expected milliseconds from 0 to {LATEST_MS}, got {value}")]
    Range {
        /// The field's name.
        field: &'static str,
        /// What was given.
        value: i64,
    },
    /// The rate is not a usable number.
    #[error("`rate`: expected a number from 0 to 16, got {0}")]
    Rate(f64),
    /// The nonce is too long to be one of ours.
    #[error("`nonce`: expected at most 64 characters")]
    Nonce,
}

impl Beat {
    /// Checks the bounds of every field. Says nothing about truth.
    pub fn validate(&self) -> Result<(), BadBeat> {
        if !(1..=64).contains(&self.boot.len()) || !self.boot.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(BadBeat::Boot);
        }
        if self.seq > LARGEST_SEQ {
            return Err(BadBeat::Seq(self.seq));
        }
        let fields = [("mono_ms", self.mono_ms), ("wall_ms", self.wall_ms), ("pos_ms", self.pos_ms)];
        if let Some((field, value)) = fields.into_iter().find(|(_, v)| !(0..=LATEST_MS).contains(v)) {
            return Err(BadBeat::Range { field, value });
        }
        if !(0.0..=FASTEST).contains(&self.rate) {
            return Err(BadBeat::Rate(self.rate));
        }
        if self.nonce.as_ref().is_some_and(|n| n.len() > 64) {
            return Err(BadBeat::Nonce);
        }
        Ok(())
    }

    /// The same beat as evidence keeps it: the rate in whole thousandths, which
    /// every text form carries exactly, and without the nonce, which is spent.
    pub(super) fn settled(mut self) -> Self {
        self.rate = (self.rate * 1000.0).round() / 1000.0;
        self.nonce = None;
        self
    }

    /// Tells a retry from a fork. The nonce is left out: a retry may carry a newer one.
    pub(super) fn print(&self) -> u32 {
        let mut hash = Sha256::new();
        for n in [self.mono_ms, self.wall_ms, self.pos_ms, (self.rate * 1000.0).round() as i64] {
            hash.update(n.to_be_bytes());
        }
        hash.update([self.state as u8, u8::from(self.visible)]);
        hash.update(self.lang.as_ref().map_or("", Lang::as_str));
        let digest = hash.finalize();
        u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const JSON: &str = r#"{"seq":1,"boot":"b-1","mono_ms":10,"wall_ms":1700000000000,"pos_ms":0,
        "rate":1,"state":"playing","visible":true,"buffer_ms":9000}"#;

    fn beat() -> Beat {
        serde_json::from_str(JSON).expect("a beat with a field of its own")
    }

    #[test]
    fn a_player_may_add_fields_and_leave_out_nonce_and_language() {
        assert_eq!(beat().validate(), Ok(()));
        assert_eq!(beat().nonce, None);
    }

    #[test]
    fn fields_out_of_bounds_are_named() {
        let bad = |change: fn(&mut Beat)| {
            let mut b = beat();
            change(&mut b);
            b.validate().expect_err("out of bounds").to_string()
        };
        assert!(bad(|b| b.boot.clear()).starts_with("`boot`"));
        assert!(bad(|b| b.boot = "启动".into()).starts_with("`boot`"));
        assert!(bad(|b| b.seq = u64::MAX).starts_with("`seq`"));
        assert!(bad(|b| b.mono_ms = -1).starts_with("`mono_ms`"));
        assert!(bad(|b| b.pos_ms = i64::MAX).starts_with("`pos_ms`"));
        assert!(bad(|b| b.rate = f64::NAN).starts_with("`rate`"));
        assert!(bad(|b| b.rate = f64::INFINITY).starts_with("`rate`"));
        assert!(bad(|b| b.nonce = Some("x".repeat(65))).starts_with("`nonce`"));
    }

    #[test]
    fn a_retry_with_a_newer_nonce_has_the_same_print() {
        let retry = Beat { nonce: Some("n".into()), ..beat() };
        assert_eq!(retry.print(), beat().print());
        let other = Beat { pos_ms: 1, ..beat() };
        assert_ne!(other.print(), beat().print());
    }
}
