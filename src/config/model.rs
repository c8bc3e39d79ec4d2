//! The county as the rest of the house sees it: validated, resolved, typed.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use jiff::SignedDuration;
use jiff::tz::TimeZone;

use crate::base::{ChannelId, Holidays, Lang, RelayId, Titles};
use crate::sites::{Registry, TokenHash};
use crate::tlog::Verifier;

use super::{Alarms, Recording, Topic};

/// One county's server.
#[derive(Debug, Clone)]
pub struct County {
    /// The county's name by language.
    pub names: Titles,
    /// The zone that schedules and pages speak in.
    pub tz: TimeZone,
    /// Languages of the pages, the default first.
    pub languages: Vec<Lang>,
    /// Where the server listens.
    pub listen: SocketAddr,
    /// The address under which terminals reach the server, without a slash at
    /// the end; for M3U and XMLTV. None: taken from each request's `Host`.
    pub public_url: Option<String>,
    /// Folder of the store and keys.
    pub data: PathBuf,
    /// Folder of inbox, library, live windows and slates.
    pub media: PathBuf,
    /// Folder of the schedule files.
    pub schedules: PathBuf,
    /// Where encoders publish by RTMP, if they may.
    pub rtmp: Option<SocketAddr>,
    /// Limits of the HTTP server.
    pub http: HttpLimits,
    /// TLS; none: it is not spoken.
    pub tls: Option<Tls>,
    /// Packaging of courseware.
    pub packaging: Packaging,
    /// Uploads of courseware.
    pub uploads: Uploads,
    /// Sessions and tickets.
    pub evidence: Evidence,
    /// How much relays may record.
    pub recording: Recording,
    /// Who is told what has gone wrong.
    pub alarms: Alarms,
    /// With whom people may sign in as well.
    pub oidc: Option<Oidc>,
    /// Channels in the order of their numbers.
    pub channels: Vec<Channel>,
    /// Relayed upstreams.
    pub relays: Vec<Relay>,
    /// Who takes part.
    pub registry: Registry,
    /// Days that are not like others of the week, on every channel.
    pub holidays: Holidays,
    /// What lessons are about, in the order people read them.
    pub topics: Vec<Topic>,
}

/// Channels' past can be watched for at least so long: a day, and what is on air of it.
const LEAST_CATCH_UP: SignedDuration = SignedDuration::from_hours(26);

impl County {
    /// How far back the past of a channel can be watched: as long as the relay
    /// that keeps its recordings longest, and at least a day.
    pub fn catch_up(&self) -> SignedDuration {
        let hours = self.relays.iter().map(|r| SignedDuration::from_hours(i64::from(r.retention_hours)));
        hours.max().unwrap_or_default().max(LEAST_CATCH_UP)
    }
}

/// Limits that keep one peer from starving the others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpLimits {
    /// Largest request head, bytes.
    pub max_header_bytes: usize,
    /// Longest time from accept (or the last answer) to a whole request head once it began.
    pub header_timeout: Duration,
    /// Longest silence of a connection kept alive.
    pub idle_timeout: Duration,
    /// Most connections at once.
    pub max_connections: usize,
    /// Most of them from one address.
    pub max_connections_from_one: usize,
    /// Longest drain after SIGTERM.
    pub drain_timeout: Duration,
    /// Memory for hot segments, bytes.
    pub segment_cache_bytes: u64,
}

/// Where TLS is spoken, and with which certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tls {
    /// The address.
    pub listen: SocketAddr,
    /// The certificates, the server's own first: a PEM file.
    pub certificate: PathBuf,
    /// Its private key: a PEM file.
    pub key: PathBuf,
}

/// How courseware is packaged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packaging {
    /// Packaging workers at once.
    pub jobs: usize,
    /// Video rungs, best first.
    pub ladder: Vec<Rung>,
    /// Bit rate of each audio rendition, kb/s.
    pub audio_kbps: u32,
    /// Lessons wait until a second person has approved them.
    pub review: bool,
    /// Devices that encode are used.
    pub hardware: bool,
}

/// What may be uploaded, and for how long it is kept unfinished.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Uploads {
    /// Largest file, bytes.
    pub max_size: u64,
    /// What one person may upload within a day, bytes.
    pub per_day: u64,
    /// An upload to which nothing comes goes after so long.
    pub keep: Duration,
}

/// One video rung.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rung {
    /// Its name in URLs, such as `v720`.
    pub name: String,
    /// Height in pixels; the width follows the picture.
    pub height: u32,
    /// Video bit rate, kb/s.
    pub kbps: u32,
}

/// Sessions and tickets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// How long a ticket for a channel is valid.
    pub ticket_ttl: Duration,
    /// Silence after which a session closes (evidence.md: 300 s).
    pub session_timeout: Duration,
    /// Other servers that are asked to witness the log.
    pub witnesses: Vec<Witness>,
    /// Keys of the logs of others that this server witnesses.
    pub witnessed: Vec<Verifier>,
    /// Caches that are believed what they sent.
    pub edges: Vec<Edge>,
}

/// A cache in front, such as a township's, that is believed what it sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edge {
    /// What people call it.
    pub name: String,
    /// What it holds.
    pub token: TokenHash,
}

/// Another server that sees that the log only grows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Witness {
    /// Where it takes checkpoints: what stands before `/add-checkpoint`.
    pub url: String,
    /// What its lines are verified with.
    pub key: Verifier,
}

/// An identity provider (OpenID Connect Core 1.0).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Oidc {
    /// Its address; what it says of itself lies below that.
    pub issuer: String,
    /// The name under which it knows this server.
    pub client_id: String,
    /// File with the secret that belongs to it.
    pub client_secret_file: PathBuf,
    /// What people call it.
    pub names: Titles,
    /// The claim with somebody's name there, for people to read.
    pub claim: String,
}

/// A television channel of the county.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Channel {
    /// Its identifier.
    pub id: ChannelId,
    /// Channel number on the remote control, unique.
    pub number: u32,
    /// Its name by language.
    pub names: Titles,
    /// Its own language: of slates, and of audio where none is chosen.
    pub lang: Lang,
    /// Audio languages offered, the default first.
    pub audio: Vec<Lang>,
    /// Subtitle languages offered.
    pub subtitles: Vec<Lang>,
    /// Length of the live playlist.
    pub window: Duration,
    /// A relay without a segment newer than this yields to the slate.
    pub slate_after: Duration,
    /// Longest gap in the schedule that is not reported.
    pub max_gap: Duration,
    /// Where it is sent to as MPEG-TS, for televisions of the inner network.
    pub outputs: Vec<TsOutput>,
}

/// Where a channel is sent to as MPEG-TS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TsOutput {
    /// A receiver, or a multicast group.
    pub address: SocketAddr,
    /// In RTP packets (RFC 2250).
    pub rtp: bool,
    /// Bits per second, filled up with null packets; none: as much as there is.
    pub rate: Option<u64>,
    /// Local address of the interface that it leaves by.
    pub interface: Option<IpAddr>,
    /// How many routers a group's packets may pass.
    pub ttl: u8,
}

/// A relayed upstream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relay {
    /// Its identifier.
    pub id: RelayId,
    /// Its name by language.
    pub names: Titles,
    /// Sources in the order of preference, at least one.
    pub sources: Vec<Source>,
    /// Audio languages in the order of preference; used where the stream's
    /// ISO 639 codes do not say the script, or say nothing.
    pub audio: Vec<Lang>,
    /// Programme to take from a multi-programme stream; none: the first.
    pub service: Option<u16>,
    /// The same by the name that the stream gives it.
    pub service_name: Option<String>,
    /// What is done about MPEG-2, HEVC, MP2, AC-3 and the like.
    pub transcode: Transcode,
    /// Lower rungs of the ladder that are made of its picture while it comes.
    pub rungs: Vec<Rung>,
    /// No access unit for this long: the source has stalled.
    pub stall_after: Duration,
    /// Stalled for this long: the next source is tried.
    pub failover_after: Duration,
    /// A better source healthy for this long is taken back.
    pub failback_after: Duration,
    /// A segment is cut here at the latest.
    pub max_segment: Duration,
    /// Hours of recording kept.
    pub retention_hours: u32,
    /// Most bytes of recording kept, if there is such a limit.
    pub retention_bytes: Option<u64>,
    /// It runs only while somebody watches a channel that shows it.
    pub on_demand: bool,
    /// Time between two looks at its picture and sound; zero: they are not decoded.
    pub look_every: Duration,
}

/// Where a relay's bytes come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// MPEG-TS in UDP datagrams, unicast or multicast.
    Udp {
        /// Address and port to receive on, or the multicast group.
        address: SocketAddr,
        /// Local address of the interface a group is joined on.
        interface: Option<IpAddr>,
        /// The only sender whose datagrams of the group are taken (RFC 4607).
        sender: Option<IpAddr>,
        /// The datagrams are RTP packets (RFC 2250).
        rtp: bool,
        /// Parity comes two and four ports further on (SMPTE ST 2022-1).
        fec: bool,
    },
    /// What another server or a sender offers at an address: HTTP with MPEG-TS
    /// or HLS, RTSP, SRT, RTMP.
    Address {
        /// The address, with a password if it needs one.
        url: String,
    },
    /// What an encoder publishes to us by RTMP.
    Published {
        /// The key with which it does.
        key: String,
    },
    /// A file that is played again and again.
    File {
        /// Its absolute path.
        path: PathBuf,
    },
    /// What a DVB or DTMB card of this machine receives.
    Tuner {
        /// Its number.
        adapter: u8,
        /// Which of its frontends.
        frontend: u8,
        /// What it is tuned to: properties of GStreamer's `dvbsrc`.
        tuning: BTreeMap<String, String>,
    },
}

/// What is done about pictures and sounds that browsers cannot play.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Transcode {
    /// They are decoded and encoded again.
    #[default]
    Auto,
    /// They are left out.
    Never,
}
