//! Asking the server, as a page or a player does.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;
use ureq::http;

use super::time::s;

/// Asks one server.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    agent: ureq::Agent,
    pub(crate) address: SocketAddr,
}

/// What it said.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
}

impl Client {
    pub(crate) fn new(address: SocketAddr) -> Self {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_global(Some(s(30)))
            // The server hangs up on idle connections; be the first.
            .max_idle_age(Duration::from_millis(500))
            .build();
        Self { agent: config.into(), address }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// A request; an error is one of the connection, not of the answer.
    pub(crate) fn try_ask(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&[u8]>,
    ) -> Result<Answer, ureq::Error> {
        let mut request = http::Request::builder().method(method).uri(self.url(path));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answered = match body {
            Some(body) => self.agent.run(request.body(body)?)?,
            None => self.agent.run(request.body(())?)?,
        };
        let (parts, mut body) = answered.into_parts();
        let headers = parts.headers.iter();
        let headers =
            headers.map(|(k, v)| (k.to_string(), String::from_utf8_lossy(v.as_bytes()).into_owned()));
        Ok(Answer { status: parts.status.as_u16(), headers: headers.collect(), body: body.read_to_vec()? })
    }

    #[track_caller]
    pub(crate) fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.try_ask(method, path, headers, None).unwrap_or_else(|e| panic!("{method} {path}: {e}"))
    }

    #[track_caller]
    pub(crate) fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, &[])
    }

    /// GET that has to be answered with 200.
    #[track_caller]
    pub(crate) fn good(&self, path: &str) -> Answer {
        self.get(path).with(200, path)
    }

    /// The items of a list of the API.
    #[track_caller]
    pub(crate) fn items(&self, path: &str) -> Vec<Value> {
        match self.good(path).json()["items"].take() {
            Value::Array(items) => items,
            other => panic!("{path}: expected a list of items, got {other}"),
        }
    }

    #[track_caller]
    pub(crate) fn post(&self, path: &str, headers: &[(&str, &str)], body: &Value) -> Answer {
        let body = body.to_string();
        let headers = [&[("content-type", "application/json")], headers].concat();
        let answer = self.try_ask("POST", path, &headers, Some(body.as_bytes()));
        answer.unwrap_or_else(|e| panic!("POST {path}: {e}"))
    }

    /// Opens a channel or lesson as a player does; returns the path it was sent on to.
    #[track_caller]
    pub(crate) fn open(&self, path: &str) -> String {
        let answer = self.get(path).with(302, path);
        answer.header("location").expect("a redirect says where").to_owned()
    }

    /// A bare connection.
    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).expect("the server accepts connections");
        stream.set_read_timeout(Some(s(30))).expect("a limit for reading");
        stream
    }

    /// Sends bytes as they are and reads until the server hangs up.
    pub(crate) fn raw(&self, bytes: &[u8]) -> String {
        let mut stream = self.connect();
        // A server that refuses may hang up before all is sent.
        let _ = stream.write_all(bytes);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).into_owned()
    }
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("expected JSON: {e}: {}", self.text()))
    }

    #[track_caller]
    pub(crate) fn with(self, status: u16, what: &str) -> Self {
        assert_eq!(self.status, status, "{what}: {}", self.text());
        self
    }
}

/// The path that `reference` in the playlist at `base` means.
pub(crate) fn resolve(base: &str, reference: &str) -> String {
    if reference.starts_with('/') {
        return reference.to_owned();
    }
    let mut parts: Vec<&str> = base.split('/').collect();
    parts.pop();
    for part in reference.split('/') {
        match part {
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}
