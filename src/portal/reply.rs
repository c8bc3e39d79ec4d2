//! Answers of the portal.

use bytes::Bytes;
use hyper::StatusCode;
use hyper::header::HeaderName;

/// An answer, before it is HTTP.
#[derive(Debug, Clone)]
pub struct Reply {
    /// Status.
    pub status: StatusCode,
    /// `Content-Type`.
    pub content_type: &'static str,
    /// `Cache-Control`.
    pub cache: &'static str,
    /// The body.
    pub body: Bytes,
    /// The language chosen, where a page was asked for in one.
    pub set_lang: Option<crate::base::Lang>,
    /// Whether data is saved, where a page was asked for so.
    pub set_saver: Option<bool>,
    /// `Content-Encoding: gzip`.
    pub gzip: bool,
    /// Where to go instead.
    pub location: Option<Box<str>>,
    /// Further headers.
    pub headers: Vec<(HeaderName, String)>,
    /// The body follows as things change: server-sent events.
    pub events: bool,
    /// The sign-in's cookie, where it begins or ends.
    pub set_cookie: Option<Box<str>>,
}

impl Reply {
    /// 200 with a body that is not kept.
    pub fn ok(content_type: &'static str, body: impl Into<Bytes>) -> Self {
        Self {
            status: StatusCode::OK,
            content_type,
            cache: "no-store",
            body: body.into(),
            set_lang: None,
            set_saver: None,
            gzip: false,
            location: None,
            headers: Vec::new(),
            events: false,
            set_cookie: None,
        }
    }

    /// 303: what was sent is done, look there.
    pub fn see_other(location: &str) -> Self {
        let mut reply = Self::ok("text/plain; charset=utf-8", "").with_status(StatusCode::SEE_OTHER);
        reply.location = Some(location.into());
        reply
    }

    /// 200 with a body that goes on as things change.
    pub fn events() -> Self {
        let mut reply = Self::ok("text/event-stream", "");
        reply.events = true;
        reply
    }

    /// 200 with JSON.
    pub fn json(value: &impl serde::Serialize) -> Self {
        match serde_json::to_vec(value) {
            Ok(body) => Self::ok("application/json", body),
            Err(error) => {
                problem(StatusCode::INTERNAL_SERVER_ERROR, "The answer cannot be written", &error.to_string())
            }
        }
    }

    /// The same with another status.
    pub fn with_status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// The same with another header.
    pub fn with(mut self, name: HeaderName, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// The same with another `Cache-Control`.
    pub fn cached(mut self, cache: &'static str) -> Self {
        self.cache = cache;
        self
    }
}

/// An error as problem details (RFC 9457).
pub fn problem(status: StatusCode, title: &str, detail: &str) -> Reply {
    let body = serde_json::json!({
        "type": "about:blank", "title": title, "status": status.as_u16(), "detail": detail,
    });
    Reply::ok("application/problem+json", body.to_string()).with_status(status)
}
