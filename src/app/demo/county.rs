//! The demo county: who takes part, and their terminals' tokens.
//!
//! County, townships and villages are invented.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::base::{ChannelId, Lang, RelayId, SiteId, TerminalId, Titles, TownshipId};
use crate::config::Rung;
use crate::sites::DeviceKind;

/// What differs from one demo to the next.
#[derive(Debug, Clone)]
pub struct Params {
    /// Where the server listens.
    pub listen: SocketAddr,
    /// Folder of the store and keys.
    pub data: PathBuf,
    /// Folder of inbox, library, live windows and slates.
    pub media: PathBuf,
    /// Folder of the schedule files.
    pub schedules: PathBuf,
    /// UDP port on the loopback where the national station arrives.
    pub national_port: u16,
    /// UDP port on the loopback where the regional station arrives.
    pub regional_port: u16,
    /// Video rungs of lessons, best first.
    pub ladder: Vec<Rung>,
    /// Packaging workers at once.
    pub jobs: usize,
    /// From which the terminals' tokens are derived. Whoever knows it can be
    /// any terminal of the demo.
    pub seed: String,
}

/// Who takes part in the demo county.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DemoCounty {
    /// The county's names.
    #[serde(rename = "title")]
    pub names: Titles,
    /// Its channels; the first one is made of schedules, the others relay.
    #[serde(rename = "channel")]
    pub channels: Vec<DemoChannel>,
    /// Its townships.
    #[serde(rename = "township")]
    pub townships: Vec<DemoTownship>,
}

/// A channel of the demo county.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DemoChannel {
    /// Its identifier.
    pub id: ChannelId,
    /// Its names.
    #[serde(rename = "title")]
    pub names: Titles,
    /// Its own language.
    pub lang: Lang,
    /// Audio languages offered.
    pub audio: Vec<Lang>,
    /// Subtitle languages offered.
    pub subtitles: Vec<Lang>,
    /// The relay it carries all day; none: the channel of lessons.
    pub relay: Option<RelayId>,
}

/// A township and its sites.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DemoTownship {
    /// Its identifier.
    pub id: TownshipId,
    /// Its names.
    #[serde(rename = "title")]
    pub names: Titles,
    /// Its sites.
    #[serde(rename = "site")]
    pub sites: Vec<DemoSite>,
}

/// A site and its terminals.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DemoSite {
    /// Its identifier.
    pub id: SiteId,
    /// Its names.
    #[serde(rename = "title")]
    pub names: Titles,
    /// Its terminals.
    #[serde(rename = "terminal")]
    pub terminals: Vec<DemoTerminal>,
}

/// A device at a site.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DemoTerminal {
    /// Its identifier.
    pub id: TerminalId,
    /// Its names.
    #[serde(rename = "title")]
    pub names: Titles,
    /// What kind of screen it is.
    pub device: DeviceKind,
}

impl DemoCounty {
    /// The county of the demo.
    pub fn new() -> Self {
        toml::from_str(include_str!("content/county.toml")).expect("the embedded county is checked by tests")
    }

    /// Its terminals, in the order of the file.
    pub fn terminals(&self) -> impl Iterator<Item = (&DemoSite, &DemoTerminal)> {
        let sites = self.townships.iter().flat_map(|township| &township.sites);
        sites.flat_map(|site| site.terminals.iter().map(move |terminal| (site, terminal)))
    }
}

impl Default for DemoCounty {
    fn default() -> Self {
        Self::new()
    }
}

/// The token of every terminal, in the order of the county's file.
pub fn tokens(p: &Params) -> Vec<(TerminalId, String)> {
    let county = DemoCounty::new();
    county.terminals().map(|(_, terminal)| (terminal.id.clone(), token(&p.seed, &terminal.id))).collect()
}

/// SHA-256 of the seed and the terminal's name, hex.
pub(super) fn token(seed: &str, terminal: &TerminalId) -> String {
    hex::encode(Sha256::new().chain_update(seed).chain_update([0]).chain_update(terminal.as_str()).finalize())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn seeded(seed: &str) -> Params {
        Params {
            listen: ([127, 0, 0, 1], 0).into(),
            data: "data".into(),
            media: "media".into(),
            schedules: "schedules".into(),
            national_port: 5001,
            regional_port: 5002,
            ladder: Vec::new(),
            jobs: 1,
            seed: seed.to_owned(),
        }
    }

    #[test]
    fn three_townships_eight_sites_ten_terminals() {
        let county = DemoCounty::new();
        assert_eq!(county.townships.len(), 3);
        assert_eq!(county.townships.iter().map(|t| t.sites.len()).sum::<usize>(), 8);
        assert_eq!(county.terminals().count(), 10);
    }

    #[test]
    fn everyone_has_a_name_in_chinese_and_uyghur() {
        let county = DemoCounty::new();
        let mut names = vec![&county.names];
        names.extend(county.channels.iter().map(|c| &c.names));
        names.extend(county.townships.iter().map(|t| &t.names));
        names.extend(county.terminals().flat_map(|(site, terminal)| [&site.names, &terminal.names]));
        for titles in names {
            for tag in ["zh-Hans", "ug-Arab", "en"] {
                assert!(titles.0.keys().any(|l| l.as_str() == tag), "{titles:?} has no {tag}");
            }
        }
    }

    #[test]
    fn tokens_follow_the_seed_and_differ() {
        let (one, again, other) = (tokens(&seeded("a")), tokens(&seeded("a")), tokens(&seeded("b")));
        assert_eq!(one, again);
        let all: BTreeSet<_> = one.iter().chain(&other).map(|(_, token)| token).collect();
        assert_eq!(all.len(), 20);
        assert!(all.iter().all(|token| token.len() == 64));
    }
}
