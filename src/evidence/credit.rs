//! The credit rules: what one interval between two beats is worth.

use jiff::Timestamp;

use crate::base::SessionId;

use super::beat::{Beat, PlayState};
use super::nonce::NonceKey;

/// Longest monotonic time between two beats that still earns credit.
const LONGEST_MS: i64 = 45_000;
/// Longest interval counted as hidden, paused or stalled. It earns nothing, so
/// the browsers that wake a hidden page once a minute may be believed.
const LONGEST_IDLE_MS: i64 = 300_000;
const RATES: std::ops::RangeInclusive<f64> = 0.5..=2.0;
/// Positions may stray this far from rate times time, or by `DRIFT_SHARE` of it.
const DRIFT_MS: f64 = 2_000.0;
const DRIFT_SHARE: f64 = 0.15;
/// Server time may fall short of monotonic time by this much.
pub(super) const HURRY_MS: i64 = 5_000;
/// Players round; the last frame may end this far behind the item's duration.
const ROUNDING_MS: i64 = 100;

/// How well a credited interval is supported. Of the last three each includes those before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// Nothing was credited.
    Nothing,
    /// LS: without a line, signed by the device. Counted apart.
    Sealed,
    /// L1: the player's reports fit together.
    Claimed,
    /// L2: they were made while the server's clock ran alongside.
    Timed,
    /// L3: and the server had delivered the media first.
    Delivered,
}

/// A beat as the server took it.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Received {
    /// What the player said.
    pub beat: Beat,
    /// When the server received it.
    pub at: Timestamp,
    /// When the nonce it echoed was made; none if it carried no fresh one.
    pub nonce_issued: Option<Timestamp>,
}

impl Received {
    /// A beat for `session` that comes at `at`; its nonce is looked at.
    pub fn new(beat: Beat, session: &SessionId, nonces: &NonceKey, at: Timestamp) -> Self {
        let nonce_issued = beat.nonce.as_ref().and_then(|nonce| nonces.fresh(nonce, session, at));
        Self { beat, at, nonce_issued }
    }
}

/// What one interval is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Credit {
    /// It was watched.
    Watched {
        /// Wall time credited: the lesser of monotonic and media time, ms.
        worth_ms: i64,
        /// Media interval `[from, to)` on the item's line, ms.
        media: (i64, i64),
        /// Whether L2 holds.
        timed: bool,
    },
    /// It played where nobody could see it, ms.
    Hidden(i64),
    /// It was paused, ms.
    Paused(i64),
    /// It waited for data, ms.
    Stalled(i64),
    /// It counts zero.
    Nothing(NoCredit),
}

/// Why an interval counts zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoCredit {
    /// The beats are of two boots or do not follow one another.
    NotContiguous,
    /// Monotonic time stood still, stepped back, or too much of it passed.
    Time,
    /// The item was over.
    Ended,
    /// The rate is under 0.5 or over 2.
    Rate,
    /// The position went back, stood still, or jumped.
    Jump,
    /// A position lies outside the item.
    Outside,
}

/// What lies between two beats is worth this much.
///
/// The state, rate and visibility of an interval are those of `prev`: a player
/// sends a beat on every change, so they held until `next`. `item_ms` is a
/// lesson's duration; a channel has none.
pub fn interval(prev: &Received, next: &Received, item_ms: Option<i64>) -> Credit {
    let (a, b) = (&prev.beat, &next.beat);
    if a.boot != b.boot || a.seq.checked_add(1) != Some(b.seq) {
        return Credit::Nothing(NoCredit::NotContiguous);
    }
    let mono = b.mono_ms.saturating_sub(a.mono_ms);
    let longest = if a.state == PlayState::Playing && a.visible { LONGEST_MS } else { LONGEST_IDLE_MS };
    if mono <= 0 || mono > longest {
        return Credit::Nothing(NoCredit::Time);
    }
    match a.state {
        PlayState::Paused => Credit::Paused(mono),
        PlayState::Stalled => Credit::Stalled(mono),
        PlayState::Ended => Credit::Nothing(NoCredit::Ended),
        PlayState::Playing if !a.visible => Credit::Hidden(mono),
        PlayState::Playing => match played(a, b, mono, item_ms) {
            Ok(media) => {
                let worth_ms = mono.min(media.1 - media.0);
                Credit::Watched { worth_ms, media, timed: timed(prev, next, mono) }
            }
            Err(why) => Credit::Nothing(why),
        },
    }
}

/// The media interval played, if the positions can be believed.
fn played(a: &Beat, b: &Beat, mono: i64, item_ms: Option<i64>) -> Result<(i64, i64), NoCredit> {
    if !RATES.contains(&a.rate) {
        return Err(NoCredit::Rate);
    }
    let to = match item_ms {
        Some(end) if b.pos_ms > end.saturating_add(ROUNDING_MS) => return Err(NoCredit::Outside),
        Some(end) => b.pos_ms.min(end),
        None => b.pos_ms,
    };
    let from = a.pos_ms;
    if from < 0 {
        return Err(NoCredit::Outside);
    }
    let moved = to.saturating_sub(from);
    let expected = a.rate * mono as f64;
    if moved <= 0 || (moved as f64 - expected).abs() > DRIFT_MS.max(DRIFT_SHARE * expected) {
        return Err(NoCredit::Jump);
    }
    Ok((from, to))
}

/// L2: both beats echo fresh nonces, and the server's clock ran alongside.
fn timed(prev: &Received, next: &Received, mono: i64) -> bool {
    let server = next.at.as_millisecond() - prev.at.as_millisecond();
    prev.nonce_issued.is_some() && next.nonce_issued.is_some() && server >= mono - HURRY_MS
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::testing::{at, received};

    fn credit(change: impl Fn(&mut Received, &mut Received)) -> Credit {
        let (mut prev, mut next) = (received(4, 0, 50_000), received(5, 10_000, 60_000));
        change(&mut prev, &mut next);
        interval(&prev, &next, Some(3_600_000))
    }

    const fn watched(worth_ms: i64, media: (i64, i64)) -> Credit {
        Credit::Watched { worth_ms, media, timed: true }
    }

    #[test]
    fn ten_seconds_of_playing_are_worth_ten_seconds() {
        assert_eq!(credit(|_, _| ()), watched(10_000, (50_000, 60_000)));
    }

    #[test]
    fn an_interval_is_worth_the_lesser_of_time_and_media() {
        assert_eq!(credit(|_, b| b.beat.pos_ms = 59_000), watched(9_000, (50_000, 59_000)));
        assert_eq!(credit(|_, b| b.beat.pos_ms = 62_000), watched(10_000, (50_000, 62_000)));
        let twice = |a: &mut Received, b: &mut Received| (a.beat.rate, b.beat.pos_ms) = (2.0, 70_000);
        assert_eq!(credit(twice), watched(10_000, (50_000, 70_000)));
        let half = |a: &mut Received, b: &mut Received| (a.beat.rate, b.beat.pos_ms) = (0.5, 55_000);
        assert_eq!(credit(half), watched(5_000, (50_000, 55_000)));
    }

    #[test]
    fn the_bounds_are_those_of_the_rules() {
        let none = Credit::Nothing;
        // 0 < time ≤ 45 s, and 15 % of 45 s is more than 2 s.
        let long = |ms: i64| {
            credit(|_, b| {
                (b.beat.mono_ms, b.beat.pos_ms) = (ms, 50_000 + ms);
                b.at = at(ms);
            })
        };
        assert_eq!(long(45_000), watched(45_000, (50_000, 95_000)));
        assert_eq!(long(45_001), none(NoCredit::Time));
        assert_eq!(long(0), none(NoCredit::Time));
        assert_eq!(long(-5), none(NoCredit::Time));
        // Two seconds of drift at ten seconds, not more; nothing backwards.
        assert_eq!(credit(|_, b| b.beat.pos_ms = 62_001), none(NoCredit::Jump));
        assert_eq!(credit(|_, b| b.beat.pos_ms = 57_999), none(NoCredit::Jump));
        assert_eq!(credit(|_, b| b.beat.pos_ms = 50_000), none(NoCredit::Jump));
        assert_eq!(credit(|_, b| b.beat.pos_ms = 40_000), none(NoCredit::Jump));
        assert_eq!(credit(|a, _| a.beat.rate = 0.49), none(NoCredit::Rate));
        assert_eq!(credit(|a, _| a.beat.rate = 2.01), none(NoCredit::Rate));
    }

    #[test]
    fn only_the_next_beat_of_the_same_boot_makes_an_interval() {
        let none = Credit::Nothing(NoCredit::NotContiguous);
        assert_eq!(credit(|_, b| b.beat.seq = 6), none);
        assert_eq!(credit(|_, b| b.beat.seq = 4), none);
        assert_eq!(credit(|_, b| b.beat.boot = "another".into()), none);
    }

    #[test]
    fn positions_lie_inside_the_item() {
        let ending_at = |pos: i64| {
            let (a, b) = (received(4, 0, 3_590_000), received(5, 10_000, pos));
            interval(&a, &b, Some(3_600_000))
        };
        assert_eq!(ending_at(3_600_000), watched(10_000, (3_590_000, 3_600_000)));
        assert_eq!(ending_at(3_600_040), watched(10_000, (3_590_000, 3_600_000)));
        assert_eq!(ending_at(3_601_000), Credit::Nothing(NoCredit::Outside));
    }

    #[test]
    fn hidden_paused_and_stalled_time_is_kept_apart() {
        assert_eq!(credit(|a, _| a.beat.visible = false), Credit::Hidden(10_000));
        assert_eq!(credit(|a, _| a.beat.state = PlayState::Paused), Credit::Paused(10_000));
        assert_eq!(credit(|a, _| a.beat.state = PlayState::Stalled), Credit::Stalled(10_000));
        assert_eq!(credit(|a, _| a.beat.state = PlayState::Ended), Credit::Nothing(NoCredit::Ended));
        // What comes after does not matter: it played until the pause.
        assert_eq!(credit(|_, b| b.beat.state = PlayState::Paused), watched(10_000, (50_000, 60_000)));
    }

    #[test]
    fn a_clock_in_a_hurry_is_claimed_but_not_timed() {
        let claimed = Credit::Watched { worth_ms: 10_000, media: (50_000, 60_000), timed: false };
        assert_eq!(credit(|_, b| b.at = at(5_000)), watched(10_000, (50_000, 60_000)));
        assert_eq!(credit(|_, b| b.at = at(4_999)), claimed);
        assert_eq!(credit(|a, _| a.nonce_issued = None), claimed);
        assert_eq!(credit(|_, b| b.nonce_issued = None), claimed);
    }
}
