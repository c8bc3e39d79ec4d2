//! One segment as a transport stream.

use std::collections::BTreeMap;

use super::carousel::{Lane, psi, si};
use super::packet::{Adaptation, Packet, ROOM, clock_packet, has_payload, packet, pid, set_counter};
use super::pes::{Adts, ParameterSets, Pes, audio_pes, video_pes};
use super::plan::{Clocks, Parcel, Window, audio_units, clocks, fill, share, slices, video_times};
use super::section::Listed;
use super::{AUDIO_PID, Audio, DECODE_LEAD, Guide, Service, Span, TRANSMIT_LEAD, VIDEO_PID, Video};

const TYPE_H264: u8 = 0x1b;
const TYPE_ADTS: u8 = 0x0f;
/// As many PES stream_id there are for audio (ISO/IEC 13818-1 Table 2-22).
const MOST_AUDIO: usize = 32;

/// Why a segment is no transport stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MuxError {
    /// The span is empty, backwards, before 1970, or longer than 10 minutes.
    #[error("expected a span of at most 10 minutes")]
    Span,
    /// There is nothing to list in the PMT.
    #[error("expected video or audio")]
    NoStreams,
    /// There are more audio streams than stream identifiers.
    #[error("expected at most 32 audio streams")]
    TooManyStreams,
    /// An access unit is shown before or after its segment, with some tolerance.
    #[error("presentation at {pts} (90 kHz) is not in the segment")]
    OutOfSpan {
        /// Its presentation time in 90 kHz ticks.
        pts: i64,
    },
    /// Access units are in no possible decoding order.
    #[error("access units are not in decoding order")]
    Order,
    /// The video's configuration cannot be read.
    #[error("expected an AVCDecoderConfigurationRecord")]
    Avcc,
    /// An access unit does not consist of NAL units after their lengths.
    #[error("expected length-prefixed NAL units")]
    NalLength,
    /// The audio's configuration cannot be read, or ADTS cannot say it.
    #[error("expected an AudioSpecificConfig that ADTS can express")]
    AudioConfig,
    /// An audio access unit is longer than an ADTS frame can be.
    #[error("expected AAC frames of at most 8184 bytes")]
    FrameSize,
}

/// An elementary stream: its PES packets and when each is sent.
#[derive(Debug)]
struct Stream {
    listed: Listed,
    units: Vec<Sending>,
}

#[derive(Debug)]
struct Sending {
    pes: Pes,
    key: bool,
    /// From and until, in 27 MHz ticks.
    slice: (i64, i64),
}

/// Converts one segment, shown during `span`. Equal arguments give equal bytes.
///
/// The segment is sent [`TRANSMIT_LEAD`] early. Each access unit of video has
/// the time from 1 s before its decoding until the next one's turn, each one of
/// audio from 1.2 s before, but at most 100 ms; its packets are sent at equal
/// distances in that time, and the tables' packets at equal distances in the
/// whole segment. A PCR is the time its packet is sent at by this plan.
///
/// Audio presented outside of `span` is left out: it would overlap that of the
/// segments before and after.
pub fn segment(
    service: &Service,
    guide: &Guide,
    video: Option<&Video>,
    audio: &[Audio],
    span: Span,
) -> Result<Vec<u8>, MuxError> {
    if audio.len() > MOST_AUDIO {
        return Err(MuxError::TooManyStreams);
    }
    let window = Window::of(span)?;
    let video = video.map(|video| video_stream(video, span, window)).transpose()?;
    let has_video = video.is_some();
    let audio = audio.iter().enumerate().map(|(index, audio)| audio_stream(index, audio, span, window));
    let streams: Vec<Stream> = video.into_iter().map(Ok).chain(audio).collect::<Result<_, _>>()?;
    let listed: Vec<Listed> = streams.iter().map(|stream| stream.listed).collect();
    let pcr_pid = listed.first().ok_or(MuxError::NoStreams)?.pid;
    // At equal times the PSI goes first, then the key frame: a receiver can start with any segment.
    let mut lanes = Vec::from(psi(service, pcr_pid, &listed, window));
    lanes.extend(streams.iter().map(|stream| lane(stream, pcr_pid, window)));
    lanes.extend(si(service, guide, has_video, window));
    Ok(merge(lanes))
}

fn video_stream(video: &Video, span: Span, window: Window) -> Result<Stream, MuxError> {
    let sets = ParameterSets::read(&video.avcc)?;
    let times = video_times(&video.units, span)?;
    let slices = slices(&times, TRANSMIT_LEAD - DECODE_LEAD, window);
    let sendings = video.units.iter().zip(times).zip(slices).map(|((unit, dts), slice)| {
        let data = sets.byte_stream(unit.key, &unit.data)?;
        Ok(Sending { pes: video_pes(unit.pts, dts, &data), key: unit.key, slice })
    });
    let listed = Listed { kind: TYPE_H264, pid: VIDEO_PID, lang: None };
    Ok(Stream { listed, units: sendings.collect::<Result<_, _>>()? })
}

fn audio_stream(index: usize, audio: &Audio, span: Span, window: Window) -> Result<Stream, MuxError> {
    let adts = Adts::read(&audio.config)?;
    let units = audio_units(&audio.units, span)?;
    let times: Vec<i64> = units.iter().map(|unit| unit.pts).collect();
    let slices = slices(&times, TRANSMIT_LEAD, window);
    let sendings = units.iter().zip(slices).map(|(unit, slice)| {
        Ok(Sending { pes: audio_pes(index, unit.pts, &adts.frame(&unit.data)?), key: true, slice })
    });
    let listed = Listed { kind: TYPE_ADTS, pid: AUDIO_PID + index as u16, lang: Some(audio.lang) };
    Ok(Stream { listed, units: sendings.collect::<Result<_, _>>()? })
}

/// The packets of a stream; on `pcr_pid` with PCR, if need be alone.
fn lane(stream: &Stream, pcr_pid: u16, window: Window) -> Lane {
    let pid = stream.listed.pid;
    let clocks = if pid == pcr_pid {
        let starts: Vec<i64> = stream.units.iter().map(|unit| unit.slice.0).collect();
        clocks(&starts, window)
    } else {
        Clocks::default()
    };
    let on_unit = clocks.on_unit.into_iter().chain(std::iter::repeat(false));
    let adaptations = stream
        .units
        .iter()
        .zip(on_unit)
        .map(|(unit, on)| Adaptation { random_access: unit.key, pcr: on.then_some(unit.slice.0) });
    let adaptations: Vec<Adaptation> = adaptations.collect();
    let pairs = || stream.units.iter().zip(&adaptations);
    let mut parcels: Vec<Parcel> = pairs().map(|(unit, adaptation)| parcel(&unit.pes, *adaptation)).collect();
    fill(&mut parcels);
    let mut lane: Lane = clocks.between.into_iter().map(|at| (at, clock_packet(pid, at))).collect();
    for ((unit, adaptation), parcel) in pairs().zip(parcels) {
        lane.extend(unit_packets(pid, unit, *adaptation, parcel.packets));
    }
    lane
}

fn parcel(pes: &Pes, first: Adaptation) -> Parcel {
    let length = pes.bytes.len();
    let packets = 1 + length.saturating_sub(first.leaves()).div_ceil(ROOM);
    Parcel { packets, most: 1 + length - pes.header, utmost: length }
}

/// The packets of an access unit, sent at equal distances: full ones and a
/// rest, or as many equally filled ones as asked for.
fn unit_packets(pid: u16, unit: &Sending, first: Adaptation, count: usize) -> Vec<(i64, Packet)> {
    let Sending { pes, slice: (from, to), .. } = unit;
    let spread = count > parcel(pes, first).packets;
    let mut rest = &pes.bytes[..];
    let part = |index: usize| {
        let left = count - index;
        let room = if index == 0 { first.leaves() } else { ROOM };
        let even = rest.len().div_ceil(left);
        let wanted = match (spread, index) {
            (false, _) => room,
            // The PES header stays whole if there is enough behind it.
            (true, 0) if pes.bytes.len() - pes.header >= left - 1 => even.max(pes.header),
            (true, _) => even,
        };
        let (payload, after) = rest.split_at(wanted.min(room).min(rest.len()));
        rest = after;
        let adaptation = if index == 0 { first } else { Adaptation::default() };
        (from + share(to - from, index, count), packet(pid, index == 0, adaptation, payload))
    };
    (0..count).map(part).collect()
}

/// All packets in the order they are sent in, with their counters. At equal
/// times the lane named first has precedence.
fn merge(lanes: Vec<Lane>) -> Vec<u8> {
    let mut all: Vec<(i64, Packet)> = lanes.into_iter().flatten().collect();
    // Stable: packets of one lane stay in order.
    all.sort_by_key(|(at, _)| *at);
    let mut counters = BTreeMap::new();
    let mut out = Vec::with_capacity(all.len() * super::PACKET_BYTES);
    for (_, mut packet) in all {
        // The counter of the packet with payload before this one; the segment before ended with 15.
        let counter: &mut u8 = counters.entry(pid(&packet)).or_insert(15);
        *counter = counter.wrapping_add(u8::from(has_payload(&packet)));
        set_counter(&mut packet, *counter);
        out.extend_from_slice(&packet);
    }
    debug_assert!(counters.values().all(|counter| counter & 15 == 15), "a PID is no multiple of 16");
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn an_access_unit_arrives_whole(length in 17usize..5_000, more in 0usize..16, random_access: bool, clock: bool) {
            let bytes: Vec<u8> = (0..length).map(|n| n as u8).collect();
            let unit = Sending { pes: Pes { bytes: bytes.clone(), header: 14 }, key: true, slice: (0, 1_000) };
            let first = Adaptation { random_access, pcr: clock.then_some(0) };
            let parcel = parcel(&unit.pes, first);
            let count = (parcel.packets + more).min(parcel.utmost);
            let packets = unit_packets(0x100, &unit, first, count);
            prop_assert_eq!(packets.len(), count);
            let payload = |p: &Packet| match p[3] >> 4 {
                1 => p[4..].to_vec(),
                3 => p[5 + p[4] as usize..].to_vec(),
                _ => Vec::new(),
            };
            prop_assert!(packets.iter().all(|(_, p)| has_payload(p)));
            if count <= parcel.most {
                prop_assert!(payload(&packets[0].1).len() >= 14);
            }
            let all: Vec<u8> = packets.iter().flat_map(|(_, p)| payload(p)).collect();
            prop_assert_eq!(all, bytes);
        }
    }
}
