//! Channels sent out as MPEG-TS over UDP or RTP, to one receiver or a group.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::base::Clock;
use crate::config::{Channel, TsOutput};
use crate::mpegts::{self, ConstantRate, PACKET_BYTES};

use super::ts::{Programme, TsSegment};
use super::ts_stream::Streaming;

/// Packets in a datagram: 1316 bytes go through every network.
const PACKETS: usize = 7;
/// Datagrams due within this are sent together.
const TOGETHER: Duration = Duration::from_millis(4);
/// How long after its segment was recorded a packet is sent.
const MARGIN: Duration = Duration::from_millis(1500);
/// Payload type of MPEG-TS (RFC 3551 §6).
const MP2T: u8 = 33;
/// Who is this far from his time follows the clock anew: it was set, or the channel began again.
const LOST: Duration = Duration::from_secs(8);
/// More than this that waits to be sent, and the rate is too low for the channel.
const TOO_MUCH: Duration = Duration::from_secs(10);

/// A channel that is sent out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// What.
    pub programme: Programme,
    /// Where to, and how.
    pub to: TsOutput,
}

impl Output {
    /// The outputs of a channel; `heights` are its rungs, the best first.
    pub fn of(channel: &Channel, heights: &[u32]) -> Vec<Self> {
        let programme = Programme {
            channel: channel.id.clone(),
            height: heights.first().copied(),
            audio: channel.audio.clone(),
        };
        channel.outputs.iter().map(|to| Self { programme: programme.clone(), to: to.clone() }).collect()
    }
}

/// The outputs that run.
#[derive(Debug, Default)]
pub struct Outputs {
    running: Mutex<BTreeMap<String, (Output, JoinHandle<()>)>>,
}

impl Outputs {
    /// Makes these the ones that run; those that stay go on.
    pub fn set(&self, outputs: Vec<Output>, streaming: &Streaming) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let mut before = std::mem::take(&mut *running);
        for output in outputs {
            let key = format!("{} {}", output.programme.channel, output.to.address);
            match before.remove(&key) {
                Some((same, task)) if same == output && !task.is_finished() => {
                    running.insert(key, (same, task));
                }
                old => {
                    if let Some((_, task)) = old {
                        task.abort();
                    }
                    let task = tokio::spawn(run(output.clone(), streaming.clone()));
                    running.insert(key, (output, task));
                }
            }
        }
        before.into_values().for_each(|(_, task)| task.abort());
    }

    /// Ends them all.
    pub fn stop(&self) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *running).into_values().for_each(|(_, task)| task.abort());
    }
}

/// Sends for ever; what stops begins again.
async fn run(output: Output, streaming: Streaming) {
    loop {
        match socket(&output.to) {
            Ok(socket) => send_all(&output, streaming.clone(), &socket).await,
            Err(error) => {
                tracing::error!(channel = %output.programme.channel, to = %output.to.address, %error,
                    "a channel cannot be sent out");
            }
        }
        tokio::time::sleep(Duration::from_secs(5)).await;
    }
}

fn socket(to: &TsOutput) -> std::io::Result<UdpSocket> {
    let any: IpAddr = match (to.address, to.interface) {
        (_, Some(interface)) => interface,
        (SocketAddr::V4(_), None) => Ipv4Addr::UNSPECIFIED.into(),
        (SocketAddr::V6(_), None) => std::net::Ipv6Addr::UNSPECIFIED.into(),
    };
    let domain = socket2::Domain::for_address(to.address);
    let socket = socket2::Socket::new(domain, socket2::Type::DGRAM, Some(socket2::Protocol::UDP))?;
    socket.bind(&SocketAddr::new(any, 0).into())?;
    if let (IpAddr::V4(group), IpAddr::V4(on)) = (to.address.ip(), any)
        && group.is_multicast()
    {
        socket.set_multicast_ttl_v4(u32::from(to.ttl))?;
        socket.set_multicast_if_v4(&on)?;
    }
    socket.connect(&to.address.into())?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

async fn send_all(output: &Output, streaming: Streaming, socket: &UdpSocket) {
    let (out, mut segments) = mpsc::channel(1);
    let clock = std::sync::Arc::clone(&streaming.clock);
    let source = tokio::spawn(streaming.segments(output.programme.clone(), 0, out));
    let mut sender = Sender { socket, rtp: output.to.rtp.then(Rtp::new), delay_us: None };
    let mut pacer = None;
    while let Some(segment) = segments.recv().await {
        match output.to.rate {
            None => {
                let groups = mpegts::timed(&segment.bytes, segment.span);
                sender.send(groups.iter().map(|(at, bytes)| (*at, *bytes)), &*clock).await;
            }
            Some(rate) => {
                constant(&segment, rate, &mut pacer, &mut sender, &*clock).await;
                let room = TOO_MUCH.as_secs() * rate / 8 / PACKET_BYTES as u64;
                if pacer.as_ref().is_some_and(|p: &ConstantRate| p.waiting() as u64 > room) {
                    // What waits would grow for ever.
                    pacer = None;
                    tracing::warn!(channel = %output.programme.channel, to = %output.to.address, rate,
                        "the rate is too low for this channel: what waited to be sent is left out");
                }
            }
        }
    }
    source.abort();
}

async fn constant(
    segment: &TsSegment,
    rate: u64,
    pacer: &mut Option<ConstantRate>,
    sender: &mut Sender<'_>,
    clock: &dyn Clock,
) {
    let near = (segment.span.start - mpegts::TRANSMIT_LEAD) * 300;
    let pacer = pacer.get_or_insert_with(|| ConstantRate::new(rate, near));
    let per_byte = mpegts::SYSTEM_CLOCK as f64 * 8.0 / rate as f64;
    for run in pacer.push(&segment.bytes) {
        let groups = run.bytes.chunks(PACKETS * PACKET_BYTES).enumerate().map(|(n, bytes)| {
            (run.start + (n as f64 * (PACKETS * PACKET_BYTES) as f64 * per_byte) as i64, bytes)
        });
        sender.send(groups, clock).await;
    }
}

struct Sender<'a> {
    socket: &'a UdpSocket,
    rtp: Option<Rtp>,
    /// From the time at which packets would be sent to that at which they are.
    delay_us: Option<i64>,
}

impl Sender<'_> {
    /// Sends each group when it is due.
    async fn send<'b>(&mut self, groups: impl Iterator<Item = (i64, &'b [u8])>, clock: &dyn Clock) {
        for (at, bytes) in groups {
            let at_us = at / (mpegts::SYSTEM_CLOCK / 1_000_000);
            let now_us = clock.now().as_microsecond();
            let delay = *self.delay_us.get_or_insert(now_us - at_us + MARGIN.as_micros() as i64);
            let ahead = at_us + delay - now_us;
            if u128::from(ahead.unsigned_abs()) > LOST.as_micros() {
                self.delay_us = None;
            } else if ahead > TOGETHER.as_micros() as i64 {
                tokio::time::sleep(Duration::from_micros(ahead.unsigned_abs())).await;
            }
            // Whether anybody listens is no matter to a broadcaster.
            let _ = match &mut self.rtp {
                Some(rtp) => self.socket.send(&rtp.packet(at, bytes)),
                None => self.socket.send(bytes),
            };
        }
    }
}

/// RTP (RFC 3550 §5.1) with MPEG-TS (RFC 2250 §2).
struct Rtp {
    number: u16,
    source: u32,
}

impl Rtp {
    fn new() -> Self {
        let source = getrandom::u32().unwrap_or(0x5975_616e);
        Self { number: source as u16, source }
    }

    fn packet(&mut self, at: i64, payload: &[u8]) -> Vec<u8> {
        let mut packet = Vec::with_capacity(12 + payload.len());
        packet.extend_from_slice(&[0x80, MP2T]);
        packet.extend_from_slice(&self.number.to_be_bytes());
        packet.extend_from_slice(&((at / 300) as u32).to_be_bytes());
        packet.extend_from_slice(&self.source.to_be_bytes());
        packet.extend_from_slice(payload);
        self.number = self.number.wrapping_add(1);
        packet
    }
}
