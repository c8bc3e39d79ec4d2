//! Small pictures of a film in one file, for whoever looks for a place in it.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom, copy};
use std::path::Path;

use gst::prelude::*;
use gstreamer as gst;
use gstreamer_app as gst_app;

use crate::hls::{ByteRange, PackagedTrack, Storyboard, TrackKind};
use crate::pipeline::PipelineError;
use crate::pipeline::runtime::{Stopped, launch, named, start};
use crate::pipeline::still::through;

/// Pictures at most, and how many in a row.
const MOST: u64 = 100;
const COLUMNS: u32 = 10;
/// Each stands for no less, microseconds: a segment begins with a picture that decodes alone.
const SHORTEST_US: u64 = 4_000_000;
/// The most room that one may take, pixels.
const ROOM: (u32, u32) = (160, 90);
/// What all of them may cost a slow line, bytes, and the qualities of JPEG tried for it.
const LARGEST: usize = 150_000;
const QUALITIES: [u32; 4] = [60, 40, 25, 15];

/// Makes it of the smallest rung in `folder`; none: there is no picture, or next to nothing to
/// look for.
pub(super) fn storyboard(
    folder: &Path,
    tracks: &[PackagedTrack],
    segments_us: &[u64],
) -> Result<Option<Storyboard>, PipelineError> {
    let smallest = tracks.iter().rev().find_map(|t| match t.track.kind {
        TrackKind::Video { width, height, .. } => Some((t, width, height)),
        TrackKind::Audio { .. } => None,
    });
    let Some((track, width, height)) = smallest.filter(|_| segments_us.len() > 1) else { return Ok(None) };
    let (interval_us, places) = places(segments_us);
    let mut chosen = places.clone();
    chosen.dedup();
    let (width, height) = tile(width, height);
    let clip = folder.join("storyboard.mp4");
    let segments = chosen.iter().filter_map(|n| track.segments.get(*n));
    let pictures = excerpt(folder, track, segments, &clip)
        .and_then(|()| key_pictures(&clip, &begins_us(segments_us, &chosen), (width, height)));
    let _ = fs::remove_file(&clip);
    let pictures = pictures?;
    let shown = places.iter().filter_map(|n| pictures.get(chosen.binary_search(n).ok()?));
    let shown: Vec<&[u8]> = shown.map(Vec::as_slice).collect();
    let columns = COLUMNS.min(shown.len() as u32).max(1);
    let (sheet, size) = sheet(&shown, columns, (width, height));
    let file = "storyboard.jpg";
    let path = folder.join(file);
    fs::write(&path, jpeg(sheet, size)?).map_err(PipelineError::io(&path))?;
    let (count, interval_ms) = (shown.len() as u32, interval_us / 1000);
    Ok(Some(Storyboard { file: file.to_owned(), columns, count, width, height, interval_ms }))
}

/// How much each picture stands for, microseconds (whole milliseconds), and which segment's first
/// picture it is: the last that begins before the middle of what it stands for.
fn places(segments_us: &[u64]) -> (u64, Vec<usize>) {
    let total: u64 = segments_us.iter().sum();
    let interval = total.div_ceil(MOST).max(SHORTEST_US).next_multiple_of(1000);
    let mut n = 0;
    let mut end = segments_us.first().copied().unwrap_or_default();
    let places = (0..total.div_ceil(interval)).map(|k| {
        while end <= k * interval + interval / 2 && n + 1 < segments_us.len() {
            n += 1;
            end += segments_us[n];
        }
        n
    });
    (interval, places.collect())
}

/// Width and height of a small picture; the width a multiple of eight, the height of two, so that
/// rows of bytes lie side by side.
fn tile(width: u32, height: u32) -> (u32, u32) {
    let (most_width, most_height) = ROOM;
    let (width, height) = (u64::from(width.max(1)), u64::from(height.max(1)));
    let by_height = u64::from(most_height) * width / height;
    let w = (by_height.min(u64::from(most_width)) as u32 + 4) / 8 * 8;
    let h = (u64::from(most_width) * height / width).min(u64::from(most_height)) as u32 / 2 * 2;
    (w.max(8), h.max(2))
}

/// When each of the `chosen` segments begins, microseconds after the first of them.
fn begins_us(segments_us: &[u64], chosen: &[usize]) -> Vec<u64> {
    let at = |n: usize| segments_us.iter().take(n).sum::<u64>();
    let first = chosen.first().map_or(0, |n| at(*n));
    chosen.iter().map(|n| at(*n) - first).collect()
}

/// Writes the header of `track` and some of its `segments` as a file of its own, `clip`.
pub(super) fn excerpt<'r>(
    folder: &Path,
    track: &'r PackagedTrack,
    segments: impl IntoIterator<Item = &'r ByteRange>,
    clip: &Path,
) -> Result<(), PipelineError> {
    let write = || {
        let (mut from, mut to) = (File::open(folder.join(&track.file))?, File::create(clip)?);
        for ByteRange { offset, length } in [&track.header].into_iter().chain(segments) {
            from.seek(SeekFrom::Start(*offset))?;
            copy(&mut (&from).take(*length), &mut to)?;
        }
        Ok(())
    };
    write().map_err(PipelineError::io(clip))
}

/// The pictures that decode alone and are the first at or after `begins_us`, as I420 of that size.
fn key_pictures(
    clip: &Path,
    begins_us: &[u64],
    (width, height): (u32, u32),
) -> Result<Vec<Vec<u8>>, PipelineError> {
    let what = "taking small pictures";
    let pipeline = launch(
        what,
        &format!(
            "filesrc name=from ! qtdemux ! h264parse name=parse ! avdec_h264 ! videoconvert \
             ! videoscale add-borders=false \
             ! video/x-raw,format=I420,width={width},height={height},pixel-aspect-ratio=1/1 \
             ! appsink name=out sync=false"
        ),
    )?;
    let _stopped = Stopped(pipeline.clone());
    let from: gst::Element = named(&pipeline, "from")?;
    from.set_property("location", clip.to_string_lossy().as_ref());
    let parse: gst::Element = named(&pipeline, "parse")?;
    let out: gst_app::AppSink = named(&pipeline, "out")?;
    let missing = || PipelineError::Build { what, detail: "pictures are missing".into() };
    let parsed = parse.static_pad("src").ok_or_else(missing)?;
    let state = std::sync::Mutex::new((None, Vec::from(begins_us).into_iter().peekable()));
    // Decoding all of an hour to show a hundred pictures of it would take half a minute.
    parsed.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
        let Some(gst::PadProbeData::Buffer(buffer)) = &info.data else { return gst::PadProbeReturn::Ok };
        let mut state = state.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let (first, wanted) = &mut *state;
        let Some(at) = buffer.pts().filter(|_| !buffer.flags().contains(gst::BufferFlags::DELTA_UNIT)) else {
            return gst::PadProbeReturn::Drop;
        };
        let since = at.useconds().saturating_sub(*first.get_or_insert(at.useconds()));
        // Clocks of files round.
        match wanted.next_if(|begins| since + 1000 >= *begins) {
            Some(_) => gst::PadProbeReturn::Ok,
            None => gst::PadProbeReturn::Drop,
        }
    });
    start(&pipeline)?;
    let mut pictures = Vec::new();
    while let Ok(sample) = out.pull_sample() {
        let map = sample.buffer().and_then(|b| b.map_readable().ok()).ok_or_else(missing)?;
        pictures.push(map.as_slice().to_vec());
    }
    (pictures.len() == begins_us.len()).then_some(pictures).ok_or_else(missing)
}

/// I420 pictures of one size side by side, black where there is none, and the size of it all.
fn sheet(pictures: &[&[u8]], columns: u32, (width, height): (u32, u32)) -> (Vec<u8>, (u32, u32)) {
    let rows = (pictures.len() as u32).div_ceil(columns).max(1);
    let all = (columns * width, rows * height);
    let mut out = Vec::with_capacity((all.0 * all.1) as usize * 3 / 2);
    let mut before = 0;
    for (part, black) in [(1, 16u8), (2, 128), (2, 128)] {
        let (w, h) = ((width / part) as usize, (height / part) as usize);
        let stride = w * columns as usize;
        let plane = out.len();
        out.resize(plane + stride * h * rows as usize, black);
        for (n, picture) in pictures.iter().enumerate() {
            let (row, column) = (n / columns as usize, n % columns as usize);
            for (y, line) in picture[before..before + w * h].chunks_exact(w).enumerate() {
                let at = plane + (row * h + y) * stride + column * w;
                out[at..at + w].copy_from_slice(line);
            }
        }
        before += w * h;
    }
    (out, all)
}

/// As a JPEG that is not too large, if one of the qualities tried makes it so.
fn jpeg(sheet: Vec<u8>, (width, height): (u32, u32)) -> Result<Vec<u8>, PipelineError> {
    let what = "writing small pictures";
    let mut picture = gst::Buffer::from_slice(sheet);
    picture.make_mut().set_pts(gst::ClockTime::ZERO);
    let mut bytes = Vec::new();
    for quality in QUALITIES {
        let pipeline = launch(
            what,
            &format!(
                "appsrc name=in format=time caps=video/x-raw,format=I420,width={width},height={height},\
                 framerate=1/1,pixel-aspect-ratio=1/1 ! jpegenc quality={quality} \
                 ! appsink name=out sync=false"
            ),
        )?;
        bytes = through(&pipeline, what, |input| input.push_buffer(picture.clone()))?;
        if bytes.len() <= LARGEST {
            break;
        }
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn each_picture_is_of_what_it_stands_for(segments in prop::collection::vec(1u64..12_000_000, 1..3000)) {
            let (interval, places) = places(&segments);
            let total: u64 = segments.iter().sum();
            prop_assert!(places.len() as u64 <= MOST);
            prop_assert_eq!(places.len() as u64, total.div_ceil(interval));
            prop_assert!(places.is_sorted());
            prop_assert_eq!(interval % 1000, 0);
            for (k, n) in places.iter().enumerate() {
                let middle = k as u64 * interval + interval / 2;
                let begins: u64 = segments[..*n].iter().sum();
                prop_assert!(begins <= middle, "{k}: it comes later");
                prop_assert!(begins + segments[*n] > middle || n + 1 == segments.len(), "{k}: one is nearer");
            }
        }

        #[test]
        fn pictures_keep_their_shape(width in 16u32..8000, height in 16u32..8000) {
            let (w, h) = tile(width, height);
            prop_assert!(w <= ROOM.0 && h <= ROOM.1 && w % 8 == 0 && h % 2 == 0 && w > 0 && h > 0);
            let fits = f64::min(160.0 / f64::from(width), 90.0 / f64::from(height));
            let exact = (f64::from(width) * fits, f64::from(height) * fits);
            prop_assert!((f64::from(w) - exact.0).abs() <= 8.0 && (f64::from(h) - exact.1).abs() <= 2.0);
        }

        #[test]
        fn each_picture_has_its_place(count in 1usize..40, columns in 1u32..11) {
            let (width, height) = (8, 2);
            let pictures: Vec<Vec<u8>> = (0..count).map(|n| vec![n as u8 + 20; 24]).collect();
            let shown: Vec<&[u8]> = pictures.iter().map(Vec::as_slice).collect();
            let (sheet, (w, h)) = sheet(&shown, columns, (width, height));
            prop_assert_eq!(sheet.len() as u32, w * h * 3 / 2);
            for n in 0..count {
                let (x, y) = (n % columns as usize * 8, n / columns as usize * 2);
                let (w, h) = (w as usize, h as usize);
                prop_assert_eq!(sheet[(y + 1) * w + x + 7], n as u8 + 20);
                let chroma = w * h + (w / 2) * (h / 2) + (y / 2) * (w / 2) + x / 2 + 3;
                prop_assert_eq!(sheet[chroma], n as u8 + 20);
            }
        }
    }
}
