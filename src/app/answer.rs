//! Where a reply becomes HTTP, with the headers that keep browsers careful.

use hyper::header::{self, HeaderName, HeaderValue};
use hyper::{Method, Response, StatusCode};

use crate::delivery::Body;
use crate::portal::Reply;

/// Types that go out compressed to those who take it.
const COMPRESSIBLE: [&str; 6] = [
    "text/javascript",
    "text/css",
    "image/svg+xml",
    "application/xml",
    "application/atom+xml",
    "text/calendar",
];

/// The one place where a reply becomes HTTP.
pub(super) fn answer(reply: Reply, method: &Method) -> Response<Body> {
    let length = reply.body.len();
    let body = if *method == Method::HEAD { Body::empty() } else { Body::from(reply.body) };
    let mut response = Response::new(body);
    *response.status_mut() = reply.status;
    let headers = response.headers_mut();
    let mut set = |name: header::HeaderName, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    };
    if !matches!(reply.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED) {
        set(header::CONTENT_TYPE, reply.content_type);
        set(header::CONTENT_LENGTH, &length.to_string());
    }
    set(header::CACHE_CONTROL, reply.cache);
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::REFERRER_POLICY, "same-origin");
    set(PERMISSIONS, NOTHING_OF_THE_DEVICE);
    set(OPENER, "same-origin");
    set(RESOURCE, "same-origin");
    if reply.gzip {
        set(header::CONTENT_ENCODING, "gzip");
    }
    // A cache must know it of the plain answer too.
    if COMPRESSIBLE.iter().any(|kind| reply.content_type.starts_with(kind)) {
        set(header::VARY, "accept-encoding");
    }
    if !reply.content_type.starts_with("text/html") {
        // A worker's script is bound by the policy it comes with.
        if !reply.content_type.starts_with("text/javascript") {
            set(header::CONTENT_SECURITY_POLICY, NO_PAGE);
        }
    } else {
        set(header::CONTENT_SECURITY_POLICY, CSP);
        set(header::VARY, "accept-encoding, accept-language, cookie");
    }
    if let Some(lang) = reply.set_lang {
        set(header::SET_COOKIE, &format!("lang={lang}; Path=/; Max-Age=31536000; SameSite=Lax"));
    }
    for (name, value) in reply.headers {
        set(name, &value);
    }
    if let Some(location) = reply.location {
        set(header::LOCATION, &location);
    }
    if let Some(saver) = reply.set_saver {
        let cookie = format!("saver={}; Path=/; Max-Age=31536000; SameSite=Lax", u8::from(saver));
        if let Ok(value) = HeaderValue::from_str(&cookie) {
            headers.append(header::SET_COOKIE, value);
        }
    }
    if let Some(cookie) = reply.set_cookie
        && let Ok(value) = HeaderValue::from_str(&cookie)
    {
        headers.append(header::SET_COOKIE, value);
    }
    response
}

/// Everything a page needs comes from us; media are played from memory (`blob:`).
const CSP: &str = "default-src 'self'; media-src 'self' blob: data:; worker-src 'self' blob:; img-src 'self' data:; \
                   style-src 'self'; object-src 'none'; frame-ancestors 'none'; form-action 'self'; base-uri 'none'";

/// What is no page is shown as none.
const NO_PAGE: &str = "default-src 'none'; frame-ancestors 'none'; sandbox";

const PERMISSIONS: HeaderName = HeaderName::from_static("permissions-policy");
const OPENER: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
const RESOURCE: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// Pages ask for no camera, microphone or place.
const NOTHING_OF_THE_DEVICE: &str =
    "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()";

/// Players and pages elsewhere may ask.
pub(super) fn open_to_all(mut response: Response<Body>) -> Response<Body> {
    let headers = response.headers_mut();
    headers.insert(RESOURCE, HeaderValue::from_static("cross-origin"));
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_METHODS,
        HeaderValue::from_static("GET, HEAD, POST, PATCH, DELETE, OPTIONS"),
    );
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_HEADERS,
        HeaderValue::from_static("authorization, content-type, idempotency-key"),
    );
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("location"));
    response
}

/// Nothing of where one was goes along from a page of the office, or from one
/// whose address holds a code.
pub(super) fn discreet(mut response: Response<Body>) -> Response<Body> {
    response.headers_mut().insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

/// Browsers come by TLS only, for a year (RFC 6797).
pub(super) fn by_tls_only(mut response: Response<Body>) -> Response<Body> {
    let year = HeaderValue::from_static("max-age=31536000");
    response.headers_mut().insert(header::STRICT_TRANSPORT_SECURITY, year);
    response
}
