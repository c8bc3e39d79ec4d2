//! What encodes pictures: a device of this machine that can, or x264.

use gstreamer as gst;

use crate::pipeline::encode::{H264_CAPS, x264};

/// Pictures after which a key frame comes unasked: more than any segment has.
const SELDOM: u32 = 600;

/// An encoder of H.264.
#[derive(Debug, Clone, Copy)]
pub(super) enum Encoder {
    /// A device: its element, and how that is set. It encodes at the same rate as x264 does,
    /// without B-frames; where groups begin it is told.
    Device(&'static str, Settings),
    /// The processor.
    X264,
}

/// The properties of an element for a bit rate in kb/s.
type Settings = fn(u32) -> String;

/// Devices in the order in which they are tried. Elements of devices that are not there are
/// not registered by GStreamer's `nvcodec` and `va`.
const DEVICES: [(&str, Settings); 3] = [
    ("nvh264enc", |kbps| format!("bitrate={kbps} rc-mode=vbr bframes=0 gop-size={SELDOM}")),
    ("vah264enc", |kbps| format!("bitrate={kbps} rate-control=vbr b-frames=0 key-int-max={SELDOM}")),
    ("vah264lpenc", |kbps| format!("bitrate={kbps} rate-control=vbr b-frames=0 key-int-max={SELDOM}")),
];

impl Encoder {
    /// What may be tried, in order; the last is x264, which always can.
    pub(super) fn all(hardware: bool) -> Vec<Self> {
        let is_there = |(name, _): &(&str, Settings)| gst::ElementFactory::find(name).is_some();
        let devices = DEVICES.into_iter().filter(is_there).map(|(name, set)| Self::Device(name, set));
        let devices: Vec<Self> = if hardware { devices.collect() } else { Vec::new() };
        devices.into_iter().chain([Self::X264]).collect()
    }

    /// Whether it is told where groups begin: x264 counts by itself where all are as long.
    pub(super) fn is_told(self, same: bool) -> bool {
        !same || matches!(self, Self::Device(..))
    }

    /// The encoder of rung `n`, called `name`, at `kbps`, with groups of `same` pictures where all
    /// have as many.
    pub(super) fn description(self, (n, name): (usize, &str), kbps: u32, same: Option<u32>) -> String {
        match self {
            Self::X264 => {
                let own = format!("name={name} threads={} ", threads(n));
                x264(kbps, same.unwrap_or(SELDOM), "veryfast").replace("name=enc ", &own)
            }
            Self::Device(element, settings) => format!(
                "videoconvert ! {element} name={name} {} ! video/x-h264 ! h264parse config-interval=-1 ! {H264_CAPS}",
                settings(kbps)
            ),
        }
    }
}

/// Threads of rung `n`, 0 being the best: all rungs are encoded at once. With as many for each as
/// the machine has cores, and half as many again, they wait for one another.
fn threads(n: usize) -> usize {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    (cores >> n.min(8)).max(1)
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::super::encode::{Encoded, encode};
    use super::super::plan::Plan;
    use super::super::{LadderRung, PackageJob};
    use super::*;
    use crate::base::Lang;
    use crate::hls::About;
    use crate::pipeline::PipelineError;
    use crate::pipeline::probe::probe;
    use crate::pipeline::runtime::{launch, run_to_end};

    /// Eleven seconds: three segments, the last one short.
    fn film(file: &Path) {
        let pipeline = format!(
            "videotestsrc num-buffers=275 ! video/x-raw,width=640,height=360,framerate=25/1 \
             ! x264enc speed-preset=ultrafast ! matroskamux ! filesink location={}",
            file.display()
        );
        let pipeline = launch("a film", &pipeline).expect("it can be made");
        run_to_end(&pipeline, "film", |_| ()).expect("it is made");
    }

    fn encoded(folder: &Path, encoders: &[Encoder]) -> Result<Encoded, PipelineError> {
        gst::init().expect("GStreamer starts");
        let input = folder.join("film.mkv");
        film(&input);
        let rung = |name: &str, height| LadderRung { name: name.into(), height, kbps: 400 };
        let job = PackageJob {
            id: "film".into(),
            input: input.clone(),
            side_audio: Vec::new(),
            subtitles: Vec::new(),
            about: About::default(),
            out: PathBuf::new(),
            ladder: vec![rung("v360", 360), rung("v240", 240)],
            audio_kbps: 48,
            card: None,
            languages: vec![Lang::new("zh-Hans").expect("a language")],
            early: false,
            hardware: true,
            unnamed: false,
        };
        let found = probe(&input, &mut |_| ()).expect("a film");
        let plan = Plan::new(&job, &input, &found);
        encode(&plan, &job, folder, None, (encoders, &mut |_| ()))
    }

    /// Told as a device is: it has no other notion of where a group ends.
    const ANOTHER: Encoder =
        Encoder::Device("openh264enc", |kbps| format!("bitrate={kbps}000 gop-size={SELDOM}"));
    const BROKEN: Encoder = Encoder::Device("identity", |_| "error-after=20".into());

    #[test]
    fn an_encoder_that_is_told_begins_every_segment_of_every_rung() {
        let folder = tempfile::tempdir().expect("a folder");
        // Alone: nothing would help it.
        let made = encoded(folder.path(), &[ANOTHER]).expect("it encodes");
        assert_eq!(made.segments_us, [3_840_000, 3_840_000, 3_320_000]);
        let pictures: Vec<_> = made.tracks.iter().filter(|t| t.track.name.starts_with('v')).collect();
        assert_eq!(pictures.len(), 2);
        for track in pictures {
            assert_eq!(track.segments.len(), 3, "{}", track.track.name);
            assert!(track.track.codecs.starts_with("avc1.42"), "not x264's main: {}", track.track.codecs);
        }
    }

    #[test]
    fn what_a_device_cannot_x264_does() {
        let folder = tempfile::tempdir().expect("a folder");
        let made = encoded(folder.path(), &[BROKEN, Encoder::X264]).expect("it encodes");
        assert_eq!(made.segments_us, [3_840_000, 3_840_000, 3_320_000]);
        assert!(made.tracks[0].track.codecs.starts_with("avc1.4D"), "{}", made.tracks[0].track.codecs);
        let alone = encoded(folder.path(), &[BROKEN]);
        assert!(alone.is_err(), "it was broken");
    }

    #[test]
    fn x264_is_the_last_and_the_only_one_where_devices_are_not_wanted() {
        gst::init().expect("GStreamer starts");
        assert!(matches!(Encoder::all(true).last(), Some(Encoder::X264)));
        assert!(matches!(Encoder::all(false)[..], [Encoder::X264]));
    }
}
