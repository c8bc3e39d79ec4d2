//! Addresses of upstreams.

use std::net::{IpAddr, SocketAddr};

use super::Source;

/// A text that is not the address of an upstream.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadSource {
    #[error("`{0}` has no scheme: expected \"udp://@239.1.1.1:5000\" or \"udp://127.0.0.1:5001\"")]
    NoScheme(String),
    #[error("`{scheme}://` sources are not supported: expected udp:// with an MPEG transport stream")]
    Scheme { scheme: String },
    #[error(
        "`{0}` is not an address and port: expected \"239.1.1.1:5000\" or \"[ff15::1]:5000\" after udp://"
    )]
    Address(String),
    #[error("port 0 receives nothing: expected 1 to 65535")]
    Port,
    #[error("`{0}` is not known here: the only option of a udp:// source is ?interface=ADDRESS")]
    Option(String),
    #[error(
        "`{0}` is not the address of a network interface: expected one of this machine's, such as 10.0.0.2"
    )]
    Interface(String),
    #[error(
        "{0} is not a multicast group: without the `@` this machine receives on its own address, and only a group needs an interface"
    )]
    NotAGroup(IpAddr),
    #[error("the group {group} and the interface {interface} are of different IP versions")]
    Versions { group: IpAddr, interface: IpAddr },
}

/// Reads `udp://[@]ADDRESS:PORT[?interface=ADDRESS]`; the `@` marks a multicast group.
pub(super) fn parse_source(url: &str) -> Result<Source, BadSource> {
    let (scheme, rest) = url.split_once("://").ok_or_else(|| BadSource::NoScheme(url.to_owned()))?;
    if scheme != "udp" {
        return Err(BadSource::Scheme { scheme: scheme.to_owned() });
    }
    let (place, query) = rest.split_once('?').map_or((rest, None), |(p, q)| (p, Some(q)));
    let (marked, place) = place.strip_prefix('@').map_or((false, place), |p| (true, p));
    let address: SocketAddr = place.parse().map_err(|_| BadSource::Address(place.to_owned()))?;
    if address.port() == 0 {
        return Err(BadSource::Port);
    }
    let interface = query.map(interface).transpose()?;
    let group = address.ip();
    if (marked || interface.is_some()) && !group.is_multicast() {
        return Err(BadSource::NotAGroup(group));
    }
    match interface {
        Some(interface) if interface.is_ipv4() != group.is_ipv4() => {
            Err(BadSource::Versions { group, interface })
        }
        interface => Ok(Source::Udp { address, interface }),
    }
}

fn interface(query: &str) -> Result<IpAddr, BadSource> {
    let value = query.strip_prefix("interface=").ok_or_else(|| BadSource::Option(query.to_owned()))?;
    value.parse().map_err(|_| BadSource::Interface(value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unicast_and_multicast_sources_are_told_apart() {
        let udp = |a: &str, i: Option<&str>| Source::Udp {
            address: a.parse().unwrap(),
            interface: i.map(|i| i.parse().unwrap()),
        };
        assert_eq!(parse_source("udp://127.0.0.1:5001"), Ok(udp("127.0.0.1:5001", None)));
        assert_eq!(parse_source("udp://@239.1.1.1:5000"), Ok(udp("239.1.1.1:5000", None)));
        let full = parse_source("udp://@239.1.1.1:5000?interface=10.0.0.2");
        assert_eq!(full, Ok(udp("239.1.1.1:5000", Some("10.0.0.2"))));
        assert_eq!(parse_source("udp://@[ff15::1]:5000"), Ok(udp("[ff15::1]:5000", None)));
    }

    #[test]
    fn a_bad_source_says_what_was_expected() {
        for (url, says) in [
            ("239.1.1.1:5000", "no scheme"),
            ("rtmp://host/live", "`rtmp://` sources are not supported"),
            ("udp://studio:5000", "not an address and port"),
            ("udp://@239.1.1.1", "not an address and port"),
            ("udp://127.0.0.1:0", "port 0"),
            ("udp://@239.1.1.1:5000?ttl=3", "`ttl=3` is not known"),
            ("udp://@239.1.1.1:5000?interface=eth0", "`eth0` is not the address"),
            ("udp://@10.0.0.1:5000", "not a multicast group"),
            ("udp://10.0.0.1:5000?interface=10.0.0.2", "not a multicast group"),
            ("udp://@239.1.1.1:5000?interface=::1", "different IP versions"),
        ] {
            let error = parse_source(url).expect_err(url).to_string();
            assert!(error.contains(says), "{url}: {error}");
        }
    }
}
