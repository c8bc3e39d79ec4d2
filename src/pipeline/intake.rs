//! Where a relay's streams come from: datagrams that we receive ourselves, or an
//! address or file that GStreamer reads.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use gst::prelude::*;
use gstreamer as gst;

use crate::hls::wire::FeedFigures;

use super::PipelineError;
use super::inlet::Inlet;
use super::piece::Piece;
use super::programme::{self, Programme};
use super::published::Published;
use super::receive::Receiver;
use super::runtime::make;

/// A relay's source, as the supervisor tells its worker.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum RelaySource {
    /// MPEG-TS in datagrams.
    Datagrams {
        /// Where they come.
        address: SocketAddr,
        /// Interface a multicast group is joined on.
        interface: Option<IpAddr>,
        /// The only sender of the group that is listened to.
        sender: Option<IpAddr>,
        /// They are RTP packets.
        rtp: bool,
        /// Parity comes beside them (SMPTE ST 2022-1).
        #[serde(default)]
        fec: bool,
    },
    /// An address of another server, or one that is called at.
    Address {
        /// It.
        url: String,
    },
    /// FLV that somebody connects to hand over, one connection after the other.
    Published {
        /// Where we are connected to.
        socket: PathBuf,
    },
    /// A file, again and again.
    File {
        /// Its path.
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

/// Where streams come from, over however many generations.
#[derive(Debug)]
pub(super) enum Intake {
    Datagrams(Box<Receiver>),
    Element { source: RelaySource, bytes: Arc<AtomicU64> },
    Published(Box<Published>),
}

/// How long other sources than datagrams are left alone between two looks.
const PAUSE: Duration = Duration::from_millis(50);

/// Three segments of ten seconds.
const BURSTS: Duration = Duration::from_secs(30);

/// A pipeline whose streams are still to be taken.
pub(super) struct Built {
    pub(super) pipeline: gst::Pipeline,
    /// Its streams' pads appear on this one.
    pub(super) streams: gst::Element,
    /// Where what we receive ourselves goes in.
    pub(super) input: Option<Inlet>,
    /// Streams come as fast as they can be read: they are to be slowed down.
    pub(super) paced: bool,
}

impl Intake {
    /// Opens the socket, where there is one.
    pub(super) fn open(source: &RelaySource) -> Result<Self, PipelineError> {
        Ok(match source {
            RelaySource::Datagrams { address, interface, sender, rtp, fec } => {
                Self::Datagrams(Box::new(Receiver::bind(*address, *interface, *sender, (*rtp, *fec))?))
            }
            RelaySource::Address { .. } | RelaySource::File { .. } | RelaySource::Tuner { .. } => {
                Self::Element { source: source.clone(), bytes: Arc::default() }
            }
            RelaySource::Published { socket } => Self::Published(Box::new(Published::listen(socket)?)),
        })
    }

    /// Waits a little; what came meanwhile, if that is ours to hand over.
    pub(super) fn next(&mut self) -> std::io::Result<Vec<Piece>> {
        match self {
            Self::Datagrams(receiver) => receiver.batch(),
            Self::Element { .. } => {
                std::thread::sleep(PAUSE);
                Ok(Vec::new())
            }
            Self::Published(published) => {
                std::thread::sleep(PAUSE);
                Ok(published.next()?.map(Piece::from).into_iter().collect())
            }
        }
    }

    /// What a pipeline that has just been built is given first.
    pub(super) fn opening(&self, mut first: Vec<Piece>) -> Vec<Piece> {
        if let Self::Published(published) = self {
            first.insert(0, published.opening().into());
        }
        first
    }

    /// True if nothing is to be built before something has come.
    pub(super) fn is_waited_for(&self) -> bool {
        matches!(self, Self::Datagrams(_) | Self::Published(_))
    }

    /// Between two frames nothing may come for so long, whatever the stall limit is:
    /// a segment of HLS comes at once, the next one when it has been made.
    pub(super) fn patience(&self) -> Duration {
        let path = |url: &str| url.split(['?', '#']).next().unwrap_or_default().to_ascii_lowercase();
        match self {
            Self::Element { source: RelaySource::Address { url }, .. } if path(url).ends_with(".m3u8") => {
                BURSTS
            }
            Self::Element { .. } | Self::Datagrams(_) | Self::Published(_) => Duration::ZERO,
        }
    }

    /// What was received so far, and what was found missing. `media` are the frames' bytes.
    pub(super) fn count_into(&self, figures: &mut FeedFigures, media: u64) {
        match self {
            Self::Datagrams(receiver) => {
                figures.bytes = receiver.bytes;
                figures.continuity_errors = receiver.checks.continuity_errors;
                figures.pcr_jumps = receiver.checks.pcr_jumps;
            }
            // Some elements read by ways of their own: there is at least what came out.
            Self::Element { bytes, .. } => figures.bytes = bytes.load(Ordering::Relaxed).max(media),
            Self::Published(published) => figures.bytes = published.bytes,
        }
    }

    /// A pipeline that demuxes what comes.
    pub(super) fn build(&self, programme: &Programme) -> Result<Built, PipelineError> {
        match self {
            Self::Datagrams(_) => {
                let built = demuxer("tsdemux", "video/mpegts,systemstream=true,packetsize=188", true)?;
                programme::choose(&built.streams, programme);
                Ok(built)
            }
            Self::Published(_) => demuxer("flvdemux", "video/x-flv", false),
            Self::Element { source: RelaySource::Tuner { adapter, frontend, tuning }, bytes } => {
                let (pipeline, tuner, streams) = (gst::Pipeline::new(), make("dvbsrc")?, make("tsdemux")?);
                // The demuxer is not to hold up the card.
                let queue = make("queue")?;
                queue.set_property("max-size-time", 0u64);
                queue.set_property("max-size-buffers", 0u32);
                tuner.set_property("adapter", i32::from(*adapter));
                tuner.set_property("frontend", i32::from(*frontend));
                for (property, value) in tuning {
                    tuner.set_property_from_str(property, value);
                }
                for element in [&tuner, &queue, &streams] {
                    add(&pipeline, element)?;
                }
                gst::Element::link_many([&tuner, &queue, &streams])
                    .map_err(|e| PipelineError::Build { what: "tuning in", detail: e.to_string() })?;
                set_up(&tuner, bytes);
                programme::choose(&streams, programme);
                Ok(Built { pipeline, streams, input: None, paced: false })
            }
            Self::Element { source, bytes } => {
                let (url, paced) = match source {
                    RelaySource::File { path } => (file_url(path)?, true),
                    RelaySource::Address { url } => (url.clone(), false),
                    RelaySource::Datagrams { .. }
                    | RelaySource::Published { .. }
                    | RelaySource::Tuner { .. } => unreachable!("these are not read by address"),
                };
                let pipeline = gst::Pipeline::new();
                // HLS is demuxed by elements that ask for this.
                pipeline.set_bin_flags(gst::BinFlags::STREAMS_AWARE);
                let streams = make("urisourcebin")?;
                streams.set_property("parse-streams", true);
                add(&pipeline, &streams)?;
                let (bytes, programme) = (Arc::clone(bytes), programme.clone());
                pipeline.connect_deep_element_added(move |_, _, element| {
                    programme::choose(element, &programme);
                    set_up(element, &bytes);
                });
                streams.set_property("uri", url);
                Ok(Built { pipeline, streams, input: None, paced })
            }
        }
    }
}

/// A pipeline of one demuxer that we feed.
fn demuxer(factory: &str, caps: &str, stamped: bool) -> Result<Built, PipelineError> {
    let (pipeline, streams) = (gst::Pipeline::new(), make(factory)?);
    add(&pipeline, &streams)?;
    let input = Some(Inlet::join(&streams, caps, stamped)?);
    Ok(Built { pipeline, streams, input, paced: false })
}

fn add(pipeline: &gst::Pipeline, element: &gst::Element) -> Result<(), PipelineError> {
    pipeline
        .add(element)
        .map_err(|e| PipelineError::Build { what: "reading an upstream", detail: e.to_string() })
}

fn file_url(path: &std::path::Path) -> Result<String, PipelineError> {
    gst::glib::filename_to_uri(path, None).map(|url| url.to_string()).map_err(|e| PipelineError::Build {
        what: "reading a file",
        detail: format!("{}: {e}", path.display()),
    })
}

/// What elements that reach out are told.
fn set_up(element: &gst::Element, bytes: &Arc<AtomicU64>) {
    let name = element.factory().map(|f| f.name().to_string()).unwrap_or_default();
    match name.as_str() {
        "souphttpsrc" => {
            // A dead line is noticed by us: the pipeline is built anew.
            element.set_property("timeout", 10u32);
            element.set_property("retries", 0i32);
            element.set_property("user-agent", "Yuanjiao");
        }
        // Two seconds are its default: a village waits for them at every change of channel.
        "rtspsrc" => element.set_property("latency", 500u32),
        _ => {}
    }
    // RTSP's packets come out of several elements, one inside the other.
    let counts = element.num_sink_pads() == 0 && name != "udpsrc";
    let Some(pad) = element.static_pad("src").filter(|_| counts) else { return };
    let bytes = Arc::clone(bytes);
    let mask = gst::PadProbeType::BUFFER | gst::PadProbeType::BUFFER_LIST;
    pad.add_probe(mask, move |_, info| {
        let size = match &info.data {
            Some(gst::PadProbeData::Buffer(buffer)) => buffer.size(),
            Some(gst::PadProbeData::BufferList(list)) => list.calculate_size(),
            _ => 0,
        };
        bytes.fetch_add(size as u64, Ordering::Relaxed);
        gst::PadProbeReturn::Ok
    });
}
