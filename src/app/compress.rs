//! Pages go out compressed, which a village's line feels: the guide shrinks to an eighth.

use std::io::Write;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use hyper::header::{self, HeaderMap};

use crate::portal::Reply;

/// Bodies under this fit into one packet with their head as they are.
const WORTH_IT: usize = 1 << 10;

/// A middling level: a page takes about a millisecond, and higher ones save little.
const LEVEL: Compression = Compression::new(5);

/// True if who asks takes gzip (RFC 9110 §12.5.3).
pub(super) fn accepts_gzip(headers: &HeaderMap) -> bool {
    let values = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|v| v.to_str().ok());
    values.flat_map(|v| v.split(',')).any(|coding| {
        let mut parts = coding.split(';').map(str::trim);
        let named = parts.next().is_some_and(|name| name.eq_ignore_ascii_case("gzip"));
        let refused = |q: &str| q.parse::<f32>().is_ok_and(|q| q <= 0.0);
        named && !parts.any(|p| p.strip_prefix("q=").is_some_and(refused))
    })
}

/// The same, compressed where it is worth it.
///
/// Only for pages without secrets: a page with a form's token and words from
/// its address would betray the token by its length (BREACH).
pub(super) fn compressed(mut reply: Reply, accepts_gzip: bool) -> Reply {
    if !accepts_gzip || reply.gzip || reply.body.len() < WORTH_IT {
        return reply;
    }
    let mut encoder = GzEncoder::new(Vec::with_capacity(reply.body.len() / 4), LEVEL);
    let small = encoder.write_all(&reply.body).and_then(|()| encoder.finish());
    if let Ok(small) = small
        && small.len() < reply.body.len()
    {
        reply.body = Bytes::from(small);
        reply.gzip = true;
    }
    reply
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use hyper::header::HeaderValue;

    use super::*;

    fn asking(accept: &str) -> HeaderMap {
        let value = HeaderValue::from_str(accept).expect("a header");
        HeaderMap::from_iter([(header::ACCEPT_ENCODING, value)])
    }

    #[test]
    fn gzip_is_sent_to_those_who_take_it() {
        for yes in ["gzip", "gzip, deflate, br", "br;q=1.0, GZIP;q=0.5"] {
            assert!(accepts_gzip(&asking(yes)), "{yes}");
        }
        for no in ["", "br", "gzip;q=0", "identity, gzip; q=0.0", "x-gzip-like"] {
            assert!(!accepts_gzip(&asking(no)), "{no}");
        }
        assert!(!accepts_gzip(&HeaderMap::new()));
    }

    #[test]
    fn a_page_shrinks_and_comes_back_whole() {
        let page = "<p>节目单</p>".repeat(1000);
        let small = compressed(Reply::ok("text/html", page.clone()), true);
        assert!(small.gzip && small.body.len() < page.len() / 8);
        let mut back = String::new();
        flate2::read::GzDecoder::new(&small.body[..]).read_to_string(&mut back).expect("gzip");
        assert_eq!(back, page);
    }

    #[test]
    fn what_is_small_refused_or_compressed_already_stays_as_it_is() {
        let page = "x".repeat(5000);
        assert!(!compressed(Reply::ok("text/html", page.clone()), false).gzip);
        assert!(!compressed(Reply::ok("text/html", "x".repeat(WORTH_IT - 1)), true).gzip);
        let mut twin = Reply::ok("text/css", page.clone());
        twin.gzip = true;
        assert_eq!(compressed(twin, true).body.len(), page.len());
    }
}
