//! Receiving MPEG-TS datagrams in batches.
//!
//! A thread that wakes for every packet spends most of a relay's CPU on
//! waking: this one sleeps a little after the first packet and then takes all
//! that the kernel holds.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};

use super::PipelineError;
use super::rtp::{self, Reorder};
use super::ts_checks::TsChecks;

/// Kernel buffer: a second of 30 Mb/s.
const RECEIVE_BUFFER: usize = 4 << 20;
const TS_PACKET: usize = 188;
const BATCH_PAUSE: Duration = Duration::from_millis(20);
const BATCH_BYTES: usize = 1 << 20;

/// A bound socket.
#[derive(Debug)]
pub(super) struct Receiver {
    socket: UdpSocket,
    /// What was wrong with them.
    pub(super) checks: TsChecks,
    /// Packets of RTP in the order of their numbers.
    rtp: Option<Reorder>,
    /// Bytes received.
    pub(super) bytes: u64,
}

impl Receiver {
    /// Binds `address`; a multicast group is joined on `interface`.
    pub(super) fn bind(
        address: SocketAddr,
        interface: Option<IpAddr>,
        sender: Option<IpAddr>,
        rtp: bool,
    ) -> Result<Self, PipelineError> {
        let socket = bind(address, interface, sender).map_err(|e| PipelineError::Build {
            what: "listening for MPEG-TS",
            detail: format!("{address}: {e}"),
        })?;
        Ok(Self { socket, checks: TsChecks::default(), rtp: rtp.then(Reorder::default), bytes: 0 })
    }

    /// Waits up to 200 ms and returns the whole TS packets that came, if any.
    pub(super) fn batch(&mut self) -> std::io::Result<Option<Vec<u8>>> {
        let mut datagram = [0u8; 65_536];
        self.socket.set_nonblocking(false)?;
        let first = match self.socket.recv(&mut datagram) {
            Ok(n) => n,
            Err(e)
                if matches!(
                    e.kind(),
                    ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted
                ) =>
            {
                return Ok(None);
            }
            Err(e) => return Err(e),
        };
        let mut batch = Vec::with_capacity(16 << 10);
        self.take(&datagram[..first], &mut batch);
        std::thread::sleep(BATCH_PAUSE);
        self.socket.set_nonblocking(true)?;
        while batch.len() < BATCH_BYTES {
            match self.socket.recv(&mut datagram) {
                Ok(n) => self.take(&datagram[..n], &mut batch),
                Err(e) if e.kind() == ErrorKind::WouldBlock => break,
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok((!batch.is_empty()).then_some(batch))
    }

    fn take(&mut self, datagram: &[u8], batch: &mut Vec<u8>) {
        self.bytes += datagram.len() as u64;
        let Some(rtp) = self.rtp.as_mut() else { return self.take_packets(datagram, batch) };
        if let Some((number, payload)) = rtp::payload(datagram) {
            for payload in rtp.push(number, payload) {
                self.take_packets(&payload, batch);
            }
        }
    }

    fn take_packets(&mut self, bytes: &[u8], batch: &mut Vec<u8>) {
        for packet in bytes.chunks_exact(TS_PACKET).filter(|p| p[0] == 0x47) {
            self.checks.packet(packet);
            batch.extend_from_slice(packet);
        }
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
        socket.set_read_timeout(Some(Duration::from_millis(200)))?;
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
    socket.set_read_timeout(Some(Duration::from_millis(200)))?;
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
            Receiver::bind("127.0.0.1:0".parse().expect("address"), None, None, false).expect("bind");
        let to = receiver.socket.local_addr().expect("bound");
        let sender = UdpSocket::bind("127.0.0.1:0").expect("bind");
        for counter in [14, 15, 0, 3] {
            sender.send_to(&packet(counter), to).expect("send");
        }
        sender.send_to(b"not a transport stream", to).expect("send");
        let batch = receiver.batch().expect("receive").expect("packets");
        assert_eq!(batch.len(), 4 * TS_PACKET);
        assert_eq!(receiver.checks.continuity_errors, 1);
        assert!(receiver.batch().expect("receive").is_none());
    }
}
