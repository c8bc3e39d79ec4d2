//! Chains as devices make them, and as somebody might.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use proptest::prelude::*;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};

use sha2::{Digest as _, Sha256};

use super::beat::PlayState;
use crate::base::{LessonId, SessionId, SiteId, TerminalId, Titles};

use super::*;
use crate::evidence::testing::{EVENING_MS, at};

const LESSON: i64 = 3_600_000;

/// A device that keeps a chain.
struct Away {
    pair: EcdsaKeyPair,
    chain: Chain,
    links: Vec<Link>,
}

fn away() -> Away {
    let random = SystemRandom::new();
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).expect("a key");
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref(), &random);
    let pair = pair.expect("a key");
    let chain = Chain {
        id: SessionId::new("c0ffee").expect("an id"),
        site: SiteId::new("baghcha").expect("an id"),
        terminal: TerminalId::new("baghcha-tv").expect("an id"),
        device: Device::Computer,
        lesson: LessonId::new("grape-pruning").expect("an id"),
        title: Titles::default(),
        content_hash: Some("ab12".into()),
        duration_ms: LESSON,
        key: BASE64.encode(pair.public_key().as_ref()),
        anchored: at(0),
        wall_ms: EVENING_MS,
    };
    Away { pair, chain, links: Vec::new() }
}

impl Away {
    fn note(&mut self, beat: &Beat) {
        let before = self.links.last().map_or_else(|| self.chain.anchor(), |l| l.link.clone());
        let prev = hex::encode(Sha256::digest(before));
        let link = serde_json::json!({ "prev": prev, "beat": beat }).to_string();
        let sig = self.pair.sign(&SystemRandom::new(), link.as_bytes()).expect("signed");
        self.links.push(Link { link, sig: BASE64.encode(sig) });
    }

    /// Plays `beats` intervals of ten seconds from `wall_ms` of its own clock on.
    fn play(&mut self, boot: &str, wall_ms: i64, beats: i64) {
        for n in 0..=beats {
            let state = if n == beats { PlayState::Ended } else { PlayState::Playing };
            self.note(&Beat { state, ..beat(boot, n, wall_ms) });
        }
    }

    fn sealed_at(&self, seconds: i64) -> SessionRecord {
        self.chain.seal(&self.links, None, at(seconds * 1000)).expect("it is genuine").0
    }
}

fn beat(boot: &str, n: i64, wall_ms: i64) -> Beat {
    Beat {
        seq: n as u64,
        boot: boot.into(),
        mono_ms: 5_000 + n * 10_000,
        wall_ms: wall_ms + n * 10_000,
        pos_ms: n * 10_000,
        rate: 1.0,
        state: PlayState::Playing,
        visible: true,
        nonce: None,
        lang: None,
    }
}

#[test]
fn an_evening_without_a_line_is_counted_apart_and_where_it_was() {
    let mut device = away();
    device.play("a", EVENING_MS + 600_000, 30);
    device.play("b", EVENING_MS + 7_200_000, 12);
    let record = device.sealed_at(86_400);
    assert_eq!(record.totals.sealed_ms, 420_000);
    assert_eq!((record.totals.watched_ms, record.totals.verified_ms), (0, 0), "it is not added");
    let spans: Vec<_> = record.wall.sealed.iter().collect();
    let (a, b) = (EVENING_MS + 600_000, EVENING_MS + 7_200_000);
    assert_eq!(spans, [(a, a + 300_000), (b, b + 120_000)]);
    assert_eq!(record.media.total(), 300_000);
    assert_eq!(record.totals.level, Level::Sealed);
}

#[test]
fn a_clock_without_a_battery_costs_nobody_his_evening() {
    let mut device = away();
    device.play("a", 0, 30);
    device.play("b", 0, 12);
    let record = device.sealed_at(86_400);
    assert_eq!(record.totals.sealed_ms, 420_000);
    let end = EVENING_MS + 86_400_000;
    assert_eq!(record.wall.sealed.iter().collect::<Vec<_>>(), [(end - 420_000, end)]);
}

#[test]
fn nothing_is_altered_left_out_or_lent() {
    let mut device = away();
    device.play("a", EVENING_MS, 6);
    let seal = |links: &[Link]| device.chain.seal(links, None, at(86_400_000)).map(|(record, _)| record);
    let mut altered = device.links.clone();
    altered[3].link = altered[3].link.replace("\"pos_ms\":30000", "\"pos_ms\":40000");
    assert_ne!(altered[3].link, device.links[3].link);
    assert_eq!(seal(&altered), Err(BadChain::Signature(3)));
    let mut short = device.links.clone();
    short.remove(3);
    assert_eq!(seal(&short), Err(BadChain::Order(3)));
    short.truncate(3);
    assert_eq!(seal(&short).expect("a power cut").totals.sealed_ms, 20_000);
    let mut other = away();
    other.play("a", EVENING_MS, 6);
    assert_eq!(seal(&other.links), Err(BadChain::Signature(0)), "another device's");
    let mut twice = device.links.clone();
    twice.extend(device.links.clone());
    assert_eq!(seal(&twice), Err(BadChain::Order(7)));
}

#[test]
fn who_never_has_a_line_goes_on_with_his_chain() {
    let mut device = away();
    device.play("a", EVENING_MS + 600_000, 30);
    let carried = device.links.clone();
    let (_, first) = device.chain.seal(&carried, None, at(3_600_000)).expect("the first stick");
    let known = device.chain.seal(&carried, Some(&first), at(3_600_001));
    assert_eq!(known, Err(BadChain::Known), "carried twice");
    device.play("b", EVENING_MS + 7_200_000, 12);
    let (record, second) = device.chain.seal(&device.links, Some(&first), at(86_400_000)).expect("the next");
    assert_eq!((record.id.as_str(), record.totals.sealed_ms), ("c0ffee-2", 120_000));
    // A record that was saved before the first was sealed lies where it was, and counts once.
    let mut twice = away();
    twice.play("a", EVENING_MS, 6);
    let (_, early) = twice.chain.seal(&twice.links, None, at(90_000)).expect("sealed");
    twice.play("b", EVENING_MS + 30_000, 6);
    let (late, _) = twice.chain.seal(&twice.links, Some(&early), at(80_000)).expect("overtaken");
    let spans: Vec<_> = late.wall.sealed.iter().collect();
    assert_eq!(spans, [(EVENING_MS + 60_000, EVENING_MS + 90_000)], "half of it was counted");
    assert_eq!((second.parts, second.links), (2, 44));
    // Another past than the one that was sealed is none.
    let mut other = away();
    other.chain.clone_from(&device.chain);
    other.pair = device.pair;
    other.play("c", EVENING_MS, 40);
    assert_eq!(other.chain.seal(&other.links, Some(&first), at(86_400_000)), Err(BadChain::Order(30)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    /// Whatever somebody with the key makes up: no more than the time between the anchors, nor
    /// than the media that he claims.
    #[test]
    fn a_chain_is_never_worth_more_than_the_time_it_was_away(
        runs in prop::collection::vec((0i64..4_000_000_000_000, 0i64..40, 0i64..4), 0..8),
        seconds in 0i64..900,
    ) {
        let mut device = away();
        for (n, (wall, beats, name)) in runs.iter().enumerate() {
            device.play(&format!("{name}-{}", n % 5), *wall, *beats);
        }
        let record = device.sealed_at(seconds);
        prop_assert!(record.totals.sealed_ms <= seconds * 1000);
        prop_assert!(record.totals.sealed_ms <= record.totals.media_ms);
        prop_assert!(record.totals.coverage <= 1.0);
        let inside = record.wall.sealed.clipped(EVENING_MS, EVENING_MS + seconds * 1000);
        prop_assert_eq!(inside, record.wall.sealed);
    }
}
