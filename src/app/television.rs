//! What television sets are told of channels, and where channels are sent out.

use std::sync::Arc;

use arc_swap::ArcSwap;
use jiff::{SignedDuration, Timestamp};

use crate::base::{ChannelId, Lang, Titles};
use crate::config::{Channel, County};
use crate::courseware::Library;
use crate::delivery::{Announce, Output};
use crate::guide::{Entry, Listing, now_next};
use crate::mpegts::{Event, Guide, Service};
use crate::portal::listing_of;
use crate::schedule::Plans;

/// A network of nobody's (ETSI TS 101 162: private, temporary use).
const NETWORK: u16 = 0xff00;
/// How far ahead the following event is looked for.
const AHEAD: SignedDuration = SignedDuration::from_hours(24);

/// Tells of the county's channels.
pub(super) fn announce(
    county: Arc<ArcSwap<County>>,
    plans: Arc<ArcSwap<Plans>>,
    library: Library,
) -> Box<Announce> {
    Box::new(move |id: &ChannelId, at: Timestamp| {
        let county = county.load();
        let channel = county.channels.iter().find(|c| c.id == *id)?;
        let listing = listing_of(channel, &plans.load(), &library.catalogue(), (at, at + AHEAD));
        let (present, following) = now_next(&listing, at, 1);
        let guide = Guide {
            present: present.map(|entry| event(&listing, entry, true)),
            following: following.first().map(|entry| event(&listing, entry, false)),
        };
        Some((service(&county, channel, at), guide))
    })
}

fn service(county: &County, channel: &Channel, at: Timestamp) -> Service {
    let best = |names: &Titles| names.best(&channel.lang).map_or(String::new(), |(_, name)| name.to_owned());
    let names = channel.names.0.iter().filter_map(|(lang, name)| {
        let provider = county.names.best(lang).map_or("", |(_, name)| name);
        Some((code(lang)?, provider.to_owned(), name.clone()))
    });
    let number = u16::try_from(channel.number).unwrap_or(1);
    Service {
        transport_stream_id: number,
        original_network_id: NETWORK,
        service_id: number,
        provider: best(&county.names),
        name: best(&channel.names),
        names: once_each(names),
        utc_offset_minutes: county.tz.to_offset(at).seconds() / 60,
        country: *b"CHN",
    }
}

fn event(listing: &Listing, entry: &Entry, running: bool) -> Event {
    let about = listing.about(entry);
    let titles = listing.titles(entry);
    let texts = titles.0.iter().filter_map(|(lang, title)| {
        let text = about.0.get(lang).cloned().unwrap_or_default();
        Some((code(lang)?, title.clone(), text))
    });
    let start = entry.programme.start;
    Event {
        // Minutes of the epoch: no two of a channel's next ones start in the same.
        id: (start.as_second() / 60).rem_euclid(1 << 16) as u16,
        start,
        duration_s: u32::try_from(entry.length().as_secs()).unwrap_or(u32::MAX),
        texts: once_each(texts),
        running,
    }
}

/// ISO 639-2 knows no scripts: of a language's texts the first is taken.
fn once_each(texts: impl Iterator<Item = ([u8; 3], String, String)>) -> Vec<([u8; 3], String, String)> {
    let mut all: Vec<([u8; 3], String, String)> = Vec::new();
    for text in texts {
        if all.iter().all(|(code, ..)| *code != text.0) {
            all.push(text);
        }
    }
    all
}

fn code(lang: &Lang) -> Option<[u8; 3]> {
    lang.iso639().as_bytes().try_into().ok()
}

/// Where the county's channels are sent out.
pub(super) fn outputs(county: &County) -> Vec<Output> {
    let heights: Vec<u32> = county.packaging.ladder.iter().map(|r| r.height).collect();
    county.channels.iter().flat_map(|c| Output::of(c, &heights)).collect()
}
