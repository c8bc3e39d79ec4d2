//! A line between a broadcaster and a relay, on which packets are lost or worse.

use std::net::UdpSocket;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};

use super::time::ms;

/// A line on which things happen.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) entry: u16,
    mood: Arc<AtomicU8>,
    lost: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

pub(crate) const CLEAN: u8 = 0;
/// One packet in a hundred is lost.
pub(crate) const LOSSY: u8 = 1;
/// One in twenty.
pub(crate) const BAD: u8 = 5;
/// Every tenth packet changes places with the next.
pub(crate) const SHUFFLED: u8 = 10;
/// Packets come, and hold nothing.
pub(crate) const GARBAGE: u8 = 20;
/// Nothing but null packets.
pub(crate) const EMPTY: u8 = 21;
/// Nothing comes, until it all comes at once.
pub(crate) const HELD: u8 = 30;

impl Line {
    pub(crate) fn to(port: u16) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
        socket.set_read_timeout(Some(ms(100))).expect("a limit");
        let entry = socket.local_addr().expect("its number").port();
        let (mood, stop) = (Arc::new(AtomicU8::new(CLEAN)), Arc::<AtomicBool>::default());
        let lost = Arc::<AtomicU64>::default();
        let count = Arc::clone(&lost);
        let (now, stopped) = (Arc::clone(&mood), Arc::clone(&stop));
        let thread = std::thread::spawn(move || {
            let (mut packet, mut held, mut n) = ([0; 2048], Vec::<Vec<u8>>::new(), 0u64);
            while !stopped.load(Ordering::Relaxed) {
                let Ok(length) = socket.recv(&mut packet) else { continue };
                n += 1;
                let mut bytes = packet[..length].to_vec();
                let mood = now.load(Ordering::Relaxed);
                // As even as it is unforeseen: no chance decides whether a story holds.
                let lot = n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 57;
                match mood {
                    LOSSY | BAD if lot < if mood == BAD { 6 } else { 1 } => {
                        count.fetch_add(1, Ordering::Relaxed);
                        continue;
                    }
                    SHUFFLED if n % 10 == 0 => {
                        held = vec![bytes];
                        continue;
                    }
                    HELD => {
                        held.push(bytes);
                        continue;
                    }
                    GARBAGE => bytes.iter_mut().enumerate().for_each(|(i, b)| *b ^= (i as u8) | 1),
                    EMPTY => {
                        for packet in bytes.chunks_mut(188) {
                            packet[1..4].copy_from_slice(&[0x1f, 0xff, 0x10]);
                        }
                    }
                    _ => {}
                }
                // What changes places comes after, what was held comes before.
                let at = if mood == SHUFFLED { 0 } else { held.len() };
                held.insert(at, bytes);
                for bytes in held.drain(..) {
                    // Whether anyone listens is no matter to a line.
                    let _ = socket.send_to(&bytes, ("127.0.0.1", port));
                }
            }
        });
        Self { entry, mood, lost, stop, thread: Some(thread) }
    }

    pub(crate) fn is(&self, mood: u8) {
        self.mood.store(mood, Ordering::Relaxed);
    }

    /// Packets that it lost.
    pub(crate) fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // It has nothing to panic about.
            let _ = thread.join();
        }
    }
}
