//! What browsers play already is copied, not encoded.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use gst::prelude::*;
use gstreamer as gst;

use crate::hls::{PackagedTrack, TrackKind};

use super::cut::{PictureCutter, SoundCutter, Unfit};
use super::plan::Plan;
use crate::pipeline::PipelineError;
use crate::pipeline::elementary::{Arrival, LEAD_NS, Sender, Taking, take_stream};
use crate::pipeline::frame::{Codec, VIDEO_TIMESCALE, ticks};
use crate::pipeline::probe::{decoder, discard, stream_id};
use crate::pipeline::runtime::run_to_end;
use crate::pipeline::track_file::CmafFile;

/// A film as it came, in segments that begin with its own key frames.
#[derive(Debug)]
pub(super) struct Copied {
    /// Its picture.
    pub(super) picture: PackagedTrack,
    /// Its sounds, in the order of the plan; none if one of them cannot be copied.
    pub(super) sounds: Option<Vec<PackagedTrack>>,
    /// Duration of each segment, microseconds.
    pub(super) segments_us: Vec<u64>,
    /// How long after its decoding the first picture is shown, 90 kHz: where all tracks begin.
    pub(super) delay: i64,
    /// Pictures in each segment.
    pub(super) counts: Vec<usize>,
    /// Pictures a second, if every one is where it would be at that rate from the file's start.
    pub(super) steady: Option<u32>,
}

/// The longest segment of a rung that others are aligned with, microseconds: channels cut
/// their slates, and players wait, by what is usual.
const LONGEST_RUNG_US: u64 = 4_400_000;
/// Sound may go on so long after the picture, nanoseconds.
const AFTER_NS: u64 = 100_000_000;
/// The best rung may have this much more than was asked for, per cent: on average, at its peak.
const MORE: [u64; 2] = [110, 180];
/// More than this is too much for villages, even for a while, bits a second.
const MOST: u64 = 8_000_000;

impl Copied {
    /// True if it can be the best rung of `plan`: of its size, rate and length.
    pub(super) fn is_rung(&self, plan: &Plan) -> bool {
        let (Some((rung, width, height)), Some(picture)) = (plan.rungs.first(), &plan.picture) else {
            return false;
        };
        let asked = u64::from(rung.kbps) * 10;
        let rates = [self.picture.average_bandwidth, self.picture.bandwidth];
        (*width, *height) == (picture.width, picture.height)
            && self.steady == Some(plan.fps)
            && self.segments_us.iter().all(|us| *us <= LONGEST_RUNG_US)
            && rates.iter().zip(MORE).all(|(rate, more)| *rate <= asked * more)
            && plan.sound_end_ns() <= self.segments_us.iter().sum::<u64>() * 1000 + AFTER_NS
    }

    /// True if it can be watched as it is until there is better.
    pub(super) fn is_watchable(&self) -> bool {
        self.picture.average_bandwidth <= MOST && self.sounds.as_ref().is_some_and(|s| !s.is_empty())
    }
}

/// Which of the plan's streams a frame is of.
#[derive(Debug, Clone, Copy)]
enum Role {
    Picture,
    Sound(usize),
}

struct Sound {
    cutter: SoundCutter,
    file: CmafFile,
    codec: Arc<Codec>,
}

struct Copying {
    folder: PathBuf,
    name: String,
    names: Vec<String>,
    cutter: PictureCutter,
    picture: Option<(CmafFile, Arc<Codec>)>,
    sounds: Vec<Option<Sound>>,
    /// The pictures cannot be copied.
    unfit: bool,
    /// A sound cannot be.
    silent: bool,
    error: Option<PipelineError>,
}

/// Copies the picture of `plan`, and its sounds if they can be, into `folder`. None: it is not as
/// browsers take it, or is cut too seldom.
pub(super) fn remux(
    plan: &Plan,
    folder: &Path,
    progress: &mut dyn FnMut(f64),
) -> Result<Option<Copied>, PipelineError> {
    let (Some(picture), Some((rung, _, _))) = (&plan.picture, plan.rungs.first()) else { return Ok(None) };
    if !picture.passes {
        return Ok(None);
    }
    let copying = Copying {
        folder: folder.to_owned(),
        name: rung.name.clone(),
        names: plan.sounds.iter().map(|s| format!("a-{}", s.lang)).collect(),
        cutter: PictureCutter::default(),
        picture: None,
        sounds: plan.sounds.iter().map(|_| None).collect(),
        unfit: false,
        silent: plan.sounds.iter().any(|s| s.path != plan.input),
        error: None,
    };
    let copying = Arc::new(Mutex::new(copying));
    let run = run(plan, &copying, progress);
    let mut done = copying.lock().unwrap_or_else(PoisonError::into_inner);
    match (done.error.take(), run) {
        _ if done.unfit => Ok(None),
        (Some(error), _) | (None, Err(error)) => Err(error),
        (None, Ok(())) => done.finish(plan),
    }
}

fn run(
    plan: &Plan,
    copying: &Arc<Mutex<Copying>>,
    progress: &mut dyn FnMut(f64),
) -> Result<(), PipelineError> {
    let pipeline = gst::Pipeline::new();
    let decode = decoder(&plan.input)?;
    pipeline.add(&decode).map_err(PipelineError::build("reading a file"))?;
    decode.connect("autoplug-continue", false, |values| {
        let caps = values.get(2).and_then(|caps| caps.get::<gst::Caps>().ok());
        Some(caps.is_none_or(|caps| !is_copied(&caps)).to_value())
    });
    let mut wanted: Vec<(String, Role)> = Vec::new();
    wanted.extend(plan.picture.iter().map(|p| (p.stream.clone(), Role::Picture)));
    let here = plan.sounds.iter().enumerate().filter(|(_, s)| s.path == plan.input);
    wanted.extend(here.map(|(n, s)| (s.sound.stream.clone(), Role::Sound(n))));
    let roles: Arc<Mutex<HashMap<String, Role>>> = Arc::default();
    let (weak, by_pad, shared) = (pipeline.downgrade(), Arc::clone(&roles), Arc::clone(copying));
    let sender: Sender = Arc::new(move |arrival: Arrival| {
        let role = by_pad.lock().unwrap_or_else(PoisonError::into_inner).get(&arrival.stream.name).copied();
        let mut copying = shared.lock().unwrap_or_else(PoisonError::into_inner);
        let goes_on = role.is_none_or(|role| copying.take(role, arrival));
        if !goes_on && let Some(pipeline) = weak.upgrade() {
            gst::element_error!(pipeline, gst::StreamError::Failed, ("it is not copied"));
        }
        goes_on
    });
    let weak = pipeline.downgrade();
    decode.connect_pad_added(move |_, pad| {
        let Some(pipeline) = weak.upgrade() else { return };
        let id = stream_id(pad);
        let role = wanted.iter().find(|(stream, _)| *stream == id).map(|(_, role)| *role);
        let caps = pad.current_caps();
        match role.filter(|_| caps.is_some_and(|caps| is_copied(&caps))) {
            Some(role) => {
                roles.lock().unwrap_or_else(PoisonError::into_inner).insert(pad.name().to_string(), role);
                let taking = Taking { transcode: false, rungs: Arc::new([]), paced: false };
                take_stream(&pipeline, pad, &taking, &sender);
            }
            None => drop(discard(&pipeline, pad)),
        }
    });
    let file = plan.input.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    run_to_end(&pipeline, &file, |_| {
        let at = pipeline.query_position::<gst::ClockTime>();
        let all = pipeline.query_duration::<gst::ClockTime>();
        if let (Some(at), Some(all)) = (at, all) {
            progress((at.nseconds() as f64 * 100.0 / all.nseconds().max(1) as f64).min(100.0));
        }
    })
}

/// True of what every browser plays: H.264 whose pictures are told apart, AAC.
fn is_copied(caps: &gst::CapsRef) -> bool {
    let Some(stream) = caps.structure(0) else { return false };
    let is = |field: &str| stream.get::<bool>(field) == Ok(true);
    match stream.name().as_str() {
        "video/x-h264" => is("parsed"),
        "audio/mpeg" => is("framed") && stream.get::<i32>("mpegversion") == Ok(4),
        _ => false,
    }
}

impl Copying {
    /// Takes a frame; false if there is no use in going on.
    fn take(&mut self, role: Role, arrival: Arrival) -> bool {
        if self.unfit || self.error.is_some() {
            return false;
        }
        let taken = match role {
            Role::Picture => self.picture(arrival),
            Role::Sound(n) => self.sound(n, arrival),
        };
        let taken = taken.and_then(|()| self.write_sounds());
        match taken {
            Ok(()) => {}
            Err(Stop::Unfit) => self.unfit = true,
            Err(Stop::Error(error)) => self.error = Some(error),
        }
        !self.unfit && self.error.is_none()
    }

    fn picture(&mut self, arrival: Arrival) -> Result<(), Stop> {
        let key = has_idr(&arrival.frame.data);
        let Codec::H264 { avcc, .. } = &*arrival.codec else { return Err(Stop::Unfit) };
        // Lengths of four bytes (ISO/IEC 14496-15 §5.3.3.1).
        if avcc.get(4).is_none_or(|b| b & 3 != 3) {
            return Err(Stop::Unfit);
        }
        let (file, codec) = match &mut self.picture {
            Some(picture) => picture,
            none => {
                let file = CmafFile::create(&self.folder, &self.name, &arrival.codec)?;
                none.insert((file, Arc::clone(&arrival.codec)))
            }
        };
        if !Arc::ptr_eq(codec, &arrival.codec) && !codec.same_header(&arrival.codec) {
            return Err(Stop::Unfit);
        }
        if let Some(segment) = self.cutter.push(arrival.frame, key)? {
            file.segment(&segment.frames, segment.end)?;
        }
        Ok(())
    }

    fn sound(&mut self, n: usize, arrival: Arrival) -> Result<(), Stop> {
        if self.silent {
            return Ok(());
        }
        let sound = match &mut self.sounds[n] {
            Some(sound) => sound,
            none => {
                // Two channels of AAC-LC at most (ISO/IEC 14496-3 §1.6.2.1).
                let plain = |config: &[u8]| config.first().is_some_and(|b| b >> 3 == 2);
                match &*arrival.codec {
                    Codec::Aac { config, rate, channels: 1..=2 } if plain(config) => {
                        let file = CmafFile::create(&self.folder, &self.names[n], &arrival.codec)?;
                        let codec = Arc::clone(&arrival.codec);
                        none.insert(Sound { cutter: SoundCutter::new(*rate), file, codec })
                    }
                    _ => {
                        self.silent = true;
                        return Ok(());
                    }
                }
            }
        };
        self.silent |= !Arc::ptr_eq(&sound.codec, &arrival.codec) && !sound.codec.same_header(&arrival.codec);
        sound.cutter.push(arrival.frame);
        Ok(())
    }

    /// Writes of each sound what belongs to segments that have ended.
    fn write_sounds(&mut self) -> Result<(), Stop> {
        let Some(origin) = self.cutter.origin().filter(|_| !self.silent) else { return Ok(()) };
        let ended = self.cutter.is_finished();
        for sound in self.sounds.iter_mut().flatten() {
            while let Some((_, end)) = self.cutter.span(sound.file.segments())
                && (ended || sound.cutter.reaches(end))
            {
                match sound.cutter.take(origin, end) {
                    Ok(segment) => sound.file.segment(&segment.frames, segment.end)?,
                    Err(Unfit) => {
                        self.silent = true;
                        return Ok(());
                    }
                }
            }
        }
        Ok(())
    }

    fn finish(&mut self, plan: &Plan) -> Result<Option<Copied>, PipelineError> {
        let Some((mut file, codec)) = self.picture.take() else { return Ok(None) };
        if let Some(segment) = self.cutter.finish() {
            file.segment(&segment.frames, segment.end)?;
        }
        match self.write_sounds() {
            Ok(()) => {}
            Err(Stop::Unfit) => return Ok(None),
            Err(Stop::Error(error)) => return Err(error),
        }
        let Codec::H264 { width, height, fps, .. } = *codec else { return Ok(None) };
        // Of one picture nobody knows how long it is shown.
        if self.cutter.counts().iter().sum::<usize>() < 2 {
            return Ok(None);
        }
        let segments_us = self.cutter.segments_us();
        let kind = TrackKind::Video { width, height, fps };
        let picture = file.finish(kind, &segments_us)?;
        let mut sounds = Vec::new();
        for (sound, planned) in self.sounds.iter_mut().zip(&plan.sounds) {
            let Some(Sound { file, codec, .. }) = sound.take().filter(|_| !self.silent) else { continue };
            let Codec::Aac { channels, .. } = *codec else { continue };
            let kind = TrackKind::Audio { lang: planned.lang.clone(), channels };
            sounds.push(file.finish(kind, &segments_us)?);
        }
        let start = self.cutter.base().unwrap_or_default() - ticks(LEAD_NS, VIDEO_TIMESCALE);
        // A hundredth of a second is nothing that anybody sees, and no picture's place.
        let steady = self.cutter.steady().filter(|_| start.abs() <= i64::from(VIDEO_TIMESCALE / 100));
        Ok(Some(Copied {
            picture,
            sounds: (sounds.len() == plan.sounds.len()).then_some(sounds),
            delay: self.cutter.origin().map_or(0, |(shown, decoded)| shown - decoded),
            counts: self.cutter.counts().to_vec(),
            segments_us,
            steady,
        }))
    }
}

/// Why nothing more is taken.
enum Stop {
    Unfit,
    Error(PipelineError),
}

impl From<Unfit> for Stop {
    fn from(_: Unfit) -> Self {
        Self::Unfit
    }
}

impl From<PipelineError> for Stop {
    fn from(error: PipelineError) -> Self {
        Self::Error(error)
    }
}

/// True of an access unit with a picture that decoding may begin with (nal_unit_type 5,
/// ITU-T H.264 §7.4.1); units come with lengths of four bytes.
fn has_idr(mut data: &[u8]) -> bool {
    while let Some((length, rest)) = data.split_first_chunk::<4>() {
        if rest.first().is_some_and(|b| b & 0x1f == 5) {
            return true;
        }
        data = rest.get(u32::from_be_bytes(*length) as usize..).unwrap_or_default();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_access_unit_says_whether_decoding_may_begin_with_it() {
        let unit =
            |kinds: &[u8]| -> Vec<u8> { kinds.iter().flat_map(|k| [0, 0, 0, 2, 0x60 | k, 9]).collect() };
        assert!(has_idr(&unit(&[7, 8, 5])) && has_idr(&unit(&[5])));
        assert!(!has_idr(&unit(&[7, 8, 6, 1])) && !has_idr(&unit(&[])));
        assert!(!has_idr(&[0, 0, 0, 200, 1]), "a length that lies leads nowhere");
    }
}
