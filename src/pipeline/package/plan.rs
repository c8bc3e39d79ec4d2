//! What is encoded, decided before the first frame.

use std::path::{Path, PathBuf};

use crate::base::Lang;

use super::{FRAMES, LadderRung, PackageJob, language};
use crate::pipeline::frame::AAC_SAMPLES;
use crate::pipeline::probe::{Picture, Probe, Sound};

/// Width, height and pictures a second of a card.
const CARD: (u32, u32, f64) = (1280, 720, 25.0);
/// EBU R 128 target.
const TARGET_LUFS: f64 = -23.0;
/// -1 dBTP.
pub(super) const PEAK_LIMIT: f64 = 0.891_25;
/// Quieter than this is taken for silence and left as it is.
const SILENCE_LUFS: f64 = -60.0;

/// What is encoded, decided before the first frame.
pub(super) struct Plan {
    pub(super) input: PathBuf,
    /// None: the card is shown.
    pub(super) picture: Option<Picture>,
    pub(super) fps: u32,
    pub(super) rungs: Vec<(LadderRung, u32, u32)>,
    pub(super) sounds: Vec<PlannedSound>,
}

pub(super) struct PlannedSound {
    pub(super) path: PathBuf,
    pub(super) sound: Sound,
    pub(super) lang: Lang,
}

impl Plan {
    /// For the film at `input`, which may be another file than was uploaded.
    pub(super) fn new(job: &PackageJob, input: &Path, main: &Probe) -> Self {
        let picture = main.picture.clone();
        let (width, height, rate) = picture.as_ref().map_or(CARD, |p| (p.width, p.height, p.fps));
        // 30 frames would judder at 25; everything else is shown at 25.
        let fps = if [30.0, 60.0].iter().any(|f| (rate - f).abs() < 0.1) { 30 } else { 25 };
        // No rung above the source, but always one.
        let mut rungs: Vec<LadderRung> =
            job.ladder.iter().filter(|r| r.height <= height + 8).cloned().collect();
        if rungs.is_empty() {
            rungs.extend(job.ladder.last().cloned());
        }
        let rungs = rungs.into_iter().map(|r| {
            let (w, h) = r.size(width, height);
            (r, w, h)
        });
        let rungs = rungs.collect();
        let mut plan = Self { input: input.to_owned(), picture, fps, rungs, sounds: Vec::new() };
        for sound in &main.sounds {
            let taken = |l: &Lang| plan.sounds.iter().any(|s| &s.lang == l);
            let lang = language(sound.code.as_deref(), &job.languages, &taken);
            if let Some(lang) = lang {
                plan.add_sound(input.to_owned(), sound.clone(), lang);
            }
        }
        plan
    }

    pub(super) fn add_sound(&mut self, path: PathBuf, sound: Sound, lang: Lang) {
        // A side file replaces the track of its language.
        self.sounds.retain(|s| s.lang != lang);
        self.sounds.push(PlannedSound { path, sound, lang });
    }

    /// When the longest sound ends, nanoseconds.
    pub(super) fn sound_end_ns(&self) -> u64 {
        self.sounds.iter().map(|s| s.sound.end_ns).max().unwrap_or_default()
    }

    pub(super) fn segment_us(&self) -> u64 {
        u64::from(FRAMES) * 1_000_000 / u64::from(self.fps)
    }

    pub(super) fn aac_frames(&self) -> usize {
        (self.segment_us() * 48_000 / 1_000_000 / AAC_SAMPLES as u64) as usize
    }
}

impl PlannedSound {
    /// Linear gain to the target loudness.
    pub(super) fn gain(&self) -> f64 {
        if self.sound.loudness < SILENCE_LUFS {
            return 1.0;
        }
        10f64.powf((TARGET_LUFS - self.sound.loudness) / 20.0)
    }

    /// True if the peaks would pass the limit then: they have to be held down.
    pub(super) fn is_limited(&self) -> bool {
        self.gain() * self.sound.peak > PEAK_LIMIT
    }
}
