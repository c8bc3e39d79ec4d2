//! One connection from the server's side: bytes in, events and bytes out.

use std::collections::VecDeque;

use bytes::{Buf as _, Bytes, BytesMut};

use super::RtmpError;
use super::amf::{self, Value};
use super::chunk::{Message, Reader, Writer};
use super::flv::{self, Kind};
use super::handshake::Handshake;

/// Bytes of unfinished messages before the encoder is admitted, and after.
const BUDGET: (usize, usize) = (128 * 1024, 16 * 1024 * 1024);
/// The window that is announced and in which is acknowledged, in bytes.
const WINDOW: u32 = 2_500_000;
/// The chunk size of the answers, in bytes: each fits into one chunk.
const CHUNK: u32 = 4096;
/// The chunk streams of control messages (Adobe RTMP 1.0 §5.4) and of commands.
const CONTROL: u32 = 2;
const COMMAND: u32 = 3;

/// Message types (Adobe RTMP 1.0 §5.4, §6.2, §7.1).
mod kind {
    pub(super) const SET_CHUNK_SIZE: u8 = 1;
    pub(super) const ABORT: u8 = 2;
    pub(super) const ACKNOWLEDGEMENT: u8 = 3;
    pub(super) const USER_CONTROL: u8 = 4;
    pub(super) const WINDOW_SIZE: u8 = 5;
    pub(super) const PEER_BANDWIDTH: u8 = 6;
    pub(super) const AUDIO: u8 = 8;
    pub(super) const VIDEO: u8 = 9;
    pub(super) const DATA_AMF3: u8 = 15;
    pub(super) const COMMAND_AMF3: u8 = 17;
    pub(super) const DATA: u8 = 18;
    pub(super) const COMMAND: u8 = 20;
    pub(super) const AGGREGATE: u8 = 22;
}

/// What the peer wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Event {
    /// To publish: `accept` or `refuse` is to follow.
    Publish { app: String, key: String },
    /// That this is handed on.
    Tag { kind: Kind, timestamp: u32, body: Bytes },
    /// To end.
    Finished,
    /// To play, which was refused.
    Play,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Connecting,
    Connected,
    /// The message stream on which the peer wants to publish.
    Asked(u32),
    Publishing(u32),
}

/// The state of one connection.
#[derive(Debug)]
pub(super) struct Session {
    input: BytesMut,
    output: Vec<u8>,
    handshake: Handshake,
    reader: Reader,
    writer: Writer,
    state: State,
    app: String,
    streams: u32,
    events: VecDeque<Event>,
    /// Bytes received modulo 2^32, those of them acknowledged, and the peer's window.
    received: u32,
    acknowledged: u32,
    window: u32,
}

impl Session {
    /// Before the first byte.
    pub(super) fn new() -> Self {
        Self {
            input: BytesMut::new(),
            output: Vec::new(),
            handshake: Handshake::default(),
            reader: Reader::new(BUDGET.0),
            writer: Writer::default(),
            state: State::Connecting,
            app: String::new(),
            streams: 0,
            events: VecDeque::new(),
            received: 0,
            acknowledged: 0,
            window: WINDOW,
        }
    }

    /// Takes bytes of the peer; `next` tells what they mean.
    pub(super) fn feed(&mut self, bytes: &[u8]) {
        self.input.extend_from_slice(bytes);
        self.received = self.received.wrapping_add(bytes.len() as u32);
        if self.received.wrapping_sub(self.acknowledged) >= self.window && self.shaken() {
            self.acknowledged = self.received;
            self.control(kind::ACKNOWLEDGEMENT, &self.received.to_be_bytes());
        }
    }

    /// The bytes to send, which are then forgotten.
    pub(super) fn take_output(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.output)
    }

    /// Goes on with the handshake; whether it is done.
    ///
    /// # Errors
    /// [`RtmpError::Version`].
    pub(super) fn shake(&mut self) -> Result<bool, RtmpError> {
        self.handshake.step(&mut self.input, &mut self.output)?;
        Ok(self.shaken())
    }

    fn shaken(&self) -> bool {
        self.handshake == Handshake::Done
    }

    /// The next event; none while bytes are missing, the handshake is not done
    /// or `Publish` is not answered.
    ///
    /// # Errors
    /// What the peer did wrong; the connection is then of no more use.
    pub(super) fn next(&mut self) -> Result<Option<Event>, RtmpError> {
        while self.shaken() && self.events.is_empty() && !matches!(self.state, State::Asked(_)) {
            let Some(message) = self.reader.next(&mut self.input)? else { break };
            self.message(message)?;
        }
        Ok(self.events.pop_front())
    }

    /// Lets the peer publish, after `Event::Publish`.
    pub(super) fn accept(&mut self) {
        let State::Asked(stream) = self.state else { return };
        self.state = State::Publishing(stream);
        self.reader.set_budget(BUDGET.1);
        // Stream Begin (Adobe RTMP 1.0 §7.1.7).
        self.control(kind::USER_CONTROL, &[&[0, 0][..], &stream.to_be_bytes()].concat());
        self.status(stream, "status", "NetStream.Publish.Start", "the stream is being taken");
    }

    /// Does not let it, after `Event::Publish`.
    pub(super) fn refuse(&mut self, description: &str) {
        let State::Asked(stream) = self.state else { return };
        self.state = State::Connected;
        self.status(stream, "error", "NetStream.Publish.BadName", description);
    }

    fn message(&mut self, message: Message) -> Result<(), RtmpError> {
        let body = &message.body;
        match message.kind {
            kind::SET_CHUNK_SIZE => self.reader.set_size(word(body, 0)?)?,
            kind::ABORT => self.reader.abort(word(body, 0)?),
            kind::WINDOW_SIZE => self.window = word(body, 0)?.clamp(CHUNK, WINDOW),
            // Ping Request and Response (§7.1.7).
            kind::USER_CONTROL if body.starts_with(&[0, 6]) => {
                let response = [&[0, 7][..], &word(body, 2)?.to_be_bytes()].concat();
                self.control(kind::USER_CONTROL, &response);
            }
            kind::AUDIO | kind::VIDEO | kind::DATA => self.media(message.kind, message.timestamp, body)?,
            kind::DATA_AMF3 => self.media(kind::DATA, message.timestamp, &amf0(body))?,
            kind::AGGREGATE => self.aggregate(message.timestamp, message.body)?,
            kind::COMMAND => self.command(message.stream, body)?,
            kind::COMMAND_AMF3 => self.command(message.stream, &amf0(body))?,
            _ => {}
        }
        Ok(())
    }

    fn media(&mut self, kind: u8, timestamp: u32, body: &Bytes) -> Result<(), RtmpError> {
        if !matches!(self.state, State::Publishing(_)) || body.is_empty() {
            return Ok(());
        }
        let (kind, body) = match kind {
            kind::AUDIO => (Kind::Audio, body.clone()),
            kind::VIDEO => (Kind::Video, body.clone()),
            kind::DATA => match flv::script(body)? {
                Some(body) => (Kind::Script, body),
                None => return Ok(()),
            },
            _ => return Ok(()),
        };
        self.events.push_back(Event::Tag { kind, timestamp, body });
        Ok(())
    }

    /// Messages in one (Adobe RTMP 1.0 §7.1.6), whose own timestamps count from the first of them.
    fn aggregate(&mut self, timestamp: u32, mut body: Bytes) -> Result<(), RtmpError> {
        let mut first = None;
        while let Some(&[kind, a, b, c, d, e, f, g]) = body.first_chunk() {
            let own = u32::from_be_bytes([g, d, e, f]);
            let timestamp = timestamp.wrapping_add(own.wrapping_sub(*first.get_or_insert(own)));
            let length = u32::from_be_bytes([0, a, b, c]) as usize;
            if body.len() < 11 + length + 4 {
                return Err(RtmpError::Chunk("an aggregate message ends in the middle"));
            }
            self.media(kind, timestamp, &body.slice(11..11 + length))?;
            body.advance(11 + length + 4);
        }
        Ok(())
    }

    fn command(&mut self, stream: u32, body: &[u8]) -> Result<(), RtmpError> {
        let mut values = amf::Reader::new(body);
        let name = values.next()?;
        let name = name.as_ref().and_then(Value::as_str).ok_or(RtmpError::Command("it has no name"))?;
        let transaction = values.next()?.and_then(|value| value.as_number()).unwrap_or_default();
        match name {
            "connect" => self.connect(transaction, &values.all()?),
            "releaseStream" | "FCPublish" | "FCUnpublish" => {
                self.result(transaction, [Value::Null, Value::Undefined]);
                Ok(())
            }
            "createStream" => {
                self.streams = self.streams.wrapping_add(1);
                self.result(transaction, [Value::Null, f64::from(self.streams).into()]);
                Ok(())
            }
            "publish" => self.publish(stream, &values.all()?),
            "play" | "play2" => {
                self.status(stream, "error", "NetStream.Play.Failed", "this server only takes streams in");
                self.events.push_back(Event::Play);
                Ok(())
            }
            "deleteStream" | "closeStream" => {
                self.finish();
                Ok(())
            }
            // An error for a command it could do without makes ffmpeg give up.
            _ => Ok(()),
        }
    }

    /// Adobe RTMP 1.0 §7.2.1.1.
    fn connect(&mut self, transaction: f64, arguments: &[Value]) -> Result<(), RtmpError> {
        if self.state != State::Connecting {
            return Err(RtmpError::Command("`connect` comes twice"));
        }
        let app = arguments.first().and_then(|object| object.get("app")).and_then(Value::as_str);
        app.unwrap_or_default().trim_matches('/').clone_into(&mut self.app);
        self.state = State::Connected;
        self.control(kind::WINDOW_SIZE, &WINDOW.to_be_bytes());
        // Dynamic (§5.4.5): a hint at most.
        self.control(kind::PEER_BANDWIDTH, &[&WINDOW.to_be_bytes()[..], &[2]].concat());
        self.control(kind::SET_CHUNK_SIZE, &CHUNK.to_be_bytes());
        self.writer.set_size(CHUNK as usize);
        // What Flash Media Server says, which some encoders look at.
        let server = object([("fmsVer", "FMS/3,0,1,123".into()), ("capabilities", 31.0.into())]);
        let information = object([
            ("level", "status".into()),
            ("code", "NetConnection.Connect.Success".into()),
            ("description", "connected".into()),
            ("objectEncoding", 0.0.into()),
        ]);
        self.result(transaction, [server, information]);
        Ok(())
    }

    /// Adobe RTMP 1.0 §7.2.2.6; `arguments` are null, the name and how to store it.
    fn publish(&mut self, stream: u32, arguments: &[Value]) -> Result<(), RtmpError> {
        match self.state {
            State::Connecting => return Err(RtmpError::Command("`publish` comes before `connect`")),
            State::Connected => {}
            State::Asked(_) | State::Publishing(_) => {
                return Err(RtmpError::Command("`publish` comes twice"));
            }
        }
        let key = arguments.get(1).and_then(Value::as_str).unwrap_or_default().to_owned();
        self.state = State::Asked(stream);
        self.events.push_back(Event::Publish { app: self.app.clone(), key });
        Ok(())
    }

    fn finish(&mut self) {
        if let State::Publishing(stream) = self.state {
            self.state = State::Connected;
            self.status(stream, "status", "NetStream.Unpublish.Success", "the stream has ended");
            self.events.push_back(Event::Finished);
        }
    }

    fn control(&mut self, kind: u8, body: &[u8]) {
        self.send(CONTROL, kind, 0, Bytes::copy_from_slice(body));
    }

    /// The answer to a command; transaction 0 wants none (Adobe RTMP 1.0 §7.2.1).
    fn result(&mut self, transaction: f64, values: [Value; 2]) {
        if transaction != 0.0 {
            let [first, second] = values;
            self.invoke(0, &["_result".into(), transaction.into(), first, second]);
        }
    }

    /// `onStatus` (Adobe RTMP 1.0 §7.2.2).
    fn status(&mut self, stream: u32, level: &str, code: &str, description: &str) {
        let information =
            object([("level", level.into()), ("code", code.into()), ("description", description.into())]);
        self.invoke(stream, &["onStatus".into(), 0.0.into(), Value::Null, information]);
    }

    fn invoke(&mut self, stream: u32, values: &[Value]) {
        let mut body = Vec::new();
        values.iter().for_each(|value| value.write(&mut body));
        self.send(COMMAND, kind::COMMAND, stream, body.into());
    }

    fn send(&mut self, id: u32, kind: u8, stream: u32, body: Bytes) {
        let message = Message { timestamp: 0, kind, stream, body };
        self.output.extend(self.writer.chunks(id, &message).concat());
    }
}

fn object<const N: usize>(fields: [(&str, Value); N]) -> Value {
    Value::Object(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

/// Four bytes of a control message.
fn word(body: &[u8], at: usize) -> Result<u32, RtmpError> {
    let word = body.get(at..).and_then(|rest| rest.first_chunk());
    word.copied().map(u32::from_be_bytes).ok_or(RtmpError::Chunk("a control message is too short"))
}

/// What a message in AMF3's name holds: AMF0 behind a byte, as all encoders send it.
fn amf0(body: &Bytes) -> Bytes {
    body.slice(usize::from(!body.is_empty())..)
}
