//! The chunk stream: messages cut into chunks and put together again (Adobe RTMP 1.0 §5.3).

use std::collections::HashMap;

use bytes::{Buf as _, Bytes, BytesMut};

use super::RtmpError;

/// The chunk size until one is set, in bytes (Adobe RTMP 1.0 §5.4.1).
const FIRST_SIZE: usize = 128;
/// No message is longer than its 24-bit length says, so no larger chunk is needed.
const LARGEST_SIZE: u32 = 0x00ff_ffff;
/// The longest message that is taken, in bytes.
const MESSAGE: usize = 8 * 1024 * 1024;
/// Chunk streams of one connection; encoders use about five.
const STREAMS: usize = 64;
/// A timestamp field that says that the timestamp stands in 32 bits behind it (§5.3.1.3).
const EXTENDED: u32 = 0x00ff_ffff;
/// Differences of timestamps beyond this mean that time went backward.
const HALF: u32 = 1 << 31;

/// A message (Adobe RTMP 1.0 §6.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Message {
    /// In milliseconds, from any start, modulo 2^32.
    pub(super) timestamp: u32,
    /// The message type.
    pub(super) kind: u8,
    /// The message stream.
    pub(super) stream: u32,
    pub(super) body: Bytes,
}

/// What is known of one chunk stream from the chunks before.
#[derive(Debug, Default)]
struct Incoming {
    timestamp: u32,
    /// The latest timestamp or difference that was sent.
    field: u32,
    extended: bool,
    length: usize,
    kind: u8,
    stream: u32,
    body: BytesMut,
    /// A message is under way.
    open: bool,
}

/// What one chunk header says.
struct Header {
    format: u8,
    id: u32,
    /// Timestamp (format 0) or difference, before the extended one.
    time: Option<u32>,
    length_and_kind: Option<(usize, u8)>,
    stream: Option<u32>,
}

/// Puts messages together.
#[derive(Debug)]
pub(super) struct Reader {
    size: usize,
    streams: HashMap<u32, Incoming>,
    /// The chunk being read: its stream and how many bytes are missing.
    chunk: Option<(u32, usize)>,
    /// Bytes of all unfinished messages, and how many they may be.
    held: usize,
    budget: usize,
}

impl Reader {
    /// For a new connection; unfinished messages may hold `budget` bytes together.
    pub(super) fn new(budget: usize) -> Self {
        Self { size: FIRST_SIZE, streams: HashMap::new(), chunk: None, held: 0, budget }
    }

    /// Changes how many bytes unfinished messages may hold.
    pub(super) fn set_budget(&mut self, bytes: usize) {
        self.budget = bytes;
    }

    /// Obeys Set Chunk Size (Adobe RTMP 1.0 §5.4.1), in bytes.
    ///
    /// # Errors
    /// [`RtmpError::Chunk`] for sizes that the protocol does not know.
    pub(super) fn set_size(&mut self, size: u32) -> Result<(), RtmpError> {
        if size == 0 || size > i32::MAX.unsigned_abs() {
            return Err(RtmpError::Chunk("a chunk size that cannot be"));
        }
        self.size = size.min(LARGEST_SIZE) as usize;
        Ok(())
    }

    /// Obeys Abort Message (Adobe RTMP 1.0 §5.4.2); the rest of a chunk under way is skipped.
    pub(super) fn abort(&mut self, id: u32) {
        if let Some(stream) = self.streams.get_mut(&id) {
            self.held -= stream.body.len();
            stream.body.clear();
            stream.open = false;
        }
    }

    /// The next whole message; none while its end is missing.
    ///
    /// # Errors
    /// [`RtmpError::Chunk`] for chunks that contradict each other, and the
    /// errors of the limits: message length, chunk streams, unfinished bytes.
    pub(super) fn next(&mut self, input: &mut BytesMut) -> Result<Option<Message>, RtmpError> {
        loop {
            let (id, missing) = match self.chunk {
                Some(chunk) => chunk,
                None => match self.begin(input)? {
                    Some(chunk) => chunk,
                    None => return Ok(None),
                },
            };
            let taken = missing.min(input.len());
            let stream = self.streams.entry(id).or_default();
            if stream.open {
                self.held += taken;
                if self.held > self.budget {
                    return Err(RtmpError::TooMuchUnfinished(self.budget));
                }
                stream.body.extend_from_slice(&input[..taken]);
            }
            self.chunk = Some((id, missing - taken));
            input.advance(taken);
            if taken < missing {
                return Ok(None);
            }
            self.chunk = None;
            if stream.open && stream.body.len() == stream.length {
                self.held -= stream.length;
                return Ok(Some(stream.finish()));
            }
        }
    }

    /// Reads a whole header; returns the stream and the bytes of the chunk behind it.
    fn begin(&mut self, input: &mut BytesMut) -> Result<Option<(u32, usize)>, RtmpError> {
        let mut rest = &input[..];
        let Some(header) = header(&mut rest) else { return Ok(None) };
        if !self.streams.contains_key(&header.id) {
            // Some encoders begin a chunk stream with type 1, for message stream 0.
            if header.format > 1 {
                return Err(RtmpError::Chunk("a chunk stream begins without a length"));
            }
            if self.streams.len() == STREAMS {
                return Err(RtmpError::TooManyChunkStreams);
            }
        }
        let stream = self.streams.entry(header.id).or_default();
        if stream.open && header.format != 3 {
            return Err(RtmpError::Chunk("a message begins before the one before it ended"));
        }
        let Some(extended) = extended(&header, stream, &mut rest) else { return Ok(None) };
        let used = input.len() - rest.len();
        input.advance(used);
        stream.start(&header, extended);
        if stream.length > MESSAGE {
            return Err(RtmpError::MessageTooLong { length: stream.length, limit: MESSAGE });
        }
        Ok(Some((header.id, self.size.min(stream.length - stream.body.len()))))
    }
}

impl Incoming {
    fn start(&mut self, header: &Header, extended: Option<u32>) {
        if let Some((length, kind)) = header.length_and_kind {
            (self.length, self.kind) = (length, kind);
        }
        if let Some(stream) = header.stream {
            self.stream = stream;
        }
        if let Some(time) = header.time {
            self.extended = extended.is_some();
            self.field = extended.unwrap_or(time);
        }
        if !self.open {
            // After type 0 as well, type 3 adds what that said (§5.3.1.2.4).
            let before = if header.format == 0 { 0 } else { self.timestamp };
            self.timestamp = before.wrapping_add(self.field);
            self.open = true;
        }
    }

    fn finish(&mut self) -> Message {
        self.open = false;
        let body = std::mem::take(&mut self.body).freeze();
        Message { timestamp: self.timestamp, kind: self.kind, stream: self.stream, body }
    }

    /// Whether the four bytes behind a type 3 header repeat the extended
    /// timestamp, as they should (§5.3.1.3): old encoders leave it out, others
    /// repeat the whole timestamp instead of the difference.
    fn repeats(&self, value: u32) -> bool {
        let next = if self.open { self.timestamp } else { self.timestamp.wrapping_add(self.field) };
        value == self.field || value == next
    }
}

/// The basic and the message header (Adobe RTMP 1.0 §5.3.1.1, §5.3.1.2); none while bytes are missing.
fn header(rest: &mut &[u8]) -> Option<Header> {
    let [first] = take(rest)?;
    let id = match first & 0x3f {
        0 => 64 + u32::from(take::<1>(rest)?[0]),
        1 => 64 + u32::from(u16::from_le_bytes(take(rest)?)),
        id => id.into(),
    };
    let mut header = Header { format: first >> 6, id, time: None, length_and_kind: None, stream: None };
    if header.format <= 2 {
        header.time = Some(u24(take(rest)?));
    }
    if header.format <= 1 {
        let length = u24(take(rest)?) as usize;
        header.length_and_kind = Some((length, take::<1>(rest)?[0]));
    }
    if header.format == 0 {
        header.stream = Some(u32::from_le_bytes(take(rest)?));
    }
    Some(header)
}

/// The extended timestamp, if there is one; the outer none while bytes are missing.
fn extended(header: &Header, stream: &Incoming, rest: &mut &[u8]) -> Option<Option<u32>> {
    match header.time {
        Some(EXTENDED) => Some(Some(u32::from_be_bytes(take(rest)?))),
        None if stream.extended => {
            let mut behind = *rest;
            let value = u32::from_be_bytes(take(&mut behind)?);
            let there = stream.repeats(value);
            if there {
                *rest = behind;
            }
            Some(there.then_some(value))
        }
        _ => Some(None),
    }
}

fn u24([a, b, c]: [u8; 3]) -> u32 {
    u32::from_be_bytes([0, a, b, c])
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, behind) = rest.split_first_chunk()?;
    *rest = behind;
    Some(*taken)
}

/// The header fields sent last on one chunk stream.
#[derive(Debug, Clone, Copy)]
struct Sent {
    timestamp: u32,
    field: u32,
    length: u32,
    kind: u8,
    stream: u32,
}

/// Cuts messages into chunks, with the shortest header that says enough.
#[derive(Debug)]
pub(super) struct Writer {
    size: usize,
    streams: HashMap<u32, Sent>,
}

impl Default for Writer {
    fn default() -> Self {
        Self { size: FIRST_SIZE, streams: HashMap::new() }
    }
}

impl Writer {
    /// Cuts into chunks of this many bytes from now on; the peer must have been told.
    pub(super) fn set_size(&mut self, size: usize) {
        self.size = size.max(1);
    }

    /// The chunks of a message shorter than 16 MiB on the chunk stream `id`, from 2 to 65599.
    pub(super) fn chunks(&mut self, id: u32, message: &Message) -> Vec<Vec<u8>> {
        let (format, field) = self.choose(id, message);
        let short = field.min(EXTENDED);
        let mut first = basic(format, id);
        let length = u32::try_from(message.body.len()).unwrap_or(u32::MAX);
        if format <= 2 {
            first.extend(&short.to_be_bytes()[1..]);
        }
        if format <= 1 {
            first.extend(&length.to_be_bytes()[1..]);
            first.push(message.kind);
        }
        if format == 0 {
            first.extend(message.stream.to_le_bytes());
        }
        let mut next = basic(3, id);
        if short == EXTENDED {
            first.extend(field.to_be_bytes());
            next.extend(field.to_be_bytes());
        }
        let (timestamp, kind, stream) = (message.timestamp, message.kind, message.stream);
        self.streams.insert(id, Sent { timestamp, field, length, kind, stream });
        let (head, tail) = message.body.split_at(self.size.min(message.body.len()));
        first.extend(head);
        let others = tail.chunks(self.size).map(|piece| [&next, piece].concat());
        std::iter::once(first).chain(others).collect()
    }

    /// The header type, and the timestamp or the difference it carries.
    fn choose(&self, id: u32, message: &Message) -> (u8, u32) {
        let Some(sent) = self.streams.get(&id).filter(|sent| sent.stream == message.stream) else {
            return (0, message.timestamp);
        };
        let difference = message.timestamp.wrapping_sub(sent.timestamp);
        if difference >= HALF {
            return (0, message.timestamp);
        }
        let same = sent.length as usize == message.body.len() && sent.kind == message.kind;
        match (same, sent.field == difference) {
            (true, true) => (3, difference),
            (true, false) => (2, difference),
            (false, _) => (1, difference),
        }
    }
}

/// A basic header (Adobe RTMP 1.0 §5.3.1.1).
fn basic(format: u8, id: u32) -> Vec<u8> {
    let format = format << 6;
    match u8::try_from(id) {
        Ok(id @ 2..64) => vec![format | id],
        Ok(id @ 64..) => vec![format, id - 64],
        _ if id < 64 + 256 => vec![format, (id - 64) as u8],
        _ => {
            let [low, high, ..] = id.saturating_sub(64).to_le_bytes();
            vec![format | 1, low, high]
        }
    }
}
