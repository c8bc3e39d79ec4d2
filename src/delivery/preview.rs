//! Packages as who reviews them sees them: on offer or not, without a session, since
//! nobody studies.

use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{Method, Response, StatusCode};

use crate::channel::Sources as _;
use crate::hls::{Address, SegmentFile};

use super::body::Body;
use super::media::{Delivery, NEVER, PLAYLIST, refuse, whole};
use super::playlists::lesson;
use super::segments::SegmentError;

impl Delivery {
    /// Answers `OWNER/index.m3u8` and what it leads to, of any package of the library.
    /// Whoever asks has been let in.
    pub async fn preview(
        &self,
        method: &Method,
        path: &str,
        lang: Option<&crate::base::Lang>,
    ) -> Response<Body> {
        let unknown = || refuse(StatusCode::NOT_FOUND, "nothing of this name");
        let Some((owner, rest)) = path.split_once('/').filter(|(owner, _)| owner.starts_with("lesson."))
        else {
            return unknown();
        };
        let Some(asset) = self.sources.asset(owner) else { return unknown() };
        let mut response = match rest.strip_prefix("seg/") {
            None => match lesson(&asset, rest, lang, "seg/") {
                Ok(body) => whole(method, body, PLAYLIST),
                Err((status, why)) => return refuse(status, why),
            },
            Some(address) => {
                let address = Address::parse(address).filter(|a| a.owner == owner && a.on_air.is_none());
                let Some(address) = address else { return unknown() };
                let kind = match address.file {
                    SegmentFile::Text(_) => "text/vtt; charset=utf-8",
                    _ => "video/mp4",
                };
                match self.segments.get(&address).await {
                    Ok(segment) => whole(method, segment.bytes, HeaderValue::from_static(kind)),
                    Err(SegmentError::Unknown) => return unknown(),
                    Err(error) => {
                        tracing::error!(address = %address, %error, "a segment could not be read");
                        return refuse(StatusCode::INTERNAL_SERVER_ERROR, "the segment could not be read");
                    }
                }
            }
        };
        private(response.headers_mut());
        response
    }
}

/// No cache on the way keeps it, and no other page reads it.
fn private(headers: &mut HeaderMap) {
    headers.insert(header::CACHE_CONTROL, NEVER);
    headers.remove(header::ACCESS_CONTROL_ALLOW_ORIGIN);
    headers.remove(header::ACCESS_CONTROL_EXPOSE_HEADERS);
}
