//! The demo county as `config/county.toml` would say it.

use std::fmt::Write;
use std::path::Path;

use super::county::{DemoChannel, DemoCounty, DemoSite, DemoTerminal, DemoTownship, Params, token};
use super::stations::{Station, stations};
use super::toml_text::{inline, list, quoted};
use crate::base::Lang;
use crate::config::Rung;
use crate::sites::{DeviceKind, TokenHash};

/// The county's configuration file.
pub fn county_toml(p: &Params) -> String {
    let county = DemoCounty::new();
    let mut out = head(p, &county);
    for (number, channel) in (1..).zip(&county.channels) {
        out += &channel_table(number, channel);
    }
    for (station, port) in stations().iter().zip([p.national_port, p.regional_port]) {
        out += &relay_table(station, port);
    }
    out += TOPICS;
    for township in &county.townships {
        out += &township_table(township);
    }
    for township in &county.townships {
        township.sites.iter().for_each(|site| out += &site_table(township, site));
    }
    county.terminals().for_each(|(site, terminal)| out += &terminal_table(p, site, terminal));
    out
}

/// What its lessons are about.
const TOPICS: &str = r#"
[[topic]]
id = "agriculture"
name = { zh-Hans = "种植", ug-Arab = "تېرىقچىلىق", kk-Cyrl = "Егіншілік", ky-Cyrl = "Дыйканчылык", en = "Farming" }

[[topic]]
id = "livestock"
name = { zh-Hans = "畜牧", ug-Arab = "چارۋىچىلىق", kk-Cyrl = "Мал шаруашылығы", ky-Cyrl = "Мал чарбачылыгы", en = "Livestock" }

[[topic]]
id = "law"
name = { zh-Hans = "法律与安全", ug-Arab = "قانۇن ۋە بىخەتەرلىك", kk-Cyrl = "Заң және қауіпсіздік", ky-Cyrl = "Мыйзам жана коопсуздук", en = "Law and safety" }
"#;

fn path(path: &Path) -> String {
    quoted(&path.to_string_lossy())
}

fn langs(langs: &[Lang]) -> String {
    list(langs.iter().map(Lang::as_str))
}

fn head(p: &Params, county: &DemoCounty) -> String {
    let rungs: String = p.ladder.iter().map(rung_table).collect();
    format!(
        "# The demo county. Everything in it is invented.

name = {}
timezone = \"Asia/Urumqi\"
languages = [\"zh-Hans\", \"ug-Arab\", \"kk-Arab\", \"kk-Cyrl\", \"ky-Arab\", \"ky-Cyrl\", \"mn-Mong\", \"en\"]
listen = {}
data = {}
media = {}
schedules = {}

[packaging]
jobs = {}
{rungs}",
        inline(&county.names),
        quoted(&p.listen.to_string()),
        path(&p.data),
        path(&p.media),
        path(&p.schedules),
        p.jobs,
    )
}

fn rung_table(rung: &Rung) -> String {
    format!(
        "\n[[packaging.ladder]]\nname = {}\nheight = {}\nkbps = {}\n",
        quoted(&rung.name),
        rung.height,
        rung.kbps
    )
}

fn channel_table(number: u32, channel: &DemoChannel) -> String {
    format!(
        "\n[[channel]]\nid = {}\nnumber = {number}\nname = {}\nlang = {}\naudio = {}\nsubtitles = {}\n",
        quoted(channel.id.as_str()),
        inline(&channel.names),
        quoted(channel.lang.as_str()),
        langs(&channel.audio),
        langs(&channel.subtitles),
    )
}

fn relay_table(station: &Station, port: u16) -> String {
    let spoken: Vec<Lang> = station.voices.iter().map(|voice| voice.lang.clone()).collect();
    format!(
        "\n[[relay]]\nid = {}\nname = {}\nsources = [\"udp://127.0.0.1:{port}\"]\naudio = {}\nmax_segment = \"5s\"\n",
        quoted(station.id.as_str()),
        inline(&station.names),
        langs(&spoken),
    )
}

fn township_table(township: &DemoTownship) -> String {
    format!("\n[[township]]\nid = {}\nname = {}\n", quoted(township.id.as_str()), inline(&township.names))
}

fn site_table(township: &DemoTownship, site: &DemoSite) -> String {
    format!(
        "\n[[site]]\nid = {}\ntownship = {}\nname = {}\n",
        quoted(site.id.as_str()),
        quoted(township.id.as_str()),
        inline(&site.names)
    )
}

fn terminal_table(p: &Params, site: &DemoSite, terminal: &DemoTerminal) -> String {
    let device = match terminal.device {
        DeviceKind::Computer => "computer",
        DeviceKind::Tv => "tv",
        DeviceKind::Phone => "phone",
    };
    let hash = hex::encode(TokenHash::of(&token(&p.seed, &terminal.id)).0);
    let mut out = format!("\n[[terminal]]\nid = {}\n", quoted(terminal.id.as_str()));
    // Writing to a String cannot fail.
    let _ = writeln!(out, "site = {}", quoted(site.id.as_str()));
    let _ = writeln!(out, "name = {}", inline(&terminal.names));
    let _ = writeln!(out, "device = {}\ntoken_sha256 = {}", quoted(device), quoted(&hash));
    out
}

#[cfg(test)]
mod tests {
    use super::super::county::tokens;
    use super::*;
    use crate::base::TerminalId;
    use crate::config::{Source, parse};

    fn params() -> Params {
        Params {
            listen: ([127, 0, 0, 1], 8080).into(),
            data: "/srv/a \"demo\"/data".into(),
            media: "media".into(),
            schedules: "schedules".into(),
            national_port: 5001,
            regional_port: 5002,
            ladder: vec![
                Rung { name: "v480".into(), height: 480, kbps: 800 },
                Rung { name: "v240".into(), height: 240, kbps: 300 },
            ],
            jobs: 2,
            seed: "a seed".into(),
        }
    }

    #[test]
    fn the_server_takes_the_demo_county() {
        let p = params();
        let text = county_toml(&p);
        let county = parse(Path::new("county.toml"), &text, Path::new("demo"))
            .unwrap_or_else(|problems| panic!("{problems}\n\n{text}"));
        assert_eq!(county.listen, p.listen);
        assert_eq!(county.data, p.data);
        assert_eq!(county.media, Path::new("demo/media"));
        assert_eq!(county.packaging.ladder, p.ladder);
        assert_eq!((county.channels.len(), county.relays.len()), (3, 2));
        assert_eq!(
            county.relays[0].sources,
            [Source::Udp {
                address: ([127, 0, 0, 1], 5001).into(),
                interface: None,
                sender: None,
                rtp: false,
                fec: false
            }]
        );
        let registry = &county.registry;
        assert_eq!((registry.townships.len(), registry.sites.len(), registry.terminals.len()), (3, 8, 10));
    }

    #[test]
    fn a_terminal_is_known_by_its_token() {
        let p = params();
        let county = parse(Path::new("county.toml"), &county_toml(&p), Path::new("")).expect("a county");
        for (id, token) in tokens(&p) {
            let found: Option<&TerminalId> = county.registry.by_token(&token).map(|t| &t.id);
            assert_eq!(found, Some(&id));
        }
    }
}
