//! What browsers play already is copied, not encoded: what may become of the copy.

use std::path::Path;

use crate::hls::{PackagedTrack, TrackKind};

use super::LadderRung;
use super::plan::Plan;
use crate::pipeline::PipelineError;

/// A film as it came, in segments that begin with its own key frames.
#[derive(Debug)]
pub(super) struct Copied {
    /// Its picture.
    pub(super) picture: PackagedTrack,
    /// Its sounds, in the order of the plan; none if one of them cannot be copied.
    pub(super) sounds: Option<Vec<PackagedTrack>>,
    /// Duration of each segment, microseconds.
    pub(super) segments_us: Vec<u64>,
    /// When the first picture is shown in the file, 90 kHz: here it is at the beginning.
    pub(super) start: i64,
    /// How long after its decoding the first picture is shown, 90 kHz: where all tracks begin.
    pub(super) delay: i64,
    /// Pictures in each segment.
    pub(super) counts: Vec<usize>,
    /// Pictures a second, if every one is where it would be at that rate, the first less
    /// than a picture from the file's start.
    pub(super) steady: Option<u32>,
}

/// The longest segment of a rung that others are aligned with, microseconds: channels cut
/// their slates, and players wait, by what is usual.
const LONGEST_RUNG_US: u64 = 4_400_000;
/// Sound may go on so long after the picture, nanoseconds.
const AFTER_NS: u64 = 100_000_000;
/// The best rung may have this much more than was asked for, per cent: on average, at its peak.
const MORE: [u64; 2] = [110, 180];
/// More than this is too much for villages, even for a while, bits a second.
const MOST: u64 = 8_000_000;
/// Of so much of a film it is known how much it is, microseconds.
const ENOUGH_US: u64 = 60_000_000;

/// What a film may have at most for its copy to be of any use, bits a second. It is told while
/// it is copied: a disk is soon full of what nobody will use, and a processor busy with it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    average: u64,
    peak: u64,
}

impl Limits {
    /// Those of a film that may be watched before its rungs are made; or those of a rung of `ladder`.
    pub(super) fn of(early: bool, ladder: &[LadderRung]) -> Self {
        let best = ladder.iter().map(|rung| u64::from(rung.kbps)).max().unwrap_or_default();
        match early {
            true => Self { average: MOST, peak: u64::MAX },
            false => Self { average: best * 10 * MORE[0], peak: best * 10 * MORE[1] },
        }
    }

    /// Whether nothing will become of a film of which so much, and last such a segment, has come.
    pub(super) fn exclude(self, (bytes, us): (u64, u64), (last_bytes, last_us): (u64, u64)) -> bool {
        let over = |bytes: u64, us: u64, most: u64| bytes * 8 > most.saturating_mul(us) / 1_000_000;
        over(last_bytes, last_us, self.peak)
            || us > ENOUGH_US && over(bytes, us, self.average)
            || us > ENOUGH_US / 6 && over(bytes, us, self.average * 2)
    }
}

impl Copied {
    /// True if it can be the best rung of `plan`: of its size, rate and length.
    pub(super) fn is_rung(&self, plan: &Plan) -> bool {
        let (Some((rung, width, height)), Some(picture)) = (plan.rungs.first(), &plan.picture) else {
            return false;
        };
        let asked = u64::from(rung.kbps) * 10;
        let rates = [self.picture.average_bandwidth, self.picture.bandwidth];
        (*width, *height) == (picture.width, picture.height)
            && self.steady == Some(plan.fps)
            && self.segments_us.iter().all(|us| *us <= LONGEST_RUNG_US)
            && rates.iter().zip(MORE).all(|(rate, more)| *rate <= asked * more)
            && plan.sound_end_ns() <= self.segments_us.iter().sum::<u64>() * 1000 + AFTER_NS
    }

    /// True if it can be watched as it is until there is better.
    pub(super) fn is_watchable(&self) -> bool {
        self.picture.average_bandwidth <= MOST && self.sounds.as_ref().is_some_and(|s| !s.is_empty())
    }
}

/// What could be copied of a file, by its streams.
#[derive(Debug)]
pub(super) struct Passed {
    pub(super) picture: (String, PackagedTrack),
    /// Empty if one of them cannot be copied.
    pub(super) sounds: Vec<(String, PackagedTrack)>,
    pub(super) segments_us: Vec<u64>,
    pub(super) start: i64,
    pub(super) delay: i64,
    pub(super) counts: Vec<usize>,
    pub(super) steady: Option<u32>,
}

impl Passed {
    /// As `plan` has it, its files in `folder` called as they are to be; none if the plan is of
    /// other streams.
    pub(super) fn by(self, plan: &Plan, folder: &Path) -> Result<Option<Copied>, PipelineError> {
        let (Some(picture), Some((rung, _, _))) = (&plan.picture, plan.rungs.first()) else {
            return Ok(None);
        };
        if !picture.passes || picture.stream != self.picture.0 {
            return Ok(None);
        }
        let mut all = self.sounds.into_iter();
        let mut sounds = Vec::new();
        for planned in plan.sounds.iter().filter(|s| s.path == plan.input) {
            let Some((_, mut track)) = all.find(|(stream, _)| *stream == planned.sound.stream) else { break };
            if let TrackKind::Audio { lang, .. } = &mut track.track.kind {
                *lang = planned.lang.clone();
            }
            sounds.push(called(track, &format!("a-{}", planned.lang), folder)?);
        }
        let picture = called(self.picture.1, &rung.name, folder)?;
        Ok(Some(Copied {
            picture,
            sounds: (sounds.len() == plan.sounds.len()).then_some(sounds),
            segments_us: self.segments_us,
            start: self.start,
            delay: self.delay,
            counts: self.counts,
            steady: self.steady,
        }))
    }
}

/// The track with another name, its file too.
fn called(mut track: PackagedTrack, name: &str, folder: &Path) -> Result<PackagedTrack, PipelineError> {
    let from = folder.join(&track.file);
    (track.track.name, track.file) = (name.to_owned(), format!("{name}.mp4"));
    std::fs::rename(&from, folder.join(&track.file)).map_err(PipelineError::io(from))?;
    Ok(track)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_film_that_is_too_much_little_is_copied() {
        let ladder = [800, 1500].map(|kbps| LadderRung { name: "v".into(), height: 720, kbps });
        let (rung, early) = (Limits::of(false, &ladder), Limits::of(true, &ladder));
        // Four seconds of so many kilobits a second, after so many seconds of as many.
        let excluded = |limits: Limits, kbps: u64, seconds: u64| {
            limits.exclude((kbps * 125 * seconds, seconds * 1_000_000), (kbps * 500, 4_000_000))
        };
        assert!(!excluded(rung, 1600, 3600), "as much as a rung may have");
        assert!(excluded(rung, 1700, 61) && !excluded(rung, 1700, 59), "a little more");
        assert!(excluded(rung, 2800, 4), "more than its peak may be");
        assert!(!excluded(early, 7900, 3600) && !excluded(early, 9000, 30), "it can be watched");
        assert!(excluded(early, 9000, 61) && excluded(early, 22_000, 11), "it cannot");
        assert!(!excluded(early, 22_000, 8), "titles may be lively");
    }
}
