//! What stands between a village and the county: it takes connections at any
//! time and, while the server is away, waits for it.
//!
//! ffmpeg's HLS reader hands no `-reconnect` option on to the requests it makes
//! for playlists and segments; a gateway such as this one does it instead.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use super::time::{Stopwatch, ms, s};

/// A gateway to one address.
#[derive(Debug)]
pub(crate) struct Gateway {
    pub(crate) address: SocketAddr,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Gateway {
    pub(crate) fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port for the gateway");
        listener.set_nonblocking(true).expect("a listener that can be ended");
        let address = listener.local_addr().expect("its address");
        let stop = Arc::<AtomicBool>::default();
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                match listener.accept() {
                    // Each ends with its connection, or when the test ends.
                    Ok((client, _)) => drop(std::thread::spawn(move || pass(client, server))),
                    Err(_) => std::thread::sleep(ms(10)),
                }
            }
        });
        Self { address, stop, thread: Some(thread) }
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // It has nothing to panic about.
            let _ = thread.join();
        }
    }
}

fn pass(client: TcpStream, server: SocketAddr) {
    // Whether a socket that was accepted blocks is the system's choice.
    if client.set_nonblocking(false).is_err() {
        return;
    }
    let watch = Stopwatch::start();
    let server = loop {
        match TcpStream::connect(server) {
            Ok(server) => break server,
            Err(_) if watch.passed() < s(60) => std::thread::sleep(ms(50)),
            Err(_) => return,
        }
    };
    let (Ok(from_client), Ok(to_server)) = (client.try_clone(), server.try_clone()) else { return };
    let up = std::thread::spawn(move || pump(from_client, to_server));
    pump(server, client);
    // It ends with the connection, which is closed both ways.
    let _ = up.join();
}

/// Carries bytes until one side ends, then ends the other.
fn pump(mut from: TcpStream, mut to: TcpStream) {
    let mut part = [0; 32 << 10];
    while let Ok(n) = from.read(&mut part) {
        if n == 0 || to.write_all(&part[..n]).is_err() {
            break;
        }
    }
    // Either may be gone.
    let _ = to.shutdown(Shutdown::Both);
    let _ = from.shutdown(Shutdown::Both);
}
