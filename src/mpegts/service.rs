//! What viewers' receivers are told about the service and its programme.

use jiff::Timestamp;

/// A service (ETSI EN 300 468 §3.1) alone in its transport stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// Identifies the transport stream within the network.
    pub transport_stream_id: u16,
    /// Identifies the network the stream comes from (ETSI TS 101 162).
    pub original_network_id: u16,
    /// Identifies the service; also the program number of the PAT and the PMT.
    pub service_id: u16,
    /// Name of the provider.
    pub provider: String,
    /// Name of the service.
    pub name: String,
    /// Names for a language of ISO 639-2: the language, the provider's, the service's.
    pub names: Vec<([u8; 3], String, String)>,
    /// Local time less UTC, in minutes.
    pub utc_offset_minutes: i32,
    /// Country of ISO 3166-1 alpha-3, where that local time holds.
    pub country: [u8; 3],
}

/// An event (ETSI EN 300 468 §3.1): a programme of the service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Identifies the event within the service.
    pub id: u16,
    /// Its start.
    pub start: Timestamp,
    /// Its duration in seconds; 99:59:59 is the longest that can be told.
    pub duration_s: u32,
    /// For a language of ISO 639-2: the language, the title, a short text.
    pub texts: Vec<([u8; 3], String, String)>,
    /// Whether it is on air.
    pub running: bool,
}

/// The present and the following event.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Guide {
    /// The event on air.
    pub present: Option<Event>,
    /// The next one.
    pub following: Option<Event>,
}
