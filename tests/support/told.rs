//! Who is told: a server that takes documents, and one that takes letters.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;

/// What has come so far; the thread behind it ends with the story's process.
#[derive(Debug, Clone)]
pub(crate) struct Told<T> {
    pub(crate) address: SocketAddr,
    all: Arc<Mutex<Vec<T>>>,
}

impl<T: Clone + Send + 'static> Told<T> {
    fn listen(take: fn(TcpStream) -> Option<T>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("its number");
        let all = Arc::<Mutex<Vec<T>>>::default();
        let heard = Arc::clone(&all);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if let Some(one) = take(stream) {
                    heard.lock().unwrap_or_else(PoisonError::into_inner).push(one);
                }
            }
        });
        Self { address, all }
    }

    pub(crate) fn all(&self) -> Vec<T> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Takes JSON documents over HTTP.
pub(crate) fn a_webhook() -> Told<Value> {
    Told::listen(|stream| {
        let mut reader = BufReader::new(stream.try_clone().ok()?);
        let mut length = 0;
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).ok()?;
            if let Some(n) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = n.trim().parse().ok()?;
            }
            if line.trim().is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        let mut stream = stream;
        stream.write_all(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n").ok()?;
        serde_json::from_slice(&body).ok()
    })
}

/// Takes letters over SMTP (RFC 5321); each is its commands and its lines.
pub(crate) fn a_mail_server() -> Told<String> {
    Told::listen(|stream| {
        let mut reader = BufReader::new(stream.try_clone().ok()?);
        let mut stream = stream;
        stream.write_all(b"220 post\r\n").ok()?;
        let (mut letter, mut in_data) = (String::new(), false);
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).ok()? == 0 {
                return Some(letter);
            }
            letter.push_str(&line);
            let answer = match line.trim_end() {
                "." if in_data => {
                    in_data = false;
                    "250 taken"
                }
                _ if in_data => continue,
                "DATA" => {
                    in_data = true;
                    "354 go on"
                }
                "QUIT" => {
                    stream.write_all(b"221 bye\r\n").ok()?;
                    return Some(letter);
                }
                _ => "250 ok",
            };
            stream.write_all(format!("{answer}\r\n").as_bytes()).ok()?;
        }
    })
}
