//! A player at a terminal: what it plays, reports and fetches; and what its site's page shows of it.

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::county::token;
use super::http::{Answer, Client, resolve};
use super::playlist::{beside, fetch};
use super::time::{Stopwatch, ms, now, s, sleep_until};

/// A player at a terminal, or of the public.
#[derive(Debug)]
pub(crate) struct Player {
    pub(crate) client: Client,
    pub(crate) session: String,
    pub(crate) play: String,
    pub(crate) beats: String,
    pub(crate) nonce: String,
    pub(crate) boot: String,
    pub(crate) started: Stopwatch,
}

/// Where a media line stands at a beat, and when the player's clock says it is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct At {
    pub(crate) seq: u64,
    pub(crate) mono: u64,
    pub(crate) pos: i64,
}

impl Player {
    #[track_caller]
    pub(crate) fn open(client: &Client, terminal: Option<&str>, item: &Value) -> Self {
        let answer = ask(client, terminal.map(token).as_deref(), item).with(201, "opening a session").json();
        let text =
            |key: &str| answer[key].as_str().unwrap_or_else(|| panic!("no {key}: {answer}")).to_owned();
        let (session, play) = (text("session"), text("play_url"));
        Self {
            client: client.clone(),
            boot: format!("boot-{session}"),
            session,
            play,
            beats: text("beats_url"),
            nonce: text("nonce"),
            started: Stopwatch::start(),
        }
    }

    /// Another device that was given this one's address and nonce.
    pub(crate) fn of(other: &Self) -> Self {
        Self {
            client: other.client.clone(),
            session: other.session.clone(),
            play: other.play.clone(),
            beats: other.beats.clone(),
            nonce: other.nonce.clone(),
            boot: other.boot.clone(),
            started: Stopwatch::start(),
        }
    }

    pub(crate) fn beat(&self, at: At) -> Value {
        json!({
            "seq": at.seq, "boot": self.boot, "mono_ms": at.mono, "wall_ms": now().as_millisecond(),
            "pos_ms": at.pos, "rate": 1, "state": "playing", "visible": true, "nonce": self.nonce,
        })
    }

    /// What the player's own clock says: it began at 1 s.
    pub(crate) fn mono(&self) -> u64 {
        1000 + self.started.passed().as_millis() as u64
    }

    /// Sends beats as they are.
    pub(crate) fn send(&mut self, beats: &[Value]) -> Answer {
        let answer = self.client.post(&self.beats, &[], &json!(beats));
        if answer.status == 200 {
            self.nonce = answer.json()["nonce"].as_str().expect("a new nonce").to_owned();
        }
        answer
    }

    /// Plays from position `pos` for some seconds, a beat every two; returns what was sent.
    pub(crate) fn play(&mut self, pos: i64, seconds: u64) -> Vec<Value> {
        let (begun, mut sent) = (self.mono(), Vec::new());
        let start = now();
        for n in 0..=seconds / 2 {
            sleep_until(start + ms(n * 2000));
            let mono = self.mono();
            let beat = self.beat(At { seq: n, mono, pos: pos + (mono - begun) as i64 });
            let answer = self.send(std::slice::from_ref(&beat)).with(200, "a beat");
            assert_eq!(answer.json()["accepted_through"], n);
            sent.push(beat);
        }
        sent
    }

    /// The addresses of a rendition's segments, and their lengths in seconds.
    pub(crate) fn segments(&self, rendition: &str) -> Vec<(String, f64)> {
        let media = fetch(&self.client, &beside(&self.play, rendition));
        media.segments.iter().map(|x| (resolve(&self.play, &x.uri), x.duration)).collect()
    }
}

pub(crate) fn ask(client: &Client, token: Option<&str>, item: &Value) -> Answer {
    let bearer = token.map(|t| format!("Bearer {t}"));
    let headers: Vec<(&str, &str)> = bearer.iter().map(|b| ("authorization", b.as_str())).collect();
    client.post("/api/v1/sessions", &headers, item)
}

/// Seconds on a site's page, of a session or (with none) of the site.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seconds {
    pub(crate) delivered: u64,
    pub(crate) watched: u64,
    pub(crate) verified: u64,
}

/// The row of `session` on the page of `site`; none if it has none.
pub(crate) fn row(client: &Client, site: &str, session: &str) -> Option<Seconds> {
    let page = client.good(&format!("/sites/{site}?lang=en")).text();
    let key = hex::encode(&Sha256::digest(session)[..6]);
    assert!(!page.contains(session), "the page keeps to itself what a player is known by");
    let row = page.split(&format!("data-session=\"{key}\"")).nth(1)?.split('>').next()?.to_owned();
    let number = |name: &str| {
        let value = row.split(&format!("data-{name}=\"")).nth(1)?.split('"').next()?;
        value.parse().ok()
    };
    Some(Seconds {
        delivered: number("delivered")?,
        watched: number("watched")?,
        verified: number("verified")?,
    })
}

/// Waits until the page says so: deliveries are noted as they leave, and shown soon after.
#[track_caller]
pub(crate) fn shows(
    client: &Client,
    site: &str,
    session: &str,
    what: &str,
    good: impl Fn(Seconds) -> bool,
) -> Seconds {
    let mut last = None;
    let watch = Stopwatch::start();
    loop {
        let seen = row(client, site, session);
        if let Some(seconds) = seen.filter(|x| good(*x)) {
            return seconds;
        }
        last = seen.or(last);
        assert!(watch.passed() < s(15), "{what}: the page of {site} shows {last:?}");
        std::thread::sleep(ms(200));
    }
}
