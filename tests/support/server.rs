//! The server as its operator knows it: a process, its log, its signals.

use std::net::SocketAddr;
use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::Value;

use super::county::County;
use super::http::Client;
use super::playlist::{self, Media};
use super::process::{Ended, Program, yuanjiao};
use super::time::{Stopwatch, ms, s, wait_for};

/// A server that runs. Dropping it ends it.
#[derive(Debug)]
pub(crate) struct Server {
    program: Program,
    pub(crate) client: Client,
}

/// How long anything may take on a machine with other things to do.
pub(crate) const PATIENCE: Duration = s(90);

impl Server {
    /// Serves `county` on a free port and is ready.
    pub(crate) fn start(county: &County) -> Self {
        Self::launch(county, None).ready()
    }

    /// Serves it at an address used before; not waiting until it is ready.
    pub(crate) fn start_again(county: &County, address: SocketAddr) -> Self {
        Self::launch(county, Some(address))
    }

    fn launch(county: &County, listen: Option<SocketAddr>) -> Self {
        let mut command = yuanjiao(["serve", "--config"]);
        command.arg(county.config()).env("RUST_LOG", "info").envs(county.env());
        if let Some(address) = listen {
            command.args(["--listen", &address.to_string()]);
        }
        let mut program = Program::start(&mut command);
        let lines = program.err.clone();
        let address = wait_for("`serving at http://…` in the server's log", PATIENCE, || {
            assert!(program.is_running(), "the server did not start: {:#?}", lines.all());
            lines
                .all()
                .iter()
                .find_map(|l| l.split("serving at http://").nth(1)?.split('"').next()?.parse().ok())
        });
        Self { program, client: Client::new(address) }
    }

    /// Waits until every channel is on air.
    pub(crate) fn ready(self) -> Self {
        wait_for("200 from /readyz", PATIENCE, || (self.client.get("/readyz").status == 200).then_some(()));
        self
    }

    /// Its process.
    pub(crate) fn id(&self) -> u32 {
        self.program.id()
    }

    /// `kill -9`.
    pub(crate) fn kill(mut self) {
        self.program.kill();
    }

    pub(crate) fn signal(&self, signal: Signal) {
        self.program.signal(signal);
    }

    /// Waits for its end.
    pub(crate) fn finish(mut self, limit: Duration) -> Ended {
        // What is left of this value is dropped with nothing to end.
        let program = std::mem::replace(&mut self.program, Program::start(&mut yuanjiao(["--version"])));
        program.finish(limit)
    }

    pub(crate) fn is_running(&mut self) -> bool {
        self.program.is_running()
    }

    /// The log so far.
    pub(crate) fn log(&self) -> Vec<String> {
        self.program.err.all()
    }

    /// Waits for a line of the log that holds all of `words`.
    #[track_caller]
    pub(crate) fn logged(&self, words: &[&str], limit: Duration) -> Value {
        let found = |line: &String| words.iter().all(|w| line.contains(w));
        let line = wait_for(&format!("{words:?} in the log"), limit, || self.log().into_iter().find(found));
        serde_json::from_str(&line).unwrap_or_else(|e| panic!("a line of the log is no JSON: {e}: {line}"))
    }

    /// Opens the channel as a player does: the path of its multivariant playlist.
    pub(crate) fn open_channel(&self) -> String {
        self.client.open("/channels/xiangtu/index.m3u8")
    }

    /// A live playlist of the session at `index`.
    pub(crate) fn live(&self, index: &str, rendition: &str) -> Media {
        playlist::fetch(&self.client, &playlist::beside(index, rendition))
    }

    /// The as-run log of the last hour, and of what began already of the next.
    pub(crate) fn as_run(&self) -> Vec<Value> {
        self.client.items("/api/v1/channels/xiangtu/asrun")
    }

    /// Waits until a lesson is in the library.
    pub(crate) fn has_lesson(&self, id: &str) -> Value {
        wait_for(&format!("lesson {id} in the library"), PATIENCE, || {
            let lessons = self.client.items("/api/v1/lessons");
            lessons.into_iter().find(|l| l["id"] == id && l["preliminary"] == false)
        })
    }

    /// Waits until a relay has segments and sends more.
    pub(crate) fn has_relay(&self, id: &str) -> Value {
        let watch = Stopwatch::start();
        loop {
            let relay = self.client.items("/api/v1/relays").into_iter().find(|r| r["id"] == id);
            if let Some(live) = relay.as_ref().filter(|r| r["segments"].as_u64() >= Some(2)) {
                return live.clone();
            }
            if watch.passed() > PATIENCE {
                let events = self.client.items(&format!("/api/v1/relays/{id}/events"));
                panic!("relay {id} is not live after {PATIENCE:?}: {relay:#?}, {events:#?}");
            }
            std::thread::sleep(ms(50));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.program.end();
    }
}
