//! The system clock of a stream: its PCR and what lies between them.

use super::{MS, PACKET, Packet, Report};

const CYCLE: i64 = 300 << 33;

/// The system clock, as the PCR tell it.
pub(super) struct Clock {
    /// Byte and time in 27 MHz ticks, unwrapped.
    points: Vec<(usize, i64)>,
}

impl Clock {
    pub(super) fn read(stream: &[u8], report: &mut Report) -> Self {
        let mut points: Vec<(usize, i64)> = Vec::new();
        for (index, bytes) in stream.chunks(PACKET).enumerate() {
            let packet = Packet::read(bytes);
            let Some(pcr) = packet.pcr else { continue };
            if *report.pcr_pid.get_or_insert(packet.pid) != packet.pid {
                report.error(index, "PCR on another PID");
            }
            let time = match points.last() {
                None => pcr,
                Some((_, last)) => {
                    let step = (pcr - last).rem_euclid(CYCLE);
                    report.pcr_interval_ms = report.pcr_interval_ms.max(step as f64 / MS);
                    if !(1..=2_700_000).contains(&step) {
                        report.error(index, format!("PCR {} ms after the one before", step as f64 / MS));
                    }
                    last + step
                }
            };
            points.push((index * PACKET + 10, time));
        }
        if points.len() < 2 {
            report.errors.push("expected at least two PCR".into());
        }
        let clock = Self { points };
        report.pcr_deviation_ns = clock.deviation() * 1_000.0 / 27.0;
        clock
    }

    /// When a byte arrives (§2.4.2.2), in 27 MHz ticks.
    pub(super) fn time(&self, byte: usize) -> f64 {
        let after = self.points.partition_point(|(at, _)| *at <= byte);
        let low = after.saturating_sub(1).min(self.points.len().saturating_sub(2));
        match self.points.get(low..low + 2) {
            Some([(a, from), (b, to)]) => {
                // After the last PCR the rate is not known: it is one more interval at most.
                let part = ((byte as f64 - *a as f64) / (b - a) as f64).min(2.0);
                *from as f64 + part * (to - from) as f64
            }
            _ => 0.0,
        }
    }

    /// The largest distance from the line of least squares, in 27 MHz ticks.
    fn deviation(&self) -> f64 {
        let Some((x0, y0)) = self.points.first().copied() else { return 0.0 };
        let points: Vec<(f64, f64)> =
            self.points.iter().map(|(x, y)| ((x - x0) as f64, (y - y0) as f64)).collect();
        let count = points.len() as f64;
        let (x_mean, y_mean) =
            points.iter().fold((0.0, 0.0), |(a, b), (x, y)| (a + x / count, b + y / count));
        let (above, below) = points.iter().fold((0.0, 0.0), |(a, b), (x, y)| {
            (a + (x - x_mean) * (y - y_mean), b + (x - x_mean) * (x - x_mean))
        });
        let slope = if below > 0.0 { above / below } else { 0.0 };
        points.iter().map(|(x, y)| (y - y_mean - slope * (x - x_mean)).abs()).fold(0.0, f64::max)
    }
}
