//! TLS and HTTP/2: with programs that others wrote, and a certificate that changes.

#[expect(dead_code, reason = "each story uses its part of what they share")]
mod support;

use std::fs;
use std::path::Path;
use std::process::Command;

use support::county::{County, a_county};
use support::media::decode;
use support::process::{Ended, Program};
use support::server::{PATIENCE, Server};
use support::time::{s, wait_for};

/// Makes a certificate that signs itself, with `name` as its subject.
fn certify(folder: &Path, name: &str) {
    fs::create_dir_all(folder).expect("a folder");
    let file = |name: &str| folder.join(name).to_string_lossy().into_owned();
    let (key, chain) = (file("new-key.pem"), file("new-chain.pem"));
    let mut command = Command::new("openssl");
    command.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]);
    command.args(["-days", "30", "-subj", &format!("/CN={name}"), "-addext", "subjectAltName=IP:127.0.0.1"]);
    Program::run(command.args(["-keyout", &key, "-out", &chain]), PATIENCE).good("a certificate");
    fs::rename(key, folder.join("key.pem")).expect("the key's place");
    fs::rename(chain, folder.join("chain.pem")).expect("the chain's place");
}

/// A server that speaks TLS, and where.
fn house() -> (County, Server, String) {
    let county = a_county();
    certify(&county.path("tls"), "first.example");
    let tls = "[tls]\nlisten = \"127.0.0.1:0\"\ncertificate = \"tls/chain.pem\"\nkey = \"tls/key.pem\"\n";
    let county = county.with(tls);
    let server = Server::start(&county);
    let base = server
        .log()
        .iter()
        .find_map(|line| {
            Some(format!("https://{}", line.split("serving by TLS at https://").nth(1)?.split('"').next()?))
        })
        .expect("where it speaks TLS");
    (county, server, base)
}

fn curl(county: &County, arguments: &[&str]) -> Ended {
    let mut command = Command::new("curl");
    command.args(["-sS", "--max-time", "30", "--cacert"]).arg(county.path("tls/chain.pem"));
    Program::run(command.args(arguments), PATIENCE)
}

#[test]
fn others_programs_come_by_tls_and_by_http2() {
    let (county, server, base) = house();
    let home = format!("{base}/");
    for (version, wanted) in [("--http2", "2 200"), ("--http1.1", "1.1 200")] {
        let got = curl(&county, &[version, "-o", "/dev/null", "-w", "%{http_version} %{http_code}\n", &home]);
        assert_eq!(got.good(version).text().trim(), wanted);
    }
    // An old set-top box's TLS, and none that is broken.
    let old = curl(&county, &["--tls-max", "1.2", "-o", "/dev/null", &home]);
    old.good("TLS 1.2");
    curl(&county, &["--tls-max", "1.1", "-o", "/dev/null", &home]).bad("TLS 1.1");
    // Whoever comes by TLS is led on by TLS; nobody's own word of it counts.
    let list = curl(&county, &["--http2", &format!("{base}/channels.m3u")]).good("the list").text();
    assert!(list.contains(&format!("{base}/channels/xiangtu")), "{list}");
    let spoofed = server.client.ask("GET", "/channels.m3u", &[("forwarded", "proto=https")]).text();
    assert!(spoofed.contains("http://") && !spoofed.contains("https://"), "{spoofed}");
    // Fifty requests at once on one connection.
    let many = format!("{base}/healthz?[1-50]");
    let got = curl(&county, &["--http2", "--parallel", "-w", "%{http_code} %{num_connects}\n", &many]);
    let said = got.good("fifty at once").text();
    assert_eq!(said.matches("200").count(), 50, "{said}");
    let opened = said.lines().filter(|line| line.ends_with("200 1")).count();
    assert!(opened <= 2, "{opened} connections: {said}");
    // A post, and an answer without a body.
    let body = ["--http2", "-H", "content-type: application/json", "-d", "{\"channel\":\"xiangtu\"}"];
    let opened =
        curl(&county, &[&body[..], &[&format!("{base}/api/v1/sessions")]].concat()).good("a session");
    assert!(opened.text().contains("beats_url"), "{}", opened.text());
    let head = curl(&county, &["--http2", "-I", &format!("{base}/channels.m3u")]).good("HEAD").text();
    assert!(head.starts_with("HTTP/2 200"), "{head}");
    // What a television plays.
    let played = decode(&format!("{base}/channels/xiangtu/index.m3u8"), Some(s(8))).finish(PATIENCE);
    played.good("ffmpeg by TLS");
    // Plain stays plain.
    server.client.good("/healthz");
}

/// The subject of the certificate that is shown.
fn subject(base: &str) -> String {
    let mut command = Command::new("sh");
    let address = base.trim_start_matches("https://");
    let script =
        format!("openssl s_client -connect {address} </dev/null 2>/dev/null | openssl x509 -noout -subject");
    Program::run(command.args(["-c", &script]), PATIENCE).text()
}

#[test]
fn a_certificate_is_changed_while_the_server_runs() {
    let (county, server, base) = house();
    assert!(subject(&base).contains("first.example"));
    // Half of a change is none: the last good one stays.
    fs::write(county.path("tls/chain.pem"), "no certificate\n").expect("a broken file");
    server.logged(&["the last good one stays in force"], PATIENCE);
    assert!(subject(&base).contains("first.example"));
    certify(&county.path("tls"), "second.example");
    wait_for("the other certificate", PATIENCE, || subject(&base).contains("second.example").then_some(()));
    curl(&county, &["--http2", "-o", "/dev/null", &format!("{base}/")]).good("the other certificate");
}

#[test]
fn no_address_has_all_connections() {
    let county = a_county().with_http("max_connections_per_address = 12\nidle_timeout = \"60s\"\n");
    let server = Server::start(&county);
    let held: Vec<_> = (0..12).map(|_| server.client.connect()).collect();
    let refused = || server.client.raw(b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    wait_for("the thirteenth refused", PATIENCE, || refused().is_empty().then_some(()));
    drop(held);
    wait_for("room again", PATIENCE, || refused().starts_with("HTTP/1.1 200").then_some(()));
    let metrics = server.client.good("/metrics").text();
    let counted = metrics.lines().find(|l| l.starts_with("yuanjiao_http_refused_total ")).expect("a counter");
    assert!(!counted.ends_with(" 0"), "{counted}");
}
