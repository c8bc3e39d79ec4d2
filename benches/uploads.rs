//! How fast a film comes in: an upload by tus to the server, which answers when it is on disk,
//! beside a PUT to nginx, which does not wait for the disk, and dd, which does.
//!
//! `make bench` runs it. MEGABYTES changes how large the film is.

#![expect(clippy::print_stdout, reason = "a benchmark speaks to who runs it")]

#[expect(dead_code, reason = "each story uses its part of what they share")]
#[path = "../tests/support/mod.rs"]
mod stories;
#[expect(dead_code, reason = "each benchmark uses its part of what they share")]
mod support;

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::Command;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use stories::browser::an_office;
use stories::county::a_county;
use stories::time::Stopwatch;
use support::{free_port, median, start};

const ROUNDS: usize = 3;
const MB: usize = 1_000_000;

fn main() {
    let megabytes: usize = std::env::var("MEGABYTES").ok().and_then(|v| v.parse().ok()).unwrap_or(1000);
    let block = noise();
    let county = a_county();
    let (server, mut admin) = an_office(&county);
    let token = admin.token();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let port = free_port();
    let _nginx = start_nginx(folder.path(), port);
    support::wait_for(&format!("http://127.0.0.1:{port}/"));

    let (mut ours, mut theirs, mut disk) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let name = BASE64_STANDARD.encode(format!("film-{round}.mp4"));
        let length = megabytes * MB;
        let begun = admin.send(
            "POST",
            "/api/v1/uploads",
            &[
                ("sec-fetch-site", "same-origin"),
                ("x-form-token", &token),
                ("tus-resumable", "1.0.0"),
                ("upload-length", &length.to_string()),
                ("upload-metadata", &format!("filename {name}")),
            ],
            None,
        );
        let path = begun.with(201, "it begins").header("location").expect("where its bytes go").to_owned();
        let head = format!(
            "PATCH {path} HTTP/1.1\r\nhost: county\r\ncookie: {}\r\nsec-fetch-site: same-origin\r\n\
             x-form-token: {token}\r\ntus-resumable: 1.0.0\r\nupload-offset: 0\r\n\
             content-type: application/offset+octet-stream\r\n",
            admin.cookie
        );
        ours.push(sent(server.client.connect(), &head, megabytes, &block));
        let line = TcpStream::connect(("127.0.0.1", port)).expect("nginx listens");
        theirs.push(sent(line, &format!("PUT /film-{round} HTTP/1.1\r\nhost: x\r\n"), megabytes, &block));
        disk.push(written(&folder.path().join("dd"), megabytes));
    }
    println!("\na film of {megabytes} MB, MB/s");
    println!("{:<58}{:>8.0}", "yuanjiao, tus, on disk when it is answered", median(ours));
    println!("{:<58}{:>8.0}", "nginx, PUT, not yet on disk", median(theirs));
    println!("{:<58}{:>8.0}", "dd conv=fsync", median(disk));
    println!("yuanjiao's largest memory: {} MB", support::memory_mb(server.id(), "VmHWM"));
}

/// A megabyte that nothing can make smaller.
fn noise() -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    (0..MB / 8).flat_map(|_| next()).collect()
}

/// Sends so many megabytes as the body of a request; megabytes a second until the answer.
fn sent(mut line: TcpStream, head: &str, megabytes: usize, block: &[u8]) -> f64 {
    let watch = Stopwatch::start();
    let length = megabytes * MB;
    write!(line, "{head}content-length: {length}\r\nconnection: close\r\n\r\n").expect("its head");
    for _ in 0..megabytes {
        line.write_all(block).expect("its body");
    }
    let mut answer = String::new();
    line.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 20"), "{answer}");
    megabytes as f64 / watch.passed().as_secs_f64()
}

/// Megabytes a second that dd writes onto the disk of this file.
fn written(file: &Path, megabytes: usize) -> f64 {
    let watch = Stopwatch::start();
    let to = format!("of={}", file.display());
    let dd = Command::new("dd")
        .args(["if=/dev/zero", &to, "bs=1MB", &format!("count={megabytes}"), "conv=fsync", "status=none"])
        .status();
    assert!(dd.expect("dd").success(), "dd could not write");
    let speed = megabytes as f64 / watch.passed().as_secs_f64();
    fs::remove_file(file).expect("dd's file");
    speed
}

/// nginx that takes files.
fn start_nginx(root: &Path, port: u16) -> support::Running {
    fs::create_dir_all(root.join("tmp")).expect("folder");
    fs::write(root.join("index.html"), "here").expect("written");
    // Its workers are somebody else where it is started by root, and may not write here then.
    let user = if fs::metadata(root).is_ok_and(|folder| folder.uid() == 0) { "user root;" } else { "" };
    let config = format!(
        "{user} worker_processes auto; daemon off; pid {root}/pid; error_log stderr error;\n\
         events {{ worker_connections 1024; }}\n\
         http {{ access_log off; client_max_body_size 0; client_body_temp_path {root}/tmp;\n\
         proxy_temp_path {root}/tmp; fastcgi_temp_path {root}/tmp; uwsgi_temp_path {root}/tmp;\n\
         scgi_temp_path {root}/tmp;\n\
         server {{ listen 127.0.0.1:{port}; root {root}; dav_methods PUT; }} }}\n",
        root = root.display()
    );
    let path = root.join("nginx.conf");
    fs::write(&path, config).expect("configuration");
    start(Command::new("nginx").arg("-c").arg(&path).arg("-p").arg(root))
}
