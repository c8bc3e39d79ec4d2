//! Receiving MPEG-TS datagrams in batches.
//!
//! A thread that wakes for every packet spends most of a relay's CPU on
//! waking: this one sleeps, the longer the slower the feed, and then takes all
//! that the kernel holds.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};

use super::PipelineError;
use super::fec::Fec;
use super::piece::{Piece, add};
use super::rtp::{self, Reorder};
use super::ts_checks::TsChecks;

/// Kernel buffer: a second of 30 Mb/s.
const RECEIVE_BUFFER: usize = 4 << 20;
const TS_PACKET: usize = 188;
const BATCH_BYTES: usize = 1 << 20;
/// Datagrams that may wait in the kernel's buffer: a third of what fits where it is as
/// small as Linux makes it.
const WAITING: u32 = 64;
/// The first pause, the shortest and the longest.
const PAUSES: (Duration, Duration, Duration) =
    (Duration::from_millis(20), Duration::from_millis(5), Duration::from_millis(100));
/// A silent feed is asked so often.
const SILENT: Duration = Duration::from_millis(200);

/// A bound socket.
#[derive(Debug)]
pub(super) struct Receiver {
    socket: UdpSocket,
    /// What was wrong with them.
    pub(super) checks: TsChecks,
    /// Packets of RTP in the order of their numbers.
    rtp: Option<Reorder>,
    /// Where parity comes, and what it is good for.
    parity: Option<(Vec<UdpSocket>, Fec)>,
    /// Bytes received.
    pub(super) bytes: u64,
    /// How long to sleep before the next batch; none: nothing comes.
    pause: Option<Duration>,
    datagram: Box<[u8]>,
}

impl Receiver {
    /// Binds `address`; a multicast group is joined on `interface`. With `fec`, parity
    /// is received as well, two and four ports further on (SMPTE ST 2022-1 §8.2).
    pub(super) fn bind(
        address: SocketAddr,
        interface: Option<IpAddr>,
        sender: Option<IpAddr>,
        (rtp, fec): (bool, bool),
    ) -> Result<Self, PipelineError> {
        let bind = |address: SocketAddr| {
            bind(address, interface, sender).map_err(|e| PipelineError::Build {
                what: "listening for MPEG-TS",
                detail: format!("{address}: {e}"),
            })
        };
        let socket = bind(address)?;
        let mut parity = None;
        if fec {
            let mut sockets = Vec::new();
            for further in [2, 4] {
                let socket = bind(SocketAddr::new(address.ip(), address.port() + further))?;
                socket.set_nonblocking(true).map_err(PipelineError::io("udp"))?;
                sockets.push(socket);
            }
            parity = Some((sockets, Fec::default()));
        }
        let rtp = rtp.then(Reorder::default);
        let datagram = vec![0; 65_536].into_boxed_slice();
        Ok(Self { socket, checks: TsChecks::default(), rtp, parity, bytes: 0, pause: None, datagram })
    }

    /// Waits up to 200 ms and returns the whole TS packets that came.
    pub(super) fn batch(&mut self) -> std::io::Result<Vec<Piece>> {
        let pause = match self.pause {
            Some(pause) => pause,
            None => match self.something_comes()? {
                true => PAUSES.0,
                false => return Ok(Vec::new()),
            },
        };
        std::thread::sleep(pause);
        let mut batch = Vec::new();
        let (mut datagrams, mut bytes) = (0, 0);
        while bytes < BATCH_BYTES {
            match self.socket.recv(&mut self.datagram) {
                Ok(n) => {
                    datagrams += 1;
                    self.bytes += n as u64;
                    bytes += n;
                    let fec = self.parity.as_mut().map(|(_, fec)| fec);
                    take(&self.datagram[..n], (&mut self.rtp, fec), &mut self.checks, &mut batch);
                }
                Err(e) if e.kind() == ErrorKind::WouldBlock => break,
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        if let (Some((sockets, fec)), Some(order)) = (&mut self.parity, &mut self.rtp) {
            for socket in sockets {
                // Without parity, and whatever became of it, the media go on.
                while let Ok(n) = socket.recv(&mut self.datagram) {
                    for (number, payload) in fec.parity(&self.datagram[..n]) {
                        let ordered = order.push(number, &payload);
                        ordered.iter().for_each(|bytes| packets(bytes, &mut self.checks, &mut batch));
                    }
                }
            }
            order.wait_for(fec.delay());
        }
        self.pause = next_pause(pause, datagrams);
        Ok(batch)
    }

    /// Waits for a datagram, and leaves it where it is.
    fn something_comes(&mut self) -> std::io::Result<bool> {
        self.socket.set_nonblocking(false)?;
        let came = match self.socket.peek(&mut self.datagram) {
            Ok(_) => true,
            Err(e) => match e.kind() {
                ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted => false,
                _ => return Err(e),
            },
        };
        self.socket.set_nonblocking(true)?;
        Ok(came)
    }
}

/// The pause after one of `pause` in which `datagrams` came: none after silence, else what
/// lets no more wait than is good.
fn next_pause(pause: Duration, datagrams: u32) -> Option<Duration> {
    let (_, least, most) = PAUSES;
    (datagrams > 0).then(|| (pause * WAITING / datagrams).clamp(least, most))
}

/// Adds the packets of a datagram to `batch`.
fn take(
    datagram: &[u8],
    (rtp, fec): (&mut Option<Reorder>, Option<&mut Fec>),
    checks: &mut TsChecks,
    batch: &mut Vec<Piece>,
) {
    let Some(rtp) = rtp else { return packets(datagram, checks, batch) };
    let Some((number, payload)) = rtp::payload(datagram) else { return };
    if let Some(fec) = fec {
        fec.media(number, payload);
    }
    rtp.push(number, payload).iter().for_each(|payload| packets(payload, checks, batch));
}

/// Adds whole packets of MPEG-TS to `batch`.
fn packets(bytes: &[u8], checks: &mut TsChecks, batch: &mut Vec<Piece>) {
    for packet in bytes.chunks_exact(TS_PACKET).filter(|p| p[0] == 0x47) {
        add(batch, packet, checks.packet(packet));
    }
}

fn bind(
    address: SocketAddr,
    interface: Option<IpAddr>,
    sender: Option<IpAddr>,
) -> std::io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_reuse_address(true)?;
    // The kernel grants what net.core.rmem_max allows; less is no reason to refuse.
    let _ = socket.set_recv_buffer_size(RECEIVE_BUFFER);
    socket.bind(&address.into())?;
    if let (IpAddr::V4(group), Some(IpAddr::V4(sender))) = (address.ip(), sender) {
        let on = match interface {
            Some(IpAddr::V4(ip)) => ip,
            _ => Ipv4Addr::UNSPECIFIED,
        };
        socket.join_ssm_v4(&sender, &group, &on)?;
        socket.set_read_timeout(Some(SILENT))?;
        return Ok(socket.into());
    }
    let socket: UdpSocket = socket.into();
    match address.ip() {
        IpAddr::V4(group) if group.is_multicast() => {
            let on = match interface {
                Some(IpAddr::V4(ip)) => ip,
                _ => Ipv4Addr::UNSPECIFIED,
            };
            socket.join_multicast_v4(&group, &on)?;
        }
        IpAddr::V6(group) if group.is_multicast() => socket.join_multicast_v6(&group, 0)?,
        _ => {}
    }
    socket.set_read_timeout(Some(SILENT))?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(counter: u8) -> Vec<u8> {
        let mut p = vec![0xff; TS_PACKET];
        p[..4].copy_from_slice(&[0x47, 0x01, 0x00, 0x10 | counter]);
        p
    }

    #[test]
    fn packets_arrive_whole_and_gaps_are_counted() {
        let mut receiver =
            Receiver::bind("127.0.0.1:0".parse().expect("address"), None, None, (false, false))
                .expect("bind");
        let to = receiver.socket.local_addr().expect("bound");
        let sender = UdpSocket::bind("127.0.0.1:0").expect("bind");
        for counter in [14, 15, 0, 3] {
            sender.send_to(&packet(counter), to).expect("send");
        }
        sender.send_to(b"not a transport stream", to).expect("send");
        let batch = receiver.batch().expect("receive");
        assert_eq!(batch.len(), 1);
        assert_eq!(batch[0].bytes.len(), 4 * TS_PACKET);
        assert_eq!(receiver.checks.continuity_errors, 1);
        assert!(receiver.batch().expect("receive").is_empty());
    }

    #[test]
    fn of_a_group_only_the_sender_that_was_named_is_heard() {
        let here: Ipv4Addr = Ipv4Addr::LOCALHOST;
        let group: SocketAddr = "232.1.7.7:0".parse().expect("address");
        let listen = |sender: Option<IpAddr>| {
            Receiver::bind(group, Some(here.into()), sender, (false, false)).expect("bind")
        };
        let (mut one, mut all) = (listen(Some(here.into())), listen(None));
        let port = |r: &Receiver| r.socket.local_addr().expect("bound").port();
        for (from, counter) in [("127.0.0.1:0", 1), ("127.0.0.2:0", 5), ("127.0.0.1:0", 2)] {
            let sender = UdpSocket::bind(from).expect("bind");
            let sender = Socket::from(sender);
            sender.set_multicast_if_v4(&here).expect("the loopback interface");
            for to in [port(&one), port(&all)] {
                sender.send_to(&packet(counter), &SocketAddr::new(group.ip(), to).into()).expect("send");
            }
        }
        let counters = |r: &mut Receiver| -> Vec<u8> {
            let batch = r.batch().expect("receive");
            batch.iter().flat_map(|p| p.bytes.chunks(TS_PACKET)).map(|p| p[3] & 0x0f).collect()
        };
        assert_eq!((counters(&mut one), counters(&mut all)), (vec![1, 2], vec![1, 5, 2]));
    }

    #[test]
    fn the_faster_they_come_the_shorter_the_pause() {
        let ms = Duration::from_millis;
        assert_eq!(next_pause(ms(20), 3), Some(ms(100)));
        assert_eq!(next_pause(ms(100), 128), Some(ms(50)));
        assert_eq!(next_pause(ms(50), 64), Some(ms(50)));
        assert_eq!(next_pause(ms(20), 5000), Some(ms(5)));
        assert_eq!(next_pause(ms(100), 0), None);
    }
}
