//! How loud a sound is over its length, for a picture of it.

/// Samples of both channels in a moment of 100 ms, at 48 kHz.
const MOMENT: usize = 9_600;

/// Takes sound as it comes, and keeps its power by moments: 3.5 MB of twelve hours.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Levels {
    /// Mean square of each moment that is over.
    moments: Vec<f64>,
    /// Sum of squares of the one under way, and its samples.
    sum: f64,
    samples: usize,
}

impl Levels {
    /// Appends interleaved samples of two channels at 48 kHz.
    pub(super) fn add(&mut self, samples: &[f32]) {
        for sample in samples {
            self.sum += f64::from(*sample).powi(2);
            self.samples += 1;
            if self.samples == MOMENT {
                self.end_moment();
            }
        }
    }

    fn end_moment(&mut self) {
        if self.samples > 0 {
            self.moments.push(self.sum / self.samples as f64);
        }
        (self.sum, self.samples) = (0.0, 0);
    }

    /// The amplitude (root mean square) of `count` equal stretches, or of as many as there are
    /// moments, of 255 for the loudest. Silence is all 0.
    pub(super) fn bars(mut self, count: usize) -> Vec<u8> {
        self.end_moment();
        let all = self.moments.len();
        let count = count.min(all);
        let stretch = |n: usize| &self.moments[n * all / count..(n + 1) * all / count];
        let amplitudes: Vec<f64> =
            (0..count).map(stretch).map(|s| (s.iter().sum::<f64>() / s.len() as f64).sqrt()).collect();
        let loudest = amplitudes.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
        amplitudes.iter().map(|a| (a / loudest * 255.0).round() as u8).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A tone that is this loud in each moment, handed over in `pieces` samples at a time.
    fn heard(loud: &[f32], pieces: usize) -> Levels {
        let samples: Vec<f32> =
            loud.iter().flat_map(|l| std::iter::repeat_n([*l, -*l], MOMENT / 2)).flatten().collect();
        let mut levels = Levels::default();
        samples.chunks(pieces).for_each(|piece| levels.add(piece));
        levels
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn bars_are_as_loud_as_what_they_stand_for(
            loud in prop::collection::vec(0.0f32..1.0, 1..40), pieces in 1usize..20_000, count in 1usize..60,
        ) {
            let bars = heard(&loud, pieces).bars(count);
            prop_assert_eq!(bars.len(), count.min(loud.len()));
            prop_assert!(bars.contains(&255) || loud.iter().all(|l| *l == 0.0));
            if count >= loud.len() {
                let loudest = loud.iter().copied().fold(0.0, f32::max);
                for (bar, l) in bars.iter().zip(&loud) {
                    prop_assert!((f32::from(*bar) - l / loudest * 255.0).abs() < 1.0);
                }
            }
        }
    }

    #[test]
    fn nothing_and_silence_have_no_height() {
        assert_eq!(Levels::default().bars(240), Vec::<u8>::new());
        assert_eq!(heard(&[0.0; 3], 7).bars(2), [0, 0]);
        // What is shorter than a moment is one.
        let mut short = Levels::default();
        short.add(&[0.5; 10]);
        assert_eq!(short.bars(240), [255]);
    }
}
