//! Addresses to which channels are sent out.

use std::net::{IpAddr, SocketAddr};

use super::TsOutput;
use crate::base::Fault;
use crate::base::document::{At, Document};

/// A text that is not where a channel can be sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
enum BadOutput {
    #[error(
        "`{0}` is not where a channel can be sent: expected \"udp://239.2.1.1:5000\" or \"rtp://239.2.1.1:5000\""
    )]
    Address(String),
    #[error("`{0}` is not known here: the options are rate=BITS, interface=ADDRESS and ttl=ROUTERS")]
    Option(String),
    #[error("a rate of {0} bit/s cannot be: expected 500000 to 60000000")]
    Rate(u64),
}

pub(super) fn outputs(doc: &Document<'_>, given: Option<At<Vec<At<String>>>>) -> Vec<TsOutput> {
    let given = given.map(|list| list.value).unwrap_or_default();
    let read = given.into_iter().filter_map(|text| match parse(&text.value) {
        Ok(output) => Some(output),
        Err(error) => {
            doc.problem(text.at, Fault::Value, error.to_string());
            None
        }
    });
    read.collect()
}

/// `udp://ADDRESS:PORT?rate=…&interface=…&ttl=…`, or `rtp://…`.
fn parse(url: &str) -> Result<TsOutput, BadOutput> {
    let bad = || BadOutput::Address(url.to_owned());
    let (scheme, rest) = url.split_once("://").ok_or_else(bad)?;
    let rtp = match scheme {
        "udp" => false,
        "rtp" => true,
        _ => return Err(bad()),
    };
    let (place, query) = rest.split_once('?').map_or((rest, None), |(p, q)| (p, Some(q)));
    let address: SocketAddr = place.trim_start_matches('@').parse().map_err(|_| bad())?;
    if address.port() == 0 {
        return Err(bad());
    }
    let mut output = TsOutput { address, rtp, rate: None, interface: None, ttl: 8 };
    for option in query.into_iter().flat_map(|q| q.split('&')) {
        let odd = || BadOutput::Option(option.to_owned());
        match option.split_once('=').ok_or_else(odd)? {
            ("rate", value) => output.rate = Some(value.parse().map_err(|_| odd())?),
            ("interface", value) => output.interface = Some(value.parse::<IpAddr>().map_err(|_| odd())?),
            ("ttl", value) => output.ttl = value.parse().map_err(|_| odd())?,
            _ => return Err(odd()),
        }
    }
    match output.rate {
        Some(rate) if !(500_000..=60_000_000).contains(&rate) => Err(BadOutput::Rate(rate)),
        _ => Ok(output),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_is_read_and_what_cannot_be_is_told() {
        let read = parse("rtp://@239.2.1.1:5000?rate=4000000&interface=10.0.0.2&ttl=2").expect("an output");
        let expected = TsOutput {
            address: "239.2.1.1:5000".parse().expect("an address"),
            rtp: true,
            rate: Some(4_000_000),
            interface: "10.0.0.2".parse().ok(),
            ttl: 2,
        };
        assert_eq!(read, expected);
        for bad in [
            "239.2.1.1:5000",
            "srt://10.0.0.1:1",
            "udp://239.2.1.1",
            "udp://1.2.3.4:5?rate=9",
            "udp://1.2.3.4:5?x",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
