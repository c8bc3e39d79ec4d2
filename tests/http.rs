//! The server as strangers on the network meet it: ranges, caches, pages of
//! other origins, and peers that dawdle or ask for what they may not.

#[expect(dead_code, reason = "each story uses its part of what they share")]
mod support;

use std::io::{Read, Write};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use support::county::{County, a_county};
use support::http::resolve;
use support::server::Server;
use support::time::{Stopwatch, ms, s};

/// A server with tight limits that the stories of this file share.
struct House {
    server: Server,
    _county: County,
}

const LIMITS: &str = "
max_header = \"8KiB\"
header_timeout = \"2s\"
idle_timeout = \"3s\"
drain_timeout = \"2s\"
";

/// The running house; it ends with the last story that uses it.
fn house() -> Arc<House> {
    static HOUSE: Mutex<Weak<House>> = Mutex::new(Weak::new());
    let mut known = HOUSE.lock().unwrap_or_else(PoisonError::into_inner);
    known.upgrade().unwrap_or_else(|| {
        let county = a_county().with_http(LIMITS);
        let house = Arc::new(House { server: Server::start(&county), _county: county });
        *known = Arc::downgrade(&house);
        house
    })
}

/// The path of a media segment, and of the session's multivariant playlist.
fn a_segment(house: &House) -> (String, String) {
    let index = house.server.open_channel();
    let media = house.server.live(&index, "v360");
    let last = media.segments.last().expect("a segment");
    (resolve(&index, &last.uri), index)
}

#[test]
fn a_segment_can_be_fetched_in_parts() {
    let house = house();
    let client = &house.server.client;
    let (segment, _) = a_segment(&house);
    let whole = client.good(&segment);
    let n = whole.body.len();
    assert_eq!(whole.header("accept-ranges"), Some("bytes"));
    let part = |range: &str| client.ask("GET", &segment, &[("range", range)]);
    for (range, from, to) in [
        ("bytes=0-99".to_owned(), 0, 100),
        (format!("bytes=100-{}", n + 1000), 100, n),
        ("bytes=200-".to_owned(), 200, n),
        ("bytes=-50".to_owned(), n - 50, n),
    ] {
        let answer = part(&range).with(206, &range);
        assert_eq!(answer.body, whole.body[from..to], "{range}");
        assert_eq!(answer.header("content-range"), Some(format!("bytes {from}-{}/{n}", to - 1).as_str()));
        assert_eq!(answer.header("content-length"), Some((to - from).to_string().as_str()));
    }
    let beyond = part(&format!("bytes={n}-")).with(416, "a range beyond the end");
    assert_eq!(beyond.header("content-range"), Some(format!("bytes */{n}").as_str()));
    assert_eq!(part("lines=1-2").with(200, "another unit").body, whole.body);
    let stale = client.ask("GET", &segment, &[("range", "bytes=0-9"), ("if-range", "\"another\"")]);
    assert_eq!(stale.with(200, "a range of another version").body.len(), n);
}

#[test]
fn what_a_cache_holds_is_not_sent_again() {
    let house = house();
    let client = &house.server.client;
    let (segment, index) = a_segment(&house);
    let whole = client.good(&segment);
    let etag = whole.header("etag").expect("a strong validator");
    assert!(etag.starts_with('"'), "{etag} is weak");
    assert_eq!(whole.header("cache-control"), Some("public, max-age=31536000, immutable"));
    for known in [etag.to_owned(), format!("\"other\", {etag}"), "*".to_owned()] {
        let answer = client.ask("GET", &segment, &[("if-none-match", &known)]).with(304, &known);
        assert!(answer.body.is_empty());
        assert_eq!(answer.header("etag"), Some(etag));
    }
    client.ask("GET", &segment, &[("if-none-match", "\"other\"")]).with(200, "another validator");
    // The same bytes have the same address and validator in every session.
    let address = segment.split_once("/seg/").expect("an address of a segment").1;
    let other = house.server.open_channel();
    assert_ne!(other, index, "a session of its own");
    let again = client.good(&resolve(&other, &format!("../../seg/{address}")));
    assert_eq!((again.header("etag"), &again.body), (Some(etag), &whole.body));
    assert_eq!(
        client.good(&index).header("cache-control"),
        Some("no-store"),
        "a playlist carries its session"
    );
}

#[test]
fn head_answers_as_get_does_without_the_body() {
    let house = house();
    let client = &house.server.client;
    let (segment, index) = a_segment(&house);
    for path in [segment.as_str(), &index, "/healthz", "/channels.m3u", "/"] {
        let (get, head) = (client.good(path), client.ask("HEAD", path, &[]).with(200, path));
        assert!(head.body.is_empty(), "{path}");
        for name in ["content-type", "content-length", "cache-control", "etag"] {
            assert_eq!(head.header(name), get.header(name), "{name} of {path}");
        }
    }
}

/// What keeps a browser careful with whatever comes.
#[test]
fn every_answer_tells_browsers_to_be_careful() {
    let house = house();
    let client = &house.server.client;
    let paths = [
        "/",
        "/guide",
        "/sites",
        "/sign-in",
        "/office",
        "/metrics",
        "/healthz",
        "/nowhere",
        "/guide.xml",
        "/channels.m3u",
        "/assets/logo.svg",
        "/api/v1/channels",
        "/api/v1/relays",
        "/api/v1/nowhere",
    ];
    for path in paths {
        let answer = client.get(path);
        let says = |name: &str| answer.header(name).unwrap_or_default().to_owned();
        assert_eq!(says("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(says("cross-origin-opener-policy"), "same-origin", "{path}");
        assert!(says("permissions-policy").contains("camera=()"), "{path}");
        assert!(says("content-security-policy").contains("frame-ancestors 'none'"), "{path}");
        assert!(!says("content-security-policy").contains("unsafe"), "{path}");
        let open = matches!(path, "/guide.xml" | "/channels.m3u" | "/api/v1/channels" | "/api/v1/nowhere");
        assert_eq!(answer.header("access-control-allow-origin").is_some(), open, "{path}");
        let inside = matches!(path, "/sign-in" | "/office");
        assert_eq!(says("referrer-policy"), if inside { "no-referrer" } else { "same-origin" }, "{path}");
        assert_eq!(answer.header("strict-transport-security"), None, "{path}: this server speaks no TLS");
    }
    assert_eq!(client.get("//evil.example/x").status, 404);
    assert!(!client.get("//evil.example/x").text().contains("href=\"//"), "no link leads to another server");
}

#[test]
fn players_on_other_pages_may_ask() {
    let house = house();
    let client = &house.server.client;
    let (segment, index) = a_segment(&house);
    let origin = ("origin", "https://portal.example");
    for path in [segment.as_str(), &index, "/channels/xiangtu/index.m3u8", "/api/v1/channels"] {
        let answer = client.ask("GET", path, &[origin]);
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"), "{path}");
    }
    let exposed = client.good(&segment);
    let exposed = exposed.header("access-control-expose-headers").unwrap_or_default();
    assert!(exposed.contains("content-range"), "{exposed}");
    for (path, method, header) in
        [(segment.as_str(), "GET", "range"), ("/api/v1/sessions", "POST", "authorization")]
    {
        let asked =
            [origin, ("access-control-request-method", method), ("access-control-request-headers", header)];
        let answer = client.ask("OPTIONS", path, &asked).with(204, path);
        let says = |name| answer.header(name).unwrap_or_default().to_lowercase();
        assert!(says("access-control-allow-methods").contains(&method.to_lowercase()), "{answer:?}");
        assert!(says("access-control-allow-headers").contains(header), "{answer:?}");
    }
}

#[test]
fn there_is_nothing_outside_the_house() {
    let house = house();
    let client = &house.server.client;
    let (segment, index) = a_segment(&house);
    let session = index.split("/channels/").next().expect("a session").to_owned();
    let owner = segment.split("/seg/").nth(1).and_then(|a| a.split('/').next()).expect("an owner").to_owned();
    for path in [
        format!("{session}/seg/{owner}/v360/999999.m4s"),
        format!("{session}/seg/{owner}/v999/0.m4s"),
        format!("{session}/seg/lesson.none.0123456789ab/v360/0.m4s"),
        format!("{session}/seg/relay.none/v/0.m4s"),
        format!("{session}/seg/{owner}/v360/00.m4s"),
        format!("{session}/seg/{owner}/v360/init-none.mp4"),
        format!("{session}/channels/xiangtu/v999.m3u8"),
        "/channels/none/index.m3u8".into(),
        "/lessons/none/index.m3u8".into(),
        "/api/v1/none".into(),
        "/none".into(),
    ] {
        client.get(&path).with(404, &path);
    }
    // As they are, for a client would tidy them.
    for path in [
        "/../../../../etc/passwd".to_owned(),
        "/assets/../../county.toml".into(),
        "/assets/..%2f..%2fcounty.toml".into(),
        "/%2e%2e/%2e%2e/etc/passwd".into(),
        format!("{session}/seg/../../data/ticket.key"),
        format!("{session}/seg/..%2f..%2fdata/v360/ticket.key"),
        format!("{session}/seg/{owner}/../../0.m4s"),
        "/lessons/../../../poster.jpg".into(),
        "/lessons/..%2f..%2fdata/poster.jpg".into(),
    ] {
        let answer =
            client.raw(format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").as_bytes());
        let status = answer.split(' ').nth(1).unwrap_or_default();
        assert!(["400", "403", "404"].contains(&status), "{path}: {answer}");
        assert!(!answer.contains("root:") && !answer.contains("token_sha256"), "{path}: {answer}");
    }
    for (method, path) in
        [("DELETE", segment.as_str()), ("PUT", "/"), ("POST", "/channels.m3u"), ("PUT", "/api/v1/sessions")]
    {
        client.ask(method, path, &[]).with(405, method);
    }
}

#[test]
fn a_head_over_the_limit_is_refused() {
    let house = house();
    let client = &house.server.client;
    let padded = |n: usize| {
        let padding = "x".repeat(n);
        client.raw(
            format!("GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Padding: {padding}\r\n\r\n")
                .as_bytes(),
        )
    };
    assert!(padded(4 << 10).starts_with("HTTP/1.1 200"), "{}", padded(4 << 10));
    let refused = padded(64 << 10);
    assert!(refused.is_empty() || refused.starts_with("HTTP/1.1 431"), "{refused}");
    client.good("/healthz");
}

#[test]
fn a_head_that_dribbles_in_is_not_waited_for() {
    let house = house();
    let mut stream = house.server.client.connect();
    let watch = Stopwatch::start();
    for byte in b"GET /healthz HTTP/1.1\r\nHost: x\r\n".iter().chain(std::iter::repeat_n(&b'x', 60)) {
        if stream.write_all(&[*byte]).is_err() {
            break;
        }
        std::thread::sleep(s(1));
        stream.set_read_timeout(Some(ms(10))).expect("a limit for reading");
        // An end, or an error that is not about waiting: it hung up.
        match stream.read(&mut [0; 512]) {
            Ok(0) => break,
            Err(e) if !matches!(e.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut) => {
                break;
            }
            _ => {}
        }
    }
    let passed = watch.passed();
    assert!(passed > ms(1500) && passed < s(10), "hung up on after {passed:?}; the limit is 2 s");
    house.server.client.good("/healthz");
}

#[test]
fn a_connection_that_falls_silent_is_closed() {
    let house = house();
    let mut stream = house.server.client.connect();
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").expect("asked");
    let mut answer = [0; 2048];
    let n = stream.read(&mut answer).expect("answered");
    assert!(answer[..n].starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer[..n]));
    let watch = Stopwatch::start();
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).expect("closed, not reset");
    let passed = watch.passed();
    assert!(passed > s(2) && passed < s(12), "closed after {passed:?}; the limit is 3 s");
}

#[test]
fn one_connection_serves_many_requests() {
    let house = house();
    let (segment, _) = a_segment(&house);
    let mut stream = house.server.client.connect();
    for n in 0..200 {
        let path = if n % 2 == 0 { "/healthz" } else { &segment };
        write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").expect("the connection stands");
        let length = read_head(&mut stream);
        let mut body = vec![0; length];
        stream.read_exact(&mut body).unwrap_or_else(|e| panic!("answer {n}: {e}"));
    }
}

/// Reads the head of a good answer; returns the length of its body.
fn read_head(stream: &mut std::net::TcpStream) -> usize {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).expect("a head");
        head.extend(byte);
    }
    let head = String::from_utf8_lossy(&head).to_lowercase();
    assert!(head.starts_with("http/1.1 200"), "{head}");
    let length = head.lines().find_map(|l| l.strip_prefix("content-length: ")?.parse().ok());
    length.unwrap_or_else(|| panic!("no length: {head}"))
}
