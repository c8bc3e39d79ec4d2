//! Requests per second for what terminals ask most: a session's live playlist
//! and a 576 KB segment, with tickets verified and every session accounted,
//! plain and over TLS, beside nginx with sendfile on the same bytes in the same
//! run.
//!
//! `make bench` runs it. Figures are of this machine, this run, loopback. Each
//! server has the first core to itself and the load generator the second: where
//! the generator is done before the server is, its own speed is all that can be
//! seen, so the processor's time is counted as well. Playlists over TLS, for
//! which wrk needs longer than a server does, are asked for by a client that
//! needs less, too.

#![expect(clippy::print_stdout, reason = "a benchmark speaks to who runs it")]
#![expect(clippy::disallowed_methods, reason = "a benchmark measures time")]

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use support::*;

#[path = "support/light.rs"]
mod light;
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
    keep_to_core(0);
    let server = serve(folder.path());
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
    let nginx_server = start_nginx(&root, nginx_port, ("1", &tls));
    let nginx = format!("http://127.0.0.1:{nginx_port}");
    wait_for(&format!("{nginx}/playlist.m3u8"));
    let nginx_worker = children(nginx_server.0.id())[0];
    keep_to_core(1);

    println!("\n{:<24}{:>27}{:>27}{:>18}", "requests per second", "yuanjiao", "nginx", "ratio");
    println!("{:<24}{:>9}{SHARE}{:>9}{SHARE}{:>9}{:>9}", "", "seen", "seen", "seen", "a core");
    let (base_tls, nginx_tls) =
        (format!("https://127.0.0.1:{tls_port}"), format!("https://127.0.0.1:{nginx_tls_port}"));
    let chain = folder.path().join("chain.pem");
    let by_wrk = |url: &str| wrk(url, SECONDS);
    let lightly = |url: &str| light::answers_by_tls(url, &chain, SECONDS);
    let playlists = (format!("{base_tls}{playlist}"), format!("{nginx_tls}/playlist.m3u8"));
    let segments = (format!("{base_tls}{segment}"), format!("{nginx_tls}/segment.m4s"));
    let rows: [(&str, Ask<'_>, _); 5] = [
        ("live playlist", &by_wrk, (format!("{base}{playlist}"), format!("{nginx}/playlist.m3u8"))),
        ("segment of 576 KB", &by_wrk, (format!("{base}{segment}"), format!("{nginx}/segment.m4s"))),
        ("live playlist, TLS", &by_wrk, playlists.clone()),
        ("the same, lighter client", &lightly, playlists),
        ("segment of 576 KB, TLS", &by_wrk, segments),
    ];
    for (name, ask, (ours, theirs)) in rows {
        let (mut a, mut b) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            a.push(turn(server.0.id(), || ask(&ours)));
            b.push(turn(nginx_worker, || ask(&theirs)));
        }
        let (a, b) = (Figures::of(&a), Figures::of(&b));
        let ratio = |of: fn(&Figures) -> f64| of(&a) / of(&b);
        let (seen, core) = (ratio(|f| f.seen), ratio(Figures::of_a_core));
        println!("{name:<24}{a}{b}{seen:>9.2}{core:>9.2}");
    }
    println!(
        "\n64 connections, median of {ROUNDS} runs of {SECONDS} s each, taken in turns; used: of 100 of the server's\n\
         core; a core: what all of it would do; playlist of {} bytes.",
        text.len()
    );
}

/// A client: what it sees of an address, answers a second.
type Ask<'a> = &'a dyn Fn(&str) -> f64;

/// What heads the part of a core that was used, and what all of it would do.
const SHARE: &str = "    used   a core";

/// What a client saw, and how much of the first core that took.
#[derive(Clone, Copy)]
struct Figures {
    /// Requests a second.
    seen: f64,
    /// Of a core: 0 to 1.
    used: f64,
}

impl Figures {
    /// The medians of some turns.
    fn of(turns: &[Self]) -> Self {
        let middle = |of: fn(&Self) -> f64| median(turns.iter().map(of).collect());
        Self { seen: middle(|t| t.seen), used: middle(|t| t.used) }
    }

    /// Requests a second of a whole core.
    fn of_a_core(&self) -> f64 {
        self.seen / self.used
    }
}

impl std::fmt::Display for Figures {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:>9.0}{:>8.0}{:>9.0}", self.seen, self.used * 100.0, self.of_a_core())
    }
}

/// One turn of the server with this process, asked by a client that says what it saw.
fn turn(id: u32, ask: impl FnOnce() -> f64) -> Figures {
    let (before, begun) = (cpu_seconds(id), Instant::now());
    let seen = ask();
    Figures { seen, used: (cpu_seconds(id) - before) / begun.elapsed().as_secs_f64() }
}

/// For both servers: a key on P-256, as most have today.
fn make_certificate(folder: &Path) {
    let mut command = Command::new("openssl");
    command.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]);
    command.args(["-days", "2", "-subj", "/CN=localhost", "-addext", "basicConstraints=CA:FALSE"]);
    command.args(["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "key.pem", "-out", "chain.pem"]);
    assert!(command.current_dir(folder).output().expect("openssl").status.success());
}
