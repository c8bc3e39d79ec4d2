use bytes::{Bytes, BytesMut};
use proptest::prelude::*;

use super::RtmpError;
use super::amf::{self, Value};
use super::chunk::{Message, Reader, Writer};
use super::flv::Kind;
use super::handshake::{SIZE, VERSION};
use super::session::{Event, Session};

/// What an encoder would send, piece by piece.
#[derive(Default)]
pub(super) struct Encoder(Writer);

impl Encoder {
    pub(super) fn handshake() -> Vec<u8> {
        let mut bytes = vec![VERSION];
        bytes.extend([7; 2 * SIZE]);
        bytes
    }

    pub(super) fn message(&mut self, kind: u8, timestamp: u32, stream: u32, body: &[u8]) -> Vec<u8> {
        let body = Bytes::copy_from_slice(body);
        self.0.chunks(u32::from(kind) + 3, &Message { timestamp, kind, stream, body }).concat()
    }

    pub(super) fn command(&mut self, stream: u32, values: &[Value]) -> Vec<u8> {
        let mut body = Vec::new();
        values.iter().for_each(|value| value.write(&mut body));
        self.message(20, 0, stream, &body)
    }

    pub(super) fn connect(&mut self) -> Vec<u8> {
        let object = Value::Object(vec![("app".to_owned(), "/live/".into())]);
        self.command(0, &["connect".into(), 1.0.into(), object])
    }

    pub(super) fn publish(&mut self, key: &str) -> Vec<u8> {
        self.command(1, &["publish".into(), 5.0.into(), Value::Null, key.into(), "live".into()])
    }

    /// Everything up to the wish to publish.
    pub(super) fn opening(&mut self, key: &str) -> Vec<u8> {
        let create = ["createStream".into(), 4.0.into(), Value::Null];
        let front = [Self::handshake(), self.connect(), self.command(0, &create)].concat();
        [front, self.publish(key)].concat()
    }
}

fn fed(session: &mut Session, bytes: &[u8]) -> Result<Vec<Event>, RtmpError> {
    session.feed(bytes);
    session.shake()?;
    let mut events = Vec::new();
    while let Some(event) = session.next()? {
        events.push(event);
    }
    Ok(events)
}

fn published() -> (Session, Encoder) {
    let (mut session, mut encoder) = (Session::new(), Encoder::default());
    fed(&mut session, &encoder.opening("secret")).unwrap();
    session.accept();
    (session, encoder)
}

/// The messages of the answer behind the handshake: their types, and the values of commands.
fn answers(output: &[u8], skip: usize) -> Vec<(u8, Vec<Value>)> {
    let mut reader = Reader::new(1 << 20);
    let mut input = BytesMut::from(&output[skip..]);
    let mut out = Vec::new();
    while let Some(message) = reader.next(&mut input).unwrap() {
        if message.kind == 1 {
            reader.set_size(4096).unwrap();
        }
        let values = if message.kind == 20 { amf::Reader::new(&message.body).all().unwrap() } else { vec![] };
        out.push((message.kind, values));
    }
    out
}

fn tag(kind: Kind, timestamp: u32, body: &[u8]) -> Event {
    Event::Tag { kind, timestamp, body: Bytes::copy_from_slice(body) }
}

#[test]
fn an_encoder_is_answered_and_what_it_sends_is_told() {
    let (mut session, mut encoder) = (Session::new(), Encoder::default());
    let wish = Event::Publish { app: "live".to_owned(), key: "secret".to_owned() };
    let opening = [encoder.opening("secret"), encoder.message(9, 40, 1, b"too soon?")].concat();
    assert_eq!(fed(&mut session, &opening).unwrap(), [wish]);
    session.accept();
    assert_eq!(fed(&mut session, &[]).unwrap(), [tag(Kind::Video, 40, b"too soon?")]);

    let answers = answers(&session.take_output(), 1 + 2 * SIZE);
    let kinds: Vec<u8> = answers.iter().map(|(kind, _)| *kind).collect();
    assert_eq!(kinds, [5, 6, 1, 20, 20, 4, 20]);
    assert_eq!(answers[3].1[3].get("code"), Some(&"NetConnection.Connect.Success".into()));
    assert_eq!(answers[4].1, ["_result".into(), 4.0.into(), Value::Null, 1.0.into()]);
    assert_eq!(answers[6].1[3].get("code"), Some(&"NetStream.Publish.Start".into()));

    // HEVC of Enhanced RTMP, which is nothing special here.
    let hevc = [0x90, b'h', b'v', b'c', b'1', 1, 2];
    let sent = [
        encoder.message(9, u32::MAX, 1, &hevc),
        encoder.message(8, 7, 1, &[0xaf, 1]),
        encoder.message(8, 8, 1, &[]),
        encoder.command(1, &["deleteStream".into(), 0.0.into(), Value::Null, 1.0.into()]),
        encoder.message(9, 9, 1, b"too late"),
    ];
    let told = [tag(Kind::Video, u32::MAX, &hevc), tag(Kind::Audio, 7, &[0xaf, 1]), Event::Finished];
    assert_eq!(fed(&mut session, &sent.concat()).unwrap(), told);
}

#[test]
fn who_is_refused_or_wants_to_play_is_told_so() {
    let (mut session, mut encoder) = (Session::new(), Encoder::default());
    fed(&mut session, &encoder.opening("wrong")).unwrap();
    session.refuse("no");
    let refused = answers(&session.take_output(), 1 + 2 * SIZE).pop().unwrap().1;
    assert_eq!(refused[3].get("code"), Some(&"NetStream.Publish.BadName".into()));
    assert_eq!(refused[3].get("description"), Some(&"no".into()));
    let play = encoder.command(1, &["play".into(), 0.0.into(), Value::Null, "secret".into()]);
    assert_eq!(fed(&mut session, &play).unwrap(), [Event::Play]);
}

#[test]
fn pings_are_answered_and_bytes_acknowledged() {
    let (mut session, mut encoder) = published();
    session.take_output();
    let window = encoder.message(5, 0, 0, &5000u32.to_be_bytes());
    let ping = encoder.message(4, 0, 0, &[0, 6, 1, 2, 3, 4]);
    fed(&mut session, &[window, ping].concat()).unwrap();
    assert!(session.take_output().ends_with(&[0, 7, 1, 2, 3, 4]));
    let large = encoder.message(9, 0, 1, &[0; 6000]);
    fed(&mut session, &large).unwrap();
    assert_eq!(answers(&session.take_output(), 0).len(), 1);
}

#[test]
fn messages_in_one_come_apart_with_their_times() {
    let (mut session, mut encoder) = published();
    let one = |kind: u8, time: u8, body: u8| [kind, 0, 0, 1, 0, 0, time, 0, 0, 0, 0, body, 0, 0, 0, 12];
    let both = [one(8, 10, 0xaf), one(9, 33, 0x17)].concat();
    let told = [tag(Kind::Audio, 1000, &[0xaf]), tag(Kind::Video, 1023, &[0x17])];
    assert_eq!(fed(&mut session, &encoder.message(22, 1000, 1, &both)).unwrap(), told);
    let cut = encoder.message(22, 1000, 1, &both[..30]);
    assert!(matches!(fed(&mut session, &cut), Err(RtmpError::Chunk(_))));
}

#[test]
fn commands_out_of_order_end_it() {
    let said = |bytes: &[u8]| fed(&mut Session::new(), bytes).unwrap_err().to_string();
    let mut encoder = Encoder::default();
    let early = [Encoder::handshake(), encoder.publish("k")].concat();
    assert_eq!(said(&early), "a wrong command: `publish` comes before `connect`");
    let mut encoder = Encoder::default();
    let twice = [Encoder::handshake(), encoder.connect(), encoder.connect()].concat();
    assert_eq!(said(&twice), "a wrong command: `connect` comes twice");
    let (mut session, mut encoder) = published();
    let again = fed(&mut session, &encoder.publish("other")).unwrap_err();
    assert_eq!(again.to_string(), "a wrong command: `publish` comes twice");
}

proptest! {
    #[test]
    fn it_is_the_same_however_it_is_cut_and_broken_bytes_never_panic(
        piece in 1usize..3000,
        broken in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        garbage in proptest::collection::vec(any::<u8>(), 0..300),
    ) {
        let mut encoder = Encoder::default();
        let media = [encoder.opening("k"), encoder.message(9, 5, 1, &[1; 700])].concat();
        let mut session = Session::new();
        let mut events = Vec::new();
        for bytes in media.chunks(piece) {
            session.feed(bytes);
            session.shake().unwrap();
            while let Some(event) = session.next().unwrap() {
                events.push(event);
                session.accept();
            }
        }
        prop_assert_eq!(events.len(), 2);
        prop_assert_eq!(events.pop(), Some(tag(Kind::Video, 5, &[1; 700])));

        let mut bytes = [media, garbage].concat();
        for (at, value) in broken {
            let behind = at.index(bytes.len() - 2 * SIZE - 1) + 2 * SIZE + 1;
            bytes[behind] = value;
        }
        let mut session = Session::new();
        session.feed(&bytes);
        let _ = session.shake();
        while let Ok(Some(_)) = session.next() {
            session.accept();
        }
    }
}
