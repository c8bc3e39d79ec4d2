//! The demo's two upstreams, which the demo itself broadcasts over UDP.

use serde::Deserialize;

use crate::base::{Lang, RelayId, Titles};

/// What an announcer of a station says, over and over.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Voice {
    /// The language it is said in.
    pub lang: Lang,
    /// The words: 20 to 40 s at the pace of `espeak_pace`.
    pub text: String,
}

/// One invented broadcaster.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Station {
    /// Its identifier, also that of the relay that takes it in: `national` or `regional`.
    pub id: RelayId,
    /// Colour of its badge, an SVG colour.
    pub colour: String,
    /// Its names.
    #[serde(rename = "title")]
    pub names: Titles,
    /// Its two audio tracks, the default first.
    #[serde(rename = "voice")]
    pub voices: [Voice; 2],
}

#[derive(Deserialize)]
struct File {
    station: [Station; 2],
}

/// Both stations, the national one first.
pub fn stations() -> [Station; 2] {
    let file: File = toml::from_str(include_str!("content/stations.toml"))
        .expect("the embedded stations are checked by tests");
    file.station
}

#[cfg(test)]
mod tests {
    use super::super::content::espeak_voice;
    use super::*;

    #[test]
    fn two_stations_speak_two_languages_each() {
        let [national, regional] = stations();
        assert_eq!((national.id.as_str(), regional.id.as_str()), ("national", "regional"));
        for voice in national.voices.iter().chain(&regional.voices) {
            assert!(espeak_voice(&voice.lang).is_some(), "{:?} has no voice", voice.lang);
        }
        assert_ne!(national.voices[0].lang, national.voices[1].lang);
    }
}
