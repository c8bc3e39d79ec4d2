//! Requests per second for what terminals ask most: a session's live playlist
//! and a 576 KB segment, with tickets verified and every session accounted,
//! plain and over TLS, beside nginx with sendfile on the same bytes in the same
//! run.
//!
//! `make bench` runs it. Figures are of this machine, this run, loopback; the
//! load generator shares the cores with both servers alike.

#![expect(clippy::print_stdout, reason = "a benchmark speaks to who runs it")]

use std::fs;
use std::path::Path;
use std::process::Command;

use support::*;

#[expect(dead_code, reason = "each benchmark uses its part of what they share")]
mod support;

const SEGMENT: usize = 576_000;
const SEGMENTS: usize = 22_500;
const ROUNDS: usize = 9;
const SECONDS: u32 = 2;

fn main() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let [port, tls_port, nginx_port, nginx_tls_port] = std::array::from_fn(|_| free_port());
    make_certificate(folder.path());
    let tls =
        format!("[tls]\nlisten = \"127.0.0.1:{tls_port}\"\ncertificate = \"chain.pem\"\nkey = \"key.pem\"\n");
    write_county(folder.path(), port, &tls);
    write_schedule(folder.path());
    write_package(&folder.path().join("media/library/bench"), "bench", &[720], SEGMENTS, SEGMENT);
    let _server = serve(folder.path());
    let base = format!("http://127.0.0.1:{port}");
    wait_for(&format!("{base}/readyz"));
    let session = redirect(&format!("{base}/channels/bench/index.m3u8"));
    let playlist = session.replace("index.m3u8", "v720.m3u8");
    let text = get(&format!("{base}{playlist}"));
    let segment = text.lines().rfind(|l| l.ends_with(".m4s")).expect("a segment").replace("../../", "");
    let segment = format!("{}/{segment}", session.split('/').take(3).collect::<Vec<_>>().join("/"));

    let root = folder.path().join("nginx");
    fs::create_dir_all(&root).expect("folder");
    fs::write(root.join("playlist.m3u8"), &text).expect("playlist");
    fs::write(root.join("segment.m4s"), fragment(SEGMENT)).expect("segment");
    let tls = format!(
        "listen 127.0.0.1:{nginx_tls_port} ssl; ssl_certificate {0}/chain.pem; ssl_certificate_key {0}/key.pem;",
        folder.path().display()
    );
    let _nginx = start_nginx(&root, nginx_port, &tls);
    let nginx = format!("http://127.0.0.1:{nginx_port}");
    wait_for(&format!("{nginx}/playlist.m3u8"));

    println!("\n{:<28}{:>14}{:>14}{:>9}", "requests per second", "yuanjiao", "nginx", "ratio");
    let (base_tls, nginx_tls) =
        (format!("https://127.0.0.1:{tls_port}"), format!("https://127.0.0.1:{nginx_tls_port}"));
    let rows = [
        ("live playlist", format!("{base}{playlist}"), format!("{nginx}/playlist.m3u8")),
        ("segment of 576 KB", format!("{base}{segment}"), format!("{nginx}/segment.m4s")),
        ("live playlist, TLS", format!("{base_tls}{playlist}"), format!("{nginx_tls}/playlist.m3u8")),
        ("segment of 576 KB, TLS", format!("{base_tls}{segment}"), format!("{nginx_tls}/segment.m4s")),
    ];
    for (name, ours, theirs) in rows {
        let (mut a, mut b) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            a.push(wrk(&ours, SECONDS));
            b.push(wrk(&theirs, SECONDS));
        }
        let (a, b) = (median(a), median(b));
        println!("{name:<28}{a:>14.0}{b:>14.0}{:>9.2}", a / b);
    }
    println!(
        "\n64 connections, median of {ROUNDS} runs of {SECONDS} s each, taken in turns; playlist of {} bytes.",
        text.len()
    );
}

/// For both servers: a key on P-256, as most have today.
fn make_certificate(folder: &Path) {
    let mut command = Command::new("openssl");
    command.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]);
    command.args(["-days", "2", "-subj", "/CN=localhost", "-keyout", "key.pem", "-out", "chain.pem"]);
    assert!(command.current_dir(folder).output().expect("openssl").status.success());
}
