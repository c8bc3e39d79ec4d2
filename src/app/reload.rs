//! What changes of files lead to, while the server runs.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::sync::mpsc;

use crate::base::Bell;
use crate::channel::{Lineup, Rung, Timeline};
use crate::config::{Channel, County};
use crate::delivery::{Channels, OnAir, Outputs, Streaming};
use crate::portal::Changed;
use crate::portal::office::Registrar;

use super::planning::Wake;
use super::relays::Relays;
use super::slates::SlateTask;
use super::television::outputs;

/// Puts changed files in force; clones do the same.
#[derive(Debug, Clone)]
pub(super) struct Reload {
    pub(super) config: PathBuf,
    pub(super) county: Arc<ArcSwap<County>>,
    pub(super) channels: Arc<Channels>,
    pub(super) registrar: Arc<Registrar>,
    pub(super) relays: Arc<Relays>,
    pub(super) slates: SlateTask,
    pub(super) planning: mpsc::Sender<Wake>,
    pub(super) bell: Bell,
    pub(super) streaming: Streaming,
    pub(super) outputs: Arc<Outputs>,
}

impl Changed for Reload {
    /// Reads the configuration again. What cannot change while running
    /// (addresses, folders) is said to need a restart.
    fn county(&self) {
        let mut county = match crate::config::load(&self.config) {
            Ok(county) => county,
            Err(problems) => {
                for problem in &problems.0 {
                    tracing::error!("{problem}");
                }
                tracing::error!("the configuration was not taken: the last good one stays in force");
                return;
            }
        };
        let old = self.county.load();
        let fixed = [
            ("the media folder", old.media != county.media),
            ("limits of the HTTP server", old.http != county.http),
            ("packaging", old.packaging != county.packaging),
            ("where encoders publish", old.rtmp != county.rtmp),
            ("evidence", old.evidence != county.evidence),
        ];
        for (what, _) in fixed.iter().filter(|(_, changed)| *changed) {
            tracing::warn!("a change of {what} takes effect at the next start");
        }
        // These keep their old values: what runs was built from them.
        (county.listen, county.data, county.media) = (old.listen, old.data.clone(), old.media.clone());
        county.packaging = old.packaging.clone();
        if let Err(error) = self.relays.set(&county.relays) {
            tracing::error!(%error, "the relays stay as they were");
            county.relays = old.relays.clone();
        }
        set_channels(&self.channels, &county);
        self.outputs.set(outputs(&county), &self.streaming);
        self.county.store(Arc::new(county));
        self.registrar.refresh();
        let _ = self.planning.try_send(Wake::Again);
        self.bell.ring();
        tracing::info!("the configuration was read again");
    }

    fn schedules(&self) {
        // A full channel means that a look is due anyway.
        let _ = self.planning.try_send(Wake::Files);
    }

    fn lessons(&self) {
        self.slates.publish_now();
        let _ = self.planning.try_send(Wake::Again);
        self.bell.ring();
    }
}

/// A channel that was there before keeps its timeline: who watches notices nothing.
pub(super) fn set_channels(channels: &Channels, county: &County) {
    let old = channels.all();
    let new = county.channels.iter().map(|c| {
        let on_air = OnAir::new(lineup(c, county), c.names.clone());
        let on_air = match old.get(&c.id) {
            Some(old) if old.lineup == on_air.lineup && old.names == on_air.names => Arc::clone(old),
            Some(old) => {
                on_air.publish(Timeline::clone(&old.timeline()));
                Arc::new(on_air)
            }
            None => Arc::new(on_air),
        };
        (c.id.clone(), on_air)
    });
    channels.set(new.collect());
}

fn lineup(channel: &Channel, county: &County) -> Lineup {
    let longest = county.relays.iter().map(|r| r.max_segment).max().unwrap_or_default();
    // Lessons have at most 3.84 s. A segment cut at the limit may be a frame
    // longer, which rounds to the limit all the same (RFC 8216 §4.3.3.1). Players
    // poll at this rate and stay three times as far behind: no second to give away.
    let frame = Duration::from_millis(100);
    let target_duration = (longest + frame).max(Duration::from_millis(3840)).as_secs_f64().round() as u64;
    let rung = |r: &crate::config::Rung| Rung::television(r.height, u64::from(r.kbps) * 1100);
    Lineup {
        channel: channel.id.clone(),
        rungs: county.packaging.ladder.iter().map(rung).collect(),
        audio: channel.audio.clone(),
        subtitles: channel.subtitles.clone(),
        audio_bandwidth: u64::from(county.packaging.audio_kbps) * 1400,
        target_duration,
        window: channel.window,
        slate_after: channel.slate_after,
    }
}
