//! Uploads by tus 1.0.0, as a page or another system sends them: what breaks off goes
//! on, what arrives is the file, and becomes a lesson.

#[expect(dead_code, reason = "each story uses its part of what they share")]
mod support;

use std::fs;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::io::Write as _;
use std::net::TcpStream;

use support::browser::{Browser, an_office, join};
use support::county::{County, a_county};
use support::http::Answer;
use support::media::{make_lesson, make_subtitles, package_lesson};
use support::server::{PATIENCE, Server};
use support::time::{ms, s, wait_for};

const BYTES: (&str, &str) = ("content-type", "application/offset+octet-stream");

/// How often the server is killed under one upload.
const KILLS: usize = 10;

/// Another number in every run, below `most`.
fn random(most: usize) -> usize {
    RandomState::new().build_hasher().finish() as usize % most
}

/// An editor's page.
struct Page {
    browser: Browser,
    token: String,
}

impl Page {
    fn of(mut browser: Browser) -> Self {
        let token = browser.token();
        Self { browser, token }
    }

    fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let mut all = vec![
            ("cookie", self.browser.cookie.as_str()),
            ("sec-fetch-site", "same-origin"),
            ("x-form-token", &self.token),
            ("tus-resumable", "1.0.0"),
        ];
        all.extend_from_slice(headers);
        let answer = self.browser.client.try_ask(method, path, &all, Some(body));
        answer.unwrap_or_else(|e| panic!("{method} {path}: {e}"))
    }

    /// Begins an upload; where its bytes go.
    fn begin(&self, length: usize, pairs: &[(&str, &str)]) -> Answer {
        let length = length.to_string();
        let metadata = metadata(pairs);
        self.ask(
            "POST",
            "/api/v1/uploads",
            &[("upload-length", &length), ("upload-metadata", &metadata)],
            b"",
        )
    }

    fn offset(&self, path: &str) -> usize {
        let answer = self.ask("HEAD", path, &[], b"").with(200, "how far it is");
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        answer.header("upload-offset").and_then(|n| n.parse().ok()).expect("a number")
    }

    fn send(&self, path: &str, offset: usize, more: &[(&str, &str)], bytes: &[u8]) -> Answer {
        let offset = offset.to_string();
        let mut headers = vec![BYTES, ("upload-offset", offset.as_str())];
        headers.extend_from_slice(more);
        self.ask("PATCH", path, &headers, bytes)
    }
}

/// `Upload-Metadata`.
fn metadata(pairs: &[(&str, &str)]) -> String {
    let encoded = |value: &str| {
        use base64::Engine as _;
        base64::prelude::BASE64_STANDARD.encode(value)
    };
    pairs.iter().map(|(key, value)| format!("{key} {}", encoded(value))).collect::<Vec<_>>().join(",")
}

fn sha256(bytes: &[u8]) -> String {
    use sha2::Digest as _;
    hex::encode(sha2::Sha256::digest(bytes))
}

fn location(answer: &Answer) -> String {
    answer.header("location").expect("where its bytes go").to_owned()
}

fn a_film(county: &County) -> Vec<u8> {
    let made = county.path("made.mkv");
    make_lesson(&made, 6);
    fs::read(made).expect("a film")
}

/// What a request says before its bytes.
fn head(page: &Page, path: &str, (offset, length): (usize, usize), more: &str) -> String {
    format!(
        "PATCH {path} HTTP/1.1\r\nhost: county\r\ncookie: {}\r\nsec-fetch-site: same-origin\r\nx-form-token: {}\r\n\
         tus-resumable: 1.0.0\r\ncontent-type: {}\r\nupload-offset: {offset}\r\ncontent-length: {length}\r\n{more}\r\n",
        page.browser.cookie, page.token, BYTES.1
    )
}

/// A request whose body is promised and does not come: the line is still open.
fn half_a_request(
    page: &Page,
    server: &Server,
    path: &str,
    offset: usize,
    (said, sent): (usize, &[u8]),
) -> TcpStream {
    let mut line = server.client.connect();
    let head = head(page, path, (offset, said), "");
    line.write_all(head.as_bytes()).and_then(|()| line.write_all(sent)).expect("sent");
    line
}

#[test]
fn an_upload_survives_the_line_and_the_server_and_becomes_a_lesson() {
    let county = a_county();
    let film = a_film(&county);
    let (server, admin) = an_office(&county);
    let page = Page::of(admin);
    let sha256 = sha256(&film);
    let pairs = [("filename", "Grape Pruning.mkv"), ("sha256", &sha256), ("title-zh-Hans", "葡萄冬季修剪")];
    let begun = page.begin(film.len(), &pairs).with(201, "begun");
    assert_eq!(begun.header("tus-resumable"), Some("1.0.0"));
    assert!(begun.header("upload-expires").is_some_and(|at| at.ends_with(" GMT")), "{begun:?}");
    let path = location(&begun);
    assert_eq!(page.offset(&path), 0);

    // A third, acknowledged.
    let third = film.len() / 3;
    let sent = page.send(&path, 0, &[], &film[..third]).with(204, "a third");
    assert_eq!(sent.header("upload-offset"), Some(third.to_string().as_str()));
    // The line hangs in the middle of more; who asks anew goes on from where it hangs.
    let _hangs = half_a_request(&page, &server, &path, third, (third, &film[third..third + 10_000]));
    std::thread::sleep(s(1));
    let at = page.offset(&path);
    assert!(at > third && at <= third + 10_000, "{at}: what came before the line hung is kept");
    page.send(&path, third, &[], &film[third..]).with(409, "it goes on elsewhere");

    // The server is killed in the middle of more, ten times: nothing acknowledged is lost.
    let (mut server, mut here) = (server, at);
    for kill in 0..KILLS {
        let (sent, after) = (random((film.len() - here) / 4), random(60));
        let _lost =
            half_a_request(&page, &server, &path, here, (film.len() - here, &film[here..here + sent]));
        std::thread::sleep(ms(after as u64));
        let address = server.client.address;
        server.kill();
        server = Server::start_again(&county, address).ready();
        let now = page.offset(&path);
        assert!(
            (here..=here + sent).contains(&now),
            "kill {kill}, {sent} bytes, {after} ms: {now} after {here}"
        );
        here = now;
    }
    assert!(!county.inbox().join("Grape Pruning.mkv").exists(), "half a film is none");
    page.send(&path, here, &[], &film[here..]).with(204, "the rest");
    assert_eq!(page.offset(&path), film.len());

    let lesson = server.has_lesson("grape-pruning");
    assert_eq!(lesson["titles"]["zh-Hans"], "葡萄冬季修剪");
    // A lesson is there before its original goes where it stays.
    let original = county.path("media/originals/Grape Pruning.mkv");
    wait_for("the original", PATIENCE, || original.exists().then_some(()));
    assert_eq!(fs::read(original).expect("the original"), film);

    // The same film is known before a byte of it comes; whoever wants it again gets it.
    let known = page.begin(film.len(), &pairs).with(409, "it is there");
    assert_eq!(known.header("x-lesson"), Some("grape-pruning"));
    let other = page.begin(3, &[("filename", "Grape Pruning.mp4")]).with(409, "it would take its place");
    assert_eq!(other.header("x-replaces"), Some("grape-pruning"));
    wait_for("a line in the audit log", PATIENCE, || {
        let audit = page.browser.clone().get("/office/audit").with(200, "the audit log").text();
        audit.contains("uploaded a file of the lesson").then_some(())
    });
    let again = [&pairs[..], &[("again", "1")]].concat();
    let path = location(&page.begin(film.len(), &again).with(201, "once more"));
    page.ask("DELETE", &path, &[], b"").with(204, "ended");
    page.ask("HEAD", &path, &[], b"").with(404, "gone");
    let left = page.ask("GET", "/api/v1/uploads", &[], b"").with(200, "one's uploads").json();
    assert_eq!(left.as_array().map(Vec::len), Some(1), "{left}");
}

#[test]
fn a_slow_line_has_all_the_time_it_needs() {
    let county = a_county().with_http("header_timeout = \"1s\"\ndrain_timeout = \"10s\"");
    let (server, admin) = an_office(&county);
    let page = Page::of(admin);
    for (at, expects) in ["", "expect: 100-continue\r\n"].into_iter().enumerate() {
        let path = location(&page.begin(5, &[("filename", &format!("slow-{at}.srt"))]).with(201, "begun"));
        let mut line = server.client.connect();
        let head = head(&page, &path, (0, 5), expects);
        line.write_all(head.as_bytes()).expect("sent");
        for byte in b"12345" {
            std::thread::sleep(ms(700));
            line.write_all(&[*byte]).expect("the line is open");
        }
        wait_for("the end of a slow upload", PATIENCE, || (page.offset(&path) == 5).then_some(()));
    }
}

#[test]
fn what_is_wrong_is_said_and_nothing_of_it_is_taken() {
    let county = a_county();
    let (server, mut admin) = an_office(&county);
    let code = admin.invites("eva", "editor", "county");
    let (editor, reviewer) = (join(&server, &code), admin.invites("rui", "reviewer", "county"));
    let (page, reviewer, admin) = (Page::of(editor), Page::of(join(&server, &reviewer)), Page::of(admin));
    let name = [("filename", "grapes.mp4")];

    let abilities = server.client.ask("OPTIONS", "/api/v1/uploads", &[]).with(204, "what it can do");
    assert_eq!(
        abilities.header("tus-extension"),
        Some("creation,creation-with-upload,expiration,checksum,termination")
    );
    assert!(
        abilities.header("tus-max-size").is_some() && abilities.header("tus-checksum-algorithm").is_some()
    );

    // Who may.
    let nobody = [("tus-resumable", "1.0.0"), ("upload-length", "3")];
    server.client.ask("POST", "/api/v1/uploads", &nobody).with(401, "nobody");
    reviewer.begin(3, &name).with(403, "a reviewer");
    let path = location(&page.begin(3, &name).with(201, "an editor"));
    admin.ask("HEAD", &path, &[], b"").with(404, "another person's");
    let mut elsewhere = Page { browser: page.browser.clone(), token: page.token.clone() };
    elsewhere.token = "made up".to_owned();
    elsewhere.begin(3, &name).with(403, "not from our page");

    // What.
    page.ask("POST", "/api/v1/uploads", &[("upload-defer-length", "1")], b"").with(400, "of unknown length");
    page.begin(3, &[("filename", "list.m3u8")]).with(400, "no lesson");
    page.begin(usize::MAX, &name).with(413, "too large");
    let mut old = vec![("cookie", page.browser.cookie.as_str()), ("tus-resumable", "0.2.2")];
    old.push(("x-form-token", &page.token));
    let other = page.browser.client.ask("HEAD", &path, &old).with(412, "another version");
    assert_eq!(other.header("tus-version"), Some("1.0.0"));

    // One that began is not begun twice.
    let again = page.begin(3, &name).with(201, "the answer was lost");
    assert_eq!(location(&again), path);
    let bad_sum = [("upload-length", "3"), BYTES, ("upload-checksum", "md5 AAAA")];
    let wish = metadata(&[("filename", "c.mp4")]);
    let with_bytes = [&bad_sum[..], &[("upload-metadata", wish.as_str())]].concat();
    page.ask("POST", "/api/v1/uploads", &with_bytes, b"abc").with(400, "an unknown sum");
    let whole = [&with_bytes[..2], &with_bytes[3..]].concat();
    let begun = page.ask("POST", "/api/v1/uploads", &whole, b"abc").with(201, "begun with its bytes");
    assert_eq!(begun.header("upload-offset"), Some("3"));

    // How.
    page.ask("PATCH", &path, &[("upload-offset", "0")], b"abc").with(415, "no bytes of an upload");
    page.send(&path, 1, &[], b"bc").with(409, "not there");
    page.send(&path, 0, &[], b"abcd").with(413, "more than was said");
    page.send(&path, 0, &[("upload-checksum", "sha1 qZk+NkcGgWq6PiVxeFDCbJzQ2J0=")], b"abd")
        .with(460, "changed");
    assert_eq!(page.offset(&path), 0, "all of it counts, or nothing");
    let right = ("upload-checksum", "sha1 qZk+NkcGgWq6PiVxeFDCbJzQ2J0=");
    page.send(&path, 0, &[right], b"abc").with(204, "as it was sent");

    // It is no film: the office reads why.
    let refused = wait_for("a refusal", PATIENCE, || {
        let jobs = server.client.items("/api/v1/packaging");
        jobs.into_iter().find(|j| j["lesson"] == "grapes" && j["state"] == "failed")
    });
    assert!(refused["message"].as_str().is_some_and(|m| !m.is_empty()), "{refused}");

    // A file that is not what was said is dropped whole.
    let path =
        location(&page.begin(3, &[("filename", "b.mp4"), ("sha256", &sha256(b"abc"))]).with(201, "begun"));
    page.send(&path, 0, &[], b"abd").with(422, "another file");
    page.ask("HEAD", &path, &[], b"").with(404, "dropped");
    std::thread::sleep(ms(100));
    assert!(!county.inbox().join("b.mp4").exists());
}

/// Nothing is encoded for them, and nothing that is on its way is forestalled.
#[test]
fn subtitles_come_to_a_lesson_that_is_there() {
    let county = a_county();
    package_lesson(&county, "grape", 6);
    let (server, mut admin) = an_office(&county);
    let manifest = || {
        let text = fs::read(county.library().join("grape/package.json")).expect("a package");
        serde_json::from_slice::<serde_json::Value>(&text).expect("a manifest")
    };
    let was = manifest();
    let best = county.library().join("grape").join(was["tracks"][0]["file"].as_str().expect("a file"));
    let inode = || {
        use std::os::unix::fs::MetadataExt as _;
        fs::metadata(&best).expect("its best rung").ino()
    };
    let its_media = inode();
    let office = admin.get("/office/lessons?lang=en");
    let page = Page::of(admin);
    // A new film of the lesson has begun to come.
    let film = a_film(&county);
    let begun = page.begin(film.len(), &[("filename", "grape.mp4"), ("again", "")]).with(201, "it begins");
    let path = location(&begun);
    page.send(&path, 0, &[], &film[..film.len() / 2]).with(204, "half of it");
    let inbox = county.inbox();
    make_subtitles(&inbox.join("grape.ug-Arab.srt"), "ئۈزۈم");
    fs::write(inbox.join("grape.kk-Cyrl.srt"), "no subtitles").expect("dropped");
    make_subtitles(&inbox.join("apple.ug-Arab.srt"), "ئالما");
    let listed =
        || page.browser.client.ask("GET", "/office/lessons?lang=en", &[("cookie", &page.browser.cookie)]);
    wait_for("what waits to be told", PATIENCE, || {
        let text = listed().text();
        ["grape.ug-Arab.srt", "apple.ug-Arab.srt"].iter().all(|name| text.contains(name)).then_some(())
    });
    assert_eq!(manifest(), was, "they are the new film's");
    assert!(!office.text().contains("grape.ug-Arab.srt"));

    // It does not come after all.
    page.ask("DELETE", &path, &[], b"").with(204, "ended");
    wait_for("the subtitles", PATIENCE, || {
        let lesson = server.client.get("/api/v1/lessons/grape").json();
        (lesson["subtitles"] == serde_json::json!(["ug-Arab"])).then_some(())
    });
    let is = manifest();
    assert_eq!((&is["tracks"], inode()), (&was["tracks"], its_media), "the same media, once on disk");
    assert_ne!(is["content_hash"], was["content_hash"], "another version");
    let index = server.client.open("/lessons/grape/index.m3u8");
    let texts = server.live(&index, "s-ug-Arab");
    let first = support::http::resolve(&index, &texts.segments[0].uri);
    assert!(server.client.good(&first).text().contains("ئۈزۈم"));
    let rejected = county.path("media/rejected/grape.kk-Cyrl.srt.reason.txt");
    let why = wait_for("a reason", PATIENCE, || fs::read_to_string(&rejected).ok());
    assert!(why.contains("grape.kk-Cyrl.srt"), "{why}");
    assert!(county.path("media/originals/grape.ug-Arab.srt").exists(), "kept as it came");

    // Corrected, and once more the same: one more version, not two.
    let corrected = |text: &str| make_subtitles(&inbox.join("grape.ug-Arab.srt"), text);
    corrected("ئۈزۈم كېسىش");
    let taken = || (!inbox.join("grape.ug-Arab.srt").exists()).then_some(());
    wait_for("it to be taken", PATIENCE, taken);
    let third = manifest();
    assert_ne!(third["content_hash"], is["content_hash"]);
    corrected("ئۈزۈم كېسىش");
    wait_for("it to be taken", PATIENCE, taken);
    assert_eq!(manifest(), third);
    assert!(!server.log().iter().any(|line| line.contains("ERROR")), "{:#?}", server.log());
}
