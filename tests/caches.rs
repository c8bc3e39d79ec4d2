//! Stock caches in front, with the files of `deploy/`: nginx, Varnish and
//! Traffic Server fetch a segment once for five hundred playbacks, and the
//! county still knows what each of them watched.

#[expect(dead_code, reason = "each story uses its part of what they share")]
mod support;

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use support::county::{County, a_county, token};
use support::feeds::free_tcp_port;
use support::http::{Client, resolve};
use support::media::package_lesson;
use support::playlist::{beside, fetch};
use support::process::Program;
use support::server::{PATIENCE, Server};
use support::time::{ms, now, sleep_until, wait_for};

const SESSIONS: usize = 500;
const THREADS: usize = 8;

/// The text of a file under `deploy/`, each of `changes` made where it stands.
fn deployed(file: &str, changes: &[(&str, &str)]) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy").join(file);
    let mut text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    for (theirs, ours) in changes {
        assert!(text.contains(theirs), "{file} no longer says {theirs}");
        text = text.replace(theirs, ours);
    }
    text
}

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    fs::write(path, text).expect("a file");
}

fn nginx(root: &Path, origin: SocketAddr, port: u16) -> Program {
    nginx_with(root, origin, port, &[])
}

/// nginx with the county's file, `more` of it changed.
fn nginx_with(root: &Path, origin: SocketAddr, port: u16, more: &[(&str, &str)]) -> Program {
    let root_text = root.display().to_string();
    let (origin, listen) = (origin.to_string(), format!("listen 127.0.0.1:{port};"));
    let (cache, log) = (format!("{root_text}/cache"), format!("{root_text}/access.log"));
    let mut changes = vec![
        ("127.0.0.1:8080", &*origin),
        ("listen 80;", &listen),
        ("/var/cache/nginx/yuanjiao", &cache),
        ("/var/log/nginx/yuanjiao.log", &log),
    ];
    changes.extend(more);
    let site = deployed("nginx/yuanjiao.conf", &changes);
    let paths: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .iter()
        .map(|name| format!("{name}_temp_path {root_text}/tmp-{name};\n"))
        .collect();
    write(&root.join("site.conf"), &site);
    write(
        &root.join("nginx.conf"),
        &format!(
            "daemon off; master_process off; pid {root_text}/pid; error_log stderr warn;\n\
             events {{ worker_connections 512; }}\nhttp {{ {paths} include {root_text}/site.conf; }}\n"
        ),
    );
    Program::start(Command::new("nginx").arg("-c").arg(root.join("nginx.conf")).arg("-p").arg(root))
}

fn varnish(root: &Path, origin: SocketAddr, port: u16) -> Program {
    let changes =
        [("\"127.0.0.1\"", format!("\"{}\"", origin.ip())), ("\"8080\"", format!("\"{}\"", origin.port()))];
    let vcl = deployed("varnish/yuanjiao.vcl", &changes.each_ref().map(|(a, b)| (*a, b.as_str())));
    write(&root.join("site.vcl"), &vcl);
    let mut command = Command::new("/usr/sbin/varnishd");
    command.arg("-F").arg("-n").arg(root.join("work")).arg("-f").arg(root.join("site.vcl"));
    command.arg("-a").arg(format!("127.0.0.1:{port}")).args(["-s", "malloc,64m", "-j", "none"]);
    Program::start(&mut command)
}

fn traffic_server(root: &Path, origin: SocketAddr, port: u16) -> Program {
    let root_text = root.display().to_string();
    for folder in ["run", "log", "cache", "data"] {
        fs::create_dir_all(root.join(folder)).expect("a folder");
    }
    // What Debian brings, then ours over it.
    for entry in fs::read_dir("/etc/trafficserver").expect("Traffic Server's files") {
        let path = entry.expect("an entry").path();
        if path.is_file() {
            write(
                &root.join("etc").join(path.file_name().expect("a name")),
                &fs::read_to_string(&path).expect("text"),
            );
        }
    }
    let remap = deployed("trafficserver/remap.config", &[("127.0.0.1:8080", &origin.to_string())]);
    write(&root.join("etc/remap.config"), &remap);
    let ports =
        format!("server_ports STRING {port}:ip-in=127.0.0.1\nCONFIG proxy.config.admin.user_id STRING #-1\n");
    let ours = deployed("trafficserver/records.config", &[("server_ports STRING 80\n", &ports)]);
    let theirs = fs::read_to_string("/etc/trafficserver/records.config").expect("its records");
    write(&root.join("etc/records.config"), &(theirs + "\n" + &ours));
    write(&root.join("etc/storage.config"), &format!("{root_text}/cache 64M\n"));
    let places = format!(
        "prefix: {root_text}\nexec_prefix: {root_text}\nbindir: /usr/bin\nsbindir: /usr/bin\n\
         sysconfdir: {root_text}/etc\ndatadir: {root_text}/data\nincludedir: /usr/include\n\
         libdir: /usr/lib/trafficserver\nlibexecdir: /usr/lib/trafficserver/modules\n\
         localstatedir: {root_text}\nruntimedir: {root_text}/run\nlogdir: {root_text}/log\n\
         cachedir: {root_text}/cache\n"
    );
    write(&root.join("runroot.yaml"), &places);
    Program::start(Command::new("traffic_server").env("TS_RUNROOT", root))
}

/// Requests for media that the county has answered well.
fn answered(server: &Server) -> u64 {
    let metrics = server.client.good("/metrics").text();
    let line = metrics
        .lines()
        .find_map(|l| l.strip_prefix("yuanjiao_http_requests_total{kind=\"media\",class=\"2xx\"} "));
    line.and_then(|n| n.parse().ok()).unwrap_or_else(|| panic!("no such figure in {metrics}"))
}

/// A playback that was opened through the cache.
struct Playback {
    play: String,
    beats: String,
    nonce: String,
}

impl Playback {
    fn open(cache: &Client, bearer: Option<&str>) -> Self {
        let bearer = bearer.map(|b| format!("Bearer {b}"));
        let headers: Vec<_> = bearer.iter().map(|b| ("authorization", b.as_str())).collect();
        let opened = cache.post("/api/v1/sessions", &headers, &json!({"lesson": "grapes"}));
        let opened = opened.with(201, "opening a session").json();
        let text =
            |key: &str| opened[key].as_str().unwrap_or_else(|| panic!("no {key}: {opened}")).to_owned();
        Self { play: text("play_url"), beats: text("beats_url"), nonce: text("nonce") }
    }

    /// The addresses of all that a terminal plays.
    fn media(&self, cache: &Client) -> Vec<String> {
        let of = |rendition: &str| {
            let segments = fetch(cache, &beside(&self.play, rendition)).segments;
            segments.into_iter().map(|s| resolve(&self.play, &s.uri)).collect::<Vec<_>>()
        };
        of("v240").into_iter().chain(of("a-zh-Hans")).collect()
    }

    fn beat(&self, cache: &Client, seq: u64, passed: i64) -> Value {
        let beat = json!([{
            "seq": seq, "boot": "page", "mono_ms": 1000 + passed, "wall_ms": now().as_millisecond(),
            "pos_ms": passed, "rate": 1, "state": "playing", "visible": true, "nonce": self.nonce,
        }]);
        cache.post(&self.beats, &[], &beat).with(200, "a beat").json()
    }
}

/// Path of a segment below its ticket.
fn shared(path: &str) -> &str {
    path.split_once("/seg/").expect("a segment").1
}

/// Five hundred playbacks through a cache, and beside them one of the hall that beats.
fn through(server: &Server, cache: &Client, name: &str) {
    wait_for(name, PATIENCE, || {
        cache.try_ask("GET", "/readyz", &[], None).is_ok_and(|a| a.status == 200).then_some(())
    });

    // A ticket that was never given opens nothing, also before anybody has fetched, and stays alone with that.
    let playback = Playback::open(cache, Some(&token("hall")));
    let media = playback.media(cache);
    let forged = format!("/s/AAAA/seg/{}", shared(&media[0]));
    assert_eq!(cache.get(&forged).status, 403, "{name}: a forged ticket");

    // What the hall watches, while everybody else does.
    let begun = now();
    playback.beat(cache, 0, 0);
    let before = answered(server);
    let (asked, playlists) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let own = Playback::open(&server.client, None).media(&server.client);
    let direct: BTreeMap<&str, Vec<u8>> =
        own.iter().map(|m| (shared(m), server.client.good(m).body)).collect();
    let fetched_directly = answered(server) - before - 2;
    let before = answered(server);
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                let client = Client::new(cache.address);
                for _ in 0..SESSIONS.div_ceil(THREADS) {
                    let playback = Playback::open(&client, None);
                    playlists.fetch_add(2, Ordering::Relaxed);
                    for path in playback.media(&client) {
                        let answer = client.good(&path);
                        assert!(answer.body == direct[shared(&path)], "{name}: other bytes of {path}");
                        asked.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    let (asked, playlists) = (asked.into_inner() as u64, playlists.into_inner() as u64);
    let missed = answered(server).saturating_sub(before).checked_sub(playlists);
    let missed = missed.unwrap_or_else(|| panic!("{name}: a playlist came from the cache"));
    assert_eq!(fetched_directly, media.len() as u64);
    assert!(asked >= (SESSIONS * media.len()) as u64);
    assert!(missed >= 1 && missed * 100 <= asked, "{name}: {missed} of {asked} segments were fetched again");

    // Parts of what is kept, whatever the ticket.
    let part = cache.ask("GET", &media[0], &[("range", "bytes=100-299")]).with(206, "a part");
    assert!(part.body == direct[shared(&media[0])][100..300], "{name}: other bytes");

    // The beats tell what was watched though the county sent nothing.
    sleep_until(begun + ms(3000));
    let passed = now().duration_since(begun).as_millis() as i64;
    playback.beat(cache, 1, passed.min(16_000));
}

/// Of each playback of the hall's site its level, and the seconds watched.
fn levels(server: &Server) -> Vec<(String, u64)> {
    let page = server.client.good("/sites/dongmen?lang=en").text();
    let rows = page.split("data-session=\"").skip(1);
    rows.map(|row| {
        let row = row.split('>').next().unwrap_or_default();
        let of = |name: &str| {
            row.split(&format!("data-{name}=\""))
                .nth(1)
                .and_then(|v| v.split('"').next())
                .unwrap_or("")
                .to_owned()
        };
        (of("level"), of("watched").parse().unwrap_or(0))
    })
    .collect()
}

fn a_house() -> (County, Server) {
    let county = a_county();
    package_lesson(&county, "grapes", 16);
    let server = Server::start(&county);
    (county, server)
}

#[test]
fn a_segment_is_fetched_once_for_five_hundred_playbacks() {
    type Cache = fn(&Path, SocketAddr, u16) -> Program;
    let (county, server) = a_house();
    let caches: [(&str, Cache); 3] =
        [("nginx", nginx), ("varnish", varnish), ("traffic-server", traffic_server)];
    for (n, (name, start)) in caches.into_iter().enumerate() {
        let port = free_tcp_port();
        let root = county.path(name);
        fs::create_dir_all(&root).expect("a folder");
        let mut program = start(&root, server.client.address, port);
        let cache = Client::new(SocketAddr::from(([127, 0, 0, 1], port)));
        through(&server, &cache, name);
        assert!(program.is_running(), "{name}: {:#?}", program.err.all());
        program.end();
        // The hall's playbacks, one for each cache so far.
        let seen = levels(&server);
        let timed = seen.iter().filter(|(level, watched)| level == "L2" && *watched >= 2).count();
        assert_eq!(timed, n + 1, "{name}: the county knows what was watched: {seen:?}");
    }
}

/// The levels once `good` holds of them.
fn levels_when(server: &Server, good: impl Fn(&[(String, u64)]) -> bool) -> Vec<(String, u64)> {
    wait_for("the site's page", PATIENCE, || Some(levels(server)).filter(|seen| good(seen)))
}

#[test]
fn an_enrolled_cache_is_believed_what_it_sent_and_no_other() {
    let secret = "a-township-s-secret";
    let hash = hex::encode(Sha256::digest(secret));
    let county = a_county().with(&format!("[evidence]\nedges = [\"chengguan {hash}\"]\n"));
    package_lesson(&county, "grapes", 16);
    let server = Server::start(&county);
    for (n, (name, told)) in [("enrolled", secret), ("stranger", "a guess")].into_iter().enumerate() {
        let port = free_tcp_port();
        let root = county.path(name);
        fs::create_dir_all(&root).expect("a folder");
        let more = [("# mirror /.sent;", "mirror /.sent;"), ("TOKEN", told)];
        let mut program = nginx_with(&root, server.client.address, port, &more);
        let cache = Client::new(SocketAddr::from(([127, 0, 0, 1], port)));
        wait_for(name, PATIENCE, || {
            cache.try_ask("GET", "/readyz", &[], None).is_ok_and(|a| a.status == 200).then_some(())
        });
        // Somebody else has fetched all of it: the county will not be asked for a segment.
        let other = Playback::open(&cache, None);
        for path in other.media(&cache) {
            cache.good(&path);
        }
        let playback = Playback::open(&cache, Some(&token("hall")));
        for path in playback.media(&cache) {
            cache.good(&path);
        }
        let begun = now();
        playback.beat(&cache, 0, 0);
        sleep_until(begun + ms(4000));
        playback.beat(&cache, 1, now().duration_since(begun).as_millis() as i64);
        let wanted = if name == "enrolled" { "L3" } else { "L2" };
        let seen = levels_when(&server, |seen| {
            seen.len() == n + 1 && seen.iter().any(|(level, watched)| level == wanted && *watched >= 3)
        });
        assert_eq!(seen.iter().filter(|(level, _)| level == "L3").count(), 1, "{name}: {seen:?}");
        assert!(program.is_running(), "{name}: {:#?}", program.err.all());
        program.end();
    }
    // What a cache may say, only a cache may say, and only of what there is.
    let playback = Playback::open(&server.client, Some(&token("hall")));
    let path = playback.media(&server.client).remove(0);
    let say = |path: &str, token: &str| server.client.ask("GET", path, &[("yuanjiao-edge", token)]).status;
    assert_eq!((say(&path, "a guess"), say(&path, secret)), (403, 204));
    assert_eq!(say(&path.replace("/seg/", "/seg/no-"), secret), 403, "no segment");
    assert_eq!(say(&playback.play, secret), 403, "a playlist");
}
