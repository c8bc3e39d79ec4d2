//! A channel as one transport stream without an end, at the speed of the clock.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use tokio::sync::mpsc;

use crate::base::Clock;
use crate::channel::newest;
use crate::mpegts::{self, PACKET_BYTES};

use super::channels::{Channels, OnAir};
use super::sources::MediaSources;
use super::ts::{Converter, Programme, TsError, TsSegment};

/// Packets that are sent at once: a tenth of a second of them.
const STEP: Duration = Duration::from_millis(100);
/// How long after it was recorded a segment begins to be sent: it may be listed late.
const MARGIN: Duration = Duration::from_millis(1500);
/// How often it is looked for the next segment.
const LOOK: Duration = Duration::from_millis(100);
/// A channel that gives nothing for so long has ended.
const GIVES_UP: Duration = Duration::from_secs(60);

/// What a stream is made with.
#[derive(Debug, Clone)]
pub struct Streaming {
    /// The channels on air.
    pub channels: Arc<Channels>,
    /// What they play.
    pub sources: Arc<MediaSources>,
    /// Where segments come from.
    pub converter: Arc<Converter>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
}

/// Part of a stream.
#[derive(Debug, Clone)]
pub struct Piece {
    /// Whole packets.
    pub bytes: Bytes,
    /// The segment that ends with it.
    pub ended: Option<TsSegment>,
}

impl Streaming {
    /// Segments one after the other as they come to be listed, the first of them
    /// `behind` the newest. Ends when nobody takes them.
    pub async fn segments(self, programme: Programme, behind: u64, out: mpsc::Sender<TsSegment>) {
        let mut next = None;
        let mut waited = Duration::ZERO;
        while !out.is_closed() && waited < GIVES_UP {
            let now = self.clock.now();
            let found = match self.channels.get(&programme.channel) {
                Some(on_air) => self.next(&on_air, &programme, &mut next, behind, now).await,
                None => return,
            };
            match found {
                Ok(segment) => {
                    waited = Duration::ZERO;
                    next = Some(segment.placed.sequence + 1);
                    if out.send(segment).await.is_err() {
                        return;
                    }
                }
                Err(error) => {
                    if !matches!(error, TsError::Unknown) {
                        tracing::error!(channel = %programme.channel, %error, "a transport stream has a hole");
                        next = next.map(|n| n + 1);
                    }
                    waited += LOOK;
                    tokio::time::sleep(LOOK).await;
                }
            }
        }
    }

    async fn next(
        &self,
        on_air: &OnAir,
        programme: &Programme,
        next: &mut Option<u64>,
        behind: u64,
        now: Timestamp,
    ) -> Result<TsSegment, TsError> {
        on_air.ask(now);
        let edge = newest(&on_air.timeline(), &*self.sources, now).ok_or(TsError::Unknown)?;
        // Who has fallen so far behind that it is no longer kept begins at the edge again.
        let sequence = next.filter(|n| n + 64 > edge).unwrap_or(edge.saturating_sub(behind));
        *next = Some(sequence);
        if sequence > edge {
            return Err(TsError::Unknown);
        }
        self.converter.segment(on_air, programme, sequence, now).await
    }

    /// The stream in steps: the first segment at once, the others at the speed at
    /// which they are shown.
    pub fn stream(self, programme: Programme) -> mpsc::Receiver<Piece> {
        let (sender, receiver) = mpsc::channel(2);
        tokio::spawn(async move {
            let (out, mut segments) = mpsc::channel(1);
            let clock = Arc::clone(&self.clock);
            let source = tokio::spawn(self.segments(programme, 1, out));
            let mut delay = None;
            while let Some(segment) = segments.recv().await {
                if !send(&segment, &mut delay, &*clock, &sender).await {
                    break;
                }
            }
            source.abort();
        });
        receiver
    }
}

/// Sends a segment step by step; false if nobody listens. `delay` is from the time at
/// which packets would be sent to that at which they are, known after the first segment.
async fn send(
    segment: &TsSegment,
    delay: &mut Option<i64>,
    clock: &dyn Clock,
    out: &mpsc::Sender<Piece>,
) -> bool {
    let us = |ticks: i64| ticks / (mpegts::SYSTEM_CLOCK / 1_000_000);
    let now_us = |clock: &dyn Clock| clock.now().as_microsecond();
    let packets = mpegts::timed(&segment.bytes, segment.span);
    let Some(last) = packets.last().map(|(at, _)| us(*at)) else { return true };
    let Some(delay) = *delay else {
        // Its end is to be sent now, and a little later than that for those that come late.
        *delay = Some(now_us(clock) - last + MARGIN.as_micros() as i64);
        let piece = Piece { bytes: segment.bytes.clone(), ended: Some(segment.clone()) };
        return out.send(piece).await.is_ok();
    };
    let (mut sent, mut length) = (0, 0);
    for (n, (at, bytes)) in packets.iter().enumerate() {
        length += bytes.len();
        let is_last = n + 1 == packets.len();
        let ahead = us(*at) + delay - now_us(clock);
        if !is_last && ahead < STEP.as_micros() as i64 {
            continue;
        }
        let ended = is_last.then(|| segment.clone());
        if length > 0 {
            let bytes = segment.bytes.slice(sent..length);
            debug_assert_eq!(bytes.len() % PACKET_BYTES, 0);
            sent = length;
            if out.send(Piece { bytes, ended }).await.is_err() {
                return false;
            }
        }
        if let Ok(ahead) = u64::try_from(ahead) {
            tokio::time::sleep(Duration::from_micros(ahead)).await;
        }
    }
    true
}
