//! AMF0, the encoding of commands and metadata (AMF0 §2).

use super::RtmpError;

/// Objects and arrays inside each other.
const DEPTH: usize = 8;
/// Bytes of a string.
const STRING: usize = 64 * 1024;
/// Values read from one message: a few bytes each on the wire, but more in memory.
const VALUES: usize = 16 * 1024;

const NUMBER: u8 = 0x00;
const BOOLEAN: u8 = 0x01;
const SHORT_STRING: u8 = 0x02;
const OBJECT: u8 = 0x03;
const NULL: u8 = 0x05;
const UNDEFINED: u8 = 0x06;
const REFERENCE: u8 = 0x07;
const ECMA_ARRAY: u8 = 0x08;
const OBJECT_END: u8 = 0x09;
const STRICT_ARRAY: u8 = 0x0a;
const DATE: u8 = 0x0b;
const LONG_STRING: u8 = 0x0c;
const UNSUPPORTED: u8 = 0x0d;
const XML: u8 = 0x0f;
const TYPED_OBJECT: u8 = 0x10;

/// Names and values, in the order they came in.
pub(super) type Fields = Vec<(String, Value)>;

/// A value (AMF0 §2.1); typed objects lose their type.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Number(f64),
    Boolean(bool),
    String(String),
    Object(Fields),
    Null,
    Undefined,
    /// The number of an object that came before.
    Reference(u16),
    EcmaArray(Fields),
    StrictArray(Vec<Value>),
    /// Milliseconds since 1970, in UTC.
    Date(f64),
    Unsupported,
    Xml(String),
}

impl Value {
    /// The string, if it is one.
    pub(super) fn as_str(&self) -> Option<&str> {
        if let Self::String(s) = self { Some(s) } else { None }
    }

    /// The number, if it is one.
    pub(super) fn as_number(&self) -> Option<f64> {
        if let Self::Number(n) = self { Some(*n) } else { None }
    }

    /// The value of a field, if it is an object or an array that has it.
    pub(super) fn get(&self, name: &str) -> Option<&Self> {
        let (Self::Object(fields) | Self::EcmaArray(fields)) = self else { return None };
        fields.iter().find(|(n, _)| n == name).map(|(_, value)| value)
    }

    /// Writes it; strings are cut at 4 GiB and names at 64 KiB, which nothing here reaches.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Number(n) => number(NUMBER, *n, out),
            Self::Boolean(b) => out.extend([BOOLEAN, u8::from(*b)]),
            Self::String(s) => string(s, out),
            Self::Object(fields) => {
                out.push(OBJECT);
                write_fields(fields, out);
            }
            Self::Null => out.push(NULL),
            Self::Undefined => out.push(UNDEFINED),
            Self::Reference(n) => {
                out.push(REFERENCE);
                out.extend(n.to_be_bytes());
            }
            Self::EcmaArray(fields) => {
                out.push(ECMA_ARRAY);
                out.extend(count(fields.len()).to_be_bytes());
                write_fields(fields, out);
            }
            Self::StrictArray(values) => {
                out.push(STRICT_ARRAY);
                out.extend(count(values.len()).to_be_bytes());
                values.iter().for_each(|value| value.write(out));
            }
            Self::Date(ms) => {
                number(DATE, *ms, out);
                out.extend([0, 0]);
            }
            Self::Unsupported => out.push(UNSUPPORTED),
            Self::Xml(s) => {
                out.push(XML);
                long(s, out);
            }
        }
    }
}

impl From<&str> for Value {
    fn from(s: &str) -> Self {
        Self::String(s.to_owned())
    }
}

impl From<f64> for Value {
    fn from(n: f64) -> Self {
        Self::Number(n)
    }
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

fn number(marker: u8, n: f64, out: &mut Vec<u8>) {
    out.push(marker);
    out.extend(n.to_be_bytes());
}

fn string(s: &str, out: &mut Vec<u8>) {
    if s.len() > usize::from(u16::MAX) {
        out.push(LONG_STRING);
        long(s, out);
    } else {
        out.push(SHORT_STRING);
        short(s, out);
    }
}

fn short(s: &str, out: &mut Vec<u8>) {
    let length = u16::try_from(s.len()).unwrap_or(u16::MAX);
    out.extend(length.to_be_bytes());
    out.extend(s.bytes().take(length.into()));
}

fn long(s: &str, out: &mut Vec<u8>) {
    let length = count(s.len());
    out.extend(length.to_be_bytes());
    out.extend(s.bytes().take(length as usize));
}

fn write_fields(fields: &Fields, out: &mut Vec<u8>) {
    for (name, value) in fields {
        short(name, out);
        value.write(out);
    }
    out.extend([0, 0, OBJECT_END]);
}

/// Reads the values of one message.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    /// How many values may still come.
    left: usize,
}

impl<'a> Reader<'a> {
    /// Of these bytes.
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, left: VALUES }
    }

    /// What was not read yet.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.bytes
    }

    /// The next value; none at the end.
    ///
    /// # Errors
    /// [`RtmpError::Amf`] for bytes that are no AMF0, [`RtmpError::AmfLimit`]
    /// for nesting over 8, strings over 64 KiB and more than 16384 values.
    pub(super) fn next(&mut self) -> Result<Option<Value>, RtmpError> {
        if self.bytes.is_empty() { Ok(None) } else { self.value(0).map(Some) }
    }

    /// All that are left.
    ///
    /// # Errors
    /// As those of `next`.
    pub(super) fn all(&mut self) -> Result<Vec<Value>, RtmpError> {
        let mut values = Vec::new();
        while let Some(value) = self.next()? {
            values.push(value);
        }
        Ok(values)
    }

    fn value(&mut self, depth: usize) -> Result<Value, RtmpError> {
        let [marker] = self.take()?;
        if depth > DEPTH {
            return Err(RtmpError::AmfLimit("objects are nested deeper than 8"));
        }
        self.left = self.left.checked_sub(1).ok_or(RtmpError::AmfLimit("a message has over 16384 values"))?;
        Ok(match marker {
            NUMBER => Value::Number(f64::from_be_bytes(self.take()?)),
            BOOLEAN => Value::Boolean(self.take::<1>()? != [0]),
            SHORT_STRING => Value::String(self.short()?),
            LONG_STRING => Value::String(self.long()?),
            XML => Value::Xml(self.long()?),
            OBJECT => Value::Object(self.fields(depth)?),
            TYPED_OBJECT => {
                self.short()?;
                Value::Object(self.fields(depth)?)
            }
            ECMA_ARRAY => {
                // The count is but a hint (AMF0 §2.10): the end is marked.
                self.take::<4>()?;
                Value::EcmaArray(self.fields(depth)?)
            }
            STRICT_ARRAY => Value::StrictArray(self.values(depth)?),
            DATE => {
                let ms = f64::from_be_bytes(self.take()?);
                self.take::<2>()?;
                Value::Date(ms)
            }
            NULL => Value::Null,
            UNDEFINED => Value::Undefined,
            UNSUPPORTED => Value::Unsupported,
            REFERENCE => Value::Reference(u16::from_be_bytes(self.take()?)),
            _ => return Err(RtmpError::Amf("an unknown type of value")),
        })
    }

    fn values(&mut self, depth: usize) -> Result<Vec<Value>, RtmpError> {
        let count = u32::from_be_bytes(self.take()?);
        (0..count).map(|_| self.value(depth + 1)).collect()
    }

    fn fields(&mut self, depth: usize) -> Result<Fields, RtmpError> {
        let mut fields = Fields::new();
        loop {
            let name = self.short()?;
            if name.is_empty() && self.bytes.first() == Some(&OBJECT_END) {
                self.take::<1>()?;
                return Ok(fields);
            }
            fields.push((name, self.value(depth + 1)?));
        }
    }

    fn short(&mut self) -> Result<String, RtmpError> {
        let length = u16::from_be_bytes(self.take()?);
        self.text(length.into())
    }

    fn long(&mut self) -> Result<String, RtmpError> {
        let length = u32::from_be_bytes(self.take()?) as usize;
        if length > STRING {
            return Err(RtmpError::AmfLimit("a string is longer than 64 KiB"));
        }
        self.text(length)
    }

    fn text(&mut self, length: usize) -> Result<String, RtmpError> {
        let (text, rest) = self.bytes.split_at_checked(length).ok_or(SHORT)?;
        self.bytes = rest;
        Ok(String::from_utf8_lossy(text).into_owned())
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], RtmpError> {
        let (taken, rest) = self.bytes.split_first_chunk().ok_or(SHORT)?;
        self.bytes = rest;
        Ok(*taken)
    }
}

const SHORT: RtmpError = RtmpError::Amf("it ends in the middle of a value");
