//! `dvb://…`: what a card is tuned to.

use std::collections::BTreeMap;

use super::Source;
use super::source::BadSource;

/// What may follow an option's name.
enum Takes {
    Number,
    OneOf(&'static [&'static str]),
}

/// Options by our name, the name of the property of GStreamer's `dvbsrc`, and what they take.
/// Frequencies are in Hz, for satellites in kHz; symbol rates in thousands a second.
const OPTIONS: [(&str, &str, Takes); 9] = [
    ("system", "delsys", Takes::OneOf(&["dtmb", "dvb-c-a", "dvb-s", "dvb-s2", "dvb-t", "dvb-t2"])),
    ("frequency", "frequency", Takes::Number),
    ("symbol_rate", "symbol-rate", Takes::Number),
    ("polarity", "polarity", Takes::OneOf(&["h", "v"])),
    (
        "modulation",
        "modulation",
        Takes::OneOf(&["auto", "qpsk", "8psk", "qam-16", "qam-32", "qam-64", "qam-128", "qam-256"]),
    ),
    (
        "code_rate",
        "code-rate-hp",
        Takes::OneOf(&["auto", "1/2", "2/3", "3/4", "3/5", "4/5", "5/6", "6/7", "7/8", "8/9", "9/10"]),
    ),
    ("bandwidth", "bandwidth-hz", Takes::Number),
    ("diseqc", "diseqc-source", Takes::OneOf(&["0", "1", "2", "3", "4", "5", "6", "7"])),
    ("stream", "stream-id", Takes::Number),
];

/// Reads what stands behind `dvb://`: `ADAPTER[.FRONTEND]?OPTION=VALUE&…`.
pub(super) fn tuner(rest: &str) -> Result<Source, BadSource> {
    let (card, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (adapter, frontend) = card.split_once('.').unwrap_or((card, "0"));
    // As many as `dvbsrc` knows.
    let number = |text: &str| text.parse::<u8>().ok().filter(|n| *n <= 16);
    let (Some(adapter), Some(frontend)) = (number(adapter), number(frontend)) else {
        return Err(BadSource::Card(rest.to_owned()));
    };
    let mut tuning = BTreeMap::new();
    for option in query.split('&').filter(|option| !option.is_empty()) {
        let (name, value) = option.split_once('=').unwrap_or((option, ""));
        let known = OPTIONS.iter().find(|(known, ..)| *known == name);
        let property = known.and_then(|(_, property, takes)| takes.fits(value).then_some(*property));
        let Some(property) = property else {
            let names: Vec<String> = OPTIONS.iter().map(|(name, _, takes)| takes.shown(name)).collect();
            return Err(BadSource::Tuning(option.to_owned(), names.join(", ")));
        };
        tuning.insert(property.to_owned(), value.to_owned());
    }
    match ["system", "frequency"].iter().zip(["delsys", "frequency"]).find(|(_, p)| !tuning.contains_key(*p))
    {
        Some((missing, _)) => Err(BadSource::Untuned(missing)),
        None => Ok(Source::Tuner { adapter, frontend, tuning }),
    }
}

impl Takes {
    fn fits(&self, value: &str) -> bool {
        match self {
            Self::Number => value.parse::<u32>().is_ok(),
            Self::OneOf(words) => words.contains(&value),
        }
    }

    fn shown(&self, name: &str) -> String {
        match self {
            Self::Number => format!("{name}=NUMBER"),
            Self::OneOf(words) => format!("{name}={}", words.join("|")),
        }
    }
}
