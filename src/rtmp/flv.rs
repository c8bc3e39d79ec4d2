//! FLV (Adobe FLV v10.1 Annex E).

use bytes::Bytes;

use super::RtmpError;
use super::amf::{self, Value};

/// Whether a file has video and audio (Adobe FLV v10.1 §E.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Contents {
    pub(super) video: bool,
    pub(super) audio: bool,
}

/// What a tag holds (§E.4.1); the numbers are those of RTMP messages as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Kind {
    Audio = 8,
    Video = 9,
    Script = 18,
}

/// The header of a file and the first, empty back pointer.
pub(super) fn header(contents: Contents) -> [u8; 13] {
    let flags = u8::from(contents.audio) << 2 | u8::from(contents.video);
    [b'F', b'L', b'V', 1, flags, 0, 0, 0, 9, 0, 0, 0, 0]
}

/// A tag and the back pointer behind it; `timestamp` in milliseconds, whose
/// upper 8 bits stand apart; `body` shorter than 16 MiB.
pub(super) fn tag(kind: Kind, timestamp: u32, body: &[u8]) -> Vec<u8> {
    let [_, length @ ..] = u32::try_from(body.len()).unwrap_or(u32::MAX).to_be_bytes();
    let [upper, lower @ ..] = timestamp.to_be_bytes();
    let mut tag = Vec::with_capacity(11 + body.len() + 4);
    tag.push(kind as u8);
    tag.extend(length);
    tag.extend(lower);
    tag.extend([upper, 0, 0, 0]);
    tag.extend(body);
    let size = u32::try_from(tag.len()).unwrap_or(u32::MAX);
    tag.extend(size.to_be_bytes());
    tag
}

/// The body of a script tag (§E.4.4.1) from a data message, without the
/// `@setDataFrame` that is for the server only (§E.5); none if it holds no data.
///
/// # Errors
/// [`RtmpError::AmfLimit`].
pub(super) fn script(body: &Bytes) -> Result<Option<Bytes>, RtmpError> {
    let mut values = amf::Reader::new(body);
    let mut kept = body.clone();
    let read = values.next().and_then(|name| {
        if name.as_ref().and_then(Value::as_str) == Some("@setDataFrame") {
            kept = body.slice_ref(values.rest());
        }
        let named = matches!(name, Some(Value::String(name)) if name != "@clearDataFrame");
        values.all().map(|values| named && !values.is_empty())
    });
    match read {
        Ok(whole) => Ok(whole.then_some(kept)),
        Err(error @ RtmpError::AmfLimit(_)) => Err(error),
        // Who reads the file could stumble over it, while pictures and sound do without.
        Err(error) => {
            tracing::debug!(%error, "a data message was dropped");
            Ok(None)
        }
    }
}

impl Contents {
    /// By the first tag: metadata that names a codec names all there are
    /// (§E.5). Readers wait long for a track that is announced and never comes.
    pub(super) fn told_by(kind: Kind, body: &[u8]) -> Self {
        let both = Self { video: true, audio: true };
        if kind != Kind::Script {
            return both;
        }
        let values = amf::Reader::new(body).all().unwrap_or_default();
        let has = |name| values.iter().any(|value| value.get(name).is_some());
        let told = Self { video: has("videocodecid"), audio: has("audiocodecid") };
        if told.video || told.audio { told } else { both }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_and_tags_are_as_the_specification_draws_them() {
        let both = Contents { video: true, audio: true };
        assert_eq!(header(both), *b"FLV\x01\x05\0\0\0\x09\0\0\0\0");
        assert_eq!(header(Contents { audio: false, ..both })[4], 1);
        assert_eq!(header(Contents { video: false, ..both })[4], 4);
        let golden = b"\x09\0\0\x03\x23\x45\x67\x01\0\0\0\x17\x01\xff\0\0\0\x0e";
        assert_eq!(tag(Kind::Video, 0x0123_4567, &[0x17, 1, 0xff]), golden);
        assert_eq!(tag(Kind::Audio, u32::MAX, &[]), b"\x08\0\0\0\xff\xff\xff\xff\0\0\0\0\0\0\x0b");
        assert_eq!(tag(Kind::Script, 0, &[2])[..12], *b"\x12\0\0\x01\0\0\0\0\0\0\0\x02");
    }

    fn metadata(names: &[&str], front: &[&str]) -> Bytes {
        let fields = names.iter().map(|name| ((*name).to_owned(), Value::from(7.0))).collect();
        let mut body = Vec::new();
        front.iter().for_each(|name| Value::from(*name).write(&mut body));
        Value::EcmaArray(fields).write(&mut body);
        body.into()
    }

    #[test]
    fn metadata_loses_what_is_for_the_server_and_tells_what_comes() {
        let plain = metadata(&["audiocodecid", "duration"], &["onMetaData"]);
        let sent = metadata(&["audiocodecid", "duration"], &["@setDataFrame", "onMetaData"]);
        assert_eq!(script(&sent).unwrap(), Some(plain.clone()));
        assert_eq!(script(&plain).unwrap(), Some(plain.clone()));
        let audio = Contents { video: false, audio: true };
        assert_eq!(Contents::told_by(Kind::Script, &plain), audio);
        let both = Contents { video: true, audio: true };
        let silent = metadata(&["duration"], &["onMetaData"]);
        assert_eq!(Contents::told_by(Kind::Script, &silent), both);
        assert_eq!(Contents::told_by(Kind::Video, &[0x17]), both);
        for dropped in [&plain[..20], &[], &[5], b"\x02\0\x0f@clearDataFrame", &sent[..16]] {
            assert_eq!(script(&Bytes::copy_from_slice(dropped)).unwrap(), None, "{dropped:?}");
        }
        let deep = [&b"\x02\0\x01a"[..], &[0x0a, 0, 0, 0, 1].repeat(20)].concat();
        assert!(matches!(script(&deep.into()), Err(RtmpError::AmfLimit(_))));
    }
}
