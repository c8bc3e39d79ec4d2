//! Channels that tests make up.

use jiff::Timestamp;
use proptest::collection::vec;
use proptest::prelude::*;
use yuanjiao::mpegts::{Audio, Event, Guide, Service, Span, Unit, Video, segment};

/// Ticks of 90 kHz after which PTS repeat.
const CYCLE: i64 = 1 << 33;

pub(crate) fn service() -> Service {
    let names = [
        (b"zho", "县教育局", "远程教育一套"),
        (b"uig", "ناھىيەلىك مائارىپ", "يىراقتىن ئوقۇتۇش"),
        (b"mon", "ᠰᠢᠶᠠᠨ", "ᠠᠯᠤᠰ ᠤᠨ ᠰᠤᠷᠭᠠᠨ"),
        (b"kaz", "Аудан", "Қашықтан оқыту"),
        (b"kir", "Район", "Аралыктан окутуу"),
    ];
    Service {
        transport_stream_id: 1,
        original_network_id: 0xff00,
        service_id: 11,
        provider: "County".into(),
        name: "远程教育 1".into(),
        names: names.map(|(lang, provider, name)| (*lang, provider.into(), name.into())).into(),
        utc_offset_minutes: 480,
        country: *b"CHN",
    }
}

pub(crate) fn guide(count: usize) -> Guide {
    let texts = [
        (b"zho", "葡萄秋季修剪与埋土", "怎样把葡萄埋好"),
        (b"mon", "ᠨᠠᠮᠤᠷ ᠦᠵᠦᠮ", ""),
        (b"uig", "ئۈزۈمنى كۈزدە پۇتاش ۋە كۆمۈش", "ئۈزۈم"),
        (b"kaz", "Жүзімді күзде кесу және көму", "Жүзім"),
        (b"kir", "Жүзүмдү күздө кесүү", "𠀀"),
    ];
    let texts: Vec<_> = texts
        .iter()
        .take(count)
        .map(|(lang, title, text)| (**lang, title.to_string(), text.to_string()))
        .collect();
    let event = |id, running| Event {
        id,
        start: Timestamp::UNIX_EPOCH,
        duration_s: 2_700,
        texts: texts.clone(),
        running,
    };
    Guide { present: (count > 0).then(|| event(7, true)), following: (count > 1).then(|| event(8, false)) }
}

/// A segment that a test makes up.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    /// Frame duration in 90 kHz ticks.
    pub(crate) frame: i64,
    pub(crate) sizes: Vec<usize>,
    pub(crate) key_size: usize,
    pub(crate) reordered: bool,
    /// Where the source's own clock stands.
    pub(crate) dts: i64,
    pub(crate) set: u8,
    pub(crate) empty: Option<usize>,
}

pub(crate) fn plan() -> impl Strategy<Value = Plan> {
    let frame = prop_oneof![Just(3_600i64), Just(3_000), Just(3_003), Just(1_800)];
    let size = prop_oneof![8 => 50usize..6_000, 1 => 6_000usize..40_000];
    (frame, vec(size, 10..120), 50usize..200_000, any::<bool>(), -CYCLE..CYCLE, any::<u8>(), 0usize..12)
        .prop_map(|(frame, sizes, key_size, reordered, dts, set, empty)| Plan {
            frame,
            sizes,
            key_size,
            reordered,
            dts,
            set,
            empty: Some(empty).filter(|n| *n < 4),
        })
}

impl Plan {
    pub(crate) fn span(&self, start: i64) -> Span {
        Span { start, end: start + self.frame * self.sizes.len() as i64 }
    }

    pub(crate) fn video(&self, span: Span) -> Video {
        let count = self.sizes.len() as i64;
        let unit = |n: i64| {
            // Decoded I P B B P B B, shown I B B P B B P.
            let place = match n % 3 {
                1 if self.reordered => (n + 2).min(count - 1),
                0 | 2 if self.reordered && n > 0 => n - 1,
                _ => n,
            };
            let key = n == 0;
            let size = if key { self.key_size } else { self.sizes[n as usize] };
            let mut data = (size as u32).to_be_bytes().to_vec();
            data.push(if key { 0x65 } else { 0x41 });
            data.resize(size + 4, 0xab);
            let (pts, dts) = (span.start + place * self.frame, self.dts + n * self.frame);
            Unit { pts, dts, key, data: data.into() }
        };
        let avcc = vec![1, 77, 0, 30, 0xff, 0xe1, 0, 5, 0x67, 77, 64, 30, self.set, 1, 0, 2, 0x68, 0xce];
        let units = if self.empty == Some(0) { Vec::new() } else { (0..count).map(unit).collect() };
        Video { avcc, units }
    }

    pub(crate) fn audio(&self, index: usize, rate: i64, span: Span) -> Audio {
        let pts = |n: i64| (i128::from(n) * 1_024 * 90_000 / i128::from(rate)) as i64;
        let before = (i128::from(span.start) * i128::from(rate) / 90_000 / 1_024) as i64;
        // Some sources have sound beyond their segment at both ends.
        let (early, late) = if self.set.is_multiple_of(2) { (3_000, 4_000) } else { (0, 0) };
        let first = (before - 3..).find(|n| pts(*n) >= span.start - early);
        let size = |n: i64| {
            if self.set.is_multiple_of(3) {
                1 + n as usize % 6
            } else {
                80 + ((n % 1_009) * (n % 1_009)) as usize % 700
            }
        };
        let unit = |n: i64| Unit { pts: pts(n), dts: pts(n), key: true, data: vec![0xcd; size(n)].into() };
        let units = (first.expect("a frame")..).take_while(|n| pts(*n) < span.end + late).map(unit);
        Audio {
            config: if rate == 48_000 { vec![0x11, 0x90] } else { vec![0x12, 0x10] },
            lang: [*b"zho", *b"uig", *b"mon"][index],
            units: if self.empty == Some(index + 1) { Vec::new() } else { units.collect() },
        }
    }

    pub(crate) fn convert(&self, start: i64, has_video: bool, tracks: usize, rate: i64) -> Vec<u8> {
        let span = self.span(start);
        let video = has_video.then(|| self.video(span));
        let audio: Vec<Audio> = (0..tracks).map(|index| self.audio(index, rate, span)).collect();
        segment(&service(), &guide(self.set as usize % 6), video.as_ref(), &audio, span).expect("a segment")
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Channel {
    pub(crate) plans: Vec<Plan>,
    pub(crate) start: i64,
    pub(crate) video: bool,
    pub(crate) tracks: usize,
    pub(crate) rate: i64,
}

pub(crate) fn channel() -> impl Strategy<Value = Channel> {
    let start = prop_oneof![
        // Today, by the microsecond.
        150_000_000_000_000i64..190_000_000_000_000,
        // The 33 bits overflow in the middle.
        (-900_000i64..200_000).prop_map(|before| CYCLE * 18_500 + before),
    ];
    (vec(plan(), 2..5), start, 0usize..5, 0usize..4, any::<bool>()).prop_map(
        |(plans, start, kind, tracks, high)| {
            let video = kind > 0 || tracks == 0;
            Channel { plans, start, video, tracks, rate: if high { 48_000 } else { 44_100 } }
        },
    )
}

impl Channel {
    pub(crate) fn segments(&self) -> Vec<Vec<u8>> {
        let mut start = self.start;
        let convert = |plan: &Plan| {
            let stream = plan.convert(start, self.video, self.tracks, self.rate);
            start = plan.span(start).end;
            stream
        };
        self.plans.iter().map(convert).collect()
    }

    pub(crate) fn units(&self) -> usize {
        let units = |plan: &Plan| if plan.empty == Some(0) { 0 } else { plan.sizes.len() };
        if self.video { self.plans.iter().map(units).sum() } else { 0 }
    }
}
