//! Slates: pictures, silent, in short segments.

use std::path::PathBuf;

use bytes::Bytes;
use gstreamer as gst;
use gstreamer_app as gst_app;
use sha2::{Digest, Sha256};

use crate::base::{Lang, Titles};
use crate::hls::{Manifest, PackagedTrack, TrackKind, content_hash};

use super::encode::{Silence, counted, x264};
use super::frame::{AAC_SAMPLES, Codec};
use super::package::{LadderRung, publish};
use super::runtime::{Stopped, init, launch, named, start};
use super::track_file::{Lengths, TrackFile};
use super::{PipelineError, still};

/// What the server tells a slate worker.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct SlateJob {
    /// Its identifier, a folder name.
    pub id: String,
    /// Folder of the slates.
    pub out: PathBuf,
    /// Pictures of 1280 × 720 that are shown in turn.
    pub pictures: Vec<String>,
    /// Language its audio track is marked with.
    pub lang: Lang,
    /// Titles by language.
    pub titles: Titles,
    /// Video rungs, best first.
    pub ladder: Vec<LadderRung>,
}

/// 24 frames at 25 per second and 45 AAC frames at 48 kHz are both 0.96 s.
const FRAMES: u32 = 24;
const AAC_FRAMES: usize = 45;
const SEGMENT_US: u64 = 960_000;
const FRAME_TICKS: i64 = 3600;
/// A picture is shown for 7.68 s, two segments of the regular cut.
const TURN: usize = 8;
/// At least 31 s before the slate begins again.
const SEGMENTS: usize = 32;

/// Makes the slate's package. Of each picture one group is encoded, and written
/// again and again with new times.
pub fn slate(job: &SlateJob) -> Result<Manifest, PipelineError> {
    init()?;
    let folder = job.out.join(format!(".tmp-{}-{}", job.id, std::process::id()));
    std::fs::create_dir_all(&folder).map_err(PipelineError::io(&folder))?;
    let (width, height) = (1280, 720);
    let render = |svg: &String| still::render(svg, "I420", width, height);
    let pictures = job.pictures.iter().map(render).collect::<Result<Vec<_>, _>>()?;
    let round = TURN * pictures.len().max(1);
    let segments = SEGMENTS.next_multiple_of(round);
    let segments_us = vec![SEGMENT_US; segments];
    let mut tracks = Vec::new();
    for rung in &job.ladder {
        let (width, height) = rung.size(width, height);
        let encode = |picture: &Vec<u8>| still_group(picture, (width, height), rung.kbps, FRAMES);
        let gops = pictures.iter().map(encode).collect::<Result<Vec<_>, _>>()?;
        let kind = TrackKind::Video { width, height, fps: 25.0 };
        let mut file = TrackFile::new(&folder, &rung.name, FRAME_TICKS, Lengths::Every(FRAMES as usize));
        let turns = gops.iter().cycle().flat_map(|gop| std::iter::repeat_n(gop, TURN));
        for gop in turns.take(segments) {
            for (codec, key, data) in gop {
                file.push(codec, *key, data.clone())?;
            }
        }
        tracks.push(file.finish(kind, &segments_us)?);
    }
    tracks.push(silent_track(&folder, &job.lang, &segments_us)?);
    let manifest = Manifest {
        version: 1,
        preliminary: false,
        begins_us: 0,
        id: job.id.clone(),
        content_hash: content_hash(&tracks, &[]),
        titles: job.titles.clone(),
        source_sha256: hex::encode(Sha256::digest(job.pictures.concat())),
        segments_us,
        tracks,
        subtitles: Vec::new(),
        poster: None,
        storyboard: None,
        waveform: None,
        source_loudness: Vec::new(),
        details: Default::default(),
    };
    publish(&folder, &job.out.join(&job.id), &manifest)?;
    Ok(manifest)
}

fn silent_track(
    folder: &std::path::Path,
    lang: &Lang,
    segments_us: &[u64],
) -> Result<PackagedTrack, PipelineError> {
    let silence = Silence::make()?;
    let mut file = TrackFile::new(folder, &format!("a-{lang}"), AAC_SAMPLES, Lengths::Every(AAC_FRAMES));
    for _ in 0..segments_us.len() * AAC_FRAMES {
        file.push(&silence.codec, true, silence.data.clone())?;
    }
    file.finish(TrackKind::Audio { lang: lang.clone(), channels: 2 }, segments_us)
}

/// A group of pictures that all show `picture`, I420 of 1280 × 720: the key frame and
/// those after it, to be written as often as it is shown.
pub(super) fn still_group(
    picture: &[u8],
    (width, height): (u32, u32),
    kbps: u32,
    frames: u32,
) -> Result<Vec<(Codec, bool, Bytes)>, PipelineError> {
    let what = "encoding a picture that stands still";
    let pipeline = launch(
        what,
        &format!(
            "appsrc name=in format=time caps=video/x-raw,format=I420,width=1280,height=720,framerate=25/1,pixel-aspect-ratio=1/1 \
             ! videoscale ! video/x-raw,width={width},height={height},pixel-aspect-ratio=1/1 \
             ! {} ! appsink name=out sync=false",
            x264(kbps, frames, "medium")
        ),
    )?;
    let _stopped = Stopped(pipeline.clone());
    let input: gst_app::AppSrc = named(&pipeline, "in")?;
    let out: gst_app::AppSink = named(&pipeline, "out")?;
    start(&pipeline)?;
    let picture = gst::Buffer::from_slice(picture.to_vec());
    let failed = || PipelineError::Build { what, detail: "the encoder refused the picture".into() };
    for i in 0..u64::from(frames) {
        let mut frame = picture.copy();
        let frame_ref = frame.make_mut();
        frame_ref.set_pts(gst::ClockTime::from_mseconds(i * 40));
        frame_ref.set_duration(gst::ClockTime::from_mseconds(40));
        input.push_buffer(frame).map_err(|_| failed())?;
    }
    input.end_of_stream().map_err(|_| failed())?;
    let mut gop = Vec::new();
    while let Ok(sample) = out.pull_sample() {
        gop.extend(counted(&sample));
    }
    if gop.len() == frames as usize { Ok(gop) } else { Err(failed()) }
}
