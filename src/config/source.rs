//! Addresses of upstreams.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use super::{Source, tuner};

/// A text that is not the address of an upstream.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadSource {
    #[error("`{0}` has no scheme: expected \"udp://@239.1.1.1:5000\" or \"http://host/stream.m3u8\"")]
    NoScheme(String),
    #[error(
        "`{scheme}://` sources are not supported: expected udp, rtp, http, https, rtsp, rtspt, rtsps, srt, rtmp, rtmps, publish, dvb or file"
    )]
    Scheme { scheme: String },
    #[error(
        "`{0}` is not an address and port: expected \"239.1.1.1:5000\" or \"[ff15::1]:5000\" after udp://"
    )]
    Address(String),
    #[error("port 0 receives nothing: expected 1 to 65535")]
    Port,
    #[error("port {0} leaves no room: parity comes two and four ports further on")]
    ParityPort(u16),
    #[error(
        "`{0}` is not known here: the options of a udp:// or rtp:// source are interface=ADDRESS and source=ADDRESS, and of rtp:// fec=2022-1"
    )]
    Option(String),
    #[error(
        "`{0}` is not the address of a network interface: expected one of this machine's, such as 10.0.0.2"
    )]
    Interface(String),
    #[error("`{0}` is not the address of a sender: expected one such as 10.0.0.2")]
    Sender(String),
    #[error(
        "{0} is not a multicast group: without the `@` this machine receives on its own address, and only a group needs an interface or a source"
    )]
    NotAGroup(IpAddr),
    #[error("the group {group} and {other} are of different IP versions")]
    Versions { group: IpAddr, other: IpAddr },
    #[error("`{0}` names no host: expected an address such as \"{1}://10.0.0.2/live\"")]
    NoHost(String, String),
    #[error(
        "an srt:// source needs a port: expected \"srt://10.0.0.2:9000\", or \"srt://:9000?mode=listener\" to be called"
    )]
    SrtPort,
    #[error(
        "`{0}` is no key: expected \"publish://KEY\" with 12 or more letters and figures that nobody can guess"
    )]
    Key(String),
    #[error(
        "`{0}` names no card: expected \"dvb://0?system=dtmb&frequency=650000000\", or \"dvb://0.1?…\" for its second frontend"
    )]
    Card(String),
    #[error("`{0}` is not known here: the options of a dvb:// source are {1}")]
    Tuning(String, String),
    #[error("a dvb:// source needs `{0}=…`")]
    Untuned(&'static str),
    #[error("`{0}` is no absolute path: expected \"file:///srv/loop.mp4\"")]
    Path(String),
}

/// Reads the address of an upstream:
///
/// - `udp://[@]ADDRESS:PORT[?interface=ADDRESS][&source=ADDRESS]`; the `@` marks a
///   multicast group. `rtp://` likewise; `fec=2022-1`: with parity beside it.
/// - `http(s)://…` with MPEG-TS or HLS, `rtsp(s)://…`, `rtmp(s)://…`. `rtspt://…` is RTSP
///   with its packets in the TCP connection, where nothing else gets through.
/// - `srt://HOST:PORT?passphrase=…&latency=…`; `srt://:PORT?mode=listener` is called.
/// - `publish://KEY`: an encoder publishes to us by RTMP with that key.
/// - `file:///PATH`, again and again.
/// - `dvb://ADAPTER[.FRONTEND]?system=…&frequency=…`: a card of this machine.
pub(super) fn parse_source(url: &str) -> Result<Source, BadSource> {
    let (scheme, rest) = url.split_once("://").ok_or_else(|| BadSource::NoScheme(url.to_owned()))?;
    match scheme {
        "udp" | "rtp" => datagrams(rest, scheme == "rtp"),
        "http" | "https" | "rtsp" | "rtspt" | "rtsps" | "rtmp" | "rtmps" => {
            let host = rest.split(['/', '?']).next().unwrap_or_default();
            let host = host.rsplit('@').next().unwrap_or_default();
            if host.is_empty() || host.starts_with(':') || rest.contains(char::is_whitespace) {
                return Err(BadSource::NoHost(url.to_owned(), scheme.to_owned()));
            }
            Ok(Source::Address { url: url.to_owned() })
        }
        "srt" => {
            let place = rest.split(['/', '?']).next().unwrap_or_default();
            let port = place.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok());
            if port.is_none_or(|port| port == 0) {
                return Err(BadSource::SrtPort);
            }
            let called = rest.split(['?', '&']).any(|option| option == "mode=listener");
            if place.starts_with(':') && !called {
                return Err(BadSource::NoHost(url.to_owned(), scheme.to_owned()));
            }
            Ok(Source::Address { url: url.to_owned() })
        }
        "dvb" => tuner::tuner(rest),
        "file" => {
            let path = PathBuf::from(rest);
            if path.is_absolute() { Ok(Source::File { path }) } else { Err(BadSource::Path(rest.to_owned())) }
        }
        "publish" => {
            let plain = rest.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
            match plain && rest.len() >= 12 {
                true => Ok(Source::Published { key: rest.to_owned() }),
                false => Err(BadSource::Key(rest.to_owned())),
            }
        }
        _ => Err(BadSource::Scheme { scheme: scheme.to_owned() }),
    }
}

fn datagrams(rest: &str, rtp: bool) -> Result<Source, BadSource> {
    let (place, query) = rest.split_once('?').map_or((rest, None), |(p, q)| (p, Some(q)));
    let (marked, place) = place.strip_prefix('@').map_or((false, place), |p| (true, p));
    let address: SocketAddr = place.parse().map_err(|_| BadSource::Address(place.to_owned()))?;
    if address.port() == 0 {
        return Err(BadSource::Port);
    }
    let (mut interface, mut sender, mut fec) = (None, None, false);
    for option in query.into_iter().flat_map(|q| q.split('&')) {
        match option.split_once('=') {
            Some(("interface", value)) => {
                interface = Some(value.parse().map_err(|_| BadSource::Interface(value.to_owned()))?);
            }
            Some(("source", value)) => {
                sender = Some(value.parse().map_err(|_| BadSource::Sender(value.to_owned()))?);
            }
            Some(("fec", "2022-1")) if rtp => fec = true,
            _ => return Err(BadSource::Option(option.to_owned())),
        }
    }
    if fec && address.port() > u16::MAX - 4 {
        return Err(BadSource::ParityPort(address.port()));
    }
    let group = address.ip();
    let of_a_group: Vec<IpAddr> = interface.into_iter().chain(sender).collect();
    if (marked || !of_a_group.is_empty()) && !group.is_multicast() {
        return Err(BadSource::NotAGroup(group));
    }
    if let Some(other) = of_a_group.into_iter().find(|other| other.is_ipv4() != group.is_ipv4()) {
        return Err(BadSource::Versions { group, other });
    }
    Ok(Source::Udp { address, interface, sender, rtp, fec })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unicast_and_multicast_sources_are_told_apart() {
        let udp = |a: &str, i: Option<&str>| Source::Udp {
            address: a.parse().unwrap(),
            interface: i.map(|i| i.parse().unwrap()),
            sender: None,
            rtp: false,
            fec: false,
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
            ("ftp://host/live", "`ftp://` sources are not supported"),
            ("rtp://studio:5000", "not an address and port"),
            ("udp://@232.1.1.1:5000?source=sat", "`sat` is not the address of a sender"),
            ("udp://10.0.0.1:5000?source=10.0.0.2", "not a multicast group"),
            ("http:///live.ts", "names no host"),
            ("rtsp://:554/live", "names no host"),
            ("srt://10.0.0.2", "needs a port"),
            ("srt://:9000", "names no host"),
            ("file://loop.mp4", "no absolute path"),
            ("dvb://card?system=dtmb", "names no card"),
            ("dvb://0?frequency=650000000", "needs `system=…`"),
            ("dvb://0?system=dtmb", "needs `frequency=…`"),
            ("dvb://0?system=dvb-x&frequency=1", "`system=dvb-x` is not known"),
            ("dvb://0?system=dtmb&frequency=650MHz", "`frequency=650MHz` is not known"),
            ("dvb://0?system=dtmb&frequency=650000000&colour=red", "`colour=red` is not known"),
            ("publish://short", "is no key"),
            ("publish://a key with blanks", "is no key"),
            ("udp://studio:5000", "not an address and port"),
            ("udp://@239.1.1.1", "not an address and port"),
            ("udp://127.0.0.1:0", "port 0"),
            ("udp://@239.1.1.1:5000?ttl=3", "`ttl=3` is not known"),
            ("rtp://@239.1.1.1:65533?fec=2022-1", "port 65533 leaves no room"),
            ("udp://@239.1.1.1:5000?fec=2022-1", "`fec=2022-1` is not known"),
            ("udp://@239.1.1.1:5000?interface=eth0", "`eth0` is not the address"),
            ("udp://@10.0.0.1:5000", "not a multicast group"),
            ("udp://10.0.0.1:5000?interface=10.0.0.2", "not a multicast group"),
            ("udp://@239.1.1.1:5000?interface=::1", "different IP versions"),
        ] {
            let error = parse_source(url).expect_err(url).to_string();
            assert!(error.contains(says), "{url}: {error}");
        }
    }

    #[test]
    fn addresses_of_other_servers_are_taken_as_they_are() {
        for url in [
            "http://10.0.0.2:8080/live.ts",
            "https://user:secret@tv.example/live/index.m3u8?key=1",
            "rtsp://10.0.0.2/camera",
            "rtspt://10.0.0.2/camera",
            "rtmp://10.0.0.2/live/key",
            "srt://10.0.0.2:9000?passphrase=a-long-secret&latency=400",
            "srt://:9000?mode=listener",
        ] {
            assert_eq!(parse_source(url), Ok(Source::Address { url: url.to_owned() }));
        }
        assert_eq!(parse_source("file:///srv/loop.mp4"), Ok(Source::File { path: "/srv/loop.mp4".into() }));
        let tuned = parse_source("dvb://1.2?system=dvb-s2&frequency=11880000&symbol_rate=27500&polarity=h");
        let tuning =
            [("delsys", "dvb-s2"), ("frequency", "11880000"), ("polarity", "h"), ("symbol-rate", "27500")];
        let tuning = tuning.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
        assert_eq!(tuned, Ok(Source::Tuner { adapter: 1, frontend: 2, tuning }));
        let rtp = parse_source("rtp://@232.1.1.1:5004?interface=10.0.0.2&source=10.9.9.9&fec=2022-1");
        let expected = Source::Udp {
            address: "232.1.1.1:5004".parse().unwrap(),
            interface: Some("10.0.0.2".parse().unwrap()),
            sender: Some("10.9.9.9".parse().unwrap()),
            rtp: true,
            fec: true,
        };
        assert_eq!(rtp, Ok(expected));
    }
}
