//! The pass over a file that copies what needs no encoding.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use gst::prelude::*;
use gstreamer as gst;

use crate::base::Lang;
use crate::hls::TrackKind;

use super::cut::{PictureCutter, SoundCutter, Unfit};
use super::remux::{Limits, Passed};
use crate::pipeline::PipelineError;
use crate::pipeline::elementary::{Arrival, LEAD_NS, Sender, Taking, take_stream};
use crate::pipeline::frame::{Codec, VIDEO_TIMESCALE, ticks};
use crate::pipeline::probe::{decoder, discard, passes, stream_id};
use crate::pipeline::runtime::run_to_end;
use crate::pipeline::track_file::CmafFile;

/// Which of the file's streams a frame is of.
#[derive(Debug, Clone, Copy)]
enum Role {
    Picture,
    Sound(usize),
}

#[derive(Debug)]
struct Sound {
    stream: String,
    /// None: nothing of it has come.
    copy: Option<(SoundCutter, CmafFile, Arc<Codec>)>,
}

#[derive(Debug)]
struct Copying {
    folder: PathBuf,
    cutter: PictureCutter,
    /// The stream of the picture, once there is one.
    stream: Option<String>,
    picture: Option<(CmafFile, Arc<Codec>)>,
    bytes: u64,
    limits: Limits,
    sounds: Vec<Sound>,
    /// The pictures cannot be copied.
    unfit: bool,
    /// A sound cannot be.
    silent: bool,
    error: Option<PipelineError>,
    /// Nobody wants it any more.
    in_vain: Arc<AtomicBool>,
}

/// Copies the first picture of the file at `input`, and its sounds if they can be, into `folder`.
/// None: it is not as browsers take it, is cut too seldom, is beyond
/// `limits`, or `in_vain`.
pub(super) fn remux(
    input: &Path,
    folder: &Path,
    limits: Limits,
    in_vain: Arc<AtomicBool>,
) -> Result<Option<Passed>, PipelineError> {
    let copying = Copying {
        folder: folder.to_owned(),
        cutter: PictureCutter::default(),
        stream: None,
        picture: None,
        bytes: 0,
        limits,
        sounds: Vec::new(),
        unfit: false,
        silent: false,
        error: None,
        in_vain,
    };
    let copying = Arc::new(Mutex::new(copying));
    let run = run(input, &copying);
    let mut done = copying.lock().unwrap_or_else(PoisonError::into_inner);
    match (done.error.take(), run) {
        _ if done.unfit => Ok(None),
        (Some(error), _) | (None, Err(error)) => Err(error),
        (None, Ok(())) => done.finish(),
    }
}

fn run(input: &Path, copying: &Arc<Mutex<Copying>>) -> Result<(), PipelineError> {
    let pipeline = gst::Pipeline::new();
    let decode = decoder(input)?;
    pipeline.add(&decode).map_err(PipelineError::build("reading a file"))?;
    decode.connect("autoplug-continue", false, |values| {
        let caps = values.get(2).and_then(|caps| caps.get::<gst::Caps>().ok());
        Some(caps.is_none_or(|caps| !is_copied(&caps)).to_value())
    });
    let roles: Arc<Mutex<HashMap<String, Role>>> = Arc::default();
    let (weak, by_pad, shared) = (pipeline.downgrade(), Arc::clone(&roles), Arc::clone(copying));
    let sender: Sender = Arc::new(move |arrival: Arrival| {
        let role = by_pad.lock().unwrap_or_else(PoisonError::into_inner).get(&arrival.stream.name).copied();
        let goes_on = role.is_none_or(|role| locked(&shared).take(role, arrival));
        if !goes_on && let Some(pipeline) = weak.upgrade() {
            gst::element_error!(pipeline, gst::StreamError::Failed, ("it is not copied"));
        }
        goes_on
    });
    let (weak, shared) = (pipeline.downgrade(), Arc::clone(copying));
    decode.connect_pad_added(move |decode, pad| {
        let Some(pipeline) = weak.upgrade() else { return };
        let caps = pad.current_caps().filter(|caps| is_copied(caps));
        match caps.and_then(|caps| locked(&shared).role(pad, &caps, is_untimed(decode))) {
            Some(role) => {
                roles.lock().unwrap_or_else(PoisonError::into_inner).insert(pad.name().to_string(), role);
                let taking = Taking { transcode: false, rungs: Arc::new([]), paced: false };
                take_stream(&pipeline, pad, &taking, &sender);
            }
            None => drop(discard(&pipeline, pad)),
        }
    });
    // A file without a picture that can be copied is not read to its end.
    let (weak, shared) = (pipeline.downgrade(), Arc::clone(copying));
    decode.connect_no_more_pads(move |_| {
        let mut copying = locked(&shared);
        if copying.stream.is_none() {
            copying.unfit = true;
            if let Some(pipeline) = weak.upgrade() {
                gst::element_error!(pipeline, gst::StreamError::Failed, ("nothing of it is copied"));
            }
        }
    });
    let file = input.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    run_to_end(&pipeline, &file, |_| ())
}

fn locked(copying: &Mutex<Copying>) -> std::sync::MutexGuard<'_, Copying> {
    copying.lock().unwrap_or_else(PoisonError::into_inner)
}

/// True if `decode` reads Matroska or WebM, which say of pictures when they are shown, not when
/// they are decoded (RFC 9559, timestamps of blocks).
fn is_untimed(decode: &gst::Element) -> bool {
    let within = decode.downcast_ref::<gst::Bin>().map(gst::Bin::iterate_recurse);
    let is_matroska = |e: gst::Element| e.factory().is_some_and(|f| f.name() == "matroskademux");
    within.into_iter().flatten().flatten().any(is_matroska)
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
    /// What a stream is here; none: it is left out. `untimed`: nobody says when it is decoded.
    fn role(&mut self, pad: &gst::Pad, caps: &gst::CapsRef, untimed: bool) -> Option<Role> {
        let structure = caps.structure(0)?;
        if structure.name() != "video/x-h264" {
            self.sounds.push(Sound { stream: stream_id(pad), copy: None });
            return Some(Role::Sound(self.sounds.len() - 1));
        }
        let is_it = self.stream.is_none() && passes(structure);
        is_it.then(|| {
            self.stream = Some(stream_id(pad));
            if untimed {
                self.cutter = PictureCutter::untimed();
            }
            Role::Picture
        })
    }

    /// Takes a frame; false if there is no use in going on.
    fn take(&mut self, role: Role, arrival: Arrival) -> bool {
        self.unfit |= self.in_vain.load(Ordering::Relaxed);
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
                let file = CmafFile::create(&self.folder, "picture", &arrival.codec)?;
                none.insert((file, Arc::clone(&arrival.codec)))
            }
        };
        if !Arc::ptr_eq(codec, &arrival.codec) && !codec.same_header(&arrival.codec) {
            return Err(Stop::Unfit);
        }
        self.bytes += arrival.frame.data.len() as u64;
        if let Some(segment) = self.cutter.push(arrival.frame, key)? {
            file.segment(&segment.frames, segment.end)?;
            let lengths = self.cutter.segments_us();
            let all = (self.bytes, lengths.iter().sum());
            let last = segment.frames.iter().map(|frame| frame.data.len() as u64).sum();
            if self.limits.exclude(all, (last, lengths.last().copied().unwrap_or_default())) {
                return Err(Stop::Unfit);
            }
        }
        Ok(())
    }

    fn sound(&mut self, n: usize, arrival: Arrival) -> Result<(), Stop> {
        if self.silent {
            return Ok(());
        }
        let (cutter, _, codec) = match &mut self.sounds[n].copy {
            Some(copy) => copy,
            none => {
                // Two channels of AAC-LC at most (ISO/IEC 14496-3 §1.6.2.1).
                let plain = |config: &[u8]| config.first().is_some_and(|b| b >> 3 == 2);
                match &*arrival.codec {
                    Codec::Aac { config, rate, channels: 1..=2 } if plain(config) => {
                        let file = CmafFile::create(&self.folder, &format!("sound-{n}"), &arrival.codec)?;
                        none.insert((SoundCutter::new(*rate), file, Arc::clone(&arrival.codec)))
                    }
                    _ => {
                        self.silent = true;
                        return Ok(());
                    }
                }
            }
        };
        self.silent |= !Arc::ptr_eq(codec, &arrival.codec) && !codec.same_header(&arrival.codec);
        cutter.push(arrival.frame);
        Ok(())
    }

    /// Writes of each sound what belongs to segments that have ended.
    fn write_sounds(&mut self) -> Result<(), Stop> {
        let Some(origin) = self.cutter.origin().filter(|_| !self.silent) else { return Ok(()) };
        let ended = self.cutter.is_finished();
        for (cutter, file, _) in self.sounds.iter_mut().filter_map(|s| s.copy.as_mut()) {
            while let Some((_, end)) = self.cutter.span(file.segments())
                && (ended || cutter.reaches(end))
            {
                match cutter.take(origin, end) {
                    Ok(segment) => file.segment(&segment.frames, segment.end)?,
                    Err(Unfit) => {
                        self.silent = true;
                        return Ok(());
                    }
                }
            }
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<Option<Passed>, PipelineError> {
        let (Some((mut file, codec)), Some(stream)) = (self.picture.take(), self.stream.take()) else {
            return Ok(None);
        };
        match self.cutter.finish() {
            Ok(Some(segment)) => file.segment(&segment.frames, segment.end)?,
            Ok(None) => {}
            Err(Unfit) => return Ok(None),
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
        let (shown, decoded) = self.cutter.origin().unwrap_or_default();
        let start = shown - ticks(LEAD_NS, VIDEO_TIMESCALE);
        // In the place of a picture or nearer: many files begin with a frame of sound that nobody
        // hears, and with their picture where that ends.
        let steady = self.cutter.steady().filter(|fps| start.abs() < i64::from(VIDEO_TIMESCALE / fps));
        // Containers round what they say of it.
        let fps = steady.map_or(fps, f64::from);
        let picture = file.finish(TrackKind::Video { width, height, fps }, &segments_us)?;
        let mut sounds = Vec::new();
        for sound in self.sounds.drain(..).filter(|_| !self.silent) {
            let Some((_, file, codec)) = sound.copy else { continue };
            let (Codec::Aac { channels, .. }, Ok(lang)) = (&*codec, Lang::new("und")) else { continue };
            let kind = TrackKind::Audio { lang, channels: *channels };
            sounds.push((sound.stream, file.finish(kind, &segments_us)?));
        }
        let counts = self.cutter.counts().to_vec();
        let picture = (stream, picture);
        Ok(Some(Passed { picture, sounds, segments_us, start, delay: shown - decoded, counts, steady }))
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
